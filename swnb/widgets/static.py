"""What a value looks like as text, and a frame as an HTML table or as plain text.

All text of a cell is made here: the live grid, the static twins and other panels show the same characters.
Whatever comes from a server is cut before it is looked at, and no control character leaves this module.
"""

from __future__ import annotations

import html
import json
import math
import numbers
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

LIMIT = 200  # characters of a cell
FULL = 2_000  # characters of a cell's tooltip
MAX_COLUMNS = 60  # columns that a table opens with; the rest is one choice away, and said

SYMBOLS = {
    "queued": "○",
    "running": "▶",
    "paused": "‖",
    "stopping": "◌",
    "succeeded": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "unknown": "?",
}

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
# C0 and C1 controls, what turns the writing direction or breaks a line, and lone surrogates (not sendable).
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def escape(text: object) -> str:
    """Text that may stand in HTML, as content or in a quoted attribute; controls made visible."""
    return html.escape(visible(str(text)), quote=True)


def visible(text: str) -> str:
    """The text without ANSI sequences and with a symbol in place of each control character."""
    return text if text.isprintable() else _HIDDEN.sub(_picture, _ANSI.sub("", text))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in "\n\t\r":
        return {"\n": "↵", "\t": " ", "\r": ""}[match[0]]
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\ufffd"


def _short(text: str, limit: int) -> str:
    """At most `limit` characters, and an ellipsis where something is left out."""
    if len(text) <= limit and text.isprintable():
        return text
    seen = visible(text[: 2 * limit])
    return seen if len(seen) <= limit and len(text) <= 2 * limit else seen[:limit] + "…"


def is_missing(value: object) -> bool:
    """Whether there is no value; a real NaN is one."""
    return value is None or value is pd.NaT or value is pd.NA


def cell_text(value: object, limit: int = LIMIT) -> str:  # noqa: PLR0911
    """The text of one cell, cut at `limit` characters with an ellipsis; empty where the value is missing."""
    if isinstance(value, str):
        return _short(value, limit)
    if is_missing(value):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (float, np.floating)):
        return number_text(float(value))
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, timedelta):
        return duration_text(value.total_seconds())
    if isinstance(value, numbers.Integral):
        return _short(_integer(int(value)), limit)
    return _short(_join(value, limit), limit)


def number_text(value: float) -> str:
    """Up to 6 significant digits."""
    return "NaN" if math.isnan(value) else format(value, ".6g")


def _integer(value: int) -> str:
    # Python refuses to print ints of more than 4,300 digits; a server may send them.
    return str(value) if value.bit_length() < 10_000 else hex(value)


def time_text(value: datetime) -> str:
    """`2026-11-22 12:40:23`, in UTC where the value has a time zone."""
    moment = value.astimezone(timezone.utc) if value.tzinfo else value
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


