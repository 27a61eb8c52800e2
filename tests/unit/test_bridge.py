"""The bridge outside of a notebook; tests/kernel has the same questions put to real kernels."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import os
import pydoc
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb import bridge

SOON = 30  # seconds that a busy machine may take for anything


async def here() -> threading.Thread:
    return threading.current_thread()


async def double(number: int, *, plus: int = 0) -> int:
    """Twice the number."""
    await asyncio.sleep(0)
    return 2 * number + plus


async def fail(error: BaseException) -> None:
    raise error


async def never(begun: threading.Event, ended: threading.Event) -> None:
    begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def let(event: asyncio.Event) -> None:
    event.set()


class Toy:
    def __init__(self, factor: int = 1) -> None:
        self.factor = factor

    @bridge.both
    async def times(self, number: int) -> int:
        """The number times the factor."""
        return self.factor * number

    @bridge.both_class
    async def make(cls: type[Toy], factor: int) -> Toy:
        """A toy with a factor."""
        return cls(factor)

    @bridge.both_iter
    async def count(self, stop: int) -> AsyncGenerator[int, None]:
        """The multiples below a stop."""
        for number in range(stop):
            yield self.factor * number


class SpecialToy(Toy):
    pass


@bridge.both_function
async def triple(number: int) -> int:
    """Thrice the number."""
    return 3 * number


# Waiting


def test_every_coroutine_runs_on_the_one_thread() -> None:
    assert bridge.run(here()) is bridge.run(here())
    assert bridge.run(here()).name == "swnb-io"
    assert bridge.run(here()).daemon


def test_a_call_returns_what_its_coroutine_returns() -> None:
    assert bridge.run(double(4, plus=1)) == 9


def test_an_error_reaches_the_caller_as_the_same_object() -> None:
    error = LookupError("nothing there")
    with pytest.raises(LookupError) as caught:
        bridge.run(fail(error))
    assert caught.value is error


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_exit_inside_a_call_is_its_callers_and_the_loop_lives_on(kind: type[BaseException]) -> None:
    thread = bridge.run(here())
    expected = CancelledError if kind is asyncio.CancelledError else kind
    with pytest.raises(expected):
        bridge.run(fail(kind()))
    assert bridge.run(here()) is thread


def test_many_threads_share_the_one_loop() -> None:
    seen: list[threading.Thread] = []
    threads = [threading.Thread(target=lambda: seen.append(bridge.run(here()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert len(seen) == 8
    assert set(seen) == {bridge.run(here())}


def test_awaiting_works_from_another_loop() -> None:
    async def main() -> tuple[int, threading.Thread]:
        return await bridge.on_io(double(2)), await bridge.on_io(here())

    assert asyncio.run(main()) == (4, bridge.run(here()))


def test_awaiting_works_on_the_io_loop_itself() -> None:
    assert bridge.run(bridge.on_io(double(3))) == 6


def test_cancelling_an_await_cancels_the_coroutine() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def main() -> None:
        task = asyncio.create_task(bridge.on_io(never(begun, ended)))
        await asyncio.to_thread(begun.wait, SOON)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended.wait(SOON)


def test_cancelling_a_future_cancels_the_coroutine() -> None:
    begun, ended = threading.Event(), threading.Event()
    future = bridge.submit(never(begun, ended))
    assert begun.wait(SOON)
    assert future.cancel()
    assert ended.wait(SOON)


def test_a_future_cancelled_at_once_never_starts_its_coroutine() -> None:
    begun, ended, held, free = (threading.Event() for _ in range(4))

    async def hold_the_loop() -> None:
        held.set()
        free.wait(SOON)

    bridge.submit(hold_the_loop())
    assert held.wait(SOON)
    coro = never(begun, ended)
    assert bridge.submit(coro).cancel()
    free.set()
    bridge.run(double(1))
    assert not begun.is_set()
    assert inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED


def test_an_error_in_the_cleanup_of_a_cancelled_call_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    begun = threading.Event()

    async def careless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("while closing")

    future = bridge.submit(careless())
    assert begun.wait(SOON)
    future.cancel()
    bridge.run(double(1))
    gc.collect()
    assert caplog.records == []


def test_a_blocking_call_inside_the_io_thread_says_to_await() -> None:
    async def wrong() -> int:
        return bridge.run(double(1))

    with pytest.raises(RuntimeError, match="await it instead"):
        bridge.run(wrong())


def test_the_callers_context_reaches_the_coroutine_and_stays_unchanged() -> None:
    sink: contextvars.ContextVar[str] = contextvars.ContextVar("sink", default="none")

    async def swap() -> str:
        found = sink.get()
        sink.set("changed inside")
        return found

    token = sink.set("the caller's")
    try:
        assert bridge.run(swap()) == "the caller's"
        assert asyncio.run(bridge.on_io(swap())) == "the caller's"
        assert sink.get() == "the caller's"
    finally:
        sink.reset(token)
    assert bridge.run(swap()) == "none"


def test_a_dead_loop_is_replaced() -> None:
    before = bridge.run(here())
    assert isinstance(before, bridge._IoThread)
    before.leaving = True
    before.loop.call_soon_threadsafe(before.loop.stop)
    before.join(SOON)
    assert bridge.run(here()) is not before


def test_nothing_is_patched_and_waiting_is_plain_outside_of_a_notebook() -> None:
    async def main() -> tuple[int, str]:
        return bridge.run(double(5)), bridge.nesting()

    value, way = asyncio.run(main())
    assert value == 10
    assert way == "plain: no notebook's loop is to be kept turning"
    assert bridge.nesting() == "plain: no event loop runs in this thread"
    assert "nest_asyncio2" not in sys.modules


# Ctrl-C


def press_ctrl_c(when: threading.Event) -> None:
    when.wait(SOON)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_ctrl_c_cancels_the_call_and_waits_for_its_cleanup() -> None:
    begun, ended = threading.Event(), threading.Event()
    threading.Thread(target=press_ctrl_c, args=[begun]).start()
    with pytest.raises(KeyboardInterrupt):
        bridge.run(never(begun, ended))
    assert ended.is_set()
    assert bridge.run(double(1)) == 2


def test_ctrl_c_leaves_other_calls_alone() -> None:
    begun, ended, go = threading.Event(), threading.Event(), asyncio.Event()
    other = bridge.submit(go.wait())
    threading.Thread(target=press_ctrl_c, args=[begun]).start()
    with pytest.raises(KeyboardInterrupt):
        bridge.run(never(begun, ended))
    assert not other.done()
    bridge.run(let(go))
    assert other.result(SOON) is True


def test_ctrl_c_does_not_wait_for_a_call_that_shields_itself() -> None:
    begun, let_go = threading.Event(), asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    threading.Thread(target=press_ctrl_c, args=[begun]).start()
    with pytest.raises(KeyboardInterrupt):
        bridge.run(stubborn())
    bridge.run(let(let_go))


# Fork and exit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_makes_a_loop_of_its_own() -> None:
    bridge.run(double(1))
    child = os.fork()
    if child == 0:
        os._exit(0 if bridge.run(double(21)) == 42 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert bridge.run(double(2)) == 4


def script(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_python_ends_quietly_while_calls_are_open() -> None:
    done = script(
        "import asyncio\n"
        "from swnb import bridge\n"
        "async def main():\n"
        "    try: await asyncio.Event().wait()\n"
        "    finally: print('closed')\n"
        "bridge.submit(main())\n"
        "bridge.run(asyncio.sleep(0))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")


def test_a_call_in_an_exit_handler_still_works() -> None:
    done = script(
        "import asyncio, atexit\n"
        "from swnb import bridge\n"
        "atexit.register(lambda: print(bridge.run(asyncio.sleep(0, 'late'))))\n"
        "bridge.run(asyncio.sleep(0))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "late\n", "")


def test_a_call_after_the_last_exit_handler_is_refused_and_does_not_hang() -> None:
    done = script(
        "import asyncio, os\n"
        "from swnb import bridge\n"
        "class Late:\n"
        "    def __del__(self, run=bridge.run, sleep=asyncio.sleep, write=os.write):\n"
        "        try: run(sleep(0))\n"
        "        except RuntimeError as error: write(1, str(error).encode())\n"
        "bridge.run(asyncio.sleep(0))\n"
        "late = Late()\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "shutting down" in done.stdout


# Two doors


def test_both_doors_of_a_method_give_the_same() -> None:
    toy = Toy(7)
    assert toy.times(6) == 42
    assert asyncio.run(toy.times.aio(6)) == 42


def test_both_doors_of_a_class_method_know_the_class() -> None:
    assert type(SpecialToy.make(2)) is SpecialToy
    assert asyncio.run(SpecialToy.make.aio(2)).factor == 2
    assert Toy(1).make(3).factor == 3


def test_a_method_can_be_called_through_its_class() -> None:
    assert Toy.times(Toy(2), 4) == 8
    assert list(Toy.count(Toy(2), 3)) == [0, 2, 4]


def test_both_doors_of_a_function_give_the_same() -> None:
    assert triple(2) == 6
    assert asyncio.run(triple.aio(number=2)) == 6


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_a_door_is_a_plain_function_with_the_name_doc_and_parameters_of_the_original() -> None:
    doors: list[tuple[Any, str, str]] = [
        (triple, "triple", "Thrice the number."),
        (triple.aio, "triple", "Thrice the number."),
        (Toy().times, "times", "The number times the factor."),
        (Toy().count, "count", "The multiples below a stop."),
    ]
    for door, name, doc in doors:
        assert inspect.isfunction(door)
        assert (door.__name__, door.__doc__, door.__module__) == (name, doc, __name__)
        assert parameters(door) == ["stop" if name == "count" else "number"]
        assert doc in pydoc.render_doc(door)
    assert parameters(Toy.times) == ["self", "number"]
    assert not inspect.iscoroutinefunction(triple)


def test_help_on_a_class_shows_its_doors_as_methods() -> None:
    text = pydoc.render_doc(Toy, renderer=pydoc.plaintext)  # type: ignore[attr-defined]
    for line in ["times(self, number: 'int') -> 'int'", "The number times the factor.", "A toy with a factor."]:
        assert line in text


# Streams


class Source:
    """Numbers, and what became of the generator that makes them."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = threading.Event()

    async def numbers(self, stop: int, error: Exception | None = None) -> AsyncGenerator[int, None]:
        try:
            for number in range(stop):
                self.made += 1
                yield number
            if error is not None:
                raise error
        finally:
            self.closed.set()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(autouse=True)
