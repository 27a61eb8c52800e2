"""The sandbox's SwanLab over HTTP, as the paper says it: sign-in, reasons, pages, links, uploads, both generations."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from swnb import sandbox
from swnb.sandbox import Box
from swnb.sandbox.swanlab import SwanLab
from swnb.sandbox.swanlab.state import Project

STATES = {"RUNNING", "FINISHED", "CRASHED", "ABORTED", "OFFLINE"}


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(("swanlab",), jobs=60, clock="manual") as box:
        yield box


@pytest.fixture
def server(box: Box) -> SwanLab:
    platform = box.platform("swanlab")
    assert isinstance(platform, SwanLab)
    return platform


@pytest.fixture
def http(box: Box) -> Iterator[httpx.Client]:
    """Signed in as the first user."""
    with httpx.Client(base_url=f"{box.url('swanlab')}/api", trust_env=False) as client:
        sign_in(client, box.token("swanlab"))
        yield client


@pytest.fixture
def bare(box: Box) -> Iterator[httpx.Client]:
    """Nobody."""
    with httpx.Client(base_url=f"{box.url('swanlab')}/api", trust_env=False) as client:
        yield client


def sign_in(client: httpx.Client, key: str) -> httpx.Response:
    reply = client.post("/login/api_key", headers={"authorization": key})
    if reply.status_code == 200:
        client.headers["cookie"] = f"sid={reply.json()['sid']}"
    return reply


def told(reply: httpx.Response) -> tuple[int, str]:
    """Status and reason phrase."""
    return reply.status_code, reply.reason_phrase


def runs_of(http: httpx.Client, project: str = "ada/mnist", **query: Any) -> list[dict[str, Any]]:
    reply = http.get(f"/project/{project}/runs", params={"size": 100, **query})
    found: list[dict[str, Any]] = reply.json()["list"]
    return found


def in_state(http: httpx.Client, state: str) -> dict[str, Any]:
    return next(run for run in runs_of(http) if run["state"] == state)


# Signing in


def test_a_key_of_21_letters_is_exchanged_for_a_sid_that_has_an_end(box: Box, bare: httpx.Client) -> None:
    username, key = box.user("swanlab")
    assert (len(key), key.isalnum(), key) == (21, True, box.token("swanlab"))
    said = sign_in(bare, key).json()
    assert said["userInfo"]["username"] == username
    time.strptime(said["expiredAt"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert bare.get("/user/profile").status_code == 200


def test_bad_keys_and_unverified_accounts_are_told_apart(bare: httpx.Client, server: SwanLab) -> None:
    assert told(sign_in(bare, "x" * 21)) == (401, "Unauthorized")
    assert told(sign_in(bare, server.people.users[2].key)) == (403, "Forbidden")
    assert told(bare.post("/login/api_key")) == (401, "Unauthorized")
    assert told(bare.get("/group/")) == (401, "Unauthorized")


def test_a_sid_ends_by_the_boxs_clock(box: Box, http: httpx.Client, server: SwanLab) -> None:
    box.clock.advance(29 * 86400)
    assert http.get("/user/profile").status_code == 200
    box.clock.advance(2 * 86400)
    assert http.get("/user/profile").status_code == 401
    server.sid_seconds = 60
    sign_in(http, box.token("swanlab"))
    box.clock.advance(61)
    assert http.get("/user/profile").status_code == 401


def test_sids_are_forgotten_by_expire_and_refused_by_a_rule(box: Box, http: httpx.Client, server: SwanLab) -> None:
    box.faults.add("expire", path="profile$", times=1)
    assert [http.get("/user/profile").status_code for _ in range(2)] == [401, 200]
    server.expire()
    assert http.get("/user/profile").status_code == 401


# Reasons


def test_reasons_say_why(http: httpx.Client, bare: httpx.Client, server: SwanLab) -> None:
    assert told(http.get("/project/ada/nix")) == (404, "Not Found")
    assert told(http.get("/project/nobody/mnist")) == (404, "Not Found")
    assert told(http.get("/project/ada/mnist/runs/nix")) == (404, "Not Found")
    body = http.get("/project/ada/mnist/runs/nix").json()
    assert body == {"code": "NOT_FOUND", "message": "Experiment not found"}
    assert told(http.get("/nothing/there")) == (404, "Not Found")
    sign_in(bare, server.people.users[1].key)
    assert told(bare.get("/project/ada/mnist")) == (403, "Forbidden")
    assert told(bare.get("/project/ada/speech")) == (200, "OK")
    assert told(bare.delete("/project/ada/speech")) == (403, "Forbidden")
    assert told(bare.post("/house/metrics/summaries", content=b"{no json")) == (400, "Bad Request")


def test_head_and_body_of_an_answer_come_in_one_piece(box: Box) -> None:
    """What two sends would cost is a delay, so this looks at what the first read brings."""
    host, _, port = box.url("swanlab").removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        wire.sendall(b"GET /api/group/ HTTP/1.1\r\nhost: x\r\n\r\n")
        first = wire.recv(65536)
    assert first.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert first.endswith(b"}")
    assert b"swnb-reason" not in first


# The world


def test_workspaces_are_ones_own_and_teams(http: httpx.Client, bare: httpx.Client, server: SwanLab) -> None:
    assert [space["username"] for space in http.get("/group/").json()["list"]] == ["ada", "vision-lab"]
    assert [(space["username"], space["type"]) for space in http.get("/user/ada/groups").json()] == [
        ("vision-lab", "TEAM")
    ]
    assert http.get("/group/ada").json()["type"] == "PERSON"
    sign_in(bare, server.people.users[1].key)
    listed = bare.get("/project/ada", params={"page": 1, "size": 10}).json()["list"]
    assert [project["name"] for project in listed] == ["speech"]


def test_every_job_that_has_begun_is_a_run_in_a_state_of_the_protocol(box: Box, http: httpx.Client) -> None:
    seen: dict[str, str] = {}
    for project in ("ada/mnist", "ada/speech", "vision-lab/kites"):
        listed = runs_of(http, project)
        assert [run["createdAt"] for run in listed] == sorted((run["createdAt"] for run in listed), reverse=True)
        assert all((run["finishedAt"] is None) == (run["state"] in {"RUNNING", "OFFLINE"}) for run in listed)
        seen |= {run["name"]: run["state"] for run in listed}
    statuses = {f"{job.name}-{job.id}": job.timeline.status(box.clock.now) for job in box.world.jobs()}
    assert {name for name, word in statuses.items() if word not in {"created", "queued"}} == set(seen)
    assert set(seen.values()) == STATES


def test_a_queued_job_becomes_a_run_when_it_begins(box: Box, http: httpx.Client) -> None:
    def names() -> set[str]:
        projects = ("ada/mnist", "ada/speech", "vision-lab/kites")
        return {run["name"] for project in projects for run in runs_of(http, project)}

    before = names()
    waiting = {f"{j.name}-{j.id}" for j in box.world.jobs() if j.timeline.status(box.clock.now) == "queued"}
    assert waiting
    assert not waiting & before
    box.clock.advance(700)
    assert waiting <= names()


def test_a_running_run_grows_and_ends_as_the_clock_moves(box: Box, http: httpx.Client) -> None:
    cuid = in_state(http, "RUNNING")["cuid"]

    def last_step() -> int:
        found = http.post("/house/metrics/summaries", json=[{"experimentId": cuid, "projectId": ""}]).json()
        return int(found[cuid]["train/loss"]["step"])

    before = last_step()
    box.clock.advance(30)
    assert before < last_step() < 399
    box.clock.advance(5 * 3600)
    assert last_step() == 399
    run = http.get(f"/project/ada/mnist/runs/{cuid}").json()
    assert run["state"] == "FINISHED"
    assert run["finishedAt"].endswith("Z")


def test_ids_of_runs_have_21_or_8_characters_and_slugs_find_them_too(http: httpx.Client) -> None:
    listed = runs_of(http)
    assert {len(run["cuid"]) for run in listed} == {8, 21}
    assert {run["slug"] is None or run["slug"] == run["cuid"] for run in listed} == {True, False}
    for run in listed:
        assert http.get(f"/project/ada/mnist/runs/{run['slug'] or run['cuid']}").json()["cuid"] == run["cuid"]


def test_pages_are_cut_as_asked_and_one_beyond_the_end_is_empty(http: httpx.Client) -> None:
    whole = [run["cuid"] for run in runs_of(http)]
    pages = [http.get("/project/ada/mnist/runs", params={"page": n, "size": 7}).json() for n in (1, 2, 3, 4)]
    assert [run["cuid"] for page in pages for run in page["list"]] == whole
    assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(len(whole), -(-len(whole) // 7), 7)}
    assert pages[3]["list"] == []


def test_rows_are_the_steps_of_runs_that_ended_well() -> None:
    with (
        sandbox.run(("swanlab",), jobs=60, rows=100_000, clock="manual") as box,
        httpx.Client(base_url=f"{box.url('swanlab')}/api", trust_env=False) as http,
    ):
        sign_in(http, box.token("swanlab"))
        text = csv_of(http, in_state(http, "FINISHED")["cuid"], "lr").text
        crashed = csv_of(http, in_state(http, "CRASHED")["cuid"], "lr").text
    assert len(text.splitlines()) == 100_001
    assert text.splitlines()[-1].startswith("99999,")
    assert len(crashed.splitlines()) < 401


# Links


def link_of(http: httpx.Client, cuid: str, key: str) -> str:
    return str(http.get(f"/experiment/{cuid}/column/csv", params={"key": key}).json()["url"])


def csv_of(http: httpx.Client, cuid: str, key: str) -> httpx.Response:
    return httpx.get(link_of(http, cuid, key), trust_env=False)


def test_a_link_needs_no_cookie_and_one_that_is_sent_is_counted(http: httpx.Client, server: SwanLab) -> None:
    link = link_of(http, in_state(http, "FINISHED")["cuid"], "train/loss")
    assert httpx.get(link, trust_env=False).text.startswith("step,")
    assert server.cookie_on_links == 0
    assert http.get(link).status_code == 200
    assert server.cookie_on_links == 1


def test_a_link_is_refused_when_it_is_old_or_changed(box: Box, http: httpx.Client) -> None:
    cuid = in_state(http, "FINISHED")["cuid"]
    link = link_of(http, cuid, "train/loss")
    assert told(httpx.get(link[:-1] + "x", trust_env=False)) == (403, "Forbidden")
    other = link_of(http, cuid, "lr")
    assert httpx.get(other.partition("?")[0] + "?" + link.partition("?")[2], trust_env=False).status_code == 403
    assert httpx.put(link, trust_env=False).status_code == 403
    box.clock.advance(299)
    assert httpx.get(link, trust_env=False).status_code == 200
    box.clock.advance(3)
    assert httpx.get(link, trust_env=False).status_code == 403


def test_an_unknown_key_has_no_link(http: httpx.Client) -> None:
    cuid = in_state(http, "FINISHED")["cuid"]
    assert told(http.get(f"/experiment/{cuid}/column/csv", params={"key": "nix"})) == (404, "Not Found")


def test_links_can_be_relative(box: Box, http: httpx.Client, server: SwanLab) -> None:
    server.relative_links = True
    link = link_of(http, in_state(http, "FINISHED")["cuid"], "lr")
    assert link.startswith("/")
    assert httpx.get(box.url("swanlab") + link, trust_env=False).status_code == 200


def test_faults_reach_downloads(box: Box, http: httpx.Client) -> None:
    link = link_of(http, in_state(http, "FINISHED")["cuid"], "lr")
    box.faults.add("status", path="/object-storage/", times=1, status=429, retry_after="2")
    limited = httpx.get(link, trust_env=False)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    box.faults.add("status", path="/object-storage/", times=1, status=403)
    assert httpx.get(link, trust_env=False).status_code == 403
    box.faults.add("cut", path="/object-storage/", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(link, trust_env=False)
    assert httpx.get(link, trust_env=False).status_code == 200


# The metric store


def ref(run: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {"projectId": "", "columns": [{"experimentId": run["cuid"], "key": key} for key in keys]}


def test_summaries_of_many_runs_come_in_one_answer_for_both_bodies(http: httpx.Client) -> None:
    runs = [run for run in runs_of(http) if run["state"] == "FINISHED"]
    refs = [{"experimentId": run["cuid"], "projectId": ""} for run in runs]
    whole = http.post("/house/metrics/summaries", json=refs).json()
    assert list(whole) == [run["cuid"] for run in runs]
    assert http.post("/house/metrics/summaries", json={"experiments": refs}).json() == whole
    one = http.post("/house/metrics/summaries", json={"experiments": refs, "keys": ["lr"]}).json()
    assert one == {cuid: {"lr": each["lr"]} for cuid, each in whole.items()}


def test_a_run_without_numbers_has_null_or_an_empty_summary(http: httpx.Client, server: SwanLab) -> None:
    cuid = server.add_run("ada", "p", "empty", {})
    body = [{"experimentId": cuid, "projectId": ""}]
    assert http.post("/house/metrics/summaries", json=body).json() == {cuid: None}
    server.generation = "old"
    assert http.post("/house/metrics/summaries", json=body).json() == {cuid: {}}


def test_curves_start_late_have_gaps_and_hold_what_is_no_number(http: httpx.Client) -> None:
    run = in_state(http, "FINISHED")
    late = [line.split(",") for line in csv_of(http, run["cuid"], "val/f1 宏").text.splitlines()[1:]]
    assert (late[0][0], late[-1][0]) == ("50", "399")
    norms = [line.split(",") for line in csv_of(http, run["cuid"], "train/grad_norm").text.splitlines()[1:]]
    assert [int(step) for step, _, _ in norms] == list(range(0, 400, 3))
    assert {value for step, value, _ in norms if step in {"120", "150", "180"}} == {"NaN", "Infinity", "-Infinity"}
    reply = http.post("/house/metrics/scalar", json={**ref(run, "train/grad_norm"), "num": 1500})
    assert [point["data"] for point in reply.json()[0]["metrics"] if point["index"] == 150] == ["Infinity"]


def test_lines_are_cut_to_1500_points_and_to_a_range(http: httpx.Client, server: SwanLab) -> None:
    cuid = server.add_run("ada", "long", "r", {"x": [(step, float(step % 7)) for step in range(4000)]})
    body = {"projectId": "", "columns": [{"experimentId": cuid, "key": "x"}]}
    assert len(http.post("/house/metrics/scalar", json={**body, "num": 9999}).json()[0]["metrics"]) == 1500
    part = http.post("/house/metrics/scalar", json={**body, "num": 9999, "range": [10, 19]}).json()[0]["metrics"]
    assert [point["index"] for point in part] == list(range(10, 20))


def test_keys_come_in_pages_and_say_which_runs_have_them(http: httpx.Client) -> None:
    run = in_state(http, "FINISHED")
    found, cursor, more = [], "", True
    experiments = [{"experimentId": run["cuid"], "projectId": ""}]
    while more:
        body = {"experiments": experiments, "limit": 3, "cursor": cursor}
        said = http.post("/house/metrics/scalar/keys", json=body).json()
        found, cursor, more = found + said["keys"], said["nextCursor"], said["hasMore"]
    assert found == sorted(set(found))
    assert {"train/loss", "val/f1 宏", "__swanlab__.cpu.pct"} < set(found)
    asked = {"keys": ["lr", "nix"], "experiments": experiments}
    said = http.post("/house/metrics/scalar/availability", json=asked).json()
    assert said == {"lr": [run["cuid"]], "nix": []}


def test_logs_come_in_shards_by_level(http: httpx.Client) -> None:
    crashed = in_state(http, "CRASHED")["cuid"]

    def page(**query: Any) -> list[dict[str, Any]]:
        reply = http.get("/house/metrics/log", params={"experimentId": crashed, "projectId": "", **query})
        lines: list[dict[str, Any]] = reply.json()["logs"]
        return lines

    whole = page(size=1000, epoch=0)
    assert page(size=20, epoch=0) + page(size=20, epoch=1) == whole[:40]
    assert [line["epoch"] for line in whole] == list(range(1, len(whole) + 1))
    assert {line["level"] for line in page(level="ERROR")} == {"ERROR"}


def test_a_clone_reads_the_metrics_of_its_root(http: httpx.Client, server: SwanLab) -> None:
    root = server.add_run("ada", "p", "root", {"x": [(0, 1.0), (1, 2.0)]})
    project = server.find_project("ada", "p")
    assert project is not None
    clone = server.add_run("ada", "p", "clone", {}, root=(project.cuid, root))
    shown = http.get(f"/project/ada/p/runs/{clone}").json()
    assert (shown["rootProId"], shown["rootExpId"]) == (project.cuid, root)
    body = [{"experimentId": clone, "projectId": project.cuid, "rootExpId": root, "rootProId": project.cuid}]
    assert http.post("/house/metrics/summaries", json=body).json()[clone]["x"]["value"] == 2.0
    assert told(http.post("/project/ada/p/experiment", json={"name": "clone", "cuid": clone})) == (400, "Bad Request")


# Deleting


def test_deleted_runs_are_gone_and_cannot_be_resumed(http: httpx.Client) -> None:
    first, second, third = [run["cuid"] for run in runs_of(http)[:3]]
    assert http.delete(f"/project/ada/mnist/runs/{first}").status_code == 204
    assert http.post("/project/ada/mnist/runs/del", json={"cuids": [second]}).status_code == 200
    assert runs_of(http)[0]["cuid"] == third
    resumed = http.post("/project/ada/mnist/experiment", json={"name": "again", "cuid": first})
    assert told(resumed) == (404, "Disabled Resource")
    assert http.delete("/project/ada/mnist").status_code == 204
    assert told(http.get("/project/ada/mnist")) == (404, "Not Found")


# Uploading


@pytest.fixture
def project(http: httpx.Client, server: SwanLab) -> Project:
    assert http.post("/projects/ada", json={"name": "up", "visibility": "PRIVATE"}).status_code == 201
    assert http.post("/projects/ada", json={"name": "up", "visibility": "PRIVATE"}).status_code == 200
    assert told(http.post("/project", json={"name": "up"})) == (409, "Conflict")
    found = server.find_project("ada", "up")
    assert found is not None
    return found


def begin(http: httpx.Client, **more: Any) -> dict[str, Any]:
    reply = http.post("/project/ada/up/experiment", json={"name": "r", **more})
    assert reply.status_code in {200, 201}
    run: dict[str, Any] = reply.json()
    return run


def log(http: httpx.Client, run: dict[str, Any], *points: tuple[int, Any], **headers: str) -> int:
    metrics = [{"key": "x", "index": step, "data": data, "create_time": TIME} for step, data in points]
    body = {"type": "scalar", "projectId": "", "experimentId": run["cuid"], "metrics": metrics}
    return http.post("/house/metrics", json=body, headers=headers).status_code


TIME = "2026-11-22T12:41:31.931418Z"


def test_a_run_is_served_while_it_is_uploaded(http: httpx.Client, project: Project) -> None:
    run = begin(http, createdAt=TIME, labels=[{"name": "a"}], cluster="g", job="j")
    path = f"/project/ada/up/runs/{run['cuid']}"
    assert log(http, run, (0, 1.5), (1, "nan")) == 200
    http.put(f"{path}/profile", json={"config": {"a": {"value": 1, "sort": 0, "desc": ""}}})
    shown = http.get(path).json()
    assert (shown["state"], shown["createdAt"], shown["cluster"]) == ("RUNNING", "2026-11-22T12:41:31.931Z", "g")
    assert csv_of(http, run["cuid"], "x").text.splitlines()[1:] == [
        "0,1.5,1795351291931",
        "1,NaN,1795351291931",
    ]
    log(http, run, (1, 7.0), (2, 2.5))
    assert [line.split(",")[1] for line in csv_of(http, run["cuid"], "x").text.splitlines()[1:]] == [
        "1.5",
        "NaN",
        "2.5",
    ]
    http.put(f"{path}/profile", json={"requirements": "a==1"})
    ended = {"state": "CRASHED", "finishedAt": TIME, "from": "sdk"}
    assert http.put(f"{path}/state", json=ended).status_code == 200
    shown = http.get(path).json()
    assert (shown["state"], shown["finishedAt"]) == ("CRASHED", "2026-11-22T12:41:31.931Z")
    assert shown["profile"] == {"config": {"a": {"value": 1, "sort": 0, "desc": ""}}, "requirements": "a==1"}


def test_a_run_is_resumed_where_it_stopped_and_displaces_the_writer_before(
    http: httpx.Client, project: Project
) -> None:
    first = begin(http, cuid="abcd1234")
    log(http, first, (0, 1.0), (4, 2.0), flagId=first["flagId"])
    last = http.get(f"/house/metrics/summaries/{project.cuid}/abcd1234", params={"all": "True"}).json()
    assert last == {"scalar": [{"key": "x", "step": 4}], "media": None, "log": None}
    again = http.post("/project/ada/up/experiment", json={"name": "r", "cuid": "abcd1234"})
    assert again.status_code == 200
    assert log(http, first, (5, 3.0), flagId=first["flagId"]) == 202
    assert log(http, first, (5, 4.0), flagId=again.json()["flagId"]) == 200
    assert csv_of(http, "abcd1234", "x").text.splitlines()[-1].startswith("5,4.0,")
    assert told(http.post("/project/ada/speech/experiment", json={"name": "r", "cuid": "abcd1234"})) == (
        409,
        "Conflict",
    )


def test_media_are_put_to_links_and_read_by_step(http: httpx.Client, project: Project) -> None:
    run = begin(http)
    http.post("/projects/ada/up/series", json={"series": [{"key": "note", "type": "TEXT"}]})
    path = "media/text/003-aa.txt"
    (link,) = http.post("/resources/presigned/put", json={"experimentId": run["cuid"], "paths": [path]}).json()["urls"]
    assert httpx.put(link, content=b"words", trust_env=False).status_code == 200
    entry = {"key": "note", "index": 3, "data": [path], "more": [{"caption": "c"}], "create_time": TIME}
    http.post("/house/metrics", json={"type": "media", "experimentId": run["cuid"], "metrics": [entry]})
    said = http.post("/house/metrics/media", json=ref(run, "note")).json()
    expected = {"key": "note", "data": [path], "more": [{"caption": "c"}]}
    assert said == {"steps": [3], "step": 3, "metrics": [expected]}
    assert http.post("/house/metrics/media", json={**ref(run, "note"), "step": 9}).json()["metrics"] is None
    body = {"prefix": f"{project.cuid}/{run['cuid']}", "paths": [path]}
    (link,) = http.post("/resources/presigned/get", json=body).json()["urls"]
    assert httpx.get(link, trust_env=False).content == b"words"
    experiments = [{"experimentId": run["cuid"], "projectId": ""}]
    assert http.post("/house/metrics/media/keys", json={"experiments": experiments}).json()["keys"] == ["note"]


def test_saved_files_may_come_in_parts(http: httpx.Client, project: Project, server: SwanLab) -> None:
    run = begin(http)
    files = f"/experiment/{run['cuid']}/files"
    entry = {"path": "model.bin", "size": 6, "md5": "", "mimeType": "", "count": 2}
    (prepared,) = http.post(f"{files}/prepare-multipart", json={"files": [entry]}).json()["files"]
    for part, content in zip(prepared["parts"], (b"abc", b"def"), strict=True):
        httpx.put(part["url"], content=content, trust_env=False)
    parts = [{"partNumber": part["partNumber"], "etag": ""} for part in prepared["parts"]]
    done = {"files": [{"path": "model.bin", "uploadId": prepared["uploadId"], "parts": parts}]}
    assert http.post(f"{files}/complete-multipart", json=done).status_code == 201
    assert server.objects[f"{project.cuid}/{run['cuid']}/files/model.bin"] == b"abcdef"
    never = {"files": [{"path": "other", "state": "UPLOADED"}]}
    assert told(http.post(f"{files}/complete", json=never)) == (404, "Not Found")


def test_runs_of_the_world_and_of_others_are_not_written_to(
    http: httpx.Client, bare: httpx.Client, project: Project, server: SwanLab
) -> None:
    assert log(http, in_state(http, "FINISHED"), (0, 1.0)) == 403
    run = begin(http)
    sign_in(bare, server.people.users[1].key)
    assert log(bare, run, (0, 1.0)) == 403


# Generations


def test_an_old_server_lacks_what_came_later(http: httpx.Client, server: SwanLab) -> None:
    run = in_state(http, "FINISHED")
    server.generation = "old"
    experiments = [{"experimentId": run["cuid"], "projectId": ""}]
    later = [
        http.get("/user/ada/groups"),
        http.post("/projects/ada", json={"name": "x"}),
        http.post("/project/ada/mnist/runs/shows", json={}),
        http.post("/files/presigned/get", json={"paths": []}),
        http.post("/house/metrics/scalar/export", json=ref(run, "lr")),
        http.post("/house/metrics/scalar/keys", json={"experiments": experiments}),
        http.post("/house/metrics/scalar/availability", json={"keys": [], "experiments": experiments}),
        http.get("/house/metrics/log", params={"experimentId": run["cuid"]}),
    ]
    assert {told(reply) for reply in later} == {(404, "Not Found")}
    assert http.post("/house/metrics/summaries", json={"experiments": experiments}).status_code == 400
    assert http.post("/house/metrics/summaries", json=experiments).json()[run["cuid"]]["lr"]
    assert csv_of(http, run["cuid"], "lr").status_code == 200
    assert "version" not in http.get("/project/ada/mnist").json()


def test_columns_are_listed_for_projects_of_the_time_before_multi_view(http: httpx.Client, server: SwanLab) -> None:
    old, new = runs_of(http, "ada/speech")[0], runs_of(http)[0]

    def columns(run: dict[str, Any], **query: Any) -> list[str]:
        page = http.get(f"/experiment/{run['cuid']}/column", params={"page": 1, "size": 50, **query}).json()
        return [column["key"] for column in page["list"]]

    assert columns(new) == []
    assert columns(old, **{"class": "SYSTEM"}) == ["__swanlab__.cpu.pct", "__swanlab__.mem.pct"]
    assert columns(old, search="loss") == ["train/loss"]
    server.generation = "old"
    assert "lr" in columns(new)


def test_all_platforms_are_served_unless_told_otherwise() -> None:
    with sandbox.run(jobs=1) as box:
        assert box.platforms == list(sandbox.serve.PLATFORMS)
        assert {"starwhale", "swanlab"} <= set(box.platforms)
