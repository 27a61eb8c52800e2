"""One poller a server: how its jobs stand, asked again and again while somebody listens, for all who listen.

What is asked stands in ``fetch.book``, how often in :class:`Pace`. Everything here runs on one loop. Listeners are held
weakly, so that one who is forgotten ends the asking too.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
import weakref
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from swnb.call import Asked, Call, Plan, Reply
from swnb.errors import SwnbError, TooBusy
from swnb.fetch.book import Asker, Book, Change, Key, Scope, Seen, moment
from swnb.fetch.events import trail
from swnb.fetch.retry import retry_after
from swnb.fetch.tasks import end
from swnb.model import JobInfo, Status
from swnb.providers.base import Backend

T = TypeVar("T")
_QUICK: Final = 2.0
_RUNNING: Final = 8.0  # with the time of a request, a change shows within 10 s
_STILL: Final = 30.0
_OVER: Final = 60.0
_PATIENCE: Final = 600.0
_CLOSER: Final = 10.0  # seconds between two times of asking for more of a job than how it stands
_BUSY: Final = frozenset({429, 503})
_NEVER: Final = Status.UNKNOWN  # which is no end
_clock, _sleep = time.time, asyncio.sleep  # a test puts its own in their place


def now() -> float:
    """The second, as all who watch count it."""
    return _clock()


@dataclass(frozen=True, slots=True)
class Round:
    """What a listener hears after each round: his jobs, in the server's order; what changed among them; when was and
    will be asked, and what went wrong. ``lists``: all jobs of the projects that were listed. ``missing``: his scopes
    that the server does not have; ``named``: the jobs that the others of single jobs are."""

    jobs: Mapping[Key, Seen]
    lists: Mapping[str, Mapping[str, JobInfo]] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    asked: datetime | None = None
    next: datetime | None = None
    every: float = 0.0
    error: SwnbError | None = None
    missing: Mapping[Scope, SwnbError] = field(default_factory=dict)
    named: Mapping[Scope, Key] = field(default_factory=dict)
    requests: int = 0


class Listener(Protocol):
    """``every``: seconds between two rounds, None = by the pace. ``looked`` and ``valued`` are the jobs of which more
    is wanted than how they stand: all there is, or their values only."""

    scopes: Collection[Scope]
    every: float | None

    def looked(self) -> Collection[Key]: ...
    def valued(self) -> Collection[Key]: ...
    def hear(self, heard: Round) -> None: ...


#: asks for more of some jobs: those that are looked at, those whose values are wanted, and what was known of them
Closer: TypeAlias = Callable[[Asker, Sequence[Seen], Sequence[Seen]], Awaitable[Mapping[Key, Any]]]


async def _no_closer(asker: Asker, looked: Sequence[Seen], valued: Sequence[Seen]) -> Mapping[Key, Any]:
    return {}


class Pace:
    """Seconds until the next round.

    After a change 2; then half as much again each time, up to 8 while a job runs, 30 while none does; 60 when all have
    ended. A failure doubles the wait, from 4 up to 60. What the server asks for by Retry-After is kept.
    """

    def __init__(self) -> None:
        self._every = _QUICK
        self._failed = 0

    def after(self, infos: Collection[JobInfo], *, changed: bool, wanted: float | None, asked_for: float) -> float:
        self._failed = 0
        over = all(info.status.final for info in infos)
        runs = any(info.status in (Status.RUNNING, Status.STOPPING) for info in infos)
        most = _OVER if over else _RUNNING if runs else _STILL
        self._every = _QUICK if changed else most if over else min(self._every * 1.5, most)
        return max(self._every if wanted is None else wanted, min(asked_for, _PATIENCE))

    def after_failure(self, error: SwnbError, *, asked_for: float) -> float:
        self._failed = min(self._failed + 1, 16)
        busy = (asked_for or _STILL) if isinstance(error, TooBusy) else 0.0
        return max(min(_QUICK * 2.0**self._failed, _OVER), min(busy, _PATIENCE))


class Poller:
    """The jobs of one server. ``asker`` gives the server as it is to be asked now (a new sign-in makes another one);
    ``closer`` asks for more of some jobs."""

    def __init__(self, asker: Callable[[], Asker], closer: Closer = _no_closer) -> None:
        self._asker, self._closer = asker, closer
        self._listeners: list[weakref.ref[Listener]] = []
        self._task: asyncio.Task[None] | None = None
        self._beside: asyncio.Task[None] | None = None
        self._beside_at = float("-inf")
        self._done: dict[tuple[bool, Key], Status | None] = {}  # of which more was asked; how they had ended by then
        self._wake = asyncio.Event()
        self._pace = Pace()
        self._book = Book()
        self._last = Round({})
        self._asked_for = 0.0

    @property
    def runs(self) -> bool:
        return self._task is not None

    def join(self, listener: Listener) -> None:
        """Begin, or go on, for this listener too. He hears at once what is known of his jobs already."""
        self._listeners.append(weakref.ref(listener))
        if self._last.asked is not None and self._book.covers(listener.scopes):
            self._tell(listener, replace(self._last, changes=()))
        else:
            self._wake.set()
        if self._task is None:
            # In a context of its own: who joins may have listeners for the progress of his own call.
            self._task = contextvars.Context().run(asyncio.ensure_future, self._run())

    def leave(self, listener: Listener) -> None:
        """The last one ends the asking."""
        self._listeners = [ref for ref in self._listeners if ref() not in (None, listener)]
        if not self._listeners:
            for task in filter(None, (self._task, self._beside)):
                task.cancel()
            self._task = self._beside = None

    def refresh(self) -> None:
        """Ask now, and leave nothing out."""
        self._book.doubt()
        self._beside_at = float("-inf")
        self._wake.set()

    def _present(self) -> list[Listener]:
        return [listener for ref in self._listeners if (listener := ref()) is not None]

    async def _run(self) -> None:
        while self._present():
            self._wake.clear()
            wait = await self._round()
            self._look_closer()
            await self._rest(wait)
        self._task, self._book = None, Book()

    async def _round(self) -> float:
        """Ask once and tell everybody; the seconds until the next time."""
        began = _clock()
        error, changes, requests = await self._ask(began)
        if error is None:
            infos = [seen.info for seen in self._book.jobs.values() if not seen.removed]
            wanted = min((each.every for each in self._present() if each.every is not None), default=None)
            wait = self._pace.after(infos, changed=bool(changes), wanted=wanted, asked_for=self._asked_for)
            wait = max(wait, 2 * (_clock() - began))  # a server that takes long to answer is asked less often
        else:
            wait = self._pace.after_failure(error, asked_for=self._asked_for)
        asked = moment(began) if error is None else self._last.asked
        self._last = Round(
            jobs=self._book.jobs,
            lists={id_: project.jobs for id_, project in self._book.lists.items()},
            changes=changes,
            asked=asked,
            next=moment(_clock() + wait),
            every=wait,
            error=error,
            missing=self._book.missing,
            named=dict(self._book.named),
            requests=requests,
        )
        for listener in self._present():
            self._tell(listener, self._last)
        return wait

    async def _ask(self, now: float) -> tuple[SwnbError | None, Sequence[Change], int]:
        scopes = {scope for listener in self._present() for scope in listener.scopes}
        self._asked_for = 0.0
        with trail() as kept:
            try:
                changes = await self._book.ask(_Heeding(self._asker(), self._heed), scopes, now)
            except SwnbError as error:
                return error.with_traceback(None), (), kept.requests
            except Exception as fault:  # a watch that ends in silence is worse than one that says what is wrong
                text = f"asking failed ({type(fault).__name__})"
                return SwnbError(text, todo="Please report this as a fault"), (), kept.requests
        return None, changes, kept.requests

    def _heed(self, seconds: float) -> None:
        self._asked_for = max(self._asked_for, seconds)

    def _tell(self, listener: Listener, heard: Round) -> None:
        keys = self._book.keys(listener.scopes, heard.jobs)
        listener.hear(
            replace(
                heard,
                jobs={key: seen for key, seen in heard.jobs.items() if key in keys},
                changes=[change for change in heard.changes if change.key in keys],
                missing={scope: error for scope, error in heard.missing.items() if scope in listener.scopes},
                named={scope: key for scope, key in heard.named.items() if scope in listener.scopes},
            )
        )

    async def _rest(self, seconds: float) -> None:
        """Until the time is up or somebody wants it sooner."""
        both = [asyncio.ensure_future(_sleep(seconds)), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(both)

    # More of some jobs, beside the rounds: it may take long, and no change of a status is to wait for it.

    def look(self) -> None:
        """Somebody looks at another job: ask about it now, and not with the next round."""
        self._look_closer(fresh=True)

    def _look_closer(self, *, fresh: bool = False) -> None:
        """``fresh``: only about those of which nothing was asked yet."""
        if self._task is None or (self._beside is not None and not self._beside.done()):
            return
        present = self._present()
        pause = min([_CLOSER, *(each.every for each in present if each.every is not None)])
        fresh = fresh or _clock() - self._beside_at < pause
        looked = self._open(True, {key for each in present for key in each.looked()}, fresh)
        valued = self._open(False, {key for each in present for key in each.valued()}, fresh)
        if looked or valued:
            self._beside_at = self._beside_at if fresh else _clock()
            self._beside = asyncio.ensure_future(self._ask_beside(looked, valued))

    def _open(self, whole: bool, keys: Collection[Key], fresh: bool) -> list[Seen]:
        """Those that may have more to tell: they have not ended, or were not asked since they did."""
        some = [(key, seen) for key, seen in self._book.jobs.items() if key in keys and not seen.removed]
        asked = [(self._done.get((whole, key), _NEVER), seen) for key, seen in some]
        if fresh:
            return [seen for done, seen in asked if done is _NEVER]
        return [seen for done, seen in asked if done is not seen.info.status]

    async def _ask_beside(self, looked: Sequence[Seen], valued: Sequence[Seen]) -> None:
        try:
            found = await self._closer(_Heeding(self._asker(), self._heed), looked, valued)
        except SwnbError:
            return  # the rounds tell what is wrong with the server; this comes with the next look
        self._book.detail(found)
        for whole, some in ((True, looked), (False, valued)):
            self._done |= {(whole, _key(each)): each.status if each.status.final else None for each in _infos(some)}
        self._done = {key: status for key, status in self._done.items() if key[1] in self._book.jobs}
        self._last = replace(self._last, jobs=self._book.jobs, changes=())
        for listener in self._present():
            self._tell(listener, self._last)
        self._beside = None
        self._look_closer(fresh=True)  # at what somebody began to look at meanwhile


def _infos(seen: Sequence[Seen]) -> list[JobInfo]:
    return [each.info for each in seen]


def _key(info: JobInfo) -> Key:
    return info.project, info.id


class _Heeding:
    """An asker that tells what servers ask for by Retry-After, which no answer to a plan shows."""

    def __init__(self, asker: Asker, heed: Callable[[float], None]) -> None:
        self._asker, self._heed = asker, heed

    @property
    def backend(self) -> Backend:
        return self._asker.backend

    async def run(self, plan: Plan[T]) -> T:
        return await self._asker.run(self._heeded(plan))

    def _heeded(self, plan: Plan[T]) -> Plan[T]:
        """The same plan, with its calls heeded; results and errors go through it as they come."""
        step = functools.partial(next, plan)
        try:
            while True:
                try:
                    asked = step()
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    step = functools.partial(plan.send, (yield self._each(asked)))
                except SwnbError as error:
                    step = functools.partial(plan.throw, error)
        finally:
            plan.close()

    def _each(self, asked: Asked) -> Asked:
        if isinstance(asked, Call):
            return self._call(asked)
        return [self._call(item) if isinstance(item, Call) else self._heeded(item) for item in asked]

    def _call(self, call: Call[T]) -> Call[T]:
        def decode(reply: Reply) -> T:
            if reply.status in _BUSY:
                self._heed(retry_after(reply.headers) or 0.0)
            return call.decode(reply)

        return replace(call, decode=decode)
