"""The Tables tab of a job: choose a table, see its rows, and its numeric columns as curves."""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import ipywidgets as w
import numpy as np
import pandas as pd
import traitlets as t

from swnb import plots
from swnb.client.public import rows, tables
from swnb.fetch.tasks import in_thread
from swnb.widgets.grid import Grid
from swnb.widgets.part import Part, button, fill, show, weakly
from swnb.widgets.static import counted, escape, number_text
from swnb.widgets.table import note_of

_FIRST: Final = 1_000  # rows that a table opens with
_DRAWN: Final = 6  # columns that are drawn
_KEY: Final = "id"


class Tables(Part):
    """One Part for the names of the tables, one inside for the rows of the chosen table."""

    title: ClassVar[str] = "Tables"
    verb: ClassVar[str] = "tables"

    def __init__(self, lock: threading.RLock) -> None:
        self._uri = ""
        self._choice = w.Dropdown(description="Table", layout=w.Layout(width="min(420px, 98%)"))
        self._choice.observe(self._chosen, "value")
        self._grid = Grid(pd.DataFrame({_KEY: []}), columns=[], height_rows=10)
        self._more = button("Load all rows", weakly(self, lambda page: page._read(None)), "Read the whole table")
        self._picture = w.HTML()
        self._rows = Part(lock, [self._grid, self._more, self._picture])
        super().__init__(lock, [self._choice, self._rows])

    def begin(self, uri: str) -> None:
        """Load the names of this job's tables; the first one is opened, or the one that was open before."""
        self._uri = uri
        self.load("its tables", lambda: tables.aio(uri), self._named, server=uri)

    def clear(self, text: str = "") -> None:
        self._rows.clear()
        super().clear(text)

    def _named(self, names: Sequence[str]) -> None:
        if not names:
            self.clear("This job has no tables.")
            return
        before = self._choice.value
        self._choice.unobserve(self._chosen, "value")
        self._choice.options = [(escape_label(name), name) for name in names]
        self._choice.value = before if before in names else names[0]
        self._choice.observe(self._chosen, "value")
        self._read(_FIRST)

    def _chosen(self, _change: t.Bunch) -> None:
        self._rows.clear()
        self._read(_FIRST)

    def _read(self, most: int | None) -> None:
        uri, name = self._uri, self._choice.value
        # One row more than is shown tells whether there are more: no server counts them for us.
        limit = None if most is None else most + 1

        async def fetch() -> tuple[pd.DataFrame, bool, str]:
            frame = await rows.aio(uri, name, limit=limit)
            more = most is not None and len(frame) > most
            shown = frame.iloc[:most] if more else frame
            return shown, more, await in_thread(picture, shown, uri)

        self._rows.load(f"rows of {name}", fetch, self._put, server=uri)

    def _put(self, found: tuple[pd.DataFrame, bool, str]) -> None:
        frame, more, page = found
        fill(self._grid, frame)
        self._grid.caption = escape_label(self._choice.value)
        self._grid.note = f"the first {len(frame):,} rows, there are more" if more else note_of(frame)
        self._picture.value = page
        show(self._more, more)


def escape_label(name: str) -> str:
    """A table's name as the label of an option: one line of bearable length."""
    return name if len(name) <= 100 and name.isprintable() else escape(name[:100]) + "…"


def picture(frame: pd.DataFrame, uri: str) -> str:
    """The numeric columns over the int key as an image with a text for screen readers; empty where there are none."""
    names = drawable(frame)
    shown = names[:_DRAWN]
    if not shown:
        return ""
    tall = 2.4 if len(shown) <= 3 else 4.2
    image = base64.b64encode(plots.png(plots.draw(_long(frame, shown, uri), size=(9, tall)))).decode()
    told = "; ".join(_told(frame[name]) for name in shown)
    left = f" ({counted(len(shown), len(names), 'numeric columns')})" if len(names) > len(shown) else ""
    alt = escape(f"Curves over {_KEY} of {len(frame):,} rows{left}: {told}")
    return f'<img alt="{alt}" src="data:image/png;base64,{image}">' + (f"<p>{escape(left.strip())}</p>" if left else "")


def drawable(frame: pd.DataFrame) -> list[str]:
    """The numeric columns, where the key is an int and there is more than one row."""
    if _KEY not in frame or len(frame) < 2 or not pd.api.types.is_integer_dtype(frame[_KEY]):
        return []
    numeric = frame.select_dtypes(include="number").columns
    return [name for name in numeric if name != _KEY and frame[name].notna().any()]


def _long(frame: pd.DataFrame, names: Sequence[str], uri: str) -> pd.DataFrame:
    count = len(frame)
    metric: np.ndarray[Any, Any] = np.repeat(np.arange(len(names)), count)
    values = [frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names]
    made: pd.DataFrame = pd.DataFrame(
        {
            "job": pd.Categorical.from_codes(np.zeros_like(metric), pd.Index([uri])),
            "metric": pd.Categorical.from_codes(metric, pd.Index(names)),
            "step": np.tile(frame[_KEY].to_numpy(dtype=np.int64), len(names)),
            "value": np.concatenate(values),
        }
    )
    return made


def _told(values: pd.Series[Any]) -> str:
    low, high, last = (number_text(float(each)) for each in (values.min(), values.max(), values.dropna().iloc[-1]))
    return f"{values.name} from {low} to {high}, last {last}"
