"""``api.team``, ``api.workspace``, ``api.project``, ``api.agent``: what tasks stand in and run on (paper 5)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swnb.bridge import both
from swnb.errors import BadInput
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Filter, Module
from swnb.sdk.supervisely.records import AgentInfo, ProjectInfo, TeamInfo, WorkspaceInfo
from swnb.sdk.supervisely.words import StrEnum, number, number_or_none


def _named(name: str) -> list[Filter]:
    return [{"field": "name", "operator": "=", "value": name}]


@dataclass(frozen=True)
class TeamApi(Module):
    """``api.team``."""

    @both
    async def get_list(self, filters: Sequence[Filter] | None = None) -> list[TeamInfo]:
        """The teams that the caller belongs to."""
        return await self._listed(requests.teams_list(filters or ()), TeamInfo)

    @both
    async def get_info_by_id(self, id: int) -> TeamInfo | None:  # noqa: A002 - the vendor's name
        """A team, None where there is no such."""
        return await self._found(requests.team_info(number("id", id)), TeamInfo)

    @both
    async def get_info_by_name(self, name: str) -> TeamInfo | None:
        """The team of that name, None where there is none; NotFound where several are called so."""
        return await self._one(requests.teams_list(_named(name)), TeamInfo, name)


@dataclass(frozen=True)
class WorkspaceApi(Module):
    """``api.workspace``."""

    @both
    async def get_list(self, team_id: int, filters: Sequence[Filter] | None = None) -> list[WorkspaceInfo]:
        """The workspaces of a team."""
        return await self._listed(requests.workspaces_list(number("team_id", team_id), filters or ()), WorkspaceInfo)

    @both
    async def get_info_by_id(self, id: int) -> WorkspaceInfo | None:  # noqa: A002
        """A workspace, None where there is no such."""
        return await self._found(requests.workspace_info(number("id", id)), WorkspaceInfo)

    @both
    async def get_info_by_name(self, team_id: int, name: str) -> WorkspaceInfo | None:
        """A team's workspace of that name, None where there is none; NotFound where several are called so."""
        call = requests.workspaces_list(number("team_id", team_id), _named(name))
        return await self._one(call, WorkspaceInfo, name)


#: what the server gives of a project where a caller names fields of his own (paper 5.2)
_PROJECT_FIELDS = (
    *("id", "workspaceId", "title", "description", "size", "readme", "type"),
    *("createdAt", "updatedAt", "customData", "groupId", "createdBy"),
)


@dataclass(frozen=True)
class ProjectApi(Module):
    """``api.project``."""

    @both
    async def get_list(
        self,
        workspace_id: int | None = None,
        filters: Sequence[Filter] | None = None,
        fields: Sequence[str] = (),
        team_id: int | None = None,
    ) -> list[ProjectInfo]:
        """The projects of a workspace or of a whole team; ``fields`` are asked for beside the usual ones."""
        if (workspace_id is None) == (team_id is None):
            raise BadInput("projects are listed of a workspace or of a team", todo="Give one of the two ids")
        wanted = list(dict.fromkeys([*_PROJECT_FIELDS, *fields])) if fields else []
        call = requests.projects_list(
            number_or_none("workspace_id", workspace_id), number_or_none("team_id", team_id), filters or (), wanted
        )
        return await self._listed(call, ProjectInfo)

    @both
    async def get_info_by_id(self, id: int, extra_fields: Sequence[str] | None = None) -> ProjectInfo | None:  # noqa: A002
        """A project, None where there is no such."""
        call = requests.project_info(number("id", id), extra_fields or ())
        return await self._found(call, ProjectInfo)


@dataclass(frozen=True)
class AgentApi(Module):
    """``api.agent``. The tokens of agents, which the server gives in clear text, are stars here."""

    class Status(StrEnum):
        """Whether an agent is connected."""

        WAITING = "waiting"
        RUNNING = "running"

    @both
    async def get_list(
        self, team_id: int, filters: Sequence[Filter] | None = None, with_gpu_info: bool = False
    ) -> list[AgentInfo]:
        """The agents of a team."""
        return await self._listed(
            requests.agents_list(number("team_id", team_id), filters or (), with_gpu_info), AgentInfo
        )

    @both
    async def get_info_by_id(self, id: int) -> AgentInfo | None:  # noqa: A002
        """An agent, None where there is no such."""
        return await self._found(requests.agent_info(number("id", id)), AgentInfo)

    @both
    async def get_list_available(
        self,
        team_id: int,
        show_public: bool = False,
        show_only_running: bool = True,
        has_gpu: bool = False,
        type: str | None = None,  # noqa: A002
        plugin_version_id: int | None = None,
        version: str | None = None,
        envs: Sequence[Mapping[str, Any]] | None = None,
        min_nvidia_driver_version: str | None = None,
    ) -> list[AgentInfo]:
        """The agents that a task of this team may be started on."""
        wanted = {
            "type": type,
            "pluginVersionId": plugin_version_id,
            "version": version,
            "envs": envs,
            "minNvidiaDriverVersion": min_nvidia_driver_version,
        }
        call = requests.agents_available(
            number("team_id", team_id),
            withoutPublic=not show_public,
            anyStatus=not show_only_running,
            needGPU=has_gpu,
            **{name: value for name, value in wanted.items() if value is not None},
        )
        return await self._bare(call, AgentInfo)
