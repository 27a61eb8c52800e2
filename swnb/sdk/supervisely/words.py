"""The words of Supervisely's SDK: its enumerations, its errors and the settings of a start on Kubernetes."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, SupportsIndex

from swnb.errors import BadInput, NotFound, SwnbError, Timeout


class StrEnum(str, Enum):
    """Text that is one of some; ``str()`` gives its value."""

    def __str__(self) -> str:
        return str(self.value)

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise BadInput(f"{value!r} is no {cls.__name__}", todo=f"There are: {', '.join(map(str, cls))}")


class Status(StrEnum):
    """Where a task stands. ``deployed`` serves, ``error``, ``finished`` and ``stopped`` are ends."""

    QUEUED = "queued"
    CONSUMED = "consumed"
    STARTED = "started"
    DEPLOYED = "deployed"
    ERROR = "error"
    FINISHED = "finished"
    TERMINATING = "terminating"
    STOPPED = "stopped"


class PluginTaskType(StrEnum):
    """What a plugin's task does."""

    TRAIN = "train"
    INFERENCE = "inference"
    INFERENCE_RPC = "inference_rpc"
    SMART_TOOL = "smarttool"
    CUSTOM = "custom"


class RestartPolicy(StrEnum):
    """When a task is started again by itself."""

    NEVER = "never"
    ON_ERROR = "on_error"


class TaskFinishedWithError(SwnbError, RuntimeError):
    """A task that was waited for failed."""


class WaitingTimeExceeded(Timeout):
    """A task was asked as often as ``wait`` may, and did not get there."""


class FieldMissing(NotFound, KeyError):
    """A running app has no such field."""

    __str__ = SwnbError.__str__


class BadKey(BadInput, KeyError):
    """An argument lacks a key, or has one that does not belong there."""

    __str__ = SwnbError.__str__


@dataclass(frozen=True)
class KubernetesSettings:
    """What a task may use on a Kubernetes agent; None leaves the server's own value."""

    use_health_check: bool | None = None
    request_cpus: float | None = None
    limit_cpus: float | None = None
    limit_memory_gb: float | None = None
    limit_shm_gb: float | None = None
    limit_storage_gb: float | None = None
    limit_gpus: float | None = None
    limit_gpu_memory_mb: float | None = None
    limit_gpu_cores_perc: float | None = None

    def __post_init__(self) -> None:
        for name, value in self._given().items():
            flag = name == "use_health_check"
            if isinstance(value, bool) is not flag or not isinstance(value, (bool, int, float)):
                raise TypeError(f"{name} is {'a bool' if flag else 'a number'}, not {type(value).__name__}")

    @classmethod
    def of(cls, given: KubernetesSettings | Mapping[str, Any] | None) -> KubernetesSettings:
        if given is None or isinstance(given, KubernetesSettings):
            return given or cls()
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """The settings that are given, by the wire's names."""
        return {camel(name): value for name, value in self._given().items()}

    def _given(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def camel(name: str) -> str:
    """``workspace_id`` as the wire writes it."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def number(name: str, value: SupportsIndex) -> int:
    """An id or a count as a plain int; TypeError for anything that is none."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = None
    if whole is None or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    return whole


def number_or_none(name: str, value: SupportsIndex | None) -> int | None:
    return None if value is None else number(name, value)
