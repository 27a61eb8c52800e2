"""What the official Istari client reads from a registry and does on it, as one canonical JSON document on stdout.

``main`` takes the package (with `JobStatusName` and the small types) and a `Client` of it, so that the very same lines
are also run with swnb's surface.

Run by the client's own python, in a process of its own:  istari_probe.py FACTS.json
where the facts name the registry's address, a token and what is there (`test_istari_sandbox.py` writes them).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_PROXY", "127.0.0.1")

Facts = dict[str, Any]
MISSING = "00000000-0000-4000-8000-00000000dead"


def failure(call: Callable[[], Any]) -> str:
    """The name of the error that a call ends in, and its status where it has one."""
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
    return "no error"


def plain(value: Any) -> Any:
    """A value in words that JSON has."""
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def picked(thing: Any, *names: str) -> dict[str, Any]:
    return {name: plain(getattr(thing, name)) for name in names}


def told(job: Any) -> dict[str, Any]:
    """A job: every attribute of the seed's page, in short."""
    return {
        **picked(job, "id", "created", "created_by_id", "assigned_agent_id", "agent_id", "tenant_id", "model_id"),
        "status": plain(job.status.name),
        "history": [
            picked(entry, "id", "created", "job_id", "name", "created_by_id", "message", "agent_id")
            for entry in job.status_history
        ],
        "archive": [picked(entry, "name", "reason", "resource_id") for entry in job.archive_status_history],
        "comments": [picked(comment, "id", "created_by_id") for comment in job.comments],
        "function": picked(job.function, "id", "name", "version", "tool_name"),
        "file": picked(job.file, "id", "resource_id", "resource_type", "created_by_id"),
        "revision": picked(job.revision, "id", "name", "extension", "size", "mime", "display_name", "description"),
        "revisions": len(job.file.revisions),
        "products": [picked(each, "revision_id", "resource_type", "resource_id") for each in job.revision.products],
    }


