"""The panel of servers, projects and jobs as a user meets it, in JupyterLab, on the sandbox."""

from __future__ import annotations

import json
import re
import shutil
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
box = sandbox.run(seed=1, clock="manual")
swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
"""
PANEL = "panel = swnb.browse()\npanel"
HOSTILE = (
    BOX
    + r"""
bad = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\x1b[31mred\u202e"
project = box.world.projects[0]
project.name, project.description = "mnist", bad
for job in project.jobs:
    job.name = bad
project.jobs[0].comment = "x" * 1_000_000
"""
)


def says(page: Page, expression: str) -> str:
    """The repr of an expression in the kernel."""
    found: str = page.evaluate(
        """async (code) => { const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const reply = await kernel.requestExecute({ code: '', user_expressions: { it: code } }).done;
        return reply.content.user_expressions.it.data['text/plain']; }""",
        expression,
    )
    return found


def grid(page: Page, name: str | re.Pattern[str]) -> Any:
    return page.get_by_role("grid", name=name)


def open_project(page: Page, name: str = "mnist") -> Any:
    """Click a project; the grid of its jobs, once it is there."""
    projects = grid(page, "Projects of box")
    projects.wait_for(timeout=KERNEL_READY)
    projects.get_by_text(name, exact=True).click()
    jobs = grid(page, "Jobs of box/project")
    expect(jobs.get_by_text("succeeded").first).to_be_visible()
    return jobs


def test_a_click_opens_a_project_and_filters_narrow_its_jobs(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, PANEL])
    jobs = open_project(page)
    expect(page.get_by_text(re.compile(r"14 of 14 jobs · as of \d\d:\d\d:\d\d UTC"))).to_be_visible()
    page.get_by_label("Filter rows").last.fill("cnn")
    expect(page.get_by_text("of 14 rows")).to_have_text(re.compile(r"^\d of 14 rows$"))
    assert all("cnn" in name for name in jobs.locator(".swnb-rows .swnb-line").all_inner_texts())
    page.get_by_label("Filter rows").last.fill("")
    page.get_by_role("button", name=re.compile("✗ failed 2")).click()
    expect(page.get_by_text("2 of 14 rows")).to_be_visible()
    expect(jobs.get_by_text("succeeded")).to_have_count(0)
    assert says(page, "panel.code") == repr("panel = swnb.browse('box/project/1')\npanel.status = ['failed']")


def test_selected_rows_are_read_back_as_a_frame(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, PANEL])
    jobs = open_project(page)
    lines = jobs.locator(".swnb-rows .swnb-line")
    lines.nth(1).click()
    lines.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    assert says(page, "panel.selected.index.tolist() == panel.frame.index[1:4].tolist()") == "True"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_tabs_of_a_job_show_what_it_wrote(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = run_notebook([BOX, PANEL], theme=theme)
    jobs = open_project(page)
    page.screenshot(path=shots / f"browse-{theme}.png")
    jobs.get_by_text("succeeded").first.click()
    expect(page.get_by_role("row", name="status ✓ succeeded")).to_be_visible()
    page.screenshot(path=shots / f"browse-{theme}-info.png")
    page.get_by_role("tab", name="Summary").click()
    expect(grid(page, "Summary").get_by_text("accuracy", exact=True)).to_be_visible()
    page.screenshot(path=shots / f"browse-{theme}-summary.png")
    page.get_by_role("tab", name="Tables").click()
    page.get_by_role("combobox", name="Table").select_option("train")
    curves = page.get_by_role("img", name=re.compile("Curves over id of .* rows: accuracy from"))
    expect(curves).to_be_visible()
    expect(grid(page, "train").get_by_text("0.12207")).to_be_visible()
    curves.scroll_into_view_if_needed()
    page.screenshot(path=shots / f"browse-{theme}-table.png")
    page.get_by_role("tab", name="Tasks").click()
    expect(grid(page, "Tasks").get_by_text("succeeded").first).to_be_visible()
    page.screenshot(path=shots / f"browse-{theme}-tasks.png")
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("log")).to_contain_text("loss")
    page.screenshot(path=shots / f"browse-{theme}-log.png")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("log")).to_have_count(0)


def test_the_keyboard_alone_reaches_a_jobs_log(run_notebook: Notebooks) -> None:
    page = run_notebook([BOX, PANEL])
    projects = grid(page, "Projects of box")
    projects.wait_for(timeout=KERNEL_READY)
    page.get_by_label("Filter rows").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for key in ("ArrowDown", "Enter"):
        page.keyboard.press(key)
    jobs = grid(page, "Jobs of box/project/1")
    expect(jobs.get_by_text("succeeded").first).to_be_visible()
    page.get_by_label("Filter rows").last.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Info")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "tab":
            break
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("log")).to_be_visible()


def test_hostile_text_of_a_server_is_shown_and_never_run(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([HOSTILE, PANEL])
    jobs = open_project(page)
    jobs.get_by_text("<script>").first.click()
    expect(page.get_by_role("row", name=re.compile("^name <script>"))).to_be_visible()
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("log")).to_be_visible()
    page.screenshot(path=shots / "browse-hostile.png")
    assert page.evaluate("window.pwned") is None
    assert page.locator(".swnb-panel img, .swnb-panel script").count() == 0


def test_a_server_that_is_down_is_told_in_words_with_a_way_out(run_notebook: Notebooks, shots: Path) -> None:
    down = BOX + "swnb.connect('gone', 'starwhale+http://127.0.0.1:1', token='sandbox-none')\n"
    down += "swnb.connect('wrong', box.uri('starwhale').replace('127.0.0.1', 'localhost'), token='no-such-token')\n"
    page = run_notebook([down, PANEL])
    projects = grid(page, "Projects")
    projects.wait_for(timeout=KERNEL_READY)
    expect(projects.get_by_text("mnist", exact=True)).to_be_visible()
    alerts = page.locator(".swnb-say[role=alert]")
    expect(alerts.filter(has_text="gone")).to_contain_text("refused")
    expect(alerts.filter(has_text="wrong")).to_be_visible()
    expect(page.get_by_role("button", name="Try again").first).to_be_visible()
    page.get_by_role("button", name="Sign in …").locator("visible=true").first.click()
    expect(page.get_by_label("Token")).to_be_visible()
    page.screenshot(path=shots / "browse-down.png")


def test_a_saved_notebook_shows_the_last_state_without_a_kernel(run_notebook: Notebooks, shots: Path) -> None:
    page = run_notebook([BOX, "swnb.browse('box/project/1')"], name="panel.ipynb")
    expect(grid(page, "Jobs of box/project/1")).to_be_visible(timeout=KERNEL_READY)
    twin = page.locator("[data-swnb-twin]")
    expect(twin).to_have_count(1)
    expect(twin).to_be_hidden()
    grid(page, "Jobs of box/project/1").get_by_text("sweep-lr", exact=True).first.click()
    expect(twin).to_contain_text("sweep", timeout=KERNEL_READY)
    page.get_by_label("Filter rows").first.fill("sweep")
    expect(twin).to_contain_text("Shown: search 'sweep'", timeout=KERNEL_READY)  # it follows what is shown
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = json.loads((run_notebook.lab.root / "panel.ipynb").read_text("utf-8"))
    data = saved["cells"][1]["outputs"][1]["data"]
    assert "14 of 14 jobs" in "".join(data["text/html"])
    assert "sweep-lr" in "".join(data["text/plain"])
    assert "train-cnn" not in "".join(data["text/plain"])
    assert len(json.dumps(saved)) < 60_000
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    shutil.copy(run_notebook.lab.root / "panel.ipynb", run_notebook.lab.root / "later.ipynb")
    later = run_notebook.open("later.ipynb", run=False)  # as on another day, on another machine
    expect(later.get_by_text("Shown: search 'sweep'")).to_be_visible(timeout=KERNEL_READY)
    expect(later.get_by_role("cell", name="sweep-lr").first).to_be_visible()
    later.screenshot(path=shots / "browse-later.png")
