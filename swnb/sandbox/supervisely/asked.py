"""What every handler is given: who asks and what was sent, as a JSON body, a query or a form of parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request

from swnb.sandbox.supervisely import errors
from swnb.sandbox.supervisely.people import User, Workspace
from swnb.sandbox.supervisely.state import State
from swnb.sandbox.supervisely.tasks import Task


class Part(NamedTuple):
    """A field or a file of a multipart body."""

    name: str
    file: str | None
    body: bytes


@dataclass(frozen=True)
class Asked:
    state: State
    request: Request
    user: User
    body: Any

    @property
    def fields(self) -> dict[str, Any]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise errors.bad("the body is no object")
        return self.body

    def number(self, name: str) -> int:
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise errors.bad(f"{name} should be an integer")
        return value

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise errors.bad(f"{name} should be a string")
        return value

    def object(self, name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        value = self.fields.get(name)
        if value is None:
            value = default
        if not isinstance(value, dict):
            raise errors.bad(f"{name} should be an object")
        return value

    def objects(self, name: str) -> list[dict[str, Any]]:
        value = self.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise errors.bad(f"{name} should be a list of objects")
        return value

    def task(self, name: str = "id", *, write: bool = False) -> Task:
        return self._task(self.number(name), write)

    def caller_task(self) -> Task | None:
        """The task that the header x-task-id names: an app that speaks about itself."""
        header = self.request.headers.get("x-task-id", "")
        return self._task(int(header), True) if header.isdecimal() else None

    def _task(self, number: int, write: bool) -> Task:
        task = self.state.task(number)
        self.state.people.check(self.user, task.place.team, write=write)
        return task

    def workspace(self, *, write: bool = False) -> Workspace:
        found = self.state.workspace(self.number("workspaceId"))
        self.state.people.check(self.user, found.team, write=write)
        return found

    def parts(self) -> list[Part]:
        """The parts of a multipart body."""
        if not isinstance(self.body, bytes):
            raise errors.bad("the body is no multipart form")
        return split(self.body, self.request.headers["content-type"])


Handler = Callable[[Asked], Any]


async def sent(request: Request) -> Any:
    """The body: a JSON value, the bytes of a form, or the query of a GET."""
    if request.method == "GET":
        return {name: _value(text) for name, text in request.query_params.items()}
    body = await request.body()
    if request.headers.get("content-type", "").startswith("multipart/"):
        return body
    try:
        return msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as wrong:
        raise errors.bad(f"the body is no JSON: {wrong}") from None


def _value(text: str) -> Any:
    """A value in a query: JSON where it is JSON, else the text itself."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def split(body: bytes, kind: str) -> list[Part]:
    """The parts of a multipart body of that content type."""
    found = re.search(r'boundary="?([^";]+)', kind)
    if found is None:
        raise errors.bad("the form has no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    return [_part(piece) for piece in pieces[1:] if not piece.startswith(b"--")]


def _part(piece: bytes) -> Part:
    head, _, body = piece.partition(b"\r\n\r\n")
    words = {
        key.decode(): value.decode("utf-8", "replace")
        for key, value in re.findall(rb'\b(name|filename)="([^"]*)"', head)
    }
    return Part(words.get("name", ""), words.get("filename"), body)
