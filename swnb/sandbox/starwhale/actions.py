"""What may be done to a job, and when (paper 3.7)."""

from __future__ import annotations

from swnb.sandbox.starwhale import errors
from swnb.sandbox.world import Job, Run, Timeline

STOPPING = 1.5
"""Seconds from cancelling to cancelled."""

HOT = {"created", "queued", "running"}


def act(action: str, job: Job, now: float) -> str:
    """Do it and return what the server says, or refuse."""
    doing = {"cancel": _cancel, "pause": _pause, "resume": _resume}.get(action)
    if action == "recover":
        raise errors.internal("Please use TrashService.recover() instead.")
    if doing is None:
        raise errors.invalid("JOB", f"Unknown invoker key: {action}\nfailed to invoke action")
    doing(job, now)
    return f"Success: {action}"


def _cancel(job: Job, now: float) -> None:
    if job.timeline.status(now) not in {"running", "paused"}:
        raise errors.invalid("JOB", "freeze job can't be canceled ")
    steps = (0.0, "stopping"), (STOPPING, "cancelled")
    job.timeline.turn(now, *steps)
    for task in job.tasks:
        if task.timeline.ended(now) is None:
            task.turn(now, *steps)
    job.events.append((now, "Job canceled"))


def _pause(job: Job, now: float) -> None:
    """The tasks stop; the job itself goes on saying that it runs."""
    if job.timeline.status(now) not in HOT:
        raise errors.invalid("JOB", "frozen job can't be paused ")
    job.timeline.turn(now)
    for task in job.tasks:
        if task.timeline.ended(now) is None:
            task.turn(now, (0.0, "paused"))
    job.events.append((now, "Job paused"))


def _resume(job: Job, now: float) -> None:
    if job.timeline.status(now) not in {"paused", "failed", "cancelled"}:
        raise errors.invalid("JOB", "only failed/paused/canceled job can be resumed ")
    steps = (0.0, "queued"), (2.0, "running"), (120.0, "succeeded")
    job.timeline.turn(now, *steps)
    for task in job.tasks:
        task.timeline.turn(now, *steps)
        number = max((run.id for run in task.runs), default=0) + 100_000
        lines = [(now + 2, "resumed"), (now + 120, "end")]
        task.runs.append(Run(number, Timeline([(now + 2, "running"), (now + 120, "succeeded")]), lines))
