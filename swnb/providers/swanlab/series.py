"""Series of points: the server's CSV (swanlab paper 4, "CSV format"), its sampled lines, and thinning.

A CSV is ``step``, then for each key that was asked a value and a timestamp in milliseconds, in the order of asking. The
names in its head are made of the names of runs and keys, so columns are told by their place only.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, islice, repeat
from operator import le
from typing import Any

import msgspec

from swnb.call import Reply, note
from swnb.errors import BadReply
from swnb.model import NO_TIME, Series
from swnb.providers.swanlab.replies import number

_LEAST, _MOST = -(2**63), 2**63 - 1


class Cut(BadReply):
    """The file ends too early; a new link may give all of it."""


class Unended(Cut):
    """The last line has no end: the file is cut there, or its writer ends none."""


def series_of_csv(
    reply: Reply, keys: Sequence[str], job: str, project: str, reached: Mapping[str, int] | None = None
) -> list[Series] | None:
    """The series that have points; None where the file has not two columns for each key that was asked for.

    An empty cell is no point, nor is a NaN without a time: that is how a server fills a row of another key.
    ``reached``: the steps up to which the series must go; only then may the last line be without its end.
    """
    found = _series_of(reply, keys, job, project, must_end=reached is None)
    if reached is not None and not reply.body.endswith(b"\n") and (found is None or _falls_short(found, keys, reached)):
        raise _cut(Cut, reply, ", ".join(keys), reply.body.count(b"\n") + 1)
    return found


def _falls_short(found: Sequence[Series], keys: Sequence[str], reached: Mapping[str, int]) -> bool:
    """Whether something may be missing at the end: steps, or digits of the last time."""
    last = {series.metric: series.step[-1] for series in found}
    missing = any(last.get(key, _LEAST) < reached.get(key, _MOST) for key in keys if key in last or key in reached)
    return missing or any(series.time[-1] < max(series.time[-2:]) for series in found)


def _series_of(reply: Reply, keys: Sequence[str], job: str, project: str, *, must_end: bool) -> list[Series] | None:
    lines = _lines(reply, ", ".join(keys), must_end)
    width = lines[0].count(b",") + 1 if lines else 1
    if width == 1:
        return []
    if width != 1 + 2 * len(keys):
        return None
    found = _full(lines, keys) or _with_gaps(lines, keys, reply, job)
    return [ascending(replace(series, job=job, project=project)) for series in found if series.step]


def _lines(reply: Reply, what: str, must_end: bool) -> list[bytes]:
    """The lines below the head, all of one width. The head is passed over unread: a name in it may hold commas and
    quotes that nobody has escaped."""
    body, length = reply.body, reply.headers.get("content-length", "")
    short = length.isdecimal() and "content-encoding" not in reply.headers and int(length) > len(body)
    if short or (must_end and body.strip() and not body.endswith(b"\n")):
        raise _cut(Cut if short else Unended, reply, what, body.count(b"\n") + 1)
    lines = body.replace(b"\r\n", b"\n").split(b"\n")[1:]
    while lines and not lines[-1]:
        lines.pop()
    if len({*map(bytes.count, lines, repeat(b","))}) > 1:
        odd = next(at for at, line in enumerate(lines, 2) if line.count(b",") != lines[0].count(b","))
        raise _cut(Cut, reply, what, odd)
    return lines


def _full(lines: Sequence[bytes], keys: Sequence[str]) -> list[Series]:
    """The quick way for files in which every cell is a plain number: they are one list of JSON. Else nothing."""
    try:
        cells = msgspec.json.decode(b"[" + b",".join(lines) + b"]")
        columns = [cells[at :: 1 + 2 * len(keys)] for at in range(1 + 2 * len(keys))]
        steps = array("q", columns[0])
        values = [array("d", column) for column in columns[1::2]]
        times = [array("q", [millis * 1000 for millis in column]) for column in columns[2::2]]
    except (msgspec.MsgspecError, TypeError, OverflowError):
        return []
    return [Series(*each) for each in zip(keys, repeat(steps), values, times, strict=False)]


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one key as they stand in the file."""

    key: str
    job: str
    values: Sequence[str]
    times: Sequence[str]


