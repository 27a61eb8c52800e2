"""The sandbox's Supervisely server behaves as the protocol paper says; its own SDK reads it in tests/vendors."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from swnb import sandbox
from swnb.sandbox import Box
from swnb.sandbox.supervisely import LEGACY, METHODS, Supervisely
from swnb.sandbox.supervisely.files import sha

MNIST = 8101
CHANGES = ["fields", "payload", "logs", "files", "output", "config", "advanced", "projects", "params", "usersIds"]
LISTS = ["filter", "sort", "sort_order", "page", "after", "extraFields", "limit", "path", "command", "slug"]


class Client:
    """Asks a box as its first user."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.server: Supervisely = box.platform("supervisely")
        headers = {"x-api-key": box.token("supervisely")}
        self.http = httpx.Client(base_url=box.url("supervisely"), headers=headers, trust_env=False)

    def post(self, method: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.http.post(f"/public/api/v3/{method}", json={} if body is None else body, **more)

    def get(self, method: str, **query: Any) -> httpx.Response:
        return self.http.get(f"/public/api/v3/{method}", params=query)

    def ask(self, method: str, **body: Any) -> Any:
        reply = self.post(method, body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def page(self, **body: Any) -> dict[str, Any]:
        return dict(self.ask("tasks.list", workspaceId=MNIST, **body))

    def some(self, status: str, kind: str = "app") -> int:
        tasks = self.server.tasks.values()
        return next(each.id for each in tasks if (each.status(self.box.clock.now), each.kind) == (status, kind))


@pytest.fixture
def client() -> Iterator[Client]:
    with sandbox.run(["supervisely"], seed=3, jobs=120, clock="manual") as box:
        asking = Client(box)
        yield asking
        asking.http.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """For tests that do not care what the others have changed."""
    with sandbox.run(["supervisely"], seed=3, jobs=24, clock="manual") as box:
        asking = Client(box)
        yield asking
        asking.http.close()


def filtered(field: str, operator: str, value: Any) -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


def refused(reply: httpx.Response, status: int) -> None:
    """Every error has a status, a word and a text."""
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert isinstance(body["error"], str)
    assert isinstance(body["details"]["message"], str)


# Signing in


def test_a_token_has_128_characters_and_stands_in_its_own_header(client: Client) -> None:
    assert len(client.box.token("supervisely")) == 128
    url = f"{client.box.url('supervisely')}/public/api/v3/teams.list"
    refused(httpx.post(url, json={}, trust_env=False), 400)
    refused(httpx.post(url, json={}, headers={"x-api-key": "x" * 128}, trust_env=False), 401)
    bearer = {"authorization": f"Bearer {client.box.token('supervisely')}"}
    refused(httpx.post(url, json={}, headers=bearer, trust_env=False), 400)


def test_signing_in_gives_a_jwt_with_the_token_in_it(client: Client) -> None:
    login, password = client.box.user("supervisely")
    reply = client.http.post("/api/account", data={"login": login, "password": password})
    payload = reply.json()["token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["apiToken"] == client.box.token("supervisely")
    assert (claims["group"]["id"], claims["workspace"]["id"]) == (451, MNIST)
    refused(client.http.post("/api/account", data={"login": login, "password": "x"}), 401)


def test_an_expired_token_is_refused(client: Client) -> None:
    client.box.faults.add("expire", times=1)
    refused(client.post("teams.list"), 401)
    assert client.post("teams.list").status_code == 200


def test_a_viewer_of_one_team_sees_only_that_team_and_changes_nothing(client: Client) -> None:
    client.http.headers["x-api-key"] = client.server.people.users[1].token
    assert [team["role"] for team in client.ask("teams.list")["entities"]] == ["viewer"]
    assert client.ask("tasks.list", workspaceId=8103)["total"] > 0
    refused(client.post("tasks.list", {"workspaceId": MNIST}), 403)
    theirs = next(task.id for task in client.server.tasks.values() if task.place.id == 8103)
    assert client.ask("tasks.info", id=theirs)["id"] == theirs
    refused(client.post("tasks.output.set", {"taskId": theirs, "output": {}}), 403)


# Methods


def test_reads_answer_to_get_and_post_and_the_rest_to_post_alone(client: Client) -> None:
    wanted = json.dumps(filtered("status", "in", ["finished"]))
    got = client.get("tasks.list", workspaceId=MNIST, filter=wanted, per_page=3, page=2).json()
    assert got == client.page(filter=json.loads(wanted), per_page=3, page=2)
    assert len(got["entities"]) == 3
    task = client.some("started")
    refused(client.get("tasks.stop", id=task), 404)
    assert client.ask("tasks.info", id=task)["status"] == "started"


@pytest.mark.parametrize("method", ["no.such.method", "tasks", "Tasks.List"])
def test_unknown_methods_are_404(client: Client, method: str) -> None:
    refused(client.post(method), 404)


def test_wrong_bodies_are_400(client: Client) -> None:
    for method in sorted(METHODS.keys() - {"instance.version", "images.internal.hashes.list"}):
        assert client.post(method, [1, 2]).status_code == 400, method
    refused(client.http.post("/public/api/v3/teams.list", content=b"{"), 400)
    refused(client.post("tasks.info", {"id": "70001"}), 400)
    refused(client.post("tasks.info", {}), 400)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_body_makes_a_method_fall_over(shared: Client, method: str) -> None:
    """Known ids beside odd values: an answer or an error body, but never a 500."""
    known = {"id": 70007, "taskId": 70007, "teamId": 451, "workspaceId": MNIST, "agentId": 61, "moduleId": 601}
    values: tuple[Any, ...] = (None, -1, "x", [1], [{}], {"state": [], "data": [1]}, {"a": {}})
    for odd in values:
        for body in (
            dict.fromkeys([*CHANGES, *LISTS], odd),
            {**known, **dict.fromkeys(CHANGES, odd)},
            dict.fromkeys(known, odd),
        ):
            reply = shared.post(method, {**known, **body})
            assert reply.status_code < 500 or reply.status_code == 501, (method, body)


def test_legacy_methods_are_gone_from_newer_servers(client: Client) -> None:
    training = client.some("finished", "train")
    assert client.ask("tasks.train-metrics", taskId=training)
    client.server.legacy = False
    for method in LEGACY:
        refused(client.post(method, {"taskId": training, "id": training}), 404)
    assert client.post("tasks.info", {"id": training}).status_code == 200


def test_unknown_ids_are_404(client: Client) -> None:
    for method in ("tasks.info", "teams.info", "workspaces.info", "projects.info", "agents.info", "apps.info"):
        refused(client.post(method, {"id": 404404}), 404)
    refused(client.post("GetTaskContext", {"id": 404404}), 404)
    refused(client.get("file-storage.download", teamId=451, path="/experiments/none.json"), 404)


# Lists


def test_pages_hold_every_task_once(client: Client) -> None:
    first = client.page(per_page=7)
    assert (first["perPage"], first["pagesCount"]) == (7, -(-first["total"] // 7))
    rest = [client.page(per_page=7, page=number)["entities"] for number in range(2, first["pagesCount"] + 1)]
    ids = [task["id"] for page in [first["entities"], *rest] for task in page]
    assert len(ids) == first["total"] == 1 + len(client.box.world.project("mnist").jobs)
    assert ids == sorted(set(ids))
    assert client.page(page=99)["entities"] == []


@pytest.mark.parametrize("order", [{}, {"sort": "startedAt", "sort_order": "desc"}, {"sort": "finishedAt"}])
def test_a_cursor_walks_the_same_list_as_pages_do(client: Client, order: dict[str, str]) -> None:
    whole = client.page(**order)["entities"]
    walked: list[dict[str, Any]] = []
    after = None
    while not walked or after:
        page = client.page(per_page=8, pagination_mode="token", **order, **({"after": after} if after else {}))
        walked, after = walked + page["entities"], page["after"]
    assert walked == whole


def test_a_list_moves_while_pages_are_read_and_a_cursor_does_not_mind(client: Client) -> None:
    place = client.server.workspace(MNIST)
    newest = {"sort": "id", "sort_order": "desc", "per_page": 5}
    first = client.page(**newest, pagination_mode="token")
    client.box.faults.add("do", times=1, do=lambda: client.server.add_task(place, {}))
    second = client.page(**newest, page=2)
    assert second["total"] == first["total"] + 1
    assert second["entities"][0] == first["entities"][-1]
    behind = client.page(**newest, pagination_mode="token", after=first["after"])
    assert behind["entities"][0]["id"] < first["entities"][-1]["id"]


@pytest.mark.parametrize(
    "rule",
    [
        filtered("startedAt", "=", "x"),
        filtered("status", "~", "x"),
        filtered("id", ">", "x"),
        filtered("status", "in", 5),
        [{"field": "status"}],
        {"status": "x"},
    ],
)
def test_filters_that_the_server_does_not_know_are_400(client: Client, rule: Any) -> None:
    refused(client.post("tasks.list", {"workspaceId": MNIST, "filter": rule}), 400)


def test_lists_of_the_team_find_by_name(client: Client) -> None:
    found = client.ask("workspaces.list", teamId=451, filter=filtered("name", "ilike", "KIT%"))
    assert [space["name"] for space in found["entities"]] == ["kites"]
    by_team = client.ask("projects.list", groupId=451, filter=[])
    assert by_team == client.ask("projects.list", teamId=451)
    assert {type(project["size"]) for project in by_team["entities"]} == {str}
    assert client.ask("projects.list.all", per_page=2)["pagesCount"] == 3


def test_lists_of_projects_hold_the_fields_asked_for_and_never_the_version(client: Client) -> None:
    whole = client.ask("projects.list", workspaceId=MNIST, fields=[])["entities"][0]
    assert whole.keys() == client.ask("projects.info", id=whole["id"]).keys() - {"version"}
    some = client.ask("projects.list", workspaceId=MNIST, fields=["id", "size", "version"])["entities"][0]
    assert some.keys() == {"id", "name", "size"}


# Tasks by the clock


def test_every_job_is_a_task_and_its_status_follows_the_clock(client: Client) -> None:
    words = {task.status(client.box.clock.now) for task in client.server.tasks.values()}
    every = {"queued", "consumed", "started", "deployed", "error", "finished", "terminating", "stopped"}
    assert words == every
    queued = client.some("consumed")
    assert client.ask("tasks.info", id=queued)["startedAt"] is None
    client.box.clock.advance(2000)
    record = client.ask("tasks.info", id=queued)
    assert record["status"] == "finished"
    assert record["startedAt"] < record["finishedAt"]


def test_stop_is_terminating_then_stopped_and_resume_goes_on(client: Client) -> None:
    task = client.some("started")
    refused(client.post("tasks.resume", {"id": task}), 400)
    assert client.ask("tasks.stop", id=task) == client.ask("tasks.stop", id=task) == {"status": "terminating"}
    assert client.ask("tasks.info", id=task)["status"] == "terminating"
    client.box.clock.advance(2)
    assert client.ask("tasks.info", id=task)["status"] == "stopped"
    said = [line["message"] for line in client.ask("tasks.log.download", id=task)]
    assert said.count("Stop requested") == said.count("Task stopped") == 1
    refused(client.post("tasks.stop", {"id": task}), 400)
    refused(client.post("tasks.stop", {"id": client.some("finished", "clone")}), 501)
    client.ask("tasks.resume", id=task)
    client.box.clock.advance(130)
    assert client.ask("tasks.info", id=task)["status"] == "finished"


def test_what_a_running_task_has_written_does_not_change_when_it_is_stopped(client: Client) -> None:
    task = client.some("started")
    before = client.ask("tasks.log.download", id=task)
    client.ask("tasks.stop", id=task)
    after = client.ask("tasks.log.download", id=task)
    assert [line for line in after if line["message"] != "Stop requested"] == before


def test_a_log_grows_and_is_read_from_a_moment_on(client: Client) -> None:
    task = client.some("started")
    before = client.get("tasks.log.download", id=task).json()
    client.box.clock.advance(300)
    after = client.get("tasks.log.download", id=task).json()
    assert after[: len(before)] == before
    assert len(after) > len(before)
    since = before[-1]["timestamp"]
    tail = client.get("tasks.log.download", id=task, sinceTime=since).json()
    assert tail == [line for line in after if line["timestamp"] >= since]
    assert client.get("tasks.log.download", id=task, sinceTime=since, limit=1).json() == tail[:1]


def test_what_a_resumed_task_writes_comes_behind_what_it_had_written(client: Client) -> None:
    now = client.server.now
    running = [each for each in client.server.tasks.values() if (each.status(now), each.kind) == ("started", "app")]
    task = min(running, key=lambda each: each.pace)
    client.box.clock.advance(20)
    client.ask("tasks.stop", id=task.id)
    client.box.clock.advance(500)
    before = client.ask("tasks.log.download", id=task.id)
    client.ask("tasks.resume", id=task.id)
    client.box.clock.advance(130)
    after = client.ask("tasks.log.download", id=task.id)
    assert after[: len(before)] == before
    assert "metrics" in {line["message"] for line in after[len(before) :]}


def test_a_status_that_is_new_to_clients_can_be_put_in(client: Client) -> None:
    task = client.server.task(client.some("started"))
    task.said = "evaporated"
    assert client.ask("tasks.info", id=task.id)["status"] == "evaporated"


# Experiments


def test_experiments_are_whole_and_some_were_never_measured(client: Client) -> None:
    entities = [
        task for place in (8101, 8102, 8103) for task in client.ask("tasks.list", workspaceId=place)["entities"]
    ]
    found = [
        task["meta"]["output"]["experiment"]["data"] for task in entities if "experiment" in task["meta"]["output"]
    ]
    measured = [data["evaluation_metrics"] for data in found]
    assert None in measured
    assert {} in measured
    for data in found:
        metrics = data["evaluation_metrics"]
        assert not metrics or isinstance(metrics[data["primary_metric"]], float)
        assert not metrics or isinstance(metrics["per_class"], dict)


def test_team_files_hold_an_experiment_whose_task_is_gone(client: Client) -> None:
    files = client.ask("file-storage.list", teamId=451, path="/experiments", recursive=True)
    infos = [file for file in files if file["name"] == "experiment_info.json"]
    gone = []
    for file in infos:
        body = client.post("file-storage.download", {"teamId": 451, "path": file["path"]}).content
        assert (len(body), sha(body)) == (file["meta"]["size"], file["hash"])
        assert client.ask("file-storage.info", id=file["id"]) == file
        number = json.loads(body)["task_id"]
        reply = client.post("tasks.info", {"id": number})
        if reply.status_code == 404:
            gone.append(number)
        else:
            assert reply.json()["meta"]["output"]["experiment"]["data"] == json.loads(body)
    assert (len(gone), len({file["id"] for file in files})) == (1, len(files))


def test_folders_are_listed_one_level_at_a_time(client: Client) -> None:
    top = client.ask("file-storage.list", teamId=451, path="/experiments/", recursive=False)
    assert {entry["isDir"] for entry in top} == {True}
    run = client.ask("file-storage.list", teamId=451, path=top[0]["path"], recursive=False)[0]
    inside = client.ask("file-storage.list", teamId=451, path=run["path"], recursive=False)
    assert {entry["name"] for entry in inside} == {"experiment_info.json", "hyperparameters.yaml", "model_meta.json"}


# What apps say of themselves


def test_an_app_answers_while_it_runs(client: Client) -> None:
    task = client.some("deployed")
    sent = {"taskId": task, "context": {"outside_request": True}, "state": {}, "skipResponse": False, "timeout": 1}
    assert client.ask("tasks.request.direct", command="is_running", **sent)["running"] is True
    assert client.ask("tasks.request.direct", command="is_ready", **sent)["status"] == "ready"
    assert client.ask("tasks.request.direct", command="sum", **sent)["echo"]["command"] == "sum"
    refused(client.post("tasks.request.direct", {**sent, "taskId": client.some("finished"), "command": "sum"}), 400)


def test_the_interface_of_an_app_is_patched(client: Client) -> None:
    task = client.some("started")
    patch = [{"op": "add", "path": "/chart/rows", "value": [1]}, {"op": "remove", "path": "/none"}]
    client.ask("tasks.app-v2.data.set", taskId=task, payload={"data": patch, "state": {"tab": 2}})
    got = client.ask("tasks.data.get", taskId=task, fields=["data.chart.rows[0]", "state.tab", "data.none"])
    assert got == {"result": {"data.chart.rows[0]": 1, "state.tab": 2}}


def test_log_records_need_a_task(client: Client) -> None:
    task = client.some("started")
    record = {"message": "mine", "level": "info", "timestamp": "2026-11-22T16:00:00.000Z"}
    refused(client.post("tasks.logs.add", {"logs": [record]}), 400)
    client.post("tasks.logs.add", {"logs": [record]}, headers={"x-task-id": str(task)})
    assert client.ask("tasks.log.download", id=task)[-1] == {**record, "task_id": task}


def test_a_started_session_for_each_user(client: Client) -> None:
    body = {"agentId": 63, "moduleId": 603, "usersIds": [901, 902], "params": {"state": {}}, "taskName": "serve"}
    begun = client.post("tasks.run.app", body).json()
    assert [session["userId"] for session in begun] == [901, 902]
    client.box.clock.advance(100)
    assert {client.ask("tasks.info", id=each["taskId"])["status"] for each in begun} == {"deployed"}
    refused(client.post("tasks.run.app", {**body, "workspaceId": MNIST}), 400)
    running = client.ask("apps.list", teamId=452, onlyRunning=True, filter=filtered("moduleId", "=", 603))["entities"]
    assert {task["id"] for task in running[0]["tasks"]} >= {each["taskId"] for each in begun}


# Uploads


def test_a_file_is_sent_once_and_then_known_by_its_hash(client: Client) -> None:
    task, body = client.some("started"), b"\r\n--not the end\r\n\x00\xff"
    about = json.dumps({"fullpath": "dir/a.bin", "hash": sha(body)})
    form: dict[str, Any] = {"0": (None, about), "0-file": ("a.bin", body)}
    assert client.post("images.internal.hashes.list", [sha(body)]).json() == []
    url = "/public/api/v3/tasks.files.bulk.upload"
    client.http.post(url, files=form, headers={"x-task-id": str(task)}).raise_for_status()
    assert client.post("images.internal.hashes.list", [sha(body), sha(b"")]).json() == [sha(body)]
    client.ask("tasks.files.bulk.add-by-hash", taskId=task, files=[{"name": "b.bin", "hash": sha(body)}])
    assert client.server.task(task).files == {"dir/a.bin": body, "b.bin": body}
    refused(client.http.post(url, files={"0": (None, about), "0-file": ("a.bin", b"other")}), 400)
    unknown = {"taskId": task, "files": [{"name": "c", "hash": sha(b"c")}]}
    refused(client.post("tasks.files.bulk.add-by-hash", unknown), 404)


def test_archives_and_imports(client: Client) -> None:
    task = client.some("started")
    form: dict[str, Any] = {
        "id": (None, str(task)),
        "name": (None, "mine"),
        "archive": ("mine.tar", b"tar", "application/x-tar"),
    }
    client.http.post("/public/api/v3/tasks.upload.dtl_archive", files=form).raise_for_status()
    assert client.server.task(task).archives == {"mine": b"tar"}
    names = client.ask("tasks.import.files_list", id=task)["files"]
    body = client.post("tasks.import.download_file", {"id": task, "filename": names[0]}).content
    assert str(task) in body.decode()
    refused(client.post("tasks.import.download_file", {"id": task, "filename": "../../secret"}), 404)


# Legacy trainings


def test_an_old_training_has_metrics_checkpoints_and_a_model(client: Client) -> None:
    task = client.some("finished", "train")
    metrics = client.ask("tasks.train-metrics", taskId=task)
    assert {record["type"] for record in metrics} == {"train", "val"}
    assert any(record["metrics"]["loss"] is None for record in metrics)  # a NaN
    model = client.ask("tasks.info", id=task)["meta"]["output"]["model"]["id"]
    assert client.ask("tasks.train-metrics", modelId=model) == metrics
    assert len(client.ask("tasks.checkpoints.list", id=task)) == 4
    client.ask("tasks.checkpoints.clear", id=task)
    assert len(client.ask("tasks.checkpoints.list", id=task)) == 1
    assert client.ask("models.info", id=model)["taskId"] == task
    place = client.ask("models.info", id=model)["workspaceId"]
    assert model in [each["id"] for each in client.ask("models.list", workspaceId=place)["entities"]]
    refused(client.post("tasks.checkpoints.list", {"id": client.some("finished")}), 400)
    assert client.ask("tasks.train-metrics", taskId=client.some("finished")) == []


def test_a_model_is_deployed_once_it_is_asked_for(client: Client) -> None:
    model = client.ask("tasks.info", id=client.some("finished", "train"))["meta"]["output"]["model"]["id"]
    assert client.ask("models.info.deployed", id=model) == []
    begun = client.ask("tasks.run.deploy", agentId=61, modelId=model)["taskId"]
    assert client.ask("models.info.deployed", id=model) == [{"id": begun}]
    client.box.clock.advance(20)
    assert client.ask("tasks.info", id=begun)["status"] == "deployed"


def test_old_plugins_start_tasks_that_end(client: Client) -> None:
    layers = [{"action": "data", "src": ["x/*"], "dst": "$s", "settings": {}}]
    started = {
        "tasks.run.dtl": {"workspaceId": MNIST, "config": layers, "advanced": {"agentId": 61}},
        "tasks.run.plugin": {"taskType": "train", "agentId": 61, "projects": [7310], "models": [2000], "name": "net"},
        "tasks.run.python": {"workspaceId": MNIST, "script": "xxx", "advanced": {"ignoreAgent": True}},
    }
    begun = [client.ask(method, **body)["taskId"] for method, body in started.items()]
    client.box.clock.advance(100)
    assert [client.ask("tasks.info", id=number)["status"] for number in begun] == ["finished"] * 3
    refused(client.post("tasks.run.plugin", {"taskType": "train", "projects": [404404], "name": "net"}), 404)


# The plain port


def test_a_tls_greeting_on_the_plain_port_is_turned_away_at_once(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK sends one before its first request (paper 1.5); a held connection would cost it 15 s."""
    port = int(client.box.url("supervisely").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 10) as plain, pytest.raises((ssl.SSLError, OSError)) as refusal:
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
    assert not isinstance(refusal.value, TimeoutError)
    assert not caplog.records
    assert client.ask("instance.version") == {"version": "6.18.3"}
