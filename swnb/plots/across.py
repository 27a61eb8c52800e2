"""Figures across jobs: one value a job and metric. A missing value is drawn as missing and counted, never as zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from swnb.frames.compare import Goal, goals, is_number, mark, numbers, pareto, rank_correlation
from swnb.plots.look import (
    GREY,
    Picture,
    blank,
    colour,
    dress,
    fields,
    footer,
    labels,
    legend,
    shown,
    styles,
    use_fonts,
)

_NAMED: Final = 40  # bars that have their job's name beside them


def draw_bars(
    values: pd.DataFrame,
    config: pd.Series[Any] | None = None,
    *,
    size: tuple[float, float] = (8, 4),
    said: str = "",
    on: Picture | None = None,
) -> Picture:
    """A field a metric (the columns), a bar a job (the index); against a key of the configs the bars are in its order
    and say its values. ``on``: a figure to be used again, here and below."""
    figure = blank(size, on)
    values, names = (values, None) if config is None else _by_key(values, config)
    for axes, name in zip(fields(figure, len(values.columns)), values.columns, strict=False):
        bars(axes, values[name], str(name), names)
    what = ", ".join(shown(str(name)) for name in values.columns) or "nothing"
    what += f" against {shown(str(config.name))}" if config is not None else ""
    return _ended(figure, f"Bars of {what}: {_count(values)}", _count(values), said)


def _by_key(values: pd.DataFrame, config: pd.Series[Any]) -> tuple[pd.DataFrame, list[str]]:
    """In the order of the key, jobs that lack it last; and the key's value beside each job's name."""
    places, _ = _placed(config)
    order = np.argsort(np.where(np.isfinite(places), places, np.inf), kind="stable")
    short = labels([str(job) for job in values.index]) if len(values) else []
    said = [None if mark(value) is None else shown(str(value), 16) for value in config]
    names = [f"{short[at]} · {'no value' if said[at] is None else said[at]}" for at in order]
    return values.iloc[order], names


def bars(axes: Axes, values: pd.Series[float], title: str, names: Sequence[str] | None = None) -> None:
    """Horizontal bars in the colours of their jobs, the first job on top."""
    jobs = [str(job) for job in values.index]
    cells = numbers(values).to_numpy()
    places, fine = np.arange(len(jobs)), np.isfinite(cells)
    axes.barh(
        places[fine], cells[fine], color=[colour(job) for job, ok in zip(jobs, fine, strict=True) if ok], height=0.75
    )
    dress(axes, title)
    for place in places[~fine]:
        word = "no value" if np.isnan(cells[place]) else f"{cells[place]:g}"
        axes.text(
            0.01, place, word, transform=axes.get_yaxis_transform(), va="center", fontsize=7, color=GREY, style="italic"
        )
    named = list(labels(jobs) if names is None else names) if 0 < len(jobs) <= _NAMED else []
    axes.set_yticks(places[: len(named)], named)
    axes.set_ylim(len(jobs) - 0.4, -0.6)


def draw_scatter(
    config: pd.Series[Any],
    values: pd.Series[float],
    *,
    log: str = "",
    size: tuple[float, float] = (8, 4),
    said: str = "",
    on: Picture | None = None,
) -> Picture:
    """A metric (``values``) against a key of the configs, a dot a job; keys that are no numbers stand side by side."""
    figure = blank(size, on)
    (axes,) = fields(figure, 1)
    places, words = _placed(config)
    ups = numbers(values).to_numpy()
    there = np.isfinite(places) & np.isfinite(ups)
    jobs = [str(job) for job in values.index]
    if "x" in log and not words:
        axes.set_xscale("log")
        there &= places > 0
    if "y" in log:
        axes.set_yscale("log")
        there &= ups > 0
    chosen = [job for job, ok in zip(jobs, there, strict=True) if ok]
    axes.scatter(places[there], ups[there], c=[colour(job) for job in chosen], s=36, edgecolors=GREY, linewidths=0.5)
    dress(axes, "", str(config.name), str(values.name))
    if words:
        axes.set_xticks(range(len(words)), [shown(word, 20) for word in words])
    legend(figure, chosen, {job: {"color": colour(job), "marker": "o", "linestyle": ""} for job in chosen})
    rho, n = rank_correlation(config, values) if not words else (float("nan"), 0)
    known = f"rank correlation {rho:+.2f}, n = {n} (no cause)" if rho == rho else ""  # noqa: PLR0124
    told = (
        f"{shown(str(values.name))} against {shown(str(config.name))}: {len(chosen):,} of {len(jobs):,} jobs. {known}"
    )
    return _ended(figure, told, _drawn(len(chosen), len(jobs)), known, said)


def _placed(values: pd.Series[Any]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Places on an axis, and the words at 0, 1, 2 … where the values are no numbers."""
    if is_number(values) and not any(isinstance(value, (bool, np.bool_)) for value in values.dropna()):
        return numbers(values).to_numpy(), []
    marks = [mark(value) for value in values]
    seen = list(dict.fromkeys(each for each in marks if each is not None))
    texts = {each: str(values.iloc[marks.index(each)]) for each in seen}
    order = sorted(seen, key=lambda each: texts[each])
    at = {each: float(place) for place, each in enumerate(order)}
    return np.array([at.get(each, np.nan) for each in marks]), [texts[each] for each in order]


