"""The world's jobs as tasks: which app they were, what they were started with and what came out (paper 3.2, 3.3)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from swnb.sandbox.supervisely.people import People, Record, Workspace, secret
from swnb.sandbox.supervisely.shelf import VERSION, Shelf
from swnb.sandbox.supervisely.tasks import Task
from swnb.sandbox.world import Job

FIRST_TASK = 70_000
MODELS = 2_000
PLUGIN = 33


def adopt(job: Job, place: Workspace, people: People, shelf: Shelf) -> Task:
    """The job as a task of that workspace: a session of an app, or one of the old plugins' trainings (`train`)."""
    slug = _slug(job)
    kind = {"export-archive": "export", "": "train"}.get(slug, "app")
    project = next(each for each in shelf.projects if each["workspaceId"] == place.id)
    task = Task(
        id=FIRST_TASK + job.id,
        kind=kind,
        timeline=job.timeline,
        place=place,
        user=people.users[1 if job.owner == "guest1" else 0],
        agent=next(agent for agent in people.agents if agent.team is place.team),
        description=job.comment or "",
        error=next((part.error for part in job.tasks if part.error), None),
        job=job,
        pace=_pace(job),
    )
    state = {"slyProjectId": project["id"], **job.config}
    task.launch = (
        _plugin(job, state) if kind == "train" else launched(shelf.app(place.team, slug), job.name, state, task.id)
    )
    task.results = _results(task, job, slug, project)
    return task


def _pace(job: Job) -> float:
    """From the story as it is told first: stopping the task must not move what it has written."""
    end, begun = job.timeline.steps[-1][0], next((at for at, word in job.timeline.steps if word == "running"), 0.0)
    made = job.tables["train"].length(end) if "train" in job.tables else 0
    return max(end - begun, 1.0) / max(made, 1)


def _slug(job: Job) -> str:
    """By the name; empty for a training that knew no apps."""
    if job.timeline.steps[-1][1] == "unknown":
        return "serve-model"
    heads = {"augment": "export-archive", "sweep": "", "detect": "train-detector", "evaluate": "evaluate-model"}
    return heads.get(job.name.partition("-")[0], "train-classifier")


def launched(
    app: Record, name: str, state: Record, number: int, *, version: str = VERSION, branch: bool = False
) -> Record:
    """The meta of a session of an app."""
    about = {"id": app["id"], "moduleId": app["moduleId"], "name": app["name"], "version": version, "isBranch": branch}
    token = secret("session", number)[:64]
    return {"app": about, "name": name, "sessionToken": token, "params": {"state": state}}


def _plugin(job: Job, state: Record) -> Record:
    source = {"model": {"id": MODELS}, "isExternal": True, "pluginVersionId": PLUGIN}
    return {"name": job.name, "input": source, "params": {"state": state}}


def _results(task: Task, job: Job, slug: str, project: Record) -> Record:
    about = {"id": project["id"], "title": project["name"]}
    if task.kind == "train":
        return {"model": {"id": MODELS + job.id}, "pluginVersionId": PLUGIN, "project": about}
    if task.kind == "export":
        name = f"{task.id}_{project['name']}.tar"
        return {"archive": {"name": name, "path": f"/tmp/export/{name}"}, "project": about}  # noqa: S108 - a server's
    if not slug.startswith("train"):
        return {"project": about}
    return {"project": about, "experiment": {"data": experiment(task, job, project)}}


def experiment(task: Task, job: Job, project: Record) -> Record:
    """An ExperimentInfo, whole; some trainings were never measured."""
    metrics = _metrics(job)
    framework = "YOLO" if job.name.startswith("detect") else "TIMM"
    folder = f"/experiments/{project['id']}_{project['name']}/{task.id}_{framework}/"
    ended = datetime.fromtimestamp(job.timeline.steps[-1][0], timezone.utc)
    report = 900_000 + task.id if metrics else None
    return {
        "experiment_name": f"{task.id} {job.name}",
        "framework_name": framework,
        "model_name": f"{framework}-S",
        "task_type": "object detection" if framework == "YOLO" else "classification",
        "project_id": project["id"],
        "task_id": task.id,
        "model_files": {"config": "model_config.yaml"},
        "model_meta": "model_meta.json",
        "checkpoints": ["checkpoints/best.pth", "checkpoints/last.pth"],
        "best_checkpoint": "best.pth",
        "hyperparameters": "hyperparameters.yaml",
        "artifacts_dir": folder,
        "base_checkpoint": f"{framework.lower()}-s.pth",
        "base_checkpoint_link": None,
        "app_state": "app_state.json",
        "train_val_split": "train_val_split.json",
        "export": {"ONNXRuntime": "export/best.onnx"} if job.id % 2 else None,
        "train_size": 800,
        "val_size": 200,
        "train_collection_id": None,
        "val_collection_id": None,
        "datetime": f"{ended:%Y-%m-%d %H:%M:%S}",
        "experiment_report_id": report,
        "evaluation_report_id": report,
        "evaluation_report_link": f"/model-benchmark?id={report}" if report else None,
        "evaluation_metrics": metrics,
        "logs": {"type": "tensorboard", "link": f"{folder}logs/"},
        "project_version": project["version"],
        "primary_metric": "mAP" if framework == "YOLO" else "accuracy",
        "device": "cuda:0",
        "training_duration": round(job.timeline.steps[-1][0] - job.created, 3),
    }


def _metrics(job: Job) -> dict[str, Any] | None:
    """Flat numbers and one object by class; null or empty where no benchmark ran."""
    if job.id % 11 in {3, 5}:
        return None if job.id % 11 == 3 else {}
    made = {name: value for name, value in job.summary.items() if isinstance(value, (int, float))}
    if job.name.startswith("detect") and made:
        best = made["accuracy"]
        made |= {"mAP": round(best * 0.7, 4), "AP50": best, "AP75": round(best * 0.8, 4)}
    classes = job.summary.get("report")
    return made | ({"per_class": classes} if classes else {})
