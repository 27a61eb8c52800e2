"""Each request of an Istari registry as a Call, and what its answers mean (istari paper 1, 3, 4 and 7).

Answers are the wire's own values. What changes something is never repeated (``reads=False``). Ids and words stand
percent-encoded in paths; a query leaves out what is None. A body holds what JSON has: no datetimes, no enumerations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from swnb.call import Call, Reply, refused
from swnb.errors import BadInput, BadReply, Forbidden, SwnbError

API: Final = "/api/v2"
Body = Mapping[str, Any]
_JSON: Final = {"content-type": "application/json"}  # also where the body is empty, as the official client has it
_FLAGS: Final = frozenset(
    {
        "all_users",
        "include_total",
        "recently_viewed",
        "recursive",
        "all_tenants",
        "in_agent_pools",
        "include_deprecated",
    }
)
_COUNTS: Final = frozenset({"page", "size"})
_CALLED: Final[Mapping[type, str]] = {bool: "True or False", int: "a whole number", str: "text"}
EXPIRED: Final = frozenset({401, 403, 410})  # how stores refuse a link whose time is over
_STORED: Final = 409  # of an upload: these bytes are there already

# What an answer means


def answer(reply: Reply) -> Any:
    """The JSON of a reply of any status below 400; None where there is no body."""
    if reply.status >= 400:
        raise refusal(reply)
    return reply.json() if reply.body.strip() else None


def refusal(reply: Reply) -> SwnbError:
    """The error of a reply of status 400 or more."""
    return refused(reply, said(reply))


def said(reply: Reply) -> str:
    """The server's own words: ``{"detail": text}``, or of a 422 ``{"detail": [{"loc": …, "msg": …}]}``."""
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    detail = found.get("detail") if isinstance(found, Mapping) else None
    if isinstance(detail, list):
        return "; ".join(_problem(each) for each in detail if isinstance(each, Mapping))
    return detail if isinstance(detail, str) else ""


def _problem(sent: Mapping[str, Any]) -> str:
    """One entry of a 422: ``query.size: should be at most 100``."""
    place = sent.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    words = sent.get("msg")
    told = words if isinstance(words, str) else "it is not accepted"
    return f"{where}: {told}" if where else told


# How a request is written


def path(*parts: str) -> str:
    """A path of the API; TypeError or BadInput for an id that cannot stand in one."""
    return "/".join([API, *map(_part, parts)])


def _part(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"an id is text, not {type(value).__name__}")
    if not value.strip(". "):
        raise BadInput(f"{value!r} is no id")
    return quote(value, safe="", errors="surrogatepass")


def get(*parts: str, **query: Any) -> Call[Any]:
    """A read; ``parts`` name the path below ``/api/v2``."""
    return Call("GET", path(*parts), answer, query=_query(query))


def change(method: str, *parts: str, body: Body | None = None, query: Body | None = None) -> Call[Any]:
    """A request that changes something, without the type of a body that it never has."""
    return Call(method, path(*parts), answer, json=body, query=_query(query or {}), reads=False)


def _query(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(name, value) for name, value in values.items() if value is not None}


def _text(name: str, value: Any) -> str:
    kind = bool if name in _FLAGS else int if name in _COUNTS else str
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{name} is {_CALLED[kind]}, not {type(value).__name__}")
    return str(value).lower() if kind is bool else str(value)


# Jobs


def jobs(**filters: Any) -> Call[Any]:
    """A page of jobs: ``model_id status_name all_users assigned_agent_pool_id name page size archive_status sort
    include_total`` (paper 3.2)."""
    return get("jobs", **filters)


def job(job_id: str) -> Call[Any]:
    return get("jobs", job_id)


def create_job(model_id: str, body: Body, **query: Any) -> Call[Any]:
    """``body`` is a NewJob; ``query`` names the function."""
    return change("POST", "models", model_id, "jobs", body=body, query=query)


def replace_parameters(job_id: str, revision: Body) -> Call[Any]:
    return change("PUT", "jobs", job_id, body=revision)


def set_status(job_id: str, status: str, agent_id: str | None = None, body: Body | None = None) -> Call[Any]:
    """``body`` is a JobStatusMessage or nothing. A job is cancelled by the status ``Canceled``."""
    query = _query({"status_name": status, "agent_id": agent_id})
    where = f"{path('jobs', job_id)}/status"
    return Call("PUT", where, answer, query=query, json=body, headers=_JSON, reads=False)


def archive(kind: str, id_: str, body: Body | None = None) -> Call[Any]:
    """Archive a resource of the kind ``jobs``, ``models``, ``artifacts`` …; ``body`` is an Archive or nothing."""
    return Call("DELETE", path(kind, id_), answer, json=body, headers=_JSON, reads=False)


