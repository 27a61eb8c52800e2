"""`swnb.watch()`: a live board of many jobs, and one of them in detail.

The panel is made and returned at once and speaks to `Watching` alone, so it knows no server. What is new comes on a
worker thread and is shown in one message; the page ticks by itself. It asks nothing while no page shows it.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Final

import ipywidgets as w
import pandas as pd
import traitlets as t

from swnb.client.watching import Notice, Watched, Watching
from swnb.client.where import Where, refs
from swnb.widgets.board import Board
from swnb.widgets.boardrows import counts_text, health_text, twin_frame
from swnb.widgets.panel import Panel
from swnb.widgets.part import STYLE, show, weakly
from swnb.widgets.static import columns_of, escape, table_html, table_text, visible
from swnb.widgets.views import Views
from swnb.widgets.watchdetail import WatchDetail

_PATIENCE: Final = 0.6  # seconds that the first picture waits for the first answer
_STILL: Final = 30.0  # seconds after which the twin is written anew although only its time has changed
_TOLD: Final = 3  # changes that are read out one by one
ASLEEP: Final = "asks no more, since no page shows it; it goes on when one does"


class Watch(Panel):
    """The panel. `frame` is the state, `changes` the transitions seen, `notices` what rules said, `selected` the chosen
    row of `frame`; `search` and `active` filter the board, `code` makes it again, `refresh()` asks now, `close()`
    ends it."""

    def __init__(self, where: Where, watching: Watching, *, code: str, rings: bool = False) -> None:
        self._lock = threading.RLock()
        self._code, self._watching = code, watching
        self._first = threading.Event()
        self._twinned = 0.0
        self._told = 0
        self.board = Board(caption=_title(where), rings=rings)
        self._detail = WatchDetail(self._lock, watching.stages, weakly(self, Watch._unpick))
        self._views = Views(weakly(self, Watch._sleep), weakly(self, Watch._wake))
        self.board.on("refresh", weakly(self, lambda panel, _: panel.refresh()))
        self.board.on("view", self._views.hear)
        self.board.observe(weakly(self, Watch._picked), "picked")
        self.board.observe(weakly(self, Watch._twin_changed), ["search", "active"])
        style = w.HTML(STYLE)
        show(style, False)
        super().__init__([style, self.board, self._detail])
        self.add_class("swnb-panel")
        self._wake()

    @property
    def frame(self) -> pd.DataFrame:
        """All jobs that are watched, as they are now; index ``job`` (URI)."""
        return self._watching.frame

    @property
    def changes(self) -> pd.DataFrame:
        """The transitions seen, oldest first: ``time job before after raw_status``."""
        return self._watching.changes

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What rules have said so far, oldest first."""
        return self._watching.notices

    @property
    def selected(self) -> pd.DataFrame:
        """The chosen job: one row of `frame`, or none."""
        frame = self.frame
        found: pd.DataFrame = frame.loc[frame.index == self.board.picked]
        return found

    @property
    def search(self) -> str:
        """The text that shown jobs contain; may be set."""
        found: str = self.board.search
        return found

    @search.setter
    def search(self, text: str) -> None:
        self.board.search = text

    @property
    def active(self) -> bool:
        """Whether only jobs that go on are shown; may be set."""
        found: bool = self.board.active
        return found

    @active.setter
    def active(self, on: bool) -> None:
        self.board.active = on

    @property
    def code(self) -> str:
        """The Python that makes the same view again."""
        lines = [self._code]
        lines += [f"panel.search = {self.search!r}"] if self.search else []
        lines += ["panel.active = True"] if self.active else []
        return "\n".join(lines)

    def refresh(self) -> None:
        """Ask the servers now, and do not wait for the answer."""
        self._watching.refresh()

    def close(self) -> None:
        """Ask no more and free every widget of the panel; what the page showed last stays as a table."""
        self._watching.close()
        self._views.close()
        super().close()

    # -- what comes

    def _changed(self) -> None:
        with self._lock:
            if self.comm is None:  # closed
                return
            rows, notices = self._watching.rows, self._watching.notices
            with self.board.hold_sync():
                changed = self.board.put(rows, self._watching.health, datetime.now(timezone.utc))
                self.board.notify(notices)
                changed |= self._announce(rows)
            for job in rows:
                if job.uri == self._detail.uri:
                    self._detail.follow(job)
        if rows or any(each.asked or each.problem for each in self._watching.health):
            self._first.set()
        if changed or time.monotonic() - self._twinned > _STILL:
            self._twin_changed()

    def _announce(self, rows: Sequence[Watched]) -> bool:
        """Have said what has changed since the last time; whether there was anything."""
        changes = self._watching.changes
        fresh, self._told = changes.iloc[self._told :], len(changes)
        if len(fresh):
            self.board.announce(said_of(fresh, {job.uri: job.info.name for job in rows}))
        return len(fresh) > 0

    def _picked(self, _change: t.Bunch) -> None:
        chosen = next((job for job in self._watching.rows if job.uri == self.board.picked), None)
        if chosen is None:
            self._detail.leave()
            return
        self._watching.look(chosen.uri)
        self._detail.present(chosen)

    def _unpick(self) -> None:
        self.board.picked = ""

    def _sleep(self) -> None:
        self._watching.close()  # not under the lock: an answer may be on its way here
        self._detail.logview.stop()
        self.board.asleep = ASLEEP

    def _wake(self) -> None:
        if self.comm is not None:
            self.board.asleep = ""
            self._watching.start(weakly(self, Watch._changed))
            self._picked(t.Bunch())

    # -- the twins that a saved notebook keeps

    def hide_twin(self, id_: str) -> None:
        self.board.hide_twin(id_)

    def _twin(self) -> tuple[str, str]:
        self._first.wait(_PATIENCE)
        self._twinned = time.monotonic()
        with self._lock:
            rows, health, notices = self.board.rows, self._watching.health, self._watching.notices
        shown = [row for row in rows if self.board.takes(row)]
        columns = columns_of(twin_frame(shown, datetime.now(timezone.utc)))
        told = [f"{str(each.time)[:19]} UTC: {each.name}: {each.text}" for each in notices[-20:]]
        told = [counts_text(rows), *told] if rows else ["No jobs yet."]
        note, caption = health_text(health), self.board.caption
        lines = "".join(f"<p>{escape(line)}</p>" for line in told)
        table = table_html(columns, len(shown), caption=caption, note=note)
        text = [caption, table_text(columns, len(shown), note=note), *map(visible, told), "", self.code]
        return f"{table}{lines}<pre>{html.escape(self.code)}</pre>", "\n".join(text)


