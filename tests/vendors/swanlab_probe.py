"""What a SwanLab SDK reads from a server, as one canonical JSON document on stdout.

Each ``probe_`` function takes the class to read with, so that the very same lines are also run with swnb's surface.

Run by the SDK's own python, in a process of its own, with HOME at a scratch folder and, for OpenApi, the server in
SWANLAB_API_HOST:  swanlab_probe.py openapi|old|new URL KEY WORKSPACE/PROJECT/RUN. Needs the SDK and its pandas alone.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import urllib.request
from typing import Any

os.environ.setdefault("NO_PROXY", "127.0.0.1")

KEYS = ["train/loss", "val/accuracy", "lr", "val/f1 宏", "train/grad_norm"]
EXPERIMENT = ("cuid", "name", "description", "state", "show", "createdAt", "finishedAt", "user", "profile")
PROJECT = ("cuid", "name", "description", "visibility", "createdAt", "updatedAt", "group", "count")


def plain(value: Any) -> Any:
    """A value in JSON, told apart by `$` keys where JSON has no word for it; columns of a frame by name."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"$float": repr(value)} if isinstance(value, float) and not math.isfinite(value) else value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return {"$frame": {name: plain(value[name].tolist()) for name in value.columns}, "index": value.index.tolist()}
    return plain(value.model_dump() if hasattr(value, "model_dump") else vars(value))


def reply(response: Any) -> dict[str, Any]:
    """An ApiResponse."""
    return {"code": response.code, "errmsg": response.errmsg, "data": plain(response.data)}


def part(response: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """An ApiResponse that holds one model, or a list of them: the fields of these names."""
    many = response.data if isinstance(response.data, list) else [response.data]
    items = [{name: plain(item[name]) for name in names} for item in many]
    data = items if isinstance(response.data, list) else items[0]
    return {"code": response.code, "errmsg": response.errmsg, "data": data}


def failure(call: Any) -> str:
    """The name of the error that a call ends in."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "no error"


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return str(answer.read().decode())


def probe_openapi(OpenApi: Any, key: str, project: str, run: str) -> dict[str, Any]:
    """The methods of 0.7 that read, on a project of the caller's own; then those that delete, on what is not there."""
    api = OpenApi(api_key=key)
    return {
        "workspaces": reply(api.list_workspaces()),
        "projects": part(api.list_projects(), PROJECT),
        "projects without detail": part(api.list_projects(detail=False), PROJECT),
        "projects of a team": part(api.list_projects(username="vision-lab"), PROJECT),
        "projects of nobody": reply(api.list_projects(username="nobody")),
        "experiments": part(api.list_experiments(project=project), EXPERIMENT),
        "experiments of no project": reply(api.list_experiments(project="nix")),
        "experiment": part(api.get_experiment(project=project, exp_id=run), EXPERIMENT),
        "no experiment": reply(api.get_experiment(project=project, exp_id="nix")),
        "summary": reply(api.get_summary(project=project, exp_id=run)),
        "no summary": reply(api.get_summary(project=project, exp_id="nix")),
        "metrics": reply(api.get_metrics(exp_id=run, keys=KEYS)),
        "metrics of one key": reply(api.get_metrics(exp_id=run, keys="train/loss")),
        # 0.7 names these columns wrongly when a set's order, which is chance, puts the missing key first.
        "metrics with a key that is not there": reply(api.get_metrics(exp_id=run, keys=["lr", "nix"])),
        "no metrics": reply(api.get_metrics(exp_id=run, keys=["nix"])),
        "delete nothing": reply(api.delete_experiment(project=project, exp_id="nix")),
        "delete no project": reply(api.delete_project(project="nix")),
    }


def probe_old(Api: Any, url: str, key: str, path: str) -> dict[str, Any]:
    """`Api` of 0.7.7 to 0.7.20, on the run at `path`: WORKSPACE/PROJECT/RUN."""
    api = Api(api_key=key, host=url)
    one = api.run(path)
    path = path.rpartition("/")[0]
    workspace = path.partition("/")[0]
    ended = {"state": "FINISHED", "config.batch_size": "64"}
    return {
        "workspaces": [plain(space.json()) for space in api.workspaces()],
        "projects": [plain(each.json()) for each in api.projects(workspace)],
        "project": plain(api.project(path).json()),
        "runs": [each.id for each in api.runs(path)],
        "runs that match": [each.id for each in api.runs(path, filters=ended)],
        "run": plain(one.json()),
        "metrics": plain(one.metrics(KEYS)),
        "user": plain(api.user().json()),
    }


def probe_new(Api: Any, url: str, key: str, path: str) -> dict[str, Any]:
    """`Api` of 0.8.0 and later, on the run at `path`: WORKSPACE/PROJECT/RUN; ends with deleting it."""
    api = Api(api_key=key, host=url)
    one = api.run(path)
    series = api.series(path)
    system = api.series(path, metric_class="SYSTEM")
    path = path.rpartition("/")[0]
    workspace = path.partition("/")[0]
    found = {
        "username": api.username,
        "workspace": plain(api.workspace().json()),
        "workspaces": [plain(space.json()) for space in api.workspaces()],
        "projects": [plain(each.json()) for each in api.projects(workspace)],
        "project": plain(api.project(path).json()),
        "runs": [each.run_id for each in api.runs(path)],
        "runs that match": [each.run_id for each in api.runs(path, filters=MATCH)],
        "runs in pages": [each.run_id for each in api.runs_get(path, size=10, all=True)],
        "run": plain(one.json()),
        "sampled": plain(one.metrics(KEYS, sample=50)),
        "by time": plain(one.metrics(["lr"], sample=50, x_axis="relative_time")),
        "along": plain(one.metrics(["lr"], sample=50, x_axis="val/accuracy")),
        "all": plain(one.metrics(KEYS, all=True)),
        "range": plain(one.metrics(["train/loss"], range_query={"type": "step", "start": 10, "end": 19})),
        "summary": plain(one.summary()),
        "summary of one": plain(one.summary(keys=["lr"])),
        "series": [each.key for each in series],
        "available": plain(series.availability(["lr", "nix"])),
        "system": [each.key for each in system],
        "logs": plain(one.logs()),
        "log file": fetched(one.export_logs().data["url"]),
        "user": plain(api.user().json()),
        "no run": failure(lambda: api.run(f"{path}/nix").json()),
    }
    one.delete(commit=True)
    return {**found, "after deleting": [each.run_id for each in api.runs(path)]}


MATCH = [
    {"key": "state", "type": "STABLE", "op": "EQ", "value": ["FINISHED"]},
    {"key": "batch_size", "type": "CONFIG", "op": "IN", "value": [64, 128]},
    {"key": "train/loss", "type": "SCALAR", "op": "LTE", "value": [10]},
]


def main(kind: str, url: str, key: str, path: str) -> dict[str, Any]:
    import swanlab

    if kind == "openapi":
        return probe_openapi(swanlab.OpenApi, key, *path.split("/")[1:])
    return {"old": probe_old, "new": probe_new}[kind](swanlab.Api, url, key, path)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        document = main(*sys.argv[1:5])
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)
