"""A job as the cluster keeps it (an instance record) and as clients get it: AppInfo (paper 1.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from swnb.sandbox.rayjobs import go
from swnb.sandbox.rayjobs.jobs import Job

Record = Mapping[str, Any]

#: word of the world -> (code, type) of the instance's state
CODES = {
    "created": (1, 0),
    "queued": (2, 0),
    "running": (3, 0),
    "stopping": (5, 0),
    "succeeded": (6, 1),
    "failed": (6, 2),
    "cancelled": (6, 6),
    "paused": (13, 0),
    "unknown": (8, 0),
}

STATUS = {1: "PENDING", 2: "PENDING", 3: "RUNNING", 5: "RUNNING", 11: "RUNNING"} | dict.fromkeys(
    (4, 7, 9, 10), "FAILED"
)
"""Of code 6 the type decides; all other codes have none."""

ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})

STOPPED_BY_HAND = "the job was manually stopped"
NODE = "node2-744947"
KEY = "/sn/instance/business/yrk/tenant/default/function/0-system-faasExecutorPosixCustom/version/$latest/defaultaz"


def record(job: Job, now: float) -> dict[str, Any]:
    """The instance record that the cluster would hold now."""
    word = job.status(now)
    code, type_ = CODES[word]
    begun = job.timeline.began("running", now)
    placed = begun is not None
    updated = job.timeline.ended(now) or begun
    message = STOPPED_BY_HAND if word == "cancelled" else job.error if word == "failed" else word
    return {
        "instanceID": job.id,
        "functionProxyID": NODE if placed else "",
        "runtimeAddress": "10.0.0.5:22773" if placed else "",
        "createOptions": options(job),
        "instanceStatus": {"code": code, "type": type_, "msg": message, "exitCode": job.exit_code(now) or 0},
        "extensions": {
            "createTimestamp": str(int(job.created)),
            "updateTimestamp": str(int(updated)) if updated else "",
            "pid": str(job.pid),
        }
        if placed
        else {"createTimestamp": str(int(job.created))},
    }


def options(job: Job) -> dict[str, str]:
    """How a submit's fields are stored. What was not made by this API has none."""
    if not job.id.startswith("app-"):
        return {}
    stored = {"ENTRYPOINT": job.entrypoint}
    if job.metadata:
        stored["USER_PROVIDED_METADATA"] = _text(job.metadata)
    if job.env:
        stored["DELEGATE_ENV_VAR"] = _text(job.env)
    if job.pip:
        stored["POST_START_EXEC"] = f"pip3.9 install {' '.join(job.pip)} && pip3.9 check"
    stored["DELEGATE_DOWNLOAD"] = go.encode({"storage_type": "working_dir", "code_path": job.working_dir}).decode()
    return stored


def _text(value: Mapping[str, str]) -> str:
    return go.encode(go.sorted_map(value)).decode()


def status(record: Record) -> str:
    state = record["instanceStatus"]
    if state["code"] == 6:
        return {1: "SUCCEEDED", 6: "STOPPED"}.get(state["type"], "FAILED")
    return STATUS.get(state["code"], "")


def app_info(record: Record, number: int, key: bool) -> bytes:
    """AppInfo in JSON, the fields in the struct's order; `key` first, where the server has it."""
    sid, stored, more = record["instanceID"], record.get("createOptions") or {}, record.get("extensions") or {}
    word = status(record)
    first = {"key": f"{KEY}/req{number:05d}/{sid}"} if key else {}
    return go.encode(
        {
            **first,
            "type": "SUBMISSION",
            "entrypoint": stored.get("ENTRYPOINT", ""),
            "submission_id": sid,
            "driver_info": {
                "id": sid,
                "node_ip_address": record["runtimeAddress"].split(":")[0],
                "pid": more.get("pid", ""),
            },
            "status": word,
            "start_time": more.get("createTimestamp", ""),
            "end_time": more.get("updateTimestamp", "") if word in ENDED else "",
            "metadata": _metadata(stored.get("USER_PROVIDED_METADATA")),
            "runtime_env": {
                "envVars": stored.get("DELEGATE_ENV_VAR", ""),
                "pip": stored.get("POST_START_EXEC", ""),
                "working_dir": _working_dir(stored.get("DELEGATE_DOWNLOAD")),
            },
            "driver_agent_http_address": "",
            "driver_node_id": record["functionProxyID"],
            "driver_exit_code": record["instanceStatus"]["exitCode"],
            "error_type": record["instanceStatus"]["msg"] if word in {"FAILED", "STOPPED"} else "",
        }
    )


def _metadata(stored: str | None) -> dict[str, str] | None:
    """Null when none was given, or when what is stored is no object of strings."""
    value = _json(stored)
    if not isinstance(value, dict) or not all(isinstance(cell, str) for cell in value.values()):
        return None
    return go.sorted_map(value)


def _working_dir(stored: str | None) -> str:
    value = _json(stored)
    return str(value.get("code_path", "")) if isinstance(value, dict) else ""


def _json(stored: str | None) -> Any:
    try:
        return json.loads(stored or "null")
    except ValueError:
        return None
