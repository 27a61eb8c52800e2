"""Lists of Supervisely's surface: every item once, whatever happens to the list while it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply
from swnb.errors import BadReply
from swnb.fetch.run import drive
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Sheet, _whole


class Server:
    """A list in pages; ``change`` is done to it after the first page of a reading was given."""

    def __init__(self, items: list[int], size: int, change: Callable[[list[int]], None] | None = None) -> None:
        self.items, self.size, self.change = list(items), size, change
        self.asked: list[int] = []

    async def answer(self, asked: Any) -> Any:
        if isinstance(asked, Call):
            return asked.decode(Reply(200, {}, json.dumps(self.page(asked.json.get("page", 1))).encode()))
        return [await drive(plan, self.answer) for plan in asked]

    def page(self, number: int) -> dict[str, Any]:
        self.asked.append(number)
        some = self.items[(number - 1) * self.size : number * self.size]
        total, pages = len(self.items), -(-len(self.items) // self.size)
        if self.change:
            self.change(self.items)
            self.change = None
        return {"total": total, "perPage": self.size, "pagesCount": pages, "entities": [{"id": each} for each in some]}

    def read(self, told: Any = None, limit: int | None = None) -> list[int]:
        plan = drive(_whole(requests.tasks_list(5102), told, limit), self.answer)
        with pytest.raises(StopIteration) as end:
            plan.send(None)
        items, _ = end.value.value
        return [item["id"] for item in items]


@given(st.integers(0, 60), st.integers(1, 20))
def test_a_list_at_rest_comes_whole_in_its_order_with_one_request_a_page(count: int, size: int) -> None:
    server, counts = Server(list(range(count)), size), list[int]()
    assert server.read(counts.append) == list(range(count))
    assert server.asked == list(range(1, max(1, -(-count // size)) + 1))
    assert sum(counts) == count


@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, 70))
def test_a_limit_gives_the_first_and_asks_no_more_than_the_vendor_does(count: int, size: int, limit: int) -> None:
    server = Server(list(range(count)), size)
    assert server.read(limit=limit) == list(range(count))[:limit]
    assert len(server.asked) == max(1, min(-(-count // size), limit // size + 1))


@given(st.integers(1, 60), st.integers(1, 20), st.data())
def test_a_list_that_changes_loses_nothing_that_stays(count: int, size: int, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(0, count - 1), max_size=3))
    new = data.draw(
        st.lists(st.tuples(st.integers(0, count), st.integers(100, 200)), max_size=3, unique_by=lambda x: x[1])
    )

    def change(items: list[int]) -> None:
        items[:] = [each for each in items if each not in gone]
        for place, each in new:
            items.insert(place, each)

    server = Server(list(range(count)), size, change)
    found = server.read()
    assert len(found) == len(set(found))
    if count > size and len(new) != len(gone):  # else nobody can tell that it changed
        assert set(found) >= set(range(count)) - gone
        assert len(server.asked) <= 2 * (-(-(count + 3) // size) + 1)


def test_items_without_an_id_are_all_kept() -> None:
    sent = {"total": 2, "perPage": 500, "pagesCount": 1, "entities": [{"name": "a"}, {"name": "a"}]}
    plan = _whole(requests.teams_list(), None, None)
    call = next(plan)
    assert isinstance(call, Call)
    with pytest.raises(StopIteration) as end:
        plan.send(sent)
    assert end.value.value[0] == sent["entities"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"total": 5, "perPage": 500, "pagesCount": 1, "entities": []}, "counts 5 items"),
        ({"total": 9, "perPage": 1, "pagesCount": 10**9, "entities": [{"id": 1}]}, "1,000,000,000 pages"),
        ({"total": 1, "perPage": 500, "entities": []}, "no total"),
        ({"total": 1, "perPage": 500, "pagesCount": 1, "entities": None}, "no total"),
        ([], "no total"),
    ],
)
def test_a_list_that_does_not_hold_what_it_says_is_a_bad_reply(sent: Any, said: str) -> None:
    plan = _whole(requests.tasks_list(5102), None, None)
    next(plan)
    with pytest.raises(BadReply, match=said):
        plan.send(sent)


def test_numbers_may_come_as_texts() -> None:
    assert Sheet.of({"total": "3", "perPage": "500", "pagesCount": "1", "entities": []}).total == 3
