"""Both profiles answer the recorded questions as the real servers did, and behave as the paper says."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from swnb import sandbox
from swnb.sandbox import Box
from swnb.sandbox.rayjobs.yuanrong_auth import make_token
from swnb.sandbox.rayjobs.yuanrong_board import Instance, LogFile

with gzip.open(Path(__file__).parent.parent / "data" / "yuanrong-jobs.json.gz", "rt", encoding="utf-8") as text:
    RECORDED: dict[str, Any] = json.load(text)

CASES = {case["name"]: case for case in RECORDED["cases"]}
OTHER = {case["name"]: case for case in RECORDED["dashboard_other"]}

LEFT_OUT = {
    "path: /app/v1/getappinfo known": "the frontend's inner twin of the jobs API; no client calls it",
    "path: /app/v1/getappinfo unknown": "the frontend's inner twin of the jobs API; no client calls it",
    "get: bad UTF-8 percent": "what Go makes of bytes that are no UTF-8; ids are ASCII",
    "path: instances summary (function master empty)": "the function master was empty beside five jobs; ours is not",
    "auth: IAM answers 500": "the IAM server is not played; its refusal is",
    "auth: IAM unreachable": "the IAM server is not played; its refusal is",
}

PAGES = {"auth: no token, Accept text/html", "auth: user, Accept text/html"}
"""Of an HTML page only status, type and first words are the same."""

WITHOUT_LEFT_OUT = {
    "frontend answers an HTML page, 502": "nothing stands between dashboard and frontend here",
    "function master unreachable": "the made-up cluster always answers",
}
"""Of the questions to a dashboard with something missing, by the words before the colon. Left out, too, is what was
asked of the frontend while a submit was under way: here it comes back at once."""

OTHER_LEFT_OUT = {
    "resources summary: master has none": "the made-up cluster always has a node",
    "cluster_status format=1": "the made-up demands of the recorded cluster",
    "cluster_status format=1, two pending": "the made-up demands of the recorded cluster",
    "resources summary": "the made-up numbers of the recorded cluster",
    "components": "the made-up numbers of the recorded cluster",
    "prometheus: no server": "no client of ours asks Prometheus",
    "instances by parent: app-run, after one of its instances went": "instances do not go one by one here",
    "instances by parent: ... and one was written again": "instances do not go one by one here",
}

MADE_UP = ("node_ip_address", "pid", "start_time", "end_time", "driver_node_id")
"""What the recorded cluster, itself made up, put into a job that was submitted or stopped while it was recorded."""

NOW = int(time.time())
TOKENS = {
    "developer": make_token(sub="default", exp=-1, role="developer"),
    "developer, exp -1": make_token(sub="default", exp=-1, role="developer"),
    "developer, exp in an hour": make_token(sub="default", exp=NOW + 3600, role="developer"),
    "developer, expired": make_token(sub="default", exp=NOW - 3600, role="developer"),
    "developer, no sub": make_token(exp=-1, role="developer"),
    "developer, refused by IAM": make_token(sub="stranger", exp=-1, role="developer"),
    "developer, standard base64 with padding": make_token(sub="ten>ant?", exp=-1, role="developer")
    .replace("-", "+")
    .replace("_", "/"),
    "developer, exp a string": make_token(sub="default", exp="soon", role="developer"),
    "user": make_token(sub="default", exp=-1, role="user"),
    "no role": make_token(sub="default", exp=-1),
    "role admin": make_token(sub="default", exp=-1, role="admin"),
    "role <b>": make_token(sub="default", exp=-1, role="<b>"),
    "payload not JSON": "e30.aGVsbG8.c2ln",
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def ask(url: str, request: dict[str, Any]) -> Answer:
    """Send it with its path as it stands."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {name: filled(value) for name, value in request.get("headers", {}).items()}
    body = request.get("body")
    connection.request(request["method"], filled(request["path"]), body.encode() if body else None, headers)
    reply = connection.getresponse()
    answer = Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read().decode())
    connection.close()
    return answer


def filled(text: str) -> str:
    for name, token in TOKENS.items():
        text = text.replace(f"<{name}>", token)
    return text


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(["yuanrong"], jobs=0, clock="manual") as box:
        box.platform("yuanrong").key = True
        box.platform("yuanrong").stop_seconds = 0.0
        yield box


