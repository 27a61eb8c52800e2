from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.errors import BadInput
from swnb.frames.compare import (
    best_of,
    configs,
    differing,
    goal,
    mark,
    metric_columns,
    numbers,
    pareto,
    rank_correlation,
    ranked,
    shades,
    values_of,
    without_config,
)

NAN = float("nan")


def curve(job: str, values: list[float], metric: str = "loss") -> pd.DataFrame:
    return pd.DataFrame({"job": job, "metric": metric, "step": range(len(values)), "value": values})


def jobs_of(**config: list[object]) -> pd.DataFrame:
    size = len(next(iter(config.values())))
    index = pd.Index([f"lab/project/1/job/{n}" for n in range(size)], name="job")
    return pd.DataFrame(
        {f"config.{name}": pd.Series(cells, dtype=object).to_numpy() for name, cells in config.items()}, index
    )


# -- one value a metric


LESS = ("train/loss", "val_loss", "rmse", "top1_err", "wer", "latency", "eval_runtime", "seconds/step", "kl_div", "bpb")
CAMEL = ("lossTrain", "trainLoss", "valMSE", "ELBOLoss", "CERTest", "cost", "total_cost", "regret", "eer", "step_time")
MORE = ("accuracy", "glossary", "power", "f1", "closeness", "mAP", "timesteps", "klarity", "costume")
RATES = (
    "bytes_per_second",
    "tokens/second",
    "samples/s",
    "errors_per_sec",
    "train_samples_per_second",
    "lossPerSecond",
)


@pytest.mark.parametrize("name", [*LESS, *CAMEL, *MORE, *RATES])
def test_a_goal_is_told_by_the_name(name: str) -> None:
    assert goal(name) == ("min" if name in LESS or name in CAMEL else "max")


SUMMARY = pd.DataFrame(
    {"id": ["a", "b"], "loss": [0.5, NAN], "loss.min": [0.2, NAN], "acc": [0.8, 0.9]}, index=["a", "b"]
)


def test_the_metrics_of_a_summary_are_its_numeric_columns_without_their_extremes() -> None:
    assert metric_columns(SUMMARY.assign(note="x", other=["1", "2"])) == ["loss", "acc"]


def test_curves_that_were_read_tell_more_than_the_summary() -> None:
    read = pd.concat([curve("a", [3.0, 0.1, 0.4]), curve("a", [0.1, 0.95, 0.7], "acc")])
    for how, loss, acc in (("last", 0.4, 0.7), ("min", 0.1, 0.1), ("max", 3.0, 0.95), ("best", 0.1, 0.95)):
        found = values_of(["a", "b"], ["loss", "acc"], how, summary=SUMMARY, curves=read)
        assert found.loc["a"].tolist() == [loss, acc]


def test_what_is_not_known_is_missing_and_never_the_final_value_said_to_be_an_extreme() -> None:
    found = values_of(["a", "b", "c"], ["loss", "acc"], "min", summary=SUMMARY)
    assert found["loss"].tolist()[0] == 0.2
    assert found["loss"].isna().tolist() == [False, True, True]
    assert found["acc"].isna().all()


def test_best_is_the_final_value_where_only_that_is_known() -> None:
    assert values_of(["b"], ["acc"], "best", summary=SUMMARY)["acc"].tolist() == [0.9]


def test_the_last_value_is_that_of_the_last_step_be_it_nan() -> None:
    read = curve("a", [1.0, 0.5, NAN]).iloc[::-1]
    assert values_of(["a"], ["loss"], "last", summary=SUMMARY, curves=read)["loss"].isna().all()
    assert values_of(["a"], ["loss"], "min", summary=SUMMARY, curves=read)["loss"].tolist() == [0.5]


def test_another_word_is_bad_input() -> None:
    with pytest.raises(BadInput, match="mean"):
        values_of(["a"], ["loss"], "mean", summary=SUMMARY)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no goal of loss"):
        values_of(["a"], ["loss"], "best", summary=SUMMARY, wanted={"loss": "less"})  # type: ignore[dict-item]


def test_the_best_job_of_each_metric_with_ties_and_how_many_lack_it() -> None:
    values = pd.DataFrame({"loss": [0.2, 0.1, 0.1, NAN], "acc": [0.5, 0.9, NAN, NAN]}, index=list("abcd"))
    best = best_of(values)
    assert best.loc["loss", ["goal", "value", "job", "ties", "n", "missing"]].tolist() == ["min", 0.1, "b", 1, 3, 1]
    assert best.loc["acc", ["goal", "job", "missing"]].tolist() == ["max", "b", 2]
    assert best_of(values, {"acc": "min"}).loc["acc", "job"] == "a"
    assert best_of(values[["acc"]].iloc[2:])["job"].tolist() == [None]


def test_what_is_not_finite_is_neither_best_nor_on_a_front() -> None:
    values = pd.DataFrame({"loss": [-math.inf, 0.2, NAN], "acc": [math.inf, math.inf, 0.5]}, index=list("abc"))
    best = best_of(values)
    assert best[["value", "job", "n", "missing", "not_finite"]].to_numpy().tolist() == [
        [0.2, "b", 1, 1, 1],
        [0.5, "c", 1, 0, 2],
    ]
    assert pareto(values).tolist() == [False, False, False]
    assert pareto(values.assign(acc=[0.1, 0.2, 0.3])).tolist() == [False, True, False]


