"""A task: what it is from its start, what becomes of it by the clock, and what clients have put in (paper 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from swnb.sandbox.supervisely.people import Agent, Record, User, Workspace, iso
from swnb.sandbox.world import Job, Timeline

STATUS = {
    "created": "queued",
    "queued": "consumed",
    "running": "started",
    "paused": "started",
    "unknown": "deployed",
    "stopping": "terminating",
    "succeeded": "finished",
    "failed": "error",
    "cancelled": "stopped",
}
"""The platform's word for each of the world's; there is no pause, and what the world does not know goes on serving."""

WORDS = {status: word for word, status in STATUS.items() if word != "paused"}
FINAL = {"finished", "error", "stopped"}
ERROR_ICON = {"className": "zmdi zmdi-alert-octagon", "color": "#ff83a6", "backgroundColor": "#ffeae9"}


@dataclass
class Task:
    """`launch` is the meta it was started with, `results` the output it has when it ends well.

    `outputs`, `told` (meta), `fields`, `files`, `archives` and `lines` were put in by clients. After changing one of
    them from outside call `touch`, since records are kept while nothing changes.
    """

    id: int
    kind: str
    timeline: Timeline
    place: Workspace
    user: User
    agent: Agent | None = None
    description: str = ""
    launch: Record = field(default_factory=dict)
    results: Record = field(default_factory=dict)
    error: str | None = None
    job: Job | None = None
    pace: float = 1.0
    """Seconds a step of training takes."""
    outputs: Record = field(default_factory=dict)
    told: Record = field(default_factory=dict)
    fields: Record = field(default_factory=lambda: {"data": {}, "state": {}})
    files: dict[str, bytes] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)
    lines: list[Record] = field(default_factory=list)
    cleared: bool = False
    """Whether the checkpoints that are not the best were deleted."""
    said: str | None = None
    """A status word that stands in place of the timeline's: a newer server's, for a test."""
    _changes: int = 0
    _kept: dict[bool, tuple[object, msgspec.Raw]] = field(default_factory=dict)

    def status(self, now: float) -> str:
        return self.said or STATUS[self.timeline.status(now)]

    def started(self, now: float) -> str | None:
        return iso(self.timeline.began("running", now))

    def finished(self, now: float) -> str | None:
        return iso(self.timeline.ended(now))

    def runs(self, now: float) -> bool:
        return self.status(now) in {"started", "deployed"}

    def turn(self, now: float, *steps: tuple[float, str]) -> None:
        """Send it another way, and with it the job of the world that it is."""
        self.timeline.turn(now, *steps)
        for part in self.job.tasks if self.job else []:
            part.turn(now, *steps)
        self.touch()

    def touch(self) -> None:
        self._changes += 1

    @property
    def app_id(self) -> int | None:
        app = self.launch.get("app")
        return app["id"] if app else None

    def meta(self, now: float) -> Record:
        """Launch, what was told, and the output as far as there is one."""
        status = self.status(now)
        output = dict(self.results) if status == "finished" else {}
        if status == "error" and self.error:
            output["general"] = {"icon": ERROR_ICON, "title": self.error, "showLogs": True, "isError": True}
        return {**self.launch, **self.told, "output": {**output, **self.outputs}}

    def record(self, now: float, *, full: bool = False) -> msgspec.Raw:
        """As lists carry it, or with the fields that `tasks.info` adds."""
        state = self.status(now), self.started(now), self.finished(now), self._changes
        kept = self._kept.get(full)
        if kept is None or kept[0] != state:
            made = {**self._short(now), **(self._more() if full else {})}
            kept = self._kept[full] = state, msgspec.Raw(msgspec.json.encode(made))
        return kept[1]

    def _short(self, now: float) -> Record:
        return {
            "id": self.id,
            "type": self.kind,
            "status": self.status(now),
            "startedAt": self.started(now),
            "finishedAt": self.finished(now),
            "meta": self.meta(now),
            "description": self.description,
        }

    def _more(self) -> Record:
        return {
            "workspaceId": self.place.id,
            "teamId": self.place.team.id,
            "userId": self.user.id,
            "userLogin": self.user.login,
            "createdBy": self.user.id,
            "agentId": self.agent.id if self.agent else None,
            "agentName": self.agent.name if self.agent else None,
            "settings": {"message": {"state": self.launch["params"]["state"]}} if "params" in self.launch else {},
        }
