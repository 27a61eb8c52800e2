"""The table of a comparison: jobs x values x differing config keys, its numbers coloured by value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from swnb.client.comparing import Comparison
from swnb.frames.columns import objects
from swnb.frames.compare import Goal, How, best_of, configs, differing, mark, ranked, shades
from swnb.plots import labels
from swnb.plots.lines import blocks
from swnb.widgets.grid import Grid
from swnb.widgets.static import frame_html

_HERE: Final = Path(__file__).parent
_ALWAYS: Final = ("name", "status")
_TELLING: Final = ("platform", "server", "project")  # shown where there is more than one
METRIC: Final = " (metric)"  # behind the name of a metric that is called as another column is


class HeatGrid(Grid):
    """A grid in which the numbers of some columns (`warm`) are coloured by where they lie in their column, and that
    knows whether a page shows it."""

    _esm = "\n".join((_HERE / name).read_text("utf-8") for name in ("grid.js", "heat.js"))
    _shades: Mapping[str, Sequence[float | None]] = {}
    _looked: Callable[[Mapping[str, Any]], object] | None = None

    def show(self, frame: pd.DataFrame, columns: Sequence[str], warm: Sequence[str]) -> None:
        """Another frame, its columns and those of them that are coloured."""
        with self._lock:
            self._shades = {name: shades(frame[name]) for name in warm}
        self.update(frame)
        self.set_trait("columns", list(columns))

    def on_view(self, call: Callable[[Mapping[str, Any]], object]) -> None:
        """Call with what a view of a page says when it comes and when it goes: its `id`, and `on`."""
        self._looked = call

    def close(self) -> None:
        super().close()
        self._looked = None

    def _on_message(self, widget: object, content: Mapping[str, Any], buffers: object) -> None:
        if content.get("kind") != "view":
            super()._on_message(widget, content, buffers)
        elif self._looked is not None:
            self._looked(content)

    def _make_body(self) -> dict[str, Any]:
        body = super()._make_body()
        return {**body, "rows": self._warmed(body["rows"])}

    def _send_rows(self, content: Mapping[str, Any]) -> dict[str, Any]:
        sent = super()._send_rows(content)
        return {**sent, "rows": self._warmed(sent["rows"])}

    def _warmed(self, rows: Any) -> list[list[Any]]:
        known: list[Any] = [self._shades.get(column.key) for column in self._view.shown]
        return [
            [at, chosen, [_warm(cell, each and each[at]) for cell, each in zip(cells, known, strict=True)]]
            for at, chosen, cells in rows
        ]


def _warm(cell: Any, shade: float | None) -> Any:
    if shade is None or cell is None:
        return cell
    text, tip = cell if isinstance(cell, list) else (cell, cell)
    return [text, tip, round(shade, 3)]


def table_of(found: Comparison, metrics: Sequence[str], how: How, goals: Mapping[str, Goal] | None) -> pd.DataFrame:
    """One row a job: name, status and where it is, the values, the config keys that differ (``config.…``)."""
    told = [name for name in (*_ALWAYS, *_TELLING) if name in found.jobs.columns]
    values = found.values(metrics, how, goals)
    values = _blank(values, _read(found.curves))
    config = differing(configs(found.jobs)).add_prefix("config.")
    taken = {*told, *config.columns}
    values = values.rename(columns={name: f"{name}{METRIC}" for name in values.columns if name in taken})
    config = pd.DataFrame({name: _without(config[name]) for name in config.columns}, index=config.index)
    frame: pd.DataFrame = pd.concat([found.jobs[told], values, config], axis=1)
    frame.attrs = found.jobs.attrs
    return frame


def _blank(values: pd.DataFrame, read: set[tuple[str, str]]) -> pd.DataFrame:
    """None where nothing is known; a NaN that a job wrote as its value stays one."""
    cells = {
        name: objects([None if v != v and (job, name) not in read else v for job, v in values[name].items()])  # noqa: PLR0124
        for name in values.columns
    }
    found: pd.DataFrame = pd.DataFrame(cells, index=values.index)
    return found


def _without(values: pd.Series[Any]) -> Any:
    return objects([None if mark(value) is None else value for value in values])


def columns_of_table(frame: pd.DataFrame) -> list[str]:
    """All but what is the same for all jobs."""
    same = [name for name in _TELLING if name in frame.columns and frame[name].nunique() < 2]
    return [str(name) for name in frame.columns if name not in same]


def best_frame(found: Comparison, metrics: Sequence[str], how: How, goals: Mapping[str, Goal] | None) -> pd.DataFrame:
    """The best job a metric, and its name."""
    best: pd.DataFrame = best_of(found.values(metrics, how, goals), goals)
    names = found.jobs["name"].to_dict()
    best.insert(2, "name", [names.get(uri) for uri in best["job"]])
    return best


def best_page(found: Comparison, metrics: Sequence[str], how: How, goals: Mapping[str, Goal] | None) -> str:
    """The best job a metric, as HTML."""
    best = best_frame(found, metrics, how, goals).reset_index()
    there = list(dict.fromkeys(str(uri) for uri in best["job"].dropna()))
    short = dict(zip(there, labels(there), strict=True)) if there else {}
    best["job"] = [short.get(uri, uri) for uri in best["job"]]
    return frame_html(best, caption=f"Best of {len(found.jobs):,} job{'s' * (len(found.jobs) != 1)} ({how} value)")


def config_frame(found: Comparison, metric: str, how: How, goals: Mapping[str, Goal] | None) -> pd.DataFrame:
    """The differing keys, ranked by how they go with the metric."""
    table: pd.DataFrame = ranked(configs(found.jobs), found.values([metric], how, goals)[metric])
    return table


def config_page(found: Comparison, metric: str, how: How, goals: Mapping[str, Goal] | None) -> str:
    """The differing keys, ranked by how they go with the metric, as HTML."""
    config = configs(found.jobs)
    frame = config_frame(found, metric, how, goals)
    bare = frame.attrs.get("without_config", 0)
    table = frame.reset_index()
    table["correlation"] = objects([None if rho != rho else round(rho, 2) for rho in table["correlation"]])  # noqa: PLR0124
    said = f"{len(table):,} of {len(config.columns):,} config keys differ; rank correlation with {metric} ({how} value)"
    left = f"{bare:,} of {len(found.jobs):,} jobs have no config and are left out · " if bare else ""
    return frame_html(table, caption=said, note=f"{left}a correlation over n jobs, not a cause")


def _read(curves: pd.DataFrame) -> set[tuple[str, str]]:
    """The (job, metric) pairs that have a curve."""
    return {(job, metric) for metric, of in blocks(curves).items() for job in of}
