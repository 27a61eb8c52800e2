"""Curves as one Figure that is kept and updated in place.

Rules:
- Thinning is by the very pixel columns of the field: in each the lowest and the highest value of the data are drawn.
- A zoom (``Chart.zoom``, or an interactive canvas that moves the axes) thins the range anew, in its full detail.
- A NaN is a gap in its line and a mark on the x axis; what cannot be drawn is counted in the footer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import (
    EngFormatter,
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
)

from swnb.errors import BadInput
from swnb.frames.provenance import KEY, provenance
from swnb.plots.across import bars
from swnb.plots.lines import Line, View, blocks, lines
from swnb.plots.look import (
    Array,
    Style,
    blank,
    dress,
    fields,
    footer,
    labels,
    legend,
    quietly,
    shown,
    styles,
    use_fonts,
)
from swnb.plots.thinning import showing

_MARGIN: Final = 0.04
_BEYOND: Final = 1 << 40  # a pixel column that is in no picture
_UNITS: Final = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
_TICKS: Final = (10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800)
_NOTHING: Final = Line("", np.zeros(0), np.zeros(0))


@dataclass(slots=True)
class _Drawn:
    """One line of one field: the artists that show it."""

    line: Line
    main: Any
    behind: Any  # the raw values, where the main line is smoothed
    dots: Any  # points that no line reaches
    gaps: Any  # where values are not finite
    band: Any = None


class Chart:
    """Curves of a long frame (``job metric step value``, ``time`` where asked for, ``spread`` where folded), a field a
    metric; behind them bars of ``finals`` (jobs x metrics), the final values of jobs that have no curves. ``of``: how
    many jobs were asked for."""

    def __init__(
        self,
        frame: pd.DataFrame,
        metrics: Sequence[str] | None = None,
        view: View | None = None,
        *,
        size: tuple[float, float] = (8, 4),
        finals: pd.DataFrame | None = None,
        names: Mapping[str, str] | None = None,
        said: str = "",
        of: int | None = None,
    ) -> None:
        self.figure = blank(size)
        self.figure.kept = self
        self._metrics = None if metrics is None else list(metrics)
        self._names, self._finals, self._said, self._of = names or {}, finals, said, of
        self.view = view or View()
        self._shape: object = None
        self._fields: dict[str, tuple[Axes, dict[str, _Drawn]]] = {}
        self._moving = False
        self._laid: object = None  # what the layout was made for
        self.update(frame)

    def update(
        self, frame: pd.DataFrame, view: View | None = None, finals: pd.DataFrame | None = None, of: int | None = None
    ) -> None:
        """Show another frame of the same kind, or the same otherwise; the figure stays the same object."""
        self.view = view or self.view
        self._finals = self._finals if finals is None else finals
        self._of = self._of if of is None else of
        rows = blocks(frame)
        names = self._chosen(list(rows))
        found = lines(frame, rows, names, self.view)
        jobs = _jobs_of(found)
        shape = (
            tuple(names),
            tuple(jobs),
            tuple(found),
            self.view.x,
            self.view.log,
            bool(self._smooths),
            self._bars(names),
        )
        if shape != self._shape:
            self._shape = shape
            self._build(names, jobs, [name for name in names if name in found])
        for name, (_, drawn) in self._fields.items():
            mine = {line.job: line for line in found.get(name, ())}
            for job, each in drawn.items():
                each.line = mine.get(job, _NOTHING)
        self._tell(frame, names, jobs)
        self._fit()

    def zoom(self, span: tuple[float, float] | None) -> None:
        """Show this range of x in detail, or all of it."""
        self.view = replace(self.view, span=span)
        self._fit()

    @property
    def extent(self) -> tuple[float, float]:
        """The range of x of all that there is."""
        return _span([d.line.x for _, drawn in self._fields.values() for d in drawn.values()])

    @property
    def _smooths(self) -> bool:
        return bool(self.view.smooth) or self.view.window > 1

    def _chosen(self, there: Sequence[str]) -> list[str]:
        finals = [] if self._finals is None else list(self._finals.columns)
        known = list(dict.fromkeys([*there, *finals]))
        if self._metrics is None:
            return [name for name in known if name != self.view.x]
        if missing := [name for name in self._metrics if name not in known]:
            raise BadInput(f"there is no metric {missing[0]!r}", todo=f"There are: {', '.join(known) or 'none'}")
        return self._metrics

    def _bars(self, names: Sequence[str]) -> tuple[str, ...]:
        if self._finals is None or not len(self._finals):
            return ()
        return tuple(name for name in names if name in self._finals and self._finals[name].notna().any())

    # -- what is built when the shape changes

    def _build(self, names: Sequence[str], jobs: Sequence[str], drawn: Sequence[str]) -> None:
        self.figure.clear()
        self.figure.set_layout_engine("constrained")
        self._laid = None
        barred = self._bars(names)
        curved = [name for name in names if name in drawn or name not in barred]
        axes = fields(self.figure, len(curved) + len(barred))
        looks = styles(jobs)
        self._fields = {
            name: (field, self._field(field, name, looks)) for field, name in zip(axes, curved, strict=False)
        }
        for field, name in zip(axes[len(curved) :], barred, strict=False):
            assert self._finals is not None  # noqa: S101 - _bars has looked
            bars(field, self._finals[name], f"{name} (final values, no curves)")
        legend(self.figure, jobs, looks, [shown(self._names.get(j, label)) for j, label in self._labelled(jobs)])

    def _labelled(self, jobs: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(jobs, labels(jobs) if jobs else [], strict=True))

    def _field(self, axes: Axes, name: str, looks: Mapping[str, Style]) -> dict[str, _Drawn]:
        dress(axes, name)
        axes.set_xscale("log" if "x" in self.view.log else "linear")
        axes.set_yscale("log" if "y" in self.view.log else "linear")
        axes.callbacks.connect("xlim_changed", self._moved)
        return {job: self._artists(axes, look) for job, look in looks.items()}

    def _artists(self, axes: Axes, look: Style) -> _Drawn:
        nothing: tuple[list[float], list[float]] = ([], [])
        behind = axes.plot(*nothing, linewidth=0.8, alpha=0.3, color=look["color"])[0] if self._smooths else None
        main = axes.plot(*nothing, linewidth=1.4, **look)[0]
        dots = axes.plot(*nothing, ".", markersize=5, color=look["color"])[0]
        gaps = axes.plot(*nothing, "|", markersize=6, color=look["color"], transform=axes.get_xaxis_transform())[0]
        return _Drawn(_NOTHING, main, behind, dots, gaps)

    # -- what is done for each new state

    def _fit(self) -> None:
        """Ranges of the axes, then the layout (once a shape), then the points that show."""
        self._moving = True
        span = self.view.span or self.extent
        for axes, drawn in self._fields.values():
            _axis(axes, self.view, span)
            axes.set_xlim(*(span if self.view.span else _wider(span, "x" in self.view.log)))
            axes.set_ylim(
                *_wider(_heights(drawn.values(), axes.get_xlim(), "y" in self.view.log), "y" in self.view.log)
            )
        form = [_form(axes.get_ylim()) for axes, _ in self._fields.values()]
        if self._laid != form:  # also where the numbers beside the axis are of another length
            self.figure.set_layout_engine("constrained")
            use_fonts(self.figure)
            with quietly():
                self.figure.draw_without_rendering()
            self.figure.set_layout_engine("none")
            self._laid = form
        self._moving = False
        for axes, _ in self._fields.values():
            self._refine(axes)

    def _moved(self, axes: Axes) -> None:
        """Somebody else moved the axis: pan and zoom of an interactive canvas."""
        if not self._moving:
            self._refine(axes)

    def _refine(self, axes: Axes) -> None:
        low, high = axes.get_xlim()
        for drawn in next(each for field, each in self._fields.values() if field is axes).values():
            line = drawn.line
            part = _within(line, low, high)
            x, y = line.x[part], line.y[part]
            at = columns(axes, x)
            at[x < low], at[x > high] = -1, _BEYOND  # what lies outside takes nobody's place at the edge
            kept = showing(at, y, ends=False) if line.ascending else np.arange(len(x))
            seen, raw = x[kept], y[kept]
            if drawn.behind is not None and line.smooth is not None:
                drawn.behind.set_data(seen, raw)
                smooth = line.smooth[part]
                kept = showing(at, smooth, ends=False) if line.ascending else kept
                drawn.main.set_data(x[kept], smooth[kept])
            else:
                drawn.main.set_data(seen, raw)
            _mark(drawn, seen, raw, np.unique(x[_firsts(at, ~np.isfinite(y))]) if line.odd else x[:0])
            _shade(axes, drawn, part)

    def _tell(self, frame: pd.DataFrame, names: Sequence[str], jobs: Sequence[str]) -> None:
        drawn = [d.line for _, each in self._fields.values() for d in each.values()]
        gone = sum(line.placeless for line in drawn)
        low = sum(int((line.y <= 0).sum()) for line in drawn) if "y" in self.view.log else 0
        odd, holes = sum(line.odd for line in drawn), sum(line.holes for line in drawn)
        footer(
            self.figure,
            self._said or count_of(frame),
            f"curves of {len(jobs):,} of {self._of:,} jobs" if self._of not in (None, len(jobs)) else "",
            f"{odd:,} not finite" if odd else "",
            f"{holes:,} gap{'s' * (holes > 1)}" if holes else "",
            f"{gone:,} without a place on this x axis" if gone else "",
            f"{low:,} not above 0, not drawn" if low else "",
            _how(self.view),
            when_of(frame),
        )
        over = {"relative": "relative time"}.get(self.view.x, shown(self.view.x))
        what = ", ".join(map(shown, names)) or "nothing"
        self.figure.told = f"Curves of {what} over {over}: {', '.join(labels(jobs)) if jobs else 'no job'}"
        if bare := self._bars(names):
            self.figure.told += f". Bars of final values without curves: {', '.join(map(shown, bare))}"


def columns(axes: Axes, x: Array) -> Array:
    """The pixel column of each x in this field."""
    points = np.column_stack([x, np.full(len(x), axes.get_ylim()[1])])
    found: Array = np.floor(axes.transData.transform(points)[:, 0]).astype(np.int64)
    return found


def count_of(frame: pd.DataFrame) -> str:
    """How many points of how many, and whether that is a sample, as far as the frame knows."""
    total = provenance(frame).total if KEY in frame.attrs else None
    if total is None or total == len(frame):
        return f"{len(frame):,} points" + (" (all)" if total is not None else "")
    return f"{len(frame):,} of {total:,} points (sampled)"


def when_of(frame: pd.DataFrame) -> str:
    """As of when the frame was read."""
    if KEY not in frame.attrs:
        return ""
    return f"as of {provenance(frame).fetched_at.replace('T', ' ').replace('+00:00', ' UTC')}"


def _how(view: View) -> str:
    if view.smooth:
        return f"exponential mean, weight {view.smooth:g}, values behind"
    return f"mean of {view.window:,} points, values behind" if view.window > 1 else ""


def _jobs_of(found: Mapping[str, Sequence[Line]]) -> list[str]:
    return list(dict.fromkeys(line.job for each in found.values() for line in each))


def _span(parts: Sequence[Array]) -> tuple[float, float]:
    ends = [(float(x.min()), float(x.max())) for x in parts if len(x)]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 1.0)


def _wider(span: tuple[float, float], log: bool) -> tuple[float, float]:
    """With a margin; a single value gets room about it."""
    low, high = np.log10(span) if log else span
    room = (high - low) * _MARGIN or abs(low) * _MARGIN or _MARGIN
    low, high = low - room, high + room
    return (float(10**low), float(10**high)) if log else (float(low), float(high))


def _heights(drawn: Any, span: tuple[float, float], log: bool) -> tuple[float, float]:
    """The least and the greatest value that shows in this range of x, spreads included."""
    ends = []
    for each in drawn:
        line, part = each.line, _within(each.line, *span)
        spread = np.zeros(1) if line.spread is None else np.nan_to_num(line.spread[part])
        for y in (line.y[part] - spread, line.y[part] + spread):
            fine = y[np.isfinite(y) & (y > 0)] if log else y[np.isfinite(y)]
            ends += [(float(fine.min()), float(fine.max()))] if len(fine) else []
    if not ends:
        return (0.1, 1.0) if log else (0.0, 1.0)
    return min(low for low, _ in ends), max(high for _, high in ends)


def _form(span: tuple[float, float]) -> tuple[int, ...]:
    """What decides how long the numbers beside an axis are."""
    return tuple(round(float(np.log10(max(abs(each), 1e-300)))) for each in (*span, span[1] - span[0]))


def _within(line: Line, low: float, high: float) -> slice:
    """The points of a range of x, and one more on either side for the line that leaves it."""
    if not line.ascending:
        return slice(None)
    first = int(np.searchsorted(line.x, low, "left"))
    end = int(np.searchsorted(line.x, high, "right"))
    return slice(max(first - 1, 0), end + 1)


def _firsts(at: Array, odd: Array) -> Array:
    """The first of each pixel column among those that are odd."""
    found = np.flatnonzero(odd)
    first: Array = found[np.unique(at[found], return_index=True)[1]]
    return first


def _mark(drawn: _Drawn, x: Array, y: Array, gaps: Array) -> None:
    fine = np.isfinite(y)
    alone = fine & ~np.r_[False, fine[:-1]] & ~np.r_[fine[1:], False] if len(y) else fine
    drawn.dots.set_data(x[alone], y[alone])
    drawn.gaps.set_data(gaps, np.full(len(gaps), 0.012))
    drawn.dots.set_visible(bool(alone.any()))
    drawn.gaps.set_visible(bool(len(gaps)))


def _shade(axes: Axes, drawn: _Drawn, part: slice) -> None:
    """The band of the spread, where there is one."""
    if drawn.band is not None:
        drawn.band.remove()
        drawn.band = None
    line = drawn.line
    if line.spread is None or not np.isfinite(line.spread[part]).any():
        return
    x, y, spread = line.x[part], line.y[part], line.spread[part]
    drawn.band = axes.fill_between(x, y - spread, y + spread, color=drawn.main.get_color(), alpha=0.18, linewidth=0)


def _axis(axes: Axes, view: View, span: tuple[float, float]) -> None:
    """Label, places and texts of the ticks of the x axis."""
    axis, label = axes.xaxis, shown(view.x)
    if "x" in view.log:
        axis.set_major_locator(LogLocator())
        axis.set_major_formatter(LogFormatterSciNotation())
        label = "relative time (s)" if view.x == "relative" else label
    elif view.x == "time":
        locator = AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
        axis.set_major_locator(locator)
        axis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif view.x == "relative":
        unit, word = next((unit, word) for above, unit, word in _UNITS if span[1] - span[0] >= above)
        between = next((each for each in _TICKS if (span[1] - span[0]) / each <= 7), 0)
        few = unit == 1 or not between
        axis.set_major_locator(MaxNLocator(6) if few else MultipleLocator(between))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}"))
        label = f"relative time ({word})"
    else:
        axis.set_major_locator(MaxNLocator(6, integer=view.x == "step"))
        axis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("time (UTC)" if view.x == "time" else label)
