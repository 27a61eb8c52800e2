"""When a request is asked again: the rules of the one retry layer."""

from __future__ import annotations

import itertools
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply
from swnb.fetch.failures import Failure
from swnb.fetch.retry import Kind, Trouble, next_wait, retry_after, trouble

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
READ: Call[None] = Call("GET", "/x", lambda reply: None)
WRITE: Call[None] = Call("POST", "/x", lambda reply: None, reads=False)
parts = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def lived(kind: Kind, parts: list[float], took: float, retry_after: float | None = None) -> list[tuple[float, float]]:
    """A call that meets the same trouble at each attempt: when each attempt ended, and the wait after it."""
    history: list[Trouble] = []
    waits: list[tuple[float, float]] = []
    now = took
    for part in itertools.cycle(parts):
        history.append(Trouble(kind, now, "", retry_after))
        wait = next_wait(history, lambda low, high, part=part: low + part * (high - low))  # type: ignore[misc]
        if wait is None:
            break
        waits.append((now, wait))
        now += wait + took
    return waits


@given(st.sampled_from(Kind), parts, st.floats(0.1, 40), st.none() | st.floats(0, 30))
def test_each_kind_is_waited_out_within_its_budget(
    kind: Kind, parts: list[float], took: float, after: float | None
) -> None:
    budget = {Kind.BUSY: 20, Kind.CUT: 5, Kind.BROKEN: 3}[kind]
    waits = lived(kind, parts, took, after)
    for ended, wait in waits:
        assert ended + wait <= took + budget + 1e-9
        assert wait >= (after or 0)
    if kind is Kind.BROKEN:
        assert len(waits) <= 2


@given(st.sampled_from([(Kind.BUSY, 20, 2), (Kind.CUT, 5, 1)]), parts)
def test_the_last_attempt_is_not_long_before_the_budget_is_over(
    rule: tuple[Kind, float, float], parts: list[float]
) -> None:
    kind, budget, longest = rule
    ended, wait = lived(kind, parts, 0.1)[-1]
    assert ended + wait >= budget - longest


def test_waits_are_spread_over_all_of_their_range() -> None:
    asked: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        asked.append((low, high))
        return 0.0

    history = [Trouble(Kind.BUSY, 0.0, "") for _ in range(5)]
    for n in range(1, 6):
        next_wait(history[:n], jitter)
    assert asked == [(0, 0.25), (0, 0.5), (0, 1), (0, 2), (0, 2)]


def test_each_kind_of_trouble_has_a_budget_of_its_own() -> None:
    history = [Trouble(Kind.BUSY, 0.0, ""), Trouble(Kind.BUSY, 19.9, ""), Trouble(Kind.CUT, 19.9, "")]
    assert next_wait(history, max) is not None


@given(st.integers(100, 599))
def test_only_some_statuses_are_asked_again(status: int) -> None:
    met = trouble(Reply(status, {}, b""), READ, 1.0)
    if status in (429, 502, 503, 504):
        assert met == Trouble(Kind.BUSY, 1.0, f"status {status}")
    elif status == 500:
        assert met == Trouble(Kind.BROKEN, 1.0, "status 500")
    else:
        assert met is None
    assert trouble(Reply(status, {}, b""), WRITE, 1.0) is None


def test_only_a_failure_that_may_pass_is_asked_again() -> None:
    assert trouble(Failure("refused", passing=True), READ, 2.0) == Trouble(Kind.CUT, 2.0, "refused")
    assert trouble(Failure("no such name"), READ, 2.0) is None
    assert trouble(Failure("refused", passing=True), WRITE, 2.0) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("9" * 400, 999999999.0),
        ("Thu, 01 Jan 2026 12:00:09 GMT", 9.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:09", 9.0),
        ("soon", None),
        ("-3", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_too_odd_to_be_read(text: str) -> None:
    seconds = retry_after({"retry-after": text}, NOW)
    assert seconds is None or seconds >= 0
