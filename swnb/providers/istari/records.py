"""Wire records of an Istari registry as model records (istari paper 2, 3.3, 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from swnb.call import Reply
from swnb.model import JobInfo, ProjectInfo, Status, TaskInfo
from swnb.providers.istari.replies import id_of
from swnb.providers.reading import inner, iso_time, text

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
_WAITING: Final = ("Created", "Pending")
_WORKING: Final = ("Running", "Claimed")  # what counts as the start, the better word first


def status_of(word: str) -> Status:
    return _STATUS.get(word, Status.UNKNOWN)


def final_words(wanted: frozenset[Status] | None) -> list[str]:
    """The words by which the server may be asked for these statuses. Only final ones: a job that changes its word
    while several lists are read would be missed."""
    if wanted is None or not all(status.final for status in wanted):
        return []
    return [word for word, status in _STATUS.items() if status in wanted]


# -- jobs


@dataclass(frozen=True, slots=True)
class Stage:
    """An entry of a job's history. ``ended`` is when the next began; a final one ends as it begins."""

    word: str
    began: datetime | None
    ended: datetime | None
    record: Json

    @property
    def seconds(self) -> float | None:
        return _seconds(self.began, self.ended)


def stages(record: Json) -> list[Stage]:
    """A job's history, oldest first. Nobody promises that it comes so; its times say it where all have one."""
    entries = [entry for entry in elements(record.get("status_history")) if isinstance(entry, Mapping)]
    what = f"a status entry's created of job {record.get('id')}"
    timed = [(iso_time(entry.get("created"), what), entry) for entry in entries]
    known = [time for time, _ in timed if time is not None]
    if len(known) == len(timed):
        timed = [timed[at] for at in sorted(range(len(timed)), key=known.__getitem__)]
    return [_stage(at, timed) for at in range(len(timed))]


def _stage(at: int, timed: Sequence[tuple[datetime | None, Json]]) -> Stage:
    began, entry = timed[at]
    word = text(entry.get("name")) or ""
    following = timed[at + 1][0] if at + 1 < len(timed) else None
    return Stage(word, began, began if status_of(word).final else following, entry)


def job_info(record: Any, reply: Reply, project: str) -> JobInfo:
    """``project`` is the one that was asked."""
    id_ = id_of(record, reply)
    history = stages(record)
    word = history[-1].word if history else ""
    status = status_of(word)
    begun = _first(history)
    started = next((begun[each] for each in _WORKING if each in begun), None)
    finished = begun.get(word) if status.final else None
    revision = last_revision(record)
    said = text(history[-1].record.get("message")) if history else None
    seconds = _seconds(started, finished)
    return JobInfo(
        id=id_,
        project=project,
        name=text(revision.get("display_name")) or text(inner(record, "function").get("name")) or id_,
        status=status,
        raw_status=word,
        created=iso_time(record.get("created"), f"created of job {id_}"),
        started=started,
        finished=finished,
        elapsed=finished - started if seconds is not None and finished and started else None,
        owner=text(record.get("created_by_id")),
        error=said if status is Status.FAILED else None,
        own={"message": said, **_own(record, revision)},
        raw={name: value for name, value in record.items() if name != "auth_deliveries"},  # secrets for agents
    )


def _own(record: Json, revision: Json) -> dict[str, Any]:
    function, agent = inner(record, "function"), inner(record, "agent_information")
    archived = _last(record.get("archive_status_history"))
    return {
        "function": text(function.get("name")),
        "function_version": text(function.get("version")),
        "module": text(function.get("module_name")),
        "tool": text(function.get("tool_display_name")) or text(function.get("tool_name")),
        "agent": text(agent.get("display_name")),
        "agent_id": text(record.get("agent_id")) or text(agent.get("agent_id")) or text(record.get("agent_identifier")),
        "assigned_agent_id": text(record.get("assigned_agent_id")),
        "assigned_agent_pool_id": text(record.get("assigned_agent_pool_id")),
        "model_id": text(record.get("model_id")),
        "description": text(revision.get("description")),
        "version_name": text(revision.get("version_name")),
        "external_identifier": text(revision.get("external_identifier")),
        "archive_status": text(archived.get("name")),
        "products": len(products(record)),
        "comments": len(elements(record.get("comments"))),
    }


def tasks(record: Json) -> list[TaskInfo]:
    """A row an entry of the history; ``elapsed`` is the time in that stage."""
    return [_task(stage, at) for at, stage in enumerate(stages(record))]


def _task(stage: Stage, at: int) -> TaskInfo:
    said, status = text(stage.record.get("message")), status_of(stage.word)
    timed = stage.seconds is not None and not status.final
    return TaskInfo(
        id=text(stage.record.get("id")) or str(at),
        name=stage.word,
        status=status,
        raw_status=stage.word,
        started=stage.began,
        finished=stage.ended,
        elapsed=stage.ended - stage.began if timed and stage.ended and stage.began else None,
        error=said if status is Status.FAILED else None,
        own={
            "message": said,
            "agent_id": text(stage.record.get("agent_id")),
            "created_by_id": text(stage.record.get("created_by_id")),
        },
        raw=stage.record,
    )


def durations(record: Json) -> dict[str, float]:
    """Seconds, as far as they are known: in the queue, at work, from end to end, and in each stage that is over
    (all its times together)."""
    history = stages(record)
    found: dict[str, float] = {}
    for stage in history:
        if stage.seconds is not None and not status_of(stage.word).final:
            name = f"stage.{stage.word.lower()}_s"
            found[name] = found.get(name, 0.0) + stage.seconds
    begun = _first(history)
    asked = min((begun[word] for word in _WAITING if word in begun), default=None)
    taken = min((begun[word] for word in _WORKING if word in begun), default=None)
    started = next((begun[word] for word in _WORKING if word in begun), None)
    ended = begun.get(history[-1].word) if history and status_of(history[-1].word).final else None
    whole = {
        "stage.queue_s": _seconds(asked, taken),
        "stage.run_s": _seconds(started, ended),
        "stage.wall_s": _seconds(asked or started, ended),
    }
    return {name: value for name, value in whole.items() if value is not None} | found


def _first(history: Sequence[Stage]) -> dict[str, datetime]:
    """When each word was said first."""
    found: dict[str, datetime] = {}
    for stage in history:
        if stage.began is not None:
            found.setdefault(stage.word, stage.began)
    return found


def _seconds(began: datetime | None, ended: datetime | None) -> float | None:
    """None where one is unknown, or where they contradict each other."""
    if began is None or ended is None or ended < began:
        return None
    return (ended - began).total_seconds()


# -- files


def last_revision(record: Json) -> Json:
    """The newest revision of a record's file; empty where it has none."""
    return _last(inner(record, "file").get("revisions"))


def products(record: Json) -> list[str]:
    """The revisions that a job made, by their ids. Those of older parameters are results too."""
    revisions = elements(inner(record, "file").get("revisions"))
    found = [made for revision in revisions for made in elements(inner(revision).get("products"))]
    return list(dict.fromkeys(id_ for made in found if (id_ := text(inner(made).get("revision_id")))))


def elements(value: Any) -> list[Any]:
    """Those of a list; none of anything else."""
    return value if isinstance(value, list) else []


def _last(value: Any) -> Json:
    return inner(elements(value)[-1]) if elements(value) else {}


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
