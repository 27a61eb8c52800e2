"""Ray 2.60's Jobs API over the world, from the protocol paper, section 2."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox import world
from swnb.sandbox.faults import Faults
from swnb.sandbox.rayjobs import ray_door, ray_recorded, ray_shapes, ray_state, ray_tasks
from swnb.sandbox.rayjobs.jobs import ENDED, Job, Kept, Runner, Shelf, letters
from swnb.sandbox.rayjobs.ray_door import Refused, reply, text
from swnb.sandbox.rayjobs.ray_packages import Packages
from swnb.sandbox.rayjobs.ray_submit import submitted
from swnb.sandbox.rayjobs.ray_tail import tail
from swnb.sandbox.world import World

TOKEN = "5d1f0c6a9be24f6c8a7e-ray-sandbox"  # noqa: S105 - it guards made-up jobs
STOPPING = 1.0
"""Seconds from stop to STOPPED."""


class Ray:
    """One head. Dials: `auth` (token mode), `guard` (against browsers) and `tail_seconds` between two looks."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.auth, self.guard, self.tail_seconds = False, True, 0.25
        self.shelf = Shelf(world, name)
        self.runner = Runner()
        self.packages = Packages()
        self.recorded: dict[str, ray_recorded.Recorded] = {}
        self.version = {
            "version": "4",
            "ray_version": "2.60.0",
            "ray_commit": "b7f4259e944bf6959f721b106adc366ddfa0c356",
            "session_name": "session_2026-11-22_12-00-00_000000_1000",
        }
        self._kept = Kept()
        self._routes = Starlette(
            routes=self._all_routes(), exception_handlers={Refused: _said, HTTPException: _no_route, Exception: _said}
        )
        self._routes.router.redirect_slashes = False

    app = property(lambda self: self)

    @property
    def token(self) -> str:
        return TOKEN

    @property
    def user(self) -> tuple[str, str]:
        """Nobody signs in to Ray; the token is all."""
        return "ray", TOKEN

    def allow_run(self) -> None:
        self.runner.allow()

    def end_runs(self) -> None:
        self.runner.close()

    def load(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        """Put recorded answers of a real head (by name, as in the fixtures) in place of the made-up world."""
        ray_recorded.load(self, answers)

    def _all_routes(self) -> list[Any]:
        job = "/api/jobs/{job}"
        jobs = [
            Route("/api/version", self.tell_version, methods=["GET"]),
            Route("/api/authentication_mode", self.tell_mode, methods=["GET"]),
            Route("/api/authenticate", self.authenticate, methods=["POST"]),
            Route("/api/gcs_healthz", _healthy, methods=["GET"]),
            Route("/api/jobs/", self.list, methods=["GET"]),
            Route("/api/jobs/", self.submit, methods=["POST"]),
            Route(job, self.get, methods=["GET"]),
            Route(job, self.delete, methods=["DELETE"]),
            Route(job + "/stop", self.stop, methods=["POST"]),
            Route(job + "/logs", self.logs, methods=["GET"]),
        ]
        return [*jobs, *self.packages.routes(), *ray_state.routes(self)]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await tail(self, scope, receive, send)
            return
        try:
            self.admit(scope)
        except Refused as refused:
            await refused.response()(scope, receive, send)
            return
        await self._routes(scope, receive, send)

    def admit(self, scope: Any) -> None:
        """Refused, unless the caller may ask this."""
        headers = Headers(scope=scope)
        # A web page must never start a process.
        if self.guard or self.runner.allowed:
            ray_door.check_browser(scope.get("method", "GET"), headers)
        if self.auth and scope["path"] not in ray_door.OPEN:
            ray_door.check_token(headers, TOKEN, expired="swnb.expired" in scope)

    # What is known of a job

    def find(self, sid: str) -> Job | None:
        """By its submission id or its core id."""
        if (job := self.shelf.get(sid)) is not None:
            return job
        return next((job for job in self.shelf if self._core(job) == sid), None)

    def _core(self, job: Job) -> str | None:
        known = self.recorded.get(job.id)
        return known.details["job_id"] if known else ray_shapes.core_id(job, self.shelf.now)

    def word(self, job: Job) -> str:
        return ray_shapes.word(job, self.shelf.now)

    def lines(self, job: Job) -> list[str]:
        known = self.recorded.get(job.id)
        return known.lines if known else ray_shapes.log_lines(job, self.shelf.now)

    def tasks(self, job: Job) -> list[dict[str, Any]]:
        known = self.recorded.get(job.id)
        return known.tasks if known else ray_tasks.tasks(job, self.shelf.now)

    def actors(self, job: Job) -> list[dict[str, Any]]:
        known = self.recorded.get(job.id)
        return known.actors if known else ray_tasks.actors(job, self.shelf.now)

    def body(self, job: Job) -> bytes:
        """The job's JobDetails in JSON, kept until its status changes."""
        return self._kept.get(job, self.shelf.now, self._render)

    def _render(self, job: Job, now: float) -> bytes:
        known = self.recorded.get(job.id)
        return msgspec.json.encode(known.details if known and not job.stopped else ray_shapes.details(job, now))

    def list_body(self, hide: bool = False) -> bytes:
        """Submissions in no useful order, then the drivers."""
        jobs = sorted(self.shelf, key=attrgetter("driver", "place"))
        bodies = [self._hidden(job) if hide else self.body(job) for job in jobs]
        return b"[" + b",".join(bodies) + b"]"

    def _hidden(self, job: Job) -> bytes:
        """As a browser gets it: without the values of variables."""
        if not job.env:
            return self.body(job)
        details = msgspec.json.decode(self.body(job))
        details["runtime_env"]["env_vars"] = dict.fromkeys(job.env, "<redacted>")
        return msgspec.json.encode(details)

    def _one(self, request: Request) -> Job:
        job = self.find(request.path_params["job"])
        if job is None:
            raise Refused(404, f"Job {request.path_params['job']} does not exist")
        return job

    def submission(self, sid: str, otherwise: str) -> Job:
        job = self.find(sid)
        if job is None:
            raise Refused(404, f"Job {sid} does not exist")
        if job.driver:
            raise Refused(400, otherwise)
        return job

    # The calls

    async def tell_version(self, request: Request) -> Response:
        return reply(self.version)

    async def tell_mode(self, request: Request) -> Response:
        return reply({"authentication_mode": "token" if self.auth else "disabled"})

    async def authenticate(self, request: Request) -> Response:
        answer = reply({"status": "authenticated", "message": "Token is valid"})
        if self.auth:
            answer.set_cookie(ray_door.COOKIE, TOKEN, max_age=30 * 86400, httponly=True, samesite="strict")
        return answer

    async def list(self, request: Request) -> Response:
        return ray_door.encoded(self.list_body(self._redacts(request)))

    def _redacts(self, request: Request) -> bool:
        return self.guard and ray_door.is_browser(request.headers)

    async def get(self, request: Request) -> Response:
        job = self._one(request)
        return ray_door.encoded(self._hidden(job) if self._redacts(request) else self.body(job))

    async def submit(self, request: Request) -> Response:
        job = self.shelf.add(submitted(self, await request.body()))
        return reply({"job_id": job.id, "submission_id": job.id})

    async def stop(self, request: Request) -> Response:
        """True for a job that waits as well, to which nothing happens (paper 5)."""
        job = self.submission(request.path_params["job"], "Can only stop submission type jobs")
        if job.status(self.shelf.now) in ENDED:
            return reply({"stopped": False})
        if self.word(job) == "RUNNING" and not job.stopped:
            job.stop(self.shelf.now, STOPPING)
        return reply({"stopped": True})

    async def delete(self, request: Request) -> Response:
        job = self.submission(request.path_params["job"], "Can only delete submission type jobs")
        if job.status(self.shelf.now) not in ENDED:
            word = self.word(job)
            raise ray_door.failed(
                f"RuntimeError: Attempted to delete job '{job.id}', but it is in a non-terminal state {word}."
            )
        self.shelf.remove(job)
        self._kept.forget(job)
        return reply({"deleted": True})

    async def logs(self, request: Request) -> Response:
        job = self.submission(request.path_params["job"], "Can only get logs of submission type jobs")
        return reply({"logs": "".join(f"{line}\n" for line in self.lines(job))})


def name(made: world.Job, number: int) -> tuple[str, bool]:
    """Half of the ids are Ray's own, half are chosen; one job in seven is a driver, whose id is its core id."""
    if number % 7 == 6:
        return ray_shapes.packed(number), True
    return (f"{made.name}-{made.id}" if number % 2 else f"raysubmit_{letters(made.uuid, 16)}"), False


async def _healthy(request: Request) -> Response:
    return text("success", kind="application/text")


async def _said(request: Request, error: Exception) -> Response:
    return (error if isinstance(error, Refused) else ray_door.trouble()).response()


async def _no_route(request: Request, error: Exception) -> Response:
    return ray_door.nothing(error.status_code if isinstance(error, HTTPException) else 404).response()
