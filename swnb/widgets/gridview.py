"""A frame as a table shows it: which columns, which rows, in which order. No widget, no thread.

A *position* is a row of the full frame, a *place* is a row of the view (after sort and filter).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from swnb.widgets.static import LIMIT, MAX_COLUMNS, Column, cell_text, columns_of, duration_text, is_missing

Positions = np.ndarray[Any, np.dtype[np.intp]]

_MOST = 500  # rows in one message, whatever the browser asks for
_REMEMBERED = 3  # earlier indexes by which a late message is still understood

# What the text of a kind of number can hold: a needle with anything else is not looked for there.
_DIGITS = {"i": "-", "u": "", "f": "-+.einfa", "M": "-: ", "m": "-. dhmse"}


def sort_positions(order: Positions, column: Column, ascending: bool) -> Positions:
    """`order` sorted by this column: stable, missing values and NaN last, any mix of types."""
    values = column.values.iloc[order].reset_index(drop=True)
    try:
        ranked = values.sort_values(ascending=ascending, kind="stable", na_position="last").index.to_numpy()
    except (TypeError, ValueError):  # values that do not compare with each other
        ranked = np.array(_mixed_order(values.tolist(), ascending), dtype=np.intp)
    ordered: Positions = order[ranked]
    return ordered


def _mixed_order(values: list[object], ascending: bool) -> list[int]:
    empty = [is_missing(value) or (isinstance(value, float) and math.isnan(value)) for value in values]
    present = [at for at, missing in enumerate(empty) if not missing]
    present.sort(key=lambda at: _sort_key(values[at]), reverse=not ascending)
    return present + [at for at, missing in enumerate(empty) if missing]


def _sort_key(value: object) -> tuple[int, Any]:
    """Numbers before text before everything else, which goes by its text."""
    if isinstance(value, Real):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, cell_text(value))


def contains(column: Column, needle: str) -> np.ndarray[Any, Any]:
    """Which rows show `needle` (in lower case) in this column."""
    values, kind = column.values, column.values.dtype.kind
    allowed = _DIGITS.get(kind)
    if allowed is not None and not set(needle) <= {*"0123456789", *allowed}:
        return np.zeros(len(values), dtype=bool)
    if isinstance(values.dtype, pd.CategoricalDtype):
        found = [at for at, value in enumerate(values.cat.categories) if needle in cell_text(value).lower()]
        return np.isin(values.cat.codes.to_numpy(), found)
    return np.fromiter((needle in text for text in _texts(column)), dtype=bool, count=len(values))


def _texts(column: Column) -> Iterable[str]:
    """The text of every row in lower case; the fast ways give what `cell_text` gives."""
    if column.values.dtype.kind == "M":
        moments = pd.DatetimeIndex(column.values)
        utc = moments if moments.tz is None else moments.tz_convert("UTC").tz_localize(None)
        texts = np.datetime_as_string(utc.to_numpy().astype("datetime64[s]"))
        return ("" if text == "NaT" else text.replace("T", " ") for text in texts.tolist())
    if column.values.dtype.kind == "m":
        seconds = column.values.dt.total_seconds().tolist()
        return ("" if math.isnan(s) else duration_text(s) for s in seconds)
    return (cell_text(value).lower() for value in column.window(slice(None)))


def holds(column: Column, wanted: Iterable[object]) -> np.ndarray[Any, Any]:
    """Which rows have one of these values in this column."""
    values = set(wanted)
    try:
        return column.values.isin(values).to_numpy(dtype=bool)
    except TypeError:  # a nested value somewhere: no set holds it
        cells = column.values.tolist()
        return np.array([isinstance(v, Hashable) and _in(v, values) for v in cells], dtype=bool)


def _in(value: object, values: set[object]) -> bool:
    try:
        return value in values
    except TypeError:  # a tuple of lists says that it is hashable and is not
        return False


def _cell(value: object) -> object:
    """What is sent for a value: None (missing), its text, or [text, tooltip]; 1 as tooltip: ask for it."""
    if is_missing(value):
        return None
    text = cell_text(value)
    if len(text) > LIMIT:
        return [text, 1]
    if isinstance(value, float) and not math.isnan(value) and float(text) != value:
        return [text, repr(value)]
    return text


class View:
    """A frame, the columns shown of it and the order of its rows. Knows nothing of widgets or threads."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.data = self.version = 0
        self._earlier: deque[tuple[int, pd.Index[Any]]] = deque(maxlen=_REMEMBERED)
        self._take(frame)

    def _take(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self.columns = columns_of(frame)
        self.by_key = {column.key: column for column in self.columns}
        self.shown = self.columns[:MAX_COLUMNS]
        self.order: Positions = np.arange(len(frame), dtype=np.intp)

    def replace(self, frame: pd.DataFrame) -> None:
        """Take another frame; positions of the present one can be translated for a while."""
        self._earlier.append((self.data, self.frame.index))
        self.data += 1
        self._take(frame)

    def arrange(
        self,
        columns: Sequence[str] | None,
        search: str,
        where: Mapping[str, Iterable[object]],
        sort: Sequence[tuple[str, bool]],
    ) -> None:
        """Choose columns, then filter, then sort. Names that the frame does not have (now) show nothing."""
        self.version += 1
        names = list(self.by_key)[:MAX_COLUMNS] if columns is None else columns
        self.shown = [self.by_key[name] for name in names if name in self.by_key]
        kept = np.ones(len(self.frame), dtype=bool)
        for name, values in where.items():
            kept &= holds(self.by_key[name], values) if name in self.by_key else False
        if search.strip():
            kept &= self._found(search.strip().lower())
        self.order = np.flatnonzero(kept)
        for name, ascending in reversed(sort):
            if name in self.by_key:
                self.order = sort_positions(self.order, self.by_key[name], ascending)

    def _found(self, needle: str) -> np.ndarray[Any, Any]:
        found = np.zeros(len(self.frame), dtype=bool)
        for column in self.shown:
            found |= contains(column, needle)
        return found

    def place(self, position: int | None) -> int | None:
        """Where this row of the frame stands in the view; None when it is filtered away."""
        if position is None:
            return None
        places = np.flatnonzero(self.order == position)
        return int(places[0]) if len(places) else None

    def position(self, position: int, data: int) -> int | None:
        """A position in frame number `data` as one in the present frame: the row with the same label."""
        moved = self.translate([position], data)
        return moved[0] if moved else None

    def translate(self, positions: Iterable[int], data: int) -> list[int]:
        """Positions in frame number `data` as positions in the present one; rows that are gone drop out."""
        if data == self.data:
            return [at for at in positions if 0 <= at < len(self.frame)]
        old = next((index for number, index in self._earlier if number == data), None)
        if old is None:
            return []
        known = [at for at in positions if 0 <= at < len(old)]
        new = self.frame.index
        if new.is_unique:
            return [int(at) for at in new.get_indexer(old[known]) if at >= 0]
        return [at for at in known if at < len(new) and new[at] == old[at]]

    def rows(self, first: int, count: int, chosen: set[int]) -> list[list[object]]:
        """The rows of a window, each as [position, whether it is chosen, its cells]."""
        at = self.order[max(first, 0) : max(first, 0) + min(count, _MOST)]
        cells = [[_cell(value) for value in column.window(at)] for column in self.shown]
        lines = zip(*cells, strict=True) if cells else ((),) * len(at)
        return [[p, int(p in chosen), list(line)] for p, line in zip(at.tolist(), lines, strict=True)]

    def take(self, positions: Positions | list[int]) -> pd.DataFrame:
        """These rows of the frame."""
        rows: pd.DataFrame = self.frame.iloc[positions]
        return rows

    def top(self, count: int) -> list[Column]:
        """The shown columns, holding only the first rows of the view."""
        at = self.order[:count]
        return [Column(c.key, c.label, c.kind, c.values.iloc[at]) for c in self.shown]

    def between(self, one: int, other: int) -> list[int]:
        """The positions of the rows from one row to another, as the view orders them."""
        ends = [self.place(one), self.place(other)]
        first, last = sorted(place for place in ends if place is not None) if None not in ends else (0, -1)
        return list(self.order[first : last + 1].tolist())
