"""A SwanLab server made of answers, for tests of the provider: no sockets, every Call is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from swnb.call import Call, Plan, Reply
from swnb.errors import SwnbError

T = TypeVar("T")


def ok(body: Any, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(200, headers, raw, "lab", "/x")


def gone(what: str = "Not Found") -> Reply:
    return refusal(404, what)


def refusal(status: int, said: str = "no", code: str = "", **headers: str) -> Reply:
    return Reply(status, headers, json.dumps({"code": code, "message": said}).encode(), "lab", "/x")


def page(items: list[Any], total: int | None = None, pages: int = 1) -> Reply:
    return ok({"list": items, "size": 100, "pages": pages, "total": len(items) if total is None else total})


@dataclass
class Server:
    """Answers by method and path (a regex), the one added last first; what fits none is 404, as a missing endpoint."""

    calls: list[Call[Any]] = field(default_factory=list)
    rules: list[tuple[str, str, Any]] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Any) -> Server:
        """Several answers go in turn, the last of them for ever. A function gets the call."""
        self.rules.insert(0, (method, path, list(answers)))
        return self

    def __call__(self, call: Call[Any]) -> Reply:
        self.calls.append(call)
        for method, path, answers in self.rules:
            if call.method == method and re.fullmatch(path, call.path):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                found: Reply = answer(call) if callable(answer) else answer
                return found
        return gone("Cannot " + call.method)

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """Method, path and, where there are such, query and JSON."""
        return [(c.method, c.path, *(part for part in (dict(c.query) or None, c.json) if part)) for c in self.calls]

    @property
    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]

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


def project(name: str = "kites", **more: Any) -> dict[str, Any]:
    common = {"cuid": f"p-{name}", "name": name, "visibility": "PRIVATE", "createdAt": "2026-11-01T10:00:00.000Z"}
    return common | {"_count": {"experiments": 3, "runningExps": 1}} | more


def run(cuid: str = "c1", **more: Any) -> dict[str, Any]:
    common = {"cuid": cuid, "slug": None, "name": f"run {cuid}", "state": "FINISHED"}
    return common | {"createdAt": "2026-11-02T10:00:00.000Z", "finishedAt": "2026-11-02T11:00:00.000Z"} | more


def csv_of(keys: list[str], *rows: str, name: str = "exp") -> Reply:
    heads = [f"{name}-{key}_{what}" for key in keys for what in ("step", "timestamp")]
    return ok("".join(f"{line}\n" for line in (",".join(["step", *heads]), *rows)).encode())


def served(runs: Mapping[str, dict[str, Any]] | None = None) -> Server:
    """Workspace ``ada`` with project ``kites`` and these runs (by default ``c1``), of the newer generation."""
    runs = {"c1": run()} if runs is None else runs

    def one(call: Call[Any]) -> Reply:
        name = call.path.rpartition("/")[2]
        found = next((each for each in runs.values() if name in (each["cuid"], each.get("slug"))), None)
        return ok(found) if found else gone("Experiment not found")

    server = Server()
    server.on("GET", "/api/project/ada", page([project()]))
    server.on("GET", "/api/project/ada/kites", ok(project()))
    server.on("GET", "/api/project/ada/kites/runs", page([*runs.values()]))
    return server.on("GET", "/api/project/ada/kites/runs/[^/]+", one)
