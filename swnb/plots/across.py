"""Figures across jobs: one value a job and metric. A missing value is drawn as missing and counted, never as zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from swnb.frames.compare import Goal, goals, is_number, mark, numbers, pareto, rank_correlation
from swnb.plots.lines import LIMIT
from swnb.plots.look import (
    GREY,
    Array,
    Picture,
    blank,
    colour,
    counted,
    dotted,
    dress,
    fields,
    footer,
    labels,
    legend,
    marker,
    plain,
    shown,
    styles,
    text_of,
    use_fonts,
)
from swnb.plots.ranges import scale

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
    what = ", ".join(plain(str(name)) for name in values.columns) or "nothing"
    what += f" against {plain(str(config.name))}" if config is not None else ""
    return _ended(figure, f"Bars of {what}: {_count(values)}", _count(values), said)


def _by_key(values: pd.DataFrame, config: pd.Series[Any]) -> tuple[pd.DataFrame, list[str]]:
    """In the order of the key, jobs that lack it last; and the key's value beside each job's name."""
    places, _ = _placed(config)
    order = np.argsort(np.where(np.isfinite(places), places, np.inf), kind="stable")
    short = labels([str(job) for job in values.index]) if len(values) else []
    said = [None if mark(value) is None else plain(text_of(value), 16) for value in config]
    names = [f"{short[at]} · {'no value' if said[at] is None else said[at]}" for at in order]
    return values.iloc[order], names


def bars(axes: Axes, values: pd.Series[float], title: str, names: Sequence[str] | None = None) -> None:
    """Horizontal bars in the colours of their jobs, the first job on top."""
    jobs = [str(job) for job in values.index]
    cells = numbers(values).to_numpy()
    places, fine = np.arange(len(jobs)), np.abs(cells) <= LIMIT
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
    axes.set_yticks(places[: len(named)], [shown(name) for name in _shortened(named, _room(axes))])
    axes.set_ylim(len(jobs) - 0.4, -0.6)


def _shortened(names: Sequence[str], most: int) -> list[str]:
    """The ends of long names, or as much of both ends as tells them apart; numbered where nothing does."""
    room = most - 1
    for ahead in (0, room // 2, room - 1):
        cut = [f"{name[:ahead]}…{name[len(name) - room + ahead :]}" if len(name) > most else name for name in names]
        if len(set(cut)) == len(set(names)):
            return cut
    return [f"{at}: {plain(name, max(most - 4, 2))}" for at, name in enumerate(names, 1)]


def _room(axes: Axes) -> int:
    """How many letters a bar's name may have, so that half of the field is bars."""
    place, figure = axes.get_subplotspec(), axes.get_figure(root=True)
    columns = place.get_gridspec().ncols if place is not None else 1
    wide = figure.get_figwidth() if figure is not None else 8.0
    return max(int(wide / columns * 0.4 * 15), 6)  # 15 letters an inch


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
    log = log.replace("x", "") if words else log
    there, lost = _on_axes(places, ups, log)
    jobs = [str(job) for job in values.index]
    chosen = [job for job, ok in zip(jobs, there, strict=True) if ok]
    scale(axes, log)
    _dots(axes, chosen, places[there], ups[there])
    dress(axes, "", str(config.name), str(values.name))
    if words:
        axes.set_xticks(range(len(words)), [shown(word, 20) for word in words])
    legend(figure, chosen, dotted(chosen))
    rho, n = rank_correlation(config[there], values[there]) if not words else (float("nan"), 0)
    known = f"rank correlation {rho:+.2f}, n = {n} (no cause)" if rho == rho else ""  # noqa: PLR0124
    of = f"{len(chosen):,} of {counted(len(jobs), 'job')}"
    told = f"{plain(str(values.name))} against {plain(str(config.name))}: {of}. {known}"
    return _ended(figure, told, _drawn(len(chosen), len(jobs)), *lost, known, said)


def _on_axes(x: Array, y: Array, log: str) -> tuple[Array, list[str]]:
    """Which jobs have a place on both axes, and how many have none for which reason; each is counted once."""
    left = np.ones(len(x), dtype=bool)
    low = np.zeros(len(x), dtype=bool)
    for name, values in (("x", x), ("y", y)):
        low |= (values <= 0) & (name in log)
    both = np.column_stack([x, y])
    far = (np.abs(both) > LIMIT).any(axis=1)
    for name, values in (("x", x), ("y", y)):
        far |= (values < 1 / LIMIT) & (name in log)
    lost = []
    for why, word in (
        (np.isnan(both).any(axis=1), "without a value here"),
        (np.isinf(both).any(axis=1), "not finite"),
        (low, "not above 0, not drawn"),
        (far, "too great or too small for an axis, not drawn"),
    ):
        n = int((left & why).sum())
        lost += [f"{n:,} {word}"] if n else []
        left &= ~why
    return left, lost


