"""Supervisely's surface over the sandbox: the examples of the page, both doors, uploads, and what it does better."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import swnb
from swnb import sandbox
from swnb.bridge import run
from swnb.client.source import close_all
from swnb.errors import BadInput, NotFound, ServerError, StoreError, TokenRejected, Unsupported
from swnb.sandbox import Box
from swnb.sdk.supervisely import Api, SessionInfo, Status, TaskFinishedWithError, WaitingTimeExceeded

WORKSPACE = 8101
CONNECTION = """
import os
from swnb.sdk import supervisely as sly
task_id = {task}

os.environ['SERVER_ADDRESS'] = '{url}'
os.environ['API_TOKEN'] = '{token}'
api = sly.Api.from_env()
"""
# Each block of the page that is valid Python, with its imports changed and its addresses, token and ids those of a box.
EXAMPLES = {
    "class": """
import os
from swnb.sdk.supervisely import load_dotenv

from swnb.sdk import supervisely as sly

# Load secrets and create API object from .env file (recommended)
# Learn more here: https://developer.supervisely.com/getting-started/basics-of-authentication
if sly.is_development():
    load_dotenv(os.path.expanduser("~/supervisely.env"))
api = sly.Api.from_env()

# Pass values into the API constructor (optional, not recommended)
# api = sly.Api(server_address="https://app.supervise.ly", token="4r47N...xaTatb")

task_id = {task}
task_info = api.task.get_info_by_id(task_id)
""",
    "get_context": CONNECTION
    + """
context = api.task.get_context(task_id)
print(context)
""",
    "get_info_by_id": CONNECTION
    + """
task_info = api.task.get_info_by_id(task_id)
print(task_info)
""",
    "get_list": CONNECTION
    + """
workspace_id = 8101
task_infos = api.task.get_list(workspace_id)

task_infos_filter = api.task.get_list(8101, filters=[{{'field': 'id', 'operator': '=', 'value': {task}}}])
print(task_infos_filter)
""",
    "get_status": CONNECTION
    + """
task_status = api.task.get_status(task_id)
print(task_status)
""",
    "set_output_error": """
import os
from swnb.sdk.supervisely import load_dotenv

from swnb.sdk import supervisely as sly

# Load secrets and create API object from .env file (recommended)
# Learn more here: https://developer.supervisely.com/getting-started/basics-of-authentication
if sly.is_development():
   load_dotenv(os.path.expanduser("~/supervisely.env"))
api = sly.Api.from_env()

task_id = {task}
title = "Something went wrong"
description = "Please check the task logs"
show_logs = True
api.task.set_output_error(task_id, title, description, show_logs)
""",
    "start": CONNECTION
    + """
app_slug = "acme/train-classifier"
module_id = api.app.get_ecosystem_module_id(app_slug)
module_info = api.app.get_ecosystem_module_info(module_id)

project_id = 7310
agent_id = 61
workspace_id = 8101

params = module_info.get_arguments(images_project=project_id)

