"""``swnb.plot``: one figure of jobs, read for it or drawn from a frame that is there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import pandas as pd

from swnb.bridge import both_function
from swnb.client.comparing import Comparison, comparison, for_plot, with_curves
from swnb.errors import BadInput
from swnb.fetch.tasks import in_thread
from swnb.frames.compare import HOWS, Goal, How, configs, ranked
from swnb.frames.folding import by_chance, folded, folded_curves, ignored, outliers
from swnb.plots.across import draw_bars, draw_parallel, draw_pareto, draw_scatter
from swnb.plots.curves import Chart
from swnb.plots.lines import View
from swnb.plots.look import Picture, counted, labels, needs_canvas, plain
from swnb.plots.saying import count_of, when_of

Kind = Literal["curves", "bars", "scatter", "parallel", "pareto"]
KINDS: Final = ("curves", "bars", "scatter", "parallel", "pareto")
_WIDEST: Final = 200  # inches
_FIRST: Final = 6  # metrics that are drawn where none are named and each costs a field
_KEYS: Final = 8  # ignored ones that are named


async def _plot(
    jobs: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    kind: Kind = "curves",
    table: str | None = None,
    x: str = "step",
    log: str = "",
    smooth: float = 0.0,
    window: int = 1,
    span: tuple[Any, Any] | None = None,
    fold: bool = False,
    how: How = "last",
    key: str | None = None,
    goals: Mapping[str, Goal] | None = None,
    size: tuple[float, float] = (8, 4),
    interactive: bool = False,
) -> Picture:
    """Jobs of any mix of platforms as a matplotlib ``Figure``: one line a job, one field a metric.

    ``jobs`` is what ``swnb.metrics`` takes, or a frame that it gave (then nothing is fetched). ``metrics`` are names,
    None means all. ``table`` (Starwhale) is the table whose numeric columns they are; jobs that have no curves are
    drawn as bars of their final values. ``x`` is ``"step"``, ``"time"``, ``"relative"`` (since the job's first point
    read) or a metric; ``log`` is ``"x"``, ``"y"`` or ``"xy"``; ``smooth`` (weight of an exponential mean, below 1) or
    ``window`` (points of a mean) smooth, the values behind; ``span`` is the range of x; ``fold`` draws runs that differ
    only in seed, host or time as one line with its spread; ``size`` is in inches.

    ``kind`` draws one value a job instead (``how``: last, best, min, max): ``"bars"``, in the order of the config key
    ``key`` where one is given; ``"scatter"`` against ``key``; ``"parallel"`` over the differing keys; ``"pareto"`` of
    two metrics (``goals``: ``{"loss": "min"}``).
    ``interactive`` shows it in a notebook where it can be panned and zoomed; curves are then drawn in the detail of the
    range that is seen. Raises Unsupported where the package for that is missing, BadInput where a metric or key is not
    there, and what ``swnb.metrics`` and ``swnb.summary`` raise.
    """
    names = _names(metrics)
    check(kind, how)
    _check(log, size, key, goals)
    if interactive:
        needs_canvas()
    if kind == "curves":
        figure = await _curves(jobs, names, table, View(x, log, smooth, window, _floats(span, x)), fold=fold, size=size)
    else:
        found = await _read(jobs, names, table, how, goals)
        figure = await in_thread(
            lambda: across(found, kind, names, how, key=key, goals=goals, log=log, size=size),
        )
    figure.interactive = interactive
    return figure


async def _curves(
    jobs: Any, names: list[str] | None, table: str | None, view: View, *, fold: bool, size: tuple[float, float]
) -> Picture:
    frame, finals, of = long(jobs), None, None
    if fold:
        if frame is not None:
            raise BadInput("to fold runs their configs are needed", todo="Give the jobs, not a frame of their curves")
        return await in_thread(_folded, await _read(jobs, names, table, None), names, view, size)
    if frame is None:
        wanted = names if names is None or view.x in ("step", "time", "relative") else [*names, view.x]
        frame, finals, of = await for_plot(jobs, wanted, table)
        if names is None and frame.empty:
            finals = finals.iloc[:, :_FIRST]
    return (await in_thread(lambda: Chart(frame, names, view, size=size, finals=finals, of=of))).figure


plot = both_function(_plot)


def check(kind: str, how: str) -> None:
    """BadInput for what is no figure, or no value of a job."""
    for name, value, known in (("kind", kind, KINDS), ("how", how, HOWS)):
        if value not in known:
            what = "figure" if name == "kind" else "value of a metric"
            raise BadInput(f"{name}={value!r} is no {what}", todo=f"There are: {' '.join(known)}")


def _names(metrics: Any) -> list[str] | None:
    if metrics is None:
        return None
    given = [metrics] if isinstance(metrics, str) else list(metrics) if isinstance(metrics, Iterable) else [None]
    if not all(isinstance(each, str) for each in given):
        raise BadInput(f"metrics={metrics!r} names no metrics", todo="Give a name, or a list of names")
    return list(dict.fromkeys(given))


def _check(log: Any, size: Any, key: Any, goals: Any) -> None:
    """BadInput for what no figure can be drawn by."""
    if not isinstance(log, str) or not set(log) <= set("xy"):
        raise BadInput(f"log={log!r} names no axes", todo='There are "x", "y" and "xy"')
    try:
        inches = [float(each) for each in size]
    except (TypeError, ValueError):
        inches = []
    if len(inches) != 2 or not all(0 < each < _WIDEST for each in inches):
        raise BadInput(f"size={size!r} is no size", todo="Give width and height in inches, such as (8, 4)")
    if key is not None and not isinstance(key, str):
        raise BadInput(f"key={key!r} names no config key", todo="Give one name")
    if goals is not None and not isinstance(goals, Mapping):
        raise BadInput(f"goals={goals!r} names no goals", todo='Say, for example, {"loss": "min"}')


def draw(
    frame: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    *,
    x: str = "step",
    size: tuple[float, float] = (8, 4),
    **view: Any,
) -> Picture:
    """The Figure of a long frame (``job metric step value``, and ``time`` for ``x="time"``); ``log``, ``smooth``,
    ``window`` and ``span`` as for ``plot``."""
    return Chart(frame, metrics, View(x, **view), size=size).figure


async def _read(
    jobs: Any, names: list[str] | None, table: str | None, how: How | None, aims: Mapping[str, Goal] | None = None
) -> Comparison:
    """Jobs, configs and summaries, and the curves where the summaries cannot tell (``how`` None: always)."""
    found = await comparison(jobs, table=table)
    wanted = found.metrics[:_FIRST] if names is None else names
    if missing := [name for name in wanted if name not in found.metrics]:
        raise BadInput(f"there is no metric {missing[0]!r}", todo=f"There are: {', '.join(found.metrics) or 'none'}")
    return await with_curves(found, found.lacks(wanted, how, aims))


def across(
    found: Comparison,
    kind: str,
    names: Sequence[str] | None,
    how: How = "last",
    *,
    key: str | None = None,
    goals: Mapping[str, Goal] | None = None,
    log: str = "",
    size: tuple[float, float] = (8, 4),
    on: Picture | None = None,
) -> Picture:
    """The figure of one value a job and metric, ``on`` one to be used again. BadInput where the key is not there, or
    where metrics are too few."""
    chosen = list(found.metrics[:_FIRST] if names is None else names)
    values = found.values(chosen, how, goals)
    first = f"{chosen[0]}, the first of {len(chosen):,} metrics" if kind == "scatter" and len(chosen) > 1 else ""
    said = " · ".join(part for part in (f"{how} value", first, when_of(found.summary)) if part)
    config = configs(found.jobs)
    if kind == "bars" and key is None:
        return draw_bars(values, size=size, said=said, on=on)
    if kind == "parallel":
        return draw_parallel(side_by_side(config, values), size=size, said=said, on=on)
    if kind == "pareto":
        if len(chosen) != 2:
            raise BadInput(f"a Pareto front is of two metrics, not {len(chosen)}", todo="Name two in metrics")
        return draw_pareto(values, goals, log=log, size=size, said=said, on=on)
    if key not in config.columns or not chosen:
        raise BadInput(f"there is no config key {key!r}", todo=f"There are: {', '.join(config.columns) or 'none'}")
    if kind == "bars":
        return draw_bars(values, config[key], size=size, said=said, on=on)
    return draw_scatter(config[key], values.iloc[:, 0], log=log, size=size, said=said, on=on)


def side_by_side(config: pd.DataFrame, values: pd.DataFrame, most: int = 8) -> pd.DataFrame:
    """The differing keys that go most with the first metric, then the metrics."""
    first = values.iloc[:, 0] if len(values.columns) else pd.Series(float("nan"), index=values.index)
    told_apart = ranked(config, first)
    several = told_apart.index[told_apart["distinct"] > 1]
    keys = [name for name in several if not by_chance(str(name))][:most]
    told = values.rename(columns={name: f"{name} (metric)" for name in values.columns if name in keys})
    table: pd.DataFrame = config[keys].join(told)
    table.attrs["without_config"] = told_apart.attrs["without_config"]
    return table


def _folded(found: Comparison, names: list[str] | None, view: View, size: tuple[float, float]) -> Picture:
    frame = found.curves if names is None else found.curves[found.curves["metric"].isin([*names, view.x])]
    frame.attrs = found.curves.attrs
    return fold_chart(found, frame, names, view, size=size).figure


def fold_chart(
    found: Comparison,
    frame: pd.DataFrame,
    names: list[str] | None,
    view: View,
    *,
    size: tuple[float, float],
    on: Picture | None = None,
) -> Chart:
    """Runs that differ only by chance as one line: mean, spread, n. ``on``: a figure to be used again."""
    if view.x not in ("step",):
        raise BadInput("runs are folded step by step", todo='Draw them over x="step"')
    there = set(frame["job"].unique())
    groups = {first: kept for first, all_ in folded(found.jobs).items() if (kept := [j for j in all_ if j in there])}
    groups = {kept[0]: kept for kept in groups.values()}
    mean = folded_curves(frame, groups)
    mean.attrs = {}
    shown_names = list(dict.fromkeys(frame["metric"])) if names is None else names
    points, odd = int(mean["n"].sum()), int(mean["odd"].sum())
    again = len(frame) - points - odd
    chance = ignored(found.jobs, groups)
    said = (
        f"{counted(len(there), 'run')} as {counted(len(groups), 'line')}, mean ± standard deviation",
        count_of(frame, points, len(frame)),
        f"{odd:,} not finite, in no mean" if odd else "",
        f"{again:,} written again at the same step" if again else "",
        "thin where n is less" if _runs_end(mean) else "",
        f"config keys ignored: {_some(chance)}" if chance else "",
    )
    far = far_of(found, shown_names)
    told = " · ".join(part for part in (*said, far, when_of(frame)) if part)
    chart = Chart(mean, names, view, size=size, names=_titles(mean, groups), said=told, on=on)
    chart.figure.told += f". {far}" if far else ""
    return chart


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _KEYS:,} more" if len(names) > _KEYS else ""
    return ", ".join(plain(name, 24) for name in names[:_KEYS]) + more


def _titles(mean: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What the legend says of each group: its first job and how many runs are really in its means, by metric where
    that differs."""
    short = dict(zip(groups, labels(list(groups)) if groups else [], strict=True))
    said = {}
    for first, members in groups.items():
        mine = mean[(mean["job"] == first) & (mean["n"] > 0)]
        by = {str(metric): _range(part["n"], len(members)) for metric, part in mine.groupby("metric", observed=True)}
        if len(members) == 1 or not by:
            said[first] = short[first]
        elif len(set(by.values())) == 1:
            said[first] = f"{short[first]} (mean of n = {next(iter(by.values()))})"
        else:
            told = ", ".join(f"{n} {plain(metric, 12)}" for metric, n in list(by.items())[:3])
            said[first] = f"{short[first]} (mean of n = {told}{', …' if len(by) > 3 else ''})"
    return said


