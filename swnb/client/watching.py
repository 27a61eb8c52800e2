"""Jobs that are kept up to date while somebody looks: what the board of ``swnb.watch`` shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Final

import pandas as pd

from swnb.bridge import on_io, submit
from swnb.client import verbs
from swnb.client.closer import Detail
from swnb.client.following import Ear, check_every, ears
from swnb.client.notices import Bell, Facts, Notice, Rules, call, check_stops, check_webhook
from swnb.client.rules import parse_all
from swnb.client.source import source_of
from swnb.client.watched import Change, Health, Track, Watched, age, health_of, unexplained
from swnb.client.where import Where, refs
from swnb.errors import SwnbError, Unsupported
from swnb.fetch.book import Key, Seen, moment
from swnb.fetch.watch import Round, now
from swnb.frames import board
from swnb.model import Status

_LOOKED: Final = 20  # rows whose log and tasks are asked for
_KEPT: Final = 10_000  # changes and notices
_PAUSE: Final = 0.25  # seconds between two calls of ``changed``
_SOON: Final = 2.0
_LATE: Final = 60.0


__all__ = ["Change", "Health", "Notice", "Watched", "Watching"]


class Watching:
    """The jobs of ``where``, kept up to date while somebody looks. ``rows``, ``frame`` and the like are snapshots, safe
    in any thread; callbacks come on a worker thread.

    Newest first at the start; afterwards the order holds still: new jobs come on top, ended ones keep their row,
    removed ones are marked. BadInput for what is no address or no rule, ActionsOff for a rule that would stop jobs.
    """

    def __init__(
        self,
        where: Where,
        *,
        notify: str | Sequence[str] | None = None,
        every: float | None = None,
        on_notice: Callable[[Notice], object] | None = None,
        webhook: str | None = None,
        act: bool = False,
    ) -> None:
        self.rows: tuple[Watched, ...] = ()
        self.notices: tuple[Notice, ...] = ()
        self.health: tuple[Health, ...] = ()
        self._refs = refs(where)
        for ref in self._refs:
            if ref.address is None or ref.platform is not None:  # others are asked later what they are
                source_of(ref)
        self._rules = Rules(parse_all(notify))
        check_stops(self._rules.rules, act)
        self._bell = Bell(self._add, on_notice, check_webhook(webhook), act)
        self._every = check_every(every)
        self._changed: Callable[[], object] | None = None
        self._closed = False
        self._ears: list[Ear] = []
        self._rounds: dict[str, Round] = {}
        self._tracks: dict[str, Track] = {}
        self._order: list[str] = []
        self._changes: deque[Change] = deque(maxlen=_KEPT)
        self._looked: tuple[str, ...] = ()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._telling = self._again = False

    def start(self, changed: Callable[[], object]) -> None:
        """Begin, or go on after ``close``. ``changed`` is called after each refresh, at most 4 times a second, also
        when one failed."""
        self._closed, self._changed = False, changed
        submit(self._begin())

    def close(self) -> None:
        """End it. The last one for a server ends the asking there. May be said twice."""
        self._closed, self._changed = True, None
        with contextlib.suppress(RuntimeError):  # Python is shutting down
            submit(self._end())

    def refresh(self) -> None:
        """Ask now."""
        submit(self._each_ear(Ear.refresh))

    def look(self, uri: str) -> None:
        """Somebody looks at this row: its tasks and the last line of its log are wanted. The last 20 count."""
        fresh = uri not in self._looked
        self._looked = (uri, *(each for each in self._looked if each != uri))[:_LOOKED]
        if fresh:
            submit(self._each_ear(Ear.look))

    @property
    def frame(self) -> pd.DataFrame:
        """The rows; index ``job``, columns ``name status raw_status created started finished elapsed progress step
        total eta error last_line platform server project id removed``."""
        rows = self.rows
        told = ["name", "status", "raw_status", "created", "started", "finished", "elapsed"]
        cells = {name: [getattr(row.info, name) for row in rows] for name in told}
        cells |= {name: [getattr(row, name) for row in rows] for name in ("progress", "step", "total", "eta")}
        cells |= {"error": [row.info.error for row in rows], "last_line": [row.last_line for row in rows]}
        cells |= {name: [getattr(row.origin, name) for row in rows] for name in ("platform", "server")}
        cells |= {name: [getattr(row.info, name) for row in rows] for name in ("project", "id")}
        return board.board([row.uri for row in rows], {**cells, "removed": [row.removed for row in rows]})

    @property
    def changes(self) -> pd.DataFrame:
        """The changes that were seen (the last 10,000), oldest first: ``time job before after raw_status``."""
        return _changes_frame(tuple(self._changes))

    async def stages(self, uri: str) -> pd.DataFrame:
        """The tasks of a job; where the platform has none, the changes of its status that were seen."""
        try:
            return await on_io(verbs.tasks(uri))
        except Unsupported:
            return _changes_frame([change for change in self._changes if change.job == uri])

    # On the I/O loop

    async def _begin(self) -> None:
        pause = _SOON
        while not self._closed:
            try:
                self._ears = self._ears or await ears(self._refs, self._every, self._hear)
                break
            except SwnbError as error:  # of a server that is asked what it is
                self.health = (Health(self._refs[0].server, problem=str(error), every=pause),)
                self._notify()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LATE)
        for ear in [] if self._closed else self._ears:
            ear.looked, ear.valued = self._keys_looked(ear), self._keys_valued(ear)
            ear.join()
        if not self._refs:
            self._notify()

    async def _end(self) -> None:
        for ear in self._ears:
            ear.leave()

    async def _each_ear(self, do: Callable[[Ear], None]) -> None:
        for ear in self._ears:
            do(ear)

    def _keys_looked(self, ear: Ear) -> Callable[[], Collection[Key]]:
        def keys() -> Collection[Key]:
            uris = [*self._looked, *(self._running() if self._rules.stalls else ())]
            just_failed = [uri for uri, track in self._tracks.items() if not track.over and unexplained(track.row)]
            tracks = [self._tracks[uri] for uri in [*uris, *just_failed[:_LOOKED]] if uri in self._tracks]
            return {track.key for track in tracks if track.ear is ear}

        return keys

    def _keys_valued(self, ear: Ear) -> Callable[[], Collection[Key]]:
        def keys() -> Collection[Key]:
            if not (self._rules.looks_at_values or self._rules.stalls):
                return ()
            return {track.key for track in self._tracks.values() if track.ear is ear and not track.over}

        return keys

    def _running(self) -> list[str]:
        return [row.uri for row in self.rows if row.info.status is Status.RUNNING][:_LOOKED]

    def _hear(self, ear: Ear, heard: Round) -> None:
        if self._closed:
            return
        first = ear.origin.server not in self._rounds
        self._rounds[ear.origin.server] = heard
        second = now()
        for key, seen in heard.jobs.items():
            self._take(ear, key, seen, heard, second)
        self._arrange([ear.uri(key) for key in heard.jobs], first)
        self.rows = tuple(map(self._row, self._order))
        if not first:
            self._changes.extend(
                Change(ear.uri(each.key), each.before, each.after, each.raw, each.time) for each in heard.changes
            )
        self.health = tuple(health_of(server, each) for server, each in self._rounds.items())
        self._notify()

    def _take(self, ear: Ear, key: Key, seen: Seen, heard: Round, second: float) -> None:
        uri = ear.uri(key)
        track = self._tracks.get(uri)
        if track is None:
            row = Watched(uri, seen.info, origin=ear.origin)
            track = self._tracks[uri] = Track(ear, key, seen.info.status.final, second, row)
        track.note(seen, heard, second)
        if self._rules.rules and not track.over and not seen.removed:
            self._judge(track, seen.detail, second)

    def _arrange(self, uris: Sequence[str], first: bool) -> None:
        """``first``: of this server, so it is still the start, and the jobs of several lists are put in one order."""
        there = set(self._order)
        self._order = [*(uri for uri in uris if uri not in there), *self._order]
        if first and len({(row.origin, row.info.project) for row in map(self._row, self._order)}) > 1:
            self._order.sort(key=lambda uri: age(self._row(uri).info))

    def _row(self, uri: str) -> Watched:
        return self._tracks[uri].row

    # Rules

    def _judge(self, track: Track, detail: Detail | None, second: float) -> None:
        row = track.row
        facts = Facts(row.info, row.progress, detail, track.stalled(second, detail))
        for rule in self._rules.firing(row.uri, facts):
            notice = Notice(moment(second), row.uri, row.info.name, rule.text, facts.said(rule))
            self._do(self._bell.ring(rule, notice, row.info, track.ear.source))

    def _add(self, notice: Notice) -> None:
        self.notices = (*self.notices, notice)[-_KEPT:]
        self._notify()

    # Telling

    def _notify(self) -> None:
        self._again = True
        if not self._telling:
            self._telling = True
            self._do(self._tell())

    async def _tell(self) -> None:
        try:
            while self._again and self._changed is not None:
                self._again = False
                await call(self._changed)
                await asyncio.sleep(_PAUSE)
        finally:
            self._telling = False

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _changes_frame(changes: Sequence[Change]) -> pd.DataFrame:
    return board.changes(
        {
            "time": [change.time for change in changes],
            "job": [change.job for change in changes],
            "before": [change.before and change.before.value for change in changes],
            "after": [change.after for change in changes],
            "raw_status": [change.raw for change in changes],
        }
    )
