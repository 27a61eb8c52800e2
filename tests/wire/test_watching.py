"""What a board is told: jobs of the sandbox's platforms, kept up to date while its clock is moved."""

from __future__ import annotations

import asyncio
import gc
import http.server
import json
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from boxes import asked, made, uri

import swnb
from swnb import sandbox
from swnb.client import following
from swnb.client.watching import Notice, Watching
from swnb.errors import ActionsOff, BadInput
from swnb.sandbox import Box

QUICK = 0.05
PLATFORMS = ("starwhale", "swanlab", "supervisely", "ray", "yuanrong", "istari")
COLUMNS = (
    "name status raw_status created started finished elapsed progress step total eta error last_line platform server "
    "project id removed"
)


class Board:
    """A watching whose refreshes can be waited for."""

    def __init__(self, where: Any, *, every: float | None = QUICK, **options: Any) -> None:
        self.refreshed = threading.Condition()
        self.watching = Watching(where, every=every, **options)
        self.watching.start(self._changed)

    def _changed(self) -> None:
        with self.refreshed:
            self.refreshed.notify_all()

    def until(self, holds: Callable[[Watching], Any]) -> None:
        with self.refreshed:
            assert self.refreshed.wait_for(lambda: holds(self.watching), 20), self.watching.health

    def status(self, job: str) -> str:
        return next((row.info.status.value for row in self.watching.rows if row.uri == job), "")


@pytest.fixture
def boards() -> Iterator[Callable[..., Board]]:
    """Makes boards, and closes them; afterwards nobody asks any more."""
    made_: list[Board] = []

    def make(where: Any, **options: Any) -> Board:
        made_.append(Board(where, **options))
        return made_[-1]

    yield make
    for board in made_:
        board.watching.close()
    _quiet()


def _quiet() -> None:
    while following._pollers:
        time.sleep(0.01)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_change_on_the_server_shows_and_is_kept(platform: str, boards: Callable[..., Board]) -> None:
    with sandbox.run([platform], seed=1, clock="manual") as box:
        swnb.connect("box", box.uri(platform), token=box.token(platform))
        board = boards("box")
        board.until(lambda w: w.rows)
        before = {row.uri: row.info.status for row in board.watching.rows}
        assert [row.uri for row in board.watching.rows] == list(swnb.jobs("box").index)
        assert len(board.watching.changes) == 0
        box.clock.advance(5 * 3600)
        board.until(lambda w: len(w.changes))
        frame, changes = board.watching.frame, board.watching.changes
        assert " ".join(frame.columns) == COLUMNS
        assert list(frame.index)[-len(before) :] == list(before)
        assert list(changes.columns) == ["time", "job", "before", "after", "raw_status"]
        for change in changes.itertuples():
            if change.job in before:
                assert change.before == before[change.job].value
            else:
                assert pd.isna(change.before)
            assert change.after != change.before
        board.watching.close()
        _quiet()


def test_the_order_holds_still_and_new_jobs_come_on_top(own: Box, boards: Callable[..., Board]) -> None:
    board = boards("box/project/1")
    board.until(lambda w: w.rows)
    before = [row.uri for row in board.watching.rows]
    project = own.world.project("mnist")
    late = project.jobs.pop(0)
    gone = next(row for row in board.watching.rows if row.info.id == str(late.id))
    board.watching.refresh()
    board.until(lambda w: any(row.removed for row in w.rows))
    assert [row.uri for row in board.watching.rows] == before
    (row,) = [row for row in board.watching.rows if row.removed]
    assert (row.uri, row.info.raw_status) == (gone.uri, "removed")
    new = made(own, "queued", 1)
    own.world.project("kites" if new in own.world.project("kites").jobs else "speech").jobs.remove(new)
    project.jobs.append(new)
    board.until(lambda w: len(w.rows) == len(before) + 1)
    assert [row.uri for row in board.watching.rows] == [f"box/project/1/job/{new.id}", *before]


def test_two_boards_of_a_server_cost_no_more_than_one(own: Box, boards: Callable[..., Board]) -> None:
    first = boards("box/project/1", every=3600.0)
    first.until(lambda w: w.rows)
    count = asked(own)
    second = boards("box/project/1", every=3600.0)
    second.until(lambda w: w.rows)
    assert asked(own) == count
    assert len(second.watching.rows) == len(first.watching.rows)


