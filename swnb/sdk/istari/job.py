"""Jobs: what the registry knows of one, waiting for it, its parameters, its access (istari paper 2.1 to 2.3 and 5)."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from swnb.bridge import both
from swnb.errors import BadInput, BadReply, Forbidden, NotFound, Timeout
from swnb.fetch.tasks import within
from swnb.providers.istari import requests
from swnb.sdk.istari.catalogue import AuthDelivery, FunctionVersion, JobAgentInformation
from swnb.sdk.istari.files import File, Properly, Resource
from swnb.sdk.istari.record import Record
from swnb.sdk.istari.types import ControlTag, NoJobResponse, ResourceArchiveStatus
from swnb.sdk.istari.words import AccessResourceType, JobStatusName


class JobStatus(Record):
    """One entry of a job's history."""

    id: str
    created: datetime
    job_id: str
    name: JobStatusName
    created_by_id: str | None
    message: str | None
    agent_id: str | None


class Comment(Resource):
    """A comment; its text is its content."""

    _kind, _word = "comments", AccessResourceType.RESOURCE.value

    id: str
    created: datetime
    file: File
    comments: list[Comment]
    archive_status_history: list[ResourceArchiveStatus]
    created_by_id: str
    resource_id: str | None
    resource_type: str | None


class Artifact(Resource):
    """What a job, or somebody, made of a model."""

    _kind, _word = "artifacts", AccessResourceType.ARTIFACT.value

    id: str
    created: datetime
    file: File
    comments: list[Comment]
    archive_status_history: list[ResourceArchiveStatus]
    created_by_id: str
    model_id: str | None
    control_tags: list[ControlTag] | None


class Job(Resource):
    """A run of a function on a model. Its file holds the parameters; what it made are the products of that file's last
    revision. ``model_id`` is the input, a model or an artifact. Histories have the oldest entry first."""

    _kind, _word = "jobs", AccessResourceType.JOB.value

    id: str
    created: datetime
    file: File
    comments: list[Comment]
    archive_status_history: list[ResourceArchiveStatus]
    created_by_id: str
    function: FunctionVersion
    assigned_agent_id: str | None
    assigned_agent_pool_id: str | None
    agent_information: JobAgentInformation | None
    agent_id: str | None
    tenant_id: str | None
    model_id: str | None
    status_history: list[JobStatus] | None
    auth_deliveries: list[AuthDelivery] | None

    @property
    def status(self) -> JobStatus:
        """The last entry of its history; BadReply (a ValueError) where there is none."""
        if not self.status_history:
            raise BadReply(f"job {self.id} has no status")
        return self.status_history[-1]

    @property
    def model(self) -> Model | Artifact:
        """The input, asked anew each time; ``await job.aio.model()`` in async code."""
        return self.read_model()

    @both
    async def read_model(self) -> Model | Artifact:
        """The input as it is now: a model, or an artifact, which a job may have been given as well."""
        client = self._speaking()
        if not self.model_id:
            raise BadReply(f"job {self.id} names no model")
        try:
            return await client.ask(requests.get("models", self.model_id), Model)
        except (Forbidden, NotFound):  # how a registry speaks of an id of another kind
            return await client.ask(requests.get("artifacts", self.model_id), Artifact)

    @property
    def aio(self) -> Properly:
        return JobProperly(self)

    @both
    async def poll_job(self, interval: float = 5.0, timeout: float | None = None) -> JobStatusName:
        """Ask where the job stands, ``interval`` seconds apart, until it is completed, failed or canceled; which of the
        three. TimeoutError after ``timeout`` seconds. The record stays as it is."""
        every, ends = _seconds("interval", interval), math.inf
        if not every > 0:
            raise BadInput(f"interval={interval!r} is not above 0 seconds")
        client, loop = self._speaking(), asyncio.get_running_loop()
        if timeout is not None:
            ends = loop.time() + _seconds("timeout", timeout)
        name: JobStatusName | None = None
        left = ends - loop.time()
        while left > 0 or name is None:
            # Where no time is given at all, the job is looked at once.
            task = await within(left if 0 < left < math.inf else None, client.ask(requests.job(self.id), Job))
            if task is None:
                break
            name = task.result().status.name or JobStatusName.UNKNOWN
            if name.final:
                return name
            await asyncio.sleep(max(min(every, ends - loop.time()), 0))
            left = ends - loop.time()
        raise Timeout(f"job {self.id} is {name or 'of an unknown status'} after {timeout:g} s")


