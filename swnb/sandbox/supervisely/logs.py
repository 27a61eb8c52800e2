"""The log of a task: lines with levels, and the records that trainings write among them (paper 5.6)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from swnb.sandbox.supervisely.people import Record, iso
from swnb.sandbox.supervisely.tasks import Task
from swnb.sandbox.world import Job, Run, Timeline

EVERY = 5
EPOCH = 20
"""Steps of the world between two train records, and in an epoch."""

Line = tuple[float, Record]


def log(task: Task, now: float) -> list[Record]:
    """All until now, oldest first."""
    own = (_line(task, at, message=text, level="info") for at, text in _turns(task, now))
    records = [record for _, record in (*own, *_made(task, now))] + task.lines
    return sorted(records, key=lambda record: str(record["timestamp"]))


def tail(records: list[Record], since: str | None, limit: int | None) -> list[Record]:
    """Those from `since` on, that moment included; the first `limit` of them."""
    found = [record for record in records if since is None or str(record["timestamp"]) >= since]
    return found if limit is None else found[:limit]


def _turns(task: Task, now: float) -> Iterator[tuple[float, str]]:
    """What the server itself says."""
    said = {"queued": "Task started", "stopping": "Stop requested", "cancelled": "Task stopped"}
    return ((at, said[word]) for at, word in task.timeline.steps if at <= now and word in said)


def _made(task: Task, now: float) -> Iterator[Line]:
    job = task.job
    if job is None:
        return
    for part in job.tasks:
        for run in part.started_runs(now):
            yield from _printed(task, run, now)
    if task.kind != "export":
        yield from _training(task, job, now)


def _printed(task: Task, run: Run, now: float) -> Iterator[Line]:
    begun = run.timeline.steps[0][0]
    yield _line(task, begun, message="3 images have no labels", level="warn", images=3)
    for at, text in run.lines[: len(run.text(now))]:
        level = "error" if text.startswith(("ERROR", "Traceback")) else "debug" if "step" in text else "info"
        yield _line(task, at, message=text, level=level)


def _training(task: Task, job: Job, now: float) -> Iterator[Line]:
    """Metrics as floats of an epoch, and at the end of each epoch its number, its validation and progress."""
    for step, at in steps(task, now):
        epoch = step / EPOCH
        yield _event(task, at, "metrics", "METRICS", type="train", epoch=epoch, metrics=train(job, step))
        if step % EPOCH == 0:
            yield _event(task, at, "metrics", "METRICS", type="val", epoch=int(epoch), metrics=validation(job, step))
            yield _event(task, at, "progress", "PROGRESS", subtask="Epoch", current=int(epoch), total=20)
        if step % (5 * EPOCH) == 0:
            yield _event(task, at, "checkpoint", "CHECKPOINT", **checkpoint(step))


def steps(task: Task, now: float) -> Iterator[tuple[int, float]]:
    """Every fifth step made until now, from 5, with its second."""
    if task.job is None or "train" not in task.job.tables:
        return
    story = task.job.tasks[0].timeline
    for step in range(EVERY, task.job.tables["train"].length(now) + 1, EVERY):
        yield step, _moment(story, step * task.pace)


def _moment(story: Timeline, seconds: float) -> float:
    """When it had been running that long; at most the end of the last time it ran."""
    at = story.steps[0][0]
    for (begun, word), (end, _) in pairwise([*story.steps, (math.inf, "")]):
        if word == "running":
            at = min(begun + seconds, end)
            seconds -= end - begun
            if seconds <= 0:
                break
    return at


def train(job: Job, step: int) -> dict[str, float]:
    """The first of the steps since the record before. A NaN goes out as null."""
    row = job.tables["train"].block(step - EVERY, step - EVERY + 1)
    return {name: cells[0] for name, cells in row.items() if name != "id"}


def validation(job: Job, step: int) -> dict[str, float]:
    row = train(job, step)
    return {"loss": round(row["loss"] * 1.1, 5), "accuracy": round(row["accuracy"] - 0.02, 5)}


def checkpoint(step: int) -> Record:
    number = step // (5 * EPOCH)
    return {"id": number, "subdir": f"{number:04d}", "sizeb": 44_000_000, "best_now": number > 1, "optional": {}}


def _event(task: Task, at: float, message: str, event: str, **more: object) -> Line:
    return _line(task, at, message=message, level="info", event_type=f"EventType.{event}", **more)


def _line(task: Task, at: float, *, message: str, level: str, **more: object) -> Line:
    record = {"message": message, "level": level, "timestamp": iso(at), "task_id": task.id}
    return at, {**record, **more}
