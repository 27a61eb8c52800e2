"""The live board in a real kernel: the cell is free, few messages are sent, and the twin follows."""

from __future__ import annotations

import pytest
from kernels import Kernel

SETUP = """
import os, tempfile, threading, time
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
import swnb
from swnb import sandbox
box = sandbox.run(seed=1, clock="manual", platforms=("starwhale",))
swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))

def until(holds, seconds=30):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())
"""


@pytest.fixture
def ready(fresh_kernel: Kernel) -> Kernel:
    assert fresh_kernel.run(SETUP).error == ""
    return fresh_kernel


def test_the_board_fills_while_a_cell_is_busy(ready: Kernel) -> None:
    shown = ready.run("panel = swnb.watch('box/project/2', every=1)\npanel")
    assert shown.error == ""
    assert "swnb.watch('box/project/2', every=1)" in shown.displays[-1]["text/plain"]
    busy = ready.run("print(until(lambda: len(panel.board._rows) == 13))")
    assert busy.stdout.strip() == "True"
    change = "box.clock.advance(700); print(until(lambda: 'running' in set(panel.changes['after'])))"
    assert ready.run(change).stdout.strip() == "True"


def test_an_idle_board_sends_one_message_a_refresh(ready: Kernel) -> None:
    ready.run("panel = swnb.watch('box/project/2', every=1)\nuntil(lambda: panel.board._rows)")
    count = """
sent, polls = [], []
send, changed = panel.board._send, panel._changed
panel.board._send = lambda *a, **k: (sent.append(1), send(*a, **k))
clock = panel.board._clock
panel.board.observe(lambda change: polls.append(1), "_clock")
until(lambda: len(polls) >= 3)
print(len(sent) <= len(polls) + 1, len(polls) >= 3)
"""
    assert ready.run(count).stdout.split() == ["True", "True"]


def test_a_closed_board_asks_no_more(ready: Kernel) -> None:
    ready.run("panel = swnb.watch('box/project/2', every=1)\nuntil(lambda: panel.board._rows)")
    ready.run("panel.close(); time.sleep(1); asked = box.requests.total; time.sleep(3)")
    assert ready.run("print(box.requests.total - asked)").stdout.strip() == "0"