def lists(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    page = client.list_jobs(page=2, size=7)
    status = sdk.JobStatusName

    def ids(**asked: Any) -> list[str]:
        return [job.id for job in client.list_jobs(size=100, **asked).items]

    return {
        "page": picked(page, "total", "page", "size", "pages"),
        "items": [told(job) for job in page.items],
        "all": [job.id for job in client.list_jobs(page=1, size=9).iter_items()],
        "pages": sum(len(each.items) > 0 for each in client.list_jobs(page=1, size=9).iter_pages()),
        "behind the end": len(client.list_jobs(page=99, size=9).items),
        "by model": ids(model_id=facts["model"]),
        "by status": {word: ids(status_name=status(word)) for word in ("Completed", "Failed", "Running", "Pending")},
        "all users": ids(all_users=True),
        "archived": ids(archive_status="archived"),
        "oldest first": ids(sort="created"),
        "too large": failure(lambda: client.list_jobs(size=101)),
        "unknown sort": failure(lambda: client.list_jobs(sort="colour")),
    }


def reads(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    names = ("completed", "failed", "running", "pending", "other's")
    jobs = {name: client.get_job(facts[name]) for name in names}
    job = jobs["completed"]
    copy = job.copy_to(Path(facts["folder"]) / "copy.json")
    return {
        "jobs": {name: told(job) for name, job in jobs.items()},
        "unknown": failure(lambda: client.get_job(MISSING)),
        "wrong kind": failure(lambda: client.get_job(job.file.id)),
        "bytes": job.read_bytes().decode(),
        "text": job.read_text(),
        "json": job.read_json(),
        "copy": Path(copy).read_text(),
        "polled": [plain(client.get_job(facts[name]).poll_job()) for name in ("completed", "failed")],
        "access": [picked(row, "subject_id", "relation", "resource_type") for row in job.list_access()],
        "model": picked(job.model, "id", "created_by_id"),
        "results": dict(map(product(client), job.revision.products)),
    }


def product(client: Any) -> Callable[[Any], tuple[str, Any]]:
    """Reads what a product of a job is: JSON as a value, everything else as text."""

    def read(each: Any) -> tuple[str, Any]:
        revision = client.get_revision(each.revision_id)
        return revision.name, revision.read_json() if revision.extension == "json" else revision.read_text()

    return read


def changes(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    """A job from its creation to its end."""
    status = sdk.JobStatusName
    made = client.add_job(
        facts["model"], facts["function"], parameters={"a": 1, "ü": [True]}, display_name="mine", description="d"
    )
    found = {"made": told(made), "parameters": client.get_job(made.id).read_json()}
    pinned = client.update_job_assigned_agent(made.id, sdk.NewJobAssignedAgent(agent_id=facts["agent"]))
    found["pinned"] = pinned.assigned_agent_id
    found["unpinned"] = client.remove_job_assigned_agent(made.id).assigned_agent_id
    for word in ("Claimed", "Running"):
        client.update_job_status(made.id, status(word), agent_id=facts["agent"])
    message = sdk.JobStatusMessage(message="enough")
    ended = client.update_job_status(made.id, status("Canceled"), job_status_message=message)
    found["ended"] = told(ended)
    found["after the end"] = failure(lambda: client.update_job_status(made.id, status("Running")))
    found["polled"] = plain(ended.poll_job())
    archived = made.archive("no longer needed")
    found["archived"] = told(archived)["archive"]
    found["hidden"] = made.id not in [job.id for job in client.list_jobs(size=100).items]
    found["archived twice"] = failure(made.archive)
    found["restored"] = told(archived.restore())["archive"]
    found["restored twice"] = failure(archived.restore)
    return found


def access(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    job, other = client.get_job(facts["completed"]), facts["grace"]

    def rows() -> list[list[Any]]:
        return [[row.subject_id, plain(row.relation)] for row in job.list_access()]

    names = ("subject_type", "subject_id", "relation", "resource_type", "resource_id")
    found: dict[str, Any] = {"created": picked(job.create_access("user", other, "viewer"), *names)}
    found["after creating"] = rows()
    found["updated"] = picked(job.update_access("user", other, "editor"), *names)
    found["after updating"] = rows()
    job.remove_access("user", other)
    found["after removing"] = rows()
    found["by email"] = picked(job.create_access_by_email("user", facts["email"], "administrator"), *names)
    found["after email"] = rows()
    job.remove_access("user", other)
    return found


def properties(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    """What the job says of its file after the job's own way of changing it."""
    job = client.get_job(facts["completed"])
    job.update_properties(description="new", display_name="shown", external_identifier="x-1", version_name="v2")
    after = client.get_job(facts["completed"]).revision
    return picked(after, "description", "display_name", "external_identifier", "version_name", "name", "size")


def main(sdk: Any, client: Any, facts: Facts) -> dict[str, Any]:
    """Reads come first: the rest changes the registry."""
    parts = {"lists": lists, "reads": reads, "access": access, "changes": changes, "properties": properties}
    return {name: part(sdk, client, facts) for name, part in parts.items()}


def around(client: Any, facts: Facts) -> dict[str, Any]:
    """What the official clients offer beside jobs."""
    model = client.get_model(facts["model"])
    systems = client.list_systems().items
    configurations = client.list_system_configurations(systems[0].id).items
    artifact = client.get_artifact(facts["artifact"])
    job = client.get_job(facts["completed"])
    changed = client.update_file_properties(job.file, description="by the file", display_name="by the file")
    replaced = client.update_job(job.id, facts["parameters"])
    return {
        "user": picked(client.get_current_user(), "id", "user_name", "email"),
        "models": [picked(each, "id", "archive_status", "job_ids") for each in client.list_models(size=100).items],
        "model": {
            "jobs": len(model.jobs),
            "artifacts": [each.id for each in model.artifacts],
            "text": model.read_text(),
        },
        "model jobs": client.list_model_jobs(facts["model"], size=1).total,
        "model artifacts": client.list_model_artifacts(facts["model"], size=1).total,
        "artifact": {**picked(artifact, "id", "name", "model_id"), "bytes": len(artifact.read_bytes())},
        "systems": [picked(each, "id", "name", "archive_status") for each in systems],
        "configurations": [picked(each, "name", "system_id") for each in configurations],
        "tracked": [
            picked(each, "file_id", "specifier_type") for each in client.list_tracked_files(configurations[0].id).items
        ],
        "agents": [each.display_name_history[-1].display_name for each in client.list_agents().items],
        "available": sorted(each.id for each in client.get_agent_available_jobs(facts["agent"], size=50).items),
        "functions": [picked(each, "name", "version") for each in client.list_functions(size=100).items],
        "tools": [each.name for each in client.list_tools().items],
        "tenants": [each.name for each in client.list_tenants().items],
        "comment": client.get_comment(facts["comment"]).file.read_text(),
        "changed": picked(changed.revisions[-1], "description", "display_name", "size"),
        "replaced": [len(replaced.file.revisions), replaced.read_json()],
        "job access": [row.subject_id for row in client.list_job_access(job.id)],
    }


def facade(configure: Callable[..., Any], facts: Facts) -> dict[str, Any]:
    """The second, newer surface of 13.x."""
    from istari_digital_client.sdk import Istari

    istari = Istari(configure())
    job = istari.jobs.get(facts["completed"])
    made = istari.jobs.create(resource_id=facts["model"], function=facts["function"], parameters={"b": 2})
    made.update_status("Canceled")
    return {
        "all": [each.id for each in istari.jobs.list(size=9)],
        "completed": len(list(istari.jobs.list(size=50, status_name="completed"))),
        "by function": len(list(istari.jobs.list(size=50, name="TRAIN"))),
        "parameters": job.read_parameters_json(),
        "polled": plain(job.poll(interval=0.05, timeout=1)),
        "too long": failure(lambda: istari.jobs.get(facts["running"]).poll(interval=0.02, timeout=0.1)),
        "canceled": plain(istari.jobs.get(made.id).status_name),
        "missing": failure(lambda: istari.jobs.get(MISSING)),
        "systems": [each.name for each in istari.systems.list()],
        "access": [row.subject_id for row in job.list_access()],
    }


def run(given: Facts) -> dict[str, Any]:
    import istari_digital_client as sdk
    from istari_digital_client import Client, Configuration

    def configure(**other: Any) -> Any:
        asked = {"registry_url": given["url"], "registry_auth_token": given["token"], "log_level": "CRITICAL"}
        return Configuration(**{**asked, **other})

    client = Client(configure())
    found = {**main(sdk, client, given), "around": around(client, given)}
    refused = Client(configure(registry_auth_token="wrong"))
    found["refused"] = failure(lambda: refused.get_job(given["completed"]))
    if given["facade"]:
        gateway = Client(configure(registry_url=None, digital_api_url=given["url"]))
        found["gateway"] = gateway.get_job(given["completed"]).id
        found["facade"] = facade(configure, given)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):
        document = run(json.loads(Path(sys.argv[1]).read_text()))
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)
