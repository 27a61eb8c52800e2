"""Values of one column as a pandas array that tells the truth about them (design.md section 3, "Frames").

Ints stay ints (nullable where one is missing), NaN and infinities survive, text that looks like a number stays text,
a column of several kinds is an object column whose values are as they came. A missing cell is NA, NaT, NaN or None,
by the column's type.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import numpy as np
import pandas as pd

from swnb.call import note
from swnb.model import ABSENT, Batch, Status, Values

_INT64: Final = np.iinfo(np.int64)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)
_NOTHING: Final = frozenset({type(None), type(ABSENT)})


def column(cells: Sequence[Any], name: str = "") -> Any:
    """``cells`` (None or ABSENT = missing) as an array of the narrowest pandas type that keeps every value as it is."""
    kinds = set(map(type, cells))
    missing = bool(kinds & _NOTHING)
    kinds -= _NOTHING
    if len(kinds) != 1:
        return objects(cells)
    kind = kinds.pop()
    if kind is float:
        return _floats(cells, missing, name)
    if kind in (int, bool):
        return (_ints if kind is int else _bools)(cells, missing)
    if kind is str:
        return texts([None if cell is ABSENT else cell for cell in cells] if missing else cells)
    return _PLAIN.get(kind, objects)(cells)


def objects(cells: Iterable[Any]) -> Any:
    """An object array, missing cells None. Filled one by one: numpy would unpack lists and tuples otherwise."""
    values = [None if cell is ABSENT else cell for cell in cells]
    out = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        out[at] = value
    return out


def _ints(cells: Sequence[Any], missing: bool) -> Any:
    if not missing:
        try:
            return np.array(cells, dtype=np.int64)
        except OverflowError:
            return objects(cells)
    gaps = _gaps(cells)
    try:
        values = np.array([0 if gap else cell for cell, gap in zip(cells, gaps, strict=True)], dtype=np.int64)
    except OverflowError:
        return objects(cells)
    return pd.arrays.IntegerArray(values, gaps)


def _floats(cells: Sequence[Any], missing: bool, name: str) -> Any:
    if not missing:
        return np.array(cells, dtype=np.float64)
    gaps = _gaps(cells)
    values = np.array([np.nan if gap else cell for cell, gap in zip(cells, gaps, strict=True)], dtype=np.float64)
    if lost := int(np.isnan(values).sum() - gaps.sum()):
        _both_shown_as_nan(name, lost, int(gaps.sum()))
    return values


def _both_shown_as_nan(name: str, nans: int, gaps: int) -> None:
    note(f"column {name}: {nans} cells are NaN and {gaps} are missing; both are shown as NaN")


def counts(cells: Sequence[int | None]) -> Any:
    """Ints, nullable also where all are missing."""
    return _ints(cells, missing=any(cell is None for cell in cells))


def _bools(cells: Sequence[Any], missing: bool) -> Any:
    if not missing:
        return np.array(cells, dtype=bool)
    gaps = _gaps(cells)
    return pd.arrays.BooleanArray(np.array([cell is True for cell in cells], dtype=bool), gaps)


def texts(cells: Sequence[str | None]) -> Any:
    """Texts, some may be missing, in pandas' own type where it has one (3.x: ``str``), else as objects; lone surrogates
    fit only the latter."""
    values = np.array(cells, dtype=object)  # numpy takes neither a text nor None apart
    try:
        return pd.array(values, dtype="str") if pd.__version__ >= "3" else values
    except (UnicodeError, ValueError, TypeError):
        return values


def _gaps(cells: Sequence[Any]) -> Any:
    return np.fromiter((cell is None or cell is ABSENT for cell in cells), dtype=bool, count=len(cells))


def times(cells: Sequence[Any]) -> Any:
    """tz-aware UTC times, to the microsecond; None is NaT."""
    micros = [None if not cell else (cell - _EPOCH) // _MICROSECOND for cell in cells]
    return instants(np.array([_INT64.min if m is None else m for m in micros], dtype=np.int64))


def instants(micros: Any) -> Any:
    """tz-aware UTC times of an int64 array of Unix microseconds; the least int64 is NaT."""
    return pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC").array


def durations(cells: Sequence[Any]) -> Any:
    """Durations to the microsecond; None is NaT."""
    micros = [_INT64.min if cell is None or cell is ABSENT else cell // _MICROSECOND for cell in cells]
    return pd.TimedeltaIndex(np.array(micros, dtype=np.int64).view("timedelta64[us]")).array


_PLAIN: Final[Mapping[type, Callable[[Sequence[Any]], Any]]] = {datetime: times, timedelta: durations}


def statuses(cells: Sequence[Status]) -> Any:
    """The one vocabulary as a category of plain strings, in its own order."""
    return pd.Categorical([cell.value for cell in cells], categories=[each.value for each in Status])


def join(batches: Sequence[Batch]) -> dict[str, Any]:
    """Columns of many batches one after the other; a column that a batch lacks is missing there."""
    names = dict.fromkeys(name for batch in batches for name in batch.columns)
    return {name: _joined(name, [(batch.n, batch.columns.get(name)) for batch in batches]) for name in names}


def _joined(name: str, parts: Sequence[tuple[int, Values | None]]) -> Any:
    codes = {part.typecode if isinstance(part, array) else type(part).__name__ for _, part in parts}
    if codes in ({"q"}, {"d"}):
        return np.concatenate(
            [np.frombuffer(part, dtype=part.typecode) for _, part in parts if isinstance(part, array)]
        )
    if codes <= {"q", "NoneType"} or codes <= {"d", "NoneType"}:
        return _with_holes(name, parts, "q" in codes)
    cells: list[Any] = []
    for n, part in parts:
        cells.extend([ABSENT] * n if part is None else part)
    return column(cells, name)


def _with_holes(name: str, parts: Sequence[tuple[int, Values | None]], whole: bool) -> Any:
    total = sum(n for n, _ in parts)
    values = np.zeros(total, dtype=np.int64) if whole else np.full(total, np.nan)
    gaps = np.ones(total, dtype=bool)
    at = 0
    for n, part in parts:
        if isinstance(part, array):
            values[at : at + n] = np.frombuffer(part, dtype=part.typecode)
            gaps[at : at + n] = False
        at += n
    if whole:
        return pd.arrays.IntegerArray(values, gaps)
    if lost := int(np.isnan(values[~gaps]).sum()):
        _both_shown_as_nan(name, lost, int(gaps.sum()))
    return values
