"""SwanLab's server, from the protocol paper: sign-in, projects, runs, metric store, links, uploading."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from swnb.sandbox.faults import Faults
from swnb.sandbox.swanlab import errors, upload
from swnb.sandbox.swanlab.contents import Contents
from swnb.sandbox.swanlab.house import House
from swnb.sandbox.swanlab.links import Links
from swnb.sandbox.swanlab.rest import Rest
from swnb.sandbox.swanlab.saved import Saved
from swnb.sandbox.swanlab.state import State
from swnb.sandbox.world import World


class SwanLab(State):
    """One server over the world; its dials are those of `State`."""

    def __init__(self, world: World, faults: Faults) -> None:
        super().__init__(world)
        links = Links(self)
        parts = House(self, links), Contents(self, links), Rest(self), Saved(self, links)
        api = [route for part in parts for route in part.routes()] + upload.routes(self)
        self.app = Starlette(
            routes=[links.route(), Mount("/api", routes=api)],
            exception_handlers={errors.Refused: _refused, HTTPException: _no_route},
        )
        self.app.router.redirect_slashes = False

    @property
    def token(self) -> str:
        """A key, which is exchanged for a sid."""
        return self.people.users[0].key

    @property
    def user(self) -> tuple[str, str]:
        """Username and key."""
        return self.people.users[0].username, self.token


async def _refused(request: Request, error: Exception) -> Response:
    return error.response() if isinstance(error, errors.Refused) else errors.bad("?").response()


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return errors.Refused(status, f"Cannot {request.method} {request.url.path}").response()
