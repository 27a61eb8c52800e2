"""A datastore table asked for in pages (starwhale paper 4.3, 4.5, 7.3).

Two ways of asking:

* untyped, where one look at the table's hints says that every wanted column has one scalar type. A page has half the
  bytes, and its columns are decoded in bulk. The types may change while we read (a writer adds another one), so every
  page is held against its own hints, and one that no longer fits is ``torn``.
* typed, else. Every cell says what it is.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from swnb.call import Call, Reply
from swnb.errors import BadInput
from swnb.model import ABSENT, Batch, RowQuery, Values
from swnb.providers.base import ScanPage
from swnb.providers.starwhale.replies import data, refusal
from swnb.providers.starwhale.values import INTS, SCALARS, BadValue, column, encode_key, typed, value_of

SCAN: Final = "/api/v1/datastore/scanTable"
PAGE: Final = 1000  # the most that a server gives
KEY: Final = "id"
_INT64: Final = (-(2**63), 2**63 - 1)

Types = Mapping[str, frozenset[str]]


class _Hints(msgspec.Struct):
    typeHints: list[str] = msgspec.field(default_factory=list)

    def types(self) -> frozenset[str]:
        return frozenset(self.typeHints) - {"UNKNOWN"}


class _Head(msgspec.Struct):
    columnHints: dict[str, _Hints] = msgspec.field(default_factory=dict)


class _HeadEnvelope(msgspec.Struct):
    code: Any = None
    data: _Head | None = None


def look(table: str, columns: Sequence[str] | None = None) -> Call[Types]:
    """The types that each column of the table has ever had; empty for a table that has no rows or is not there."""

    def decode(reply: Reply) -> Types:
        if reply.status != 200:
            raise refusal(reply)
        envelope: _HeadEnvelope = reply.json(_HeadEnvelope)
        if envelope.data is None:
            raise refusal(reply)
        return {name: hints.types() for name, hints in envelope.data.columnHints.items()}

    body: dict[str, Any] = {"tables": [_described(table, columns, False)], "encodeWithType": True, "limit": 0}
    return Call("POST", SCAN, decode, json=body)


def _described(table: str, columns: Sequence[str] | None, keep_none: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"tableName": table}
    # A name with a colon would be cut there by the server: then all columns are asked for, and the rest is dropped.
    if columns is not None and not any(":" in name for name in columns):
        described["columns"] = [{"columnName": name} for name in columns]
    return described | ({"keepNone": True} if keep_none else {})


@dataclass(frozen=True, slots=True)
class DatastoreTable:
    """A ``TableScan``: ``columns`` are all that is wanted, key first; ``types`` None means: ask typed."""

    name: str
    columns: tuple[str, ...]
    whole: bool  # all columns are wanted, so one that appears while we read is wanted too
    keys: frozenset[str]
    types: Mapping[str, str] | None
    keep_none: bool = False
    start: Any = None
    end: Any = None
    end_inclusive: bool = False
    page_rows: int = PAGE

    @staticmethod
    def of(name: str, types: Types, query: RowQuery) -> DatastoreTable:
        """The way to ask that suits the table's types and the query; BadInput for bounds or columns that it has not."""
        wanted = _wanted(name, types, query.columns)
        plain = {c: next(iter(t)) for c in wanted if len(t := types.get(c, frozenset())) == 1 and t <= SCALARS}
        settled = {c for c in wanted if not types.get(c)}  # nothing but None was ever written to these
        start, end, inclusive = query.start, query.end, query.end_inclusive
        keys = types.get(KEY, frozenset())
        if keys and keys <= INTS.keys():
            start, end, inclusive = _int_bounds(name, start, end, inclusive)
        elif keys == {"STRING"}:
            _check_text(name, start, end)
        else:
            _check_any(name, start, end)
        return DatastoreTable(
            name=name,
            columns=wanted,
            whole=query.columns is None,
            keys=keys,
            types=plain if KEY in plain and len(plain) + len(settled) == len(wanted) else None,
            keep_none=query.keep_none,
            start=start,
            end=end,
            end_inclusive=inclusive,
            page_rows=min(PAGE, max(1, query.limit)) if query.limit is not None else PAGE,
        )

    @property
    def int_keys(self) -> bool:
        return bool(self.keys) and self.keys <= INTS.keys()

    def anew(self) -> DatastoreTable:
        return replace(self, types=None)

    def between(self, low: int | None, high: int | None) -> Call[ScanPage]:
        body = self._body()
        for bound, key in (("start", low), ("end", high)):
            if key is not None:
                body[f"{bound}Type"], body[bound] = encode_key(key)
        return self._call(body)

    def first(self) -> Call[ScanPage]:
        body = self._body()
        if self.start is not None:
            body["startType"], body["start"] = encode_key(self.start)
        return self._call(body)

    def after(self, page: ScanPage) -> Call[ScanPage] | None:
        if page.batch.n < self.page_rows or page.cursor is None:
            return None
        kind, key = page.cursor
        return self._call(self._body() | {"startType": kind, "start": key, "startInclusive": False})

    def _body(self) -> dict[str, Any]:
        untyped = self.types is not None
        columns = None if self.whole else self.columns
        body: dict[str, Any] = {
            "tables": [_described(self.name, columns, self.keep_none)],
            "encodeWithType": not untyped,
            "limit": self.page_rows,
        }
        if self.keep_none and untyped:
            body["keepNone"] = True
        if self.end is not None:
            body["endType"], body["end"] = encode_key(self.end)
            if self.end_inclusive:
                body["endInclusive"] = True
        return body

    def _call(self, body: dict[str, Any]) -> Call[ScanPage]:
        return Call("POST", SCAN, self._untyped if self.types is not None else self.page, json=body)

    def _untyped(self, reply: Reply) -> ScanPage:
        assert self.types is not None  # noqa: S101 - _call chose this decoder by it
        if reply.status != 200:
            raise refusal(reply)
        envelope = reply.json(_envelope(self.columns))
        if envelope.data is None:
            raise refusal(reply)
        if self._torn(envelope.data.columnHints):
            return ScanPage(Batch(0, {}), torn=True)
        rows = envelope.data.records
        decoded = {}
        for at, name in enumerate(self.columns):
            cells = list(map(operator.attrgetter(f"c{at}"), rows))
            decoded[name] = self._column(name, cells, reply)
        batch = Batch(len(rows), _present(decoded))
        return _page(batch, (self.types[KEY], envelope.data.lastKey))

    def _column(self, name: str, cells: list[Any], reply: Reply) -> Values:
        assert self.types is not None  # noqa: S101
        try:
            return column(self.types.get(name, "UNKNOWN"), _with_gaps(cells))
        except BadValue as error:
            problem = f"column {name}: {error}"
        raise reply.odd(problem)

    def _torn(self, hints: Mapping[str, _Hints]) -> bool:
        known = self.types or {}
        return any(
            name not in self.columns if not (types := hint.types()) else types != {known.get(name)}
            for name, hint in hints.items()
            if self.whole or name in self.columns
        )

    def page(self, reply: Reply) -> ScanPage:
        """A reply to a typed question, asked by whichever endpoint."""
        body = data(reply)
        rows = body.get("records") if isinstance(body, Mapping) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise reply.odd("data.records is no list of objects")
        names = self.columns
        if self.whole:  # a column may have come since we looked
            names = tuple(dict.fromkeys((*names, *sorted({name for row in rows for name in row} - {*names}))))
        decoded = {name: _typed_column(name, rows, reply) for name in names}
        return _page(Batch(len(rows), _present(decoded)), _cursor(rows, body.get("lastKey"), reply))


