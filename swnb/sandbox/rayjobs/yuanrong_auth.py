"""The frontend's token gate (paper 1.2): a JWT in X-Auth, the query or a cookie; all failures are 401."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

from starlette.requests import Request

from swnb.sandbox.rayjobs import go

OPEN = frozenset({"/", "/healthz", "/api-docs", "/serverless/v1/componentshealth", "/serverless/v1/capabilities"})

IAM = "http://127.0.0.1:31112/iam-server/v1/token/auth"
REFUSED = f"IAM server validation failed (failed to send request to IAM server: Forbidden, url is {IAM})"
FIELDS = {"sub": "string", "role": "string", "exp": "int64"}
STRANGERS = frozenset({"stranger"})
"""Tenants that IAM refuses."""


class Denied(Exception):
    """Why a caller may not ask; the text behind `Authentication failed: `."""


def make_token(**payload: Any) -> str:
    """A token of that payload; nobody here checks its signature."""
    parts = ({"alg": "HS256", "typ": "JWT"}, payload)
    return ".".join(_pack(json.dumps(part).encode()) for part in parts) + "." + _pack(b"signature")


def check(request: Request, *, iam: bool) -> None:
    """Denied, unless the first token that is not empty is a developer's; `iam` asks whether it has expired, too."""
    path = request.url.path
    if request.method == "GET" and (path in OPEN or path.startswith("/auth/")):
        return
    asked = request.headers.get("x-auth"), request.query_params.get("token"), request.cookies.get("iam_token")
    given = next((text.strip() for text in asked if text and text.strip()), None)
    if given is None:
        raise Denied("no token provided. Please enter a valid JWT token.")
    payload = _payload(given)
    role = payload.get("role", "")
    if role != "developer":
        raise Denied(f"role {role} is not authorized to access this resource")
    late = 0 < payload.get("exp", 0) <= time.time() or "swnb.expired" in request.scope
    if iam and (late or payload.get("sub") in STRANGERS):
        raise Denied(REFUSED)


def _payload(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        reason = f"invalid JWT format: expected Header.Payload.Signature, got {len(parts)} parts"
        raise Denied(f"invalid or malformed token ({reason})")
    try:
        go.decode(_unpack(parts[0], "header"))
        payload = go.decode(_unpack(parts[1], "payload"))
        return go.Reader("jwtauth").struct(payload, "JWTPayload", FIELDS)
    except go.BadJson as bad:
        raise Denied(f"invalid or malformed token (failed to unmarshal payload: {bad})") from None


def _unpack(part: str, what: str) -> bytes:
    """base64 of either alphabet; the error names the place as Go does."""
    plain = part.rstrip("=").replace("+", "-").replace("/", "_")
    bad = re.search(r"[^A-Za-z0-9_-]", plain)
    if bad or len(plain) % 4 == 1:
        place = bad.start() if bad else len(plain) - 1
        raise Denied(f"invalid or malformed token (failed to decode {what}: illegal base64 data at input byte {place})")
    return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
