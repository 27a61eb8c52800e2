"""When a failed request is asked again, and after how long. The only retry layer; nothing else in the package repeats.

The rules, for calls that only read (a call that changes something is never repeated):

* 429, 502, 503, 504 are waited out for up to 20 s; a longer Retry-After ends it at once
* a connection refused or cut, for up to 5 s
* 500 at most twice and within 3 s, and not where 500 is the server's word for a bad question
* nothing else
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

from swnb.call import Call, Reply
from swnb.fetch.failures import Failure


class Kind(Enum):
    BUSY = "busy"
    CUT = "cut"
    BROKEN = "broken"  # a 500


@dataclass(frozen=True, slots=True)
class Trouble:
    """One failed attempt: ``at`` seconds after the call began; ``retry_after`` is what the server asked for."""

    kind: Kind
    at: float
    why: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """Within ``budget`` seconds of the first trouble of a kind, at most ``times`` repeats, waits of up to
    ``base``, twice that, … ``most`` seconds."""

    budget: float
    base: float
    most: float
    times: int | None = None


_RULES: Final = {
    Kind.BUSY: _Rule(budget=20, base=0.25, most=2),
    Kind.CUT: _Rule(budget=5, base=0.1, most=1),
    Kind.BROKEN: _Rule(budget=3, base=0.25, most=1, times=2),
}
_BUSY: Final = frozenset({429, 502, 503, 504})


def trouble(outcome: Reply | Failure, call: Call[object], at: float, now: datetime | None = None) -> Trouble | None:
    """What may be tried again about the outcome of one attempt; None where it is an answer, or hopeless."""
    if not call.reads:
        return None
    if isinstance(outcome, Failure):
        return Trouble(Kind.CUT, at, outcome.what) if outcome.passing else None
    if outcome.status in _BUSY:
        return Trouble(Kind.BUSY, at, f"status {outcome.status}", retry_after(outcome.headers, now))
    if outcome.status == 500 and call.retry_500:
        return Trouble(Kind.BROKEN, at, "status 500")
    return None


def next_wait(history: Sequence[Trouble], jitter: Callable[[float, float], float] = random.uniform) -> float | None:
    """Seconds to wait before the next attempt, after these troubles of one call; None = give up.

    Each kind has a budget of its own, which begins with the first trouble of that kind.
    """
    last = history[-1]
    rule = _RULES[last.kind]
    same = [each for each in history if each.kind is last.kind]
    if rule.times is not None and len(same) > rule.times:
        return None
    wait = jitter(0, min(rule.most, rule.base * 2 ** min(len(same) - 1, 16))) + (last.retry_after or 0)
    return wait if last.at + wait - same[0].at <= rule.budget else None


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The header Retry-After (a number or a date) in seconds from now; None where it is absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=timezone.utc)
    return max(0.0, (then - (now or datetime.now(timezone.utc))).total_seconds())
