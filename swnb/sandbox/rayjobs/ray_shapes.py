"""How a job looks to Ray's clients: JobDetails, messages, logs (paper 2.4, 2.5)."""

from __future__ import annotations

import hashlib
import struct
import time
from typing import Any

import msgspec

from swnb.sandbox.rayjobs.jobs import ENDED, Job

WORDS = {
    "created": "PENDING",
    "queued": "PENDING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "STOPPED",
}
"""All other statuses of the world are RUNNING."""

NODE = hashlib.sha256(b"node").hexdigest()[:56]
AGENT = "http://127.0.0.1:52365"

SAID = {
    "PENDING": "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory, custom resources)"
    " to become available.",
    "RUNNING": "Job is currently running.",
    "STOPPED": "Job was intentionally stopped.",
    "SUCCEEDED": "Job finished successfully.",
}


class DriverInfo(msgspec.Struct):
    id: str
    node_ip_address: str
    pid: str


class JobDetails(msgspec.Struct):
    type: str
    job_id: str | None
    submission_id: str | None
    driver_info: DriverInfo | None
    status: str
    entrypoint: str
    message: str | None
    error_type: str | None
    start_time: int | None
    end_time: int | None
    metadata: dict[str, str] | None
    runtime_env: dict[str, Any] | None
    driver_agent_http_address: str | None
    driver_node_id: str | None
    driver_exit_code: int | None


def word(job: Job, now: float) -> str:
    if job.driver:
        return "SUCCEEDED" if job.status(now) in ENDED else "RUNNING"
    return WORDS.get(job.status(now), "RUNNING")


def core_id(job: Job, now: float) -> str | None:
    """Ray's own id of a job, which it has from the moment its script calls ray.init; one in four never does."""
    begun = job.timeline.began("running", now)
    if job.driver:
        return own_id(job)
    return own_id(job) if job.made is not None and begun is not None and job.number % 4 else None


def own_id(job: Job) -> str:
    return packed(job.number)


def packed(number: int) -> str:
    """A core id: four bytes, the lowest first."""
    return struct.pack("<I", number).hex()


def details(job: Job, now: float) -> JobDetails:
    return _driver(job, now) if job.driver else _submission(job, now)


def _submission(job: Job, now: float) -> JobDetails:
    status, core = word(job, now), core_id(job, now)
    placed = job.timeline.began("running", now) is not None
    ended = job.timeline.ended(now)
    return JobDetails(
        type="SUBMISSION",
        job_id=core,
        submission_id=job.id,
        driver_info=DriverInfo(core, "127.0.0.1", str(job.pid)) if core else None,
        status=status,
        entrypoint=job.entrypoint,
        message=SAID[status] if status in SAID else failure(job, now),
        error_type=error_type(job) if status == "FAILED" else None,
        start_time=_ms(job.created),
        end_time=None if ended is None else _ms(ended),
        metadata=job.metadata,
        runtime_env=runtime_env(job),
        driver_agent_http_address=AGENT if placed else None,
        driver_node_id=NODE if placed else None,
        driver_exit_code=job.exit_code(now) if placed else None,
    )


def _driver(job: Job, now: float) -> JobDetails:
    """A script that called ray.init by itself: what is null or empty differs (paper 2.4)."""
    ended = job.timeline.ended(now)
    return JobDetails(
        type="DRIVER",
        job_id=own_id(job),
        submission_id=None,
        driver_info=DriverInfo(own_id(job), "127.0.0.1", str(job.pid)),
        status=word(job, now),
        entrypoint=job.entrypoint,
        message=None,
        error_type=None,
        start_time=_ms(job.created),
        end_time=0 if ended is None else _ms(ended),
        metadata=job.metadata or {},
        runtime_env=runtime_env(job) or {},
        driver_agent_http_address=None,
        driver_node_id=None,
        driver_exit_code=None,
    )


def runtime_env(job: Job) -> dict[str, Any] | None:
    """As it was submitted, where somebody did: an empty one stays. The world's jobs name no working folder, since it
    would be a package of an upload."""
    if job.made is None:
        return job.runtime_env
    env: dict[str, Any] = {"env_vars": job.env} if job.env else {}
    if job.pip:
        env["pip"] = job.pip
    return env or None


def error_type(job: Job) -> str:
    return job.error_type or "JOB_ENTRYPOINT_COMMAND_ERROR"


def failure(job: Job, now: float) -> str:
    """On FAILED: the exit code and the last ten lines; a job that never began has a reason alone."""
    if job.error_type:
        return job.error
    last = "".join(f"{line}\n" for line in log_lines(job, now)[-10:])
    start = f"Job entrypoint command failed with exit code {job.exit_code(now)}, last available logs"
    return f"{start} (truncated to 20,000 chars):\n{last[-20_000:]}"


def log_lines(job: Job, now: float) -> list[str]:
    """The log: what the server says, then what the entrypoint prints, with colours in it."""
    begun = job.timeline.began("running", now)
    if begun is None:
        return []
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(begun))
    head = [f"{stamp},657\tINFO job_manager.py:581 -- Runtime env is setting up."]
    head.append(f"Running entrypoint for job {job.id}: {job.entrypoint}")
    if core_id(job, now):
        head.append(
            f"{stamp},950\tINFO worker.py:2029 -- Connected to Ray cluster. "
            "View the dashboard at \x1b[1m\x1b[32mhttp://127.0.0.1:8265 \x1b[39m\x1b[22m"
        )
    lines = head + job.lines(now)
    if job.made is not None and word(job, now) == "STOPPED":
        lines.append("*** SIGTERM received at time=1795350920 on cpu 1 ***")
    return lines


def _ms(at: float) -> int:
    return int(at * 1000)
