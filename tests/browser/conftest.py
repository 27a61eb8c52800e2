"""A real browser in a real JupyterLab: one server and one Chromium a session, one context a test.

The Lab gets no token, a free loopback port and empty config, settings and workspaces folders of its own, so
that a developer's settings never leak in and two runs never meet.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

CHROMIUM = os.environ.get("SWNB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAB_FLAGS = [
    "--allow-root",
    "--no-browser",
    "--ServerApp.ip=127.0.0.1",
    "--IdentityProvider.token=",
    "--ServerApp.disable_check_xsrf=True",
    "--ServerApp.terminals_enabled=False",
    "--LabApp.expose_app_in_browser=True",  # gives the page window.jupyterapp: run commands, no menus
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--FileContentsManager.delete_to_trash=False",
]
KERNEL_READY = 60_000  # milliseconds: the first kernel on a cold two-core machine
_NUMBERS = count(1)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Lab:
    """A running JupyterLab, the folder that it serves and where its user's settings are read from."""

    url: str
    root: Path
    settings: Path

    def use_theme(self, theme: str) -> None:
        plugin = self.settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        plugin.parent.mkdir(parents=True, exist_ok=True)
        plugin.write_text(json.dumps({"theme": THEMES[theme], "adaptive-theme": False}))


def _write_kernel(data: Path) -> None:
    """A kernel spec that names this interpreter, before any other that the machine may have."""
    spec = data / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended:\n{log.read_text()}")
        try:
            urllib.request.urlopen(f"{url}/api", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)  # there is no event to wait on in another process
    pytest.fail(f"JupyterLab did not come up in a minute:\n{log.read_text()}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    (home / "root").mkdir()
    (home / "config" / "labconfig").mkdir(parents=True)
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(news))
    _write_kernel(home / "data")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "run"}
    folders |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
    env = os.environ | {name: str(home / folder) for name, folder in folders.items()}
    env |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_PREFER_ENV_PATH": "0"}
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", *LAB_FLAGS, f"--ServerApp.port={port}"]
    log = home / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={home / 'root'}"], env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_up(server, f"http://127.0.0.1:{port}", log)
        yield Lab(f"http://127.0.0.1:{port}", home / "root", home / "settings")
    finally:
        server.terminate()  # it ends its own kernels
        server.wait(15)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: Playwright keeps a loop running in this thread, and other tests run loops of their own."""
    if not CHROMIUM:
        reason = "NO BROWSER TEST WAS RUN: there is no chromium here; install it or set SWNB_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Notebooks:
    """Opens notebooks made of cells; `received` counts the bytes that kernels sent to the page."""

    lab: Lab
    browser: Browser
    received: int = 0
    pages: list[Page] = field(default_factory=list)

    def __call__(self, cells: list[str], name: str = "", theme: str = "light", *, run: bool = True) -> Page:
        """Write the notebook, open it, and run all of its cells unless told not to."""
        name = name or f"t{next(_NUMBERS)}.ipynb"  # Lab gives a name that it knows the kernel it had
        book = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},  # or Lab asks for one
        )
        nbformat.write(book, self.lab.root / name)
        return self.open(name, theme, run=run)

    def open(self, name: str, theme: str = "light", *, run: bool = True) -> Page:
        """Open a notebook of the served folder in a page of its own."""
        self.lab.use_theme(theme)
        context = self.browser.new_context(viewport={"width": 1400, "height": 900})
        context.set_default_timeout(15_000)
        page = context.new_page()
        self.pages.append(page)
        page.on("websocket", self._count)
        page.goto(f"{self.lab.url}/doc/tree/{name}?reset")  # /doc: this one document, no side panels
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.context?.isReady", timeout=KERNEL_READY)
        page.evaluate(
            """async () => { const book = window.jupyterapp.shell.currentWidget;
            await book.context.ready; await book.sessionContext.ready; }"""
        )
        if run:
            page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        return page

    def close(self) -> None:
        """End the kernels and the pages of this test."""
        for page in self.pages:
            page.evaluate("window.jupyterapp.shell.currentWidget?.sessionContext.shutdown()")
            page.context.close()

    def _count(self, socket: WebSocket) -> None:
        if "/channels" in socket.url:
            socket.on("framereceived", self._add)

    def _add(self, payload: str | bytes) -> None:
        self.received += len(payload if isinstance(payload, bytes) else payload.encode())


@pytest.fixture
def run_notebook(browser: Browser, lab: Lab) -> Iterator[Notebooks]:
    """Call it with cells (and `theme="dark"`) to get the page of a notebook that runs them."""
    notebooks = Notebooks(lab, browser)
    yield notebooks
    notebooks.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots go, to be looked at: SWNB_SHOTS or `shots/` of the checkout."""
    folder = Path(os.environ.get("SWNB_SHOTS") or Path(__file__).parents[2] / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
