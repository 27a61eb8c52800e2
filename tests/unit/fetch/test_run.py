"""Driving plans, counting and keeping what arrives, threads that do not hold their caller."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from swnb.call import Call, Page, Plan, ask, ask_all, at_once, note
from swnb.errors import NotFound
from swnb.fetch import events, partial
from swnb.fetch.events import Meter, Progress, Requested, Retrying, listening
from swnb.fetch.run import drain, run
from swnb.fetch.tasks import end, in_thread, within
from swnb.model import Series


def call(path: str, answer: Any) -> Call[Any]:
    return Call("GET", path, lambda reply: answer)


class Sender:
    """Answers each call with what it would decode to; an error among the answers is raised."""

    async def send(self, call: Call[Any]) -> Any:
        answer = call.decode(None)  # type: ignore[arg-type]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_plan_gets_the_answers_in_their_order() -> None:
    def plan() -> Plan[list[Any]]:
        first = yield from ask(call("/a", 1))
        rest = yield from ask_all([call("/b", 2), call("/c", 3)])
        return [first, *rest]

    assert asyncio.run(run(plan(), Sender())) == [1, 2, 3]


def chain(name: str) -> Plan[str]:
    """Two calls, the second of which needs the first one's answer."""
    first = yield from ask(call(f"/{name}/1", name))
    return (yield from ask(call(f"/{name}/2", f"{first}!")))


def test_calls_and_whole_plans_go_abreast_and_answer_in_their_order() -> None:
    def plan() -> Plan[list[Any]]:
        return (yield from ask_all([chain("a"), call("/b", "b"), chain("c")]))

    assert asyncio.run(run(plan(), Sender())) == ["a!", "b", "c!"]


def test_a_plan_is_ended_before_one_that_waits_begins() -> None:
    asked: list[str] = []
    flying = most = 0

    class Watched(Sender):
        async def send(self, call: Call[Any]) -> Any:
            nonlocal flying, most
            asked.append(call.path)
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0.001)
            flying -= 1
            return await super().send(call)

    def plan() -> Plan[list[Any]]:
        return (yield from ask_all([chain(str(n)) for n in range(6)]))

    assert asyncio.run(run(plan(), Watched(), 2)) == [f"{n}!" for n in range(6)]
    assert most == 2
    assert asked.index("/2/1") > asked.index("/0/2")
    assert asked.index("/5/1") > asked.index("/3/2")


def test_an_error_in_a_plan_among_others_ends_them_and_is_thrown_into_the_outer_one() -> None:
    ended: list[str] = []

    def failing() -> Plan[Any]:
        yield from ask(call("/bad", NotFound("no bad")))

    def waiting() -> Plan[Any]:
        try:
            return (yield from ask_all([chain(str(n)) for n in range(100)]))
        finally:
            ended.append("waiting")

    def plan() -> Plan[str]:
        try:
            yield from ask_all([waiting(), failing()])
        except NotFound as error:
            return str(error)
        return "nothing was raised"

    class Slow(Sender):
        async def send(self, call: Call[Any]) -> Any:
            await asyncio.sleep(0.01 if call.path == "/bad" else 0.002)
            return await super().send(call)

    assert asyncio.run(run(plan(), Slow(), 4)) == "no bad."
    assert ended == ["waiting"]


def test_a_folders_plans_may_ask_for_other_plans_that_ask_nothing() -> None:
    def plan() -> Plan[list[int]]:
        return (yield from ask_all([at_once(lambda: 1)(), at_once(lambda: 2)()]))

    assert drain(plan()) == [1, 2]


def test_series_are_kept_as_they_arrive() -> None:
    series = Series("loss", [0], [1.0], job="7")

    def plan() -> Plan[None]:
        yield call("/a", [series])
        yield call("/b", NotFound("gone"))

    with pytest.raises(NotFound), partial.keeping("metrics"):
        asyncio.run(run(plan(), Sender()))
    kept = partial.last()
    assert kept is not None
    assert kept.parts == [(None, series)]


def test_an_error_is_thrown_into_the_plan_where_it_asked() -> None:
    def plan() -> Plan[str]:
        try:
            yield from ask(call("/a", NotFound("no a")))
        except NotFound as error:
            return f"caught {error}"
        return "missed"

    assert asyncio.run(run(plan(), Sender())) == "caught no a."


def test_an_error_that_the_plan_does_not_catch_comes_out_without_context() -> None:
    with pytest.raises(NotFound) as caught:
        asyncio.run(run(ask(call("/a", NotFound("no a"))), Sender()))
    assert caught.value.__context__ is None


