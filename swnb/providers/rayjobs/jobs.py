"""The verbs that both dialects answer in the same way: one project, one list without pages, jobs found by id."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from swnb.call import Call, Listing, Plan, Reply, ask, ask_all
from swnb.errors import NotFound, SwnbError, Unsupported
from swnb.model import JobInfo, JobQuery, ProjectInfo, SummaryRow
from swnb.providers.base import Lacking
from swnb.providers.rayjobs.records import PROJECT, check_project, job_info, job_infos
from swnb.providers.rayjobs.replies import Refusal, T, decoder
from swnb.providers.reading import Read

_ALONE: Final = 16  # of more jobs than this the whole list is cheaper than each by itself


class Jobs(Lacking, ABC):
    """Paths, refusals, tasks and logs are the dialect's. ``listed``, ``stop``, ``remove`` and ``log_text`` are for the
    vendor's surface, which wants what the server says and no words about it."""

    offers = frozenset({"tasks", "logs", "follow", "summary"})
    actions = frozenset({"stop", "delete", "submit"})
    implied: str | None = PROJECT
    list_path = ""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    @abstractmethod
    def refusal(self, reply: Reply) -> SwnbError:
        """The error that a reply with another status than 2xx stands for."""

    @abstractmethod
    def job_path(self, job: str) -> str:
        """The path of a job; NotFound where none can have that id."""

    @abstractmethod
    def missing(self, job: str, where: str) -> NotFound:
        """The error for an id that the server does not know."""

    def page(self, job: str) -> str | None:
        """Where people see the job."""
        return None

    def call(
        self,
        method: str,
        path: str,
        kind: type,
        read: Read[T],
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        refusal: Refusal | None = None,
        timeout: float | None = None,
    ) -> Call[T]:
        decode = decoder(read, kind, refusal or self.refusal)
        return Call(method, path, decode, query or {}, json, reads=method == "GET", timeout=timeout)

    # -- projects and jobs

    def projects(self) -> Plan[Listing[ProjectInfo]]:
        return Listing(((yield from self.project(None)),), 1)

    @abstractmethod
    def project(self, project: str | None) -> Plan[ProjectInfo]: ...

    def listed(self) -> Plan[list[JobInfo]]:
        """All that the server lists, newest first."""
        return (yield from ask(self.call("GET", self.list_path, list, self._infos)))

    def _infos(self, body: Any, reply: Reply) -> list[JobInfo]:
        return job_infos(body, reply, self.page)

    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        check_project(project)
        found = self.submitted((yield from self.listed()))
        taken = [info for info in found if query.takes(info)]
        return Listing(tuple(taken[: query.limit]), len(found))

    def submitted(self, listed: list[JobInfo]) -> list[JobInfo]:
        """Those of a list that are jobs."""
        return listed

    def job(self, project: str | None, job: str) -> Plan[JobInfo]:
        check_project(project)
        path = self.job_path(job)
        try:
            return (yield from ask(self.call("GET", path, dict, self._info)))
        except NotFound as error:
            where = error.where
        raise self.missing(job, where)

    def _info(self, body: Any, reply: Reply) -> JobInfo:
        return job_info(body, reply, self.page)

    def _named(self, project: str | None, jobs: Sequence[str] | None) -> Plan[list[JobInfo]]:
        """These jobs, or all of them."""
        if jobs is None:
            return [*(yield from self.jobs(project, JobQuery())).items]
        check_project(project)
        named: dict[str, JobInfo] = {}
        if len(jobs) > _ALONE:
            named = {info.id: info for info in (yield from self.listed())}
        missing = [job for job in dict.fromkeys(jobs) if job not in named]
        alone = yield from ask_all([self.job(project, job) for job in missing])
        named |= dict(zip(missing, alone, strict=True))
        return [named[job] for job in jobs]

    # -- what they hold

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        infos = yield from self._named(project, jobs)
        counts = yield from self.task_counts(infos)
        return [_summary(info, count) for info, count in zip(infos, counts, strict=True)]

    @abstractmethod
    def task_counts(self, infos: Sequence[JobInfo]) -> Plan[list[Mapping[str, int]]]:
        """How many tasks each job has in which state."""

    @abstractmethod
    def log_text(self, job: str) -> Plan[str]:
        """The whole log as it is now."""

    # -- what changes them

    @abstractmethod
    def stop(self, job: str) -> Plan[bool]: ...

    @abstractmethod
    def remove(self, job: str) -> Plan[bool]: ...

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        """The words say what came of it: both servers may take a request and do nothing."""
        if action not in ("stop", "delete"):
            raise Unsupported(f"a {self.platform} job cannot {action}", todo="It can be stopped and deleted")
        info = yield from self.job(project, job)
        if action == "stop":
            return self.stop_words(info, (yield from self.stop(info.id)))
        if (yield from self.remove(info.id)):
            return f"job {info.id} is deleted"
        return f"job {info.id} was not deleted: only an ended job can be, and it is {info.raw_status}"

    @abstractmethod
    def stop_words(self, info: JobInfo, done: bool) -> str: ...


def _summary(info: JobInfo, counts: Mapping[str, int]) -> SummaryRow:
    values: dict[str, Any] = {"exit_code": info.own["exit_code"], **counts}
    values |= {f"metadata.{name}": value for name, value in info.metadata.items()}
    return SummaryRow(info, info.id, {k: v for k, v in values.items() if v is not None}, project=info.project)


def part(job: str) -> str:
    """An id as one part of a path; dots alone would lead to another."""
    if not job.strip("."):
        raise NotFound(f"no job is called {job!r}")
    return quote(job, safe="")
