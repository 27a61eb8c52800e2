"""The console log of a run: shards of a thousand lines, and what comes after them (swanlab paper 4, H9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swnb.call import Plan, ask, ask_all
from swnb.model import JobInfo
from swnb.providers.base import LogPart
from swnb.providers.swanlab.calls import LOG_LINES, Calls
from swnb.providers.swanlab.records import Run

TITLE = "console"
_MOST_SHARDS = 100_000

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was read: ``seen`` lines of the shard, ``before`` in those before it."""

    shard: int = 0
    seen: int = 0
    before: int = 0


@dataclass(frozen=True, slots=True)
class LogTail:
    """What ``state`` (the run's record, asked anew) and the lines after ``place`` make a part of."""

    calls: Calls
    run: Run
    state: Callable[[], Plan[JobInfo]] = field(repr=False)

    def part(self, job: JobInfo, place: Place = Place()) -> Plan[LogPart]:
        """``job`` is the run as it was before the lines are asked: so nothing is lost when it ends meanwhile."""
        text, place = yield from after(self.calls, self.run, place)
        return LogPart(TITLE, text, more=None if job.status.final else lambda: self._more(place))

    def _more(self, place: Place) -> Plan[LogPart]:
        job = yield from self.state()
        return (yield from self.part(job, place))


def after(calls: Calls, run: Run, place: Place) -> Plan[tuple[str, Place]]:
    """The text after a place, and where it ends.

    The log ends where all lines that the server counts have come, and else with a shard that is not full. Whether a
    shard that is short is so because lines count from one cannot be told, so the count has precedence.
    """
    lines, count = yield from ask(calls.log(run, place.shard))
    text = [*lines[place.seen :]]
    place = Place(place.shard, len(lines), place.before)
    while not _ended(place, count):
        numbers = range(place.shard + 1, _last_shard(place, count) + 1)
        shards = yield from ask_all([calls.log(run, number) for number in numbers])
        for number, (lines, total) in zip(numbers, shards, strict=True):
            if not lines:
                return _text(text), place
            count = total if total is not None else count
            text += lines
            place = Place(number, len(lines), place.before + place.seen)
    return _text(text), place


def _ended(place: Place, count: int | None) -> bool:
    if place.seen == 0 or place.shard >= _MOST_SHARDS:
        return True
    return place.seen < LOG_LINES and (count is None or place.before + place.seen >= count)


def _last_shard(place: Place, count: int | None) -> int:
    """How far it is safe to ask abreast; at least the next one, since a log may be longer than its count said."""
    return min(max(place.shard + 1, (count or 0) // LOG_LINES), place.shard + 64)


def _text(lines: Sequence[Line]) -> str:
    return "".join(f"{str(line.get('message') or '').rstrip(chr(10))}\n" for line in lines)
