"""Curves as one Figure that is kept and updated in place.

Rules:
- Thinning is by the very pixel columns of the field: in each the lowest and the highest value of the data are drawn.
- A zoom (``Chart.zoom``, or somebody who moves the axes, as an interactive canvas does) thins the range anew, in its
  full detail, at the latest when it is drawn; so does another resolution. The fields of a figure move together.
- What was moved by hand stays when new points come, until ``zoom`` or other axes are asked for.
- A NaN is a gap in its line and a mark on the x axis; what cannot be drawn is counted in the footer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from swnb.errors import BadInput
from swnb.plots.across import bars
from swnb.plots.lines import LIMIT, Line, View, blocks, is_folded, lines
from swnb.plots.look import (
    Array,
    Picture,
    Style,
    blank,
    dress,
    fields,
    footer,
    labels,
    legend,
    plain,
    quietly,
    styles,
    use_fonts,
)
from swnb.plots.ranges import digits, dress_x, reach, scale, wider
from swnb.plots.saying import said_of, when_of
from swnb.plots.thinning import showing

_BEYOND: Final = 1 << 40  # a pixel column that is in no picture
_NOTHING: Final = Line("", np.zeros(0), np.zeros(0))


@dataclass(slots=True)
class _Drawn:
    """One line of one field: the artists that show it."""

    line: Line
    main: Any
    behind: Any  # the raw values, where the main line is smoothed
    dots: Any  # points that no line reaches
    gaps: Any  # where values are not finite
    fewer: Any = None  # where the line is the mean of fewer runs than elsewhere
    band: Any = None


class Chart:
    """Curves of a long frame (``job metric step value``, ``time`` where asked for, ``spread`` where folded), a field a
    metric; behind them bars of ``finals`` (jobs x metrics), the final values of jobs that have no curves. ``of``: how
    many jobs were asked for. ``on``: a figure to be used again."""

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
        on: Picture | None = None,
    ) -> None:
        self.figure = on or blank(size)
        self._size = size
        self._metrics = None if metrics is None else list(metrics)
        self._names, self._finals, self._said, self._of = names or {}, finals, said, of
        self.view = view or View()
        self._shape: object = None
        self._folded = False
        self._fields: dict[str, tuple[Axes, dict[str, _Drawn]]] = {}
        self._moving = False
        self._hand: tuple[float, float] | None = None  # the range of x that somebody moved to
        self._lifted: dict[str, tuple[float, float]] = {}  # the ranges of y, by field
        self._seen: dict[str, object] = {}  # what the points of a field were chosen for
        self._laid: object = None  # what the layout was made for
        self.update(frame)

    def update(
        self, frame: pd.DataFrame, view: View | None = None, finals: pd.DataFrame | None = None, of: int | None = None
    ) -> None:
        """Show another frame of the same kind, or the same otherwise; the figure stays the same object."""
        before, self.view = self.view, view or self.view
        if (before.x, before.log) != (self.view.x, self.view.log):
            self._hand, self._lifted = None, {}
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
            is_folded(frame),
        )
        self._folded = is_folded(frame)
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
        """Show this range of x in detail, or all of it, whatever was moved by hand."""
        self._hand, self._lifted = None, {}
        self.view = replace(self.view, span=span)
        self._fit()

    @property
    def span(self) -> tuple[float, float] | None:
        """The range of x that is shown; None where it is all."""
        return self._hand or self.view.span

    @property
    def by_hand(self) -> bool:
        """Whether somebody has moved the axes."""
        return self._hand is not None or bool(self._lifted)

    @property
    def extent(self) -> tuple[float, float]:
        """The range of x of all that there is."""
        return reach([d.line.x for _, drawn in self._fields.values() for d in drawn.values()])

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
        blank(self._size, self.figure)
        self.figure.kept = self
        self._lifted, self._laid = {}, None
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
        legend(self.figure, jobs, looks, [self._names[job] for job in jobs] if self._names else None)

    def _field(self, axes: Axes, name: str, looks: Mapping[str, Style]) -> dict[str, _Drawn]:
        dress(axes, name)
        scale(axes, self.view.log)
        axes.callbacks.connect("xlim_changed", self._moved)
        axes.callbacks.connect("ylim_changed", self._raised)
        return {job: self._artists(axes, look) for job, look in looks.items()}

    def _artists(self, axes: Axes, look: Style) -> _Drawn:
        nothing: tuple[list[float], list[float]] = ([], [])
        behind = axes.plot(*nothing, linewidth=0.8, alpha=0.3, color=look["color"])[0] if self._smooths else None
        main = axes.plot(*nothing, linewidth=1.4, **look)[0]
        dots = axes.plot(*nothing, ".", markersize=5, color=look["color"])[0]
        gaps = axes.plot(*nothing, "|", markersize=6, color=look["color"], transform=axes.get_xaxis_transform())[0]
        fewer = axes.plot(*nothing, linewidth=0.7, **look)[0] if self._folded else None
        return _Drawn(_NOTHING, main, behind, dots, gaps, fewer)

    # -- what is done for each new state

    def _fit(self) -> None:
        """Ranges of the axes, then the layout (once a shape), then the points that show."""
        with self._moves():
            span = self.span or self.extent
            for name, (axes, drawn) in self._fields.items():
                dress_x(axes, self.view, span)
                axes.set_xlim(*(span if self.span else wider(span, "x" in self.view.log)))
                log = "y" in self.view.log
                axes.set_ylim(*(self._lifted.get(name) or wider(_heights(drawn.values(), axes.get_xlim(), log), log)))
            form = (
                [digits(axes.get_ylim()) for axes, _ in self._fields.values()],
                self.figure.get_supxlabel().count("\n"),
            )
            if self._laid != form:  # also where the numbers beside the axis are of another length
                self.figure.set_layout_engine("constrained")
                use_fonts(self.figure)
                with quietly():
                    self.figure.draw_without_rendering()
                self.figure.set_layout_engine("none")
                self._laid = form
        self._seen.clear()
        self.settle()

    @contextmanager
    def _moves(self) -> Iterator[None]:
        """While the axes are moved by this chart itself."""
        self._moving = True
        try:
            yield
        finally:
            self._moving = False

    def _moved(self, moved: Axes) -> None:
        """Somebody else moved an x axis (pan and zoom of an interactive canvas): the others follow."""
        low, high = map(float, moved.get_xlim())
        if self._moving or not low < high:
            return
        self._hand = low, high
        with self._moves():
            for axes, _ in self._fields.values():
                axes.set_xlim(low, high)

    def _raised(self, moved: Axes) -> None:
        if not self._moving:
            name = next(name for name, (axes, _) in self._fields.items() if axes is moved)
            low, high = map(float, moved.get_ylim())
            self._lifted[name] = low, high

    def settle(self) -> None:
        """Choose the points of the fields whose range or pixels are no longer those that they were chosen for."""
        for name, (axes, _) in self._fields.items() if not self._moving else ():
            now = (axes.get_xlim(), axes.bbox.bounds)
            if self._seen.get(name) != now:
                if self._hand is not None:  # the ticks of a week say nothing in a minute of it
                    dress_x(axes, self.view, self._hand)
                self._refine(axes)
                self._seen[name] = now

    def _refine(self, axes: Axes) -> None:
        low, high = axes.get_xlim()
        for drawn in next(each for field, each in self._fields.values() if field is axes).values():
            line = drawn.line
            part = _within(line, low, high)
            x, y = line.x[part], line.visible(line.y[part], "y" in self.view.log)
            at = columns(axes, x)
            at[x < low], at[x > high] = -1, _BEYOND  # what lies outside takes nobody's place at the edge
            kept = showing(at, y, ends=False) if line.ascending else np.arange(len(x))
            seen, raw = x[kept], y[kept]
            if drawn.behind is not None and line.smooth is not None:
                drawn.behind.set_data(seen, raw)
                y = line.visible(line.smooth[part], "y" in self.view.log)
                kept = showing(at, y, ends=False) if line.ascending else kept
            _draw(drawn, x[kept], y[kept], None if line.n is None else line.n[part][kept])
            _mark(drawn, seen, raw, np.unique(x[_firsts(at, ~np.isfinite(line.y[part]))]) if line.odd else x[:0])
            _shade(axes, drawn, part, "y" in self.view.log)

    def _tell(self, frame: pd.DataFrame, names: Sequence[str], jobs: Sequence[str]) -> None:
        drawn = [d.line for _, each in self._fields.values() for d in each.values()]
        some = f"curves of {len(jobs):,} of {self._of:,} jobs" if self._of not in (None, len(jobs)) else ""
        footer(self.figure, *said_of(frame, drawn, self.view, self._said, some), when_of(frame))
        over = {"relative": "relative time"}.get(self.view.x, plain(self.view.x))
        what = ", ".join(map(plain, names)) or "nothing"
        self.figure.told = f"Curves of {what} over {over}: {', '.join(labels(jobs)) if jobs else 'no job'}"
        if bare := self._bars(names):
            self.figure.told += f". Bars of final values without curves: {', '.join(map(plain, bare))}"


def columns(axes: Axes, x: Array) -> Array:
    """The pixel column of each x in this field."""
    points = np.column_stack([x, np.full(len(x), axes.get_ylim()[1])])
    found: Array = np.floor(axes.transData.transform(points)[:, 0]).astype(np.int64)
    return found


def _jobs_of(found: Mapping[str, Sequence[Line]]) -> list[str]:
    return list(dict.fromkeys(line.job for each in found.values() for line in each))


def _heights(drawn: Any, span: tuple[float, float], log: bool) -> tuple[float, float]:
    """The least and the greatest value that shows in this range of x, spreads included."""
    ends = []
    for each in drawn:
        line, part = each.line, _within(each.line, *span)
        y = line.visible(line.y[part], log)
        for edge in (y,) if line.spread is None else (y, *_edges(line, part, log)):
            fine = edge[np.isfinite(edge) & (edge > 0)] if log else edge[np.isfinite(edge)]
            ends += [(float(fine.min()), float(fine.max()))] if len(fine) else []
    if not ends:
        return (0.1, 1.0) if log else (0.0, 1.0)
    return min(low for low, _ in ends), max(high for _, high in ends)


def _edges(line: Line, part: slice, log: bool) -> tuple[Array, Array]:
    """The lower and the upper edge of the spread. What on a log axis would lie at and below 0 is NaN."""
    assert line.spread is not None  # noqa: S101 - they have looked
    y, spread = line.visible(line.y[part], log), np.minimum(line.spread[part], LIMIT)
    low, high = np.maximum(y - spread, -LIMIT), np.minimum(y + spread, LIMIT)
    return (np.where(low > 0, low, np.nan) if log else low), high


def _within(line: Line, low: float, high: float) -> slice:
    """The points of a range of x, and one more on either side for the line that leaves it."""
    if not line.ascending:
        return slice(None)
    first = int(np.searchsorted(line.x, low, "left"))
    end = int(np.searchsorted(line.x, high, "right"))
    return slice(max(first - 1, 0), end + 1)


def _draw(drawn: _Drawn, x: Array, y: Array, n: Array | None) -> None:
    """The line, thin where it is the mean of fewer runs than elsewhere."""
    if n is None or drawn.fewer is None:
        drawn.main.set_data(x, y)
        return
    most = float(np.nanmax(drawn.line.n, initial=0)) if drawn.line.n is not None else 0.0
    full = n == most
    beside = ~full | np.r_[~full[1:], False] | np.r_[False, ~full[:-1]]
    drawn.main.set_data(x, np.where(full, y, np.nan))
    drawn.fewer.set_data(x, np.where(beside, y, np.nan))


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


def _shade(axes: Axes, drawn: _Drawn, part: slice, log: bool) -> None:
    """The band of the spread, where there is one; on a log axis one that goes down to 0 ends far below the line."""
    if drawn.band is not None:
        drawn.band.remove()
        drawn.band = None
    line = drawn.line
    if line.spread is None or not np.isfinite(line.spread[part]).any():
        return
    low, high = _edges(line, part, log)
    if log:
        low = np.where(np.isnan(low) & np.isfinite(high), line.y[part] * 1e-6, low)
    drawn.band = axes.fill_between(line.x[part], low, high, color=drawn.main.get_color(), alpha=0.18, linewidth=0)
