"""Everything that is read: lists with their filters, order and pages, and single things (paper 3.1 to 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from swnb.sandbox.istari import errors, shelf
from swnb.sandbox.istari.asked import Asked, Handler
from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.jobs import Job
from swnb.sandbox.istari.models import Artifact
from swnb.sandbox.istari.shelf import Agent, Configuration, System
from swnb.sandbox.istari.words import STATUSES, Record, iso, tenant

T = TypeVar("T")
LARGEST = 100
ARCHIVE = ("active", "archived", "all")
JOB_COLUMNS = (
    *("id", "created", "name", "status_name", "created_by_id", "model_id", "tenant_id"),
    *("assigned_agent_id", "assigned_agent_pool_id"),
)


# Pages


def page(asked: Asked, items: Sequence[T], render: Callable[[T], Any], *, optional_total: bool = False) -> Record:
    """A page past the end is empty and has the true total; totals may be left out where the paper says so."""
    number, size = asked.number("page", 1), asked.number("size", 10, LARGEST)
    counted = not optional_total or asked.flag("include_total", True)
    return {
        "items": [render(item) for item in items[(number - 1) * size : number * size]],
        "total": len(items) if counted else None,
        "page": number,
        "size": size,
        "pages": -(-len(items) // size) if counted else None,
    }


def _unarchived(asked: Asked, items: list[T], archived: Callable[[T], bool]) -> list[T]:
    wanted = asked.word("archive_status", ARCHIVE, "active")
    return items if wanted == "all" else [item for item in items if archived(item) == (wanted == "archived")]


def _sorted(asked: Asked, items: list[T], columns: Sequence[str], value: Callable[[T, str], Any]) -> list[T]:
    """By one column and then the id, descending with `-`; otherwise in the order they come in."""
    wanted = asked.text("sort")
    if not wanted:
        return items
    column = wanted.removeprefix("-")
    if column not in columns:
        raise errors.invalid(("query", "sort"), f"Cannot sort by {column}", "value_error", wanted)
    return sorted(items, key=lambda item: (value(item, column), value(item, "id")), reverse=wanted.startswith("-"))


# Jobs


def list_jobs(asked: Asked) -> Any:
    """The caller's own, newest first; `all_users` is for admins."""
    everybody = asked.flag("all_users", False)
    if everybody and not asked.user.admin:
        raise errors.forbidden()
    jobs = [job for job in asked.state.jobs if (everybody or job.by is asked.user) and not job.removed()]
    if (model := asked.text("model_id")) is not None:
        jobs = [job for job in jobs if job.model_id == model]
    if (pool := asked.text("assigned_agent_pool_id")) is not None:
        jobs = [job for job in jobs if job.assigned_pool == pool]
    if (name := asked.text("name")) is not None:
        jobs = [job for job in jobs if name.casefold() in job.function.name.casefold()]
    return _jobs(asked, jobs, optional_total=True)


def _jobs(asked: Asked, jobs: list[Job], *, optional_total: bool = False) -> Record:
    now, store = asked.state.now, asked.state.store
    jobs = _unarchived(asked, jobs, lambda job: job.archived)
    if (status := asked.word("status_name", STATUSES)) is not None:
        jobs = [job for job in jobs if job.status(now) == status]
    jobs = _sorted(asked, jobs, JOB_COLUMNS, lambda job, column: job.value(column, now))
    return page(asked, jobs, lambda job: job.record(now, store), optional_total=optional_total)


def get_job(asked: Asked) -> Any:
    job = asked.state.job(asked.path("job_id"))
    asked.allowed(job)
    return job.record(asked.state.now, asked.state.store)


def model_jobs(asked: Asked) -> Any:
    """Everybody's jobs on this model or artifact."""
    resource = asked.state.resource(asked.path("model_id"))
    return _jobs(asked, asked.state.jobs_of(resource))


def available_jobs(asked: Asked) -> Any:
    """Pending jobs that are pinned to no other agent."""
    agent, now = asked.state.agent(asked.path("agent_id")), asked.state.now
    jobs = [job for job in asked.state.jobs if job.status(now) == "Pending" and not job.archived and not job.removed()]
    jobs = [job for job in jobs if job.assigned_agent in {None, agent.id}]
    return page(asked, jobs, lambda job: job.record(now, asked.state.store))


