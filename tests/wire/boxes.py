"""What tests ask of a sandbox that is saved as server ``box`` (the fixtures ``saved`` and ``own``)."""

from __future__ import annotations

import contextlib
import urllib.error
import urllib.request

from swnb.sandbox import Box
from swnb.sandbox.world import Job as Made

TOKEN = "a-token-that-is-long-and-that-stands-nowhere-4711"


def made(box: Box, status: str, number: int = 0) -> Made:
    """A job of the world that is in this status now."""
    return [job for job in box.world.jobs() if job.timeline.status(box.clock.now) == status][number]


def uri(box: Box, job: Made) -> str:
    project = next(each for each in box.world.projects if job in each.jobs)
    return f"box/project/{project.id}/job/{job.id}"


def prefix(box: Box, job: Made) -> str:
    """Where the job's tables stand in the datastore."""
    project = next(each for each in box.world.projects if job in each.jobs)
    return f"project/{project.id}/eval/{job.uuid[:2]}/{job.uuid}"


def asked(box: Box, path: str = "", method: str | None = None) -> int:
    """How many requests were made. The box writes one down a moment after its answer has left, so it is asked one
    more, which comes after all of them."""
    with contextlib.suppress(urllib.error.HTTPError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{box.url(box.platforms[0])}/settled", timeout=10).close()
    return box.requests.count(path, method) - box.requests.count("^/settled$", method) * (not path)
