"""The content store: bytes by hash, behind links that need no sign-in and end by the box's clock (paper 4)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROOT = "/store/"
SECONDS = 900


def seal(body: bytes, salt: str) -> str:
    """The hash that stands in tokens: SHA-384 of the bytes and the salt behind them."""
    return hashlib.sha384(body + salt.encode()).hexdigest()


class Blob:
    """Bytes and their salt; made when first asked for."""

    def __init__(self, make: Callable[[], bytes], salt: str) -> None:
        self._make, self.salt = make, salt

    @cached_property
    def body(self) -> bytes:
        return self._make()

    @cached_property
    def sha(self) -> str:
        return seal(self.body, self.salt)


class Store:
    """`seconds` is how long links hold; requests to links that carry a sign-in are counted."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.seconds = float(SECONDS)
        self.authorization_on_links = 0
        self.sealed: dict[str, Blob] = {}
        """What tokens name."""
        self.uploaded: dict[str, bytes] = {}
        """What clients have put, by the hash they gave."""
        self._now = now
        self._secret = secrets.token_bytes(16)

    def keep(self, blob: Blob) -> str:
        """The blob's hash, which can be asked for from now on."""
        self.sealed[blob.sha] = blob
        return blob.sha

    def body(self, sha: str) -> bytes | None:
        found = self.sealed.get(sha)
        return self.uploaded.get(sha) if found is None else found.body

    def link(self, request: Request, sha: str, method: str) -> tuple[str, float]:
        """A link on the host that was asked, and when it ends."""
        ends = self._now() + self.seconds
        sign = self._signature(method, sha, f"{ends:.3f}")
        host = request.headers.get("host", "localhost")
        return f"http://{host}{ROOT}{sha}?expires={ends:.3f}&signature={sign}", ends

    def _signature(self, method: str, sha: str, ends: str) -> str:
        return hmac.new(self._secret, f"{method}\n{sha}\n{ends}".encode(), hashlib.sha256).hexdigest()

    def route(self) -> Route:
        return Route(ROOT + "{sha}", self.serve, methods=["GET", "PUT"])

    async def serve(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.authorization_on_links += 1
        sha, method = request.path_params["sha"], request.method.replace("HEAD", "GET")
        if (refusal := self._refusal(request, method, sha)) is not None:
            return refusal
        if method == "PUT":
            return self._put(sha, await request.body())
        body = self.body(sha)
        if body is None:
            return _error(404, "NoSuchKey")
        return Response(body, media_type="application/octet-stream")

    def _refusal(self, request: Request, method: str, sha: str) -> Response | None:
        ends = request.query_params.get("expires", "")
        good = self._signature(method, sha, ends)
        if not hmac.compare_digest(good.encode(), request.query_params.get("signature", "").encode()):
            return _error(403, "SignatureDoesNotMatch")
        return _error(403, "RequestExpired") if self._now() > float(ends) else None

    def _put(self, sha: str, body: bytes) -> Response:
        """What is there already is refused, which clients have to take for success."""
        if self.body(sha) is not None:
            return _error(409, "BlobAlreadyExists")
        self.uploaded[sha] = body
        return Response(status_code=201)


def _error(status: int, code: str) -> Response:
    """Object stores answer in XML."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Response(body, status, media_type="application/xml")
