"""The points of one metric of one run as they are read, and what is made of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import lt
from typing import Final

from swnb.model import NO_TIME, Series

_LOWEST: Final = -(2**63) - 1


class Points:
    """Points in the order of the file, each step once: the first wins. Times are Unix microseconds or NO_TIME."""

    __slots__ = ("_counted", "_seen", "_top", "steps", "times", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.times = array("q")
        self.values = array("d")
        self._top = _LOWEST
        self._seen: set[int] = set()
        self._counted = 0

    def add(self, step: int, time: int, value: float) -> None:
        if step <= self._top and step in self._known():
            return
        self._top = max(self._top, step)
        self.steps.append(step)
        self.times.append(time)
        self.values.append(value)

    def extend(self, steps: array[int], times: array[int], values: array[float]) -> None:
        """Many points; fast where each step is above the one before."""
        if not steps:
            return
        if steps[0] > self._top and all(map(lt, steps, steps[1:])):
            self._top = steps[-1]
            self.steps += steps
            self.times += times
            self.values += values
            return
        for point in zip(steps, times, values, strict=True):
            self.add(*point)

    def _known(self) -> set[int]:
        self._seen.update(self.steps[self._counted :])
        self._counted = len(self.steps)
        return self._seen

    def by_step(self) -> dict[int, float]:
        return dict(zip(self.steps, self.values, strict=True))

    def series(self, metric: str, most: int | None, *, job: str, project: str) -> Series:
        """In the order of the steps; at most ``most`` points, evenly spread, the first and the last among them."""
        total = len(self.steps)
        order: Sequence[int] = range(total)
        if not all(map(lt, self.steps, self.steps[1:])):
            order = sorted(order, key=self.steps.__getitem__)
        if most is not None and total > most:
            order = [order[at] for at in _spread(total, most)]
        steps, times, values = self.steps, self.times, self.values
        if order != range(total):
            steps, times = (array("q", [column[at] for at in order]) for column in (steps, times))
            values = array("d", [values[at] for at in order])
        timed = any(time != NO_TIME for time in times)
        sampled = len(steps) < total
        return Series(metric, steps, values, times if timed else array("q"), total, job, project, sampled)

    def summary(self, metric: str) -> tuple[dict[str, float], dict[str, int]]:
        """Last finite value in the order of the file, least and greatest one (paper 7.3), and the steps of these.
        A metric that was never finite has only NaN as its last value."""
        finite = [at for at, value in enumerate(self.values) if math.isfinite(value)]
        if not finite:
            return {metric: math.nan}, {f"{metric}.step": self.steps[-1]}
        chosen = {
            "": finite[-1],
            "min": min(finite, key=self.values.__getitem__),
            "max": max(finite, key=self.values.__getitem__),
        }
        values = {f"{metric}.{name}" if name else metric: self.values[at] for name, at in chosen.items()}
        steps = {f"{metric}.{name}_step" if name else f"{metric}.step": self.steps[at] for name, at in chosen.items()}
        return values, steps


def _spread(total: int, most: int) -> Sequence[int]:
    if most <= 1:
        return [0]
    return sorted({round(at * (total - 1) / (most - 1)) for at in range(most)})
