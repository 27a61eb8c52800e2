from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances
from watching_fake import NOW, Fake, job, minutes

import swnb
from swnb.bridge import submit
from swnb.client.watching import Notice
from swnb.widgets import views, watchdetail
from swnb.widgets.watch import ASLEEP, Watch, said_of, watch

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def quiet_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are on no server here: their log is two lines."""

    async def follow(uri: str) -> AsyncGenerator[str, None]:
        yield f"log of {uri}"
        yield "ValueError: no"

    monkeypatch.setattr(watchdetail, "offers", lambda _uri: frozenset({"logs"}))
    monkeypatch.setattr(watchdetail, "follow", follow)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def panel(fake: Fake) -> Iterator[Watch]:
    made = Watch("lab/project/1", fake, code="panel = swnb.watch('lab/project/1')", rings=True)
    yield made
    made.close()


def settle() -> None:
    """Wait until the threads and tasks that loaded something have let go of it."""
    for thread in threading.enumerate():
        if thread.name == "swnb-work":
            thread.join(PATIENCE)
    submit(asyncio.sleep(0)).result(PATIENCE)


def shown(panel: Watch) -> list[str]:
    return [row["id"] for row in panel.board._rows]


# -- the board


def test_the_panel_is_there_at_once_and_begins_to_ask(panel: Watch, fake: Fake) -> None:
    assert fake.said == ["start"]
    assert panel.board._total["known"] is False
    assert "No jobs yet" in panel._twin()[1]


def test_rows_stand_in_the_order_of_the_watching(panel: Watch, fake: Fake) -> None:
    fake.tell([job(2), job(1)])
    fake.tell([job(3, "queued"), job(2, "failed"), job(1)])
    assert shown(panel) == ["3", "2", "1"]


def test_one_refresh_is_one_message_and_an_idle_one_sends_no_rows(
    panel: Watch, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(panel.board, "_send", lambda message, buffers=None: sent.append(set(message["state"])))
    fake.tell([job(1)], notices=[notice()], changes=[("lab/project/1/job/1", "queued", "running")])
    assert len(sent) == 1
    assert {"_rows", "_notices", "_says", "_clock"} <= sent[0]
    fake.tell()
    assert len(sent) <= 2  # within one tick of the clock there is nothing to send
    assert all(idle <= {"_clock", "_health"} for idle in sent[1:])


def test_at_most_200_rows_go_to_the_page_and_the_filter_finds_the_others(panel: Watch, fake: Fake) -> None:
    fake.tell([job(number) for number in range(500, 0, -1)])
    assert len(panel.board._rows) == 200
    assert panel.board._total["match"] == 500
    panel.search = "train-7"
    assert shown(panel) == [str(number) for number in [*range(79, 69, -1), 7]]


def test_only_active_leaves_out_what_has_ended_or_was_removed(panel: Watch, fake: Fake) -> None:
    fake.tell([job(4, "queued"), job(3), job(2, "failed"), job(1, removed=True)])
    panel.active = True
    assert shown(panel) == ["4", "3"]
    assert panel.code.splitlines()[1:] == ["panel.active = True"]


def test_a_lost_server_is_told_and_its_rows_stay(panel: Watch, fake: Fake) -> None:
    fake.tell([job(1)])
    fake.tell(problem="lab: connection refused.")
    assert panel.board._health[0]["problem"] == "lab: connection refused."
    assert shown(panel) == ["1"]
    assert "connection lost: lab: connection refused." in panel._twin()[1]
    fake.tell()
    assert panel.board._health[0]["problem"] == ""


# -- what is announced


def notice(text: str = "loss > 10: it is 12") -> Notice:
    return Notice(NOW, "lab/project/1/job/1", "train-1", "loss > 10", text)


def test_changes_are_announced_once_and_many_are_counted(panel: Watch, fake: Fake) -> None:
    fake.tell([job(1)], changes=[("lab/project/1/job/1", "queued", "running")])
    assert panel.board._says == {"turn": 1, "text": "train-1, 1: running"}
    fake.tell()
    assert panel.board._says["turn"] == 1
    fake.tell(changes=[("lab/project/1/job/1", "running", "failed")] * 5)
    assert panel.board._says["text"].endswith("; and 2 more")


def test_what_is_announced_names_the_job_and_its_new_status() -> None:
    changes = pd.DataFrame({"job": ["lab/job/7"], "before": ["running"], "after": ["failed"]})
    assert said_of(changes, {}) == "a job, 7: failed"


def test_notices_are_numbered_so_that_a_late_page_rings_none(panel: Watch, fake: Fake) -> None:
    fake.tell([job(1)], notices=[notice("one"), notice("two\x1b[31m\n")])
    assert [(each["number"], each["text"]) for each in panel.board._notices] == [(1, "one"), (2, "two↵")]
    fake.tell(notices=[notice(str(count)) for count in range(30)])
    assert [each["number"] for each in panel.board._notices] == list(range(13, 33))


# -- one job in detail


def wait_for_log(panel: Watch) -> list[str]:
    done = threading.Event()

    def ended(change: Any) -> None:
        if change["new"] == "The log has ended.":
            done.set()

    panel._detail.logview.observe(ended, "said")
    if panel._detail.logview.said != "The log has ended.":
        assert done.wait(PATIENCE)
    return panel._detail.logview.lines


def test_a_chosen_row_shows_cause_stages_and_log(panel: Watch, fake: Fake) -> None:
    stages = pd.DataFrame(
        {"time": [NOW - minutes(5), NOW], "before": ["queued", "running"], "after": ["running", "failed"]}
    )
    fake.tell([job(1, "failed", error="<b>out of memory</b>"), job(2)], stages=stages)
    panel.board.picked = "lab/project/1/job/1"
    assert "look lab/project/1/job/1" in fake.said
    panel._detail._stages.wait(PATIENCE)
    assert "▶ running" in panel._detail._stages._body.value
    assert "Cause: &lt;b&gt;out of memory" in panel._detail._cause.value
    assert wait_for_log(panel) == ["log of lab/project/1/job/1", "ValueError: no"]
    assert panel._detail.logview.first_error == 2
    assert panel.selected.index.tolist() == ["lab/project/1/job/1"]


def test_details_are_read_again_when_the_job_changes_and_not_before(panel: Watch, fake: Fake) -> None:
    uri = "lab/project/1/job/1"
    fake.tell([job(1)])
    panel.board.picked = uri
    fake.tell([job(2, "queued"), job(1)])
    assert fake.said.count(f"stages {uri}") <= 1
    panel._detail._stages.wait(PATIENCE)
    fake.tell([job(2, "queued"), job(1, "succeeded")])
    panel._detail._stages.wait(PATIENCE)
    assert fake.said.count(f"stages {uri}") == 2
    assert "✓ train-1, succeeded" in panel._detail._title.value
    assert panel.board.picked == uri


def test_choosing_none_hides_the_details_and_stops_the_log(panel: Watch, fake: Fake) -> None:
    fake.tell([job(1)])
    panel.board.picked = "lab/project/1/job/1"
    panel._unpick()
    assert panel._detail.layout.display == "none"
    assert panel._detail.logview._work is None
    assert panel.selected.empty


def test_a_platform_without_logs_shows_no_log(panel: Watch, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdetail, "offers", lambda _uri: frozenset())
    fake.tell([job(1)])
    panel.board.picked = "lab/project/1/job/1"
    assert panel._detail.logview.layout.display == "none"


# -- its life


def say(panel: Watch, **content: Any) -> None:
    panel.board._handle_custom_msg(content, [])


def test_the_button_asks_now(panel: Watch, fake: Fake) -> None:
    say(panel, kind="refresh")
    assert fake.said[-1] == "refresh"


def test_it_stops_when_its_last_view_goes_and_goes_on_when_one_comes(
    panel: Watch, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "GRACE", 0.0)
    slept = threading.Event()
    panel.board.observe(lambda change: slept.set(), "asleep")
    say(panel, kind="view", id="a", on=True)
    say(panel, kind="view", id="b", on=True)
    say(panel, kind="view", id="a", on=False)
    assert panel._views._leaving is None
    say(panel, kind="view", id="b", on=False)
    assert slept.wait(PATIENCE)
    assert (fake.said[-1], panel.board.asleep) == ("close", ASLEEP)
    say(panel, kind="view", id="c", on=True)
    assert (fake.said[-1], panel.board.asleep) == ("start", "")


def test_a_page_that_is_loaded_anew_does_not_stop_it(panel: Watch, fake: Fake) -> None:
    say(panel, kind="view", id="a", on=True)
    say(panel, kind="view", id="a", on=False)
    leaving = panel._views._leaving
    say(panel, kind="view", id="b", on=True)
    assert leaving is not None
    assert leaving.cancelled()
    assert "close" not in fake.said


def test_a_closed_panel_stops_asking_and_frees_every_widget() -> None:
    before = set(_instances)
    fake = Fake()
    panel = Watch("lab", fake, code="")
    fake.tell([job(1)])
    panel.board.picked = "lab/project/1/job/1"
    wait_for_log(panel)
    held = [weakref.ref(each) for each in (panel, panel.board, panel._detail, panel._detail.logview)]
    panel.close()
    fake.tell([job(2)])  # an answer that comes late
    assert fake.said[-1] == "close"
    del panel
    settle()
    end = time.monotonic() + 10  # a thread may just be letting go of one
    while any(ref() is not None for ref in held) and time.monotonic() < end:
        time.sleep(0.01)
        gc.collect()
    assert [ref() for ref in held] == [None] * len(held)
    assert set(_instances) <= before


def test_ten_thousand_refreshes_leave_nothing_behind(panel: Watch, fake: Fake) -> None:
    fake.tell([job(1)])
    widgets, threads = len(_instances), threading.active_count()
    for count in range(10_000):
        fake.rows = (job(1, last_line=str(count)),)
        fake._call()
    assert (len(_instances), threading.active_count()) == (widgets, threads)


# -- its twin


def test_the_twin_holds_the_last_board_escaped_and_when_it_was(panel: Watch, fake: Fake) -> None:
    fake.tell(
        [job(1, name="<script>\x1b[31m", progress=0.42, said="epoch 5 of 12", last_line="loss <1"), job(2, "failed")],
        notices=[notice("<i>")],
    )
    data = panel._repr_mimebundle_()
    assert data is not None
    page, text = data["text/html"], data["text/plain"]
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<i>" not in page
    assert "\x1b" not in page + text
    assert "42% · epoch 5 of 12" in text
    assert "▶ 1 running · ✗ 1 failed" in text
    assert "lab: as of 2026-11-22 12:00:00 UTC" in text
    assert text.endswith("panel = swnb.watch('lab/project/1')")


def test_the_twin_is_written_when_something_has_changed(
    panel: Watch, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    due: list[None] = []
    fake.tell([job(1)])
    panel._twin()
    monkeypatch.setattr(panel, "_twin_changed", lambda _=None: due.append(None))
    fake.tell()
    assert not due
    fake.tell([job(1, "failed")])
    assert len(due) == 1


# -- the public name


def test_watch_says_how_to_make_it_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path))
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    monkeypatch.setattr("swnb.widgets.watch.Watching", lambda *_args, **_options: Fake())
    panel = watch(["lab/project/1", "lab/project/2"], notify="loss > 10", every=5)
    assert panel.code == ("panel = swnb.watch(['lab/project/1', 'lab/project/2'], notify='loss > 10', every=5)")
    assert panel.board._rings
    panel.close()
