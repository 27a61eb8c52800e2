"""The command line without a network: its words, its forms of output, its exit codes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import swnb
from swnb import cli, settings
from swnb.cli import commands, records, tour, write
from swnb.client.spoken import Said
from swnb.errors import NotFound, StoreError, Unsupported
from swnb.model import Record
from swnb.secret import Secret

TOKEN = "tok-1234567890abcdef"
WHEN = datetime(2026, 11, 22, 19, 1, 9, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "swnb"))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard output be a terminal of 60 columns."""
    monkeypatch.setattr(write, "_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")


# The way through


def test_no_words_are_a_call_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert "swnb VERB --help" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"swnb {swnb.__version__}\n"


@pytest.mark.parametrize("words", [["jbos"], ["jobs"], ["jobs", "lab", "--limit", "x"], ["servers", "too", "many"]])
def test_a_line_that_cannot_be_meant_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_an_error_of_ours_ends_with_1_and_its_sentence_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["forget", "nobody"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "no server is saved as 'nobody'. swnb.servers() lists them.\n")


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    assert cli.main(["servers"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("flag", ["--token", "--password", "--api-key"])
def test_a_token_on_the_line_is_refused_and_not_repeated(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connect", "lab", "starwhale+http://h", flag, TOKEN]) == 2
    assert cli.main(["connect", "lab", "starwhale+http://h", TOKEN]) == 2
    said = capsys.readouterr()
    assert "--token-stdin" in said.err
    assert TOKEN not in said.err + said.out


def test_help_loads_neither_pandas_nor_httpx() -> None:
    code = (
        "import sys\nfrom swnb.cli import main\n"
        "assert main(['--help']) == 0 and main(['jobs', '--help']) == 0\n"
        "bad = {'pandas', 'httpx', 'aiohttp', 'IPython', 'matplotlib', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_python_m_swnb_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swnb", "jbos"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (2, "'jbos' is no verb of swnb. Did you mean jobs?\n")


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    code = "from swnb.cli import write\nimport swnb.cli.commands as c, sys\n"
    code += "c.run = lambda *_: write.out(({'a': n} for n in range(10**9)), 'json', None)\n"
    code += "import swnb.cli\nsys.exit(swnb.cli.main(['servers']))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == '{"a": 0}\n'
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_the_sandbox_gets_its_own_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import swnb.sandbox.__main__ as sandbox

    heard: list[Any] = []
    monkeypatch.setattr(sandbox, "main", lambda words: heard.append(words) or 0)
    assert cli.main(["sandbox", "--port", "8000", "--jobs", "3"]) == 0
    assert heard == [["--port", "8000", "--jobs", "3"]]
    monkeypatch.undo()
    assert cli.main(["sandbox", "--nonsense"]) == 2
    assert cli.main(["sandbox", "--help"]) == 0
    assert "usage" in capsys.readouterr().out


def test_a_missing_package_of_the_sandbox_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'starlette'", name="starlette")

    monkeypatch.setattr(cli, "import_module", missing)
    assert cli.main(["sandbox"]) == 1
    assert 'needs the package starlette. pip install "swnb[sandbox]"' in capsys.readouterr().err


# Signing in


def test_connect_reads_the_token_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    assert cli.main(["connect", "lab", "starwhale+http://127.0.0.1:1", "--token-stdin"]) == 0
    known = settings.credential(settings.find("lab"))
    assert known is not None
    assert known.token == Secret(TOKEN)
    assert TOKEN not in "".join(capsys.readouterr())


def test_connect_asks_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or TOKEN)
    assert cli.main(["connect", "lab", "starwhale+http://127.0.0.1:1", "--user", "me"]) == 0
    assert len(asked) == 1
    assert asked[0].startswith("Password of me for lab")
    known = settings.credential(settings.find("lab"))
    assert known is not None
    assert (known.user, known.password) == ("me", Secret(TOKEN))


def test_connect_saves_without_a_question_where_nobody_is_to_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["connect", "lab", "starwhale+http://127.0.0.1:1"]) == 0
    assert cli.main(["servers", "--json"]) == 0
    assert '"name": "lab"' in capsys.readouterr().out


def test_sign_in_needs_a_terminal_or_standard_input(capsys: pytest.CaptureFixture[str]) -> None:
    swnb.connect("lab", "starwhale+http://127.0.0.1:1")
    assert cli.main(["signin", "lab"]) == 1
    assert "--token-stdin" in capsys.readouterr().err


def test_doctor_ends_with_1_where_something_is_to_be_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor"]) == 0
    assert "All is well" in capsys.readouterr().out
    (tmp_path / "none.yaml").write_text("[not: yaml")
    assert cli.main(["doctor", "--timeout", "1"]) == 1
    assert "to mend" in capsys.readouterr().out


# JSON and CSV


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, None),
        (2**70, 2**70),
        ("1", "1"),
        (True, True),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (WHEN, "2026-11-22T19:01:09Z"),
        (WHEN.astimezone(timezone(timedelta(hours=8))), "2026-11-22T19:01:09Z"),
        (timedelta(minutes=2), 120.0),
        (b"\x00\xff", "AP8="),
        ([1, (float("nan"),)], [1, ["NaN"]]),
        ({1: b"a"}, {"1": "YQ=="}),
        (Record("m.Box", {"x": 1, "y": {"z": float("inf")}}), {"@class": "m.Box", "x": 1, "y": {"z": "Infinity"}}),
    ],
)
def test_values_keep_their_truth_in_json(value: object, seen: object) -> None:
    assert write.plain(value) == seen
    assert type(write.plain(value)) is type(seen)


