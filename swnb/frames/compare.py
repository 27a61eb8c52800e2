"""Jobs side by side: one value a metric, what differs in their configs, what goes with what.

Pure frame work. Rules: a missing value stays missing and is counted, never a zero; a correlation is called one and has
its n; a job whose config is not known is not said to be like another.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from swnb.errors import BadInput

Goal = Literal["min", "max"]
How = Literal["last", "best", "min", "max"]
HOWS: Final = ("last", "best", "min", "max")

_LESS_IS_BETTER: Final = re.compile(
    r"[a-z]*loss|err(?:or)?s?|r?mse|mae|mape|wer|cer|eer|fid|perplexity|ppl|nll|bpb|bpc|kl|regret|costs?|latency|"
    r"seconds?|duration|(?:run)?time|bytes|memory"
)
_RATE: Final = re.compile(r"(?:_per_|/)s(?:ec(?:ond)?s?)?$|throughput")


def goal(metric: str) -> Goal:
    """Whether less or more of a metric is better, told by the words of its name; of a rate, as tokens/second, more."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", metric).lower()
    if _RATE.search(name):
        return "max"
    return "min" if any(map(_LESS_IS_BETTER.fullmatch, re.split(r"[^a-z]+", name))) else "max"


def goals(metrics: Sequence[str], given: Mapping[str, Goal] | None = None) -> dict[str, Goal]:
    """A goal for each metric: the given one, else that of its name. BadInput for another word than min and max."""
    for metric, word in (given or {}).items():
        if word not in ("min", "max"):
            raise BadInput(f"{word!r} is no goal of {metric}", todo='There are "min" and "max"')
    return {metric: (given or {}).get(metric) or goal(metric) for metric in metrics}


def numbers(values: pd.Series[Any]) -> pd.Series[float]:
    """As floats: what is no number, and what is missing, is NaN. Texts are no numbers, bools are 0 and 1."""
    if pd.api.types.is_numeric_dtype(values):
        cells = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        cells = np.array([_float(v) if isinstance(v, (int, float, np.number, np.bool_)) else np.nan for v in values])
    found: pd.Series[float] = pd.Series(cells, index=values.index, dtype=np.float64)
    return found


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer that is greater than every float
        return math.inf if value > 0 else -math.inf


def is_number(values: pd.Series[Any]) -> bool:
    """Whether some value is there and all that are there are numbers."""
    there = values.dropna()
    return len(there) > 0 and bool(numbers(there).notna().all())


def metric_columns(summary: pd.DataFrame) -> list[str]:
    """The metrics of a summary: its numeric columns, without the ``.min`` and ``.max`` beside them."""
    names = [str(name) for name in summary.columns if name != "id" and is_number(summary[name])]
    return [name for name in names if not (name.endswith((".min", ".max")) and name[:-4] in summary.columns)]


def reduced(curves: pd.DataFrame) -> pd.DataFrame:
    """Of long curves, index ``job, metric``: ``last`` (the value of the last step, be it NaN), ``min`` and ``max`` (of
    the finite values)."""
    ordered = curves.sort_values("step", kind="stable") if len(curves) else curves
    ends = ordered.drop_duplicates(["job", "metric"], keep="last").set_index(["job", "metric"])["value"]
    finite = curves[np.isfinite(curves["value"].to_numpy(dtype=np.float64, na_value=np.nan))]
    by = finite.groupby(["job", "metric"], sort=False, observed=True)["value"]
    found: pd.DataFrame = pd.DataFrame({"last": ends}).join(by.agg(["min", "max"]))
    return found


def values_of(
    jobs: Sequence[str],
    metrics: Sequence[str],
    how: How,
    *,
    summary: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    wanted: Mapping[str, Goal] | None = None,
) -> pd.DataFrame:
    """One value a job and metric, index ``job``; missing where it is not known.

    From the curves where they were read, else from the summary (``metric``, ``metric.min``, ``metric.max``). ``best``
    is the least or greatest by the goal, and the final value where only that is known.
    """
    if how not in HOWS:
        raise BadInput(f"{how!r} is no way to sum up a metric", todo=f"There are: {' '.join(HOWS)}")
    aims = goals(metrics, wanted)
    read = reduced(curves) if curves is not None and len(curves) else None
    columns = {name: _one(jobs, name, aims[name] if how == "best" else how, summary, read) for name in metrics}
    frame: pd.DataFrame = pd.DataFrame(columns, index=pd.Index(list(jobs), name="job"))
    if how == "best":
        last = {name: _one(jobs, name, "last", summary, read) for name in metrics}
        frame = frame.fillna(pd.DataFrame(last, index=frame.index))
    return frame


def _one(jobs: Sequence[str], metric: str, how: str, summary: pd.DataFrame, read: pd.DataFrame | None) -> Any:
    name = metric if how == "last" else f"{metric}.{how}"
    known = pd.Series(np.nan, index=pd.Index(list(jobs)))
    if name in summary.columns:
        known = numbers(summary[name]).reindex(known.index)
    if read is not None and metric in read.index.get_level_values("metric"):
        seen = read.xs(metric, level="metric")[how]
        known = known.where(~known.index.isin(seen.index), seen.reindex(known.index))
    return known.to_numpy()


def configs(jobs: pd.DataFrame) -> pd.DataFrame:
    """The ``config.*`` columns of a frame of ``swnb.jobs(…, config=True)`` under their own names."""
    names = [name for name in jobs.columns if str(name).startswith("config.")]
    found: pd.DataFrame = jobs[names].rename(columns=lambda name: name.removeprefix("config."))
    return found


