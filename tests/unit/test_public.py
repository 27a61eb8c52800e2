"""The public names: light to import, complete, documented, with their signatures."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import swnb

HEAVY = ("pandas", "numpy", "matplotlib", "ipywidgets", "anywidget", "IPython", "httpx", "aiohttp", "msgspec")
DOORS = (*("events", "jobs", "logs", "metrics", "projects", "rows", "scan", "summary", "tables", "tasks", "wait"),)
FUNCTIONS = [name for name in swnb.__all__ if callable(getattr(swnb, name))]


def fresh(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_import_is_light() -> None:
    code = f"import sys, swnb; dir(swnb); swnb.__version__; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert fresh(code).strip() == "[]"


def test_saving_and_opening_a_server_loads_no_transport() -> None:
    code = (
        "import sys, swnb; swnb.open('starwhale+http://127.0.0.1:1/project/1');"
        "print([m for m in ('httpx', 'aiohttp', 'matplotlib', 'ipywidgets') if m in sys.modules])"
    )
    assert fresh(code).strip() == "[]"


@pytest.mark.parametrize("name", swnb.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(swnb, name) is not None
    assert name in dir(swnb)


def test_dir_tells_each_public_name_once() -> None:
    assert sorted(dir(swnb)) == sorted(set(swnb.__all__))


def test_star_import_gives_the_public_names() -> None:
    assert fresh("from swnb import *; print(jobs.__name__, Job.__name__)").split() == ["jobs", "Job"]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        swnb.nope  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_call_is_documented(name: str) -> None:
    assert len(inspect.getdoc(getattr(swnb, name)) or "") > 20


@pytest.mark.parametrize("name", DOORS)
def test_both_doors_show_the_signature_of_the_verb(name: str) -> None:
    call = getattr(swnb, name)
    parameters = inspect.signature(call).parameters
    assert parameters == inspect.signature(call.aio).parameters
    assert next(iter(parameters)) in {"where", "server", "jobs", "job"}
    method = {"projects": swnb.Server}.get(name, swnb.Job if name != "jobs" else swnb.Project)
    assert list(inspect.signature(getattr(method, name)).parameters) == list(parameters)


def test_the_signatures_are_those_of_the_design() -> None:
    def names(call: object) -> list[str]:
        return list(inspect.signature(call).parameters)  # type: ignore[arg-type]

    assert names(swnb.jobs) == ["where", "status", "name", "owner", "since", "limit", "config", "env"]
    assert names(swnb.rows) == ["jobs", "table", "start", "end", "end_inclusive", "columns", "keep_none", "limit"]
    assert names(swnb.scan) == ["job", "table", "start", "end", "end_inclusive", "columns", "keep_none", "limit"]
    assert names(swnb.metrics) == ["jobs", "keys", "table", "wide", "steps"]
    assert names(swnb.summary) == ["jobs", "keys", "steps"]
    assert names(swnb.connect) == ["name", "server_uri", "token", "user", "password"]
    assert names(swnb.logs) == ["job", "tail"]
    for call in (swnb.jobs, swnb.rows, swnb.metrics, swnb.summary, swnb.logs):
        kinds = [each.kind for each in inspect.signature(call).parameters.values()]
        assert inspect.Parameter.KEYWORD_ONLY in kinds