def no_task_is_left() -> Iterator[None]:
    yield
    gc.collect()
    done = threading.Event()

    async def settled() -> None:
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)
        done.set()

    future = bridge.submit(settled())
    assert done.wait(SOON)
    future.result(SOON)


@given(st.lists(st.integers()))
def test_a_stream_gives_every_item_in_order_by_either_loop(items: list[int]) -> None:
    @bridge.both_iter_function
    async def stream() -> AsyncGenerator[int, None]:
        for item in items:
            yield item

    async def collect() -> list[int]:
        return [item async for item in stream.aio()]

    assert list(stream()) == items
    assert asyncio.run(collect()) == items


def test_nothing_is_made_before_the_first_item_is_asked_for(source: Source) -> None:
    stream = bridge.Stream(source.numbers(3))
    bridge.run(double(1))
    assert source.made == 0
    stream.close()
    assert list(stream) == []


def settle() -> None:
    """Let the I/O loop do all that it can do."""
    for _ in range(20):
        bridge.run(asyncio.sleep(0))


@given(st.integers(1, 8))
def test_at_most_one_item_is_made_ahead_of_the_reader(taken: int) -> None:
    source = Source()
    stream = bridge.Stream(source.numbers(10))
    for _ in range(taken):
        next(stream)
    settle()
    assert source.made == taken + 1
    stream.close()


