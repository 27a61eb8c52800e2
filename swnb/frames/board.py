"""What a watch saw, as frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from swnb.frames.columns import column, durations, statuses, texts, times

_MADE: Final[Mapping[str, Callable[[Sequence[Any]], Any]]] = {
    **dict.fromkeys(("name", "raw_status", "progress_said", "error", "last_line", "platform", "server"), texts),
    **dict.fromkeys(("project", "id", "job", "before", "rule", "text"), texts),
    **dict.fromkeys(("created", "started", "finished", "time"), times),
    **dict.fromkeys(("elapsed", "eta", "eta_low", "eta_high"), durations),
    **dict.fromkeys(("status", "after"), statuses),
}


def board(uris: Sequence[str], cells: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Index ``job`` (URI), columns as given."""
    frame: pd.DataFrame = pd.DataFrame(_columns(cells), index=pd.Index(texts(uris), name="job"), copy=False)
    return frame


def changes(cells: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """``time job before after raw_status``, in the order given."""
    frame: pd.DataFrame = pd.DataFrame(_columns(cells), copy=False)
    return frame


def _columns(cells: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: _MADE[name](values) if name in _MADE else _column(name, values) for name, values in cells.items()}


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in ("progress", "step", "total"):
        return pd.array([None if value is None else float(value) for value in values], dtype="Float64")
    return column(values, name)
