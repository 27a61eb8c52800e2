"""The picture of a comparison: drawn in a worker, kept and updated in place, at most four times a second."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ipywidgets as w
import pandas as pd

from swnb.client.comparing import Comparison
from swnb.frames.compare import Goal
from swnb.plots import Chart, Picture, png, svg
from swnb.plots.asked import across, far_of, fold_chart
from swnb.plots.look import blank
from swnb.widgets.canvas import Sheet
from swnb.widgets.comparebar import WHOLE, Asked
from swnb.widgets.part import Part, show
from swnb.widgets.static import escape

_EVERY: Final = 0.25  # seconds between two pictures, at least
SIZE: Final = (9.6, 3.6)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that is there: the figure, its PNG where the page shows that, and what is said beside it."""

    figure: Picture
    image: bytes | None = None
    said: str = ""

    @property
    def span(self) -> tuple[float, float] | None:
        """The range of x if it is not all."""
        chart: Chart | None = self.figure.kept
        return None if chart is None else chart.span


class Painter:
    """Draws on one figure; called in worker threads, one at a time. ``alive``: the figure itself is on a canvas in the
    page, whose events hold ``lock`` too."""

    def __init__(self, *, alive: bool = False) -> None:
        self.lock = threading.RLock()
        self._alive = alive
        self.figure: Picture | None = blank(SIZE) if alive else None
        self._for: object = None
        self._zoom = WHOLE
        self._last = 0.0

    async def turn(self) -> None:
        """Wait until the next picture may come."""
        wait = self._last + _EVERY - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        self._last = time.monotonic()

    def paint(self, found: Comparison, asked: Asked, jobs: Sequence[str], goals: Mapping[str, Goal] | None) -> Shown:
        """The picture of these jobs."""
        with self.lock:
            part, said = _only(found, jobs), ""
            if asked.kind == "curves":
                self.figure, said = self._curves(part, asked)
            else:
                self._for = None
                names = asked.metrics[:2] if asked.kind == "pareto" else asked.metrics
                look: dict[str, Any] = {"log": asked.log, "size": size_of(asked), "on": self.figure}
                self.figure = across(part, asked.kind, names, asked.how, key=asked.drawn_key, goals=goals, **look)
            return Shown(self.figure, None if self._alive else png(self.figure), said)

    def png(self, shown: Shown) -> bytes:
        """The picture as PNG, never while it is painted."""
        with self.lock:
            return png(shown.figure) if shown.image is None else shown.image

    def svg(self, shown: Shown) -> bytes:
        """The figure as SVG, never while it is painted: both set its resolution."""
        with self.lock:
            return svg(shown.figure).encode()

    def _curves(self, part: Comparison, asked: Asked) -> tuple[Picture, str]:
        names, size = list(asked.metrics), size_of(asked)
        frame = _curves_of(part, [*names, asked.x])
        same = (names, size, asked.fold)
        chart: Chart | None = self.figure.kept if self.figure is not None and self._for == same else None
        if asked.fold:
            chart = fold_chart(part, frame, names, asked.view(), size=size, on=self.figure)
        elif chart is not None:
            chart.update(frame, asked.view(), _finals(part, frame, names), len(part.jobs))
        else:
            finals = _finals(part, frame, names)
            chart = Chart(frame, names, asked.view(), size=size, finals=finals, of=len(part.jobs), on=self.figure)
        if asked.zoom != self._zoom or not chart.by_hand:
            self._stretch(chart, asked.zoom)
        self._for = same
        return chart.figure, far_of(part, names) if asked.fold else ""

    def _stretch(self, chart: Chart, zoom: tuple[float, float]) -> None:
        """Show a share of the range of x, given in percent."""
        low, high = chart.extent
        ends = [low + (high - low) * share / 100 for share in zoom]
        span = None if zoom == WHOLE or not ends[0] < ends[1] else (ends[0], ends[1])
        if span is not None or chart.span is not None:
            chart.zoom(span)
        self._zoom = zoom


def _only(found: Comparison, jobs: Sequence[str]) -> Comparison:
    if len(jobs) == len(found.jobs):
        return found
    curves = found.curves[found.curves["job"].isin(jobs)]
    return Comparison(found.jobs.loc[list(jobs)], found.summary, found.series, curves, found.notes)


def _curves_of(part: Comparison, names: Sequence[str]) -> pd.DataFrame:
    read = part.curves["metric"]
    kept = read.isin(names)
    frame: pd.DataFrame = part.curves if bool(kept.all()) else part.curves[kept]
    return frame


def _finals(part: Comparison, frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The final values of the jobs that have none of these curves."""
    drawn = set(frame["job"].unique())
    values = part.values(names, "last")
    bare: pd.DataFrame = values[[uri not in drawn for uri in values.index]]
    return bare


def size_of(asked: Asked) -> tuple[float, float]:
    """Inches."""
    lines = -(-len(asked.metrics) // 3) if asked.kind in ("curves", "bars") else 1
    return SIZE[0], SIZE[1] if lines <= 1 else 2.4 * lines


class Drawing(Part):
    """The part that shows the picture; nothing is said while it is only drawn anew. ``moved`` is called when somebody
    has panned or zoomed one that is alive."""

    def __init__(self, lock: threading.RLock, painter: Painter, moved: Callable[[], object]) -> None:
        self._picture = w.HTML()
        self._painter = painter
        # Made now, by the thread that hears the page too: of a canvas that a worker makes it might speak too early.
        self._sheet = None if painter.figure is None else Sheet(painter.figure, painter.lock, moved)
        self.shown: Shown | None = None
        self.quiet = False
        super().__init__(lock, [self._picture] if self._sheet is None else [self._sheet, self._picture])

    def put(self, shown: Shown) -> None:
        """Show this picture."""
        self.shown = shown
        if self._sheet is None:
            self._picture.value = self.page()
        else:
            self._sheet.drawn()
            self._picture.value = _beside(shown)

    def page(self) -> str:
        """The picture as HTML with its text."""
        if self.shown is None:
            return ""
        image = base64.b64encode(self._painter.png(self.shown)).decode()
        alt = escape(self.shown.figure.told)
        return f'<img alt="{alt}" src="data:image/png;base64,{image}">{_beside(self.shown)}'

    def _tell(self, text: str, *, alert: bool = False) -> None:
        if self.quiet and not alert and self.shown is not None:
            self.said = text
            show(self._line, False)
            return
        super()._tell(text, alert=alert)

    def close(self) -> None:
        self.shown = None
        super().close()


def _beside(shown: Shown) -> str:
    return f"<p>{escape(shown.said)}</p>" if shown.said else ""


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
