"""Wire records of a Supervisely server as model records (supervisely paper 2, 3 and 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from swnb.call import Reply
from swnb.model import JobInfo, ProjectInfo, Status
from swnb.providers.reading import field, inner, iso_time, text, whole

Json = Mapping[str, Any]

_STATUS: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "consumed": Status.QUEUED,
    "started": Status.RUNNING,
    "deployed": Status.RUNNING,
    "terminating": Status.STOPPING,
    "error": Status.FAILED,
    "finished": Status.SUCCEEDED,
    "stopped": Status.CANCELLED,
}
_EXPERIMENT: Final = ("experiment_name", "framework_name", "model_name", "task_type")
_SECRET: Final = re.compile(r"(?i:token)(?![a-z])|(?i:secret|passw(or)?d|api_?key|credential)")  # no tokenizer
_NOTHING: Final = timedelta()


def status_of(word: object) -> Status:
    return _STATUS.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def words_of(wanted: frozenset[Status]) -> tuple[str, list[str]]:
    """Operator and words of the filter that these statuses are to the server. A word that nobody knows yet is unknown,
    so then it is those that are not wanted."""
    others = Status.UNKNOWN in wanted
    return "!in" if others else "in", [word for word, status in _STATUS.items() if (status in wanted) != others]


def text_id(record: Any, reply: Reply) -> str:
    """Ids are whole numbers; decimal texts are taken too."""
    id_ = str(field(record, "id", (int, str), reply))
    if not re.fullmatch("[0-9]{1,18}", id_):
        raise reply.odd(f"{id_[:40]!r} is no id")
    return id_


def project_info(record: Any, reply: Reply, team: Json) -> ProjectInfo:
    """A workspace of ``team``."""
    id_ = text_id(record, reply)
    return ProjectInfo(
        id=id_,
        name=text(record.get("name")) or id_,
        owner=text(team.get("name")),
        created=iso_time(record.get("createdAt"), f"createdAt of workspace {id_}"),
        description=text(record.get("description")),
        own={
            "teamId": team.get("id"),
            "role": team.get("role"),
            "updatedAt": iso_time(record.get("updatedAt"), f"updatedAt of workspace {id_}"),
        },
        raw=record,
    )


def job_info(record: Any, reply: Reply, address: str, workspace: str) -> JobInfo:
    """``workspace`` is the one that was asked, "" where none was; a record that names its own is believed.

    A task has no time of its making, so it counts as made when it was started.
    """
    id_ = text_id(record, reply)
    word = text(record.get("status")) or ""
    status = status_of(word)
    started = iso_time(record.get("startedAt"), f"startedAt of task {id_}")
    finished = iso_time(record.get("finishedAt"), f"finishedAt of task {id_}") if status.final else None
    named = whole(record.get("workspaceId"))
    return JobInfo(
        id=id_,
        project=workspace if named is None else str(named),
        name=_label(record, id_),
        status=status,
        raw_status=word,
        created=started,
        started=started,
        finished=finished,
        elapsed=max(finished - started, _NOTHING) if finished and started else None,
        owner=text(record.get("userLogin")),
        error=_error(record),
        url=f"{address}/apps/sessions/{id_}",
        own=_own(record),
        config=_config(record),
        raw=record,
    )


def _label(record: Json, id_: str) -> str:
    """A task has no name, but a session may have one, and so has its app."""
    meta = inner(record, "meta")
    names = (meta.get("name"), inner(meta, "app").get("name"), record.get("description"))
    return next(filter(None, map(text, names)), f"{text(record.get('type')) or 'task'} #{id_}")


def _error(record: Json) -> str | None:
    shown = inner(record, "meta", "output", "general")
    if shown.get("isError") is not True:
        return None
    return ": ".join(filter(None, (text(shown.get("title")), text(shown.get("description"))))) or None


def _own(record: Json) -> dict[str, Any]:
    """The further fields by their own names. The session's token, which opens the running app, is not among them."""
    app, output = inner(record, "meta", "app"), inner(record, "meta", "output")
    experiment, project = experiment_of(record), inner(output, "project")
    return {
        "type": text(record.get("type")),
        "description": text(record.get("description")),
        "app": text(app.get("name")),
        "appVersion": text(app.get("version")),
        "moduleId": whole(app.get("moduleId")),
        "agentName": text(record.get("agentName")),
        "projectId": _project_id(record),
        "projectTitle": text(project.get("title")),
        "output": text(inner(output, "general").get("title")),
        **{name: text(experiment.get(name)) for name in _EXPERIMENT},
        "tensorboard": text(inner(experiment, "logs").get("link")),
    }


def _project_id(record: Json) -> int | None:
    """The images that a task is about; it has no such field of its own."""
    found = (
        inner(record, "meta", "output", "project").get("id"),
        experiment_of(record).get("project_id"),
        inner(record, "meta", "params", "state").get("slyProjectId"),
    )
    return next((id_ for id_ in map(whole, found) if id_ is not None), None)


def experiment_of(record: Json) -> Json:
    """What a training wrote about itself; empty where this task is none."""
    return inner(record, "meta", "output", "experiment", "data")


def _config(record: Json) -> dict[str, Any]:
    """The arguments that the task was launched with."""
    launched = inner(record, "meta", "params", "state") or inner(record, "settings", "message", "state")
    found: dict[str, Any] = masked(launched)
    return found


def masked(value: Any) -> Any:
    """Nested values with stars for the texts whose name says that they are secret."""
    if isinstance(value, Mapping):
        return {k: "****" if isinstance(v, str) and _SECRET.search(str(k)) else masked(v) for k, v in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value
