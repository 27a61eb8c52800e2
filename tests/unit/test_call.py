from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb.call import Call, Listing, Page, Plan, Reply, ask, ask_all, at_once, collect, note, noting
from swnb.errors import BadReply, NotFound
from swnb.secret import Secret

Answer = Callable[[Call[Any]], Any]


def drive(plan: Plan[Any], answer: Answer) -> tuple[Any, list[list[str]]]:
    """Run a plan without any I/O: its result, and the paths asked for in each step."""
    steps: list[list[str]] = []
    try:
        wanted = next(plan)
        while True:
            calls = [wanted] if isinstance(wanted, Call) else list(wanted)
            steps.append([call.path for call in calls])
            results = [answer(call) for call in calls]
            wanted = plan.send(results[0] if isinstance(wanted, Call) else results)
    except StopIteration as end:
        return end.value, steps


def get(path: str) -> Call[Any]:
    return Call("GET", path, lambda reply: reply.json())


def walk(pages: dict[str, Page[int]]) -> tuple[Listing[int], list[list[str]]]:
    listing, steps = drive(collect(get("/1"), lambda item: item), lambda call: pages[call.path])
    return listing, steps


class TestReply:
    def test_json_is_read_into_a_shape(self) -> None:
        class Shape(msgspec.Struct):
            id: int

        assert Reply(200, {}, b'{"id": 7, "more": 1}').json(Shape).id == 7
        assert Reply(200, {}, b"[1, 2]").json() == [1, 2]

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"id": "x"}', b"[" * 100_000])
    def test_another_shape_is_a_bad_reply_that_names_server_and_path(self, body: bytes) -> None:
        class Shape(msgspec.Struct):
            id: int

        with pytest.raises(BadReply) as caught:
            Reply(200, {}, body, server="lab", path="/api/x").json(Shape)
        assert str(caught.value).startswith("lab: the answer to /api/x cannot be read: ")
        assert caught.value.__context__ is None

    def test_a_field_that_does_not_fit_is_named(self) -> None:
        class Shape(msgspec.Struct):
            id: int

        with pytest.raises(BadReply, match=r"\$\.id"):
            Reply(200, {}, b'{"id": "x"}').json(Shape)

    def test_text_is_always_readable(self) -> None:
        assert Reply(200, {}, b"a\xffb").text() == "a\ufffdb"

    def test_neither_body_nor_form_is_shown(self) -> None:
        call = Call("POST", "/login", lambda reply: None, form={"userPwd": Secret("hunter2")})
        assert "hunter2" not in repr(call) + repr(Reply(200, {}, b"hunter2"))


class TestPlans:
    def test_a_plan_asks_and_is_told(self) -> None:
        def plan() -> Plan[str]:
            first = yield from ask(get("/a"))
            more = yield from ask_all([get("/b"), get("/c")])
            return f"{first} {more}"

        assert drive(plan(), lambda call: call.path.upper()) == ("/A ['/B', '/C']", [["/a"], ["/b", "/c"]])

    def test_asking_for_nothing_asks_nothing(self) -> None:
        def plan() -> Plan[list[Any]]:
            return (yield from ask_all([]))

        assert drive(plan(), lambda call: 1 / 0) == ([], [])

    def test_an_error_arrives_where_the_plan_asked(self) -> None:
        def plan() -> Plan[str]:
            try:
                yield from ask(get("/a"))
            except NotFound:
                return "not there"
            return "there"

        running: Generator[Any, Any, str] = plan()
        next(running)
        with pytest.raises(StopIteration) as end:
            running.throw(NotFound("x"))
        assert end.value.value == "not there"

    def test_a_verb_at_once_reads_only_when_its_plan_is_run(self) -> None:
        read: list[int] = []

        @at_once
        def verb(n: int) -> int:
            read.append(n)
            return n + 1

        plan = verb(1)
        assert read == []
        assert drive(plan, lambda call: 1 / 0) == (2, [])
        assert read == [1]


class TestCollect:
    def test_pages_are_read_one_after_the_other(self) -> None:
        pages = {"/1": Page([1, 2], 3, get("/2")), "/2": Page([3], 3)}
        assert walk(pages) == (Listing((1, 2, 3), 3), [["/1"], ["/2"]])

    def test_pages_named_by_the_first_are_read_abreast(self) -> None:
        pages = {"/1": Page([1], 3, rest=[get("/2"), get("/3")]), "/2": Page([2], 3), "/3": Page([3], 3)}
        assert walk(pages) == (Listing((1, 2, 3), 3), [["/1"], ["/2", "/3"]])

    def test_the_walk_goes_on_behind_the_last_page_abreast(self) -> None:
        pages = {"/1": Page([1], rest=[get("/2")]), "/2": Page([2], next=get("/3")), "/3": Page([3])}
        assert walk(pages)[0] == Listing((1, 2, 3), None)

    def test_an_item_that_comes_twice_is_taken_once(self) -> None:
        pages = {"/1": Page([1, 2], 3, get("/2")), "/2": Page([2, 3], 3)}
        assert walk(pages)[0].items == (1, 2, 3)

    def test_a_page_without_rows_ends_the_walk(self) -> None:
        assert walk({"/1": Page([], 0, get("/1"))}) == (Listing((), 0), [["/1"]])

    def test_a_list_that_changed_is_read_twice_and_nothing_is_lost(self) -> None:
        readings = iter(
            [Page([1, 2], 4, get("/2")), Page([4], 3), Page([2, 3], 3, get("/2")), Page([4], 3)],
        )
        with noting() as notes:
            listing, steps = drive(collect(get("/1"), lambda item: item), lambda call: next(readings))
        assert set(listing.items) == {1, 2, 3, 4}
        assert steps == [["/1"], ["/2"], ["/1"], ["/2"]]
        assert [text for text in notes if "read twice" in text]

    @settings(deadline=None)
    @given(st.lists(st.lists(st.integers(0, 20), min_size=1), min_size=1, max_size=6))
    def test_each_item_of_each_page_is_there_once_in_order(self, contents: list[list[int]]) -> None:
        last = len(contents)
        pages = {
            f"/{i}": Page(items, None, get(f"/{i + 1}") if i < last else None) for i, items in enumerate(contents, 1)
        }
        flat = [item for items in contents for item in items]
        assert walk(pages)[0].items == tuple(dict.fromkeys(flat))


class TestNotes:
    def test_a_note_is_kept_once(self) -> None:
        with noting() as notes:
            note("odd time")
            note("odd time")
            note("other")
        note("said to nobody")
        assert notes == ["odd time", "other"]

    def test_inner_notes_are_the_inner_listeners(self) -> None:
        with noting() as outer:
            with noting() as inner:
                note("x")
            note("y")
        assert (outer, inner) == (["y"], ["x"])

    def test_tasks_that_were_started_meanwhile_note_in_the_same_place(self) -> None:
        async def work(name: str) -> None:
            note(name)

        async def main() -> Sequence[str]:
            with noting() as notes:
                await asyncio.gather(work("a"), work("b"))
            return notes

        assert asyncio.run(main()) == ["a", "b"]
