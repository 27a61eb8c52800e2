"""The Metrics tab of a job: choose metrics, see their curves. Every point is read, so that no spike is hidden."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from typing import ClassVar, Final

import ipywidgets as w
import pandas as pd
import traitlets as t

from swnb import plots
from swnb.client.public import metrics
from swnb.client.verbs import metric_names
from swnb.fetch.tasks import in_thread
from swnb.widgets.part import Part, code, say
from swnb.widgets.static import counted, escape, number_text
from swnb.widgets.table import note_of

_DRAWN: Final = 6  # metrics that are drawn at first


class Curves(Part):
    """One Part for the names of the metrics, one inside for the picture of the chosen ones."""

    title: ClassVar[str] = "Metrics"
    verb: ClassVar[str] = "metrics"

    def __init__(self, lock: threading.RLock) -> None:
        self._uri = ""
        self._choice = w.SelectMultiple(
            description="Metrics", rows=6, layout=w.Layout(width="min(420px, 98%)"), tooltip="Ctrl or Shift for several"
        )
        self._choice.observe(self._chosen, "value")
        self._picture = w.HTML()
        self._drawn = Part(lock, [self._picture])
        super().__init__(lock, [self._choice, self._drawn])

    def begin(self, uri: str) -> None:
        """Load the names of this job's metrics and draw the first few, or those that were chosen before."""
        self._uri = uri
        self.load("its metrics", lambda: metric_names(uri), self._named, server=uri)

    def clear(self, text: str = "") -> None:
        self._drawn.clear()
        super().clear(text)

    def _named(self, names: Sequence[str]) -> None:
        if not names:
            self.clear("This job has no metrics.")
            return
        before = [name for name in self._choice.value if name in names]
        self._choice.unobserve(self._chosen, "value")
        self._choice.options = [(name if name.isprintable() else escape(name), name) for name in names]
        self._choice.value = before or names[:_DRAWN]
        self._choice.rows = min(max(len(names), 2), 8)
        self._choice.observe(self._chosen, "value")
        self._read()

    def _chosen(self, _change: t.Bunch) -> None:
        self._read()

    def _read(self) -> None:
        uri, names, of = self._uri, list(self._choice.value), len(self._choice.options)
        if not names:
            self._drawn.clear("Choose a metric above to see its curve.")
            return

        async def fetch() -> str:
            frame = await metrics.aio(uri, names)
            return await in_thread(picture, frame, of) + say(note_of(frame, "points"))

        self._drawn.load(f"{len(names)} metrics", fetch, self._put, server=uri)

    def _put(self, page: str) -> None:
        self._picture.value = page + f'<div class="swnb-say">{code(f"swnb.metrics({self._uri!r})")}</div>'


def picture(frame: pd.DataFrame, of: int) -> str:
    """The curves as an image with a text for screen readers, and how many of the ``of`` metrics they are."""
    names = [str(name) for name in frame["metric"].unique()]
    tall = 2.4 if len(names) <= 3 else 2.0 * -(-len(names) // 3)
    image = base64.b64encode(plots.png(plots.draw(frame, names, size=(9, tall)))).decode()
    told = "; ".join(_told(name, frame["value"][frame["metric"] == name]) for name in names)
    shown = counted(len(names), of, "metrics")
    alt = escape(f"Curves by step, {shown}: {told}")
    return f'<img alt="{alt}" src="data:image/png;base64,{image}"><p>{escape(shown)}</p>'


def _told(name: str, values: pd.Series[float]) -> str:
    there = values.dropna()
    if there.empty:
        return f"{name} has no value"
    low, high, last = (number_text(float(each)) for each in (there.min(), there.max(), there.iloc[-1]))
    return f"{name} from {low} to {high}, last {last}"
