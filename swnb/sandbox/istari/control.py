"""What changes the registry: jobs, their status and agents, properties of files (paper 3.1, 4.3)."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from swnb.sandbox.istari import errors
from swnb.sandbox.istari.asked import Asked, Handler, text_of
from swnb.sandbox.istari.content import Blob, seal
from swnb.sandbox.istari.files import FACTS, Revision, archive_entry
from swnb.sandbox.istari.jobs import Job
from swnb.sandbox.istari.shelf import POOL
from swnb.sandbox.istari.words import STATUSES, TERMINAL, Record, iso


def _job(asked: Asked) -> Job:
    job = asked.state.job(asked.path("job_id"))
    asked.allowed(job, write=True)
    return job


def _record(asked: Asked, job: Job) -> Any:
    return job.record(asked.state.now, asked.state.store)


# Jobs


def create_job(asked: Asked) -> Any:
    """The body is a file revision, or holds one (paper 2.3)."""
    resource = asked.state.resource(asked.path("model_id"))
    if resource.kind not in {"Model", "Artifact"}:
        raise errors.forbidden()
    asked.allowed(resource, write=True)
    function = asked.state.function(asked.needed("function_name"), asked.text("function_version"))
    if function is None:
        raise errors.missing("Function")
    agent = asked.state.agent(number) if (number := asked.text("assigned_agent_id")) else None
    sent = asked.body() or {}
    inner = sent.get("revision", sent)
    if not isinstance(inner, dict):
        raise errors.invalid(("body", "revision"), "Input should be a valid dictionary", "dict_type", inner)
    revision = _revision(asked, inner)
    job = asked.state.add_job(resource, function, revision, asked.user, agent)
    job.assigned_pool = _pool(asked.text("assigned_agent_pool_id"))
    return _record(asked, job)


def replace_parameters(asked: Asked) -> Any:
    job = _job(asked)
    asked.state.add_revision(job, _revision(asked, asked.body() or {}))
    return _record(asked, job)


def set_status(asked: Asked) -> Any:
    """A job that has ended stays as it is."""
    job, now = _job(asked), asked.state.now
    name, agent = asked.needed("status_name"), asked.text("agent_id")
    asked.word("status_name", STATUSES)
    message = asked.sent("message") if asked.body() else None
    if (present := job.status(now)) in TERMINAL:
        raise errors.conflict(f"The job is {present} and cannot become {name}")
    job.write(now, name, message, asked.user, asked.state.agent(agent).id if agent else None)
    return _record(asked, job)


def archive(asked: Asked) -> Any:
    return _turn(asked, "Archived")


def restore(asked: Asked) -> Any:
    return _turn(asked, "Active")


def _turn(asked: Asked, word: str) -> Any:
    job = _job(asked)
    reason = asked.sent("reason") if asked.body() else None
    if job.archive[-1]["name"] == word:
        raise errors.conflict(f"The job is {word.lower()} already")
    entry = archive_entry("resource_id", job.id, iso(asked.state.now), asked.user.id, name=word, reason=reason)
    job.archive.append(entry | {"id": str(uuid.uuid4())})
    job.touch()
    return _record(asked, job)


def assign_agent(asked: Asked) -> Any:
    job, number = _job(asked), asked.sent("agent_id")
    job.assigned_agent, job.assigned_pool = asked.state.agent(number).id, None
    job.touch()
    return _record(asked, job)


def release_agent(asked: Asked) -> Any:
    job = _job(asked)
    job.assigned_agent = None
    job.touch()
    return _record(asked, job)


def assign_pool(asked: Asked) -> Any:
    job, number = _job(asked), asked.sent("agent_pool_id")
    job.assigned_agent, job.assigned_pool = None, _pool(number)
    job.touch()
    return _record(asked, job)


def _pool(number: str | None) -> str | None:
    if number not in {None, POOL}:
        raise errors.missing("Agent pool")
    return number


def release_pool(asked: Asked) -> Any:
    job = _job(asked)
    job.assigned_pool = None
    job.touch()
    return _record(asked, job)


# Files


def set_properties(asked: Asked) -> Any:
    """A token of an uploaded property blob, and what stands in it; a null leaves the value as it is (paper 5)."""
    state, thing = asked.state, asked.state.by_file(asked.path("file_id"))
    asked.allowed(thing, write=True)
    sent = asked.body() or {}
    blob, last = _blob(asked, sent, ("body",)), thing.file.revisions[-1]
    if _written(blob).get("file_name") != text_of(sent, ("body",), "name"):
        raise errors.invalid(("body", "sha"), "The uploaded properties have another name", "value_error")
    last.properties, last.updated, last.name = blob, state.now, sent["name"]
    last.facts.update({name: _text(sent, name) for name in FACTS if sent.get(name) is not None})
    last.mime = _text(sent, "mime") or last.mime
    if isinstance(thing, Job):
        thing.touch()
    return state.record(thing)


def _revision(asked: Asked, sent: Record) -> Revision:
    """A revision as a client has made it up, its two blobs uploaded before; it gets an id of ours."""
    tokens = [_token(asked, sent, name) for name in ("content_token", "properties_token")]
    content, properties = (_blob(asked, token, ("body", "token")) for token in tokens)
    if sent.get("size") not in {None, len(content.body)}:
        raise errors.invalid(("body", "size"), "The content has another size", "value_error", sent.get("size"))
    facts = {name: _text(sent, name) for name in FACTS}
    name = _text(sent, "name") or str(_written(properties).get("file_name"))
    made = Revision(str(uuid.uuid4()), asked.state.now, asked.user, name, content, facts, _text(sent, "mime"))
    made.properties = properties
    made.sources = [each for each in sent.get("sources") or [] if isinstance(each, dict) and "revision_id" in each]
    return made


def _text(sent: Record, name: str) -> str | None:
    return None if sent.get(name) is None else text_of(sent, ("body",), name)


def _token(asked: Asked, sent: Record, name: str) -> Record:
    token = sent.get(name)
    if not isinstance(token, dict):
        raise errors.invalid(("body", name), "Field required", "missing", sent)
    return token


def _blob(asked: Asked, token: Record, where: tuple[str, ...]) -> Blob:
    """What was uploaded under this hash, once it and the salt have been checked."""
    sha, salt = (text_of(token, where, name) for name in ("sha", "salt"))
    body = asked.state.store.body(sha)
    if body is None:
        raise errors.conflict("The content was not uploaded")
    if seal(body, salt) != sha:
        raise errors.invalid((*where, "sha"), "The hash is not that of the uploaded content", "value_error", sha)
    blob = Blob(lambda: body, salt)
    asked.state.store.keep(blob)
    return blob


def _written(properties: Blob) -> Record:
    """What stands in a property blob."""
    try:
        return msgspec.json.decode(properties.body, type=dict[str, Any])
    except msgspec.DecodeError:
        raise errors.invalid(("body", "properties_token"), "The properties are no JSON", "json_invalid") from None


CONTROL: dict[tuple[str, str], Handler] = {
    ("POST", "/models/{model_id}/jobs"): create_job,
    ("PUT", "/jobs/{job_id}"): replace_parameters,
    ("DELETE", "/jobs/{job_id}"): archive,
    ("POST", "/jobs/{job_id}:restore"): restore,
    ("PUT", "/jobs/{job_id}/status"): set_status,
    ("PUT", "/jobs/{job_id}/assigned_agent"): assign_agent,
    ("DELETE", "/jobs/{job_id}/assigned_agent"): release_agent,
    ("PUT", "/jobs/{job_id}/assigned_agent_pool"): assign_pool,
    ("DELETE", "/jobs/{job_id}/assigned_agent_pool"): release_pool,
    ("PUT", "/files/{file_id}/properties"): set_properties,
}