def restore(kind: str, id_: str, body: Body | None = None) -> Call[Any]:
    """The colon is part of the verb and stands bare."""
    return Call("POST", f"{path(kind, id_)}:restore", answer, json=body, headers=_JSON, reads=False)


def pin_agent(job_id: str, body: Body) -> Call[Any]:
    return change("PUT", "jobs", job_id, "assigned_agent", body=body)


def unpin_agent(job_id: str) -> Call[Any]:
    return change("DELETE", "jobs", job_id, "assigned_agent")


def pin_pool(job_id: str, body: Body) -> Call[Any]:
    return change("PUT", "jobs", job_id, "assigned_agent_pool", body=body)


def unpin_pool(job_id: str) -> Call[Any]:
    return change("DELETE", "jobs", job_id, "assigned_agent_pool")


# Access


def grant(body: Body) -> Call[Any]:
    """``body`` is an AccessRelationship."""
    return change("POST", "access", body=body)


def grant_by_email(subject_type: str, email: str, resource_type: str, resource_id: str, relation: str) -> Call[Any]:
    query = {"access_relationship": relation}
    return change("POST", "access", subject_type, email, resource_type, resource_id, query=query)


def change_access(subject_type: str, subject: str, resource_type: str, resource_id: str, body: Body) -> Call[Any]:
    """``body`` is ``{"relation": …}``."""
    return change("PUT", "access", subject_type, subject, resource_type, resource_id, body=body)


def revoke(subject_type: str, subject: str, resource_type: str, resource_id: str) -> Call[Any]:
    return change("DELETE", "access", subject_type, subject, resource_type, resource_id)


def access(resource_type: str, resource_id: str) -> Call[Any]:
    """A plain list, not in pages."""
    return get("access", resource_type, resource_id)


def patch_job_access(job_id: str, body: Body, patch_op: str | None = None) -> Call[Any]:
    return change("PATCH", "jobs", job_id, "access", body=body, query={"patch_op": patch_op})


# Content


def download_url(sha: str) -> Call[Any]:
    """A TemporaryURL for the bytes with this sha."""
    return get("tokens", sha, "download-url")


def upload_url(sha: str) -> Call[Any]:
    """A TemporaryURL to send these bytes to; None where the server has them."""
    return Call("GET", path("tokens", sha, "upload-url"), _unless_stored)


def download(url: str) -> Call[bytes]:
    """The bytes behind a TemporaryURL, which never gets our sign-in."""

    def read(reply: Reply) -> bytes:
        if reply.status != 200:
            raise refused_by_store(reply, url, "the content cannot be downloaded from")
        return reply.body

    return Call("GET", link(url), read, signed=False)


def upload(url: str, content: bytes) -> Call[Any]:
    """Send bytes to a TemporaryURL, without our sign-in."""

    def taken(reply: Reply) -> None:
        if reply.status >= 400 and reply.status != _STORED:
            raise refused_by_store(reply, url, "the content cannot be uploaded to")

    kind = {"content-type": "application/octet-stream"}
    if "blob.core.windows.net" in url or all(f"{name}=" in url for name in ("se", "sp", "sv")):
        kind["x-ms-blob-type"] = "BlockBlob"
    return Call("PUT", link(url), taken, body=content, headers=kind, signed=False, reads=False)


def link(url: object) -> str:
    """A link that the server gave: to any host, but by HTTP only, or a path of its own; BadReply for another one."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        parts = None
    if parts is not None and parts.scheme in ("http", "https") and parts.hostname:
        return f"{parts.scheme}{str(url)[len(parts.scheme) :]}"
    if isinstance(url, str) and url[:1] == "/" and url[:2] != "//":
        return url
    raise BadReply("the server gives no address that content can be got from or sent to")


def refused_by_store(reply: Reply, url: str, what: str) -> SwnbError:
    """In our own words: those of a store may repeat the link, with its signature. ``what`` goes before the host."""
    problem = f"{what} {host_of(url) or reply.server}"
    if reply.status in EXPIRED:
        return Forbidden(f"{problem}: the link is refused ({reply.status}), also a new one", where=reply.server)
    return refused(reply, problem)


def host_of(url: str) -> str:
    """The host of a link, without what may be a sign-in before it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def put_properties(file_id: str, body: Body) -> Call[Any]:
    """Make an uploaded properties blob that of the file's last revision; ``body`` is a TokenWithProperties."""
    return change("PUT", "files", file_id, "properties", body=body)


def _unless_stored(reply: Reply) -> Any:
    return None if reply.status == _STORED else answer(reply)
