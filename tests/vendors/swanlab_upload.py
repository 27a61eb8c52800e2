"""Logs a run with the official SDK, straight to a server, and a second one that ``swanlab sync`` brings there later.

Run by the SDK's own python, in a process of its own, with HOME at a scratch folder:
swanlab_upload.py URL KEY FOLDER. The runs are named ``live`` and ``synced``. Needs nothing but the SDK.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_PROXY", "127.0.0.1")

PROJECT = "uploaded"
STEPS = 40
CONFIG = {"lr": 0.01, "layers": [1, 2, 3], "optimizer": {"name": "adam", "eps": 1e-8}}
ODD = {5: math.nan, 6: math.inf, 7: -math.inf}
LATE = 25


def points() -> dict[str, dict[int, float]]:
    """What is logged: key -> step -> value."""
    steps = range(STEPS)
    return {
        "train/loss": {step: 1.0 / (step + 3) for step in steps},
        "val/accuracy": {step: step * 0.0125 for step in steps if step % 4 == 0},
        "late": {step: float(-step) for step in steps if step >= LATE},
        "odd": {step: ODD.get(step, step * 1e-7) for step in steps},
    }


def log(swanlab: Any) -> None:
    series = points()
    for step in range(STEPS):
        swanlab.log({key: held[step] for key, held in series.items() if step in held}, step=step)
        print(f"said at step {step}")
    swanlab.log({"note": swanlab.Text("a text", caption="what it says")}, step=STEPS)


def main(url: str, key: str, folder: str) -> None:
    import swanlab

    newer = not hasattr(swanlab, "OpenApi")
    swanlab.login(api_key=key, host=url)
    names = {"project": PROJECT, "description": "by the SDK", "config": CONFIG, "tags": ["one", "two"]}
    swanlab.init(experiment_name="live", mode="online" if newer else "cloud", logdir=f"{folder}/live", **names)
    log(swanlab)
    swanlab.finish()
    swanlab.init(experiment_name="synced", mode="offline", logdir=f"{folder}/later", **names)
    log(swanlab)
    swanlab.finish()
    made = next(path for path in Path(folder, "later").iterdir() if path.name.startswith("run-"))
    command = [str(Path(sys.executable).with_name("swanlab")), "sync", "-k", key, "-h", url, str(made)]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:4])
