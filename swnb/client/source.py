"""One server or folder, ready to be asked: its backend, and the way in which the backend's plans are run.

Sources are kept for the process, one for each server as it is named: two names for one address share neither
connections nor sign-in. Who gives a sign-in as an argument (:func:`source_with`) shares the server's source where that
signs in by the same, and has one of his own where it does not.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from swnb.bridge import submit
from swnb.call import Plan, SignedIn
from swnb.errors import SwnbError, Unsupported
from swnb.fetch import blobs, partial, ranges
from swnb.fetch.run import drain, run
from swnb.fetch.tasks import in_thread
from swnb.frames.tables import Origin
from swnb.model import Batch, RowQuery
from swnb.providers.base import Backend, Provider, Store, backend
from swnb.settings import Credential, Entry, credential, find
from swnb.stores import store
from swnb.uri import Ref

T = TypeVar("T")
_IN_FLIGHT: Final = 16  # requests a server, whatever is read from it (design.md section 3)


class Source:
    """``origin`` is how frames name it."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.is_store = entry.address.startswith("file:")
        self.backend: Backend = (store if self.is_store else backend)(entry.platform, entry.address)
        self.origin = Origin(entry.name, entry.platform)
        self._transport: Any = None
        self._credential: Credential | None = None
        self._signed_by: Credential | None = None

    def needs(self, verb: str) -> None:
        """Raise Unsupported where this platform has no such thing."""
        if verb not in self.backend.offers:
            raise Unsupported(f"{self.entry.platform} has no {verb}", where=self.entry.name)

    async def run(self, plan: Plan[T]) -> T:
        with partial.labelled(self.origin), self._placing():
            if self.is_store:
                result: T = await in_thread(drain, plan)
                return result
            return await run(plan, self.transport(), self.backend.in_flight)

    @contextmanager
    def _placing(self) -> Iterator[None]:
        """Providers and stores know no names of servers: their errors learn them here."""
        try:
            yield
        except SwnbError as error:
            if error.where == self.entry.address:  # which people know by its name
                error.where = ""
            error.place(_label(self.entry))
            raise

    async def batches(self, project: str | None, job: str, table: str, query: RowQuery) -> AsyncGenerator[Batch, None]:
        """The rows of a table in key order; large texts that were stored apart are put back into their cells."""
        if self.is_store:
            rows = cast(Store, self.backend).scan(project, job, table, query)
            while (batch := await self._drawn(rows)) is not None:
                partial.keep(batch)
                yield batch
            return
        provider = cast(Provider, self.backend)
        scan = await self.run(provider.scan(project, job, table, query))
        async with aclosing(ranges.rows(scan, query, self.transport().send, self.backend.in_flight)) as walk:
            async for batch in walk:
                filled = await blobs.filled(batch, provider, self.transport())
                partial.keep(filled)
                yield filled

    async def _drawn(self, rows: Iterator[Batch]) -> Batch | None:
        with self._placing():
            return await in_thread(next, rows, None)

    def transport(self) -> Any:
        if self._transport is None:
            from swnb.fetch.transport import Transport  # noqa: PLC0415 - httpx is not loaded before it is needed

            self._transport = Transport(
                self.entry.address, label=_label(self.entry), sign_in=self._sign_in, in_flight=_IN_FLIGHT
            )
        return self._transport

    def _sign_in(self) -> Plan[SignedIn]:
        # Renewed by what was accepted before: an environment that has changed since makes nobody another user.
        known = self._credential or self._signed_by or credential(self.entry)
        self._signed_by = None
        self.transport().source = known.source if known else ""
        signed = yield from cast(Provider, self.backend).sign_in(known or Credential())
        self._signed_by = known
        return signed

    async def sign_in(self) -> None:
        """Sign in now, unless that is done; TokenRejected and the like where the server says no."""
        with self._placing():
            await self.transport().sign_in()

    def signs_in_by(self, known: Credential) -> bool:
        """Whether this source signs in, or is signed in, by the same token or user and password."""
        ours = self._credential or self._signed_by or credential(self.entry)
        return ours is not None and _same(ours) == _same(known)

    def use(self, known: Credential) -> None:
        """Sign in with this instead of what the settings hold (the vendors' surfaces take a token as an argument)."""
        self._credential = known

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None


def _label(entry: Entry) -> str:
    """How errors name a server: its saved name, else host and port."""
    return entry.name if entry.name != entry.bare else entry.address.partition("://")[2]


def _same(known: Credential) -> Credential:
    """A sign-in without where it came from: one from the environment and the same from an argument are equal."""
    return replace(known, source="")


#: by the server and by a sign-in that was given as an argument (whose repr is stars)
_sources: dict[tuple[Entry, Credential | None], Source] = {}
_lock = threading.Lock()


def source_of(ref: Ref, platform: str | None = None) -> Source:
    """The source that a Ref names; BadURI or NotFound where there is no such server."""
    return _kept(find(ref, platform=platform), None)


def source_with(entry: Entry, known: Credential) -> Source:
    """The source of a server for a sign-in that is given, not looked up: that of ``source_of`` where it has the same
    one, else one that only this sign-in gets. May read the keyring."""
    shared = _kept(entry, None)
    return shared if shared.signs_in_by(known) else _kept(entry, known)


def _kept(entry: Entry, known: Credential | None) -> Source:
    key = (entry, known and _same(known))
    with _lock:
        if key not in _sources:
            source = _sources[key] = Source(entry)
            if known is not None:
                source.use(known)
        return _sources[key]


async def close_all(name: str | None = None) -> None:
    """Close the connections of all sources, or of those of a name (its sign-in may have changed)."""
    with _lock:
        gone = [_sources.pop(key) for key in list(_sources) if name is None or key[0].name == name]
    await asyncio.gather(*(source.close() for source in gone))


@atexit.register  # after the bridge's own, so it runs before that one ends the loop
def _leave() -> None:
    """A plain script that ends leaves no open connection for the HTTP stack to complain about."""
    if _sources:
        with contextlib.suppress(Exception):
            submit(close_all()).result(1)
