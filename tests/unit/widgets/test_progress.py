from __future__ import annotations

import asyncio
import io
import sys
import types
from typing import Any

import pytest

from swnb.fetch.events import Progress, Requested, Retrying, emit
from swnb.widgets import progress
from swnb.widgets.progress import Bar, Line, View, sentence

HALF = Progress("jobs", 50, 100, "jobs")


class Sheet:
    """A face that keeps what is drawn on it."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, int | None, str]] = []
        self.wiped = 0

    def draw(self, done: int, total: int | None, text: str) -> None:
        self.drawn.append((done, total, text))

    def wipe(self) -> None:
        self.wiped += 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def sheet() -> Sheet:
    return Sheet()


def view(sheet: Sheet, now: list[float]) -> View:
    return View(sheet, clock=lambda: now[0])


def test_nothing_is_drawn_before_the_second_is_over(sheet: Sheet, now: list[float]) -> None:
    seen = view(sheet, now)
    seen.hear(HALF)
    seen.end()
    assert (sheet.drawn, sheet.wiped) == ([], 0)


def test_a_long_fetch_is_drawn_with_its_rate_and_wiped_at_the_end(sheet: Sheet, now: list[float]) -> None:
    seen = view(sheet, now)
    seen.hear(HALF)
    now[0] = 2.0
    seen.begin()
    seen.end()
    seen.end()
    assert sheet.drawn == [(50, 100, "jobs: 50 of 100 jobs · 25 jobs/s")]
    assert sheet.wiped == 1


def test_at_most_ten_updates_a_second(sheet: Sheet, now: list[float]) -> None:
    seen = view(sheet, now)
    seen.begin()
    for tick in range(1_000):
        now[0] = 1 + tick / 1_000
        seen.hear(Progress("rows", tick, None, "rows"))
    assert 9 <= len(sheet.drawn) <= 11


def test_a_retry_is_said_in_words_until_the_fetch_goes_on(sheet: Sheet, now: list[float]) -> None:
    seen = view(sheet, now)
    seen.hear(Retrying("lab", "/jobs", "HTTP 503", 1.5, 1))
    seen.begin()
    now[0] = 1.0
    seen.hear(HALF)
    assert sheet.drawn[0][2] == "waiting for an answer · lab: HTTP 503; trying again in 1.5 s"
    assert "503" not in sheet.drawn[1][2]


def test_requests_are_not_drawn(sheet: Sheet, now: list[float]) -> None:
    seen = view(sheet, now)
    seen.begin()
    now[0] = 5.0
    seen.hear(Requested("lab", "/jobs", 200, 10, 0.1))
    assert len(sheet.drawn) == 1


def test_foreign_text_is_one_short_line() -> None:
    text = sentence(Retrying("lab\x1b[2J", "/jobs", "a\nb" * 1_000, 1.0, 1))
    assert "\x1b" not in text
    assert "\n" not in text
    assert len(text) < 250


def test_the_bar_is_one_display_that_ends_empty() -> None:
    sent: list[tuple[dict[str, Any], dict[str, Any]]] = []
    bar = Bar(lambda data, _meta, **more: sent.append((data, more)))
    bar.draw(3, 10, "<b>3</b> of 10")
    bar.draw(20, 10, "over")
    bar.wipe()
    assert 'value="3" max="10"' in sent[0][0]["text/html"]
    assert "&lt;b&gt;3" in sent[0][0]["text/html"]
    assert 'value="10" max="10"' in sent[1][0]["text/html"]
    assert [more["update"] for _, more in sent] == [False, True, True]
    assert len({more["transient"]["display_id"] for _, more in sent}) == 1
    assert sent[-1][0] == {}


def test_the_terminal_gets_one_line_that_is_wiped() -> None:
    terminal = Terminal()
    line = Line(terminal)
    line.draw(1, 2, "jobs: 1 of 2")
    line.wipe()
    assert terminal.getvalue() == "\r\x1b[K 50% jobs: 1 of 2\r\x1b[K"


def test_a_pipe_gets_nothing_and_a_terminal_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress.face_here() is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(progress.face_here(), Line)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(progress, "face_here", lambda: Line(made))
    monkeypatch.setattr(progress, "AFTER", 0.0)
    return made


async def fetch() -> None:
    with progress.viewer():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        emit(HALF)


def test_the_viewer_listens_and_cleans_up(terminal: Terminal) -> None:
    asyncio.run(fetch())
    assert "waiting for an answer" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
    emit(HALF)
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_what_a_panel_fetches_is_not_shown(terminal: Terminal) -> None:
    async def in_a_panel() -> None:
        with progress.quiet():
            await fetch()

    asyncio.run(in_a_panel())
    assert terminal.getvalue() == ""


def test_the_environment_switches_it_off(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_PROGRESS", "0")
    asyncio.run(fetch())
    assert terminal.getvalue() == ""