def _range(n: pd.Series[int], runs: int) -> str:
    low, high = int(n.min()), int(n.max())
    return (f"{low}-{high}" if low < high else f"{high}") + (f" of {runs} runs" if high < runs else "")


def _runs_end(mean: pd.DataFrame) -> bool:
    """Whether some line is not at all steps the mean of equally many."""
    there = mean[mean["n"] > 0]
    return bool((there.groupby(["job", "metric"], observed=True)["n"].nunique() > 1).any())


def far_of(found: Comparison, names: Sequence[str]) -> str:
    """The outliers among like runs, and those that diverged, as words."""
    groups, told = folded(found.jobs), []
    for name in names:
        curves = found.curves[found.curves["metric"] == name]
        for apart in outliers(curves if len(curves) else _ends_of(found, name), groups).values():
            others = f"the other {apart.n - len(apart.far)}"
            where = "" if apart.step is None else f" at step {apart.step:,g}"
            if apart.far:
                told.append(f"{plain(name)}: {', '.join(labels(apart.far))} far from {others}{where}")
            if apart.diverged:
                told.append(f"{plain(name)}: {', '.join(labels(apart.diverged))} diverged (last value not finite)")
    return f"outliers: {'; '.join(told)}" if told else ""


def _ends_of(found: Comparison, name: str) -> pd.DataFrame:
    """Final values as curves of one step, where there are no curves."""
    ends = found.values([name], "last")[name].dropna()
    cells = {"job": ends.index.astype(object), "metric": name, "step": 0, "value": ends.to_numpy()}
    curves: pd.DataFrame = pd.DataFrame(cells)
    return curves


