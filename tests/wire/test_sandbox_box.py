"""The box: clock, faults, live logs, actions, shutting down."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from swnb import sandbox
from swnb.sandbox import Box
from swnb.sandbox.serve import PLATFORMS
from swnb.sandbox.world import Job

OK = "success"


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(jobs=60, rows=2_000_000, clock="manual") as box:
        yield box


@pytest.fixture
def http(box: Box) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {box.token('starwhale')}"}
    with httpx.Client(base_url=f"{box.url('starwhale')}/api/v1", headers=headers, trust_env=False) as client:
        yield client


def job_in(box: Box, status: str) -> tuple[str, Job]:
    """The path and the first job of that status."""
    found = ((p, j) for p in box.world.projects for j in p.jobs if j.timeline.status(box.clock.now) == status)
    project, job = next(found)
    return f"/project/{project.id}/job/{job.id}", job


def table_of(box: Box, job: Job, name: str) -> str:
    project = next(project for project in box.world.projects if job in project.jobs)
    return f"project/{project.id}/eval/{job.uuid[:2]}/{job.uuid}/{name}"


def scan(http: httpx.Client, table: str, **more: Any) -> dict[str, Any]:
    reply = http.post("/datastore/scanTable", json={"tables": [{"tableName": table}], **more})
    assert reply.status_code == 200, reply.text
    data: dict[str, Any] = reply.json()["data"]
    return data


def test_every_status_is_in_the_demo_world(box: Box, http: httpx.Client) -> None:
    seen = set()
    for project in (1, 2, 3):
        listed = http.get(f"/project/{project}/job", params={"pageSize": 100}).json()["data"]["list"]
        seen |= {job["jobStatus"] for job in listed}
    assert seen == {"CREATED", "READY", "RUNNING", "PAUSED", "CANCELLING", "CANCELED", "SUCCESS", "FAIL", "UNKNOWN"}


def test_a_running_job_grows_and_ends_as_the_clock_moves(box: Box, http: httpx.Client) -> None:
    path, job = job_in(box, "running")
    table = table_of(box, job, "train")
    before = len(scan(http, table)["records"])
    box.clock.advance(40)
    assert len(scan(http, table)["records"]) > before
    box.clock.advance(5 * 3600)
    assert len(scan(http, table)["records"]) == 400
    assert http.get(path).json()["data"]["jobStatus"] == "SUCCESS"


def test_the_summary_table_follows_the_status(box: Box, http: httpx.Client) -> None:
    path, job = job_in(box, "running")
    table = f"project/{path.split('/')[2]}/eval/summary"
    bounds = {"start": job.uuid, "end": job.uuid, "endInclusive": True}
    assert scan(http, table, **bounds)["records"][0]["sys/job_status"]["value"] == "RUNNING"
    http.post(f"{path}/cancel")
    assert scan(http, table, **bounds)["records"][0]["sys/job_status"]["value"] == "CANCELLING"
    box.clock.advance(2)
    assert scan(http, table, **bounds)["records"][0]["sys/job_status"]["value"] == "CANCELED"
    assert http.post(f"{path}/cancel").status_code == 400


def test_a_paused_job_says_running_while_its_tasks_are_paused(box: Box, http: httpx.Client) -> None:
    path, _ = job_in(box, "running")
    assert http.post(f"{path}/pause").json()["data"] == "Success: pause"
    assert http.get(path).json()["data"]["jobStatus"] == "RUNNING"
    assert http.get(f"{path}/task").json()["data"]["list"][0]["taskStatus"] == "PAUSED"
    assert http.post(f"{path}/resume").status_code == 400
    assert [event["message"] for event in http.get(f"{path}/event").json()["data"]] == ["Job paused"]


def test_a_failed_job_can_be_resumed_and_gets_a_new_run(box: Box, http: httpx.Client) -> None:
    path, _ = job_in(box, "failed")
    task = http.get(f"{path}/task").json()["data"]["list"][0]
    assert (len(task["runs"]), task["retryNum"], task["taskStatus"]) == (4, 3, "FAIL")
    assert task["failedReason"]
    http.post(f"{path}/resume")
    box.clock.advance(10)
    assert http.get(path).json()["data"]["jobStatus"] == "RUNNING"
    assert len(http.get(f"{path}/task").json()["data"]["list"][0]["runs"]) == 5


def test_a_removed_job_answers_by_number_only(box: Box, http: httpx.Client) -> None:
    path, job = job_in(box, "succeeded")
    assert http.delete(path).json()["data"] == OK
    assert http.get(path).status_code == 200
    assert http.get(path.rsplit("/", 1)[0] + f"/{job.uuid}").status_code == 404
    assert job.uuid not in http.get(path.rsplit("/", 1)[0], params={"pageSize": 1000}).text


def test_pinned_jobs_come_first_and_comments_are_kept(box: Box, http: httpx.Client) -> None:
    path, job = job_in(box, "succeeded")
    http.post(f"{path}/pin", json={"pinned": True})
    http.put(path, json={"comment": "the best"})
    first = http.get(path.rsplit("/", 1)[0]).json()["data"]["list"][0]
    assert (first["id"], first["comment"]) == (str(job.id), "the best")


def test_a_live_log_sends_all_so_far_then_what_comes_then_closes(box: Box, http: httpx.Client) -> None:
    _, job = job_in(box, "running")
    task = job.tasks[0]
    assert http.get(f"/log/offline/{task.id}").json()["data"] == []
    address = f"{box.url('starwhale').replace('http', 'ws')}/api/v1/log/online/{task.id}"
    with connect(address, proxy=None) as live:
        assert str(live.recv(timeout=5)).startswith("start ")
        box.clock.advance(6 * 3600)
        rest = list(live)
    assert str(rest[-1]).endswith("\nend")
    name = http.get(f"/log/offline/{task.id}").json()["data"][0]
    assert http.get(f"/log/offline/{task.id}/{name}").text.startswith("STDOUT: start ")


def test_a_failed_job_tells_its_error_in_the_log(box: Box, http: httpx.Client) -> None:
    _, job = job_in(box, "failed")
    names = http.get(f"/log/offline/{job.tasks[0].id}").json()["data"]
    assert len(names) == 4
    assert "ERROR " in http.get(f"/log/offline/{job.tasks[0].id}/{names[-1]}").text


def test_pages_of_a_large_table_are_the_same_however_they_are_asked(box: Box, http: httpx.Client) -> None:
    _, job = job_in(box, "succeeded")
    table = table_of(box, job, "big")
    whole = scan(http, table, start=f"{1_500_000:016x}", limit=300)
    assert len(whole["records"]) == 300
    halves = [scan(http, table, start=f"{at:016x}", end=f"{at + 150:016x}")["records"] for at in (1_500_000, 1_500_150)]
    assert whole["records"] == halves[0] + halves[1]
    assert whole["lastKey"] == f"{1_500_299:016x}"
    slow = http.post(
        "/datastore/scanTable",
        json={"tables": [{"tableName": table}, {"tableName": "none"}], "start": f"{1_500_000:016x}", "limit": 300},
    )
    assert slow.json()["data"]["records"] == whole["records"]
    assert scan(http, table, start=f"{2_000_000:016x}")["records"] == []


def test_a_large_text_comes_through_a_signed_link(box: Box, http: httpx.Client) -> None:
    job = next(job for job in box.world.projects[0].jobs if "results" in job.tables)
    row = scan(http, table_of(box, job, "types"))["records"][-1]
    link = row["v_long"]["value"]["link"]["value"]
    uri, offset, size = link["uri"]["value"], int(link["offset"]["value"], 16), int(link["size"]["value"], 16)
    signed = http.post("/filestorage/sign-links", params={"expTimeMillis": 60_000}, json=[uri]).json()["data"][uri]
    got = httpx.get(signed, headers={"Range": f"bytes={offset}-{offset + size - 1}"}, trust_env=False)
    assert (got.status_code, len(got.content)) == (200, size)
    whole = http.get("/filestorage/file", params={"uri": uri, "offset": offset, "size": size})
    assert whole.content == got.content
    assert httpx.get(signed[:-1] + "x", trust_env=False).status_code == 400


def test_what_is_written_comes_back_with_its_revision(box: Box, http: httpx.Client) -> None:
    body: dict[str, Any] = {
        "tableName": "project/1/eval/aa/aaaa/written",
        "tableSchemaDesc": {
            "keyColumn": "id",
            "columnSchemaList": [
                {"name": "id", "type": "INT64"},
                {"name": "a", "type": "LIST", "elementType": {"type": "INT64"}},
            ],
        },
        "records": [{"values": [{"key": "id", "value": "1"}, {"key": "a", "value": ["2"]}]}],
    }
    assert http.post("/datastore/updateTable", json=body).json()["data"] == "1"
    gone = {**body, "records": [{"values": [{"key": "id", "value": "1"}, {"key": "-", "value": "1"}]}]}
    assert http.post("/datastore/updateTable", json=gone).json()["data"] == "2"
    now = scan(http, body["tableName"])
    assert (now["records"], now["lastKey"]) == ([], f"{1:016x}")
    old = http.post("/datastore/scanTable", json={"tables": [{"tableName": body["tableName"], "revision": "1"}]})
    assert old.json()["data"]["records"][0]["a"]["value"] == [{"type": "INT64", "value": f"{2:016x}"}]


# Faults


def test_a_fault_meets_as_many_requests_as_it_says(box: Box, http: httpx.Client) -> None:
    rule = box.faults.add("status", path="/project$", times=2, status=429, retry_after="1")
    replies = [http.get("/project") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert replies[0].headers["retry-after"] == "1"
    assert (rule.met, box.requests.count("/project$"), box.requests.count(status=429)) == (2, 3, 2)


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_cut_connection_ends_in_a_transport_error(box: Box, http: httpx.Client, kind: Any) -> None:
    box.faults.add(kind, times=1)
    with pytest.raises(httpx.TransportError):
        http.get("/project")
    assert http.get("/project").status_code == 200


@pytest.mark.parametrize("kind", ["truncate", "garbage"])
def test_a_spoilt_answer_is_whole_http_but_not_what_was_asked(box: Box, http: httpx.Client, kind: Any) -> None:
    good = http.get("/project").text
    box.faults.add(kind, times=1)
    spoilt = http.get("/project")
    assert spoilt.status_code == 200
    assert spoilt.text == good[: len(good) // 2] or json.loads(spoilt.text)[1:] == [1, None]


def test_an_expired_token_is_refused_until_the_fault_is_cleared(box: Box, http: httpx.Client) -> None:
    box.faults.add("expire")
    assert http.get("/project").json()["message"] == ["JWT token is expired or invalid."]
    box.faults.clear()
    assert http.get("/project").status_code == 200


def test_a_stalled_request_ends_when_the_client_goes(box: Box, http: httpx.Client) -> None:
    box.faults.add("stall", path="/project$")
    with pytest.raises(httpx.ReadTimeout):
        http.get("/project", timeout=0.2)
    assert http.get("/user/current").status_code == 200


def test_rows_can_move_between_two_pages(box: Box, http: httpx.Client) -> None:
    store = box.platform("starwhale").store
    table = "project/1/eval/aa/aaaa/moving"
    store.write(table, [{"id": key} for key in range(4)])
    move = [{"id": 0, "-": True}, {"id": 10}]
    box.faults.add("do", path="scanTable", skip=1, times=1, do=lambda: store.write(table, move))
    first = scan(http, table, limit=2)
    rest = scan(http, table, start=first["lastKey"], startInclusive=False)
    assert [int(row["id"]["value"], 16) for row in first["records"] + rest["records"]] == [0, 1, 2, 3, 10]


def test_real_costs_book_time_on_two_cores(box: Box, http: httpx.Client) -> None:
    box.faults.as_real()
    _, job = job_in(box, "succeeded")
    scan(http, table_of(box, job, "big"), limit=1000)
    costs = box.faults.costs
    assert costs is not None
    assert max(costs.cores) > 0.0
    assert min(costs.cores) == 0.0
    box.faults.clear()
    assert box.faults.costs is None


# The box itself


def test_only_loopback_is_served_unless_told_otherwise() -> None:
    with pytest.raises(ValueError, match="allow_remote=True"):
        sandbox.run(host="0.0.0.0")
    with sandbox.run(jobs=1, host="0.0.0.0", allow_remote=True) as box:
        assert box.platforms == list(PLATFORMS)


def test_an_unknown_platform_is_named() -> None:
    with pytest.raises(ValueError, match="no platform 'wandb'"):
        sandbox.run(("wandb",))


def test_a_closed_box_leaves_no_thread_and_no_port() -> None:
    box = sandbox.run(jobs=3)
    url = box.url("starwhale")
    stalled = box.faults.add("stall", path="current")
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.TransportError):
        threading.Timer(0.2, box.close).start()
        client.get(f"{url}/api/v1/user/current", timeout=10)
    box.close()
    assert stalled.met == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "swnb-sandbox"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_the_same_seed_makes_the_same_world() -> None:
    worlds = []
    for seed in (7, 7, 8):
        with sandbox.run(jobs=9, seed=seed, clock="manual") as box:
            worlds.append([(job.uuid, job.name, job.summary) for job in box.world.jobs()])
    assert worlds[0] == worlds[1] != worlds[2]


def test_the_command_line_prints_uri_and_token_and_stops_on_ctrl_c() -> None:
    command = [sys.executable, "-m", "swnb.sandbox", "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert httpx.get(lines[0].strip().removeprefix("starwhale+"), trust_env=False).status_code == 404
        process.send_signal(2)
        assert process.wait(timeout=10) == 0
    assert lines[1].startswith("  token ")
    assert "starwhale" in lines[2]


def test_the_command_line_refuses_a_remote_host_without_the_flag() -> None:
    command = [sys.executable, "-m", "swnb.sandbox", "--host", "0.0.0.0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert refused.returncode == 2
    assert "--allow-remote" in refused.stdout
