"""The poller: how often it asks, whom it tells, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from watching import Asking, Ear, Server, Time, begin, job, play

from swnb.call import Call, Listing, Plan, Reply, ask_all
from swnb.errors import TooBusy, Unreachable
from swnb.fetch.book import GONE, Asker, Key, Scope, Seen
from swnb.fetch.run import run
from swnb.fetch.watch import Pace, Poller
from swnb.model import JobInfo, JobQuery, Status

P1 = Scope("1")
DONE = Status.SUCCEEDED


# -- the pace


def paces(status: Status, n: int = 8) -> list[float]:
    pace = Pace()
    waits = [pace.after([job("a", status)], changed=True, wanted=None, asked_for=0)]
    return waits + [pace.after([job("a", status)], changed=False, wanted=None, asked_for=0) for _ in range(n)]


def test_after_a_change_it_asks_soon_and_then_ever_slower() -> None:
    waits = paces(Status.QUEUED)
    assert waits[0] == 2.0
    assert waits == sorted(waits)
    assert waits[-1] == 30.0


def test_while_a_job_runs_a_change_shows_within_ten_seconds() -> None:
    assert max(paces(Status.RUNNING, 50)) == 8.0
    assert max(paces(Status.STOPPING, 50)) == 8.0


def test_when_all_have_ended_it_asks_once_a_minute() -> None:
    assert paces(DONE)[1] == 60.0


def test_failures_make_it_wait_longer_and_success_ends_that() -> None:
    pace = Pace()
    waits = [pace.after_failure(Unreachable("gone"), asked_for=0) for _ in range(8)]
    assert waits == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0]
    pace.after([job("a")], changed=True, wanted=None, asked_for=0)
    assert pace.after_failure(Unreachable("gone"), asked_for=0) == 4.0


def test_what_a_busy_server_asks_for_is_kept_whatever_the_listener_wants() -> None:
    pace = Pace()
    assert pace.after([job("a")], changed=True, wanted=0.5, asked_for=45) == 45.0
    assert pace.after_failure(TooBusy("later"), asked_for=120) == 120.0
    assert pace.after_failure(TooBusy("later"), asked_for=0) == 30.0
    assert pace.after_failure(TooBusy("later"), asked_for=10**9) == 600.0


# -- rounds


def test_one_list_call_an_interval_serves_all_who_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(*(job(str(n)) for n in range(100)))
        ears = [Ear(P1), Ear(P1, Scope("1", "7")), Ear(Scope("1", "3"), Scope("1", "4"))]
        await begin(time, server, *ears)
        server.asked.clear()
        await time.pass_(5)
        assert server.asked == ["list 1"] * 5
        assert [len(ear.last.jobs) for ear in ears] == [100, 100, 2]

    play(monkeypatch, story)


def test_a_listener_hears_the_changes_of_his_jobs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"), job("2"), job("3"))
        mine, whole = Ear(Scope("1", "1"), Scope("1", "2")), Ear(P1)
        await begin(time, server, mine, whole)
        assert mine.last.changes == []
        server.set(job("1", DONE), job("3", DONE))
        await time.pass_()
        assert [(each.key[1], each.before, each.after) for each in mine.last.changes] == [("1", Status.RUNNING, DONE)]
        assert {each.key[1] for each in whole.last.changes} == {"1", "3"}
        assert whole.last.jobs["1", "1"].changed == mine.last.asked

    play(monkeypatch, story)


def test_who_joins_later_hears_at_once_what_is_known_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"))
        first, late = Ear(P1), Ear(P1)
        poller = await begin(time, server, first)
        asked = len(server.asked)
        poller.join(late)
        assert late.states() == {"1": "RUNNING"}
        assert len(server.asked) == asked

    play(monkeypatch, story)


def test_who_wants_something_new_is_answered_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"), job("2", project="2"))
        first, other = Ear(P1), Ear(Scope("2"))
        poller = await begin(time, server, first)
        poller.join(other)
        await time.settled()
        assert other.states() == {"2": "RUNNING"}
        assert other.last.changes == []

    play(monkeypatch, story)


def test_a_failure_is_told_and_the_asking_goes_on_until_it_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"))
        ear = Ear(P1)
        await begin(time, server, ear)
        before = ear.last.asked
        server.error = Unreachable("nothing answers")
        await time.pass_(3)
        assert isinstance(ear.last.error, Unreachable)
        assert ear.last.asked == before
        assert ear.states() == {"1": "RUNNING"}
        assert time.waits[-3:] == [4.0, 8.0, 16.0]
        server.error = None
        server.set(job("1", DONE))
        await time.pass_()
        assert ear.last.error is None
        assert ear.states() == {"1": "SUCCEEDED"}

    play(monkeypatch, story)


def test_a_fault_of_ours_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"))
        ear = Ear(P1)
        await begin(time, server, ear)
        server.fault = True
        await time.pass_()
        assert "ZeroDivisionError" in str(ear.last.error)
        server.fault = False
        await time.pass_()
        assert ear.last.error is None

    play(monkeypatch, story)


def test_the_last_one_who_leaves_ends_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        before = asyncio.all_tasks()
        server = Server(job("1"))
        one, other = Ear(P1), Ear(P1)
        poller = await begin(time, server, one, other)
        poller.leave(one)
        await time.pass_()
        assert poller.runs
        poller.leave(other)
        poller.leave(other)
        assert not poller.runs
        await asyncio.wait(asyncio.all_tasks() - before)

    play(monkeypatch, story)


def test_a_listener_who_is_forgotten_ends_the_asking_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        before = asyncio.all_tasks()
        poller = await begin(time, Server(job("1")), ear := Ear(P1))
        del ear
        gc.collect()
        time.go_on()
        await asyncio.wait(asyncio.all_tasks() - before)
        assert not poller.runs

    play(monkeypatch, story)


def test_a_wish_to_be_asked_now_cuts_the_pause_short(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"))
        ear = Ear(P1)
        poller = await begin(time, server, ear)
        server.set(job("1", DONE))
        before = time.now
        poller.refresh()
        await time.settled()
        assert ear.states() == {"1": "SUCCEEDED"}
        assert time.now == before

    play(monkeypatch, story)


def test_the_shortest_interval_that_somebody_wants_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"))
        quick, slow = Ear(P1, every=0.5), Ear(P1, every=20.0)
        poller = await begin(time, server, quick, slow)
        await time.pass_(2)
        assert time.waits[-1] == 0.5
        poller.leave(quick)
        await time.pass_(2)
        assert time.waits[-1] == 20.0

    play(monkeypatch, story)


def test_the_next_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        ear = Ear(P1)
        await begin(time, Server(job("1")), ear)
        assert ear.last.asked == time.moment()
        assert ear.last.next is not None
        assert (ear.last.next - time.moment()).total_seconds() == ear.last.every == time.waits[-1]

    play(monkeypatch, story)


# -- looking closer


def test_more_is_asked_of_jobs_that_are_looked_at_and_once_more_when_they_have_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    async def closer(asker: Asker, looked: Sequence[Seen], valued: Sequence[Seen]) -> Mapping[Key, Any]:
        asked.append([each.info.id for each in looked])
        return {(each.info.project, each.info.id): f"detail {len(asked)}" for each in looked}

    async def story(time: Time) -> None:
        server = Server(job("1"), job("2"))
        ear = Ear(P1, every=20.0)
        await begin(time, server, ear, closer=closer)
        await time.pass_(2)
        assert asked == []
        ear.wants = {("1", "1")}
        await time.pass_()
        await asyncio.sleep(0)
        assert ear.last.jobs["1", "1"].detail == "detail 1"
        assert ear.last.jobs["1", "2"].detail is None
        server.set(job("1", DONE))
        await time.pass_(4)
        await asyncio.sleep(0)
        assert asked == [["1"], ["1"]]
        assert ear.last.jobs["1", "1"].detail == "detail 2"

    play(monkeypatch, story)


# -- what a server asks for


class Wire:
    """Sends nothing: the first answer to each call is a 429 and the second one is fine."""

    async def send(self, call: Call[Any]) -> Any:
        call.decode(Reply(429, {"retry-after": "33"}, b""))
        return call.decode(Reply(200, {}, b""))


class Wired(Server):
    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        ((found,),) = yield from ask_all([ask_all([Call("GET", "/jobs", lambda _: job("1"))])])
        return Listing([found])


class Sending(Asking):
    async def run(self, plan: Plan[Any]) -> Any:
        return await run(plan, Wire())


def test_a_retry_after_that_was_waited_out_slows_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        ear = Ear(P1)
        poller = Poller(lambda: Sending(Wired(job("1"))))
        poller.join(ear)
        await time.settled()
        assert ear.last.error is None
        assert time.waits == [33.0]

    play(monkeypatch, story)


# -- no leak


def test_ten_thousand_refreshes_leave_memory_threads_and_tasks_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(*(job(str(n)) for n in range(10)))
        ear = Ear(P1)
        await begin(time, server, ear)

        async def refreshes(n: int) -> None:
            for at in range(n):
                server.set(job(str(at % 10), (Status.RUNNING, Status.PAUSED)[at // 10 % 2]))
                server.asked.clear()
                await time.pass_()

        await refreshes(200)
        tasks, threads = len(asyncio.all_tasks()), threading.active_count()
        gc.collect()
        tracemalloc.start()
        await refreshes(200)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        await refreshes(9_400)
        tracemalloc.start()
        await refreshes(200)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(asyncio.all_tasks()) == tasks
        assert threading.active_count() == threads
        assert after < before + 20_000

    play(monkeypatch, story)


def test_a_removed_job_is_marked_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(time: Time) -> None:
        server = Server(job("1"), job("2", DONE))
        ear = Ear(P1)
        await begin(time, server, ear)
        server.jobs_.clear()
        await time.pass_()
        seen = ear.last.jobs
        assert [each.removed for each in seen.values()] == [True, True]
        assert [(each.info.status, each.info.raw_status) for each in seen.values()] == [
            (Status.UNKNOWN, GONE),
            (DONE, GONE),
        ]
        server.set(job("1"))
        await time.pass_()
        assert not ear.last.jobs["1", "1"].removed

    play(monkeypatch, story)
