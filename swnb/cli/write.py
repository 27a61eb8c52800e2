"""Records on standard output: as text that fits the terminal, as JSON lines, as CSV. Bounded memory, whatever comes."""

from __future__ import annotations

import base64
import json
import math
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from swnb.errors import clean
from swnb.model import Record

Form: TypeAlias = Literal["text", "wide", "json", "csv"]
Records: TypeAlias = Iterable[Mapping[str, Any]]

_CHUNK: Final = 1000  # records whose widths are looked at together
_CELL: Final = 48  # characters of a cell, where the table has to fit
_WHOLE: Final = 1_000_000
_GAP: Final = "  "
#: C1 controls and DEL, which JSON leaves as they are and a terminal obeys
_CONTROL: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_QUOTE: Final = re.compile(r'[",\r\n]')


def out(records: Records, form: Form, columns: Sequence[str] | None) -> None:
    """Write all records. ``columns``: their names where they are known before, else None."""
    if form == "json":
        _json(records)
    elif form == "csv":
        _csv(records, columns)
    else:
        _text(records, columns, form == "wide" or not _terminal())


def _terminal() -> bool:
    return sys.stdout.isatty()


def plain(value: Any) -> Any:
    """A value as JSON has it: times ISO 8601 in UTC, durations in seconds, bytes in base64, NaN and infinities by
    their names, objects of a platform's classes as their attributes and ``@class``."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    form = next((form for kinds, form in _PLAIN if isinstance(value, kinds)), str)
    return form(value)


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _time(value: datetime) -> str:
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _object(value: Record) -> dict[str, Any]:
    return {"@class": value.class_name, **_mapping(value.attributes)}


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {key if isinstance(key, str) else str(plain(key)): plain(each) for key, each in value.items()}


_PLAIN: Final[Sequence[tuple[Any, Callable[[Any], Any]]]] = (
    (float, _number),
    (datetime, _time),
    (timedelta, timedelta.total_seconds),
    ((bytes, bytearray), lambda value: base64.b64encode(value).decode("ascii")),
    (Record, _object),
    (Mapping, _mapping),
    ((list, tuple, set, frozenset), lambda value: [plain(each) for each in value]),
)


def _dumped(value: Any) -> str:
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _json(records: Records) -> None:
    for record in records:
        sys.stdout.write(_dumped(record) + "\n")


def _csv(records: Records, columns: Sequence[str] | None) -> None:
    """Where the columns are known, rows are written as they come; else they wait on disk for the header."""
    if columns is not None:
        _csv_line(columns)
        for record in records:
            _csv_line([_field(record.get(name)) for name in columns])
        return
    names: dict[str, None] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as kept:
        for record in records:
            names |= dict.fromkeys(record)
            kept.write(json.dumps([_field(record.get(name)) for name in names]) + "\n")
        kept.seek(0)
        _csv_line(list(names))
        for line in kept:
            cells = json.loads(line)
            _csv_line(cells + [None] * (len(names) - len(cells)))


def _csv_line(cells: Sequence[str | None]) -> None:
    # Not csv.writer: with lines that end in "\n" it leaves a carriage return in a cell unquoted.
    if cells:
        sys.stdout.write((",".join(map(_quoted, cells)) or '""') + "\n")


def _quoted(cell: str | None) -> str:
    """Nothing for a missing cell, quotes for an empty text."""
    if cell is None:
        return ""
    return '"' + cell.replace('"', '""') + '"' if not cell or _QUOTE.search(cell) else cell


def _field(value: Any) -> str | None:
    """A cell of CSV: text as it is (made harmless where a terminal would obey it)."""
    value = plain(value)
    if isinstance(value, str):
        return value if not _terminal() else clean(value, _WHOLE)
    return None if value is None else _dumped(value)


def _text(records: Records, columns: Sequence[str] | None, whole: bool) -> None:
    """A table of text; where a later chunk has columns that were not there before, a new header is written."""
    stream = iter(records)
    names: list[str] = list(columns or [])
    room = None if whole else shutil.get_terminal_size().columns
    shown = dropped = count = 0
    layout = _Layout([], [])
    while (chunk := list(islice(stream, _CHUNK))) or count == 0:
        fresh = [] if columns else [name for record in chunk for name in record if name not in names]
        names += dict.fromkeys(fresh)
        rows = [[_cell(record.get(name), whole) for name in names] for record in chunk]
        if count == 0 or fresh:
            layout = _Layout.of(names, rows, chunk, room)
            sys.stdout.write(("\n" if shown else "") + layout.line(names) + "\n")
            shown, dropped = 1, len(names) - len(layout.widths)
        sys.stdout.writelines(layout.line(row) + "\n" for row in rows)
        count += len(chunk)
        if not chunk:
            break
    if room is not None:
        sys.stdout.write(_foot(count, dropped))


def _foot(count: int, dropped: int) -> str:
    more = f", {dropped} more column{'s' if dropped > 1 else ''}: --wide shows all" if dropped else ""
    return f"({count:,} row{'s' if count != 1 else ''}{more})\n"


class _Layout:
    """How wide the columns are, and which of them are of numbers."""

    def __init__(self, widths: list[int], numbers: list[bool]) -> None:
        self.widths, self._numbers = widths, numbers

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[Sequence[str]], chunk: Sequence[Any], room: int | None) -> _Layout:
        """As many columns as have room; the first one always."""
        widths = [max([_width(name), *(_width(row[at]) for row in rows)]) for at, name in enumerate(names)]
        if room is not None:
            ends = [sum(widths[: at + 1]) + len(_GAP) * at for at in range(len(widths))]
            widths = [width for width, end in zip(widths, ends, strict=True) if end <= room] or widths[:1]
        numbers = [_of_numbers(record.get(name) for record in chunk) for name in names[: len(widths)]]
        return cls(widths, numbers)

    def line(self, cells: Sequence[str]) -> str:
        padded = (
            _padded(cell, width, right) for cell, width, right in zip(cells, self.widths, self._numbers, strict=False)
        )
        return _GAP.join(padded).rstrip()


def _of_numbers(cells: Iterator[Any]) -> bool:
    kinds = {type(cell) for cell in cells} - {type(None)}
    return bool(kinds) and kinds <= {int, float, timedelta}


def _cell(value: Any, whole: bool) -> str:
    """A cell on one line, without control characters."""
    limit = _WHOLE if whole else _CELL
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, timedelta):
        return str(timedelta(seconds=round(value.total_seconds())))
    if isinstance(value, float):
        return repr(value)
    text = value if isinstance(value, str) else _dumped(value)
    return text if len(text) <= limit and text.isprintable() else clean(text, limit)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * max(width - _width(text), 0)
    return space + text if right else text + space


def _width(text: str) -> int:
    """Places that a text takes in a terminal: East Asian characters take two, accents none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)
