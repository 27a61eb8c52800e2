"""Ray's store of uploaded packages: a client sends its working folder as a zip before it submits (paper 2.3)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from swnb.sandbox.rayjobs.jobs import Runner
from swnb.sandbox.rayjobs.ray_door import Refused, reply


class Packages:
    def __init__(self) -> None:
        self._zips: dict[str, bytes] = {}

    def routes(self) -> list[BaseRoute]:
        path = "/api/packages/{protocol}/{name}"
        return [Route(path, self.get, methods=["GET"]), Route(path, self.put, methods=["PUT"])]

    async def get(self, request: Request) -> Response:
        """Whether it is there; the body is empty."""
        if _uri(request) not in self._zips:
            raise Refused(404, f"Package {_uri(request)} does not exist")
        return reply({})

    async def put(self, request: Request) -> Response:
        self._zips[_uri(request)] = await request.body()
        return reply({})

    def folder(self, uri: str, runner: Runner) -> str | None:
        """Where a job with that working_dir begins: a folder of this machine, or an uploaded zip, unpacked.

        RuntimeError where it is neither.
        """
        if not uri:
            return None
        if "://" not in uri:
            return uri
        if uri not in self._zips:
            raise RuntimeError(f"{uri} was not uploaded, and the sandbox fetches nothing")
        return runner.unpacked(self._zips[uri])


def _uri(request: Request) -> str:
    return f"{request.path_params['protocol']}://{request.path_params['name']}"