def draw_parallel(
    table: pd.DataFrame, *, size: tuple[float, float] = (8, 4), said: str = "", on: Picture | None = None
) -> Picture:
    """Parallel coordinates: an axis a column (config keys and metrics), a line a job; the least and the greatest value
    stand at the ends of each axis. A job's line breaks where it has no value."""
    figure = blank(size, on)
    (axes,) = fields(figure, 1)
    placed = [_placed(table[name]) for name in table.columns]
    scaled = [_scaled(at) for at, _ in placed]
    jobs = [str(job) for job in table.index]
    looks = styles(jobs)
    ways = np.column_stack(scaled) if scaled else np.zeros((len(jobs), 0))
    for job, way in zip(jobs, ways, strict=True):
        axes.plot(range(len(way)), way, linewidth=1.2, alpha=0.85, marker=".", markersize=4, **looks[job])
    dress(axes, "")
    axes.set_xticks(range(len(placed)), [shown(str(name), 20) for name in table.columns])
    axes.set_yticks([])
    axes.set_ylim(-0.12, 1.12)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    for place, (at, words) in enumerate(placed):
        axes.axvline(place, color=GREY, linewidth=0.8)
        for level, word in zip((-0.04, 1.04), _ends(at, words), strict=True):
            align = "top" if level < 0 else "bottom"
            axes.text(place, level, f" {word}", ha="left", va=align, fontsize=7, color=GREY)
    legend(figure, jobs, looks)
    told = f"Parallel coordinates of {', '.join(shown(str(name), 20) for name in table.columns)}: {_count(table)}"
    return _ended(figure, told, _count(table), said)


def _scaled(at: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    fine = at[np.isfinite(at)]
    if not len(fine) or fine.min() == fine.max():
        return np.where(np.isfinite(at), 0.5, np.nan)
    scaled: np.ndarray[Any, Any] = np.where(np.isfinite(at), (at - fine.min()) / (fine.max() - fine.min()), np.nan)
    return scaled


def _ends(at: np.ndarray[Any, Any], words: Sequence[str]) -> tuple[str, str]:
    fine = at[np.isfinite(at)]
    if not len(fine):
        return "no value", ""
    if words:
        return shown(words[0], 16), shown(words[-1], 16) if len(words) > 1 else ""
    return f"{fine.min():.4g}", f"{fine.max():.4g}" if fine.max() > fine.min() else ""


def draw_pareto(
    values: pd.DataFrame,
    wanted: Mapping[str, Goal] | None = None,
    *,
    log: str = "",
    size: tuple[float, float] = (8, 4),
    said: str = "",
    on: Picture | None = None,
) -> Picture:
    """Two metrics (the columns) against each other, and the jobs that no other beats in both joined by a line."""
    figure = blank(size, on)
    (axes,) = fields(figure, 1)
    x, y = values.iloc[:, 0].to_numpy(dtype=float), values.iloc[:, 1].to_numpy(dtype=float)
    front = pareto(values, wanted).to_numpy()
    there = np.isfinite(x) & np.isfinite(y)
    jobs = [str(job) for job in values.index]
    chosen = [job for job, ok in zip(jobs, there, strict=True) if ok]
    axes.set_xscale("log" if "x" in log else "linear")
    axes.set_yscale("log" if "y" in log else "linear")
    order = np.flatnonzero(front)[np.argsort(x[front], kind="stable")]
    axes.plot(x[order], y[order], color=GREY, linewidth=1, linestyle="--", label="front", zorder=1)
    edges = [GREY if not on else "#d55e00" for on, ok in zip(front, there, strict=True) if ok]
    axes.scatter(
        x[there], y[there], c=[colour(job) for job in chosen], s=36, edgecolors=edges, linewidths=1.2, zorder=2
    )
    aims = goals(list(map(str, values.columns)), wanted)
    ways = {"min": "less is better", "max": "more is better"}
    dress(axes, "", *(f"{name} ({ways[aims[str(name)]]})" for name in values.columns))
    axes.xaxis.set_major_locator(MaxNLocator(6)) if "x" not in log else None
    looks = {job: {"color": colour(job), "marker": "o", "linestyle": ""} for job in jobs}
    best = [jobs[at] for at in order]
    legend(figure, best, looks)
    told = f"Pareto front of {shown(str(values.columns[0]))} and {shown(str(values.columns[1]))}: "
    return _ended(figure, told + (", ".join(labels(best)) if best else "none"), _drawn(len(chosen), len(jobs)), said)


def _count(values: pd.DataFrame) -> str:
    gone = int(values.isna().to_numpy().sum())
    return f"{len(values):,} jobs" + (f", {gone:,} cell{'s' * (gone > 1)} without a value" if gone else "")


def _drawn(drawn: int, total: int) -> str:
    return f"{total:,} jobs" if drawn == total else f"{drawn:,} of {total:,} jobs, the others have no value here"


def _ended(figure: Picture, told: str, *said: str) -> Picture:
    figure.told = told
    footer(figure, *said)
    use_fonts(figure)
    return figure
