"""Values of the datastore in every encoding (starwhale paper 4.5)."""

from __future__ import annotations

import math
import struct
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.model import ABSENT, Record
from swnb.providers.starwhale.values import BadValue, Blob, blob_of, column, encode_key, scalar, typed

SCALARS: list[tuple[str, str | None, Any]] = [
    ("BOOL", "1", True),
    ("BOOL", "0", False),
    ("INT8", "80", -128),
    ("INT8", "7f", 127),
    ("INT16", "fffe", -2),
    ("INT32", "7fffffff", 2**31 - 1),
    ("INT64", "0000000000000005", 5),
    ("INT64", "ffffffffffffffff", -1),
    ("INT64", "a", 10),  # shorter than its width: padded with zeros
    ("FLOAT16", "2e66", 0.0999755859375),
    ("FLOAT32", "3dcccccd", 0.10000000149011612),
    ("FLOAT64", "3ff8000000000000", 1.5),
    ("FLOAT64", "8000000000000000", -0.0),
    ("FLOAT64", "7ff0000000000000", math.inf),
    ("FLOAT64", "fff0000000000000", -math.inf),
    ("FLOAT64", "7ff8000000000000", math.nan),
    ("STRING", "", ""),
    ("STRING", "é中🐋", "é中🐋"),
    ("BYTES", "AP8Q", b"\x00\xff\x10"),
    ("BYTES", "", b""),
    ("UNKNOWN", None, None),
    ("INT64", None, None),
    ("STRING", None, None),
]


@pytest.mark.parametrize(("kind", "text", "value"), SCALARS)
def test_a_scalar_alone_typed_and_in_a_column_is_the_same(kind: str, text: str | None, value: Any) -> None:
    for found in (scalar(kind, text), typed({"type": kind, "value": text}), *column(kind, [text, text])):
        assert repr(found) == repr(value)


BAD = [
    ("INT64", "-1"),
    ("INT64", "12345678901234567"),
    ("INT64", "zz"),
    ("INT64", 5),
    ("INT64", "00000000 0000001"),
    ("FLOAT64", "1.5"),
    ("BYTES", "A"),
    ("BYTES", "é"),
    ("STRING", 5),
    ("LONG", "1"),
    ("BOOL", True),
]


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_what_a_type_cannot_hold_is_a_bad_value(kind: str, value: Any) -> None:
    with pytest.raises(BadValue):
        scalar(kind, value)
    with pytest.raises(BadValue):
        column(kind, [value, value])


def test_wrong_widths_that_add_up_are_not_read_as_right_ones() -> None:
    with pytest.raises(BadValue):
        column("INT64", ["00000001", "000000000000000100000002"])
    with pytest.raises(BadValue):
        column("INT64", [" " * 16])


def test_full_columns_of_numbers_are_arrays_and_others_lists() -> None:
    assert column("INT64", ["0" * 15 + "1", "f" * 16]) == array("q", [1, -1])
    assert column("INT8", ["80", "01"]) == array("q", [-128, 1])
    assert column("FLOAT32", ["3f000000"]) == array("d", [0.5])
    assert column("INT64", ["0" * 15 + "1", None, ABSENT]) == [1, None, ABSENT]
    assert column("STRING", ["a", ABSENT, None]) == ["a", ABSENT, None]
    assert column("BOOL", ["1", "0"]) == [True, False]
    assert column("INT64", []) == array("q")


def cell(kind: str, value: Any, python_type: str | None = None) -> dict[str, Any]:
    return {"type": kind, "value": value} | ({"pythonType": python_type} if python_type else {})