def _seconds(name: str, value: float) -> float:
    """A time that a caller gives."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}")
    if not value >= 0:  # which NaN is not either
        raise BadInput(f"{name}={value!r} is not 0 seconds or more")
    return value


class JobProperly(Properly):
    async def model(self) -> Model | Artifact:
        found: Model | Artifact = await self._owner.read_model.aio()
        return found


class Model(Resource):
    """What jobs take."""

    _kind, _word = "models", AccessResourceType.MODEL.value

    id: str
    created: datetime
    file: File
    comments: list[Comment]
    archive_status_history: list[ResourceArchiveStatus]
    created_by_id: str
    artifacts: list[Artifact]
    jobs: list[Job] | None
    control_tags: list[ControlTag] | None


class ModelListItem(Record):
    """A model as lists have it."""

    id: str
    created: datetime
    file: File
    archive_status: str
    created_by_id: str
    comment_ids: list[str] | None
    artifact_ids: list[str] | None
    job_ids: list[str] | None


_KINDS: Final = (Job, NoJobResponse)


class ResponseGetJobForAgent:
    """A job for an agent, or that there is none: ``actual_instance`` is the one or the other.

    ``any_of_schemas`` names the two; ``anyof_schema_1_validator`` and ``anyof_schema_2_validator`` are the instance
    where it is of that kind, else None.
    """

    any_of_schemas: ClassVar[set[str]] = {kind.__name__ for kind in _KINDS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = [*args, *(kwargs.pop(name) for name in ("actual_instance",) if name in kwargs)]
        if kwargs or len(given) > 1:
            raise TypeError("a ResponseGetJobForAgent is made of one actual_instance")
        self.actual_instance = given[0] if given else None

    @property
    def actual_instance(self) -> Job | NoJobResponse | None:
        return self._actual

    @actual_instance.setter
    def actual_instance(self, value: Job | NoJobResponse | None) -> None:
        self._actual: Job | NoJobResponse | None = self.actual_instance_must_validate_anyof(value)

    @property
    def anyof_schema_1_validator(self) -> Job | None:
        return self._actual if isinstance(self._actual, Job) else None

    @property
    def anyof_schema_2_validator(self) -> NoJobResponse | None:
        return self._actual if isinstance(self._actual, NoJobResponse) else None

    @classmethod
    def actual_instance_must_validate_anyof(cls, v: Any) -> Any:
        """``v`` where it may be the instance; BadInput (a ValueError) where not."""
        if v is None or isinstance(v, _KINDS):
            return v
        raise BadInput(f"{type(v).__name__} is none of {', '.join(sorted(cls.any_of_schemas))}")

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> ResponseGetJobForAgent:
        """Of the first of the two kinds that it fits; BadInput (a ValueError) where it fits none."""
        problems = []
        for kind in _KINDS:
            try:
                return cls(kind.read(obj, kind.__name__))
            except BadInput as error:
                problems.append(error.what)
        raise BadInput(f"No match found: {'; '.join(problems)}")

    @classmethod
    def from_json(cls, json_str: str) -> ResponseGetJobForAgent:
        return cls.from_dict(json.loads(json_str))

    def to_dict(self) -> dict[str, Any] | None:
        return None if self._actual is None else self._actual.to_dict()

    def to_json(self) -> str:
        return "null" if self._actual is None else self._actual.to_json()

    def to_str(self) -> str:
        return "None" if self._actual is None else self._actual.to_str()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResponseGetJobForAgent) and self._actual == other._actual

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        return f"ResponseGetJobForAgent({self._actual!r})"
