"""One watched job under the board: why it failed, its stages over time, its log as it grows."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import datetime, timezone
from typing import Any

import ipywidgets as w
import pandas as pd

from swnb.client.logs import follow
from swnb.client.watching import Watched
from swnb.fetch.tasks import in_thread
from swnb.model import Status
from swnb.widgets.logview import LogView
from swnb.widgets.part import Box, Part, button, code, offers, say, show
from swnb.widgets.stages import page, stages_of
from swnb.widgets.static import SYMBOLS, cell_text, escape

Read = Callable[[str], Coroutine[Any, Any, pd.DataFrame]]


class Stages(Part):
    """Read again while it is shown: what is there stays until the next is there."""

    def __init__(self, lock: threading.RLock, read: Read) -> None:
        self._read = read
        self._body = w.HTML()
        super().__init__(lock, [self._body])

    def begin(self, uri: str) -> None:
        async def fetch() -> str:
            frame = await self._read(uri)
            return await in_thread(lambda: page(stages_of(frame), datetime.now(timezone.utc)) if len(frame) else "")

        self.load("its stages", fetch, self._put, server=uri)

    def clear(self, text: str = "") -> None:
        self._body.value = ""
        super().clear(text)

    def _put(self, html: str) -> None:
        self._body.value = html or say("No stage of this job is known yet.")

    def _tell(self, text: str, *, alert: bool = False) -> None:
        super()._tell(text if alert or not self._body.value else "", alert=alert)


class WatchDetail(Box):
    """`present` a job, `follow` what becomes of it; `uri` is empty while none is shown."""

    def __init__(self, lock: threading.RLock, read: Read, closed: Callable[[], object]) -> None:
        self.uri = ""
        self._lock = lock
        self._was: tuple[Status, str] | None = None
        self._title = w.HTML()
        self._title.layout.flex = "1 1 auto"
        self._cause = w.HTML()
        self._stages = Stages(lock, read)
        self.logview = LogView()
        head = w.HBox([self._title, button("Close", closed, "Close the job's details")])
        super().__init__([head, self._cause, self._stages, self.logview])
        self.layout.margin = "8px 0 0"
        show(self, False)

    def present(self, job: Watched) -> None:
        """Show this job."""
        with self._lock:
            self.uri, self._was = job.uri, None
            self._stages.clear()
            self.follow(job)
            show(self, True)

    def follow(self, job: Watched) -> None:
        """Keep up with the job that is shown: read again what its change has changed."""
        with self._lock:
            before, self._was = self._was, (job.info.status, job.said)
            if self._was == before or job.uri != self.uri:
                return
            self._label(job)
            self._stages.begin(job.uri)
            if before is None or (job.info.status is Status.RUNNING and before[0] is not Status.RUNNING):
                self._read_log(job.uri)

    def leave(self) -> None:
        """Show no job, and read nothing."""
        with self._lock:
            self.uri = ""
            self.logview.stop()
            self._stages.clear()
            show(self, False)

    def _label(self, job: Watched) -> None:
        status = job.info.status.value
        name = cell_text(job.info.name) or f"job {job.info.id}"
        self._title.value = f"<h4>{SYMBOLS[status]} {escape(name)}, {status} · {code(job.uri)}</h4>"
        self._cause.value = say(f"Cause: {job.info.error}", alert=True) if job.info.error else ""
        show(self._cause, bool(job.info.error))

    def _read_log(self, uri: str) -> None:
        offered = offers(uri)
        show(self.logview, "logs" in offered or "follow" in offered)

        def lines() -> AsyncGenerator[str, None]:
            return follow(uri)

        if "logs" in offered or "follow" in offered:
            self.logview.begin(lines)