@pytest.fixture
def made() -> Iterator[Box]:
    with sandbox.run(["yuanrong"], jobs=80, clock="manual") as box:
        yield box


def prepare(box: Box, case: dict[str, Any]) -> None:
    server, setting = box.platform("yuanrong"), case.get("setting", {})
    server.load(RECORDED["worlds"][case["world"]])
    server.auth = "frontend_demands_token" in setting
    server.iam = setting.get("iam") != "not configured"
    server.refuses, server.kill_fails = "create" in setting, "kill" in setting


def expected(case: dict[str, Any], side: str, body: Any) -> str:
    """The recorded text; `as_in` names another case's answer."""
    if isinstance(body, dict):
        named = CASES[body["as_in"]]
        return str((named["frontend"] if named[side] == "same" else named[side])["body"])
    return str(body)


def same(box: Box, answered: str, recorded: str) -> None:
    """Equal texts, but for random ids, addresses, numbers in keys (made up there as here) and the order of lists."""
    recorded = recorded.replace("http://127.0.0.1:8888", box.platform("yuanrong").frontend_url)
    answered, recorded = (re.sub(r"/req\d{5}/", "/REQUEST/", text) for text in (answered, recorded))
    if "<uuid4>" in recorded:
        pattern = re.escape(recorded).replace("<uuid4>", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
        assert re.fullmatch(pattern, answered), answered
    elif recorded.startswith("[{"):
        assert sorted(answered[8:-2].split('},{"key":')) == sorted(recorded[8:-2].split('},{"key":'))
    else:
        assert answered == recorded


def without_made_up(text: str) -> Any:
    """The record without what the recorded cluster made up."""
    record = json.loads(text)
    for place in (record, record["driver_info"]) if isinstance(record, dict) else ():
        for name in MADE_UP:
            place.pop(name, None)
    return record


ASKED = [(name, side) for name in CASES if name not in LEFT_OUT for side in ("frontend", "dashboard")]


@pytest.mark.parametrize(("name", "side"), [(name, side) for name, side in ASKED if side in CASES[name]])
def test_a_recorded_question_is_answered_as_it_was(box: Box, name: str, side: str) -> None:
    case = CASES[name]
    answer = case["frontend"] if case[side] == "same" else case[side]
    prepare(box, case)
    url = box.url("yuanrong") if side == "dashboard" else box.platform("yuanrong").frontend_url
    got = ask(url, case["request"])
    assert got.status == answer["status"], got.body
    for header in ("Content-Type", "Location"):
        assert got.headers.get(header.lower()) == answer["headers"].get(header)
    if name in PAGES:
        assert got.body[:60] == answer["body"][:60]
    else:
        same(box, got.body, expected(case, side, answer["body"]))
    if "then" in answer:
        after = ask(url, {"method": "GET", "path": case["then"].removeprefix("GET ")})
        assert after.status == answer["then"]["status"]
        recorded = expected(case, side, answer["then"]["body"])
        assert without_made_up(after.body) == without_made_up(recorded)


WITHOUT = {
    "list": {"method": "GET", "path": "/api/jobs"},
    "get": {"method": "GET", "path": "/api/jobs/app-run"},
    "submit": CASES["submit: least"]["request"],
    "submit with an id": {
        **CASES["submit: least"]["request"],
        "body": json.dumps({"entrypoint": "x", "runtime_env": {"working_dir": "/d"}, "submission_id": "x"}),
    },
    "stop": {"method": "POST", "path": "/api/jobs/app-run/stop"},
    "delete": {"method": "DELETE", "path": "/api/jobs/app-run"},
}


@pytest.mark.parametrize(
    "case",
    [case for case in RECORDED["dashboard_without"] if case["name"].partition(":")[0] not in WITHOUT_LEFT_OUT],
    ids=lambda case: case["name"],
)
def test_a_dashboard_without_its_frontend_says_so_as_it_did(box: Box, case: dict[str, Any]) -> None:
    prepare(box, CASES["list: one job of each status"])
    box.platform("yuanrong").down = True
    got = ask(box.url("yuanrong"), WITHOUT[case["name"].partition(": ")[2]])
    box.platform("yuanrong").down = False
    host = urlsplit(box.platform("yuanrong").frontend_url).netloc
    assert got.status == case["dashboard"]["status"]
    assert got.body == case["dashboard"]["body"].replace("127.0.0.1:9", host)


def test_only_the_dashboard_lets_other_pages_read(box: Box) -> None:
    prepare(box, CASES["list: empty"])
    request = CASES["list: empty"]["request"]
    assert ask(box.url("yuanrong"), request).headers["access-control-allow-origin"] == "*"
    answer = ask(box.platform("yuanrong").frontend_url, request)
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("name", [name for name in OTHER if name not in OTHER_LEFT_OUT])
def test_the_dashboard_shows_instances_and_logs_as_it_did(box: Box, name: str) -> None:
    prepare(box, CASES["list: empty"])
    board = box.platform("yuanrong").board
    held = RECORDED["dashboard_world"]
    number = list(OTHER).index(name)
    if number >= list(OTHER).index("instances by parent: app-run"):
        known = {row["id"]: row["job_id"] for row in held["instances"]}
        board.instances = [
            Instance(row["id"], 6 if row["id"] == "child-2" else 3, row["parent_id"], row["job_id"], message="m")
            for row in held["instances"]
        ]
        lines = [f"line {number}" for number in range(10)]
        names = [(log["filename"], log["instance_id"]) for log in held["logs"]]
        board.logs = [LogFile(file, owner, known.get(owner, ""), lines, "node-1") for file, owner in names]
    elif number >= list(OTHER).index("instances: one of each code"):
        board.instances = [Instance(f"i{c}", c, "app-run", "job-1", message=f"message {c}") for c in range(-1, 14)]
    answer = OTHER[name]["dashboard"]
    got = ask(box.url("yuanrong"), OTHER[name]["request"])
    board.instances = board.logs = None
    assert got.status == answer["status"]
    assert got.headers.get("content-type") == answer["headers"].get("Content-Type")
    assert loose(got.body) == loose(answer["body"])


def loose(text: str) -> Any:
    """Lists of instances have no order that means something."""
    if not text.startswith(("[", "{")):
        return text
    value = json.loads(text)
    rows = value if isinstance(value, list) else value.get("data")
    if isinstance(rows, list):
        rows.sort(key=lambda row: row["id"])
    return value


# The made-up world


def http_of(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False)


def test_every_status_of_the_platform_is_in_the_world(made: Box) -> None:
    with http_of(made.url("yuanrong")) as http:
        jobs = http.get("/api/jobs").json()
    assert {job["status"] for job in jobs} == {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED", ""}
    assert {type(job["start_time"]) for job in jobs} == {str}
    assert "key" not in jobs[0]
    assert any(job["error_type"] for job in jobs if job["status"] == "FAILED")
    assert any("API_KEY" in job["runtime_env"]["envVars"] for job in jobs)
    assert any(job["entrypoint"] == "" for job in jobs)  # an instance that was not made by this API
    assert any((job["metadata"] or {}).get("job_name") for job in jobs)


def test_a_job_is_submitted_runs_is_stopped_and_deleted(made: Box) -> None:
    with http_of(made.platform("yuanrong").frontend_url) as http:
        body = {"entrypoint": "python x.py", "runtime_env": {"working_dir": "/data"}, "submission_id": "demo"}
        assert http.post("/api/jobs", json=body).json() == {"submission_id": "app-demo"}
        assert http.get("/api/jobs/app-demo").json()["status"] == "RUNNING"
        assert http.delete("/api/jobs/app-demo").json() is False
        assert http.post("/api/jobs/app-demo/stop").json() is True
        assert http.get("/api/jobs/app-demo").json()["status"] == "RUNNING"  # the signal was sent, no more
        made.clock.advance(2)
        ended = http.get("/api/jobs/app-demo").json()
        assert (ended["status"], ended["error_type"]) == ("STOPPED", "the job was manually stopped")
        assert http.delete("/api/jobs/app-demo").json() is True
        assert http.get("/api/jobs/app-demo").status_code == 404


def test_swept_jobs_are_forgotten(made: Box) -> None:
    with http_of(made.url("yuanrong")) as http:
        before = http.get("/api/jobs").json()
        made.platform("yuanrong").sweep = True
        after = {job["submission_id"] for job in http.get("/api/jobs").json()}
        gone = [job for job in before if job["submission_id"] not in after]
        assert gone
        assert {job["status"] for job in gone} <= {"SUCCEEDED", "FAILED", "STOPPED"}
        assert http.get(f"/api/jobs/{gone[0]['submission_id']}").status_code == 404


def test_the_order_may_change_from_call_to_call(made: Box) -> None:
    with http_of(made.url("yuanrong")) as http:
        kept = [http.get("/api/jobs").content for _ in range(3)]
        made.platform("yuanrong").shuffle = True
        shuffled = [http.get("/api/jobs").content for _ in range(3)]
    assert len({*kept}) == 1
    assert len({*shuffled}) > 1


def test_a_jobs_children_end_one_after_the_other_among_strangers(made: Box) -> None:
    job = next(job for job in made.platform("yuanrong").shelf if job.status(made.clock.now) == "running")
    with http_of(made.url("yuanrong")) as http:
        rows = http.get("/api/v1/instances", params={"parent_id": job.id}).json()
        mine = [row for row in rows if row["parent_id"] == job.id]
        assert len(mine) == 4 < len(rows)
        running = [row["status"] for row in mine].count("running")
        made.clock.advance(5 * 3600)
        rows = http.get("/api/v1/instances", params={"parent_id": job.id}).json()
    assert running > 0
    assert {row["status"] for row in rows if row["parent_id"] == job.id} == {"fatal"}


def test_a_jobs_log_is_found_by_its_instance(made: Box) -> None:
    job = next(job for job in made.platform("yuanrong").shelf if job.status(made.clock.now) == "succeeded")
    with http_of(made.url("yuanrong")) as http:
        (names,) = http.get("/api/logs/list", params={"instance_id": job.id}).json()["data"].values()
        text = http.get("/api/logs", params={"filename": names[0], "end_line": 5000}).text
    assert text.splitlines() == job.lines(made.clock.now)[:5000]
    assert text.startswith("start ")


def test_an_expired_token_is_refused(made: Box) -> None:
    made.platform("yuanrong").auth = True
    made.faults.add("expire", times=1)
    with http_of(made.platform("yuanrong").frontend_url) as http:
        http.headers["X-Auth"] = made.token("yuanrong")
        refused = http.get("/api/jobs")
        assert refused.status_code == 401
        assert "IAM server validation failed" in refused.json()["error"]
        assert http.get("/api/jobs").status_code == 200


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"[]", "json: cannot unmarshal array into Go value of type"),
        (b'{"exp":1.5,"role":"developer"}', "json: cannot unmarshal number 1.5 into Go struct field JWTPayload.exp"),
        (b"null", "role  is not authorized"),
        (b"", "EOF"),
    ],
)
def test_odd_tokens_are_refused_with_401(made: Box, payload: bytes, said: str) -> None:
    made.platform("yuanrong").auth = True
    token = f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"
    with http_of(made.platform("yuanrong").frontend_url) as http:
        reply = http.get("/api/jobs", headers={"X-Auth": token})
    assert reply.status_code == 401
    assert said in reply.json()["error"]


