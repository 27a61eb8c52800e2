"""Driving a plan: its Calls are sent, their results are handed back to it, until it returns the answer."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from swnb.call import Call, Page, Plan
from swnb.errors import SwnbError
from swnb.fetch.events import Meter
from swnb.fetch.partial import keep

T = TypeVar("T")
Seen = Callable[[Call[Any], Any], None]


class Sender(Protocol):
    """What a plan needs of a transport."""

    async def send(self, call: Call[T]) -> T: ...
    async def send_all(self, calls: Sequence[Call[T]], limit: int, seen: Seen | None = None) -> list[T]: ...


async def run(plan: Plan[T], transport: Sender, in_flight: int = 16, *, what: str = "") -> T:
    """The answer of a plan; at most ``in_flight`` of its calls are under way at a time.

    Items of its pages are counted (``what`` names them) and kept as they arrive. A cancel closes the plan.
    """
    count = _Count(what)

    async def ask(asked: Call[Any] | Sequence[Call[Any]]) -> Any:
        if not isinstance(asked, Call):
            return await transport.send_all(asked, in_flight, count.seen)
        answer = await transport.send(asked)
        count.seen(asked, answer)
        return answer

    try:
        return await drive(plan, ask)
    finally:
        count.finish()


async def drive(plan: Plan[T], ask: Callable[[Call[Any] | Sequence[Call[Any]]], Awaitable[Any]]) -> T:
    """Go through a plan with ``ask`` as the one who answers; our errors are thrown into it where it asked."""
    step = functools.partial(next, plan)
    try:
        while True:
            try:
                asked = step()
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                step = functools.partial(plan.send, await ask(asked))
            except SwnbError as error:
                step = functools.partial(plan.throw, error)
    finally:
        plan.close()


def drain(plan: Plan[T]) -> T:
    """The answer of a plan that asks nothing, which is how a store on disk answers."""
    try:
        asked = next(plan)
    except StopIteration as end:
        result: T = end.value
        return result
    plan.close()
    raise RuntimeError(f"a plan that should ask nothing asks {asked!r}")


class _Count:
    """Progress of a plan's lists. A list is known by its path, so that several lists of one plan add up."""

    def __init__(self, what: str) -> None:
        self._meter = Meter(what, "items")
        self._totals: dict[str, int] = {}

    def seen(self, call: Call[Any], answer: Any) -> None:
        if not isinstance(answer, Page):
            return
        keep(*answer.items)
        if answer.total is not None:
            self._totals[call.path] = answer.total
            self._meter.total = sum(self._totals.values())
        self._meter.advance(len(answer.items))

    def finish(self) -> None:
        if self._meter.done:
            self._meter.finish()
