"""Jobs: a status history that grows with the clock, and what it brings forth (paper 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from swnb.sandbox.istari import stories
from swnb.sandbox.istari.content import Store
from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.shelf import Agent, Function
from swnb.sandbox.istari.stories import Entry
from swnb.sandbox.istari.words import TENANT, Record, User, beside, iso
from swnb.sandbox.world import Job as WorldJob


@dataclass(eq=False)
class Job(Resource):
    """The job of a registry.

    `story` holds what will come, too, and follows the world's job until a client writes a status.

    Two dials show clients what they do not expect: `said` takes the place of the present status word, and `odd`
    holds keys that replace those of the record.
    """

    model_id: str = ""
    function: Function = field(kw_only=True)
    agent: Agent = field(kw_only=True)
    world: WorldJob | None = None
    story: list[Entry] = field(default_factory=list)
    artifacts: list[Resource] = field(default_factory=list)
    assigned_agent: str | None = None
    assigned_pool: str | None = None
    said: str | None = None
    odd: Record = field(default_factory=dict)
    _steps: list[tuple[float, str]] = field(default_factory=list)
    _told: bool = False
    """Whether a client has written a status."""
    _sent: tuple[int, msgspec.Raw] | None = None

    def history(self, now: float) -> list[Entry]:
        """What has happened by now; the first entry always has."""
        if self.world is not None and not self._told and self._steps != self.world.timeline.steps:
            self._steps = list(self.world.timeline.steps)
            self.story = stories.entries(self.world)
            self.touch()
        return [entry for entry in self.story if entry.at <= now] or self.story[:1]

    def status(self, now: float) -> str:
        return self.said or self.history(now)[-1].name

    def write(self, now: float, name: str, message: str | None, by: User, agent_id: str | None) -> None:
        """Append a status; what was to come does not come any more."""
        self.artifacts = self.products(now)
        self.story = [*self.history(now), Entry(now, name, message, by=by, agent_id=agent_id)]
        if self.world is not None:
            self.world.timeline.turn(now, (0.0, stories.REAL_WORD[name.lower()]))
        self._told = True
        self.touch()

    def touch(self) -> None:
        """Forget the rendered record, since something in it has changed."""
        self._sent = None

    def products(self, now: float) -> list[Resource]:
        """Artifacts, which are there once the job is completed."""
        return self.artifacts if self.history(now)[-1].name == "Completed" else []

    def removed(self) -> bool:
        return self.world is not None and self.world.removed

    def record(self, now: float, store: Store) -> msgspec.Raw:
        """JSON, kept until the next status."""
        length = len(self.history(now))
        if self.said or self.odd:
            return msgspec.Raw(msgspec.json.encode(self._render(now, store)))
        if self._sent is None or self._sent[0] != length:
            self._sent = length, msgspec.Raw(msgspec.json.encode(self._render(now, store)))
        return self._sent[1]

    def _render(self, now: float, store: Store) -> Record:
        history = self.history(now)
        agent = next((self._agent_of(entry) for entry in reversed(history) if self._agent_of(entry)), None)
        named = {"agent_id": agent, "display_name": self.agent.name} if agent == self.agent.id else None
        return {
            **self.base(store, [product(each) for each in self.products(now)]),
            "function": self.function.sent,
            "assigned_agent_id": self.assigned_agent,
            "assigned_agent_pool_id": self.assigned_pool,
            "agent_information": named,
            "agent_id": agent,
            "tenant_id": TENANT,
            "model_id": self.model_id,
            "status_history": self._entries(history),
            "auth_deliveries": None,
            **self.odd,
        }

    def _entries(self, history: list[Entry]) -> list[Record]:
        found = [
            {
                "id": beside(self.id, 16 + number),
                "created": iso(entry.at),
                "job_id": self.id,
                "name": entry.name,
                "created_by_id": self._writer_of(entry).id,
                "message": entry.message,
                "agent_id": self._agent_of(entry),
            }
            for number, entry in enumerate(history)
        ]
        if self.said:
            found[-1]["name"] = self.said
        return found

    def _writer_of(self, entry: Entry) -> User:
        return entry.by or (self.agent.user if entry.agent else self.by)

    def _agent_of(self, entry: Entry) -> str | None:
        return self.agent.id if entry.agent else entry.agent_id

    def value(self, column: str, now: float) -> Any:
        """What the list is sorted by; empty where there is nothing."""
        if column == "created":
            return self.created
        if column == "status_name":
            return self.status(now)
        return _COLUMNS[column](self) or ""


#: the columns of the list whose values do not change with the clock
_COLUMNS: dict[str, Callable[[Job], str | None]] = {
    "id": lambda job: job.id,
    "name": lambda job: job.function.name,
    "created_by_id": lambda job: job.by.id,
    "model_id": lambda job: job.model_id,
    "tenant_id": lambda job: TENANT,
    "assigned_agent_id": lambda job: job.assigned_agent,
    "assigned_agent_pool_id": lambda job: job.assigned_pool,
}


def product(artifact: Resource) -> Record:
    """How a job's revision names what it has brought forth."""
    return {
        "revision_id": artifact.file.revisions[-1].id,
        "file_id": artifact.file.id,
        "resource_type": artifact.kind,
        "resource_id": artifact.id,
        "relationship_identifier": "output",
    }
