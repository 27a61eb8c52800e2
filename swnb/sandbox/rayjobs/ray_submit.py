"""What may be submitted to Ray, and what comes of it (paper 2.3)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from swnb.sandbox.rayjobs.jobs import RUNS_FOR, Job, letters
from swnb.sandbox.rayjobs.ray_door import failed, trouble, wrong
from swnb.sandbox.world import Timeline

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.ray import Ray

FIELDS = frozenset(
    ("entrypoint", "submission_id", "job_id", "runtime_env", "metadata", "entrypoint_num_cpus", "entrypoint_num_gpus")
) | {"entrypoint_memory", "entrypoint_resources", "entrypoint_label_selector"}

NUMBER = (int, float)
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "entrypoint": (str, "a string"),
    "submission_id": (str, "a string if provided"),
    "job_id": (str, "a string if provided"),
    "runtime_env": (dict, "a dict"),
    "metadata": (dict, "a dict"),
    "entrypoint_num_cpus": (NUMBER, "a number"),
    "entrypoint_num_gpus": (NUMBER, "a number"),
    "entrypoint_memory": (int, "an integer"),
    "entrypoint_resources": (dict, "a dict"),
    "entrypoint_label_selector": (dict, "a dict"),
}
VALUES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "metadata": (str, "strings"),
    "entrypoint_resources": (NUMBER, "numbers"),
    "entrypoint_label_selector": (str, "strings"),
}

CORES = 2
"""What the made-up node has; a job that asks for more waits until the start time-out."""

TIMEOUT = 900.0


def submitted(ray: Ray, body: bytes) -> Job:
    """The job of a submit's body, not yet on the shelf; Refused as the real server refuses."""
    fields = _fields(body)
    now, number = ray.shelf.now, ray.shelf.number()
    sid = fields.get("submission_id") or fields.get("job_id") or f"raysubmit_{letters(uuid.uuid4().hex, 16)}"
    if ray.shelf.get(sid) is not None:
        reason = f"Job with submission_id {sid} already exists. Please use a different submission_id."
        raise failed(f"ValueError: {reason}", 400)
    job = Job(sid, number, Timeline([(now, "created")]), fields["entrypoint"], fields.get("metadata"))
    job.runtime_env = fields.get("runtime_env")
    env = job.runtime_env or {}
    job.env, job.working_dir = env.get("env_vars", {}), str(env.get("working_dir", ""))
    _begin(ray, job, fields, now)
    return job


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise trouble() from None
    if not isinstance(fields, dict):
        raise trouble()
    fields = {name: value for name, value in fields.items() if value is not None}
    start = "TypeError: JobSubmitRequest.__init__()"
    if unknown := [name for name in fields if name not in FIELDS]:
        raise wrong(f"{start} got an unexpected keyword argument '{unknown[0]}'")
    if "entrypoint" not in fields:
        raise wrong(f"{start} missing 1 required positional argument: 'entrypoint'")
    _check(fields)
    return fields


def _check(fields: dict[str, Any]) -> None:
    for name, (kind, said) in KINDS.items():
        if name in fields and not isinstance(fields[name], kind):
            raise wrong(f"TypeError: {name} must be {said}, got {type(fields[name])}")
    for name, (kind, said) in VALUES.items():
        for value in fields.get(name, {}).values():
            if not isinstance(value, kind):
                raise wrong(f"TypeError: {name} values must be {said}, got {type(value)}")
    variables = fields.get("runtime_env", {}).get("env_vars", {})
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise failed("TypeError: runtime_env['env_vars'] must be of type Dict[str, str]")


def _begin(ray: Ray, job: Job, fields: dict[str, Any], now: float) -> None:
    """Let it fail, wait, run or be played, by what it asks for."""
    if any(fields.get(f"entrypoint_num_{part}", 0) < 0 for part in ("cpus", "gpus")):
        job.error = "Failed to start supervisor actor: 'The quantity of resource num_cpus cannot be negative'."
        job.error_type = "JOB_SUPERVISOR_ACTOR_START_FAILURE"
        job.timeline.turn(now, (0.0, "failed"))
    elif fields.get("entrypoint_num_cpus", 0) > CORES or fields.get("entrypoint_resources"):
        job.error = f"Job supervisor actor failed to start within {TIMEOUT} seconds."
        job.error_type = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT"
        job.timeline.turn(now, (TIMEOUT, "failed"))
    elif ray.runner.allowed:
        _run(ray, job, now)
    else:
        job.timeline.turn(now, (1.0, "running"), (1.0 + RUNS_FOR, "succeeded"))


def _run(ray: Ray, job: Job, now: float) -> None:
    job.timeline.turn(now, (0.0, "running"))
    try:
        ray.runner.start(job, lambda: ray.shelf.now, ray.packages.folder(job.working_dir, ray.runner))
    except (OSError, RuntimeError, ValueError) as error:
        job.error, job.error_type = f"runtime_env setup failed: {error}", "RUNTIME_ENV_SETUP_FAILURE"
        job.timeline.steps = [(now, "created"), (now, "failed")]
