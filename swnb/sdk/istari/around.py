"""What ``Client`` offers around jobs: systems, models, artifacts, agents, functions, users (istari paper 3.3)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from swnb.bridge import both
from swnb.call import Call
from swnb.errors import BadInput
from swnb.providers.istari import requests
from swnb.sdk.istari import pages
from swnb.sdk.istari.catalogue import Agent, System, User
from swnb.sdk.istari.files import File, FileRevision
from swnb.sdk.istari.job import Artifact, Comment, Model
from swnb.sdk.istari.record import Record, expected
from swnb.sdk.istari.types import AccessRelationship, HealthcheckReport, UpdateAccessRelationship
from swnb.sdk.istari.words import (
    OS,
    AccessRelation,
    AccessResourceType,
    AccessSubjectType,
    ArchiveStatus,
    FilterBy,
)

K = TypeVar("K", bound=Record)
P = TypeVar("P", bound=pages.Page[Any])
_LARGEST = 100  # items of a page


class Around:
    """Reads, and access to anything. Lists are pages, and going through one goes through all of them."""

    async def ask(self, call: Call[Any], kind: type[K]) -> K:
        """What a call answers, as a record that speaks through this client."""
        raise NotImplementedError

    async def told(self, call: Call[Any]) -> Any:
        """What a call answers, as it came."""
        raise NotImplementedError

    async def ask_list(self, call: Call[Any], kind: type[K]) -> list[K]:
        """What a call answers: a plain list of records."""
        raise NotImplementedError

    async def page(self, kind: type[P], *parts: str, **query: Any) -> P:
        """One page of a list; it asks for the further ones by itself."""
        _check(query.get("page"), query.get("size"))
        found = await self.ask(requests.get(*parts, **query), kind)

        async def further(number: int, size: int) -> P:
            return await self.page(kind, *parts, **{**query, "page": number, "size": size})

        found.goes_on(further)
        return found

    # Systems

    @both
    async def list_systems(
        self,
        page: int | None = None,
        size: int | None = None,
        filter_by: FilterBy | str | None = None,
        archive_status: ArchiveStatus | str | None = None,
        name: str | None = None,
        description: str | None = None,
        recently_viewed: bool | None = None,
        sort: str | None = None,
        include_total: bool | None = None,
    ) -> pages.PageSystem:
        return await self.page(
            pages.PageSystem,
            "systems",
            page=page,
            size=size,
            filter_by=FilterBy.asked("filter_by", filter_by),
            archive_status=ArchiveStatus.asked("archive_status", archive_status),
            name=name,
            description=description,
            recently_viewed=recently_viewed,
            sort=sort,
            include_total=include_total,
        )

    @both
    async def get_system(self, system_id: str) -> System:
        return await self.ask(requests.get("systems", system_id), System)

    @both
    async def list_system_configurations(
        self,
        system_id: str,
        page: int | None = None,
        size: int | None = None,
        archive_status: ArchiveStatus | str | None = None,
        name: str | None = None,
        sort: str | None = None,
    ) -> pages.PageSystemConfiguration:
        return await self.page(
            pages.PageSystemConfiguration,
            *("systems", system_id, "configurations"),
            page=page,
            size=size,
            archive_status=ArchiveStatus.asked("archive_status", archive_status),
            name=name,
            sort=sort,
        )

    @both
    async def list_tracked_files(
        self,
        configuration_id: str,
        page: int | None = None,
        size: int | None = None,
        name: str | None = None,
        path_prefix: str | None = None,
        recursive: bool | None = None,
        sort: str | None = None,
    ) -> pages.PageTrackedFile:
        """The files of a configuration."""
        return await self.page(
            pages.PageTrackedFile,
            *("systems", "configurations", configuration_id, "tracked-files"),
            page=page,
            size=size,
            name=name,
            path_prefix=path_prefix,
            recursive=recursive,
            sort=sort,
        )

    # Models, artifacts, files

    @both
    async def list_models(
        self,
        page: int | None = None,
        size: int | None = None,
        filter_by: FilterBy | str | None = None,
        archive_status: ArchiveStatus | str | None = None,
        sort: str | None = None,
    ) -> pages.PageModelListItem:
        return await self.page(
            pages.PageModelListItem, "models", **_listed(page, size, filter_by, archive_status, sort)
        )

    @both
    async def get_model(self, model_id: str) -> Model:
        """A model with its artifacts and jobs."""
        return await self.ask(requests.get("models", model_id), Model)

    @both
    async def list_model_artifacts(
        self,
        model_id: str,
        page: int | None = None,
        size: int | None = None,
        filter_by: FilterBy | str | None = None,
        archive_status: ArchiveStatus | str | None = None,
        sort: str | None = None,
    ) -> pages.PageArtifact:
        query = _listed(page, size, filter_by, archive_status, sort)
        return await self.page(pages.PageArtifact, "models", model_id, "artifacts", **query)

    @both
    async def get_artifact(self, artifact_id: str) -> Artifact:
        return await self.ask(requests.get("artifacts", artifact_id), Artifact)

    @both
    async def get_comment(self, comment_id: str) -> Comment:
        return await self.ask(requests.get("comments", comment_id), Comment)

    @both
    async def get_file(self, file_id: str) -> File:
        return await self.ask(requests.get("files", file_id), File)

    @both
    async def get_revision(self, revision_id: str) -> FileRevision:
        """One revision of a file, of a job's product for example, which reads as a job does."""
        return await self.ask(requests.get("revisions", revision_id), FileRevision)

    # Agents, functions, tools

    @both
    async def list_agents(
        self,
        agent_version: str | None = None,
        host_os: str | None = None,
        updated_since: datetime | None = None,
        module_name: str | None = None,
        module_version: str | None = None,
        status_name: str | None = None,
        tenant_id: str | None = None,
        all_tenants: bool | None = None,
        in_agent_pools: bool | None = None,
        archive_status: ArchiveStatus | str | None = None,
        page: int | None = None,
        size: int | None = None,
        sort: str | None = None,
    ) -> pages.PageAgent:
        return await self.page(
            pages.PageAgent,
            "agents",
            agent_version=agent_version,
            host_os=host_os,
            updated_since=_moment(updated_since),
            module_name=module_name,
            module_version=module_version,
            status_name=status_name,
            tenant_id=tenant_id,
            all_tenants=all_tenants,
            in_agent_pools=in_agent_pools,
            archive_status=ArchiveStatus.asked("archive_status", archive_status),
            page=page,
            size=size,
            sort=sort,
        )

    @both
    async def get_agent(self, agent_id: str) -> Agent:
        return await self.ask(requests.get("agents", agent_id), Agent)

    @both
    async def list_functions(
        self,
        name: str | None = None,
        module_version: str | None = None,
        tool: str | None = None,
        tool_version: str | None = None,
        operating_system: OS | str | None = None,
        input_extension: str | None = None,
        input_user_models: str | None = None,
        status: str | None = None,
        page: int | None = None,
        size: int | None = None,
        sort: str | None = None,
    ) -> pages.PageFunctionVersion:
        return await self.page(
            pages.PageFunctionVersion,
            *("modules", "versions", "functions"),
            name=name,
            module_version=module_version,
            tool=tool,
            tool_version=tool_version,
            operating_system=OS.asked("operating_system", operating_system),
            input_extension=input_extension,
            input_user_models=input_user_models,
            status=status,
            page=page,
            size=size,
            sort=sort,
        )

    @both
    async def list_tools(
        self,
        page: int | None = None,
        size: int | None = None,
        include_deprecated: bool | None = None,
        sort: str | None = None,
    ) -> pages.PageTool:
        return await self.page(
            pages.PageTool, "tools", page=page, size=size, include_deprecated=include_deprecated, sort=sort
        )

    # Users, the server itself, access

    @both
    async def get_current_user(self) -> User:
        return await self.ask(requests.get("users", "me"), User)

    @both
    async def list_tenants(self, page: int | None = None, size: int | None = None) -> pages.PageTenant:
        return await self.page(pages.PageTenant, "tenants", page=page, size=size)

    @both
    async def readiness_check(self) -> HealthcheckReport:
        return await self.ask(requests.get("health", "readiness"), HealthcheckReport)

    @both
    async def liveness_check(self) -> HealthcheckReport:
        return await self.ask(requests.get("health", "liveness"), HealthcheckReport)

    @both
    async def list_access(self, resource_type: AccessResourceType | str, resource_id: str) -> list[AccessRelationship]:
        call = requests.access(AccessResourceType.of("resource_type", resource_type), resource_id)
        return await self.ask_list(call, AccessRelationship)

    @both
    async def create_access(self, access_relationship: AccessRelationship) -> AccessRelationship:
        call = requests.grant(expected(access_relationship, AccessRelationship).to_dict())
        return await self.ask(call, AccessRelationship)

    @both
    async def update_access(
        self,
        subject_type: AccessSubjectType | str,
        subject_id: str,
        resource_type: AccessResourceType | str,
        resource_id: str,
        update_access_relationship: UpdateAccessRelationship,
    ) -> AccessRelationship:
        who = AccessSubjectType.of("subject_type", subject_type)
        what = AccessResourceType.of("resource_type", resource_type)
        change = expected(update_access_relationship, UpdateAccessRelationship)
        body = {"relation": AccessRelation.of("relation", change.relation)}
        call = requests.change_access(who, subject_id, what, resource_id, body)
        return await self.ask(call, AccessRelationship)

    @both
    async def remove_access(
        self,
        subject_type: AccessSubjectType | str,
        subject_id: str,
        resource_type: AccessResourceType | str,
        resource_id: str,
    ) -> None:
        who = AccessSubjectType.of("subject_type", subject_type)
        what = AccessResourceType.of("resource_type", resource_type)
        await self.told(requests.revoke(who, subject_id, what, resource_id))


def _listed(page: int | None, size: int | None, filter_by: str | None, archive: str | None, sort: str | None) -> Any:
    return {
        "page": page,
        "size": size,
        "filter_by": FilterBy.asked("filter_by", filter_by),
        "archive_status": ArchiveStatus.asked("archive_status", archive),
        "sort": sort,
    }


def _moment(given: datetime | None) -> str | None:
    if given is not None and not isinstance(given, datetime):
        raise TypeError(f"updated_since is a datetime, not {type(given).__name__}")
    return None if given is None else given.isoformat()


def _check(page: object, size: object) -> None:
    for name, value, most in (("page", page, None), ("size", size, _LARGEST)):
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} is a whole number, not {type(value).__name__}")
        if value < 1 or (most is not None and value > most):
            raise BadInput(f"{name}={value} is not 1{f' to {most}' if most else ' or more'}")
