"""Whatever a server answers to Supervisely's surface: a result, or an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swnb.bridge import run
from swnb.call import Call, Plan, Reply
from swnb.client.source import close_all
from swnb.errors import SwnbError
from swnb.fetch.run import drive
from swnb.sdk.supervisely import Api

ODD = [None, 5, "text", [], [5], [None], {}, {"result": 5}, {"id": None}, {"id": "x", "meta": 5, "status": []}]
ODD += [
    {"total": 1, "perPage": 1, "pagesCount": 1, "entities": entities}
    for entities in (5, [5], [None], [{}], [{"id": 1, "meta": None}], [{"meta": {"app": 5, "releases": 5}}])
]
ODD += [{"meta": {"releases": [5]}}, {"pluginId": {}}, [{"taskId": "x"}], {"taskId": None}]
CALLS: dict[str, Callable[[Api], Any]] = {
    "get_list": lambda api: api.task.get_list(1),
    "get_info_by_id": lambda api: api.task.get_info_by_id(1),
    "get_status": lambda api: api.task.get_status(1),
    "wait": lambda api: api.task.wait(1, "finished", 1),
    "get_context": lambda api: api.task.get_context(1),
    "get_field": lambda api: api.task.get_field(1, "a"),
    "set_field": lambda api: api.task.set_field(1, "a", 1),
    "get_logs": lambda api: api.task.get_logs(1),
    "is_ready": lambda api: api.task.is_ready(1),
    "send_request": lambda api: api.task.send_request(1, "a", {}),
    "set_output_project": lambda api: api.task.set_output_project(1, 2),
    "set_output_archive": lambda api: api.task.set_output_archive(1, 2, "a"),
    "start": lambda api: api.task.start(1, module_id=2),
    "stop": lambda api: api.task.stop(1),
    "upload_files": lambda api: api.task.upload_files(1, [__file__], ["a"]),
    "get_training_metrics": lambda api: api.task.get_training_metrics(1),
    "list_checkpoints": lambda api: api.task.list_checkpoints(1),
    "get_import_files_list": lambda api: api.task.get_import_files_list(1),
    "run_train": lambda api: api.task.run_train(1, 2, 3, "a"),
    "deploy_model_async": lambda api: api.task.deploy_model_async(1, 2),
    "create_task_detached": lambda api: api.task.create_task_detached(1),
    "app.start": lambda api: api.app.start(1, module_id=2),
    "app.get_list": lambda api: api.app.get_list(1),
    "app.get_sessions": lambda api: api.app.get_sessions(1, 2, session_name="a"),
    "app.get_ecosystem_module_id": lambda api: api.app.get_ecosystem_module_id("a"),
    "app.get_ecosystem_module_info": lambda api: api.app.get_ecosystem_module_info(1),
    "agent.get_list_available": lambda api: api.agent.get_list_available(1),
    "workspace.get_info_by_name": lambda api: api.workspace.get_info_by_name(1, "a"),
    "generator": lambda api: list(api.task.get_list_all_pages_generator("tasks.list", {})),
}


class Odd(Api):
    """Every request is answered by the same body."""

    body: Any = None

    async def ask(self, call: Call[Any]) -> Any:
        return self._answer(call)

    async def run(self, plan: Plan[Any]) -> Any:
        return await drive(plan, self._all)

    async def _all(self, asked: Any) -> Any:
        return self._answer(asked) if isinstance(asked, Call) else [await self.run(plan) for plan in asked]

    def _answer(self, call: Call[Any]) -> Any:
        return call.decode(Reply(200, {}, json.dumps(self.body).encode(), "lab", call.path))


@pytest.fixture
def api() -> Iterator[Odd]:
    yield Odd("lab.example", "a-token-that-is-long")
    run(close_all())


@pytest.mark.parametrize("name", CALLS)
def test_an_odd_answer_is_an_error_of_ours_or_none(api: Odd, name: str) -> None:
    met = set()
    for body in ODD:
        api.body = body
        try:
            CALLS[name](api)
        except SwnbError as error:
            met.add(type(error).__name__)
    assert met or name in {"is_ready", "send_request", "get_training_metrics", "get_import_files_list"}
