"""A log as it grows: bounded, follows its end, pauses when scrolled up, and finds the first error.

Rules of this file and of `logview.js`:
- A line has a number from 1. The kernel keeps the last `KEPT` lines, and the first error with what follows it.
- Lines are sent as they come, at most once in `PAUSE` seconds. A page that misses some asks for all that is kept.
"""

from __future__ import annotations

import asyncio
import re
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets as t

from swnb.bridge import submit
from swnb.errors import SwnbError, clean
from swnb.fetch.tasks import in_thread
from swnb.widgets import progress
from swnb.widgets.static import visible

_HERE = Path(__file__).parent
KEPT: Final = 2_000  # lines
PAUSE: Final = 0.5  # seconds between two messages
_WIDE: Final = 2_000  # characters of one line
_AFTER: Final = 20  # lines kept with the first error
_ERROR: Final = re.compile(
    r"traceback \(most recent|\b(?:[a-z]*error|[a-z]*exception|fatal|panic|critical)\b", re.IGNORECASE
)

Lines = Callable[[], AsyncGenerator[str, None]]


class LogView(anywidget.AnyWidget):
    """`begin` reads another log; `lines` are those that are kept, `first_error` the number of its line or 0."""

    _esm = (_HERE / "logview.js").read_text("utf-8")
    _css = (_HERE / "logview.css").read_text("utf-8")

    said = t.Unicode("").tag(sync=True)
    first_error = t.Int(0).tag(sync=True)
    _log = t.Int(0).tag(sync=True)  # the number of the log that is shown

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._work: Future[None] | None = None
        self._empty()
        super().__init__()
        self.on_msg(self._on_message)

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return list(self._lines)

    def begin(self, lines: Lines) -> None:
        """Show this log from its beginning and follow it to its end."""
        self.stop()
        with self._lock:
            if self.comm is None:  # closed
                return
            self._empty()
            self._log += 1
            self.first_error = 0
            self.said = "Reading the log …"
            self._work = submit(_follow(weakref.ref(self), self._log, lines))

    def stop(self) -> None:
        """Read no more."""
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    def close(self) -> None:
        self.stop()
        super().close()
        self.unobserve_all()

    def _empty(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._error: list[str] = []
        self._count = 0

    def _take(self, log: int, fresh: list[str], said: str) -> None:
        """Keep and send what has come of this log, and say how it goes."""
        with self._lock:
            if log != self._log or self.comm is None:
                return
            sent = [self._keep(line) for line in fresh]
            if sent:
                kept = sent[-KEPT:]
                self.send({"kind": "more", "log": log, "first": self._count - len(kept) + 1, "lines": kept})
            self.said = said

    def _keep(self, line: str) -> str:
        shown = visible(line[:_WIDE]) + ("…" if len(line) > _WIDE else "")
        self._lines.append(shown)
        self._count += 1
        if not self.first_error and _ERROR.search(shown):
            self.first_error = self._count
        if self.first_error and len(self._error) < _AFTER:
            self._error.append(shown)
        return shown

    def _on_message(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("kind") == "all":
            with self._lock:
                first = self._count - len(self._lines) + 1
                self.send({"kind": "all", "log": self._log, "first": first, "lines": list(self._lines)})
        elif content.get("kind") == "error":
            with self._lock:
                self.send({"kind": "error", "log": self._log, "lines": list(self._error)})


async def _follow(view: weakref.ref[LogView], log: int, lines: Lines) -> None:
    """Hand on what comes in bundles; the view is not held meanwhile."""

    async def take(fresh: list[str], said: str) -> None:
        if (there := view()) is not None:
            await in_thread(there._take, log, fresh, said)

    try:
        with progress.quiet():
            async with aclosing(lines()) as stream:
                await _bundle(stream, take)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        await take([], str(error) if isinstance(error, SwnbError) else f"{type(error).__name__}: {clean(error)}")


async def _bundle(stream: AsyncGenerator[str, None], take: Callable[[list[str], str], Any]) -> None:
    """Lines in bundles, each at least PAUSE after the one before."""
    queue: asyncio.Queue[str | None] = asyncio.Queue(KEPT)

    async def read() -> None:
        async for line in stream:
            await queue.put(line)
        await queue.put(None)

    async def hand_on() -> None:
        over = False
        while not over:
            fresh = [await queue.get()]
            while not queue.empty():
                fresh.append(queue.get_nowait())
            over = None in fresh
            await take([line for line in fresh if line is not None], "The log has ended." if over else "Following.")
            await asyncio.sleep(0 if over else PAUSE)

    await _both(read(), hand_on())


async def _both(*work: Any) -> None:
    """Until both are done; the first error ends the other."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
