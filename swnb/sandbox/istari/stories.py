"""What the world's jobs are as registry jobs: their status histories, parameters and artifacts."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from swnb.sandbox.curves import noise
from swnb.sandbox.istari.words import User
from swnb.sandbox.world import Job, Table

REAL_WORD = {
    "created": "created",
    "pending": "queued",
    "claimed": "running",
    "validating": "running",
    "running": "running",
    "uploading": "running",
    "completed": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
    "unknown": "unknown",
}
"""The world's word for each status, in lower case."""


class Entry(NamedTuple):
    """One entry of a status history, which may lie in the future.

    The job's agent has written it if `agent`; `by` and `agent_id` say so of entries that clients have written.
    """

    at: float
    name: str
    message: str | None = None
    agent: bool = False
    by: User | None = None
    agent_id: str | None = None


def entries(job: Job) -> list[Entry]:
    """The job's whole story in the registry's words.

    The registry has no word for paused or stopping: an agent that is held hangs in Claimed or Validating, and one
    that is told to stop is still uploading. Every fifth job skips Validating, and tries are Running again.
    """
    steps = job.timeline.steps
    nexts = [*steps[1:], (math.inf, "")]
    found = [entry for (at, word), after in zip(steps, nexts, strict=True) for entry in _step(job, at, word, after)]
    return sorted(found, key=lambda entry: entry.at)


def _step(job: Job, at: float, word: str, after: tuple[float, str]) -> list[Entry]:
    if word == "running":
        return _running(job, at, after)
    reason = next((task.error for task in job.tasks if task.error), None)
    plain = {
        "created": ("Created", None),
        "queued": ("Pending", None),
        "stopping": ("Uploading", None),
        "succeeded": ("Completed", None),
        "failed": ("Failed", reason),
        "cancelled": ("Canceled", "canceled by its owner"),
        "unknown": ("Unknown", None),
    }
    if word not in plain:
        return []
    name, message = plain[word]
    return [Entry(at, name, message, agent=word not in {"created", "queued", "cancelled"})]


def _running(job: Job, at: float, after: tuple[float, str]) -> list[Entry]:
    end, word = after
    found = [Entry(at, "Claimed", agent=True)]
    held = word == "paused"
    if job.id % 5 if not held else job.id // 20 % 2:
        found.append(Entry(at + 0.6, "Validating", agent=True))
    if held:
        return found
    found.append(Entry(at + 2, "Running", agent=True))
    begins = [run.timeline.steps[0][0] for task in job.tasks for run in task.runs[1:]]
    found += [
        Entry(begin, "Running", f"try {number}", True) for number, begin in enumerate(begins, 2) if begin > at + 2
    ]
    if word == "succeeded" and end - 3 > at + 2:
        found.append(Entry(end - 3, "Uploading", agent=True))
    return found


def parameters(job: Job) -> bytes:
    return msgspec.json.format(msgspec.json.encode({**job.config, "name": job.name}), indent=4)


Maker = Callable[[], bytes]
Made = tuple[str, Maker]


def artifacts(job: Job, *, big: bool) -> list[Made]:
    """Names and makers of what the job puts out when it ends well; the table `big` only if told."""
    found: list[Made] = [
        ("metrics.json", lambda: metrics(job)),
        ("train.csv", lambda: table(job.tables["train"])),
    ]
    if job.id // 3 % 3 == 0:
        found.append(("report.txt", lambda: report(job)))
    if job.id // 3 % 4 == 0:
        found.append(("components.json", lambda: components(job)))
    if job.id // 3 % 4 == 1:
        found.append(("results.csv", lambda: table(job.tables["results"])))
    if big and "big" in job.tables:
        found.append(("big.csv", lambda: table(job.tables["big"])))
    return found


def metrics(job: Job) -> bytes:
    """Flat and nested numbers, and what is none; every seventh has a NaN, as Python's json writes it."""
    mass = round(12.5 + 2.5 * noise(7, job.id), 4)
    value = {
        "mass_kg": mass,
        "volume_m3": round(mass / 7850, 9),
        "parts": 12 + job.id % 9,
        "center_of_mass": {"x": round(noise(8, job.id), 4), "y": round(noise(9, job.id), 4), "z": 0},
        **job.summary,
        "residual": math.nan if job.id // 3 % 7 == 0 else 0.5 ** (4 + job.id % 9),
        "converged": True,
        "material": "steel",
        "note": None,
    }
    return json.dumps(value, indent=2).encode()


def components(job: Job) -> bytes:
    """A list of objects, as tables are often written."""
    rows = [
        {"component": f"part-{number}", "mass_kg": round(1 + noise(job.id, number) / 2, 4), "count": 1 + number % 3}
        for number in range(6)
    ]
    return json.dumps(rows).encode()


def report(job: Job) -> bytes:
    return f"Report of {job.name}\n\nAll {12 + job.id % 9} parts were checked.\nÜbermaß: none\n".encode()


def table(source: Table) -> bytes:
    """The table's rows as CSV; a NaN is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(source.kinds)
    rows = source.length(math.inf)
    for low in range(0, rows, 10_000):
        block = source.block(low, min(rows, low + 10_000))
        writer.writerows(zip(*([_cell(cell) for cell in block[name]] for name in source.kinds), strict=True))
    return out.getvalue().encode()


def _cell(value: object) -> object:
    return "" if isinstance(value, float) and math.isnan(value) else value


def model(name: str, number: int) -> bytes:
    return f"ISO-10303-21;\nHEADER;\nFILE_NAME('{name}','{number}');\nENDSEC;\nEND-ISO-10303-21;\n".encode()
