"""The server's error answers: the clients look at the status and its reason phrase (paper 1.5)."""

from __future__ import annotations

import http

import msgspec
from starlette.responses import Response

from swnb.sandbox.wire import REASON


class Refused(Exception):
    """An error answer: `response()` is what the server sends."""

    def __init__(self, status: int, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.reason = reason or http.HTTPStatus(status).phrase

    def response(self) -> Response:
        body = {"code": self.reason.replace(" ", "_").upper(), "message": self.message}
        headers = {REASON: self.reason, "traceid": "0123456789abcdef"}
        return Response(msgspec.json.encode(body), self.status, headers, "application/json")


def unauthorized(message: str = "Not signed in") -> Refused:
    return Refused(401, message)


def forbidden(message: str = "No permission") -> Refused:
    return Refused(403, message)


def missing(what: str) -> Refused:
    return Refused(404, f"{what} not found")


def disabled(cuid: str) -> Refused:
    """The run was deleted."""
    return Refused(404, f"Experiment {cuid} is deleted", "Disabled Resource")


def bad(message: str) -> Refused:
    return Refused(400, message)
