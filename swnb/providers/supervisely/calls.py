"""The Calls of ``requests`` with the meaning that the verbs give to their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from swnb.call import Call, Page, Reply
from swnb.errors import SignInNeeded
from swnb.providers.reading import Read, mapping
from swnb.providers.supervisely import requests
from swnb.providers.supervisely.replies import entities, page_of

T = TypeVar("T")

PAGE: Final = 500
_NEWEST: Final = {"sort": "id", "sort_order": "desc"}  # by id, the only column that orders all tasks


@dataclass(slots=True)
class Calls:
    """``anonymous``: no token is known, which the server says by a 400 (paper 1.2)."""

    anonymous: bool = False

    def read(self, call: Call[Any], read: Read[T]) -> Call[T]:
        def decode(reply: Reply) -> T:
            if self.anonymous and reply.status == 400:
                raise SignInNeeded(
                    f"{reply.path} was refused, as no token is known",
                    where=reply.server,
                    todo="Give one with swnb.connect or swnb.signin",
                )
            return read(requests.answer(reply), reply)

        return replace(call, decode=decode)

    def pages(self, first: Call[Any], read: Read[T], size: int = PAGE, number: int = 1) -> Call[Page[T]]:
        """A list from its page ``number`` on."""

        def page(number: int, size: int) -> Call[Page[T]]:
            return self.pages(first, read, size, number)

        return self.read(requests.further(first, page=number, per_page=size), page_of(read, page, number, size))

    # -- teams and workspaces

    def teams(self) -> Call[Page[Mapping[str, Any]]]:
        return self.pages(requests.teams_list(), mapping)

    def workspaces(self, team: int, read: Read[T]) -> Call[Page[T]]:
        return self.pages(requests.workspaces_list(team), read)

    def workspace(self, id_: str, read: Read[T]) -> Call[T]:
        return self.read(requests.workspace_info(int(id_)), read)

    def team(self, id_: int) -> Call[Mapping[str, Any]]:
        return self.read(requests.team_info(id_), mapping)

    def projects(self, workspace: str) -> Call[Page[Mapping[str, Any]]]:
        return self.pages(requests.projects_list(int(workspace)), mapping)

    def agents(self, team: int, read: Read[T]) -> Call[Page[T]]:
        return self.pages(requests.agents_list(team, gpu=True), read)

    # -- tasks

    def tasks(self, workspace: str, read: Read[T], filters: requests.Filters, size: int = PAGE) -> Call[Page[T]]:
        """Newest first."""
        body = {"workspaceId": int(workspace), "filter": list(filters), **_NEWEST}
        return self.pages(requests.listing("tasks.list", body), read, size)

    def task(self, id_: str, read: Read[T]) -> Call[T]:
        return self.read(requests.task_info(int(id_)), read)

    def context(self, id_: str) -> Call[Mapping[str, Any]]:
        return self.read(requests.task_context(int(id_)), mapping)

    def log(self, id_: str, read: Read[T], since: str | None = None) -> Call[T]:
        return self.read(requests.log(int(id_), since), read)

    def train_metrics(self, id_: str, read: Read[T]) -> Call[T]:
        return self.read(requests.train_metrics(int(id_)), read)

    def checkpoints(self, id_: str) -> Call[list[Mapping[str, Any]]]:
        return self.read(requests.checkpoints_list(int(id_)), entities)

    # -- Team Files

    def files(self, team: int, path: str) -> Call[list[Mapping[str, Any]]]:
        call = requests.rpc("file-storage.list", {"teamId": team, "path": path, "recursive": True})
        return self.read(call, entities)

    def file(self, team: int, path: str, read: Read[T]) -> Call[T]:
        return self.read(requests.rpc("file-storage.download", {"teamId": team, "path": path}), read)
