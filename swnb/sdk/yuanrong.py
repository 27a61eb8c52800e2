"""``JobSubmissionClient``: the surface that openYuanRong took over from Ray, for both (yuanrong-ray paper).

    from swnb.sdk.yuanrong import JobSubmissionClient
    client = JobSubmissionClient("http://127.0.0.1:9080")
    job = client.submit_job(entrypoint="python train.py", runtime_env={"working_dir": "file:///data/code.zip"})
    client.get_job_status(job); client.get_job_info(job).driver_exit_code; client.get_job_logs(job)

Making a client asks nothing; which of the two the server is, is asked at the first use. Every method has an awaitable
door: ``await client.list_jobs.aio()``; ``tail_job_logs`` is an iterator and an async iterator. It differs from the
vendors' in three things: an address that is given counts (theirs prefers the environment's), jobs come newest first,
and of local folders none is packed and uploaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any, Final, TypeVar, cast

from swnb import settings
from swnb.bridge import both, both_iter
from swnb.call import Plan
from swnb.client.source import Source, source_of, source_with
from swnb.client.told import told
from swnb.errors import BadInput, BadURI, NotFound, Unsupported
from swnb.fetch import live
from swnb.fetch.tasks import in_thread
from swnb.providers.base import LogPart
from swnb.providers.rayjobs import Ray
from swnb.providers.rayjobs.jobs import Jobs
from swnb.providers.rayjobs.wire import environment
from swnb.secret import Secret, redact
from swnb.settings import Credential
from swnb.settings.entries import token_of
from swnb.uri import Ref

__all__ = ["DriverInfo", "JobDetails", "JobStatus", "JobSubmissionClient", "JobType"]

T = TypeVar("T")
_DEFAULT: Final = "yuanrong+http://localhost:9080"
_TOKENS: Final = frozenset({"authorization", "x-auth", "x-ray-authorization"})
_SOONEST: Final = 1.0
_LATEST: Final = 10.0  # seconds until a log without a stream is asked for more, longer while nothing comes


class _Word(str, Enum):
    def __str__(self) -> str:
        return str(self.value)


class JobStatus(_Word):
    """What a status may be; a server's new word, and openYuanRong's empty one, stay plain texts."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    def is_terminal(self) -> bool:
        return self in (JobStatus.STOPPED, JobStatus.SUCCEEDED, JobStatus.FAILED)


class JobType(_Word):
    SUBMISSION = "SUBMISSION"
    DRIVER = "DRIVER"


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """Of Ray ``id`` is the core job id, of openYuanRong the submission id."""

    id: str
    node_ip_address: str
    pid: str


@dataclass(frozen=True, slots=True, repr=False)
class JobDetails:
    """A job as the server sent it, in the wire's types: times are texts of seconds on openYuanRong and int
    milliseconds on Ray; ``runtime_env`` is three texts on openYuanRong. A field that a dialect does not have is None;
    ``raw`` has all. Of environment variables ``repr`` shows the names only."""

    type: JobType | str
    entrypoint: str
    submission_id: str | None
    driver_info: DriverInfo | None
    status: JobStatus | str
    start_time: str | int | None
    end_time: str | int | None
    metadata: dict[str, str] | None
    runtime_env: dict[str, Any] | None
    driver_agent_http_address: str | None
    driver_node_id: str | None
    driver_exit_code: int | None
    error_type: str | None
    message: str | None = None
    job_id: str | None = None
    key: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @staticmethod
    def of(sent: Mapping[str, Any]) -> JobDetails:
        found: dict[str, Any] = {each.name: sent.get(each.name) for each in fields(JobDetails) if each.name != "raw"}
        driver = sent.get("driver_info")
        found["driver_info"] = _driver(driver) if isinstance(driver, Mapping) else None
        found["type"] = _word(JobType, sent.get("type"))
        found["status"] = _word(JobStatus, sent.get("status"))
        return JobDetails(**found, raw=sent)

    @property
    def runtime_env_parsed(self) -> dict[str, Any]:
        """The runtime environment as it was submitted: ``env_vars`` a dict and, of openYuanRong, ``pip`` a list and
        ``working_dir``."""
        return environment(self.runtime_env)

    def __repr__(self) -> str:
        shown = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "raw"}
        if isinstance(self.runtime_env, Mapping):
            names = dict.fromkeys(self.runtime_env_parsed["env_vars"], "****")
            masked = {name: names for name in ("env_vars", "envVars") if name in self.runtime_env}
            shown["runtime_env"] = {**self.runtime_env, **masked}
        return redact(f"JobDetails({', '.join(f'{name}={value!r}' for name, value in shown.items())})")


