"""Drawing and summing up many jobs: `python tests/bench/bench_compare.py`. Each figure is told beside what is wanted.

The kernel's share only: from data that is there to a PNG; the summaries come over loopback from a sandbox.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from swnb.frames.metrics import long
from swnb.model import Series
from swnb.plots import Chart, png

JOBS, KEYS = 500, 100


def curves(jobs: int, points: int) -> pd.DataFrame:
    dice = np.random.default_rng(1)
    steps = np.arange(points)
    made = [(f"lab/project/1/job/{n}", dice.normal(size=points).cumsum()) for n in range(jobs)]
    return long([(uri, Series("loss", steps, values)) for uri, values in made])


def took(call: Callable[[], object], times: int = 1) -> float:
    found = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return median(found)


def say(what: str, seconds: float, wanted: float, more: str = "") -> None:
    print(f"  {what}: {seconds * 1000:.0f} ms, {seconds / wanted:.2f} times the {wanted * 1000:.0f} ms wanted{more}")


def drawing() -> None:
    few, many = curves(20, 5_000), curves(50, 100_000)
    png(Chart(few.head(10)).figure)  # imports, fonts and first use are not what is measured
    chart = Chart(few)

    def redraw() -> int:
        chart.update(few)
        return len(png(chart.figure))

    say("20 lines x 5,000 points redrawn", took(redraw, 9), 0.06, f" ({redraw() / 1000:.0f} kB)")
    say("50 runs x 100,000 points first drawn", took(lambda: png(Chart(many).figure)), 1.0)
    chart = Chart(many)

    def zoom() -> None:
        chart.zoom((40_000.0, 41_000.0))
        png(chart.figure)

    say("a range of them zoomed", took(zoom, 5), 0.25)


def summing() -> None:
    import swnb

    with subprocess.Popen(
        [sys.executable, str(Path(__file__)), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address, key = server.stdout.readline().split()
        with tempfile.TemporaryDirectory() as home:
            os.environ["SWNB_CONFIG_DIR"] = home
            swnb.connect("bench", f"swanlab+{address}", token=key)
            swnb.summary("bench/project/bench", keys=["m0"])
            frame = swnb.summary("bench/project/bench")
            seconds = took(lambda: swnb.summary("bench/project/bench"), 3)
            assert len(frame) == JOBS
            say(f"swnb.summary of {frame.shape[0]} jobs x {KEYS} keys (their min and max too)", seconds, 0.5)
        server.terminate()


def serve() -> None:
    from swnb import sandbox

    with sandbox.run(platforms=("swanlab",), jobs=0) as box:
        lab, workspace = box.platform("swanlab"), box.user("swanlab")[0]
        lab.add_project(workspace, "bench")
        for run in range(JOBS):
            lab.add_run(workspace, "bench", f"run-{run}", {f"m{k}": [(0, run + k), (1, k)] for k in range(KEYS)})
        print(box.url("swanlab"), box.token("swanlab"), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        drawing()
        summing()
