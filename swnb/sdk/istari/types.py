"""The plain data types of an Istari registry (istari paper 2), a field a line; what stands around jobs is in
``catalogue``, what can be acted on in ``files`` and ``job``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from swnb.sdk.istari.record import Record
from swnb.sdk.istari.words import (
    AccessRelation,
    AccessResourceType,
    AccessSubjectType,
    ArchiveStatusName,
)

# What a server says


class NoJobResponse(Record):
    """There is no job for an agent."""

    message: str


class NoOpResponse(Record):
    """Nothing had to be done."""

    status: str
    message: str


class TemporaryURL(Record):
    url: str
    expires: datetime | None


class ValidationError(Record):
    loc: list[Any]
    msg: str
    type: str
    input: Any
    ctx: dict[str, Any] | None


class HTTPValidationError(Record):
    detail: list[ValidationError] | None


class CheckResult(Record):
    name: str
    passed: bool
    details: Any


class HealthcheckReport(Record):
    healthy: bool
    checks: list[CheckResult]


# What is sent


class JobStatusMessage(Record):
    """Why a job is given a status."""

    message: str


class NewJobAssignedAgent(Record):
    """The agent that a job is kept for."""

    agent_id: str


class NewJobAssignedAgentPool(Record):
    """The pool of agents that a job is kept for."""

    agent_pool_id: str


class NewCredentialBinding(Record):
    input_name: str
    credential_id: str


class NewSource(Record):
    """What a new file was made from."""

    revision_id: str
    relationship_identifier: str | None


class Archive(Record):
    reason: str


class Restore(Record):
    reason: str


# Archived or not, access


class ResourceArchiveStatus(Record):
    """One entry in the history of a resource that is archived and restored; the last counts."""

    id: str
    created: datetime
    name: ArchiveStatusName
    reason: str | None
    created_by_id: str | None
    resource_id: str


class FileArchiveStatus(Record):
    id: str
    created: datetime
    name: ArchiveStatusName
    reason: str | None
    created_by_id: str | None
    file_id: str


class FileRevisionArchiveStatus(Record):
    id: str
    created: datetime
    name: ArchiveStatusName
    reason: str | None
    created_by_id: str | None
    file_revision_id: str


class SubjectInfo(Record):
    username: str | None
    email: str | None
    cross_tenant_user: bool | None


class AccessRelationship(Record):
    """Who may do what with a resource."""

    subject_type: AccessSubjectType
    subject_id: str
    relation: AccessRelation
    resource_type: AccessResourceType
    resource_id: str
    subject_info: SubjectInfo | None


class UpdateAccessRelationship(Record):
    relation: AccessRelation


# Tokens and tags of files


class Token(Record):
    """What names content: ``sha`` is the SHA-384 of the bytes and the salt after them."""

    id: str
    created: datetime
    sha: str
    salt: str
    created_by_id: str | None


class TokenWithProperties(Record):
    id: str
    created: datetime
    sha: str
    salt: str
    name: str
    extension: str
    size: int
    description: str | None
    mime: str | None
    version_name: str | None
    external_identifier: str | None
    display_name: str | None
    object_store_sha: str | None


class Properties(Record):
    """What a file is called: its properties blob."""

    file_name: str
    size: int
    extension: str
    mime: str | None
    description: str | None
    version_name: str | None
    external_identifier: str | None
    display_name: str | None


class Source(Record):
    """A revision that another was made from."""

    revision_id: str
    file_id: str | None
    resource_type: str | None
    resource_id: str | None
    relationship_identifier: str | None


class Product(Record):
    """A revision that was made from another."""

    revision_id: str
    file_id: str | None
    resource_type: str | None
    resource_id: str | None
    relationship_identifier: str | None


class UpstreamRemoteInfo(Record):
    id: str
    label: str


class ControlTag(Record):
    id: str
    created: datetime
    created_by_id: str
    name: str
    status: str
    description: str | None
    display_color: str | None
    upstream_remote_info: UpstreamRemoteInfo | None


class InfosecLevel(Record):
    id: str
    created: datetime
    schema_id: str
    name: str
    order: int
    display_color: str
