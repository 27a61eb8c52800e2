"""Wire records of a Starwhale Server as model records (starwhale paper 3.4 to 3.8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from swnb.call import Reply, note
from swnb.model import EventInfo, JobInfo, ProjectInfo, RunInfo, Status, TaskInfo
from swnb.providers.reading import field

_STATUS: Final[Mapping[str, Status]] = {
    "CREATED": Status.QUEUED,
    "READY": Status.QUEUED,
    "PENDING": Status.QUEUED,
    "ASSIGNING": Status.QUEUED,
    "PREPARING": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "RETRYING": Status.RUNNING,
    "PAUSED": Status.PAUSED,
    "CANCELLING": Status.STOPPING,
    "CANCELED": Status.CANCELLED,
    "SUCCESS": Status.SUCCEEDED,
    "FINISHED": Status.SUCCEEDED,
    "FAIL": Status.FAILED,
    "FAILED": Status.FAILED,
}


def status_of(word: object) -> Status:
    return _STATUS.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def time_of(value: object, what: str) -> datetime | None:
    """Epoch milliseconds as UTC; -1, -1000 and None mean that there is no time."""
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError
        # Integer arithmetic: a float of epoch seconds would lose the last digit of a millisecond.
        return None if value < 0 else _EPOCH + timedelta(milliseconds=value)
    except (ValueError, OverflowError):
        note(f"{what} could not be read as a time: {str(value)[:40]!r}")
        return None


def _span(value: object, what: str) -> timedelta | None:
    number = _number(value)
    try:
        return None if number is None or number < 0 else timedelta(milliseconds=number)
    except OverflowError:
        note(f"{what} could not be read as a duration: {str(value)[:40]!r}")
        return None


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def project_info(record: Any, reply: Reply, address: str, counted: bool = True) -> ProjectInfo:
    """``counted``: whether the record's statistics are real (those of a single project are all 0)."""
    id_ = text_id(record, reply)
    counts = record.get("statistics")
    counts = counts if counted and isinstance(counts, Mapping) else {}
    return ProjectInfo(
        id=id_,
        name=_text(record.get("name")) or id_,
        owner=_name(record.get("owner")),
        created=time_of(record.get("createdTime"), f"createdTime of project {id_}"),
        jobs=_number(counts.get("evaluationCounts")),
        description=_text(record.get("description")),
        url=f"{address}/projects/{id_}",
        own={"privacy": record.get("privacy"), **counts},
        raw=record,
    )


def job_info(record: Any, reply: Reply, address: str, project: str) -> JobInfo:
    id_ = text_id(record, reply)
    word = field(record, "jobStatus", (str, type(None)), reply) or ""
    status = status_of(word)
    stopped = time_of(record.get("stopTime"), f"stopTime of job {id_}")
    return JobInfo(
        id=id_,
        project=project,
        name=_text(record.get("jobName")) or "",
        status=status,
        raw_status=word,
        created=time_of(record.get("createdTime"), f"createdTime of job {id_}"),
        finished=stopped if status.final else None,
        elapsed=_span(record.get("duration"), f"duration of job {id_}"),
        owner=_name(record.get("owner")),
        url=f"{address}/projects/{project}/evaluations/{id_}",
        key=_text(record.get("uuid")) or "",
        own=_own(record),
        raw=record,
    )


def standing(job: JobInfo, row: Mapping[str, Any]) -> JobInfo:
    """The job as the system columns of its summary row say that it stands now; the same record where it stands as it
    did. While it goes on they do not tell how long it has taken."""
    word = row.get("sys/job_status")
    if not isinstance(word, str) or word == job.raw_status:
        return job
    status = status_of(word)
    ended = time_of(row.get("sys/finished_time"), f"sys/finished_time of job {job.id}")
    took = _span(row.get("sys/duration_ms"), f"sys/duration_ms of job {job.id}")
    final = status.final
    return replace(
        job, status=status, raw_status=word, finished=ended if final else None, elapsed=took if final else None
    )


def _own(record: Mapping[str, Any]) -> dict[str, Any]:
    runtime = record.get("runtime")
    datasets = record.get("datasetList")
    plain = ("uuid", "jobType", "modelName", "modelVersion", "resourcePool", "comment", "device", "deviceAmount")
    return {
        **{name: record.get(name) for name in plain},
        "runtimeName": _name(runtime),
        "runtimeVersion": _name(runtime.get("version")) if isinstance(runtime, Mapping) else None,
        "datasetNames": [_name(each) for each in datasets] if isinstance(datasets, list) else None,
        "isBuiltinRuntime": record.get("isBuiltinRuntime"),
        "pinnedTime": time_of(record.get("pinnedTime"), "pinnedTime"),
    }


def task_info(record: Any, reply: Reply) -> TaskInfo:
    id_ = text_id(record, reply)
    word = field(record, "taskStatus", (str, type(None)), reply) or ""
    started = time_of(record.get("startedTime"), f"startedTime of task {id_}")
    status = status_of(word)
    finished = time_of(record.get("finishedTime"), f"finishedTime of task {id_}") if status.final else None
    runs = record.get("runs")
    return TaskInfo(
        id=id_,
        name=_text(record.get("stepName")) or "",
        status=status,
        raw_status=word,
        started=started,
        finished=finished,
        elapsed=finished - started if started and finished else None,
        retries=_number(record.get("retryNum")),
        error=_text(record.get("failedReason")),
        runs=tuple(run_info(run, reply) for run in runs) if isinstance(runs, list) else (),
        own={"uuid": record.get("uuid"), "resourcePool": record.get("resourcePool")},
        raw=record,
    )


def run_info(record: Any, reply: Reply) -> RunInfo:
    id_ = text_id(record, reply)
    word = _text(record.get("status")) or ""
    return RunInfo(
        id=id_,
        status=status_of(word),
        raw_status=word,
        started=time_of(record.get("startTime"), f"startTime of run {id_}"),
        finished=time_of(record.get("finishTime"), f"finishTime of run {id_}"),
        error=_text(record.get("failedReason")),
        own={"ip": record.get("ip")},
    )


def event_info(record: Any, reply: Reply) -> EventInfo:
    id_ = text_id(record, reply)
    subject = record.get("relatedResource")
    subject = subject if isinstance(subject, Mapping) else {}
    return EventInfo(
        time=time_of(record.get("timestamp"), f"timestamp of event {id_}"),
        level=_text(record.get("eventType")) or "",
        source=_text(record.get("source")) or "",
        message=_text(record.get("message")) or "",
        subject=f"{subject.get('eventResourceType', '')} {subject.get('id', '')}".strip(),
        own={"id": id_, "data": record.get("data")},
    )


def text_id(record: Any, reply: Reply) -> str:
    """Ids are decimal texts; numbers are taken too. They become parts of paths, so nothing else may stand in them."""
    id_ = str(field(record, "id", (str, int), reply))
    if not re.fullmatch("[0-9A-Za-z_-]{1,64}", id_):
        raise reply.odd(f"{id_[:40]!r} is no id")
    return id_


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _name(record: object) -> str | None:
    return _text(record.get("name")) if isinstance(record, Mapping) else None
