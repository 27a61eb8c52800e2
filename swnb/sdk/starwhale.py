"""Starwhale's Job SDK (starwhale paper 1): ``job``, ``Job``.

    from swnb.sdk.starwhale import job, Job
    jobs, page = Job.list("https://server/project/1", page_index=2, page_size=10)
    j = job("local/project/self/job/xm5wnup")
    j.summary; j.tables; list(j.get_table_rows("results", start=0, end=1))

It differs from the vendor's where that has a fault (paper 10): ``keep_none`` and an ``end`` without ``start`` work,
``https://server/job/1`` means that server's current project, removed jobs are not listed, the jobs of a listed project
belong to it. Every call has an awaitable door: ``await job.aio(uri)``, ``await j.aio.summary()``; rows are an iterator
and an async iterator.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from swnb import settings
from swnb.bridge import Stream, both, both_class, both_function, on_io, run
from swnb.call import Page, Plan, ask
from swnb.client.source import Source, source_of
from swnb.client.where import plain
from swnb.errors import NotFound
from swnb.model import Batch, JobInfo, JobQuery, RowQuery
from swnb.providers.starwhale import Starwhale
from swnb.uri import Ref

__all__ = ["DEFAULT_PAGE_IDX", "DEFAULT_PAGE_SIZE", "Job", "LocalJobInfo", "RemoteJobInfo", "job"]

Names: TypeAlias = list[str]  # inside Job, ``list`` is the class method
DEFAULT_PAGE_IDX = 1
DEFAULT_PAGE_SIZE = 20


class Fields(dict[str, Any]):
    """A record of the wire: its own keys, and the same as attributes, camelCase or snake_case."""

    def __getattr__(self, name: str) -> Any:
        for key in (name, re.sub(r"_([a-z])", lambda m: m[1].upper(), name)):
            if key in self:
                value = self[key]
                return Fields(value) if isinstance(value, dict) else value
        raise AttributeError(f"this record has no {name!r}; it has {', '.join(self)}")


@dataclass(frozen=True, slots=True)
class LocalJobInfo:
    """``Job.info()`` of a Standalone job."""

    manifest: Fields
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobURI:
    """``Job.uri``: a Standalone job has its id as ``version``, a server's job its number or uuid as ``name``."""

    @dataclass(frozen=True, slots=True)
    class Project:
        id: str

    full_uri: str
    project: Project
    name: str = ""
    version: str = ""

    def __str__(self) -> str:
        return self.full_uri


@dataclass(frozen=True, slots=True)
class RemoteJobInfo:
    """``Job.info()`` of a Server or Cloud job: its record, its tasks' records, and the report made of its tables."""

    job: Fields
    tasks: list[Fields]
    report: dict[str, Any]


class Rows:
    """Rows as dicts, in ascending key order; nothing is asked before the first. An iterator and an async iterator."""

    def __init__(self, batches: Stream[Batch]) -> None:
        self._batches = batches
        self._ready: deque[dict[str, Any]] = deque()

    def __iter__(self) -> Rows:
        return self

    def __aiter__(self) -> Rows:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._ready:
            self._ready.extend(next(self._batches).records())
        return self._ready.popleft()

    async def __anext__(self) -> dict[str, Any]:
        while not self._ready:
            self._ready.extend((await anext(self._batches)).records())
        return self._ready.popleft()

    def close(self) -> None:
        self._batches.close()


class _Aio:
    """The awaitable doors of a job's properties."""

    def __init__(self, job: Job) -> None:
        self._job = job

    async def summary(self) -> dict[str, Any]:
        return await on_io(self._job._read_summary())

    async def tables(self) -> list[str]:
        return await on_io(self._job._read_tables())

    async def status(self) -> str:
        return await on_io(self._job._read_status())

    async def basic_info(self) -> Any:
        return await on_io(self._job._read_basic_info())