ONE, X = cell("INT64", "0000000000000001"), cell("STRING", "x")
NESTED: list[tuple[Any, Any]] = [
    (cell("LIST", []), []),
    (cell("TUPLE", []), ()),
    (cell("LIST", None), None),
    (
        cell("LIST", [ONE, X, cell("UNKNOWN", None), cell("LIST", [ONE]), cell("TUPLE", [X])]),
        [1, "x", None, [1], ("x",)],
    ),
    (cell("MAP", [{"key": X, "value": ONE}, {"key": ONE, "value": X}]), {"x": 1, 1: "x"}),
    (cell("MAP", [{"key": cell("LIST", [ONE, X]), "value": ONE}]), {(1, "x"): 1}),
    (
        cell("OBJECT", {"a": ONE, "b": cell("OBJECT", {}, "n.M")}, "m.C"),
        Record("m.C", {"a": 1, "b": Record("n.M", {})}),
    ),
    (cell("OBJECT", {"a": ONE}), Record("object", {"a": 1})),
    (cell("MAP", [{"key": cell("OBJECT", {"a": ONE}, "C"), "value": ONE}]), {"C(a=1)": 1}),
]


@pytest.mark.parametrize(("sent", "value"), NESTED)
def test_nested_values_keep_their_kinds(sent: Any, value: Any) -> None:
    found = typed(sent)
    assert found == value
    assert type(found) is type(value)


def test_a_class_named_by_a_value_is_never_imported() -> None:
    found = typed(cell("OBJECT", {"x": ONE}, "os.system"))
    assert found == Record("os.system", {"x": 1})


@pytest.mark.parametrize(
    "sent",
    [
        None,
        5,
        [],
        {},
        {"type": 5, "value": "1"},
        cell("LIST", {}),
        cell("LIST", [5]),
        cell("MAP", {}),
        cell("MAP", [{"key": X}]),
        cell("MAP", [5]),
        cell("OBJECT", []),
        cell("OBJECT", {"a": 5}),
    ],
)
def test_a_cell_of_another_shape_is_a_bad_value(sent: Any) -> None:
    with pytest.raises(BadValue):
        typed(sent)


def test_keys_are_written_as_bounds() -> None:
    assert encode_key(5) == ("INT64", "0000000000000005")
    assert encode_key(-(2**63)) == ("INT64", "8000000000000000")
    assert encode_key("k05") == ("STRING", "k05")
    assert encode_key(2.5) == ("FLOAT64", "4004000000000000")
    assert encode_key(2**63) == ("FLOAT64", struct.pack(">d", 2.0**63).hex())
    assert encode_key(-(10**400)) == ("FLOAT64", "fff0000000000000")


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_ints_come_back_whole(values: list[int]) -> None:
    assert list(column("INT64", [encode_key(value)[1] for value in values])) == values


@given(st.lists(st.floats()))
def test_floats_come_back_bit_by_bit(values: list[float]) -> None:
    sent = [encode_key(value)[1] for value in values]
    assert [encode_key(value)[1] for value in column("FLOAT64", sent)] == sent


# -- values that are stored apart


def text_record(**changes: Any) -> Record:
    link = Record("Link", {"uri": "a/b", "offset": 32, "size": 4, **changes.pop("link", {})})
    return Record("Text", {"auto_convert_to_str": True, "encoding": "utf-8", "link": link, **changes})


def test_a_long_text_or_bytes_is_a_blob() -> None:
    assert blob_of(text_record()) == Blob("a/b", 32, 4, "utf-8")
    assert Blob("a/b", 0, 3, "latin-1").value(b"caf\xe9"[1:]) == "afé"
    binary = text_record(auto_convert_to_str=False, auto_convert_to_bytes=True)
    assert blob_of(binary) == Blob("a/b", 32, 4, None)
    assert Blob("a/b", 0, 1, None).value(b"\xff") == b"\xff"


def test_a_codec_that_the_server_names_is_not_looked_up_freely() -> None:
    assert blob_of(text_record(encoding="zlib_codec")) == Blob("a/b", 32, 4, "utf-8")


@pytest.mark.parametrize(
    "value",
    [
        "text",
        None,
        text_record(auto_convert_to_str=False),
        text_record(link={"uri": 5}),
        text_record(link={"offset": -1}),
        text_record(link={"size": "4"}),
        Record("Text", {"auto_convert_to_str": True, "link": None}),
    ],
)
def test_any_other_value_is_no_blob(value: Any) -> None:
    assert blob_of(value) is None
