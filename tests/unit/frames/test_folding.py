from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.frames.compare import configs
from swnb.frames.folding import by_chance, folded, folded_curves, ignored, outliers

NAN, INF = float("nan"), float("inf")


def curve(job: str, values: list[float], metric: str = "loss", steps: Any = None) -> pd.DataFrame:
    at = range(len(values)) if steps is None else steps
    return pd.DataFrame({"job": job, "metric": metric, "step": at, "value": values})


def jobs_of(**config: list[object]) -> pd.DataFrame:
    size = len(next(iter(config.values())))
    index = pd.Index([f"lab/project/1/job/{n}" for n in range(size)], name="job")
    return pd.DataFrame(
        {f"config.{name}": pd.Series(cells, dtype=object).to_numpy() for name, cells in config.items()}, index
    )


# -- what is chance

SEEDS = (
    "seed",
    "train.seed",
    "data_seed",
    "seed_everything",
    "seed_torch",
    "random_state",
    "PYTHONHASHSEED",
    "rngSeed",
)
RANKS = ("local_rank", "globalRank", "world-rank", "node_rank", "LOCAL_RANK")
PLACES = ("env/HOST", "hostname", "node_name", "machine", "pid", "device", "gpu_id", "gpu_ids", "CUDA_VISIBLE_DEVICES")
TIMES = ("start_time", "started_at", "startTime", "end_time", "created", "created_at", "timestamp", "run_date")
NAMES = ("run_id", "runName", "job_id", "uuid", "output_dir", "log_dir", "saveDir", "work_dir", "checkpoint_dir", "cwd")


@pytest.mark.parametrize("key", [*SEEDS, *RANKS, *PLACES, *TIMES, *NAMES])
def test_a_key_of_chance(key: str) -> None:
    assert by_chance(key)


WORDS = (
    "lora_rank",
    "rank",
    "max_time",
    "warmup_time",
    "hidden_node",
    "num_node",
    "cutoff_date",
    "node",
    "time",
    "date",
)
MORE = ("lr", "seeding", "seed.strategy", "seed_length", "num_seeds", "timeout", "ghost", "runtime", "gpus", "name")


@pytest.mark.parametrize("key", [*WORDS, *MORE, "data_dir", "checkpoint_path", "device_count", "time_step", "start"])
def test_a_key_that_means_something(key: str) -> None:
    assert not by_chance(key)


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.sampled_from(["rank", "time", "node", "date", "at", "id"]))
def test_a_word_behind_another_is_chance_only_if_both_are_named(word: str, tail: str) -> None:
    known = ("local", "global", "world", "start", "started", "end", "ended", "finish", "finished", "launch", "launched")
    known += (
        "create",
        "created",
        "updated",
        "run",
        "job",
        "trial",
        "host",
        "node",
        "machine",
        "worker",
        "device",
        "gpu",
    )
    assert not by_chance(f"{word}_{tail}") or word in (*known, "process", "slurm_job")


# -- who belongs together


def test_runs_that_differ_only_in_seed_host_or_time_are_folded() -> None:
    jobs = jobs_of(lr=[0.1, 0.1, 0.2], seed=[1, 2, 1], host=["a", "b", "a"])
    a, b, c = jobs.index
    assert folded(jobs) == {a: [a, b], c: [c]}


def test_what_differs_inside_groups_and_was_ignored_is_told() -> None:
    jobs = jobs_of(lr=[0.1, 0.1, 0.2], seed=[1, 2, 1], host=["a", "a", "b"], pid=[None, 3, None])
    assert ignored(jobs, folded(jobs)) == ["seed", "pid"]


def test_ranks_of_a_hyperparameter_stay_apart() -> None:
    assert len(folded(jobs_of(lora_rank=[4, 8, 16], seed=[1, 1, 1]))) == 3


def test_jobs_without_a_config_are_not_said_to_be_alike() -> None:
    jobs = jobs_of(lr=[None, None, 0.1])
    assert all(len(members) == 1 for members in folded(jobs).values())
    assert len(folded(jobs[[]])) == 3
    assert list(configs(jobs).columns) == ["lr"]


def test_jobs_of_two_projects_are_not_folded() -> None:
    jobs = jobs_of(lr=[0.1, 0.1])
    jobs.index = pd.Index(["lab/project/1/job/1", "lab/project/2/job/1"])
    assert len(folded(jobs)) == 2


# -- mean curves


def test_a_folded_curve_has_mean_spread_and_n_and_a_nan_is_in_no_mean_but_counted() -> None:
    both = pd.concat([curve("a", [1.0, 2.0, NAN]), curve("b", [3.0, 2.0, 5.0]), curve("other", [9.0])])
    found = folded_curves(both, {"a": ["a", "b"]})
    assert found["job"].unique().tolist() == ["a"]
    assert found["value"].tolist() == [2.0, 2.0, 5.0]
    assert found["n"].tolist() == [2, 2, 1]
    assert found["odd"].tolist() == [0, 0, 1]
    assert np.allclose(found["spread"].tolist()[:2], [math.sqrt(2), 0.0])
    assert math.isnan(found["spread"].tolist()[2])


