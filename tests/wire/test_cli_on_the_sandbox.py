"""The command line against the sandbox, each command in a process of its own or in this one."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import swnb
from swnb import cli, sandbox
from swnb.secret import Secret
from swnb.settings import credential, find

JOB = "box/project/1/job/1"


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(seed=1, jobs=12, rows=2500) as box:
        yield box


@pytest.fixture(autouse=True)
def saved(box: sandbox.Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_CONFIG_DIR", str(tmp_path / "swnb"))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "store"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = cli.main(words)
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    return said.out


def job_with(table: str) -> str:
    return next(str(uri) for uri in swnb.jobs("box").index if table in swnb.tables(uri))


@pytest.mark.parametrize(
    "words", [["projects", "box"], ["jobs", "box"], ["jobs", "box", "--limit", "3"], ["tasks", JOB]]
)
def test_json_has_a_line_for_each_row_of_the_frame(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    frame = {"projects": swnb.projects, "jobs": swnb.jobs, "tasks": swnb.tasks}[words[0]](words[1])
    found = [json.loads(line) for line in ask(capsys, *words, "--json").splitlines()]
    assert [row[frame.index.name] for row in found] == list(frame.index)[: 3 if "--limit" in words else None]
    assert set(found[0]) == {frame.index.name, *frame.columns}


def test_text_shows_what_people_look_for(capsys: pytest.CaptureFixture[str]) -> None:
    header, *lines = ask(capsys, "jobs", "box").splitlines()
    assert header.split() == ["job", "name", "status", "created", "elapsed", "owner"]
    assert [line.split()[0] for line in lines] == list(swnb.jobs("box").index)


def test_summary_is_csv_that_pandas_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    import pandas as pd

    frame = swnb.summary("box")
    back = pd.read_csv(io.StringIO(ask(capsys, "summary", "box", "--csv")), index_col="job")
    assert list(back.index) == list(frame.index)
    assert back["accuracy"].equals(frame["accuracy"])


def test_rows_come_in_full_and_in_order_in_each_form(capsys: pytest.CaptureFixture[str]) -> None:
    job = job_with("big")
    frame = swnb.rows(job, "big")
    assert len(frame) == 2500
    in_json = [json.loads(line) for line in ask(capsys, "rows", job, "big", "--json").splitlines()]
    in_csv = list(csv.DictReader(io.StringIO(ask(capsys, "rows", job, "big", "--csv"))))
    in_text = ask(capsys, "rows", job, "big").splitlines()
    assert [row["id"] for row in in_json] == list(frame["id"])
    assert [int(row["id"]) for row in in_csv] == list(frame["id"])
    assert set(in_csv[0]) == set(frame.columns)
    assert len(in_text) == 2501


def test_rows_take_a_range_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["rows", JOB, "train", "--start", "2", "--end", "4", "--end-inclusive", "--columns", "loss"]
    header, *lines = ask(capsys, *words, "--csv").splitlines()
    assert header == "id,loss"
    assert [line.split(",")[0] for line in lines] == ["2", "3", "4"]


def test_tables_and_one_job_and_its_log_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(capsys, "tables", JOB).splitlines() == ["table", *swnb.tables(JOB)]
    assert "id                1\n" in ask(capsys, "job", JOB)
    assert ask(capsys, "logs", JOB, "--tail", "2").rstrip("\n") == swnb.logs(JOB, tail=2).rstrip("\n")
    assert ask(capsys, "logs", JOB, "--follow").splitlines() == swnb.logs(JOB).splitlines()


def test_a_table_that_is_not_named_is_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rows", JOB]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "is not named. It has " in said.err
    assert "train" in said.err


@pytest.mark.parametrize(
    "words",
    [["jobs", "box/project/nope"], ["tables", "box/project/1/job/9999"], ["rows", JOB, "nope"], ["jobs", "away"]],
)
def test_what_is_not_there_is_a_sentence_and_a_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_sign_in_is_tried_before_it_is_kept(
    box: sandbox.Box, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("not-the-right-token\n"))
    assert cli.main(["signin", "box", "--token-stdin"]) == 1
    assert "not-the-right-token" not in capsys.readouterr().err
    kept = credential(find("box"))
    assert kept is not None
    assert kept.token is not None
    assert kept.token != Secret("not-the-right-token")
    user, password = box.user("starwhale")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    assert ask(capsys, "signin", "box", "--user", user, "--token-stdin") == "box accepts it: 3 projects.\n"
    kept = credential(find("box"))
    assert kept is not None
    assert kept.user == user


def test_doctor_looks_at_living_and_dead_servers(box: sandbox.Box, capsys: pytest.CaptureFixture[str]) -> None:
    swnb.connect("dead", "starwhale+http://127.0.0.1:1")
    swnb.connect("wrong", box.uri("starwhale"), token="not-the-right-token")
    assert cli.main(["doctor", "--timeout", "2"]) == 1
    text = capsys.readouterr().out
    by_topic = {line[3:].split()[0]: line for line in text.splitlines() if line[:3] in ("ok ", "!! ")}
    assert by_topic["box"].startswith("ok ")
    assert "3 projects" in by_topic["box"]
    assert by_topic["dead"].startswith("!! ")
    assert by_topic["wrong"].startswith("!! ")
    assert "does not accept" in by_topic["wrong"]
    assert "not-the-right-token" not in text
    kept = credential(find("box"))
    assert kept is not None
    assert kept.token is not None
    assert kept.token.reveal() not in text


def test_a_process_of_its_own_says_nothing_on_stderr(box: sandbox.Box) -> None:
    command = [sys.executable, "-m", "swnb", "jobs", "box", "--limit", "1", "--json"]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["server"] == "box"


def test_rows_for_a_reader_that_goes_away_end_quietly(box: sandbox.Box) -> None:
    job = job_with("big")
    command = [sys.executable, "-m", "swnb", "rows", job, "big", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0
