"""Rows of a table by ranges: whatever the keys are like, each row comes once, in order, for few requests."""

from __future__ import annotations

import asyncio
import bisect
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb.call import Call
from swnb.errors import BadReply
from swnb.fetch.ranges import int_bounds, rows
from swnb.model import Batch, RowQuery
from swnb.providers.base import ScanPage, TableScan

PAGE = 10
EVERYTHING = RowQuery()
LOWEST, HIGHEST = -(2**63), 2**63 - 1


@dataclass
class Table:
    """A table in memory that is asked by the protocol of TableScan; ``send`` plays the server."""

    keys: list[int]
    int_keys: bool = True
    page_rows: int = PAGE
    torn_from: int | None = None  # pages of the fast way that hold a key from here on are torn
    ints_stay: bool = True
    way: str = "/fast"
    arriving: list[int] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    flying: int = 0
    most: int = 0

    def between(self, low: int | None, high: int | None) -> Call[ScanPage]:
        return Call("POST", self.way, ScanPage, json=(low, high))  # type: ignore[arg-type]

    def first(self) -> Call[ScanPage]:
        return self.between(None, None)

    def after(self, page: ScanPage) -> Call[ScanPage] | None:
        return self.between(page.last + 1, None) if page.batch.n == self.page_rows else None

    def anew(self) -> TableScan:
        return replace(self, way="/safe", int_keys=self.ints_stay)

    async def send(self, call: Call[ScanPage]) -> ScanPage:
        low, high = call.json
        assert low is None or high is None or LOWEST <= low < high <= HIGHEST
        self.asked.append((low, high))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            for _ in range(1 + hash((low, high)) % 3):
                await asyncio.sleep(0)
        finally:
            self.flying -= 1
        if self.arriving:
            bisect.insort(self.keys, self.arriving.pop())
        start = 0 if low is None else bisect.bisect_left(self.keys, low)
        stop = len(self.keys) if high is None else bisect.bisect_left(self.keys, high)
        return page(
            self.keys[start : min(stop, start + self.page_rows)], self.torn_from if call.path == "/fast" else None
        )


def page(keys: list[int], torn_from: int | None = None) -> ScanPage:
    torn = torn_from is not None and bool(keys) and keys[-1] >= torn_from
    ends = (keys[0], keys[-1]) if keys else (None, None)
    return ScanPage(Batch.of({"id": key} for key in keys), *ends, torn=torn)


def read(table: Table, query: RowQuery = EVERYTHING, in_flight: int = 4) -> list[int]:
    async def collect() -> list[int]:
        return [key async for batch in rows(table, query, table.send, in_flight) for key in batch.columns["id"]]

    return asyncio.run(collect())


def most_requests(n: int) -> int:
    return 3 * math.ceil(n / PAGE) + 10


anywhere = st.integers(LOWEST, HIGHEST)
near = st.integers(-3000, 3000)
blocks = st.tuples(st.integers(-(10**6), 10**6), st.integers(1, 80), st.integers(1, 50)).map(
    lambda b: [b[0] + i * b[2] for i in range(b[1])]
)
clustered = st.lists(blocks, max_size=12).map(lambda some: [key for block in some for key in block])
key_sets = st.one_of(st.lists(near, max_size=400), st.lists(anywhere, max_size=60), clustered).map(
    lambda keys: sorted(set(keys))
)


@settings(max_examples=300, deadline=None)
@given(key_sets)
def test_each_row_comes_once_and_in_order_for_at_most_three_requests_a_page(keys: list[int]) -> None:
    table = Table(keys)
    assert read(table) == keys
    assert len(table.asked) <= most_requests(len(keys))
    assert table.most <= 4


@settings(max_examples=200, deadline=None)
@given(key_sets, st.one_of(near, anywhere), st.one_of(near, anywhere), st.booleans())
def test_bounds_take_what_they_say(keys: list[int], start: int, end: int, inclusive: bool) -> None:
    table = Table(keys)
    wanted = [key for key in keys if start <= key and (key < end or (inclusive and key == end))]
    assert read(table, RowQuery(start, end, inclusive)) == wanted
    assert len(table.asked) <= most_requests(len(wanted))