def _dots(axes: Axes, jobs: Sequence[str], x: Array, y: Array, *, front: Array | None = None) -> None:
    """A dot a job in its colour and its form; those of a front are greater and have an edge."""
    forms = np.array([marker(job) for job in jobs], dtype=object)
    chosen = np.zeros(len(jobs), dtype=bool) if front is None else front
    for form in dict.fromkeys(forms):
        for edge in (False, True):
            at = np.flatnonzero((forms == form) & (chosen == edge)).tolist()
            look: dict[str, Any] = {"s": 110, "edgecolors": GREY, "linewidths": 2.2} if edge else {"s": 40}
            look |= {"marker": form, "zorder": 3 if edge else 2}
            if at:
                axes.scatter(x[at], y[at], c=[colour(jobs[i]) for i in at], **look)


def _placed(values: pd.Series[Any]) -> tuple[Array, list[str]]:
    """Places on an axis, and the words at 0, 1, 2 … where the values are no numbers."""
    if is_number(values) and not any(isinstance(value, (bool, np.bool_)) for value in values.dropna()):
        return numbers(values).to_numpy(), []
    marks = [mark(value) for value in values]
    seen = list(dict.fromkeys(each for each in marks if each is not None))
    texts = {each: text_of(values.iloc[marks.index(each)]) for each in seen}
    twice = [text for text, n in Counter(texts.values()).items() if n > 1]
    words = {mark(value) for value in values if isinstance(value, str)}
    texts |= {each: f'"{texts[each]}"' for each in seen if texts[each] in twice and each in words}
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
    told = f"Parallel coordinates of {', '.join(plain(str(name), 20) for name in table.columns)}: {_count(table)}"
    bare = table.attrs.get("without_config", 0)
    return _ended(figure, told, _count(table), f"{counted(bare, 'job')} without any config" if bare else "", said)


def _scaled(at: Array) -> Array:
    fine = at[np.isfinite(at)]
    if not len(fine) or fine.min() == fine.max():
        return np.where(np.isfinite(at), 0.5, np.nan)
    low, high = fine.min() / 2, fine.max() / 2  # halved, no difference is beyond all floats
    scaled: Array = np.where(np.isfinite(at), (np.where(np.isfinite(at), at, 0.0) / 2 - low) / (high - low), np.nan)
    return scaled


def _ends(at: Array, words: Sequence[str]) -> tuple[str, str]:
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
    x, y = (numbers(values.iloc[:, at]).to_numpy() for at in (0, 1))
    front = pareto(values, wanted).to_numpy()
    there, lost = _on_axes(x, y, log)
    jobs = [str(job) for job in values.index]
    scale(axes, log)
    order = np.flatnonzero(front & there)
    order = order[np.argsort(x[order], kind="stable")]
    axes.plot(x[order], y[order], color=GREY, linewidth=1, linestyle="--", label="front", zorder=1)
    chosen = [job for job, ok in zip(jobs, there, strict=True) if ok]
    _dots(axes, chosen, x[there], y[there], front=front[there])
    aims = goals(list(map(str, values.columns)), wanted)
    ways = {"min": "less is better", "max": "more is better"}
    dress(axes, "", *(f"{name} ({ways[aims[str(name)]]})" for name in values.columns))
    axes.xaxis.set_major_locator(MaxNLocator(6)) if "x" not in log else None
    seen, best = [jobs[at] for at in order], [job for job, ok in zip(jobs, front, strict=True) if ok]
    legend(figure, seen, dotted(seen))
    unseen = len(best) - len(seen)
    hidden = f"{unseen:,} of the front not drawn" if unseen else ""
    told = f"Pareto front of {plain(str(values.columns[0]))} and {plain(str(values.columns[1]))}: "
    said = " · ".join(part for part in (*lost, hidden, said) if part)
    names = labels([*seen, *(job for job in best if job not in seen)]) if best else ["none"]
    return _ended(figure, told + ", ".join(names), _drawn(len(chosen), len(jobs)), said)


def _count(values: pd.DataFrame) -> str:
    gone = int(values.isna().to_numpy().sum())
    odd = sum(int(np.isinf(numbers(values[name])).sum()) for name in values.columns if is_number(values[name]))
    said = [counted(len(values), "job")]
    said += [f"{counted(gone, 'cell')} without a value"] if gone else []
    said += [f"{counted(odd, 'cell')} not finite"] if odd else []
    return ", ".join(said)


def _drawn(drawn: int, total: int) -> str:
    return counted(total, "job") if drawn == total else f"{drawn:,} of {counted(total, 'job')}"


def _ended(figure: Picture, told: str, *said: str) -> Picture:
    figure.told = told
    footer(figure, *said)
    use_fonts(figure)
    return figure
