"""What exists in the made-up world, in words that all platforms share.

Everything that changes is a function of the clock: a job holds its whole story (`timeline`), and what a protocol
shows is the part that has happened by now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swnb.sandbox.clock import Clock

FINAL = frozenset({"succeeded", "failed", "cancelled"})
"""Statuses after which nothing comes by itself."""

Columns = dict[str, Sequence[Any]]


@dataclass
class Timeline:
    """Statuses with the second each began, ascending; some may lie in the future."""

    steps: list[tuple[float, str]]

    def status(self, now: float) -> str:
        return [word for at, word in self.steps if at <= now or at == self.steps[0][0]][-1]

    def began(self, word: str, now: float) -> float | None:
        """The first second of that status, if it has come."""
        return next((at for at, step in self.steps if step == word and at <= now), None)

    def ended(self, now: float) -> float | None:
        """The second of the final status, if it has come and still holds."""
        at, word = [step for step in self.steps if step[0] <= now or step is self.steps[0]][-1]
        return at if word in FINAL else None

    def spent(self, word: str, now: float) -> float:
        """Seconds in that status until now."""
        ends = [at for at, _ in self.steps[1:]] + [now]
        parts = [min(end, now) - at for (at, step), end in zip(self.steps, ends, strict=True) if step == word]
        return sum(part for part in parts if part > 0)

    def turn(self, now: float, *steps: tuple[float, str]) -> None:
        """Forget what was to come and go on otherwise; `steps` hold seconds from now."""
        kept = [step for step in self.steps if step[0] <= now] or self.steps[:1]
        self.steps = kept + [(now + delay, word) for delay, word in steps]


@dataclass
class Table:
    """Rows with int keys 0, 1, 2 …, made from their key when they are asked for, so any length costs nothing.

    `kinds` names the columns in order, the key first: int, float, text or bool. `block(low, high)` gives the cells
    of rows low to high-1. `length(now)` lets a table of a running job grow. `columns` make one column alone, from
    its keys, where the table can.
    """

    kinds: dict[str, str]
    length: Callable[[float], int]
    block: Callable[[int, int], Columns]
    columns: Mapping[str, Callable[[range], Sequence[Any]]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return next(iter(self.kinds))


@dataclass
class Run:
    """One try of a task. Lines of its log carry the second they are written."""

    id: int
    timeline: Timeline
    lines: list[tuple[float, str]] = field(default_factory=list)
    error: str | None = None

    def text(self, now: float) -> list[str]:
        until = min([now, *(at for at, word in self.timeline.steps if word != "running")])
        return [line for at, line in self.lines if at <= until]


@dataclass
class Task:
    id: int
    uuid: str
    step: str
    timeline: Timeline
    runs: list[Run] = field(default_factory=list)
    error: str | None = None

    def turn(self, now: float, *steps: tuple[float, str]) -> None:
        """Send the task and the run it is in another way."""
        self.timeline.turn(now, *steps)
        if self.runs and self.runs[-1].timeline.ended(now) is None:
            self.runs[-1].timeline.turn(now, *steps)

    def started_runs(self, now: float) -> list[Run]:
        return [run for run in self.runs if run.timeline.steps[0][0] <= now]


@dataclass
class Job:
    id: int
    uuid: str
    name: str
    owner: str
    timeline: Timeline
    tasks: list[Task] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    events: list[tuple[float, str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    comment: str | None = None
    pinned: float | None = None
    removed: bool = False

    @property
    def created(self) -> float:
        return self.timeline.steps[0][0]


@dataclass
class Project:
    id: int
    name: str
    owner: str
    created: float
    description: str = ""
    public: bool = False
    jobs: list[Job] = field(default_factory=list)


@dataclass
class World:
    clock: Clock
    projects: list[Project] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.clock.now

    def jobs(self) -> Iterator[Job]:
        return (job for project in self.projects for job in project.jobs)

    def project(self, name: str) -> Project:
        """The project of that name; KeyError when there is none."""
        found = [project for project in self.projects if project.name == name]
        if not found:
            raise KeyError(name)
        return found[0]