def _cursor(rows: Sequence[Mapping[str, Any]], last_key: Any, reply: Reply) -> tuple[str, Any] | None:
    """The last key as a bound. It comes without a type, which is that of the last row's key."""
    if not rows or KEY not in rows[-1] or last_key is None:
        return None
    kind = rows[-1][KEY]["type"]
    if not isinstance(kind, str) or not isinstance(last_key, str):
        raise reply.odd("data.lastKey is no key")
    return kind, last_key


def _page(batch: Batch, cursor: tuple[str, Any] | None) -> ScanPage:
    keys = batch.columns.get(KEY)
    if not batch.n or keys is None or cursor is None or cursor[1] is None:
        return ScanPage(batch)
    return ScanPage(batch, first=keys[0], last=keys[-1], cursor=cursor)


def _with_gaps(cells: list[Any]) -> list[Any]:
    if msgspec.UNSET in cells:
        return [ABSENT if cell is msgspec.UNSET else cell for cell in cells]
    return cells


def _present(columns: Mapping[str, Values]) -> dict[str, Values]:
    """Without the columns that no row of this page has."""
    return {n: v for n, v in columns.items() if not isinstance(v, list) or any(cell is not ABSENT for cell in v)}


def _typed_column(name: str, rows: Sequence[Mapping[str, Any]], reply: Reply) -> Values:
    cells = [row.get(name, ABSENT) for row in rows]
    try:
        kinds = {cell["type"] for cell in cells}
        if len(kinds) == 1 and (kind := next(iter(kinds))) in SCALARS:
            return column(kind, [cell["value"] for cell in cells])
    except (TypeError, KeyError, BadValue):
        pass  # a gap, or a cell that typed() will name
    try:
        return [cell if cell is ABSENT else _cell(cell) for cell in cells]
    except (BadValue, RecursionError) as error:
        problem = f"column {name}: {error}"
    raise reply.odd(problem)


