"""One row of a watch: how a job stands, how far it is, how long it has to go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from swnb.client import eta
from swnb.client.closer import Detail
from swnb.client.following import Ear
from swnb.fetch.book import Key, Seen, moment
from swnb.fetch.watch import Round
from swnb.frames.tables import Origin, dotted
from swnb.model import JobInfo, Status

_NOWHERE: Final = Origin("", "")
_GOES_ON: Final = (Status.RUNNING, Status.STOPPING)


@dataclass(frozen=True, slots=True)
class Watched:
    """One row. ``progress`` is a share from 0 to 1 (``step`` of ``total``), ``said`` the same in words; ``eta`` is the
    time that is left. None and empty where there is no ground to say."""

    uri: str
    info: JobInfo
    progress: float | None = None
    said: str = ""
    eta: timedelta | None = None
    eta_low: timedelta | None = None
    eta_high: timedelta | None = None
    last_line: str = ""
    removed: bool = False
    changed: datetime | None = None
    step: float | None = None
    total: float | None = None
    origin: Origin = _NOWHERE


@dataclass(frozen=True, slots=True)
class Health:
    """How the asking of one server goes: ``problem`` is a sentence, empty where all is well."""

    server: str
    asked: datetime | None = None
    next: datetime | None = None
    problem: str = ""
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A job (its URI) went from one status to another; ``before`` is None for a job that came while it was watched."""

    job: str
    before: Status | None
    after: Status
    raw: str
    time: datetime


@dataclass(slots=True)
class Track:
    """What is remembered of a job from round to round. ``over``: it had ended when it was first seen. ``moved``: when
    something of it was last seen to move; ``sign``: what was seen then."""

    ear: Ear
    key: Key
    over: bool
    moved: float
    row: Watched
    sign: Any = None
    rate: eta.Rate = field(default_factory=eta.Rate)

    def note(self, seen: Seen, heard: Round, second: float) -> None:
        """Another round has come."""
        self.row = _row(self, seen, heard, second)
        sign = (seen.info.status, seen.info.raw_status, seen.detail and replace(seen.detail, part=None))
        if sign != self.sign:
            self.sign, self.moved = sign, second

    def stalled(self, second: float, detail: Detail | None) -> float | None:
        """Seconds in which nothing moved; None where nothing is known that moves."""
        return second - self.moved if detail is not None and self.row.info.status is Status.RUNNING else None


def _row(track: Track, seen: Seen, heard: Round, second: float) -> Watched:
    detail: Detail = seen.detail or Detail()
    info = seen.info
    if info.status in _GOES_ON:
        info = replace(info, elapsed=_elapsed(seen, second))
    elif info.status is Status.FAILED and not info.error:
        info = replace(info, error=detail.error)
    done = None if info.status.final or seen.removed else _progress(info, detail)
    left = None
    if done is not None:
        track.rate.note(second, done)
    if info.status is Status.RUNNING:
        left = track.rate.left(second) if done is not None else None
        left = left or eta.by_history(info, info.elapsed, heard.lists.get(info.project, {}))
    return Watched(
        uri=track.row.uri,
        info=info,
        progress=done.share if done else None,
        said=done.said if done else "",
        eta=left.eta if left else None,
        eta_low=left.low if left else None,
        eta_high=left.high if left else None,
        last_line=detail.line,
        removed=seen.removed,
        changed=seen.changed,
        step=done.done if done else None,
        total=done.total if done else None,
        origin=track.row.origin,
    )


def _progress(info: JobInfo, detail: Detail) -> eta.Progress | None:
    return (
        (eta.of_tasks(*detail.tasks) if detail.tasks else None)
        or eta.of_steps(detail.values, detail.steps, dotted(info.config))
        or eta.of_line(detail.line)
    )


def _elapsed(seen: Seen, second: float) -> timedelta | None:
    """What the server said, and the time since; else the time since the job began."""
    if seen.info.elapsed is not None:
        return seen.info.elapsed + timedelta(seconds=max(second - seen.told, 0.0))
    began = seen.info.started or seen.info.created
    return max(moment(second) - began, timedelta()) if began else None


def unexplained(row: Watched) -> bool:
    return row.info.status is Status.FAILED and not row.info.error


def age(info: JobInfo) -> tuple[int, float]:
    """Newest first. A job without a time that has not ended waits to begin, so it is among the newest."""
    if info.created is None:
        return (2 if info.status.final else 0), 0.0
    return 1, -info.created.timestamp()


def health_of(server: str, heard: Round) -> Health:
    errors = [*([heard.error] if heard.error else ()), *heard.missing.values()]
    return Health(server, heard.asked, heard.next, str(errors[0]) if errors else "", heard.every)
