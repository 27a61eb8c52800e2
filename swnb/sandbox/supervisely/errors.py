"""The server's error answers: a short word and a text for people (paper 1.7)."""

from __future__ import annotations

import http

import msgspec
from starlette.responses import Response


class Refused(Exception):
    """An error answer: `response()` is what the server sends."""

    def __init__(self, status: int, message: str, **details: object) -> None:
        super().__init__(message)
        self.status = status
        self.details = {"message": message, **details}

    def response(self) -> Response:
        body = {"error": http.HTTPStatus(self.status).phrase, "details": self.details}
        return Response(msgspec.json.encode(body), self.status, media_type="application/json")


def unauthorized(message: str = "The token is not valid") -> Refused:
    return Refused(401, message)


def forbidden(message: str = "You have no access") -> Refused:
    return Refused(403, message)


def missing(what: str) -> Refused:
    return Refused(404, f"{what} not found")


def bad(message: str) -> Refused:
    return Refused(400, message)
