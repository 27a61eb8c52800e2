"""The world in the server's JSON objects (paper 3.3 to 3.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from swnb.sandbox.starwhale.people import User
from swnb.sandbox.world import Job, Project, Run, Task, Timeline

Vo = dict[str, Any]
STATUS = {
    "created": "CREATED",
    "queued": "READY",
    "running": "RUNNING",
    "paused": "PAUSED",
    "stopping": "CANCELLING",
    "succeeded": "SUCCESS",
    "failed": "FAIL",
    "cancelled": "CANCELED",
    "unknown": "UNKNOWN",
}
RUN_STATUS = {"running": "RUNNING", "succeeded": "FINISHED", "failed": "FAILED", "cancelled": "FAILED"}
NOT_ENDED = -1000
WINDOW = 8


def status(timeline: Timeline, now: float) -> str:
    return STATUS[timeline.status(now)]


def seconds(at: float | None) -> int | None:
    """Milliseconds of a whole second."""
    return None if at is None else math.floor(at) * 1000


def paged(items: Sequence[Any], number: int, size: int) -> Vo:
    """The paging object of a list: a page outside is empty and still tells the total."""
    total = len(items)
    pages = -(-total // size) if size > 0 else 0
    offset = max(number - 1, 0) * max(size, 0)
    shown = list(items[offset : offset + size]) if number > 0 and size > 0 else []
    first = min(max(number - WINDOW // 2, 1), max(pages - WINDOW + 1, 1))
    window = list(range(first, min(first + WINDOW, pages + 1)))
    return {
        "total": total,
        "list": shown,
        "pageNum": number,
        "pageSize": size,
        "size": len(shown),
        "startRow": offset,
        "endRow": offset + size if number > 0 else 0,
        "pages": pages,
        "prePage": number - 1 if number > 1 else 0,
        "nextPage": number + 1 if 0 <= number < pages else 0,
        "isFirstPage": number == 1,
        "isLastPage": pages in {number, 0},
        "hasPreviousPage": number > 1,
        "hasNextPage": number < pages,
        "navigatePages": WINDOW,
        "navigatepageNums": window,
        "navigateFirstPage": window[0] if window else 0,
        "navigateLastPage": window[-1] if window else 0,
    }


def user_vo(user: User, roles: dict[str, str] | None = None) -> Vo:
    return {
        "id": str(user.id),
        "name": user.name,
        "createdTime": seconds(user.created),
        "isEnabled": user.enabled,
        "systemRole": user.system_role if roles is not None else None,
        "projectRoles": roles,
    }


def project_vo(project: Project, owner: User, counts: dict[str, int] | None = None) -> Vo:
    names = ("modelCounts", "datasetCounts", "runtimeCounts", "memberCounts", "evaluationCounts")
    return {
        "id": str(project.id),
        "name": project.name,
        "description": project.description,
        "privacy": "PUBLIC" if project.public else "PRIVATE",
        "createdTime": seconds(project.created),
        "owner": user_vo(owner),
        "statistics": counts or dict.fromkeys(names, 0),
    }


def changing(timeline: Timeline, now: float) -> Vo:
    """What of a job moves with the clock."""
    ended = timeline.ended(now)
    created = timeline.steps[0][0]
    return {
        "createdTime": seconds(created),
        "stopTime": NOT_ENDED if ended is None else seconds(ended),
        "jobStatus": status(timeline, now),
        "duration": round(((now if ended is None else ended) - created) * 1000),
    }


def task_vo(task: Task, now: float) -> Vo:
    runs = task.started_runs(now)
    failed = [run.error for run in runs if run.error and run.timeline.ended(now) is not None]
    return {
        "id": str(task.id),
        "uuid": task.uuid,
        "startedTime": seconds(task.timeline.began("running", now)),
        "finishedTime": seconds(task.timeline.ended(now)),
        "taskStatus": status(task.timeline, now),
        "retryNum": max(len(runs) - 1, 0),
        "resourcePool": "default",
        "stepName": task.step,
        "exposedLinks": None,
        "failedReason": failed[-1] if failed else None,
        "runs": [run_vo(run, task, now) for run in runs],
    }


def run_vo(run: Run, task: Task, now: float) -> Vo:
    ended = run.timeline.ended(now)
    return {
        "id": run.id,
        "taskId": task.id,
        "status": RUN_STATUS.get(run.timeline.status(now), "RUNNING"),
        "ip": "127.0.0.1",
        "startTime": seconds(run.timeline.steps[0][0]),
        "finishTime": seconds(ended),
        "failedReason": run.error if ended is not None else None,
    }


def event_vo(number: int, job: Job, at: float, text: str) -> Vo:
    return {
        "id": number,
        "eventType": "INFO",
        "source": "SERVER",
        "relatedResource": {"eventResourceType": "JOB", "id": job.id},
        "message": text,
        "data": None,
        "timestamp": math.floor(at * 1000),
    }


def dag(job: Job, tasks: Sequence[Vo], step_ids: dict[str, int], job_status: str) -> Vo:
    """A job as a graph: each step hangs on all tasks of the step before."""
    nodes: list[Vo] = [_node(1, "Job", _job_content(job, "CREATED"), job.id)]
    edges = []
    before = [1]
    for name, number in step_ids.items():
        mine = [task for task in tasks if task["stepName"] == name]
        step = len(nodes) + 1
        nodes.append(_node(step, "Step", _step_content(name, number, mine), number))
        edges += [(node, step) for node in before]
        before = []
        for task in mine:
            before.append(len(nodes) + 1)
            nodes.append(_node(before[-1], "Task", _task_content(task), int(task["id"])))
            edges.append((step, before[-1]))
    last = len(nodes) + 1
    nodes.append(_node(last, "Job", _job_content(job, job_status), job.id))
    edges += [(node, last) for node in before]
    groups: dict[str, list[Vo]] = {}
    for node in nodes:
        groups.setdefault(node["group"], []).append(node)
    return {"id": None, "groupingNodes": groups, "edges": [{"from": a, "to": b, "content": None} for a, b in edges]}


def _node(number: int, kind: str, content: Vo, entity: int) -> Vo:
    return {"id": number, "type": kind, "content": content, "group": kind, "entityId": entity}


def _job_content(job: Job, word: str) -> Vo:
    return {"startTime": None, "finishTime": None, "id": job.id, "jobType": "EVALUATION", "status": word}


def _step_content(name: str, number: int, tasks: Sequence[Vo]) -> Vo:
    starts = [task["startedTime"] for task in tasks if task["startedTime"]]
    ends = [task["finishedTime"] for task in tasks]
    return {
        "startTime": min(starts, default=None),
        "finishTime": None if None in ends else max(ends, default=None),
        "id": number,
        "name": name,
        "status": tasks[-1]["taskStatus"] if tasks else "CREATED",
    }


def _task_content(task: Vo) -> Vo:
    return {
        "startTime": task["startedTime"],
        "finishTime": task["finishedTime"],
        "id": int(task["id"]),
        "agentIp": "Controller",
        "status": task["taskStatus"],
    }
