"""Columns tell the truth about their cells, whatever batches they come in."""

from __future__ import annotations

import math
from array import array
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import noting
from swnb.frames.columns import column, counts, durations, join, objects, statuses, texts, times
from swnb.frames.tables import rows
from swnb.model import ABSENT, Batch, Record, Status

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=timezone.utc)


def dtype(cells: list[Any]) -> str:
    return str(column(cells).dtype)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([1, 2], "int64"),
        ([1, None], "Int64"),
        ([1, ABSENT], "Int64"),
        ([1.5, 2.0], "float64"),
        ([1.5, ABSENT], "float64"),
        ([True, False], "bool"),
        ([True, None], "boolean"),
        ([2**63, 1], "object"),
        ([2**63, None], "object"),
        ([1, 1.5], "object"),
        ([1, True], "object"),
        ([1, "1"], "object"),
        ([[1], [2]], "object"),
        ([b"x"], "object"),
        ([None, None], "object"),
        ([], "object"),
    ],
)
def test_a_column_has_the_narrowest_type_that_keeps_every_value(cells: list[Any], expected: str) -> None:
    assert dtype(cells) == expected


def test_ints_stay_ints_beside_floats() -> None:
    cells = column([1, 2.5, 2**53 + 1]).tolist()
    assert [type(cell) for cell in cells] == [int, float, int]
    assert cells[2] == 2**53 + 1


def test_big_ints_keep_every_digit_beside_a_gap() -> None:
    assert column([2**63 - 1, None, -(2**63)])[0] == 2**63 - 1
    assert column([2**63 - 1, None, -(2**63)])[2] == -(2**63)


def test_nan_and_infinities_survive_and_a_gap_beside_a_nan_is_noted() -> None:
    with noting() as notes:
        values = column([math.nan, math.inf, -math.inf, 1.0], "a")
    assert values[1:3].tolist() == [math.inf, -math.inf]
    assert math.isnan(values[0])
    assert notes == []
    with noting() as notes:
        column([1.0, ABSENT], "a")
    assert notes == []
    with noting() as notes:
        column([math.nan, None], "a")
    assert notes == ["column a: 1 cells are NaN and 1 are missing; both are shown as NaN"]


def test_text_that_looks_like_a_number_stays_text() -> None:
    assert column(["1", "02", "nan"]).tolist() == ["1", "02", "nan"]
    assert pd.isna(column(["1", None])[1])
    assert column(["\ud800", "x"]).tolist() == ["\ud800", "x"]


def test_nested_values_stay_python_objects_of_their_own() -> None:
    nested = [[1, 2], (3, 4), {"a": [None]}, Record("C", {"x": 1}), b"\x00"]
    cells = column(nested)
    assert all(cell is value for cell, value in zip(cells, nested, strict=True))
    same_length = column([[1, 2], [3, 4]])  # numpy would make a table of it
    assert same_length.shape == (2,)
    assert same_length.tolist() == [[1, 2], [3, 4]]


def test_times_are_utc_to_the_microsecond_and_a_missing_one_is_nat() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=8)))
    values = pd.Series(times([NOON, east, None, datetime(1700, 1, 1, tzinfo=timezone.utc)]))
    assert str(values.dtype) == "datetime64[us, UTC]"
    assert values[0] == values[1] == NOON
    assert values[0].microsecond == 123456
    assert values[2] is pd.NaT
    assert values[3].year == 1700
    assert str(pd.Series(column([NOON])).dtype) == "datetime64[us, UTC]"


def test_durations_are_timedeltas_to_the_microsecond() -> None:
    values = pd.Series(durations([timedelta(microseconds=1), timedelta(days=-1), None]))
    assert str(values.dtype) == "timedelta64[us]"
    assert values[0] == timedelta(microseconds=1)
    assert values[1] == timedelta(days=-1)
    assert values[2] is pd.NaT


def test_status_is_a_category_of_the_whole_vocabulary_as_plain_strings() -> None:
    values = statuses([Status.RUNNING, Status.UNKNOWN])
    assert list(values.categories) == [each.value for each in Status]
    assert [type(word) for word in values] == [str, str]
    assert list(statuses([]).categories) == [each.value for each in Status]


def test_texts_and_counts_have_their_type_also_where_all_are_missing() -> None:
    assert texts([None]).dtype == texts(["a"]).dtype == texts([]).dtype
    assert str(counts([None]).dtype) == "Int64"
    assert str(counts([3, None]).dtype) == "Int64"
    assert str(counts([3]).dtype) == "int64"


def test_a_typed_batch_joins_with_a_batch_that_lacks_the_column() -> None:
    parts = [Batch(2, {"a": array("q", [1, 2]), "b": array("d", [0.5, math.nan])}), Batch(1, {})]
    with noting() as notes:
        joined = join(parts)
    assert str(joined["a"].dtype) == "Int64"
    assert pd.isna(joined["a"][2])
    assert joined["b"].tolist()[0] == 0.5
    assert notes == ["column b: 1 cells are NaN and 1 are missing; both are shown as NaN"]


def test_one_batch_of_lists_keeps_its_cells() -> None:
    joined = join([Batch(2, {"id": ["k1", "k2"], "t": [True, ABSENT]})])
    assert list(joined["id"]) == ["k1", "k2"]
    assert joined["t"][0]


def test_a_joined_column_is_not_a_view_of_what_was_read() -> None:
    came = array("q", [1, 2])
    joined = join([Batch(2, {"a": came})])["a"]
    joined[0] = 9
    assert came[0] == 1


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=2),
    st.lists(st.integers(0, 3), max_size=2),
)
names = st.sampled_from(["id", "a", "b", "job"])
uniform = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4).map(lambda v: array("q", v)),
    st.lists(st.floats(), max_size=4).map(lambda v: array("d", v)),
)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    n = draw(st.integers(0, 4))
    found: dict[str, Any] = {}
    for name in draw(st.sets(names)):
        typed = draw(uniform)
        cells = draw(st.lists(st.one_of(st.just(ABSENT), scalars), min_size=n, max_size=n))
        found[name] = typed if len(typed) == n else cells
    return Batch(n, found)


def same(cell: Any, value: Any) -> bool:
    """Whether a frame's cell is what was read; missing cells and NaN may look alike, all else keeps its type."""
    if value is ABSENT or value is None or (isinstance(value, float) and math.isnan(value)):
        return not isinstance(cell, list) and bool(pd.isna(cell))
    plain = cell.item() if isinstance(cell, np.generic) else cell
    return type(plain) is type(value) and bool(plain == value)


@given(st.lists(batches(), max_size=4))
def test_frames_keep_every_record_cell_by_cell(parts: list[Batch]) -> None:
    frame = rows([(None, part) for part in parts])
    expected = [{name: cells[at] for name, cells in part.columns.items()} for part in parts for at in range(part.n)]
    assert len(frame) == len(expected)
    assert set(frame.columns) == {name for part in parts for name in part.columns}
    for name in frame.columns:
        for cell, record in zip(frame[name], expected, strict=True):
            assert same(cell, record.get(name, ABSENT)), (name, cell, record.get(name))


@given(st.lists(scalars, max_size=6))
def test_a_column_keeps_every_cell(cells: list[Any]) -> None:
    assert all(same(a, b) for a, b in zip(column(cells), cells, strict=True))
    assert all(cell is value for cell, value in zip(objects(cells), cells, strict=True))
