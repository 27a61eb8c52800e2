"""Metrics and summaries from a SwanLab server: swnb and the official SDKs, one sandbox with latency, one run.

Each reader runs in a process of its own (the SDKs by their own Python), and so does the sandbox. The SDKs read fewer
runs, since they take long; their time is told for one run. ``python bench_swanlab.py READER URL KEY RUNS`` is one.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUNS, KEYS, POINTS, LATENCY, ABREAST = 200, 5, 400, 0.05, 16
NAMES = [f"train/metric-{n}" for n in range(KEYS)]
FEW = 6  # runs that an SDK reads


def serve() -> None:
    """A sandbox of 200 runs; prints its address and key and serves until its input ends."""
    from swnb import sandbox

    with sandbox.run(platforms=("swanlab",), jobs=0, latency=LATENCY) as box:
        lab = box.platform("swanlab")
        workspace = box.user("swanlab")[0]
        lab.add_project(workspace, "bench")
        for run in range(RUNS):
            curves = {name: [(step, math.sin(step / 40 + run)) for step in range(POINTS)] for name in NAMES}
            lab.add_run(workspace, "bench", f"run-{run}", curves, config={"lr": 0.1})
        print(json.dumps([box.url("swanlab"), box.token("swanlab")]), flush=True)
        sys.stdin.read()


def ours(url: str, key: str, _runs: int) -> dict[str, Any]:
    import httpx_aiohttp  # noqa: F401
    import pandas as pd  # noqa: F401

    import swnb

    swnb.connect("bench", f"swanlab+{url}", token=key)
    began = time.perf_counter()
    jobs = swnb.jobs("bench/project/bench")
    listed = time.perf_counter() - began
    began = time.perf_counter()
    frame = swnb.metrics(jobs, NAMES)
    seconds = time.perf_counter() - began
    assert len(frame) == RUNS * KEYS * POINTS
    about = swnb.provenance(frame)
    began = time.perf_counter()
    summary = swnb.summary(jobs)
    took = time.perf_counter() - began
    asked = swnb.provenance(summary).requests
    assert len(summary) == RUNS
    return {"list": listed, "metrics": seconds, "requests": about.requests, "summary": took, "summary_requests": asked}


def sdk07(url: str, key: str, runs: int) -> dict[str, Any]:
    os.environ |= {"SWANLAB_API_HOST": f"{url}/api", "SWANLAB_WEB_HOST": url}
    from swanlab import OpenApi

    api = OpenApi(api_key=key)
    found = api.list_experiments(project="bench").data[:runs]
    began = time.perf_counter()
    for run in found:
        frame = api.get_metrics(run.cuid, NAMES).data
        assert len(frame) == POINTS
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for run in found:
        api.get_summary(project="bench", exp_id=run.cuid)
    return {"metrics": seconds / runs, "summary": (time.perf_counter() - began) / runs}


def sdk010(url: str, key: str, runs: int) -> dict[str, Any]:
    import swanlab

    api = swanlab.Api(api_key=key, host=url)
    found = list(api.runs(f"{api.username}/bench"))[:runs]
    began = time.perf_counter()
    for run in found:
        assert len(run.metrics(NAMES, all=True)["list"]) == KEYS
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for run in found:
        run.summary()
    return {"metrics": seconds / runs, "summary": (time.perf_counter() - began) / runs}


def read(reader: str, python: str, at: list[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {"HOME": home, "SWANLAB_ROOT": home, "SWNB_CONFIG_DIR": home, "NO_PROXY": "127.0.0.1"}
        command = [python, str(Path(__file__)), reader, *at, str(FEW)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=home)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    command = [sys.executable, str(Path(__file__)), "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        at = json.loads(server.stdout.readline())
        mine = read("ours", sys.executable, at)
        least = mine["requests"] * LATENCY / ABREAST
        print(f"{RUNS} runs x {KEYS} keys x {POINTS} points at {LATENCY * 1000:.0f} ms, {ABREAST} in flight")
        print(f"  swnb.jobs {mine['list']:.2f} s")
        print(
            f"  swnb.metrics {mine['metrics']:.2f} s, {mine['requests']} requests: {mine['metrics'] / least:.2f} times"
            f" requests x latency / {ABREAST} (wanted: at most 1.3)"
        )
        print(f"  swnb.summary {mine['summary']:.2f} s, {mine['summary_requests']} requests")
        for reader in ("sdk07", "sdk010"):
            python = os.environ.get(f"SWNB_SWANLAB_{reader[3:]}_PYTHON")
            if python:
                their = read(reader, python, at)
                print(
                    f"  {reader}: {their['metrics']:.2f} s a run for metrics, {their['summary']:.2f} s for its summary:"
                    f" swnb is {their['metrics'] * RUNS / mine['metrics']:.0f} and"
                    f" {their['summary'] * RUNS / mine['summary']:.0f} times as fast"
                )
        server.terminate()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    elif sys.argv[1:]:
        reader = {"ours": ours, "sdk07": sdk07, "sdk010": sdk010}[sys.argv[1]]
        print(json.dumps(reader(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main()
