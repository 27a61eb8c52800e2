"""Version 2 containers: protobuf records (swanlab paper 7.3).

Almost all records are points and have one layout. One pattern takes those apart; whatever it does not match, or whose
metric is new, goes through :func:`fields`, which reads any protobuf message.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from swnb.model import NO_TIME
from swnb.stores.swanlab.contents import Contents, Finish, Start
from swnb.stores.swanlab.lanes import doubles, joined, lanes, varints
from swnb.stores.swanlab.points import Points

_STATES: Final = ("RUNNING", "FINISHED", "CRASHED", "ABORTED")
_START, _FINISH, _COLUMN, _SCALAR, _LOG = 10, 11, 12, 13, 16
_DOUBLE: Final = struct.Struct("<d")
_FAR: Final = 1 << 42  # seconds whose microseconds still fit into an int64

#: the fields of a message by their numbers, each with all its values
Message: TypeAlias = Mapping[int, list[Any]]

# Record{1 num, 2 timestamp, 13 ScalarRecord{1 key, 2 step, 3 type = 1, 4 timestamp{1 seconds, 2 nanos}, 5 {1 number}}}
# Groups: the key from its length on, the step, and the tail: seconds, nanos (5 bytes, or 4), number or none for 0.0.
_NUMBER: Final = rb"\x2a(?:\x09\x09.{8}|\x00)"
_POINT: Final = re.compile(
    rb"\x08[\x80-\xff]{0,9}[\x00-\x7f]\x12(?:\x0c.{12}|\x0b.{11})"
    rb"\x6a[\x00-\x7f]\x0a([\x00-\x7f][^\x00-\x1f]+)(?:\x10([\x80-\xff]{0,6}[\x00-\x7f]))?\x18\x01"
    rb"\x22(?:\x0c\x08([\x80-\xff]{4}[\x00-\x7f]\x10[\x80-\xff]{4}[\x00-\x7f]" + _NUMBER + rb")"
    rb"|\x0b\x08([\x80-\xff]{4}[\x00-\x7f]\x10[\x80-\xff]{3}[\x00-\x7f]" + _NUMBER + rb"))",
    re.DOTALL,
).fullmatch
_TAIL: Final = 22
_BATCH: Final = 1 << 13


class _Pending:
    """Points of one metric that are taken apart, but not yet decoded."""

    def __init__(self, points: Points) -> None:
        self.points = points
        self.steps: list[bytes] = []
        self.tails: list[bytes] = []

    def settle(self) -> None:
        """Give them to ``points``."""
        tails = b"".join(self.tails)
        seconds = varints(lanes(tails, _TAIL, 0, 5))
        nanos = varints(lanes(tails, _TAIL, 6, 5))
        times = array("q", [second * 1_000_000 + nano // 1000 for second, nano in zip(seconds, nanos, strict=True)])
        self.points.extend(varints(joined(self.steps)), times, doubles(lanes(tails, _TAIL, 14, 8)))
        self.steps, self.tails = [], []


def read(payloads: Iterable[bytes], into: Contents) -> None:
    """Put what the records say into ``into``."""
    places: dict[bytes, _Pending | None] = {}
    for n, payload in enumerate(payloads, 1):
        if not n % _BATCH:
            _settle(places)
        match = _POINT(payload)
        if match is not None:
            key, step, tail, short = match.groups(b"")
            start = match.start(1)
            if key in places and payload[start - 2] == len(payload) - start + 1:
                pending = places[key]
                if pending is not None:
                    if short:
                        tail = short[:10] + b"\0" + short[10:]
                    pending.steps.append(step)
                    pending.tails.append(tail if len(tail) == _TAIL else tail.ljust(_TAIL, b"\0"))
                continue
        _read_slowly(payload, into, places)
    _settle(places)


def _settle(places: Mapping[bytes, _Pending | None]) -> None:
    for pending in places.values():
        if pending is not None:
            pending.settle()


def _read_slowly(payload: bytes, into: Contents, places: dict[bytes, _Pending | None]) -> None:
    """A record that is no usual point, or whose metric is met for the first time."""
    try:
        found = _record(payload, into)
    except ValueError:
        into.odd += 1
        return
    if found is None:
        return
    name, step, time, value = found
    raw = name.encode()
    points = into.points_of(name)
    pending = places.setdefault(_varint(len(raw)) + raw, None if points is None else _Pending(points))
    if pending is not None:
        pending.settle()
        pending.points.add(step, time, value)


def _record(payload: bytes, into: Contents) -> tuple[str, int, int, float] | None:
    """A point (metric, step, time, value); any other record is put into ``into``. ValueError: it is damaged."""
    for number, content in fields(payload):
        if number == _SCALAR:
            return _scalar(_message(content))
        if number in _READERS:
            _READERS[number](_message(content), into)
    return None


def _scalar(record: Message) -> tuple[str, int, int, float]:
    value = _message(record.get(5, [b""])[-1]).get(1, [0.0])[-1]
    if not isinstance(value, float):
        raise ValueError("no number")
    time = _time(record, 4)
    return _text(record, 1), _int(record, 2), NO_TIME if time is None else time, value


def _start(record: Message, into: Contents) -> None:
    into.start = Start(
        found=True,
        id=_text(record, 10),
        name=_text(record, 4),
        project=_text(record, 1),
        workspace=_text(record, 2),
        description=_text(record, 5),
        tags=[_decoded(tag) for tag in record.get(6, [])],
        group=_text(record, 7),
        job_type=_text(record, 8),
        time=_time(record, 12),
    )


def _finish(record: Message, into: Contents) -> None:
    state = _int(record, 1)
    word = _STATES[state] if 0 <= state < len(_STATES) else str(state)
    into.finish = Finish(word, _text(record, 2), _time(record, 3))


def _column(record: Message, into: Contents) -> None:
    into.columns.setdefault(_text(record, 3), "")


def _log(record: Message, into: Contents) -> None:
    into.lines.append(_text(record, 1))


_READERS: Final[Mapping[int, Callable[[Message, Contents], None]]] = {
    _START: _start,
    _FINISH: _finish,
    _COLUMN: _column,
    _LOG: _log,
}


def fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The fields of any protobuf message in their order: varints as signed ints, 64-bit ones as floats, all that has a
    length as bytes. ValueError where the bytes are no message."""
    pos = 0
    while pos < len(message):
        tag, pos = _read_varint(message, pos)
        size = {1: 8, 5: 4}.get(tag & 7)
        if tag & 7 == 0:
            value, pos = _read_varint(message, pos)
            yield tag >> 3, value
            continue
        if tag & 7 == 2:
            size, pos = _read_varint(message, pos)
        if size is None or size < 0 or pos + size > len(message):
            raise ValueError("no protobuf message")
        raw = message[pos : pos + size]
        yield tag >> 3, _DOUBLE.unpack(raw)[0] if tag & 7 == 1 else raw
        pos += size


