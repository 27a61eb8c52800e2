"""The world as one SwanLab server holds it, beside what was uploaded to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from swnb.sandbox.swanlab import errors
from swnb.sandbox.swanlab.curves import WorldRun, base36, world_run
from swnb.sandbox.swanlab.people import User, demo_people
from swnb.sandbox.swanlab.runs import Run, StoredRun, wrapped
from swnb.sandbox.world import World

TEAM = "vision-lab"
HOMES = {"kites": TEAM}
"""Where the world's projects are; all others are the first user's own."""

OLD_STYLE = {"speech"}
"""Projects of the time before multi-view: without `version`, and their columns are listed by M17."""


@dataclass(eq=False)
class Project:
    cuid: str
    name: str
    workspace: str
    created: float
    description: str = ""
    public: bool = False
    version: int | None = 1
    held: list[Run] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"{self.workspace}/{self.name}"

    def runs(self, now: float) -> list[Run]:
        """Those that have begun, newest first."""
        there = [run for run in self.held if begun(run, now)]
        return sorted(there, key=lambda run: (run.created, run.cuid), reverse=True)


class State:
    """What the server knows, and the dials that a test may turn.

    generation="old" answers 404 to the newer endpoints; `relative_links` makes download links of M18 relative;
    `cookie_on_links` counts requests to presigned links that carried a sid or key of this server.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.people = demo_people(lambda: world.now)
        self.generation = "new"
        self.relative_links = False
        self.cookie_on_links = 0
        self.projects: list[Project] = []
        self.deleted: set[str] = set()
        self.objects: dict[str, bytes] = {}
        self._ids = count(1)
        self._by_cuid: dict[str, tuple[Project, Run]] = {}
        self._adopt()

    @property
    def now(self) -> float:
        return self.world.now

    def _adopt(self) -> None:
        me = self.people.users[0]
        for project in self.world.projects:
            home = HOMES.get(project.name, me.username)
            version = None if project.name in OLD_STYLE else 1
            mine = Project(
                self._cuid(project.name),
                project.name,
                home,
                project.created,
                project.description,
                project.public,
                version,
            )
            runs = (world_run(job, mine.cuid, _person(job.owner)) for job in project.jobs)
            self.projects.append(mine)
            for run in runs:
                if run:
                    self.put_run(mine, run)

    def _cuid(self, *seed: object) -> str:
        return base36(int(hashlib.sha256(repr(seed).encode()).hexdigest(), 16))

    # Looking things up

    def project(self, user: User, workspace: str, name: str, *, write: bool = False) -> Project:
        self.people.workspace(workspace)
        found = self.find_project(workspace, name)
        if found is None:
            raise errors.missing("Project")
        self.people.check(user, workspace, public=found.public, write=write)
        return found

    def find_project(self, workspace: str, name: str) -> Project | None:
        return next((each for each in self.projects if (each.workspace, each.name) == (workspace, name)), None)

    def run(self, project: Project, text: str) -> Run:
        """By cuid or slug."""
        for run in project.runs(self.now):
            if text in {run.cuid, run.slug}:
                return run
        raise errors.missing("Experiment")

    def experiment(self, user: User, cuid: object, *, write: bool = False) -> tuple[Project, Run]:
        """By cuid alone, in whatever project."""
        found = self.held(str(cuid))
        if found is None:
            raise errors.missing("Experiment")
        self.people.check(user, found[0].workspace, public=found[0].public, write=write)
        return found

    def held(self, cuid: str) -> tuple[Project, Run] | None:
        found = self._by_cuid.get(cuid)
        return found if found and begun(found[1], self.now) else None

    # Putting things in

    def add_project(self, workspace: str, name: str, *, public: bool = False, description: str = "") -> Project:
        """A new project, or the one that has this name already. KeyError for an unknown workspace."""
        found = self.find_project(self.people.workspaces[workspace].username, name)
        if found is None:
            version = 1 if self.generation == "new" else None
            cuid = self._cuid("project", next(self._ids), name)
            found = Project(cuid, name, workspace, self.now, description, public, version)
            self.projects.append(found)
        return found

    def add_run(
        self,
        workspace: str,
        project: str,
        name: str,
        series: Mapping[str, Sequence[tuple[int, float]]],
        *,
        state: str = "FINISHED",
        config: Mapping[str, Any] | None = None,
        created: float | None = None,
        **more: Any,
    ) -> str:
        """Put a run in and return its cuid; `more` are fields of `Run`: slug, labels, cluster, job_type, root …"""
        place = self.add_project(workspace, project)
        created = self.now if created is None else created
        more.setdefault("cuid", self._cuid("run", next(self._ids), name))
        more.setdefault("username", self.people.users[0].username)
        run = StoredRun(project_id=place.cuid, name=name, created=created, **more)
        run.kept = {"config": wrapped(dict(config or {}))}
        for key, points in series.items():
            run.add_points(key, ((step, value, int(created * 1000) + 1000 * step) for step, value in points))
        run.end(state, self.now)
        self.put_run(place, run)
        return run.cuid

    def put_run(self, project: Project, run: Run) -> None:
        project.held.append(run)
        self._by_cuid[run.cuid] = project, run

    def remove_run(self, project: Project, run: Run) -> None:
        project.held.remove(run)
        del self._by_cuid[run.cuid]
        self.deleted.add(run.cuid)

    # Dials that lie deeper

    @property
    def sid_seconds(self) -> float:
        """How long a sid lasts, by the box's clock."""
        return self.people.sid_seconds

    @sid_seconds.setter
    def sid_seconds(self, seconds: float) -> None:
        self.people.sid_seconds = seconds

    def expire(self) -> None:
        """Forget all sids: the next call ends in 401."""
        self.people.expire()


def begun(run: Run, now: float) -> bool:
    return not isinstance(run, WorldRun) or run.begun(now)


def _person(owner: str) -> str:
    return "grace" if owner == "guest1" else "ada"
