"""The official Supervisely SDK and swnb's surface read and do the same: one probe, one sandbox each, of the same world.

Where they differ, the vendor has a fault (supervisely paper, section 9), and the test says which.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import SUPERVISELY
from supervisely_probe import collected, main
from test_supervisely_sandbox import PROBE, facts_of

from swnb import sandbox
from swnb.sdk.supervisely import Api

#: where the answers differ: (the vendor's, ours)
DIFFERENT: dict[str, tuple[Any, Any]] = {
    # Errors are ours, each with its meaning; the vendor's are those of its HTTP stack, or of stumbling over None.
    "lists/page mode": ("KeyError", "BadInput"),
    "lists/unknown workspace": ("HTTPError", "NotFound"),
    "reads/status of nothing": ("TypeError", "NotFound"),
    "reads/context of nothing": ("HTTPError", "NotFound"),
    "control/neither": ("ValueError", "BadInput"),
    "control/unknown agent": ("HTTPError", "NotFound"),
    "control/stop ended": ("HTTPError", "ServerError"),
    "control/stop clone": ("HTTPError", "Unsupported"),
    "fields/missing": ("KeyError", "FieldMissing"),
    "fields/no payload": ("KeyError", "BadKey"),
    "around/wrong target": ("KeyError", "BadKey"),
    "outputs/unknown project": ("ProjectNotFound", "NotFound"),
    "uploads/uneven": ("RuntimeError", "BadInput"),
    # The page says that wait tells whether the status was reached; the vendor's gives None.
    "waits/finished": (None, True),
    "waits/stopped instead": (None, False),
    "waits/target": (None, True),
}


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return SUPERVISELY.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


@pytest.fixture
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(["supervisely"], seed=3, jobs=60, clock="manual") as running:
        yield running


def theirs(python: Path, box: sandbox.Box, folder: Path) -> dict[str, Any]:
    (folder / "facts.json").write_text(json.dumps(facts_of(box, folder)))
    kept = {name: value for name, value in os.environ.items() if name not in {"SUPERVISELY_TASK_ID", "API_TOKEN"}}
    env = kept | {"HOME": str(folder), "SERVER_ADDRESS": box.url("supervisely")}
    command = [str(python), "-W", "ignore", str(PROBE), str(folder / "facts.json")]
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = dict(json.loads(done.stdout.replace(box.url("supervisely"), "URL")))
    return found | {"beside": {"abreast": found["beside"]["abreast"]}}  # the rest of it is other parts of the SDK


def ours(box: sandbox.Box, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The same lines, with swnb's surface."""
    facts = facts_of(box, folder)
    monkeypatch.delenv("SUPERVISELY_TASK_ID", raising=False)
    api = Api(facts["url"], facts["token"])
    abreast = asyncio.run(collected(api, {"workspaceId": facts["workspace"], "filter": [], "per_page": 5}))
    monkeypatch.setenv("SUPERVISELY_TASK_ID", str(facts["started"]))
    document = main(api, Api(facts["url"], facts["token"]), facts) | {"beside": {"abreast": abreast}}
    return dict(json.loads(json.dumps(document).replace(facts["url"], "URL")))


def differences(left: Any, right: Any, where: str = "") -> dict[str, tuple[Any, Any]]:
    """The innermost places at which two documents differ."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        found: dict[str, tuple[Any, Any]] = {}
        for name in left:
            found |= differences(left[name], right[name], f"{where}/{name}" if where else name)
        return found
    return {} if left == right else {where: (left, right)}


def test_the_vendors_sdk_and_ours_say_the_same_but_for_named_differences(
    python: Path, box: sandbox.Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / "theirs", tmp_path / "ours"]
    for folder in folders:
        folder.mkdir()
    said = theirs(python, box, folders[0])
    held = states(box)
    with sandbox.run(["supervisely"], seed=3, jobs=60, clock="manual") as other:
        mine = ours(other, folders[1], monkeypatch)
        assert states(other) == held
    assert differences(said, mine) == DIFFERENT


def states(box: sandbox.Box) -> Any:
    """What the box holds of each task when all is said: what was uploaded, shown, told and logged."""
    server = box.platform("supervisely")
    return {task.id: (dict(task.files), task.outputs, task.told) for task in server.tasks.values()}