class Job:
    """A job of a Standalone store, a Server or Cloud. Made by ``job(uri)``, ``Job.get(uri)`` or ``Job.list()``."""

    def __init__(self, ref: Ref, source: Source) -> None:
        self._ref, self._source = ref, source

    @both_class
    async def get(cls, uri: str) -> Job:
        """The job of a URI; short ids of a Standalone store are made whole. No request is sent for a server's job."""
        if not isinstance(uri, str):
            raise TypeError(f"a job's URI is text, not {type(uri).__name__}")
        ref = settings.to_ref(uri, expect="job")
        source = source_of(ref, "starwhale")
        project = ref.project or source.entry.current_project
        if source.is_store:
            info = await source.run(source.backend.job(project, ref.job or ""))
            ref, project = ref.with_(job=info.id), info.project
        return Job(ref.with_(project=project), source)

    @both_class
    async def list(
        cls,
        project: str = "",
        page_index: int = DEFAULT_PAGE_IDX,
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> tuple[list[Job], dict[str, Any]]:
        """The jobs of a project (its URI, or its name in the current instance; "" = the current project) and, of a
        server, a dict about the page. A Standalone store gives all jobs, newest first, and an empty dict."""
        ref = settings.to_ref(project, expect="project") if project else Ref(settings.current_server())
        source = source_of(ref, "starwhale")
        name = ref.project or source.entry.current_project
        if source.is_store:
            listing = await source.run(source.backend.jobs(name, JobQuery()))
            return [Job(Ref(ref.server, job.project, job.id), source) for job in listing.items], {}
        page, about = await source.run(_one_page(cast(Starwhale, source.backend), name, page_index, page_size))
        jobs = [Job(Ref(ref.server, job.project, job.key or job.id), source) for job in page.items]
        return jobs, about

    @property
    def summary(self) -> dict[str, Any]:
        """The row of the summary table that this job wrote; empty where it wrote none."""
        return run(self._read_summary())

    @property
    def tables(self) -> Names:
        """The names of the tables that the job wrote."""
        return run(self._read_tables())

    @property
    def status(self) -> str:
        """The platform's own word, in capitals (a failed Standalone job says FAILED, one of a server FAIL)."""
        return run(self._read_status())

    @property
    def basic_info(self) -> Any:
        """Of a server: the job's record, one request. Of a Standalone store the same as ``info()``."""
        return run(self._read_basic_info())

    @property
    def aio(self) -> _Aio:
        return _Aio(self)

    @property
    def uri(self) -> JobURI:
        """Where the job is, in the vendor's parts."""
        project = self._ref.project or ""
        if self._source.is_store:
            return JobURI(str(self._ref), JobURI.Project(project), version=self._id)
        return JobURI(str(self._ref), JobURI.Project(project), name=self._id)

    def get_table_rows(
        self, name: str, start: Any = None, end: Any = None, keep_none: bool = False, end_inclusive: bool = False
    ) -> Rows:
        """Rows of a table as dicts, keys from ``start`` up to ``end``; a table that is not there has none.
        ``keep_none``: cells that hold None are kept, instead of left out."""
        return Rows(Stream(self._batches(name, RowQuery(plain(start), plain(end), end_inclusive, None, keep_none))))

    async def _batches(self, name: str, query: RowQuery) -> AsyncGenerator[Batch, None]:
        try:
            async with aclosing(self._source.batches(self._ref.project, self._id, name, query)) as batches:
                async for batch in batches:
                    yield batch
        except NotFound:
            if name in await self._read_tables():  # a missing job is an error, a missing table is not
                raise

    @both
    async def info(self) -> LocalJobInfo | RemoteJobInfo:
        """All about the job, as the vendor's classes have it."""
        job = await self._source.run(self._source.backend.job(self._ref.project, self._id))
        report = await self._report(job)
        if self._source.is_store:
            return LocalJobInfo(Fields(job.raw), report)
        tasks = await self._source.run(self._source.backend.tasks(job.project, job.id))
        return RemoteJobInfo(Fields(job.raw), [Fields(task.raw) for task in tasks], report)

    async def _report(self, job: JobInfo) -> dict[str, Any]:
        summary = await self._read_summary()
        report: dict[str, Any] = {"summary": summary, "kind": summary.get("kind", "")}
        if report["kind"] == "multi_classification":
            report["labels"] = {str(row["id"]): row async for row in self.get_table_rows("labels")}
            matrix = [row async for row in self.get_table_rows("confusion_matrix/binarylabel")]
            report["confusion_matrix"] = {"binarylabel": matrix}
        return report

    async def _read_summary(self) -> dict[str, Any]:
        rows = await self._source.run(self._source.backend.summary(self._ref.project, [self._id]))
        return {**rows[0].own, **rows[0].values}

    async def _read_tables(self) -> Names:
        return [*await self._source.run(self._source.backend.tables(self._ref.project, self._id))]

    async def _read_status(self) -> str:
        info = await self._source.run(self._source.backend.job(self._ref.project, self._id))
        return info.raw_status.upper()

    async def _read_basic_info(self) -> Any:
        if self._source.is_store:
            return await self.info.aio()
        info = await self._source.run(self._source.backend.job(self._ref.project, self._id))
        return Fields(info.raw)

    @property
    def _id(self) -> str:
        return self._ref.job or ""

    def __str__(self) -> str:
        server = "local" if self._source.is_store else self._source.entry.address
        return f"Job[{server}/project/{self._ref.project}/job/{self._id}]"

    __repr__ = __str__


def _one_page(
    backend: Starwhale, project: str | None, index: int, size: int
) -> Plan[tuple[Page[JobInfo], dict[str, Any]]]:
    for name, number in (("page_index", index), ("page_size", size)):
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"{name} is a whole number, not {number!r}")
    project_id = yield from backend.project_id(project)
    page: Page[JobInfo] = yield from ask(backend.job_page(project_id, index, size))
    backend.remember(page.items)
    return page, _about(page, index, size)


def _about(page: Page[JobInfo], index: int, size: int) -> dict[str, Any]:
    """The vendor's dict about a page; its ``remain`` counts all jobs that are not on this page."""
    total, here = page.total or 0, len(page.items)
    pages = -(-total // size) if size > 0 else 0
    return {
        "total": total,
        "current": here,
        "remain": total - here,
        "page": {
            "page_num": index,
            "page_size": size,
            "pages": pages,
            "pre_page": index - 1 if index > 1 else 0,
            "next_page": index + 1 if index < pages else 0,
            "has_pre_page": index > 1,
            "has_next_page": index < pages,
        },
    }


async def _get(uri: str) -> Job:
    return await Job.get.aio(uri)


#: ``job(uri)`` is ``Job.get(uri)``
job = both_function(_get)