# Models, artifacts, files


def list_models(asked: Asked) -> Any:
    state = asked.state
    models = _unarchived(asked, state.models, lambda model: model.archived)
    models = _sorted(asked, models, ("id", "created", "name"), _of_resource)
    return page(asked, models, lambda model: model.item(state.now, state.store, _shown(asked, model)))


def _of_resource(thing: Resource, column: str) -> str:
    if column == "name":
        return thing.file.revisions[-1].name
    return iso(thing.created) if column == "created" else thing.id


def get_model(asked: Asked) -> Any:
    """With everything inside: artifacts, and jobs unless they are archived."""
    state, model = asked.state, asked.state.model(asked.path("model_id"))
    jobs = [job.record(state.now, state.store) for job in _shown(asked, model)]
    return model.record(state.now, state.store, jobs)


def _shown(asked: Asked, model: Resource) -> list[Job]:
    return [job for job in asked.state.jobs_of(model) if not job.archived]


def model_artifacts(asked: Asked) -> Any:
    model = asked.state.model(asked.path("model_id"))
    found = _unarchived(asked, model.present(asked.state.now), lambda artifact: artifact.archived)
    found = _sorted(asked, found, ("id", "created", "name"), _of_resource)
    return page(asked, found, lambda artifact: artifact.record(asked.state.store))


def get_artifact(asked: Asked) -> Any:
    found = asked.state.resource(asked.path("artifact_id"))
    if not isinstance(found, Artifact):
        raise errors.forbidden()
    return found.record(asked.state.store)


def get_revision(asked: Asked) -> Any:
    thing, revision = asked.state.revision(asked.path("revision_id"))
    last = revision is thing.file.revisions[-1]
    return revision.record(thing.file.id, asked.state.store, asked.state.products(thing) if last else [])


def get_file(asked: Asked) -> Any:
    return asked.state.record(asked.state.by_file(asked.path("file_id")))


def file_of_revision(asked: Asked) -> Any:
    return asked.state.record(asked.state.revision(asked.path("revision_id"))[0])


def get_comment(asked: Asked) -> Any:
    thing = asked.state.resource(asked.path("comment_id"))
    if thing.kind != "Comment":
        raise errors.forbidden()
    return thing.base(asked.state.store, [])


def download_url(asked: Asked) -> Any:
    sha = asked.path("sha")
    if asked.state.store.body(sha) is None:
        raise errors.missing("Token")
    return _link(asked, sha, "GET")


def upload_url(asked: Asked) -> Any:
    """What is stored already is refused, which clients have to take for success."""
    sha = asked.path("sha")
    if len(sha) != 96 or set(sha) - set("0123456789abcdef"):
        raise errors.invalid(("path", "sha"), "String should be 96 lower-case hex digits", "string_pattern", sha)
    if asked.state.store.body(sha) is not None:
        raise errors.conflict("The content is stored already")
    return _link(asked, sha, "PUT")


def _link(asked: Asked, sha: str, method: str) -> Record:
    url, ends = asked.state.store.link(asked.request, sha, method)
    return {"url": url, "expires": iso(ends)}


# Systems


def list_systems(asked: Asked) -> Any:
    systems = _unarchived(asked, asked.state.systems, lambda system: system.archived)
    owner = asked.word("filter_by", ("created_by_id", "-created_by_id"))
    if owner is not None:
        mine = owner == "created_by_id"
        systems = [system for system in systems if (system.by is asked.user) == mine]
    for name in ("name", "description"):
        part = (asked.text(name) or "").casefold()
        systems = [system for system in systems if part in str(getattr(system, name)).casefold()]
    systems = _sorted(asked, systems, ("id", "created", "name"), _of_system)
    return page(asked, systems, System.record, optional_total=True)


def _of_system(system: System, column: str) -> str:
    return iso(system.created) if column == "created" else str(getattr(system, column))


def get_system(asked: Asked) -> Any:
    return _system(asked).record()


