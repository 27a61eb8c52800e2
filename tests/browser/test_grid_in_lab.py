"""The grid as a user meets it, in JupyterLab."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser

JOBS = """
import pandas as pd
from swnb.widgets.grid import Grid
words = ["queued", "running", "paused", "stopping", "succeeded", "failed", "cancelled", "unknown"]
def jobs(count):
    return pd.DataFrame({
        "name": [f"mnist-{n}" for n in range(count)],
        "status": pd.Categorical([words[n % 8] for n in range(count)], categories=words),
        "created": pd.date_range("2026-11-22 12:40:23", periods=count, freq="37min", tz="UTC"),
        "elapsed": pd.to_timedelta([427 * n for n in range(count)], unit="s"),
        "accuracy": [0.9123456789 * n if n % 5 else float("nan") for n in range(count)],
        "epochs": pd.array([n if n % 4 else None for n in range(count)], dtype="Int64"),
        "config": [{"lr": 0.1 * n, "layers": [1, 2, 3]} for n in range(count)],
    }, index=pd.Index([f"lab/project/1/job/{n}" for n in range(count)], name="job"))
"""
SMALL = JOBS + "grid = Grid(jobs(12), caption='Jobs of mnist', note='12 of 2,000 jobs · as of 12:40:23')\ngrid"
LONG = JOBS + "grid = Grid(jobs(3_000), caption='Long')\ngrid"
HOSTILE = r"""
import pandas as pd
from swnb.widgets.grid import Grid
bad = ["<script>window.pwned=1</script>", "<img src=x onerror='window.pwned=1'>", "\x1b[31mred\x1b[0m\x00",
       "x" * 10_000_000, "javascript:window.pwned=1", "safe\u202eexe"]
frame = pd.DataFrame({"text": bad, "<img src=x onerror='window.pwned=1'>": [{b: 1} for b in bad]},
                     index=pd.Index(bad, name="<b>index</b>"))
Grid(frame, caption=bad[0], note=bad[1])
"""
LARGE = """
import numpy as np, pandas as pd
from swnb.widgets.grid import Grid
rows = 100_000
draw = np.random.default_rng(1)
frame = pd.DataFrame({f"m{n}": draw.normal(size=rows) for n in range(9)})
frame.insert(0, "name", [f"run-{n}" for n in range(rows)])
frame.insert(1, "status", pd.Categorical.from_codes(draw.integers(0, 2, rows), ["failed", "running"]))
frame.insert(2, "created", pd.date_range("2026-01-01", periods=rows, freq="s", tz="UTC"))
"""


def ready(page: Page) -> Any:
    """The grid of the page, once it is there."""
    grid = page.get_by_role("grid")
    grid.wait_for(timeout=KERNEL_READY)
    return grid


def first_cells(page: Page, column: int, count: int) -> list[str]:
    lines = page.locator(".swnb-rows .swnb-line")
    return [lines.nth(at).locator(".swnb-cell").nth(column).inner_text() for at in range(count)]


def run_cell(page: Page, code: str) -> None:
    """Run code in the kernel of the page and wait for its end."""
    page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const reply = await kernel.requestExecute({ code }).done;
        if (reply.content.status !== 'ok') throw new Error(reply.content.evalue); }""",
        code,
    )


