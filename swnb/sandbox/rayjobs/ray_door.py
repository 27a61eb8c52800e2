"""What stands before every call to Ray: the token, the guard against browsers; and how answers go out (paper 2.2)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

SERVER = {"Server": "Python/3.11 aiohttp/3.13.2"}

OPEN = frozenset({"/", "/favicon.ico", "/api/authentication_mode", "/api/gcs_healthz", "/api/healthz"})
"""Paths that ask for no token."""

COOKIE = "ray-authentication-token"

TRACE = "Traceback (most recent call last):\n  (frames left out)\n"


class Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text

    def response(self) -> Response:
        return text(self.text, self.status)


def text(body: str, status: int = 200, kind: str = "text/plain") -> Response:
    return Response(body, status, SERVER | {"Content-Type": f"{kind}; charset=utf-8"})


def reply(data: Any, status: int = 200) -> Response:
    return encoded(msgspec.json.encode(data), status)


def encoded(body: bytes, status: int = 200) -> Response:
    return Response(body, status, SERVER | {"Content-Type": "application/json; charset=utf-8"})


def nothing(status: int = 404) -> Refused:
    return Refused(status, "404: Not Found" if status == 404 else "405: Method Not Allowed")


def trouble() -> Refused:
    """The web server's own answer to what nobody caught."""
    return Refused(500, "500 Internal Server Error\n\nServer got itself in trouble")


def wrong(reason: str) -> Refused:
    return Refused(400, f"{TRACE}{reason}\n")


def failed(reason: str, inner: int = 500) -> Refused:
    """A failure in the agent that does the work: one traceback around another."""
    return Refused(500, f"{TRACE}RuntimeError: Request failed with status code {inner}: {TRACE}{reason}\n.\n")


def is_browser(headers: Headers) -> bool:
    """Whether a request looks like one of a browser."""
    marks = ("origin", "referer", "sec-fetch-", "access-control-request-")
    return headers.get("user-agent", "").startswith("Mozilla") or any(name.startswith(marks) for name in headers)


def check_browser(method: str, headers: Headers) -> None:
    if method not in {"GET", "HEAD", "OPTIONS"} and is_browser(headers):
        raise Refused(405, f"'{method}' method not allowed for browser traffic.")


def check_token(headers: Headers, token: str, *, expired: bool) -> None:
    """The first of two headers and a cookie is judged."""
    cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE)
    given = headers.get("authorization") or headers.get("x-ray-authorization") or (cookie and f"Bearer {cookie}")
    if not given:
        raise Refused(401, "Unauthorized: Missing authentication token")
    if given != f"Bearer {token}" or expired:
        raise Refused(403, "Forbidden: Invalid authentication token")
