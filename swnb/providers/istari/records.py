"""Wire records of an Istari registry as model records (istari paper 2, 3.3, 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import gt
from typing import Any, Final

import msgspec
from msgspec import Raw

from swnb.call import Reply
from swnb.model import AccessInfo, JobInfo, ProjectInfo, Status, TaskInfo
from swnb.providers.istari.replies import checked_id, id_of
from swnb.providers.istari.shapes import (
    Agent,
    Archived,
    Entry,
    File,
    Function,
    Job,
    Product,
    Revision,
    last,
    part,
    parts,
)
from swnb.providers.reading import Sent, field, inner, iso_time, mapping, mappings, text

Json = Mapping[str, Any]

MINE: Final = "mine"
SYSTEM: Final = "system:"  # before the id of a system, where a project is meant

_STATUS: Final[Mapping[str, Status]] = {
    "Created": Status.QUEUED,
    "Pending": Status.QUEUED,
    "Claimed": Status.RUNNING,
    "Validating": Status.RUNNING,
    "Running": Status.RUNNING,
    "Uploading": Status.RUNNING,
    "Completed": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Canceled": Status.CANCELLED,
}
STAGE: Final = "stage"  # before the names of what stages took
_WAITING: Final = ("Created", "Pending")
_WORKING: Final = ("Running", "Claimed")  # what counts as the start, the better word first
_HUSHED: Final = frozenset({"auth_deliveries"})  # secrets for agents


def status_of(word: str) -> Status:
    return _STATUS.get(word, Status.UNKNOWN)


def final_words(wanted: frozenset[Status] | None) -> list[str]:
    """The words by which the server may be asked for these statuses. Only final ones: a job that changes its word
    while several lists are read would be missed."""
    if wanted is None or not all(status.final for status in wanted):
        return []
    return [word for word, status in _STATUS.items() if status in wanted]


# -- jobs


class Told(msgspec.Struct, frozen=True, gc=False):
    """An entry of a job's history: its word and since when, the one at ``at`` as they were sent."""

    word: str
    began: datetime | None
    entry: Entry
    at: int


def history(job: Job) -> list[Told]:
    """A job's history, oldest first. Nobody promises that it comes so; its times say it where all have one."""
    what = f"a status entry's created of job {job.id}"
    found = [
        Told(text(entry.name) or "", iso_time(entry.created, what), entry, at)
        for at, entry in enumerate(parts(job.status_history, Entry))
    ]
    times = [each.began for each in found if each.began is not None]
    if len(times) == len(found) and any(map(gt, times, times[1:])):
        found = [found[at] for at in sorted(range(len(times)), key=times.__getitem__)]
    return found


@dataclass(frozen=True, slots=True)
class Stage:
    """A time in a job's life. ``ended`` is when the next began; a final one ends as it begins."""

    told: Told
    status: Status
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        return _seconds(self.told.began, self.ended)


def stages(job: Job) -> list[Stage]:
    told = history(job)
    ends = [*(each.began for each in told[1:]), None]
    found = []
    for each, end in zip(told, ends, strict=False):
        status = status_of(each.word)
        found.append(Stage(each, status, each.began if status.final else end))
    return found


def job_info(sent: Raw, reply: Reply, project: str) -> JobInfo:
    """``project`` is the one that was asked."""
    job: Job = reply.part(sent, Job)
    id_ = checked_id(job.id, reply)
    told = history(job)
    word = told[-1].word if told else ""
    status = status_of(word)
    begun = _first(told)
    started = next((begun[each] for each in _WORKING if each in begun), None)
    finished = begun.get(word) if status.final else None
    revision = last(part(job.file, File).revisions, Revision)
    said = text(told[-1].entry.message) if told else None
    return JobInfo(
        id=id_,
        project=project,
        name=text(revision.display_name) or text(part(job.function, Function).name) or id_,
        status=status,
        raw_status=word,
        created=iso_time(job.created, f"created of job {id_}"),
        started=started,
        finished=finished,
        elapsed=finished - started if finished and started and started <= finished else None,
        owner=text(job.created_by_id),
        error=said if status is Status.FAILED else None,
        own={"message": said, **_own(job, revision)},
        raw=Sent(sent, reply, _HUSHED),
    )


def _own(job: Job, revision: Revision) -> dict[str, Any]:
    function, agent = part(job.function, Function), part(job.agent_information, Agent)
    return {
        "function": text(function.name),
        "function_version": text(function.version),
        "module": text(function.module_name),
        "tool": text(function.tool_display_name) or text(function.tool_name),
        "agent": text(agent.display_name),
        "agent_id": text(job.agent_id) or text(agent.agent_id) or text(job.agent_identifier),
        "assigned_agent_id": text(job.assigned_agent_id),
        "assigned_agent_pool_id": text(job.assigned_agent_pool_id),
        "model_id": text(job.model_id),
        "description": text(revision.description),
        "version_name": text(revision.version_name),
        "external_identifier": text(revision.external_identifier),
        "archive_status": text(last(job.archive_status_history, Archived).name),
        "products": len(_products(job)),
        "comments": len(elements(job.comments)),
    }


