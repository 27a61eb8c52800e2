"""Of a long line only what shows: in each pixel column the first, the last, the lowest and the highest point."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def thin(x: Array, y: Array, bins: int) -> tuple[Array, Array]:
    """Of ascending ``x``, the points that show: in each of ``bins`` equal ranges the first, the last, the lowest, the
    highest and one that is not finite. All points where they are few."""
    if len(x) <= 4 * bins or x[-1] == x[0]:
        return x, y
    kept = showing(np.minimum((x - x[0]) / (x[-1] - x[0]) * bins, bins - 1).astype(np.int64), y)
    return x[kept], y[kept]


def showing(at: Array, y: Array, *, ends: bool = True) -> Array:
    """The places of the points that show; ``at`` is the pixel column of each, equal ones side by side. Without
    ``ends``, the first and the last of a column are left out where others show it."""
    starts = np.flatnonzero(np.r_[True, at[1:] != at[:-1]]) if len(at) else np.zeros(0, dtype=np.int64)
    if 4 * len(starts) >= len(at):
        return np.arange(len(at))
    sizes = np.diff(np.r_[starts, len(at)])
    column = np.repeat(np.arange(len(starts)), sizes)
    fine = np.isfinite(y)
    whole = bool(fine.all())
    low, high = (y, y) if whole else (np.where(fine, y, np.inf), np.where(fine, y, -np.inf))
    kept = np.zeros(len(at), dtype=bool)
    kept[_first_of_each(column, low == np.minimum.reduceat(low, starts)[column])] = True
    kept[_first_of_each(column, high == np.maximum.reduceat(high, starts)[column])] = True
    if not whole:
        kept[_first_of_each(column, ~fine)] = True
    if ends:
        kept[starts] = kept[starts + sizes - 1] = True
    kept[[0, -1]] = True
    return np.flatnonzero(kept)


def _first_of_each(column: Array, chosen: Array) -> Array:
    found = np.flatnonzero(chosen)
    of = column[found]
    first: Array = found[np.r_[True, of[1:] != of[:-1]]] if len(of) else found
    return first
