"""One loop owns all I/O; a blocking call waits for it without stopping the notebook.

Every coroutine of the package runs on one private loop in one daemon thread, so no HTTP client is shared between
loops and a call works the same anywhere: cell, callback, thread, subshell, script, uvloop. Nested running serves one
thing: the notebook's loop turns while a cell waits. See docs/adr/0001-one-loop.md and 0004-nest-asyncio2.md.

Waiting: ``run submit on_io nesting``. Two doors: ``both`` (methods), ``both_class`` (class methods), ``both_function``
(module level). Streams: ``Stream``, ``both_iter`` (methods), ``both_iter_function`` (module level).
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import signal
import sys
import threading
import types
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent import futures
from concurrent.futures import CancelledError, Future
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

S = TypeVar("S")
P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
A_co = TypeVar("A_co", covariant=True)
B_co = TypeVar("B_co", covariant=True)

_GRACE = 0.5  # seconds that a cancelled call may use to clean up before its caller goes on


class _IoThread(threading.Thread):
    """The daemon thread with the loop that owns all I/O."""

    def __init__(self) -> None:
        super().__init__(name="swnb-io", daemon=True)
        self.loop = asyncio.new_event_loop()
        self.leaving = False

    def run(self) -> None:
        while not self.leaving:
            # asyncio gives these two to the call that raised them and then to the loop, which must live on.
            with contextlib.suppress(KeyboardInterrupt, SystemExit):
                self.loop.run_forever()
        self.loop.close()


_lock = threading.RLock()
_io: _IoThread | None = None
_inherited: list[_IoThread] = []  # closing their loops would unregister the parent's sockets from its epoll
_tasks: set[asyncio.Task[Any]] = set()  # a loop holds its tasks weakly


def _io_thread() -> _IoThread:
    """The living I/O thread; RuntimeError when Python is shutting down and starts no more threads."""
    global _io  # noqa: PLW0603
    if sys.is_finalizing():
        raise RuntimeError("Python is shutting down: swnb can do no more I/O")
    with _lock:
        if _io is None or not _io.is_alive():
            fresh = _IoThread()
            try:
                fresh.start()
            except RuntimeError:
                fresh.loop.close()
                raise
            _io = fresh
        return _io


def _forget_after_fork() -> None:
    """A forked child has the loop but not its thread: it makes a new one when it needs one."""
    global _lock, _io  # noqa: PLW0603
    _lock = threading.RLock()
    _inherited.extend([_io] if _io else [])
    _io = None


def _keep(task: asyncio.Task[R]) -> asyncio.Task[R]:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


@atexit.register
def _leave() -> None:
    """Cancel what still runs and close the loop, so that nothing is destroyed pending."""
    if _io is not None and _io.is_alive():
        with contextlib.suppress(Exception):
            submit(_cancel_all()).result(2 * _GRACE)
        _io.leaving = True
        _io.loop.call_soon_threadsafe(_io.loop.stop)
        _io.join(_GRACE)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_GRACE)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def submit(coro: Coroutine[Any, Any, R]) -> Future[R]:
    """Start a coroutine on the I/O loop, in a copy of the caller's context; cancelling the future cancels it."""
    return _Call(coro).begin()


async def on_io(coro: Coroutine[Any, Any, R]) -> R:
    """Await a coroutine of the I/O loop from any loop."""
    if isinstance(threading.current_thread(), _IoThread):
        return await coro
    return await asyncio.wrap_future(submit(coro))


def run(coro: Coroutine[Any, Any, R]) -> R:
    """Wait for a coroutine, from any thread and any loop. Ctrl-C cancels it and nothing else."""
    if isinstance(threading.current_thread(), _IoThread):
        coro.close()
        raise RuntimeError("a blocking call inside swnb's own I/O: await it instead")
    loop = _nestable_loop()
    call = _Call(coro)
    try:
        call.begin()
        while loop is None and not call.future.done():
            futures.wait([call.future], _GRACE / 2)  # in slices: a signal that another thread took is seen on waking
        return call.future.result() if loop is None else _turn(loop, call.future)
    except BaseException:
        call.future.cancel()
        call.ended.wait(_GRACE)
        raise
    finally:
        del call  # it holds the error, whose traceback holds this frame


