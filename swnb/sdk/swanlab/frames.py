"""Series in the shape of the vendor's ``get_metrics``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from swnb.model import NO_TIME, Series


def frame_of(keys: Sequence[str], found: Sequence[Series]) -> pd.DataFrame:
    """Index ``step``, ascending; for each series, in the order of ``keys``, the values and the timestamps (ms). Where a
    series lacks a step both are NaN, and so its timestamps are floats, as with the vendor's later ``Api``."""
    ordered = sorted(found, key=lambda each: keys.index(each.metric))
    columns = [column for each in ordered for column in _columns(each)]
    frame: pd.DataFrame = pd.DataFrame()
    if columns:
        steps = reduce(lambda all_steps, more: all_steps.union(more), (column.index for column in columns))
        frame = pd.concat([_over(steps, column) for column in columns], axis=1)
    return frame


def _columns(series: Series) -> Iterator[Any]:
    steps = pd.Index(np.asarray(series.step, dtype="int64"), name="step")
    first = ~steps.duplicated()  # a step that comes again is dropped by the platform too
    yield pd.Series(np.asarray(series.value, dtype="float64"), steps, name=series.metric)[first]
    times = np.asarray(series.time, dtype="int64") if len(series.time) else np.full(len(steps), NO_TIME)
    stamps = pd.Series(times // 1000, steps, name=f"{series.metric}_timestamp")
    yield stamps.where(times != NO_TIME)[first] if NO_TIME in times else stamps[first]


def _over(steps: Any, column: Any) -> Any:
    return column if column.index.equals(steps) else column.reindex(steps)