def _cell(cell: Any) -> Any:
    try:
        return value_of(cell["type"], cell["value"], cell.get("pythonType"))
    except (TypeError, KeyError, AttributeError):
        return typed(cell)


@functools.lru_cache(maxsize=64)
def _envelope(columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """The reply's shape for these columns: rows become slots instead of dicts, and other columns are skipped unread."""
    cell = str | msgspec.UnsetType | None
    row = msgspec.defstruct(
        "Row",
        [(f"c{at}", cell, msgspec.UNSET) for at in range(len(columns))],
        rename={f"c{at}": name for at, name in enumerate(columns)},
        gc=False,
    )
    page = msgspec.defstruct(
        "Data",
        [
            ("records", list[row], msgspec.field(default_factory=list)),  # type: ignore[valid-type]
            ("columnHints", dict[str, _Hints], msgspec.field(default_factory=dict)),
            ("lastKey", str | None, None),
        ],
    )
    return msgspec.defstruct("Envelope", [("code", Any, None), ("data", page | None, None)])


def _wanted(table: str, types: Types, columns: tuple[str, ...] | None) -> tuple[str, ...]:
    if columns is None:
        return (KEY, *sorted(types.keys() - {KEY}))
    if unknown := [name for name in columns if name not in types]:
        raise BadInput(
            f"table {_last_part(table)} has no column {', '.join(map(repr, unknown))}",
            todo=f"It has {', '.join(sorted(types))}",
        )
    return tuple(dict.fromkeys((KEY, *columns)))


def _check_text(table: str, *bounds: Any) -> None:
    for bound in bounds:
        if bound is not None and not isinstance(bound, str):
            raise BadInput(f"{bound!r} is no key of this table, whose keys are texts", todo=_short(table))


def _short(table: str) -> str:
    return f"Look at the column {KEY} of table {_last_part(table)}"


def _last_part(table: str) -> str:
    """What is left of ``project/1/eval/56/56f9…/str/keys`` behind the job."""
    return table.split("/", 5)[-1]


def _check_any(table: str, *bounds: Any) -> None:
    for bound in bounds:
        if not isinstance(bound, (str, int, float, type(None))) or bound != bound:  # noqa: PLR0124 - NaN
            raise BadInput(f"{bound!r} is no key of this table", todo=_short(table))


def _int_bounds(table: str, start: Any, end: Any, inclusive: bool) -> tuple[int | None, int | None, bool]:
    """Bounds as ints within 64 bits, the upper one exclusive where it can be. 2.5 as a start means 3."""
    for bound in (start, end):
        if bound is not None and (not isinstance(bound, (int, float)) or math.isnan(bound)):
            raise BadInput(f"{bound!r} is no key of this table, whose keys are ints", todo=_short(table))
    low = None if start is None or start <= _INT64[0] else _to_int(start, math.ceil)
    if low is not None and low > _INT64[1]:
        return _INT64[1], _INT64[1], False  # no key lies there, and a bound beyond 64 bits cannot be written
    if end is None:
        return low, None, False
    high = _to_int(end, math.floor) + 1 if inclusive else _to_int(end, math.ceil)
    if high > _INT64[1]:
        return low, None, False
    return low, max(high, _INT64[0]), False


def _to_int(bound: float, rounded: Callable[[float], int]) -> int:
    if isinstance(bound, float) and math.isinf(bound):
        return 2**64 if bound > 0 else -(2**64)
    return int(bound) if isinstance(bound, int) else rounded(bound)