def duration_text(seconds: float) -> str:
    """`1h 02m 03s`; days in front where there are any, fractions only below one second."""
    if 0 < abs(seconds) < 1:
        return f"{seconds:.3g}s"
    left, sign = round(abs(seconds)), "-" if seconds < 0 else ""
    parts = [(left // 86_400, "d"), (left // 3_600 % 24, "h"), (left // 60 % 60, "m"), (left % 60, "s")]
    first = next((at for at, (count, _) in enumerate(parts) if count), 3)
    head, *tail = parts[first:]
    return sign + " ".join([f"{head[0]}{head[1]}", *(f"{count:02d}{unit}" for count, unit in tail)])


def _join(value: object, limit: int) -> str:
    """Nested values as JSON-like text, read no further than `limit` needs."""
    text, size = [], 0
    for piece in _pieces(value, limit, depth=8):
        text.append(piece)
        size += len(piece)
        if size > limit:
            break
    return "".join(text)


def _pieces(value: object, limit: int, depth: int) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        value = value[: limit + 1].tolist() if value.ndim else value.item()
    nested = isinstance(value, (Mapping, list, tuple, Set))
    if nested and not depth:
        yield "…"
    elif isinstance(value, Mapping):
        yield from _listed("{}", ((key, value[key]) for key in islice(value, limit + 1)), limit, depth)
    elif isinstance(value, (list, tuple, Set)):
        yield from _listed("[]", ((None, item) for item in islice(value, limit + 1)), limit, depth)
    else:
        yield _leaf(value, limit)


def _listed(marks: str, items: Iterator[tuple[object, object]], limit: int, depth: int) -> Iterator[str]:
    yield marks[0]
    for count, (key, item) in enumerate(items):
        yield ", " if count else ""
        yield f"{_leaf(str(key), limit)}: " if marks == "{}" else ""
        yield from _pieces(item, limit, depth - 1)
    yield marks[1]


def _leaf(value: object, limit: int) -> str:
    if isinstance(value, str):
        return json.dumps(value[: limit + 1], ensure_ascii=False)
    if isinstance(value, (bytes, bytearray)):
        return repr(bytes(value[: limit + 1]))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (float, datetime, timedelta, numbers.Integral)) or is_missing(value):
        return cell_text(value, limit) or "null"
    return str(value)


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table: an index level or a column of the frame, in the order of the frame."""

    key: str  # no other column of the table has it
    label: str
    kind: str  # number, time, status or text
    values: pd.Series[Any]

    def window(self, at: slice | np.ndarray[Any, Any]) -> list[object]:
        """The values at these positions, None where one is missing."""
        dtype = self.values.dtype
        # In these dtypes NaN is how pandas says "missing"; in others it is a number.
        nan_is_missing = isinstance(dtype, (pd.StringDtype, pd.CategoricalDtype))
        values: list[object] = self.values.iloc[at].tolist()
        return [None if is_missing(v) or (nan_is_missing and v != v) else v for v in values]  # noqa: PLR0124


def columns_of(frame: pd.DataFrame) -> list[Column]:
    """The columns of a table of this frame: the index first, unless it only counts the rows."""
    found: list[tuple[object, pd.Series[Any]]] = []
    if not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None):
        for level, name in enumerate(frame.index.names):
            found.append(("index" if name is None else name, pd.Series(frame.index.get_level_values(level))))
    found += [(name, frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    taken: set[str] = set()
    return [_column(name, values, taken) for name, values in found]


def _column(name: object, values: pd.Series[Any], taken: set[str]) -> Column:
    label = key = name if isinstance(name, str) else cell_text(name)
    while key in taken:
        key += "'"
    taken.add(key)
    shown = _short(label, LIMIT)
    return Column(key, f"{shown} (UTC)" if _has_zone(values) else shown, _kind(label, values), values)


def _has_zone(values: pd.Series[Any]) -> bool:
    return isinstance(values.dtype, pd.DatetimeTZDtype)


def _kind(label: str, values: pd.Series[Any]) -> str:
    dtype = values.dtype
    if label == "status" and isinstance(dtype, pd.CategoricalDtype):
        return "status"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "time"
    if pd.api.types.is_timedelta64_dtype(dtype):
        return "number"
    if pd.api.types.is_object_dtype(dtype):  # ints beside floats: a sample says whether they are numbers
        inferred = pd.api.types.infer_dtype(values.iloc[:1_000], skipna=True)
        return "number" if inferred in ("integer", "floating", "mixed-integer-float") else "text"
    plain = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return "number" if plain else "text"


def counted(shown: int, total: int, noun: str) -> str:
    """`50 of 100,000 rows`, or `12 rows` where they are all there."""
    return f"{total:,} {noun}" if shown == total else f"{shown:,} of {total:,} {noun}"


def frame_html(frame: pd.DataFrame, *, rows: int = 50, caption: str = "", note: str = "") -> str:
    """The first rows as an escaped HTML table that reads well without CSS, and how many are left out."""
    return table_html(columns_of(frame), len(frame), rows=rows, caption=caption, note=note)


def table_html(columns: Sequence[Column], total: int, *, rows: int = 50, caption: str = "", note: str = "") -> str:
    """`frame_html` of columns whose first rows are shown, out of `total` rows."""
    kept = columns[:MAX_COLUMNS]
    head = "".join(f"<th>{escape(column.label)}</th>" for column in kept)
    cells = [_html_cells(column, rows) for column in kept]
    body = "".join(f"<tr>{''.join(row)}</tr>\n" for row in zip(*cells, strict=True))
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    shown = min(rows, len(columns[0].values)) if columns else 0
    foot = " · ".join(escape(part) for part in [*_left_out(shown, total, len(kept), len(columns)), note] if part)
    return f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>\n<p>{foot}</p>"


def _html_cells(column: Column, rows: int) -> list[str]:
    opening = '<td align="right">' if column.kind == "number" else '<td align="left">'
    return [f"{opening}{html.escape(text)}</td>" for text in _texts(column, rows)]


def _texts(column: Column, rows: int) -> list[str]:
    texts = [cell_text(value) for value in column.window(slice(0, rows))]
    return [f"{SYMBOLS.get(t, '?')} {t}" if t else "" for t in texts] if column.kind == "status" else texts


def _left_out(shown: int, total: int, kept: int, columns: int) -> list[str]:
    if not total:
        return ["No rows"]
    said = [counted(shown, total, "rows shown" if shown < total else "rows")]
    return said if kept == columns else [*said, counted(kept, columns, "columns shown")]


def frame_text(frame: pd.DataFrame, rows: int = 20, *, width: int = 160, note: str = "") -> str:
    """The first rows as aligned plain text: as many columns as `width` holds, and what is left out."""
    return table_text(columns_of(frame), len(frame), rows=rows, width=width, note=note)


def table_text(columns: Sequence[Column], total: int, *, rows: int = 20, width: int = 160, note: str = "") -> str:
    """`frame_text` of columns whose first rows are shown, out of `total` rows."""
    blocks: list[list[str]] = []
    used = 0
    for column in columns:
        block = _text_block(column, rows)
        used += len(block[0]) + 2
        if blocks and used > width:
            break
        blocks.append(block)
    lines = ["  ".join(line).rstrip() for line in zip(*blocks, strict=True)]
    shown = min(rows, len(columns[0].values)) if columns else 0
    foot = [part for part in [*_left_out(shown, total, len(blocks), len(columns)), visible(note)] if part]
    return "\n".join([*lines, f"[{' · '.join(foot)}]"])


def _text_block(column: Column, rows: int) -> list[str]:
    cells = [text if len(text) <= 40 else text[:39] + "…" for text in [column.label, *_texts(column, rows)]]
    size = max(len(cell) for cell in cells)
    return [cell.rjust(size) if column.kind == "number" else cell.ljust(size) for cell in cells]
