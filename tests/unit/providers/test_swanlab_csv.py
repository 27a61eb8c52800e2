"""A CSV of series: columns by place, missing cells, odd numbers, and files that end too early."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Reply, noting
from swnb.errors import BadReply
from swnb.model import NO_TIME, Series
from swnb.providers.swanlab.series import Cut, series_of_csv, series_of_line

from .swanlab_server import csv_of, ok

Points = dict[int, tuple[float, int]]

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8) | st.sampled_from(
    ['a,b"c', "loss_step", "a-b_step", '"', "train/loss", "步"]
)
points = st.dictionaries(
    st.integers(-(2**63), 2**63 - 1),
    st.tuples(st.floats(), st.integers(0, 2**42)),
    max_size=6,
)


def written(columns: dict[str, Points], experiment: str, quoting: Any = csv.QUOTE_MINIMAL, end: str = "\n") -> bytes:
    """The server's layout, by a writer of its own."""
    out = io.StringIO(newline="")
    write = csv.writer(out, quoting=quoting, lineterminator=end).writerow
    write(["step", *(f"{experiment}-{key}_{what}" for key in columns for what in ("step", "timestamp"))])
    for step in sorted({step for each in columns.values() for step in each}):
        write([step, *(cell for each in columns.values() for cell in each.get(step, ("", "")))])
    return out.getvalue().encode()


def read(body: bytes, *keys: str, **headers: str) -> list[Series]:
    found = series_of_csv(ok(body, **headers), keys, "j", "ada:kites")
    assert found is not None
    return found


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(
    st.dictionaries(names, points, min_size=1, max_size=4),
    names,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_an_independent_writer_wrote_is_read_back(
    columns: dict[str, Points], experiment: str, quoting: Any, end: str
) -> None:
    found = {series.metric: series for series in read(written(columns, experiment, quoting, end), *columns)}
    assert [*found] == [key for key, each in columns.items() if each]
    for key, series in found.items():
        wanted = sorted(columns[key].items())
        assert [*series.step] == [step for step, _ in wanted]
        assert all(same(a, value) for a, (_, (value, _)) in zip(series.value, wanted, strict=True))
        assert [*series.time] == [millis * 1000 for _, (_, millis) in wanted]


@given(st.dictionaries(st.sampled_from(["a", "b"]), points.filter(bool), min_size=1), st.data())
def test_a_file_cut_anywhere_but_at_the_end_of_a_row_is_an_error(columns: dict[str, Points], data: Any) -> None:
    body = written(columns, "exp")
    at = data.draw(st.integers(1, len(body) - 1).filter(lambda at: body[at - 1 : at] != b"\n"))
    with pytest.raises(Cut):
        read(body[:at], *columns)


def test_a_body_shorter_than_it_was_to_be_is_cut() -> None:
    body = b"step,e-a_step,e-a_timestamp\n1,2,3\n"
    with pytest.raises(Cut, match=r"lab: the CSV of a is cut in line 3"):
        read(body, "a", **{"content-length": str(len(body) + 1)})
    assert read(body, "a", **{"content-length": str(len(body) + 1), "content-encoding": "gzip"})


def test_a_row_that_lacks_cells_names_its_line() -> None:
    with pytest.raises(Cut, match="line 3"):
        read(csv_of(["a"], "1,2,3", "2,3", "3,4,5").body, "a")


@pytest.mark.parametrize(("spelled", "value"), [("inf", math.inf), ("-inf", -math.inf), ("Infinity", math.inf)])
def test_infinities_are_read_as_they_are_spelled(spelled: str, value: float) -> None:
    [series] = read(csv_of(["a"], f"1,{spelled},5", f"2,{spelled.upper()},6").body, "a")
    assert [*series.value] == [value, value]


@pytest.mark.parametrize("spelled", ["nan", "NaN", "NAN"])
def test_a_nan_with_a_time_is_a_point_and_one_without_fills_a_row(spelled: str) -> None:
    a, b = read(csv_of(["a", "b"], f"1,{spelled},5,1.5,5", f"2,2.5,6,{spelled},").body, "a", "b")
    assert [*a.step] == [1, 2]
    assert math.isnan(a.value[0])
    assert [*b.step] == [1]


def test_a_point_without_a_time_is_a_point() -> None:
    [series] = read(csv_of(["a"], "1,2.5,").body, "a")
    assert ([*series.step], [*series.value], [*series.time]) == ([1], [2.5], [NO_TIME])


def test_names_that_nobody_escaped_do_not_move_columns() -> None:
    body = b'step,"my, run-a_step,"my, run-a_timestamp\n1,2,3\n'
    assert [*read(body, "a")[0].value] == [2.0]


@pytest.mark.parametrize("body", [b"", b"\n", b"step,e-a_step,e-a_timestamp\n", b"step\n1\n2\n"])
def test_a_file_without_points_has_no_series(body: bytes) -> None:
    assert read(body, "a") == []


def test_other_columns_than_were_asked_for_are_told_apart_by_nobody() -> None:
    assert series_of_csv(csv_of(["a"], "1,2,3"), ["a", "b"], "j", "p") is None


def test_steps_come_in_order_whatever_the_file_does() -> None:
    [series] = read(csv_of(["a"], "3,30,300", "1,10,100", "2,20,200").body, "a")
    assert ([*series.step], [*series.value]) == ([1, 2, 3], [10, 20, 30])
    assert [*series.time] == [100_000, 200_000, 300_000]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,1,2", "line 2 'x' as a step"),
        ("1.5,1,2", "line 2 '1.5' as a step"),
        ("9223372036854775808,1,2", "as a step"),
        ("1,two,3", "the CSV of a has 'two' as a value"),
    ],
)
def test_a_cell_that_is_no_number_is_named(row: str, said: str) -> None:
    with pytest.raises(BadReply, match=said):
        read(csv_of(["a"], row).body, "a")


