"""The REST half: sign-in, projects, jobs, tasks, actions (paper 3)."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.faults import Faults
from swnb.sandbox.starwhale import actions, errors, render
from swnb.sandbox.starwhale.people import User, check
from swnb.sandbox.starwhale.reply import json_body, reply
from swnb.sandbox.starwhale.state import State
from swnb.sandbox.world import Job, Project

Handler = Callable[[Request], Awaitable[Response]]
VERSION = "0.6.15:sandbox"
SORTS = {"visited", "latest", "oldest"}


class Rest:
    def __init__(self, state: State, faults: Faults) -> None:
        self.state, self.faults = state, faults

    def routes(self) -> list[Route]:
        job = "/project/{project}/job/{job}"
        paths: list[tuple[str, str, Handler]] = [
            ("POST", "/login", self.login),
            ("GET", "/user/current", self.current),
            ("GET", "/user/token/{user}", self.token),
            ("GET", "/system/version", self.version),
            ("GET", "/system/features", self.features),
            ("GET", "/project", self.projects),
            ("GET", "/project/{project}", self.project),
            ("GET", "/project/{project}/job", self.jobs),
            ("GET", job, self.job),
            ("DELETE", job, self.remove),
            ("PUT", job, self.comment),
            ("GET", job + "/task", self.tasks),
            ("GET", job + "/task/{task}", self.task),
            ("GET", job + "/task/{task}/run", self.runs),
            ("GET", job + "/dag", self.dag),
            ("GET", job + "/event", self.events),
            ("POST", job + "/pin", self.pin),
            ("POST", job + "/{action}", self.act),
        ]
        return [Route(path, handler, methods=[method]) for method, path, handler in paths]

    # Who and where

    def _user(self, request: Request) -> User:
        user = self.state.people.caller(request)
        check(user, None)
        if user is None:
            raise errors.unauthorized()
        return user

    def _project(self, request: Request, *, write: bool = False) -> Project:
        user = self.state.people.caller(request)
        project = self.state.project(request.path_params["project"])
        check(user, project, write=write)
        return project

    def _job(self, request: Request, *, write: bool = False) -> tuple[Project, Job]:
        project = self._project(request, write=write)
        return project, self.state.job(project, request.path_params["job"])

    # Sign-in and server

    async def login(self, request: Request) -> Response:
        form = await _form(request)
        user, token = self.state.people.sign_in(form.get("userName"), form.get("userPwd"))
        vo = {key: value for key, value in render.user_vo(user).items() if value is not None}
        response = reply(request, vo)
        response.headers["Authorization"] = f"Bearer {token}"
        return response

    async def current(self, request: Request) -> Response:
        user = self._user(request)
        return reply(request, render.user_vo(user, self.state.roles(user)))

    async def token(self, request: Request) -> Response:
        if self._user(request).system_role != "OWNER":
            raise errors.denied()
        return reply(request, self.state.people.token(self.state.people.named(request.path_params["user"])))

    async def version(self, request: Request) -> Response:
        self._user(request)
        return reply(request, {"id": "", "version": VERSION})

    async def features(self, request: Request) -> Response:
        self._user(request)
        return reply(request, {"disabled": []})

    # Projects

    async def projects(self, request: Request) -> Response:
        """Paging is ignored: everything comes in one page."""
        user = self._user(request)
        if request.query_params.get("sort", "visited") not in SORTS:
            raise errors.invalid("PROJECT", f"Unknown sort {request.query_params['sort']}")
        start = request.query_params.get("projectName", "").casefold()
        found = [project for project in self.state.visible(user) if project.name.casefold().startswith(start)]
        listed = [self.state.project_vo(project, counted=True) for project in found]
        page = render.paged(listed, 1, len(listed)) | {"endRow": len(listed) - 1}
        return reply(request, page)

    async def project(self, request: Request) -> Response:
        return reply(request, self.state.project_vo(self._project(request)))

    # Jobs

    async def jobs(self, request: Request) -> Response:
        began = time.perf_counter()
        project = self._project(request)
        number, size = _paging(request)
        jobs = self.state.jobs(project)
        model = request.query_params.get("swmpId")
        if model:
            jobs = [job for job in jobs if _model_version(self.state.job_vo(project, job)) == model]
        page = render.paged(jobs, number, size)
        page["list"] = [self.state.job_vo(project, job) for job in page["list"]]
        response = reply(request, page)
        if self.faults.costs:
            await self.faults.costs.spend_jobs(began, len(page["list"]))
        return response

    async def job(self, request: Request) -> Response:
        return reply(request, self.state.job_vo(*self._job(request)))

    async def tasks(self, request: Request) -> Response:
        _, job = self._job(request)
        return reply(request, render.paged(self.state.tasks(job), *_paging(request)))

    async def task(self, request: Request) -> Response:
        self._job(request)
        task = self.state.task(request.path_params["task"])
        return reply(request, self.state.task_vo(task) if task else None)

    async def runs(self, request: Request) -> Response:
        self._job(request)
        task = self.state.task(request.path_params["task"])
        return reply(request, self.state.task_vo(task)["runs"] if task else [])

    async def dag(self, request: Request) -> Response:
        return reply(request, self.state.dag(*self._job(request)))

    async def events(self, request: Request) -> Response:
        """Only jobs have events here; a task of another job is unknown."""
        _, job = self._job(request)
        asked = request.query_params.get("taskId")
        if asked is not None:
            if asked not in {str(task.id) for task in job.tasks}:
                raise errors.Refused(404, "NOT FOUND: 003", f"Task {asked} not found")
            return reply(request, [])
        happened = [event for event in job.events if event[0] <= self.state.now]
        return reply(request, [render.event_vo(number, job, *event) for number, event in enumerate(happened, 1)])

    # Actions

    async def act(self, request: Request) -> Response:
        _, job = self._job(request, write=True)
        return reply(request, actions.act(request.path_params["action"], job, self.state.now))

    async def remove(self, request: Request) -> Response:
        self._job(request, write=True)[1].removed = True
        return reply(request, "success")

    async def comment(self, request: Request) -> Response:
        _, job = self._job(request, write=True)
        job.comment = (await json_body(request)).get("comment")
        return reply(request, "success")

    async def pin(self, request: Request) -> Response:
        _, job = self._job(request, write=True)
        job.pinned = self.state.now if (await json_body(request)).get("pinned") else None
        return reply(request, "success")


def _paging(request: Request) -> tuple[int, int]:
    values = []
    for name, default in (("pageNum", 1), ("pageSize", 10)):
        text = request.query_params.get(name)
        try:
            values.append(default if not text else int(text))
        except ValueError:
            kinds = "value of type 'java.lang.String' to required type 'java.lang.Integer'"
            cause = f'nested exception is java.lang.NumberFormatException: For input string: "{text}"'
            raise errors.internal(f"Failed to convert {kinds}; {cause}") from None
    return values[0], values[1]


def _model_version(vo: dict[str, Any]) -> str | None:
    return vo["model"]["version"]["id"] if vo.get("model") else None


async def _form(request: Request) -> dict[str, str]:
    """Fields of a form, either way of sending it; anything else has none."""
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if not kind.startswith("multipart/form-data"):
        return {}
    message = email.message_from_bytes(f"Content-Type: {kind}\n\n".encode() + body, policy=email.policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): str(part.get_payload()).strip()
        for part in message.walk()
        if not part.is_multipart()
    }
