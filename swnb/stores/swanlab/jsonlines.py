"""Version 1 containers: JSON records (swanlab paper 7.4)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from swnb.model import NO_TIME
from swnb.stores.swanlab.contents import EPOCH, MICROSECOND, Contents, Finish, micros

_WORDS: Final = {"NaN": math.nan, "INF": math.inf, "Infinity": math.inf, "-Infinity": -math.inf}
_INT64: Final = 2**63


class _Line(msgspec.Struct):
    model_type: str
    data: msgspec.Raw


class _Metric(msgspec.Struct):
    data: Any = None
    create_time: Any = None


class _Scalar(msgspec.Struct):
    metric: _Metric
    key: str
    step: int


class _Column(msgspec.Struct):
    key: str
    kid: str | int | None = None


class _Log(msgspec.Struct):
    message: str
    level: str | None = None


class _Project(msgspec.Struct):
    name: str
    workspace: str | None = None


class _Experiment(msgspec.Struct):
    name: str
    id: str | None = None
    description: str | None = None
    tags: list[str] | None = None


class _Header(msgspec.Struct):
    create_time: Any = None


class _Footer(msgspec.Struct):
    success: bool
    create_time: Any = None


class _PlainMetric(msgspec.Struct):
    data: float
    create_time: Annotated[datetime, msgspec.Meta(tz=True)]


class _PlainScalar(msgspec.Struct):
    metric: _PlainMetric
    key: str
    step: Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class _PlainLine(msgspec.Struct):
    """What almost every line is: a point with a number and a time."""

    model_type: Literal["Scalar"]
    data: _PlainScalar


_LINE: Final = msgspec.json.Decoder(_Line)
_PLAIN: Final = msgspec.json.Decoder(_PlainLine).decode
_Lanes: TypeAlias = dict[str, tuple[list[int], list[int], list[float]]]


def read(payloads: Iterable[bytes], into: Contents) -> None:
    """Put what the records say into ``into``. Plain points wait in lanes until another kind of record comes."""
    lanes: _Lanes = {}
    for payload in payloads:
        try:
            point = _PLAIN(payload).data
        except (msgspec.MsgspecError, ValueError, RecursionError):
            _empty(lanes, into)
            _read_any(payload, into)
            continue
        lane = lanes.get(point.key)
        if lane is None:
            lane = lanes[point.key] = ([], [], [])
        lane[0].append(point.step)
        lane[1].append((point.metric.create_time - EPOCH) // MICROSECOND)
        lane[2].append(point.metric.data)
    _empty(lanes, into)


def _empty(lanes: _Lanes, into: Contents) -> None:
    for key, (steps, times, values) in lanes.items():
        points = into.points_of(key)
        if points is not None:
            points.extend(array("q", steps), array("q", times), array("d", values))
    lanes.clear()


def _read_any(payload: bytes, into: Contents) -> None:
    try:
        line = _LINE.decode(payload)
        if line.model_type in _READERS:
            decode, put = _READERS[line.model_type]
            put(decode(line.data), into)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        into.odd += 1


def number_of(data: object) -> float | None:
    """A number of a record or a log line, or the words that stand for one; None for all else."""
    if isinstance(data, str):
        return _WORDS.get(data)
    try:
        return float(data) if isinstance(data, (int, float)) and not isinstance(data, bool) else None
    except OverflowError:
        return None


def time_of(text: object) -> int | None:
    """An ISO time as Unix microseconds; None where it is none."""
    try:
        return micros(msgspec.convert(text, datetime))
    except (msgspec.MsgspecError, OverflowError):
        return None


def _scalar(record: _Scalar, into: Contents) -> None:
    points = into.points_of(record.key)
    if points is None:
        return
    value = number_of(record.metric.data)
    if value is None or abs(record.step) >= _INT64:
        raise ValueError("no point")
    if record.metric.data == "INF":
        into.unsigned.add(record.key)
    time = time_of(record.metric.create_time)
    points.add(record.step, NO_TIME if time is None else time, value)


def _column(record: _Column, into: Contents) -> None:
    into.columns.setdefault(record.key, "" if record.kid is None else str(record.kid))


def _log(record: _Log, into: Contents) -> None:
    into.lines.append(record.message)
    if record.level == "ERROR":
        into.error = record.message


def _project(record: _Project, into: Contents) -> None:
    into.start.project, into.start.workspace = record.name, record.workspace or ""


def _experiment(record: _Experiment, into: Contents) -> None:
    start = into.start
    start.found, start.id, start.name = True, record.id or "", record.name
    start.description, start.tags = record.description or "", record.tags or []


def _header(record: _Header, into: Contents) -> None:
    into.start.time = time_of(record.create_time)


def _footer(record: _Footer, into: Contents) -> None:
    word = "FINISHED" if record.success else "CRASHED"
    into.finish = Finish(word, "" if record.success else into.error, time_of(record.create_time))


def _runtime(record: Mapping[str, Any], into: Contents) -> None:
    into.files |= {name.removesuffix("_filename"): file for name, file in record.items() if isinstance(file, str)}


def _reader(shape: Any, put: Callable[[Any, Contents], None]) -> tuple[Callable[[Any], Any], Any]:
    return msgspec.json.Decoder(shape).decode, put


_READERS: Final = {
    "Header": _reader(_Header, _header),
    "Project": _reader(_Project, _project),
    "Experiment": _reader(_Experiment, _experiment),
    "Runtime": _reader(dict[str, Any], _runtime),
    "Column": _reader(_Column, _column),
    "Scalar": _reader(_Scalar, _scalar),
    "Log": _reader(_Log, _log),
    "Footer": _reader(_Footer, _footer),
}
