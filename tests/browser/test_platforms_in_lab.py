"""The same panel over the other platforms, of which it knows nothing: what one has is there, what it has not is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from conftest import Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Case:
    """What a job shows. ``job``: a text of its row; ``fact``: a row of its Info; ``value``: a name in its Summary."""

    project: str
    job: str
    tabs: tuple[str, ...]
    fact: str
    value: str = ""
    curve: str = ""
    log: str = ""


CASES = {
    "swanlab": Case(
        "mnist",
        "succeeded",
        ("Info", "Summary", "Metrics", "Log"),
        "config.optimizer.name",
        value="train/loss.min",
        curve="train.loss",
        log="loss",
    ),
    "supervisely": Case(
        "kites",
        "70029",
        ("Info", "Summary", "Metrics", "Log"),
        "framework_name",
        value="mAP",
        curve="train.loss",
        log="metrics",
    ),
    "ray": Case(
        "default", "evaluate-cnn-31", ("Info", "Summary", "Tasks", "Log"), "entrypoint", value="tasks_total", log="loss"
    ),
    "yuanrong": Case("default", "app-train-mlp-40", ("Info", "Summary", "Tasks", "Log"), "entrypoint", log="loss"),
    "istari": Case("mine", "detect-large", ("Info", "Summary", "Tables", "Tasks"), "tool", value="stage.queue_s"),
}


def opened(platform: str, **options: object) -> str:
    """The first cell: a sandbox, saved as ``box``."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"""
import os, tempfile
os.environ |= {{"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}}
os.environ |= {{"SWANLAB_SAVE_DIR": "/nowhere"}}
import swnb
from swnb import sandbox
box = sandbox.run(platforms=({platform!r},), seed=1, clock="manual"{given})
swnb.connect("box", box.uri({platform!r}), token=box.token({platform!r}))
"""


PANEL = "panel = swnb.browse()\npanel"


def open_project(page: Page, name: str) -> None:
    projects = page.get_by_role("grid", name="Projects of box")
    projects.wait_for(timeout=KERNEL_READY)
    projects.get_by_text(name, exact=True).first.click()


SHOWN = [
    *[("swanlab", "light"), ("swanlab", "dark"), ("supervisely", "light")],
    *[("ray", "dark"), ("yuanrong", "light"), ("istari", "dark")],
]


@pytest.mark.parametrize(("platform", "theme"), SHOWN)
def test_a_job_shows_what_its_platform_has(run_notebook: Notebooks, shots: Path, platform: str, theme: str) -> None:
    case = CASES[platform]
    page = run_notebook([opened(platform), PANEL], theme=theme)
    open_project(page, case.project)
    page.get_by_role("grid", name=re.compile("^Jobs of box.project")).get_by_text(case.job).first.click()
    facts = page.locator("table.swnb-facts")  # a row of the jobs may hold the same word, in its error
    expect(facts.get_by_role("row", name=re.compile(case.fact))).to_be_visible()
    page.screenshot(path=shots / f"{platform}-{theme}-info.png", full_page=True)
    tabs = page.locator(".swnb-panel").get_by_role("tab").all_inner_texts()
    assert tuple(text for text in tabs if text) == case.tabs
    if case.value:
        page.get_by_role("tab", name="Summary").click()
        expect(page.get_by_role("grid", name="Summary").get_by_text(case.value, exact=True)).to_be_visible()
        page.screenshot(path=shots / f"{platform}-{theme}-summary.png", full_page=True)
    if case.curve:
        look_at_curves(page, case.curve, shots / f"{platform}-{theme}-metrics.png")
    if "Tasks" in case.tabs:
        page.get_by_role("tab", name="Tasks").click()
        expect(page.get_by_text(re.compile(r"^\d+ of \d+ tasks · as of"))).to_be_visible()
        page.screenshot(path=shots / f"{platform}-{theme}-tasks.png", full_page=True)
    if case.log:
        page.get_by_role("tab", name="Log").click()
        expect(page.get_by_role("log")).to_contain_text(case.log)
        page.screenshot(path=shots / f"{platform}-{theme}-log.png", full_page=True)


def look_at_curves(page: Page, name: str, shot: Path) -> None:
    page.get_by_role("tab", name="Metrics").click()
    expect(page.get_by_role("img", name=re.compile(rf"Curves by step, .*{name} from"))).to_be_visible()
    page.get_by_role("listbox", name="Metrics").select_option([name.replace(".", "/")])
    alone = page.get_by_role("img", name=re.compile(rf"Curves by step, 1 of \d+ metrics: {name} from"))
    expect(alone).to_be_visible()
    page.get_by_text("points · as of").scroll_into_view_if_needed()
    page.screenshot(path=shot, full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_in_a_system_of_istari_opens_below_it(run_notebook: Notebooks, shots: Path, theme: str) -> None:
    page = run_notebook([opened("istari"), PANEL], theme=theme)
    projects = page.get_by_role("grid", name="Projects of box")
    system = projects.get_by_role("row").filter(has_text="system").first
    system.wait_for(timeout=KERNEL_READY)
    system.get_by_role("gridcell").first.click()
    inside = projects.get_by_role("row").filter(has_text="↳")
    expect(inside.first).to_be_visible()
    below = system.get_attribute("aria-rowindex")
    assert below is not None
    assert inside.first.get_attribute("aria-rowindex") == str(int(below) + 1)
    expect(page.get_by_role("grid", name=re.compile("^Jobs of box.project.system"))).to_be_visible()
    page.screenshot(path=shots / f"istari-{theme}-tree.png", full_page=True)
    inside.first.get_by_role("gridcell").first.click()
    expect(page.get_by_role("grid", name=re.compile("^Jobs of box.project.00b1"))).to_be_visible()


def test_a_project_of_five_thousand_runs_opens_and_the_panel_stays_alive(run_notebook: Notebooks) -> None:
    many = opened("swanlab", jobs=0) + (
        "lab = box.platform('swanlab')\nme = box.user('swanlab')[0]\nlab.add_project(me, 'many')\n"
        "for n in range(5000): lab.add_run(me, 'many', f'run-{n}', {'loss': [(0, 1.0)]}, config={'lr': n})\n"
    )
    page = run_notebook([many, PANEL])
    open_project(page, "many")
    expect(page.get_by_text(re.compile(r"^5,000 of 5,000 jobs · as of \d\d:\d\d:\d\d UTC$"))).to_be_visible(
        timeout=30_000
    )
    page.get_by_label("Filter rows").last.fill("run-4321")
    expect(page.get_by_text("1 of 5,000 rows")).to_be_visible()
