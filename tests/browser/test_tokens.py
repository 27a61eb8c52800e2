"""A token that is typed into the form is in no saved notebook, also where widget state is saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import expect

from swnb import sandbox
from swnb.sandbox.serve import Box

if TYPE_CHECKING:
    from conftest import Lab, Notebooks

KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold machine

pytestmark = pytest.mark.browser

SETUP = """
import os, tempfile
os.environ |= {"SWNB_CONFIG_DIR": tempfile.mkdtemp(), "SW_CLI_CONFIG": "/nowhere", "SW_LOCAL_STORAGE": "/nowhere"}
import swnb
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(jobs=4) as running:
        yield running


@pytest.fixture
def saving_widgets(lab: Lab) -> Iterator[None]:
    """The setting "Save Widget State Automatically", which writes every widget's state into the notebook."""
    setting = lab.settings / "@jupyter-widgets" / "jupyterlab-manager" / "plugin.jupyterlab-settings"
    setting.parent.mkdir(parents=True, exist_ok=True)
    setting.write_text(json.dumps({"saveState": True}))
    yield
    setting.unlink()


@pytest.mark.usefixtures("saving_widgets")
def test_a_typed_token_signs_in_and_is_in_no_saved_notebook(run_notebook: Notebooks, box: Box, shots: Path) -> None:
    token = box.token("starwhale")
    form = f"swnb.signin({box.uri('starwhale')!r})"
    page = run_notebook([SETUP, form, "swnb.servers()['name'].tolist()"], name="signin.ipynb")
    page.get_by_label("Token").wait_for(timeout=KERNEL_READY)
    page.get_by_label("Name").fill("lab")
    page.get_by_label("Token").press_sequentially(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in to lab.")).to_be_visible()
    expect(page.get_by_label("Token")).to_have_value("")
    page.screenshot(path=shots / "signin.png")
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    saved = (run_notebook.lab.root / "signin.ipynb").read_text("utf-8")
    assert '"PasswordModel"' in saved  # the state was saved, so the next line could fail
    assert token not in saved


def test_a_notebook_run_by_nbclient_holds_no_token(box: Box, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(box.token("starwhale"))
    cells = [
        SETUP,
        f"form = swnb.signin({box.uri('starwhale')!r})\nform",
        f"form._token.set_state({{'value': open({str(token_file)!r}).read()}})",
        "form._button.click()\nform._part.wait(30)",
        "form._answer.value",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    done = NotebookClient(book, timeout=60, kernel_name="python3", store_widget_state=True).execute()
    text = nbformat.writes(done)
    assert "Signed in to" in text
    assert "PasswordModel" in text
    assert box.token("starwhale") not in text