def test_json_is_one_object_a_line_and_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"a": "\x1b[31m\x9b\n", "b": "鲸"}, {"a": None}]
    write.out(rows, "json", None)
    text = capsys.readouterr().out
    assert [json.loads(line) for line in text.splitlines()] == rows
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "鲸" in text


# The reader of Python 3.10 takes no NUL.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
cells = st.none() | st.integers() | texts | st.floats(allow_nan=False)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), cells)))
def test_csv_loses_no_cell_whenever_its_column_first_appears(rows: list[dict[str, Any]]) -> None:
    held = io.StringIO()
    before, sys.stdout = sys.stdout, held
    try:
        write.out(iter(rows), "csv", None)
    finally:
        sys.stdout = before
    names = list(dict.fromkeys(name for row in rows for name in row))
    header, *lines = csv.reader(io.StringIO(held.getvalue(), newline="")) if names else [[]]
    assert header == names
    if header:
        assert lines == [[write._field(row.get(name)) or "" for name in header] for row in rows]


def test_an_empty_text_and_a_missing_cell_differ_in_csv(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([{"a": "", "b": None}, {"a": None, "b": 'say "x"\r'}], "csv", ["a", "b"])
    assert capsys.readouterr().out == 'a,b\n"",\n,"say ""x""\r"\n'


def test_csv_of_known_columns_is_written_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"id": 1, "x": "a,b"}
        assert capsys.readouterr().out.startswith("id,x\n")
        yield {"id": 2}

    write.out(rows(), "csv", ["id", "x"])
    assert capsys.readouterr().out.splitlines()[-1] == "2,"


@pytest.mark.usefixtures("terminal")
def test_csv_in_a_terminal_sends_it_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([{"a": "\x1b[31mred\x9b"}], "csv", ["a"])
    assert capsys.readouterr().out == "a\nred\n"


# Text


