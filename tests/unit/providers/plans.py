"""Drives a plan without any I/O: a function answers each Call, and what was asked is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from swnb.call import Call, Plan, Reply
from swnb.errors import SwnbError

T = TypeVar("T")

#: how errors name the server of these tests
SERVER = "lab"


@dataclass
class Played(Generic[T]):
    """What a plan returned, and the Calls that it asked in their order. ``rounds`` has those asked abreast together."""

    result: T
    rounds: list[list[Call[Any]]] = field(default_factory=list)

    @property
    def calls(self) -> list[Call[Any]]:
        return [call for together in self.rounds for call in together]

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        """The Calls as literals to compare with: method, path, and of query, JSON and form what there is."""
        return [asked(call) for call in self.calls]


def asked(call: Call[Any]) -> tuple[Any, ...]:
    parts = (dict(call.query) or None, call.json, dict(call.form) if call.form is not None else None)
    return (call.method, call.path, *(part for part in parts if part is not None))


def play(plan: Plan[T], answer: Callable[[Call[Any]], Reply]) -> Played[T]:
    """Run a plan to its end as fetch does: errors are thrown in where they happen."""
    rounds: list[list[Call[Any]]] = []
    step: Callable[[], Any] = lambda: next(plan)  # noqa: E731
    while True:
        try:
            wanted = step()
        except StopIteration as end:
            return Played(end.value, rounds)
        calls = [wanted] if isinstance(wanted, Call) else list(wanted)
        rounds.append(calls)
        try:
            results = [call.decode(answer(call)) for call in calls]
        except SwnbError as error:
            problem = error
            step = lambda problem=problem: plan.throw(problem)  # noqa: E731
        else:
            received = results[0] if isinstance(wanted, Call) else results
            step = lambda received=received: plan.send(received)  # noqa: E731


def first_call(plan: Plan[Any]) -> Call[Any]:
    """The Call that a plan begins with."""
    call = next(plan)
    assert isinstance(call, Call)
    return call


def reply(data: Any = None, status: int = 200, headers: Mapping[str, str] | None = None, body: Any = None) -> Reply:
    """A successful envelope around ``data``; or ``body`` (bytes, or JSON to be) as it is."""
    content = {"code": "success", "message": "Success", "data": data} if body is None else body
    raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return Reply(status, headers or {"content-type": "application/json"}, raw, SERVER, "/api/v1/x")


def refused(status: int, message: str, code: str = "x", *, array: bool = False) -> Reply:
    body = {"code": [code], "message": [message]} if array else {"code": code, "message": message, "data": None}
    return reply(status=status, body=body)


def one_page(items: list[Any], total: int | None = None, **more: Any) -> Reply:
    return reply({"list": items, "total": len(items) if total is None else total, "hasNextPage": False} | more)


def never(call: Call[Any]) -> Reply:
    raise AssertionError(f"no request is expected, but {asked(call)} was asked")
