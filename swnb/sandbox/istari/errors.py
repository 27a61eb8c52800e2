"""The registry's error answers: a text in `detail`, or a list of what was wrong with the request (paper 7.1)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response


class Refused(Exception):
    """An error answer: `response()` is what the server sends."""

    def __init__(self, status: int, detail: Any) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail

    def response(self) -> Response:
        return Response(msgspec.json.encode({"detail": self.detail}), self.status, media_type="application/json")


def unauthorized(detail: str = "Could not validate credentials") -> Refused:
    return Refused(401, detail)


def forbidden() -> Refused:
    return Refused(403, "Forbidden")


def missing(what: str) -> Refused:
    return Refused(404, f"{what} not found")


def conflict(detail: str) -> Refused:
    return Refused(409, detail)


def invalid(where: tuple[str | int, ...], message: str, kind: str, given: object = None, **ctx: object) -> Refused:
    """One wrong part of the request, e.g. invalid(("query", "size"), ...)."""
    fault: dict[str, Any] = {"loc": list(where), "msg": message, "type": kind, "input": given}
    return Refused(422, [fault | ({"ctx": ctx} if ctx else {})])