def without_config(config: pd.DataFrame) -> pd.Series[bool]:
    """Which jobs have no config at all, as those of a platform that keeps none; of them nothing is known to differ."""
    found: pd.Series[bool] = config.isna().all(axis=1).astype(bool)
    return found


def differing(config: pd.DataFrame) -> pd.DataFrame:
    """Only the keys in which jobs differ; one that a job lacks and another has differs. Jobs without any config are in
    no comparison; their rows stay."""
    known = config[~without_config(config)]
    kept = [name for name in config.columns if len({mark(value) for value in known[name]}) > 1]
    found: pd.DataFrame = config[kept]
    return found


def mark(value: Any) -> Hashable:
    """A value as something that equals itself: 1 and 1.0 are one, 1 and True are not, nested ones by content."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return ("bool", bool(value))
    if isinstance(value, (int, float, np.number)):
        # Python compares and hashes its ints and floats by their exact values.
        return None if value != value else ("number", value.item() if isinstance(value, np.generic) else value)  # noqa: PLR0124
    if isinstance(value, str):
        return ("text", value)
    return ("other", json.dumps(value, sort_keys=True, default=str))


def rank_correlation(one: pd.Series[Any], other: pd.Series[Any]) -> tuple[float, int]:
    """Spearman's rank correlation over the jobs that have both numbers, and how many those are; NaN where one of
    them does not vary, or where fewer than three have both."""
    both = pd.DataFrame({"one": numbers(one), "other": numbers(other)}).dropna()
    n = len(both)
    if n < 3 or both["one"].nunique() < 2 or both["other"].nunique() < 2:
        return float("nan"), n
    ranks = both.rank()
    return float(np.clip(np.corrcoef(ranks["one"], ranks["other"])[0, 1], -1.0, 1.0)), n


def ranked(config: pd.DataFrame, values: pd.Series[float]) -> pd.DataFrame:
    """The differing keys, those that go most with the metric first: index ``key``; ``correlation`` (rank correlation,
    which is no cause), ``n`` (jobs that have both), ``distinct`` values, ``missing`` (jobs with a config without the
    key). How many jobs have no config at all stands in ``attrs["without_config"]``.

    A key whose values are no numbers has no order, so no correlation; such keys stand last."""
    rows = []
    bare = without_config(config)
    values = values[~bare.to_numpy()]
    for name in differing(config).columns:
        cells = config[name][~bare.to_numpy()]
        orders = is_number(cells)
        rho, n = rank_correlation(cells, values) if orders else (float("nan"), 0)
        marks = [mark(value) for value in cells]
        told = {each for each in marks if each is not None}
        both = n if orders else sum(m is not None and v == v for m, v in zip(marks, values, strict=True))  # noqa: PLR0124
        rows.append((name, rho, both, len(told), marks.count(None)))
    frame = pd.DataFrame(rows, columns=["key", "correlation", "n", "distinct", "missing"]).set_index("key")
    order = frame["correlation"].abs().sort_values(ascending=False, na_position="last", kind="stable").index
    found: pd.DataFrame = frame.loc[order]
    found.attrs["without_config"] = int(bare.sum())
    return found


def pareto(values: pd.DataFrame, wanted: Mapping[str, Goal] | None = None) -> pd.Series[bool]:
    """Which jobs no other beats in all columns at once; a job without a finite value in each is not among them."""
    aims = goals(list(values.columns), wanted)
    signs = np.array([1.0 if aims[name] == "min" else -1.0 for name in values.columns])
    points = np.column_stack([numbers(values[name]).to_numpy() for name in values.columns]) * signs
    whole = np.isfinite(points).all(axis=1)
    front = [
        bool(whole[at])
        and not bool(((points[whole] <= points[at]).all(axis=1) & (points[whole] < points[at]).any(axis=1)).any())
        for at in range(len(points))
    ]
    found: pd.Series[bool] = pd.Series(front, index=values.index, dtype=bool)
    return found


def best_of(values: pd.DataFrame, wanted: Mapping[str, Goal] | None = None) -> pd.DataFrame:
    """The best job a metric: index ``metric``; ``goal value job ties`` (others as good) ``n`` (with a finite value)
    ``missing`` (without a value) ``not_finite``."""
    rows = []
    for name, aim in goals(list(values.columns), wanted).items():
        there = numbers(values[name]).dropna()
        odd, there = int(np.isinf(there).sum()), there[np.isfinite(there)]
        top = float(there.min() if aim == "min" else there.max()) if len(there) else float("nan")
        best = [str(uri) for uri in there.index[there == top]]
        rows.append(
            (
                name,
                aim,
                top,
                best[0] if best else None,
                max(len(best) - 1, 0),
                len(there),
                len(values) - len(there) - odd,
                odd,
            )
        )
    frame = pd.DataFrame(rows, columns=["metric", "goal", "value", "job", "ties", "n", "missing", "not_finite"])
    found: pd.DataFrame = frame.set_index("metric")
    return found


def shades(values: pd.Series[Any]) -> list[float | None]:
    """Where each value lies between the least and the greatest of its column, 0 to 1; None where it is missing, or
    where they are all the same."""
    cells = numbers(values).to_numpy()
    fine = cells[np.isfinite(cells)]
    if not len(fine) or fine.min() == fine.max():
        return [None] * len(cells)
    low, high = float(fine.min()) / 2, float(fine.max()) / 2  # halved, no difference is beyond all floats
    return [float((v / 2 - low) / (high - low)) if np.isfinite(v) else None for v in cells]
