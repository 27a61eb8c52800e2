"""Work beside the loop's: tasks that end with their caller, threads that do not hold him."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, ParamSpec, TypeVar

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")


async def within(seconds: float | None, work: Coroutine[Any, Any, T]) -> asyncio.Task[T] | None:
    """Do ``work`` as a task that is over when this returns; None where the time was up before (None: no bound).

    Not ``asyncio.wait_for``: before Python 3.12 that may swallow a cancel of its caller.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            await end([task])
    return task if done else None


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks, wait until they are over, and let nobody complain that their errors were not looked at."""
    some = list(tasks)
    for task in some:
        task.cancel()
    if some:
        await asyncio.gather(*some, return_exceptions=True)


async def abreast(work: Callable[[S], Awaitable[T]], items: Sequence[S], limit: int) -> list[T]:
    """``work`` on all items, at most ``limit`` at a time, begun in their order; the results in their order. The first
    error cancels the others."""
    results: dict[int, T] = {}
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for at, item in waiting:
            results[at] = await work(item)

    workers = [asyncio.ensure_future(worker()) for _ in range(min(limit, len(items)))]
    try:
        await asyncio.gather(*workers)
    finally:
        await end(workers)
    return [results[at] for at in range(len(items))]


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call something slow in a thread of its own, in a copy of this context.

    A cancel frees the caller at once; what the thread still does comes to nothing. A thread a call, not a pool: none
    is left behind, and a disk that hangs does not keep Python from ending.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()
    task = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    threading.Thread(target=_settle, args=(loop, result, task), name="swnb-work", daemon=True).start()
    return await result


def _settle(loop: asyncio.AbstractEventLoop, result: asyncio.Future[T], task: Callable[[], T]) -> None:
    answer: Any = None
    failed: BaseException | None = None
    try:
        answer = task()
    except BaseException as error:
        failed = error
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
        loop.call_soon_threadsafe(_deliver, result, answer, failed)


def _deliver(result: asyncio.Future[Any], answer: Any, failed: BaseException | None) -> None:
    if result.cancelled():
        return
    if failed is not None:
        result.set_exception(failed)
    else:
        result.set_result(answer)
