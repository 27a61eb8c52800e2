"""The log of a task as text, and what comes after it (supervisely paper 5.6)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from swnb.call import Plan, ask
from swnb.model import NO_TIME, JobInfo
from swnb.providers.base import LogPart
from swnb.providers.supervisely.calls import Calls
from swnb.providers.supervisely.curves import instant
from swnb.providers.supervisely.records import masked
from swnb.providers.supervisely.replies import entities

TITLE: Final = "task log"
#: Whether a server counts the bound itself in is not known, and lines may come late, since they are sent in batches:
#: so the last ten seconds are asked again, and what was had of them is left out.
_AGAIN: Final = 10_000_000
_SERVICE: Final = frozenset({"message", "level", "timestamp", "task_id", "event_type"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was read: from ``since`` (Unix microseconds) on it holds the records that are ``seen``."""

    since: int = NO_TIME
    seen: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @property
    def text(self) -> str | None:
        """As the server wants it."""
        if self.since == NO_TIME:
            return None
        moment = _EPOCH + timedelta(microseconds=self.since)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fresh(records: Iterable[Json], place: Place) -> tuple[list[Json], Place]:
    """Those of ``records`` (all since ``place``, or more) that are new, and where the log is read to with them."""
    seen, found = Counter(place.seen), []
    known: Counter[tuple[int, str]] = Counter()
    for time, record in ordered(records):
        if NO_TIME < time < place.since:
            continue
        key = (time, json.dumps(record, sort_keys=True, default=str))
        known[key] += 1
        if known[key] > seen[key]:
            found.append(record)
    known |= seen
    last = max((time for time, _ in known), default=NO_TIME)
    since = max(place.since, last - last % 1000 - _AGAIN) if last != NO_TIME else NO_TIME
    return found, Place(since, {key: n for key, n in known.items() if key[0] == NO_TIME or key[0] >= since})


def ordered(records: Iterable[Json]) -> list[tuple[int, Json]]:
    """By time, which the server does not promise; a record without one stays behind the one that it came after."""
    pairs = [(instant(record.get("timestamp")), record) for record in records]
    keys: list[int] = []
    for time, _ in pairs:
        keys.append(time if time != NO_TIME or not keys else keys[-1])
    return [pairs[at] for at in sorted(range(len(pairs)), key=keys.__getitem__)]


def text_of(records: Iterable[Json]) -> str:
    return "".join(f"{_line(record)}\n" for record in records)


def _line(record: Json) -> str:
    """The message; before it the level, unless that is info; behind it what the record holds besides."""
    level, message = record.get("level"), record.get("message")
    more = {name: value for name, value in record.items() if name not in _SERVICE}
    parts = (
        f"[{level}]" if isinstance(level, str) and level not in ("", "info") else "",
        message.rstrip("\n") if isinstance(message, str) else "" if message is None else json.dumps(message),
        json.dumps(masked(more), ensure_ascii=False) if more else "",
    )
    return " ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class LogTail:
    """What ``state`` (the task's record, asked anew) and the records after a place make a part of."""

    calls: Calls
    state: Callable[[], Plan[JobInfo]] = field(repr=False)

    def part(self, job: JobInfo, place: Place = Place()) -> Plan[LogPart]:
        """``job`` is the task as it was before its log is asked: so nothing is lost when it ends meanwhile."""
        records: Sequence[Json] = yield from ask(self.calls.log(job.id, entities, place.text))
        found, place = fresh(records, place)
        return LogPart(TITLE, text_of(found), more=None if job.status.final else lambda: self._more(place))

    def _more(self, place: Place) -> Plan[LogPart]:
        job = yield from self.state()
        return (yield from self.part(job, place))
