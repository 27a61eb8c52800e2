"""The picture of a comparison: drawn in a worker, kept and updated in place, at most four times a second."""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import ipywidgets as w
import pandas as pd

from swnb.client.comparing import Comparison
from swnb.frames.compare import Goal, folded, outliers
from swnb.plots import Chart, Picture, labels, png, svg
from swnb.plots.asked import across, fold_chart
from swnb.widgets.comparebar import Asked
from swnb.widgets.part import Part, show
from swnb.widgets.static import escape

_EVERY: Final = 0.25  # seconds between two pictures, at least
SIZE: Final = (9.6, 3.6)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that is there: the figure, its PNG, and the range of x if it is not all."""

    figure: Picture
    image: bytes
    span: tuple[float, float] | None = None
    said: str = ""


class Painter:
    """Draws; called in worker threads, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chart: Chart | None = None
        self._for: object = None
        self._last = 0.0

    async def turn(self) -> None:
        """Wait until the next picture may come."""
        wait = self._last + _EVERY - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        self._last = time.monotonic()

    def paint(self, found: Comparison, asked: Asked, jobs: Sequence[str], goals: Mapping[str, Goal] | None) -> Shown:
        """The picture of these jobs."""
        with self._lock:
            part = _only(found, jobs)
            if asked.kind != "curves":
                self._for = None
                names = asked.metrics[:2] if asked.kind == "pareto" else asked.metrics
                figure = across(
                    part, asked.kind, names, asked.how, key=asked.key, goals=goals, log=asked.log, size=_size(asked)
                )
                return Shown(figure, png(figure))
            return self._curves(part, asked)

    def svg(self, figure: Picture) -> bytes:
        """The figure as SVG, never while it is painted: both set its resolution."""
        with self._lock:
            return svg(figure).encode()

    def _curves(self, part: Comparison, asked: Asked) -> Shown:
        names = list(asked.metrics)
        frame = _curves_of(part, [*names, asked.x])
        said = ""
        if asked.fold:
            self._for, self._chart = None, fold_chart(part, frame, names, asked.view(), _size(asked))
            said = _outliers(part, names)
        else:
            self._update(part, asked, frame, names)
        assert self._chart is not None  # noqa: S101 - both branches made it
        low, high = self._chart.extent
        ends = [low + (high - low) * share / 100 for share in asked.zoom]
        span = None if asked.zoom == (0.0, 100.0) or not ends[0] < ends[1] else (ends[0], ends[1])
        if span is not None or self._chart.view.span is not None:
            self._chart.zoom(span)
        return Shown(self._chart.figure, png(self._chart.figure), span, said)

    def _update(self, part: Comparison, asked: Asked, frame: pd.DataFrame, names: list[str]) -> None:
        finals = _finals(part, frame, names)
        same = (names, _size(asked))
        if self._chart is not None and self._for == same:
            self._chart.update(frame, asked.view(), finals, len(part.jobs))
        else:
            self._chart = Chart(frame, names, asked.view(), size=_size(asked), finals=finals, of=len(part.jobs))
        self._for = same


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


def _outliers(part: Comparison, names: Sequence[str]) -> str:
    groups, values = folded(part.jobs), part.values(names, "last")
    told = [
        f"{name}: {', '.join(labels(far))} far from the other {len(groups[first]) - len(far)}"
        for name in names
        for first, far in outliers(values[name], groups).items()
    ]
    return f"Outliers among like runs: {'; '.join(told)}" if told else ""


def _size(asked: Asked) -> tuple[float, float]:
    lines = -(-len(asked.metrics) // 3) if asked.kind in ("curves", "bars") else 1
    return SIZE[0], SIZE[1] if lines <= 1 else 2.4 * lines


class Drawing(Part):
    """The part that shows the picture; nothing is said while it is only drawn anew."""

    def __init__(self, lock: threading.RLock) -> None:
        self._picture = w.HTML()
        self.shown: Shown | None = None
        self.quiet = False
        super().__init__(lock, [self._picture])

    def put(self, shown: Shown) -> None:
        """Show this picture."""
        self.shown = shown
        self._picture.value = self.page()

    def page(self) -> str:
        """The picture as HTML with its text."""
        if self.shown is None:
            return ""
        image = base64.b64encode(self.shown.image).decode()
        said = f"<p>{escape(self.shown.said)}</p>" if self.shown.said else ""
        return f'<img alt="{escape(self.shown.figure.told)}" src="data:image/png;base64,{image}">{said}'

    def _tell(self, text: str, *, alert: bool = False) -> None:
        if self.quiet and not alert and self.shown is not None:
            self.said = text
            show(self._line, False)
            return
        super()._tell(text, alert=alert)

    def close(self) -> None:
        self.shown = None
        super().close()


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
