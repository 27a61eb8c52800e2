"""Where the bar of a long fetch appears, in a real kernel."""

from __future__ import annotations

import pytest
from kernels import Kernel

SETUP = """
import asyncio, threading
from swnb.bridge import both_function, run
from swnb.fetch import events
from swnb.widgets import progress
progress.AFTER = 0.05
progress.install()
seen = asyncio.Event()
bars = []
class Bar(progress.Bar):
    def draw(self, done, total, text):
        super().draw(done, total, text)
        seen.set()
progress.Bar = Bar

async def _fetch():
    seen.clear()
    with events.showing():
        events.emit(events.Progress("rows", 30, 100, "rows"))
        await asyncio.wait_for(seen.wait(), 30)
    return "fetched"
fetch = both_function(_fetch)
"""


@pytest.fixture
def ready(fresh_kernel: Kernel) -> Kernel:
    assert fresh_kernel.run(SETUP).error == ""
    return fresh_kernel


@pytest.mark.parametrize(
    "cell",
    [
        "fetch()",
        "await fetch.aio()",
        "got = []\nt = threading.Thread(target=lambda: got.append(fetch()))\nt.start(); t.join(); got[0]",
    ],
    ids=["blocking", "awaited", "thread"],
)
def test_a_long_fetch_shows_a_bar_in_the_cell_that_made_it(ready: Kernel, cell: str) -> None:
    result = ready.run(cell)
    assert result.error == ""
    assert result.text == "'fetched'"
    (shown,) = result.displays
    assert '<progress aria-label="swnb" value="30" max="100"' in shown["text/html"]
    assert shown["text/plain"].startswith("rows: 30 of 100 rows")


def test_the_bar_is_emptied_at_the_end(ready: Kernel) -> None:
    watch = "sent = []\npublish = get_ipython().display_pub.publish\n"
    watch += (
        "get_ipython().display_pub.publish = lambda data, *a, **k: (sent.append((data, k)), publish(data, *a, **k))"
    )
    assert ready.run(watch).error == ""
    ready.run("fetch()")
    result = ready.run("[(data, more['update']) for data, more in sent][-1]")
    assert result.text == "({}, True)"


def test_a_quick_fetch_shows_nothing(ready: Kernel) -> None:
    quick = "async def _quick():\n    with events.showing():\n        return 1\nquick = both_function(_quick)\nquick()"
    assert ready.run(quick).displays == []
    assert ready.run("quick()").displays == []
