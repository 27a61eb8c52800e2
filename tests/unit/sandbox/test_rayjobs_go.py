"""How Go reads and writes JSON, as far as clients see it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.rayjobs import go

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, st.lists)


@given(JSON)
def test_what_is_written_reads_the_same_and_holds_no_html(value: Any) -> None:
    text = go.encode(value).decode()
    assert json.loads(text) == value
    assert not {*text} & {*"&<>\u2028\u2029"}


@given(st.dictionaries(TEXT, TEXT))
def test_maps_are_sorted_by_their_bytes(value: dict[str, str]) -> None:
    kept = go.sorted_map(value)
    assert kept == value
    assert [name.encode() for name in kept] == sorted(name.encode() for name in value)


@given(st.dictionaries(TEXT, TEXT))
def test_a_map_of_texts_comes_out_of_its_json(value: dict[str, str]) -> None:
    body = json.dumps({"m": value}).encode()
    assert go.Reader("p").struct(go.decode(body), "S", {"m": "map[string]string"}) == {"m": value}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "EOF"),
        (b'{"a": 1', "unexpected EOF"),
        (b"nonsense", "invalid character 'n' looking for beginning of value"),
        (b"[" * 100_000, "exceeded max depth"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        ("\ufeff{}".encode(), "invalid character 'ï' looking for beginning of value"),
    ],
)
def test_bad_json_is_named_in_gos_words(body: bytes, said: str) -> None:
    with pytest.raises(go.BadJson) as bad:
        go.decode(body)
    assert str(bad.value) == said


SHAPE = {"n": "int", "f": "float64", "s": "string", "l": "[]string", "in": ("Inner", {"m": "map[string]float64"})}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"n": 1.0}', "number 1.0 into Go struct field S.n of type int"),
        ('{"n": %s}' % ("9" * 5000), f"number {'9' * 5000} into Go struct field S.n of type int"),
        ('{"s": true}', "bool into Go struct field S.s of type string"),
        ('{"l": {}}', "object into Go struct field S.l of type []string"),
        ('{"l": ["a", 1]}', "number into Go struct field S.l of type string"),
        ('{"in": []}', "array into Go struct field S.in of type p.Inner"),
        ('{"in": {"m": {"a": "b"}}}', "string into Go struct field Inner.in.m of type float64"),
        ("[]", "array into Go value of type p.S"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(body: str, said: str) -> None:
    with pytest.raises(go.BadJson) as bad:
        go.Reader("p").struct(go.decode(body.encode()), "S", SHAPE)
    assert str(bad.value) == f"json: cannot unmarshal {said}"


def test_keys_match_in_any_case_null_is_nothing_and_the_last_of_two_wins() -> None:
    value = go.decode(b'{"S": "a", "s": "b", "N": null, "f": 2, "other": [{}]} and more')
    assert go.Reader("p").struct(value, "S", SHAPE) == {"s": "b", "f": 2.0}


def test_half_a_surrogate_pair_becomes_the_character_for_what_cannot_be_read() -> None:
    value = go.Reader("p").struct(go.decode(rb'{"s": "a\ud800b"}'), "S", SHAPE)
    assert go.encode(value) == '{"s":"a\ufffdb"}'.encode()
