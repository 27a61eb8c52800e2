"""What all platforms have in common, as frozen records. No platform's words stand here.

Times are tz-aware UTC datetimes, durations timedeltas, a missing value is None. ``own`` holds the platform's further
fields under their own names; ``raw`` is the wire's record as it came.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeAlias


class Status(str, Enum):
    """The one vocabulary of states; the platform's own word is kept beside it as ``raw_status``."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether nothing more is to be expected (a user may still resume or restart such a job)."""
        return self in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    id: str
    name: str
    owner: str | None = None
    created: datetime | None = None
    jobs: int | None = None
    description: str | None = None
    url: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class JobInfo:
    """``project`` is the id of its project. ``key`` names the job inside the platform where that is not its id
    (a Starwhale Server knows job 7 by a uuid). ``config``, ``metadata`` (words that people attached to the job) and
    ``env`` are filled where the platform has them, and ``profile`` (what it recorded about machine and packages) where
    one job was asked for."""

    id: str
    project: str
    name: str
    status: Status
    raw_status: str
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    elapsed: timedelta | None = None
    owner: str | None = None
    error: str | None = None
    url: str | None = None
    key: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    profile: Mapping[str, Any] = field(default_factory=dict, repr=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One attempt at a task."""

    id: str
    status: Status
    raw_status: str
    started: datetime | None = None
    finished: datetime | None = None
    error: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskInfo:
    id: str
    name: str
    status: Status
    raw_status: str
    started: datetime | None = None
    finished: datetime | None = None
    elapsed: timedelta | None = None
    retries: int | None = None
    error: str | None = None
    runs: tuple[RunInfo, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EventInfo:
    """Something the platform noted about a job, a task or a run."""

    time: datetime | None
    level: str
    source: str
    message: str
    subject: str
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccessInfo:
    """Who may see or change a job. ``id`` is the subject's, ``relation`` the platform's word for what it may."""

    id: str
    relation: str
    name: str | None = None
    email: str | None = None
    own: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """The final values of job ``id`` of ``project``; ``values`` is empty where it has none. ``own``: the platform's
    bookkeeping. ``steps``: at which step a value was reached, by its column's name. ``job`` is there where the platform
    told more about it on the way."""

    job: JobInfo | None
    id: str
    values: Mapping[str, Any]
    own: Mapping[str, Any] = field(default_factory=dict)
    project: str = ""
    steps: Mapping[str, Any] = field(default_factory=dict)


NO_TIME: Final = -(2**63)  # in ``Series.time``


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of job ``job`` of ``project``, its steps ascending.

    ``step`` and ``value`` are arrays of int64 or float64 (or lists); ``time`` is an array of Unix microseconds
    (NO_TIME = none), or empty. Nothing is left out unless ``sampled``; ``total`` is then how many there are, None
    where the server does not tell.
    """

    metric: str
    step: Sequence[int | float]
    value: Sequence[Any]
    time: Sequence[int] = ()
    total: int | None = None
    job: str = ""
    project: str = ""
    sampled: bool = False

    def at_most(self, most: int | None) -> Series:
        """At most so many points (None = all), evenly spread, the first and the last among them."""
        n = len(self.step)
        if most is None or n <= most:
            return self
        spread = max(most - 1, 1)
        kept = [n - 1 - (i * (n - 1)) // spread for i in reversed(range(most))]
        step, value, time = (_picked(each, kept) for each in (self.step, self.value, self.time))
        return replace(self, step=step, value=value, time=time, total=n, sampled=True)


def _picked(values: Sequence[Any], kept: Sequence[int]) -> Any:
    if not len(values):
        return values
    chosen = [values[at] for at in kept]
    return array(values.typecode, chosen) if isinstance(values, array) else chosen


@dataclass(frozen=True, slots=True)
class Record:
    """A value of some class of the platform's, which is never imported: the class's name and its attributes."""

    class_name: str
    attributes: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in self.attributes.items())
        return f"{self.class_name}({inner})"


class _Absent:
    """The mark of a cell that a row does not have, which is not the same as a cell that holds None."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()

#: ints and floats of one machine type travel as arrays (int64 "q", float64 "d"), all else as lists
Values: TypeAlias = "array[int] | array[float] | list[Any]"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table, column by column, in key order.

    A column is an ``array("q")`` or ``array("d")`` where every row has an int or a float in it, else a list in which
    ABSENT marks a cell that its row does not have. All columns have ``n`` values; rows may lack any of them.
    """

    n: int
    columns: Mapping[str, Values]

    def records(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts without their absent cells."""
        names = list(self.columns)
        for cells in zip(*self.columns.values(), strict=True) if names else ((),) * self.n:
            yield {k: v for k, v in zip(names, cells, strict=True) if v is not ABSENT}

    def slice(self, start: int, stop: int) -> Batch:
        """Rows ``start`` up to ``stop``, as of a list."""
        n = len(range(self.n)[start:stop])
        return Batch(n, {k: v[start:stop] for k, v in self.columns.items()})

    @staticmethod
    def of(records: Iterable[Mapping[str, Any]]) -> Batch:
        """A batch of row dicts; the columns come in the order of their first appearance."""
        rows = list(records)
        names = dict.fromkeys(name for row in rows for name in row)
        return Batch(len(rows), {name: [row.get(name, ABSENT) for row in rows] for name in names})


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Which rows of a table: keys from ``start`` up to ``end`` (exclusive unless ``end_inclusive``), None = open."""

    start: Any = None
    end: Any = None
    end_inclusive: bool = False
    columns: tuple[str, ...] | None = None
    keep_none: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class JobQuery:
    """Which jobs: all filters hold together; ``limit`` counts after them and keeps the newest. ``config``: it will be
    looked at, so a platform that lists jobs without it must ask for it."""

    status: frozenset[Status] | None = None
    name: str | None = None
    owner: str | None = None
    since: datetime | None = None
    limit: int | None = None
    config: bool = False

    def takes(self, job: JobInfo) -> bool:
        return (
            (self.status is None or job.status in self.status)
            and (self.name is None or self.name.casefold() in job.name.casefold())
            and (self.owner is None or self.owner == job.owner)
            and (self.since is None or (job.created is not None and job.created >= self.since))
        )
