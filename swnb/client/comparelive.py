"""A comparison that is kept up to date while its jobs go.

How the jobs stand is told by the pollers of their servers, which are shared with every board (``fetch.watch``). This
reads what they do not tell, curves and summaries, and never oftener than reading takes: at least three times as long
as a reading took lies between two, and more where nothing new comes. All of it runs on the I/O loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Collection, Mapping
from typing import Final

from swnb.bridge import submit
from swnb.client.comparing import Comparison, going_of, refreshed
from swnb.client.following import Ear, ears
from swnb.client.where import refs
from swnb.errors import SwnbError
from swnb.fetch.tasks import in_thread
from swnb.fetch.watch import Round, now
from swnb.model import Status

_EVERY: Final = 5.0  # seconds between two readings, at least
_SELDOM: Final = 60.0  # the same, where nothing changes or reading fails; also between two readings of everything
_SHARE: Final = 3.0  # times as long as a reading took, until the next


class Following:
    """``present`` gives the comparison that is shown; ``renewed`` takes the one that was read anew and the one that it
    was made of, in a thread, and tells whether it holds anything new. None of them is held here."""

    def __init__(
        self,
        present: Callable[[], Comparison | None],
        renewed: Callable[[Comparison, Comparison], object],
        *,
        table: str | None = None,
    ) -> None:
        self._present, self._renewed, self._table = present, renewed, table
        self._ears: list[Ear] = []
        self._heeded: dict[str, Status] = {}  # news for which all was read; where list and glance differ it stays news
        self._closed = False
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None
        self._every = _EVERY
        self._due = self._whole = self._rests = 0.0

    def start(self) -> None:
        """Begin. The first reading comes after some seconds: what is shown was just read."""
        self._due, self._whole = now() + self._every, now() + _SELDOM
        submit(self._begin())

    def close(self) -> None:
        """End it. The last one who listens ends the asking of a server. May be said twice."""
        self._closed = True
        with contextlib.suppress(RuntimeError):  # Python is shutting down
            submit(self._end())

    # On the I/O loop

    async def _begin(self) -> None:
        found = self._present()
        if found is None:
            return
        with contextlib.suppress(SwnbError):  # such as a name that was forgotten: nothing is read again then
            self._ears = await ears(refs(going_of(found)), None, self._hear)
        for ear in [] if self._closed else self._ears:
            ear.join()

    async def _end(self) -> None:
        for ear in self._ears:
            ear.leave()
        if self._task is not None:
            self._task.cancel()

    def _hear(self, ear: Ear, heard: Round) -> None:
        if self._closed or heard.error is not None or now() < self._rests or self._reads:
            return
        found = self._present()
        if found is None:
            return
        jobs = {ear.uri(key): seen for key, seen in heard.jobs.items()}
        gone = {uri for uri, seen in jobs.items() if seen.removed} & set(found.uris)
        news = self._news(found, {uri: seen.info.status for uri, seen in jobs.items()})
        if gone or news or now() >= self._due:
            self._heeded |= news
            whole = bool(gone or news) or now() >= self._whole
            # In the context of who began, or a bar of progress would show in the cell that he is in.
            self._task = self._context.run(asyncio.ensure_future, self._read(found, whole, gone))

    @property
    def _reads(self) -> bool:
        return self._task is not None and not self._task.done()

    def _news(self, found: Comparison, told: Mapping[str, Status]) -> dict[str, Status]:
        known = found.jobs["status"].to_dict()
        differs = {uri: status for uri, status in told.items() if uri in known and known[uri] != status.value}
        return {uri: status for uri, status in differs.items() if self._heeded.get(uri) != status}

    async def _read(self, found: Comparison, whole: bool, gone: Collection[str]) -> None:
        began = now()
        try:
            new = await refreshed(found, table=self._table, whole=whole, gone=gone)
        except Exception:  # the server may be back next time; what is shown says as of when
            self._every = min(2 * self._every, _SELDOM)
            self._due = self._rests = now() + self._every
            return
        self._rests = now() + _SHARE * (now() - began)
        fresh = await in_thread(self._renewed, new, found)
        self._every = _EVERY if fresh else min(1.5 * self._every, _SELDOM)
        self._due = max(now() + self._every, self._rests)
        if whole:
            self._whole = now() + _SELDOM
