"""The magics in a real kernel, against the sandbox in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernels import PATIENCE, Kernel, run_all

from swnb import sandbox


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(seed=1, jobs=12, rows=100) as box:
        yield box


@pytest.fixture(scope="module")
def token(box: sandbox.Box) -> str:
    return box.token("starwhale")


@pytest.fixture(scope="module")
def kernel(box: sandbox.Box, token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder: Path = tmp_path_factory.mktemp("magics")
    env = {
        "SWNB_CONFIG_DIR": str(folder / "swnb"),
        "SW_CLI_CONFIG": str(folder / "none.yaml"),
        "SW_LOCAL_STORAGE": str(folder / "store"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    with Kernel.start(folder, env=env) as kernel:
        result = kernel.run(f"%load_ext swnb\nimport swnb\nswnb.connect('box', {box.uri('starwhale')!r})")
        assert result.error == ""
        asked = answer(kernel, f"%swnb connect box {box.uri('starwhale')}", token)
        assert "Token for box" in asked
        yield kernel


def answer(kernel: Kernel, code: str, text: str) -> str:
    """Run a cell that asks for something, and answer it; the prompt."""
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": True, "stop_on_error": False}
    number = kernel.message("execute_request", content)
    asked = kernel._client.get_stdin_msg(timeout=PATIENCE)["content"]
    assert asked["password"]
    kernel._client.input(text)
    assert kernel.wait(number).error == ""
    return str(asked["prompt"])


def test_a_frame_is_the_value_of_the_cell(kernel: Kernel) -> None:
    result = kernel.run("%swnb jobs box --limit 3 -o found")
    assert result.error == ""
    assert "box/project/" in result.text
    assert "<table" in result.data["text/html"]
    assert kernel.run("len(found), found.index.name").text == "(3, 'job')"


def test_a_kept_frame_tells_where_it_came_from(kernel: Kernel) -> None:
    result = kernel.run("%swnb projects box -o p\n%swnb provenance p")
    assert "3 of 3 rows from box" in result.data["text/html"]


def test_a_loop_of_the_user_may_say_magics_with_its_variables(kernel: Kernel) -> None:
    loop = "for number in (1, 2):\n    job = f'box/project/1/job/{first}'\n    %swnb tables $job -o told"
    assert kernel.run(f"first = 1\n{loop}\ntold").text == kernel.run("swnb.tables('box/project/1/job/1')").text


def test_each_line_of_a_cell_is_a_verb(kernel: Kernel) -> None:
    result = kernel.run("%%swnb\n# first\nservers\njobs box --limit 1\ntables box/project/1/job/1")
    assert result.error == ""
    assert len(result.displays) == 2
    assert "train" in result.text


def test_an_error_of_ours_is_its_sentence_and_stops_what_runs_after_it(kernel: Kernel) -> None:
    result = kernel.run("%swnb jobs box/project/nope\nafter = 1")
    assert result.error.startswith("NotFound: box: there is no project 'nope'")
    assert result.traceback == result.error
    assert kernel.run("'after' in globals()").text == "False"


def test_a_line_that_cannot_be_meant_leaves_the_kernel_alive(kernel: Kernel) -> None:
    assert kernel.run("%swnb jobs --limit").error.startswith("BadInput")
    assert kernel.run("%swnb jbos box").error.endswith("Did you mean jobs?")
    assert kernel.run("1 + 1").text == "2"


def test_logs_are_printed_as_text(kernel: Kernel) -> None:
    result = kernel.run("%swnb logs box/project/1/job/1 --tail 2 -o log")
    assert len(result.stdout.splitlines()) == 2
    assert kernel.run("log == swnb.logs('box/project/1/job/1', tail=2)").text == "True"


def test_doctor_says_that_waiting_is_nested(kernel: Kernel) -> None:
    result = kernel.run("%swnb doctor")
    assert "nested: the notebook's loop turns" in result.text
    assert "<table" in result.data["text/html"]
    assert "3 projects" in result.text


def test_all_cells_of_run_all_are_run_in_order(kernel: Kernel) -> None:
    results = run_all(
        kernel, ["%swnb projects box -o a", "%swnb jobs box -o b", "%swnb tables box/project/1/job/1", "7"]
    )
    assert [result.error for result in results] == [""] * 4
    assert results[3].text == "7"


def test_the_token_is_nowhere_in_the_session(kernel: Kernel, token: str) -> None:
    result = kernel.run("print(In, Out, dict(globals()))\n%swnb servers")
    assert token not in result.stdout + str(result.data)


@pytest.mark.parametrize(
    "line",
    ["browse box", "browse", "signin box", "signin", "table found", "table box/project/1/job/1/table/train"],
)
def test_a_panel_is_the_value_of_its_line(kernel: Kernel, line: str) -> None:
    assert kernel.run("%swnb jobs box -o found").error == ""
    result = kernel.run(f"%swnb {line}")
    assert result.error == ""
    shown = [result.data, *result.displays]
    assert any("application/vnd.jupyter.widget-view+json" in bundle for bundle in shown)


def test_plot_gives_the_figure(kernel: Kernel) -> None:
    result = kernel.run("%swnb plot box/project/1/job/1 --table train --keys loss -o figure")
    assert result.error == ""
    assert "image/png" in result.data
    assert kernel.run("len(figure.axes)").text == "1"


@pytest.mark.parametrize("verb", ["plot", "compare"])
def test_an_interactive_figure_is_on_a_canvas(kernel: Kernel, verb: str) -> None:
    result = kernel.run(f"%swnb {verb} box/project/1/job/1 --table train --keys loss --interactive -o found")
    assert result.error == ""
    assert any("application/vnd.jupyter.widget-view+json" in bundle for bundle in result.displays)
    figure = "found.figure" if verb == "compare" else "found"
    assert kernel.run(f"[axes.get_title() for axes in {figure}.axes], type({figure}.canvas).__name__").text == (
        "(['loss'], 'Live')"
    )
    assert kernel.run("print('matplotlib.pyplot' in __import__('sys').modules)").stdout.strip() == "False"
    assert kernel.run("(found if hasattr(found, 'frame') else found.panel).close()").error == ""


def test_what_changes_something_needs_yes(kernel: Kernel) -> None:
    job = kernel.run("print(swnb.jobs('box', status='running').index[0])").stdout.strip()
    assert kernel.run(f"%swnb stop {job}").error.startswith("ActionsOff")
    assert kernel.run(f"%swnb stop {job} --yes").error == ""
    assert kernel.run(f"swnb.open({job!r}).status().value in ('stopping', 'cancelled')").text == "True"


def test_tab_offers_servers_and_after_a_moment_their_projects(kernel: Kernel) -> None:
    def offered(code: str) -> list[str]:
        number = kernel._client.complete(code)
        reply = kernel._client.get_shell_msg(timeout=PATIENCE)
        while reply["parent_header"]["msg_id"] != number:
            reply = kernel._client.get_shell_msg(timeout=PATIENCE)
        return list(reply["content"]["matches"])

    assert "box/project/" in offered("%swnb jobs b")
    end = time.monotonic() + PATIENCE
    while len(found := offered("%swnb jobs box/project/")) == 1:
        assert time.monotonic() < end
    assert found == ["box/project/1", "box/project/2", "box/project/3"]
