"""A fetch in a notebook: stopping it frees the cell and keeps what came; many leave nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from kernels import Kernel

import swnb
from swnb import sandbox
from swnb.sandbox import Box

ROWS = 20_000


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """A sandbox in this process, which the kernel finds saved as ``nb``."""
    with sandbox.run(seed=1, rows=ROWS, clock="manual") as box:
        swnb.connect("nb", box.uri("starwhale"), token=box.token("starwhale"))
        yield box
        swnb.forget("nb")


@pytest.fixture
def big(box: Box) -> str:
    """A table whose pages take a quarter of a second each from the second on."""
    box.faults.clear()
    box.faults.add("delay", path="scanTable", skip=2, seconds=0.25)
    project, job = next((p, j) for p in box.world.projects for j in p.jobs if "big" in j.tables)
    return f"nb/project/{project.id}/job/{job.id}/table/big"


def test_a_stopped_fetch_frees_the_cell_in_about_a_second_and_keeps_what_came(
    kernel: Kernel, box: Box, big: str
) -> None:
    assert kernel.run("import swnb").error == ""
    cell = kernel.send(f"swnb.rows({big!r})")
    while box.requests.count("scanTable") < 6:
        time.sleep(0.02)  # the box says what was asked, but rings no bell
    began = time.monotonic()
    kernel.interrupt()
    result = kernel.wait(cell)
    assert result.error.startswith("KeyboardInterrupt")
    assert time.monotonic() - began < 3  # about one, on a loaded machine
    box.faults.clear()
    assert kernel.run("1 + 1").text == "2"
    kernel.run("part = swnb.partial(); made = swnb.provenance(part)")
    assert kernel.run(f"0 < len(part) < {ROWS}, made.n == len(part), made.complete, made.server").text == (
        "(True, True, False, 'nb')"
    )
    assert kernel.run("part['id'].tolist() == list(range(len(part)))").text == "True"
    assert kernel.run(f"len(swnb.rows({big!r})), swnb.partial()").text == f"({ROWS}, None)"


def test_only_the_stopped_fetch_ends(kernel: Kernel, box: Box, big: str) -> None:
    kernel.run(f"import asyncio, swnb; other = asyncio.ensure_future(swnb.rows.aio({big!r}, end=3000))")
    before = box.requests.count("scanTable")
    cell = kernel.send(f"swnb.rows({big!r})")
    while box.requests.count("scanTable") < before + 6:
        time.sleep(0.02)
    kernel.interrupt()
    assert kernel.wait(cell).error.startswith("KeyboardInterrupt")
    assert kernel.run("len(await other)").text == "3000"


def test_two_hundred_calls_leave_no_threads_tasks_or_sockets_behind(kernel: Kernel, box: Box, big: str) -> None:
    box.faults.clear()
    here = big.partition("/table/")[0]
    kernel.run(
        "import asyncio, gc, os, threading, swnb, psutil\n"
        "from swnb import bridge\n"
        "async def io_tasks(): return len(asyncio.all_tasks())\n"
        "def left():\n"
        "    gc.collect()\n"
        "    sockets = len(psutil.Process().net_connections('inet'))\n"
        "    return threading.active_count(), len(asyncio.all_tasks()), bridge.run(io_tasks()), sockets\n"
        f"def calls(n):\n    for _ in range(n): swnb.open({here!r}).status()\n"
    )
    assert kernel.run("calls(3); swnb.summary('nb'); before = left()").error == ""
    result = kernel.run(
        f"calls(150)\n"
        f"for _ in range(25): await swnb.tables.aio({here!r})\n"
        f"for _ in range(25): swnb.rows({big!r}, limit=1)"
    )
    assert result.error == ""
    assert kernel.run("after = left()").error == ""  # in a cell of its own: one that awaits is a task itself
    counts = kernel.run("print(before, after)").stdout
    assert kernel.run("all(b >= a for b, a in zip(before, after))").text == "True", counts
