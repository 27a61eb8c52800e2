"""The live board as a user meets it, in JupyterLab, on the sandbox with a clock that the test moves."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine
A_POLL = 20_000  # milliseconds until a change must have come by itself

pytestmark = pytest.mark.browser

BOX = """
import copy, os, tempfile
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
import swnb
from swnb import sandbox
box = sandbox.run(seed=1, clock="manual", platforms=("starwhale",))
swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
kites = box.world.project("kites")

def appear(number, name):
    new = copy.deepcopy(next(job for job in kites.jobs if job.id == 35))
    new.id, new.uuid, new.name = number, f"{number:032x}", name
    new.timeline.steps = [(box.clock.now, "created"), (box.clock.now + 1, "running"), (box.clock.now + 900, "failed")]
    kites.jobs.append(new)
"""
PANEL = "panel = swnb.watch('box/project/2', every=1)\npanel"


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


def board(page: Page) -> Any:
    found = page.get_by_role("grid", name="Jobs of box/project/2")
    found.wait_for(timeout=KERNEL_READY)
    return found


def row(page: Page, number: int) -> Any:
    return page.locator(f'tr[data-uri="box/project/2/job/{number}"]')


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_changes_new_jobs_and_a_lost_server_show_without_a_cell_being_run(
    run_notebook: Notebooks, shots: Path, theme: str
) -> None:
    page = run_notebook([BOX, PANEL], theme=theme)
    board(page)
    expect(row(page, 35)).to_contain_text("○queued")
    expect(page.get_by_text(re.compile(r"^box: as of \d+s ago, next (in \d+s|now)$"))).to_be_visible()
    page.screenshot(path=shots / f"watch-{theme}.png")
    assert says(page, "box.clock.advance(700)") == "None"
    expect(row(page, 35)).to_contain_text("▶running", timeout=A_POLL)
    expect(page.locator(".swnb-board [aria-live=polite]")).to_contain_text("running")
    assert says(page, "appear(99, 'brand-new')") == "None"
    expect(row(page, 99)).to_be_visible(timeout=A_POLL)
    assert page.locator("tr[data-uri]").first.get_attribute("data-uri") == "box/project/2/job/99"
    row(page, 35).click()
    expect(page.get_by_role("table", name="Stages")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("start augment")
    page.get_by_role("log").scroll_into_view_if_needed()
    page.screenshot(path=shots / f"watch-{theme}-detail.png")
    says(page, "box.faults.add('drop')")
    lost = page.locator(".swnb-lost")
    expect(lost).to_contain_text("connection lost", timeout=A_POLL + 10_000)
    expect(row(page, 35)).to_be_visible()
    lost.scroll_into_view_if_needed()
    page.screenshot(path=shots / f"watch-{theme}-lost.png")
    says(page, "(box.faults.clear(), box.clock.advance(1000))")
    expect(lost).to_be_empty(timeout=A_POLL + 10_000)
    expect(row(page, 99)).to_contain_text("✗failed", timeout=A_POLL)
    expect(row(page, 35)).to_have_attribute("aria-selected", "true")
    assert says(page, "panel.selected.index.tolist()") == "['box/project/2/job/35']"
    assert "running" in says(page, "panel.changes['after'].tolist()")
    page.screenshot(path=shots / f"watch-{theme}-later.png")


def test_elapsed_ticks_while_a_cell_is_busy_and_the_board_fills(run_notebook: Notebooks) -> None:
    busy = "import time\nend = time.monotonic() + 8\nwhile time.monotonic() < end: time.sleep(0.05)"
    page = run_notebook([BOX, PANEL, busy])
    board(page)
    elapsed = page.locator("tr", has_text="running").first.locator(".swnb-at-elapsed")
    expect(elapsed).to_have_text(re.compile(r"\d+s$"))
    before = elapsed.inner_text()
    expect(elapsed).not_to_have_text(before)


def test_the_keyboard_alone_chooses_a_job(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, PANEL])
    board(page)
    page.get_by_label("Filter jobs").focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "TR":
            break
    page.keyboard.press("ArrowDown")
    second = page.locator("tr[data-uri]").nth(1)
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("button", name="Close", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Close", exact=True)).to_be_hidden()


def test_a_notice_shows_and_reaches_the_desktop_only_after_it_was_allowed(run_notebook: Notebooks) -> None:
    panel = PANEL.replace("every=1", "every=1, notify=\"status == 'failed' and name == 'brand-new'\"")
    page = run_notebook([BOX, panel])
    page.evaluate(
        """() => { window.shown = []; window.asked = 0;
        window.Notification = class { constructor(title, more) { window.shown.push([title, more.body]); }
          static permission = 'default';
          static async requestPermission() { window.asked++; this.permission = 'granted'; } }; }"""
    )
    board(page)
    assert page.evaluate("window.asked") == 0
    page.get_by_role("button", name="Desktop notices").click()
    expect(page.get_by_role("button", name="Desktop notices")).to_have_attribute("aria-pressed", "true")
    says(page, "appear(98, 'brand-new')")
    expect(row(page, 98)).to_be_visible(timeout=A_POLL)
    says(page, "box.clock.advance(2000)")
    expect(page.get_by_role("list", name="Notices")).to_contain_text("brand-new", timeout=A_POLL)
    assert page.evaluate("[window.asked, window.shown.length, window.shown[0][0]]") == [1, 1, "brand-new"]


def test_a_board_whose_output_is_cleared_asks_no_more(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, PANEL])
    board(page)
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    end = time.monotonic() + 40
    while "asks no more" not in says(page, "panel.board.asleep"):
        assert time.monotonic() < end
        page.wait_for_timeout(500)


def test_hostile_text_of_a_server_is_shown_and_never_run(run_notebook: Notebooks) -> None:
    hostile = "bad = \"<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\\x1b[31m\\u202e\"\n"
    hostile += "for job in kites.jobs:\n    job.name = bad\n    for task in job.tasks: task.step = task.error = bad\n"
    page = run_notebook([BOX + hostile, PANEL])
    board(page)
    row(page, 35).click()
    expect(page.get_by_role("table", name="Stages")).to_be_visible()
    assert page.evaluate("window.pwned") is None
    assert page.locator(".swnb-panel img, .swnb-panel script").count() == 0


def test_a_saved_notebook_shows_the_last_board_without_a_kernel(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([BOX, PANEL], name="watch.ipynb")
    board(page)
    twin = page.locator("[data-swnb-twin]")
    expect(twin).to_be_hidden()
    says(page, "box.clock.advance(700)")
    expect(twin).to_contain_text(re.compile(r"▶ running\s*augment"), timeout=A_POLL)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = json.loads((run_notebook.lab.root / "watch.ipynb").read_text("utf-8"))
    assert re.search(r"box.*: as of \d{4}-\d\d-\d\d", "".join(saved["cells"][1]["outputs"][1]["data"]["text/plain"]))
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    shutil.copy(run_notebook.lab.root / "watch.ipynb", run_notebook.lab.root / "watch-later.ipynb")
    later = run_notebook.open("watch-later.ipynb", run=False)
    expect(later.get_by_role("cell", name="▶ running").first).to_be_visible(timeout=KERNEL_READY)
    later.screenshot(path=shots / "watch-saved.png")
