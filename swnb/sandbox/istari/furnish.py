"""How the world's projects and jobs become systems, models, functions, agents and jobs of a registry."""

from __future__ import annotations

import uuid

from swnb.sandbox.istari import stories
from swnb.sandbox.istari.files import Resource, archive_entry, make_file
from swnb.sandbox.istari.jobs import Job
from swnb.sandbox.istari.models import Artifact, Model
from swnb.sandbox.istari.shelf import POOL, Agent, Configuration, Function, System
from swnb.sandbox.istari.words import User, identity, iso
from swnb.sandbox.world import Job as WorldJob
from swnb.sandbox.world import Project, World

OTHERS = {"guest1"}
"""The world's owners whose jobs belong to `grace`; the others' are `ada`'s."""


class Furniture:
    """Each project is a system with two models, NAME.stp and NAME-light.stp; each job's name is a function."""

    def __init__(self, world: World) -> None:
        self.world = world
        start = world.now - 100 * 86400
        ada, grace = User(1, "ada", start, admin=True), User(2, "grace", start + 60)
        robot, spare = User(3, "agent-1", start, agent=True), User(4, "agent-2", start, agent=True)
        self.users = [ada, grace, robot, spare]
        self.agents = [Agent(1, "bench-1", robot, start + 90), Agent(2, "bench-2", spare, start + 95)]
        self.functions: list[Function] = []
        self.models: list[Model] = []
        self.jobs: list[Job] = []
        self.systems: list[System] = []
        for project in world.projects:
            self._adopt(project)
        extra = 1 + max((project.id for project in world.projects), default=0)
        self.systems += [
            System(extra, "empty", "nothing is in it", start, ada),
            System(extra + 1, "old-bench", "", start, ada, archived=True),
        ]

    def _adopt(self, project: Project) -> None:
        both = [self._model(project, part) for part in (0, 1)]
        self.models += both
        newest = max((job for job in project.jobs if "big" in job.tables), key=lambda job: job.created, default=None)
        for job in project.jobs:
            self._job(job, both[job.id // 3 % 3 == 0], big=job is newest)
        tracked: list[Resource] = [*both, *both[0].present(self.world.now)[:1]]
        found = [
            Configuration(2 * project.id, "baseline", tracked),
            Configuration(2 * project.id + 1, "light", [both[1]]),
        ]
        about = project.name, project.description, project.created, self.users[0]
        self.systems.append(System(project.id, *about, found))

    def _model(self, project: Project, part: int) -> Model:
        number, at = 2 * project.id + part, project.created + 600
        name = f"{project.name}{'-light' * part}.stp"
        owner = self.users[0]
        file = make_file(
            0xB7, number, name, lambda: stories.model(name, number), at=at, by=owner, display_name=project.name
        )
        comments = [self._comment(0xCB, number, at + 60, f"{name} is the one to use")] if not part else []
        return Model("Model", identity(0xB1, number), at, owner, file, comments)

    def _job(self, world: WorldJob, model: Model, *, big: bool) -> None:
        owner = self.users[1] if world.owner in OTHERS else self.users[0]
        at, number = world.created, world.id
        facts = {"display_name": world.name, "description": world.comment}
        file = make_file(0x10, number, "parameters.json", lambda: stories.parameters(world), at=at, by=owner, **facts)
        job = Job(
            "Job",
            str(uuid.UUID(world.uuid)),
            at,
            owner,
            file,
            [self._comment(0xCC, number, at + 30, "looks right")] if number % 6 == 0 else [],
            model_id=_input(model, world),
            function=self._function(world),
            agent=self.agents[number % 2],
            world=world,
        )
        job.assigned_agent = job.agent.id if number % 8 == 0 else None
        job.assigned_pool = POOL if number % 8 == 4 else None
        job.file.revisions[-1].sources = [_source(model)]
        end, word = world.timeline.steps[-1]
        if word == "succeeded":
            made = enumerate(stories.artifacts(world, big=big), 16 * number)
            job.artifacts = [self._artifact(job, model, each, *one, at=end) for each, one in made]
        self._archive(job, world)
        self.jobs.append(job)

    def _archive(self, job: Job, world: WorldJob) -> None:
        """Some of those that have ended are out of sight."""
        ended = world.timeline.ended(self.world.now)
        if ended is not None and world.id % 40 in {7, 8}:
            at = iso(min(ended + 600, self.world.now))
            entry = archive_entry("resource_id", job.id, at, job.by.id, name="Archived", reason="not needed any more")
            job.archive.append(entry)

    def _artifact(self, job: Job, model: Model, number: int, name: str, make: stories.Maker, *, at: float) -> Artifact:
        file = make_file(0xF5, number, name, make, at=at, by=job.agent.user)
        artifact = Artifact("Artifact", identity(0xF1, number), at, job.agent.user, file, model_id=model.id, job=job)
        model.artifacts.append(artifact)
        return artifact

    def _comment(self, kind: int, number: int, at: float, text: str) -> Resource:
        grace = self.users[1]
        file = make_file(kind + 0x100, number, "comment.txt", text.encode, at=at, by=grace)
        return Resource("Comment", identity(kind, number), at, grace, file)

    def _function(self, job: WorldJob) -> Function:
        """Made on first use, with an old version before it."""
        name = f"@acme:{job.name}"
        found = next((each for each in self.functions if each.name == name and each.supported), None)
        if found is None:
            start, owner, number = self.world.now - 99 * 86400, self.users[0], len(self.functions)
            found = Function(number + 2, name, "1.2.0", start + 86400, owner)
            self.functions += [Function(number + 1, name, "1.1.0", start, owner, supported=False), found]
        return found


def _input(model: Model, job: WorldJob) -> str:
    """Every eleventh job reads an artifact, where there was one already."""
    if job.id % 11:
        return model.id
    return next((each.id for each in model.artifacts if each.there(job.created)), model.id)


def _source(model: Model) -> dict[str, str | None]:
    return {
        "revision_id": model.file.revisions[-1].id,
        "file_id": model.file.id,
        "resource_type": "Model",
        "resource_id": model.id,
        "relationship_identifier": None,
    }