def watch(
    where: Where,
    *,
    notify: str | Sequence[str] | None = None,
    every: float | None = None,
    on_notice: Callable[[Notice], object] | None = None,
    webhook: str | None = None,
    act: bool = False,
) -> Watch:
    """A live board of the jobs of servers, projects, or of single jobs, of any mix of platforms. Returns at once; it
    asks by itself while a page shows it, at a pace that fits what happens or about every ``every`` seconds.

    ``notify``: rules such as ``"loss > 10 or stalled 5m or status == 'failed'"``. Each fires once a job: a notice on
    the panel, ``on_notice``, a POST to ``webhook``. A rule that ends in ``then stop`` stops its job when ``act=True``
    and ``swnb.allow_actions()`` were said."""
    watching = Watching(where, notify=notify, every=every, on_notice=on_notice, webhook=webhook, act=act)
    given = {"notify": notify, "every": every, "act": act or None}
    return Watch(where, watching, code=_code(where, given), rings=notify is not None)


def said_of(changes: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Changes of status as a sentence to be read out."""
    lines = [
        f"{names.get(job) or 'a job'}, {job.rpartition('/')[2]}: {after}"
        for job, after in zip(changes["job"].astype(str), changes["after"].astype(str), strict=True)
    ]
    more = f"and {len(lines) - _TOLD:,} more" if len(lines) > _TOLD else ""
    return "; ".join([*lines[:_TOLD], more] if more else lines)


def _code(where: Where, given: Mapping[str, Any]) -> str:
    uris = [str(ref) for ref in refs(where)]
    options = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
    return f"panel = swnb.watch({(uris[0] if len(uris) == 1 else uris)!r}{options})"


def _title(where: Where) -> str:
    asked = refs(where)
    return f"Jobs of {asked[0]}" if len(asked) == 1 else f"Jobs of {len(asked):,} addresses"