def _floats(span: tuple[Any, Any] | None, x: str) -> tuple[float, float] | None:
    """A range of x as the axis counts it: times as days since 1970, durations as seconds."""
    if span is None:
        return None
    try:
        low, high = (_place(end, x) for end in span)
    except (TypeError, ValueError, OverflowError):
        low, high = 0.0, 0.0
    if not low < high or not all(map(math.isfinite, (low, high))):
        raise BadInput(f"span={span!r} is no range of {x}", todo="Give its two ends, the lower first")
    return low, high


def _place(end: Any, x: str) -> float:
    if x == "time" and not isinstance(end, (int, float)):
        moment = pd.Timestamp(end)
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment
        return float(moment.timestamp() / 86_400)
    return (
        float(pd.Timedelta(end).total_seconds())
        if x == "relative" and not isinstance(end, (int, float))
        else float(end)
    )


def long(jobs: Any) -> pd.DataFrame | None:
    """A frame of ``swnb.metrics``, wide ones made long (without what is missing in them: they do not tell a NaN from a
    step that a metric has no value at); None for anything else."""
    if not isinstance(jobs, pd.DataFrame):
        return None
    if {"job", "metric", "step", "value"} <= set(jobs.columns):
        return jobs
    if list(jobs.index.names) != ["job", "step"]:
        return None
    tall: pd.DataFrame = jobs.reset_index().melt(["job", "step"], var_name="metric", value_name="value")
    tall = tall[tall["value"].notna()]  # most are no NaN but steps at which others have a value
    tall.attrs = jobs.attrs
    return tall