def says(page: Page, expression: str) -> str:
    """The repr of an expression in the kernel."""
    return page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const reply = await kernel.requestExecute({ code: '', user_expressions: { it: code } }).done;
        return reply.content.user_expressions.it.data['text/plain']; }""",
        expression,
    )


def test_clicks_sort_and_filter_and_choose_columns(run_notebook: Notebooks) -> None:
    page = run_notebook([SMALL])
    grid = ready(page)
    header = grid.get_by_role("columnheader", name="accuracy")
    for sort, first in [("ascending", "mnist-1"), ("descending", "mnist-11"), ("none", "mnist-0")]:
        header.click()
        expect(header).to_have_attribute("aria-sort", sort)
        assert first_cells(page, 1, 1) == [first]
    page.get_by_label("Filter rows").fill("RUNNING")
    expect(page.get_by_role("status").filter(has_text="of 12 rows")).to_have_text("2 of 12 rows")
    expect(grid).to_have_attribute("aria-rowcount", "3")
    page.get_by_label("Filter rows").fill("nothing like it")
    expect(page.get_by_text("No rows match")).to_be_visible()
    page.get_by_label("Filter rows").fill("")
    page.get_by_role("button", name="Columns").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(grid.get_by_role("columnheader", name="name")).to_have_count(0)
    assert says(page, "grid.columns") == "['job', 'status', 'created', 'elapsed', 'accuracy', 'epochs', 'config']"
    expect(page.get_by_text("7 of 8 columns")).to_be_visible()


def test_shift_click_selects_a_range_and_a_click_opens(run_notebook: Notebooks) -> None:
    page = run_notebook([SMALL, "opened = []\ngrid.on_open(opened.append)"])
    grid = ready(page)
    grid.get_by_text("mnist-2", exact=True).click()
    grid.get_by_text("mnist-5", exact=True).click(modifiers=["Shift"])
    grid.get_by_text("mnist-9", exact=True).click(modifiers=["ControlOrMeta"])
    expect(page.get_by_text("5 selected")).to_be_visible()
    expect(page.locator(".swnb-line[aria-selected=true]")).to_have_count(5)
    assert says(page, "grid.selected") == "[2, 3, 4, 5, 9]"
    grid.get_by_text("mnist-7", exact=True).dblclick()
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert says(page, "opened") == "[7]"


def test_the_keyboard_walks_selects_and_opens(run_notebook: Notebooks) -> None:
    page = run_notebook([LONG, "opened = []\ngrid.on_open(opened.append)"])
    grid = ready(page)
    focused = page.locator(".swnb-cell:focus")
    grid.get_by_text("mnist-0", exact=True).click()
    for key, text in [
        ("ArrowDown", "mnist-1"),
        ("PageDown", "mnist-20"),
        ("PageDown", "mnist-39"),
        ("PageUp", "mnist-20"),
        ("Control+End", None),
        ("Home", "lab/project/1/job/2999"),
        ("ArrowRight", "mnist-2999"),
        ("ArrowUp", "mnist-2998"),
    ]:
        page.keyboard.press(key)
        if text:
            expect(focused).to_have_text(text)
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    expect(page.get_by_text("3,000 selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("selected")).to_have_count(0)
    assert says(page, "opened") == "[2999]"
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(grid.get_by_role("columnheader", name="job")).to_have_attribute("aria-sort", "ascending")
    assert page.evaluate("document.querySelectorAll('.swnb-port [tabindex=\"0\"]').length") == 1
    assert page.locator(".jp-CodeCell").count() == 2  # no key of ours was a command of the notebook


def test_scrolling_reaches_every_row_of_a_box_too_tall_for_browsers(run_notebook: Notebooks) -> None:
    page = run_notebook([JOBS + "Grid(pd.DataFrame({'n': range(3_000_000)}))"])
    ready(page)
    port = page.locator(".swnb-port")
    port.evaluate("port => { port.scrollTop = port.scrollHeight }")
    expect(page.locator(".swnb-line").last).to_have_text("2999999")
    port.evaluate("port => { port.scrollTop = port.scrollHeight / 2 }")
    expect(page.locator(".swnb-rows")).to_contain_text(re.compile(r"1(499|500)\d{3}"))
    port.evaluate("port => { port.scrollTop = 0 }")
    expect(page.locator(".swnb-rows .swnb-line").first).to_have_text("0")


FRAMES = """(text) => {
    const deep = (cell) => cell.getBoundingClientRect().y - cell.closest('.swnb-port').getBoundingClientRect().y;
    window.swnbSeen = [];
    const look = () => {
        const cells = [...document.querySelectorAll('.swnb-cell')].filter((cell) => cell.textContent === text);
        window.swnbSeen.push(...(cells.length ? cells.map(deep) : [null]));
        requestAnimationFrame(look); };
    look(); }"""


def depth(page: Page, text: str) -> float:
    """How far below the upper edge of its grid the cell with this text stands.

    Found and measured in one step: lines are used again, so a line that was found a moment ago may show another row."""
    return page.evaluate(
        """(text) => { const cell = [...document.querySelectorAll('.swnb-cell')].find((it) => it.textContent === text);
        return cell.getBoundingClientRect().y - cell.closest('.swnb-port').getBoundingClientRect().y; }""",
        text,
    )


def test_an_update_keeps_scroll_focus_and_selection_on_their_rows(run_notebook: Notebooks) -> None:
    page = run_notebook([LONG])
    grid = ready(page)
    page.locator(".swnb-port").evaluate("port => { port.scrollTop = 24 * 500 }")
    grid.get_by_text("mnist-505", exact=True).click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    before = depth(page, "mnist-505")
    page.evaluate(FRAMES, "mnist-505")
    run_cell(page, "new = jobs(3_002); grid.update(pd.concat([new.iloc[3_000:], new.iloc[:3_000]]))")
    expect(page.locator(".swnb-cell:focus").locator("..")).to_have_attribute("aria-rowindex", "509")
    expect(page.get_by_text("3,002 rows")).to_be_visible()
    expect(page.locator(".swnb-cell:focus")).to_have_text("mnist-505")
    expect(page.locator(".swnb-line[aria-selected=true]")).to_contain_text("mnist-505")
    assert set(page.evaluate("window.swnbSeen")) == {before}  # to the pixel, in every frame on the way
    assert says(page, "grid.selected") == "[507]"


def test_hostile_text_is_shown_and_never_run(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([HOSTILE])
    grid = ready(page)
    expect(grid.get_by_text("<script>window.pwned=1</script>", exact=True).first).to_be_visible()
    expect(grid.get_by_text("red␀", exact=True).first).to_be_visible()
    long = grid.get_by_text(re.compile("^x{200}…$")).first
    long.hover()
    expect(long).to_have_attribute("title", re.compile("^x{2000}…$"))
    assert page.evaluate("window.pwned") is None
    assert page.locator(".swnb-grid img, .swnb-grid script, .swnb-grid b").count() == 0
    assert run_notebook.received < 100_000
    page.screenshot(path=shots / "grid-hostile.png")


def test_100_000_rows_are_painted_with_few_bytes(run_notebook: Notebooks) -> None:
    page = run_notebook([LARGE, "Grid(frame)"], run=False)
    page.evaluate(
        """async () => { const { commands } = window.jupyterapp;
        await commands.execute('notebook:run-cell-and-select-next'); }"""
    )
    run_notebook.received = 0
    seconds = page.evaluate(
        """async () => {
        const start = performance.now();
        const shown = new Promise((done) => {
            const cell = () => document.querySelector('.swnb-rows .swnb-cell')?.textContent;
            const look = () => cell() ? done(performance.now()) : requestAnimationFrame(look);
            look(); });
        window.jupyterapp.commands.execute('notebook:run-cell-and-select-next');
        return (await shown - start) / 1000; }"""
    )
    expect(page.get_by_text("100,000 rows", exact=True)).to_be_visible()
    print(f"\n100,000 x 12: first row after {seconds:.2f} s, {run_notebook.received / 1_000:.1f} kB received")
    assert 1_000 < run_notebook.received < 100_000


def test_two_views_of_one_grid_scroll_apart(run_notebook: Notebooks) -> None:
    page = run_notebook([LONG, "grid"])
    expect(page.get_by_role("grid")).to_have_count(2, timeout=KERNEL_READY)
    page.locator(".swnb-port").last.evaluate("port => { port.scrollTop = 24 * 1000 }")
    expect(page.get_by_role("gridcell", name="mnist-1000", exact=True)).to_be_visible()
    expect(page.get_by_role("gridcell", name="mnist-0", exact=True)).to_be_visible()


def test_a_failing_callback_is_told_in_the_grid(run_notebook: Notebooks) -> None:
    page = run_notebook([SMALL, "def fail(position): raise RuntimeError('no server')\ngrid.on_open(fail)"])
    ready(page).get_by_text("mnist-2", exact=True).dblclick()
    expect(page.get_by_role("alert").filter(has_text="no server")).to_have_text("open: RuntimeError: no server")


CONTRAST = """() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (color) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
    return [...document.querySelectorAll('.swnb-rows .swnb-sign, .swnb-cell')].map((node) => {
        const back = light(getComputedStyle(node.closest('.swnb-line')).backgroundColor);
        const front = light(getComputedStyle(node).color);
        return (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05); }); }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_is_readable_in_both_themes(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = run_notebook([SMALL, "Grid(jobs(3_000), caption='Long', height_rows=6)"], theme=theme)
    page.get_by_role("grid").last.wait_for(timeout=KERNEL_READY)
    page.locator(f"body[data-jp-theme-light={'true' if theme == 'light' else 'false'}]").wait_for(state="attached")
    grid = page.get_by_role("grid").first
    grid.get_by_text("mnist-2", exact=True).click()
    page.keyboard.press("Shift+ArrowDown")
    grid.get_by_role("columnheader", name="created").click()
    page.get_by_role("button", name="Columns").first.click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.screenshot(path=shots / f"grid-{theme}.png")
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5


def test_a_saved_notebook_holds_the_page_and_the_text_and_no_more(run_notebook: Notebooks) -> None:
    page = run_notebook([LONG], name="saved.ipynb")
    ready(page)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = json.loads((run_notebook.lab.root / "saved.ipynb").read_text("utf-8"))
    view, twin = saved["cells"][0]["outputs"]
    assert "text/html" not in view["data"]
    data = twin["data"]
    assert "50 of 3,000 rows shown" in "".join(data["text/html"])
    assert "[20 of 3,000 rows shown]" in "".join(data["text/plain"])
    assert "mnist-50<" not in json.dumps(saved)
    assert len(json.dumps(saved)) < 50_000
