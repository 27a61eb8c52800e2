"""A job of the world as a run: curves by arithmetic on the step, state and length by the clock."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from swnb.sandbox.curves import noises, train_table
from swnb.sandbox.swanlab.points import Points
from swnb.sandbox.swanlab.runs import COLORS, Column, Line, Run, group_of, wrapped
from swnb.sandbox.world import Job, Table

STATES = {
    "running": "RUNNING",
    "stopping": "RUNNING",
    "succeeded": "FINISHED",
    "failed": "CRASHED",
    "cancelled": "ABORTED",
    "paused": "OFFLINE",
    "unknown": "OFFLINE",
}
"""Jobs in other states have not begun, and a run exists from its first second on."""

LATE = 50
ODD = {120: math.nan, 150: math.inf, 180: -math.inf}
SYSTEM_EVERY = 10.0
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Curve:
    """Values at the steps first, first + every, … made from the steps."""

    make: Callable[[range], Sequence[float]]
    first: int = 0
    every: int = 1


_NONE = Curve(lambda steps: [], first=sys.maxsize)


@dataclass(eq=False)
class WorldRun(Run):
    """Reads the job and never changes it."""

    job: Job = field(kw_only=True)
    table: Table = field(kw_only=True)
    _curves: dict[str, Curve] = field(init=False)
    _system: dict[str, Curve] = field(init=False)

    def __post_init__(self) -> None:
        self._curves = _curves(self.job.id, self.table)
        self._system = _system(self.job)
        self._begun = next(at for at, word in self.job.timeline.steps if word == "running")
        self._pace = self._seconds_a_step()

    def _seconds_a_step(self) -> float:
        end = self.job.timeline.steps[-1][0]
        return max(end - self._begun, 1.0) / max(self._length(end), 1)

    def _length(self, now: float) -> int:
        """Steps made until now; in runs that ended well as many as the table `big` has rows."""
        big = self.job.tables.get("big")
        return (big or self.table).length(now)

    def begun(self, now: float) -> bool:
        return self.created <= now and self.job.timeline.status(now) in STATES

    def state(self, now: float) -> str:
        return STATES[self.job.timeline.status(now)]

    def finished(self, now: float) -> float | None:
        return self.job.timeline.ended(now)

    def profile(self) -> dict[str, Any]:
        return _profile(self.job)

    def columns(self, now: float) -> list[Column]:
        done = self._length(now)
        own = [key for key, curve in self._curves.items() if done > curve.first]
        return [Column(key, group_of(key), "FLOAT", self.created, key) for key in (*own, *self._system)]

    def points(self, key: str, now: float) -> Points | None:
        curve, pace, steps = self._planned(key, now)
        if not steps:
            return None
        start, each = int(self._begun * 1000), pace * 1000
        return Points(steps, curve.make(steps), [start + int(step * each) for step in steps])

    def count(self, key: str, now: float) -> int:
        return len(self._planned(key, now)[2])

    def _planned(self, key: str, now: float) -> tuple[Curve, float, range]:
        """The curve, the seconds a step takes, and the steps made until now."""
        if key in self._system:
            curve, pace = self._system[key], SYSTEM_EVERY
            done = 1 + int(self.job.timeline.spent("running", now) / SYSTEM_EVERY)
        else:
            curve, pace = self._curves.get(key, _NONE), self._pace
            done = self._length(now)
        return curve, pace, range(curve.first, done, curve.every)

    def lines(self, now: float) -> list[Line]:
        """The output of all its tries, one after the other."""
        found = [
            (at, text)
            for task in self.job.tasks
            for run in task.started_runs(now)
            for at, text in run.lines[: len(run.text(now))]
        ]
        return [Line(place, _level(text), text, int(at * 1000)) for place, (at, text) in enumerate(found, 1)]


def world_run(job: Job, project_id: str, username: str) -> WorldRun | None:
    """None for a job that never runs."""
    begun = next((at for at, word in job.timeline.steps if word == "running"), None)
    if begun is None:
        return None
    took = max(job.timeline.steps[-1][0] - begun, 1.0)
    cuid, slug = _ids(job)
    return WorldRun(
        cuid=cuid,
        slug=slug,
        project_id=project_id,
        name=f"{job.name}-{job.id}",
        username=username,
        created=begun,
        description=f"{job.name} with lr {job.config['lr']}",
        labels=[["baseline"], ["sweep", "v2"], []][job.id // 3 % 3],
        cluster=("night", "day", "")[job.id // 2 % 3],
        job_type=("train", "eval")[job.id % 2],
        colors=[COLORS[job.id % 4], COLORS[(job.id + 1) % 4]],
        flag=job.uuid[:12],
        job=job,
        table=job.tables.get("train") or train_table(job.id, took, job.timeline),
    )


def _ids(job: Job) -> tuple[str, str | None]:
    """21 characters and no slug, 8 that are the slug too (0.8 and later), or 21 with a slug of its own."""
    long = base36(int(job.uuid, 16))
    return [(long, None), (long[:8], long[:8]), (long, f"{job.name}-{job.id}")][job.id // 3 % 3]


def base36(value: int) -> str:
    """21 lower-case letters and digits, the last ones of that number."""
    digits = []
    for _ in range(21):
        value, digit = divmod(value, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _curves(seed: int, table: Table) -> dict[str, Curve]:
    return {
        "train/loss": Curve(table.columns["loss"]),
        "val/accuracy": Curve(table.columns["accuracy"]),
        "lr": Curve(table.columns["lr"]),
        "val/f1 宏": Curve(lambda steps: [0.9 - 30.0 / (step + 40) for step in steps], first=LATE),
        "train/grad_norm": Curve(lambda steps: _norms(seed, steps), every=3),
    }


def _norms(seed: int, steps: range) -> list[float]:
    norms = [1.0 + jitter for jitter in noises(seed, steps)]
    for step, odd in ODD.items():
        if step in steps:
            norms[steps.index(step)] = odd
    return norms


def _system(job: Job) -> dict[str, Curve]:
    seed = job.id
    return {
        "__swanlab__.cpu.pct": Curve(lambda steps: [50.0 + 40.0 * jitter for jitter in noises(seed + 5, steps)]),
        "__swanlab__.mem.pct": Curve(lambda steps: [30.0 + step % 7 for step in steps]),
    }


def _level(text: str) -> str:
    return "ERROR" if text.startswith(("ERROR", "Traceback")) else "WARN" if text == "resumed" else "INFO"


def _profile(job: Job) -> dict[str, Any]:
    config = {**job.config, "optimizer": {"name": "adam", "betas": [0.9, 0.999], "decay": None}, "tag": "007"}
    return {
        "config": wrapped(config),
        "metadata": {
            "_version": 2,
            "hardware": {"cpu": {"brand": "Example 8-core", "physical_count": 8, "logical_count": 16}},
            "runtime": {"os": "Linux", "hostname": f"node-{job.id % 4}", "python_version": "3.11.7"},
            "swanlab": {"version": "0.10.3"},
        },
        "requirements": "numpy==2.1.0\nswanlab==0.10.3\n",
        "conda": "name: base\ndependencies:\n  - python=3.11\n",
    }
