"""Every recorded answer of a real Ray and of openYuanRong's own servers is read as what it says."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from swnb.call import Call, Reply, noting
from swnb.errors import (
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    SwnbError,
    TokenRejected,
    Unsupported,
)
from swnb.model import JobInfo, JobQuery, Status
from swnb.providers.rayjobs import Ray, YuanRong, recognise
from swnb.providers.rayjobs.wire import environment

from .swanlab_server import Server

DATA = Path(__file__).parents[2] / "data"
RAY = json.loads(gzip.decompress((DATA / "ray-jobs.json.gz").read_bytes()))
YR = json.loads(gzip.decompress((DATA / "yuanrong-jobs.json.gz").read_bytes()))
SPEC = {"entrypoint": "python x.py", "runtime_env": {"working_dir": "/x"}}
WORDS = {
    "PENDING": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "SUCCEEDED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "STOPPED": Status.CANCELLED,
}


def first(backend: Ray | YuanRong, verb: str, job: str = "app-x") -> Call[Any]:
    """The call by which a verb begins."""
    plans = {
        "list": backend.listed,
        "job": lambda: backend.job(None, job),
        "submit": lambda: backend.submit(None, SPEC),
        "stop": lambda: backend.stop(job),
        "delete": lambda: backend.remove(job),
        "logs": lambda: backend.log_text(job),
    }
    call = next(plans[verb]())
    assert isinstance(call, Call)
    return call


def read(backend: Ray | YuanRong, verb: str, reply: Reply) -> Any:
    """What the verb makes of a reply: a value, or the error it raises."""
    try:
        return first(backend, verb).decode(reply)
    except SwnbError as error:
        return error


def verb_of(method: str, path: str) -> str | None:
    """The verb whose question this is; None where we never ask that."""
    path = unquote(path.partition("?")[0])
    if path in ("/api/jobs", "/api/jobs/"):
        return {"GET": "list", "POST": "submit"}.get(method)
    if not re.fullmatch("/api/jobs/[^/]+(/stop|/logs)?", path):
        return None
    if path.endswith(("/stop", "/logs")):
        return {"POST": "stop", "GET": "logs"}.get(method)
    return {"GET": "job", "DELETE": "delete"}.get(method)


# -- openYuanRong


def text_of(body: Any, side: str) -> str:
    if isinstance(body, dict):
        return text_of(next(case for case in YR["cases"] if case["name"] == body["as_in"])["frontend"]["body"], side)
    assert isinstance(body, str)
    return body


def recorded() -> Iterator[Any]:
    for case in YR["cases"]:
        for side in ("frontend", "dashboard"):
            answer = case["frontend"] if case.get(side) == "same" else case.get(side)
            # Never asked are HEAD, and what redirects, which the transport sees.
            if answer and case["request"]["method"] != "HEAD" and answer["status"] not in (301, 307):
                body = text_of(answer["body"], side)
                yield pytest.param(case["request"], answer["status"], body, id=f"{case['name']} ({side})")
    for case in YR["dashboard_without"][:12]:
        words = {"get": "/api/jobs/app-run", "stop": "/api/jobs/app-run/stop", "delete": "/api/jobs/app-run"}
        kind = case["name"].rpartition(": ")[2]
        method = {"stop": "POST", "delete": "DELETE"}.get(kind, "POST" if "submit" in kind else "GET")
        request = {"method": method, "path": words.get(kind, "/api/jobs")}
        yield pytest.param(request, case["dashboard"]["status"], case["dashboard"]["body"], id=case["name"])


def meaning(verb: str, status: int, body: str) -> type[SwnbError] | None:
    """By the paper: the error that an answer stands for, None for one that holds what was asked."""
    if status == 200:
        kind = {"list": "[", "job": "{", "submit": "{", "stop": "tf", "delete": "tf", "logs": "{"}[verb]
        return SignInNeeded if body == '""' else None if body[:1] in kind and body else BadReply
    if status == 401:
        if "IAM server" in body and "Forbidden" not in body:
            return ServerError
        return SignInNeeded if "no token" in body else Forbidden if "not authorized" in body else TokenRejected
    if status == 404:
        return Unsupported if body in ("404 page not found", "") else NotFound
    if verb == "submit" and (status == 400 and "fronted failed" not in body):
        return BadInput
    return ServerError


@pytest.mark.parametrize(("request_", "status", "body"), list(recorded()))
def test_every_answer_of_openyuanrong_is_read_as_what_it_says(request_: Any, status: int, body: str) -> None:
    verb = verb_of(request_["method"], request_["path"]) or "list"
    found = read(YuanRong("http://yr"), verb, Reply(status, {}, body.encode(), "yr", request_["path"]))
    expected = meaning(verb, status, body)
    if expected is not None:
        assert type(found) is expected, found
    elif verb == "list":
        assert sorted(job.id for job in found) == sorted(sent["submission_id"] for sent in json.loads(body))
        by_id = {job.id: job for job in found}
        for sent in json.loads(body):
            check(by_id[sent["submission_id"]], sent)
    elif verb == "job":
        check(found, json.loads(body))
    else:
        assert found == (json.loads(body)["submission_id"] if verb == "submit" else json.loads(body))


def check(job: JobInfo, sent: dict[str, Any]) -> None:
    """A record of openYuanRong against what was sent, field by field."""
    status, ended = WORDS.get(sent["status"], Status.UNKNOWN), bool(sent["end_time"])
    assert (job.status, job.raw_status, job.project) == (status, sent["status"], "default")
    assert job.created == seconds(sent["start_time"])
    assert job.finished == (seconds(sent["end_time"]) if status.final else None)
    assert job.elapsed == (job.finished - job.created if job.finished and job.created else None)
    assert job.error == (sent["error_type"] if sent["status"] == "FAILED" and sent["error_type"] else None)
    assert job.own["exit_code"] == (sent["driver_exit_code"] if status.final else None)
    assert job.metadata == (sent["metadata"] or {})
    assert job.own["entrypoint"] == sent["entrypoint"]
    assert job.own["driver_ip"] == (sent["driver_info"]["node_ip_address"] or None)
    assert job.own["driver_pid"] == (sent["driver_info"]["pid"] or None)
    assert job.own["driver_node"] == (sent["driver_node_id"] or None)
    assert job.env == json.loads(sent["runtime_env"]["envVars"] or "{}")
    assert job.own["working_dir"] == (sent["runtime_env"]["working_dir"] or None)
    assert job.raw == sent
    assert ended or not job.finished


def seconds(sent: str) -> datetime | None:
    return datetime.fromtimestamp(int(sent), timezone.utc) if sent else None


def test_all_the_recorded_questions_were_gone_through() -> None:
    assert len(YR["cases"]) == 214
    assert len(RAY) == 67


def test_a_job_being_placed_is_pending_without_a_start_and_comes_first() -> None:
    body = YR["meanwhile"]["list"]["body"]
    [job] = read(YuanRong("http://yr"), "list", Reply(200, {}, body.encode()))
    assert (job.status, job.created, job.started, job.own["exit_code"]) == (Status.QUEUED, None, None, None)
    running = json.loads(YR["meanwhile"]["afterwards"]["body"]) | {"submission_id": "app-older"}
    both = json.dumps([running, *json.loads(body)]).encode()
    assert [job.id for job in read(YuanRong("http://yr"), "list", Reply(200, {}, both))] == ["app-slow", "app-older"]


def test_instances_that_are_no_jobs_are_left_out_of_jobs_and_said() -> None:
    case = next(case for case in YR["cases"] if case["name"] == "list: odd texts")
    listed = json.loads(case["frontend"]["body"])
    server = Server().on("GET", "/api/jobs", Reply(200, {}, case["frontend"]["body"].encode()))
    with noting() as notes:
        found = server.run(YuanRong("http://yr").jobs(None, JobQuery()))
    others = [sent["submission_id"] for sent in listed if not sent["entrypoint"]]
    assert others
    assert {job.id for job in found.items} == {sent["submission_id"] for sent in listed} - set(others)
    assert found.total == len(listed) - len(others)
    assert any(f"{len(others)} instances" in said and others[0] in said for said in notes)


def instances(name: str) -> Reply:
    answer = next(case for case in YR["dashboard_other"] if case["name"] == name)["dashboard"]
    return Reply(answer["status"], {}, answer["body"].encode(), "yr", "/api/v1/instances")


def job_there(id_: str = "app-run") -> Server:
    body = json.loads(YR["meanwhile"]["afterwards"]["body"]) | {"submission_id": id_}
    return Server().on("GET", "/api/jobs/[^/]*", Reply(200, {}, json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("recorded_", "job", "children"),
    [
        ("instances by parent: app-run", "app-run", {"child-1": Status.RUNNING, "child-2": Status.UNKNOWN}),
        ("instances by parent: app-far", "app-far", {"child-far": Status.RUNNING}),
        ("instances by parent: one without children", "app-lonely", {}),
        ("instances by parent: app-run, after one of its instances went", "app-run", {}),
        ("instances by parent: ... and one was written again", "app-run", {}),
    ],
)
def test_tasks_are_only_the_instances_that_the_job_started(
    recorded_: str, job: str, children: dict[str, Status]
) -> None:
    server = job_there(job).on("GET", "/api/v1/instances", instances(recorded_))
    with noting() as notes:
        found = server.run(YuanRong("http://yr").tasks(None, job))
    assert {task.id: task.status for task in found} == children
    assert server.asked[-1] == ("GET", "/api/v1/instances", {"parent_id": job})
    assert bool(notes) is (not children)


def test_each_state_of_an_instance_is_a_word_of_the_vocabulary() -> None:
    server = job_there("app-run").on("GET", "/api/v1/instances", instances("instances: one of each code"))
    [row] = server.run(YuanRong("http://yr").summary(None, ["app-run"]))
    sent = json.loads(instances("instances: one of each code").body)["data"]
    assert row.values["tasks_total"] == len(sent) == 15
    waits = sum(each["status"] in ("new", "scheduling", "creating") for each in sent)
    failed = sum(each["status"] in ("failed", "schedule_failed", "evicted") for each in sent)
    assert (row.values["tasks_pending"], row.values["tasks_failed"]) == (waits, failed)


def test_an_instance_cache_out_of_reach_leaves_the_counts_out_and_says_so() -> None:
    answer = YR["dashboard_without"][12]["dashboard"]
    server = job_there().on("GET", "/api/v1/instances", Reply(answer["status"], {}, answer["body"].encode()))
    with noting() as notes:
        [row] = server.run(YuanRong("http://yr").summary(None, ["app-run"]))
    assert "tasks_total" not in row.values
    assert len(notes) == 1


# -- Ray


@pytest.mark.parametrize("name", [name for name in RAY if name.startswith("job_") and RAY[name]["status"] == 200])
def test_every_job_of_ray_is_read_field_by_field(name: str) -> None:
    sent = RAY[name]["body"]
    job = read(Ray("http://ray"), "job", reply(name))
    status = WORDS[sent["status"]]
    assert (job.id, job.status, job.raw_status) == (sent["submission_id"] or sent["job_id"], status, sent["status"])
    assert (job.own["type"], job.own["job_id"]) == (sent["type"], sent["job_id"])
    assert job.created == datetime.fromtimestamp(sent["start_time"] / 1000, timezone.utc)
    assert (job.finished is None) is (not status.final)
    assert job.error == (sent["message"] if sent["status"] == "FAILED" else None)
    assert job.own["exit_code"] == sent["driver_exit_code"]
    assert job.metadata == (sent["metadata"] or {})
    assert job.name == (sent["metadata"] or {}).get("job_name", job.id)
    assert job.env == ((sent["runtime_env"] or {}).get("env_vars") or {})
    assert job.url == f"http://ray/#/jobs/{job.id}"
    assert job.raw == sent


def reply(name: str) -> Reply:
    body = RAY[name]["body"]
    raw = body if isinstance(body, str) else json.dumps(body)
    return Reply(RAY[name]["status"], {}, raw.encode(), "ray", RAY[name]["request"]["path"])


def test_the_list_of_ray_has_all_its_jobs_newest_first() -> None:
    jobs = read(Ray("http://ray"), "list", reply("list"))
    assert {job.id for job in jobs} == {sent["submission_id"] or sent["job_id"] for sent in RAY["list"]["body"]}
    starts = [job.created for job in jobs]
    assert starts == sorted(starts, reverse=True)


REFUSED = {
    "auth_invalid_403": ("list", TokenRejected, "Invalid authentication token"),
    "auth_missing_401": ("list", SignInNeeded, ""),
    "delete_404": ("delete", NotFound, "does not exist"),
    "delete_again_404": ("delete", NotFound, "does not exist"),
    "delete_driver_400": ("delete", Unsupported, "Can only delete submission type jobs"),
    "delete_running_500": ("delete", ServerError, "it is in a non-terminal state RUNNING"),
    "job_404": ("job", NotFound, "Job nope does not exist"),
    "job_trailing_slash_404": ("job", NotFound, "404: Not Found"),
    "list_no_trailing_slash_404": ("list", NotFound, "404: Not Found"),
    "logs_404": ("logs", NotFound, "does not exist"),
    "logs_driver_400": ("logs", Unsupported, "Can only get logs of submission type jobs"),
    "stop_404": ("stop", NotFound, "does not exist"),
    "stop_driver_400": ("stop", Unsupported, "Can only stop submission type jobs"),
    "submit_bad_metadata_400": ("submit", BadInput, "metadata values must be strings"),
    "submit_duplicate_500": ("submit", BadInput, "Job with submission_id swnb-success already exists"),
    "submit_from_browser_405": ("submit", ServerError, "not allowed for browser traffic"),
    "submit_missing_entrypoint_400": ("submit", BadInput, "missing 1 required positional argument: 'entrypoint'"),
    "submit_not_json_500": ("submit", ServerError, "Server got itself in trouble"),
    "submit_unknown_field_400": ("submit", BadInput, "unexpected keyword argument 'bogus'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_of_ray_says_its_reason_without_the_traceback(name: str) -> None:
    verb, kind, words = REFUSED[name]
    error = read(Ray("http://ray"), verb, reply(name))
    assert type(error) is kind
    assert words in str(error)
    assert "Traceback" not in str(error)


TAKEN = {
    "delete_ok": ("delete", True),
    "stop_terminal": ("stop", False),
    "submit_ok": ("submit", "swnb-sub2"),
    **{
        name: ("logs", RAY[name]["body"]["logs"])
        for name in RAY
        if name.startswith("logs_") and RAY[name]["status"] == 200
    },
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_ray_did_and_its_logs_are_taken_as_sent(name: str) -> None:
    verb, expected = TAKEN[name]
    assert read(Ray("http://ray"), verb, reply(name)) == expected


def test_tasks_are_counted_by_function_with_numbers_of_progress() -> None:
    server = Server().on("GET", "/api/jobs/02000000", reply("job_tasks"))
    server.on("GET", "/api/v0/tasks/summarize", reply("state_task_summary_job"))
    tasks = {task.id: task for task in server.run(Ray("http://ray").tasks(None, "02000000"))}
    assert {name: task.status for name, task in tasks.items()} == {
        "Counter.add": Status.SUCCEEDED,
        "square": Status.SUCCEEDED,
        "boom": Status.FAILED,
        "Counter.__init__": Status.SUCCEEDED,
    }
    assert tasks["boom"].raw_status == "2 FAILED"
    square = tasks["square"].own
    assert [square[name] for name in ("total", "pending", "running", "succeeded", "failed", "progress")] == [
        8,
        0,
        0,
        8,
        0,
        1,
    ]
    filters = {"filter_keys": "job_id", "filter_predicates": "=", "filter_values": RAY["job_tasks"]["body"]["job_id"]}
    assert server.asked[-1] == ("GET", "/api/v0/tasks/summarize", filters)


def test_tasks_of_the_whole_cluster_are_read_in_the_same_form() -> None:
    server = Server().on("GET", "/api/jobs/02000000", reply("job_tasks"))
    server.on("GET", "/api/v0/tasks/summarize", reply("state_task_summary_all"))
    tasks = server.run(Ray("http://ray").tasks(None, "02000000"))
    sent = RAY["state_task_summary_all"]["body"]["data"]["result"]["result"]["node_id_to_summary"]["cluster"]["summary"]
    assert {task.id: task.own["states"] for task in tasks} == {k: v["state_counts"] for k, v in sent.items()}


def test_a_tree_of_tasks_is_no_summary_by_function() -> None:
    server = Server().on("GET", "/api/jobs/02000000", reply("job_tasks"))
    server.on("GET", "/api/v0/tasks/summarize", reply("state_task_lineage_job"))
    with pytest.raises(BadReply):
        server.run(Ray("http://ray").tasks(None, "02000000"))


def test_what_the_state_api_refuses_is_said_in_its_words() -> None:
    server = Server().on("GET", "/api/jobs/02000000", reply("job_tasks"))
    server.on("GET", "/api/v0/tasks/summarize", reply("state_bad_filter"))
    with pytest.raises(ServerError, match="limit 20000 exceeds"):
        server.run(Ray("http://ray").tasks(None, "02000000"))


#: recorded, and nothing that the provider asks: read by nobody here
NOT_ASKED = {
    "authentication_mode", "authentication_mode_token", "cluster_metadata", "cluster_status", "component_activities",
    "gcs_healthz", "healthz_head_404", "nodes_summary", "prometheus_sd", "state_actors_of_job", "state_jobs",
    "state_jobs_filter", "state_nodes", "state_tasks_failed_detail", "state_tasks_of_job", "v0_log_file_by_submission",
    "v0_logs_index",
    "tail_404", "tail_driver_400", "tail_finished", "tail_running",  # a WebSocket, which fetch reads
}  # fmt: skip
ASKED_ABOVE = {
    "list",
    "version",
    "state_task_summary_job",
    "state_task_summary_all",
    "state_task_lineage_job",
    "state_bad_filter",
}


def test_no_recorded_answer_of_ray_is_forgotten() -> None:
    jobs = {name for name in RAY if name.startswith("job_") and RAY[name]["status"] == 200}
    assert jobs | REFUSED.keys() | TAKEN.keys() | NOT_ASKED | ASKED_ABOVE == RAY.keys()


# -- telling them apart

GO_404 = Reply(404, {}, b"404 page not found")


def told(version: Reply, jobs: Reply = GO_404) -> str | None:
    server = Server().on("GET", "/api/version", version).on("GET", "/api/jobs", jobs)
    found = server.run(recognise())
    assert all(not call.signed and call.method == "GET" for call in server.calls)
    return found


@pytest.mark.parametrize("name", ["version", "auth_missing_401", "auth_invalid_403"])
def test_ray_is_known_by_its_version_or_its_refusal(name: str) -> None:
    assert told(reply(name)) == "ray"


@pytest.mark.parametrize(
    ("side", "version", "jobs"),
    [
        ("frontend", "path: /api/version", "list: empty"),
        ("dashboard", "path: /api/version", "list: empty"),
        ("frontend", "path: /api/version", "list: one job of each status"),
        ("frontend", "auth: no token, /api/version", "auth: no token"),
        ("dashboard", "path: /api/version", "auth: no token"),
    ],
)
def test_openyuanrong_is_known_by_its_list_also_where_that_is_refused_or_blind(
    side: str, version: str, jobs: str
) -> None:
    cases = {case["name"]: case for case in YR["cases"]}

    def answer(name: str) -> Reply:
        case = cases[name]
        found = case[side] if isinstance(case.get(side), dict) else case["frontend"]
        return Reply(found["status"], {}, text_of(found["body"], side).encode())

    assert told(answer(version), answer(jobs)) == "yuanrong"


def test_a_dashboard_without_its_frontend_is_still_known() -> None:
    answer = YR["dashboard_without"][0]["dashboard"]
    assert told(GO_404, Reply(answer["status"], {}, answer["body"].encode())) == "yuanrong"


@pytest.mark.parametrize(
    "jobs",
    [
        Reply(200, {}, b"[]"),
        Reply(200, {}, b'""'),
        Reply(200, {}, b'[{"id": 1}]'),
        Reply(200, {}, b"<html></html>"),
        Reply(200, {}, b'{"jobs": []}'),
        Reply(401, {}, b'{"error": "who are you"}'),
        Reply(404, {}, b"nothing"),
        Reply(500, {}, b"\xff"),
    ],
)
def test_a_server_that_is_neither_is_not_taken_for_one(jobs: Reply) -> None:
    assert told(Reply(404, {}, b"<h1>Not Found</h1>"), jobs) is None


def test_the_page_of_the_reference_is_read_exactly() -> None:
    found = environment(
        {
            "envVars": '{"DEPLOY_REGION":"suzhou_std","SOURCE_REGION":"suzhou_std"}',
            "pip": "pip3.9 install numpy==1.24 scipy==1.11.0 && pip3.9 check",
            "working_dir": "file:///home/disk/tk/file.zip",
        }
    )
    assert found == {
        "env_vars": {"DEPLOY_REGION": "suzhou_std", "SOURCE_REGION": "suzhou_std"},
        "pip": ["numpy==1.24", "scipy==1.11.0"],
        "working_dir": "file:///home/disk/tk/file.zip",
    }
