"""The verbs of a Supervisely server (supervisely paper 3 to 6): workspaces are its projects, tasks its jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeVar

from swnb.call import Call, Listing, Page, Plan, Reply, SignedIn, ask, ask_all, collect, note
from swnb.errors import NotFound, ServerError, Unsupported
from swnb.model import JobInfo, JobQuery, Series, SummaryRow
from swnb.providers.base import LogPart
from swnb.providers.reading import inner, text
from swnb.providers.supervisely import curves, experiments, requests, signin
from swnb.providers.supervisely.calls import PAGE
from swnb.providers.supervisely.logs import TITLE, LogTail, ordered
from swnb.providers.supervisely.records import experiment_of, job_info, words_of
from swnb.providers.supervisely.replies import entities
from swnb.providers.supervisely.workspaces import Workspaces
from swnb.settings import Credential

T = TypeVar("T")
_FEW: Final = 100  # records that a page has where few are wanted
_LANES: Final = 5  # tasks that are looked up one by one at a time (paper 6)
_JOB_FORMS: Final = "A task is named by its number; swnb.jobs lists them"
_NEVER_TRAIN: Final = frozenset({"clone", "export", "import", "import_agent"})
_ACTIONS: Final[Mapping[str, Callable[[int], Call[Any]]]] = {"stop": requests.stop, "resume": requests.resume}


class Supervisely(Workspaces):
    """A ``providers.base.Provider``."""

    platform = "supervisely"
    offers = frozenset({"summary", "metrics", "logs", "follow"})
    actions = frozenset({"stop", "resume"})

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._lacks_logs = False

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        signed = yield from signin.sign_in(credential)
        self.calls.anonymous = not signed.headers
        return signed

    # -- jobs

    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Newest first, by number. The server filters by status; the rest is looked at here."""
        id_ = yield from self.workspace_id(project)
        if query.status is not None and words_of(query.status) == ("in", []):
            return Listing(())
        try:
            listing = yield from self._listed(id_, query)
        except NotFound:
            raise (yield from self._missing(id_)) from None
        newest = sorted(listing.items, key=_number, reverse=True)
        if query.owner is None:
            kept = [job for job in newest if _takes(query, job)]
        else:
            kept = yield from self._of_owner(newest, query)
        kept = kept[: query.limit]
        if query.config and not any(job.config for job in kept):  # a list that leaves the arguments out
            told = yield from self._told([job.id for job in kept if _may_train(job)], id_)
            kept = [told.get(job.id, job) for job in kept]
        return Listing(tuple(kept), None if query.status is not None else listing.total)

    def _listed(self, workspace: str, query: JobQuery) -> Plan[Listing[JobInfo]]:
        loose = query.name is not None or query.owner is not None or query.since is not None
        few = query.limit is not None and query.limit <= _FEW and not loose
        first = self._page(workspace, _of_status(query), few)
        if query.limit is None or query.owner is not None:
            return (yield from collect(first, _id))
        return (yield from self._newest(first, query))

    def _page(self, workspace: str, filters: requests.Filters, few: bool = False) -> Call[Page[JobInfo]]:
        def read(record: Any, reply: Reply) -> JobInfo:
            return job_info(record, reply, self.address, workspace)

        return self.calls.tasks(workspace, read, filters, _FEW if few else PAGE)

    def _newest(self, first: Call[Page[JobInfo]], query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Pages until the newest ``limit`` are sure: their numbers only descend."""
        page = yield from ask(first)
        totals, found = {page.total}, {job.id: job for job in page.items}
        rest = iter(page.rest)
        while sum(_takes(query, job) for job in found.values()) < (query.limit or 0):
            calls = tuple(islice(rest, self.in_flight))
            if not calls:
                break
            for page in (yield from ask_all(calls)):
                totals.add(page.total)
                found.update({job.id: job for job in page.items})
        if len(totals) > 1:  # a removed task moves others onto pages already read: collect() knows what to do
            return (yield from collect(first, _id))
        return Listing(tuple(found.values()), page.total)

    def _of_owner(self, jobs: Sequence[JobInfo], query: JobQuery) -> Plan[list[JobInfo]]:
        """A list does not tell who started a task, so each that may be wanted is asked for, the newest first."""
        candidates = iter([job for job in jobs if _takes(replace(query, owner=None), job)])
        kept: list[JobInfo] = []
        asked = 0
        while query.limit is None or len(kept) < query.limit:
            some = list(islice(candidates, PAGE if query.limit is None else _FEW))
            if not some:
                break
            unknown = [job.id for job in some if job.owner is None]
            told = yield from self._told(unknown, some[0].project)
            asked += len(unknown)
            kept += [job for job in (told.get(each.id, each) for each in some) if _takes(query, job)]
        if asked:
            note(f"{asked:,} tasks were asked for one by one, since their list does not tell who started them")
        return kept

    def _told(self, ids: Sequence[str], workspace: str) -> Plan[dict[str, JobInfo]]:
        """The whole records of tasks, by a few at a time; without those that are gone by now."""

        def lane(ids: Sequence[str]) -> Plan[list[JobInfo]]:
            found = []
            for id_ in ids:
                try:
                    found.append((yield from ask(self._task(id_, workspace))))
                except NotFound:
                    note(f"task {id_} is gone: it was removed while it was looked at")
            return found

        lanes = yield from ask_all([lane(ids[at::_LANES]) for at in range(min(_LANES, len(ids)))])
        return {job.id: job for found in lanes for job in found}

    def _task(self, id_: str, workspace: str) -> Call[JobInfo]:
        def read(record: Any, reply: Reply) -> JobInfo:
            return job_info(record, reply, self.address, workspace)

        return self.calls.task(id_, read)

    def job(self, project: str | None, job: str) -> Plan[JobInfo]:
        """Its number is enough: ``project=None`` takes it wherever it is."""
        workspace = "" if project is None else (yield from self.workspace_id(project))
        return (yield from self._job(workspace, job))

    def _job(self, workspace: str, job: str) -> Plan[JobInfo]:
        id_ = _checked(job)
        try:
            info = yield from ask(self._task(id_, workspace))
        except NotFound as error:
            raise NotFound(f"there is no task {id_}", where=error.where, todo=_JOB_FORMS) from None
        if not info.project:
            context = yield from ask(self.calls.context(id_))
            info = replace(info, project=str(inner(context, "workspace").get("id", "")))
        if workspace and info.project != workspace:
            raise NotFound(
                f"workspace {workspace} has no task {id_}",
                todo=f"It is in workspace {info.project}: say /project/{info.project}/job/{id_}",
            )
        return info

    def _infos(self, project: str | None, jobs: Sequence[str] | None) -> Plan[tuple[list[JobInfo], bool]]:
        """These jobs in their order (None = all, newest first), and whether a list told of them: it may tell less."""
        if jobs is None:
            return list((yield from self.jobs(project, JobQuery())).items), True
        ids = list(dict.fromkeys(map(_checked, jobs)))
        workspace = "" if project is None else (yield from self.workspace_id(project))
        known: dict[str, JobInfo] = {}
        if workspace and len(ids) > 1:
            parts = [ids[at : at + PAGE] for at in range(0, len(ids), PAGE)]
            listings = yield from ask_all([collect(self._page(workspace, [_one_of(some)]), _id) for some in parts])
            known = {job.id: job for listing in listings for job in listing.items if job.project == workspace}
        alone = yield from ask_all([self._job(workspace, id_) for id_ in ids if id_ not in known])
        listed = bool(known)
        known |= {job.id: job for job in alone}
        return [known[_checked(job)] for job in jobs], listed

    # -- what they hold

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        """What trainings said of themselves, from wherever it is to be had: the tasks' list, the tasks, Team Files."""
        infos, listed = yield from self._infos(project, jobs)
        found = {info.id: experiment_of(info.raw) for info in infos}
        if listed and not any("output" in inner(info.raw, "meta") for info in infos):
            finished = [info.id for info in infos if info.raw_status == "finished" and _may_train(info)]
            told = yield from self._told(finished, infos[0].project if infos else "")
            found |= {id_: experiment_of(info.raw) for id_, info in told.items()}
        found |= yield from self._of_files(infos, found, whole_list=jobs is None)
        return [experiments.summary_row(info, found[info.id]) for info in infos]

    def _of_files(self, infos: Sequence[JobInfo], found: Mapping[str, Any], whole_list: bool) -> Plan[dict[str, Any]]:
        lacking: dict[str, list[str]] = {}
        for info in infos:
            if info.status.final and _may_train(info) and not found[info.id]:
                lacking.setdefault(info.project, []).append(info.id)
        if whole_list and any(found.values()):
            lacking.setdefault(infos[0].project, [])
        more: dict[str, Any] = {}
        for workspace, ids in lacking.items():
            files = experiments.Files(self.calls, workspace, self.team_id)
            more |= yield from files.of(ids, set(found) if whole_list else None)
        return more

    def metric_names(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        return [series.metric for series in (yield from self._series((yield from self.job(project, job))))]

    def metrics(
        self, project: str | None, jobs: Sequence[str] | None, keys: Sequence[str] | None, steps: int | None
    ) -> Plan[Sequence[Series]]:
        infos, _ = yield from self._infos(project, jobs)
        if jobs is None:
            infos = [info for info in infos if info.started and info.own["type"] not in _NEVER_TRAIN]
        found = yield from ask_all([self._series(info) for info in infos])
        return [curves.thinned(series, steps) for each in found for series in _picked(each, keys)]

    def _series(self, job: JobInfo) -> Plan[list[Series]]:
        """From the log; where that has none, from what older trainings kept apart."""

        def of_log(body: Any, reply: Reply) -> list[Series]:
            records = [record for _, record in ordered(entities(body, reply))]
            return curves.series_of(curves.rows_of_log(records), job.id, job.project)

        def kept_apart(body: Any, reply: Reply) -> list[Series]:
            series = curves.series_of(curves.rows_of_json(body), job.id, job.project)
            if body and not series:
                note(f"job {job.id}: what the server holds as its metrics cannot be read as series")
            return series

        found: list[Series] | None = yield from self._asked_of_log(self.calls.log(job.id, of_log))
        if found:
            return found
        if found is None:
            note("this server gives no logs of tasks, so their metrics are those of tasks.train-metrics only")
        try:
            return (yield from ask(self.calls.train_metrics(job.id, kept_apart)))
        except (NotFound, Unsupported):  # of a server or a task that has none
            return []
        except ServerError as error:
            if error.status != 400:  # of a task of another type
                raise
            return []

    def _asked_of_log(self, plan: Call[T] | Plan[T]) -> Plan[T | None]:
        """What is asked of the log of a task that is there; None where the server has no such thing."""
        if self._lacks_logs:
            return None
        try:
            return (yield from ask(plan) if isinstance(plan, Call) else plan)
        except NotFound:
            return None
        except Unsupported:  # of the method itself
            self._lacks_logs = True
            return None

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        info = yield from self.job(project, job)
        tail = LogTail(self.calls, lambda: self._job(info.project, info.id))
        part = yield from self._asked_of_log(tail.part(info))
        if part is None:
            note(f"this server gives no logs of tasks (asked for that of task {info.id})")
        return [part or LogPart(TITLE)]

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        if action not in _ACTIONS:
            raise Unsupported(f"a Supervisely task cannot {action}", todo=f"It can: {', '.join(sorted(self.actions))}")
        info = yield from self.job(project, job)
        call = self.calls.read(_ACTIONS[action](int(info.id)), lambda body, reply: text(inner(body).get("status")))
        try:
            return (yield from ask(call)) or "done"
        except Unsupported as error:
            why, where = error.what, error.where
        raise Unsupported(f"a task of type {info.own['type']} cannot {action}: {why}", where=where)

    # -- beside the verbs

    def context(self, job: str) -> Plan[Mapping[str, Any]]:
        """``{"team": {"id", "name"}, "workspace": {"id", "name"}}`` of a task."""
        return (yield from ask(self.calls.context(_checked(job))))

    def checkpoints(self, job: str) -> Plan[list[Mapping[str, Any]]]:
        """The checkpoints that a training left: those of its record (``name``), or those that the platform kept of an
        older one. Unsupported where the server has no such list."""
        info = yield from self.job(None, job)
        listed = experiment_of(info.raw).get("checkpoints")
        if isinstance(listed, list):
            return [{"name": name} for name in listed]
        try:
            return (yield from ask(self.calls.checkpoints(info.id)))
        except (NotFound, ServerError) as error:
            if isinstance(error, ServerError) and error.status != 400:
                raise
            why, where = error.what, error.where
        raise Unsupported(f"the server lists no checkpoints of task {info.id}: {why}", where=where)


def _checked(job: str) -> str:
    if not re.fullmatch("[0-9]{1,18}", job):
        raise NotFound(f"{job!r} is no task", todo=_JOB_FORMS)
    return str(int(job))


def _id(job: JobInfo) -> str:
    return job.id


def _number(job: JobInfo) -> int:
    return int(job.id)


def _one_of(ids: Sequence[str]) -> dict[str, Any]:
    return {"field": "id", "operator": "in", "value": [int(id_) for id_ in ids]}


def _of_status(query: JobQuery) -> list[dict[str, Any]]:
    wanted = words_of(query.status) if query.status is not None else (None, [])
    return [{"field": "status", "operator": wanted[0], "value": wanted[1]}] if wanted[1] else []


def _takes(query: JobQuery, job: JobInfo) -> bool:
    return query.takes(job) or _waits(query, job)


def _waits(query: JobQuery, job: JobInfo) -> bool:
    """Whether only its missing time speaks against it: a task that waits has none, and is as new as can be."""
    return job.started is None and not job.status.final and replace(query, since=None).takes(job)


def _may_train(job: JobInfo) -> bool:
    return job.own["type"] in experiments.TRAINS


def _picked(found: Sequence[Series], keys: Sequence[str] | None) -> Iterator[Series]:
    if keys is None:
        yield from found
        return
    named = {series.metric: series for series in found}
    yield from (named[key] for key in keys if key in named)
