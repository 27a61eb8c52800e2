"""The official Ray client reads the sandbox and acts on it, and gets what the box holds."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from environments import RAY

from swnb import sandbox
from swnb.sandbox.rayjobs import Ray

PROBE = Path(__file__).with_name("ray_probe.py")

pytestmark = pytest.mark.timeout(400)  # the environment may have to be made first


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return RAY.python()
    except (RuntimeError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S CLIENT IS NOT TESTED: {error}")


def say(python: Path, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The document of the vendor's client."""
    (folder / "facts.json").write_text(json.dumps(facts))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [str(python), "-W", "ignore", str(PROBE), str(folder / "facts.json")]
    env = kept | {"HOME": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def working_folder(folder: Path) -> str:
    """A folder to upload, with a file in it."""
    place = folder / "work"
    place.mkdir()
    (place / "data.txt").write_text("from the folder\n")
    return str(place)


def test_the_official_client_reads_the_made_up_world(python: Path, tmp_path: Path) -> None:
    with sandbox.run(["ray"], jobs=60, clock="manual") as box:
        ray: Ray = box.platform("ray")
        ray.auth = True
        held = [json.loads(ray.body(job)) for job in ray.shelf]
        one_each = {job["status"]: job for job in held if job["type"] == "SUBMISSION"}
        facts = {
            "url": box.url("ray"),
            "headers": {"Authorization": f"Bearer {box.token('ray')}"},
            "jobs": [job["submission_id"] for job in one_each.values()],
            "ended": one_each["SUCCEEDED"]["submission_id"],
            "driver": next(job["job_id"] for job in held if job["type"] == "DRIVER"),
        }
        said = say(python, tmp_path, facts)
        log = "".join(f"{line}\n" for line in ray.lines(ray.shelf.get(facts["ended"])))
    assert said["counts"] == Counter(f"{job['type']} {job['status']}" for job in held)
    assert {*one_each} == {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"}
    for status, job in one_each.items():
        info = said["infos"][job["submission_id"]]
        assert (info["status"], info["metadata"]) == (status, job["metadata"])
        assert (info["entrypoint"], info["runtime_env"]) == (job["entrypoint"], job["runtime_env"])
        assert (info["driver_exit_code"], info["error_type"]) == (job["driver_exit_code"], job["error_type"])
    assert said["logs"] == said["tail"] == log
    assert said["driver"]["type"] == "DRIVER"
    assert said["driver logs"] == ["RuntimeError", SAID_OF_DRIVERS["logs"]]
    assert said["driver stop"] == ["RuntimeError", SAID_OF_DRIVERS["stop"]]


SAID_OF_DRIVERS = {
    "logs": "Request failed with status code 400: Can only get logs of submission type jobs.",
    "stop": "Request failed with status code 400: Can only stop submission type jobs.",
}


def test_the_official_client_submits_watches_stops_and_deletes(python: Path, tmp_path: Path) -> None:
    with sandbox.run(["ray"], jobs=0, allow_run=True) as box:
        said = say(python, tmp_path, {"url": box.url("ray"), "folder": working_folder(tmp_path)})
    assert said["good"]["status"] == said["status"] == "SUCCEEDED"
    assert said["good logs"] == said["good tail"]
    assert said["good logs"].endswith(
        "Running entrypoint for job probe-good: sleep 0.5; echo hello $WORD\nhello there\n"
    )
    assert said["good"]["runtime_env"] == {"env_vars": {"WORD": "there"}}
    assert (said["bad"]["status"], said["bad"]["driver_exit_code"]) == ("FAILED", 3)
    assert said["folder logs"].endswith("from the folder\n")
    assert (said["stopped"], said["stopped info"]["status"], said["stopped twice"]) == (True, "STOPPED", False)
    assert (said["stop waiting"], said["still"]) == (True, "PENDING")
    assert said["listed"] == ["probe-bad", "probe-folder", "probe-good", "probe-long", "probe-waits"]
    assert said["deleted"]
    assert said["gone"] == ["RuntimeError", "Request failed with status code 404: Job probe-good does not exist."]
    assert said["named by itself"]
