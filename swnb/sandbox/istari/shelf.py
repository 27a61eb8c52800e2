"""What surrounds jobs: functions and tools, agents, systems and the files they track (paper 2.6, 2.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.words import TENANT, Record, User, identity, iso

POOL = identity(0xBB, 1)


@dataclass(frozen=True, eq=False)
class Function:
    """One version of a function."""

    number: int
    name: str
    version: str
    created: float
    by: User
    supported: bool = True

    @cached_property
    def sent(self) -> msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(self.record()))

    def record(self) -> Record:
        made = iso(self.created)
        status = {
            "id": identity(0xE3, self.number),
            "created": made,
            "created_by_id": self.by.id,
            "name": "supported" if self.supported else "deprecated",
            "reason": None if self.supported else "superseded",
            "function_id": identity(0xE1, self.number),
        }
        return {
            "id": identity(0xE1, self.number),
            "created": made,
            "name": self.name,
            "version": self.version,
            "module_name": "@acme:vision",
            "module_version": self.version,
            "entrypoint": "main",
            "function_schema": identity(0xE2, self.number),
            "run_command": "run",
            "created_by_id": self.by.id,
            "status": status,
            "tool_name": "vision-kit",
            "tool_display_name": "Vision Kit",
            "tool_versions": [{"id": identity(0xE4, 1), "created": made, "tool_version": "1.0"}],
            "operating_systems": [{"id": identity(0xE5, 1), "created": made, "name": "Ubuntu 22.04"}],
        }


def tools(functions: list[Function]) -> list[Record]:
    """The one tool with the newest version of each function."""
    made = iso(min(each.created for each in functions))
    versions = {"id": identity(0xE4, 1), "created": made, "tool_version": "1.0"}
    grouped = [
        {
            "id": identity(0xE6, each.number),
            "created": iso(each.created),
            "name": each.name,
            "module_name": "@acme:vision",
            "tool_name": "vision-kit",
            "function_versions": [each.record()],
        }
        for each in functions
        if each.supported
    ]
    tool = {"id": identity(0xE7, 1), "created": made, "name": "vision-kit", "functions": grouped}
    return [{**tool, "tool_versions": [versions]}]


@dataclass(frozen=True, eq=False)
class Agent:
    number: int
    name: str
    user: User
    created: float
    archived: bool = False

    @cached_property
    def id(self) -> str:
        return identity(0xC1, self.number)

    def record(self, busy: bool) -> Record:
        made = iso(self.created)
        own = {"created": made, "agent_id": self.id, "created_by_id": self.user.id}
        words = ["Idle", "ExecutingJob"] if busy else ["Idle"]
        information = {
            "id": identity(0xC3, self.number),
            **own,
            "agent_version": "6.2.0",
            "host_os": "Ubuntu 22.04",
            "worker_mode": "polling",
            "tenant_id": TENANT,
            "api_hashes": None,
            "capabilities": ["jobs"],
        }
        return {
            "id": self.id,
            "created": made,
            "display_name_history": [{"id": identity(0xC2, self.number), **own, "display_name": self.name}],
            "information_history": [information],
            "status_history": [
                {"id": identity(0xC4, self.number, part), **own, "name": word, "message": None}
                for part, word in enumerate(words)
            ],
            "modules_history": [],
            "agent_pools": [POOL],
            "archive_status": "Archived" if self.archived else "Active",
            "created_by_id": self.user.id,
        }


@dataclass
class Configuration:
    """Files that belong together; each tracks the newest or a pinned revision of a resource."""

    number: int
    name: str
    tracked: list[Resource]
    archived: bool = False

    @cached_property
    def id(self) -> str:
        return identity(0xD2, self.number)


@dataclass
class System:
    number: int
    name: str
    description: str
    created: float
    by: User
    configurations: list[Configuration] = field(default_factory=list)
    archived: bool = False

    @cached_property
    def id(self) -> str:
        return identity(0xD1, self.number)

    def record(self) -> Record:
        return {
            "id": self.id,
            "created": iso(self.created),
            "created_by_id": self.by.id,
            "name": self.name,
            "description": self.description,
            "archive_status": _word(self.archived),
            "configurations": [self.configuration(each) for each in self.configurations],
            "baseline_tagged_snapshot_id": None,
        }

    def configuration(self, each: Configuration) -> Record:
        return {
            "id": each.id,
            "created": iso(self.created + 60),
            "created_by_id": self.by.id,
            "system_id": self.id,
            "name": each.name,
            "sha": f"{each.number:096x}",
            "archive_status": _word(each.archived),
            "empty_folders": [],
        }

    def tracked(self, each: Configuration) -> list[Record]:
        """Every second file is pinned to its first revision."""
        return [self._tracked(each, number, resource) for number, resource in enumerate(each.tracked)]

    def _tracked(self, each: Configuration, number: int, resource: Resource) -> Record:
        last, pinned = resource.file.revisions[-1], bool(number % 2)
        return {
            "id": identity(0xD3, each.number, number),
            "created": iso(self.created + 120),
            "created_by_id": self.by.id,
            "configuration_id": each.id,
            "specifier_type": "Locked" if pinned else "Latest",
            "file_id": resource.file.id,
            "current_file_revision_id": last.id,
            "archive_status": "Active",
            "path": f"{resource.kind.lower()}s/{last.name}",
            "resource_id": resource.id,
            "pinned_file_revision_id": resource.file.revisions[0].id if pinned else None,
        }


def _word(archived: bool) -> str:
    return "Archived" if archived else "Active"
