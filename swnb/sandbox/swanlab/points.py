"""A series of points: its summary, its statistics, its picture in few points, its text in a CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec


class Points(NamedTuple):
    """Steps ascending, values (NaN and infinities among them), times in Unix milliseconds."""

    steps: Sequence[int]
    values: Sequence[float]
    stamps: Sequence[int]

    def __len__(self) -> int:
        return len(self.steps)


NO_POINTS = Points((), (), ())


def finite(points: Points) -> Points:
    if math.isfinite(sum(points.values)):
        return points
    good = [math.isfinite(value) for value in points.values]
    steps, values, stamps = points
    return Points(list(compress(steps, good)), list(compress(values, good)), list(compress(stamps, good)))


def summary(points: Points) -> dict[str, Any] | None:
    """H1: last finite value, first smallest and first largest; None where no value is finite."""
    steps, values, _ = finite(points)
    if not values:
        return None
    low, high = min(values), max(values)
    return {
        "step": steps[-1],
        "value": number(values[-1]),
        "min": {"index": steps[values.index(low)], "data": number(low)},
        "max": {"index": steps[values.index(high)], "data": number(high)},
    }


def statistics(points: Points, at: Sequence[float]) -> dict[str, Any] | None:
    """H4: the same and more, with `at` (steps or times, one a point) as their index."""
    rows = [(x, value) for x, value in zip(at, points.values, strict=True) if math.isfinite(value)]
    if not rows:
        return None
    ranked = sorted(rows, key=itemgetter(1))
    values = [value for _, value in ranked]
    chosen = {"min": ranked[0], "max": ranked[-1], "latest": rows[-1]}
    found = {name: {"index": x, "data": number(value)} for name, (x, value) in chosen.items()}
    found["avg"] = {"data": number(sum(values) / len(values))}
    found["median"] = {"data": number((values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2)}
    return found


def number(value: float) -> float | str:
    """A value in JSON, which has no word for NaN and the infinities."""
    return value if math.isfinite(value) else spelled(value)


def spelled(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def texts(values: Sequence[float]) -> list[str]:
    """Every value as it stands in a CSV; each reads back as the same double."""
    if not values:
        return []
    words = msgspec.json.encode(values)[1:-1].decode().split(",")
    if math.isfinite(sum(values)):
        return words
    return [spelled(value) if word == "null" else word for word, value in zip(words, values, strict=True)]


def sampled(points: Points, at: Sequence[float], most: int) -> list[int]:
    """At most `most` places of the series, by largest triangles; beyond that number only finite values are kept."""
    if len(points) <= most:
        return list(range(len(points)))
    kept = [place for place, value in enumerate(points.values) if math.isfinite(value)]
    if len(kept) <= most or most < 3:
        return kept[: max(most, 0)]
    return _largest_triangles(kept, at, points.values, most)


def _largest_triangles(kept: list[int], at: Sequence[float], values: Sequence[float], most: int) -> list[int]:
    chosen = [kept[0]]
    width = (len(kept) - 2) / (most - 2)
    edges = [1 + int(bucket * width) for bucket in range(most - 1)] + [len(kept)]
    for bucket in range(most - 2):
        after = kept[edges[bucket + 1] : edges[bucket + 2]] or kept[-1:]
        far = sum(at[place] for place in after) / len(after), sum(values[place] for place in after) / len(after)
        near = at[chosen[-1]], values[chosen[-1]]
        here = kept[edges[bucket] : edges[bucket + 1]]
        chosen.append(max(here, key=lambda place: _area(near, (at[place], values[place]), far)))
    return [*chosen, kept[-1]]


def _area(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return abs((a[0] - c[0]) * (b[1] - a[1]) - (a[0] - b[0]) * (c[1] - a[1]))
