"""Istari Digital's registry, from the protocol paper: REST under /api/v2, content behind links of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from swnb.sandbox.faults import Faults
from swnb.sandbox.istari import access, control, errors, reads
from swnb.sandbox.istari.asked import Asked, Handler
from swnb.sandbox.istari.state import State
from swnb.sandbox.istari.words import User
from swnb.sandbox.world import World

VERSION = "2026.11.0"
ROUTES: dict[tuple[str, str], Handler] = {
    **{("GET", path): handler for path, handler in (reads.READS | access.READS).items()},
    **control.CONTROL,
    **access.CONTROL,
}


class Istari(State):
    """One registry over the world; its dials are those of `State`. It answers below /registry as well, as a gateway."""

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__(world)
        self._asked = count(1)
        # The verb behind a colon has to be tried before the id that would swallow it.
        ordered = sorted(ROUTES.items(), key=lambda item: ":" not in item[0][1])
        routes = [Route(path, self._endpoint(handler), methods=[method]) for (method, path), handler in ordered]
        api = Mount("/api/v2", routes=routes)
        self.app = Starlette(
            routes=[api, self.store.route(), Mount("/registry", routes=[api])],
            exception_handlers={errors.Refused: _refused, HTTPException: _no_route},
        )
        self.app.router.redirect_slashes = False

    @property
    def token(self) -> str:
        """A personal access token."""
        return self.users[0].token

    @property
    def user(self) -> tuple[str, str]:
        """Name and token."""
        return self.users[0].name, self.token

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            return self._json(handler(Asked(self, request, self._caller(request), raw)))

        return endpoint

    def _caller(self, request: Request) -> User:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.unauthorized("Not authenticated")
        found = next((user for user in self.users if user.token == token), None)
        if found is None or request.scope.get("swnb.expired"):
            raise errors.unauthorized()
        return found

    def _json(self, data: object) -> Response:
        headers = {"x-request-id": f"request-{next(self._asked)}", "X-Istari-Registry-Version": VERSION}
        return Response(msgspec.json.encode(data), media_type="application/json", headers=headers)


async def _refused(request: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, errors.Refused) else errors.conflict("?").response()


async def _no_route(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, HTTPException) else HTTPException(404)
    return errors.Refused(known.status_code, known.detail).response()
