"""How answers go out and JSON bodies come in."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from swnb.sandbox.starwhale import errors


def reply(request: Request, data: Any) -> Response:
    return packed(request, errors.envelope(data))


def packed(request: Request, body: bytes, headers: dict[str, str] | None = None) -> Response:
    """JSON, gzipped when the client takes it, however small."""
    headers = headers or {}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers = gzip.compress(body, 1, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return Response(body, headers=headers, media_type="application/json")


async def json_value(request: Request) -> Any:
    """The JSON value sent; a body that is missing or is no JSON ends in the server's 500."""
    if "json" not in request.headers.get("content-type", ""):
        raise errors.internal("Content type '' not supported")
    body = await request.body()
    if not body:
        raise errors.internal("Required request body is missing: org.springframework.http.ResponseEntity")
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as bad:
        raise errors.internal(f"JSON parse error: {bad}") from None


async def json_body(request: Request) -> dict[str, Any]:
    body = await json_value(request)
    if not isinstance(body, dict):
        raise errors.internal("JSON parse error: Cannot deserialize value from Array value")
    return body