def test_a_round_of_a_starwhale_project_is_one_scan(own: Box, boards: Callable[..., Board]) -> None:
    board = boards("box/project/1")
    board.until(lambda w: w.rows)
    lists = asked(own, "/job$")
    scans = asked(own, "scanTable")
    while asked(own, "scanTable") < scans + 5:
        time.sleep(0.02)
    assert asked(own, "/job$") == lists


def test_a_mix_of_platforms_is_one_board_with_a_health_each(boards: Callable[..., Board]) -> None:
    with sandbox.run(["starwhale", "ray"], seed=1, clock="manual") as box:
        for platform in ("starwhale", "ray"):
            swnb.connect(platform, box.uri(platform), token=box.token(platform))
        board = boards(["starwhale/project/1", "ray"])
        board.until(lambda w: len(w.health) == 2)
        assert set(board.watching.frame.platform) == {"starwhale", "ray"}
        assert [each.problem for each in board.watching.health] == ["", ""]
        board.watching.close()
        _quiet()


def test_a_lost_connection_is_told_with_its_reason_and_recovers(own: Box, boards: Callable[..., Board]) -> None:
    board = boards("box/project/1")
    board.until(lambda w: w.rows)
    rows = board.watching.rows
    own.faults.add("status", status=404, path="scanTable|/job")
    board.until(lambda w: w.health[0].problem)
    assert len(board.watching.rows) == len(rows)
    assert board.watching.health[0].next is not None
    own.faults.clear()
    board.watching.refresh()
    board.until(lambda w: not w.health[0].problem)


def test_a_job_that_is_not_there_is_a_problem_beside_those_that_are(own: Box, boards: Callable[..., Board]) -> None:
    board = boards(["box/project/1/job/9999", uri(own, made(own, "running"))])
    board.until(lambda w: w.rows)
    assert "9999" in board.watching.health[0].problem
    assert len(board.watching.rows) == 1


def test_a_row_that_is_looked_at_has_its_last_line_and_its_cause(own: Box, boards: Callable[..., Board]) -> None:
    failed, running = uri(own, made(own, "failed")), uri(own, made(own, "running"))
    board = boards([failed, running])
    board.until(lambda w: w.rows)
    assert {row.last_line for row in board.watching.rows} == {""}
    for job in (failed, running):
        board.watching.look(job)
    board.until(lambda w: all(row.last_line for row in w.rows))
    board.until(lambda w: any(row.info.error for row in w.rows))
    assert "loss" in board.watching.frame.loc[running, "last_line"]
    assert "Error" in board.watching.frame.loc[failed, "error"]


def test_stages_are_tasks_or_what_was_seen(boards: Callable[..., Board]) -> None:
    with sandbox.run(["starwhale", "swanlab"], seed=1, clock="manual") as box:
        for platform in ("starwhale", "swanlab"):
            swnb.connect(platform, box.uri(platform), token=box.token(platform))
        board = boards(["starwhale/project/1", "swanlab"])
        board.until(lambda w: len(w.health) == 2)
        by_platform = {row.origin.platform: row.uri for row in board.watching.rows}
        tasks = asyncio.run(board.watching.stages(by_platform["starwhale"]))
        assert tasks.index.name == "task"
        seen = asyncio.run(board.watching.stages(by_platform["swanlab"]))
        assert list(seen.columns) == ["time", "job", "before", "after", "raw_status"]
        board.watching.close()
        _quiet()


# -- rules


