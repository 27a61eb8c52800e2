"""A real Ray, started here, and the sandbox: one client gets the same from both."""

from __future__ import annotations

import json
import shlex
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray_head import RayHead
from test_ray_sandbox import python, say, working_folder

from swnb import sandbox

__all__ = ["python"]  # a fixture

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a head is found again by /proc"),
]

SCRIPT = """
import ray
ray.init(logging_level="error")
@ray.remote
def square(x): return x * x
@ray.remote
class Counter:
    def add(self): return 1
counter = Counter.remote()
print(sum(ray.get([square.remote(n) for n in range(3)])), ray.get(counter.add.remote()))
"""


@pytest.fixture(scope="module")
def head(python: Path) -> Iterator[RayHead]:
    with RayHead() as running:
        yield running


def get(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as reply:
        return json.load(reply)


def post(url: str, body: object) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, json.dumps(body).encode()), timeout=30) as reply:
        return json.load(reply)


def test_a_head_tells_its_version_as_the_sandbox_does(head: RayHead) -> None:
    with sandbox.run(["ray"], jobs=0) as box:
        ours = get(f"{box.url('ray')}/api/version")
    real = get(f"{head.url}/api/version")
    assert real.keys() == ours.keys()
    assert (real["version"], real["ray_version"]) == (ours["version"], ours["ray_version"])


def test_the_official_client_gets_the_same_from_both(head: RayHead, python: Path, tmp_path: Path) -> None:
    folder = working_folder(tmp_path)
    real = say(python, tmp_path, {"url": head.url, "folder": folder})
    with sandbox.run(["ray"], jobs=0, allow_run=True) as box:
        ours = say(python, tmp_path, {"url": box.url("ray"), "folder": folder})
    assert real == ours


def test_tasks_of_a_real_job_are_summed_up_in_the_sandboxs_shape(head: RayHead, python: Path) -> None:
    body = {"entrypoint": shlex.join([str(python), "-c", SCRIPT]), "submission_id": "tasks"}
    post(f"{head.url}/api/jobs/", body)
    core = ended(head.url, "tasks")
    counts = {name: entry["state_counts"] for name, entry in summed(head.url, core)["summary"].items()}
    assert counts == {"square": {"FINISHED": 3}, "Counter.__init__": {"FINISHED": 1}, "Counter.add": {"FINISHED": 1}}
    with sandbox.run(["ray"], jobs=40) as box:
        jobs = get(f"{box.url('ray')}/api/jobs/")
        ours = summed(
            box.url("ray"), next(job["job_id"] for job in jobs if job["job_id"] and job["status"] == "SUCCEEDED")
        )
    assert shape(ours) == shape(summed(head.url, core))


def ended(url: str, job: str) -> str:
    """The core id of the job when it has ended well."""
    until = time.monotonic() + 120
    while (record := get(f"{url}/api/jobs/{job}"))["status"] in {"PENDING", "RUNNING"} and time.monotonic() < until:
        time.sleep(0.2)
    assert record["status"] == "SUCCEEDED", record["message"]
    return str(record["job_id"])


def summed(url: str, core: str) -> dict[str, Any]:
    """Its tasks; a real head knows of an end a moment later."""
    query = f"filter_keys=job_id&filter_predicates=%3D&filter_values={core}"
    until = time.monotonic() + 20
    while True:
        reply = get(f"{url}/api/v0/tasks/summarize?{query}")
        cluster = dict(reply["data"]["result"]["result"]["node_id_to_summary"]["cluster"])
        states = {state for entry in cluster["summary"].values() for state in entry["state_counts"]}
        if states == {"FINISHED"} or time.monotonic() > until:
            return cluster
        time.sleep(0.2)


def shape(cluster: dict[str, Any]) -> tuple[set[str], set[str], set[str]]:
    entries = cluster["summary"].values()
    return {*cluster}, {name for entry in entries for name in entry}, {entry["type"] for entry in entries}
