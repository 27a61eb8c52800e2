"""Progress of a fetch that takes longer than a second: a bar in a notebook, a line in a terminal, nothing in a pipe.

`viewer()` is what `swnb.fetch.events.showing` enters, on the I/O loop and in the context of the call. That context
holds the cell which made the call (ipykernel keeps it there), so the bar appears in it, whoever called.

In a notebook the bar is an HTML `<progress>` with a display id and not a widget: it needs no front-end extension,
leaves no widget state, and is emptied at the end, so a saved notebook keeps nothing of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Final, Protocol, TextIO

from swnb.errors import clean
from swnb.fetch.events import Event, Progress, Retrying, listening, set_viewer
from swnb.widgets.static import escape

AFTER: Final = 1.0  # seconds that a fetch may take unseen
PAUSE: Final = 0.1  # seconds between two updates

_quiet: ContextVar[bool] = ContextVar("swnb_quiet", default=False)


class Face(Protocol):
    """Where progress is drawn."""

    def draw(self, done: int, total: int | None, text: str) -> None: ...
    def wipe(self) -> None: ...


@contextmanager
def quiet() -> Iterator[None]:
    """Show nothing of what is fetched meanwhile: a panel says it itself."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def install() -> None:
    """Show the progress of every verb in this process, in the way that fits the place."""
    set_viewer(viewer)


def viewer() -> AbstractContextManager[None]:
    """Listen while inside, and show it where somebody can see it. `SWNB_PROGRESS=0` switches it off."""
    face = None if _quiet.get() or os.environ.get("SWNB_PROGRESS") == "0" else face_here()
    return nullcontext() if face is None else _showing(View(face))


def face_here() -> Face | None:
    """The face that fits the place; None where nobody looks."""
    ipython = sys.modules.get("IPython")
    shell: Any = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is not None:
        return Bar(shell.display_pub.publish)
    return Line(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else None


@contextmanager
def _showing(view: View) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    timer = loop.call_later(AFTER, view.begin)  # in this context, so in the cell that called
    try:
        with listening(view.hear):
            yield
    finally:
        timer.cancel()
        view.end()


class View:
    """Counts what is told and draws it, at most ten times a second."""

    def __init__(self, face: Face, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._face, self._clock = face, clock
        self._began = clock()
        self._drawn = float("-inf")
        self._open = False
        self._last: Progress | None = None
        self._retrying = ""

    def begin(self) -> None:
        """The second is over: from now on it is seen."""
        self._open = True
        self._draw()

    def hear(self, event: Event) -> None:
        if isinstance(event, Retrying):
            self._retrying = sentence(event)
        elif isinstance(event, Progress):
            self._last, self._retrying = event, ""
        else:
            return
        if self._open and self._clock() - self._drawn >= PAUSE:
            self._draw()

    def end(self) -> None:
        if self._open:
            self._face.wipe()
        self._open = False

    def _draw(self) -> None:
        now = self._drawn = self._clock()
        last, spent = self._last, now - self._began
        text = "waiting for an answer" if last is None else sentence(last, spent)
        done, total = (0, None) if last is None else (last.done, last.total)
        self._face.draw(done, total, " · ".join(part for part in (text, self._retrying) if part))


def sentence(event: Event, seconds: float = 0.0) -> str:
    """An event in words, with a rate where the seconds are known; empty for what nobody needs to read."""
    if isinstance(event, Retrying):
        return f"{clean(event.server, 60)}: {clean(event.why, 120)}; trying again in {event.wait:.1f} s"
    if not isinstance(event, Progress):
        return ""
    of = f" of {event.total:,}" if event.total is not None else ""
    rate = f" · {event.done / seconds:,.0f} {clean(event.unit, 20)}/s" if seconds and event.done else ""
    return f"{clean(event.what, 60)}: {event.done:,}{of} {clean(event.unit, 20)}{rate}".removeprefix(": ")


class Bar:
    """A `<progress>` in the output of the cell, with a text twin; `publish` is that of the shell."""

    def __init__(self, publish: Callable[..., object]) -> None:
        self._publish = publish
        self._id = ""

    def draw(self, done: int, total: int | None, text: str) -> None:
        known = f' value="{min(done, total)}" max="{total}"' if total else ""
        page = (
            f'<progress aria-label="swnb"{known} style="width:220px;vertical-align:middle"></progress> '
            f"<span>{escape(text)}</span>"
        )
        self._send({"text/html": page, "text/plain": text})

    def wipe(self) -> None:
        if self._id:
            self._send({})
        self._id = ""

    def _send(self, data: dict[str, Any]) -> None:
        again = bool(self._id)
        self._id = self._id or uuid.uuid4().hex
        self._publish(data, {}, transient={"display_id": self._id}, update=again)


class Line:
    """One line of a terminal, written over and over."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, done: int, total: int | None, text: str) -> None:
        share = f"{min(done / total, 1):4.0%} " if total else ""
        self._write(f"\r\x1b[K{share}{text[:100]}")

    def wipe(self) -> None:
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
