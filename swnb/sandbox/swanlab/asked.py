"""What every handler does first: who asks, what was sent; and how answers go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.people import User
from swnb.sandbox.swanlab.runs import Run
from swnb.sandbox.swanlab.state import Project, State


@dataclass(frozen=True)
class Asked:
    """A request of somebody who is signed in."""

    state: State
    request: Request
    user: User
    body: Any

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name) or default

    def number(self, name: str, default: int) -> int:
        text = self.query(name, str(default))
        if not text.isdecimal():
            raise errors.bad(f"{name} is no number")
        return int(text)

    def page(self) -> tuple[int, int]:
        return max(self.number("page", 1), 1), max(self.number("size", 10), 1)

    @property
    def fields(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise errors.bad("the body is no object")
        return self.body

    def items(self, name: str) -> list[dict[str, Any]]:
        """A list of objects in the body."""
        return objects(self.fields.get(name), name)

    def project(self, *, write: bool = False) -> Project:
        return self.state.project(self.user, self.path("ws"), self.path("project"), write=write)

    def run(self, *, write: bool = False) -> tuple[Project, Run]:
        project = self.project(write=write)
        return project, self.state.run(project, self.path("run"))


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise errors.bad(f"{name} is no list of objects")
    return value


Handler = Callable[[Asked], Response]


def route(state: State, method: str, path: str, handler: Handler, *, new: bool = False) -> Route:
    """`new`: servers of the old generation do not have it."""

    async def answer(request: Request) -> Response:
        if new and state.generation == "old":
            raise errors.missing(path)
        user = state.people.caller(request)
        asked = Asked(state, request, user, await _json(request))
        try:
            return handler(asked)
        except (KeyError, TypeError, ValueError) as wrong:
            raise errors.bad(f"the request has another shape: {wrong!r}") from wrong

    return Route(path, answer, methods=[method])


async def _json(request: Request) -> Any:
    if request.method in {"GET", "HEAD"}:
        return None
    body = await request.body()
    try:
        return msgspec.json.decode(body) if body else None
    except msgspec.DecodeError as bad:
        raise errors.bad(f"the body is no JSON: {bad}") from None


def reply(data: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(data), status, media_type="application/json")


def nothing() -> Response:
    return Response(status_code=204)
