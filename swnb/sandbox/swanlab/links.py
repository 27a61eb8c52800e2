"""Object storage: files by presigned links, which need no sign-in and hold for 300 seconds (paper 3)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.state import State

SECONDS = 300
ROOT = "/object-storage/"
CSV = "text/csv; charset=utf-8"


class Links:
    """`offer` names a file whose bytes are made when it is fetched; uploaded ones lie in `state.objects`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._secret = secrets.token_bytes(16)
        self._offered: dict[str, Callable[[], bytes]] = {}

    def route(self) -> Route:
        return Route(ROOT + "{path:path}", self.serve, methods=["GET", "PUT"])

    def offer(self, path: str, make: Callable[[], bytes]) -> str:
        self._offered[path] = make
        return path

    def signed(self, request: Request, path: str, method: str = "GET", *, relative: bool = False) -> str:
        """A link to that file on the host that was asked."""
        date = str(int(self.state.now))
        sign = self._signature(method, path, date)
        query = f"X-Amz-Expires={SECONDS}&X-Amz-Date={date}&X-Amz-Signature={sign}"
        host = "" if relative else f"http://{request.headers.get('host', 'localhost')}"
        return f"{host}{ROOT}{quote(path)}?{query}"

    def _signature(self, method: str, path: str, date: str) -> str:
        return hmac.new(self._secret, f"{method}\n{path}\n{date}".encode(), hashlib.sha256).hexdigest()

    async def serve(self, request: Request) -> Response:
        if self.state.people.shows_itself(request):
            self.state.cookie_on_links += 1
        path, method = request.path_params["path"], request.method.replace("HEAD", "GET")
        self._check(request, method, path)
        if method == "PUT":
            self.state.objects[path] = body = await request.body()
            return Response(headers={"ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'})
        return self._file(path)

    def _check(self, request: Request, method: str, path: str) -> None:
        date = request.query_params.get("X-Amz-Date", "")
        good = self._signature(method, path, date)
        if not hmac.compare_digest(good.encode(), request.query_params.get("X-Amz-Signature", "").encode()):
            raise errors.forbidden("SignatureDoesNotMatch")
        if self.state.now > int(date) + SECONDS + 1:
            raise errors.forbidden("Request has expired")

    def _file(self, path: str) -> Response:
        if path in self._offered:
            return Response(self._offered[path](), headers={"content-type": CSV})
        if path in self.state.objects:
            return Response(self.state.objects[path], media_type="application/octet-stream")
        raise errors.missing("Key")
