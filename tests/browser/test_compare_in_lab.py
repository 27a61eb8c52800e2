"""The panel that compares jobs as a user meets it, in JupyterLab, two platforms of the sandbox in one figure."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser

BOX = """
import os, tempfile
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
import swnb
from swnb import sandbox
box = sandbox.run(seed=1, clock="manual", platforms=("starwhale", "swanlab"))
swnb.connect("star", box.uri("starwhale"), token=box.token("starwhale"))
swnb.connect("swan", box.uri("swanlab"), token=box.token("swanlab"))
"""
PANEL = """where = ["star/project/1", "swan/project/ada:mnist"]
panel = swnb.compare(where, ["train/loss", "val/accuracy", "accuracy"])
panel"""


def picture(page: Page) -> Any:
    return page.locator(".swnb-panel img[alt]").first


def opened(run_notebook: Notebooks, theme: str = "light") -> Page:
    page = run_notebook([BOX, PANEL], theme=theme)
    expect(picture(page)).to_have_attribute("alt", re.compile("Curves of train/loss"), timeout=KERNEL_READY)
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_table_and_its_figure_in_both_themes(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = opened(run_notebook, theme)
    grid = page.get_by_role("grid", name="27 jobs")
    expect(grid.get_by_text("succeeded").first).to_be_visible()
    shaded = grid.locator(".swnb-cell[style*='color-mix']")
    expect(shaded.first).to_be_visible()
    page.screenshot(path=shots / f"compare-{theme}.png")
    picture(page).scroll_into_view_if_needed()
    page.screenshot(path=shots / f"compare-{theme}-figure.png")
    page.get_by_role("combobox", name="Figure").select_option("parallel")
    expect(picture(page)).to_have_attribute("alt", re.compile("Parallel coordinates"))
    page.screenshot(path=shots / f"compare-{theme}-parallel.png")
    page.get_by_role("tab", name="Config differences").click()
    expect(page.get_by_text("a correlation over n jobs, not a cause")).to_be_visible()
    page.get_by_text("a correlation over n jobs, not a cause").scroll_into_view_if_needed()
    page.screenshot(path=shots / f"compare-{theme}-config.png")


def test_selected_rows_drive_the_figure(run_notebook: Notebooks) -> None:
    page = opened(run_notebook)
    lines = page.get_by_role("grid", name="27 jobs").locator(".swnb-rows .swnb-line")
    lines.nth(1).click()
    expect(picture(page)).to_have_attribute("alt", re.compile(r"over step: k66seh34$"))
    lines.nth(3).click(modifiers=["Control"])
    expect(picture(page)).to_have_attribute("alt", re.compile(r"over step: k66seh34, evaluate-cnn-7$"))
    lines.nth(3).press("Escape")
    expect(picture(page)).to_have_attribute("alt", re.compile(r"over step: k66seh34, evaluate-cnn-7, \w+, "))


def test_the_keyboard_alone_changes_axes_and_exports(run_notebook: Notebooks, shots: Path) -> None:
    page = opened(run_notebook)
    page.get_by_role("combobox", name="X axis").focus()
    page.keyboard.press("r")  # the first letter chooses, as in any list of options
    expect(picture(page)).to_have_attribute("alt", re.compile("over relative time"))
    page.get_by_role("button", name="log y").press("Enter")
    page.get_by_role("button", name="Export").press("Enter")
    link = page.get_by_role("link", name="compare.png")
    expect(link).to_be_visible()
    link.scroll_into_view_if_needed()
    page.screenshot(path=shots / "compare-export.png")
    with page.expect_download() as waiting:
        link.click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")


def says(page: Page, expression: str) -> str:
    """The repr of an expression in the kernel."""
    found: str = page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const reply = await kernel.requestExecute({ code: '', user_expressions: { it: code } }).done;
        const it = reply.content.user_expressions.it;
        return it.status === 'ok' ? it.data['text/plain'] : `${it.ename}: ${it.evalue}`; }""",
        expression,
    )
    return found


def until(page: Page, expression: str) -> None:
    end = time.monotonic() + 40
    while (found := says(page, expression)) != "True":
        assert time.monotonic() < end, found
        page.wait_for_timeout(300)


def test_new_points_come_by_themselves_and_a_panel_that_no_page_shows_asks_no_more(run_notebook: Notebooks) -> None:
    page = opened(run_notebook)
    before = int(says(page, "len(panel.found.curves)"))
    shown = picture(page).get_attribute("src") or ""
    assert says(page, "box.clock.advance(60)") == "None"
    until(page, f"len(panel.found.curves) > {before}")
    expect(picture(page)).not_to_have_attribute("src", shown)
    assert says(page, "panel._following is None") == "False"
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    until(page, "panel._following is None")
    requests = int(says(page, "len(list(box.requests))"))
    page.wait_for_timeout(10_000)  # a poller that went on would have asked by then
    assert int(says(page, "len(list(box.requests))")) == requests


def test_a_saved_notebook_shows_table_and_picture_without_a_kernel(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([BOX, PANEL], name="compared.ipynb")
    expect(picture(page)).to_be_visible(timeout=KERNEL_READY)
    twin = page.locator("[data-swnb-twin]")
    expect(twin).to_contain_text("panel = swnb.compare(", timeout=KERNEL_READY)
    expect(twin.locator("img")).to_have_count(1, timeout=KERNEL_READY)
    expect(twin).to_be_hidden()
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    saved = (run_notebook.lab.root / "compared.ipynb").read_bytes()
    assert len(saved) < 300_000
    (run_notebook.lab.root / "compared-later.ipynb").write_bytes(saved)
    later = run_notebook.open("compared-later.ipynb", run=False)
    expect(later.get_by_role("img", name=re.compile("Curves of train.loss"))).to_be_visible(timeout=KERNEL_READY)
    later.screenshot(path=shots / "compare-later.png")


def test_a_plot_has_its_text_in_the_page(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, "swnb.plot('swan/project/ada:mnist', 'train/loss')"])
    told = page.locator(".jp-OutputArea-output img")
    expect(told).to_have_attribute("alt", re.compile("^Curves of train/loss over step"), timeout=KERNEL_READY)
    expect(told).to_have_js_property("complete", True)
    assert told.evaluate("image => image.naturalWidth") > 500
