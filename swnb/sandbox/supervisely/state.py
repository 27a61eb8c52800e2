"""The world as one Supervisely server holds it, beside what clients have put in."""

from __future__ import annotations

from itertools import count
from typing import Any, TypeVar

from swnb.sandbox.supervisely import errors, files, jobs
from swnb.sandbox.supervisely.people import Agent, Record, Team, User, Workspace, demo_people
from swnb.sandbox.supervisely.shelf import MODULES, Shelf, app, images_project, module
from swnb.sandbox.supervisely.tasks import Task
from swnb.sandbox.world import Job, Timeline, World

Numbered = TypeVar("Numbered", Team, Workspace, Agent)

SECOND_TEAM = {"speech"}
"""The world's projects that belong to the second team; the others are the first one's."""

CLONE, LOST = jobs.FIRST_TASK - 1, jobs.FIRST_TASK - 2
"""The number of a task older than the world's jobs, and of one whose record is gone but not its files."""


class State:
    """What the server knows, and the dials that a test may turn.

    legacy=False answers 404 to the endpoints that only old SDKs call; `version` is what the instance says it is.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.legacy = True
        self.version = "6.18.3"
        self.people = demo_people(world.now)
        self.shelf = Shelf()
        self.blobs: dict[str, bytes] = {}
        """Uploaded files by hash."""
        self.tasks: dict[int, Task] = {}
        self._files: dict[int, list[files.TeamFile]] = {}
        self._furnish()
        last = max((job.id for job in world.jobs()), default=0)
        self._ids = count(jobs.FIRST_TASK + last + 1)

    @property
    def now(self) -> float:
        return self.world.now

    def _furnish(self) -> None:
        people, world = self.people, self.world
        ada, created = people.users[0], people.teams[0].created
        self.shelf.modules = [module(number, created) for number in range(len(MODULES))]
        for team in people.teams:
            first = 410 + 10 * people.teams.index(team)
            self.shelf.apps += [app(first + at, source, team, ada) for at, source in enumerate(self.shelf.modules)]
        for project in world.projects:
            team = people.teams[project.name in SECOND_TEAM]
            place = Workspace(8100 + project.id, project.name, project.description, team, project.created)
            people.workspaces.append(place)
            first = 7300 + 10 * project.id
            self.shelf.projects += [
                images_project(first + at, f"{project.name} {name}", place, ada, 1000 - 800 * at)
                for at, name in enumerate(("pictures", "odd ones"))
            ]
        self._adopt()

    def _adopt(self) -> None:
        first = self.people.workspaces[0]
        self.tasks[CLONE] = self._clone(first)
        adopted = [
            jobs.adopt(job, place, self.people, self.shelf)
            for project, place in zip(self.world.projects, self.people.workspaces, strict=True)
            for job in project.jobs
        ]
        self.tasks |= {task.id: task for task in sorted(adopted, key=lambda task: task.id)}
        self._files[LOST] = self._lost(first)

    def _clone(self, place: Workspace) -> Task:
        """An old record as servers have them: no app, no agent, and it ended a moment before it began."""
        at = place.created + 7200
        story = Timeline([(at, "running"), (at - 0.001, "succeeded")])
        return Task(CLONE, "clone", story, place, self.people.users[0])

    def _lost(self, place: Workspace) -> list[files.TeamFile]:
        project = next(each for each in self.shelf.projects if each["workspaceId"] == place.id)
        story = Timeline([(place.created, "running"), (place.created + 900, "succeeded")])
        gone = Job(1, "", "train-gone", "ada", story, summary={"accuracy": 0.81, "loss": 0.4})
        task = Task(LOST, "app", story, place, self.people.users[0])
        info = jobs.experiment(task, gone, project)
        return files.of_experiment(info, files.FIRST_FILE, place.team, task.user, place.created + 900)

    # Looking things up

    def task(self, number: int) -> Task:
        found = self.tasks.get(number)
        if found is None or (found.job and found.job.removed):
            raise errors.missing("Task")
        return found

    def tasks_of(self, place: Workspace) -> list[Task]:
        """In ascending order of their ids."""
        return [task for task in self.tasks.values() if task.place is place and not (task.job and task.job.removed)]

    def sessions(self, app_id: int) -> list[Task]:
        return [task for task in self.tasks.values() if task.app_id == app_id]

    def team(self, number: object) -> Team:
        return _one(self.people.teams, number, "Team")

    def workspace(self, number: object) -> Workspace:
        return _one(self.people.workspaces, number, "Workspace")

    def agent(self, number: object) -> Agent:
        return _one(self.people.agents, number, "Agent")

    def team_files(self, team: Team) -> list[files.TeamFile]:
        """Those of the experiments that have ended well, and of the one whose task is gone."""
        ended = [task for task in self.tasks.values() if task.place.team is team and "experiment" in task.results]
        held = [self._of(task) for task in ended if task.status(self.now) == "finished"]
        lost = self._files[LOST] if self._files[LOST][0].team is team else []
        return [*lost, *(file for each in held for file in each)]

    def _of(self, task: Task) -> list[files.TeamFile]:
        if task.id not in self._files:
            first = files.FIRST_FILE + 10 * (task.id - LOST)
            info, at = task.results["experiment"]["data"], task.timeline.ended(self.now) or self.now
            self._files[task.id] = files.of_experiment(info, first, task.place.team, task.user, at)
        return self._files[task.id]

    # Putting things in

    def add_task(
        self,
        place: Workspace,
        launch: Record,
        *,
        kind: str = "app",
        user: User | None = None,
        agent: Agent | None = None,
        seconds: float = 60.0,
        **more: Any,
    ) -> Task:
        """Put a task in that is queued now and runs `seconds`; for ever (deployed) with 0."""
        ends = (9.0 + seconds, "succeeded") if seconds else (14.0, "unknown")
        steps = [(0.0, "created"), (2.0, "queued"), (9.0, "running"), ends]
        story = Timeline([(self.now + after, word) for after, word in steps])
        user, number = user or self.people.users[0], next(self._ids)
        task = Task(number, kind, story, place, user, agent, launch=launch, **more)
        self.tasks[task.id] = task
        return task


def _one(items: list[Numbered], number: object, what: str) -> Numbered:
    for item in items:
        if item.id == number:
            return item
    raise errors.missing(what)
