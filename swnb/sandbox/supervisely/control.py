"""What changes the world: starting, stopping and talking to apps; what apps tell of themselves (paper 4.2, 4.3)."""

from __future__ import annotations

from typing import Any

import msgspec

from swnb.sandbox.supervisely import errors, fields, files, jobs
from swnb.sandbox.supervisely.asked import Asked, Handler, Part
from swnb.sandbox.supervisely.people import Record, User, Workspace
from swnb.sandbox.supervisely.shelf import VERSION
from swnb.sandbox.supervisely.tasks import FINAL, WORDS, Task

DONE = {"success": True}
STOPPING = 1.5
"""Seconds from `terminating` to `stopped`."""


# Starting and stopping


def run_app(asked: Asked) -> Any:
    """One session for each of `usersIds`, or one for the caller."""
    agent = asked.state.agent(asked.number("agentId"))
    place = _place(asked, next(space for space in asked.state.people.workspaces if space.team is agent.team))
    if place.team is not agent.team:
        raise errors.bad("The agent belongs to another team")
    app = _app(asked, place)
    return [_launch(asked, app, place, user) for user in _users(asked)]


def _place(asked: Asked, otherwise: Workspace) -> Workspace:
    if asked.fields.get("workspaceId") is not None:
        return asked.workspace(write=True)
    asked.state.people.check(asked.user, otherwise.team, write=True)
    return otherwise


def _app(asked: Asked, place: Workspace) -> Record:
    name, key = ("moduleId", "moduleId") if asked.fields.get("moduleId") is not None else ("appId", "id")
    number = asked.number(name)
    for app in asked.state.shelf.apps:
        if app["teamId"] == place.team.id and app[key] == number:
            return app
    raise errors.missing("App")


def _users(asked: Asked) -> list[User]:
    wanted = asked.fields.get("usersIds") or [asked.user.id]
    if not isinstance(wanted, list):
        raise errors.bad("usersIds should be a list")
    found = [user for user in asked.state.people.users if user.id in wanted]
    if len(found) != len(wanted):
        raise errors.missing("User")
    return found


def _launch(asked: Asked, app: Record, place: Workspace, user: User) -> Record:
    sent = asked.fields
    state = asked.object("params", {}).get("state") or {}
    task = asked.state.add_task(
        place,
        {},
        user=user,
        agent=asked.state.agent(sent["agentId"]),
        seconds=0.0 if app["slug"].endswith("/serve-model") else 60.0,
        description=str(sent.get("description") or ""),
    )
    version = str(sent.get("appVersion") or VERSION)
    task.launch = jobs.launched(
        app,
        str(sent.get("taskName") or app["name"]),
        state,
        task.id,
        version=version,
        branch=bool(sent.get("isBranch")),
    )
    return {"taskId": task.id, "userId": user.id, "moduleId": app["moduleId"], "appId": app["id"]}


def stop(asked: Asked) -> Any:
    """Asked for twice it is stopped once."""
    task, now = asked.task(write=True), asked.state.now
    if task.kind == "clone":
        raise errors.Refused(501, "Tasks of this type cannot be stopped")
    status = task.status(now)
    if status in FINAL:
        raise errors.bad(f"The task is {status} already")
    if status != "terminating":
        task.turn(now, (0.0, "stopping"), (STOPPING, "cancelled"))
    return {"status": "terminating"}


def resume(asked: Asked) -> Any:
    task, now = asked.task(write=True), asked.state.now
    if task.kind != "app" or task.status(now) not in FINAL:
        raise errors.bad("Only app tasks that have ended can be resumed")
    task.turn(now, (0.0, "queued"), (2.0, "running"), (120.0, "succeeded"))
    return DONE


def update_status(asked: Asked) -> Any:
    task, status = asked.task(write=True), asked.text("status")
    if status not in WORDS:
        raise errors.bad(f"status is one of {', '.join(sorted(WORDS))}")
    task.turn(asked.state.now, (0.0, WORDS[status]))
    return DONE


def request_direct(asked: Asked) -> Any:
    """An app answers that it runs and is ready, and says every other command back."""
    task, command = asked.task("taskId", write=True), asked.text("command")
    runs = task.runs(asked.state.now)
    if command in {"is_running", "is_ready"} and runs:
        return {"running": True, "status": "ready"}
    if not runs:
        raise errors.bad("The app is not running")
    if asked.fields.get("skipResponse"):
        return DONE
    return {"echo": {name: asked.fields.get(name) for name in ("command", "context", "state")}}