session = api.app.start(
    agent_id=agent_id,
    module_id=module_id,
    workspace_id=workspace_id,
    task_name="Prepare download link",
    params=params,
    app_version="dninja",
    is_branch=True,
)
""",
}


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(["supervisely"], seed=3, jobs=40, clock="manual") as running:
        yield running


@pytest.fixture(autouse=True)
def nobodys_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(close_all())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ENV", "development")
    for name in ("SERVER_ADDRESS", "API_TOKEN", "SUPERVISELY_TASK_ID"):
        monkeypatch.setenv(name, "")  # what an example or a file sets is gone again after the test
        monkeypatch.delenv(name)


@pytest.fixture
def api(box: Box) -> Iterator[Api]:
    box.faults.clear()
    forget(box)
    yield Api(box.url("supervisely"), box.token("supervisely"))
    box.faults.clear()
    box.platform("supervisely").legacy = True


def asked(box: Box, path: str) -> int:
    """How many requests were made. The box writes one down a moment after its answer has left, so it is asked one
    more, which comes after all of them."""
    with contextlib.suppress(urllib.error.HTTPError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{box.url('supervisely')}/settled", timeout=10).close()
    return box.requests.count(path)


def forget(box: Box) -> None:
    """Count from here on."""
    asked(box, "")
    box.requests.clear()


def some(box: Box, status: str, number: int = 0) -> int:
    """A task of the first workspace that is in this status now."""
    server = box.platform("supervisely")
    tasks = server.tasks_of(server.workspace(WORKSPACE))
    found = [task.id for task in tasks if task.status(box.clock.now) == status]
    return int(found[number])


def training(box: Box) -> int:
    server = box.platform("supervisely")
    trained = [task for task in server.tasks_of(server.workspace(WORKSPACE)) if task.kind == "train"]
    return int(next(task.id for task in trained if task.status(box.clock.now) == "finished"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_page_runs_with_only_its_imports_changed(box: Box, name: str, tmp_path: Path) -> None:
    url, token, task = box.url("supervisely"), box.token("supervisely"), some(box, "finished")
    (tmp_path / "supervisely.env").write_text(f"# secrets\nSERVER_ADDRESS={url}\nexport API_TOKEN='{token}'\n")
    scope: dict[str, Any] = {}
    exec(EXAMPLES[name].format(url=url, token=token, task=task), scope)
    if name == "class":
        assert scope["task_info"]["id"] == scope["task_info"].id == task
    if name == "get_context":
        assert scope["context"] == {
            "team": {"id": 451, "name": "vision-lab"},
            "workspace": {"id": 8101, "name": "mnist"},
        }
    if name == "get_list":
        assert task in [each["id"] for each in scope["task_infos"]]
        assert [each["id"] for each in scope["task_infos_filter"]] == [task]
    if name == "get_status":
        assert str(scope["task_status"]) == "finished"
    if name == "set_output_error":
        shown = box.platform("supervisely").task(task).outputs["general"]
        assert (shown["title"], shown["isError"]) == ("Something went wrong", True)
    if name == "start":
        assert isinstance(scope["session"], SessionInfo)
        assert scope["api"].task.get_status(scope["session"].task_id) is Status.QUEUED


def test_both_doors_give_the_same(api: Api, box: Box) -> None:
    task = some(box, "finished")

    async def awaited() -> list[Any]:
        pages = api.task.get_list_all_pages_generator.aio(
            "tasks.list", {"workspaceId": WORKSPACE, "filter": [], "pagination_mode": "token", "per_page": 7}
        )
        return [
            await api.task.get_list.aio(WORKSPACE),
            await api.task.get_info_by_id.aio(task),
            await api.task.get_status.aio(task),
            await api.task.wait.aio(task, "finished"),
            await api.team.get_list.aio(),
            [each async for page in pages for each in page],
            [each async for page in api.task.get_list_page_generator_async("tasks.list", BODY) for each in page],
            (await api.task.get_list_idx_page_async("tasks.list", BODY))[1],
        ]

    everything = api.task.get_list(WORKSPACE)
    info, status = api.task.get_info_by_id(task), api.task.get_status(task)
    teams, is_there = api.team.get_list(), api.task.wait(task, Status.FINISHED)
    assert len(everything) > 10
    assert asyncio.run(awaited()) == [everything, info, status, is_there, teams, everything, everything, everything]


BODY: dict[str, Any] = {"workspaceId": WORKSPACE, "filter": [], "sort": "id"}


def test_a_thousand_tasks_are_two_pages_and_each_task_comes_once() -> None:
    with sandbox.run(["supervisely"], seed=5, jobs=3000, clock="manual") as large:
        api = Api(large.url("supervisely"), large.token("supervisely"))
        server = large.platform("supervisely")
        wanted = [task.id for task in server.tasks_of(server.workspace(WORKSPACE))]
        assert [task.id for task in api.task.get_list(WORKSPACE)] == wanted
        assert asked(large, "tasks.list") == -(-len(wanted) // 500) > 1


def test_a_page_moves_on_with_the_cursor_and_stops_when_it_is_left(api: Api, box: Box) -> None:
    data = {"workspaceId": WORKSPACE, "filter": [], "pagination_mode": "token", "per_page": 4}
    pages = api.task.get_list_all_pages_generator("tasks.list", data)
    assert len(next(pages)) == 4
    pages.close()
    assert asked(box, "tasks.list") <= 2
    assert data == {"workspaceId": WORKSPACE, "filter": [], "pagination_mode": "token", "per_page": 4}


def test_an_unknown_task_is_none_or_not_found(api: Api) -> None:
    assert api.task.get_info_by_id(404404) is None
    for ask in (api.task.get_status, api.task.get_context, api.task.list_checkpoints, api.app.get_status):
        with pytest.raises(NotFound):
            ask(404404)


def test_waiting_tells_true_false_or_why_not(api: Api, box: Box) -> None:
    assert api.task.wait(some(box, "finished"), api.task.Status.FINISHED) is True
    assert api.task.wait(some(box, "stopped"), Status.FINISHED) is False
    assert api.task.wait(some(box, "error"), Status.ERROR) is True
    with pytest.raises(TaskFinishedWithError):
        api.task.wait(some(box, "error"), Status.FINISHED)
    started = some(box, "started")
    forget(box)
    with pytest.raises(WaitingTimeExceeded, match="is started, and not finished, after 3 times"):
        api.task.wait(started, Status.FINISHED, 3, 0.001)
    assert asked(box, "tasks.info") == 3
    with pytest.raises(ValueError, match="is no Status"):
        api.task.wait(started, "done")
    with pytest.raises(ValueError, match="negative"):
        api.task.wait(started, Status.FINISHED, -1)


def test_the_twelve_that_the_vendor_dropped_are_there(api: Api, box: Box, tmp_path: Path) -> None:
    task, api_task = training(box), api.task
    assert {record.type for record in api_task.get_training_metrics(task)} == {"train", "val"}
    listed = api_task.list_checkpoints(task)
    assert {"id", "status", "modelTitle"} <= set(listed[0])
    api_task.delete_unused_checkpoints(task)
    assert len(api_task.list_checkpoints(task)) == 1
    with pytest.raises(ValueError, match="is of type"):
        api_task.list_checkpoints(api_task.create_task_detached(WORKSPACE))
    files = api_task.get_import_files_list(task)["files"]
    api_task.download_import_file(task, files[0], tmp_path / "new" / "picture.txt")
    assert (tmp_path / "new" / "picture.txt").read_text() == f"picture 1 of task {task}\n"
    (tmp_path / "graph.tar").write_bytes(b"archive" * 1000)
    api_task.upload_dtl_archive(task, tmp_path / "graph.tar")
    assert box.platform("supervisely").task(task).archives == {"graph": b"archive" * 1000}
    model = model_of(box, task)
    begun = [
        api_task.run_dtl(WORKSPACE, [{"action": "data", "src": [], "dst": "$s", "settings": {}}]),
        api_task.run_train(61, 7310, model, "net"),
        api_task.run_inference(61, 7310, model, "found"),
        api_task.deploy_model_async(61, model),
    ]
    assert len(set(begun)) == 4
    assert api_task.deploy_model_async(61, model) == begun[3]
    box.clock.advance(60)
    assert api_task.deploy_model(61, model) == begun[3]


def model_of(box: Box, task: int) -> int:
    return int(box.platform("supervisely").task(task).results["model"]["id"])


def test_a_server_without_them_says_so(api: Api, box: Box, tmp_path: Path) -> None:
    task = training(box)
    box.platform("supervisely").legacy = False
    (tmp_path / "graph.tar").write_bytes(b"")
    for call in (
        lambda: api.task.list_checkpoints(task),
        lambda: api.task.delete_unused_checkpoints(task),
        lambda: api.task.get_import_files_list(task),
        lambda: api.task.download_import_file(task, "a", tmp_path / "a"),
        lambda: api.task.create_task_detached(WORKSPACE),
        lambda: api.task.run_dtl(WORKSPACE, []),
        lambda: api.task.run_train(61, 7310, 1, "net"),
        lambda: api.task.run_inference(61, 7310, 1, "found"),
        lambda: api.task.deploy_model(61, 1),
        lambda: api.task.deploy_model_async(61, 1),
        lambda: api.task.upload_dtl_archive(task, tmp_path / "graph.tar"),
        lambda: api.task.get_training_metrics(task),
    ):
        with pytest.raises(Unsupported, match="does not offer"):
            call()
    assert {path.name for path in tmp_path.iterdir()} == {"graph.tar"}


def test_files_go_up_in_batches_of_50_and_only_those_that_the_server_lacks(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = some(box, "started")
    monkeypatch.setenv("SUPERVISELY_TASK_ID", str(task))
    api = Api(box.url("supervisely"), box.token("supervisely"))
    paths = [tmp_path / f"{number}.txt" for number in range(60)]
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    forget(box)
    counts: list[int] = []
    api.task.upload_files(task, paths, [path.name for path in paths], counts.append)
    assert counts == [0, 100, 20]
    assert asked(box, "tasks.files.bulk.upload") == 2
    assert box.platform("supervisely").task(task).files == {path.name: path.read_bytes() for path in paths}
    api.task.upload_files(task, paths, [f"again/{path.name}" for path in paths], counts.append)
    assert counts[3:] == [60]
    assert asked(box, "tasks.files.bulk.add-by-hash") == 2
    assert asked(box, "tasks.files.bulk.upload") == 2


def test_an_upload_says_what_is_wrong_with_its_files_before_anything_is_sent(
    api: Api, box: Box, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="1 paths and 2 names"):
        api.task.upload_files(1, ["a"], ["a", "b"])
    with pytest.raises(StoreError, match="cannot be sent"):
        api.task.upload_files(1, [tmp_path / "missing"], ["a"])
    api.task.upload_files(1, [], [])
    assert asked(box, "/public") == 0


def test_an_archive_tells_how_many_mebibytes_have_left(api: Api, box: Box, tmp_path: Path) -> None:
    size = 5 * 2**20
    with (tmp_path / "big.tar").open("wb") as file:
        file.truncate(size)
    counts: list[float] = []
    api.task.upload_dtl_archive(training(box), tmp_path / "big.tar", counts.append)
    assert counts == sorted(counts)
    assert counts[-1] == pytest.approx(5, abs=0.01)


def test_a_download_that_fails_leaves_nothing_behind(api: Api, box: Box, tmp_path: Path) -> None:
    target = tmp_path / "picture.txt"
    target.write_text("what was there")
    with pytest.raises(NotFound):
        api.task.download_import_file(training(box), "no such file", target)
    assert target.read_text() == "what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["picture.txt"]


def test_what_changes_something_is_sent_once_and_what_reads_again(api: Api, box: Box) -> None:
    box.faults.add("status", path="tasks.run.app$", times=1)
    with pytest.raises(ServerError):
        api.task.start(61, module_id=601, workspace_id=WORKSPACE)
    assert asked(box, "tasks.run.app") == 1
    box.faults.add("status", path="GetTaskContext$", times=1)
    assert api.task.get_context(some(box, "finished")).workspace.id == WORKSPACE
    box.faults.add("status", path="GetTaskContext$", times=1)
    once = Api(box.url("supervisely"), box.token("supervisely"), retry_count=1)
    with pytest.raises(ServerError):
        once.task.get_context(some(box, "finished"))


def test_the_callers_values_stay_as_they_are(api: Api, box: Box) -> None:
    task = some(box, "started")
    context, meta, data = {"u": 1}, {"note": "x"}, {"k": [1]}
    params = {"state": {"k": 1}}
    api.task.send_request(task, "deploy", data, context)
    api.task.update_meta(task, meta)
    api.task.start(61, module_id=601, workspace_id=WORKSPACE, params=params)
    api.app.start(61, module_id=601, workspace_id=WORKSPACE, params=params)
    assert (context, meta, data, params) == ({"u": 1}, {"note": "x"}, {"k": [1]}, {"state": {"k": 1}})
    assert api.task.send_request(task, "again", {})["echo"]["context"] == {"outside_request": True}


@pytest.mark.parametrize("payload", [float("nan"), float("inf"), object(), {1, 2}, b"bytes"])
def test_what_json_has_no_word_for_is_refused_before_anything_is_sent(api: Api, box: Box, payload: Any) -> None:
    with pytest.raises(ValueError, match="cannot be sent as JSON"):
        api.task.set_field(1, "data.x", payload)
    assert asked(box, "/public") == 0


def test_a_token_is_the_callers_own_and_is_shown_nowhere(box: Box) -> None:
    right, wrong = box.token("supervisely"), "another-token-that-is-wrong-0815"
    swnb.connect("lab", box.uri("supervisely"), token=right)
    try:
        assert Api(box.url("supervisely")).team.get_list()
        stranger = Api(box.url("supervisely"), wrong)
        with pytest.raises(TokenRejected) as refused:
            stranger.team.get_list()
        told = "".join(traceback.format_exception(refused.value)) + repr(stranger) + repr(vars(stranger))
        assert wrong not in told
        assert right not in told
        assert Api(box.url("supervisely")).team.get_list()
    finally:
        swnb.forget("lab")


def test_the_tokens_of_agents_are_stars_and_those_of_sessions_are_not_shown(api: Api, box: Box) -> None:
    agents = [*api.agent.get_list(451), api.agent.get_info_by_id(61), *api.agent.get_list_available(451)]
    agents += api.agent.get_list_all_pages("agents.list", {"teamId": 451, "filter": []})
    secrets = [agent.record()["token"] for agent in box.platform("supervisely").people.agents]
    assert all(agent is not None and agent.get("token", "****") == "****" for agent in agents)
    assert not any(secret in json.dumps(agents) for secret in secrets)
    task = api.task.get_info_by_id(some(box, "started"))
    assert task is not None
    session = task.meta.session_token
    assert session in json.dumps(task)
    assert session not in f"{task!r} {task} {[task]} {task['meta']}"


def test_the_environments_file_is_read_when_something_is_missing(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError):
        Api.from_env()
    with pytest.raises(ValueError, match=r"end in \.env"):
        Api.from_env(env_file="secrets.txt")
    (tmp_path / "supervisely.env").write_text(f'API_TOKEN="{box.token("supervisely")}"\n')
    with pytest.raises(BadInput, match="SERVER_ADDRESS is not set"):
        Api.from_env()
    monkeypatch.setenv("SERVER_ADDRESS", box.url("supervisely"))
    assert Api.from_env().team.get_list()
    assert "API_TOKEN" not in os.environ
    monkeypatch.setenv("ENV", "production")
    with pytest.raises(BadInput, match="API_TOKEN is not set"):
        Api.from_env()


def test_the_api_may_stand_at_an_address_of_its_own(box: Box) -> None:
    token = box.token("supervisely")
    api = Api("https://pages.example", token, api_server_address=f"{box.url('supervisely')}/public/api")
    assert api.server_address == "https://pages.example"
    assert api.team.get_list()
    forget(box)
    elsewhere = Api("https://pages.example", token, api_server_address=f"{box.url('supervisely')}/gate")
    with pytest.raises(Unsupported):
        elsewhere.team.get_list()
    assert asked(box, "^/gate/v3/teams.list$") == 1


def test_no_thread_and_no_task_is_left_behind(api: Api, box: Box) -> None:
    api.task.get_list(WORKSPACE)
    before = threading.active_count()
    for _ in range(3):
        Api(box.url("supervisely"), box.token("supervisely")).task.get_list(WORKSPACE)
    assert threading.active_count() <= before
