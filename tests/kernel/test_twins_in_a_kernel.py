"""A panel's static twin stands beside it and follows it."""

from __future__ import annotations

from kernels import Kernel

SETUP = """
import pandas as pd
from swnb.widgets.grid import Grid
grid = Grid(pd.DataFrame({"name": ["b", "a", "c"]}))
sent = []
publish = get_ipython().display_pub.publish
def noted(data, metadata=None, **more):
    sent.append((sorted(data), more.get("update", False), data.get("text/plain", "")))
    publish(data, metadata, **more)
get_ipython().display_pub.publish = noted
"""
FOLLOW = """
import time
grid.sort = [("name", True)]
grid.search = "a"
end = time.monotonic() + 20
while len(sent) < 3 and time.monotonic() < end:
    time.sleep(0.05)
time.sleep(1.5)
print(len(sent), sent[-1][1], "1 of 3" in sent[-1][2])
"""


def test_the_view_and_its_twin_are_two_outputs_and_many_changes_cost_one_update(kernel: Kernel) -> None:
    kernel.run(SETUP)
    kernel.run("grid")
    view = "application/vnd.jupyter.widget-view+json"
    assert kernel.run("print([kinds for kinds, *_ in sent])").stdout.strip() == str(
        [[view, "text/plain"], ["text/html", "text/plain"]]
    )
    assert kernel.run(FOLLOW).stdout.split() == ["3", "True", "True"]
    kernel.run("get_ipython().display_pub.publish = publish")


def test_a_closed_grid_is_freed_although_it_was_shown(kernel: Kernel) -> None:
    code = """
import gc, time, weakref
shown = Grid(pd.DataFrame({"name": ["a"]}))
shown._ipython_display_()
shown.search = "a"
there = weakref.ref(shown)
shown.close()
del shown
end = time.monotonic() + 20
while there() is not None and time.monotonic() < end:
    gc.collect(); time.sleep(0.1)
print(there() is None)
"""
    kernel.run(SETUP)
    assert kernel.run(code).stdout.strip().endswith("True")
