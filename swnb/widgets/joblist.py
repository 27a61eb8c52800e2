"""The jobs of the panel: a grid, a status filter with counts, and how many of how many as of when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import ipywidgets as w
import pandas as pd
import traitlets as t

from swnb.client.public import jobs
from swnb.client.where import refs
from swnb.frames import tables as frames
from swnb.model import Status
from swnb.widgets.grid import Grid
from swnb.widgets.part import Part, button, fill, show, weakly
from swnb.widgets.static import SYMBOLS
from swnb.widgets.table import note_of

_ALWAYS: Final = ("name", "status", "id", "created", "elapsed", "owner")
_TELLING: Final = ("server", "project")  # shown where there is more than one
_ONE_BY_ONE: Final = 16  # jobs of a frame that are asked for singly; more come with the lists of their projects


class JobList(Part):
    """`picked` is called with the URI of the one selected job, or None where none or several are."""

    def __init__(self, lock: threading.RLock, picked: Callable[[str | None], object]) -> None:
        self._picked = picked
        self._where: Any = None
        self._own_columns: list[str] = []
        self.grid = Grid(frames.jobs([]), columns=[], caption="Jobs")  # columns come with rows to measure
        self.grid.observe(self._selected, "selected")
        self.grid.on_open(self._open)
        self._toggles = {word.value: self._toggle(word.value) for word in Status}
        self._refresh = button("Refresh", weakly(self, JobList.reload), "Read the jobs again")
        self._bar = w.HBox([*self._toggles.values(), self._refresh])
        self._bar.layout.flex_flow = "row wrap"
        self._refresh.layout.margin = "2px 2px 2px auto"
        super().__init__(lock, [self._bar, self.grid])

    def look_at(self, where: Any, title: str, *, server: str = "") -> None:
        """Show the jobs of a place; a frame of jobs is shown as it is until it is refreshed."""
        with self._lock:
            self._where = where
            self.grid.caption = title
            self.grid.selected = []
            known = where if isinstance(where, pd.DataFrame) and "status" in where.columns else None
            show(self._content, known is not None)
            if known is not None:
                self._again = weakly(self, lambda part: part._load(server))
                self._ready(self._put, known)
            else:
                self._load(server)

    def _load(self, server: str) -> None:
        self.load("jobs", partial(_read, self._where), self._put, server=server)

    @property
    def statuses(self) -> list[str]:
        """The statuses that are shown; empty: all."""
        return [word for word, toggle in self._toggles.items() if toggle.value]

    @statuses.setter
    def statuses(self, words: Sequence[str]) -> None:
        unknown = [word for word in words if word not in self._toggles]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no status; there are {' '.join(self._toggles)}")
        for word, toggle in self._toggles.items():
            toggle.value = word in words

    def _toggle(self, word: str) -> w.ToggleButton:
        made = w.ToggleButton(description=word, tooltip=f"Show only jobs that are {word}")
        made.observe(self._filtered, "value")
        show(made, False)
        return made

    def _filtered(self, _change: t.Bunch) -> None:
        with self._lock:
            wanted = self.statuses
            self.grid.where = {"status": wanted} if wanted else {}
            self._count()

    def _put(self, frame: pd.DataFrame) -> None:
        fill(self.grid, frame, self._columns(frame))
        self.grid.note = note_of(frame, "jobs")
        self._count()

    def _count(self) -> None:
        counts = self.grid.frame["status"].value_counts()
        for word, toggle in self._toggles.items():
            count = int(counts.get(word, 0))
            toggle.description = f"{SYMBOLS[word]} {word} {count:,}"
            show(toggle, bool(count) or toggle.value)

    def _columns(self, frame: pd.DataFrame) -> list[str]:
        """The columns that tell something here, unless the user has chosen others."""
        if self.grid.columns != self._own_columns:
            chosen: list[str] = self.grid.columns
            return chosen
        several = [name for name in _TELLING if frame[name].nunique() > 1]
        errors = ["error"] if frame["error"].notna().any() else []
        self._own_columns = [*_ALWAYS[:3], *several, *_ALWAYS[3:], *errors]
        return self._own_columns

    def _selected(self, change: t.Bunch) -> None:
        chosen = change["new"]
        self._picked(str(self.grid.frame.index[chosen[0]]) if len(chosen) == 1 else None)

    def _open(self, position: int) -> None:
        self.grid.selected = [position]


async def _read(where: Any) -> pd.DataFrame:
    """The jobs of a place. Many jobs of a frame come with their projects' lists: one request a page, not one a job."""
    if not isinstance(where, pd.DataFrame) or len(where) <= _ONE_BY_ONE:
        return await jobs.aio(where)
    found = await jobs.aio([str(ref) for ref in dict.fromkeys(ref.with_(job=None) for ref in refs(where))])
    kept: pd.DataFrame = found.loc[where.index.intersection(found.index)]
    return kept
