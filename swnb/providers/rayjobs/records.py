"""Records of the wire as model records; one reader for both dialects, since records tell which they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from swnb.call import Reply, note
from swnb.errors import NotFound
from swnb.model import JobInfo, ProjectInfo
from swnb.providers.rayjobs.wire import environment, status_of, text, time_of, whole
from swnb.providers.reading import inner, mapping

PROJECT: Final = "default"
#: where people see the job of an id
Page: TypeAlias = Callable[[str], "str | None"]


def project_info(jobs: int | None = None) -> ProjectInfo:
    return ProjectInfo(PROJECT, PROJECT, jobs=jobs)


def check_project(project: str | None) -> None:
    """NotFound for any but the one project there is."""
    if project not in (None, PROJECT):
        raise NotFound(f"there is no project {project!r}", todo=f"A cluster has one project, {PROJECT}")


def job_infos(records: list[Any], reply: Reply, page: Page) -> list[JobInfo]:
    """The jobs of a list, newest first."""
    named = [record for sent in records if job_id(record := mapping(sent, reply))]
    if len(named) < len(records):
        note(f"{len(records) - len(named)} of the server's {len(records)} records have no id and are left out")
    return newest_first(job_info(record, reply, page) for record in named)


def newest_first(jobs: Iterable[JobInfo]) -> list[JobInfo]:
    """By start, then by id. A job that has no start yet is the newest, an ended one that tells none the oldest."""

    def age(job: JobInfo) -> tuple[int, float, str]:
        if job.created is None:
            return (2 if job.status.final else 0, 0.0, job.id)
        return (1, -job.created.timestamp(), job.id)

    return sorted(jobs, key=age)


def job_id(record: Mapping[str, Any]) -> str | None:
    """The submission id; a driver that was not submitted has only Ray's own job id."""
    return text(record.get("submission_id")) or text(record.get("job_id"))


def job_info(sent: object, reply: Reply, page: Page) -> JobInfo:
    record = mapping(sent, reply)
    id_ = job_id(record)
    if id_ is None:
        raise reply.odd("the job's record has no id")
    word = text(record.get("status")) or ""
    status, metadata, runtime = status_of(word), inner(record, "metadata"), environment(record.get("runtime_env"))
    created = time_of(record.get("start_time"), f"start_time of job {id_}")
    finished = time_of(record.get("end_time"), f"end_time of job {id_}") if status.final else None
    error_type, message = text(record.get("error_type")), text(record.get("message"))
    return JobInfo(
        id=id_,
        project=PROJECT,
        name=text(metadata.get("job_name")) or id_,
        status=status,
        raw_status=word,
        created=created,
        started=created if word != "PENDING" else None,
        finished=finished,
        elapsed=finished - created if finished and created else None,
        error=(message or error_type) if word == "FAILED" else None,
        url=page(id_),
        own={**_own(record, status.final), "working_dir": text(runtime.get("working_dir")), "pip": runtime.get("pip")},
        metadata=metadata,
        env=runtime["env_vars"],
        raw=record,
    )


def _own(record: Mapping[str, Any], ended: bool) -> dict[str, Any]:
    """openYuanRong says exit code 0 of what still runs, so it counts only of what has ended."""
    driver = inner(record, "driver_info")
    return {
        "type": text(record.get("type")),
        "entrypoint": text(record.get("entrypoint")) or "",
        "exit_code": whole(record.get("driver_exit_code")) if ended else None,
        "error_type": text(record.get("error_type")),
        "message": text(record.get("message")),
        "submission_id": text(record.get("submission_id")),
        "job_id": text(record.get("job_id")),
        "driver_node": text(record.get("driver_node_id")),
        "driver_ip": text(driver.get("node_ip_address")),
        "driver_pid": text(driver.get("pid")),
    }
