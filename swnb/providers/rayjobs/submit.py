"""What a submit sends. What a server would take and misread, or drop in silence, is refused here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from swnb.errors import BadInput

_BOTH: Final = ("entrypoint", "submission_id", "runtime_env", "metadata")
_BOTH_SIZES: Final = ("entrypoint_num_cpus", "entrypoint_num_gpus", "entrypoint_memory", "entrypoint_resources")
_RAY: Final = frozenset({*_BOTH, *_BOTH_SIZES, "job_id", "entrypoint_label_selector"})
_YUANRONG: Final = frozenset({*_BOTH, *_BOTH_SIZES, "labels", "createOptions", "function_id"})
YUANRONG_ID: Final = re.compile(r"[a-z0-9-]{1,64}")


def ray_body(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Paper 2.3."""
    return _checked(spec, _RAY, "Ray")


def yuanrong_body(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Paper 1.4. An id is always sent, so that the job can be looked for when the answer does not come."""
    body = _checked(spec, _YUANRONG, "openYuanRong")
    _check_runtime(body.get("runtime_env") or {})
    for name in ("entrypoint_num_cpus", "entrypoint_num_gpus", "entrypoint_memory"):
        number = body.get(name, 0)
        if not isinstance(number, (int, float)) or number < 0:
            raise BadInput(f"{name} is a number from 0 on, not {number!r}")
    return {**body, "submission_id": _yuanrong_id(body.get("submission_id"))}


def _checked(spec: Mapping[str, Any], known: frozenset[str], platform: str) -> dict[str, Any]:
    if unknown := sorted(spec.keys() - known):
        raise BadInput(f"{platform} takes no {', '.join(unknown)}", todo=f"It takes: {', '.join(sorted(known))}")
    body = {name: value for name, value in spec.items() if value is not None}
    if not isinstance(body.get("entrypoint"), str) or not body["entrypoint"].strip():
        raise BadInput("the entrypoint, the command that the job runs, is missing")
    for name in ("runtime_env", "metadata"):
        if not isinstance(body.get(name, {}), Mapping):
            raise BadInput(f"{name} is a dict, not {type(body[name]).__name__}")
    _check_texts("metadata", body.get("metadata", {}))
    _check_texts('runtime_env["env_vars"]', body.get("runtime_env", {}).get("env_vars") or {})
    if "entrypoint_memory" in body:
        body["entrypoint_memory"] = _bytes(body["entrypoint_memory"])
    return body


def _check_texts(name: str, values: object) -> None:
    """Of a wrong value only its name and type are told: it may be a secret."""
    if not isinstance(values, Mapping):
        raise BadInput(f"{name} is a dict, not {type(values).__name__}")
    for key, value in values.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise BadInput(f"{name} holds texts only, and {str(key)!r} is {type(value).__name__}")


def _bytes(memory: object) -> int:
    """openYuanRong takes no number with a dot in it."""
    if isinstance(memory, (int, float)) and not isinstance(memory, bool) and int(memory) == memory:
        return int(memory)
    raise BadInput(f"entrypoint_memory is a whole number of bytes, not {memory!r}")


def _check_runtime(runtime: Mapping[str, Any]) -> None:
    if not isinstance(runtime.get("working_dir"), str) or not runtime["working_dir"]:
        raise BadInput(
            'openYuanRong wants runtime_env["working_dir"]', todo='As in {"working_dir": "file:///path/on/cluster.zip"}'
        )
    pip = runtime.get("pip")
    if pip is not None and not (isinstance(pip, (list, tuple)) and all(isinstance(each, str) for each in pip)):
        raise BadInput('runtime_env["pip"] is a list of requirements there')


def _yuanrong_id(given: object) -> str:
    """With the ``app-`` that the server would put before it."""
    if given is None or given == "":
        return f"app-{uuid4()}"
    if not isinstance(given, str):
        raise BadInput(f"submission_id is text, not {type(given).__name__}")
    id_ = given if given.startswith("app-") else f"app-{given}"
    if "driver" in id_ or not YUANRONG_ID.fullmatch(id_):
        raise BadInput(
            f"{given!r} cannot be the id of an openYuanRong job",
            todo="Use up to 60 of a-z, 0-9 and -, without the word driver",
        )
    return id_
