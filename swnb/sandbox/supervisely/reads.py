"""The reads: teams, workspaces, projects, tasks, agents, apps, logs, team files (paper 4.1 and 5)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from swnb.sandbox.supervisely import errors, files, logs
from swnb.sandbox.supervisely.asked import Asked, Handler
from swnb.sandbox.supervisely.listing import Listing, of_records
from swnb.sandbox.supervisely.people import Record, Team
from swnb.sandbox.supervisely.tasks import Task

TEAMS = of_records("id name description createdAt updatedAt", "id name description")
WORKSPACES = of_records("id name createdAt updatedAt", "id name")
PROJECTS = of_records(
    "id name title description size createdAt updatedAt", "id name title description type createdAt updatedAt"
)
AGENTS = of_records("id userId createdAt updatedAt", "id name token userId status")
APPS = of_records("id name createdAt", "id name moduleId slug")
MODULES = of_records("id name createdAt updatedAt", "id name slug type")


def team(asked: Asked, name: str = "teamId") -> Team:
    found = asked.state.team(asked.number(name))
    asked.state.people.check(asked.user, found)
    return found


# Teams and workspaces


def teams(asked: Asked) -> Any:
    mine = [each for each in asked.state.people.teams if asked.user.id in each.roles]
    return TEAMS.page([each.record(asked.user) for each in mine], asked.fields)


def team_info(asked: Asked) -> Any:
    return team(asked, "id").record(asked.user)


def workspaces(asked: Asked) -> Any:
    here = team(asked)
    found = [space.record() for space in asked.state.people.workspaces if space.team is here]
    return WORKSPACES.page(found, asked.fields)


def workspace_info(asked: Asked) -> Any:
    space = asked.state.workspace(asked.number("id"))
    asked.state.people.check(asked.user, space.team)
    return space.record()


# Images projects


def projects(asked: Asked) -> Any:
    """Of a workspace, or of a team, which the SDK calls a group."""
    if asked.fields.get("workspaceId") is not None:
        name, number = "workspaceId", asked.workspace().id
    else:
        name, number = "teamId", team(asked, "groupId" if "groupId" in asked.fields else "teamId").id
    return _listed(asked, [each for each in asked.state.shelf.projects if each[name] == number])


def _listed(asked: Asked, found: list[Record]) -> Any:
    """With the fields asked for, all there are unless told; `version` is in no list (paper 5.2)."""
    page, wanted = PROJECTS.page(found, asked.fields), asked.fields.get("fields") or []
    if not isinstance(wanted, list):
        raise errors.bad("fields should be a list")
    for place, record in enumerate(page["entities"]):
        kept = {"id", "name", *map(str, wanted)} if wanted else record.keys()
        page["entities"][place] = {key: value for key, value in record.items() if key in kept and key != "version"}
    return page


def all_projects(asked: Asked) -> Any:
    mine = {each.id for each in asked.state.people.teams if asked.user.id in each.roles}
    return _listed(asked, [each for each in asked.state.shelf.projects if each["teamId"] in mine])


def project_info(asked: Asked) -> Any:
    found = _record(asked.state.shelf.projects, "id", asked.number("id"), "Project")
    asked.state.people.check(asked.user, asked.state.team(found["teamId"]))
    return found


# Tasks


def _listing(asked: Asked, *, full: bool = False) -> Listing[Task]:
    now = asked.state.now
    read = {
        "id": lambda task: task.id,
        "type": lambda task: task.kind,
        "status": lambda task: task.status(now),
        "startedAt": lambda task: task.started(now),
        "finishedAt": lambda task: task.finished(now),
    }
    return Listing(
        sorts=tuple(read),
        filters=("id", "type", "status"),
        get=lambda task, name: read[name](task),
        render=lambda task: task.record(now, full=full),
    )


def tasks(asked: Asked) -> Any:
    return _listing(asked).page(asked.state.tasks_of(asked.workspace()), asked.fields)


def task_info(asked: Asked) -> Any:
    return asked.task().record(asked.state.now, full=True)


def context(asked: Asked) -> Any:
    place = asked.task().place
    return {
        "team": {"id": place.team.id, "name": place.team.name},
        "workspace": {"id": place.id, "name": place.name},
    }


def log(asked: Asked) -> Any:
    since, limit = asked.fields.get("sinceTime"), asked.fields.get("limit")
    if not isinstance(since, str | None) or not isinstance(limit, int | None):
        raise errors.bad("sinceTime is a time and limit an integer")
    return logs.tail(logs.log(asked.task(), asked.state.now), since, limit)


# Agents


def agents(asked: Asked) -> Any:
    here, extra = team(asked), asked.fields.get("extraFields")
    gpu = isinstance(extra, list) and "gpuInfo" in extra
    found = [
        agent.record() | ({"gpuInfo": agent.gpu_info()} if gpu else {})
        for agent in asked.state.people.agents
        if agent.team is here
    ]
    return AGENTS.page(found, asked.fields)


def agent_info(asked: Asked) -> Any:
    agent = asked.state.agent(asked.number("id"))
    asked.state.people.check(asked.user, agent.team)
    return agent.record()


def available(asked: Asked) -> Any:
    """A bare array, as the SDK reads it."""
    here, any_status, gpu = team(asked), asked.fields.get("anyStatus"), asked.fields.get("needGPU")
    return [
        agent.record() | {"gpuInfo": agent.gpu_info()}
        for agent in asked.state.people.agents
        if agent.team is here and (agent.running or any_status) and (agent.gpu or not gpu)
    ]


# Apps and ecosystem modules


def modules(asked: Asked) -> Any:
    return MODULES.page(asked.state.shelf.modules, asked.fields)


def module_info(asked: Asked) -> Any:
    name = "id" if asked.fields.get("id") is not None else "slug"
    return _record(asked.state.shelf.modules, name, asked.fields.get(name), "Module")


def apps(asked: Asked) -> Any:
    """Each with its sessions; `onlyRunning` leaves out those without a running one."""
    here, now = team(asked), asked.state.now
    found = []
    for app in asked.state.shelf.apps:
        sessions = asked.state.sessions(app["id"]) if app["teamId"] == here.id else []
        if app["teamId"] == here.id and (
            not asked.fields.get("onlyRunning") or any(each.runs(now) for each in sessions)
        ):
            found.append({**app, "tasks": [each.record(now, full=True) for each in sessions]})
    return APPS.page(found, asked.fields)


def app_info(asked: Asked) -> Any:
    app = _app(asked, "id")
    return {**app, "tasks": [each.record(asked.state.now, full=True) for each in asked.state.sessions(app["id"])]}


def app_tasks(asked: Asked) -> Any:
    app = _app(asked, "appId")
    if app["teamId"] != team(asked).id:
        raise errors.missing("App")
    return _listing(asked, full=True).page(asked.state.sessions(app["id"]), asked.fields)


def _app(asked: Asked, name: str) -> Record:
    app = _record(asked.state.shelf.apps, "id", asked.number(name), "App")
    asked.state.people.check(asked.user, asked.state.team(app["teamId"]))
    return app


# Team files


def team_files(asked: Asked) -> Any:
    recursive = bool(asked.fields.get("recursive", True))
    server = str(asked.request.base_url).rstrip("/")
    return files.listed(asked.state.team_files(team(asked)), asked.text("path"), recursive, server)


def file_info(asked: Asked) -> Any:
    mine = [each for each in asked.state.people.teams if asked.user.id in each.roles]
    for file in (file for here in mine for file in asked.state.team_files(here)):
        if file.id == asked.number("id"):
            return file.record(str(asked.request.base_url).rstrip("/"))
    raise errors.missing("File")


def file_download(asked: Asked) -> Any:
    for file in asked.state.team_files(team(asked)):
        if file.path == asked.text("path"):
            return Response(file.body, media_type="application/octet-stream")
    raise errors.missing("File")


def _record(records: list[Record], name: str, value: object, what: str) -> Record:
    for record in records:
        if record[name] == value:
            return record
    raise errors.missing(what)


def version(asked: Asked) -> Any:
    return {"version": asked.state.version}


READS: dict[str, Handler] = {
    "instance.version": version,
    "teams.list": teams,
    "teams.info": team_info,
    "workspaces.list": workspaces,
    "workspaces.info": workspace_info,
    "projects.list": projects,
    "projects.list.all": all_projects,
    "projects.info": project_info,
    "tasks.list": tasks,
    "tasks.info": task_info,
    "GetTaskContext": context,
    "tasks.log.download": log,
    "agents.list": agents,
    "agents.info": agent_info,
    "agents.available": available,
    "ecosystem.list": modules,
    "ecosystem.info": module_info,
    "apps.list": apps,
    "apps.info": app_info,
    "apps.tasks.list": app_tasks,
    "file-storage.list": team_files,
    "file-storage.info": file_info,
    "file-storage.download": file_download,
}