def test_the_vendors_documented_requests_pass(made: Box) -> None:
    """Its client asks with a slash at the end, follows redirects and reads bare booleans (paper 1.1, 1.3)."""
    body = {
        "entrypoint": "python script.py",
        "submission_id": None,
        "runtime_env": {"working_dir": "file:///home/x.zip", "env_vars": {"A": "1"}, "pip": ["numpy==1.24"]},
        "metadata": {"autoscenes_ids": "auto_1-test", "task_type": "task_1", "ttl": "1250"},
        "labels": "",
        "createOptions": {},
        "entrypoint_num_cpus": 1,
        "entrypoint_num_gpus": 0,
        "entrypoint_memory": 134217728,
        "entrypoint_resources": {"NPU": 0},
    }
    with http_of(made.url("yuanrong")) as http:
        http.follow_redirects = True
        asked = http.post("/api/jobs/", json=body)
        name = asked.json()["submission_id"]
        assert [reply.status_code for reply in (*asked.history, asked)] == [307, 200]
        assert name in {job["submission_id"] for job in http.get("/api/jobs/").json()}
        record = http.get(f"/api/jobs/{name}").json()
        assert json.loads(record["runtime_env"]["envVars"]) == {"A": "1"}
        assert record["runtime_env"]["pip"] == "pip3.9 install numpy==1.24 && pip3.9 check"
        made.clock.advance(60)
        assert http.get(f"/api/jobs/{name}").json()["status"] == "SUCCEEDED"
        assert http.post(f"/api/jobs/{name}/stop").json() is False
        assert http.delete(f"/api/jobs/{name}").json() is True
