"""Tables of the datastore: rows with all their revisions (paper 4.2, 4.3), and tables made by arithmetic."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from swnb.sandbox import world
from swnb.sandbox.starwhale.hints import Hint
from swnb.sandbox.starwhale.values import Cell, cell_of, order

Order = tuple[Any, ...]
Seen = tuple[Order, Cell, "dict[str, Cell] | None"]
"""A row as a scan meets it: the order of its key, the key, and its cells, None when it is deleted."""

DELETE = "-"
"""The column by which a writer deletes a row."""

KINDS = {"int": "INT64", "float": "FLOAT64", "text": "STRING", "bool": "BOOL"}
SAMPLE = 2000
PIECE = 200


@dataclass(frozen=True)
class Span:
    """A range of keys; None is open."""

    low: Order | None = None
    high: Order | None = None
    low_inclusive: bool = True
    high_inclusive: bool = False

    def holds(self, key: Order) -> bool:
        above = self.low is None or key > self.low or (self.low_inclusive and key == self.low)
        return above and not self.past(key)

    def past(self, key: Order) -> bool:
        return self.high is not None and (key > self.high or (key == self.high and not self.high_inclusive))


class Source(Protocol):
    """A table as a scan sees it."""

    key_column: str
    key_type: str

    def columns(self) -> list[str]: ...
    def hints(self) -> dict[str, Hint]: ...
    def walk(self, span: Span, revision: int) -> Iterator[Seen]: ...
    def behind(self, span: Span) -> int:
        """How many rows lie behind the open end of a range: what the real server pays for."""
        ...


@dataclass
class _Row:
    key: Cell
    history: list[tuple[int, dict[str, Cell] | None]]

    def at(self, revision: int) -> tuple[bool, dict[str, Cell] | None]:
        """Whether the row was known at that revision (0 is now), and its cells."""
        for number, cells in reversed(self.history):
            if not revision or number <= revision:
                return True, cells
        return False, None


@dataclass
class Table:
    """A table that was written to."""

    key_column: str = "id"
    key_type: str = "UNKNOWN"
    revision: int = 0
    _keys: list[Order] = field(default_factory=list)
    _rows: dict[Order, _Row] = field(default_factory=dict)
    _hints: dict[str, Hint] = field(default_factory=dict)
    _declared: dict[str, None] = field(default_factory=dict)

    def columns(self) -> list[str]:
        return list(dict.fromkeys([*self._hints, *self._declared]))

    def declare(self, columns: Iterable[str]) -> None:
        """Columns of the schema, which exist before they hold anything."""
        self._declared.update(dict.fromkeys(columns))

    def hints(self) -> dict[str, Hint]:
        return self._hints

    def update(self, records: Iterable[Mapping[str, Cell]]) -> int:
        """Merge rows by key into a new revision and return it; a `-` cell deletes its row."""
        self.revision += 1
        for record in records:
            self._write(record)
        return self.revision

    def _write(self, record: Mapping[str, Cell]) -> None:
        key = record[self.key_column]
        place = order(key)
        self.key_type = key[0]
        row = self._rows.get(place)
        if row is None:
            row = self._rows[place] = _Row(key, [])
            bisect.insort(self._keys, place)
        if DELETE in record:
            self.declare([DELETE])
            row.history.append((self.revision, None))
            return
        before = row.history[-1][1] if row.history else None
        row.history.append((self.revision, self._merged(before, record)))

    def _merged(self, before: dict[str, Cell] | None, record: Mapping[str, Cell]) -> dict[str, Cell]:
        """Cells equal by comparison keep the older type, as 1 does when 1.0 is written over it."""
        cells = dict(before or {})
        for name, cell in record.items():
            self._hints.setdefault(name, Hint()).add(cell)
            old = cells.get(name)
            if old is None or order(old) != order(cell):
                cells[name] = cell
        return cells

    def walk(self, span: Span, revision: int) -> Iterator[Seen]:
        start = 0 if span.low is None else bisect.bisect_left(self._keys, span.low)
        for place in itertools.islice(self._keys, start, None):
            if span.past(place):
                return
            known, cells = self._rows[place].at(revision)
            if known and span.holds(place):
                yield place, self._rows[place].key, cells

    def behind(self, span: Span) -> int:
        if span.high is not None:
            return 0
        return len(self._keys) - (0 if span.low is None else bisect.bisect_left(self._keys, span.low))


class Grown:
    """A table of the world, whose rows are made from their number."""

    def __init__(self, table: world.Table, now: Callable[[], float]) -> None:
        self.table = table
        self.key_column = table.key
        self.key_type = KINDS[table.kinds[table.key]]
        self._now = now
        self._hinted: tuple[int, dict[str, Hint]] = (-1, {})

    @property
    def length(self) -> int:
        return self.table.length(self._now())

    def columns(self) -> list[str]:
        return list(self.table.kinds) if self.length else []

    def hints(self) -> dict[str, Hint]:
        """From the first 2000 rows: columns made by arithmetic show there what they hold."""
        known = min(self.length, SAMPLE)
        if self._hinted[0] != known:
            block = self.table.block(0, known)
            hints = {name: Hint() for name in self.columns()}
            for name, hint in hints.items():
                hint.add_all(cell_of(value) for value in block[name])
            self._hinted = (known, hints)
        return self._hinted[1]

    def bounds(self, span: Span) -> tuple[int, int]:
        """The first and the one-after-last row number of a range."""
        rows = range(self.length)
        low = 0 if span.low is None else bisect.bisect_left(rows, span.low, key=_int_order)
        if span.low is not None and not span.low_inclusive:
            low = bisect.bisect_right(rows, span.low, key=_int_order)
        if span.high is None:
            return low, len(rows)
        side = bisect.bisect_right if span.high_inclusive else bisect.bisect_left
        return low, side(rows, span.high, key=_int_order)

    def walk(self, span: Span, revision: int) -> Iterator[Seen]:
        low, high = self.bounds(span)
        for first in range(low, high, PIECE):
            block = self.table.block(first, min(first + PIECE, high))
            for values in zip(*block.values(), strict=True):
                cells = {name: cell_of(value) for name, value in zip(block, values, strict=True)}
                key = cells[self.key_column]
                yield order(key), key, cells

    def behind(self, span: Span) -> int:
        return 0 if span.high is not None else self.length - self.bounds(span)[0]


def _int_order(number: int) -> Order:
    return (2, 0, number, 0)


class Datastore:
    """All tables by their full name."""

    def __init__(self) -> None:
        self.tables: dict[str, Source] = {}

    def table(self, name: str, key_column: str = "id") -> Table:
        """The table to write to, made when it is not there; a table of the world is first written out."""
        found = self.tables.get(name)
        if isinstance(found, Table):
            return found
        made = self.tables[name] = Table(key_column)
        if found is not None:
            made.update(cells for _, _, cells in found.walk(Span(), 0) if cells is not None)
        return made

    def write(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write Python values, as one update; {"id": 3, "-": True} deletes."""
        return self.table(name).update({key: cell_of(value) for key, value in row.items()} for row in rows)

    def names(self, prefixes: Iterable[str]) -> list[str]:
        starts = tuple(prefixes)
        return sorted(name for name in self.tables if starts and name.startswith(starts))
