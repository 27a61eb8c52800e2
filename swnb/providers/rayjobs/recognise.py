"""Which of the two a server is, by reads that need no sign-in (paper 3, "Detection")."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from swnb.call import Call, Plan, Reply, ask
from swnb.providers.rayjobs.replies import yuanrong_reason


def recognise() -> Plan[str | None]:
    """``ray``, ``yuanrong``, or None where the server is neither."""
    version = yield from ask(_look("/api/version"))
    if _is_ray(version):
        return "ray"
    jobs = yield from ask(_look("/api/jobs"))
    return "yuanrong" if _is_yuanrong(jobs, version) else None


def _look(path: str) -> Call[Reply]:
    return Call("GET", path, lambda reply: reply, signed=False, retry_500=False)


def _is_ray(version: Reply) -> bool:
    if version.status in (401, 403):
        return version.body.startswith((b"Unauthorized: ", b"Forbidden: "))
    body = _body(version)
    return version.status == 200 and isinstance(body, Mapping) and "ray_version" in body


def _is_yuanrong(jobs: Reply, version: Reply) -> bool:
    """A list of jobs, an empty text (a dashboard that may see none) or a refusal in openYuanRong's words. An empty
    list says nothing by itself: then the word for what is not there must be its own."""
    body = _body(jobs)
    if jobs.status == 200:
        own_word = version.body.startswith(b"404 page not found")
        listed = isinstance(body, list) and all(isinstance(each, Mapping) and "submission_id" in each for each in body)
        return (listed and (bool(body) or own_word)) or (body == "" and own_word)
    said = yuanrong_reason(jobs)
    return (jobs.status == 401 and said.startswith("Authentication failed: ")) or (
        jobs.status == 400 and "fronted failed" in said
    )


def _body(reply: Reply) -> object:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
