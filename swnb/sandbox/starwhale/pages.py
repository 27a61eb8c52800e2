"""Pages of tables made by arithmetic, written column by column straight to JSON: what a benchmark reads."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from swnb.sandbox.starwhale.store import KINDS, Grown, Span
from swnb.sandbox.starwhale.values import java_float

_PACK = {"int": "q", "float": "d"}


def page(
    source: Grown, span: Span, limit: int, names: dict[str, str], *, typed: bool, raw: bool
) -> tuple[bytes, str | None] | None:
    """The records of one page and its lastKey; None when there is no column to write."""
    low, high = source.bounds(span)
    high = min(high, low + limit)
    if low >= high:
        return b"", None
    if not names:
        return None
    kinds = source.table.kinds
    block = source.table.block(low, high)
    template = "{" + ",".join(_cell(alias, kinds[name], typed) for name, alias in names.items()) + "}"
    columns = [_texts(kinds[name], block[name], raw) for name in names]
    records = ",".join([template % row for row in zip(*columns, strict=True)])
    return records.encode(), _texts("int", [high - 1], False)[0]


def _cell(alias: str, kind: str, typed: bool) -> str:
    value = "%s" if kind == "text" else '"%s"'
    name = quoted(alias).replace("%", "%%")
    return f'{name}:{{"type":"{KINDS[kind]}","value":{value}}}' if typed else f"{name}:{value}"


def _texts(kind: str, values: Sequence[Any], raw: bool) -> list[str]:
    if kind == "text":
        return [quoted(value) for value in values]
    if kind == "bool":
        words = ("false", "true") if raw else ("0", "1")
        return [words[value] for value in values]
    if raw:
        return [str(value) for value in values] if kind == "int" else [java_float(value) for value in values]
    return struct.pack(f">{len(values)}{_PACK[kind]}", *values).hex(" ", 8).split()