def test_a_rule_fires_once_for_what_happens_and_not_for_what_was_over(own: Box, boards: Callable[..., Board]) -> None:
    heard: list[Notice] = []
    board = boards("box/project/1", notify=["status == 'succeeded'", "loss < 100"], on_notice=heard.append)
    board.until(lambda w: w.rows)
    alive = {row.uri for row in board.watching.rows if not row.info.status.final}
    own.clock.advance(5 * 3600)
    board.until(lambda w: any(notice.rule == "status == 'succeeded'" for notice in w.notices))
    board.until(lambda w: any(notice.rule == "loss < 100" for notice in w.notices))
    before = len(board.watching.notices)
    board.watching.refresh()
    board.until(lambda w: w.health)
    pairs = [(notice.rule, notice.job) for notice in board.watching.notices]
    assert len(pairs) == len(set(pairs)) >= before
    assert {job for _, job in pairs} <= alive
    assert "loss = " in next(notice.text for notice in board.watching.notices if notice.rule == "loss < 100")
    board.until(lambda w: len(heard) == len(w.notices))


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Any]:
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("status", [200, 503])
def test_a_webhook_gets_the_notice_once_and_none_of_our_tokens(
    own: Box, boards: Callable[..., Board], hook: Any, status: int
) -> None:
    hook.status = status
    address = f"http://127.0.0.1:{hook.server_port}/hooks/secret-of-the-hook"
    job = uri(own, made(own, "running"))
    board = boards(job, notify="status == 'running'", webhook=address)
    board.until(lambda w: len(w.notices) == (1 if status == 200 else 2))
    while not hook.got:
        time.sleep(0.01)
    ((path, headers, body),) = hook.got
    assert path == "/hooks/secret-of-the-hook"
    assert json.loads(body).keys() == {"time", "job", "name", "rule", "text"}
    assert json.loads(body)["job"] == job
    assert own.token("starwhale") not in f"{headers}{body!r}"
    assert "secret-of-the-hook" not in repr(board.watching.notices)
    if status == 503:
        assert "did not take the notice (503)" in board.watching.notices[-1].text


def test_a_rule_stops_a_job_only_when_actions_are_allowed(own: Box, boards: Callable[..., Board]) -> None:
    job = made(own, "running")
    rule = "status == 'running' then stop"
    with pytest.raises(ActionsOff):
        Watching(uri(own, job), notify=rule)
    board = boards(uri(own, job), notify=rule, act=True)
    board.until(lambda w: w.notices)
    assert "stop was asked for" in board.watching.notices[0].text
    own.clock.advance(10)
    board.until(lambda w: board.status(uri(own, job)) == "cancelled")


def test_a_stop_is_not_sent_when_actions_were_switched_off_again(own: Box, boards: Callable[..., Board]) -> None:
    job = uri(own, made(own, "running"))
    swnb.allow_actions()
    try:
        watching = Watching(job, notify="status == 'running' then stop", every=QUICK)
    finally:
        swnb.allow_actions(False)
    told = threading.Event()
    watching.start(lambda: told.set() if watching.notices else None)
    assert told.wait(20)
    assert "not stopped: actions are off" in watching.notices[0].text
    assert asked(own, method="POST", path="cancel") == 0
    watching.close()


def test_a_callback_that_fails_harms_nobody(own: Box, boards: Callable[..., Board]) -> None:
    def broken(notice: Notice) -> None:
        raise ValueError(notice.name)

    board = boards("box/project/1", notify="status != 'succeeded'", on_notice=broken)
    board.until(lambda w: w.notices)
    before = board.watching.health[0].asked
    board.until(lambda w: w.health[0].asked != before)


@pytest.mark.parametrize(
    "wrong", [{"notify": "loss >"}, {"webhook": "ftp://x"}, {"every": 0}, {"where": "no such server/x"}, {"where": 3}]
)
def test_what_cannot_be_meant_is_refused_at_once(own: Box, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Watching(**({"where": "box"} | wrong))


# -- the end


def test_closing_frees_it_and_ends_the_asking(own: Box) -> None:
    board = Board("box/project/1")
    board.until(lambda w: w.rows)
    board.watching.look(board.watching.rows[0].uri)
    left = weakref.ref(board.watching)
    board.watching.close()
    board.watching.close()
    _quiet()
    count = asked(own)
    del board
    for _ in range(200):
        gc.collect()
        if left() is None:
            break
        time.sleep(0.02)
    assert left() is None
    assert asked(own) == count


def test_what_was_closed_goes_on_when_it_is_started_again(own: Box, boards: Callable[..., Board]) -> None:
    job = made(own, "running")
    board = boards(uri(own, job))
    board.until(lambda it: len(it.rows) == 1)
    board.watching.close()
    own.clock.advance(5 * 3600)
    board.watching.start(board._changed)
    board.until(lambda it: it.rows[0].info.status.value == "succeeded")