def test_text_aligns_numbers_right_and_wide_characters_by_their_places(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([{"n": 5, "t": "鲸鱼", "u": "x"}, {"n": 100, "t": "abcd", "u": None}], "wide", None)
    assert capsys.readouterr().out == "  n  t     u\n  5  鲸鱼  x\n100  abcd\n"


@pytest.mark.usefixtures("terminal")
def test_text_fits_the_terminal_and_says_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([{name: name * 20 for name in "abcde"}], "text", list("abcde"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[0].split() == ["a", "b"]
    assert lines[-1] == "(1 row, 3 more columns: --wide shows all)"


@pytest.mark.usefixtures("terminal")
def test_wide_shows_all_in_a_terminal_too(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([{name: name * 90 for name in "abc"}], "wide", list("abc"))
    assert capsys.readouterr().out.splitlines()[1] == "  ".join(name * 90 for name in "abc")


@pytest.mark.parametrize("form", ["text", "wide"])
def test_a_cell_of_text_is_one_line_and_never_a_command_to_the_terminal(
    form: write.Form, capsys: pytest.CaptureFixture[str]
) -> None:
    write.out([{"a": "x\n\x1b]0;title\x07y\x9bz"}], form, ["a"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["a", "x y z"]


def test_text_of_a_long_stream_keeps_its_columns_and_names_new_ones(capsys: pytest.CaptureFixture[str]) -> None:
    write.out(({"a": n} if n < 1000 else {"a": n, "b": n} for n in range(1001)), "text", None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["a"]
    assert lines[-2].split() == ["a", "b"]
    assert lines[-1].split() == ["1000", "1000"]


def test_nothing_found_is_a_header_alone(capsys: pytest.CaptureFixture[str]) -> None:
    write.out([], "text", ["job", "name"])
    assert capsys.readouterr().out == "job  name\n"


def test_a_frame_becomes_plain_records() -> None:
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime([WHEN, None], utc=True),
            "e": pd.to_timedelta([120, None], unit="s"),
            "i": pd.array([1, None], dtype="Int64"),
            "f": [1.5, float("nan")],
            "s": pd.Categorical(["running", None]),
            "o": pd.Series([float("nan"), [1]], dtype=object, index=["u1", "u2"]),
        },
        index=pd.Index(["u1", "u2"], name="job"),
    )
    names = records.columns(frame)
    assert names == ["job", "t", "e", "i", "f", "s", "o"]
    first, second = records.of_frame(frame, names)
    assert {**first, "o": None} == {
        "job": "u1",
        "t": WHEN,
        "e": timedelta(minutes=2),
        "i": 1,
        "f": 1.5,
        "s": "running",
        "o": None,
    }
    assert write.plain(first["o"]) == "NaN"
    assert second == {"job": "u2", "t": None, "e": None, "i": None, "f": None, "s": None, "o": [1]}


# The tour


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = tmp_path / "shipped"
    (source / "data").mkdir(parents=True)
    (source / "01-first-look.ipynb").write_text("{}")
    (source / "data" / "x.txt").write_text("x")
    monkeypatch.setattr(tour, "_shipped", lambda: source)
    return source


@pytest.mark.usefixtures("shipped")
def test_the_copy_of_the_tour_leaves_the_users_work_alone(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    tour.copy_notebooks(folder)
    (folder / "01-first-look.ipynb").write_text("my work")
    (folder / "data" / "x.txt").unlink()
    tour.copy_notebooks(folder)
    assert (folder / "01-first-look.ipynb").read_text() == "my work"
    assert (folder / "data" / "x.txt").read_text() == "x"


@pytest.mark.usefixtures("shipped")
def test_lab_opens_the_first_notebook_in_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[Any] = []
    monkeypatch.setattr(tour, "_run", lambda command, folder: ran.append((command, folder)) or 7)
    monkeypatch.setattr(tour.os, "geteuid", lambda: 1000)
    words = ["lab", "--dir", str(tmp_path / "mine"), "--no-browser", "--port", "9999", "--", "--debug"]
    assert cli.main(words) == 7
    command, folder = ran[0]
    assert command[1:] == ["-m", "jupyterlab", "01-first-look.ipynb", "--no-browser", "--port=9999", "--debug"]
    assert folder == tmp_path / "mine"
    assert (folder / "01-first-look.ipynb").exists()


def test_root_in_a_container_is_not_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour.os, "geteuid", lambda: 0)
    assert "--allow-root" in tour._command({})
    monkeypatch.setattr(tour.os, "geteuid", lambda: 1000)
    assert "--allow-root" not in tour._command({})


def test_lab_without_jupyterlab_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tour, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match=r'pip install "swnb\[lab\]"'):
        tour.start({}, [])


@pytest.mark.usefixtures("shipped")
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--dir"):
        tour.copy_notebooks(tmp_path / "file" / "mine")


def test_notebooks_that_are_missing_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("swnb.cli.tour.resources.files", lambda _: tmp_path / "swnb")
    with pytest.raises(NotFound, match="tour"):
        tour.copy_notebooks(tmp_path / "mine")


def test_the_program_that_was_started_gives_the_exit_code(tmp_path: Path) -> None:
    assert tour._run([sys.executable, "-c", "raise SystemExit(5)"], tmp_path) == 5


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(swnb.errors.BadInput, match="do not go together"):
        commands.run(Said("servers", [], {"json": True, "csv": True}), [])