def test_shades_of_the_greatest_floats_are_shades() -> None:
    assert shades(pd.Series([1e308, -1e308, 0.0])) == [1.0, 0.0, 0.5]


def test_shades_lie_between_the_least_and_the_greatest_and_missing_has_none() -> None:
    assert shades(pd.Series([1.0, 3.0, NAN, 2.0])) == [0.0, 1.0, None, 0.5]
    assert shades(pd.Series([2.0, 2.0])) == [None, None]
    assert shades(pd.Series([None, 1, 2], dtype=object)) == [None, 0.0, 1.0]


# -- configs


def test_only_keys_that_differ_are_kept_and_a_missing_key_differs() -> None:
    jobs = jobs_of(lr=[0.1, 0.2], epochs=[20, 20.0], tag=["a", None], nested=[[1], [1]], flag=[True, 1])
    assert list(differing(configs(jobs)).columns) == ["lr", "tag", "flag"]


def test_jobs_without_any_config_make_no_key_differ_and_are_counted() -> None:
    jobs = jobs_of(lr=[0.1, 0.1, None, None], seed=[1, 2, None, None], tag=["a", None, None, None])
    assert list(differing(configs(jobs)).columns) == ["seed", "tag"]
    assert len(differing(configs(jobs))) == 4
    found = ranked(configs(jobs), pd.Series([1.0, 2.0, 3.0, 4.0], index=jobs.index))
    assert found["missing"].to_dict() == {"seed": 0, "tag": 1}
    assert found.attrs["without_config"] == 2
    assert without_config(configs(jobs)).tolist() == [False, False, True, True]


@given(st.integers(-(2**70), 2**70))
def test_an_integer_and_the_float_that_is_exactly_it_are_one_value(number: int) -> None:
    assert mark(float(number)) == mark(int(float(number)))
    assert (mark(number) == mark(float(number))) == (int(float(number)) == number)
    assert hash(mark(2**53)) == hash(mark(np.float64(2**53)))


def test_an_integer_beyond_all_floats_is_a_number_that_is_not_finite() -> None:
    assert numbers(pd.Series([10**400, -(10**400), 1], dtype=object)).tolist() == [math.inf, -math.inf, 1.0]


def test_correlation_counts_only_jobs_that_have_both() -> None:
    rho, n = rank_correlation(pd.Series([1, 2, 3, None], dtype=object), pd.Series([3.0, 2.0, 1.0, 9.0]))
    assert (round(rho, 9), n) == (-1.0, 3)
    assert math.isnan(rank_correlation(pd.Series([1, 1, 1]), pd.Series([1.0, 2.0, 3.0]))[0])
    assert math.isnan(rank_correlation(pd.Series([1, 2]), pd.Series([1.0, 2.0]))[0])


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=30))
def test_correlation_lies_in_its_range_and_knows_only_order(pairs: list[tuple[int, int]]) -> None:
    one, other = (pd.Series([float(pair[at]) for pair in pairs]) for at in (0, 1))
    rho, n = rank_correlation(one, other)
    assert n == len(pairs)
    assert math.isnan(rho) or -1 <= rho <= 1
    again, _ = rank_correlation(one**3, other)
    assert math.isnan(rho) == math.isnan(again)
    assert math.isnan(rho) or abs(rho - again) < 1e-9


def test_keys_are_ranked_by_how_they_go_with_the_metric_and_words_stand_last() -> None:
    jobs = jobs_of(name=["a", "b", "c", "a"], noise=[1, 4, 2, 3], lr=[1, 2, 3, 4], same=[1, 1, 1, 1])
    values = pd.Series([4.0, 3.0, 2.0, 1.0], index=jobs.index)
    found = ranked(configs(jobs), values)
    assert list(found.index) == ["lr", "noise", "name"]
    assert found.loc["lr", ["correlation", "n", "distinct", "missing"]].tolist() == [-1.0, 4, 4, 0]
    assert math.isnan(found.loc["name", "correlation"])
    assert found.loc["name", "n"] == 4


# -- fronts


def test_a_front_is_what_no_other_beats_in_both() -> None:
    values = pd.DataFrame({"loss": [1.0, 2.0, 3.0, 0.5, NAN], "acc": [0.9, 0.95, 0.9, 0.1, 1.0]}, index=list("abcde"))
    assert pareto(values).tolist() == [True, True, False, True, False]
    assert pareto(values, {"loss": "max", "acc": "min"}).tolist() == [False, False, True, True, False]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_every_job_is_on_the_front_or_beaten_by_one_that_is(points: list[tuple[int, int]]) -> None:
    values = pd.DataFrame(points, columns=["loss", "err"], dtype=float)
    front = pareto(values)
    assert front.any()
    kept = values[front].to_numpy()
    for row in values[~front].to_numpy():
        assert ((kept <= row).all(axis=1) & (kept < row).any(axis=1)).any()
