"""How far a job is and how long it has to go, where there is ground to say so; nothing is made up.

Progress comes from counted tasks, else from the last step against the number of steps in the job's settings, else from
a line of its log such as ``epoch 3/20``. The time left comes from the rate of that progress, else from how long earlier
jobs of the same name took.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from statistics import median, quantiles
from typing import Any, Final

from swnb.model import JobInfo, Status

#: settings that say how many there are in all, and the word for one
_TOTALS: Final = {
    **dict.fromkeys(("epochs", "num_epochs", "max_epochs", "n_epochs", "num_train_epochs"), "epoch"),
    **dict.fromkeys(("steps", "max_steps", "total_steps", "num_steps", "max_iters", "iterations"), "step"),
}
_LINE: Final = re.compile(
    r"\b(epoch|step|iter(?:ation)?|batch)\b\W{0,3}(\d{1,12})\s*(?:/|of)\s*(\d{1,12})\b", re.IGNORECASE
)
_SAMPLES: Final = 20
_STUCK: Final = 5  # times the longest pause so far, after which a rate says nothing any more
_LONGEST: Final = 10 * 365 * 86400.0
_FEW: Final = 3  # earlier jobs from which on their times are ground for an estimate


@dataclass(frozen=True, slots=True)
class Progress:
    """``share`` from 0 to 1; ``unit`` is what is counted."""

    done: float
    total: float
    unit: str

    @property
    def share(self) -> float:
        return min(max(self.done / self.total, 0.0), 1.0)

    @property
    def said(self) -> str:
        if self.unit == "task":
            return f"{self.done:g} of {self.total:g} tasks"
        return f"{self.unit} {self.done:g} of {self.total:g}"


@dataclass(frozen=True, slots=True)
class Left:
    """Time left, and the span it likely lies in."""

    eta: timedelta
    low: timedelta
    high: timedelta


def of_tasks(done: int, total: int) -> Progress | None:
    """One task says nothing: it is done when the job is."""
    return Progress(done, total, "task") if total > 1 else None


def of_steps(values: Mapping[str, Any], steps: Mapping[str, Any], config: Mapping[str, Any]) -> Progress | None:
    """The last epoch or step against their number in the settings (names joined by dots). ``steps``: at which step
    values were reached. Epochs are what a value called ``epoch`` counts, or steps that are no whole numbers; whole
    steps may be batches, so they are held against a number of steps only."""
    reached = _numbers(value for key, value in steps.items() if key.endswith(".step"))
    for name, unit in _TOTALS.items():
        totals = {_number(value) for key, value in config.items() if _leaf(key) == name}
        total = totals.pop() if len(totals) == 1 else None
        if total is None or total <= 0:
            continue
        counted = _numbers(value for key, value in values.items() if _leaf(key) == unit)
        counted = counted or [each for each in reached if unit == "step" or isinstance(each, float)]
        if counted and max(counted) <= total:
            return Progress(max(counted), total, unit)
    return None


def _leaf(name: str) -> str:
    return re.split(r"[/.]", name.lower())[-1]


def _numbers(values: Iterable[Any]) -> list[float]:
    return [number for value in values if (number := _number(value)) is not None]


def of_line(line: str) -> Progress | None:
    found = _LINE.search(line)
    if found is None or int(found[3]) == 0 or int(found[2]) > int(found[3]):
        return None
    return Progress(int(found[2]), int(found[3]), found[1].lower())


def _number(value: Any) -> float | None:
    """A finite number."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


@dataclass(slots=True)
class Rate:
    """How one job's progress went on: when it was seen to move, and to which share."""

    unit: str = ""
    seen: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def note(self, now: float, progress: Progress) -> None:
        """Only what moves counts. Another unit, or a step back (a restart), begins anew."""
        if progress.unit != self.unit or (self.seen and progress.share < self.seen[-1][1]):
            self.seen.clear()
        self.unit = progress.unit
        if not self.seen or progress.share > self.seen[-1][1]:
            self.seen.append((now, progress.share))

    def left(self, now: float) -> Left | None:
        """By the pace of all that was seen, its spread by the paces between; None before it moved twice, and where it
        has stood still for longer than its pace explains."""
        if len(self.seen) < _FEW:
            return None
        points = list(self.seen)
        (first, low), (last, high) = points[0], points[-1]
        longest = max(b - a for (a, _), (b, _) in pairwise(points))
        if last <= first or now - last > _STUCK * longest:
            return None
        whole = (last - first) / (high - low)
        paces = sorted([(b - a) / (y - x) for (a, x), (b, y) in pairwise(points)])
        quick, slow = paces[len(paces) // 4], paces[-1 - len(paces) // 4]

        def left(pace: float) -> timedelta:
            return timedelta(seconds=min(max(pace * (1.0 - high) - (now - last), 0.0), _LONGEST))

        return Left(left(whole), left(min(quick, whole)), left(max(slow, whole)))


def by_history(info: JobInfo, elapsed: timedelta | None, lists: Mapping[str, JobInfo]) -> Left | None:
    """By how long succeeded jobs of the same name and project took: of those that took longer than this one has
    already, since the others say nothing any more."""
    if elapsed is None or info.status is not Status.RUNNING or not info.name:
        return None
    took = [
        other.elapsed.total_seconds()
        for other in lists.values()
        if other.name == info.name and other.status is Status.SUCCEEDED and other.elapsed and other.id != info.id
    ]
    left = sorted(span - elapsed.total_seconds() for span in took if span > elapsed.total_seconds())
    if len(took) < _FEW or len(left) < 2 or 2 * len(left) < len(took):
        return None
    low, _, high = quantiles(left, n=4, method="inclusive")
    return Left(*(timedelta(seconds=seconds) for seconds in (median(left), low, high)))
