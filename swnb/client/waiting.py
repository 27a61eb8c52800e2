"""``swnb.wait`` and ``swnb.changes``: listening to the pollers from code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import pandas as pd

from swnb.client import verbs
from swnb.client.answer import Fetch, fetching
from swnb.client.following import Ear, check_every, ears, scope_of
from swnb.client.told import told
from swnb.client.watched import Change
from swnb.client.where import Where, refs, statuses
from swnb.errors import BadInput, Refused, Timeout
from swnb.fetch.book import Scope, Seen
from swnb.fetch.events import Meter, StatusChanged, emit
from swnb.fetch.tasks import within
from swnb.fetch.watch import Round
from swnb.frames import tables as frames
from swnb.frames.provenance import attach
from swnb.frames.tables import Origin
from swnb.model import JobInfo, Status
from swnb.uri import Ref

_FINISHED: Final = "finished"
Heard: TypeAlias = "asyncio.Queue[tuple[Ear, Round]]"


async def wait(
    jobs: Where,
    *,
    until: str | Status | Iterable[str | Status] = _FINISHED,
    first: bool = False,
    timeout: float | None = None,
    every: float | None = None,
) -> pd.DataFrame:
    """Wait until jobs have ended, and their records as ``swnb.jobs`` gives them, in the order asked.

    ``until``: also one status or several that end the wait for a job (``"running"``); one that ended otherwise is not
    waited for. A project or server means the jobs that it has now. ``first``: until one is there, and only those that
    are. ``every``: seconds between two looks; by itself it is polite. A job that is removed meanwhile has ended, and
    its ``raw_status`` says ``removed``.

    Raises Timeout (a TimeoutError) after ``timeout`` seconds, whose ``partial`` is the frame of all jobs as they stand;
    NotFound for a job that is not there; and what the first look raises. Later troubles of a server are waited out,
    but not a refusal.
    """
    goal, every = _goal(until), check_every(every)
    if timeout is not None and not timeout >= 0:
        raise BadInput(f"timeout={timeout!r} is no number of seconds")
    asked = await told(refs(jobs))
    said = None if until == _FINISHED else sorted(goal)
    with fetching("wait", asked, until=said, first=first or None, every=every) as fetch:
        state = _Wait(await _jobs(asked), goal, first, fetch)
        task = await within(timeout, state.run(every))
        if task is None:
            raise state.late(timeout or 0.0)
        task.result()
        pairs = [pair for pair in state.pairs() if state.done(pair[1])]
        return fetch.done(_frame(pairs), len(pairs))


async def changes(where: Where, *, every: float | None = None) -> AsyncGenerator[Change, None]:
    """The changes of jobs' statuses as they are seen: records ``job before after raw time``, ``before`` None for a job
    that is new. An iterator, and an async iterator; it ends when only jobs are named and all of them have ended.
    Raises what the first look raises, and a refusal; other troubles are waited out."""
    asked = await told(refs(where))
    check_every(every)
    rounds: dict[str, Round] = {}
    async with _listening(asked, every) as heard:
        while asked:
            ear, told_ = await heard.get()
            _check(told_)
            for change in told_.changes if ear.origin.server in rounds else ():
                yield Change(ear.uri(change.key), change.before, change.after, change.raw, change.time)
            rounds[ear.origin.server] = told_
            if _all_over(asked, rounds):
                return


def _all_over(asked: Sequence[Ref], rounds: dict[str, Round]) -> bool:
    if any(ref.job is None for ref in asked) or {scope_of(ref)[0].server for ref in asked} != rounds.keys():
        return False
    return all(_ended(seen) for each in rounds.values() for seen in each.jobs.values())


def _goal(until: str | Status | Iterable[str | Status]) -> frozenset[Status]:
    """The statuses that are waited for beside those that are final."""
    words = [until] if isinstance(until, str) else list(until)
    return statuses([word for word in words if word != _FINISHED]) or frozenset()


async def _jobs(asked: Sequence[Ref]) -> list[Ref]:
    found: list[Ref] = []
    for ref in asked:
        found += [ref.with_(table=None)] if ref.job is not None else refs(await verbs.jobs(ref))
    return list(dict.fromkeys(found))


class _Wait:
    """One wait under way."""

    def __init__(self, wanted: Sequence[Ref], goal: frozenset[Status], first: bool, fetch: Fetch) -> None:
        self._wanted, self._goal, self._first, self._fetch = wanted, goal, first, fetch
        self._places: list[tuple[Origin, Scope]] = [scope_of(ref) for ref in wanted]
        self._rounds: dict[str, Round] = {}

    async def run(self, every: float | None) -> None:
        meter = Meter("waiting", "jobs", len(self._wanted))
        async with _listening(self._wanted, every) as heard:
            while not self._over():
                ear, told_ = await heard.get()
                _check(told_)
                for change in told_.changes if ear.origin.server in self._rounds else ():
                    emit(StatusChanged(ear.uri(change.key), change.before, change.after, change.raw))
                self._rounds[ear.origin.server] = told_
                self._fetch.trail.requests += told_.requests
                meter.advance(sum(self.done(seen) for _, seen in self.pairs()) - meter.done)
        meter.finish()

    def pairs(self) -> list[tuple[Origin, Seen]]:
        """All that were seen, in the order asked, each once."""
        found: dict[tuple[str, Any], tuple[Origin, Seen]] = {}
        for origin, scope in self._places:
            heard = self._rounds.get(origin.server)
            key = heard.named.get(scope) if heard is not None else None
            if heard is not None and key is not None and key in heard.jobs:
                found.setdefault((origin.server, key), (origin, heard.jobs[key]))
        return list(found.values())

    def done(self, seen: Seen) -> bool:
        return _ended(seen) or seen.info.status in self._goal

    def _over(self) -> bool:
        named = sum(scope in each.named for each in self._rounds.values() for scope in each.named)
        done = [self.done(seen) for _, seen in self.pairs()]
        return (self._first and any(done)) or (named >= len(self._places) and all(done))

    def late(self, timeout: float) -> Timeout:
        pairs = self.pairs()
        open_ = len(self._wanted) - sum(self.done(seen) for _, seen in pairs)
        frame = _frame(pairs)
        attach(frame, self._fetch.provenance(len(frame), complete=False))
        return Timeout(
            f"{open_} of {len(self._wanted)} job{'s' * (len(self._wanted) > 1)} did not end within {timeout:g} s",
            todo="How all of them stand is on this error as .partial; the jobs go on",
            partial=frame,
        )


@asynccontextmanager
async def _listening(asked: Sequence[Ref], every: float | None) -> AsyncIterator[Heard]:
    """What is heard meanwhile of all that is asked."""
    heard: Heard = asyncio.Queue()
    listening = await ears(asked, every, lambda ear, told_: heard.put_nowait((ear, told_)))
    try:
        for ear in listening:
            ear.join()
        yield heard
    finally:
        for ear in listening:
            ear.leave()


def _check(heard: Round) -> None:
    """Raise what waiting does not mend."""
    for error in heard.missing.values():
        raise error.with_traceback(None)
    if heard.error is not None and (heard.asked is None or isinstance(heard.error, Refused)):
        raise heard.error.with_traceback(None)


def _ended(seen: Seen) -> bool:
    return seen.removed or seen.info.status.final


def _frame(pairs: Sequence[tuple[Origin, Seen]]) -> pd.DataFrame:
    records: list[tuple[Origin, JobInfo]] = [(origin, seen.info) for origin, seen in pairs]
    return frames.jobs(records)