def test_a_cancel_closes_the_plan() -> None:
    closed: list[bool] = []

    class Stuck(Sender):
        async def send(self, call: Call[Any]) -> Any:
            await asyncio.Event().wait()

    def plan() -> Plan[None]:
        try:
            yield call("/a", 1)
        finally:
            closed.append(True)

    async def main() -> None:
        task = asyncio.ensure_future(run(plan(), Stuck()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == [True]


def test_pages_are_counted_list_by_list_and_the_last_count_is_always_told() -> None:
    heard: list[Any] = []

    def plan() -> Plan[None]:
        yield call("/a", Page([1, 2], 4))
        yield [call("/a", Page([3, 4], 4)), call("/b", Page([5], 1))]

    with listening(heard.append):
        asyncio.run(run(plan(), Sender(), what="jobs"))
    assert heard[0] == Progress("jobs", 2, 4, "items")
    assert heard[-1] == Progress("jobs", 5, 5, "items", over=True)


def test_a_meter_tells_at_most_ten_times_a_second() -> None:
    now = 0.0
    heard: list[Any] = []
    meter = Meter("rows", "rows", 300, clock=lambda: now)
    with listening(heard.append):
        for _ in range(300):
            now += 0.01
            meter.advance()
        meter.finish()
    assert 25 <= len(heard) <= 31
    assert heard[-1] == Progress("rows", 300, 300, "rows", over=True)


def test_a_listener_that_fails_harms_neither_the_fetch_nor_the_others(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Any] = []

    def fails(event: events.Event) -> None:
        raise RuntimeError("broken view")

    with listening(fails), listening(heard.append):
        events.emit(Requested("lab", "/x", 200, 1, 0.1))
    assert len(heard) == 1
    assert "a listener failed" in caplog.text


def test_nobody_hears_what_happens_after_he_stopped_listening() -> None:
    heard: list[Any] = []
    with listening(heard.append):
        pass
    events.emit(Requested("lab", "/x", 200, 1, 0.1))
    assert heard == []


def test_trails_within_one_another_both_count_and_pass_their_notes_on() -> None:
    with events.trail() as outer:
        with events.trail() as inner:
            events.emit(Requested("lab", "/x", 200, 10, 0.1))
            events.emit(Retrying("lab", "/x", "status 503", 1.0, 1))
            note("an unreadable time")
        events.emit(Requested("lab", "/x", 200, 5, 0.1))
    assert (inner.requests, inner.retries, inner.bytes, inner.notes) == (1, 1, 10, ["an unreadable time"])
    assert (outer.requests, outer.retries, outer.bytes, outer.notes) == (2, 1, 15, ["an unreadable time"])
    assert outer.seconds >= inner.seconds >= 0


def test_what_arrived_before_an_error_is_kept_until_the_same_fetch_succeeds() -> None:
    def plan(ending: Any) -> Plan[None]:
        yield call("/a", Page(["one", "two"], 3))
        yield call("/a", ending)

    def fetch(what: str, ending: Any) -> None:
        with partial.keeping(what), partial.keeping("inner"):
            asyncio.run(run(plan(ending), Sender()))

    with pytest.raises(NotFound):
        fetch("jobs of lab", NotFound("gone"))
    kept = partial.last()
    assert kept is not None
    assert (kept.what, kept.parts) == ("jobs of lab", [(None, "one"), (None, "two")])
    fetch("something else", Page(["three"], 3))
    assert partial.last() is kept
    fetch("jobs of lab", Page(["three"], 3))
    assert partial.last() is None


def test_a_plan_that_asks_nothing_is_drained_and_one_that_asks_is_a_fault() -> None:
    assert drain(at_once(lambda: 7)()) == 7
    with pytest.raises(RuntimeError, match="asks Call"):
        drain(ask(call("/a", 1)))


word: ContextVar[str] = ContextVar("word", default="")


def test_work_in_a_thread_sees_the_context_and_leaves_no_thread() -> None:
    async def main() -> None:
        word.set("here")
        assert await in_thread(word.get) == "here"
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 1, 0)

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name == "swnb-work":  # it may still be about to end, or be another test's
            thread.join(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "swnb-work"]


def test_a_cancel_frees_the_caller_while_the_thread_still_works() -> None:
    started, go_on, over = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        go_on.wait(10)
        over.set()

    async def main() -> None:
        task = asyncio.ensure_future(in_thread(slow))
        while not started.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not over.is_set()
        go_on.set()

    asyncio.run(main())
    assert over.wait(10)


def test_work_that_takes_too_long_is_over_when_the_time_is() -> None:
    cleaned: list[bool] = []

    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    assert asyncio.run(within(0.01, stuck())) is None
    assert cleaned == [True]


def test_ended_tasks_are_over_and_their_errors_do_not_matter() -> None:
    async def fails() -> None:
        raise NotFound("nobody looks")

    async def main() -> None:
        tasks = [asyncio.ensure_future(fails()), asyncio.ensure_future(asyncio.sleep(9))]
        await asyncio.sleep(0)
        await end(tasks)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
