"""``OpenApi`` of the official SwanLab SDK 0.7.20 and of swnb give the same answers from one sandbox.

Where they differ, the test says how and why.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import SWANLAB_07
from swanlab_probe import KEYS, plain, probe_openapi

from swnb import sandbox
from swnb.sdk.swanlab import OpenApi

CODE = """
import json, pathlib, sys
import swanlab, swanlab_probe
found = swanlab_probe.probe_openapi(swanlab.OpenApi, *sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(json.dumps(found))
"""
PROJECT = "mnist"
METRICS = ("metrics", "metrics of one key", "metrics with a key that is not there", "no metrics")
RUNS = ("experiments", "experiment")


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return SWANLAB_07.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(seed=3, jobs=24, clock="manual") as running:
        yield running


@pytest.fixture(scope="module")
def run(box: sandbox.Box) -> str:
    """A run that ended well and has curves of all kinds."""
    api = OpenApi(box.token("swanlab"), host=box.url("swanlab"))
    runs = api.list_experiments(PROJECT).data
    ended = [each for each in runs if each.state == "FINISHED"]
    return next(each.cuid for each in ended if set(KEYS) <= api.get_summary(PROJECT, each.cuid).data.keys())


@pytest.fixture(scope="module")
def theirs(python: Path, box: sandbox.Box, run: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("sdk")
    env = os.environ | {
        "HOME": str(home),
        "SWANLAB_SAVE_DIR": str(home / ".swanlab"),
        "SWANLAB_API_HOST": f"{box.url('swanlab')}/api",
        "SWANLAB_WEB_HOST": box.url("swanlab"),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    found = home / "found.json"
    command = [str(python), "-c", CODE, str(found), box.token("swanlab"), PROJECT, run]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(found.read_text()))


@pytest.fixture(scope="module")
def mine(box: sandbox.Box, run: str) -> Iterator[dict[str, Any]]:
    """The same lines, with swnb's class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWANLAB_API_HOST", f"{box.url('swanlab')}/api")
        yield json.loads(json.dumps(probe_openapi(OpenApi, box.token("swanlab"), PROJECT, run)))


def test_all_other_answers_are_the_same(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    assert theirs.keys() == mine.keys()
    told = {name: found for name, found in theirs.items() if name not in (*METRICS, *RUNS)}
    assert len(told) >= 10
    for name, found in told.items():
        assert mine[name] == found, name


def test_runs_are_the_same_but_for_what_the_page_says(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    """A run that is not over has no ``finishedAt``: None on the page, "" with the vendor. On the page the config is
    plain, the vendor's is wrapped."""
    for name in RUNS:
        found = theirs[name]["data"]
        for each in found if isinstance(found, list) else [found]:
            each["finishedAt"] = each["finishedAt"] or None
            each["profile"]["config"] = {key: entry["value"] for key, entry in each["profile"]["config"].items()}
        assert mine[name] == theirs[name], name
    states = {each["state"] for each in mine["experiments"]["data"]}
    assert {"FINISHED", "RUNNING"} <= states
    assert mine["experiment"]["data"]["profile"].keys() > {"config", "metadata"}


def test_metrics_are_the_same_but_no_step_is_lost(theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    """The vendor keeps only the steps that all keys have, leaves the order of its columns to chance, and the run's
    name before them where the key that it happens to ask first is not there."""
    prefix = theirs["experiment"]["data"]["name"] + "-"
    for name in METRICS:
        frame = theirs[name]["data"]["$frame"]
        theirs[name]["data"]["$frame"] = {column.removeprefix(prefix): cells for column, cells in frame.items()}
        assert (mine[name]["code"], mine[name]["errmsg"]) == (theirs[name]["code"], theirs[name]["errmsg"]), name
        assert by_step(mine[name], whole=True) == by_step(theirs[name]), name
    columns = list(mine["metrics"]["data"]["$frame"])
    assert columns == [f"{key}{end}" for key in KEYS for end in ("", "_timestamp")]
    assert len(by_step(mine["metrics"])) > len(by_step(theirs["metrics"])) > 3
    assert len(by_step(theirs["metrics of one key"])) > 50


def by_step(reply: dict[str, Any], whole: bool = False) -> dict[int, dict[str, Any]]:
    """The rows of a frame; ``whole``: of the steps that all keys have."""
    frame, index = reply["data"]["$frame"], reply["data"]["index"]
    rows = {step: {name: column[at] for name, column in frame.items()} for at, step in enumerate(index)}
    missing = plain(math.nan)
    return {
        step: row
        for step, row in rows.items()
        if not whole or all(row[name] != missing for name in row if name.endswith("_timestamp"))
    }
