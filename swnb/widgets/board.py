"""The board: many jobs, each with what it does now, ticking in the page without a message.

Rules of this file and of `board.js`:
- The synced state is all there is to see, so a view that comes late, or while the kernel is busy, shows it at once. One
  refresh is one message, and one that changes nothing but the time of asking sends no rows.
- Times go to the page as moments of the kernel's clock; each message says what that clock shows (`_clock`).
- What is announced or rung has a number: a view that comes late says nothing that is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets as t

from swnb.client.watching import Health, Notice, Watched
from swnb.widgets.boardrows import Row, counts_text, health_of, rows_of
from swnb.widgets.static import cell_text, visible

_HERE = Path(__file__).parent
MOST: Final = 200  # rows in the page; the filter finds the others
_NOTICES: Final = 20


class Board(anywidget.AnyWidget):
    """`search` and `active` (only jobs that are not final) filter the rows, `picked` is the URI of the chosen one."""

    _esm = (_HERE / "board.js").read_text("utf-8")
    _css = (_HERE / "grid.css").read_text("utf-8") + (_HERE / "board.css").read_text("utf-8")

    caption = t.Unicode("").tag(sync=True)
    search = t.Unicode("").tag(sync=True)
    active = t.Bool(False).tag(sync=True)
    picked = t.Unicode("").tag(sync=True)
    asleep = t.Unicode("").tag(sync=True)
    _rings = t.Bool(False).tag(sync=True)
    _rows: t.List[Any] = t.List().tag(sync=True)
    _total: t.Dict[str, Any] = t.Dict({"jobs": 0, "match": 0, "counts": "", "known": False}).tag(sync=True)
    _health: t.List[Any] = t.List().tag(sync=True)
    _clock = t.Int(0).tag(sync=True)
    _notices: t.List[Any] = t.List().tag(sync=True)
    _says: t.Dict[str, Any] = t.Dict({"turn": 0, "text": ""}).tag(sync=True)
    _twins = t.List(t.Unicode()).tag(sync=True)

    def __init__(self, *, caption: str = "", rings: bool = False) -> None:
        self._lock = threading.RLock()
        self._all: list[Row] = []
        self._heard: dict[str, Callable[[Mapping[str, Any]], object]] = {}
        super().__init__(caption=visible(caption), _rings=rings, _clock=_now())
        self.on_msg(self._on_message)
        self.observe(self._filtered, ["search", "active"])

    @property
    def rows(self) -> list[Row]:
        """All rows as the page would show them, before the filter."""
        return self._all

    def put(self, watched: Sequence[Watched], health: Sequence[Health], now: datetime) -> bool:
        """Show these jobs; whether anything but the time of asking has changed."""
        with self._lock:
            if self.comm is None:  # closed
                return False
            before = {row["uri"]: row for row in self._all}
            fresh, told = rows_of(watched, now, before), health_of(health)
            changed = fresh != self._all or _problems(told) != _problems(self._health)
            self._all = fresh
            with self.hold_sync():
                self._health = told
                self._clock = _now()
                self._choose(known=bool(fresh) or any(each["asked"] for each in told))
            return changed

    def notify(self, notices: Sequence[Notice]) -> None:
        """Show these notices, the newest last; those that are new are rung."""
        last = list(enumerate(notices, 1))[-_NOTICES:]
        self._notices = [_notice(number, each) for number, each in last]

    def announce(self, text: str) -> None:
        """Have it read out when the reader has a moment."""
        self._says = {"turn": self._says["turn"] + 1, "text": visible(text)}

    def on(self, kind: str, call: Callable[[Mapping[str, Any]], object]) -> None:
        """Call for this kind of message of the page: `refresh` (asked for), `view` (`id`, `on`)."""
        self._heard[kind] = call

    def hide_twin(self, id_: str) -> None:
        """While this board is in a page, the page hides the static twin that is marked with `id_`."""
        self._twins = [*self._twins, id_]

    def close(self) -> None:
        super().close()
        self._heard.clear()
        self.unobserve_all()
        self._all = []

    def _choose(self, *, known: bool) -> None:
        found = [row for row in self._all if self.takes(row)]
        self._rows = found[:MOST]
        counts = counts_text(self._all)
        self._total = {"jobs": len(self._all), "match": len(found), "counts": counts, "known": known}

    def takes(self, row: Row) -> bool:
        """Whether the filters leave this row."""
        over = row["removed"] or row["status"] in ("succeeded", "failed", "cancelled")
        text = self.search.casefold()
        says = (row[name] for name in ("name", "id", "place", "status", "raw", "line", "cause"))
        return not (self.active and over) and (not text or any(text in said.casefold() for said in says))

    def _filtered(self, _change: object) -> None:
        with self._lock, self.hold_sync():
            self._choose(known=self._total["known"])

    def _on_message(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        if (call := self._heard.get(str(content.get("kind")))) is not None:
            call(content)


def _now() -> int:
    return round(time.time() * 1000)


def _problems(health: Sequence[Row]) -> list[tuple[str, str]]:
    return [(each["server"], each["problem"]) for each in health]


def _notice(number: int, notice: Notice) -> Row:
    return {
        "number": number,
        "time": f"{cell_text(notice.time)[11:]} UTC",
        "uri": notice.job,
        "name": cell_text(notice.name),
        "rule": cell_text(notice.rule),
        "text": cell_text(notice.text, 500),
    }
