"""The same panel over SwanLab, of which it knows nothing: what the platform has is there, what it has not is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser

BOX = """
import os, tempfile
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
os.environ |= {"SWANLAB_SAVE_DIR": "/nowhere"}
import swnb
from swnb import sandbox
box = sandbox.run(seed=1, clock="manual", platforms=("swanlab",))
swnb.connect("box", box.uri("swanlab"), token=box.token("swanlab"))
"""
PANEL = "panel = swnb.browse()\npanel"


def open_project(page: Page, name: str) -> None:
    projects = page.get_by_role("grid", name="Projects of box")
    projects.wait_for(timeout=KERNEL_READY)
    projects.get_by_text(name, exact=True).click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_run_shows_its_config_summary_curves_and_log(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = run_notebook([BOX, PANEL], theme=theme)
    open_project(page, "mnist")
    jobs = page.get_by_role("grid", name=re.compile("^Jobs of box.project"))
    jobs.get_by_text("succeeded").first.click()
    expect(page.get_by_role("row", name=re.compile("config.optimizer.name"))).to_be_visible()
    page.screenshot(path=shots / f"swanlab-{theme}-info.png", full_page=True)
    tabs = page.locator(".swnb-panel").get_by_role("tab").all_inner_texts()
    assert [text for text in tabs if text] == ["Info", "Summary", "Metrics", "Log"]
    page.get_by_role("tab", name="Summary").click()
    expect(page.get_by_role("grid", name="Summary").get_by_text("train/loss.min", exact=True)).to_be_visible()
    page.screenshot(path=shots / f"swanlab-{theme}-summary.png", full_page=True)
    page.get_by_role("tab", name="Metrics").click()
    curves = page.get_by_role("img", name=re.compile(r"Curves by step, .*train.loss from"))
    expect(curves).to_be_visible()
    page.get_by_role("listbox", name="Metrics").select_option(["train/loss"])
    expect(page.get_by_role("img", name=re.compile(r"Curves by step, 1 of \d+ metrics: train.loss from"))).to_be_visible()
    page.get_by_text("points · as of").scroll_into_view_if_needed()
    page.screenshot(path=shots / f"swanlab-{theme}-metrics.png", full_page=True)
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("log")).to_contain_text("loss")
    page.screenshot(path=shots / f"swanlab-{theme}-log.png", full_page=True)


def test_a_project_of_five_thousand_runs_opens_and_the_panel_stays_alive(run_notebook: Notebooks) -> None:
    many = BOX.replace("seed=1,", "seed=1, jobs=0,") + (
        "lab = box.platform('swanlab')\nme = box.user('swanlab')[0]\nlab.add_project(me, 'many')\n"
        "for n in range(5000): lab.add_run(me, 'many', f'run-{n}', {'loss': [(0, 1.0)]}, config={'lr': n})\n"
    )
    page = run_notebook([many, PANEL])
    open_project(page, "many")
    expect(page.get_by_text(re.compile(r"^5,000 of 5,000 jobs · as of \d\d:\d\d:\d\d UTC$"))).to_be_visible(timeout=30_000)
    page.get_by_label("Filter rows").last.fill("run-4321")
    expect(page.get_by_text("1 of 5,000 rows")).to_be_visible()