def test_an_infinity_is_in_no_mean_and_not_in_n() -> None:
    found = folded_curves(pd.concat([curve("a", [1.0]), curve("b", [INF])]), {"a": ["a", "b"]})
    assert found[["value", "n", "odd"]].to_numpy().tolist() == [[1.0, 1, 1]]


def test_a_step_that_was_written_twice_counts_once_with_its_last_value() -> None:
    found = folded_curves(pd.concat([curve("a", [9.0, 1.0], steps=[0, 0]), curve("b", [3.0])]), {"a": ["a", "b"]})
    assert found[["value", "n"]].to_numpy().tolist() == [[2.0, 2]]


points = st.tuples(
    st.sampled_from("abc"), st.integers(0, 3), st.one_of(st.floats(-9, 9), st.sampled_from([NAN, INF, -INF]))
)


@given(st.lists(points, max_size=40))
def test_a_mean_is_that_of_the_last_finite_points_and_n_counts_them(rows: list[tuple[str, int, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["job", "step", "value"]).astype({"value": float}).assign(metric="loss")
    last = {(job, step): value for job, step, value in rows}
    found = folded_curves(frame, {"a": ["a", "b", "c"]})
    assert sorted(found["step"]) == sorted({step for _, step in last})
    for step, value, n, odd in found[["step", "value", "n", "odd"]].itertuples(index=False):
        there = [v for (_, at), v in last.items() if at == step]
        fine = [v for v in there if math.isfinite(v)]
        assert (n, odd) == (len(fine), len(there) - len(fine))
        assert math.isnan(value) if not fine else math.isclose(value, sum(fine) / len(fine), abs_tol=1e-9)


def test_the_mean_of_the_greatest_floats_is_finite_and_small_ones_beside_them_keep_their_spread() -> None:
    frame = pd.concat([curve("a", [1.5e308]), curve("b", [1.7e308]), curve("a", [1e-5], "m"), curve("b", [3e-5], "m")])
    big, small = folded_curves(frame, {"a": ["a", "b"]}).itertuples(index=False)
    assert math.isclose(big.value, 1.6e308)
    assert math.isclose(big.spread, 0.1e308 * math.sqrt(2), rel_tol=1e-6)
    assert math.isclose(small.spread, 1e-5 * math.sqrt(2), rel_tol=1e-6)


# -- who went another way


def ended(**last: float) -> pd.DataFrame:
    return pd.concat([curve(job, [5.0, value]) for job, value in last.items()])


def test_an_outlier_is_named_among_four_and_more_only() -> None:
    found = outliers(ended(a=1.0, b=1.1, c=0.9, d=7.0), {"a": list("abcd")})["a"]
    assert (found.far, found.diverged, found.n, found.step) == (("d",), (), 4, None)
    assert outliers(ended(b=1.0, c=0.9, d=7.0), {"b": list("bcd")}) == {}
    assert outliers(ended(a=1.0, b=1.0, c=1.0, d=1.0), {"a": list("abcd")}) == {}


def test_runs_are_compared_at_the_last_step_that_all_have() -> None:
    runs = {job: curve(job, [10.0 - at + n / 10 for at in range(10)]) for n, job in enumerate("abcd")}
    short = curve("e", [10.0 - at for at in range(4)])
    assert outliers(pd.concat([*runs.values(), short]), {"a": list("abcde")}) == {}
    short["value"] += 90
    found = outliers(pd.concat([*runs.values(), short]), {"a": list("abcde")})["a"]
    assert (found.far, found.n, found.step) == (("e",), 5, 3.0)


def test_a_run_that_ends_without_a_finite_value_diverged_and_is_not_among_the_others() -> None:
    curves = pd.concat([ended(a=1.0, b=1.1, c=0.9, d=1.0, e=40.0, f=NAN, g=INF), curve("h", [])])
    found = outliers(curves, {"a": list("abcdefgh")})["a"]
    assert (found.far, found.diverged, found.n) == (("e",), ("f", "g"), 5)
    assert outliers(ended(a=1.0, b=NAN), {"a": ["a", "b"]})["a"].diverged == ("b",)
    assert outliers(ended(a=NAN), {"a": ["a"]}) == {}


def test_a_run_of_the_greatest_floats_is_an_outlier_like_any_other() -> None:
    curves = ended(a=1e308, b=1.01e308, c=1e308, d=-1.7e308)
    assert outliers(curves, {"a": list("abcd")})["a"].far == ("d",)
