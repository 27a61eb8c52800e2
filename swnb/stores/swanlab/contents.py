"""What a container tells about its run, whichever version it has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final

from swnb.stores.swanlab.points import Points

MICROSECOND: Final = timedelta(microseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(slots=True)
class Start:
    """``found``: whether the record that begins a run was there. ``time``: Unix microseconds."""

    found: bool = False
    id: str = ""
    name: str = ""
    project: str = ""
    workspace: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)
    group: str = ""
    job_type: str = ""
    time: int | None = None


@dataclass(slots=True)
class Finish:
    """How a run ended, in the platform's word."""

    state: str
    error: str = ""
    time: int | None = None


@dataclass(slots=True)
class Contents:
    """``wanted``: the metrics whose points are read (None = all). ``columns``: the metrics and media in the order of
    their first appearance, with the folder of their logs where the container tells it. ``odd``: records that could not
    be read although their checksum is right. ``files``: what the container calls its side files."""

    wanted: Collection[str] | None = None
    start: Start = field(default_factory=Start)
    finish: Finish | None = None
    columns: dict[str, str] = field(default_factory=dict)
    points: dict[str, Points] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    error: str = ""
    unsigned: set[str] = field(default_factory=set)
    odd: int = 0

    def points_of(self, key: str) -> Points | None:
        """Where the points of a metric go; None where they are not wanted."""
        if self.wanted is not None and key not in self.wanted:
            return None
        found = self.points.get(key)
        if found is None:
            found = self.points[key] = Points()
        return found


def moment(micros: int | None) -> datetime | None:
    """Unix microseconds as a UTC time; None where there is none or no datetime holds it."""
    try:
        return None if micros is None else EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def micros(time: datetime) -> int:
    """A time (UTC where it names no zone) as Unix microseconds."""
    aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return (aware - EPOCH) // MICROSECOND
