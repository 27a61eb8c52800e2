"""queryTable: filter, order and offset over one table (paper 4.4)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from swnb.sandbox.starwhale import errors
from swnb.sandbox.starwhale.hints import HintsFail
from swnb.sandbox.starwhale.scan import MOST, Part, Style, chosen, names_of, read_revision, shown_hints
from swnb.sandbox.starwhale.store import Datastore, Source, Span
from swnb.sandbox.starwhale.values import DIGITS, FLOATS, NONE, Cell, order

Cells = Mapping[str, Cell]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda left, right: left == right,
    "LESS": lambda left, right: left < right,
    "LESS_EQUAL": lambda left, right: left <= right,
    "GREATER": lambda left, right: left > right,
    "GREATER_EQUAL": lambda left, right: left >= right,
}
_CONSTANTS = (("boolValue", "BOOL"), ("intValue", "INT64"), ("floatValue", "FLOAT64"), ("stringValue", "STRING"))


def answer(store: Datastore, body: Mapping[str, Any]) -> bytes:
    """The body of the answer; refused requests raise `Refused`, null is as good as absent."""
    body = {name: value for name, value in body.items() if value is not None}
    if not body.get("tableName"):
        raise errors.no_page(500)
    limit = body.get("limit", -1)
    if limit > MOST:
        raise _bad(body, f"limit must be less or equal to {MOST}. request=DataStoreQueryRequest")
    if body.get("filter"):
        _check(body, body["filter"])
    typed = body.get("encodeWithType", False)
    source = store.tables.get(body["tableName"])
    if source is None:
        return errors.envelope({**({} if typed else {"columnTypes": []}), "columnHints": {}, "records": []})
    part = _part(body, source)
    style = Style(typed, body.get("rawResult", False), body.get("keepNone", False))
    head: dict[str, Any] = {} if typed else {"columnTypes": [{"name": name} for name in part.names.values()]}
    try:
        head["columnHints"] = shown_hints([part], hide_full=True)
    except HintsFail as trap:
        raise errors.internal(str(trap)) from None
    rows = _rows(body, part)[max(body.get("start", -1), 0) :]
    found = [style.record(chosen(part, cells)) for cells in rows if cells is not None]
    head["records"] = found[: MOST if limit < 0 else limit]
    return errors.envelope(head)


def _part(body: Mapping[str, Any], source: Source) -> Part:
    try:
        names = names_of(source, body.get("columns"), "")
    except KeyError as missing:
        raise _bad(body, f"invalid columns: [{missing.args[0]}]") from None
    return Part(source, names, body.get("keepNone", False), read_revision(body.get("revision")))


def _rows(body: Mapping[str, Any], part: Part) -> list[Cells | None]:
    """All rows that pass the filter, ordered; deleted ones stay as None, since offsets count them."""
    rows: list[Cells | None] = [cells for _, _, cells in part.source.walk(Span(), part.revision)]
    if body.get("filter"):
        rows = [cells for cells in rows if cells is not None and _passes(cells, body["filter"])]
    for wish in reversed(body.get("orderBy") or []):
        column = wish["columnName"]
        if column not in part.source.columns():
            text = f"OrderByDesc(columnName={column}, descending={_java(bool(wish.get('descending')))})"
            raise _bad(body, f"unknown orderBy column {text}")
        rows.sort(key=lambda cells: order((cells or {}).get(column, NONE)), reverse=bool(wish.get("descending")))
    return rows


def _passes(cells: Cells, wish: Mapping[str, Any]) -> bool:
    operands = wish["operands"]
    operator = wish["operator"]
    if operator == "AND":
        return all(_passes(cells, operand["filter"]) for operand in operands)
    if operator == "OR":
        return any(_passes(cells, operand["filter"]) for operand in operands)
    if operator == "NOT":
        return not _passes(cells, operands[0]["filter"])
    left, right = (_operand(cells, operand) for operand in operands)
    left, right = _parsed(left, right, operands[0]), _parsed(right, left, operands[1])
    return _COMPARE[operator](order(left), order(right))


def _operand(cells: Cells, operand: Mapping[str, Any]) -> Cell:
    if operand.get("columnName") is not None:
        return cells.get(operand["columnName"], NONE)
    for key, kind in _CONSTANTS:
        if operand.get(key) is not None:
            return (kind, operand[key])
    if operand.get("bytesValue") is not None:
        return ("BYTES", base64.b64decode(operand["bytesValue"]))
    return NONE


def _parsed(cell: Cell, other: Cell, operand: Mapping[str, Any]) -> Cell:
    """A text constant compared with a bool or a number is read as that type."""
    if operand.get("stringValue") is None or other[0] in {"STRING", "UNKNOWN"}:
        return cell
    try:
        if other[0] in FLOATS:
            return (other[0], float(cell[1]))
        if other[0] in DIGITS:
            return (other[0], int(cell[1]))
    except ValueError:
        return cell
    return ("BOOL", cell[1].lower() == "true") if other[0] == "BOOL" else cell


def _check(body: Mapping[str, Any], wish: Mapping[str, Any]) -> None:
    """Refuse a filter with too few operands or an operator that does not exist."""
    operator, operands = wish.get("operator"), wish.get("operands") or []
    if not operands:
        raise _bad(body, f"operands should not be empty. {_filter(wish)}")
    if operator in {"AND", "OR"}:
        if len(operands) < 2:
            raise _bad(body, f"'AND'/'OR' should have 2 operands at least. {_filter(wish)}")
    elif operator != "NOT" and (operator not in _COMPARE or len(operands) != 2):
        raise _bad(body, f"invalid filter. {_filter(wish)}")
    for operand in operands:
        if operand.get("filter"):
            _check(body, operand["filter"])


def _bad(body: Mapping[str, Any], text: str) -> errors.Refused:
    return errors.bad_scan(text, f"QueryTableRequest(tableName={body.get('tableName')}, limit={body.get('limit', -1)})")


def _filter(wish: Mapping[str, Any]) -> str:
    """A filter as Java prints it."""
    operands = ", ".join(_printed(operand) for operand in wish.get("operands") or [])
    return f"TableQueryFilterDesc(operator={wish.get('operator')}, operands=[{operands}])"


def _printed(operand: Mapping[str, Any]) -> str:
    inner = operand.get("filter")
    names = ("columnName", "boolValue", "intValue", "floatValue", "stringValue", "bytesValue")
    rest = ", ".join(f"{name}={_java(operand.get(name))}" for name in names)
    return f"TableQueryOperandDesc(filter={_filter(inner) if inner else 'null'}, {rest})"


def _java(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
