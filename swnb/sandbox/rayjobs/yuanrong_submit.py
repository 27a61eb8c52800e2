"""What may be submitted to openYuanRong: the checks in the server's order, with its words (paper 1.4)."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import parse_qsl

from swnb.sandbox.rayjobs import go
from swnb.sandbox.rayjobs.jobs import Job
from swnb.sandbox.world import Timeline

RUNTIME_ENV = {"working_dir": "string", "env_vars": "map[string]string", "pip": "[]string"}
REQUEST: dict[str, Any] = {
    "entrypoint": "string",
    "runtime_env": ("RuntimeEnv", RUNTIME_ENV),
    "submission_id": "string",
    "metadata": "map[string]string",
    "entrypoint_num_cpus": "float64",
    "entrypoint_num_gpus": "float64",
    "entrypoint_memory": "int",
    "entrypoint_resources": "map[string]float64",
    "labels": "string",
    "createOptions": "map[string]string",
}
PATTERN = "^[a-z0-9-]{1,64}$"


class Refused(Exception):
    """The text of a 400."""


def read(kind: str, query: str, body: bytes, *, newer: bool) -> dict[str, Any]:
    """The fields of a submit, all checks passed, `submission_id` as it will be, `named` if it was asked for.

    `newer` servers know function_id.
    """
    is_json = kind.partition(";")[0].strip() == "application/json"
    fields = _json(body, newer) if is_json else _form(kind, query, body)
    if not fields.get("entrypoint"):
        raise Refused("entrypoint should not be empty")
    if not fields.get("runtime_env", {}).get("working_dir"):
        raise Refused("runtime_env.working_dir should not be empty")
    for name in ("num_cpus", "num_gpus", "memory"):
        if fields.get(f"entrypoint_{name}", 0) < 0:
            raise Refused(f"entrypoint_{name} should not be less than 0")
    fields["named"] = bool(fields.get("submission_id"))
    fields["submission_id"] = _id(fields.get("submission_id", ""))
    return fields


def _json(body: bytes, newer: bool) -> dict[str, Any]:
    shape = REQUEST | ({"function_id": "string"} if newer else {})
    try:
        return go.Reader("job").struct(go.decode(body), "SubmitRequest", shape)
    except go.BadJson as bad:
        raise Refused(f"shouldBind SubmitJob request failed, err: {bad}") from None


def _form(kind: str, query: str, body: bytes) -> dict[str, Any]:
    """Any other type than JSON is read as a form, the query included."""
    text = body.decode("utf-8", "replace") if kind.startswith("application/x-www-form-urlencoded") else ""
    form = dict(parse_qsl(query) + parse_qsl(text))
    fields: dict[str, Any] = {name: form[name] for name in ("entrypoint", "submission_id") if name in form}
    return fields | {"runtime_env": {"working_dir": form.get("working_dir", "")}}


def _id(asked: str) -> str:
    if not asked:
        return f"app-{uuid.uuid4()}"
    if "driver" in asked:
        raise Refused("submission_id should not contain 'driver'")
    sid = asked if asked.startswith("app-") else f"app-{asked}"
    if not re.fullmatch(PATTERN[1:-1], sid):
        raise Refused(f"regular expression validation error, submissionId: {sid}, pattern: {PATTERN}, err: <nil>")
    return sid


def job(fields: dict[str, Any], number: int, now: float) -> Job:
    env = fields["runtime_env"]
    made = Job(fields["submission_id"], number, Timeline([(now, "created")]), fields["entrypoint"])
    made.metadata = fields.get("metadata") or None
    made.env, made.pip, made.working_dir = env.get("env_vars", {}), env.get("pip", []), env["working_dir"]
    return made
