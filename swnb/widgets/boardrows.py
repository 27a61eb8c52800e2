"""What the board of jobs says of each: plain values for the page, and the same as a frame for the static twin.

The page counts the seconds itself, so a time goes there as the moment it began (milliseconds since 1970 by the
kernel's clock) and nothing is sent because time passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pandas as pd

from swnb.client.watching import Health, Watched
from swnb.model import JobInfo, Status
from swnb.widgets.static import SYMBOLS, cell_text, duration_text, visible

Row = dict[str, Any]
_TICKS: Final = (Status.RUNNING, Status.STOPPING)  # their elapsed time goes on
_LINE: Final = 240  # characters of a log line or of a cause that a row shows
_JITTER: Final = 2_500  # ms between two answers about the same beginning


def millis(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def rows_of(watched: Iterable[Watched], now: datetime, before: Mapping[str, Row]) -> list[Row]:
    """One plain dict a job, in their order. ``before``: what was shown, by URI, so that beginnings hold still."""
    jobs = list(watched)
    several = len({_place(job.uri) for job in jobs}) > 1
    return [_row(job, now, several, before.get(job.uri, {})) for job in jobs]


def _row(job: Watched, now: datetime, several: bool, before: Row) -> Row:
    info = job.info
    ticks = info.status in _TICKS and not job.removed
    return {
        "uri": job.uri,
        "name": cell_text(info.name) or f"job {cell_text(info.id)}",
        "id": cell_text(info.id),
        "place": visible(_place(job.uri)) if several else "",
        "status": info.status.value,
        "raw": cell_text(info.raw_status),
        "removed": job.removed,
        "ticks": ticks,
        "began": millis(info.started or info.created),
        "since": None if info.status.final else _since(info, now, before),
        "took": None if ticks else _took(info),
        "share": None if job.progress is None else round(min(max(job.progress, 0.0), 1.0), 4),
        "said": cell_text(job.said),
        "left": f"about {_rough(job.eta)}" if ticks and job.eta is not None else "",
        "spread": _spread(job) if ticks else "",
        "line": cell_text(job.last_line, _LINE),
        "cause": cell_text(info.error, _LINE),
    }


def _place(uri: str) -> str:
    return uri.rpartition("/job/")[0].replace("/project/", " / ")


def _since(info: JobInfo, now: datetime, before: Row) -> int | None:
    """When the job began, by our clock. What the server says has elapsed counts more than its clock, which may be off;
    not every answer of it says so."""
    known: int | None = before.get("since")
    began = millis(info.started or info.created)
    if info.elapsed is None:
        return known if known is not None and before["began"] == began else began
    fresh = millis(now - info.elapsed)
    return known if known is not None and fresh is not None and abs(fresh - known) < _JITTER else fresh


def _took(info: JobInfo) -> float | None:
    if info.elapsed is not None:
        return info.elapsed.total_seconds()
    begun = info.started or info.created
    return (info.finished - begun).total_seconds() if info.finished and begun else None


def _spread(job: Watched) -> str:
    """`3m to 6m`; empty where there is no ground for it."""
    low, high = job.eta_low, job.eta_high
    return f"{_rough(low)} to {_rough(high)}" if job.eta is not None and low is not None and high is not None else ""


def _rough(span: timedelta) -> str:
    """Two parts of a duration are enough for a guess, and one where the second is nothing."""
    first, *more = duration_text(max(round(span.total_seconds()), 0)).split()[:2]
    return " ".join([first, *(part for part in more if not part.startswith("00"))])


def counts_text(rows: Sequence[Row]) -> str:
    """`▶ 2 running · ✓ 5 succeeded`, in the order of the vocabulary."""
    found = Counter(row["status"] for row in rows)
    there = [word.value for word in Status if found[word.value]]
    return " · ".join(f"{SYMBOLS[word]} {found[word]:,} {word}" for word in there)


def health_of(health: Iterable[Health]) -> list[Row]:
    return [
        {
            "server": cell_text(each.server),
            "asked": millis(each.asked),
            "next": millis(each.next),
            "problem": visible(each.problem),
        }
        for each in health
    ]


def health_text(health: Iterable[Health]) -> str:
    """`lab: as of 12:40:23 UTC`, and what is wrong, for where nothing ticks."""
    return " · ".join(_health(each) for each in health)


def _health(each: Health) -> str:
    asked = "not asked yet" if each.asked is None else f"as of {cell_text(each.asked)} UTC"
    said = f"{cell_text(each.server)}: {asked}"
    return f"{said}, connection lost: {visible(each.problem)}" if each.problem else said


def twin_frame(rows: Sequence[Row], now: datetime) -> pd.DataFrame:
    """The board as a table of texts that stand still."""
    status = pd.Categorical([row["status"] for row in rows], categories=[word.value for word in Status])
    table = {
        "status": status,
        "name": [row["name"] for row in rows],
        "id": [row["id"] for row in rows],
        "where": [row["place"] for row in rows],
        "progress": [_progress(row) for row in rows],
        "elapsed": [_elapsed(row, now) for row in rows],
        "left": [_left(row) for row in rows],
        "last line": [row["line"] for row in rows],
        "cause": [row["cause"] for row in rows],
        "note": ["removed" if row["removed"] else "" for row in rows],
    }
    frame = pd.DataFrame(table, index=pd.RangeIndex(len(rows)))
    always = ("status", "name", "id", "elapsed")
    empty = [name for name in frame.columns if name not in always and not any(frame[name])]
    told: pd.DataFrame = frame.drop(columns=empty)
    return told


def _progress(row: Row) -> str:
    share = "" if row["share"] is None else f"{row['share']:.0%}"
    return " · ".join(part for part in (share, row["said"]) if part)


def _left(row: Row) -> str:
    return f"{row['left']} ({row['spread']})" if row["spread"] else str(row["left"])


def _elapsed(row: Row, now: datetime) -> str:
    goes_on = row["ticks"] and row["since"] is not None
    seconds = max(now.timestamp() - row["since"] / 1000, 0) if goes_on else row["took"]
    return "" if seconds is None else duration_text(round(seconds))
