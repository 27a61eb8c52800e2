"""Teams and their workspaces, which are the projects here (supervisely paper 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from swnb.call import Listing, Plan, Reply, ask, ask_all, collect, note
from swnb.errors import BadInput, Forbidden, NotFound
from swnb.model import ProjectInfo
from swnb.providers.base import Lacking
from swnb.providers.reading import mapping, text, whole
from swnb.providers.supervisely.calls import Calls
from swnb.providers.supervisely.records import project_info

_SHOWN: Final = 10  # names of what there is, in an error

Json = Mapping[str, Any]


class Workspaces(Lacking):
    """It keeps what never changes: which team a workspace belongs to."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.calls = Calls()
        self._team_ids: dict[str, int] = {}

    def projects(self) -> Plan[Listing[ProjectInfo]]:
        teams = yield from self._teams()
        parts = yield from ask_all([self._workspaces_of(team) for team in teams])
        once = {project.id: project for part in parts for project in part.items}
        return Listing(tuple(once.values()), sum(part.total or 0 for part in parts))

    def _teams(self) -> Plan[list[Json]]:
        listing = yield from collect(self.calls.teams(), lambda team: team.get("id"))
        return [team for team in listing.items if whole(team.get("id")) is not None]

    def _workspaces_of(self, team: Json) -> Plan[Listing[ProjectInfo]]:
        def read(record: Any, reply: Reply) -> ProjectInfo:
            return project_info(record, reply, team)

        try:
            listing = yield from collect(self.calls.workspaces(team["id"], read), lambda project: project.id)
        except (Forbidden, NotFound) as error:
            note(f"the workspaces of team {team.get('name')} are left out: {error.what}")
            return Listing((), 0)
        self._team_ids |= {project.id: team["id"] for project in listing.items}
        return listing

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        """A workspace by its number, its name, or ``team:workspace`` (names or numbers)."""
        if project is not None and _is_id(project):
            return (yield from self._by_id(str(int(project))))
        if project is not None:
            return (yield from self._by_name(project))
        listing = yield from self.projects()
        if len(listing.items) == 1:
            return listing.items[0]
        raise BadInput("the address names no project", todo=f"Add /project/… ; there are: {_names(listing)}")

    def workspace_id(self, project: str | None) -> Plan[str]:
        if project is not None and _is_id(project):
            return str(int(project))
        return (yield from self.project(project)).id

    def _by_id(self, id_: str) -> Plan[ProjectInfo]:
        try:
            info, team = yield from ask(self.calls.workspace(id_, _with_team))
        except NotFound:
            raise (yield from self._missing(id_)) from None
        if team is None:
            return info
        self._team_ids[id_] = team
        try:
            record = yield from ask(self.calls.team(team))
        except (NotFound, Forbidden) as error:
            note(f"team {team} of workspace {id_} cannot be read: {error.what}")
            return info
        return replace(info, owner=text(record.get("name")), own={**info.own, "role": record.get("role")})

    def _by_name(self, project: str) -> Plan[ProjectInfo]:
        listing = yield from self.projects()
        same = [each for each in listing.items if project in _forms(each)]
        exact = [each for each in same if project == f"{each.owner}:{each.name}"]
        same = exact or same
        if len(same) == 1:
            return same[0]
        if same:
            forms = " or ".join(f"{each.id} ({each.owner}:{each.name})" for each in same)
            raise BadInput(f"{len(same)} workspaces are called {project}", todo=f"Say {forms}")
        raise NotFound(f"there is no workspace {project!r}", todo=f"There are: {_names(listing)}")

    def _missing(self, id_: str) -> Plan[NotFound]:
        listing = yield from self.projects()
        return NotFound(f"there is no workspace {id_}", todo=f"There are: {_names(listing)}")

    def team_id(self, workspace: str) -> Plan[int | None]:
        """The team of a workspace; None where the server does not tell."""
        if workspace not in self._team_ids:
            _, team = yield from ask(self.calls.workspace(workspace, _with_team))
            if team is None:
                return None
            self._team_ids[workspace] = team
        return self._team_ids[workspace]

    def agents(self, team: str) -> Plan[list[Json]]:
        """The agents of a team, by its number or name. Their tokens are left with the server's answer."""
        listing = yield from collect(
            self.calls.agents((yield from self._team_named(team)), _agent), lambda agent: agent.get("id")
        )
        return list(listing.items)

    def _team_named(self, team: str) -> Plan[int]:
        if _is_id(team):
            return int(team)
        teams = yield from self._teams()
        same = [each["id"] for each in teams if each.get("name") == team]
        if len(same) == 1:
            return int(same[0])
        names = ", ".join(f"{each['id']} ({each.get('name')})" for each in teams[:_SHOWN]) or "none"
        what = f"{len(same)} teams are called {team}" if same else f"there is no team {team!r}"
        raise (BadInput if same else NotFound)(what, todo=f"There are: {names}")


def _with_team(record: Any, reply: Reply) -> tuple[ProjectInfo, int | None]:
    team = whole(mapping(record, reply).get("teamId"))
    return project_info(record, reply, {"id": team}), team


def _agent(record: Any, reply: Reply) -> Json:
    return {name: value for name, value in mapping(record, reply).items() if "token" not in name.lower()}


def _forms(project: ProjectInfo) -> set[str]:
    """What a workspace may be called by."""
    teams = (project.owner, project.own.get("teamId"))
    return {project.name, *(f"{team}:{name}" for team in teams for name in (project.name, project.id))}


def _is_id(project: str) -> bool:
    return re.fullmatch("[0-9]{1,18}", project) is not None


def _names(listing: Listing[ProjectInfo]) -> str:
    named = [f"{each.id} ({each.owner}:{each.name})" for each in listing.items[:_SHOWN]]
    return ", ".join(named) or "none that you may see"
