"""Series: of the numeric columns of a table, long and wide."""

from __future__ import annotations

import math
from array import array
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import noting
from swnb.client.joining import joined, renewed
from swnb.errors import BadInput
from swnb.frames.metrics import counted, long, series_of, wide
from swnb.frames.provenance import KEY, Provenance, attach, provenance
from swnb.model import ABSENT, NO_TIME, Batch, Series

NOON = int(datetime(2026, 11, 22, 12, tzinfo=timezone.utc).timestamp() * 1_000_000)


def test_numeric_columns_are_series_and_others_are_not() -> None:
    batch = Batch(2, {"id": [0, 1], "a": [1, 2], "b": array("d", [0.5, 1.5]), "t": ["x", "y"], "f": [True, False]})
    assert [series.metric for series in series_of([batch], None, None)] == ["a", "b"]
    with pytest.raises(BadInput, match="'t' is not numeric"):
        series_of([batch], ["t"], None)
    with pytest.raises(BadInput, match="'nope'"):
        series_of([batch], ["nope"], None)


def test_a_step_without_a_value_is_left_out_and_a_written_nan_stays() -> None:
    batches = [Batch(3, {"id": [0, 1, 2], "a": [1.0, ABSENT, math.nan]}), Batch(1, {"id": [3]})]
    (series,) = series_of(batches, None, None)
    assert list(series.step) == [0, 2]
    assert math.isnan(series.value[1])


def test_tables_with_other_keys_are_no_series_and_an_empty_one_has_none() -> None:
    with pytest.raises(BadInput, match="keys are no ints"):
        series_of([Batch(1, {"id": ["k"], "a": [1]})], None, None)
    assert series_of([], None, None) == []


@given(st.integers(1, 300), st.integers(1, 50))
def test_thinning_keeps_the_ends_and_no_more_than_asked(n: int, most: int) -> None:
    with noting() as notes:
        (series,) = series_of([Batch(n, {"id": array("q", range(n)), "a": array("d", [0.5] * n)})], None, most)
    assert len(series.step) <= most or n <= most
    assert series.step[0] == 0
    assert most == 1 or series.step[-1] == n - 1
    assert series.total == n
    assert bool(notes) == (n > most)


def test_long_is_series_after_series() -> None:
    parts = [("u/1", Series("a", [0, 1], [0.5, 1.5], array("q", [NOON, NO_TIME]))), ("u/2", Series("b", [5], [2.5]))]
    frame = long(parts)
    assert list(frame.columns) == ["job", "metric", "step", "time", "value"]
    assert frame.step.tolist() == [0, 1, 5]
    assert frame.time.notna().tolist() == [True, False, False]
    assert frame.time[0] == datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
    empty = long([])
    assert list(empty.columns) == ["job", "metric", "step", "time", "value"]
    assert str(empty.step.dtype) == "int64"
    assert str(empty.time.dtype) == "datetime64[us, UTC]"


def test_wide_has_a_column_a_metric_in_the_order_they_came() -> None:
    parts = [
        ("u/2", Series("b", [0, 1], [0.5, 1.5])),
        ("u/2", Series("a", [1], [9.0])),
        ("u/1", Series("a", [0], [7.0])),
    ]
    frame = wide(parts)
    assert list(frame.columns) == ["b", "a"]
    assert list(frame.index) == [("u/2", 0), ("u/2", 1), ("u/1", 0)]
    assert frame.b.isna().tolist() == [False, False, True]
    assert list(wide([]).index.names) == ["job", "step"]


def test_points_that_a_server_left_out_count_and_where_it_does_not_say_how_many_nobody_knows() -> None:
    whole = Series("a", [0, 1], [1.0, 2.0])
    thinned = Series("b", [0], [1.0], total=9, sampled=True)
    assert counted([("u/1", whole), ("u/1", thinned)]) == 11
    assert counted([("u/1", whole), ("u/1", Series("c", [0], [1.0], sampled=True))]) is None


def test_a_frame_with_a_sampled_series_says_so_in_its_provenance_also_after_joining() -> None:
    whole, thinned = Series("a", [0, 1], [1.0, 2.0]), Series("b", [0], [1.0], sampled=True)
    made = Provenance("lab", "q", "2026-11-22T12:00:00+00:00", 2, None, True, 1, 0, 0.1, "c")
    for build in (long, wide):
        full, some = (attach(build([("u/1", series)]), made) for series in (whole, thinned))
        assert [provenance(each).sampled for each in (full, some)] == [False, True]
        assert list(some.attrs) == [KEY]
    parts = [attach(long([("u/1", series)]), made) for series in (whole, thinned)]
    assert provenance(joined(parts)).sampled
    assert not provenance(joined(parts[:1] * 2)).sampled
    assert provenance(renewed(parts[1], parts[1], parts[0])).sampled


def test_a_frame_that_was_stored_before_there_was_that_word_is_read() -> None:
    made = Provenance("lab", "q", "2026-11-22T12:00:00+00:00", 2, 2, True, 1, 0, 0.1, "c")
    frame = attach(long([("u/1", Series("a", [0, 1], [1.0, 2.0]))]), made)
    del frame.attrs[KEY]["sampled"]
    assert provenance(frame) == made
