"""The verbs of a SwanLab server, the cloud's and self-hosted ones of any age (swanlab paper 1 to 4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final, TypeVar

from swnb.call import Call, Listing, Page, Plan, Reply, SignedIn, ask, ask_all, collect, note
from swnb.errors import BadInput, Forbidden, NotFound, SignInNeeded, Unsupported
from swnb.model import JobInfo, JobQuery, ProjectInfo, Series, SummaryRow
from swnb.providers.base import LogPart
from swnb.providers.reading import mappings, text
from swnb.providers.swanlab import metrics, signin, summaries
from swnb.providers.swanlab.logs import TITLE, LogTail
from swnb.providers.swanlab.raw import Raw
from swnb.providers.swanlab.records import Run, cuid_of, job_info, project_info, project_path, run_path, web_of
from swnb.settings import Credential

T = TypeVar("T")

_SHOWN: Final = 10  # names of what there is, in an error
_ALONE: Final = 16  # of more jobs than this the whole list is cheaper than each by itself
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TEAMS: Final = "teams"  # in ``Calls.lacks``


class SwanLab(Raw):
    """A ``providers.base.Provider``. It keeps what the sign-in told: the own workspace."""

    platform = "swanlab"
    offers = frozenset({"summary", "metrics", "logs", "follow"})
    actions = frozenset({"delete"})

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._web = web_of(address)
        self._session = signin.Session(SignedIn())

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        self._session = yield from signin.sign_in(credential, self.calls.path("/login/api_key"))
        return self._session.signed

    # -- workspaces and projects

    def own(self) -> Plan[str]:
        """The own workspace. The sign-in tells it, which the first signed call brings about."""
        if self._session.user is None:
            with suppress(NotFound):
                yield from ask(self.calls.groups())
        if self._session.user is None:
            raise SignInNeeded(
                "nobody said whose projects are meant", todo="Name a project as workspace:name, or sign in with a key"
            )
        return self._session.user

    def _workspaces(self) -> Plan[list[str]]:
        """The own one first, then those of teams; older servers know one list of both."""
        own = yield from self.own()
        return [own, *(name for name in (yield from self._teams(own)) if name != own)]

    def _teams(self, own: str) -> Plan[list[str]]:
        if _TEAMS not in self.calls.lacks:
            try:
                return _usernames((yield from ask(self.calls.teams(own))))
            except NotFound:  # of the user who is signed in: so the endpoint is missing
                self.calls.lacks.add(_TEAMS)
        return _usernames((yield from ask(self.calls.groups())))

    def projects(self) -> Plan[Listing[ProjectInfo]]:
        own = yield from self.own()
        mine, others = yield from ask_all([self._projects_in(own), self._projects_of_teams(own)])
        parts: list[Listing[ProjectInfo]] = [mine, *others]
        once = {project.id: project for part in parts for project in part.items}
        return Listing(tuple(once.values()), sum(part.total or 0 for part in parts))

    def _projects_of_teams(self, own: str) -> Plan[Any]:
        teams = yield from self._teams(own)
        return (yield from ask_all([self._projects_in(name) for name in dict.fromkeys(teams) if name != own]))

    def _projects_in(self, workspace: str) -> Plan[Listing[ProjectInfo]]:
        try:
            return (yield from collect(self._project_page(workspace), lambda project: project.id))
        except (Forbidden, NotFound) as error:
            note(f"the projects of workspace {workspace} are left out: {error.what}")
            return Listing((), 0)

    def _project_page(self, workspace: str, size: int = 100) -> Call[Page[ProjectInfo]]:
        def read(record: Any, reply: Reply) -> ProjectInfo:
            return project_info(record, reply, workspace, self._web)

        return self.calls.projects(workspace, read, size)

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        id_ = yield from self._project_id(project)
        workspace = id_.partition(":")[0]

        def read(record: Any, reply: Reply) -> ProjectInfo:
            return project_info(record, reply, workspace, self._web)

        return (yield from self._of_project(id_, self.calls.get(project_path(id_), read)))

    def _project_id(self, project: str | None) -> Plan[str]:
        """``workspace:name``; a name alone is one of the own workspace."""
        if project is None:
            return (yield from self._only_project()).id
        workspace, colon, name = project.partition(":")
        if not colon:
            return f"{(yield from self.own())}:{project}"
        if not (workspace and name):
            raise BadInput(f"{project!r} is no project", todo="Write it as workspace:name")
        return project

    def _only_project(self) -> Plan[ProjectInfo]:
        listing = yield from self.projects()
        if len(listing.items) == 1:
            return listing.items[0]
        names = _few([each.id for each in listing.items], "none that you may see")
        raise BadInput("the address names no project", todo=f"Add /project/… ; there are: {names}")

    def _of_project(self, project: str, call: Call[T]) -> Plan[T]:
        """The answer of a call that gives 404 only where the project is missing; then the error says what there is."""
        try:
            return (yield from ask(call))
        except NotFound as error:
            where = error.where
        raise (yield from self._missing(project, where))

    def _missing(self, project: str, where: str) -> Plan[NotFound]:
        workspace, _, name = project.partition(":")
        try:
            page = yield from ask(self._project_page(workspace, _SHOWN))
        except (NotFound, Forbidden):
            names = _few((yield from self._workspaces()), "none that you may see")
            return NotFound(f"there is no workspace {workspace!r}", where=where, todo=f"There are: {names}")
        names = _few([each.name for each in page.items], "none")
        return NotFound(f"workspace {workspace} has no project {name!r}", where=where, todo=f"There are: {names}")

    # -- jobs

    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Newest first. All are read, since neither the order of the server's list nor its filters can be trusted
        (pinned runs pass them all)."""
        id_ = yield from self._project_id(project)
        listing = yield from self._all_jobs(id_, query.config)
        kept = sorted(filter(query.takes, listing.items), key=lambda job: (job.created or _EPOCH, job.id), reverse=True)
        return Listing(tuple(kept[: query.limit]), listing.total)

    def _all_jobs(self, project: str, config: bool) -> Plan[Listing[JobInfo]]:
        read = partial(self._read_job, project)
        try:
            return (yield from collect(self.calls.pages(f"{project_path(project)}/runs", read), lambda job: job.key))
        except NotFound:
            yield from self.project(project)  # where it is there after all, this server has no such list

        def read_all(body: Any, reply: Reply) -> list[JobInfo]:
            return [read(record, reply) for record in mappings(body, reply)]

        jobs = yield from ask(self.calls.shows(project_path(project), read_all))
        if config:  # this other list has none
            jobs = yield from ask_all([self._job_call(project, job.key) for job in jobs])
        return Listing(tuple(jobs), len(jobs))

    def _read_job(self, project: str, record: Any, reply: Reply) -> JobInfo:
        return job_info(record, reply, project, self._web)

    def _job_call(self, project: str, job: str) -> Call[JobInfo]:
        return self.calls.get(run_path(project, job), partial(self._read_job, project))

    def job(self, project: str | None, job: str) -> Plan[JobInfo]:
        return (yield from self._job((yield from self._project_id(project)), job))

    def _job(self, project: str, job: str) -> Plan[JobInfo]:
        try:
            return (yield from ask(self._job_call(project, job)))
        except NotFound as error:
            where = error.where
        page = yield from self._of_project(
            project, self.calls.pages(f"{project_path(project)}/runs", partial(self._read_job, project), size=_SHOWN)
        )
        there = f"There are: {_few([each.id for each in page.items], 'none')}"
        raise NotFound(f"project {project} has no job {job!r}", where=where, todo=there)

    def _runs(self, project: str | None, jobs: Sequence[str] | None) -> Plan[list[tuple[JobInfo, Run]]]:
        """These jobs (None = all, newest first) and what the metric store must be told of them."""
        id_ = yield from self._project_id(project)
        cuid = self._of_project(id_, self.calls.get(project_path(id_), cuid_of))
        project_cuid, infos = yield from ask_all([cuid, self._infos(id_, jobs)])
        return [(info, Run.of(info, project_cuid)) for info in infos]

    def _infos(self, project: str, jobs: Sequence[str] | None) -> Plan[Any]:
        if jobs is None:
            return (yield from self.jobs(project, JobQuery())).items
        named: dict[str, JobInfo] = {}
        if len(jobs) > _ALONE:
            listing = yield from self._all_jobs(project, config=False)
            named = {name: info for info in listing.items for name in (info.id, info.key)}
        missing = [job for job in dict.fromkeys(jobs) if job not in named]
        alone = yield from ask_all([self._job(project, job) for job in missing])
        named |= dict(zip(missing, alone, strict=True))
        return [named[job] for job in jobs]

    # -- what they hold

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        pairs = yield from self._runs(project, jobs)
        found = yield from summaries.summaries(self.calls, [run for _, run in pairs])
        return [summaries.summary_row(info, found[run.cuid]) for info, run in pairs]

    def metric_names(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        [(_, run)] = yield from self._runs(project, [job])
        return (yield from metrics.keys_of(self.calls, run))

    def metrics(
        self, project: str | None, jobs: Sequence[str] | None, keys: Sequence[str] | None, steps: int | None
    ) -> Plan[Sequence[Series]]:
        pairs = yield from self._runs(project, jobs)
        gone_too = jobs is None  # only a run that was named must be there
        found = yield from ask_all([self._series_of(run, keys, steps, gone_too) for _, run in pairs])
        return [series for each in found for series in each]

    def _series_of(self, run: Run, keys: Sequence[str] | None, steps: int | None, gone_too: bool) -> Plan[list[Series]]:
        try:
            return (yield from metrics.series_of(self.calls, run, keys, steps))
        except NotFound as error:
            if not gone_too:
                raise
            note(error.what)
            return []

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        [(info, run)] = yield from self._runs(project, [job])
        tail = LogTail(self.calls, run, lambda: self._job(info.project, info.key))
        try:
            return [(yield from tail.part(info))]
        except NotFound:
            yield from self.calls.still_there(run)
        note(f"this server offers no logs (asked for those of job {info.id})")
        return [LogPart(TITLE)]

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        if action not in self.actions:
            raise Unsupported(f"a SwanLab job cannot {action}", todo=f"It can: {', '.join(sorted(self.actions))}")
        info = yield from self.job(project, job)
        yield from ask(self.calls.delete(run_path(info.project, info.key)))
        return ""


def _usernames(groups: Sequence[Any]) -> list[str]:
    return [name for group in groups if (name := text(group.get("username")))]


def _few(names: Sequence[str], none: str) -> str:
    return ", ".join(names[:_SHOWN]) or none
