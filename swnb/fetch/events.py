"""What a fetch says while it works, to whoever listens. Plain records; no widget and no print stands here.

A listener is a function of one event. It hears what happens in the context (``contextvars``) that :func:`listening`
was entered in, and in the tasks and threads started from there. It is called on the I/O loop, so it must be quick.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from swnb.call import note, noting
from swnb.model import Status


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` (None = not known); ``over`` marks the last one of its kind."""

    what: str
    done: int
    total: int | None
    unit: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Requested:
    """A request was answered: its status, the size of the body and the seconds it took."""

    server: str
    path: str
    status: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """Attempt number ``attempt`` failed because of ``why``; the next one starts in ``wait`` seconds."""

    server: str
    path: str
    why: str
    wait: float
    attempt: int


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A job (its URI) went from one status to another; ``before`` is None where it was not known yet."""

    job: str
    before: Status | None
    after: Status
    raw: str


Event: TypeAlias = "Progress | Requested | Retrying | StatusChanged"
Listener: TypeAlias = Callable[[Event], Any]

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("swnb_listeners", default=())
_log: Final = logging.getLogger("swnb")


def emit(event: Event) -> None:
    """Tell every listener. A listener that fails does not harm the fetch: its error goes to the log."""
    for listener in _listeners.get():
        try:
            listener(event)
        except Exception:
            _log.warning("a listener failed at %s", type(event).__name__, exc_info=True)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let ``listener`` hear what happens meanwhile, beside those who already do."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


_viewer: Callable[[], AbstractContextManager[Any]] = nullcontext
_shown: ContextVar[bool] = ContextVar("swnb_shown", default=False)


def set_viewer(viewer: Callable[[], AbstractContextManager[Any]]) -> None:
    """Choose what shows progress to people in this process (a bar, a line, nothing): a context manager that listens."""
    global _viewer  # noqa: PLW0603
    _viewer = viewer


@contextmanager
def showing() -> Iterator[None]:
    """Show the progress of what happens meanwhile; of fetches within one another only the outermost is shown."""
    if _shown.get():
        yield
        return
    token = _shown.set(True)
    try:
        with _viewer():
            yield
    finally:
        _shown.reset(token)


class Meter:
    """Counts something and emits :class:`Progress`, at most ten times a second and always at the end."""

    _PAUSE = 0.1

    def __init__(
        self, what: str, unit: str, total: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.what, self.unit, self.total, self.done = what, unit, total, 0
        self._clock = clock
        self._told = float("-inf")

    def advance(self, n: int = 1) -> None:
        self.done += n
        now = self._clock()
        if now - self._told >= self._PAUSE:
            self._told = now
            emit(Progress(self.what, self.done, self.total, self.unit))

    def finish(self) -> None:
        emit(Progress(self.what, self.done, self.total, self.unit, over=True))


@dataclass(slots=True)
class Trail:
    """What one verb cost, for its frame's provenance."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        if isinstance(event, Requested):
            self.requests += 1
            self.bytes += event.bytes
        elif isinstance(event, Retrying):
            self.retries += 1


@contextmanager
def trail() -> Iterator[Trail]:
    """Keep the trail of what happens meanwhile; ``seconds`` is set at the end. Trails may lie inside one another."""
    kept = Trail()
    began = time.monotonic()
    try:
        with noting() as kept.notes, listening(kept.hear):
            yield kept
    finally:
        kept.seconds = time.monotonic() - began
        for text in kept.notes:
            note(text)