def _read_varint(message: bytes, pos: int) -> tuple[int, int]:
    value = 0
    for shift, byte in zip(range(0, 70, 7), message[pos : pos + 10], strict=False):
        value |= (byte & 0x7F) << shift
        pos += 1
        if byte < 0x80:
            value &= (1 << 64) - 1
            return value - (1 << 64) if value >> 63 else value, pos
    raise ValueError("no varint")


def _varint(value: int) -> bytes:
    raw = bytearray()
    while value > 0x7F:
        raw.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*raw, value])


def _message(content: Any) -> Message:
    if not isinstance(content, bytes):
        raise ValueError("no message")
    found: dict[int, list[Any]] = {}
    for number, value in fields(content):
        found.setdefault(number, []).append(value)
    return found


def _text(record: Message, number: int) -> str:
    return _decoded(record.get(number, [b""])[-1])


def _decoded(raw: Any) -> str:
    if not isinstance(raw, bytes):
        raise ValueError("no text")
    return raw.decode()


def _int(record: Message, number: int) -> int:
    value = record.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError("no int")
    return value


def _time(record: Message, number: int) -> int | None:
    """A Timestamp as Unix microseconds; None where there is none that an int64 can hold."""
    if number not in record:
        return None
    time = _message(record[number][-1])
    seconds, nanos = _int(time, 1), _int(time, 2)
    return seconds * 1_000_000 + nanos // 1000 if abs(seconds) < _FAR and 0 <= nanos < 10**9 else None