def _driver(sent: Mapping[str, Any]) -> DriverInfo:
    return DriverInfo(*(sent.get(name, "") for name in ("id", "node_ip_address", "pid")))


def _word(kind: type[_Word], sent: Any) -> Any:
    return kind(sent) if sent in {each.value for each in kind} else sent or ""


class JobSubmissionClient:
    """A cluster. ``address``: ``http://host:port``, with ``ray+`` or ``yuanrong+`` before it where it shall not be
    asked, or a saved server's name; by default what ``ray_adapter_DASHBOARD_ADDRESS``, ``RAY_API_SERVER_ADDRESS`` or
    ``RAY_ADDRESS`` name, else ``http://localhost:9080``. ``token``, or a header that carries one, signs in; by default
    what ``swnb.connect`` saved or the environment holds. ``metadata`` goes with every job that is submitted."""

    def __init__(  # noqa: PLR0917 - the vendors' order
        self,
        address: str | None = None,
        create_cluster_if_needed: bool = False,
        cookies: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        verify: bool | str | None = True,
        *,
        token: str | Secret | None = None,
    ) -> None:
        held = {name: Secret(value) for name, value in (headers or {}).items()}  # so that no frame below shows it
        headers = None
        token = None if token is None else Secret(token)
        if create_cluster_if_needed or cookies:
            raise Unsupported("swnb starts no cluster and sends no cookies")
        if verify is not True:
            raise Unsupported("certificates are always checked", todo="SWNB_CA_BUNDLE may name your own authorities")
        self._metadata = dict(metadata or {})
        self._ref = _server(address)
        self._token = token_of(token or _in_headers(held))
        self._source: Source | None = None

    @both
    async def submit_job(
        self,
        /,
        *,
        entrypoint: str,
        job_id: str | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        submission_id: str | None = None,
        entrypoint_num_cpus: float | None = None,
        entrypoint_num_gpus: float | None = None,
        entrypoint_memory: int | None = None,
        entrypoint_resources: Mapping[str, float] | None = None,
        **more: Any,
    ) -> str:
        """Start a job at once; its id, which the server may have changed (openYuanRong puts ``app-`` before it).

        ``more``: ``entrypoint_label_selector`` on Ray; ``labels``, ``createOptions``, ``function_id`` on openYuanRong.
        BadInput (a ValueError) where the server finds something wrong in it, or knows the id already."""
        sizes: dict[str, Any] = {
            "entrypoint_num_cpus": entrypoint_num_cpus,
            "entrypoint_num_gpus": entrypoint_num_gpus,
            "entrypoint_memory": entrypoint_memory,
            "entrypoint_resources": entrypoint_resources,
        }
        words = {"entrypoint": entrypoint, "runtime_env": runtime_env, "submission_id": submission_id or job_id}
        together = {**self._metadata, **(metadata or {})} or None
        spec = {**words, "metadata": together, **sizes, **more}
        sent = {name: value for name, value in spec.items() if value is not None}
        return await self._ask(lambda server: server.submit(None, sent))

    @both
    async def list_jobs(self) -> list[JobDetails]:
        """All that the server lists, newest first."""
        return [JobDetails.of(info.raw) for info in await self._ask(lambda server: server.listed())]

    @both
    async def get_job_info(self, job_id: str) -> JobDetails:
        """NotFound (a LookupError) where there is no such job."""
        return JobDetails.of((await self._ask(lambda server: server.job(None, _id(job_id)))).raw)

    @both
    async def get_job_status(self, job_id: str) -> JobStatus | str:
        info = await self._ask(lambda server: server.job(None, _id(job_id)))
        found: JobStatus | str = _word(JobStatus, info.raw_status)
        return found

    @both
    async def stop_job(self, job_id: str) -> bool:
        """Whether the server says that it stops it. Ray says so of a pending job too, and does nothing."""
        return await self._ask(lambda server: server.stop(_id(job_id)))

    @both
    async def delete_job(self, job_id: str) -> bool:
        """Whether it is deleted. Of a job that has not ended openYuanRong gives False, Ray an error."""
        return await self._ask(lambda server: server.remove(_id(job_id)))

    @both
    async def get_job_logs(self, job_id: str) -> str:
        """The whole log, ANSI sequences included."""
        return await self._ask(lambda server: server.log_text(_id(job_id)))

    @both_iter
    async def tail_job_logs(self, job_id: str) -> AsyncGenerator[str, None]:
        """The log piece by piece, line ends included, from its beginning until the job has ended."""
        source = await self._found()
        for part in await source.run(source.backend.logs(None, _id(job_id))):
            async with aclosing(_pieces(source, job_id, part)) as pieces:
                async for piece in pieces:
                    yield piece

    @both
    async def get_version(self) -> str:
        """The version of Ray's Jobs API; openYuanRong tells none."""
        source = await self._found()
        if not isinstance(source.backend, Ray):
            raise Unsupported("openYuanRong tells no version", where=source.entry.name)
        return str((await source.run(source.backend.version())).get("version", ""))

    def get_address(self) -> str:
        return self._ref.address or settings.find(self._ref).address

    async def _ask(self, plan: Callable[[Jobs], Plan[T]]) -> T:
        source = await self._found()
        return await source.run(plan(cast(Jobs, source.backend)))

    async def _found(self) -> Source:
        if self._source is None:
            [ref] = await told([self._ref])
            self._source = await in_thread(_source, ref, self._token)
        return self._source

    def __repr__(self) -> str:
        return f"JobSubmissionClient({str(self._ref)!r})"


