"""The Ray sandbox answers the recorded questions as the real head did, and behaves as the paper says."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from swnb import sandbox
from swnb.sandbox import Box

with gzip.open(Path(__file__).parent.parent / "data" / "ray-jobs.json.gz", "rt", encoding="utf-8") as text:
    RECORDED: dict[str, Any] = json.load(text)

LEFT_OUT = {
    "auth_missing_401": "asked in token mode: below",
    "auth_invalid_403": "asked in token mode: below",
    "authentication_mode_token": "asked in token mode: below",
    "tail_404": "a WebSocket: below",
    "tail_driver_400": "a WebSocket: below",
    "tail_finished": "a WebSocket: below",
    "tail_running": "a WebSocket: below",
    "delete_again_404": "asked after a delete: below",
    "delete_ok": "asked after a submit: below",
    "job_sub2": "asked after a submit: below",
    "submit_ok": "asked before the rest: below",
    "cluster_status": "of the recorded cluster; only what is in use is shown",
    "component_activities": "times of the recorded cluster",
    "nodes_summary": "of the recorded node; the CPU and memory alone are shown",
    "state_nodes": "of the recorded node",
    "prometheus_sd": "the sandbox measures nothing",
    "state_task_lineage_job": "the tree of tasks: no client of ours asks it",
    "state_task_summary_all": "tasks were recorded of one job only",
    "state_tasks_failed_detail": "what the detail of a real task holds besides its states: below",
    "v0_logs_index": "names the recorded node: below",
}


def http_of(box: Box) -> httpx.Client:
    return httpx.Client(base_url=box.url("ray"), trust_env=False, headers={"User-Agent": "test"})


def ask(http: httpx.Client, question: dict[str, Any]) -> httpx.Response:
    request = question["request"]
    body = request.get("body")
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return http.request(request["method"], request["path"], content=content, headers=request.get("headers"))


def body_of(reply: httpx.Response) -> Any:
    return reply.json() if reply.headers["content-type"].startswith("application/json") else reply.text


@pytest.fixture(scope="module")
def recorded() -> Iterator[Box]:
    with sandbox.run(["ray"], jobs=0, clock="manual") as box:
        box.platform("ray").load(RECORDED)
        yield box


@pytest.fixture
def made() -> Iterator[Box]:
    with sandbox.run(["ray"], jobs=80, clock="manual") as box:
        box.platform("ray").tail_seconds = 0.02
        yield box


@pytest.fixture
def running() -> Iterator[Box]:
    """A sandbox that really runs what is submitted."""
    with sandbox.run(["ray"], jobs=0, allow_run=True) as box:
        box.platform("ray").tail_seconds = 0.02
        yield box


def settled(http: httpx.Client, job: str, *words: str) -> dict[str, Any]:
    """The job when it has come to one of these statuses."""
    for _ in range(1000):
        record: dict[str, Any] = http.get(f"/api/jobs/{job}").json()
        if record["status"] in words:
            return record
        time.sleep(0.01)
    raise AssertionError(f"{job} is still {record['status']}")


# What was recorded


@pytest.mark.parametrize("name", [name for name in RECORDED if name not in LEFT_OUT])
def test_a_recorded_question_is_answered_as_it_was(recorded: Box, name: str) -> None:
    question = RECORDED[name]
    with http_of(recorded) as http:
        reply = ask(http, question)
    assert reply.status_code == question["status"], reply.text
    assert reply.headers["content-type"] == question["content_type"]
    assert loose(body_of(reply), name) == loose(question["body"], name)


def loose(body: Any, name: str) -> Any:
    """Lists come in no useful order; how many actors the whole cluster had was not recorded."""
    if name == "list":
        return sorted(body, key=lambda job: str(job["submission_id"] or job["job_id"]))
    if name.startswith("state_") and body["result"]:
        result = body["data"]["result"]
        if name == "state_actors_of_job":
            result = result | {"total": 0, "num_after_truncation": 0}
        if name.startswith("state_jobs"):
            result = result | {"result": sorted(result["result"], key=lambda row: str(row["submission_id"]))}
        return result
    return body


def test_a_submitted_job_is_read_and_deleted_as_it_was(made: Box) -> None:
    with http_of(made) as http:
        assert ask(http, RECORDED["submit_ok"]).json() == RECORDED["submit_ok"]["body"]
        made.clock.advance(60)
        got, was = ask(http, RECORDED["job_sub2"]).json(), RECORDED["job_sub2"]["body"]
        placed = {"start_time", "end_time", "driver_agent_http_address", "driver_node_id"}
        assert {k: v for k, v in got.items() if k not in placed} == {k: v for k, v in was.items() if k not in placed}
        assert all(type(got[name]) is type(was[name]) for name in placed)
        for name in ("delete_ok", "delete_again_404"):
            reply = ask(http, RECORDED[name])
            assert (reply.status_code, body_of(reply)) == (RECORDED[name]["status"], RECORDED[name]["body"])


@pytest.mark.parametrize(
    ("name", "header"),
    [("auth_missing_401", {}), ("auth_invalid_403", {"Authorization": "Bearer x"}), ("authentication_mode_token", {})],
)
def test_token_mode_answers_as_it_did(made: Box, name: str, header: dict[str, str]) -> None:
    made.platform("ray").auth = True
    with http_of(made) as http:
        reply = http.get(RECORDED[name]["request"]["path"], headers=header)
    assert (reply.status_code, body_of(reply)) == (RECORDED[name]["status"], RECORDED[name]["body"])
    assert reply.headers["content-type"] == RECORDED[name]["content_type"]


def test_the_token_passes_in_two_headers_and_a_cookie_but_in_no_query(made: Box) -> None:
    made.platform("ray").auth = True
    token = made.token("ray")
    with http_of(made) as http:
        asked = [
            http.get("/api/version", headers={"Authorization": f"Bearer {token}"}),
            http.get("/api/version", headers={"X-Ray-Authorization": f"Bearer {token}"}),
            http.get("/api/version", headers={"Cookie": f"ray-authentication-token={token}"}),
            http.get("/api/version", headers={"Authorization": token}),
            http.get("/api/version", params={"token": token}),
        ]
    assert [reply.status_code for reply in asked] == [200, 200, 200, 403, 401]


@pytest.mark.parametrize("name", ["tail_404", "tail_driver_400"])
def test_a_live_log_is_refused_at_the_handshake(recorded: Box, name: str) -> None:
    path = RECORDED[name]["request"]["path"]
    with pytest.raises(InvalidStatus) as refused:
        connect(recorded.url("ray").replace("http", "ws") + path, proxy=None)
    assert refused.value.response.status_code == RECORDED[name]["handshake_status"]


def test_the_live_log_of_an_ended_job_comes_whole_and_closes(recorded: Box) -> None:
    question = RECORDED["tail_finished"]
    with connect(recorded.url("ray").replace("http", "ws") + question["request"]["path"], proxy=None) as socket:
        frames = list(socket)
    assert frames == [message["data"] for message in question["messages"] if message["type"] == "TEXT"]
    assert socket.close_code == question["close_code"]


# The made-up world


def test_every_status_and_kind_is_in_the_world(made: Box) -> None:
    with http_of(made) as http:
        jobs = http.get("/api/jobs/").json()
    assert {job["status"] for job in jobs} == {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"}
    kinds = [job["type"] for job in jobs]
    assert set(kinds) == {"SUBMISSION", "DRIVER"}
    assert kinds == sorted(kinds, reverse=True)  # drivers last
    drivers = [job for job in jobs if job["type"] == "DRIVER"]
    assert {job["status"] for job in drivers} == {"RUNNING", "SUCCEEDED"}
    assert {job["end_time"] for job in drivers if job["status"] == "RUNNING"} == {0}
    assert any("API_KEY" in str(job["runtime_env"]) for job in jobs)
    assert any("last available logs" in (job["message"] or "") for job in jobs if job["status"] == "FAILED")
    for job in jobs:
        assert (job["driver_info"] is None) == (job["job_id"] is None)


def job_in(box: Box, status: str, core: bool = True) -> dict[str, Any]:
    with http_of(box) as http:
        jobs = http.get("/api/jobs/").json()
    found = [job for job in jobs if job["status"] == status and job["type"] == "SUBMISSION"]
    return dict(next(job for job in found if (job["job_id"] is not None) == core))


def filters(job: dict[str, Any], *more: tuple[str, str]) -> dict[str, Any]:
    keys, values = zip(("job_id", job["job_id"]), *more, strict=True)
    return {"filter_keys": keys, "filter_predicates": ["="] * len(keys), "filter_values": values}


def test_the_tasks_of_a_running_job_grow_as_the_clock_moves(made: Box) -> None:
    job = young(made)
    with http_of(made) as http:

        def finished() -> int:
            reply = http.get("/api/v0/tasks/summarize", params=filters(job)).json()
            cluster = reply["data"]["result"]["result"]["node_id_to_summary"]["cluster"]
            assert cluster["total_actor_scheduled"] == 1
            return int(cluster["summary"]["train_step"]["state_counts"].get("FINISHED", 0))

        before = finished()
        made.clock.advance(30)
        assert finished() > before
        rows = http.get("/api/v0/tasks", params=filters(job, ("state", "RUNNING"))).json()["data"]["result"]
        assert [row["func_or_class_name"] for row in rows["result"]] == ["train_step"]
        made.clock.advance(5 * 3600)
        assert finished() == 40
        actors = http.get("/api/v0/actors", params=filters(job)).json()["data"]["result"]["result"]
        assert [actor["state"] for actor in actors] == ["DEAD"]


def young(box: Box) -> dict[str, Any]:
    """A job of the world that runs and will end well."""
    ray = box.platform("ray")
    for job in ray.shelf:
        if job.status(box.clock.now) == "running" and not job.driver and json.loads(ray.body(job))["job_id"]:
            return dict(json.loads(ray.body(job)))
    raise AssertionError("none")


def test_failed_tasks_tell_in_detail_what_went_wrong(made: Box) -> None:
    job = job_in(made, "FAILED")
    with http_of(made) as http:
        reply = http.get("/api/v0/tasks", params=filters(job, ("state", "FAILED")) | {"detail": 1}).json()
    rows = reply["data"]["result"]["result"]
    assert reply["data"]["result"]["total"] == len(rows) == 2
    assert all(row["error_message"] and row["events"][-1]["state"] == "FAILED" for row in rows)
    recorded = RECORDED["state_tasks_failed_detail"]["body"]["data"]["result"]["result"][0]
    assert {*RECORDED["state_tasks_of_job"]["body"]["data"]["result"]["result"][0]} <= {*rows[0]} & {*recorded}


def test_a_running_log_has_colours_and_the_servers_own_lines(made: Box) -> None:
    job = job_in(made, "RUNNING")
    with http_of(made) as http:
        log = http.get(f"/api/jobs/{job['submission_id']}/logs").json()["logs"]
        part = {"node_id": job["driver_node_id"], "filename": f"job-driver-{job['submission_id']}.log", "lines": 2}
        last = http.get("/api/v0/logs/file", params=part).text
        names = http.get("/api/v0/logs", params={"node_id": job["driver_node_id"], "glob": "job-driver*"}).json()
    lines = log.splitlines()
    assert "job_manager.py" in lines[0]
    assert lines[1] == f"Running entrypoint for job {job['submission_id']}: {job['entrypoint']}"
    assert "\x1b[1m" in log
    assert last.splitlines() == lines[-2:]
    assert part["filename"] in names["data"]["result"]["internal"]


def test_a_live_log_sends_ten_lines_a_frame_and_follows_the_job(made: Box) -> None:
    job = young(made)
    sid = job["submission_id"]
    url = f"{made.url('ray').replace('http', 'ws')}/api/jobs/{sid}/logs/tail"
    with connect(url, proxy=None) as socket:
        first = str(socket.recv(timeout=10))
        made.clock.advance(5 * 3600)
        frames = [first, *map(str, socket)]
    sizes = [frame.count("\n") for frame in frames]
    assert sizes[0] == max(sizes) == 10
    with http_of(made) as http:
        assert "".join(frames) == http.get(f"/api/jobs/{sid}/logs").json()["logs"]
    assert socket.close_code == 1000


def test_while_a_job_prints_a_close_is_not_answered(made: Box) -> None:
    url = f"{made.url('ray').replace('http', 'ws')}/api/jobs/{young(made)['submission_id']}/logs/tail"
    with connect(url, proxy=None, close_timeout=0.3) as socket:
        assert socket.recv(timeout=10)
    assert socket.close_code == 1006  # the client gave up waiting


def test_stopping_a_pending_job_says_true_and_does_nothing(made: Box) -> None:
    with http_of(made) as http:
        body = {"entrypoint": "x", "entrypoint_resources": {"no_such": 1}, "submission_id": "waits"}
        http.post("/api/jobs/", json=body)
        assert http.post("/api/jobs/waits/stop").json() == {"stopped": True}
        made.clock.advance(800)
        assert http.get("/api/jobs/waits").json()["status"] == "PENDING"
        made.clock.advance(200)
        ended = http.get("/api/jobs/waits").json()
    assert (ended["status"], ended["error_type"]) == ("FAILED", "JOB_SUPERVISOR_ACTOR_START_TIMEOUT")


def test_stopping_a_running_job_stops_it(made: Box) -> None:
    sid = young(made)["submission_id"]
    with http_of(made) as http:
        assert http.post(f"/api/jobs/{sid}/stop").json() == {"stopped": True}
        made.clock.advance(2)
        ended = http.get(f"/api/jobs/{sid}").json()
        assert http.post(f"/api/jobs/{sid}/stop").json() == {"stopped": False}
        assert http.delete(f"/api/jobs/{sid}").json() == {"deleted": True}
        assert http.get(f"/api/jobs/{sid}").status_code == 404
    assert (ended["status"], ended["driver_exit_code"]) == ("STOPPED", None)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"entrypoint": 1}, 400, "TypeError: entrypoint must be a string, got <class 'int'>"),
        ({"entrypoint": "x", "metadata": []}, 400, "TypeError: metadata must be a dict, got <class 'list'>"),
        (
            {"entrypoint": "x", "entrypoint_num_cpus": "1"},
            400,
            "TypeError: entrypoint_num_cpus must be a number, got <class 'str'>",
        ),
        (
            {"entrypoint": "x", "runtime_env": {"env_vars": {"A": 1}}},
            500,
            "TypeError: runtime_env['env_vars'] must be of type Dict[str, str]",
        ),
        ([], 500, "Server got itself in trouble"),
    ],
)
def test_a_wrong_submit_is_refused_and_leaves_no_job(made: Box, body: object, status: int, said: str) -> None:
    with http_of(made) as http:
        before = len(http.get("/api/jobs/").json())
        reply = http.post("/api/jobs/", json=body)
        assert reply.status_code == status
        assert said in reply.text.splitlines()
        assert len(http.get("/api/jobs/").json()) == before


def test_negative_resources_are_taken_and_the_job_fails(made: Box) -> None:
    with http_of(made) as http:
        http.post("/api/jobs/", json={"entrypoint": "x", "entrypoint_num_cpus": -1, "submission_id": "less"})
        record = http.get("/api/jobs/less").json()
    assert (record["status"], record["error_type"]) == ("FAILED", "JOB_SUPERVISOR_ACTOR_START_FAILURE")
    assert (record["driver_exit_code"], record["driver_node_id"]) == (None, None)


def test_a_browser_may_read_but_sees_no_values(made: Box) -> None:
    with http_of(made) as http:
        http.headers["User-Agent"] = "Mozilla/5.0"
        seen = [job["runtime_env"]["env_vars"] for job in http.get("/api/jobs/").json() if job["runtime_env"]]
        refused = http.post("/api/jobs/", json={"entrypoint": "x"})
    assert {value for env in seen for value in env.values()} == {"<redacted>"}
    assert refused.status_code == 405


# Really run


def test_an_entrypoint_really_runs(running: Box, tmp_path: Path) -> None:
    (tmp_path / "here.txt").write_text("in the folder")
    body = {
        "entrypoint": "cat here.txt; echo $SECRET >&2; exit 3",
        "submission_id": "real",
        "runtime_env": {"env_vars": {"SECRET": "passed"}, "working_dir": str(tmp_path)},
    }
    with http_of(running) as http:
        http.post("/api/jobs/", json=body)
        record = settled(http, "real", "FAILED", "SUCCEEDED")
        log = http.get("/api/jobs/real/logs").json()["logs"]
    assert (record["status"], record["driver_exit_code"]) == ("FAILED", 3)
    assert "in the folder" in log
    assert "passed" in log
    assert "passed" in record["message"]


def test_a_stop_ends_a_process_that_ignores_sigterm(running: Box) -> None:
    with http_of(running) as http:
        body = {"entrypoint": "trap '' TERM; echo $$; while true; do sleep 0.1; done", "submission_id": "stubborn"}
        http.post("/api/jobs/", json=body)
        pid = printed(http, "stubborn")
        assert http.post("/api/jobs/stubborn/stop").json() == {"stopped": True}
        assert settled(http, "stubborn", "STOPPED")["driver_exit_code"] is None
    assert not alive(pid)


def test_nothing_is_left_running_when_the_box_closes() -> None:
    with sandbox.run(["ray"], jobs=0, allow_run=True) as box, http_of(box) as http:
        http.post("/api/jobs/", json={"entrypoint": "(sleep 600 & echo $!); sleep 600", "submission_id": "long"})
        child = printed(http, "long")
        assert alive(child)
    until(lambda: not alive(child))


def test_a_missing_working_folder_fails_the_job(running: Box) -> None:
    with http_of(running) as http:
        body = {"entrypoint": "true", "submission_id": "lost", "runtime_env": {"working_dir": "/no/such/folder"}}
        http.post("/api/jobs/", json=body)
        record = http.get("/api/jobs/lost").json()
    assert (record["status"], record["error_type"]) == ("FAILED", "RUNTIME_ENV_SETUP_FAILURE")


def test_a_web_page_never_starts_a_process(tmp_path: Path) -> None:
    marks = {"Origin": "http://evil.test"}
    with sandbox.run(["ray", "yuanrong"], jobs=0, allow_run=True) as box:
        box.platform("ray").guard = False
        body = {"entrypoint": "touch was-here", "runtime_env": {"working_dir": str(tmp_path)}}
        url = box.url("yuanrong")
        refused = [
            httpx.post(f"{box.url('ray')}/api/jobs/", json=body, headers=marks, trust_env=False),
            httpx.post(f"{url}/api/jobs", json=body, headers=marks, trust_env=False),
            httpx.post(f"{box.platform('yuanrong').frontend_url}/api/jobs", json=body, headers=marks, trust_env=False),
        ]
        assert [reply.status_code for reply in refused] == [405, 403, 403]
        assert not [*box.platform("ray").shelf, *box.platform("yuanrong").shelf]


def test_yuanrong_really_runs_too(tmp_path: Path) -> None:
    body = {"entrypoint": "pwd; echo $A", "runtime_env": {"working_dir": str(tmp_path), "env_vars": {"A": "b"}}}
    with (
        sandbox.run(["yuanrong"], jobs=0, allow_run=True) as box,
        httpx.Client(base_url=box.url("yuanrong"), trust_env=False) as http,
    ):
        sid = http.post("/api/jobs", json=body).json()["submission_id"]
        settled(http, sid, "SUCCEEDED")
        log = http.get("/api/logs", params={"filename": f"{sid}.log", "end_line": 10}).text
        refused = http.post("/api/jobs", json=body | {"runtime_env": {"working_dir": "/no/such/folder"}})
    assert log.splitlines() == [str(tmp_path), "b"]
    assert refused.status_code == 500


def test_without_leave_nothing_runs(made: Box, tmp_path: Path) -> None:
    with http_of(made) as http:
        body = {
            "entrypoint": "touch was-here",
            "runtime_env": {"working_dir": str(tmp_path)},
            "submission_id": "played",
        }
        http.post("/api/jobs/", json=body)
        assert http.get("/api/jobs/played").json()["status"] == "PENDING"
        made.clock.advance(60)
        assert http.get("/api/jobs/played").json()["status"] == "SUCCEEDED"
    assert not [*tmp_path.iterdir()]


def test_the_command_line_lets_jobs_run_and_ends_them_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "swnb.sandbox", "--platform", "ray", "--allow-run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("ray+")
        with httpx.Client(base_url=url, trust_env=False, headers={"User-Agent": "test"}) as http:
            http.post("/api/jobs/", json={"entrypoint": "echo $$; sleep 600", "submission_id": "long"})
            pid = printed(http, "long")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    until(lambda: not alive(pid))


def test_running_is_never_offered_to_other_machines() -> None:
    with pytest.raises(ValueError, match="allow_run"):
        sandbox.run(["ray"], host="0.0.0.0", allow_remote=True, allow_run=True)


def printed(http: httpx.Client, sid: str) -> int:
    """The number that the job has printed."""
    for _ in range(1000):
        lines = http.get(f"/api/jobs/{sid}/logs").json()["logs"].splitlines()[2:]
        if lines:
            return int(lines[0])
        time.sleep(0.01)
    raise AssertionError(f"{sid} prints nothing")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def until(said: Callable[[], bool]) -> None:
    for _ in range(500):
        if said():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")
