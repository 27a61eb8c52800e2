"""The rows of one table, page after page, in key order.

A page without an upper bound costs a Starwhale server time for all rows behind it (starwhale paper 4.3, 7.3), so
tables with int keys are walked by pages with both bounds, several in flight. Nobody tells how wide the keys lie:
the walk looks once without a bound, cuts pages of the width it saw, and looks again where a page came back empty (a
gap, or the end). Every key between the bounds lies in exactly one interval that is asked, so a wrong guess costs
requests and never rows, and rows that arrive meanwhile are not doubled.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias

from swnb.call import Call
from swnb.errors import BadReply
from swnb.fetch.tasks import end
from swnb.model import Batch, RowQuery
from swnb.providers.base import ScanPage, TableScan

Send: TypeAlias = Callable[[Call[ScanPage]], Awaitable[ScanPage]]

_LOWEST: Final = -(2**63)  # keys are 64-bit ints; bounds at the ends are left open
_BEYOND: Final = 2**63
_FILL: Final = 0.9  # how full a page of scattered keys is meant to be: an overfull one costs a second request
_GROWTH: Final = 16


async def rows(scan: TableScan, query: RowQuery, send: Send, in_flight: int = 4) -> AsyncGenerator[Batch, None]:
    """Batches of the rows that ``query`` bounds, in key order. Closing it cancels what is in flight.

    When a page says that the table's types changed, the rest is read by ``scan.anew()``; rows already given stay good.
    """
    left = query.limit
    async with aclosing(_pages(scan, query, send, in_flight)) as pages:
        while left is None or left > 0:
            page = await anext(pages, None)
            if page is None:
                return
            batch = page.batch if left is None else page.batch.slice(0, left)
            left = None if left is None else left - batch.n
            if batch.n:
                yield batch


async def _pages(scan: TableScan, query: RowQuery, send: Send, in_flight: int) -> AsyncGenerator[ScanPage, None]:
    if not scan.int_keys:
        async with aclosing(_in_turn(scan, scan.first(), send)) as pages:
            async for page in pages:
                yield page
        return
    low, high = int_bounds(query)
    while scan.int_keys and low < high:
        walk = _Walk(scan, send, (low, high), in_flight, query.limit)
        async with aclosing(walk.pages()) as pages:
            async for page in pages:
                yield page
        if walk.torn_at is None:
            return
        low, scan = walk.torn_at, scan.anew()
    if low < high:
        async with aclosing(_in_turn(scan, scan.between(_open(low), None), send)) as pages:
            async for page in pages:
                yield page


def int_bounds(query: RowQuery) -> tuple[int, int]:
    """The keys of ``query`` as low <= key < high, for int keys; bounds may be floats."""
    low = _LOWEST if query.start is None else _ceil(query.start)
    if query.end is None:
        return max(low, _LOWEST), _BEYOND
    high = _ceil(query.end)
    if query.end_inclusive and high == query.end:
        high += 1
    return max(low, _LOWEST), min(high, _BEYOND)


def _open(bound: int) -> int | None:
    return bound if _LOWEST < bound < _BEYOND else None


def _ceil(bound: float) -> int:
    if isinstance(bound, float) and math.isinf(bound):
        return _BEYOND if bound > 0 else _LOWEST
    return math.ceil(bound)


async def _in_turn(scan: TableScan, first: Call[ScanPage], send: Send) -> AsyncGenerator[ScanPage, None]:
    """Each page from after the last key of the one before; the next page travels while one is used."""
    asked = asyncio.ensure_future(send(first))
    before: ScanPage | None = None
    try:
        while True:
            page = await asked
            if page.torn:
                scan = scan.anew()
                again = scan.first() if before is None else scan.after(before)
            else:
                again = scan.after(page)
                before = page
            if again is not None:
                asked = asyncio.ensure_future(send(again))
            if not page.torn:
                yield page
            if again is None:
                return
    finally:
        await end([asked])


@dataclass(slots=True)
class _Interval:
    """Keys low <= key < high, and the first page of them where it has been asked for."""

    low: int
    high: int
    page: asyncio.Future[ScanPage] | None = None


class _Walk:
    """One walk over int keys. ``todo`` holds, in key order and without gaps, all that has not been given yet.

    Asking an interval gives its first page: a full page leaves the rest of it to do, any other finishes it.
    A cut-off piece may prove empty, so cutting is paid from what came back: with R full pages of rows there are
    at most 3 R + 10 requests whatever the keys are like. (Full pages and finished intervals are all there is; the
    last cut is made below 2 R + 4, and then at most R full pages and the few intervals in ``todo`` are left.)
    """

    def __init__(self, scan: TableScan, send: Send, keys: tuple[int, int], in_flight: int, limit: int | None) -> None:
        self._scan, self._send = scan, send
        self._in_flight = in_flight
        self._limit = limit
        self._todo = deque([_Interval(*keys)])
        self._width: int | None = None  # keys that should hold one page; None = look
        self._window = 1
        self._requests = 0
        self._rows = 0
        self.torn_at: int | None = None

    async def pages(self) -> AsyncGenerator[ScanPage, None]:
        try:
            while self._todo:
                self._ask_ahead()
                head = self._todo.popleft()
                assert head.page is not None  # noqa: S101  _ask_ahead begins with the head
                page = await head.page
                if page.torn:
                    self.torn_at = head.low
                    return
                self._learn(head, page)
                if page.batch.n:
                    self._ask_ahead()
                    yield page
        finally:
            await end(each.page for each in self._todo if each.page is not None)

    def _ask_ahead(self) -> None:
        """Ask, from the left, for as many pages as the guess deserves; always for the head of what is to do."""
        window = min(self._window, self._wanted())
        flying = sum(each.page is not None for each in self._todo)
        at = 0
        while at < len(self._todo):
            interval = self._todo[at]
            if interval.page is None:
                if at > 0 and (flying >= window or self._width is None):
                    return
                if not self._cut(at) and at > 0 and interval.high - interval.low > (self._width or 0):
                    return  # a look waits until it is known that it is needed
                self._ask(interval)
                flying += 1
            at += 1

    def _wanted(self) -> int:
        """Pages in flight that the limit can still use."""
        if self._limit is None:
            return self._in_flight
        return max(1, min(self._in_flight, math.ceil((self._limit - self._rows) / self._scan.page_rows)))

    def _cut(self, at: int) -> bool:
        """Cut one page's width off the interval, if there is a guess and it may still cost something."""
        interval = self._todo[at]
        affordable = self._requests < 2 * (self._rows // self._scan.page_rows) + 4
        if self._width is None or not affordable or interval.high - interval.low <= self._width:
            return False
        middle = interval.low + self._width
        self._todo.insert(at + 1, _Interval(middle, interval.high))
        interval.high = middle
        return True

    def _ask(self, interval: _Interval) -> None:
        self._requests += 1
        interval.page = asyncio.ensure_future(self._send(self._scan.between(_open(interval.low), _open(interval.high))))

    def _learn(self, asked: _Interval, page: ScanPage) -> None:
        """Put back what is left of an interval, and guess the next width from how its keys lie."""
        n, full = page.batch.n, self._scan.page_rows
        self._rows += n
        if n and not asked.low <= page.first <= page.last < asked.high:
            raise BadReply(f"rows {page.first} to {page.last} came for the keys {asked.low} to {asked.high - 1}")
        if n >= full:
            if page.last + 1 < asked.high:
                self._todo.appendleft(_Interval(page.last + 1, asked.high))
            self._guess(n, page.last + 1 - page.first)
        elif self._width is None or asked.high - asked.low >= self._width:  # a remnant tells nothing
            self._guess(n, asked.high - asked.low)

    def _guess(self, n: int, span: int) -> None:
        full = self._scan.page_rows
        self._window = min(2 * self._window, self._in_flight) if n > full // 2 else 1
        if n == 0:
            self._width = None
        elif n == span:
            self._width = full
        else:
            widest = _GROWTH * max(span, self._width or 0)
            self._width = max(1, min(int(_FILL * full * span / n), widest))
