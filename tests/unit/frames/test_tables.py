"""Frames of records: their columns, order, index and types."""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest

from swnb.frames import tables as frames
from swnb.frames.tables import Origin
from swnb.model import Batch, EventInfo, JobInfo, ProjectInfo, RunInfo, Status, SummaryRow, TaskInfo

BOX = Origin("box", "starwhale")
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
JOB = JobInfo("7", "1", "mnist", Status.RUNNING, "RUNNING", created=NOON, elapsed=timedelta(seconds=3))
TEXT = frames.texts(["a"]).dtype

FIXED = {
    "projects": "platform server id name owner created jobs description url",
    "jobs": "platform server project id name status raw_status created started finished elapsed owner error url",
    "tasks": "job id name status raw_status started finished elapsed retries error runs",
    "events": "job time level source subject message",
}
TIMES = {"created", "started", "finished", "time"}


@pytest.mark.parametrize("name", FIXED)
def test_an_empty_frame_has_all_fixed_columns_with_their_types(name: str) -> None:
    frame: pd.DataFrame = getattr(frames, name)([])
    assert list(frame.columns) == FIXED[name].split()
    for each in frame.columns:
        if each in TIMES:
            assert str(frame[each].dtype) == "datetime64[us, UTC]"
        elif each == "elapsed":
            assert str(frame[each].dtype) == "timedelta64[us]"
        elif each == "status":
            assert isinstance(frame[each].dtype, pd.CategoricalDtype)
        elif each in ("jobs", "retries"):
            assert pd.api.types.is_integer_dtype(frame[each])
        elif each != "runs":
            assert frame[each].dtype == TEXT


@pytest.mark.parametrize("name", ["jobs", "projects"])
def test_types_do_not_depend_on_what_the_records_lack(name: str) -> None:
    infos: dict[str, Any] = {"jobs": JOB, "projects": ProjectInfo("1", "mnist")}
    empty: pd.DataFrame = getattr(frames, name)([])
    one: pd.DataFrame = getattr(frames, name)([(BOX, infos[name])])
    same = [each for each in empty.columns if each != "jobs"]
    assert one[same].dtypes.to_dict() == empty[same].dtypes.to_dict()


def test_indexes_are_uris_under_their_own_names() -> None:
    jobs = frames.jobs([(BOX, JOB)])
    assert (jobs.index.name, list(jobs.index)) == ("job", ["box/project/1/job/7"])
    projects = frames.projects([(BOX, ProjectInfo("1", "mnist"))])
    assert (projects.index.name, list(projects.index)) == ("project", ["box/project/1"])
    tasks = frames.tasks([(BOX, JOB, TaskInfo("3", "predict", Status.FAILED, "FAIL"))])
    assert (tasks.index.name, list(tasks.index)) == ("task", ["box/project/1/job/7/task/3"])
    assert list(tasks.job) == ["box/project/1/job/7"]
    bare = Origin("starwhale+http://h:1", "starwhale")
    assert list(frames.jobs([(bare, JOB)]).index) == ["starwhale+http://h:1/project/1/job/7"]


def test_own_fields_follow_and_a_taken_name_gets_the_platforms_before_it() -> None:
    info = JobInfo("7", "1", "a", Status.FAILED, "FAIL", own={"gpu": 2, "owner": "x", "status": "y"})
    other = JobInfo("8", "1", "b", Status.FAILED, "FAIL", own={"gpu": 3, "device": "cpu"})
    frame = frames.jobs([(BOX, info), (BOX, other)])
    assert list(frame.columns[14:]) == ["gpu", "starwhale.owner", "starwhale.status", "device"]
    assert frame.owner.isna().all()
    assert next(iter(frame["starwhale.owner"])) == "x"
    assert list(frame.gpu) == [2, 3]


def test_raw_status_keeps_the_platforms_word_even_empty_or_new() -> None:
    words = ["", "BRAND_NEW"]
    frame = frames.jobs([(BOX, JobInfo(str(n), "1", "a", Status.UNKNOWN, word)) for n, word in enumerate(words)])
    assert list(frame.raw_status) == words
    assert set(frame.status) == {"unknown"}


def test_config_and_env_come_on_request_and_values_of_env_are_masked() -> None:
    info = JobInfo("7", "1", "a", Status.FAILED, "FAIL", config={"lr": 0.1}, env={"KEY": "hush"})
    assert not [name for name in frames.jobs([(BOX, info)]).columns if "." in name]
    masked = frames.jobs([(BOX, info)], config=True)
    assert (masked["config.lr"].tolist(), masked["env.KEY"].tolist()) == ([0.1], ["****"])
    assert frames.jobs([(BOX, info)], env=True)["env.KEY"].tolist() == ["hush"]


def test_runs_are_plain_dicts_in_an_object_column() -> None:
    run = RunInfo("1", Status.FAILED, "FAIL", started=NOON, own={"ip": "x"})
    (runs,) = frames.tasks([(BOX, JOB, TaskInfo("3", "p", Status.FAILED, "FAIL", runs=(run,)))]).runs
    assert runs[0]["status"] == "failed"
    assert type(runs[0]["status"]) is str
    assert runs[0]["own"] == {"ip": "x"}


def test_events_keep_the_order_they_come_in() -> None:
    events = [("u", EventInfo(NOON, "INFO", "NODE", text, "job", own={"data": text})) for text in ("b", "a")]
    frame = frames.events(events)
    assert list(frame.message) == ["b", "a"]
    assert list(frame.columns) == [*FIXED["events"].split(), "data"]


def test_a_summary_has_the_platforms_id_first_and_every_job_a_row() -> None:
    pairs = [
        ("u/1", SummaryRow(None, "1", {"id": "uuid", "a": 1, "b": 2.5})),
        ("u/2", SummaryRow(None, "2", {})),
        ("u/3", SummaryRow(None, "3", {"c": "x", "a": 3})),
    ]
    frame = frames.summary(pairs)
    assert list(frame.columns) == ["id", "a", "b", "c"]
    assert list(frame.id) == ["1", "2", "3"]
    assert str(frame.a.dtype) == "Int64"
    assert list(frame.index) == ["u/1", "u/2", "u/3"]
    assert list(frames.summary(pairs, ["c", "nope", "id"]).columns) == ["id", "c", "nope"]
    assert list(frames.summary([]).columns) == ["id"]
    assert frames.summary([]).index.name == "job"


def test_the_key_is_the_first_column_of_rows() -> None:
    frame = frames.rows([(None, Batch(1, {"a": [1], "id": array("q", [4])}))])
    assert list(frame.columns) == ["id", "a"]
    assert isinstance(frame.index, pd.RangeIndex)


def test_rows_of_several_jobs_say_whose_they_are_and_keep_a_column_of_that_name() -> None:
    parts = [("u/1", Batch(2, {"id": [1, 2], "job": ["x", "y"]})), ("u/2", Batch(1, {"id": [1]}))]
    frame = frames.rows(parts)
    assert list(frame.columns) == ["job", "id", "job (table)"]
    assert list(frame.job) == ["u/1", "u/1", "u/2"]
    assert list(frame["job (table)"])[:2] == ["x", "y"]


def test_rows_without_any_cell_are_still_rows() -> None:
    assert len(frames.rows([(None, Batch(3, {}))])) == 3
