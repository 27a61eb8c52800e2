"""The world as one Starwhale server holds it: users, recorded objects, datastore, blobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swnb.sandbox.starwhale import errors, jobs, render
from swnb.sandbox.starwhale.people import People, User, check, owns
from swnb.sandbox.starwhale.render import Vo
from swnb.sandbox.starwhale.samples import add_samples
from swnb.sandbox.starwhale.store import Datastore, Grown
from swnb.sandbox.starwhale.values import Cell, cell_of
from swnb.sandbox.world import Job, Project, Task, Timeline, World

LISTED = {"EVALUATION", "TRAIN", "FINE_TUNE", "SERVING"}


@dataclass(frozen=True)
class Recorded:
    """An object as a real server sent it; it holds until the sandbox lets the thing change."""

    vo: Vo
    steps: int

    def holds(self, timeline: Timeline) -> bool:
        return len(timeline.steps) == self.steps


class State:
    """Answers questions about the world in the server's objects."""

    def __init__(self, world: World) -> None:
        self.world = world
        started = min((project.created for project in world.projects), default=world.now)
        self.people = People(
            [
                User(1, "starwhale", "abcd1234", started, "OWNER"),
                User(2, "test", "abcd1234", started, enabled=False),
                User(3, "guest1", "abcd1234", started, "MAINTAINER"),
            ]
        )
        self.store = Datastore()
        self.blobs: dict[str, bytes] = {}
        self.recorded: dict[tuple[str, int], Recorded] = {}
        self.step_ids: dict[tuple[int, str], int] = {}
        self._lasting: dict[int, Vo] = {}
        self._synced: dict[str, str] = {}
        self.adopt()

    @property
    def now(self) -> float:
        return self.world.now

    def adopt(self) -> None:
        """Take over the tables of all jobs of the world."""
        for project in self.world.projects:
            for job in project.jobs:
                for name, table in job.tables.items():
                    self.store.tables[f"{table_prefix(project, job)}/{name}"] = Grown(table, lambda: self.now)
        add_samples(self)

    # Projects

    def project(self, text: str) -> Project:
        """By number, name or owner:name; a name owned twice is as unknown as none."""
        owner, _, rest = text.partition(":")
        name = rest.partition(":")[0].rstrip().casefold() if rest else text.rstrip().casefold()
        found = [
            project
            for project in self.world.projects
            if (not rest and text.isdecimal() and int(text) == project.id)
            or (project.name.casefold() == name and (not rest or self.people.named(owner).name == project.owner))
        ]
        if len(found) != 1:
            bare = not rest and not text.isdecimal()
            more = ", you may use OWNER:PROJECT or project id to access the project" if bare else ""
            raise errors.unknown("Project", f"Unable to find project {text}{more}")
        return found[0]

    def visible(self, user: User) -> list[Project]:
        return [project for project in self.world.projects if project.public or owns(user, project)]

    def project_vo(self, project: Project, *, counted: bool = False) -> Vo:
        counts = self.recorded.get(("counts", project.id))
        numbers = counts.vo if counts else _counts(project)
        return render.project_vo(project, self.people.named(project.owner), numbers if counted else None)

    def roles(self, user: User) -> dict[str, str]:
        return {str(project.id): "OWNER" for project in self.world.projects if project.owner == user.name}

    # Jobs

    def jobs(self, project: Project) -> list[Job]:
        """As they are listed: pinned first, then the newest."""
        listed = [job for job in project.jobs if not job.removed and self._lasts(project, job)["jobType"] in LISTED]
        return sorted(listed, key=lambda job: (job.pinned or 0.0, job.id), reverse=True)

    def job(self, project: Project, text: str) -> Job:
        """By number, which finds removed jobs too, or by uuid, which does not."""
        for job in project.jobs:
            if (text.isdecimal() and int(text) == job.id) or (text.lower() == job.uuid and not job.removed):
                return job
        raise errors.unknown("Starwhale Bundle", text)

    def job_vo(self, project: Project, job: Job) -> Vo:
        known = self.recorded.get(("job", job.id))
        moving = {} if known and known.holds(job.timeline) else render.changing(job.timeline, self.now)
        mine = {"comment": job.comment, "pinnedTime": render.seconds(job.pinned)}
        return {**self._lasts(project, job), **moving, **mine}

    def _lasts(self, project: Project, job: Job) -> Vo:
        known = self.recorded.get(("job", job.id))
        if known:
            return known.vo
        if job.id not in self._lasting:
            self._lasting[job.id] = jobs.lasting(project, job, self.people.named(job.owner))
        return self._lasting[job.id]

    def task_vo(self, task: Task) -> Vo:
        known = self.recorded.get(("task", task.id))
        return known.vo if known and known.holds(task.timeline) else render.task_vo(task, self.now)

    def tasks(self, job: Job) -> list[Vo]:
        return [self.task_vo(task) for task in sorted(job.tasks, key=lambda task: task.id, reverse=True)]

    def task(self, text: str) -> Task | None:
        every = (task for job in self.world.jobs() for task in job.tasks)
        return next((task for task in every if text in {str(task.id), task.uuid}), None)

    def dag(self, project: Project, job: Job) -> Vo:
        steps: dict[str, int] = {}
        for task in sorted(job.tasks, key=lambda task: task.id):
            steps.setdefault(task.step, self.step_ids.get((job.id, task.step), job.id * 10 + len(steps)))
        return render.dag(job, self.tasks(job)[::-1], steps, self.job_vo(project, job)["jobStatus"])

    # Tables

    def allow_tables(self, user: User | None, names: list[str], *, write: bool = False) -> None:
        """Refuse a caller who may not see the projects these tables or prefixes lie in."""
        projects = [self.project(part) for name in names if (part := _project_part(name)).isdecimal()]
        if not projects:
            check(user, None)
        for project in projects:
            check(user, project, data=True, write=write)
            self.sync_summary(project)

    def sync_summary(self, project: Project) -> None:
        """Bring the summary rows of jobs whose status has moved up to date."""
        rows = []
        for job in project.jobs:
            word = render.status(job.timeline, self.now)
            if self._synced.get(job.uuid) != word:
                self._synced[job.uuid] = word
                rows.append(self._summary_row(project, job))
        if rows:
            summary = self.store.table(f"project/{project.id}/eval/summary")
            summary.declare(jobs.SYSTEM_COLUMNS)
            summary.update(rows)

    def as_synced(self, job: Job) -> None:
        """Its summary row is already there."""
        self._synced[job.uuid] = render.status(job.timeline, self.now)

    def _summary_row(self, project: Project, job: Job) -> Mapping[str, Cell]:
        system = jobs.system_columns(project, job, self.job_vo(project, job), self.people.named(job.owner))
        cells = {name: cell_of(value) for name, value in system.items() if value is not None}
        cells |= {"sys/dev_mode": ("INT32", 0), "sys/_is_deleted": ("INT32", 0), "id": ("STRING", job.uuid)}
        return {**cells, **{name: cell_of(value) for name, value in flat(job.summary).items()}}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as one, names joined by `/`, in lower case."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}{name}".lower()
        found |= flat(value, f"{path}/") if isinstance(value, Mapping) else {path: value}
    return found


def table_prefix(project: Project, job: Job) -> str:
    return f"project/{project.id}/eval/{job.uuid[:2]}/{job.uuid}"


def _project_part(name: str) -> str:
    parts = name.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "project" else ""


def _counts(project: Project) -> dict[str, int]:
    alive = sum(not job.removed for job in project.jobs)
    return {"modelCounts": 1, "datasetCounts": 1, "runtimeCounts": 1, "memberCounts": 1, "evaluationCounts": alive}