def _system(asked: Asked) -> System:
    number = asked.path("system_id")
    found = next((system for system in asked.state.systems if system.id == number), None)
    if found is None:
        raise errors.missing("System")
    return found


def configurations(asked: Asked) -> Any:
    system = _system(asked)
    found = _unarchived(asked, system.configurations, lambda each: each.archived)
    part = (asked.text("name") or "").casefold()
    found = [each for each in found if part in each.name.casefold()]
    found = _sorted(asked, found, ("id", "name"), lambda each, column: str(getattr(each, column)))
    return page(asked, found, system.configuration)


def tracked_files(asked: Asked) -> Any:
    system, configuration = _configuration(asked)
    found = system.tracked(configuration)
    name, prefix = (asked.text("name") or "").casefold(), asked.text("path_prefix") or ""
    found = [each for each in found if name in each["path"].casefold() and each["path"].startswith(prefix)]
    found = _sorted(asked, found, ("id", "path"), lambda each, column: str(each[column]))
    return page(asked, found, lambda each: each)


def _configuration(asked: Asked) -> tuple[System, Configuration]:
    number = asked.path("configuration_id")
    for system in asked.state.systems:
        for configuration in system.configurations:
            if configuration.id == number:
                return system, configuration
    raise errors.missing("Configuration")


# Around


def list_agents(asked: Asked) -> Any:
    agents = _unarchived(asked, asked.state.agents, lambda agent: agent.archived)
    busy = {job.agent for job in asked.state.jobs if job.status(asked.state.now) == "Running"}
    records = [agent.record(agent in busy) for agent in agents]
    if (status := asked.text("status_name")) is not None:
        records = [each for each in records if each["status_history"][-1]["name"] == status]
    return page(asked, records, lambda each: each)


def get_agent(asked: Asked) -> Any:
    agent: Agent = asked.state.agent(asked.path("agent_id"))
    return agent.record(
        any(job.agent is agent and job.status(asked.state.now) == "Running" for job in asked.state.jobs)
    )


def list_functions(asked: Asked) -> Any:
    wanted = asked.word("status", ("supported", "deprecated", "all"), "supported")
    found = [each for each in asked.state.functions if wanted == "all" or each.supported == (wanted == "supported")]
    part = (asked.text("name") or "").casefold()
    found = [each for each in found if part in each.name.casefold()]
    found = _sorted(asked, found, ("id", "name", "version"), lambda each, column: str(each.record()[column]))
    return page(asked, found, lambda each: each.sent)


def list_tools(asked: Asked) -> Any:
    return page(asked, shelf.tools(asked.state.functions) if asked.state.functions else [], lambda each: each)


def list_tenants(asked: Asked) -> Any:
    return page(asked, [tenant(asked.state.users[0].created)], lambda each: each)


def me(asked: Asked) -> Any:
    return asked.user.record()


def health(asked: Asked) -> Any:
    return {"healthy": True, "checks": [{"name": "database", "passed": True, "details": None}]}


READS: dict[str, Handler] = {
    "/jobs": list_jobs,
    "/jobs/{job_id}": get_job,
    "/tokens/{sha}/download-url": download_url,
    "/tokens/{sha}/upload-url": upload_url,
    "/revisions/{revision_id}": get_revision,
    "/artifacts/{artifact_id}": get_artifact,
    "/models": list_models,
    "/models/{model_id}": get_model,
    "/models/{model_id}/jobs": model_jobs,
    "/models/{model_id}/artifacts": model_artifacts,
    "/comments/{comment_id}": get_comment,
    "/files/{file_id}": get_file,
    "/files/revisions/{revision_id}": file_of_revision,
    "/systems": list_systems,
    "/systems/configurations/{configuration_id}/tracked-files": tracked_files,
    "/systems/{system_id}": get_system,
    "/systems/{system_id}/configurations": configurations,
    "/agents": list_agents,
    "/agents/{agent_id}": get_agent,
    "/agents/{agent_id}/available_jobs": available_jobs,
    "/modules/versions/functions": list_functions,
    "/tools": list_tools,
    "/tenants": list_tenants,
    "/users/me": me,
    "/health/readiness": health,
    "/health/liveness": health,
}
