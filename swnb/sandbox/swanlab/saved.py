"""Files that are uploaded: media, and what `swanlab.save` saves, whole or in parts (paper 6)."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.asked import Asked, reply, route
from swnb.sandbox.swanlab.links import Links
from swnb.sandbox.swanlab.state import State


class Saved:
    """Media lie at PROJECT/RUN/path, saved files at PROJECT/RUN/files/path."""

    def __init__(self, state: State, links: Links) -> None:
        self.state, self.links = state, links

    def routes(self) -> list[Route]:
        files = "/experiment/{run}/files/"
        return [
            route(self.state, "POST", "/resources/presigned/put", self.media),
            route(self.state, "POST", files + "prepare", self.prepare),
            route(self.state, "POST", files + "complete", self.complete),
            route(self.state, "POST", files + "prepare-multipart", self.prepare_parts),
            route(self.state, "POST", files + "complete-multipart", self.complete_parts),
        ]

    def _place(self, asked: Asked, cuid: Any, path: Any, folder: str = "") -> str:
        project, run = asked.state.experiment(asked.user, cuid, write=True)
        return f"{project.cuid}/{run.cuid}/{folder}{path}"

    def _file(self, asked: Asked, file: dict[str, Any]) -> str:
        return self._place(asked, asked.path("run"), file.get("path"), "files/")

    def _put(self, asked: Asked, path: str) -> str:
        return self.links.signed(asked.request, path, "PUT")

    def media(self, asked: Asked) -> Response:
        cuid, paths = asked.fields.get("experimentId"), asked.fields.get("paths")
        if not isinstance(paths, list):
            raise errors.bad("paths is no list")
        return reply({"urls": [self._put(asked, self._place(asked, cuid, path)) for path in paths]})

    def prepare(self, asked: Asked) -> Response:
        return reply({"urls": [self._put(asked, self._file(asked, file)) for file in asked.items("files")]})

    def complete(self, asked: Asked) -> Response:
        for file in asked.items("files"):
            if file.get("state") == "UPLOADED" and self._file(asked, file) not in self.state.objects:
                raise errors.missing("File")
        return reply({}, 201)

    def prepare_parts(self, asked: Asked) -> Response:
        return reply({"files": [self._parts(asked, file) for file in asked.items("files")]})

    def _parts(self, asked: Asked, file: dict[str, Any]) -> dict[str, Any]:
        path, count = self._file(asked, file), int(file.get("count") or 1)
        parts = [{"partNumber": part, "url": self._put(asked, f"{path}.part{part}")} for part in range(1, count + 1)]
        return {"uploadId": secrets.token_hex(8), "parts": parts}

    def complete_parts(self, asked: Asked) -> Response:
        for file in asked.items("files"):
            path, objects = self._file(asked, file), self.state.objects
            names = [f"{path}.part{part.get('partNumber')}" for part in file.get("parts") or []]
            if not names or not all(name in objects for name in names):
                raise errors.missing("Part")
            objects[path] = b"".join(objects.pop(name) for name in names)
        return reply({}, 201)