def nesting() -> str:
    """How a blocking call made here waits, and why: a sentence for ``doctor``."""
    return f"plain: {why}" if (why := _obstacle()) else "nested: the notebook's loop turns while a call waits"


class _Call(Generic[R]):
    """A coroutine on the I/O loop; ``ended`` is set when it is over, which a cancelled future is before."""

    def __init__(self, coro: Coroutine[Any, Any, R]) -> None:
        self.future: Future[R] = Future()
        self.ended = threading.Event()
        self._coro = coro

    def begin(self) -> Future[R]:
        try:
            loop = _io_thread().loop
            # A handle runs in a copy of the context it was made in, and so do the tasks that it starts.
            loop.call_soon_threadsafe(self._start, loop)
        except RuntimeError:
            self._coro.close()
            self.ended.set()
            raise
        return self.future

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.future.cancelled():
            self.future.set_running_or_notify_cancel()
            self._coro.close()
            self.ended.set()
            return
        task = _keep(loop.create_task(self._coro))
        task.add_done_callback(self._settle)
        self.future.add_done_callback(lambda _: task.done() or loop.call_soon_threadsafe(task.cancel))

    def _settle(self, task: asyncio.Task[R]) -> None:
        self.ended.set()
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            self.future.cancel()
        if not self.future.set_running_or_notify_cancel():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(task.result())


def _turn(loop: asyncio.AbstractEventLoop, future: Future[R]) -> R:
    """Wait by turning the notebook's loop. SIGINT ends the wait, not the task that happens to be running."""
    waiter = asyncio.wrap_future(future, loop=loop)
    interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        interrupted.set()
        loop.call_soon_threadsafe(waiter.cancel)

    def beat() -> None:  # a loop that sleeps does not notice a signal that another thread took
        if not waiter.done():
            loop.call_later(_GRACE / 2, beat)

    beat()
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        return loop.run_until_complete(waiter)
    except asyncio.CancelledError:
        raise KeyboardInterrupt if interrupted.is_set() else CancelledError from None
    finally:
        signal.signal(signal.SIGINT, before)


def _nestable_loop() -> asyncio.AbstractEventLoop | None:
    """The notebook's running loop, made to nest; None where the caller has to wait plainly."""
    if _obstacle() is not None:
        return None
    import nest_asyncio2  # noqa: PLC0415  it patches asyncio, so not before it is needed

    nest_asyncio2.apply(loop := asyncio.get_running_loop())
    return loop


def _obstacle() -> str | None:
    """Why a call made here does not nest; None where it does."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return "no event loop runs in this thread"
    if threading.current_thread() is not threading.main_thread():
        return "the caller is not the main thread"
    if not _in_kernel():
        return "no notebook's loop is to be kept turning"
    if not isinstance(loop, asyncio.BaseEventLoop):
        return f"{type(loop).__module__} loops can not be nested"
    if hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2"):
        return "the archived nest_asyncio was applied, which loses queued cells when nested"
    return None


def _in_kernel() -> bool:
    """Patching asyncio is for notebooks; in other programs a blocking call simply blocks."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


