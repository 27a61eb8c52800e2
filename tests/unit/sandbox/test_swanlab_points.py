"""Series of the SwanLab sandbox: summary, lines in few points, CSV."""

from __future__ import annotations

import csv as reader
import io
import math

from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.swanlab.exports import Kept, csv
from swnb.sandbox.swanlab.points import Points, sampled, statistics, summary, texts

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def series(values: list[float], first: int = 0) -> Points:
    steps = range(first, first + len(values))
    return Points(steps, values, [1000 + step for step in steps])


def rows(text: bytes) -> list[list[str]]:
    return list(reader.reader(io.StringIO(text.decode())))


@given(st.lists(FLOATS, max_size=50))
def test_every_value_is_written_so_that_it_reads_back_the_same(values: list[float]) -> None:
    assert [repr(float(text)) for text in texts(values)] == [repr(value) for value in values]


@given(st.lists(FLOATS, min_size=1, max_size=50))
def test_a_summary_is_of_finite_values_only(values: list[float]) -> None:
    found = summary(series(values))
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        assert found is None
        return
    assert found is not None
    assert (found["value"], found["min"]["data"], found["max"]["data"]) == (finite[-1], min(finite), max(finite))
    assert values[found["min"]["index"]] == found["min"]["data"]
    assert values[found["step"]] == finite[-1]


def test_the_step_of_an_extreme_is_that_of_its_first_point() -> None:
    found = summary(series([1.0, 3.0, 1.0, 3.0], first=10))
    assert found == {
        "step": 13,
        "value": 3.0,
        "min": {"index": 10, "data": 1.0},
        "max": {"index": 11, "data": 3.0},
    }


def test_statistics_have_average_and_median_without_a_place() -> None:
    points = series([4.0, math.nan, 1.0, 3.0, 2.0])
    found = statistics(points, points.stamps)
    assert found == {
        "min": {"index": 1002, "data": 1.0},
        "max": {"index": 1000, "data": 4.0},
        "latest": {"index": 1004, "data": 2.0},
        "avg": {"data": 2.5},
        "median": {"data": 2.5},
    }
    assert statistics(series([math.inf]), [0]) is None


@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.integers(3, 60))
def test_a_sample_has_as_many_points_as_asked_in_order_with_both_ends(values: list[float], most: int) -> None:
    points = series(values)
    places = sampled(points, points.steps, most)
    assert len(places) == min(len(values), most)
    assert places == sorted(set(places))
    if places:
        assert (places[0], places[-1]) == (0, len(values) - 1)


def test_a_sample_keeps_a_spike_and_leaves_out_what_is_not_finite() -> None:
    values = [math.sin(step / 10) for step in range(500)]
    values[250], values[100] = 50.0, math.nan
    points = series(values)
    places = sampled(points, points.steps, 40)
    assert 250 in places
    assert 100 not in places


def test_a_csv_has_two_columns_a_key_and_the_one_named_step_holds_the_value() -> None:
    text = csv([("run-a_b", "train/loss", series([0.5, math.nan, math.inf], first=2))])
    assert rows(text) == [
        ["step", "run-a_b-train/loss_step", "run-a_b-train/loss_timestamp"],
        ["2", "0.5", "1002"],
        ["3", "NaN", "1003"],
        ["4", "Infinity", "1004"],
    ]


def test_a_csv_of_several_keys_is_ordered_by_step_and_missing_cells_are_empty() -> None:
    text = csv([("r", "late", series([7.0], first=2)), ("r", "b", Points([0, 2, 4], [1.5, -math.inf, 3.0], [5, 6, 7]))])
    assert rows(text)[1:] == [
        ["0", "", "", "1.5", "5"],
        ["2", "7.0", "1002", "-Infinity", "6"],
        ["4", "", "", "3.0", "7"],
    ]


def test_a_name_with_a_comma_or_a_quote_stays_one_cell() -> None:
    text = csv([('a, "b"', "k", series([1.0]))])
    assert rows(text)[0] == ["step", 'a, "b"-k_step', 'a, "b"-k_timestamp']


def test_files_are_kept_up_to_a_size_and_the_oldest_goes_first() -> None:
    kept, made = Kept(), []

    def file(name: str) -> bytes:
        return kept.get(name, lambda: made.append(name) or bytes(50_000_000))

    for name in ("a", "b", "a", "c", "a", "b"):
        assert len(file(name)) == 50_000_000
    assert made == ["a", "b", "c", "b"]
