"""A Supervisely server made of a few dicts, for tests of the provider: no sockets, every Call is kept."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from swnb.call import Call, Plan, Reply
from swnb.errors import SwnbError
from swnb.providers.supervisely import Supervisely

T = TypeVar("T")
API = "/public/api/v3/"
TEAM = {"id": 44, "name": "orchard", "role": "admin"}
SPACE = {"id": 51, "name": "plums", "teamId": 44, "createdAt": "2026-02-01T10:00:00.000Z"}
INFO_ONLY = ("workspaceId", "teamId", "userId", "userLogin", "agentId", "agentName", "settings")

Body = dict[str, Any]


def ok(body: Any, path: str = "x") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(200, {"content-type": "application/json"}, raw, "lab", API + path)


def refusal(status: int, said: str = "no", path: str = "x") -> Reply:
    body = {"error": f"E{status}", "details": {"message": said}}
    return Reply(status, {}, json.dumps(body).encode(), "lab", API + path)


def page(items: Sequence[Any], body: Mapping[str, Any], most: int = 500) -> Reply:
    size = min(body.get("per_page", 500), most)
    at = (body.get("page", 1) - 1) * size
    count = max(1, math.ceil(len(items) / size))
    return ok({"total": len(items), "perPage": size, "pagesCount": count, "entities": list(items[at : at + size])})


def task(id_: int = 7, **more: Any) -> Body:
    meta = {"app": {"id": 1, "moduleId": 5, "name": "Train YOLO", "version": "v1"}, "output": {}}
    times = {"startedAt": "2026-02-03T04:05:06.789Z", "finishedAt": "2026-02-03T05:05:06.789Z"}
    known = {"workspaceId": 51, "teamId": 44, "userLogin": "mira", "agentName": "agent-a", "settings": {}}
    return {"id": id_, "type": "app", "status": "finished", **times, "meta": meta, "description": "", **known, **more}


def trained(id_: int = 7, metrics: Any = None, **more: Any) -> Body:
    data = {"experiment_name": "plums s", "framework_name": "YOLO", "task_id": id_, "project_id": 73, **more}
    return task(id_, meta={"output": {"experiment": {"data": {**data, "evaluation_metrics": metrics}}}})


@dataclass
class Server:
    """Team 44 with workspace 51 and these tasks, whose lists hold what lists hold. ``rules`` go before all else: a
    reply, or a function of the body, by method."""

    tasks: list[Body] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)
    most: int = 500
    calls: list[Call[Any]] = field(default_factory=list)
    host: Supervisely = field(default_factory=lambda: Supervisely("http://h:1/"))

    def __call__(self, call: Call[Any]) -> Reply:
        self.calls.append(call)
        method = call.path.removeprefix(API)
        body = dict(call.json or call.query)
        rule = self.rules.get(method, getattr(self, "_" + method.replace(".", "_").replace("-", "_"), None))
        if rule is None:
            return refusal(404, f"Method {method} not found", method)
        found: Reply = rule(body) if callable(rule) else rule
        return found

    def _teams_list(self, body: Body) -> Reply:
        return page([TEAM], body)

    def _teams_info(self, body: Body) -> Reply:
        return ok(TEAM)

    def _workspaces_list(self, body: Body) -> Reply:
        return page([SPACE], body)

    def _workspaces_info(self, body: Body) -> Reply:
        return ok(SPACE) if body["id"] == 51 else refusal(404, "Workspace not found")

    def _tasks_list(self, body: Body) -> Reply:
        if body["workspaceId"] != 51:
            return refusal(404, "Workspace not found")
        kept = [each for each in self.tasks if all(_holds(each, rule) for rule in body["filter"])]
        kept.sort(key=lambda each: each["id"], reverse=body["sort_order"] == "desc")
        return page([{k: v for k, v in each.items() if k not in INFO_ONLY} for each in kept], body, self.most)

    def _tasks_info(self, body: Body) -> Reply:
        found = next((each for each in self.tasks if each["id"] == body["id"]), None)
        return ok(found) if found else refusal(404, "Task not found")

    def _GetTaskContext(self, body: Body) -> Reply:
        return ok({"team": {"id": 44, "name": "orchard"}, "workspace": {"id": 51, "name": "plums"}})

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """Method and body or query of each request."""
        return [(call.path.removeprefix(API), call.json or dict(call.query)) for call in self.calls]

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def run(self, plan: Plan[T]) -> T:
        """The answer of a plan, the plans that it yields included; errors are thrown in where they happen."""
        step: Callable[[], Any] = partial(next, plan)
        while True:
            try:
                asked = step()
            except StopIteration as end:
                result: T = end.value
                return result
            try:
                given = self._one(asked) if isinstance(asked, Call) else [self._one(each) for each in asked]
            except SwnbError as error:
                step = partial(plan.throw, error)
            else:
                step = partial(plan.send, given)

    def _one(self, item: Call[Any] | Plan[Any]) -> Any:
        return item.decode(self(item)) if isinstance(item, Call) else self.run(item)


def _holds(record: Body, rule: Body) -> bool:
    value, wanted = record.get(rule["field"]), rule["value"]
    return {"in": lambda: value in wanted, "!in": lambda: value not in wanted}[rule["operator"]]()
