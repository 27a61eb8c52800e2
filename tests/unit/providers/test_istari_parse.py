"""Files of JSON and CSV as rows and as numbers."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import noting
from swnb.model import Batch
from swnb.providers.istari import parse

DEEP = b"[" * 100_000


def csv_of(text: str) -> dict[str, list[Any]]:
    """The columns of a CSV file, the key left out; None where a row has no such cell."""
    batch = parse.table("t.csv", text.encode())
    records = list(batch.records())
    return {name: [record.get(name) for record in records] for name in batch.columns if name != "id"}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1", "", "3"], [1, None, 3]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", ".5", "5."], [1000.0, 0.5, 5.0]),
        (["true", "False"], [True, False]),
        (["007", "8"], ["007", "8"]),
        (["+49", "1"], ["+49", "1"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["١", "2"], ["١", "2"]),
        (["1", "x"], ["1", "x"]),
        (["x", ""], ["x", ""]),
        (["nan", "inf"], ["nan", "inf"]),
        (["", ""], ["", ""]),
        (["12345678901234567890", "1"], [12345678901234567890, 1]),
        (["12345678901234567891", "0.5"], [12345678901234567891, 0.5]),
    ],
)
def test_the_cells_of_a_column_decide_its_type_together(cells: list[str], values: list[Any]) -> None:
    lines = "".join(f'"{cell}",z\n' for cell in cells)
    found = csv_of(f"a,b\n{lines}")["a"]
    assert (found, [type(each) for each in found]) == (values, [type(each) for each in values])


def test_nan_and_infinity_stand_among_numbers() -> None:
    found = csv_of("a\nnan\n-inf\n1.5\n")["a"]
    assert math.isnan(found[0])
    assert found[1:] == [-math.inf, 1.5]


def test_text_comes_back_as_it_was() -> None:
    assert csv_of('name,note\n"Müller, A","two\nlines"\n" x ","say ""no"""\n') == {
        "name": ["Müller, A", " x "],
        "note": ["two\nlines", 'say "no"'],
    }


@given(
    st.lists(
        st.lists(
            st.text(st.characters(blacklist_characters="\x00\r\n", blacklist_categories=("Cs",))),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_no_cell_of_text_is_lost(rows: list[list[str]]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["a", "b"], *(["x" + one, "x" + two] for one, two in rows)])
    found = csv_of(written.getvalue())
    if rows:
        assert [list(pair) for pair in zip(found["a"], found["b"], strict=True)] == [
            ["x" + one, "x" + two] for one, two in rows
        ]


@given(st.lists(st.integers() | st.none(), min_size=1))
def test_ints_of_any_size_stay_ints(numbers: list[int | None]) -> None:
    text = "a,b\n" + "".join(f"{'' if each is None else each},z\n" for each in numbers)
    known = [each for each in numbers if each is not None]
    assert csv_of(text)["a"] == (numbers if known else [""] * len(numbers))


def test_rows_of_unequal_length_keep_all_their_cells() -> None:
    assert csv_of("a,b\n1\n1,2,3\n") == {"a": [1, 1], "b": [None, 2], "column 3": [None, 3]}


def test_columns_of_one_name_are_numbered() -> None:
    assert list(csv_of("a,a,,a (2)\n1,2,3,4\n")) == ["a", "a (2)", "column 3", "a (2) (2)"]


@pytest.mark.parametrize(
    "text", ["a;b\n1;2\n", "a\tb\n1\t2\n", "a,b\r\n1,2\r\n", "\ufeffa,b\n1,2\n", "\n\na,b\n\n1,2\n"]
)
def test_other_dialects_are_read(text: str) -> None:
    assert csv_of(text) == {"a": [1], "b": [2]}


def test_a_file_in_another_encoding_is_read_with_a_note() -> None:
    with noting() as notes:
        batch = parse.table("t.csv", "name\nMüller\n".encode("cp1252"))
    assert batch.columns["name"] == ["Müller"]
    assert notes == ["t.csv is not in UTF-8, so it was read as Windows-1252"]


def test_an_empty_file_has_no_rows() -> None:
    assert parse.table("t.csv", b"").n == 0
    assert parse.table("t.json", b"[]").n == 0


def test_a_cell_that_is_too_large_is_an_error_not_half_a_table() -> None:
    with pytest.raises(parse.NoTable, match="field larger"):
        parse.table("t.csv", b"a\n" + b"x" * 200_000 + b"\n")


def test_rows_are_numbered_unless_they_have_a_key_of_their_own() -> None:
    assert list(parse.table("t.csv", b"a\n5\n6\n").columns["id"]) == [0, 1]
    assert parse.table("t.json", b'[{"id": "x", "a": 5}]').columns == {"id": ["x"], "a": parse.packed([5])}


def test_json_rows_keep_their_values() -> None:
    batch = parse.table("t.json", b'[{"a": 1, "b": NaN, "c": [1], "d": "7"}, {"a": null, "b": 2.5, "e": true}]')
    first, second = batch.records()
    assert math.isnan(first.pop("b"))
    assert first == {"id": 0, "a": 1, "c": [1], "d": "7"}
    assert second == {"id": 1, "a": None, "b": 2.5, "e": True}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": 1}',
        b"[1]",
        b'[{"a": 1}, 2]',
        b"3",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'[{"a": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_table_is_said(data: bytes) -> None:
    with pytest.raises(parse.NoTable):
        parse.table("t.json", data)


def test_numbers_are_named_by_the_path_to_them() -> None:
    found = parse.numbers({"mass_kg": 3, "ok": True, "wing": {"span": 2.5, "x": {"y": 1}}, "list": [1], "t": "4"})
    assert found == {"mass_kg": 3, "wing.span": 2.5, "wing.x.y": 1}


def test_a_plain_name_goes_before_a_path_that_spells_the_same() -> None:
    assert parse.numbers({"a": {"b": 2}, "a.b": 1}) == {"a.b": 1}
    assert parse.numbers([1, 2]) == parse.numbers(None) == {}


@given(
    st.recursive(
        st.integers() | st.floats(allow_nan=False), lambda inner: st.dictionaries(st.sampled_from("abc"), inner)
    )
)
def test_every_number_in_nested_objects_is_found(value: Any) -> None:
    def count(each: Any) -> int:
        return sum(map(count, each.values())) if isinstance(each, dict) else 1

    found = parse.numbers(json.loads(json.dumps({"top": value})))
    assert len(found) == count({"top": value})


def test_packed_keeps_what_no_machine_int_holds() -> None:
    assert parse.packed([2**63]) == [2**63]
    assert Batch(2, {"a": parse.packed([1, 2])}).slice(0, 1).columns["a"][0] == 1
