"""A long frame as lines: what belongs to which job and metric, where each point stands on the x axis, what is smoothed.

No matplotlib here. A line has ascending x, or (over another metric that falls and rises) the order of its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from swnb.errors import BadInput
from swnb.plots.smoothing import checked, smoothed

Array = np.ndarray[Any, Any]
Rows = dict[str, dict[str, Any]]
_DAY: Final = 86_400e6  # microseconds
LIMIT: Final = 1e150  # a number beyond is on no axis, nor one below 1 / LIMIT on a log axis: ticks are no floats there
_HOLE: Final = 20  # times the distances beside it: a distance that great has lost points


@dataclass(frozen=True, slots=True)
class View:
    """What is asked of curves: ``x`` is ``"step"``, ``"time"``, ``"relative"`` or a metric's name; ``log`` any of
    ``"x" "y" "xy"``; ``smooth`` a weight below 1 or ``window`` a count of points; ``span`` the range of x to show."""

    x: str = "step"
    log: str = ""
    smooth: float = 0.0
    window: int = 1
    span: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        checked(self.smooth, self.window)
        if self.log not in ("", "x", "y", "xy", "yx"):
            raise BadInput(f"log={self.log!r} names no axes", todo='There are "x", "y" and "xy"')
        if self.span is not None and not self.span[0] < self.span[1]:
            raise BadInput(f"span={self.span!r} is no range", todo="Give the lower end first")


@dataclass(frozen=True, slots=True)
class Line:
    """One job's values of one metric. ``smooth``, ``spread`` and ``n`` (of how many runs each is the mean) are as long
    as ``x``, or not there. ``holes`` counts the distances that have lost points; a NaN stands in each, so the line
    breaks there."""

    job: str
    x: Array
    y: Array
    smooth: Array | None = None
    spread: Array | None = None
    n: Array | None = None
    ascending: bool = True
    holes: int = 0
    placeless: int = 0  # points that have no place on this x axis

    @property
    def odd(self) -> int:
        """Values that are not finite."""
        return int((~np.isfinite(self.y)).sum()) - self.holes

    def visible(self, values: Array, log: bool) -> Array:
        """The values as they are drawn: those that have no place on the y axis are gaps."""
        lost = np.abs(values) > LIMIT
        if log:
            lost |= values < 1 / LIMIT
        return np.where(lost, np.nan, values) if lost.any() else values


def blocks(frame: pd.DataFrame) -> Rows:
    """metric -> job -> the rows, as a slice or as positions; in the order in which they first appear."""
    if frame.empty:
        return {}
    jobs, metrics = (_plain(frame[name]) for name in ("job", "metric"))
    starts = np.flatnonzero(np.r_[True, (jobs[1:] != jobs[:-1]) | (metrics[1:] != metrics[:-1])])
    ends = np.r_[starts[1:], len(frame)]
    found: dict[str, dict[str, list[slice]]] = {}
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        found.setdefault(str(metrics[first]), {}).setdefault(str(jobs[first]), []).append(slice(first, end))
    return {metric: {job: _rows(parts) for job, parts in of.items()} for metric, of in found.items()}


def _plain(labels: pd.Series[Any]) -> Array:
    plain: Array = (labels.astype(object) if isinstance(labels.dtype, pd.CategoricalDtype) else labels).to_numpy()
    return plain


def _rows(parts: list[slice]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate([np.arange(part.start, part.stop) for part in parts])


def is_folded(frame: pd.DataFrame) -> bool:
    """Whether its values are means of several runs."""
    return {"spread", "n"} <= set(frame.columns)


def lines(frame: pd.DataFrame, rows: Rows, metrics: Sequence[str], view: View) -> dict[str, list[Line]]:
    """The lines of each metric; ``rows`` are the blocks of the frame. BadInput where x is neither an axis nor a metric,
    or where there are no times."""
    places = _Places(frame, rows, view.x)
    names = ("value", "spread", "n") if is_folded(frame) else ("value", "spread")
    given = {name: _floats(frame[name]) for name in names if name in frame}
    found: dict[str, list[Line]] = {}
    for metric in metrics:
        for job, at in rows.get(metric, {}).items():
            line = _line(job, places.of(job, at), {name: each[at] for name, each in given.items()}, view)
            found.setdefault(metric, []).append(line)
    return found


def _floats(values: pd.Series[Any]) -> Array:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


class _Places:
    """Where rows stand on the x axis, as floats (times: days since 1970; relative: seconds); NaN where nowhere."""

    def __init__(self, frame: pd.DataFrame, rows: Rows, x: str) -> None:
        self.steps = _floats(frame["step"])
        self.x, self.frame, self.rows = x, frame, rows
        self.times = _micros(frame) if x in ("time", "relative") else None
        if x not in ("step", "time", "relative") and x not in rows:
            there = ", ".join(["step", "time", "relative", *rows])
            raise BadInput(f"x={x!r} is no axis and no metric here", todo=f"There are: {there}")

    def of(self, job: str, at: Any) -> Array:
        if self.times is not None:
            times: Array = self.times[at]
            return times / _DAY if self.x == "time" else (times - self._began(job)) / 1e6
        if self.x == "step":
            steps: Array = self.steps[at]
            return steps
        return self._beside(job, self.steps[at])

    def _began(self, job: str) -> float:
        assert self.times is not None  # noqa: S101 - of() has looked
        firsts = [self.times[of[job]] for of in self.rows.values() if job in of]
        there = [float(np.nanmin(each)) for each in firsts if np.isfinite(each).any()]
        return min(there, default=float("nan"))

    def _beside(self, job: str, steps: Array) -> Array:
        """The other metric's value at the same step of the same job."""
        other = self.rows[self.x].get(job)
        if other is None:
            return np.full(len(steps), np.nan)
        values = _floats(self.frame["value"])[other]
        known = pd.Series(values, index=self.steps[other])
        found: Array = known[~known.index.duplicated(keep="last")].reindex(steps).to_numpy()
        return found


