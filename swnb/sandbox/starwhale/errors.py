"""The server's three kinds of error body (paper 3.2)."""

from __future__ import annotations

import http
import json
import re
from typing import Any

import msgspec
from starlette.responses import Response

DATASTORE = "Starwhale Internal DataStore"
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


class Refused(Exception):
    """An error answer: `response()` is what the server sends."""

    def __init__(self, status: int, code: str, message: str, kind: str = "plain") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.kind = status, code, message, kind

    def response(self) -> Response:
        headers = {"connection": "close"} if self.status in {400, 500, 503} else {}
        if self.kind == "html":
            return Response(_page(self.status), self.status, headers, "text/html;charset=UTF-8")
        if self.kind == "array":
            # The filters write Latin-1 and call it UTF-8; what Latin-1 lacks ends in a page of HTML.
            body = json.dumps({"code": [self.code], "message": [self.message]}, indent=2, ensure_ascii=False)
            try:
                return Response(body.encode("latin-1"), self.status, headers, "application/json;charset=UTF-8")
            except UnicodeEncodeError:
                return Response(_page(500), 500, {"connection": "close"}, "text/html;charset=UTF-8")
        return Response(envelope(None, self.code, self.message), self.status, headers, "application/json")


def _page(status: int) -> str:
    """The servlet container's own page; the tests compare its title, not its colours."""
    title = f"HTTP Status {status} – {http.HTTPStatus(status).phrase}"
    return f'<!doctype html><html lang="en"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>'


def envelope(data: Any, code: str = "success", message: str = "Success") -> bytes:
    return as_json({"code": code, "message": message, "data": data})


def as_json(data: Any) -> bytes:
    """JSON as the server writes it: UTF-8, but characters beyond the BMP as a pair of escapes."""
    body = msgspec.json.encode(data)
    if body.isascii():
        return body
    return _BEYOND_BMP.sub(lambda found: json.dumps(found[0])[1:-1], body.decode()).encode()


def unauthorized() -> Refused:
    return Refused(401, "Unauthorized", "Unauthorized")


def not_logged_in(message: str = "Not logged in.") -> Refused:
    return Refused(401, "Unauthorized", message, "array")


def denied() -> Refused:
    return Refused(403, "accessDenied", "Access is denied")


def unknown(what: str, text: str) -> Refused:
    return Refused(404, "ValidationException", f"Resource is not found {what}\n{text}", "array")


def no_page(status: int = 404) -> Refused:
    return Refused(status, "", "", "html")


def invalid(subject: str, text: str) -> Refused:
    return Refused(400, f"INVALID REQUEST: {subject}", f"invalid request on subject {subject}\n{text}")


def bad_scan(text: str, request: str) -> Refused:
    """The datastore says its subject twice and ends with a dump of what it was asked."""
    return invalid(DATASTORE, f"invalid request on subject {DATASTORE}\n{text}\nrequest={request}")


def internal(text: str, code: str = "internalServerError") -> Refused:
    return Refused(500, code, text)