class Door(Protocol[P, A_co, B_co]):
    """A callable that waits, and its second door ``aio``, to be awaited or read by ``async for``."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> A_co: ...

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> B_co: ...


def both_function(function: Callable[P, Coroutine[Any, Any, R]]) -> Door[P, R, Coroutine[Any, Any, R]]:
    """Give a coroutine function its two doors. The result is a plain function, so help() and ``?`` read it."""

    @functools.wraps(function)
    def wait(*args: P.args, **kwargs: P.kwargs) -> R:
        return run(function(*args, **kwargs))

    @functools.wraps(function)
    def aio(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        return on_io(function(*args, **kwargs))

    vars(wait)["aio"] = aio
    return cast("Door[P, R, Coroutine[Any, Any, R]]", wait)


def both_iter_function(function: Callable[P, AsyncGenerator[T, None]]) -> Door[P, Stream[T], Stream[T]]:
    """Make an async generator function give a ``Stream``, by either door."""

    @functools.wraps(function)
    def stream(*args: P.args, **kwargs: P.kwargs) -> Stream[T]:
        return Stream(function(*args, **kwargs))

    vars(stream)["aio"] = stream
    return cast("Door[P, Stream[T], Stream[T]]", stream)


class _Method(Generic[S, P, R, T]):
    """Makes the doors of a method when it is looked up, on the object or on the class."""

    def __init__(self, method: Callable[..., Any], make: Callable[..., Any]) -> None:
        self._method, self._make = method, make
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, owner: None, kind: type[S]) -> Door[Concatenate[S, P], R, T]: ...
    @overload
    def __get__(self, owner: S, kind: type[S]) -> Door[P, R, T]: ...
    def __get__(self, owner: S | None, kind: type[S]) -> Any:
        return self._make(self._method if owner is None else types.MethodType(self._method, owner))


def both(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, R]],
) -> _Method[S, P, R, Coroutine[Any, Any, R]]:
    """``both_function`` for methods: ``job.rows(...)`` waits, ``await job.rows.aio(...)`` does not."""
    return _Method(method, both_function)


def both_iter(
    method: Callable[Concatenate[S, P], AsyncGenerator[T, None]],
) -> _Method[S, P, Stream[T], Stream[T]]:
    """``both_iter_function`` for methods."""
    return _Method(method, both_iter_function)


class both_class(Generic[P, R]):
    """``both_function`` for class methods."""

    def __init__(self, method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]) -> None:
        self._method = method

    def __get__(self, owner: object, kind: type) -> Door[P, R, Coroutine[Any, Any, R]]:
        return both_function(types.MethodType(self._method, kind))


class Stream(Generic[T]):
    """What an async generator makes on the I/O loop, for ``for`` and ``async for`` alike.

    For one reader at a time. Nothing is fetched before the first item is asked for, and at most one item ahead.
    Closing or dropping it (``break``) cancels the generator where it stands; an interrupted read loses no item.
    """

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        self._source = source
        self._ready: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self._held: tuple[T] | None = None
        self._over = False

    def __iter__(self) -> Stream[T]:
        return self

    def __aiter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        item = run(self._peek())
        if item is None:
            raise StopIteration
        return self._take(item)

    async def __anext__(self) -> T:
        item = await on_io(self._peek())
        if item is None:
            raise StopAsyncIteration
        return self._take(item)

    def close(self) -> None:
        """End it early: the generator is cancelled and closes what it had opened."""
        run(self._stop())

    async def aclose(self) -> None:
        """``close`` for async code."""
        await on_io(self._stop())

    def __del__(self) -> None:
        if self._pump is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and so is the generator
                self._pump.get_loop().call_soon_threadsafe(self._pump.cancel)

    async def _peek(self) -> tuple[T] | None:
        if self._held is None and not self._over:
            if self._pump is None:
                self._pump = _keep(asyncio.create_task(_fill(self._source, self._ready)))
            got = await self._ready.get()
            if isinstance(got, tuple):
                self._held = got
            elif not self._over:
                self._over = True
                if got is not None:
                    raise got
        return None if self._over else self._held

    def _take(self, item: tuple[T]) -> T:
        """Only now is the item the reader's, and the generator may go on to the next."""
        self._held = None
        if self._pump is not None:
            self._pump.get_loop().call_soon_threadsafe(self._ready.task_done)
        return item[0]

    async def _stop(self) -> None:
        self._over = True
        if self._pump is None:
            await self._source.aclose()
        else:
            self._pump.cancel()
            await asyncio.wait({self._pump}, timeout=_GRACE)


async def _fill(source: AsyncGenerator[T, None], ready: asyncio.Queue[tuple[T] | BaseException | None]) -> None:
    """Put what the generator yields, then how it ended. It knows no ``Stream``, so that one can be dropped."""
    end: BaseException | None = None
    try:
        async with contextlib.aclosing(source):
            async for item in source:
                ready.put_nowait((item,))
                await ready.join()
    except BaseException as error:  # the reader raises it
        end = error
    ready.put_nowait(end)
