"""Whether somebody looks at a panel: its views in pages say when they come and when they go."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from swnb.bridge import submit
from swnb.fetch.tasks import in_thread

GRACE: Final = 15.0  # seconds that a page has to come back, as when it is loaded anew


class Views:
    """Calls `left` some seconds after the last view has gone, and `back` when one comes after that. A panel that was
    never shown is not left."""

    def __init__(self, left: Callable[[], object], back: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._left, self._back = left, back
        self._there: set[str] = set()
        self._leaving: Future[None] | None = None
        self.away = False

    def hear(self, content: Mapping[str, Any]) -> None:
        """What a view says: its `id`, and `on` when it is there."""
        with self._lock:
            (self._there.add if content.get("on") else self._there.discard)(str(content.get("id")))
            if self._leaving is not None:
                self._leaving.cancel()
            self._leaving = None if self._there else submit(_later(weakref.ref(self)))
            returns = self.away and bool(self._there)
            self.away = self.away and not returns
        if returns:
            self._back()

    def close(self) -> None:
        with self._lock:
            if self._leaving is not None:
                self._leaving.cancel()
            self._there.clear()

    def _leave(self) -> None:
        with self._lock:
            if self._there or self.away:
                return
            self.away = True
        self._left()


async def _later(views: weakref.ref[Views]) -> None:
    await asyncio.sleep(GRACE)
    if (there := views()) is not None:
        await in_thread(there._leave)