def test_a_step_written_as_a_float_is_the_int_it_is() -> None:
    assert [*read(csv_of(["a"], "1.0,1,2", "1e3,1,2").body, "a")[0].step] == [1, 1000]


def test_a_time_that_cannot_be_read_is_empty_and_noted() -> None:
    with noting() as notes:
        [series] = read(csv_of(["a"], "1,1,soon", "2,1,1.5e3").body, "a")
    assert [*series.time] == [NO_TIME, 1_500_000]
    assert notes == ["timestamps of metric a of job j could not be read as times"]


def test_bytes_that_are_no_text_are_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="the CSV of a has"):
        read(b"step,e-a_step,e-a_timestamp\n1,\xff,2\n", "a")


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**42)), min_size=1))
def test_the_quick_way_and_the_other_read_the_same_numbers(rows: list[tuple[float, int]]) -> None:
    columns = {"a": dict(enumerate(rows))}
    assert read(written(columns, "e"), "a") == read(written(columns, "e", csv.QUOTE_ALL), "a")


# -- sampled lines and thinning


def test_a_sampled_line_has_its_numbers_in_order() -> None:
    line = [
        {"index": 5, "data": "nan", "timestamp": 1000},
        {"index": 1, "data": 2, "timestamp": None},
        {"index": 3, "data": None, "timestamp": 3000},
    ]
    series = series_of_line("a", line, "j", "p")
    assert ([*series.step], [*series.time]) == ([1, 5], [NO_TIME, 1_000_000])
    assert series.value[0] == 2.0
    assert math.isnan(series.value[1])


@given(st.integers(1, 200), st.integers(1, 50))
def test_thinning_keeps_the_last_and_the_first_and_says_how_many_there_were(n: int, most: int) -> None:
    thin = Series("a", range(n), range(n), range(n)).at_most(most)
    assert len(thin.step) == min(n, most)
    assert thin.step[-1] == n - 1
    assert most == 1 or thin.step[0] == 0
    assert [*thin.step] == sorted({*thin.step})
    assert thin.total == (n if n > most else None)


def test_a_reply_of_headers_only_is_not_read_as_one_point() -> None:
    assert series_of_csv(Reply(200, {}, b"step,x\n", "lab", "/x"), ["a"], "j", "p") == []
