"""The official Starwhale SDK and swnb give the same answers: from the sandbox, and from a Standalone store.

Where they differ, the vendor has a fault (starwhale paper, section 10), and the test says which.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import STARWHALE
from starwhale_probe import main

import swnb
from swnb import sandbox
from swnb.sdk import starwhale as ours

PROBE = Path(__file__).with_name("starwhale_probe.py")


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return STARWHALE.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(seed=3, jobs=24, clock="manual") as running:
        yield running


@pytest.fixture(scope="module")
def theirs(python: Path, box: sandbox.Box, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("sdk")
    env = os.environ | {"SW_CLI_CONFIG": str(home / "config.yaml"), "SW_LOCAL_STORAGE": str(home / "root")}
    command = [str(python), str(PROBE), box.url("starwhale"), *box.user("starwhale"), "1"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def mine(box: sandbox.Box) -> Iterator[dict[str, Any]]:
    """The same lines, with swnb's surface; signing in is what an import cannot change."""

    def login(url: str, alias: str, username: str, password: str) -> None:
        server = swnb.connect(alias, f"starwhale+{url}", user=username, password=password)
        server.projects()

    found = main(
        SimpleNamespace(Job=ours.Job, job=ours.job, login=login), box.url("starwhale"), *box.user("starwhale"), "1"
    )
    yield json.loads(json.dumps(found))
    for name in ("probe", "other"):
        swnb.forget(name)


def test_lists_and_their_pages_are_the_same(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    assert len(theirs["list"]["uuids"]) == len(set(theirs["list"]["uuids"])) > 5
    assert mine["list"] == theirs["list"]


def test_every_job_reads_the_same(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    assert theirs["jobs"].keys() == mine["jobs"].keys()
    rows = 0
    for uuid, job in theirs["jobs"].items():
        assert mine["jobs"][uuid] == job, uuid
        rows += sum(table["count"] for table in job["tables"].values())
    assert rows > 1000


def test_a_job_is_the_same_by_number_uuid_and_address(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    assert mine["by number"] == theirs["by number"]
    assert mine["by address"] == theirs["by address"]
    assert mine["missing table"] == theirs["missing table"] == []


def test_what_is_an_error_there_is_an_error_here(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    assert theirs["errors"].keys() == mine["errors"].keys()
    assert mine["errors"] == {
        "unknown job": "NotFound",  # theirs dies of the error's own form (fault 27)
        "unknown project": "NotFound",
        "wrong password": "TokenRejected",
    }
    assert "no error" not in theirs["errors"].values()
