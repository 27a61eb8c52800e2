"""Pan and zoom in the page: a real mouse on a real canvas, and what the kernel's lines hold then."""

from __future__ import annotations

import ast
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser

# In one pixel column of the whole there are two spikes, of which thinning shows the higher one only.
BOX = """
import os, tempfile
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
import gc, math, sys, weakref
import swnb
from swnb import sandbox
box = sandbox.run(seed=1, clock="manual", platforms=("swanlab",), jobs=0)
lab, owner = box.platform("swanlab"), box.user("swanlab")[0]
lab.add_project(owner, "spikes")
values = [math.sin(step / 900) for step in range(20_000)]
values[10_001], values[10_004] = 9.0, 7.0
for name in ("one", "two"):
    lab.add_run(owner, "spikes", name, {m: list(enumerate(values)) for m in ("loss", "acc")}, config={"lr": 0.1})
swnb.connect("swan", box.uri("swanlab"), token=box.token("swanlab"))
where = f"swan/project/{owner}:spikes"

def drawn(figure, field=0):
    low, high = figure.axes[field].get_xlim()
    x, y = max((line.get_data() for line in figure.axes[field].lines), key=lambda data: len(data[0]))
    inside = sum(bool(low <= at <= high) for at in x)
    return [float(low), float(high), inside, [float(each) for each in sorted(y)[-2:]], len(x)]
"""
PIXELS = "document.querySelector('.jupyter-matplotlib-canvas-div canvas').toDataURL()"
PANEL = """panel = swnb.compare(where, ["loss", "acc"], interactive=True)
panel"""


def says(page: Page, expression: str) -> Any:
    """The value of an expression in the kernel."""
    found: str = page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const reply = await kernel.requestExecute({ code: '', user_expressions: { it: code } }).done;
        const it = reply.content.user_expressions.it;
        return it.status === 'ok' ? it.data['text/plain'] : `'${it.ename}: ${it.evalue.replaceAll("'", "")}'`; }""",
        expression,
    )
    try:
        return ast.literal_eval(found)
    except ValueError:
        raise AssertionError(f"{expression} is {found}") from None


def canvas(page: Page) -> Locator:
    """The canvas, once a picture is on it."""
    found = page.locator(".jupyter-matplotlib-canvas-div canvas").first
    found.wait_for(timeout=KERNEL_READY)
    page.wait_for_function(
        """() => { const canvas = document.querySelector('.jupyter-matplotlib-canvas-div canvas');
        if (!canvas?.width) return false;
        const seen = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0; for (let at = 3; at < seen.length; at += 4) count += seen[at] > 0; return count > 500; }"""
    )
    found.scroll_into_view_if_needed()
    return found


def drag(page: Page, on: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From and to shares of the canvas' width and height."""
    box = on.bounding_box()
    assert box is not None
    ends = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*ends[0])
    page.mouse.down()
    page.mouse.move(*ends[1], steps=8)
    page.mouse.up()


