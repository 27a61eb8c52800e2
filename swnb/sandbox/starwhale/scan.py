"""scanTable (paper 4.3)."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from swnb.sandbox.starwhale import errors, pages
from swnb.sandbox.starwhale.hints import Hint, HintsFail
from swnb.sandbox.starwhale.store import Datastore, Grown, Seen, Source, Span
from swnb.sandbox.starwhale.values import BadValue, Cell, encode, order, read_scalar, scalar

MOST = 1000


@dataclass(frozen=True)
class Part:
    """One table of a scan: which columns it gives, under which names."""

    source: Source
    names: dict[str, str]
    keep_none: bool
    revision: int


@dataclass(frozen=True)
class Style:
    """How cells are written."""

    typed: bool
    raw: bool
    keep_none: bool

    def record(self, cells: Mapping[str, Cell]) -> dict[str, Any]:
        drop = not self.typed and not self.keep_none
        return {
            name: encode(cell, typed=self.typed, raw=self.raw)
            for name, cell in cells.items()
            if not (drop and cell[1] is None)
        }


@dataclass(frozen=True)
class Scan:
    """A scan that was understood: `answer()` is its body, `behind` what a real server pays an open end for."""

    parts: list[Part]
    span: Span
    limit: int
    style: Style

    @property
    def behind(self) -> int:
        return sum(part.source.behind(self.span) for part in self.parts)

    def answer(self) -> bytes:
        head = self._head()
        fast = self._whole_page()
        if fast is not None:
            records, last = fast
            tail = b"" if last is None else b',"lastKey":"' + last.encode() + b'"'
            # The envelope ends with its data: without the last two braces more of it can follow.
            return b"".join((errors.envelope(head)[:-2], b',"records":[', records, b"]", tail, b"}}"))
        records_, last = self._rows()
        head["records"] = records_
        if last is not None:
            head["lastKey"] = last
        return errors.envelope(head)

    def _head(self) -> dict[str, Any]:
        head: dict[str, Any] = {}
        if not self.style.typed:
            head["columnTypes"] = [{"name": alias} for part in self.parts for alias in part.names.values()]
        try:
            head["columnHints"] = shown_hints(self.parts)
        except HintsFail as trap:
            raise errors.internal(str(trap)) from None
        return head

    def _whole_page(self) -> tuple[bytes, str | None] | None:
        if len(self.parts) != 1 or not isinstance(source := self.parts[0].source, Grown):
            return None
        return pages.page(
            source, self.span, self.limit, self.parts[0].names, typed=self.style.typed, raw=self.style.raw
        )

    def _rows(self) -> tuple[list[dict[str, Any]], str | None]:
        records: list[dict[str, Any]] = []
        last = None
        for key, cells in merged(self.parts, self.span) if self.limit else ():
            last = key
            if cells is not None:
                records.append(self.style.record(cells))
                if len(records) == self.limit:
                    break
        return records, None if last is None else scalar(last)


def merged(parts: list[Part], span: Span) -> Iterator[tuple[Cell, dict[str, Cell] | None]]:
    """Rows of several tables by key; of two cells in one column the later table's wins."""
    walks = [_tagged(number, part.source.walk(span, part.revision)) for number, part in enumerate(parts)]
    rows = heapq.merge(*walks, key=lambda row: row[1][0])
    for _, same in itertools.groupby(rows, key=lambda row: row[1][0]):
        rows_here = list(same)
        living = [chosen(parts[number], cells) for number, (_, _, cells) in rows_here if cells is not None]
        together = {name: cell for cells in living for name, cell in cells.items()}
        yield rows_here[0][1][1], together if living else None


def _tagged(number: int, rows: Iterable[Seen]) -> Iterator[tuple[int, Seen]]:
    return ((number, row) for row in rows)


def chosen(part: Part, cells: Mapping[str, Cell]) -> dict[str, Cell]:
    return {
        part.names[name]: cell
        for name, cell in cells.items()
        if name in part.names and (part.keep_none or cell[1] is not None)
    }


