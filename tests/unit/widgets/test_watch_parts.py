"""What the board says of a job, the stages of a job, and its log."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from watching_fake import NOW, job, minutes

from swnb.client.watching import Watched
from swnb.errors import Unreachable
from swnb.widgets import logview
from swnb.widgets.boardrows import Row, millis, rows_of, twin_frame
from swnb.widgets.logview import LogView
from swnb.widgets.stages import Stage, page, stages_of
from swnb.widgets.static import SYMBOLS

PATIENCE = 20.0


def row(watched: Watched, before: Row | None = None, now: datetime = NOW) -> Row:
    known = {} if before is None else {watched.uri: before}
    return rows_of([watched], now, known)[0]


# -- rows


def test_a_running_job_ticks_from_its_beginning_and_an_ended_one_stands_still() -> None:
    running, ended = row(job(1)), row(job(2, "failed", elapsed=minutes(3)))
    assert (running["ticks"], running["since"]) == (True, millis(NOW - minutes(10)))
    assert (ended["ticks"], ended["since"], ended["took"]) == (False, None, 180.0)


def test_what_the_server_says_has_elapsed_counts_more_than_its_clock() -> None:
    first = row(job(1, elapsed=minutes(2)))
    assert first["since"] == millis(NOW - minutes(2))
    assert row(job(1), first)["since"] == first["since"]  # an answer that does not say so
    later = row(job(1, elapsed=minutes(2)), first, NOW + timedelta(seconds=2))
    assert later["since"] == first["since"]  # it counts in its own steps
    again = row(job(1, started=NOW), first)
    assert again["since"] == millis(NOW)


def test_a_job_whose_beginning_nobody_knows_has_no_elapsed_time() -> None:
    told = row(job(1, started=None, created=None))
    assert (told["since"], told["took"]) == (None, None)
    assert twin_frame([told], NOW)["elapsed"].tolist() == [""]


def test_time_left_is_hidden_without_ground_and_told_with_its_spread() -> None:
    assert (row(job(1))["left"], row(job(1))["spread"]) == ("", "")
    told = row(job(1, eta=minutes(4.2), eta_low=minutes(3), eta_high=minutes(90)))
    assert (told["left"], told["spread"]) == ("about 4m 12s", "3m to 1h 30m")
    assert row(job(1, "succeeded", eta=minutes(4)))["left"] == ""


def test_the_place_is_told_where_there_is_more_than_one() -> None:
    rows = rows_of([job(1), job(1, place="ray/project/x")], NOW, {})
    assert [each["place"] for each in rows] == ["lab / 1", "ray / x"]
    assert row(job(1))["place"] == ""


@given(st.text(), st.text(), st.text(), st.floats(allow_nan=False))
def test_no_control_character_of_a_server_reaches_the_page(name: str, line: str, error: str, share: float) -> None:
    told = row(job(1, name=name, last_line=line * 100, error=error, progress=share))
    texts = [value for value in told.values() if isinstance(value, str)]
    assert all(char.isprintable() or ord(char) > 0x9F for text in texts for char in text)
    assert all(len(text) <= 250 for text in texts)
    assert 0 <= told["share"] <= 1


def test_the_twin_leaves_out_columns_that_are_empty() -> None:
    frame = twin_frame([row(job(1))], NOW)
    assert frame.columns.tolist() == ["status", "name", "id", "elapsed"]
    assert frame["elapsed"].tolist() == ["10m 00s"]
    assert twin_frame([], NOW).empty


# -- stages


def test_transitions_become_stages_that_end_where_the_next_begins() -> None:
    times = [NOW - minutes(5), NOW]
    frame = pd.DataFrame({"time": times, "before": ["queued", "running"], "after": ["running", "failed"]})
    assert stages_of(frame) == [
        Stage("running", "running", NOW - minutes(5), NOW),
        Stage("failed", "failed", NOW, NOW),  # final: it does not go on
    ]


def test_tasks_become_bars_at_their_time_in_the_life_of_the_job() -> None:
    tasks = {"name": ["a", "b"], "status": ["succeeded", "running"], "started": [NOW - minutes(4), NOW - minutes(1)]}
    frame = pd.DataFrame({**tasks, "finished": [NOW - minutes(1), pd.NaT], "id": ["1", "2"]})
    html = page(stages_of(frame), NOW)
    assert "left:0.00%;width:75.00%" in html
    assert "left:75.00%;width:25.00%" in html
    assert "3m 00s" in html
    assert "1m 00s so far" in html


def test_stages_are_escaped_bounded_and_have_their_times_in_words() -> None:
    stage = Stage("<b>", "failed", None, None, "<i>no")
    html = page([stage] * 60, NOW)
    assert "<b>" not in html
    assert "<i>" not in html
    assert "50 of 60 stages" in html
    assert html.count("✗ failed") == 50


moments = st.none() | st.integers(-10_000, 10_000).map(lambda count: NOW + timedelta(seconds=count))


@given(st.lists(st.builds(Stage, st.text(), st.sampled_from(list(SYMBOLS)), moments, moments), max_size=5))
def test_a_bar_never_leaves_its_track(stages: list[Stage]) -> None:
    html = page(stages, NOW)
    for part in html.split('style="')[1:]:
        left, width = (float(item.split(":")[1].rstrip("%")) for item in part.split('"')[0].split(";"))
        assert 0 <= left <= 100
        assert 0 <= width <= 100 - left + 0.01


# -- the log


class Page:
    """Stands in for the page: keeps what the log view sends."""

    def __init__(self, view: LogView, monkeypatch: pytest.MonkeyPatch) -> None:
        self.view = view
        self.heard: list[dict[str, Any]] = []
        monkeypatch.setattr(view, "send", self.heard.append)

    def ask(self, kind: str) -> dict[str, Any]:
        self.view._handle_custom_msg({"kind": kind}, [])
        return self.heard.pop()


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> Iterator[LogView]:
    monkeypatch.setattr(logview, "PAUSE", 0.0)
    made = LogView()
    yield made
    made.close()


def read(view: LogView, lines: Callable[[], AsyncGenerator[str, None]], until: str) -> None:
    """Follow until the view says so."""
    there = threading.Event()
    view.observe(lambda change: there.set() if until in change["new"] else None, "said")
    view.begin(lines)
    assert there.wait(PATIENCE)


async def many() -> AsyncGenerator[str, None]:
    for number in range(1, 5_001):
        yield "RuntimeError: \x1b[31mno" if number == 40 else f"line {number} error_rate 0.1"


def test_a_log_is_bounded_and_keeps_its_first_error(view: LogView, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(view, monkeypatch)
    read(view, many, "has ended")
    assert view.first_error == 40
    told = page.ask("all")
    assert (told["first"], len(told["lines"]), told["lines"][-1]) == (3_001, 2_000, "line 5000 error_rate 0.1")
    kept = page.ask("error")["lines"]
    assert kept[0] == "RuntimeError: no"
    assert len(kept) == 20


def test_pieces_are_numbered_without_gap(view: LogView, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(view, monkeypatch)

    async def slow() -> AsyncGenerator[str, None]:
        for number in range(30):
            await asyncio.sleep(0)
            yield str(number)

    read(view, slow, "has ended")
    following = 1
    for piece in page.heard:
        assert piece["first"] == following
        following += len(piece["lines"])
    assert following == 31


def test_a_later_log_wins(view: LogView) -> None:
    async def endless() -> AsyncGenerator[str, None]:
        yield "old"
        await asyncio.Event().wait()

    async def short() -> AsyncGenerator[str, None]:
        yield "new"

    read(view, endless, "Following")
    read(view, short, "has ended")
    assert view.lines == ["new"]
    view._take(1, ["late"], "late")
    assert view.lines == ["new"]


def test_a_log_that_cannot_be_read_says_why(view: LogView) -> None:
    async def lost() -> AsyncGenerator[str, None]:
        yield "first"
        raise Unreachable("the connection was cut", where="lab")

    read(view, lost, "lab: the connection was cut.")
    assert view.lines == ["first"]


def test_a_line_of_a_megabyte_is_cut(view: LogView) -> None:
    async def wide() -> AsyncGenerator[str, None]:
        yield "x" * 1_000_000

    read(view, wide, "has ended")
    assert len(view.lines[0]) == 2_001
