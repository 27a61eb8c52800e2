"""The long texts a job carries on this platform: its model, runtime and steps (paper 3.5)."""

from __future__ import annotations

import hashlib
from typing import Any

from swnb.sandbox.starwhale.people import User
from swnb.sandbox.starwhale.render import Vo, seconds, user_vo
from swnb.sandbox.world import Job, Project

SYSTEM_COLUMNS = (
    *("sys/job_comment", "sys/dataset_uris", "sys/_dataset_uris", "sys/dev_way"),
    *("sys/finished_time", "sys/duration_ms"),
)
"""Columns of a summary that are there even where no job has a value for them."""

_META = """artifacts:
  dependencies: []
  files: []
  runtime_yaml: runtime.yaml
  wheels: []
base_image: python:3.11-slim
build:
  os: Linux
  sw_version: 0.6.15
configs:
  conda:
    channels:
    - conda-forge
    condarc: {}
  docker:
    image: ''
dependencies:
  conda_files: []
  local_packaged_env: false
  pip_files: []
  pip_pkgs: []
  raw_deps: []
environment:
  arch: []
  auto_lock_dependencies: false
  mode: venv
  python: '3.11'
  lock:
    env_name: ''
    files: []
    shell:
      python_env: system
      python_version: 3.11.7
      use_conda: false
      use_venv: false
    starwhale_version: 0.6.15
    system: Linux
version: """


def version_id(*parts: object) -> str:
    """A 40-character version that depends on its parts alone."""
    text = hashlib.sha256(repr(parts).encode()).hexdigest()
    return text[:40].translate(str.maketrans("0189", "wxyz"))


def lasting(project: Project, job: Job, owner: User) -> Vo:
    """What of a job does not move with the clock."""
    made = seconds(project.created)
    model, version = f"{project.name}-net", version_id("model", project.id)
    who = user_vo(owner)
    return {
        "exposedLinks": [],
        "id": str(job.id),
        "uuid": job.uuid,
        "modelName": model,
        "modelVersion": version,
        "model": {
            "id": str(project.id),
            "name": model,
            "createdTime": made,
            "owner": who,
            "version": _version(project.id, version, made) | {"stepSpecs": _specs(project, job), "draft": False},
        },
        "jobName": job.name,
        "jobType": "EVALUATION",
        "datasets": None,
        "datasetList": [_dataset(project, made)],
        "runtime": _runtime(project, made, who),
        "isBuiltinRuntime": False,
        "device": None,
        "deviceAmount": None,
        "owner": who,
        "stepSpec": step_text(job),
        "resourcePool": "default",
    }


def step_text(job: Job) -> str:
    return "---\n" + "".join(
        f'- name: "{task.step}"\n  concurrency: 1\n  replicas: 1\n  needs: []\n  resources: []\n  expose: 0\n'
        f'  job_name: "{job.name}"\n  show_name: "predict"\n  require_dataset: false\n'
        for task in job.tasks
    )


def _version(number: int, name: str, made: int | None) -> Vo:
    return {
        "latest": True,
        "tags": None,
        "id": str(number),
        "name": name,
        "alias": "v1",
        "size": 6513,
        "createdTime": made,
        "owner": None,
        "shared": False,
        "builtInRuntime": None,
    }


def _specs(project: Project, job: Job) -> list[Vo]:
    names = sorted({other.name for other in project.jobs} | {job.name})
    common: dict[str, Any] = {"concurrency": 1, "replicas": 1, "needs": [], "resources": [], "expose": 0}
    return [
        {"name": f"{name}:predict", **common, "job_name": name, "show_name": "predict", "require_dataset": False}
        for name in names
    ]


def _dataset(project: Project, made: int | None) -> Vo:
    name = version_id("dataset", project.id)
    table = f"project/{project.id}/dataset/{project.name}-test/_current/meta"
    version = _version(project.id, name, made) | {"meta": f"version: {name}\n", "indexTable": table}
    return {
        "id": str(project.id),
        "name": f"{project.name}-test",
        "createdTime": made,
        "owner": None,
        "version": version,
    }


def _runtime(project: Project, made: int | None, who: Vo) -> Vo:
    name = version_id("runtime", project.id)
    extra = {"runtimeId": str(project.id), "meta": _META + name, "image": "python:3.11-slim", "builtImage": None}
    version = _version(project.id, name, made) | extra
    return {"id": str(project.id), "name": "python-3.11", "createdTime": made, "owner": who, "version": version}


def system_columns(project: Project, job: Job, vo: Vo, owner: User) -> dict[str, Any]:
    """The `sys/` columns the server writes into a job's summary row (paper 5); None means absent."""
    runtime = vo["runtime"] or {"id": None, "name": None, "version": {"id": None, "name": None}}
    ended = vo["stopTime"] if vo["stopTime"] >= 0 else None
    return {
        "sys/id": job.id,
        "sys/name": job.name,
        "sys/project_id": project.id,
        "sys/model_name": vo["modelName"],
        "sys/model_version": vo["modelVersion"],
        "sys/model_uri": f"project/{project.name}/model/{vo['modelName']}/version/{vo['modelVersion']}",
        "sys/runtime_name": runtime["name"],
        "sys/runtime_version": runtime["version"]["name"],
        "sys/owner_id": owner.id,
        "sys/owner_name": owner.name,
        "sys/created_time": vo["createdTime"],
        "sys/modified_time": ended or vo["createdTime"],
        "sys/finished_time": ended,
        "sys/duration_ms": vo["duration"] if ended else None,
        "sys/job_status": vo["jobStatus"],
        "sys/job_type": vo["jobType"],
        "sys/job_comment": job.config.get("comment"),
        "sys/resource_pool": vo["resourcePool"],
        "sys/result_output_path": f"starwhale/controller/resultMetrics/{job.uuid[:2]}/{job.uuid}",
        "sys/step_spec": vo["stepSpec"],
    }