def tasks(record: Json) -> list[TaskInfo]:
    """A row an entry of the history of a job's record; ``elapsed`` is the time in that stage."""
    sent = [each for each in elements(record.get("status_history")) if isinstance(each, Mapping)]
    return [_task(stage, at, sent[stage.told.at]) for at, stage in enumerate(stages(_job_of(record)))]


def _task(stage: Stage, at: int, sent: Json) -> TaskInfo:
    entry, began, status = stage.told.entry, stage.told.began, stage.status
    said = text(entry.message)
    timed = stage.seconds is not None and not status.final
    return TaskInfo(
        id=text(entry.id) or str(at),
        name=stage.told.word,
        status=status,
        raw_status=stage.told.word,
        started=began,
        finished=stage.ended,
        elapsed=stage.ended - began if timed and stage.ended and began else None,
        error=said if status is Status.FAILED else None,
        own={"message": said, "agent_id": text(entry.agent_id), "created_by_id": text(entry.created_by_id)},
        raw=sent,
    )


def durations(record: Json) -> dict[str, float]:
    """Seconds, as far as they are known: in the queue, at work, from end to end, and in each stage that is over
    (all its times together)."""
    lived = stages(_job_of(record))
    found: dict[str, float] = {}
    for stage in lived:
        if stage.seconds is not None and not stage.status.final:
            name = f"{STAGE}.{stage.told.word.lower()}_s"
            found[name] = found.get(name, 0.0) + stage.seconds
    begun = _first([stage.told for stage in lived])
    asked = min((begun[word] for word in _WAITING if word in begun), default=None)
    taken = min((begun[word] for word in _WORKING if word in begun), default=None)
    started = next((begun[word] for word in _WORKING if word in begun), None)
    ended = begun.get(lived[-1].told.word) if lived and lived[-1].status.final else None
    whole = {
        f"{STAGE}.queue_s": _seconds(asked, taken),
        f"{STAGE}.run_s": _seconds(started, ended),
        f"{STAGE}.wall_s": _seconds(asked or started, ended),
    }
    return {name: value for name, value in whole.items() if value is not None} | found


def _first(told: Sequence[Told]) -> dict[str, datetime]:
    """When each word was said first."""
    found: dict[str, datetime] = {}
    for each in told:
        if each.began is not None:
            found.setdefault(each.word, each.began)
    return found


def _seconds(began: datetime | None, ended: datetime | None) -> float | None:
    """None where one is unknown, or where they contradict each other."""
    if began is None or ended is None or ended < began:
        return None
    return (ended - began).total_seconds()


def products(record: Json) -> list[str]:
    """The revisions that a job made, by their ids. Those of older parameters are results too."""
    return _products(_job_of(record))


def _products(job: Job) -> list[str]:
    revisions = parts(part(job.file, File).revisions, Revision)
    made = [each for revision in revisions for each in parts(revision.products, Product)]
    return list(dict.fromkeys(id_ for each in made if (id_ := text(each.revision_id)))) if made else []


def _job_of(record: Json) -> Job:
    return msgspec.convert(record, Job)


# -- access

#: what a subject may be to a job (paper 2.7)
RELATIONS: Final = ("viewer", "editor", "owner", "administrator", "executor")


def accesses(sent: Any, reply: Reply) -> list[AccessInfo]:
    return [access_info(each, reply) for each in mappings(sent, reply)]


def access_info(record: Any, reply: Reply) -> AccessInfo:
    about = inner(mapping(record, reply), "subject_info")
    return AccessInfo(
        id=field(record, "subject_id", str, reply),
        relation=field(record, "relation", str, reply),
        name=text(about.get("username")),
        email=text(about.get("email")),
        own={"subject_type": text(record.get("subject_type"))},
    )


# -- files


def last_revision(record: Json) -> Json:
    """The newest revision of a record's file; empty where it has none."""
    revisions = elements(inner(record, "file").get("revisions"))
    return inner(revisions[-1]) if revisions else {}


def elements(value: Any) -> list[Any]:
    """Those of a list; none of anything else."""
    return value if isinstance(value, list) else []


# -- projects


def model_info(record: Any, reply: Reply) -> ProjectInfo:
    id_ = id_of(record, reply)
    revision = last_revision(record)
    jobs = next((record[name] for name in ("job_ids", "jobs") if isinstance(record.get(name), list)), None)
    return ProjectInfo(
        id=id_,
        name=text(revision.get("display_name")) or text(revision.get("name")) or id_,
        owner=text(record.get("created_by_id")),
        created=iso_time(record.get("created"), f"created of model {id_}"),
        jobs=None if jobs is None else len(jobs),
        description=text(revision.get("description")),
        own={"kind": "model"},
        raw=record,
    )


def system_info(record: Any, reply: Reply) -> ProjectInfo:
    id_ = id_of(record, reply)
    return ProjectInfo(
        id=SYSTEM + id_,
        name=text(record.get("name")) or id_,
        owner=text(record.get("created_by_id")),
        created=iso_time(record.get("created"), f"created of system {id_}"),
        description=text(record.get("description")),
        own={"kind": "system"},
        raw=record,
    )


def mine_info() -> ProjectInfo:
    return ProjectInfo(MINE, MINE, description="your jobs, whatever their model", own={"kind": MINE})
