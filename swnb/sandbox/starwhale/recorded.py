"""Recorded answers of a real server, taken over as the world."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from swnb.sandbox.starwhale import render
from swnb.sandbox.starwhale.hints import Hint
from swnb.sandbox.starwhale.state import Recorded, State
from swnb.sandbox.starwhale.store import Span
from swnb.sandbox.starwhale.values import order, read_raw, unwrap
from swnb.sandbox.world import Job, Project, Run, Task, Timeline

Answer = Mapping[str, Any]
_WORDS = {word: common for common, word in render.STATUS.items()}


def load(state: State, answers: Iterable[Answer]) -> None:
    """Replace the world by what the answers show of users, projects, jobs, tasks, logs, tables and blobs."""
    good = [answer for answer in answers if answer.get("status") == 200]
    state.world.projects.clear()
    state.store.tables.clear()
    state.recorded.clear()
    for answer in good:
        path = answer["request"]["path"].removeprefix("/api/v1")
        parts = path.strip("/").split("/")
        data: Any = (answer.get("json") or {}).get("data")
        if parts == ["project"] and answer["request"]["method"] == "GET":
            _projects(state, data["list"])
        elif parts == ["login"]:
            _user(state, data)
        elif parts[0] == "project" and "job" in parts[2:3] and data:
            _job_answer(state, parts, data)
        elif parts[:2] == ["log", "offline"]:
            _log(state, parts, answer)
        elif parts == ["filestorage", "file"]:
            _blob(state, answer)
    _tables(state, good)
    _past(state)


def _past(state: State) -> None:
    """Let everything recorded lie in the past of a clock that a test moves."""
    times = [at for job in state.world.jobs() for at, _ in job.timeline.steps]
    latest = max([*times, *(job.pinned or 0.0 for job in state.world.jobs())], default=0.0) + 3600
    if state.world.clock.manual and state.now < latest:
        state.world.clock.advance(latest - state.now)
    for job in state.world.jobs():
        state.as_synced(job)


def _user(state: State, vo: dict[str, Any]) -> None:
    mine = state.people.named(vo["name"])
    state.people.users.remove(mine)
    made = replace(mine, created=vo["createdTime"] / 1000)
    state.people.users[:] = sorted([*state.people.users, made], key=lambda user: user.id)


def _projects(state: State, vos: list[dict[str, Any]]) -> None:
    known = {project.id for project in state.world.projects}
    for vo in vos:
        if int(vo["id"]) in known:
            continue
        project = Project(int(vo["id"]), vo["name"], vo["owner"]["name"], vo["createdTime"] / 1000, vo["description"])
        project.public = vo["privacy"] == "PUBLIC"
        state.world.projects.append(project)
        state.recorded["counts", project.id] = Recorded(vo["statistics"], 0)


def _job_answer(state: State, parts: list[str], data: Any) -> None:
    project = state.project(parts[1])
    if len(parts) == 3 and isinstance(data, dict):
        for vo in data["list"]:
            add_job(state, project, vo)
    elif len(parts) == 4 and isinstance(data, dict):
        add_job(state, project, data)
    elif parts[4:] == ["task"]:
        for vo in data["list"]:
            _task(state, state.job(project, parts[3]), vo)
    elif parts[4:] == ["dag"]:
        for node in data["groupingNodes"]["Step"]:
            job = state.job(project, parts[3])
            state.step_ids[job.id, node["content"]["name"]] = node["entityId"]


def add_job(state: State, project: Project, vo: dict[str, Any]) -> None:
    """Take over a job; one seen before is shown as it was seen last."""
    job = next((job for job in project.jobs if job.uuid == vo["uuid"]), None)
    created = vo["createdTime"] / 1000
    steps = [(created, "created"), (created + vo["duration"] / 1000, _WORDS[vo["jobStatus"]])]
    timeline = Timeline(steps)
    if job is None:
        job = Job(int(vo["id"]), vo["uuid"], vo["jobName"], vo["owner"]["name"], timeline)
        project.jobs.append(job)
    job.timeline, job.comment = timeline, vo["comment"]
    job.pinned = vo["pinnedTime"] / 1000 if vo["pinnedTime"] else None
    state.recorded["job", job.id] = Recorded(vo, len(steps))


def _task(state: State, job: Job, vo: dict[str, Any]) -> None:
    if any(task.id == int(vo["id"]) for task in job.tasks):
        return
    begin, end = (vo["startedTime"] or 0) / 1000, (vo["finishedTime"] or 0) / 1000
    timeline = Timeline([(begin, "running"), (end, _WORDS.get(vo["taskStatus"], "unknown"))])
    job.tasks.append(Task(int(vo["id"]), vo["uuid"], vo["stepName"], timeline))
    state.recorded["task", int(vo["id"])] = Recorded(vo, 2)


def _log(state: State, parts: list[str], answer: Answer) -> None:
    task = state.task(parts[2])
    if task is None:
        return
    if len(parts) == 3:
        for name in answer["json"]["data"]:
            _, _, number, began = name.split("-")
            at = int(began) / 1000
            task.runs.append(Run(int(number), Timeline([(at, "running"), (at, "succeeded")])))
        return
    lines = answer["text"].removeprefix("STDOUT: ").splitlines()
    for run in task.runs:
        if parts[3].startswith(f"starwhale-run-{run.id}-"):
            run.lines = [(run.timeline.steps[0][0], line) for line in lines]


def _blob(state: State, answer: Answer) -> None:
    params = answer["request"]["params"]
    before = state.blobs.get(params["uri"], b"").ljust(params["offset"], b"\0")
    state.blobs[params["uri"]] = before[: params["offset"]] + base64.b64decode(answer["base64"])


def _tables(state: State, answers: list[Answer]) -> None:
    """Whole tables that were scanned typed: the older revision first, the fullest answer last."""
    scans = [answer for answer in answers if _is_whole(answer) and answer["json"]["data"]["records"]]
    scans.sort(key=lambda answer: (not _asked(answer).get("revision"), bool(_asked(answer).get("keepNone"))))
    for answer in scans:
        name = _asked(answer)["tableName"]
        table = state.store.table(name)
        rows = [{name: unwrap(cell) for name, cell in row.items()} for row in answer["json"]["data"]["records"]]
        if not _asked(answer).get("revision") and table.revision:
            kept = {order(row["id"]) for row in rows}
            seen = [key for _, key, cells in table.walk(Span(), 0) if cells is not None]
            rows += [{"id": key, "-": ("BOOL", True)} for key in seen if order(key) not in kept]
        table.update(rows)
        for column, shown in answer["json"]["data"]["columnHints"].items():
            recall(table.hints().setdefault(column, Hint()), shown)
    for answer in answers:
        _names(state, answer)


def _names(state: State, answer: Answer) -> None:
    """Tables and columns that only lists of names show."""
    body = answer["request"].get("json")
    data: Any = (answer.get("json") or {}).get("data")
    if answer["request"]["path"].endswith("/listTables"):
        for name in data["tables"]:
            state.store.table(name)
    elif answer["request"]["path"].endswith("/queryTable") and "columns" not in body and data.get("columnTypes"):
        state.store.table(body["tableName"]).declare(column["name"] for column in data["columnTypes"])


def recall(hint: Hint, shown: Mapping[str, Any]) -> None:
    """What a column held in revisions that no answer shows any more."""
    hint.types |= set(shown["typeHints"])
    texts = shown["columnValueHints"]
    if len(hint.types) == 1 and texts:
        kind = next(iter(hint.types))
        hint.values.update({text: read_raw(kind, text) for text in texts})
    elif not texts and hint.values:
        hint.fill()


def _is_whole(answer: Answer) -> bool:
    request = answer["request"]
    body = request.get("json") or {}
    if not request["path"].endswith("/scanTable") or "json" not in answer or len(body.get("tables") or ()) != 1:
        return False
    plain = {"tables", "encodeWithType", "limit", "keepNone"}
    full = body.get("limit", 1000) == 1000 and body.get("encodeWithType", True) and set(body) <= plain
    return bool(full and set(body["tables"][0]) <= {"tableName", "keepNone", "revision"})


def _asked(answer: Answer) -> dict[str, Any]:
    return dict(answer["request"]["json"]["tables"][0])