def shown_hints(parts: list[Part], *, hide_full: bool = False) -> dict[str, Any]:
    found: dict[str, Hint] = {}
    for part in parts:
        hints = part.source.hints()
        for name, alias in part.names.items():
            if name in hints:
                found[alias] = found[alias].join(hints[name]) if alias in found else hints[name]
    return {alias: hint.shown(hide_full=hide_full) for alias, hint in found.items()}


def names_of(source: Source, columns: list[dict[str, Any]] | None, prefix: str) -> dict[str, str]:
    """Which columns are asked for, with the names they get; `a` also means every `a:…`. KeyError lists unknown ones."""
    if columns is None:
        return {name: prefix + name for name in source.columns()}
    known = source.columns()
    found: dict[str, str] = {}
    missing = []
    for column in columns:
        wanted = column["columnName"]
        alias = column.get("alias") or wanted
        mine = {name: prefix + alias + name[len(wanted) :] for name in known if _is(name, wanted)}
        if not mine:
            missing.append(wanted)
        found.update(mine)
    if missing:
        raise KeyError(", ".join(missing))
    return found


def _is(name: str, wanted: str) -> bool:
    return name == wanted or (":" in name and name.partition(":")[0] == wanted)


def read(store: Datastore, body: Mapping[str, Any]) -> Scan:
    """Understand a request, or refuse it as the server does; null is as good as absent."""
    body = {name: value for name, value in body.items() if value is not None}
    if "tables" not in body:
        raise errors.no_page(500)
    tables, dump = body["tables"], _dump(body)
    if not isinstance(tables, list):
        raise errors.internal("JSON parse error: Cannot deserialize value of type `java.util.ArrayList`")
    if any(not isinstance(table, dict) or not table.get("tableName") for table in tables):
        raise errors.no_page(500)
    if not tables:
        raise errors.bad_scan("tables should not be null or empty.", dump)
    limit = body.get("limit", -1)
    if limit > MOST:
        raise errors.bad_scan(f"limit must be less or equal to {MOST}. request=DataStoreScanRequest", dump)
    strict = body.get("ignoreNonExistingTable") is False
    parts = [part for table in tables if (part := _part(store, table, strict, dump))]
    typed = body.get("encodeWithType", True)
    if len({part.source.key_type == "STRING" for part in parts}) > 1 and not typed:
        raise errors.bad_scan("conflicting key types", dump)
    style = Style(typed, body.get("rawResult", False), body.get("keepNone", False))
    return Scan(parts, _span(body, parts, dump), MOST if limit < 0 else limit, style)


def _part(store: Datastore, table: dict[str, Any], strict: bool, dump: str) -> Part | None:
    name = table["tableName"]
    revision = read_revision(table.get("revision"))
    source = store.tables.get(name)
    if source is None:
        if strict:
            raise errors.bad_scan(f"invalid table name {name}", dump)
        return None
    try:
        names = names_of(source, table.get("columns"), table.get("columnPrefix") or "")
    except KeyError as missing:
        raise errors.bad_scan(f"invalid columns: [{missing.args[0]}]", dump) from None
    if len(set(names.values())) < len(names):
        raise errors.internal("Duplicate key")
    return Part(source, names, table.get("keepNone", False), revision)


def read_revision(text: Any) -> int:
    try:
        return int(text or 0)
    except ValueError:
        raise errors.internal(f'For input string: "{text}"') from None


def _span(body: Mapping[str, Any], parts: list[Part], dump: str) -> Span:
    ends: list[tuple[Any, ...] | None] = []
    for side in ("start", "end"):
        text = body.get(side)
        kind = body.get(f"{side}Type") or (parts[-1].source.key_type if parts else "STRING")
        if text is None or kind == "UNKNOWN":
            ends.append(None)
            continue
        try:
            ends.append(order(read_scalar(kind, text)))
        except (BadValue, ValueError, OverflowError) as bad:
            raise errors.bad_scan(f"{bad}\ninvalid {side} {text}", dump) from None
    return Span(ends[0], ends[1], body.get("startInclusive", True), body.get("endInclusive", False))


def _dump(body: Mapping[str, Any]) -> str:
    tables = body.get("tables")
    names = [table.get("tableName") for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    listed = ", ".join(f"TableDesc(tableName={name})" for name in names)
    return f"ScanTableRequest(tables=[{listed}], start={body.get('start')}, end={body.get('end')})"
