"""Lists of jobs: walked by what the server says, newest first, filtered here because the server filters nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply, noting
from swnb.errors import BadReply
from swnb.model import JobQuery, Status
from swnb.providers.starwhale import Starwhale

from .plans import one_page, play

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def job(number: int, **more: Any) -> dict[str, Any]:
    common = {"id": str(number), "uuid": f"{number:032x}", "jobName": f"job {number}", "jobStatus": "SUCCESS"}
    return common | {"createdTime": number * 1000, "owner": {"name": "me"}} | more


def paged(jobs: list[dict[str, Any]], cap: int = 100, **more: Any) -> Callable[[Call[Any]], Reply]:
    """A server that gives at most ``cap`` jobs a page, whatever size is asked for; pinned ones stand in front."""
    order = sorted(jobs, key=lambda each: (each.get("pinnedTime") or 0, int(each["id"])), reverse=True)

    def answer(call: Call[Any]) -> Reply:
        size = min(cap, int(call.query["pageSize"]))
        at = (int(call.query["pageNum"]) - 1) * size
        pages = -(-len(order) // size)
        has_next = at + size < len(order)
        return one_page(order[at : at + size], len(order), **({"pages": pages, "hasNextPage": has_next} | more))

    return answer


def jobs_of(answer: Callable[[Call[Any]], Reply], **query: Any) -> tuple[list[int], int | None, list[str]]:
    played = play(Starwhale("http://h").jobs("2", JobQuery(**query)), answer)
    ids = [int(each.id) for each in played.result.items]
    return ids, played.result.total, [call.query["pageNum"] for call in played.calls]


MANY = [job(n) for n in range(1, 251)]


def test_further_pages_are_asked_abreast() -> None:
    played = play(Starwhale("http://h").jobs("2", JobQuery()), paged(MANY))
    assert [[call.query["pageNum"] for call in together] for together in played.rounds] == [["1"], ["2", "3"]]
    assert [int(each.id) for each in played.result.items] == list(range(250, 0, -1))
    assert played.result.total == 250


@pytest.mark.parametrize("cap", [1, 7, 10, 100])
def test_a_server_that_caps_its_pages_loses_no_job(cap: int) -> None:
    assert jobs_of(paged(MANY[:30], cap))[:2] == (list(range(30, 0, -1)), 30)


@pytest.mark.parametrize("more", [{"pages": 0}, {"pages": None}, {"pages": "3"}, {"pages": 10**12}, {"pages": 1}])
def test_pages_are_walked_by_total_and_has_next_page_where_pages_says_nothing(more: dict[str, Any]) -> None:
    ids, total, _ = jobs_of(paged(MANY, 100, **more))
    assert (ids, total) == (list(range(250, 0, -1)), 250)


@pytest.mark.parametrize("query", [{}, {"limit": 250}, {"since": EPOCH}])
def test_a_total_that_is_too_small_does_not_end_the_walk(query: dict[str, Any]) -> None:
    def answer(call: Call[Any]) -> Reply:
        number = int(call.query["pageNum"])
        return one_page([job(20 - number)], total=1, hasNextPage=number < 5, pages=0)

    assert jobs_of(answer, **query)[0] == [19, 18, 17, 16, 15]


def test_a_total_beyond_belief_costs_neither_memory_nor_requests() -> None:
    def answer(call: Call[Any]) -> Reply:
        number = int(call.query["pageNum"])
        return one_page([job(7)] if number == 1 else [], total=10**15, hasNextPage=True, pages=10**15)

    assert jobs_of(answer) == ([7], 10**15, ["1", "2"])


def test_a_list_without_an_end_is_refused() -> None:
    def answer(call: Call[Any]) -> Reply:
        return one_page([job(int(call.query["pageNum"]))], total=1, hasNextPage=True)

    with pytest.raises(BadReply, match="the list has no end"):
        jobs_of(answer)


def test_a_page_without_items_ends_the_walk() -> None:
    assert jobs_of(lambda call: one_page([], total=27, hasNextPage=True, pages=3)) == ([], 27, ["1"])


@pytest.mark.parametrize("query", [{}, {"limit": 150}])
def test_a_list_that_changes_is_read_twice_and_loses_nothing(query: dict[str, Any]) -> None:
    """Job 240 is removed after the first page was read, so job 150 moves onto it unseen."""
    asked = 0

    def answer(call: Call[Any]) -> Reply:
        nonlocal asked
        asked += 1
        return paged(MANY if asked == 1 else [each for each in MANY if each["id"] != "240"])(call)

    with noting() as notes:
        ids, _, _ = jobs_of(answer, **query)
    assert 150 in ids
    assert len(set(ids)) == len(ids)
    assert len(notes) == 1 or query


def test_a_limit_asks_for_no_page_that_it_does_not_need() -> None:
    assert jobs_of(paged(MANY), limit=100) == (list(range(250, 150, -1)), 250, ["1"])
    assert jobs_of(paged(MANY), limit=0) == ([], 250, ["1"])


def test_a_limit_counts_after_the_filters() -> None:
    jobs = [job(n, jobStatus="FAIL" if n % 100 == 1 else "SUCCESS") for n in range(1, 1001)]
    ids, total, pages = jobs_of(paged(jobs), status=frozenset({Status.FAILED}), limit=2)
    assert (ids, total) == ([901, 801], 1000)
    assert pages == ["1", "2", "3", "4", "5"]  # the next four go abreast


def test_pinned_jobs_count_for_no_limit_but_are_not_lost() -> None:
    jobs = [job(n, pinnedTime=n if n <= 3 or n == 250 else None) for n in range(1, 251)]
    assert jobs_of(paged(jobs), limit=3)[0] == [250, 249, 248]
    assert jobs_of(paged(jobs, 2), limit=2)[0] == [250, 249]


def test_since_ends_the_walk_at_the_first_older_job() -> None:
    ids, _, pages = jobs_of(paged(MANY), since=EPOCH + timedelta(seconds=200))
    assert (ids, pages) == (list(range(250, 199, -1)), ["1"])


def test_names_and_owners_are_filtered_here() -> None:
    jobs = [job(1, jobName="Train A"), job(2, jobName="eval"), job(3, jobName="train b", owner={"name": "you"})]
    assert jobs_of(paged(jobs), name="train")[0] == [3, 1]
    assert jobs_of(paged(jobs), name="train", owner="me")[0] == [1]
    assert jobs_of(paged(jobs), owner="nobody")[0] == []


@given(
    st.sets(st.integers(1, 60)),
    st.sets(st.integers(1, 60)),
    st.integers(1, 9),
    st.none() | st.integers(0, 70),
    st.booleans(),
)
def test_whatever_is_pinned_and_capped_the_newest_come(
    numbers: set[int], pinned: set[int], cap: int, limit: int | None, some: bool
) -> None:
    jobs = [job(n, pinnedTime=1 if n in pinned else None, owner={"name": "me" if n % 3 else "you"}) for n in numbers]
    wanted = sorted((n for n in numbers if not some or n % 3), reverse=True)[:limit]
    assert jobs_of(paged(jobs, cap), limit=limit, owner="me" if some else None)[:2] == (wanted, len(numbers))
