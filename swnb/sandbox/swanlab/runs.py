"""What a run (an "experiment") is to the server, and runs that were uploaded or put in by a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from swnb.sandbox.swanlab.points import Points

COLORS = ("#528d59", "#587ad2", "#c24d46", "#9cbe5d")
FINAL = {"FINISHED", "CRASHED", "ABORTED"}


class Column(NamedTuple):
    key: str
    group: str
    kind: str
    created: float
    name: str


class Line(NamedTuple):
    """A line of the console; `epoch` is its number from 1, `stamp` Unix milliseconds."""

    epoch: int
    level: str
    message: str
    stamp: int


class Media(NamedTuple):
    """The files of one step."""

    step: int
    data: list[str]
    more: list[Any]


@dataclass(eq=False)
class Run:
    """What both kinds of runs share; the rest changes with the clock."""

    cuid: str
    project_id: str
    name: str
    username: str
    created: float
    slug: str | None = None
    description: str = ""
    labels: Sequence[str] = ()
    cluster: str = ""
    job_type: str = ""
    colors: Sequence[str] = COLORS[:2]
    flag: str = ""
    root: tuple[str, str] | None = None
    """Project and run that hold the metrics of a clone."""

    def state(self, now: float) -> str:
        raise NotImplementedError

    def finished(self, now: float) -> float | None:
        raise NotImplementedError

    def profile(self) -> dict[str, Any]:
        """`config` (wrapped), `metadata`, `requirements`, `conda`."""
        raise NotImplementedError

    def columns(self, now: float) -> list[Column]:
        raise NotImplementedError

    def points(self, key: str, now: float) -> Points | None:
        """None where there is no such scalar column, or nothing in it yet."""
        raise NotImplementedError

    def count(self, key: str, now: float) -> int:
        """How many points there are, without making them."""
        raise NotImplementedError

    def lines(self, now: float) -> list[Line]:
        raise NotImplementedError

    def media(self, key: str) -> list[Media]:
        return []

    def scalars(self, now: float) -> list[str]:
        return [column.key for column in self.columns(now) if column.kind == "FLOAT"]


@dataclass(eq=False)
class StoredRun(Run):
    """A run whose points lie in memory."""

    word: str = "RUNNING"
    ended: float | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    named: dict[str, Column] = field(default_factory=dict)
    series: dict[str, dict[int, tuple[float, int]]] = field(default_factory=dict)
    pictures: dict[str, dict[int, Media]] = field(default_factory=dict)
    console: dict[int, Line] = field(default_factory=dict)

    def state(self, now: float) -> str:
        return self.word

    def finished(self, now: float) -> float | None:
        return self.ended

    def profile(self) -> dict[str, Any]:
        return self.kept

    def columns(self, now: float) -> list[Column]:
        return list(self.named.values())

    def points(self, key: str, now: float) -> Points | None:
        held = self.series.get(key)
        if not held:
            return None
        steps = sorted(held)
        return Points(steps, [held[step][0] for step in steps], [held[step][1] for step in steps])

    def count(self, key: str, now: float) -> int:
        return len(self.series.get(key, ()))

    def lines(self, now: float) -> list[Line]:
        return [self.console[epoch] for epoch in sorted(self.console)]

    def media(self, key: str) -> list[Media]:
        held = self.pictures.get(key, {})
        return [held[step] for step in sorted(held)]

    def name_column(self, column: Column) -> None:
        """A column is named once."""
        self.named.setdefault(column.key, column)

    def add_points(self, key: str, points: Iterable[tuple[int, float, int]]) -> None:
        """(step, value, time); the first point of a step stays."""
        held = self.series.setdefault(key, {})
        for step, value, stamp in points:
            held.setdefault(step, (value, stamp))
            self.name_column(Column(key, group_of(key), "FLOAT", stamp / 1000, key))

    def add_media(self, key: str, kind: str, media: Media, now: float) -> None:
        self.pictures.setdefault(key, {}).setdefault(media.step, media)
        self.name_column(Column(key, group_of(key), kind, now, key))

    def end(self, word: str, at: float) -> None:
        self.word, self.ended = word, at if word in FINAL else None


def group_of(key: str) -> str:
    return "SYSTEM" if key.startswith("__swanlab__.") else "CUSTOM"


def wrapped(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it travels."""
    return {name: {"value": value, "sort": place, "desc": ""} for place, (name, value) in enumerate(config.items())}
