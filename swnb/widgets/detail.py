"""One job under the list of jobs: Info, Summary, Metrics, Tables, Tasks and Log, as far as its platform has them.

A page is loaded when it is first shown for a job, and again when the panel is refreshed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final

import ipywidgets as w
import pandas as pd
import traitlets as t

from swnb.client.public import jobs, logs, summary, tasks
from swnb.widgets.curves import Curves
from swnb.widgets.grid import Grid
from swnb.widgets.part import Box, Part, button, code, drop, fill, offers, say
from swnb.widgets.static import FULL, SYMBOLS, cell_text, columns_of, escape
from swnb.widgets.table import note_of
from swnb.widgets.tablepage import Tables

_TASK: Final = ["id", "name", "status", "started", "finished", "elapsed", "retries", "error"]
_LINES: Final = 500  # of a log
_WIDE: Final = 2_000  # characters of one line of it


class Page(Part):
    """One tab. `verb` is what the platform must offer for it ("" = every platform has it)."""

    title: ClassVar[str] = ""
    verb: ClassVar[str] = ""

    def __init__(self, lock: threading.RLock) -> None:
        self._body: w.Widget = self._make()
        super().__init__(lock, [self._body])

    def _make(self) -> w.Widget:
        return w.HTML()

    def begin(self, uri: str) -> None:
        """Load the page of this job."""
        raise NotImplementedError


class Info(Page):
    title = "Info"

    def begin(self, uri: str) -> None:
        self.load("the job", lambda: jobs.aio(uri, config=True), self._put, server=uri)

    def _put(self, frame: pd.DataFrame) -> None:
        self._body.value = facts(frame) + say(note_of(frame, "job"))


class Summary(Page):
    title = "Summary"
    verb = "summary"

    def _make(self) -> Grid:
        return Grid(pd.DataFrame({"name": [], "value": []}), columns=[], caption="Summary")

    def begin(self, uri: str) -> None:
        self.load("its summary", lambda: summary.aio(uri), self._put, server=uri)

    def _put(self, frame: pd.DataFrame) -> None:
        row = frame.drop(columns="id")
        values = pd.Series([None if _empty(row[name]) else row[name].iloc[0] for name in row.columns], dtype=object)
        pairs = pd.DataFrame({"name": [str(name) for name in row.columns], "value": values})
        fill(self._body, pairs, ["name", "value"])
        self._body.note = note_of(frame, "summary")
        if row.empty or not len(row.columns):
            self.clear("This job has written no summary.")


def _empty(cell: pd.Series[Any]) -> bool:
    """Whether there is no value; lists and dicts are values."""
    return bool(pd.api.types.is_scalar(cell.iloc[0]) and cell.isna().iloc[0] and cell.dtype.kind != "f")


class Tasks(Page):
    title = "Tasks"
    verb = "tasks"

    def _make(self) -> Grid:
        return Grid(pd.DataFrame(columns=_TASK), columns=[], caption="Tasks")

    def begin(self, uri: str) -> None:
        self.load("its tasks", lambda: tasks.aio(uri), self._put, server=uri)

    def _put(self, frame: pd.DataFrame) -> None:
        fill(self._body, frame, self._body.columns or _telling(frame))
        self._body.note = note_of(frame, "tasks")


def _telling(frame: pd.DataFrame) -> list[str]:
    """The columns that tell something: the common ones, then the platform's own as far as there is room."""
    own = [name for name in frame.columns if name not in (*_TASK, "job", "raw_status", "runs")]
    told = [name for name in (*_TASK, *own) if name in frame and not frame[name].isna().all()]
    return told[: len(_TASK) + 1] or list(_TASK)


class Log(Page):
    title = "Log"
    verb = "logs"

    def begin(self, uri: str) -> None:
        self._uri = uri
        self.load("its log", lambda: logs.aio(uri, tail=_LINES + 1), self._put, server=uri)

    def _put(self, text: str) -> None:
        lines = text.splitlines()
        shown = "\n".join(escape(_cut(line)) for line in lines[-_LINES:])
        count = f"The last {_LINES:,} lines" if len(lines) > _LINES else f"All {len(lines):,} lines"
        whole = code(f"print(swnb.logs({self._uri!r}))")
        self._body.value = (
            f'<pre class="swnb-log" role="log" aria-label="Log" tabindex="0">{shown or "(empty)"}</pre>'
            f'<div class="swnb-say">{count}. The whole log: {whole}</div>'
        )


def _cut(line: str) -> str:
    return line if len(line) <= _WIDE else line[:_WIDE] + "…"


def facts(frame: pd.DataFrame) -> str:
    """The first row of a frame as an escaped HTML table of names and values; empty values are left out."""
    lines = []
    for column in columns_of(frame):
        text = cell_text(column.window(slice(0, 1))[0], FULL)
        sign = f"{SYMBOLS.get(text, '?')} " if column.kind == "status" else ""
        if text:
            lines.append(f'<tr><th scope="row">{escape(column.label)}</th><td>{escape(sign + text)}</td></tr>')
    return f'<table class="swnb-facts"><tbody>{"".join(lines)}</tbody></table>'


class Detail(Box):
    """The tabs of one job."""

    def __init__(self, lock: threading.RLock, closed: Callable[[], object]) -> None:
        self._lock = lock
        self.uri = ""
        self._fresh: set[Page | Curves | Tables] = set()
        self._title = w.HTML()
        self._title.layout.flex = "1 1 auto"
        self._shut = button("Close", closed, "Close the job's details")
        self._head = w.HBox([self._title, self._shut])
        self._tabs = w.Tab()
        self._tabs.observe(self._turned, "selected_index")
        super().__init__([self._head, self._tabs])
        self.layout.margin = "8px 0 0"

    def present(self, uri: str, name: str) -> None:
        """Show this job, on the tab that was shown last where its platform has it."""
        with self._lock:
            self.uri = uri
            self._title.value = f"<h4>{escape(name[:200])} · {code(uri)}</h4>"
            self._arrange(offers(uri))
            for page in self._tabs.children:
                page.clear()
            self.refresh()

    def refresh(self) -> None:
        """Load the page that is shown again, the others when they are shown."""
        self._fresh.clear()
        self._turned()

    @property
    def page(self) -> Page | Curves | Tables | None:
        """The page that is shown."""
        at = self._tabs.selected_index
        found: Page | Curves | Tables | None = None if at is None else self._tabs.children[at]
        return found

    def _arrange(self, offered: frozenset[str]) -> None:
        kinds = [kind for kind in (Info, Summary, Curves, Tables, Tasks, Log) if not kind.verb or kind.verb in offered]
        if kinds == [type(page) for page in self._tabs.children]:
            return
        before = self._tabs.children
        last = type(before[self._tabs.selected_index]) if before else Info
        self._tabs.children = [kind(self._lock) for kind in kinds]
        self._tabs.titles = [kind.title for kind in kinds]
        self._tabs.selected_index = kinds.index(last) if last in kinds else 0
        drop(before)

    def _turned(self, _change: t.Bunch | None = None) -> None:
        with self._lock:
            page = self.page
            if self.uri and page is not None and page not in self._fresh:
                self._fresh.add(page)
                page.begin(self.uri)

    def close(self) -> None:
        self._fresh.clear()
        super().close()