def test_leaving_a_loop_early_closes_the_generator(source: Source) -> None:
    for number in bridge.Stream(source.numbers(100)):
        if number == 2:
            break
    assert source.closed.wait(SOON)
    assert source.made <= 4


def test_leaving_an_async_loop_early_closes_the_generator(source: Source) -> None:
    async def main() -> None:
        async for number in bridge.Stream(source.numbers(100)):
            if number == 2:
                break

    asyncio.run(main())
    assert source.closed.wait(SOON)


def test_a_stream_lost_in_a_cycle_closes_its_generator(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    stream = bridge.Stream(source.numbers(100))
    next(stream)
    stream.me = stream  # type: ignore[attr-defined]
    del stream
    gc.collect()
    assert source.closed.wait(SOON)
    assert caplog.records == []


def test_closing_has_closed_the_generator_when_it_returns(source: Source) -> None:
    stream = bridge.Stream(source.numbers(100))
    assert next(stream) == 0
    stream.close()
    assert source.closed.is_set()
    assert list(stream) == []


def test_aclose_does_the_same(source: Source) -> None:
    async def main() -> list[int]:
        stream = bridge.Stream(source.numbers(100))
        await stream.__anext__()
        await stream.aclose()
        assert source.closed.is_set()
        return [number async for number in stream]

    assert asyncio.run(main()) == []


def test_closing_while_another_thread_reads_ends_its_loop() -> None:
    begun = threading.Event()
    got: list[int] = []

    async def stalled() -> AsyncGenerator[int, None]:
        yield 1
        begun.set()
        await asyncio.Event().wait()

    stream = bridge.Stream(stalled())
    reader = threading.Thread(target=lambda: got.extend(stream))
    reader.start()
    assert begun.wait(SOON)
    stream.close()
    reader.join(SOON)
    assert not reader.is_alive()
    assert got in ([], [1])


def test_an_error_comes_after_the_items_and_then_the_stream_is_over(source: Source) -> None:
    stream = bridge.Stream(source.numbers(2, ValueError("torn")))
    assert [next(stream), next(stream)] == [0, 1]
    with pytest.raises(ValueError, match="torn"):
        next(stream)
    assert list(stream) == []


def test_a_stream_that_is_cut_off_does_not_look_complete() -> None:
    async def cut() -> AsyncGenerator[int, None]:
        yield 1
        raise asyncio.CancelledError

    stream = bridge.Stream(cut())
    assert next(stream) == 1
    with pytest.raises(CancelledError):
        next(stream)


def test_an_interrupted_read_loses_no_item() -> None:
    begun, go = threading.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[int, None]:
        yield 1
        await go.wait()
        yield 2

    class Read(bridge.Stream[int]):
        async def _peek(self) -> tuple[int] | None:
            begun.set()
            return await super()._peek()

    stream = Read(slow())
    assert next(stream) == 1
    begun.clear()
    threading.Thread(target=press_ctrl_c, args=[begun]).start()
    with pytest.raises(KeyboardInterrupt):
        next(stream)
    bridge.run(let(go))
    assert list(stream) == [2]
