"""`swnb.compare(jobs)`: jobs of any mix of platforms in one panel: a table, the figure that its selection drives, what
differs in their configs and what goes with it.

The panel is there at once. Curves are read when a metric is first chosen, and while jobs go they are read again.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import ipywidgets as w
import pandas as pd

from swnb.client.comparelive import Following
from swnb.client.comparing import Comparison, comparison, going, refreshed, uris_of, with_curves
from swnb.errors import BadInput
from swnb.fetch.tasks import in_thread
from swnb.frames.compare import Goal, How, configs, differing
from swnb.plots import Picture
from swnb.plots.asked import check
from swnb.plots.look import needs_canvas
from swnb.widgets import progress
from swnb.widgets.comparebar import Asked, Bar
from swnb.widgets.comparedraw import Drawing, Painter, Shown, data_uri, size_of
from swnb.widgets.comparetable import (
    METRIC,
    HeatGrid,
    best_frame,
    best_page,
    columns_of_table,
    config_frame,
    config_page,
    table_of,
)
from swnb.widgets.panel import Panel
from swnb.widgets.part import STYLE, Part, button, code, say, show, weakly
from swnb.widgets.static import escape
from swnb.widgets.table import note_of
from swnb.widgets.views import Views

_PATIENCE: Final = 0.6  # seconds that the first picture waits for what is under way
_LONG: Final = 60.0  # seconds that `figure` and `frame` wait for what is under way
_LINK: Final = 4_000_000  # bytes of a download that stands in the page
_TYPES: Final = {".png": "image/png", ".svg": "image/svg+xml", ".csv": "text/csv", ".py": "text/x-python"}


class Compare(Panel):
    """The panel. `figure` is the matplotlib Figure that is shown, `frame` the table, `selected` the chosen rows of it,
    `code` makes it all again, `save(path)` writes PNG, SVG, CSV or that code, `close()` ends it."""

    def __init__(
        self,
        jobs: Any,
        asked: Asked,
        *,
        table: str | None = None,
        goals: Mapping[str, Goal] | None = None,
        interactive: bool = False,
    ) -> None:
        self._lock = threading.RLock()
        self._jobs, self._table, self._goals = jobs, table, goals
        self._uris = uris_of(jobs)
        self._asked = asked
        self._interactive = interactive
        self._painter = Painter(alive=interactive)
        self.found: Comparison | None = None
        self._following: Following | None = None
        self._views = Views(weakly(self, Compare._watch), weakly(self, Compare._watch))
        self._tabled: object = None  # what the table shows
        self._tabling = False
        self._grid = HeatGrid(pd.DataFrame({"name": []}), columns=[], height_rows=10)
        self._bar = Bar(asked, weakly(self, Compare._changed))
        moved = weakly(self, Compare._twin_changed)
        self._drawing = Drawing(self._lock, self._painter, moved)
        self._best, self._config = w.HTML(), w.HTML()
        self._tabs = w.Tab(children=[self._best, self._config], titles=["Best", "Config differences"])
        self._live = w.ToggleButton(description="Live", value=True, tooltip="Read again by itself while jobs go")
        self._live.observe(weakly(self, Compare._toggled), "value")
        self._links = w.HTML()
        ways = [self._live, button("Refresh", weakly(self, Compare.refresh), "Read the jobs again")]
        ways.append(button("Export", weakly(self, Compare._export), "PNG, SVG, CSV, and the code"))
        content = [self._grid, self._bar, self._drawing, w.HBox(ways), self._links, self._tabs]
        self._read = Part(self._lock, content)
        style = w.HTML(STYLE)
        show(style, False)
        super().__init__([style, self._read])
        self.add_class("swnb-panel")
        self._grid.on_view(self._views.hear)
        self._grid.observe(weakly(self, Compare._selected), "selected")
        self._grid.observe(weakly(self, Compare._twin_changed), ["_body", "_picks", "note"])
        self._read.load("jobs", lambda: comparison(jobs, table=table), weakly(self, Compare._take), server=self._server)

    # -- what is there

    @property
    def figure(self) -> Picture | None:
        """The Figure that is shown, once it is there (up to a minute); None where there is nothing to draw."""
        self._wait(_LONG)
        return self._drawing.shown.figure if self._drawing.shown is not None else None

    @property
    def frame(self) -> pd.DataFrame:
        """One row a job: name, status, the chosen metrics' values, the config keys that differ; once all of it is read
        (up to a minute)."""
        self._wait(_LONG)
        return self._grid.frame

    @property
    def best(self) -> pd.DataFrame:
        """The best job a metric; index ``metric``, columns ``goal value job name n``."""
        self._wait(_LONG)
        nothing: pd.DataFrame = pd.DataFrame()
        return nothing if self.found is None else best_frame(self.found, *self._best_of())

    @property
    def differences(self) -> pd.DataFrame:
        """The config keys that differ, ranked by how they go with the first chosen metric; index ``key``."""
        self._wait(_LONG)
        metrics, how, goals = self._best_of()
        nothing: pd.DataFrame = pd.DataFrame()
        return nothing if self.found is None or not metrics else config_frame(self.found, metrics[0], how, goals)

    def _best_of(self) -> tuple[Sequence[str], How, Mapping[str, Goal] | None]:
        asked = self._now()
        return asked.metrics, asked.how, self._goals

    @property
    def selected(self) -> pd.DataFrame:
        """The selected rows of `frame`; with none selected all jobs are drawn."""
        return self._grid.selected_frame

    @property
    def code(self) -> str:
        """The Python that makes the panel, and the figure, again."""
        asked, table = self._now(), f", table={self._table!r}" if self._table else ""
        goals = f", goals={dict(self._goals)!r}" if self._goals else ""
        given = f", {list(asked.metrics)!r}{table}{asked.options()}{goals}"
        given += ", interactive=True" if self._interactive else ""
        lines = [f"panel = swnb.compare({_one(self._uris)}{given})"]
        shown = self._drawing.shown
        span = f", span={shown.span!r}" if shown is not None and shown.span is not None else ""
        if asked.kind == "pareto":  # of two, whatever is chosen
            given = given.replace(repr(list(asked.metrics)), repr(list(asked.metrics[:2])))
        lines.append(f"figure = swnb.plot({_one(self._drawn())}{given}{span}, size={size_of(asked)})")
        return "\n".join(lines)

    def save(self, path: str | Path) -> Path:
        """Write what is shown: ``.png`` ``.svg`` the figure, ``.csv`` the table, ``.py`` the code."""
        there = Path(path)
        kind = there.suffix.lower()
        self._wait(_LONG)
        shown = self._drawing.shown
        if kind not in (".png", ".svg", ".csv", ".py") or shown is None:
            raise BadInput(f"{there.name} cannot be written", todo="There are .png, .svg, .csv and .py")
        there.write_bytes(self._files(shown)[kind]())
        return there

    def refresh(self) -> None:
        """Read the jobs, also those that are new, and the curves of those that had not ended, again."""
        found, table, jobs = self.found, self._table, self._jobs
        if found is None:
            self._read.reload()
            return
        take = weakly(self, Compare._take)
        self._read.load("jobs", lambda: refreshed(found, jobs, table=table), take, server=self._server)

    def close(self) -> None:
        """End all that is under way and free every widget of the panel."""
        self._stop()
        self._views.close()
        super().close()
        self.found = None

    @property
    def _server(self) -> str:
        return self._uris[0].partition("/project/")[0] if self._uris else ""

    def _now(self) -> Asked:
        return self._bar.asked if self.found is not None else self._asked

    def _drawn(self) -> list[str]:
        """The jobs that the figure shows: the selected ones, or all."""
        if self.found is None:
            return self._uris
        return [str(uri) for uri in self.selected.index] or self.found.uris

    # -- what happens

    def _take(self, found: Comparison) -> None:
        self.found = found
        keys = [str(name) for name in differing(configs(found.jobs)).columns]
        self._bar.offer(found.series, found.metrics, keys)
        self._changed()
        self._watch()

    def _changed(self) -> None:
        """Another choice, or other data: read the curves that are not here yet, then draw."""
        found, asked, goals = self.found, self._bar.asked, self._goals
        if found is None or not asked.metrics:
            there = found is not None and bool(found.metrics)
            self._drawing.clear("Choose a metric above." if there else "These jobs have no metrics.")
            return
        self._table_again(found, asked)
        jobs = self._drawn()
        curves = asked.kind == "curves"
        lacks = found.lacks([*asked.metrics, asked.x]) if curves else found.lacks(asked.metrics, asked.how, goals)
        self._drawing.quiet = not lacks
        painter, took = self._painter, weakly(self, Compare._took)

        async def fetch() -> Any:
            whole = await with_curves(found, lacks)
            if lacks:
                await in_thread(took, whole, found)
            await painter.turn()
            return await in_thread(painter.paint, whole, asked, jobs, goals)

        self._drawing.load("curves" if lacks else "the figure", fetch, self._drawing.put, server=self._server)

    def _took(self, whole: Comparison, before: Comparison) -> None:
        with self._lock:
            if self.found is before:
                self.found = whole
                self._table_again(whole, self._bar.asked)

    def _table_again(self, found: Comparison, asked: Asked) -> None:
        if self._tabled == (id(found), asked.metrics, asked.how):
            return
        self._tabled = (id(found), asked.metrics, asked.how)
        self._tabling = True
        try:
            self._show_table(found, asked)
        finally:
            self._tabling = False

    def _show_table(self, found: Comparison, asked: Asked) -> None:
        frame = table_of(found, asked.metrics, asked.how, self._goals)
        warm = [name + METRIC if name + METRIC in frame.columns else name for name in asked.metrics]
        self._grid.show(frame, columns_of_table(frame), warm)
        gone = [name for name in self._asked.metrics if name not in found.metrics]
        said = [f"no metric is called {', '.join(gone)}"] if gone else []
        parts = [note_of(frame, "jobs"), f"{asked.how} values, bluer is more", *said, *found.notes]
        self._grid.note = " · ".join(part for part in parts if part)
        self._grid.caption = f"{len(frame):,} job{'s' * (len(frame) != 1)}"
        self._best.value = best_page(found, asked.metrics, asked.how, self._goals)
        self._config.value = config_page(found, asked.metrics[0], asked.how, self._goals)

    def _selected(self, _change: object) -> None:
        with self._lock:
            if not self._tabling:  # what a new table does to the selection is drawn with it
                self._changed()

    def _export(self) -> None:
        shown = self._drawing.shown
        if shown is None:
            self._links.value = say("There is no figure yet.")
            return
        links = [_link(f"compare{kind}", make()) for kind, make in self._files(shown).items()]
        lines = "<br>".join(code(line) for line in self.code.splitlines())
        self._links.value = f'<div class="swnb-say">{" · ".join(links)}<br>{lines}</div>'

    def _files(self, shown: Shown) -> dict[str, Callable[[], bytes]]:
        """What can be written, by its ending."""
        png, svg = partial(self._painter.png, shown), partial(self._painter.svg, shown)
        return {".png": png, ".svg": svg, ".csv": self._csv, ".py": self._script}

    def _csv(self) -> bytes:
        return self._grid.frame.to_csv().encode("utf-8", "replace")

    def _script(self) -> bytes:
        return f"import swnb\n\n{self.code}\n".encode("utf-8", "replace")

    # -- while jobs go

    def _toggled(self, _change: object) -> None:
        self._watch()

    def _watch(self) -> None:
        """Follow the jobs exactly while it is wanted, some job goes and, once a page showed it, one still does."""
        with self._lock:
            goes = self.found is not None and going(self.found)
            show(self._live, goes)
            if goes and self._live.value and self.comm is not None and not self._views.away:
                if self._following is None:
                    present, renewed = weakly(self, lambda panel: panel.found), weakly(self, Compare._renewed)
                    with progress.quiet():
                        self._following = Following(present, renewed, table=self._table)
                        self._following.start()
            else:
                self._stop()

    def _stop(self) -> None:
        following, self._following = self._following, None
        if following is not None:
            following.close()

    def _renewed(self, found: Comparison, before: Comparison) -> bool:
        """Show what was read anew, unless something else was read meanwhile; whether it tells anything new."""
        with self._lock:
            if self.comm is None or self.found is not before:
                return True
            new = len(found.curves) != len(before.curves) or not found.jobs["status"].equals(before.jobs["status"])
            self._take(found)
            return new

    # -- the twins that a saved notebook keeps

    def hide_twin(self, id_: str) -> None:
        self._grid.hide_twin(id_)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for part in (self._read, self._drawing):
            part.wait(max(end - time.monotonic(), 0))

    def _twin(self) -> tuple[str, str]:
        self._wait(_PATIENCE)
        said = [part.said for part in (self._read, self._drawing) if part.said]
        told = [] if self._drawing.shown is None else [self._drawing.shown.figure.told]
        page, text = self._grid._twin() if self.found is not None else ("", "")
        pages = [page, *(f"<p>{escape(line)}</p>" for line in said), self._drawing.page(), self._best.value]
        return "\n".join([*pages, f"<pre>{html.escape(self.code)}</pre>"]), "\n\n".join([text, *said, *told, self.code])


def compare(
    jobs: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    table: str | None = None,
    how: How = "last",
    kind: str = "curves",
    x: str = "step",
    log: str = "",
    smooth: float = 0.0,
    window: int = 1,
    fold: bool = False,
    key: str | None = None,
    goals: Mapping[str, Goal] | None = None,
    interactive: bool = False,
) -> Compare:
    """The panel that compares jobs: URIs, handles or a frame of jobs, of any mix of platforms. ``metrics`` are those
    chosen at first; ``table`` (Starwhale) names the table whose numeric columns are curves; the others are the first
    choice of the controls, as for ``swnb.plot``. ``interactive`` has the figure panned and zoomed in the page. Returns
    at once; errors are shown in the panel, but Unsupported where the package for that is missing."""
    names = (metrics,) if isinstance(metrics, str) else tuple(metrics or ())
    check(kind, how)
    if interactive:
        needs_canvas()
    asked = Asked(names, kind, how, x, log, smooth, window, fold, key)
    asked.view()  # refuses what is no view
    return Compare(jobs, asked, table=table, goals=goals, interactive=interactive)


def _link(name: str, data: bytes) -> str:
    if len(data) > _LINK:
        return f"{name}: too large for the page, use panel.save({name!r})"
    return f'<a download="{name}" href="{data_uri(_TYPES[Path(name).suffix], data)}">{name}</a>'


def _one(uris: Sequence[str]) -> str:
    return repr(uris[0]) if len(uris) == 1 else repr(list(uris))


__all__ = ["Compare", "compare"]