# Data and output


def get_data(asked: Asked) -> Any:
    """Fields that nobody has set are left out."""
    task, wanted = asked.task("taskId"), asked.fields.get("fields")
    if not isinstance(wanted, list):
        raise errors.bad("fields should be a list")
    found = {path: fields.read(task.fields, path) for path in wanted}
    return {"result": {path: value for path, value in found.items() if value is not fields.ABSENT}}


def set_data(asked: Asked) -> Any:
    task = asked.task("taskId", write=True)
    for item in asked.objects("fields"):
        if "payload" not in item:
            raise errors.bad("a field has no payload")
        how = {name: bool(item.get(name)) for name in ("append", "recursive")}
        fields.write(task.fields, item.get("field"), item["payload"], **how)
    return DONE


def set_app_data(asked: Asked) -> Any:
    task, payload = asked.task("taskId", write=True), asked.object("payload")
    operations, state = payload.get("data") or [], payload.get("state") or {}
    if not isinstance(state, dict) or not isinstance(operations, list):
        raise errors.bad("payload.data should be a list and payload.state an object")
    fields.patch(task.fields["data"], operations)
    task.fields["state"].update(state)
    return DONE


def set_output(asked: Asked) -> Any:
    task = asked.task("taskId", write=True)
    task.outputs.update(asked.object("output"))
    task.touch()
    return DONE


def update_meta(asked: Asked) -> Any:
    task = asked.task(write=True)
    task.told.update({name: value for name, value in asked.fields.items() if name != "id"})
    task.touch()
    return DONE


def add_logs(asked: Asked) -> Any:
    """Records name their task; those that do not are the caller's."""
    for record in asked.objects("logs"):
        task = _writer(asked, record)
        stamp = record.get("timestamp")
        if not isinstance(stamp, str):
            raise errors.bad("a record has no timestamp")
        task.lines.append({"level": "info", "message": "", **record, "task_id": task.id})
    return DONE


def _writer(asked: Asked, record: Record) -> Task:
    number = record.get("task_id")
    task = asked.state.task(number) if isinstance(number, int) else asked.caller_task()
    if task is None:
        raise errors.bad("a record has no task_id")
    asked.state.people.check(asked.user, task.place.team, write=True)
    return task


# Files


def known_hashes(asked: Asked) -> Any:
    """Which of the hashes in a bare array the server has."""
    if not isinstance(asked.body, list):
        raise errors.bad("the body is no array")
    return [sha for sha in asked.body if sha in asked.state.blobs]


def add_by_hash(asked: Asked) -> Any:
    task = asked.task("taskId", write=True)
    for file in asked.objects("files"):
        body = asked.state.blobs.get(str(file.get("hash")))
        if body is None:
            raise errors.missing("File")
        task.files[str(file.get("name"))] = body
    return DONE


def upload(asked: Asked) -> Any:
    """Pairs of parts, `i` and `i-file`; only the header x-task-id tells whose they are."""
    task = asked.caller_task()
    parts = {part.name: part for part in asked.parts()}
    for name in [name for name in parts if not name.endswith("-file")]:
        about, held = _about(parts[name]), parts.get(f"{name}-file")
        if held is None or files.sha(held.body) != about.get("hash"):
            raise errors.bad(f"part {name}: no file, or its hash is another")
        asked.state.blobs[about["hash"]] = held.body
        if task:
            task.files[about.get("fullpath", name)] = held.body
    return DONE


def _about(part: Part) -> dict[str, str]:
    try:
        return msgspec.json.decode(part.body, type=dict[str, str])
    except msgspec.DecodeError:
        raise errors.bad(f"part {part.name} tells no fullpath and hash") from None


CONTROL: dict[str, Handler] = {
    "tasks.run.app": run_app,
    "tasks.stop": stop,
    "tasks.resume": resume,
    "tasks.status.update": update_status,
    "tasks.request.direct": request_direct,
    "tasks.data.set": set_data,
    "tasks.app-v2.data.set": set_app_data,
    "tasks.output.set": set_output,
    "tasks.meta.update": update_meta,
    "tasks.logs.add": add_logs,
    "tasks.files.bulk.add-by-hash": add_by_hash,
    "tasks.files.bulk.upload": upload,
}

READS: dict[str, Handler] = {"tasks.data.get": get_data, "images.internal.hashes.list": known_hashes}
