"""Kernels whose loop can not or must not be nested: a call still works, and no queued cell is lost by us."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kernels import Kernel, run_all
from toys import TOYS

UVLOOP = """
import asyncio, warnings, uvloop
warnings.simplefilter("ignore", DeprecationWarning)
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
"""


@pytest.fixture(scope="module")
def uvloop_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    pytest.importorskip("uvloop")
    with Kernel.start(tmp_path_factory.mktemp("uvloop"), before=UVLOOP) as kernel:
        kernel.run(TOYS)
        yield kernel


@pytest.fixture(scope="module")
def old_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    pytest.importorskip("nest_asyncio")
    with Kernel.start(tmp_path_factory.mktemp("old")) as kernel:
        kernel.run("import nest_asyncio; nest_asyncio.apply()")
        kernel.run(TOYS)
        yield kernel


@pytest.fixture(params=["uvloop_kernel", "old_kernel"])
def odd_kernel(request: pytest.FixtureRequest) -> Kernel:
    kernel: Kernel = request.getfixturevalue(request.param)
    return kernel


def test_blocking_and_awaited_calls_give_the_same(odd_kernel: Kernel) -> None:
    assert odd_kernel.run("sleep(0.01, 'v')").text == "'v'"
    assert odd_kernel.run("await sleep.aio(0.01, 'v')").text == "'v'"
    assert odd_kernel.run("[n for n in count(3)], [n async for n in count(3)]").text == "([0, 1, 2], [0, 1, 2])"


def test_run_all_runs_every_queued_cell_in_order(odd_kernel: Kernel) -> None:
    results = run_all(odd_kernel, ["sleep(0.3, 1)", "2", "await sleep.aio(0.01, 3)", "sleep(0.01, 4)"])
    assert [(result.error, result.text) for result in results] == [("", "1"), ("", "2"), ("", "3"), ("", "4")]
    assert [result.begun for result in results] == sorted(result.begun for result in results)


def test_an_interrupt_cancels_the_call_and_the_next_cell_works(odd_kernel: Kernel) -> None:
    number = odd_kernel.send("bridge.run(forever())")
    odd_kernel.until_printed(number, "waiting")
    odd_kernel.interrupt()
    assert odd_kernel.wait(number).error == "KeyboardInterrupt"
    assert odd_kernel.run("sleep(0.01, held['forever'])").text == "'closed'"


def test_doctor_can_say_why_a_cell_does_not_nest(uvloop_kernel: Kernel, old_kernel: Kernel) -> None:
    assert uvloop_kernel.run("print(bridge.nesting())").stdout == "plain: uvloop loops can not be nested\n"
    assert old_kernel.run("print(bridge.nesting())").stdout.startswith("plain: the archived nest_asyncio was applied")
