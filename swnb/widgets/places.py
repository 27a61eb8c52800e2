"""Servers and their projects as one table; a click or Enter opens one. Where projects are made of projects, those of
one that was opened move right below it.

Each server is a Part of its own: one that does not answer says so above the table and takes nobody else along.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pandas as pd

from swnb.client.public import projects
from swnb.frames import tables as frames
from swnb.providers.base import NESTED
from swnb.widgets.grid import Grid
from swnb.widgets.part import Box, Part, fill, implied, offers, show
from swnb.widgets.table import as_of, note_of

_COLUMNS = ("name", "kind", "jobs", "owner", "created", "description")
_WITHIN = "↳ "  # before the name of a project that is in the one above
ALL = "(all projects)"


class Places(Box):
    """`opened` is called with the URI of a project, or of a server where all its projects are meant."""

    def __init__(self, lock: threading.RLock, servers: Sequence[str], opened: Callable[[str], object]) -> None:
        self._lock, self._opened = lock, opened
        self._found: dict[str, pd.DataFrame] = {}
        self._within: dict[str, pd.DataFrame] = {}  # by the URI of what they are in
        self._columns = ["server", *_COLUMNS] if len(servers) > 1 else list(_COLUMNS)
        caption = "Projects" if len(servers) > 1 else f"Projects of {servers[0]}"
        self._default: list[str] = []  # the columns that were shown without anybody choosing
        self.grid = Grid(frames.projects([]), columns=[], caption=caption, open_on_click=True)
        self.grid.on_open(self._open)
        self.parts = {name: Part(lock) for name in servers}
        super().__init__([*self.parts.values(), self.grid])
        show(self.grid, False)

    def load(self) -> None:
        """Ask every server for its projects."""
        for name in self.parts:
            self._ask(name)

    def _ask(self, name: str) -> None:
        def put(frame: pd.DataFrame) -> None:
            self._found[name] = _told(frame)
            self._paint()

        self.parts[name].load(f"projects of {name}", lambda: projects.aio(name), put, server=name)

    def _paint(self) -> None:
        there = [self._tree(name) for name in self.parts if name in self._found]
        filled = [frame for frame in there if len(frame)]
        shown = pd.concat(filled) if filled else frames.projects([])
        fill(self.grid, shown, self._columns_of(shown))
        found = list(self._found.values())
        known = {uri for frame in found for uri in frame.index}
        more = sum(uri not in known for uri in shown.index[shown["name"] != ALL])
        self.grid.note = self._note(found) + (f" · {more:,} more in those that were opened" if more else "")
        show(self.grid, True)

    def _columns_of(self, shown: pd.DataFrame) -> list[str]:
        """Those that the user chose; else those that there are, which may be more with each server that answers."""
        if self.grid.columns != self._default:
            return list(self.grid.columns or ())
        self._default = [name for name in self._columns if name in shown]
        return self._default

    def _note(self, found: Sequence[pd.DataFrame]) -> str:
        if len(found) == 1:
            return note_of(found[0], "projects")
        count = sum(len(frame) for frame in found)
        times = sorted(frame.attrs["swnb"]["fetched_at"] for frame in found)
        return f"{count:,} projects of {len(found)} servers · {as_of(times[0])}"

    def _tree(self, server: str) -> pd.DataFrame:
        frame = self._found[server]
        for uri, inside in self._within.items():
            frame = below(frame, uri, inside)
        return frame if implied(server) is not None else with_all(frame, server)

    def _open(self, position: int) -> None:
        uri = str(self.grid.frame.index[position])
        self._opened(uri)
        server = next((name for name in self.parts if uri.startswith(f"{name}/project/")), None)
        if server is not None and NESTED in offers(uri) and uri not in self._within:
            self._look_into(uri, server)

    def _look_into(self, uri: str, server: str) -> None:
        def put(frame: pd.DataFrame) -> None:
            self._within[uri] = _told(frame)
            self._paint()

        self.parts[server].load(f"what is in {uri}", lambda: projects.aio(uri), put, server=server)


def _told(frame: pd.DataFrame) -> pd.DataFrame:
    shown: pd.DataFrame = frame[[name for name in ("server", *_COLUMNS) if name in frame]]
    return shown


def below(frame: pd.DataFrame, uri: str, inside: pd.DataFrame) -> pd.DataFrame:
    """With these rows right below that of ``uri``, and nowhere else."""
    if uri not in frame.index or not len(inside):
        return frame
    marked = inside.assign(name=_WITHIN + inside["name"])
    others = frame[~frame.index.isin(inside.index)]
    end = int(others.index.get_loc(uri)) + 1
    joined: pd.DataFrame = pd.concat([others.iloc[:end], marked, others.iloc[end:]])
    joined.attrs = frame.attrs
    return joined


def with_all(frame: pd.DataFrame, server: str) -> pd.DataFrame:
    """With a first row for all projects of the server, where it has more than one."""
    if len(frame) < 2:
        return frame
    whole = frame.iloc[:1].copy()  # for its types
    whole.index = pd.Index([server], name=frame.index.name)
    whole["name"] = ALL
    whole["jobs"] = frame["jobs"].sum() if frame["jobs"].notna().all() else None
    whole["created"] = pd.Series(pd.NaT, index=whole.index, dtype=frame["created"].dtype)
    whole[["owner", "description"]] = ""
    joined: pd.DataFrame = pd.concat([whole, frame])
    return joined
