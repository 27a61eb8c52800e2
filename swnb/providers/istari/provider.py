"""The verbs of an Istari registry (istari paper 3, 4, 8): models are its projects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from swnb.call import Call, Listing, Page, Plan, Reply, SignedIn, ask, ask_all, collect, note
from swnb.errors import BadInput, BadReply, NotFound, ServerError, Timeout, Unreachable, Unsupported
from swnb.model import AccessInfo, JobInfo, JobQuery, RowQuery, SummaryRow, TaskInfo
from swnb.providers.base import NESTED
from swnb.providers.istari import calls, records, signin
from swnb.providers.istari.artifacts import Artifact, Artifacts, may_be_table
from swnb.providers.istari.projects import Projects
from swnb.providers.istari.records import MINE, SYSTEM, job_info
from swnb.providers.istari.replies import is_id
from swnb.providers.istari.tables import ArtifactTable
from swnb.providers.reading import Read
from swnb.settings import Credential

_MANY: Final = 20  # jobs that are looked up one by one rather than in the list of their project
_LARGEST: Final = 128 * 2**20  # bytes of a table, which is read whole
_ACTIONS: Final[Mapping[str, Callable[[str, Callable[[Any, Reply], str]], Call[str]]]] = {
    "stop": calls.cancel,
    "delete": calls.archive,
    "resume": calls.restore,
}


class Istari(Projects):
    """A ``providers.base.Provider``."""

    platform = "istari"
    offers = frozenset({"tasks", "summary", "tables", "rows", "access", NESTED})
    actions = frozenset({*_ACTIONS, "grant", "revoke"})

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._artifacts = Artifacts()
        self._store_answers = True  # else a look at a job does not wait for its store again

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        return signin.sign_in(credential)

    # -- jobs

    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Newest first. The server is asked for final statuses only; the rest is looked at here."""
        return (yield from self._jobs((yield from self.project_id(project)), query))

    def _jobs(self, id_: str, query: JobQuery) -> Plan[Listing[JobInfo]]:
        if query.status is not None and not query.status:
            return Listing(())
        listings = yield from ask_all([self._listed(id_, each, query) for each in (yield from self._filters(id_))])
        if _is_model(id_) and not any(listing.items for listing in listings):
            yield from self.model(id_)  # NotFound where it is not there
        totals = [listing.total for listing in listings]
        once = {job.id: job for listing in listings for job in listing.items if query.takes(job)}
        kept = sorted(once.values(), key=_age)[: query.limit]
        if query.config:
            kept = yield from ask_all([self._with_config(job) for job in kept])
        return Listing(tuple(kept), None if None in totals else sum(total or 0 for total in totals))

    def _filters(self, id_: str) -> Plan[list[dict[str, str]]]:
        if id_ == MINE:
            return [{}]
        if not id_.startswith(SYSTEM):
            return [{"model_id": id_}]
        return [{"model_id": each} for each in (yield from self.resources(id_))]

    def _listed(self, project: str, filters: dict[str, str], query: JobQuery) -> Plan[Listing[JobInfo]]:
        words = records.final_words(query.status)
        every = [{**filters, "status_name": word} for word in words] or [filters]
        parts = yield from ask_all([self._read(project, each, query) for each in every])
        jobs = tuple(job for part in parts for job in part.items)
        return Listing(jobs, None if words else parts[0].total)

    def _read(self, project: str, filters: Mapping[str, str], query: JobQuery) -> Plan[Listing[JobInfo]]:
        loose = query.status is not None or query.name is not None or query.owner is not None
        few = query.limit is not None and not loose and query.since is None
        first = calls.jobs(_reader(project), filters, min(calls.PAGE, max(query.limit or 1, 10)) if few else calls.PAGE)
        if query.limit is None and query.since is None:
            return (yield from collect(first, _id))
        return (yield from self._newest(first, query))

    def _newest(self, first: Call[Page[JobInfo]], query: JobQuery) -> Plan[Listing[JobInfo]]:
        """Pages until no later one can hold a job that is wanted. All of them where the list does not go from new to
        old, or changes while it is read."""
        page = yield from ask(first)
        found, totals, rest = list(page.items), {page.total}, iter(page.rest)
        while not _enough(found, query):
            more = list(islice(rest, self.in_flight)) or ([page.next] if page.next is not None else [])
            if not more:
                break
            for page in (yield from ask_all(more)):
                found += page.items
                totals.add(page.total)
            if _twice(found):
                break
        if _twice(found) or len(totals) > 1 or found != sorted(found, key=_age):
            return (yield from collect(first, _id))
        return Listing(tuple(found), page.total)

    def job(self, project: str | None, job: str) -> Plan[JobInfo]:
        """With its parameters as ``config``, where they can be had: a job is there without them."""
        info = yield from self._job((yield from self.project_id(project)), job)
        info = replace(info, raw=dict(info.raw))  # people look into it, and may write it as JSON
        if not self._store_answers:
            return info
        try:
            return (yield from self._with_config(info))
        except (Unreachable, Timeout, BadReply, ServerError) as error:
            self._store_answers = not isinstance(error, (Unreachable, Timeout))
            note(f"the parameters of job {job} are left out: {error.what}")
            return info

    def _job(self, project: str, job: str) -> Plan[JobInfo]:
        """Without its parameters. ``project`` is an id."""
        if not is_id(job):
            raise NotFound(f"{job!r} is no job", todo="A job is named by its id; swnb.jobs lists them")
        try:
            info = yield from ask(calls.job(job, _reader(project)))
        except NotFound as error:
            raise NotFound(f"there is no job {job}", where=error.where, todo="swnb.jobs lists them") from None
        model = info.own["model_id"]
        if not _is_model(project) or model == project:
            return info
        raise NotFound(f"model {project} has no job {job}", todo=f"It is of model {model}: leave the project out")

    def _with_config(self, job: JobInfo) -> Plan[JobInfo]:
        return replace(job, config=(yield from self._artifacts.config(job)))

    def _several(self, project: str | None, jobs: Sequence[str] | None) -> Plan[list[JobInfo]]:
        """These jobs in their order, or all of the project."""
        id_ = yield from self.project_id(project)
        if jobs is None:
            return list((yield from self._jobs(id_, JobQuery())).items)
        wanted = dict.fromkeys(jobs)
        known = {} if len(wanted) <= _MANY else (yield from self._in_list(id_, len(wanted)))
        missing = [each for each in wanted if each not in known]
        alone = yield from ask_all([self._job(id_, each) for each in missing])
        known |= dict(zip(missing, alone, strict=True))
        return [known[each] for each in jobs]

    def _in_list(self, project: str, worth: int) -> Plan[dict[str, JobInfo]]:
        """The jobs of a project by their ids, if their list has less pages than it is worth."""
        if project.startswith(SYSTEM):
            return {}
        first = calls.jobs(_reader(project), (yield from self._filters(project))[0])
        page = yield from ask(first)
        more = (yield from ask_all(page.rest)) if len(page.rest) < worth else []
        return {job.id: job for each in (page, *more) for job in each.items}

    # -- what they hold

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]:
        """A row an entry of the job's history."""
        info = yield from self._job((yield from self.project_id(project)), job)
        return records.tasks(info.raw)

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        """The seconds of each stage, and the numbers in the JSON artifacts."""
        infos = yield from self._several(project, jobs)
        made = yield from self._artifacts.of(infos)
        found = yield from ask_all([self._artifacts.numbers(made[info.id]) for info in infos])
        return [
            SummaryRow(info, info.id, {**records.durations(info.raw), **numbers}, project=info.project)
            for info, numbers in zip(infos, found, strict=True)
        ]

    def tables(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        """The artifacts that are CSV, or JSON with a list of objects in it."""
        made = yield from self._made(project, job)
        return [each.label for each in (yield from self._artifacts.tables(made))]

    def _made(self, project: str | None, job: str) -> Plan[list[Artifact]]:
        info = yield from self._job((yield from self.project_id(project)), job)
        return (yield from self._artifacts.of([info]))[info.id]

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Plan[ArtifactTable]:
        made = [each for each in (yield from self._made(project, job)) if may_be_table(each)]
        found = next((each for each in made if each.label == table), None)
        if found is None:
            there = ", ".join(each.label for each in made) or "none"
            raise NotFound(f"job {job} has no table {table!r}", todo=f"Its JSON and CSV artifacts: {there}")
        size = found.file.size or 0
        if size > _LARGEST:
            raise BadInput(
                f"{table} has {size / 2**20:,.0f} MB, and an artifact can only be read whole",
                todo="Save it to a file: swnb.sdk.istari, copy_to",
            )
        return ArtifactTable(found.file, found.label, query)

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        """``delete`` archives a job and ``resume`` restores it: a registry removes none."""
        if action not in _ACTIONS:
            raise Unsupported(f"an Istari job cannot {action}", todo=f"It can: {', '.join(sorted(_ACTIONS))}")
        info = yield from self._job((yield from self.project_id(project)), job)

        def said(record: Any, reply: Reply) -> str:
            after = job_info(record, reply, info.project)
            return after.raw_status if action == "stop" else str(after.own["archive_status"] or "done")

        return (yield from ask(_ACTIONS[action](info.id, said)))

    # -- access

    def access(self, project: str | None, job: str) -> Plan[Sequence[AccessInfo]]:
        info = yield from self._job((yield from self.project_id(project)), job)
        return (yield from ask(calls.access(info.id, records.accesses)))

    def share(self, project: str | None, job: str, who: str, relation: str | None) -> Plan[str]:
        """Who has access already is given another: the two are different requests."""
        if relation is not None and relation not in records.RELATIONS:
            raise BadInput(f"{relation!r} is no access to a job", todo=f"There are: {', '.join(records.RELATIONS)}")
        info = yield from self._job((yield from self.project_id(project)), job)
        there = yield from ask(calls.access(info.id, records.accesses))
        known = next((each for each in there if who in (each.id, each.email)), None)
        if relation is None:
            if known is None:
                raise NotFound(f"{who} has no access to job {job}", todo=f"These have: {_people(there)}")
            yield from ask(calls.revoke(info.id, known.id))
            return "none"
        if known is not None:
            return (yield from ask(calls.regrant(info.id, known.id, relation, records.access_info))).relation
        return (yield from ask(calls.grant(info.id, who, relation, records.access_info))).relation


def _people(found: Sequence[AccessInfo]) -> str:
    return ", ".join(each.email or each.name or each.id for each in found) or "none"


def _reader(project: str) -> Read[JobInfo]:
    return lambda record, reply: job_info(record, reply, project)


def _is_model(project: str) -> bool:
    return project != MINE and not project.startswith(SYSTEM)


def _twice(jobs: Sequence[JobInfo]) -> bool:
    return len({job.id for job in jobs}) < len(jobs)


def _enough(found: Sequence[JobInfo], query: JobQuery) -> bool:
    """Whether what comes after these, being older, cannot be wanted."""
    if query.limit is not None and sum(map(query.takes, found)) >= query.limit:
        return True
    last = found[-1].created if found else None
    return query.since is not None and last is not None and last < query.since


def _age(job: JobInfo) -> tuple[bool, float]:
    return (job.created is None, -job.created.timestamp() if job.created else 0.0)


def _id(job: JobInfo) -> str:
    return job.id
