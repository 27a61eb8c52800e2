"""Parts of a job: Ray's tasks, counted by function (paper 2.6), and openYuanRong's instances (paper 1.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from swnb.call import Reply, note
from swnb.model import Status, TaskInfo
from swnb.providers.rayjobs.wire import text, time_of, whole
from swnb.providers.reading import inner

#: how states are counted
FOLDED: Final = ("pending", "running", "succeeded", "failed")

_INSTANCES: Final[Mapping[str, Status]] = {
    "new": Status.QUEUED,
    "scheduling": Status.QUEUED,
    "creating": Status.QUEUED,
    "running": Status.RUNNING,
    "sub_health": Status.RUNNING,
    "exiting": Status.STOPPING,
    "evicting": Status.STOPPING,
    "failed": Status.FAILED,
    "schedule_failed": Status.FAILED,
    "evicted": Status.FAILED,
}  # "fatal" is the word for every end, a good one too, so it says nothing


def ray_tasks(body: Any, reply: Reply) -> list[TaskInfo]:
    """One row a function of the answer of ``/api/v0/tasks/summarize``."""
    result = inner(body, "data", "result")
    cluster = inner(result, "result", "node_id_to_summary", "cluster")
    if not isinstance(cluster.get("summary"), Mapping):
        raise reply.odd("the summary of tasks is missing")
    _note_gaps(result)
    return [_group(name, inner(sent)) for name, sent in cluster["summary"].items()]


def _note_gaps(result: Mapping[str, Any]) -> None:
    for words in (result.get("partial_failure_warning"), result.get("warnings")):
        if words:
            note(f"Ray says of the tasks: {words}")
    total, given = whole(result.get("total")) or 0, whole(result.get("num_after_truncation"))
    if given is not None and given < total:
        note(f"Ray counted {given:,} of {total:,} tasks")


def _group(name: str, sent: Mapping[str, Any]) -> TaskInfo:
    states = {state: count for state, n in inner(sent, "state_counts").items() if (count := whole(n)) is not None}
    counts = folded(states)
    total = sum(counts.values())
    progress = (counts["succeeded"] + counts["failed"]) / total if total else None
    return TaskInfo(
        id=name,
        name=text(sent.get("func_or_class_name")) or name,
        status=_of_counts(counts),
        raw_status=", ".join(f"{count} {state}" for state, count in states.items()),
        own={"type": text(sent.get("type")), "total": total, **counts, "progress": progress, "states": states},
        raw=sent,
    )


def folded(states: Mapping[str, int]) -> dict[str, int]:
    """Ray's states grow between versions: what runs, what ended, and all else waits."""
    counts = dict.fromkeys(FOLDED, 0)
    for state, count in states.items():
        ended = {"FINISHED": "succeeded", "FAILED": "failed"}.get(state)
        counts[ended or ("running" if state.startswith("RUNNING") else "pending")] += count
    return counts


def _of_counts(counts: Mapping[str, int]) -> Status:
    if counts["running"] or (counts["pending"] and (counts["succeeded"] or counts["failed"])):
        return Status.RUNNING
    if counts["pending"]:
        return Status.QUEUED
    if counts["failed"]:
        return Status.FAILED
    return Status.SUCCEEDED if counts["succeeded"] else Status.UNKNOWN


def ray_counts(tasks: Iterable[TaskInfo]) -> dict[str, int]:
    """The counts of a job for its summary."""
    rows = list(tasks)
    return {f"tasks_{name}": sum(row.own[name] for row in rows) for name in ("total", *FOLDED)}


def instance(sent: Mapping[str, Any]) -> TaskInfo:
    id_, word = text(sent.get("id")) or "", text(sent.get("status")) or ""
    status, detail = _INSTANCES.get(word, Status.UNKNOWN), text(sent.get("exit_detail"))
    named = ("job_id", "parent_id", "node_id", "agent_id", "ip", "pid")
    sized = ("required_cpu", "required_mem", "required_gpu", "required_npu")
    return TaskInfo(
        id=id_,
        name=id_,
        status=status,
        raw_status=word,
        started=time_of(sent.get("create_time"), f"create_time of instance {id_}"),
        retries=whole(sent.get("restarted")),
        error=detail if status is Status.FAILED else None,
        own={
            **{name: text(sent.get(name)) for name in named},
            **{name: sent.get(name) for name in sized},
            "exit_detail": detail,
        },
        raw=sent,
    )


def instance_counts(tasks: Iterable[TaskInfo]) -> dict[str, int]:
    statuses = [task.status for task in tasks]
    counts = {
        "pending": statuses.count(Status.QUEUED),
        "running": statuses.count(Status.RUNNING) + statuses.count(Status.STOPPING),
        "failed": statuses.count(Status.FAILED),
    }
    return {"tasks_total": len(statuses), **{f"tasks_{name}": count for name, count in counts.items()}}
