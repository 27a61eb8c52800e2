"""The tasks and actors inside a Ray job, as the State API shows them (paper 2.6): a function of the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from swnb.sandbox.rayjobs.jobs import ENDED, Job
from swnb.sandbox.rayjobs.ray_shapes import NODE, core_id, own_id

Row = dict[str, Any]

EVERY = 10
"""Steps of a job to a task."""

AHEAD = 3
"""Tasks that wait while one runs. There is no planned number: totals only grow."""


def tasks(job: Job, now: float) -> list[Row]:
    """Rows of `/api/v0/tasks`; none without a core id."""
    return [] if core_id(job, now) is None else list(_tasks(job, now))


def _tasks(job: Job, now: float) -> Iterator[Row]:
    done = job.steps(now)
    running = job.status(now) not in ENDED
    yield _row(job, "Trainer.__init__", "ACTOR_CREATION_TASK", "FINISHED", 0)
    for number in range(done // EVERY):
        yield _row(job, "train_step", "NORMAL_TASK", "FINISHED", number)
    for number in range(done // EVERY * 4 // EVERY):
        yield _row(job, "Trainer.report", "ACTOR_TASK", "FINISHED", number)
    if running:
        for number in range(done // EVERY, done // EVERY + 1 + AHEAD):
            state = "RUNNING" if number == done // EVERY else "PENDING_NODE_ASSIGNMENT"
            yield _row(job, "train_step", "NORMAL_TASK", state, number)
    if job.status(now) == "failed":
        for number in range(2):
            yield _row(job, "load_shard", "NORMAL_TASK", "FAILED", number)


def _row(job: Job, name: str, kind: str, state: str, number: int) -> Row:
    core, acts = own_id(job), kind != "NORMAL_TASK"
    actor = _hex(job.id, "actor")[:24] + core
    return {
        "task_id": _hex(job.id, name, number)[:16] + (actor if acts else "f" * 24 + core),
        "attempt_number": 0,
        "name": name,
        "state": state,
        "job_id": core,
        "actor_id": actor if acts else None,
        "type": kind,
        "func_or_class_name": name,
        "parent_task_id": "f" * 40 + core,
        "node_id": None if state.startswith("PENDING") else NODE,
        "worker_id": None if state.startswith("PENDING") else _hex(job.id, "worker")[:56],
        "worker_pid": None if state.startswith("PENDING") else job.pid + 1,
        "error_type": "TASK_EXECUTION_EXCEPTION" if state == "FAILED" else None,
    }


def detailed(row: Row, job: Job, now: float) -> Row:
    """The row with `detail=1`: when its states came, and what went wrong."""
    if "events" in row:
        return row
    begun = (job.timeline.began("running", now) or now) * 1000
    ended = begun + 4000.0 if row["state"] in {"FINISHED", "FAILED"} else None
    running = None if row["state"].startswith("PENDING") else begun + 40.0
    events = [("PENDING_ARGS_AVAIL", begun), ("RUNNING", running), (row["state"], ended)]
    return row | {
        "language": "PYTHON",
        "required_resources": {"CPU": 1.0},
        "events": [{"state": state, "created_ms": at} for state, at in events if at is not None],
        "creation_time_ms": begun,
        "start_time_ms": running,
        "end_time_ms": ended,
        "error_message": job.error if row["state"] == "FAILED" else None,
        "profiling_data": None,
    }


def actors(job: Job, now: float) -> list[Row]:
    if core_id(job, now) is None:
        return []
    return [
        {
            "actor_id": _hex(job.id, "actor")[:24] + own_id(job),
            "class_name": "Trainer",
            "state": "DEAD" if job.status(now) in ENDED else "ALIVE",
            "job_id": own_id(job),
            "name": "",
            "node_id": NODE,
            "pid": job.pid + 1,
            "ray_namespace": "swnb",
        }
    ]


def summary(rows: Iterable[Row]) -> Row:
    """Counts by the function's name."""
    names: dict[str, Row] = {}
    counts = {"total_tasks": 0, "total_actor_tasks": 0, "total_actor_scheduled": 0}
    total = {"NORMAL_TASK": "total_tasks", "ACTOR_TASK": "total_actor_tasks"}
    for row in rows:
        name, state = row["func_or_class_name"], row["state"]
        entry = names.setdefault(name, {"func_or_class_name": name, "type": row["type"], "state_counts": {}})
        entry["state_counts"][state] = entry["state_counts"].get(state, 0) + 1
        counts[total.get(row["type"], "total_actor_scheduled")] += 1
    return {"node_id_to_summary": {"cluster": {"summary": names, **counts, "summary_by": "func_name"}}}


def _hex(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
