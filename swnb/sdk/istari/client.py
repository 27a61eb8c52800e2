"""``Client``: one registry, by the methods of the vendor's client (istari paper 3, 4 and 5)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias, TypeVar

from swnb.bridge import both
from swnb.call import Call, Reply, ask
from swnb.client.source import Source
from swnb.errors import BadInput, Timeout
from swnb.fetch.tasks import in_thread, within
from swnb.providers.istari import requests
from swnb.sdk.istari.around import Around
from swnb.sdk.istari.configuration import Configuration
from swnb.sdk.istari.content import Content
from swnb.sdk.istari.files import File
from swnb.sdk.istari.job import Job
from swnb.sdk.istari.pages import PageJob
from swnb.sdk.istari.record import Record, expected
from swnb.sdk.istari.types import (
    AccessRelationship,
    Archive,
    JobStatusMessage,
    NewCredentialBinding,
    NewJobAssignedAgent,
    NewJobAssignedAgentPool,
    NewSource,
    Restore,
)
from swnb.sdk.istari.uploads import Blob, blob_of, changed, json_of, new_revision, properties_of, upload
from swnb.sdk.istari.words import OS, ArchiveStatus, JobStatusName, PatchOp

T = TypeVar("T")
K = TypeVar("K", bound=Record)
Place: TypeAlias = "str | os.PathLike[str]"


class Client(Around):
    """A registry, signed in to; making one sends nothing. ConfigurationError (a ValueError) where no address or no
    token is known, Unsupported for settings that only the vendor's client has. Every method has an awaitable door:
    ``await client.get_job.aio(id)``. Nothing that changes something is sent twice."""

    def __init__(self, config: Configuration | None = None) -> None:
        self.config = config or Configuration()
        self._source = self.config.source()
        self.content = Content(self, self.config.cache())

    def __repr__(self) -> str:
        source: Source | None = vars(self).get("_source")  # which it has not while it is made
        return f"Client({source.entry.address})" if source else "Client()"

    # Jobs

    @both
    async def list_jobs(
        self,
        model_id: str | None = None,
        status_name: JobStatusName | str | None = None,
        all_users: bool | None = None,
        assigned_agent_pool_id: str | None = None,
        name: str | None = None,
        page: int | None = None,
        size: int | None = None,
        archive_status: ArchiveStatus | str | None = None,
        sort: str | None = None,
        include_total: bool | None = None,
    ) -> PageJob:
        """A page of the jobs that the caller owns (``all_users``: of all, for administrators); ``name`` is a part of
        the function's name, ``sort`` a field, after ``-`` from the highest. Going through it goes through all pages."""
        return await self.page(
            PageJob,
            "jobs",
            model_id=model_id,
            status_name=JobStatusName.asked("status_name", status_name),
            all_users=all_users,
            assigned_agent_pool_id=assigned_agent_pool_id,
            name=name,
            page=page,
            size=size,
            archive_status=ArchiveStatus.asked("archive_status", archive_status),
            sort=sort,
            include_total=include_total,
        )

    @both
    async def list_model_jobs(
        self,
        model_id: str,
        status_name: JobStatusName | str | None = None,
        page: int | None = None,
        size: int | None = None,
        archive_status: ArchiveStatus | str | None = None,
        sort: str | None = None,
    ) -> PageJob:
        """A page of the jobs with this input."""
        return await self.page(
            PageJob,
            *("models", model_id, "jobs"),
            status_name=JobStatusName.asked("status_name", status_name),
            page=page,
            size=size,
            archive_status=ArchiveStatus.asked("archive_status", archive_status),
            sort=sort,
        )

    @both
    async def get_agent_available_jobs(
        self, agent_id: str, page: int | None = None, size: int | None = None
    ) -> PageJob:
        """A page of the jobs that an agent may take."""
        return await self.page(PageJob, "agents", agent_id, "available_jobs", page=page, size=size)

    @both
    async def get_job(self, job_id: str) -> Job:
        """A job as it is now; NotFound where there is none."""
        return await self.ask(requests.job(job_id), Job)

    @both
    async def add_job(
        self,
        /,
        model_id: str,
        function: str,
        *,
        parameters: Any = None,
        parameters_file: Place | None = None,
        tool_name: str | None = None,
        tool_version: str | None = None,
        operating_system: OS | str | None = None,
        assigned_agent_id: str | None = None,
        assigned_agent_pool_id: str | None = None,
        agent_id: str | None = None,
        auth_bindings: Sequence[NewCredentialBinding] | None = None,
        sources: Sequence[NewSource | str] | None = None,
        description: str | None = None,
        version_name: str | None = None,
        external_identifier: str | None = None,
        display_name: str | None = None,
        **kwargs: Any,
    ) -> Job:
        """Start a function on a model or artifact. Its parameters are those of ``parameters``, of a file, or all
        further arguments: one of the three, else a ValueError."""
        name, data = await in_thread(_parameters, parameters, parameters_file, kwargs)
        said = _described(description, version_name, external_identifier, display_name)
        properties = properties_of(name, len(data), said)
        content, described = Blob.of(data), blob_of(properties)
        bindings = (
            {"auth_bindings": [_body(each, NewCredentialBinding) for each in auth_bindings]} if auth_bindings else {}
        )
        body = {"revision": json_of(new_revision(content, described, properties, sources)), **bindings}
        call = requests.create_job(
            model_id,
            body,
            function_name=function,
            tool_name=tool_name,
            tool_version=tool_version,
            operating_system=OS.asked("operating_system", operating_system),
            assigned_agent_id=assigned_agent_id,
            assigned_agent_pool_id=assigned_agent_pool_id,
            agent_id=agent_id,
        )
        await upload(self, described)
        await upload(self, content)
        return await self.ask(call, Job)

    @both
    async def update_job(
        self,
        job_id: str,
        path: Place,
        sources: Sequence[NewSource | str] | None = None,
        *,
        description: str | None = None,
        version_name: str | None = None,
        external_identifier: str | None = None,
        display_name: str | None = None,
    ) -> Job:
        """Give a job other parameters, from a file: a new revision, called as is said here."""
        name, data = await in_thread(_parameters, None, path, {})
        job = await self.ask(requests.job(job_id), Job)
        salt = job.revision.content_token.salt
        said = _described(description, version_name, external_identifier, display_name)
        properties = properties_of(name, len(data), said)
        content, described = Blob.of(data, salt), blob_of(properties, salt)
        revision = json_of(new_revision(content, described, properties, sources))
        await upload(self, content)
        await upload(self, described)
        return await self.ask(requests.replace_parameters(job_id, revision), Job)

    @both
    async def update_job_status(
        self,
        job_id: str,
        status_name: JobStatusName | str,
        agent_id: str | None = None,
        job_status_message: JobStatusMessage | None = None,
    ) -> Job:
        """Add an entry to a job's history; CANCELED cancels it. The job as it is then."""
        body = None if job_status_message is None else _body(job_status_message, JobStatusMessage)
        call = requests.set_status(job_id, JobStatusName.of("status_name", status_name), agent_id, body)
        return await self.ask(call, Job)

    @both
    async def update_job_assigned_agent(self, job_id: str, new_job_assigned_agent: NewJobAssignedAgent) -> Job:
        """Keep a job for one agent."""
        body = _body(new_job_assigned_agent, NewJobAssignedAgent)
        return await self.ask(requests.pin_agent(job_id, body), Job)

    @both
    async def remove_job_assigned_agent(self, job_id: str) -> Job:
        """Let any agent take a job."""
        return await self.ask(requests.unpin_agent(job_id), Job)

    @both
    async def update_job_assigned_agent_pool(
        self, job_id: str, new_job_assigned_agent_pool: NewJobAssignedAgentPool
    ) -> Job:
        """Keep a job for the agents of one pool."""
        body = _body(new_job_assigned_agent_pool, NewJobAssignedAgentPool)
        return await self.ask(requests.pin_pool(job_id, body), Job)

    @both
    async def remove_job_assigned_agent_pool(self, job_id: str) -> Job:
        """Let agents of any pool take a job."""
        return await self.ask(requests.unpin_pool(job_id), Job)

    @both
    async def archive_job(self, job_id: str, archive: Archive | None = None) -> Job:
        """Archive a job, which hides it from lists."""
        body = None if archive is None else _body(archive, Archive)
        return await self.ask(requests.archive("jobs", job_id, body), Job)

    @both
    async def restore_job(self, job_id: str, restore: Restore | None = None) -> Job:
        """Show a job in lists again."""
        body = None if restore is None else _body(restore, Restore)
        return await self.ask(requests.restore("jobs", job_id, body), Job)

    @both
    async def list_job_access(self, job_id: str) -> list[AccessRelationship]:
        """Who has access to a job."""
        return await self.ask_list(requests.get("jobs", job_id, "access"), AccessRelationship)

    @both
    async def patch_job_access(
        self, job_id: str, access_relationship: AccessRelationship, patch_op: PatchOp | str | None = None
    ) -> list[AccessRelationship]:
        """Set or delete one entry of a job's access; all of it as it is then."""
        body = _body(access_relationship, AccessRelationship)
        call = requests.patch_job_access(job_id, body, PatchOp.asked("patch_op", patch_op))
        return await self.ask_list(call, AccessRelationship)

    @both
    async def update_file_properties(
        self,
        file: File,
        display_name: str | None = None,
        description: str | None = None,
        external_identifier: str | None = None,
        version_name: str | None = None,
    ) -> File:
        """Change what a file is called; what is left out stays. The file as it is then, which ``file`` is too."""
        expected(file, File)
        return await self.described(file, _described(description, version_name, external_identifier, display_name))

    # What the parts of the surface use

    async def described(self, file: File, given: Mapping[str, str | None]) -> File:
        """Attach other properties to a file's last revision."""
        blob, token = changed(file, given)
        await upload(self, blob)
        found = await self.ask(requests.put_properties(file.id, json_of(token)), File)
        found.goes_on_counting(file)
        vars(file).update(found.__getstate__())
        return found

    async def ask(self, call: Call[Any], kind: type[K]) -> K:
        return await self._sent(call, lambda sent: self._made(kind, sent))

    async def told(self, call: Call[Any]) -> Any:
        return await self._sent(call, lambda sent: sent)

    async def ask_list(self, call: Call[Any], kind: type[K]) -> list[K]:
        def read(sent: Any) -> list[K]:
            if not isinstance(sent, list):
                raise BadInput(f"{type(sent).__name__} came, not a list")
            return [self._made(kind, each) for each in sent]

        return await self._sent(call, read)

    def _made(self, kind: type[K], sent: Any) -> K:
        return kind.read(sent, kind.__name__, self)

    async def _sent(self, call: Call[Any], read: Callable[[Any], T]) -> T:
        seconds = self.config.http_request_timeout_secs or None
        reads = call.reads and bool(self.config.retry_enabled)
        asked: Call[T] = replace(call, decode=_decoder(call.decode, read), reads=reads, timeout=seconds)
        task = await within(seconds, self._source.run(ask(asked)))
        if task is None:
            raise Timeout(f"no answer within http_request_timeout_secs={seconds}", where=self._source.entry.address)
        return task.result()

    async def stream(self, call: Call[bytes]) -> AsyncGenerator[bytes, None]:
        """The body of a download, piece by piece."""
        async with aclosing(self._source.transport().stream(call)) as chunks:
            async for chunk in chunks:
                yield chunk


def _decoder(decode: Callable[[Reply], Any], read: Callable[[Any], T]) -> Callable[[Reply], T]:
    """What does not fit is the server's fault here, not the caller's."""

    def decoded(reply: Reply) -> T:
        sent = decode(reply)
        try:
            return read(sent)
        except BadInput as error:
            problem = error.what
        raise reply.odd(problem)

    return decoded


def _body(given: Any, kind: type[Record]) -> dict[str, Any]:
    """A record of a caller as a body."""
    return json_of(expected(given, kind))


def _described(
    description: str | None, version_name: str | None, external_identifier: str | None, display_name: str | None
) -> dict[str, str | None]:
    return {
        "description": description,
        "display_name": display_name,
        "external_identifier": external_identifier,
        "version_name": version_name,
    }


def _parameters(given: Any, file: Place | None, named: Mapping[str, Any]) -> tuple[str, bytes]:
    """The name and the content of a file of parameters."""
    if sum((file is not None, given is not None, bool(named))) > 1:
        raise BadInput("parameters are given by parameters, by a file, or by further arguments: by one of them")
    if file is not None:
        return Path(file).name, Path(file).read_bytes()
    text = json.dumps(named or given, indent=4)
    return f"parameters{token_hex(4)}.json", text.encode()
