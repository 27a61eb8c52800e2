"""``swnb.doctor()`` without a network: nothing here answers, or the answer is made up."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import swnb
from swnb.client import doctor as module
from swnb.client.doctor import Finding, Report
from swnb.errors import BadInput, TokenRejected
from swnb.fetch.events import Retrying, emit

TOKEN = "tok-1234567890abcdef"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "swnb"
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(folder))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return folder


def topic(report: Report, name: str) -> Finding:
    return next(finding for finding in report.findings if finding.topic == name)


def answering(monkeypatch: pytest.MonkeyPatch, plan: Any) -> None:
    """Let every server's list of projects be what the coroutine function ``plan`` gives."""
    source = SimpleNamespace(run=lambda made: made, backend=SimpleNamespace(projects=plan))
    monkeypatch.setattr(module, "source_of", lambda ref: source)


def test_a_fresh_installation_is_well() -> None:
    report = swnb.doctor()
    assert report.ok
    assert report.problems == ()
    assert str(report).endswith("All is well.")
    assert "not there yet" in topic(report, "settings").text
    assert "swnb.connect" in topic(report, "servers").text


def test_versions_are_told_and_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGES", ("pandas", "no-such-package"))
    import pandas as pd

    assert topic(swnb.doctor(), "packages").text == f"pandas {pd.__version__}, no-such-package (not installed)"


def test_it_says_how_waiting_is_done_where_it_is_called() -> None:
    async def inside() -> Report:
        return await swnb.doctor.aio()

    assert topic(swnb.doctor(), "waiting").text == "plain: no event loop runs in this thread"
    assert topic(asyncio.run(inside()), "waiting").text == "plain: no notebook's loop is to be kept turning"


def test_the_old_nest_asyncio_is_a_thing_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "_nest_patched", True, raising=False)
    monkeypatch.delattr(asyncio, "_nest_asyncio2", raising=False)
    finding = topic(swnb.doctor(), "nest_asyncio")
    assert not finding.ok
    assert "Remove nest_asyncio.apply()" in finding.mend


def test_a_proxy_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://me:{TOKEN}@proxy.example:3128")
    report = swnb.doctor()
    assert topic(report, "proxies").text == "https by proxy.example:3128"
    assert TOKEN not in str(report) + report._repr_html_()


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_a_folder_that_others_may_write_in_is_a_thing_to_mend(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    finding = topic(swnb.doctor(), "settings")
    assert not finding.ok
    assert "chmod 700" in finding.mend
    folder.chmod(0o700)
    assert topic(swnb.doctor(), "settings").text == f"{folder} (mode 700)"


def test_problems_of_the_vendors_files_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none.yaml").write_text("[not: yaml")
    report = swnb.doctor()
    assert not report.ok
    assert any("none.yaml" in finding.text for finding in report.problems)


def test_damaged_settings_of_ours_are_a_finding_and_no_error(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "servers.toml").write_text("[[[")
    report = swnb.doctor()
    assert not report.ok
    assert "TOML" in topic(report, "servers").text


def test_a_server_that_answers_tells_its_projects_and_where_the_sign_in_is_from(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    async def projects() -> Any:
        return SimpleNamespace(items=[1, 2], total=2)

    answering(monkeypatch, projects)
    swnb.connect("lab", "starwhale+http://127.0.0.1:1", token=TOKEN)
    swnb.connect("open", "starwhale+http://127.0.0.1:2")
    report = swnb.doctor()
    assert report.ok
    assert topic(report, "lab").text.startswith("starwhale answers: 2 projects, ")
    assert str(folder / "secrets.toml") in topic(report, "lab").text
    assert topic(report, "open").text.endswith("no sign-in known")
    assert TOKEN not in str(report) + repr(report) + report._repr_html_()


def test_a_refusal_says_how_to_mend_it_and_never_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async def projects() -> Any:
        raise TokenRejected(f"the server does not accept {TOKEN} <script>", todo="Sign in again")

    answering(monkeypatch, projects)
    swnb.connect("lab", "starwhale+http://127.0.0.1:1", token=TOKEN)
    report = swnb.doctor()
    assert topic(report, "lab") == Finding("lab", "the server does not accept **** <script>.", False, "Sign in again")
    assert "<script>" not in report._repr_html_()
    assert "!! lab" in str(report)
    assert str(report).endswith("1 thing to mend (!!).")


def test_silent_servers_are_waited_for_together_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def projects() -> Any:
        emit(Retrying("lab", "/", "the connection was refused", 0.1, 1))
        return await asyncio.get_running_loop().create_future()

    answering(monkeypatch, projects)
    for number in range(5):
        swnb.connect(f"lab{number}", f"starwhale+http://127.0.0.1:{number + 1}")
    began = time.monotonic()
    report = swnb.doctor(timeout=0.2)
    assert time.monotonic() - began < 5
    assert len(report.problems) == 5
    assert topic(report, "lab3").text == "no answer within 0.2 s (last: the connection was refused)."


def test_a_fault_of_ours_at_one_server_leaves_the_others_their_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    async def projects() -> Any:
        raise ZeroDivisionError(TOKEN)

    answering(monkeypatch, projects)
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    report = swnb.doctor()
    assert "ZeroDivisionError" in topic(report, "lab").text
    assert TOKEN not in str(report)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_is_a_number_of_seconds(timeout: float) -> None:
    with pytest.raises(BadInput, match="no number of seconds"):
        swnb.doctor(timeout=timeout)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_writable_is_a_thing_to_mend(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    assert "SWNB_CONFIG_DIR" in topic(swnb.doctor(), "settings").mend
