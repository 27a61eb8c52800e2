"""Odd values, odd times, odd ids: what records of either dialect become."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Reply, noting
from swnb.errors import BadInput, BadReply, NotFound
from swnb.frames import tables
from swnb.model import JobInfo, JobQuery, Status
from swnb.providers.rayjobs import Ray, YuanRong
from swnb.providers.rayjobs.records import job_info, newest_first
from swnb.providers.rayjobs.tasks import folded
from swnb.providers.rayjobs.wire import environment, time_of
from swnb.uri import parse

from .swanlab_server import Server, ok

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def sent(**more: Any) -> dict[str, Any]:
    common = {"type": "SUBMISSION", "submission_id": "app-1", "status": "SUCCEEDED", "entrypoint": "python x.py"}
    return common | {"start_time": "1755484077", "end_time": "1755484140", "driver_exit_code": 0} | more


def read(**more: Any) -> JobInfo:
    return job_info(sent(**more), Reply(200, {}, b""), lambda job: None)


def listed(*records: Any) -> Server:
    return Server().on("GET", "/api/jobs/?", ok(list(records)))


# -- times


@given(st.integers(1, 10**11 - 1))
def test_a_time_below_a_hundred_milliards_counts_seconds(seconds: int) -> None:
    expected = EPOCH + timedelta(seconds=seconds)
    assert time_of(seconds, "t") == time_of(str(seconds), "t") == expected


@given(st.integers(10**11, 253_402_300_799_999))
def test_a_time_from_there_on_counts_milliseconds_and_keeps_each(milliseconds: int) -> None:
    expected = EPOCH + timedelta(milliseconds=milliseconds)
    assert time_of(milliseconds, "t") == time_of(str(milliseconds), "t") == expected


@pytest.mark.parametrize("nothing", [None, "", "0", 0, 0.0])
def test_no_time_is_none_without_a_word(nothing: Any) -> None:
    with noting() as notes:
        assert time_of(nothing, "t") is None
    assert notes == []


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.lists(st.integers()), st.none()))
def test_any_other_value_is_no_time_and_no_error(value: Any) -> None:
    found = time_of(value, "start_time")
    assert found is None or found.tzinfo is timezone.utc


def test_a_time_that_cannot_be_read_is_noted_with_its_name() -> None:
    with noting() as notes:
        assert time_of("yesterday", "start_time of job app-1") is None
    assert notes == ["start_time of job app-1 could not be read as a time: 'yesterday'"]


# -- values of other kinds than promised


@given(
    st.dictionaries(
        st.sampled_from(
            ["type", "status", "entrypoint", "message", "error_type", "start_time", "end_time", "metadata", "job_id",
             "runtime_env", "driver_info", "driver_exit_code", "driver_node_id"]
        ),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
            lambda each: st.one_of(st.lists(each, max_size=2), st.dictionaries(st.text(max_size=8), each, max_size=2)),
        ),
    )
)  # fmt: skip
def test_no_odd_value_keeps_a_job_from_being_shown(more: dict[str, Any]) -> None:
    job = read(**more)
    assert job.id == "app-1"
    origin = tables.Origin("lab", "yuanrong")
    assert len(tables.jobs([(origin, job)], config=True, env=True)) == 1


def test_numbers_where_texts_were_and_texts_where_numbers_were() -> None:
    job = read(submission_id=17, driver_exit_code="3", driver_info={"pid": 4711}, status="FAILED", error_type=5)
    assert (job.id, job.own["exit_code"], job.own["driver_pid"], job.error) == ("17", 3, "4711", "5")


@pytest.mark.parametrize("word", ["", "PAUSED", "running"])
def test_a_new_status_is_unknown_and_stays_beside_it(word: str) -> None:
    job = read(status=word)
    assert (job.status, job.raw_status, job.finished, job.own["exit_code"]) == (Status.UNKNOWN, word, None, None)


def test_a_job_that_still_runs_has_no_exit_code_and_no_end_whatever_is_sent() -> None:
    job = read(status="RUNNING", end_time=0)
    assert (job.own["exit_code"], job.finished, job.elapsed) == (None, None, None)


def test_the_message_of_a_stopped_job_is_no_error_and_stays_readable() -> None:
    job = read(status="STOPPED", error_type="the job was manually stopped")
    assert (job.error, job.own["error_type"]) == (None, "the job was manually stopped")


@pytest.mark.parametrize("record", [{"submission_id": ""}, {"submission_id": None, "job_id": None}, {}])
def test_a_record_without_an_id_is_left_out_of_a_list_and_said(record: Any) -> None:
    with noting() as notes:
        found = listed(record, sent()).run(YuanRong("http://x").jobs(None, JobQuery()))
    assert [job.id for job in found.items] == ["app-1"]
    assert notes == ["1 of the server's 2 records have no id and are left out"]


@pytest.mark.parametrize("record", ["app-1", None, 7, ["app-1"]])
def test_a_list_of_other_things_than_records_is_a_bad_reply(record: Any) -> None:
    with pytest.raises(BadReply, match="an object is expected"):
        listed(record).run(Ray("http://x").jobs(None, JobQuery()))


# -- runtime environments


@pytest.mark.parametrize("text", ["[1]", "{", '"x"', "nonsense", "null", "\ud800"])
def test_environment_variables_that_are_no_object_are_none(text: str) -> None:
    assert environment({"envVars": text, "pip": "", "working_dir": ""}) == {
        "env_vars": {},
        "pip": [],
        "working_dir": "",
    }


def test_a_pip_line_of_another_form_stays_as_it_is() -> None:
    assert environment({"envVars": "", "pip": "pip install x; rm y"})["pip"] == "pip install x; rm y"


def test_what_ray_sends_is_as_it_was_submitted() -> None:
    sent = {"env_vars": {"A": "b"}, "pip": {"packages": ["x"]}, "working_dir": "gcs://x.zip", "conda": "env"}
    assert environment(sent) == sent


def test_environment_variables_are_in_no_repr_of_a_job() -> None:
    job = read(runtime_env={"env_vars": {"KEY": "hunter2-and-more"}})
    assert job.env == {"KEY": "hunter2-and-more"}
    assert "hunter2" not in repr(job)


# -- order and filters

STARTS = st.lists(
    st.tuples(st.sampled_from(["", "1755484077", "1755484078", 1755484077500]), st.booleans()), max_size=8
)


@given(STARTS, st.randoms())
def test_the_order_of_a_list_does_not_depend_on_the_servers(starts: list[tuple[Any, bool]], random: Any) -> None:
    jobs = [
        read(submission_id=f"app-{n}", start_time=start, status="RUNNING" if runs else "FAILED")
        for n, (start, runs) in enumerate(starts)
    ]
    shuffled = jobs[:]
    random.shuffle(shuffled)
    assert newest_first(shuffled) == newest_first(jobs)


def test_filters_and_limit_are_ours_and_the_total_counts_all() -> None:
    records = [
        sent(submission_id=f"app-{n}", start_time=str(1755484000 + n), metadata={"job_name": f"n{n % 2}"})
        for n in range(6)
    ]
    server = listed(*records, sent(submission_id="app-f", status="FAILED"))
    query = JobQuery(status=frozenset({Status.SUCCEEDED}), name="N1", limit=2)
    found = server.run(YuanRong("http://x").jobs("default", query))
    assert ([job.id for job in found.items], found.total) == (["app-5", "app-3"], 7)
    assert server.asked == [("GET", "/api/jobs")]


def test_ten_thousand_jobs_come_in_one_reply() -> None:
    one = sent(driver_info={"id": "x", "node_ip_address": "1.2.3.4", "pid": "5"}, metadata={"job_name": "n"})
    server = listed(*(one | {"submission_id": f"app-{n}"} for n in range(10_000)))
    found = server.run(YuanRong("http://x").jobs(None, JobQuery()))
    frame = tables.jobs([(tables.Origin("lab", "yuanrong"), job) for job in found.items], config=True)
    assert (len(frame), len(server.calls)) == (10_000, 1)


# -- ids


@pytest.mark.parametrize("id_", ["a b", "é", "x/../y", "?", "#", "%2F", "<b>", "a\nb"])
def test_ray_is_asked_for_the_id_as_one_part_of_the_path(id_: str) -> None:
    server = Server()
    with pytest.raises(NotFound) as raised:
        server.run(Ray("http://x").job(None, id_))
    [call] = server.calls
    assert call.path.count("/") == 3
    assert call.path.isascii()
    assert not set(call.path) & set(" ?#<>\n")
    assert "no job" in str(raised.value)


@pytest.mark.parametrize("id_", ["", ".", "..", "x/stop", "a?b", "a#b", "a%b", "a\nb"])
def test_an_id_that_would_lead_elsewhere_is_not_asked_for(id_: str) -> None:
    server = Server()
    with pytest.raises(NotFound):
        server.run(YuanRong("http://x").job(None, id_))
    assert server.calls == []


@pytest.mark.parametrize("id_", ["my_app", "App-1", "app 1", "x" * 65])
def test_only_what_can_be_a_submitted_job_is_stopped_or_deleted(id_: str) -> None:
    for plan in (YuanRong("http://x").stop, YuanRong("http://x").remove):
        with pytest.raises(BadInput):
            Server().run(plan(id_))


def test_an_unknown_id_is_named_and_the_prefix_is_told() -> None:
    with pytest.raises(NotFound, match=r"no job 'demo'.*app-demo"):
        Server().on("GET", "/api/jobs/demo", Reply(404, {}, b'"not found app"')).run(
            YuanRong("http://x").job(None, "demo")
        )


@pytest.mark.parametrize("provider", [Ray, YuanRong])
def test_there_is_one_project(provider: Any) -> None:
    backend = provider("http://x/")
    assert (backend.implied, backend.address) == ("default", "http://x")
    with pytest.raises(NotFound, match="'other'"):
        Server().run(backend.jobs("other", JobQuery()))


def test_the_page_of_a_ray_job_is_an_address_of_it() -> None:
    ref = parse(Ray("http://h:8265").page("raysubmit_a b") or "")
    assert (ref.address, ref.job) == ("http://h:8265", "raysubmit_a b")


# -- tasks

STATES = [
    "NIL",
    "PENDING_NODE_ASSIGNMENT",
    "SUBMITTED_TO_WORKER",
    "RUNNING",
    "RUNNING_IN_RAY_GET",
    "FINISHED",
    "FAILED",
    "NEW",
]


@given(st.dictionaries(st.sampled_from(STATES), st.integers(0, 10**6)))
def test_every_state_of_tasks_is_counted_once(states: dict[str, int]) -> None:
    counts = folded(states)
    assert sum(counts.values()) == sum(states.values())
    assert counts["running"] == sum(n for state, n in states.items() if state.startswith("RUNNING"))


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ({"FINISHED": 2, "RUNNING": 1}, Status.RUNNING),
        ({"FINISHED": 2, "PENDING_NODE_ASSIGNMENT": 1}, Status.RUNNING),
        ({"FAILED": 2, "NEW_WORD": 1}, Status.RUNNING),
        ({"PENDING_NODE_ASSIGNMENT": 3}, Status.QUEUED),
        ({"FINISHED": 2, "FAILED": 1}, Status.FAILED),
        ({"FINISHED": 2}, Status.SUCCEEDED),
        ({}, Status.UNKNOWN),
    ],
)
def test_a_function_is_as_far_as_its_tasks(states: dict[str, int], status: Status) -> None:
    cluster = {"summary": {"f": {"func_or_class_name": "f", "type": "NORMAL_TASK", "state_counts": states}}}
    answer = {"data": {"result": {"result": {"node_id_to_summary": {"cluster": cluster}}}}}
    server = Server().on("GET", "/api/jobs/x", ok(sent(job_id="02000000")))
    server.on("GET", "/api/v0/tasks/summarize", ok(answer))
    [task] = server.run(Ray("http://x").tasks(None, "x"))
    assert task.status is status


def test_tasks_that_ray_left_out_are_noted() -> None:
    result = {"result": {"node_id_to_summary": {"cluster": {"summary": {}}}}, "total": 30, "num_after_truncation": 20}
    result |= {"partial_failure_warning": "one node is silent"}
    server = Server().on("GET", "/api/jobs/x", ok(sent(job_id="02000000")))
    server.on("GET", "/api/v0/tasks/summarize", ok({"data": {"result": result}}))
    with noting() as notes:
        assert server.run(Ray("http://x").tasks(None, "x")) == []
    assert notes == ["Ray says of the tasks: one node is silent", "Ray counted 20 of 30 tasks"]


def test_a_job_that_never_called_ray_has_no_tasks_and_the_note_says_why() -> None:
    server = Server().on("GET", "/api/jobs/x", ok(sent(job_id=None)))
    with noting() as notes:
        assert server.run(Ray("http://x").tasks(None, "x")) == []
    assert len(server.calls) == 1
    assert "ray.init" in notes[0]


def test_a_summary_holds_exit_code_metadata_and_the_counts_of_tasks() -> None:
    cluster = {"summary": {"f": {"state_counts": {"FINISHED": 3, "FAILED": 1}}, "g": {"state_counts": {"RUNNING": 2}}}}
    answer = {"data": {"result": {"result": {"node_id_to_summary": {"cluster": cluster}}}}}
    records = [
        sent(submission_id="a", job_id="02000000", metadata={"lr": "0.01"}),
        sent(submission_id="b", status="RUNNING"),
    ]
    server = listed(*records).on("GET", "/api/v0/tasks/summarize", ok(answer))
    rows = {row.id: row.values for row in server.run(Ray("http://x").summary(None, None))}
    assert rows["a"] == {
        "exit_code": 0,
        "tasks_total": 6,
        "tasks_pending": 0,
        "tasks_running": 2,
        "tasks_succeeded": 3,
        "tasks_failed": 1,
        "metadata.lr": "0.01",
    }
    assert rows["b"] == {}


def test_many_named_jobs_are_read_by_one_list_in_the_order_asked() -> None:
    names = [f"j{n}" for n in range(20)]
    server = listed(*(sent(submission_id=name, status="RUNNING") for name in names))
    rows = server.run(Ray("http://x").summary(None, names[::-1]))
    assert [row.id for row in rows] == names[::-1]
    assert [call.path for call in server.calls] == ["/api/jobs/"]


def test_json_of_records_survives_as_it_came() -> None:
    record = sent(metadata={"a": "1"}, unheard_of=[1, {"x": None}])
    assert read(**record).raw == json.loads(json.dumps(record))
