"""Starwhale Server, from the protocol paper: REST, datastore, logs, files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from swnb.sandbox.faults import Faults
from swnb.sandbox.starwhale import errors, recorded
from swnb.sandbox.starwhale.data import Data
from swnb.sandbox.starwhale.rest import Rest
from swnb.sandbox.starwhale.state import State
from swnb.sandbox.starwhale.store import Datastore
from swnb.sandbox.world import World


class Starwhale:
    """One server over the world."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.state = State(world)
        data = Data(self.state, faults)
        routes = [*Rest(self.state, faults).routes(), *data.routes()]
        self.app = Starlette(
            routes=[
                Mount("/api/v1", routes=routes),
                Route("/obj-store/{uri:path}/{until:int}", data.signed_file, methods=["GET"]),
            ],
            exception_handlers={errors.Refused: _refused, HTTPException: _no_route},
        )
        self.app.router.redirect_slashes = False

    @property
    def token(self) -> str:
        return self.state.people.token(self.state.people.users[0])

    @property
    def user(self) -> tuple[str, str]:
        first = self.state.people.users[0]
        return first.name, first.password

    @property
    def store(self) -> Datastore:
        """The tables, to write to: `store.write(name, rows)`."""
        return self.state.store

    def load(self, answers: Iterable[Mapping[str, Any]]) -> None:
        """Put recorded answers of a real server (one a line of the fixtures) in place of the made-up world."""
        recorded.load(self.state, answers)


async def _refused(request: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, errors.Refused) else errors.no_page(500).response()


async def _no_route(request: Request, error: Exception) -> Response:
    """A path that does not exist is a page of HTML; a wrong method is the server's own 500."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        return errors.internal(f"Request method '{request.method}' not supported").response()
    return errors.no_page().response()
