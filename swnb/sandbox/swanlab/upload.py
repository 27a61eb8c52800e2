"""The upload side: what `swanlab.init`, `log`, `finish` and `sync` send (paper 6)."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from swnb.sandbox.swanlab import errors, shapes
from swnb.sandbox.swanlab.asked import Asked, objects, reply, route
from swnb.sandbox.swanlab.curves import base36
from swnb.sandbox.swanlab.runs import COLORS, Column, Line, Media, StoredRun
from swnb.sandbox.swanlab.state import Project, State

KINDS = {"SYSTEM": "FLOAT"}


def routes(state: State) -> list[Route]:
    project = "/project/{ws}/{project}"
    return [
        route(state, "POST", "/house/metrics", metrics),
        route(state, "POST", "/house/experiments/{run}/heartbeat", heartbeat),
        route(state, "POST", project + "/experiment", begin),
        route(state, "PUT", project + "/runs/{run}/profile", profile),
        route(state, "PUT", project + "/runs/{run}/state", end),
        route(state, "POST", "/projects/{ws}/{project}/series", series, new=True),
        route(state, "POST", "/experiment/{run}/columns", columns),
    ]


def begin(asked: Asked) -> Response:
    """201 with a new run, 200 with the one to go on with. A writer that comes later displaces the one before."""
    project = asked.project(write=True)
    cuid = asked.fields.get("cuid")
    found = _resumed(asked, project, str(cuid)) if cuid else None
    run = found or _new_run(asked, project, cuid)
    run.flag = secrets.token_hex(8)
    run.end("RUNNING", asked.state.now)
    return reply(shapes.run(asked.state, run), 200 if found else 201)


def _resumed(asked: Asked, project: Project, cuid: str) -> StoredRun | None:
    state = asked.state
    if cuid in state.deleted:
        raise errors.disabled(cuid)
    found = state.held(cuid)
    if found is None:
        return None
    if found[0] is not project:
        raise errors.Refused(409, "The experiment belongs to another project")
    if found[1].root or not isinstance(found[1], StoredRun):
        raise errors.bad("A cloned experiment cannot be resumed")
    return found[1]


def _new_run(asked: Asked, project: Project, cuid: Any) -> StoredRun:
    fields = asked.fields
    own = str(cuid) if cuid else base36(secrets.randbits(128))
    run = StoredRun(
        cuid=own,
        slug=own if cuid else None,
        project_id=project.cuid,
        name=str(fields.get("name") or own),
        username=asked.user.username,
        created=_seconds(fields.get("createdAt"), asked.state.now),
        description=str(fields.get("description") or ""),
        labels=[str(label["name"]) for label in objects(fields.get("labels") or [], "labels")],
        cluster=str(fields.get("cluster") or ""),
        job_type=str(fields.get("job") or ""),
        colors=[str(color) for color in fields.get("colors") or COLORS[:2]],
    )
    asked.state.put_run(project, run)
    return run


def _seconds(text: Any, otherwise: float) -> float:
    """An ISO time with Z or an offset."""
    if not isinstance(text, str):
        return otherwise
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise errors.bad(f"{text} is no time") from None
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()


def _mine(asked: Asked, cuid: Any) -> StoredRun:
    """A run that may be written to."""
    _, run = asked.state.experiment(asked.user, cuid, write=True)
    if not isinstance(run, StoredRun):
        raise errors.forbidden("This run is made up")
    return run


def _displaced(asked: Asked, run: StoredRun) -> bool:
    """Whether another writer has taken the run over since this one began; newer clients do not say who they are."""
    flag = asked.request.headers.get("flagid")
    return flag is not None and flag != run.flag


def heartbeat(asked: Asked) -> Response:
    run = _mine(asked, asked.path("run"))
    return reply({}, 202 if _displaced(asked, run) else 200)


def profile(asked: Asked) -> Response:
    """Each part that is sent replaces the one before."""
    run = _mine(asked, asked.run(write=True)[1].cuid)
    run.kept = {**run.kept, **asked.fields}
    return reply({})


def end(asked: Asked) -> Response:
    run = _mine(asked, asked.run(write=True)[1].cuid)
    word = asked.fields.get("state")
    if word not in {"FINISHED", "CRASHED", "ABORTED"}:
        raise errors.bad(f"no state {word}")
    run.end(word, _seconds(asked.fields.get("finishedAt"), asked.state.now))
    return reply({})


def series(asked: Asked) -> Response:
    """Columns of a whole project; a run shows those in which it has something."""
    project = asked.project(write=True)
    for column in asked.items("series"):
        kind = str(column.get("type"))
        project.kinds[str(column.get("key"))] = KINDS.get(kind, kind)
    return reply({})


def columns(asked: Asked) -> Response:
    """Columns of one run, the way of older clients and older projects."""
    run = _mine(asked, asked.path("run"))
    if _displaced(asked, run):
        return reply({}, 202)
    for sent in objects(asked.body, "body"):
        key, name = str(sent.get("key")), sent.get("name")
        kind, group = str(sent.get("type")), str(sent.get("class") or "CUSTOM")
        run.name_column(Column(key, group, kind, asked.state.now, str(name or key)))
    return reply({}, 201)


# Points, lines, files


def metrics(asked: Asked) -> Response:
    run = _mine(asked, asked.fields.get("experimentId"))
    if _displaced(asked, run):
        return reply({}, 202)
    take = {"scalar": _scalars, "media": _media, "log": _lines}.get(str(asked.fields.get("type")))
    if take is None:
        raise errors.bad("no such type of metrics")
    take(asked, run, asked.items("metrics"))
    return reply({})


def _scalars(asked: Asked, run: StoredRun, sent: list[dict[str, Any]]) -> None:
    for each in sent:
        run.add_points(str(each["key"]), [(int(each["index"]), _value(each["data"]), _stamp(asked, each))])


def _value(data: Any) -> float:
    """A number, or its name: nan, INF …"""
    return float(data)


def _media(asked: Asked, run: StoredRun, sent: list[dict[str, Any]]) -> None:
    project = asked.state.experiment(asked.user, run.cuid)[0]
    for each in sent:
        key = str(each["key"])
        media = Media(int(each["index"]), list(each["data"]), list(each.get("more") or []))
        run.add_media(key, project.kinds.get(key, "TEXT"), media, asked.state.now)


def _lines(asked: Asked, run: StoredRun, sent: list[dict[str, Any]]) -> None:
    for each in sent:
        epoch = int(each.get("epoch") or len(run.console) + 1)
        line = Line(epoch, str(each.get("level") or "INFO"), str(each["message"]), _stamp(asked, each))
        run.console.setdefault(epoch, line)


def _stamp(asked: Asked, each: dict[str, Any]) -> int:
    return int(_seconds(each.get("create_time"), asked.state.now) * 1000)
