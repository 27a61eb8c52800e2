"""Series of a task: from the ``metrics`` records of its log, or what ``tasks.train-metrics`` gives (paper 5.6, 6).

A step is the record's epoch. Where epochs repeat or go back among the records of one kind (``train``, ``val``), as they
do where a training writes several records an epoch or is resumed, it is the record's number among them instead.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any, Final

import msgspec

from swnb.call import note
from swnb.model import NO_TIME, Series
from swnb.providers.reading import micros_of, text
from swnb.providers.supervisely.replies import is_number, numbers

_STEPS: Final = ("step", "iteration", "iter", "epoch", "x")
_VALUES: Final = ("value", "y")
_TIMES: Final = ("timestamp", "time", "createdAt")
_NO_METRICS: Final = frozenset({*_STEPS, *_TIMES, "id", "taskId", "task_id"})
_WRAPPERS: Final = ("data", "result", "entities", "series")
_LARGEST: Final = 2**63 - 1

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured at one moment, for one kind (``train``, ``val``, or "")."""

    kind: str
    step: int | float | None
    time: int
    values: Mapping[str, int | float]

    def name(self, metric: str) -> str:
        return f"{self.kind}/{metric}" if self.kind and not metric.startswith(f"{self.kind}/") else metric


def instant(value: object) -> int:
    """ISO 8601 as Unix microseconds; NO_TIME for anything else."""
    try:
        found = msgspec.convert(value, datetime, strict=True) if isinstance(value, str) else None
        if found is None:
            return NO_TIME
        return micros_of(found if found.tzinfo else found.replace(tzinfo=timezone.utc))
    except (msgspec.ValidationError, OverflowError):
        return NO_TIME


# -- rows


def rows_of_log(records: Iterable[Json]) -> list[Row]:
    """``records`` by ascending time."""
    return [_row(record, "") for record in records if _is_metrics(record)]


def _is_metrics(record: Json) -> bool:
    named = record.get("message") == "metrics" or str(record.get("event_type")).endswith(".METRICS")
    return named and isinstance(record.get("metrics"), Mapping)


def rows_of_json(found: Any, kind: str = "") -> list[Row]:
    """Of any JSON: flat rows, records with ``metrics``, or an object of series; nothing where it is none of these."""
    if isinstance(found, list):
        return [_row(each, kind) for each in found if isinstance(each, Mapping)]
    if not isinstance(found, Mapping):
        return []
    if isinstance(found.get("metrics"), Mapping) and any(name in found for name in _STEPS):
        return [_row(found, kind)]
    for wrapper in (*_WRAPPERS, "metrics"):
        if isinstance(found.get(wrapper), (list, Mapping)):
            return rows_of_json(found[wrapper], kind)
    steps = next((found[name] for name in _STEPS if isinstance(found.get(name), list)), None)
    named = {str(name): values for name, values in found.items() if name not in _NO_METRICS}
    return [row for name, values in named.items() for row in _rows_of_series(name, values, steps, kind)]


def _row(record: Json, kind: str) -> Row:
    found = record.get("metrics")
    if isinstance(found, Mapping):  # JSON has no NaN, so that comes as null
        found = {name: math.nan if value is None else value for name, value in found.items()}
    else:
        found = {name: value for name, value in record.items() if name not in _NO_METRICS}
    return Row(text(record.get("type")) or kind, _first(record, _STEPS), _time(record), numbers(found))


def _rows_of_series(name: str, values: Any, steps: Sequence[Any] | None, kind: str) -> list[Row]:
    if isinstance(values, Mapping):
        inner = next((values[each] for each in _VALUES if isinstance(values.get(each), list)), None)
        if inner is None:
            return rows_of_json(values, name)
        steps = next((values[each] for each in _STEPS if isinstance(values.get(each), list)), None)
        values = inner
    if not isinstance(values, list):
        return []
    objects = [each for each in values if isinstance(each, Mapping)]
    if objects and not any(each in objects[0] for each in _VALUES):
        return rows_of_json(objects, name)
    if steps is None or len(steps) != len(values):
        steps = range(1, len(values) + 1)
    return [Row(kind, step, time, {name: value}) for step, value, time in _points(values, steps)]


def _points(values: Sequence[Any], steps: Sequence[Any]) -> Iterator[tuple[Any, Any, int]]:
    """Numbers, pairs of a step and a number, or objects that hold both."""
    for value, step in zip(values, steps, strict=True):
        if is_number(value):
            yield step if is_number(step) else None, value, NO_TIME
        elif isinstance(value, list) and len(value) == 2 and all(map(is_number, value)):
            yield value[0], value[1], NO_TIME
        elif isinstance(value, Mapping) and (number := _first(value, _VALUES)) is not None:
            yield _first(value, _STEPS), number, _time(value)


def _first(record: Json, names: Sequence[str]) -> Any:
    return next((record[name] for name in names if is_number(record.get(name))), None)


def _time(record: Json) -> int:
    return max(instant(record.get(name)) for name in _TIMES)


# -- series


def series_of(rows: Sequence[Row], job: str, project: str) -> list[Series]:
    """In the order of their first appearance."""
    numbered = _numbered(rows, job)
    names = dict.fromkeys(row.name(metric) for row in numbered for metric in row.values)
    points: dict[str, list[tuple[Any, float, int]]] = {name: [] for name in names}
    for row in numbered:
        for metric, value in row.values.items():
            points[row.name(metric)].append((row.step, float(value), row.time))
    return [_series(name, found, job, project) for name, found in points.items()]


def _numbered(rows: Sequence[Row], job: str) -> list[Row]:
    """Rows whose steps ascend in each kind: the epochs, or else the rows' numbers."""
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    counted = {kind for kind, group in kinds.items() if not _ascend(group)}
    for kind in counted:
        if any(row.step is not None for row in kinds[kind]):
            note(f"job {job}: the epochs of its {kind or 'metrics'} records repeat or go back: steps count the records")
        kinds[kind] = [replace(row, step=number) for number, row in enumerate(kinds[kind], 1)]
    found = {kind: iter(group) for kind, group in kinds.items()}
    return [next(found[row.kind]) for row in rows]


def _ascend(rows: Sequence[Row]) -> bool:
    """Whether each metric has a step of its own for each value. Rows of one step may hold different metrics."""
    last: dict[str, float] = {}
    for row in rows:
        if row.step is None or math.isnan(row.step):
            return False
        for metric in row.values:
            if row.step <= last.get(metric, -math.inf):
                return False
            last[metric] = row.step
    return True


def _series(name: str, points: Sequence[tuple[Any, float, int]], job: str, project: str) -> Series:
    steps, values, times = zip(*points, strict=True)
    if not all(a < b for a, b in pairwise(steps)):  # two kinds whose names came out alike
        steps = tuple(range(1, len(steps) + 1))
    return Series(
        name,
        _steps(steps),
        array("d", values),
        array("q", times) if any(time != NO_TIME for time in times) else (),
        job=job,
        project=project,
    )


def _steps(steps: Sequence[int | float]) -> Sequence[int | float]:
    """Ints where all of them are whole: a training writes the third epoch as 3.0."""
    whole = all(isinstance(step, int) or step.is_integer() for step in steps)
    return array("q" if whole and max(map(abs, steps)) <= _LARGEST else "d", map(int if whole else float, steps))


def thinned(series: Series, most: int | None) -> Series:
    """At most ``most`` points, and a note that says so."""
    kept = series.at_most(most)
    if kept.sampled:
        n = f"{most:,} of {kept.total:,} points"
        note(f"metric {series.metric} of job {series.job}: {n}, because steps={most} was asked")
    return kept