@settings(max_examples=200, deadline=None)
@given(key_sets, st.lists(near, max_size=60))
def test_rows_that_arrive_meanwhile_are_not_doubled_and_lose_no_other(keys: list[int], arriving: list[int]) -> None:
    fresh = sorted(set(arriving) - set(keys))
    got = read(Table(list(keys), arriving=list(fresh)))
    assert got == sorted(set(got))
    assert set(keys) <= set(got) <= set(keys) | set(fresh)


@settings(max_examples=200, deadline=None)
@given(key_sets, near, st.booleans())
def test_a_torn_page_has_the_rest_read_anew_and_no_row_twice(keys: list[int], torn_from: int, ints_stay: bool) -> None:
    assert read(Table(keys, torn_from=torn_from, ints_stay=ints_stay)) == keys


@settings(max_examples=100, deadline=None)
@given(key_sets, near)
def test_a_page_read_in_turn_may_be_torn_too(keys: list[int], torn_from: int) -> None:
    assert read(Table(keys, int_keys=False, torn_from=torn_from, ints_stay=False)) == keys


@settings(max_examples=100, deadline=None)
@given(key_sets, st.integers(0, 60), st.booleans())
def test_a_limit_gives_the_first_rows_and_asks_no_more_than_they_need(keys: list[int], limit: int, ints: bool) -> None:
    table = Table(keys, int_keys=ints)
    assert read(table, RowQuery(limit=limit)) == keys[:limit]
    assert len(table.asked) <= (most_requests(limit) if limit else 0)


def test_a_dense_table_costs_a_request_a_page_and_four_are_in_flight() -> None:
    table = Table(list(range(-500, 500)))
    assert len(read(table)) == 1000
    assert len(table.asked) <= 100 + 6
    assert table.most == 4
    assert sum(high is None for _, high in table.asked) == 2


def test_every_page_between_the_looks_has_both_bounds_also_at_the_ends_of_int64() -> None:
    keys = [*range(LOWEST, LOWEST + 35), *range(HIGHEST - 35, HIGHEST + 1)]
    assert read(Table(keys)) == keys


@pytest.mark.parametrize("query", [RowQuery(2**63), RowQuery(5, 5), RowQuery(7, 3), RowQuery(limit=0)])
def test_bounds_that_hold_no_key_ask_nothing(query: RowQuery) -> None:
    table = Table([1, 5, 7])
    assert read(table, query) == []
    assert table.asked == []


def test_bounds_may_be_floats() -> None:
    assert int_bounds(RowQuery(1.5, 3.5, True)) == (2, 4)
    assert int_bounds(RowQuery(1.0, 3.0)) == (1, 3)
    assert int_bounds(RowQuery(1.0, 3.0, True)) == (1, 4)
    assert int_bounds(RowQuery(float("-inf"), float("inf"))) == (LOWEST, HIGHEST + 1)


def test_closing_the_rows_cancels_what_is_in_flight() -> None:
    table = Table(list(range(1000)))

    async def stop_early() -> int:
        stream = rows(table, RowQuery(), table.send)
        for _ in range(4):
            await anext(stream)
        await stream.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(stop_early()) == 1
    assert table.flying == 0
    assert len(table.asked) < 20


def test_an_error_of_one_page_ends_the_walk_and_leaves_no_task() -> None:
    table = Table(list(range(1000)))

    async def send(call: Call[ScanPage]) -> ScanPage:
        if len(table.asked) == 6:
            raise BadReply("odd")
        return await table.send(call)

    async def collect() -> int:
        with pytest.raises(BadReply, match="odd"):
            [batch async for batch in rows(table, RowQuery(), send)]
        return len(asyncio.all_tasks())

    assert asyncio.run(collect()) == 1


def test_a_server_that_gives_other_keys_than_asked_for_is_not_believed() -> None:
    table = Table(list(range(100)))

    async def send(call: Call[ScanPage]) -> ScanPage:
        return page(list(range(PAGE)))

    async def collect() -> None:
        async for _ in rows(table, RowQuery(), send):
            pass

    with pytest.raises(BadReply, match="rows 0 to 9 came for the keys"):
        asyncio.run(collect())
