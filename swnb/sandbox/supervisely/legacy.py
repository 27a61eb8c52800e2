"""What only SDKs up to 6.73.357 call: models, plugin tasks, their metrics and checkpoints, imports (paper 4.4)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from swnb.sandbox.supervisely import errors, jobs, logs
from swnb.sandbox.supervisely.asked import Asked, Handler
from swnb.sandbox.supervisely.control import DONE
from swnb.sandbox.supervisely.listing import of_records
from swnb.sandbox.supervisely.people import Record, Workspace, iso
from swnb.sandbox.supervisely.tasks import Task

MODELS = of_records("id name createdAt updatedAt", "id name taskId")


# What a training has made


def metrics(asked: Asked) -> Any:
    """Records of train and val by epoch, as in the log (our own shape, paper 6). Empty for other tasks."""
    task = asked.task("taskId") if asked.fields.get("taskId") is not None else _trained(asked, asked.number("modelId"))
    records = logs.log(task, asked.state.now) if task.kind == "train" else []
    wanted = "type", "epoch", "metrics"
    return [{name: record.get(name) for name in wanted} for record in records if record["message"] == "metrics"]


def checkpoints(asked: Asked) -> Any:
    return _checkpoints(_train(asked), asked.state.now)


def clear(asked: Asked) -> Any:
    """Leaves the best, which is the last."""
    _train(asked, write=True).cleared = True
    return DONE


def _train(asked: Asked, *, write: bool = False) -> Task:
    task = asked.task(write=write)
    if task.kind != "train":
        raise errors.bad("The task is no training")
    return task


def _checkpoints(task: Task, now: float) -> list[Record]:
    made = [(step, at) for step, at in logs.steps(task, now) if step % (5 * logs.EPOCH) == 0]
    return [
        {
            "id": task.id * 10 + step // (5 * logs.EPOCH),
            "status": "uploaded",
            "modelTitle": f"{task.launch.get('name', 'model')}_{step // logs.EPOCH:03d}",
            "createdAt": iso(at),
            **logs.checkpoint(step),
        }
        for step, at in (made[-1:] if task.cleared else made)
    ]


# Models: what trainings left, and the one they began with


def model_info(asked: Asked) -> Any:
    return _model(asked, _trained(asked, asked.number("id")))


def models(asked: Asked) -> Any:
    place = asked.workspace()
    ended = [task for task in asked.state.tasks_of(place) if _has_model(asked, task)]
    return MODELS.page([_model(asked, task) for task in ended], asked.fields)


def deployed(asked: Asked) -> Any:
    """The tasks that serve the model, as a bare array."""
    model = _trained(asked, asked.number("id")).results["model"]["id"]
    serving = [task for task in asked.state.tasks.values() if task.launch.get("serves") == model]
    return [
        {"id": task.id}
        for task in serving
        if task.status(asked.state.now) in {"queued", "consumed", "started", "deployed"}
    ]


def _has_model(asked: Asked, task: Task) -> bool:
    return "model" in task.results and task.status(asked.state.now) == "finished"


def _trained(asked: Asked, model: int) -> Task:
    """The training that made it; 404 before it has ended."""
    task = asked.state.task(jobs.FIRST_TASK + model - jobs.MODELS)
    if not _has_model(asked, task):
        raise errors.missing("Model")
    asked.state.people.check(asked.user, task.place.team)
    return task


def _model(asked: Asked, task: Task) -> Record:
    at = task.finished(asked.state.now)
    return {
        "id": task.results["model"]["id"],
        "name": task.launch["name"],
        "description": "",
        "config": {},
        "hash": f"model-{task.id}",
        "onlyTrain": False,
        "pluginId": jobs.PLUGIN,
        "pluginVersion": "v1",
        "size": "44000000",
        "weightsLocation": "uploaded",
        "readme": "",
        "taskId": task.id,
        "userId": task.user.id,
        "teamId": task.place.team.id,
        "workspaceId": task.place.id,
        "createdAt": at,
        "updatedAt": at,
    }


# Starting plugins


def run_dtl(asked: Asked) -> Any:
    if not isinstance(asked.fields.get("config"), list):
        raise errors.bad("config should be a list of layers")
    return _start(asked, asked.workspace(write=True), "export", "dtl")


def run_plugin(asked: Asked) -> Any:
    """In the workspace of the project it works on."""
    wanted = asked.fields.get("projects")
    number = wanted[0] if isinstance(wanted, list) and wanted else None
    project = next((each for each in asked.state.shelf.projects if each["id"] == number), None)
    if project is None:
        raise errors.missing("Project")
    return _start(asked, asked.state.workspace(project["workspaceId"]), asked.text("taskType"), asked.text("name"))


def run_deploy(asked: Asked) -> Any:
    model = _trained(asked, asked.number("modelId"))
    served = {"serves": model.results["model"]["id"]}
    return _start(asked, model.place, "inference", "deploy", seconds=0.0, **served)


def run_python(asked: Asked) -> Any:
    return _start(asked, asked.workspace(write=True), "python", "detached")


def _start(asked: Asked, place: Workspace, kind: str, name: str, *, seconds: float = 60.0, **launch: Any) -> Record:
    asked.state.people.check(asked.user, place.team, write=True)
    number = asked.fields.get("agentId") or asked.object("advanced", {}).get("agentId")
    agent = asked.state.agent(number) if number is not None else None
    state = asked.fields.get("config") or {}
    started = {"name": name, "params": {"state": state}, **launch}
    return {"taskId": asked.state.add_task(place, started, kind=kind, user=asked.user, agent=agent, seconds=seconds).id}


# Archives and imports


def upload_archive(asked: Asked) -> Any:
    parts = {part.name: part.body for part in asked.parts()}
    if not {"id", "name", "archive"} <= parts.keys() or not parts["id"].isdigit():
        raise errors.bad("the form needs id, name and archive")
    task = asked.state.task(int(parts["id"]))
    asked.state.people.check(asked.user, task.place.team, write=True)
    task.archives[parts["name"].decode()] = parts["archive"]
    return DONE


def import_list(asked: Asked) -> Any:
    return {"files": list(_imported(asked.task()))}


def import_file(asked: Asked) -> Any:
    body = _imported(asked.task()).get(asked.text("filename"))
    if body is None:
        raise errors.missing("File")
    return Response(body, media_type="application/octet-stream")


def _imported(task: Task) -> dict[str, bytes]:
    """Two made-up files, and what was uploaded."""
    made = {f"images/{number}.txt": f"picture {number} of task {task.id}\n".encode() for number in (1, 2)}
    return made | task.files


LEGACY_READS: dict[str, Handler] = {
    "tasks.train-metrics": metrics,
    "tasks.checkpoints.list": checkpoints,
    "tasks.import.files_list": import_list,
    "tasks.import.download_file": import_file,
    "models.info": model_info,
    "models.list": models,
    "models.info.deployed": deployed,
}

LEGACY_CONTROL: dict[str, Handler] = {
    "tasks.checkpoints.clear": clear,
    "tasks.run.dtl": run_dtl,
    "tasks.run.plugin": run_plugin,
    "tasks.run.deploy": run_deploy,
    "tasks.run.python": run_python,
    "tasks.upload.dtl_archive": upload_archive,
}
