"""The official Istari client 13.3.4 and swnb's surface read and do the same: one probe, one sandbox each, of the same
world.

Where they differ, the vendor has a fault (istari paper, section 5), and the test says which.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from environments import ISTARI
from istari_probe import around, failure, main
from test_istari_sandbox import PROBE, facts_of

from swnb import sandbox
from swnb.sdk import istari

#: where the answers differ: (the vendor's, ours)
DIFFERENT: dict[str, tuple[Any, Any]] = {
    # Errors are ours, each with its meaning.
    "lists/too large": ("ValidationError", "BadInput"),
    "lists/unknown sort": ("UnprocessableEntityException 422", "ServerError 422"),
    "reads/unknown": ("NotFoundException 404", "NotFound"),
    "reads/wrong kind": ("ForbiddenException 403", "Forbidden"),
    "changes/after the end": ("ConflictException 409", "ServerError 409"),
    "changes/archived twice": ("ConflictException 409", "ServerError 409"),
    "changes/restored twice": ("ConflictException 409", "ServerError 409"),
    "refused": ("UnauthorizedException 401", "TokenRejected"),
    # The vendor uploads other properties of a job's file and never attaches them.
    "properties/description": (None, "new"),
    "properties/display_name": ("sweep-lr", "shown"),
    "properties/external_identifier": (None, "x-1"),
    "properties/version_name": (None, "v2"),
}
NEW_FILE = re.compile(r"(?<=parameters)\w{8}(?=\.json)")
UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return ISTARI.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


def theirs(python: Path, box: sandbox.Box, folder: Path) -> dict[str, Any]:
    (folder / "facts.json").write_text(json.dumps(facts_of(box, folder)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ISTARI_")}
    command = [str(python), "-W", "ignore", str(PROBE), str(folder / "facts.json")]
    env = kept | {"HOME": str(folder)}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def ours(box: sandbox.Box, folder: Path) -> dict[str, Any]:
    """The same lines, with swnb's surface."""
    facts = facts_of(box, folder)

    def client(token: str) -> istari.Client:
        return istari.Client(istari.Configuration(registry_url=facts["url"], registry_auth_token=token))

    mine = client(facts["token"])
    found = {**main(istari, mine, facts), "around": around(mine, facts)}
    found["refused"] = failure(lambda: client("wrong").get_job(facts["completed"]))
    return dict(json.loads(json.dumps(found)))


def known(document: dict[str, Any], ids: set[str]) -> Any:
    """A document in which what the clients or the box invented on the way has no id and no name of its own."""
    said = UUID.sub(lambda found: found[0] if found[0] in ids else "NEW", json.dumps(document))
    return json.loads(NEW_FILE.sub("", said))


def ids_of(box: sandbox.Box) -> set[str]:
    server = box.platform("istari")
    return set(UUID.findall(str([bytes(job.record(server.now, server.store)) for job in server.jobs])))


def differences(left: Any, right: Any, where: str = "") -> dict[str, tuple[Any, Any]]:
    """The innermost places at which two documents differ."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        found: dict[str, tuple[Any, Any]] = {}
        for name in left:
            found |= differences(left[name], right[name], f"{where}/{name}" if where else name)
        return found
    return {} if left == right else {where: (left, right)}


def test_the_vendors_client_and_ours_say_the_same_but_for_named_differences(python: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "theirs", tmp_path / "ours"]
    for folder in folders:
        folder.mkdir()
    with sandbox.run(["istari"], seed=3, jobs=60, clock="manual") as box:
        ids = ids_of(box)
        said = theirs(python, box, folders[0])
    with sandbox.run(["istari"], seed=3, jobs=60, clock="manual") as other:
        assert ids_of(other) == ids
        mine = ours(other, folders[1])
        assert other.platform("istari").authorization_on_links == 0
    assert differences(known(said, ids), known(mine, ids)) == DIFFERENT
