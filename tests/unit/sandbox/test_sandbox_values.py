"""Cells of the sandbox's datastore: encodings, order, hints."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.starwhale.hints import Hint, HintsFail
from swnb.sandbox.starwhale.values import (
    BadValue,
    Cell,
    cell_of,
    encode,
    java_float,
    order,
    read_scalar,
    read_written,
    scalar,
    unwrap,
)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_typed_cell_is_read_back_as_it_was(value: Any) -> None:
    cell = cell_of(value)
    assert unwrap(encode(cell, typed=True, raw=False)) == cell


@given(st.lists(st.one_of(st.integers(-5, 5), st.floats(-5, 5))))
def test_numbers_are_ordered_by_value(values: list[float]) -> None:
    ordered = sorted(values, key=lambda value: order(cell_of(value)))
    assert ordered == sorted(values)


def test_types_are_ordered_as_the_server_orders_them() -> None:
    ascending = [None, True, -0.0, 0, 1, math.inf, math.nan, "", "\U0001f40b", "～", b"", [1], (1,), {"a": 1}]
    cells = [cell_of(value) for value in ascending]
    assert sorted(cells, key=order) == cells


@pytest.mark.parametrize(
    ("cell", "plain", "raw"),
    [
        (("INT8", -128), "80", "-128"),
        (("INT16", -2), "fffe", "-2"),
        (("INT32", 2**31 - 1), "7fffffff", "2147483647"),
        (("INT64", 5), "0000000000000005", "5"),
        (("FLOAT64", 1.5), "3ff8000000000000", "1.5"),
        (("FLOAT64", math.nan), "7ff8000000000000", "NaN"),
        (("FLOAT64", -0.0), "8000000000000000", "-0.0"),
        (("FLOAT32", 0.10000000149011612), "3dcccccd", "0.1"),
        (("BOOL", True), "1", "true"),
        (("BYTES", b"\x00\xff\x10"), "AP8Q", "\x00�\x10"),
    ],
)
def test_scalars_have_the_text_of_the_paper(cell: Cell, plain: str, raw: str) -> None:
    assert (scalar(cell), scalar(cell, raw=True)) == (plain, raw)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e10, "1.0E10"), (9e-4, "9.0E-4"), (1e7, "1.0E7"), (9999999.0, "9999999.0"), (0.001, "0.001"), (12.0, "12.0")],
)
def test_raw_floats_are_written_as_java_writes_them(value: float, text: str) -> None:
    assert java_float(value) == text


def test_hex_may_be_short_but_must_be_hex() -> None:
    assert read_scalar("INT64", "9AE") == ("INT64", 2478)
    assert read_scalar("INT64", "ffffffffffffffff") == ("INT64", -1)
    with pytest.raises(BadValue, match='For input string: "zz" under radix 16'):
        read_scalar("INT64", "zz")


def test_written_values_are_read_by_their_schema() -> None:
    listed = {"type": "LIST", "elementType": {"type": "INT64"}, "attributes": [{"index": 1, "type": "STRING"}]}
    assert read_written(listed, ["1", "x"]) == ("LIST", [("INT64", 1), ("STRING", "x")])
    mapped = {
        "type": "MAP",
        "keyType": {"type": "STRING"},
        "valueType": {"type": "INT64"},
        "sparseKeyValuePairSchema": {"1": {"keyType": {"type": "STRING"}, "valueType": {"type": "STRING"}}},
    }
    pairs = [(("STRING", "a"), ("INT64", 1)), (("STRING", "b"), ("STRING", "c"))]
    assert read_written(mapped, [["a", "1"], ["b", "c"]]) == ("MAP", pairs)


def test_hints_show_49_values_and_none_from_50_on() -> None:
    hint = Hint()
    hint.add_all(cell_of(number) for number in range(49))
    assert hint.shown()["columnValueHints"] == [str(number) for number in range(49)]
    hint.add(cell_of(49))
    assert hint.shown() == {"typeHints": ["INT64"], "columnValueHints": []}
    assert hint.shown(hide_full=True) == {"typeHints": ["INT64"]}


def test_hints_fail_on_an_int_beyond_two_to_53_beside_a_nan() -> None:
    hint = Hint()
    hint.add_all([cell_of(2**53), cell_of(math.nan)])
    assert hint.shown()["typeHints"] == ["FLOAT64", "INT64"]
    hint.add(cell_of(2**53 + 1))
    with pytest.raises(HintsFail):
        hint.shown()