def _server(address: str | None) -> Ref:
    if address is not None and not isinstance(address, str):
        raise TypeError(f"an address is text, not {type(address).__name__}")
    if not address:
        found = [*settings.outside("yuanrong"), *settings.outside("ray")]
        unread = [text for text in settings.problems() if text.startswith(("RAY_", "ray_adapter_"))]
        if not found and unread:
            raise BadInput(unread[0], todo="Give the dashboard's http address")
        address = found[0].entry.bare if found else _DEFAULT
    ref = settings.to_ref(address)
    if ref.kind != "server":
        raise BadURI(f"{address!r} names more than a cluster", todo="Write for example http://127.0.0.1:8265")
    return ref


def _in_headers(headers: Mapping[str, Secret]) -> Secret | None:
    if others := [name for name in headers if name.lower() not in _TOKENS]:
        raise Unsupported(f"the header {others[0]} is not sent", todo="Only a token may be given, as token=…")
    return next(iter(headers.values()), None)


def _source(ref: Ref, token: Secret | None) -> Source:
    entry = settings.find(ref)
    if entry.platform not in ("ray", "yuanrong"):
        raise BadInput(f"{entry.name} is a {entry.platform} server, not one of Ray or openYuanRong")
    return source_with(entry, Credential(token, source="the argument token")) if token else source_of(ref)


def _id(job: object) -> str:
    if not isinstance(job, str):
        raise TypeError(f"a job's id is text, not {type(job).__name__}")
    return job


async def _pieces(source: Source, job: str, part: LogPart) -> AsyncGenerator[str, None]:
    """A log to the job's end: its stream, and, where there is none or it broke, what asking gives from there on."""
    seen, wait = 0, _SOONEST
    if part.live is not None:
        async with aclosing(_streamed(source, part)) as lines:
            async for line in lines:
                seen += len(line)
                yield line
        if await _ended(source, job):
            return
    while True:
        if fresh := part.text[seen:]:
            yield fresh
        seen = max(0, seen - len(part.text))
        if part.more is None:
            return
        wait = _SOONEST if fresh else min(wait * 1.5, _LATEST)
        await asyncio.sleep(wait)
        part = await source.run(part.more())


async def _streamed(source: Source, part: LogPart) -> AsyncGenerator[str, None]:
    transport = source.transport()
    headers = await transport.sign_in() if part.signed else None
    stream = live.frames(source.entry.address, part.live or "", headers=headers, tls=transport.tls())
    async with aclosing(stream) as texts:
        async for text in texts:
            yield text


async def _ended(source: Source, job: str) -> bool:
    """One that is not there any more was deleted or swept away after its end."""
    try:
        return (await source.run(source.backend.job(None, job))).status.final
    except NotFound:
        return True
