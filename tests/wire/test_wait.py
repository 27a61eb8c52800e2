"""``swnb.wait`` and ``swnb.changes`` on the sandbox, by both doors; its clock is moved by the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from boxes import asked, made, uri

import swnb
from swnb.client import following
from swnb.errors import BadInput, NotFound, TokenRejected, Unreachable
from swnb.fetch import book
from swnb.sandbox import Box

QUICK = 0.05


@pytest.fixture(autouse=True)
def nobody_listens_at_the_end() -> Iterator[None]:
    yield
    assert following._pollers == {}


def after(box: Box, requests: int, then: Any) -> threading.Thread:
    """Do something once so many requests have come."""

    def do() -> None:
        while len(box.requests) < requests:
            pause.wait(0.01)
        then()

    pause = threading.Event()
    thread = threading.Thread(target=do)
    thread.start()
    return thread


def test_it_waits_until_all_have_ended_and_gives_them_in_the_order_asked(own: Box) -> None:
    jobs = [uri(own, made(own, "running", n)) for n in (1, 0)] + [uri(own, made(own, "failed"))]
    mover = after(own, 6, lambda: own.clock.advance(5 * 3600))
    frame = swnb.wait(jobs, every=QUICK, timeout=30)
    mover.join()
    assert list(frame.index) == jobs
    assert list(frame.status) == ["succeeded", "succeeded", "failed"]
    assert frame.finished.notna().all()
    found = swnb.provenance(frame)
    assert found.complete
    assert found.requests > 0


def test_first_gives_those_that_are_there(own: Box) -> None:
    jobs = [uri(own, made(own, "queued")), uri(own, made(own, "succeeded"))]
    assert list(swnb.wait(jobs, first=True, every=QUICK, timeout=30).index) == jobs[1:]


def test_until_a_status_ends_the_wait_for_a_job_and_so_does_its_end(own: Box) -> None:
    jobs = [uri(own, made(own, "running")), uri(own, made(own, "paused")), uri(own, made(own, "cancelled"))]
    frame = swnb.wait(jobs, until=["running", "paused"], every=QUICK, timeout=30)
    assert list(frame.status) == ["running", "paused", "cancelled"]


def test_a_timeout_carries_how_all_of_them_stand(own: Box) -> None:
    jobs = [uri(own, made(own, "queued")), uri(own, made(own, "succeeded"))]
    with pytest.raises(TimeoutError, match="1 of 2 jobs did not end within") as caught:
        swnb.wait(jobs, timeout=0.6, every=QUICK)
    partial = caught.value.partial  # type: ignore[attr-defined]
    assert list(partial.index) == jobs
    assert list(partial.status) == ["queued", "succeeded"]
    assert not swnb.provenance(partial).complete


@pytest.mark.parametrize("count", [1, 2])
def test_a_job_that_is_swept_away_has_ended(own: Box, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_SELDOM", 0.2)  # else only the list of every minute tells
    swept = made(own, "running")
    jobs = [uri(own, swept), uri(own, made(own, "succeeded"))][:count]

    def sweep() -> None:
        swnb.open(jobs[0]).delete(yes=True)  # type: ignore[union-attr]

    asker = after(own, 4, sweep)
    frame = swnb.wait(jobs, every=QUICK, timeout=30)
    asker.join()
    assert frame.raw_status.iloc[0] == "removed"


def test_a_job_that_never_was_is_not_found(own: Box) -> None:
    with pytest.raises(NotFound):
        swnb.wait(["box/project/1/job/9999", uri(own, made(own, "running"))], timeout=30)


def test_a_refusal_is_raised_and_so_is_a_server_that_is_not_there(own: Box) -> None:
    swnb.connect("box", own.uri("starwhale"), token="wrong-token-of-the-test")
    with pytest.raises(TokenRejected):
        swnb.wait("box/project/1/job/1", timeout=30)
    with pytest.raises(Unreachable):
        swnb.wait("starwhale+http://127.0.0.1:9/project/1/job/1", timeout=30)


def test_a_project_means_the_jobs_that_it_has_now(own: Box) -> None:
    own.clock.advance(6 * 3600)
    frame = swnb.wait("box/project/1", until=["paused", "unknown", "running", "queued"], every=QUICK, timeout=30)
    assert set(frame.index) == set(swnb.jobs("box/project/1").index)


def test_a_handle_waits_and_both_doors_give_the_same(own: Box) -> None:
    job = uri(own, made(own, "succeeded"))
    handle: Any = swnb.open(job)
    expected = swnb.wait(job, timeout=30)
    assert handle.wait(timeout=30).equals(expected)
    assert asyncio.run(handle.wait.aio(timeout=30)).equals(expected)


@pytest.mark.parametrize("wrong", [{"until": "done"}, {"timeout": -1}, {"every": 0}, {"timeout": float("nan")}])
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(own: Box, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        swnb.wait(uri(own, made(own, "running")), **wrong)
    assert asked(own) == 0


def test_waiting_for_no_job_gives_no_row(own: Box) -> None:
    assert len(swnb.wait([])) == 0


def test_changes_are_told_as_they_are_seen_and_end_with_the_last_job(own: Box) -> None:
    jobs = [uri(own, made(own, "running", n)) for n in range(2)]
    mover = after(own, 6, lambda: own.clock.advance(5 * 3600))
    seen = list(swnb.changes(jobs, every=QUICK))
    mover.join()
    assert sorted(change.job for change in seen) == sorted(jobs)
    assert {(change.before, change.after, change.raw) for change in seen} == {("running", "succeeded", "SUCCESS")}
    assert all(change.time.tzinfo is not None for change in seen)


def test_changes_of_a_project_go_on_until_the_reader_leaves(own: Box) -> None:
    async def read() -> list[str]:
        found = []
        stream = swnb.changes("box", every=QUICK)
        mover = after(own, 12, lambda: own.clock.advance(5 * 3600))
        async for change in stream:
            found.append(change.job)
            if len(found) == 3:
                break
        await stream.aclose()
        mover.join()
        return found

    assert len(set(asyncio.run(read()))) == 3


def test_changes_of_jobs_that_have_ended_are_none(own: Box) -> None:
    assert list(swnb.changes([uri(own, made(own, "succeeded")), uri(own, made(own, "failed"))])) == []
