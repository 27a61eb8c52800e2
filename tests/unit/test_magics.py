"""The words of ``%swnb`` and what the magics make of them, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import swnb
from swnb import settings
from swnb.client import spoken
from swnb.client.spoken import Language, Option, Place, Said, Verb, split
from swnb.errors import ActionsOff, BadInput, NotFound, SwnbError
from swnb.magics import LANGUAGE, complete, load
from swnb.secret import Secret

TOKEN = "tok-1234567890abcdef"


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "swnb"))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(scope="session")
def one_shell() -> Iterator[Any]:
    shell: Any = InteractiveShell.instance()
    load(shell)
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(one_shell: Any) -> Any:
    one_shell.user_ns.clear()
    return one_shell


def said(line: str) -> Said:
    found = LANGUAGE.understand(split(line))
    assert isinstance(found, Said)
    return found


# Words


@pytest.mark.parametrize("verb", ["plot", "compare"])
def test_a_figure_is_asked_for_with_metrics_and_to_be_moved(verb: str) -> None:
    found = said(f"{verb} lab --keys loss,acc --table train --interactive")
    assert found.options == {"keys": ["loss", "acc"], "table": "train", "interactive": True}
    assert said(f"{verb} lab").options == {}


def test_flags_become_the_options_of_the_call() -> None:
    found = said("jobs lab --status running,failed --limit 10 --name 'a b' --config")
    assert found == Said(
        "jobs", [["lab"]], {"status": ["running", "failed"], "limit": 10, "name": "a b", "config": True}
    )


def test_places_may_stand_between_flags() -> None:
    found = said("rows lab/job/1 --start 0 --end 10 train --columns a,b --keep-none")
    assert found.places == ["lab/job/1", "train"]
    assert found.options == {"start": 0, "end": 10, "columns": ["a", "b"], "keep_none": True}


def test_options_that_are_not_given_are_left_to_the_call() -> None:
    assert said("rows lab/job/1 train").options == {}


@pytest.mark.parametrize(
    ("text", "key"), [("10", 10), ("-3", -3), ("1.5", 1.5), ("abc", "abc"), ("'\"10\"'", "10"), ("true", "true")]
)
def test_a_key_is_a_number_where_it_looks_like_one(text: str, key: object) -> None:
    value = said(f"rows j t --start {text}").options["start"]
    assert (value, type(value)) == (key, type(key))


def test_lists_may_be_given_at_once_or_one_by_one_and_quotes_keep_a_comma() -> None:
    assert said("""rows j t --columns a,b --columns '"c,d",e'""").options["columns"] == ["a", "b", "c,d", "e"]


def test_a_comment_begins_with_a_word_that_begins_with_a_hash() -> None:
    assert split("jobs lab  # don't look") == ["jobs", "lab"]
    assert split("# all") == []
    assert split("jobs http://h/#/jobs/1") == ["jobs", "http://h/#/jobs/1"]


def test_an_open_quote_is_told() -> None:
    with pytest.raises(BadInput, match="quote"):
        split("jobs 'lab")


@pytest.mark.parametrize(("word", "meant"), [("jbos", "jobs"), ("TABLES", "tables"), ("sumary", "summary")])
def test_a_mistyped_verb_is_answered_with_the_nearest(word: str, meant: str) -> None:
    with pytest.raises(BadInput, match=f"Did you mean {meant}?"):
        LANGUAGE.understand([word])


def test_a_mistyped_flag_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"no --limt\. Did you mean --limit\?"):
        LANGUAGE.understand(["jobs", "lab", "--limt", "3"])


@pytest.mark.parametrize("line", ["jobs", "jobs lab --limit", "jobs lab --limit x", "jobs lab --limit -1", "nothing"])
def test_what_cannot_be_meant_is_bad_input_and_never_ends_the_kernel(line: str) -> None:
    with pytest.raises(BadInput):
        LANGUAGE.understand(split(line))


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_words_are_a_command_or_help_or_bad_input(words: list[str]) -> None:
    try:
        found = LANGUAGE.understand(words)
    except BadInput:
        return
    assert isinstance(found, (str, Said))


@pytest.mark.parametrize(
    "line",
    [
        f"connect lab starwhale+http://h --token {TOKEN}",
        f"connect lab starwhale+http://h --token={TOKEN}",
        f"connect lab starwhale+http://h --api-key={TOKEN}",
        f"jobs lab --password {TOKEN}",
        f"connect lab starwhale+http://h {TOKEN}",
        f"connect lab starwhale+http://h --tokn={TOKEN}",
        f"connect lab starwhale+http://h --tokn {TOKEN}",
        f"connect --tokn {TOKEN} lab starwhale+http://h",
    ],
)
def test_a_token_on_the_line_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(BadInput) as caught:
        LANGUAGE.understand(split(line))
    assert TOKEN not in str(caught.value)


def test_the_refusal_of_a_token_says_why_and_what_else() -> None:
    with pytest.raises(BadInput, match=r"history.*%swnb signin"):
        LANGUAGE.understand(["connect", "lab", "starwhale+http://h", "--token", "x"])


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(words: list[str]) -> None:
    text = LANGUAGE.understand(words)
    assert isinstance(text, str)
    assert all(f"\n  {name} " in text for name in LANGUAGE.verbs)


def test_the_help_of_a_verb_names_its_flags() -> None:
    text = LANGUAGE.understand(["rows", "--help"])
    assert isinstance(text, str)
    assert all(word in text for word in ("%swnb rows", "--keep-none", "--end-inclusive", "-o", "TABLE"))


def test_a_language_of_its_own_verbs_speaks_for_itself() -> None:
    language = Language(
        "x", [Verb("go", "Go.", (Place("WHERE"),), (Option("n", "n", "count"),))], about="a", asking="b"
    )
    assert language.understand(["go", "home", "--n", "2"]) == Said("go", ["home"], {"n": 2})


@pytest.mark.parametrize("verb", spoken.READS, ids=lambda verb: verb.name)
def test_each_option_of_a_read_verb_is_a_parameter_of_its_call(verb: Verb) -> None:
    import inspect

    if verb.name == "job":
        return
    parameters = inspect.signature(getattr(swnb, verb.name)).parameters
    assert {option.name for option in verb.options} <= set(parameters)
    assert len(verb.places) <= len(parameters)


def test_a_secret_that_is_asked_for_is_hidden_at_once() -> None:
    assert spoken.ask_secret("lab", None, lambda _: TOKEN) == {"token": Secret(TOKEN)}
    assert spoken.ask_secret("lab", "me", lambda _: TOKEN) == {"user": "me", "password": Secret(TOKEN)}
    assert spoken.ask_secret("lab", None, lambda _: "") == {}


# Magics


def test_a_line_gives_the_value_of_the_call(shell: Any) -> None:
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    frame = shell.run_line_magic("swnb", "servers")
    assert list(frame["name"]) == ["lab"]


def test_minus_o_keeps_the_value_under_a_name(shell: Any) -> None:
    frame = shell.run_line_magic("swnb", "servers -o known")
    assert shell.user_ns["known"] is frame


@pytest.mark.parametrize("name", ["1x", "a.b", "class"])
def test_minus_o_wants_the_name_of_a_variable(shell: Any, name: str) -> None:
    with pytest.raises(BadInput, match="no name for a variable"):
        shell.run_line_magic("swnb", f"servers -o {name}")


def test_variables_of_the_user_stand_in_lines_and_cells(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: "")
    shell.user_ns |= {"name": "lab", "line": "other", "host": "127.0.0.1"}
    shell.run_line_magic("swnb", "connect {name} starwhale+http://$host:1")
    shell.run_cell_magic("swnb", "", "connect {line} starwhale+http://{host}:2")
    assert list(swnb.servers()["name"]) == ["other", "lab"]


def test_a_cell_runs_each_line_and_its_value_is_the_last(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    frame = shell.run_cell_magic("swnb", "", "# two lines\nservers -o a\n\nservers -o b  # the second\n")
    assert frame is shell.user_ns["b"]
    assert "a" in shell.user_ns
    assert "platform" in capsys.readouterr().out  # the first was shown


def test_our_errors_are_shown_as_their_sentence(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = shell.run_cell("%swnb forget nobody")
    assert isinstance(result.error_in_exec, NotFound)
    shown = capsys.readouterr().out
    assert "NotFound: no server is saved as 'nobody'." in shown
    assert "Traceback" not in shown


def test_help_is_printed_and_is_no_value(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run_line_magic("swnb", "jobs --help") is None
    assert "usage: %swnb jobs" in capsys.readouterr().out


def test_connect_asks_for_the_token_and_keeps_it_out_of_everything(
    shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: TOKEN if "lab" in prompt else "")
    handle = shell.run_line_magic("swnb", "connect lab starwhale+http://127.0.0.1:1 -o it")
    found = settings.credential(settings.find("lab"))
    assert found is not None
    assert found.token == Secret(TOKEN)
    assert TOKEN not in repr(handle) + repr(shell.user_ns["it"]) + "".join(capsys.readouterr())


def test_a_folder_is_connected_without_a_question(shell: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: pytest.fail("asked"))
    shell.run_line_magic("swnb", f"connect mine starwhale+{tmp_path.as_uri()}")
    assert "mine" in list(swnb.servers()["name"])


def test_where_nothing_can_be_asked_the_form_is_opened(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise NotImplementedError

    monkeypatch.setattr("getpass.getpass", refuse)
    monkeypatch.setattr("swnb.magics._panel", lambda name: lambda *places: (name, *places))
    assert shell.run_line_magic("swnb", "connect lab starwhale+http://127.0.0.1:1") == ("signin", "lab")
    assert "lab" in list(swnb.servers()["name"])


def test_panels_take_an_address_or_a_frame_of_the_user(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swnb.magics._panel", lambda name: lambda *places: (name, *places))
    shell.user_ns["frame"] = frame = swnb.servers()
    assert shell.run_line_magic("swnb", "browse") == ("browse",)
    assert shell.run_line_magic("swnb", "browse lab") == ("browse", "lab")
    assert shell.run_line_magic("swnb", "table lab/job/1/table/t") == ("table", "lab/job/1/table/t")
    assert shell.run_line_magic("swnb", "table frame")[1] is frame


def test_live_panels_take_many_addresses_and_a_rule(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swnb.magics._panel", lambda name: lambda *places, **options: (name, places, options))
    said = shell.run_line_magic("swnb", "watch lab ray --notify \"loss > 10 or status == 'failed'\"")
    assert said == ("watch", (["lab", "ray"],), {"notify": "loss > 10 or status == 'failed'"})
    assert shell.run_line_magic("swnb", "compare lab/project/1") == ("compare", (["lab/project/1"], None), {})
    said = shell.run_line_magic("swnb", "compare lab --keys loss,acc --interactive")
    assert said == ("compare", (["lab"], ["loss", "acc"]), {"interactive": True})


@pytest.mark.parametrize("verb", ["stop", "pause", "resume", "delete"])
def test_what_changes_something_wants_a_yes(shell: Any, verb: str) -> None:
    with pytest.raises(ActionsOff, match=f"%swnb {verb} lab/job/1 --yes"):
        shell.run_line_magic("swnb", f"{verb} lab/job/1")


def test_provenance_is_asked_by_the_name_of_a_frame(shell: Any) -> None:
    with pytest.raises(NotFound, match="no variable"):
        shell.run_line_magic("swnb", "provenance nothing")
    shell.user_ns["frame"] = swnb.servers()
    with pytest.raises(BadInput, match="no provenance"):
        shell.run_line_magic("swnb", "provenance frame")


# Tab


def offers(line: str, completer: complete.Completer | None = None) -> list[str]:
    token = line.replace("\n", " ").rpartition(" ")[2]
    return (completer or complete.Completer(LANGUAGE))(line, line.rpartition("\n")[2], token)


def test_tab_offers_verbs_then_flags_then_words_of_a_flag() -> None:
    assert offers("%swnb jo") == ["jobs", "job"]
    assert {"--status", "--limit", "--output"} <= set(offers("%swnb jobs lab --"))
    assert offers("%swnb jobs lab --status fa") == ["failed"]


def test_tab_knows_lines_of_ours_from_others() -> None:
    assert offers("found = %swnb jo") == ["jobs", "job"]
    assert offers("%%swnb\njo") == ["jobs", "job"]
    assert offers("print('jo") == []
    assert offers("10 %swn") == []


def test_tab_offers_saved_servers() -> None:
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    assert offers("%swnb jobs la") == ["lab", "lab/project/"]
    assert offers("%swnb servers ") == []


def test_tab_offers_the_projects_that_a_server_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def projects(server: str) -> list[str]:
        asked.append(server)
        return [f"{server}/project/1", f"{server}/project/22"]

    monkeypatch.setattr(complete, "_project_uris", projects)
    monkeypatch.setattr(complete, "_PATIENCE", 30.0)
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    completer = complete.Completer(LANGUAGE)
    assert offers("%swnb jobs lab/project/", completer) == ["lab/project/1", "lab/project/22"]
    assert offers("%swnb jobs lab/project/2", completer) == ["lab/project/22"]
    assert asked == ["lab"]


def test_tab_leaves_the_word_as_it_is_where_a_server_fails_or_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def fails(server: str) -> list[str]:
        raise SwnbError("no")

    async def hangs(server: str) -> list[str]:
        return await asyncio.get_running_loop().create_future()

    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    monkeypatch.setattr(complete, "_project_uris", fails)
    assert offers("%swnb jobs lab/project/") == ["lab/project/"]
    monkeypatch.setattr(complete, "_project_uris", hangs)
    completer = complete.Completer(LANGUAGE)
    assert offers("%swnb jobs lab/project/", completer) == ["lab/project/"]
    completer._asked["lab"][1].cancel()


def test_ipython_completes_through_the_hook(shell: Any) -> None:
    with provisionalcompleter():
        found = [each.text for each in shell.Completer.completions("%swnb prov", 10)]
    assert found == ["provenance"]


def test_loading_twice_completes_once(shell: Any) -> None:
    before = len(shell.Completer.custom_matchers)
    load(shell)
    assert len(shell.Completer.custom_matchers) == before
