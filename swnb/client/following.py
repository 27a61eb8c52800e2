"""Listening to the pollers of the servers that jobs lie on. A server has one poller, whoever listens in this process.

All of it runs on the I/O loop.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, TypeAlias

from swnb.client import closer
from swnb.client.source import Source, source_of
from swnb.client.told import told
from swnb.errors import BadInput, BadURI
from swnb.fetch.book import Key, Scope
from swnb.fetch.watch import Poller, Round
from swnb.frames.tables import Origin
from swnb.uri import Ref

_LEAST: Final = 0.01
_pollers: dict[str, Poller] = {}

Hear: TypeAlias = Callable[["Ear", Round], None]


def _no_keys() -> Collection[Key]:
    return ()


class Ear:
    """A listener for what is watched on one server."""

    def __init__(self, origin: Origin, scopes: Collection[Scope], every: float | None, hear: Hear) -> None:
        self.origin, self.scopes, self.every = origin, scopes, every
        self.looked: Callable[[], Collection[Key]] = _no_keys
        self.valued: Callable[[], Collection[Key]] = _no_keys
        self._hear = hear

    def hear(self, heard: Round) -> None:
        self._hear(self, heard)

    def uri(self, key: Key) -> str:
        return self.origin.job(*key)

    def source(self) -> Source:
        return source_of(Ref(self.origin.server))

    def join(self) -> None:
        poller = _pollers.get(self.origin.server)
        if poller is None or not poller.runs:
            poller = _pollers[self.origin.server] = Poller(self.source, closer.closer_of(self.source))
        poller.join(self)

    def leave(self) -> None:
        poller = _pollers.get(self.origin.server)
        if poller is not None:
            poller.leave(self)
            if not poller.runs:
                del _pollers[self.origin.server]

    def refresh(self) -> None:
        poller = _pollers.get(self.origin.server)
        if poller is not None:
            poller.refresh()

    def look(self) -> None:
        poller = _pollers.get(self.origin.server)
        if poller is not None:
            poller.look()


async def ears(asked: Sequence[Ref], every: float | None, hear: Hear) -> list[Ear]:
    """One for each server, in the order of ``asked``; they listen when they have joined."""
    found: dict[Origin, dict[Scope, None]] = {}
    for ref in await told(asked):
        origin, scope = scope_of(ref)
        found.setdefault(origin, {})[scope] = None
    return [Ear(origin, tuple(scopes), every, hear) for origin, scopes in found.items()]


def scope_of(ref: Ref) -> tuple[Origin, Scope]:
    """Where a ref with a platform is listened for."""
    source = source_of(ref)
    if ref.table is not None:
        raise BadURI(f"{ref} names a table, where a server, project or job is wanted")
    project = source.entry.current_project if ref.project is None and ref.job is not None else ref.project
    return source.origin, Scope(project, ref.job)


def check_every(every: float | None) -> float | None:
    if every is not None and not every >= _LEAST:
        raise BadInput(f"every={every!r} is no number of seconds from {_LEAST}")
    return every
