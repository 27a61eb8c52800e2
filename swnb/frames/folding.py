"""Seeds folded: which jobs are runs of one experiment, their mean curves, and those that went another way.

Rules: only keys of a closed list of names are chance, so that no hyperparameter is averaged away; a mean says how many
runs really are in it at each step; a value that is not finite is in no mean, and is counted.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from swnb.frames.compare import configs, mark

_FAR: Final = 3.5  # robust standard deviations from the median that make an outlier
_ENOUGH: Final = 4  # runs, below which nobody is called an outlier
_HUGE: Final = 1e100  # from here on a square may be no float
_SEEDED: Final = (
    r"\d+|all|data|dataloader|dataset|env|eval|everything|global|init|model|np|number|numpy|python|random|sampler|"
    r"shuffle|split|test|torch|train|training|val|value|workers?"
)
#: what runs of one experiment may differ in and still be the same experiment, by the last part of the key in snake
#: case; never a word that may be a hyperparameter behind another one (lora_rank, max_time, num_node, cutoff_date)
_BY_CHANCE: Final = re.compile(
    rf"(?!(?:n|num|number_of|max|min)_)(?:.*_)?seeds?|seed_(?:{_SEEDED})|(?:.*_)?random_?state|python_?hash_?seed|"
    r"(?:local|global|world|node)_?rank|"
    r"host|(?:host|node|machine)_?name|(?:host|node|machine|worker)_?id|machine|"
    r"pid|process_id|device|(?:device|gpu)_?(?:ids?|index|uuid)|cuda_device|cuda_visible_devices|ip|ip_address|"
    r"(?:run_)?(?:start|started|end|ended|finish|finished|launch|launched|create|created)_?(?:at|time)|"
    r"created|updated_?at|(?:run_)?timestamp|run_date(?:time)?|date_of_run|"
    r"(?:run|job|trial)_?(?:id|uuid)|(?:run|job|trial)_?name|slurm_job_?id|uuid|"
    r"(?:out|output|log|logging|save|work|working|checkpoint|ckpt|run)_?dir(?:ectory)?|cwd"
)


def by_chance(key: str) -> bool:
    """Whether a key only says which of several like runs this was: a seed, a host, a time, a place on a disk."""
    last = re.split(r"[./]", key)[-1]
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last)
    return _BY_CHANCE.fullmatch(re.sub(r"[\s_\-]+", "_", words).lower()) is not None


def folded(jobs: pd.DataFrame) -> dict[str, list[str]]:
    """Jobs that differ only in seed, host or time, together: the first of each group and all its members.

    Only jobs of one project whose configs are known are put together; every other one is a group of its own."""
    config = configs(jobs)
    kept = [name for name in config.columns if not by_chance(str(name))]
    groups: dict[Hashable, list[str]] = {}
    for at, uri in enumerate(map(str, jobs.index)):
        known = config.iloc[at].notna().any() if len(config.columns) else False
        same = (uri.rpartition("/job/")[0], *(mark(config[name].iloc[at]) for name in kept))
        groups.setdefault(same if known else uri, []).append(uri)
    return {members[0]: members for members in groups.values()}


def ignored(jobs: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The config keys in which members of one group differ, so that were taken for chance."""
    config = configs(jobs)
    config.index = config.index.map(str)
    several = [list(members) for members in groups.values() if len(members) > 1]
    return [
        str(name)
        for name in config.columns
        if by_chance(str(name)) and any(len({mark(v) for v in config.loc[of, name]}) > 1 for of in several)
    ]


def last_points(curves: pd.DataFrame) -> pd.DataFrame:
    """Of points of one job and metric at one step, the one that was written last."""
    found: pd.DataFrame = curves.drop_duplicates(["job", "metric", "step"], keep="last")
    return found


def folded_curves(curves: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Curves of the groups: ``job`` (the first of the group) ``metric step value`` (the mean at that step) ``spread``
    (standard deviation, missing where n is 1) ``n`` (runs that have a finite value there) ``odd`` (runs whose value
    there is not finite, so in no mean)."""
    owner = {uri: first for first, members in groups.items() for uri in members}
    mine = last_points(curves)
    mine = mine.assign(job=mine["job"].astype(object).map(owner))
    mine = mine[mine["job"].notna()]
    values = mine["value"].to_numpy(dtype=np.float64, na_value=np.nan)
    fine = np.isfinite(values)
    mine = mine.assign(value=np.where(fine, values, np.nan), odd=~fine, scale=1.0)
    if len(mine) and mine["value"].abs().max() > _HUGE:
        most = mine["value"].abs().groupby([mine["job"], mine["metric"]], observed=True).transform("max")
        mine["scale"] = np.where(most > _HUGE, 2.0**600, 1.0)  # a power of two: it changes no digit
        mine["value"] /= mine["scale"]
    by = mine.groupby(["job", "metric", "step"], observed=True, sort=False)
    summed = {"value": ("value", "mean"), "spread": ("value", "std"), "n": ("value", "count"), "odd": ("odd", "sum")}
    frame: pd.DataFrame = by.agg(**summed, scale=("scale", "first")).reset_index()
    most_there = float(np.finfo(np.float64).max) / frame["scale"]
    for name in ("value", "spread"):
        frame[name] = frame[name].clip(-most_there, most_there) * frame["scale"]
    found: pd.DataFrame = frame.drop(columns="scale")
    return found


@dataclass(frozen=True, slots=True)
class Apart:
    """Of one group and metric: the jobs ``far`` from the others among the ``n`` whose values were compared (at
    ``step``, where that is not everybody's last), and the ``diverged``, whose last value is not finite."""

    far: tuple[str, ...] = ()
    diverged: tuple[str, ...] = ()
    n: int = 0
    step: float | None = None


def outliers(curves: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> dict[str, Apart]:
    """Of one metric's curves, by group, who went another way: those whose last value is not finite, and, among four and
    more others, those more than 3.5 robust standard deviations (by the median absolute deviation) from the median. The
    others are compared at the last step at which all of them have a finite value, never one's middle with another's
    end."""
    points = last_points(curves).sort_values("step", kind="stable")
    by = {str(job): part.set_index("step")["value"] for job, part in points.groupby("job", observed=True)}
    found = {
        first: _apart({uri: by[uri] for uri in members if uri in by})
        for first, members in groups.items()
        if len(members) > 1
    }
    return {first: apart for first, apart in found.items() if apart.far or apart.diverged}


def _apart(runs: Mapping[str, pd.Series[float]]) -> Apart:
    lost = tuple(uri for uri, values in runs.items() if not np.isfinite(values.iloc[-1]))
    others = [values[np.isfinite(values)].rename(uri) for uri, values in runs.items() if uri not in lost]
    if len(others) < _ENOUGH:
        return Apart((), lost)
    both = pd.concat(others, axis=1, join="inner")
    if both.empty:
        return Apart((), lost)
    step = both.index.max()
    ends = {values.index.max() for values in runs.values()}
    return Apart(_far(both.loc[step]), lost, len(others), None if ends == {step} else float(step))


def _far(values: pd.Series[float]) -> tuple[str, ...]:
    most = float(values.abs().max())
    values = values / most if most else values  # of values near the greatest float even a median overflows
    away = (values - values.median()).abs()
    limit = _FAR * 1.4826 * float(away.median()) + 1e-9
    return tuple(str(uri) for uri in values.index[away > limit])