def until(page: Page, expression: str) -> None:
    """Until the expression is True in the kernel. (``wait_for_function`` takes a promise for a yes.)"""
    end = time.monotonic() + 20
    while (found := says(page, f"bool({expression})")) is not True:
        assert time.monotonic() < end, f"{expression} is {found!r}"
        page.wait_for_timeout(100)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_drag_zooms_and_pans_and_what_was_folded_shows(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = run_notebook([BOX, PANEL], theme=theme)
    there = canvas(page)
    page.screenshot(path=shots / f"canvas-{theme}.png")
    low, high, inside, tallest, points = says(page, "drawn(panel.figure)")
    assert tallest == [9.0, pytest.approx(1.0, abs=0.01)][::-1]
    assert points < 4_000

    left, right = says(page, "[float(v) for v in panel.figure.axes[0].get_position().intervalx]")
    middle = left + (right - left) * (10_000 - low) / (high - low)
    page.get_by_title("Zoom to rectangle").click()
    drag(page, there, (middle - 0.01, 0.3), (middle + 0.01, 0.7))
    until(page, f"panel.figure.axes[0].get_xlim()[1] < {high} and drawn(panel.figure)[3][0] == 7.0")
    low, high, inside, tallest, points = says(page, "drawn(panel.figure)")
    assert low < 10_001
    assert high > 10_004
    assert tallest == [7.0, 9.0]
    assert inside == int(high) - int(low)  # every step of the range
    assert says(page, "drawn(panel.figure, 1)[:2]") == [low, high]
    assert f"span=({low!r}, {high!r})" in says(page, "panel.code")
    page.screenshot(path=shots / f"canvas-{theme}-zoomed.png")

    page.get_by_title("Left button pans").click()
    drag(page, there, (left + 0.2, 0.5), (left + 0.1, 0.5))
    whole = "seen[2] == int(seen[1]) - int(seen[0])"
    until(page, f"(seen := drawn(panel.figure))[0] > {low + 50} and {whole}")
    after = says(page, "drawn(panel.figure)")
    assert after[1] - after[0] == pytest.approx(high - low)
    page.get_by_title("Reset original view").click()
    until(page, "panel.figure.kept.span is None and drawn(panel.figure)[1] > 19_999")
    assert "span" not in says(page, "panel.code")
    assert (
        says(page, "'matplotlib.pyplot' in sys.modules and bool(sys.modules['matplotlib.pyplot'].get_fignums())")
        is False
    )


def test_a_choice_redraws_on_the_same_canvas_and_closing_leaves_nothing(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([BOX, PANEL])
    canvas(page)
    says(page, "[setattr(sys, 'held', panel.figure), None][1]")
    before = page.evaluate(PIXELS)
    page.get_by_role("combobox", name="Figure").select_option("bars")
    until(page, "sys.held.told.startswith('Bars of')")
    page.wait_for_function(f"before => {PIXELS} !== before", arg=before)
    expect(page.get_by_role("img", name=re.compile("Bars of loss"))).to_be_attached()
    page.screenshot(path=shots / "canvas-bars.png")
    page.get_by_role("combobox", name="Figure").select_option("curves")
    until(page, "sys.held.told.startswith('Curves of') and panel.figure is sys.held")
    sheet = "panel._drawing._sheet"
    held = f"panel, sys.held, {sheet}, {sheet}.canvas, {sheet}.canvas.toolbar, {sheet}._manager"
    says(page, f"[setattr(sys, 'refs', [weakref.ref(each) for each in ({held})]), None][1]")
    says(
        page,
        "[panel.close(), delattr(sys, 'held'), get_ipython().reset(new_session=False), None][-1]",
    )
    expect(page.locator(".jupyter-matplotlib-canvas-div")).to_have_count(0)
    until(page, "__import__('gc').collect() >= 0 and not any(ref() for ref in __import__('sys').refs)")
    left = "[type(w).__name__ for w in __import__('ipywidgets').widgets.widget._instances.values()]"
    assert says(page, left) == []


def test_a_plot_of_its_own_is_zoomed_and_a_saved_notebook_keeps_its_picture(
    run_notebook: Notebooks, shots: Path
) -> None:
    cells = [BOX, "figure = swnb.plot(where, 'loss', interactive=True)\nfigure"]
    page = run_notebook(cells, name="moved.ipynb")
    there = canvas(page)
    expect(page.locator("[data-swnb-twin]")).to_be_hidden()
    before = page.locator("[data-swnb-twin] img").get_attribute("src")
    page.get_by_title("Zoom to rectangle").click()
    drag(page, there, (0.4, 0.3), (0.6, 0.6))
    until(page, "figure.kept.span is not None")
    page.screenshot(path=shots / "canvas-alone.png")
    expect(page.locator("[data-swnb-twin] img")).not_to_have_attribute("src", before or "")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    says(page, "figure.panel.close()")
    expect(page.locator(".jupyter-matplotlib-canvas-div")).to_have_count(0)
    assert says(page, "figure.canvas.__class__.__name__") == "FigureCanvasAgg"
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    saved = (run_notebook.lab.root / "moved.ipynb").read_bytes()
    (run_notebook.lab.root / "moved-later.ipynb").write_bytes(saved)
    later = run_notebook.open("moved-later.ipynb", run=False)
    expect(later.get_by_role("img", name=re.compile("Curves of loss"))).to_be_visible(timeout=KERNEL_READY)
    later.screenshot(path=shots / "canvas-later.png")