def _with_gaps(lines: Sequence[bytes], keys: Sequence[str], reply: Reply, job: str) -> list[Series]:
    # The cells are numbers, so a quote in them is there because the writer puts all cells in quotes.
    cells = b",".join(lines).decode("utf-8", "replace").replace('"', "").split(",")
    columns = [cells[at :: 1 + 2 * len(keys)] for at in range(1 + 2 * len(keys))]
    steps = _steps(columns[0], reply, keys)
    pairs = zip(keys, columns[1::2], columns[2::2], strict=True)
    return [_series(_Cells(key, job, values, times), steps, reply) for key, values, times in pairs]


def _cut(kind: type[Cut], reply: Reply, what: str, line: int) -> Cut:
    return kind(
        f"the CSV of {what} is cut in line {line}", where=reply.server, todo="Try again; the server ends it early"
    )


def _steps(cells: Sequence[str], reply: Reply, keys: Sequence[str]) -> array[int]:
    try:
        return array("q", map(int, cells))
    except (ValueError, OverflowError):
        return array("q", [_step(cell, line, reply, keys) for line, cell in enumerate(cells, 2)])


def _step(cell: str, line: int, reply: Reply, keys: Sequence[str]) -> int:
    value = number(cell)
    if isinstance(value, float) and value.is_integer() and _LEAST <= value <= _MOST:
        exact = int(cell) if cell.strip("+-0123456789") == "" else int(value)
        if _LEAST <= exact <= _MOST:
            return exact
    raise reply.odd(f"the CSV of {', '.join(keys)} has in line {line} {cell[:40]!r} as a step")


def _series(cells: _Cells, steps: array[int], reply: Reply) -> Series:
    """The points that there are."""
    if "" in cells.values or "" in cells.times:
        pairs = zip(cells.values, cells.times, strict=True)
        there = [value != "" and (time != "" or value.lower() != "nan") for value, time in pairs]
        steps = array("q", compress(steps, there))
        values, times = [*compress(cells.values, there)], [*compress(cells.times, there)]
        cells = replace(cells, values=values, times=times)
    try:
        found = array("d", map(float, cells.values))
    except ValueError:
        odd = next(value for value in cells.values if number(value) is None)
        raise reply.odd(f"the CSV of {cells.key} has {odd[:40]!r} as a value") from None
    return Series(cells.key, steps, found, _times(cells))


def _times(cells: _Cells) -> array[int]:
    try:
        return array("q", [int(cell) * 1000 if cell else NO_TIME for cell in cells.times])
    except (ValueError, OverflowError):
        return array("q", [micros(cell or None, cells.key, cells.job) for cell in cells.times])


def micros(millis: object, metric: str, job: str) -> int:
    """A timestamp in microseconds; NO_TIME where there is none, with a note where it cannot be read."""
    try:
        found = NO_TIME if millis is None else round(number(millis) * 1000)
        if _LEAST <= found <= _MOST:
            return found
    except (ValueError, OverflowError, TypeError):
        pass
    note(f"timestamps of metric {metric} of job {job} could not be read as times")
    return NO_TIME


def series_of_line(metric: str, line: Sequence[Any], job: str, project: str) -> Series:
    """A sampled line; points without a number are none."""
    points = [point for point in line if isinstance(point, Mapping) and number(point.get("data")) is not None]
    steps = [number(point.get("index")) for point in points]
    kept = [(int(step), p) for step, p in zip(steps, points, strict=True) if step is not None and math.isfinite(step)]
    return ascending(
        Series(
            metric,
            array("q", [step for step, _ in kept]),
            array("d", [number(point["data"]) for _, point in kept]),
            array("q", [micros(point.get("timestamp"), metric, job) for _, point in kept]),
            job=job,
            project=project,
            sampled=True,
        )
    )


def ascending(series: Series) -> Series:
    """The same points by their steps; those of one step keep their order."""
    steps = series.step
    if all(map(le, steps, islice(steps, 1, None))):
        return series
    return _picked(series, sorted(range(len(steps)), key=steps.__getitem__))


def _picked(series: Series, order: Sequence[int]) -> Series:
    return replace(
        series,
        step=array("q", [int(series.step[i]) for i in order]),
        value=array("d", [series.value[i] for i in order]),
        time=array("q", [series.time[i] for i in order]),
    )
