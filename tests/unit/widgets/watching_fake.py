"""A `Watching` that asks nobody: a test says what it knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd

from swnb.client.watching import Health, Notice, Watched, Watching
from swnb.model import JobInfo, Status

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def job(number: int, status: str = "running", *, place: str = "lab/project/1", **more: Any) -> Watched:
    """A job that began ten minutes before NOW; `more` are fields of Watched or of its JobInfo."""
    own = {name: more.pop(name) for name in list(more) if name in Watched.__dataclass_fields__}
    fields = {"name": f"train-{number}", "created": NOW - minutes(11), "started": NOW - minutes(10), **more}
    info = JobInfo(str(number), "1", status=Status(status), raw_status=status.upper(), **fields)
    return Watched(f"{place}/job/{number}", info, **own)


class Fake(Watching):
    """`tell` says what is there now, as a poller would; `said` keeps what the panel asked of it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rows = ()
        self.notices = ()
        self.health = ()
        self._changes: list[tuple[datetime, str, str, str, str]] = []
        self._call: Callable[[], object] = lambda: None
        self._stages = pd.DataFrame({"time": [], "before": [], "after": []})

    def start(self, changed: Callable[[], object]) -> None:
        self.said.append("start")
        self._call = changed

    def close(self) -> None:
        self.said.append("close")

    def look(self, uri: str) -> None:
        self.said.append(f"look {uri}")

    def refresh(self) -> None:
        self.said.append("refresh")

    def tell(
        self,
        rows: Sequence[Watched] | None = None,
        *,
        problem: str = "",
        notices: Sequence[Notice] = (),
        changes: Sequence[tuple[str, str, str]] = (),
        stages: pd.DataFrame | None = None,
    ) -> None:
        """`changes`: (job, before, after)."""
        self.rows = self.rows if rows is None else tuple(rows)
        self.notices += tuple(notices)
        self.health = (Health("lab", NOW, NOW + timedelta(seconds=8), problem, 8.0),)
        self._changes += [(NOW, uri, before, after, after.upper()) for uri, before, after in changes]
        self._stages = self._stages if stages is None else stages
        self._call()

    @property
    def frame(self) -> pd.DataFrame:
        index = pd.Index([row.uri for row in self.rows], name="job")
        status = [row.info.status.value for row in self.rows]
        return pd.DataFrame({"name": [row.info.name for row in self.rows], "status": status}, index=index)

    @property
    def changes(self) -> pd.DataFrame:
        return pd.DataFrame(self._changes, columns=["time", "job", "before", "after", "raw_status"])

    async def stages(self, uri: str) -> pd.DataFrame:
        self.said.append(f"stages {uri}")
        return self._stages
