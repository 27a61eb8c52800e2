"""The verbs of a Starwhale Server. Paths hold numbers and uuids only: the server decodes no names in them (3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

from swnb.call import Call, Listing, Page, Plan, Reply, SignedIn, ask, ask_all, collect, note
from swnb.errors import BadInput, NotFound, ServerError, Unsupported
from swnb.model import EventInfo, JobInfo, JobQuery, ProjectInfo, RowQuery, SummaryRow, TaskInfo
from swnb.providers.base import Glance, Lacking, LogPart
from swnb.providers.reading import field
from swnb.providers.starwhale import signin, summaries
from swnb.providers.starwhale import table as tables_
from swnb.providers.starwhale.records import event_info, job_info, project_info, task_info
from swnb.providers.starwhale.replies import data, list_of, message, page_of, refusal
from swnb.providers.starwhale.table import DatastoreTable, look
from swnb.providers.starwhale.values import Blob, blob_of
from swnb.settings import Credential

_V1: Final = "/api/v1"
_JOBS_A_PAGE: Final = 100  # 3.6 ms a job on the server: pages of this size, four abreast, use both of its cores
_TASKS_A_PAGE: Final = 1000
_MANY_JOBS: Final = 100_000  # a page that the server gives whole
# The server trips over other names in a path (it answers with HTML pages, or reads a:b:c as a:b): the list has them.
_ASKABLE: Final = re.compile(r"(?!\.+$)[\w.\- ]+(?::[\w.\- ]+)?", re.ASCII)
_JOB_FORMS: Final = "A job is named by its number or its uuid; swnb.jobs lists them"
_ACTIONS: Final[Mapping[str, str]] = {"stop": "cancel", "pause": "pause", "resume": "resume"}


class Starwhale(Lacking):
    """A ``providers.base.Provider``. It keeps what never changes: a name's project number, a job's uuid."""

    platform = "starwhale"
    offers = frozenset({"tasks", "summary", "tables", "rows", "logs", "follow", "events"})
    actions = frozenset({"stop", "pause", "resume", "delete"})
    in_flight = 4

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._project_ids: dict[str, str] = {}
        self._job_keys: dict[tuple[str, str], str] = {}

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        return signin.sign_in(credential)

    # -- projects (3.4)

    def projects(self) -> Plan[Listing[ProjectInfo]]:
        return (yield from collect(self._project_page(1), lambda project: project.id))

    def _project_page(self, number: int) -> Call[Page[ProjectInfo]]:
        def read(record: Any, reply: Reply) -> ProjectInfo:
            return project_info(record, reply, self.address)

        return Call("GET", f"{_V1}/project", page_of(read, self._project_page, number), _paging(number, 100))

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        if project is None:
            return (yield from self._only_project())

        def decode(reply: Reply) -> ProjectInfo:
            return project_info(data(reply), reply, self.address, counted=False)

        try:
            if not _ASKABLE.fullmatch(project):
                raise NotFound(f"there is no project {project!r}")
            found = yield from ask(Call("GET", f"{_V1}/project/{quote(project, safe=':')}", decode))
        except NotFound:
            found = yield from self._by_list(project)
        self._project_ids[project] = found.id
        return found

    def _only_project(self) -> Plan[ProjectInfo]:
        listing = yield from self.projects()
        if len(listing.items) == 1:
            return listing.items[0]
        names = ", ".join(f"{each.owner}:{each.name}" for each in listing.items[:10]) or "none that you may see"
        raise BadInput("the address names no project", todo=f"Add /project/… ; there are: {names}")

    def _by_list(self, project: str) -> Plan[ProjectInfo]:
        """A name that two owners use is refused in the very words of an unknown one; the list tells them apart."""
        listing = yield from self.projects()
        wanted = project.casefold()
        same = [p for p in listing.items if wanted in (p.name.casefold(), f"{p.owner}:{p.name}".casefold())]
        if len(same) == 1:
            return same[0]
        if same:
            forms = " or ".join(f"{each.owner}:{each.name}" for each in same)
            raise BadInput(f"{len(same)} projects are called {project}", todo=f"Say {forms}")
        names = ", ".join(each.name for each in listing.items[:10]) or "none that you may see"
        raise NotFound(f"there is no project {project!r}", todo=f"There are: {names}")

    def project_id(self, project: str | None) -> Plan[str]:
        if project is not None and re.fullmatch("[0-9]{1,18}", project):
            return str(int(project))
        if project is not None and project in self._project_ids:
            return self._project_ids[project]
        return (yield from self.project(project)).id

    # -- jobs (3.5)

    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Newest first. The server filters nothing, so pages are read until the newest ``limit`` are sure."""
        id_ = yield from self.project_id(project)
        if query.limit is None and query.since is None:
            listing = yield from collect(self.job_page(id_, 1, _JOBS_A_PAGE), lambda job: job.id)
        else:
            listing = yield from self._newest(id_, query)
        self.remember(listing.items)
        kept = sorted(filter(query.takes, listing.items), key=lambda job: _order(job.id), reverse=True)
        return Listing(tuple(kept[: query.limit]), listing.total)

    def job_page(self, project_id: str, number: int, size: int) -> Call[Page[JobInfo]]:
        def read(record: Any, reply: Reply) -> JobInfo:
            return job_info(record, reply, self.address, project_id)

        def following(number: int) -> Call[Page[JobInfo]]:
            return self.job_page(project_id, number, size)

        path = f"{_V1}/project/{project_id}/job"
        return Call("GET", path, page_of(read, following, number), _paging(number, size))

    def _newest(self, project_id: str, query: JobQuery) -> Plan[Listing[JobInfo]]:
        first = self.job_page(project_id, 1, _JOBS_A_PAGE)
        page = yield from ask(first)
        totals, found = {page.total}, {job.id: job for job in page.items}
        rest = iter(page.rest)
        while not _enough(found.values(), query):
            calls = tuple(islice(rest, self.in_flight)) or ((page.next,) if page.next and page.items else ())
            if not calls:
                break
            for page in (yield from ask_all(calls)):
                totals.add(page.total)
                found.update({job.id: job for job in page.items})
        if len(totals) > 1:  # a removed job moves others onto pages already read: collect() knows what to do
            return (yield from collect(first, lambda job: job.id))
        return Listing(tuple(found.values()), page.total)

    def job(self, project: str | None, job: str) -> Plan[JobInfo]:
        id_ = yield from self.project_id(project)
        try:
            info = yield from ask(self._job_call(id_, job))
        except NotFound as error:
            missing = NotFound(f"project {project or id_} has no job {job}", where=error.where, todo=_JOB_FORMS)
            raise missing from None
        self.remember([info])
        return info

    def glance(self, project: str, known: Sequence[JobInfo]) -> Plan[Glance | None]:
        return summaries.glance(project, known)

    def _job_call(self, project_id: str, job: str) -> Call[JobInfo]:
        def decode(reply: Reply) -> JobInfo:
            return job_info(data(reply), reply, self.address, project_id)

        return Call("GET", self._job_path(project_id, job), decode)

    def _job_path(self, project_id: str, job: str) -> str:
        # The server decodes nothing here and trips over odd characters, so anything else cannot be one of its jobs.
        if not re.fullmatch("[0-9]{1,18}|[0-9a-fA-F]{32}", job):
            raise NotFound(f"{job!r} is no job", todo=_JOB_FORMS)
        return f"{_V1}/project/{project_id}/job/{job}"

    def remember(self, jobs: Iterable[JobInfo]) -> None:
        for job in jobs:
            self._job_keys[job.project, job.id] = job.key

    def job_key(self, project_id: str, job: str) -> Plan[str]:
        """The uuid that names the job's tables; a job named by its uuid costs nothing."""
        if re.fullmatch("[0-9a-fA-F]{32}", job):
            return job.lower()
        known = self._job_keys.get((project_id, job))
        return known if known else (yield from self.job(project_id, job)).key

    # -- tasks, events, logs, actions (3.6, 3.7)

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]:
        id_ = yield from self.project_id(project)
        path = f"{self._job_path(id_, job)}/task"

        def page(number: int) -> Call[Page[TaskInfo]]:
            return Call("GET", path, page_of(task_info, page, number), _paging(number, _TASKS_A_PAGE))

        return (yield from collect(page(1), lambda task: task.id)).items

    def events(self, project: str | None, job: str) -> Plan[Sequence[EventInfo]]:
        """Events of the job itself, then those of its tasks (which hold their runs' events), by time."""
        id_ = yield from self.project_id(project)
        path = f"{self._job_path(id_, job)}/event"
        tasks = yield from self.tasks(id_, job)
        queries: list[dict[str, str]] = [{}, *({"taskId": task.id} for task in tasks)]
        found = yield from ask_all([Call("GET", path, list_of(event_info), query) for query in queries])
        once = {event.own["id"]: event for events in found for event in events}
        return sorted(once.values(), key=lambda event: (event.time is None, event.time, _order(event.own["id"])))

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        """The stored log of every run of every task, oldest task first; then the live logs of tasks that run."""
        tasks = sorted((yield from self.tasks(project, job)), key=lambda task: _order(task.id))
        names = yield from ask_all([self._log_names(task.id) for task in tasks])
        files = [(task, name) for task, found in zip(tasks, names, strict=True) for name in found]
        texts = yield from ask_all([self._log_file(task.id, name) for task, name in files])
        stored = [
            LogPart(f"task {task.id} {task.name} {name}", text) for (task, name), text in zip(files, texts, strict=True)
        ]
        live = [
            LogPart(f"task {task.id} {task.name}", live=f"{_V1}/log/online/{task.id}")
            for task in tasks
            if not task.status.final and task.runs
        ]
        return stored + live

    def _log_names(self, task: str) -> Call[Sequence[str]]:
        return Call("GET", f"{_V1}/log/offline/{task}", list_of(_file_name), retry_500=False)

    def _log_file(self, task: str, name: str) -> Call[str]:
        def decode(reply: Reply) -> str:
            if reply.status != 200:
                raise refusal(reply)
            return reply.text()

        return Call("GET", f"{_V1}/log/offline/{task}/{quote(name, safe='')}", decode, retry_500=False)

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        id_ = yield from self.project_id(project)
        path = self._job_path(id_, job)
        if action == "delete":
            return (yield from ask(Call("DELETE", path, _done, reads=False)))
        if action not in _ACTIONS:
            raise Unsupported(f"a Starwhale job cannot {action}", todo=f"It can: {', '.join(sorted(self.actions))}")
        headers = {"Content-Type": "application/json"}
        return (yield from ask(Call("POST", f"{path}/{_ACTIONS[action]}", _done, headers=headers, reads=False)))

    # -- tables and summaries (4, 5)

    def tables(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        id_ = yield from self.project_id(project)
        return (yield from self._tables(id_, (yield from self.job_key(id_, job))))

    def _tables(self, project_id: str, key: str) -> Plan[Sequence[str]]:
        prefix = _prefix(project_id, key)  # with a slash behind it, or a longer id that begins alike would be in it

        def decode(reply: Reply) -> Sequence[str]:
            names = field(data(reply), "tables", list, reply)
            full = [_string(name, reply) for name in names]
            return tuple(name.removeprefix(prefix).strip("/") for name in full if name.startswith(prefix))

        body = {"prefixes": [prefix]}
        return (yield from ask(Call("POST", f"{_V1}/datastore/listTables", decode, json=body)))

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Plan[DatastoreTable]:
        id_ = yield from self.project_id(project)
        key = yield from self.job_key(id_, job)
        name = _prefix(id_, key) + table
        types, query = yield from self._types(name, query)
        if not types and table not in (names := (yield from self._tables(id_, key))):
            there = f"It has {', '.join(names)}" if names else "It has no tables"
            raise NotFound(f"job {job} has no table {table!r}", todo=there)
        return DatastoreTable.of(name, types, query)

    def _types(self, name: str, query: RowQuery) -> Plan[tuple[tables_.Types, RowQuery]]:
        """The table's types; where the server fails over one column (4.3, the trap), those of the others wanted, and
        the query without it."""
        try:
            return (yield from ask(look(name))), query
        except ServerError as error:
            if error.status != 500 or not query.columns:
                raise
        found: dict[str, frozenset[str]] = {}
        kept = []
        for column in dict.fromkeys((tables_.KEY, *query.columns)):
            try:
                found |= yield from ask(look(name, [column]))
            except ServerError as error:
                if column == tables_.KEY or error.status not in (400, 500):
                    raise
                if error.status == 500:
                    note(f"column {column} was left out: the server fails when it is asked for (500)")
                    continue
            kept.append(column)  # one that is not there (400) too: the caller is told so with all its fellows
        return found, replace(query, columns=tuple(kept))

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        """Of all jobs (None): the job list and one walk of the summary table. Of some: one query for each thousand."""
        id_ = yield from self.project_id(project)
        if jobs is None:
            return (yield from self._whole_summary(id_))
        return (yield from self._some_summaries(id_, jobs))

    def _whole_summary(self, project_id: str) -> Plan[Sequence[SummaryRow]]:
        listing = yield from self.jobs(project_id, JobQuery())
        rows = yield from summaries.walk(summaries.scan_of(project_id))
        # The table also holds rows of removed jobs; only the list tells which those are.
        return [summaries.summary_row(project_id, job.id, job, rows.get(job.key)) for job in listing.items]

    def _some_summaries(self, project_id: str, jobs: Sequence[str]) -> Plan[Sequence[SummaryRow]]:
        """First what the summary table knows of these numbers and uuids. A job without a row there, or with one that
        does not say its number, may be of another type than EVALUATION, may have written nothing, or not exist: the
        server is asked about those."""
        words = [_word(job) for job in jobs]
        found = summaries.by_word((yield from ask_all(summaries.queries(project_id, words))))
        vague = dict.fromkeys(word for word in words if summaries.NUMBER not in found.get(word, {}))
        infos = yield from self._infos(project_id, list(vague))
        keys = [info.key for word, info in infos.items() if info.key and word != info.key]
        found |= summaries.by_word((yield from ask_all(summaries.queries(project_id, keys))))
        rows = []
        for word in words:
            info = infos.get(word)
            row = found.get(info.key if info is not None else word)
            number = info.id if info is not None else str((row or {})[summaries.NUMBER])
            rows.append(summaries.summary_row(project_id, number, info, row))
        return rows

    def _infos(self, project_id: str, jobs: Sequence[str]) -> Plan[dict[str, JobInfo]]:
        """Several from one list; those that no list shows (removed ones, some types) and a single one by themselves."""
        listed: Sequence[JobInfo] = ()
        if len(jobs) > 1:
            listed = (yield from collect(self.job_page(project_id, 1, _MANY_JOBS), lambda job: job.id)).items
        named = {name: info for info in listed for name in (info.id, info.key)}
        missing = [job for job in jobs if job not in named]
        alone = yield from ask_all([self._job_call(project_id, job) for job in missing])
        self.remember([*listed, *alone])
        return {job: named[job] for job in jobs if job in named} | dict(zip(missing, alone, strict=True))

    def blob_of(self, value: Any) -> Blob | None:
        return blob_of(value)

    def blobs(self, links: Sequence[str]) -> Plan[Mapping[str, str]]:
        """Download addresses of stored blobs, signed by the server for a day (4.5)."""

        def decode(reply: Reply) -> Mapping[str, str]:
            found = data(reply)
            if not isinstance(found, Mapping) or not all(isinstance(url, str) for url in found.values()):
                raise reply.odd("data is no object of addresses")
            return found

        query = {"expTimeMillis": "86400000"}
        return (yield from ask(Call("POST", f"{_V1}/filestorage/sign-links", decode, query, json=list(links))))


def _done(reply: Reply) -> str:
    data(reply)
    return message(reply)


def _string(value: Any, reply: Reply) -> str:
    if not isinstance(value, str):
        raise reply.odd(f"a text is expected, not {type(value).__name__}")
    return value


def _file_name(value: Any, reply: Reply) -> str:
    name = _string(value, reply)
    if not name.strip("."):  # it becomes a part of a path
        raise reply.odd(f"{name!r} is no name of a file")
    return name


def _paging(number: int, size: int) -> dict[str, str]:
    return {"pageNum": str(number), "pageSize": str(size)}


def _order(id_: str) -> tuple[int, str]:
    """Decimal texts by their numbers."""
    return len(id_), id_


def _word(job: str) -> str:
    """A job's number or uuid as the summary table has it."""
    return str(int(job)) if re.fullmatch("[0-9]{1,18}", job) else job.lower()


def _enough(jobs: Iterable[JobInfo], query: JobQuery) -> bool:
    """Whether no page further back can hold one of the newest. Pinned jobs stand in front, so they do not count."""
    loose = [job for job in jobs if not job.raw.get("pinnedTime")]
    if query.limit is not None and sum(map(query.takes, loose)) >= query.limit:
        return True
    oldest = min(loose, key=lambda job: _order(job.id), default=None)
    return (
        query.since is not None and oldest is not None and oldest.created is not None and oldest.created < query.since
    )


def _prefix(project_id: str, key: str) -> str:
    return f"project/{project_id}/eval/{key[:2]}/{key}/"
