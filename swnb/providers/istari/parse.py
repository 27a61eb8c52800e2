"""Files of JSON and CSV as rows or as named numbers.

JSON: a list of objects is a table; its values are as they were written, NaN and infinities included. CSV has no types,
so a column's cells decide together, whether or not they stand in quotes (which many writers put around all cells):

* all ints: ints. All numbers: floats (an int beyond 2**53, which no float holds, stays one, and so do the ints beside
  it). All true or false: bools. An empty cell is then a missing one.
* else texts as they are, empty ones too. A number that begins with + or with a needless 0 is a text: it is an article
  number or a telephone's, and would not come back as it was.
"""

from __future__ import annotations

import csv
import io
import json
import re
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Final

from swnb.call import note
from swnb.model import ABSENT, Batch, Values

KEY: Final = "id"
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,299})")
_NUMBER: Final = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FLOATS: Final = frozenset({"nan", "inf", "-inf", "infinity", "-infinity"})
_BOOLS: Final = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
_EXACT: Final = 2**53
_INT64: Final = 2**63


class NoTable(ValueError):
    """The file is of a kind that holds tables, but this one holds none; says why."""


def table(name: str, data: bytes) -> Batch:
    """The rows of a file in its order. A file without a column ``id`` gets one: the number of the row, from 0."""
    batch = _csv(name, data) if name.lower().endswith((".csv", ".tsv")) else _json(data)
    if KEY in batch.columns:
        return batch
    return Batch(batch.n, {KEY: array("q", range(batch.n)), **batch.columns})


def document(data: bytes) -> Any:
    """A file of JSON; NoTable where it is none."""
    try:
        return json.loads(data)
    except RecursionError:
        raise NoTable("its JSON is nested too deep") from None
    except ValueError as error:  # of the text, or of its encoding
        raise NoTable(f"it is no JSON: {error}") from None


def is_table(value: Any) -> bool:
    """Whether a document of JSON is a list of objects."""
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def numbers(value: Any) -> dict[str, int | float]:
    """The numbers in nested objects by the path to them, joined by dots; a plain name goes before a path that spells
    the same. What stands in lists is left out."""
    if not isinstance(value, Mapping):
        return {}
    plain = {name: each for name, each in value.items() if type(each) in (int, float)}
    nested = {f"{name}.{path}": each for name, inner in value.items() for path, each in numbers(inner).items()}
    return plain | {name: each for name, each in nested.items() if name not in plain}


def distinct(names: Sequence[str]) -> list[str]:
    """Each name once: those that are taken are numbered."""
    found: dict[str, None] = {}
    for name in names:
        label, n = name, 1
        while label in found:
            n += 1
            label = f"{name} ({n})"
        found[label] = None
    return list(found)


# -- JSON


def _json(data: bytes) -> Batch:
    found = document(data)
    if not is_table(found):
        raise NoTable("it is not a list of objects")
    batch = Batch.of(found)
    return Batch(batch.n, {name: packed(cells) for name, cells in batch.columns.items()})


def packed(cells: Sequence[Any]) -> Values:
    """As an array where all cells are ints of 64 bits, or floats."""
    kinds = set(map(type, cells))
    if kinds == {float}:
        return array("d", cells)
    if kinds == {int} and all(-_INT64 <= cell < _INT64 for cell in cells):
        return array("q", cells)
    return list(cells)


# -- CSV


def _csv(name: str, data: bytes) -> Batch:
    text = _decoded(name, data)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if line]
    except csv.Error as error:
        raise NoTable(f"it is no CSV: {error}") from None
    if not lines:
        return Batch(0, {})
    header, rows = lines[0], lines[1:]
    names = _names(header, max(map(len, lines)))
    columns = {each: _typed([row[at] if at < len(row) else None for row in rows]) for at, each in enumerate(names)}
    return Batch(len(rows), columns)


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        note(f"{name} is not in UTF-8, so it was read as Windows-1252")
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """What stands most often in the first line."""
    head = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=head.count)


def _names(header: Sequence[str], width: int) -> list[str]:
    """A name for each column that any row has."""
    return distinct([(header[at] if at < len(header) else "") or f"column {at + 1}" for at in range(width)])


def _typed(cells: list[str | None]) -> Values:
    """``cells`` in the type that all of them have; None = the row was too short for it."""
    words = {cell for cell in cells if cell}
    if not words:
        return [ABSENT if cell is None else cell for cell in cells]
    read = _reader(words)
    if read is None:
        return [ABSENT if cell is None else cell for cell in cells]
    known = {word: read(word) for word in words}
    return packed([known[cell] if cell else ABSENT for cell in cells])


def _reader(words: set[str]) -> Any:
    """What makes values of these texts; None where they are to stay texts."""
    if all(map(_INT.fullmatch, words)):
        return int
    if words <= _BOOLS.keys():
        return _BOOLS.__getitem__
    spelled = {word for word in words if word.lower() not in _FLOATS}
    if not spelled or not all(map(_NUMBER.fullmatch, spelled)):
        return None
    if any(_INT.fullmatch(word) and abs(int(word)) > _EXACT for word in spelled):
        return lambda word: int(word) if _INT.fullmatch(word) else float(word)
    return float
