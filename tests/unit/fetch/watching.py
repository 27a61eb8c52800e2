"""A server that is not there and a time that a test moves, for the tests of the poller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, TypeVar

import pytest

from swnb.call import Listing, Plan, at_once
from swnb.errors import NotFound, SwnbError
from swnb.fetch import watch
from swnb.fetch.book import Key, Scope
from swnb.fetch.run import drain
from swnb.fetch.watch import Poller, Round
from swnb.model import JobInfo, JobQuery, ProjectInfo, Status
from swnb.providers.base import Glance, Lacking

T = TypeVar("T")


def job(id_: str, status: Status = Status.RUNNING, project: str = "1", **more: Any) -> JobInfo:
    return JobInfo(id_, project, f"job {id_}", status, status.value.upper(), key=f"key{id_}", **more)


class Server(Lacking):
    """Its jobs can be changed; ``asked`` are the questions that it got. With ``glances`` it has the cheap way too."""

    platform = "fake"
    address = "http://fake"

    def __init__(self, *jobs: JobInfo, glances: bool = False) -> None:
        self.jobs_ = {each.id: each for each in jobs}
        self.glances = glances
        self.hidden: set[str] = set()  # jobs that a glance does not tell of
        self.asked: list[str] = []
        self.error: SwnbError | None = None
        self.fault = False

    def set(self, *jobs: JobInfo) -> None:
        self.jobs_ |= {each.id: each for each in jobs}

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        if self.fault:
            raise ZeroDivisionError

    @at_once
    def projects(self) -> Listing[ProjectInfo]:
        self._ask("projects")
        return Listing(
            [ProjectInfo(id_, f"name {id_}") for id_ in dict.fromkeys(j.project for j in self.jobs_.values())]
        )

    @at_once
    def project(self, project: str | None) -> ProjectInfo:
        self._ask(f"project {project}")
        if project is None or project.removeprefix("name ") not in {"1", "2"}:
            raise NotFound(f"there is no project {project}")
        return ProjectInfo(project.removeprefix("name "), project)

    @at_once
    def jobs(self, project: str | None, query: JobQuery) -> Listing[JobInfo]:
        self._ask(f"list {project}")
        found = [each for each in self.jobs_.values() if each.project == project]
        return Listing([each if query.config else replace(each, config={}) for each in found])

    @at_once
    def job(self, project: str | None, job: str) -> JobInfo:
        self._ask(f"job {job}")
        found = [each for each in self.jobs_.values() if job in (each.id, each.key)]
        if not found:
            raise NotFound(f"there is no job {job}")
        return found[0]

    @at_once
    def glance(self, project: str, known: Sequence[JobInfo]) -> Glance | None:
        if not self.glances:
            return None
        self._ask(f"glance {project}")
        here = {j.key: j for j in self.jobs_.values() if j.project == project and j.id not in self.hidden}
        told = [
            info if info.status is here[info.key].status else replace(info, status=here[info.key].status)
            for info in known
            if info.key in here
        ]
        return Glance(told, frozenset(here.keys() - {info.key for info in known}))


class Asking:
    def __init__(self, server: Server) -> None:
        self.backend = server

    async def run(self, plan: Plan[T]) -> T:
        return drain(plan)


class Ear:
    def __init__(self, *scopes: Scope, every: float | None = None) -> None:
        self.scopes: Collection[Scope] = scopes
        self.every = every
        self.wants: set[Key] = set()
        self.rounds: list[Round] = []

    def looked(self) -> Collection[Key]:
        return self.wants

    def valued(self) -> Collection[Key]:
        return ()

    def hear(self, heard: Round) -> None:
        self.rounds = [*self.rounds[-9:], heard]

    @property
    def last(self) -> Round:
        return self.rounds[-1]

    def states(self) -> dict[str, str]:
        return {key[1]: seen.info.raw_status for key, seen in self.last.jobs.items()}


class Time:
    """Stands still until :meth:`pass_` lets the poller's pauses go by."""

    def __init__(self) -> None:
        self.now = 1_795_363_200.0
        self.waits: list[float] = []
        self._free = asyncio.Semaphore(0)
        self._arrived = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits = [*self.waits[-99:], seconds]
        self._arrived.set()
        await self._free.acquire()
        self.now += seconds

    async def pass_(self, rounds: int = 1) -> None:
        """Until the poller has asked so many times more and rests again."""
        for _ in range(rounds):
            self._arrived.clear()
            self._free.release()
            await self._arrived.wait()

    def go_on(self) -> None:
        """Let one pause go by."""
        self._free.release()

    async def settled(self) -> None:
        """Until it rests."""
        self._arrived.clear()
        await self._arrived.wait()

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, timezone.utc)


def play(monkeypatch: pytest.MonkeyPatch, story: Callable[[Time], Awaitable[None]]) -> None:
    """Run a story in a time of its own."""

    async def told() -> None:
        time = Time()
        monkeypatch.setattr(watch, "_clock", lambda: time.now)
        monkeypatch.setattr(watch, "_sleep", time.sleep)
        await asyncio.wait_for(story(time), 60)

    asyncio.run(told())


async def begin(time: Time, server: Server, *ears: Ear, **more: Any) -> Poller:
    poller = Poller(lambda: Asking(server), **more)
    for ear in ears:
        poller.join(ear)
    await time.settled()
    return poller
