"""The management service: sign-in, workspaces, projects, runs (paper 3)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors, shapes
from swnb.sandbox.swanlab.asked import Asked, nothing, reply, route
from swnb.sandbox.swanlab.runs import Column
from swnb.sandbox.swanlab.shows import shown
from swnb.sandbox.swanlab.state import Project, State


class Rest:
    def __init__(self, state: State) -> None:
        self.state = state

    def routes(self) -> list[Route]:
        project, runs = "/project/{ws}/{project}", "/project/{ws}/{project}/runs"
        # A path with fixed words stands before the one with a name in their place.
        return [
            Route("/login/api_key", self.login, methods=["POST"]),
            route(self.state, "POST", runs + "/shows", shows, new=True),
            route(self.state, "POST", runs + "/del", delete_runs, new=True),
            route(self.state, "GET", runs + "/{run}/state", run_state),
            route(self.state, "GET", runs + "/{run}", one_run),
            route(self.state, "DELETE", runs + "/{run}", delete_run),
            route(self.state, "GET", runs, runs_page),
            route(self.state, "GET", project, one_project),
            route(self.state, "DELETE", project, delete_project),
            route(self.state, "GET", "/project/{ws}", projects),
            route(self.state, "POST", "/project", create_project),
            route(self.state, "POST", "/projects/{ws}", ensure_project, new=True),
            route(self.state, "GET", "/experiment/{run}/column", columns),
            route(self.state, "GET", "/group/", my_groups),
            route(self.state, "GET", "/group/{ws}", group),
            route(self.state, "GET", "/user/profile", my_profile),
            route(self.state, "GET", "/user/{user}/groups", teams, new=True),
            route(self.state, "GET", "/self_hosted/info", self_hosted, new=True),
        ]

    async def login(self, request: Request) -> Response:
        user, sid, end = self.state.people.sign_in(request.headers.get("authorization"))
        who = {"username": user.username, "name": user.name}
        return reply({"sid": sid, "expiredAt": shapes.iso(end), "userInfo": who})


# People


def my_groups(asked: Asked) -> Response:
    spaces = asked.state.people.workspaces.values()
    mine = [shapes.workspace(space, asked.user) for space in spaces if asked.user.username in space.roles]
    return reply({"list": mine})


def teams(asked: Asked) -> Response:
    spaces = asked.state.people.workspaces.values()
    name = asked.path("user")
    return reply([shapes.workspace(each, asked.user) for each in spaces if each.kind == "TEAM" and name in each.roles])


def group(asked: Asked) -> Response:
    return reply(shapes.workspace(asked.state.people.workspace(asked.path("ws")), asked.user))


def my_profile(asked: Asked) -> Response:
    return reply(shapes.profile(asked.user.username))


def self_hosted(asked: Asked) -> Response:
    return reply({"enabled": True, "expired": False, "root": False, "plan": "free", "seats": 10})


# Projects


def projects(asked: Asked) -> Response:
    """Those of a workspace that the caller may see; last changed first unless `sort` says otherwise."""
    state, space = asked.state, asked.state.people.workspace(asked.path("ws"))
    inside = asked.user.username in space.roles
    search = asked.query("search").casefold()
    found = [
        project
        for project in state.projects
        if project.workspace == space.username and (inside or project.public) and search in project.name.casefold()
    ]
    page = shapes.paged(_sorted(state, found, asked.query("sort")), *asked.page())
    counted = asked.query("detail", "True").lower() == "true"
    page["list"] = [shapes.project(state, project, asked.user, counted=counted) for project in page["list"]]
    return reply(page)


def _sorted(state: State, found: list[Project], order: str) -> list[Project]:
    if order == "name":
        return sorted(found, key=lambda project: project.name)
    if order.startswith("create"):
        return sorted(found, key=lambda project: project.created, reverse=True)
    return sorted(found, key=lambda project: shapes.updated(state, project), reverse=True)


def one_project(asked: Asked) -> Response:
    return reply(shapes.project(asked.state, asked.project(), asked.user))


def delete_project(asked: Asked) -> Response:
    project = asked.project(write=True)
    for run in list(project.held):
        asked.state.remove_run(project, run)
    asked.state.projects.remove(project)
    return nothing()


def create_project(asked: Asked) -> Response:
    """201 with the new project, or 409 with the one that is there."""
    workspace = str(asked.fields.get("username") or asked.user.username)
    project, new = _made(asked, workspace)
    return reply(shapes.project(asked.state, project, asked.user), 201 if new else 409)


def ensure_project(asked: Asked) -> Response:
    project, new = _made(asked, asked.path("ws"))
    return reply(shapes.project(asked.state, project, asked.user), 201 if new else 200)


def _made(asked: Asked, workspace: str) -> tuple[Project, bool]:
    state, fields = asked.state, asked.fields
    name = fields.get("name")
    if not isinstance(name, str) or not name:
        raise errors.bad("a project needs a name")
    state.people.check(asked.user, state.people.workspace(workspace).username, public=False, write=True)
    found = state.find_project(workspace, name)
    public = fields.get("visibility") == "PUBLIC"
    text = str(fields.get("description") or "")
    return found or state.add_project(workspace, name, public=public, description=text), found is None


# Runs


def runs_page(asked: Asked) -> Response:
    page = shapes.paged(asked.project().runs(asked.state.now), *asked.page())
    page["list"] = [shapes.run(asked.state, run, detail="config") for run in page["list"]]
    return reply(page)


def shows(asked: Asked) -> Response:
    project = asked.project()
    return reply(shown(asked.state, project.runs(asked.state.now), asked.body if asked.body is not None else {}))


def one_run(asked: Asked) -> Response:
    return reply(shapes.run(asked.state, asked.run()[1], detail="all"))


def run_state(asked: Asked) -> Response:
    return reply({"state": asked.run()[1].state(asked.state.now)})


def delete_run(asked: Asked) -> Response:
    asked.state.remove_run(*asked.run(write=True))
    return nothing()


def delete_runs(asked: Asked) -> Response:
    project = asked.project(write=True)
    wanted = asked.fields.get("cuids")
    if not isinstance(wanted, list):
        raise errors.bad("cuids is no list")
    for run in [run for run in project.held if run.cuid in wanted]:
        asked.state.remove_run(project, run)
    return reply({})


def columns(asked: Asked) -> Response:
    """Multi-view projects list nothing here."""
    project, run = asked.state.experiment(asked.user, asked.path("run"))
    multi_view = project.version is not None and asked.state.generation == "new"
    wanted = asked.query("class"), asked.query("type")
    found = [
        _column(column)
        for column in ([] if multi_view else run.columns(asked.state.now))
        if asked.query("search") in column.key
        and all(not want or want == got for want, got in zip(wanted, (column.group, column.kind), strict=True))
    ]
    return reply(shapes.paged(found, *asked.page()))


def _column(column: Column) -> shapes.Shape:
    created = int(column.created * 1000)
    return {"key": column.key, "name": column.name, "class": column.group, "type": column.kind, "createdAt": created}
