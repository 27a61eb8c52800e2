"""Lists of the sandbox's Supervisely: filters, order, pages and cursors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.supervisely.errors import Refused
from swnb.sandbox.supervisely.listing import of_records

LISTING = of_records("id name at", "id name at")
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "B", "b_c", "%"]), "at": st.none() | st.sampled_from(["1", "2"])}
    ),
    max_size=12,
).map(lambda rows: [{"id": number, **row} for number, row in enumerate(rows, 1)])
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "sort": st.sampled_from(["id", "name", "at"]),
        "sort_order": st.sampled_from(["asc", "desc"]),
        "sort_nulls_order": st.sampled_from(["first", "last"]),
    },
)


@given(RECORDS, ORDERS, st.integers(1, 5))
def test_pages_and_cursor_give_all_rows_once_and_in_the_same_order(
    rows: list[dict[str, Any]], order: dict[str, str], size: int
) -> None:
    whole = LISTING.page(rows, order)["entities"]
    first = LISTING.page(rows, {**order, "per_page": size})
    paged = [
        row
        for number in range(1, first["pagesCount"] + 1)
        for row in LISTING.page(rows, {**order, "per_page": size, "page": number})["entities"]
    ]
    walked: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = LISTING.page(rows, {**order, "per_page": size, "pagination_mode": "token", "after": after})
        walked, after = walked + page["entities"], page["after"]
    assert paged == walked == whole
    assert sorted(row["id"] for row in whole) == [row["id"] for row in rows]


@given(RECORDS, ORDERS)
def test_nulls_stand_behind_in_ascending_lists_unless_told(rows: list[dict[str, Any]], order: dict[str, str]) -> None:
    found = LISTING.page(rows, {**order, "sort": "at"})["entities"]
    gaps = [row["at"] is None for row in found]
    default = "first" if order.get("sort_order") == "desc" else "last"
    assert gaps == sorted(gaps, reverse=order.get("sort_nulls_order", default) == "first")


@pytest.mark.parametrize(
    ("operator", "value", "ids"),
    [
        ("=", "b", [2]),
        ("eq", "b", [2]),
        ("!=", "b", [1, 3, 4]),
        ("not", "b", [1, 3, 4]),
        ("in", ["a", "%"], [1, 4]),
        ("!in", ["a", "%"], [2, 3]),
        ("like", "b%", [2, 3]),
        ("!like", "b%", [1, 4]),
        ("ilike", "B_C", [3]),
        ("like", "*", []),
        (">=", "b", [2, 3]),
        ("<", "b", [1, 4]),
    ],
)
def test_each_operator_keeps_what_it_says(operator: str, value: Any, ids: list[int]) -> None:
    rows = [{"id": number, "name": name} for number, name in enumerate(("a", "b", "b_c", "%"), 1)]
    rule = {"field": "name", "operator": operator, "value": value}
    assert [row["id"] for row in LISTING.page(rows, {"filter": [rule]})["entities"]] == ids


@pytest.mark.parametrize(
    "asked",
    [{"per_page": 0}, {"page": "2"}, {"page": True}, {"sort": "size"}, {"sort_order": "up"}]
    + [{"pagination_mode": "token", "after": after} for after in ("x", "bnVsbA==")],
)
def test_what_is_no_page_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        LISTING.page([{"id": 1}, {"id": 2}], asked)
