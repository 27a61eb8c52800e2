"""Tables with revisions, scans and queries of the sandbox's datastore."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.curves import big_table, train_table
from swnb.sandbox.starwhale import query, scan
from swnb.sandbox.starwhale.errors import Refused
from swnb.sandbox.starwhale.store import Datastore, Grown
from swnb.sandbox.world import Timeline

T = "project/1/t"
U = "project/1/u"


def ask(store: Datastore, *tables: str, **more: Any) -> dict[str, Any]:
    body = {"tables": [{"tableName": name} for name in tables], "rawResult": True, **more}
    data: dict[str, Any] = json.loads(scan.read(store, body).answer())["data"]
    return data


def values(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: cell["value"] for name, cell in row.items()} for row in data["records"]]


def test_cells_merge_and_a_deleted_row_starts_afresh() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a": 1, "b": 2}])
    store.write(T, [{"id": 1, "b": 3}])
    assert values(ask(store, T)) == [{"id": "1", "a": "1", "b": "3"}]
    store.write(T, [{"id": 1, "-": True}])
    store.write(T, [{"id": 1, "c": 4}])
    assert values(ask(store, T)) == [{"id": "1", "c": "4"}]


def test_an_equal_value_of_another_type_is_dropped() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a": 1}])
    store.write(T, [{"id": 1, "a": 1.0}])
    assert ask(store, T)["records"][0]["a"]["type"] == "INT64"


def test_deleted_rows_move_the_last_key_but_not_the_limit() -> None:
    store = Datastore()
    store.write(T, [{"id": key} for key in range(5)])
    store.write(T, [{"id": 1, "-": True}, {"id": 4, "-": True}])
    page = ask(store, T, limit=2)
    assert ([row["id"] for row in values(page)], page["lastKey"]) == (["0", "2"], f"{2:016x}")
    end = ask(store, T, start=f"{4:016x}")
    assert (end["records"], end["lastKey"]) == ([], f"{4:016x}")


def test_none_cells_need_the_table_s_own_word_and_untyped_both() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a": None}])
    kept = [{"tableName": T, "keepNone": True}]
    assert "a" not in values(ask(store, T, keepNone=True))[0]
    assert values(ask(store, tables=kept))[0]["a"] is None
    assert "a" not in ask(store, tables=kept, encodeWithType=False)["records"][0]
    assert ask(store, tables=kept, encodeWithType=False, keepNone=True)["records"][0]["a"] is None


def test_several_tables_are_merged_by_key_and_the_later_wins() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a": 1}, {"id": 3, "a": 3}])
    store.write(U, [{"id": 1, "a": 9}, {"id": 2, "b": 2}])
    assert values(ask(store, T, U)) == [{"id": "1", "a": "9"}, {"id": "2", "b": "2"}, {"id": "3", "a": "3"}]


def test_int_and_text_keys_merge_typed_only() -> None:
    store = Datastore()
    store.write(T, [{"id": 1}])
    store.write(U, [{"id": "x"}])
    assert len(ask(store, T, U)["records"]) == 2
    with pytest.raises(Refused):
        ask(store, T, U, encodeWithType=False)


def test_a_column_also_selects_its_names_behind_a_colon() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a:x": 2, "ab": 3}])
    columns = [{"columnName": "a", "alias": "q"}]
    assert values(ask(store, tables=[{"tableName": T, "columns": columns}])) == [{"q:x": "2"}]
    both = [{"columnName": "id", "alias": "q"}, {"columnName": "ab", "alias": "q"}]
    with pytest.raises(Refused) as refused:
        ask(store, tables=[{"tableName": T, "columns": both}])
    assert refused.value.status == 500


def test_the_trap_of_large_ints_beside_nan_is_a_500() -> None:
    store = Datastore()
    store.write(T, [{"id": 1, "a": 2**60}, {"id": 2, "a": math.nan}])
    with pytest.raises(Refused) as refused:
        ask(store, T)
    assert refused.value.status == 500
    assert len(ask(store, tables=[{"tableName": T, "columns": [{"columnName": "id"}]}])["records"]) == 2


@given(
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(-5, 70)),
    st.one_of(st.none(), st.integers(-5, 70)),
    st.tuples(st.booleans(), st.booleans()),
    st.integers(0, 70),
)
def test_a_table_made_by_arithmetic_answers_as_a_written_one(
    rows: int, start: int | None, end: int | None, inclusive: tuple[bool, bool], limit: int
) -> None:
    store = Datastore()
    made = Grown(big_table(rows), lambda: 0.0)
    store.tables[T] = made
    store.table(U).update(cells for _, _, cells in made.walk(scan.Span(), 0) if cells is not None)
    bounds = {name: f"{key & 2**64 - 1:016x}" for name, key in (("start", start), ("end", end)) if key is not None}
    for style in ({}, {"encodeWithType": False}, {"rawResult": False}):
        more = {**bounds, "startInclusive": inclusive[0], "endInclusive": inclusive[1], "limit": limit, **style}
        left, right = ask(store, T, **more), ask(store, U, **more)
        if rows:
            assert left == right
        assert left["records"] == right["records"]


def test_a_training_table_grows_with_the_time_spent_running() -> None:
    timeline = Timeline(
        [(0.0, "queued"), (10.0, "running"), (60.0, "paused"), (100.0, "running"), (150.0, "succeeded")]
    )
    table = train_table(1, 100.0, timeline)
    assert [table.length(now) for now in (5, 35, 60, 90, 125, 500)] == [0, 100, 200, 200, 300, 400]


def test_queries_filter_order_and_count_deleted_rows_in_offsets() -> None:
    store = Datastore()
    store.write(T, [{"id": key, "a": key * 0.5} for key in range(6)])
    store.write(T, [{"id": 0, "-": True}, {"id": 7}])

    def found(**body: Any) -> list[str]:
        data = json.loads(query.answer(store, {"tableName": T, "rawResult": True, **body}))["data"]
        return [row["id"] for row in data["records"]]

    less = {"operator": "LESS", "operands": [{"columnName": "a"}, {"floatValue": 1.2}]}
    text = {"operator": "GREATER", "operands": [{"columnName": "a"}, {"stringValue": "1.9"}]}
    null = {"operator": "EQUAL", "operands": [{"columnName": "a"}, {}]}
    assert found(filter=less) == ["1", "2", "7"]
    assert found(filter=text) == ["4", "5"]
    assert found(filter=null) == ["7"]
    assert found(filter={"operator": "OR", "operands": [{"filter": text}, {"filter": null}]}) == ["4", "5", "7"]
    assert found(filter={"operator": "NOT", "operands": [{"filter": less}]}) == ["3", "4", "5"]
    assert found(orderBy=[{"columnName": "a", "descending": True}], limit=2) == ["5", "4"]
    assert found(start=0, limit=1) == found(start=1, limit=1) == ["1"]
