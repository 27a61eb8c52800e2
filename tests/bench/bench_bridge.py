"""What one call through the bridge costs: ``python tests/bench/bench_bridge.py`` prints microseconds.

Plain waiting is measured in this process, nested waiting and the interrupt in a real kernel.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))

from kernels import Kernel
from toys import TOYS

from swnb import bridge

ROUNDS, CALLS = 5, 1000

IN_KERNEL = f"""
def each(work):
    begin = time.perf_counter(); work(); return (time.perf_counter() - begin) / {CALLS} * 1e6
def blocking():
    for _ in range({CALLS}): bridge.run(nap(0))
def streaming():
    for _ in count({CALLS}): pass
"""


def report(what: str, microseconds: float) -> None:
    print(f"{what:<44}{microseconds:>10.0f} us")


def each(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) / CALLS * 1e6)
    return median(times)


async def numbers(stop: int) -> AsyncGenerator[int, None]:
    for number in range(stop):
        yield number


def blocking() -> None:
    for _ in range(CALLS):
        bridge.run(asyncio.sleep(0))


async def awaiting() -> None:
    for _ in range(CALLS):
        await bridge.on_io(asyncio.sleep(0))


def until_interrupted(kernel: Kernel, code: str) -> float:
    number = kernel.send(code)
    kernel.until_printed(number, "waiting")
    begin = time.perf_counter()
    kernel.interrupt()
    kernel.wait(number)
    return (time.perf_counter() - begin) * 1e6


def main() -> None:
    report("plain script: a blocking call", each(blocking))
    report("plain script: an awaited call", each(lambda: asyncio.run(awaiting())))
    report("plain script: an item of a stream", each(lambda: list(bridge.Stream(numbers(CALLS)))))
    with tempfile.TemporaryDirectory() as folder, Kernel.start(Path(folder)) as kernel:
        kernel.run(TOYS + IN_KERNEL)
        report("notebook: a blocking call, nested", float(kernel.run("each(blocking)").text))
        report("notebook: an item of a stream, nested", float(kernel.run("each(streaming)").text))
        report("notebook: Ctrl-C to idle", until_interrupted(kernel, "bridge.run(forever())"))
        report("notebook: Ctrl-C to idle, call shields itself", until_interrupted(kernel, "bridge.run(stubborn())"))


if __name__ == "__main__":
    main()
