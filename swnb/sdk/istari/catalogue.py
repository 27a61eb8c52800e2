"""Functions, tools, agents, systems and users of an Istari registry (istari paper 2.6 and 2.7), a field a line."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from swnb.sdk.istari.record import Record
from swnb.sdk.istari.types import ControlTag, InfosecLevel
from swnb.sdk.istari.words import FunctionStatusName

# Functions and tools


class FunctionStatus(Record):
    id: str
    created: datetime
    created_by_id: str
    name: FunctionStatusName
    reason: str | None
    function_id: str


class ToolVersion(Record):
    id: str
    created: datetime
    tool_version: str


class OperatingSystem(Record):
    id: str
    created: datetime
    name: str


class FunctionVersion(Record):
    """What a job runs."""

    id: str
    created: datetime
    name: str
    version: str
    module_name: str
    module_version: str
    entrypoint: str
    function_schema: str | None
    run_command: str
    created_by_id: str
    status: FunctionStatus
    tool_name: str | None
    tool_display_name: str | None
    tool_versions: list[ToolVersion] | None
    operating_systems: list[OperatingSystem] | None


class Function(Record):
    id: str
    created: datetime
    name: str
    module_name: str
    tool_name: str | None
    function_versions: list[FunctionVersion] | None


class Tool(Record):
    id: str
    created: datetime
    name: str
    functions: list[Function] | None
    tool_versions: list[ToolVersion] | None


# Agents


class JobAgentInformation(Record):
    agent_id: str | None
    display_name: str | None


class AuthDelivery(Record):
    """A secret for the agent, encrypted; people are shown stars."""

    _hushed = ("ciphertext", "sha", "salt")

    input_name: str
    ciphertext: str
    function_auth_type: str
    expiration: datetime
    sha: str
    salt: str


class AgentStatus(Record):
    id: str
    created: datetime
    agent_id: str
    name: str
    created_by_id: str | None
    message: str | None


class AgentDisplayName(Record):
    id: str
    created: datetime
    agent_id: str
    display_name: str
    created_by_id: str | None


class AgentInformation(Record):
    id: str
    created: datetime
    agent_id: str
    agent_version: str
    host_os: str
    worker_mode: str | None
    tenant_id: str | None
    created_by_id: str | None
    api_hashes: str | None
    capabilities: list[str] | None


class Agent(Record):
    id: str
    created: datetime
    display_name_history: list[AgentDisplayName] | None
    information_history: list[AgentInformation] | None
    status_history: list[AgentStatus] | None
    modules_history: list[Any] | None
    agent_pools: list[str]
    archive_status: str
    created_by_id: str | None


# Systems, users, tenants


class SystemConfiguration(Record):
    id: str
    created: datetime
    created_by_id: str
    system_id: str
    name: str
    sha: str
    archive_status: str
    empty_folders: list[str] | None


class System(Record):
    """The highest of what things are grouped by."""

    id: str
    created: datetime
    created_by_id: str
    name: str
    description: str
    archive_status: str
    configurations: list[SystemConfiguration] | None
    baseline_tagged_snapshot_id: str | None


class TrackedFile(Record):
    """A file in a configuration of a system; ``resource_id`` is the model or artifact that jobs take."""

    id: str
    created: datetime
    created_by_id: str
    configuration_id: str
    specifier_type: str
    file_id: str
    current_file_revision_id: str
    archive_status: str
    path: str
    resource_id: str | None
    pinned_file_revision_id: str | None


class User(Record):
    id: str
    created: datetime
    provider_name: str
    provider_user_id: str
    user_type: str
    personal_access_tokens: list[Any]
    provider_user_state: str | None
    user_name: str | None
    display_name: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    machine_name: str | None
    machine_description: str | None
    control_tags: list[ControlTag] | None
    provider_tenant_id: str | None
    principal_id: str | None
    tenant_id: str | None
    infosec_level: InfosecLevel | None


class Tenant(Record):
    id: str
    created: datetime
    provider_tenant_id: str
    provider_name: str
    state: str | None
    primary_domain: str | None
    object_store_id: str | None
    name: str | None
    label: str | None
