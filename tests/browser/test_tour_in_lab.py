"""The tour as a new user meets it: opened in JupyterLab, run from top to bottom, its panel used."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from conftest import Notebooks

TOUR = Path(__file__).parents[2] / "notebooks" / "01-first-look.ipynb"
READY = 60_000


def test_the_tour_runs_and_its_panel_answers(run_notebook: Notebooks, shots: Path) -> None:
    shutil.copy(TOUR, run_notebook.lab.root / "tour.ipynb")
    page = run_notebook.open("tour.ipynb")
    projects = page.get_by_role("grid", name="Projects of sandbox")
    projects.wait_for(timeout=READY)
    projects.get_by_text("kites", exact=True).click()
    jobs = page.get_by_role("grid", name="Jobs of sandbox/project/2")
    jobs.get_by_text("succeeded").first.click(timeout=READY)
    expect(page.get_by_role("tab", name="Summary")).to_be_visible(timeout=READY)
    page.get_by_role("tab", name="Summary").click()
    expect(page.get_by_text("accuracy", exact=True).first).to_be_visible(timeout=READY)
    page.screenshot(path=shots / "tour-panel.png")
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
