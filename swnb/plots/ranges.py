"""Ranges of axes, and what stands beside them: labels, places and texts of the ticks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import (
    EngFormatter,
    FuncFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
)

from swnb.plots.lines import View
from swnb.plots.look import Array, shown

_MARGIN: Final = 0.04
_UNITS: Final = ((172_800.0, 86_400.0, "days"), (7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
_TICKS: Final = (10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800)


def reach(parts: Sequence[Array]) -> tuple[float, float]:
    """From the least to the greatest of all."""
    ends = [(float(x.min()), float(x.max())) for x in parts if len(x)]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 1.0)


def wider(span: tuple[float, float], log: bool) -> tuple[float, float]:
    """With a margin; a single value gets room about it."""
    if log and span[0] <= 0:  # of nothing
        span = 0.1, 1.0
    low, high = np.log10(span) if log else span
    room = (high - low) * _MARGIN or abs(low) * _MARGIN or _MARGIN
    low, high = low - room, high + room
    return (float(10**low), float(10**high)) if log else (float(low), float(high))


def scale(axes: Axes, log: str) -> None:
    """Log scales where they are asked for; what is not above 0 is no point of them, and not one at their lower end."""
    for on, put in (("x" in log, axes.set_xscale), ("y" in log, axes.set_yscale)):
        put("log", nonpositive="mask") if on else put("linear")


def digits(span: tuple[float, float]) -> tuple[int, ...]:
    """What decides how long the numbers beside an axis are."""
    return tuple(round(float(np.log10(max(abs(each), 1e-300)))) for each in (*span, span[1] - span[0]))


def dress_x(axes: Axes, view: View, extent: tuple[float, float]) -> None:
    """Label, places and texts of the ticks of the x axis."""
    placed, label = axes.xaxis, shown(view.x)
    if "x" in view.log:
        placed.set_major_locator(LogLocator())
        placed.set_major_formatter(LogFormatterSciNotation())
        label = "relative time (s)" if view.x == "relative" else label
    elif view.x == "time":
        locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        placed.set_major_locator(locator)
        placed.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    elif view.x == "relative":
        unit, word = next((unit, word) for above, unit, word in _UNITS if extent[1] - extent[0] >= above)
        between = next((each for each in _TICKS if (extent[1] - extent[0]) / each <= 7), 0)
        few = unit == 1 or not between
        placed.set_major_locator(MaxNLocator(6) if few else MultipleLocator(between))
        placed.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}"))
        label = f"relative time ({word})"
    else:
        placed.set_major_locator(MaxNLocator(6, integer=view.x == "step"))
        placed.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("time (UTC)" if view.x == "time" else label)
