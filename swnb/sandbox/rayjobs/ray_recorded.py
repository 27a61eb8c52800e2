"""Recorded answers of a real Ray, taken over as the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from swnb.sandbox.rayjobs.jobs import Job, split
from swnb.sandbox.world import Timeline

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.ray import Ray

Answer = Mapping[str, Any]
WORDS = {
    "PENDING": "created",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "STOPPED": "cancelled",
}


@dataclass
class Recorded:
    details: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    actors: list[dict[str, Any]] = field(default_factory=list)


def load(ray: Ray, answers: Mapping[str, Answer]) -> None:
    """Replace the world by the jobs, logs, tasks and actors that the answers show; the clock goes behind them."""
    ray.shelf.clear()
    ray.recorded.clear()
    ray.version = dict(answers["version"]["body"])
    for details in answers["list"]["body"]:
        _job(ray, details)
    for answer in answers.values():
        path = answer["request"]["path"].split("?")[0].split("/")
        if answer.get("status") == 200 and path[-1] == "logs" and path[2] == "jobs":
            ray.recorded[path[3]].lines = split(answer["body"]["logs"])
    for row in answers["state_tasks_of_job"]["body"]["data"]["result"]["result"]:
        _of_core(ray, row).tasks.append(row)
    for row in answers["state_actors_of_job"]["body"]["data"]["result"]["result"]:
        _of_core(ray, row).actors.append(row)
    latest = max((job.timeline.steps[-1][0] for job in ray.shelf), default=0.0) + 60
    if ray.shelf.world.clock.manual and ray.shelf.now < latest:
        ray.shelf.world.clock.advance(latest - ray.shelf.now)


def _of_core(ray: Ray, row: Answer) -> Recorded:
    return next(known for known in ray.recorded.values() if known.details["job_id"] == row["job_id"])


def _job(ray: Ray, details: dict[str, Any]) -> None:
    sid = details["submission_id"] or details["job_id"]
    created, ended, placed = details["start_time"] / 1000, details["end_time"], details["driver_node_id"]
    steps = [(created, "created")]
    if details["status"] != "PENDING" and (placed or details["type"] == "DRIVER"):
        steps.append((created, "running"))
    if ended:
        steps.append((ended / 1000, WORDS[details["status"]]))
    job = Job(sid, ray.shelf.number(), Timeline(steps), details["entrypoint"], details["metadata"])
    job.driver = details["type"] == "DRIVER"
    job.env = (details["runtime_env"] or {}).get("env_vars", {})
    ray.shelf.add(job)
    ray.recorded[sid] = Recorded(details)
