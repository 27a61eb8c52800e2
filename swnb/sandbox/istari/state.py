"""The world as a registry holds it, beside what clients have put in."""

from __future__ import annotations

import json
import uuid
from itertools import count

from swnb.sandbox.istari import errors
from swnb.sandbox.istari.content import Store
from swnb.sandbox.istari.files import File, Resource, Revision, make_file
from swnb.sandbox.istari.furnish import Furniture
from swnb.sandbox.istari.jobs import Job, product
from swnb.sandbox.istari.models import Artifact, Model
from swnb.sandbox.istari.shelf import Agent, Function, System
from swnb.sandbox.istari.stories import Entry
from swnb.sandbox.istari.words import Record, User
from swnb.sandbox.world import World


class State:
    """What the registry knows, and the dials that a test may turn.

    agents_work=False leaves new jobs pending; else an agent takes them after 5 seconds and ends after a minute.
    `store.seconds` is how long links hold.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.agents_work = True
        self.store = Store(lambda: world.now)
        made = Furniture(world)
        self.users: list[User] = made.users
        self.functions: list[Function] = made.functions
        self.agents: list[Agent] = made.agents
        self.systems: list[System] = made.systems
        self.models: list[Model] = made.models
        self.jobs: list[Job] = sorted(made.jobs, key=lambda job: (job.created, job.id), reverse=True)
        """Newest first."""
        self.things: dict[str, Resource] = {}
        self._files: dict[str, Resource] = {}
        self._revisions: dict[str, tuple[Resource, Revision]] = {}
        for thing in [*self.models, *self.jobs, *(each for model in self.models for each in model.artifacts)]:
            self._know(thing)
        self._numbers = count(1)

    @property
    def now(self) -> float:
        return self.world.now

    @property
    def authorization_on_links(self) -> int:
        """How many requests to links carried a sign-in; it should be 0."""
        return self.store.authorization_on_links

    def _know(self, thing: Resource) -> None:
        self.things[thing.id] = thing
        self._files[thing.file.id] = thing
        self._revisions.update({revision.id: (thing, revision) for revision in thing.file.revisions})
        for comment in thing.comments:
            self._know(comment)

    # Looking things up

    def resource(self, number: str) -> Resource:
        """A model, artifact, job or comment; an id of another kind is a 403 (paper 7.1)."""
        found = self.things.get(number)
        if found is None and (number in self._files or number in self._revisions):
            raise errors.forbidden()
        if found is None:
            raise errors.missing("Resource")
        if not self._there(found):
            raise errors.missing(found.kind)
        return found

    def _there(self, thing: Resource) -> bool:
        """Artifacts of jobs that have not ended are not there yet."""
        if isinstance(thing, Artifact):
            return thing.there(self.now)
        return not (isinstance(thing, Job) and thing.removed())

    def job(self, number: str) -> Job:
        found = self.resource(number)
        if not isinstance(found, Job):
            raise errors.forbidden()
        return found

    def model(self, number: str) -> Model:
        found = self.resource(number)
        if not isinstance(found, Model):
            raise errors.forbidden()
        return found

    def by_file(self, number: str) -> Resource:
        found = self._files.get(number)
        if found is None or not self._there(found):
            raise errors.missing("File")
        return found

    def revision(self, number: str) -> tuple[Resource, Revision]:
        found = self._revisions.get(number)
        if found is None or not self._there(found[0]):
            raise errors.missing("Revision")
        return found

    def agent(self, number: str) -> Agent:
        found = next((agent for agent in self.agents if agent.id == number), None)
        if found is None:
            raise errors.missing("Agent")
        return found

    def jobs_of(self, resource: Resource) -> list[Job]:
        return [job for job in self.jobs if job.model_id == resource.id and not job.removed()]

    def products(self, thing: Resource) -> list[Record]:
        return [product(each) for each in thing.products(self.now)] if isinstance(thing, Job) else []

    def record(self, thing: Resource) -> Record:
        """The file of a thing with all its revisions."""
        return thing.file.record(thing.kind, thing.id, self.store, self.products(thing))

    # Putting things in

    def add_revision(self, thing: Resource, revision: Revision) -> None:
        thing.file.revisions.append(revision)
        self._revisions[revision.id] = thing, revision
        if isinstance(thing, Job):
            thing.touch()

    def add_job(
        self, resource: Resource, function: Function, revision: Revision, by: User, agent: Agent | None = None
    ) -> Job:
        """A job that is created now and pending a second later, and then taken by an agent (see `agents_work`)."""
        now, number = self.now, str(uuid.uuid4())
        file = File(str(uuid.uuid4()), now, by, [revision])
        worker = agent or self.agents[0]
        job = Job("Job", number, now, by, file, model_id=resource.id, function=function, agent=worker)
        job.assigned_agent = agent.id if agent else None
        job.story = [Entry(now, "Created"), Entry(now + 1, "Pending")]
        if self.agents_work:
            steps = ((5, "Claimed"), (6, "Validating"), (8, "Running"), (57, "Uploading"), (60, "Completed"))
            job.story += [Entry(now + after, word, agent=True) for after, word in steps]
            self._bring_forth(job, resource)
        self.jobs.insert(0, job)
        self._know(job)
        return job

    def _bring_forth(self, job: Job, resource: Resource) -> None:
        """The artifact that the job will have put out."""
        body = {"mass_kg": 1.5, "parameters_size": len(job.file.revisions[0].content.body)}
        file = make_file(
            0xF7, next(self._numbers), "metrics.json", lambda: json.dumps(body).encode(), at=self.now + 60, by=job.by
        )
        model = resource if isinstance(resource, Model) else self.model(getattr(resource, "model_id", ""))
        artifact = Artifact("Artifact", str(uuid.uuid4()), self.now + 60, job.by, file, model_id=model.id, job=job)
        job.artifacts = [artifact]
        model.artifacts.append(artifact)
        self._know(artifact)

    def function(self, name: str, version: str | None) -> Function | None:
        """The newest of that name, or that version."""
        found = [each for each in self.functions if each.name == name and version in {None, each.version}]
        return max(found, key=lambda each: each.version, default=None)
