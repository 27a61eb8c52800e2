"""Going through Istari's pages: nothing is lost, nothing comes twice, and it ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.errors import BadInput, NotFound
from swnb.sdk.istari import Job, PageJob


def page_of(ids: list[str], number: int | None, size: int | None, total: int | None, pages: int | None) -> PageJob:
    items = [{"id": id_} for id_ in ids]
    return PageJob.read({"items": items, "total": total, "page": number, "size": size, "pages": pages}, "page")


class Registry:
    """A list of jobs in pages, as a server gives them; it writes down which pages are asked for."""

    def __init__(self, jobs: int, totals: bool = True, echo: bool = True, cap: int = 100) -> None:
        self.ids = [str(number) for number in range(jobs)]
        self.totals, self.echo, self.cap = totals, echo, cap
        self.asked: list[tuple[int, int]] = []

    async def page(self, number: int = 1, size: int = 10) -> PageJob:
        self.asked.append((number, size))
        size = min(size, self.cap)
        total = len(self.ids) if self.totals else None
        pages = None if total is None else -(-total // size)
        found = self.ids[(number - 1) * size : number * size]
        page = page_of(found, number if self.echo else None, size if self.echo else None, total, pages)
        page.goes_on(self.page)
        return page

    def first(self, number: int = 1, size: int = 10) -> PageJob:
        return asyncio.run(self.page(number, size))


@given(st.integers(0, 60), st.integers(1, 20), st.booleans(), st.integers(1, 30))
def test_all_jobs_come_once_whatever_the_server_tells(jobs: int, size: int, totals: bool, cap: int) -> None:
    registry = Registry(jobs, totals, cap=cap)
    assert [job.id for job in registry.first(size=size).iter_items()] == registry.ids
    most = max(1, -(-jobs // min(size, cap))) + (not totals)
    assert len(registry.asked) <= most


def test_a_page_behind_the_first_goes_on_from_there() -> None:
    registry = Registry(25)
    assert [job.id for job in registry.first(number=2)] == registry.ids[10:]
    assert registry.asked == [(2, 10), (3, 10)]


def test_a_page_without_rows_ends_the_walk() -> None:
    registry = Registry(20, totals=False)
    pages = list(registry.first().iter_pages())
    assert [len(page.items) for page in pages] == [10, 10]
    assert registry.asked == [(1, 10), (2, 10), (3, 10)]
    promised = page_of(["1"], 1, 1, total=9, pages=9)
    promised.goes_on(lambda number, size: Registry(0).page(number, size))
    assert [job.id for job in promised] == ["1"]


def test_pages_that_tell_nothing_of_themselves_are_counted_here() -> None:
    registry = Registry(25, totals=False, echo=False)
    assert [job.id for job in registry.first()] == registry.ids
    assert registry.asked == [(1, 10), (2, 10), (3, 10)]


def test_a_server_that_gives_the_same_again_and_again_is_left() -> None:
    same = [str(number) for number in range(100)]

    async def again(number: int, size: int) -> PageJob:
        page = page_of(same, 1, 100, None, None)
        page.goes_on(again)
        return page

    first = asyncio.run(again(1, 100))
    assert [job.id for job in first] == same


def test_what_moves_to_the_next_page_meanwhile_comes_once() -> None:
    registry = Registry(25)
    first = registry.first()
    registry.ids = ["new", *registry.ids]
    assert [job.id for job in first] == [str(number) for number in range(25)]


@pytest.mark.parametrize("walk", [iter, PageJob.iter_items])
def test_going_through_fetches_no_further_than_one_page_ahead(walk: Callable[[PageJob], Any]) -> None:
    registry = Registry(500)
    some = walk(registry.first())
    assert len(list(itertools.islice(some, 15))) == 15
    assert len(registry.asked) == 2
    some.close()


def test_a_page_is_gone_through_with_async_for_too() -> None:
    async def ids() -> tuple[list[str], list[int]]:
        registry = Registry(12)
        first = await registry.page()
        return [job.id async for job in first], [len(page.items) async for page in first.iter_pages()]

    found, sizes = asyncio.run(ids())
    assert found == [str(number) for number in range(12)]
    assert sizes == [10, 2]


def test_a_page_that_a_caller_made_has_its_own_items_and_says_what_it_lacks() -> None:
    whole = page_of(["1", "2"], 1, 10, 2, 1)
    assert list(whole) == [Job(id="1"), Job(id="2")]
    part = page_of(["1"], 1, 1, 2, 2)
    walk = part.iter_items()
    assert next(walk) == Job(id="1")
    with pytest.raises(BadInput, match="this page has no client"):
        next(walk)


def test_pages_are_asked_for_ahead_only_of_those_who_go_on() -> None:
    registry = Registry(400)
    walk = registry.first().iter_items()
    assert [next(walk).id for _ in range(9)] == registry.ids[:9]  # the walk is at most one item further
    assert len(registry.asked) == 1
    assert [next(walk).id for _ in range(5)] == registry.ids[9:14]
    assert len(registry.asked) == 2
    assert [job.id for job in walk] == registry.ids[14:]
    assert sorted(registry.asked) == [(number, 10) for number in range(1, 41)]


def test_a_walk_that_is_left_asks_for_no_more() -> None:
    registry = Registry(4_000)
    walk = registry.first().iter_pages()
    for _ in range(4):
        next(walk)
    walk.close()
    asked = len(registry.asked)
    assert asked <= 4 + 16
    assert list(registry.first(number=400)) != []
    assert len(registry.asked) == asked + 1


def test_a_page_that_fails_fails_after_those_before_it() -> None:
    registry = Registry(100)

    async def further(number: int, size: int) -> PageJob:
        if number == 5:
            raise NotFound("gone")
        return await registry.page(number, size)

    first = registry.first()
    first.goes_on(further)
    came: list[str] = []
    with pytest.raises(NotFound, match="gone"):
        for job in first:
            came.append(job.id)
    assert came == registry.ids[:40]
