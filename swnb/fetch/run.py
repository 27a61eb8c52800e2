"""Driving a plan: its Calls are sent, their results are handed back to it, until it returns the answer."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol, TypeVar

from swnb.call import Asked, Call, Page, Plan
from swnb.errors import SwnbError
from swnb.fetch.events import Meter
from swnb.fetch.partial import keep
from swnb.fetch.tasks import abreast
from swnb.model import Series

T = TypeVar("T")


class Sender(Protocol):
    """What a plan needs of a transport."""

    async def send(self, call: Call[T]) -> T: ...


async def run(plan: Plan[T], transport: Sender, in_flight: int = 16, *, what: str = "") -> T:
    """The answer of a plan; at most ``in_flight`` of its calls are under way at a time, those of the plans that it
    yields included.

    Items of its pages are counted (``what`` names them) and kept as they arrive. A cancel closes the plan.
    """
    count = _Count(what)
    turn = asyncio.Semaphore(in_flight)

    async def send(call: Call[Any]) -> Any:
        async with turn:
            answer = await transport.send(call)
        count.seen(call, answer)
        return answer

    async def one(item: Call[Any] | Plan[Any]) -> Any:
        return await (send(item) if isinstance(item, Call) else drive(item, ask))

    async def ask(asked: Asked) -> Any:
        return await (send(asked) if isinstance(asked, Call) else abreast(one, asked, in_flight))

    try:
        return await drive(plan, ask)
    finally:
        count.finish()


async def drive(plan: Plan[T], ask: Callable[[Asked], Awaitable[Any]]) -> T:
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
    """The answer of a plan that asks nothing but other such plans, which is how a store on disk answers."""
    given: Any = None
    try:
        while True:
            asked = plan.send(given)
            if isinstance(asked, Call) or not all(isinstance(each, Generator) for each in asked):
                raise RuntimeError(f"a plan that should ask nothing asks {asked!r}")
            given = [drain(each) for each in asked if isinstance(each, Generator)]
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        plan.close()


class _Count:
    """Progress of a plan's lists. A list is known by its path, so that several lists of one plan add up."""

    def __init__(self, what: str) -> None:
        self._meter = Meter(what, "items")
        self._totals: dict[str, int] = {}

    def seen(self, call: Call[Any], answer: Any) -> None:
        if isinstance(answer, (list, tuple)) and answer and isinstance(answer[0], Series):
            keep(*answer)
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
