"""Supervisely's public API v3, from the protocol paper: one address for each method, mostly POST with JSON."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from swnb.sandbox.faults import Faults
from swnb.sandbox.supervisely import control, errors, legacy, reads
from swnb.sandbox.supervisely.asked import Asked, Handler, sent
from swnb.sandbox.supervisely.people import PASSWORD
from swnb.sandbox.supervisely.state import State
from swnb.sandbox.world import World

READS = reads.READS | control.READS | legacy.LEGACY_READS
LEGACY = legacy.LEGACY_READS.keys() | legacy.LEGACY_CONTROL.keys()
METHODS = READS | control.CONTROL | legacy.LEGACY_CONTROL


class Supervisely(State):
    """One server over the world; its dials are those of `State`."""

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__(world)
        self.app = Starlette(
            routes=[
                Route("/public/api/v3/{method}", self.answer, methods=["GET", "POST"]),
                Route("/api/account", self.sign_in, methods=["POST"]),
                Route("/", _front, methods=["GET"]),
            ],
            exception_handlers={errors.Refused: _refused, HTTPException: _no_route},
        )
        self.app.router.redirect_slashes = False

    @property
    def token(self) -> str:
        return self.people.users[0].token

    @property
    def user(self) -> tuple[str, str]:
        """Login and password."""
        return self.people.users[0].login, PASSWORD

    async def answer(self, request: Request) -> Response:
        name = request.path_params["method"]
        handler = self._handler(name, request.method)
        user = self.people.caller(request)
        data = handler(Asked(self, request, user, await sent(request)))
        return data if isinstance(data, Response) else _json(data)

    def _handler(self, name: str, verb: str) -> Handler:
        """Reads answer to GET as well."""
        known = (READS if verb == "GET" else METHODS).get(name)
        if known is None or (name in LEGACY and not self.legacy):
            raise errors.missing(f"Method {name}")
        return known

    async def sign_in(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        return _json({"token": self.people.sign_in(form.get("login"), form.get("password"))})


def _json(data: object) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")


async def _front(request: Request) -> Response:
    return PlainTextResponse("Supervisely (made up)\n")


async def _refused(request: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, errors.Refused) else errors.bad("?").response()


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return errors.Refused(status, f"Cannot {request.method} {request.url.path}").response()
