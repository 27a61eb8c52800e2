"""A table asked for in pages: which way, within which bounds, and what makes a page torn."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest

from swnb.call import Call, Reply, noting
from swnb.errors import BadInput, BadReply, ServerError
from swnb.model import RowQuery
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.table import DatastoreTable, look

from .plans import play, refused, reply

NAME = "project/2/eval/56/u/str/keys"
MIN, MAX = -(2**63), 2**63 - 1
INT, TEXT = frozenset({"INT64"}), frozenset({"STRING"})


def table(key: frozenset[str] = INT, *, columns: Any = None, types: Any = None, **query: Any) -> DatastoreTable:
    known = {"id": key, **(types or {})}
    return DatastoreTable.of(NAME, known, RowQuery(columns=columns, **query))


def hexed(value: int) -> str:
    return f"{value & (2**64 - 1):016x}"


def page(records: list[Any], last: str | None = None, **kinds: list[str]) -> Reply:
    hints = {name: {"typeHints": types} for name, types in kinds.items()}
    return reply({"columnHints": hints, "records": records} | ({"lastKey": last} if last is not None else {}))


# -- which way


def test_one_scalar_type_a_column_is_asked_untyped_and_anything_else_typed() -> None:
    assert table(types={"a": frozenset({"FLOAT64"}), "none": frozenset()}).types == {"id": "INT64", "a": "FLOAT64"}
    for odd in ({"INT64", "FLOAT64"}, {"LIST"}, {"OBJECT"}, {"NEW"}):
        assert table(types={"a": frozenset(odd)}).types is None
    assert table(types={"a": TEXT, "odd": frozenset({"LIST"})}, columns=("a",)).types == {"id": "INT64", "a": "STRING"}


def test_only_ints_as_keys_make_ranges() -> None:
    assert table(INT).int_keys
    assert table(frozenset({"INT8", "INT64"})).int_keys
    assert not any(table(frozenset(keys)).int_keys for keys in ((), ("STRING",), ("INT64", "STRING"), ("FLOAT64",)))


SCAN = {"tables": [{"tableName": NAME}], "encodeWithType": False, "limit": 1000}


def test_a_page_asks_exactly_this() -> None:
    bounds = {"startType": "INT64", "start": hexed(-3), "endType": "INT64", "end": hexed(7)}
    assert table().first().json == SCAN
    assert table().between(-3, 7).json == SCAN | bounds
    assert table().anew().between(None, None).json == SCAN | {"encodeWithType": True}
    assert table(start=-3, end=7).first().json == SCAN | bounds
    assert table(TEXT, start="a", end="b", end_inclusive=True).first().json == SCAN | {
        "startType": "STRING",
        "start": "a",
        "endType": "STRING",
        "end": "b",
        "endInclusive": True,
    }
    assert (table().first().method, table().first().path) == ("POST", "/api/v1/datastore/scanTable")


def test_none_cells_are_asked_for_as_each_encoding_wants_it() -> None:
    described = {"tables": [{"tableName": NAME, "keepNone": True}]}
    assert table(keep_none=True).first().json == SCAN | described | {"keepNone": True}
    assert table(keep_none=True).anew().first().json == SCAN | described | {"encodeWithType": True}


def test_columns_are_asked_with_the_key_and_once() -> None:
    asked = table(types={"a": INT, "b": INT}, columns=("b", "b", "id"))
    assert asked.columns == ("id", "b")
    assert asked.first().json["tables"][0]["columns"] == [{"columnName": "id"}, {"columnName": "b"}]


def test_a_name_with_a_colon_that_the_server_would_cut_is_picked_here() -> None:
    asked = table(types={"a:b": INT, "a": INT}, columns=("a:b",))
    assert "columns" not in asked.first().json["tables"][0]
    batch = asked.first().decode(page([{"id": hexed(1), "a:b": hexed(2), "a": hexed(3)}], id=["INT64"])).batch
    assert list(batch.records()) == [{"id": 1, "a:b": 2}]


def test_an_unknown_column_is_named_with_those_that_are_there() -> None:
    with pytest.raises(BadInput, match=r"table str/keys has no column 'x', 'y'. It has a, id."):
        table(types={"a": INT}, columns=("x", "a", "y"))


@pytest.mark.parametrize(("limit", "rows"), [(None, 1000), (5, 5), (5000, 1000), (1, 1), (0, 1)])
def test_a_small_limit_asks_small_pages(limit: int | None, rows: int) -> None:
    assert table(limit=limit).first().json["limit"] == rows


# -- bounds

INF = math.inf
BOUNDS: list[tuple[Any, Any, bool, tuple[int | None, int | None]]] = [
    (None, None, False, (None, None)),
    (3, 6, False, (3, 6)),
    (3, 6, True, (3, 7)),
    (None, 6, False, (None, 6)),
    (2.5, 5.0, False, (3, 5)),
    (2.5, 5.0, True, (3, 6)),
    (2.0, 5.5, False, (2, 6)),
    (-2.5, 5.5, True, (-2, 6)),
    (-INF, INF, False, (None, None)),
    (-INF, INF, True, (None, None)),
    (INF, None, False, (MAX, MAX)),
    (INF, INF, True, (MAX, MAX)),
    (None, -INF, False, (None, MIN)),
    (None, -INF, True, (None, MIN)),
    (MIN, MAX, False, (None, MAX)),
    (MIN, MAX, True, (None, None)),
    (2**63, None, False, (MAX, MAX)),
    (None, 2**63, False, (None, None)),
    (-(2**70), 2**70, True, (None, None)),
    (None, MIN, True, (None, MIN + 1)),
    (None, -(2**70), True, (None, MIN)),
    (1e300, None, False, (MAX, MAX)),
    (True, 6, False, (1, 6)),
]


@pytest.mark.parametrize(("start", "end", "inclusive", "expected"), BOUNDS)
def test_bounds_on_int_keys_are_ints_within_64_bits(
    start: Any, end: Any, inclusive: bool, expected: tuple[int | None, int | None]
) -> None:
    asked = table(start=start, end=end, end_inclusive=inclusive)
    assert (asked.start, asked.end, asked.end_inclusive) == (*expected, False)
    assert asked.first().json["limit"] == 1000


@pytest.mark.parametrize("bound", [math.nan, "3", b"3", [3], (3,)])
def test_what_is_no_int_is_no_key_of_a_table_of_ints(bound: Any) -> None:
    for query in ({"start": bound}, {"end": bound}):
        with pytest.raises(BadInput, match=r"whose keys are ints. Look at the column id of table str/keys"):
            table(INT, **query)


@pytest.mark.parametrize("bound", [3, 2.5, b"a", math.nan])
def test_what_is_no_text_is_no_key_of_a_table_of_texts(bound: Any) -> None:
    with pytest.raises(BadInput, match="whose keys are texts"):
        table(TEXT, end=bound)


def test_an_empty_text_is_a_bound() -> None:
    assert table(TEXT, start="").first().json["start"] == ""


@pytest.mark.parametrize("keys", [frozenset(), frozenset({"INT64", "STRING"}), frozenset({"FLOAT64"})])
def test_mixed_keys_take_any_bound_that_a_key_can_be(keys: frozenset[str]) -> None:
    body = table(keys, start=2**70, end="k").first().json
    assert (body["startType"], body["endType"], body["end"]) == ("FLOAT64", "STRING", "k")
    for bound in (math.nan, b"a", [3]):
        with pytest.raises(BadInput, match="is no key of this table"):
            table(keys, start=bound)


# -- pages


def test_the_next_page_starts_behind_the_last_key_with_the_type_of_that_key() -> None:
    small = table(limit=2)
    first = small.first().decode(page([{"id": hexed(1)}, {"id": hexed(9)}], hexed(9), id=["INT64"]))
    assert (first.first, first.last) == (1, 9)
    following = small.after(first)
    assert following is not None
    assert following.json == SCAN | {"limit": 2, "startType": "INT64", "start": hexed(9), "startInclusive": False}
    mixed = table(frozenset({"INT64", "STRING"}), limit=1, end="z")
    last = mixed.first().decode(page([{"id": {"type": "STRING", "value": "k"}}], "k"))
    after = mixed.after(last)
    assert after is not None
    assert after.json | {"startType": "STRING", "start": "k", "startInclusive": False, "end": "z"} == after.json


@pytest.mark.parametrize("last", [None, hexed(9)])
def test_a_page_that_is_not_full_is_the_last(last: str | None) -> None:
    for asked in (table(limit=2), table(limit=2).anew()):
        assert asked.after(asked.first().decode(page([], last, id=["INT64"]))) is None
    one = table(limit=2).first().decode(page([{"id": hexed(1)}], hexed(1), id=["INT64"]))
    assert table(limit=2).after(one) is None


def test_the_two_encodings_give_the_same_batch() -> None:
    kinds = {"a": INT, "none": frozenset()}
    rows = [{"id": hexed(1), "a": hexed(5)}, {"id": hexed(2), "none": None}]
    typed_rows = [
        {"id": {"type": "INT64", "value": hexed(1)}, "a": {"type": "INT64", "value": hexed(5)}},
        {"id": {"type": "INT64", "value": hexed(2)}, "none": {"type": "UNKNOWN", "value": None}},
    ]
    asked = table(types=kinds, keep_none=True)
    untyped = asked.first().decode(page(rows, hexed(2), id=["INT64"], a=["INT64"], none=[])).batch
    typed = asked.anew().first().decode(page(typed_rows, hexed(2))).batch
    assert list(untyped.records()) == list(typed.records()) == [{"id": 1, "a": 5}, {"id": 2, "none": None}]
    assert untyped.columns["id"] == typed.columns["id"] == array("q", [1, 2])


TORN: list[tuple[dict[str, list[str]], bool]] = [
    ({"id": ["INT64"], "a": ["FLOAT64"]}, False),
    ({"id": ["INT64"], "a": ["FLOAT64", "UNKNOWN"]}, False),
    ({"id": ["INT64"], "a": ["FLOAT64", "STRING"]}, True),
    ({"id": ["INT64", "STRING"], "a": ["FLOAT64"]}, True),
    ({"id": ["INT64"], "a": ["INT64"]}, True),
    ({"id": ["INT64"], "a": ["FLOAT64"], "new": ["INT64"]}, True),
    ({"id": ["INT64"], "a": ["FLOAT64"], "new": []}, True),
]


@pytest.mark.parametrize(("hints", "torn"), TORN)
def test_a_page_whose_types_changed_meanwhile_is_torn_and_gives_no_rows(
    hints: dict[str, list[str]], torn: bool
) -> None:
    answer = page([{"id": hexed(1)}], hexed(1), **hints)
    found = table(types={"a": frozenset({"FLOAT64"})}).first().decode(answer)
    assert (found.torn, found.batch.n) == (torn, 0 if torn else 1)


def test_a_column_that_nobody_wanted_tears_nothing() -> None:
    answer = page([{"id": hexed(1), "new": [1]}], hexed(1), id=["INT64"], a=["INT64"], new=["LIST"])
    found = table(types={"a": INT, "b": INT}, columns=("a",)).first().decode(answer)
    assert (found.torn, list(found.batch.records())) == (False, [{"id": 1}])


def test_a_typed_page_has_the_columns_that_came_meanwhile() -> None:
    answer = page([{"id": {"type": "INT64", "value": "1"}, "new": {"type": "LIST", "value": []}}], "1")
    assert list(table().anew().page(answer).batch.records()) == [{"id": 1, "new": []}]
    assert list(table(columns=("id",)).anew().page(answer).batch.records()) == [{"id": 1}]


@pytest.mark.parametrize("column", ["a", "id"])
@pytest.mark.parametrize("value", ["zz", 5, "0" * 17])
def test_a_bad_cell_is_a_bad_reply_that_names_its_column(column: str, value: Any) -> None:
    cells = {"id": hexed(1), "a": hexed(1), column: value}
    typed = {name: {"type": "INT64", "value": cell} for name, cell in cells.items()}
    asked = table(types={"a": INT})
    with pytest.raises(BadReply, match=f"column {column}: "):
        asked.anew().page(page([typed], hexed(1)))
    with pytest.raises(BadReply, match=f"column {column}: |cannot be read"):
        asked.first().decode(page([cells], hexed(1)))


def test_null_is_none_for_every_type() -> None:
    record = {"id": {"type": "INT64", "value": hexed(1)}, "a": {"type": "INT64", "value": None}}
    assert list(table().anew().page(page([record], hexed(1))).batch.records()) == [{"id": 1, "a": None}]


def test_a_table_that_has_no_rows_yet_is_asked_typed_for_no_key_tells_its_type() -> None:
    empty = DatastoreTable.of(NAME, {}, RowQuery())
    assert empty.first().json == SCAN | {"encodeWithType": True}
    assert list(empty.first().decode(page([])).batch.records()) == []
    late = page([{"id": {"type": "STRING", "value": "k"}, "a": {"type": "BOOL", "value": "1"}}], "k")
    assert list(empty.first().decode(late).batch.records()) == [{"id": "k", "a": True}]


# -- the trap: a column over which the server fails (paper 4.3)


def trapped(call: Call[Any]) -> Reply:
    names = [each["columnName"] for each in call.json["tables"][0].get("columns", [{"columnName": "bad"}])]
    if "bad" in names:
        return refused(500, "hints fail")
    if "nope" in names:
        return refused(400, "invalid columns: [nope]")
    return page([], **{name: ["INT64"] for name in names})


def scan(columns: Any) -> Any:
    return play(Starwhale("http://h").scan("2", "a" * 32, "t", RowQuery(columns=columns)), trapped)


def test_a_column_over_which_the_server_fails_is_left_out_and_said() -> None:
    with noting() as notes:
        played = scan(("a", "bad", "b"))
    assert played.result.columns == ("id", "a", "b")
    assert notes == ["column bad was left out: the server fails when it is asked for (500)"]
    assert len(played.calls) == 5
    described = played.result.first().json["tables"][0]["columns"]
    assert described == [{"columnName": name} for name in ("id", "a", "b")]


def test_an_unknown_column_beside_the_failing_one_is_still_told() -> None:
    with pytest.raises(BadInput, match=r"has no column 'nope'. It has a, id"):
        scan(("a", "bad", "nope"))


def test_without_columns_the_failure_is_the_servers() -> None:
    with pytest.raises(ServerError, match="hints fail"):
        scan(None)


def test_a_look_at_no_table_gives_no_types() -> None:
    assert look("t").decode(page([])) == {}
    with pytest.raises(BadReply, match="it holds no data"):
        look("t").decode(reply(None))