def _micros(frame: pd.DataFrame) -> Array:
    if "time" not in frame.columns or (len(frame) and frame["time"].isna().all()):
        raise BadInput("these series have no times", todo='Draw them over x="step"')
    told = frame["time"]
    times = (told if told.dt.tz is None else told.dt.tz_convert(None)).to_numpy().astype("datetime64[us]")
    return np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64))


def _line(job: str, x: Array, values: dict[str, Array], view: View) -> Line:
    there = np.abs(x) <= LIMIT
    if "x" in view.log:
        there &= x >= 1 / LIMIT
    placeless = int((~there).sum())
    if placeless:
        x, values = x[there], {name: each[there] for name, each in values.items()}
    ascending = bool((x[1:] >= x[:-1]).all())
    if not ascending and view.x in ("step", "time", "relative"):
        order = np.argsort(x, kind="stable")
        x, values, ascending = x[order], {name: each[order] for name, each in values.items()}, True
    y = values["value"]
    smooth = smoothed(y, view.smooth, view.window) if view.smooth or view.window > 1 else None
    line = Line(job, x, y, smooth, values.get("spread"), values.get("n"), ascending, 0, placeless)
    return _broken(line) if ascending else line


def _broken(line: Line) -> Line:
    """A NaN in the middle of each hole, so that no line is drawn where nothing was read."""
    at = holes(line.x)
    if not len(at):
        return line
    middle = line.x[at] + (line.x[at + 1] - line.x[at]) / 2

    def put(values: Array | None) -> Array | None:
        return None if values is None else np.insert(values, at + 1, np.nan)

    x, y = np.insert(line.x, at + 1, middle), np.insert(line.y, at + 1, np.nan)
    return replace(line, x=x, y=y, smooth=put(line.smooth), spread=put(line.spread), n=put(line.n), holes=len(at))


def holes(x: Array) -> Array:
    """Where ascending ``x`` jumps: a distance more than 20 times both of those beside it. (Not twice: steps that
    were logged at growing distances have no holes.)"""
    if len(x) < 4:
        return np.zeros(0, dtype=np.int64)
    far = np.diff(x)
    beside = np.maximum(far[:-2], far[2:])
    found: Array = np.flatnonzero((far[1:-1] > _HOLE * beside) & (beside > 0)) + 1
    return found
