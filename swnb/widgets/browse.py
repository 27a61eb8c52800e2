"""`swnb.browse()`: servers, projects and jobs in one panel, and one job in detail.

The panel is made and returned at once; everything in it is a Part that loads by itself (see `part.py`). It speaks
the public verbs only, so it knows no platform.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import ipywidgets as w
import pandas as pd

from swnb.client.public import servers
from swnb.client.where import refs
from swnb.uri import Ref
from swnb.widgets.detail import Detail, facts
from swnb.widgets.joblist import JobList
from swnb.widgets.panel import Panel
from swnb.widgets.part import STYLE, Part, drop, show, weakly
from swnb.widgets.places import Places
from swnb.widgets.signin import SignIn
from swnb.widgets.static import escape

_PATIENCE: Final = 0.6  # seconds that the first picture waits for what is under way

HINT: Final = "Open a project above to see its jobs: click it, or press Enter."


class Browse(Panel):
    """The panel. `selected` and `frame` are DataFrames of jobs, `search` and `status` filter it, `code` makes it
    again, `close()` ends it."""

    def __init__(self, where: Any = None) -> None:
        self._lock = threading.RLock()
        self._where, self._opened = where, where
        asked = [] if where is None else refs(where)
        self._detail = Detail(self._lock, weakly(self, Browse._unpick))
        self._jobs = JobList(self._lock, weakly(self, Browse._pick))
        self._places = self._make_places(where, asked)
        self._start = w.VBox([SignIn(lock=self._lock)] if self._places is None and where is None else [])
        top = [] if self._places is None else [self._places]
        style = w.HTML(STYLE)
        show(style, False)
        self._below = [self._jobs, self._detail]
        self._above = [style, self._start]
        super().__init__([*self._above, *top, *self._below])
        self.add_class("swnb-panel")
        show(self._detail, False)
        self._jobs.grid.observe(weakly(self, Browse._twin_changed), ["_body", "_picks", "note"])
        self._begin(where, asked)

    def _make_places(self, where: Any, asked: Sequence[Ref]) -> Places | None:
        """The projects of all servers, or of the servers that are named; None where jobs are named already."""
        names = list(servers()["name"]) if where is None else [str(ref) for ref in asked if ref.kind == "server"]
        if not names or len(names) < len(asked):
            return None
        return Places(self._lock, names, weakly(self, Browse._open))

    def _begin(self, where: Any, asked: Sequence[Ref]) -> None:
        if self._places is not None:
            self._places.load()
        if where is None:
            self._jobs.clear(HINT if self._places is not None else "")
            self._start_over()
            return
        self._jobs.look_at(where if isinstance(where, pd.DataFrame) else [str(ref) for ref in asked], _title(asked))
        if len(asked) == 1 and asked[0].job is not None:
            self._pick(str(asked[0].with_(table=None)))

    def _start_over(self) -> None:
        """Where no server is known yet, the first sign-in makes the panel."""
        for form in self._start.children:
            form.on_success(weakly(self, Browse._grow))

    def _grow(self) -> None:
        with self._lock:
            before = self._start.children
            self._start.children = []
            self._places = self._make_places(None, [])
            if self._places is not None:
                self.children = [*self._above, self._places, *self._below]
                self._places.load()
                self._jobs.clear(HINT)
        drop(before)

    # -- what is shown

    @property
    def frame(self) -> pd.DataFrame:
        """All jobs that are there, before search and status filter."""
        return self._jobs.grid.frame

    @property
    def selected(self) -> pd.DataFrame:
        """The selected jobs: rows of `frame`."""
        return self._jobs.grid.selected_frame

    @property
    def search(self) -> str:
        """The text that shown jobs contain; may be set."""
        found: str = self._jobs.grid.search
        return found

    @search.setter
    def search(self, text: str) -> None:
        self._jobs.grid.search = text

    @property
    def status(self) -> list[str]:
        """The statuses that are shown, all where it is empty; may be set."""
        return self._jobs.statuses

    @status.setter
    def status(self, words: str | Sequence[str]) -> None:
        self._jobs.statuses = [words] if isinstance(words, str) else words

    @property
    def code(self) -> str:
        """The Python that makes the same view again."""
        uris = None if self._opened is None else [str(ref) for ref in refs(self._opened)]
        where = "" if uris is None else repr(uris[0] if len(uris) == 1 else uris)
        lines = [f"panel = swnb.browse({where})"]
        lines += [f"panel.search = {self.search!r}"] if self.search else []
        lines += [f"panel.status = {self.status!r}"] if self.status else []
        return "\n".join(lines)

    def refresh(self) -> None:
        """Read the jobs again, and what is shown of the one in detail."""
        self._jobs.reload()
        if self._detail.uri:
            self._detail.refresh()

    # -- what is clicked

    def _open(self, uri: str) -> None:
        with self._lock:
            self._opened = uri
            self._unpick()
            self._jobs.look_at(uri, _title(refs(uri)), server=uri)

    def _pick(self, uri: str | None) -> None:
        with self._lock:
            if uri is None:
                self._detail.uri = ""
            elif uri != self._detail.uri:
                self._detail.present(uri, self._name(uri))
            show(self._detail, uri is not None)

    def _name(self, uri: str) -> str:
        frame = self.frame
        name = frame["name"].get(uri) if frame.index.is_unique else None
        return str(name) if isinstance(name, str) and name else f"Job {uri.rpartition('/')[2]}"

    def _unpick(self) -> None:
        self._jobs.grid.selected = []
        self._pick(None)

    def close(self) -> None:
        """End all that is under way and free every widget of the panel."""
        super().close()

    # -- the twins that a saved notebook keeps

    def hide_twin(self, id_: str) -> None:
        self._jobs.grid.hide_twin(id_)

    def _twin(self) -> tuple[str, str]:
        self._wait(_PATIENCE)
        shown = [part for part in (self._twin_of_places(), self._twin_of_jobs()) if part is not None]
        filters = [f"search {self.search!r}"] if self.search else []
        filters += [f"status {' or '.join(self.status)}"] if self.status else []
        says = [f"Shown: {', '.join(filters)}"] if filters else []
        page = [page for page, _ in shown] + [f"<p>{escape(line)}</p>" for line in says]
        text = [text for _, text in shown] + says
        page.append(f"<pre>{html.escape(self.code)}</pre>")
        return "\n".join(page), "\n\n".join([*text, self.code])

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for part in [*(self._places.parts.values() if self._places else ()), self._jobs]:
            part.wait(max(end - time.monotonic(), 0))

    def _twin_of_places(self) -> tuple[str, str] | None:
        if self._places is None:
            return None
        said = [part.said for part in self._places.parts.values() if part.said]
        page, text = self._places.grid._twin()
        return "".join(f"<p>{escape(line)}</p>" for line in said) + page, "\n".join([*said, text])

    def _twin_of_jobs(self) -> tuple[str, str]:
        part: Part = self._jobs
        if part.state != "ready":
            return (f"<p>{escape(part.said)}</p>", part.said)
        page, text = self._jobs.grid._twin()
        chosen = self.selected
        return (page + (facts(chosen) if len(chosen) == 1 else ""), text)


def browse(where: Any = None) -> Browse:
    """The panel of servers, their projects and jobs. `where`: a server, project or job, many of them, or a frame of
    jobs; None means all servers that can be named. Returns at once; errors are shown in the panel."""
    return Browse(where)


def _title(asked: Sequence[Ref]) -> str:
    return f"Jobs of {asked[0]}" if len(asked) == 1 else f"{len(asked):,} jobs"
