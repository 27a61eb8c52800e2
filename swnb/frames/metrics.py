"""Series as DataFrames, long or wide, and the numeric columns of a table as series."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from swnb.call import note
from swnb.errors import BadInput
from swnb.frames.columns import instants, join, texts
from swnb.frames.provenance import SAMPLED
from swnb.model import NO_TIME, Batch, Series

Labelled = Sequence[tuple[str, Series]]


def series_of(batches: Sequence[Batch], keys: Sequence[str] | None, steps: int | None, key: str = "id") -> list[Series]:
    """The numeric columns of a table as series over its int key; a step without a value is not in the series.

    BadInput where the keys are no ints, or where a column of ``keys`` is not numeric.
    """
    columns = join(batches)
    at = columns.pop(key, None)
    if at is None:
        return []
    if not pd.api.types.is_integer_dtype(at):
        raise BadInput("this table's keys are no ints, so its rows are no series", todo="Read it with swnb.rows")
    found = []
    for name in keys if keys is not None else columns:
        values = columns.get(name)
        if values is not None and pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            found.append(_thinned(name, *_present(at, values, batches, name), steps))
        elif keys is not None:
            raise BadInput(
                f"column {name!r} is not numeric throughout, so it is no metric", todo="Read it with swnb.rows"
            )
    return found


def _present(steps: Any, values: Any, batches: Sequence[Batch], name: str) -> tuple[Any, Any]:
    """Without the steps whose row has no such cell; a NaN that was written stays."""
    there = np.concatenate([_has(batch, name) for batch in batches]) if batches else np.ones(0, dtype=bool)
    kept = values[there]
    return np.asarray(steps)[there], kept.to_numpy() if hasattr(kept, "to_numpy") else kept


def _has(batch: Batch, name: str) -> Any:
    cells = batch.columns.get(name)
    if cells is None:
        return np.zeros(batch.n, dtype=bool)
    if isinstance(cells, array):
        return np.ones(batch.n, dtype=bool)
    return np.fromiter((type(cell) in (int, float) for cell in cells), dtype=bool, count=batch.n)


def _thinned(name: str, steps: Any, values: Any, most: int | None) -> Series:
    """At most ``most`` points, evenly spread, the first and the last among them."""
    total = len(steps)
    sampled = most is not None and total > most
    if most is not None and sampled:
        kept = np.unique(np.linspace(0, total - 1, max(1, most)).round().astype(np.int64))
        steps, values = steps[kept], values[kept]
        note(f"metric {name}: {len(steps):,} of {total:,} points, because steps={most} was asked")
    return Series(name, steps, values, total=total, sampled=sampled)


def counted(parts: Labelled) -> int | None:
    """How many points the series have, those that were left out included; None where a server does not tell."""
    totals = [series.total if series.sampled else len(series.step) for _, series in parts]
    return None if None in totals else sum(total or 0 for total in totals)


def long(parts: Labelled) -> pd.DataFrame:
    """``job metric step time value``, series after series, each in the order of its steps."""
    sizes = [len(series.step) for _, series in parts]
    frame: pd.DataFrame = pd.DataFrame(
        {
            "job": _repeated([job for job, _ in parts], sizes),
            "metric": _repeated([series.metric for _, series in parts], sizes),
            "step": _chained([series.step for _, series in parts], np.int64),
            "time": instants(_chained([_times(series) for _, series in parts], np.int64)),
            "value": _chained([series.value for _, series in parts], np.float64),
        }
    )
    return _marked(frame, parts)


def _marked(frame: pd.DataFrame, parts: Labelled) -> pd.DataFrame:
    """Marked as sampled where a series is: its provenance, which comes later, takes that up."""
    if any(series.sampled for _, series in parts):
        frame.attrs[SAMPLED] = True
    return frame


def wide(parts: Labelled) -> pd.DataFrame:
    """Index ``job, step``; a column a metric, NaN where a job has no value at a step."""
    tall = long(parts)
    if tall.empty:
        empty: pd.DataFrame = tall.set_index(["job", "step"]).drop(columns=["metric", "time", "value"])
        return empty
    order = list(dict.fromkeys(series.metric for _, series in parts))
    jobs = list(dict.fromkeys(job for job, _ in parts))
    spread = tall.drop_duplicates(["job", "metric", "step"], keep="last").set_index(["job", "step", "metric"])["value"]
    frame: pd.DataFrame = spread.unstack("metric").reindex(columns=order)
    frame.columns.name = None
    return _marked(_in_order(frame, jobs), parts)


def _in_order(frame: pd.DataFrame, jobs: Sequence[str]) -> pd.DataFrame:
    ordered: pd.DataFrame = frame.reindex(list(jobs), level="job")
    return ordered


def _times(series: Series) -> Any:
    """Unix microseconds, or as many marks that there are none."""
    return series.time if len(series.time) else np.full(len(series.step), NO_TIME, dtype=np.int64)


def _repeated(labels: Sequence[str], sizes: Sequence[int]) -> Any:
    return texts(labels).take(np.repeat(np.arange(len(labels)), sizes)) if labels else texts([])


def _chained(parts: Sequence[Any], empty: Any) -> Any:
    return np.concatenate([np.asarray(part) for part in parts]) if parts else np.zeros(0, dtype=empty)
