"""What is known of the jobs of a server that are watched, and the questions that keep it so.

A project of which all or several jobs are watched is asked for its list, or, where its backend has one, for the cheaper
glance, and for the list only now and then. A single job is asked for by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from swnb.call import Plan
from swnb.errors import BadInput, NotFound, SwnbError, Unsupported
from swnb.fetch.tasks import abreast
from swnb.model import JobInfo, JobQuery, Status
from swnb.providers.base import Backend, Glance

T = TypeVar("T")
Key: TypeAlias = "tuple[str, str]"  # the ids of a job's project and of the job

GONE: Final = "removed"  # the raw status of a job that the server no longer has
_SELDOM: Final = 60.0  # seconds after which a list is due though a glance tells nothing, and what is missing is sought
_UNTOLD: Final = 8.0  # the same where the glance does not know of a job that runs
_SEVERAL: Final = 2  # jobs of one project from which on its list is asked instead of each of them
_ABREAST: Final = 4
_LONG_AGO: Final = float("-inf")
_LASTING: Final = (NotFound, BadInput, Unsupported)  # asking again soon does not help


class Asker(Protocol):
    """A server that can be asked: its backend, and how its plans are run."""

    @property
    def backend(self) -> Backend: ...
    async def run(self, plan: Plan[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched, as texts of a URI: a job, a project (``job`` None), or all that the server has (both None)."""

    project: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was last seen. ``told``: the second that ``info`` came at. ``changed``: when its status was last seen
    to change. ``detail``: what else was asked for it."""

    info: JobInfo
    told: float
    removed: bool = False
    changed: datetime | None = None
    detail: Any = None


@dataclass(frozen=True, slots=True)
class Change:
    """``before`` is None for a job that came while it was watched."""

    key: Key
    before: Status | None
    after: Status
    raw: str
    time: datetime


class Book:
    """``jobs``: those that are watched, in the server's order. ``lists``: all jobs of the projects that were listed.
    ``missing``: scopes that the server does not have; ``named``: the jobs that the others of single jobs are."""

    def __init__(self) -> None:
        self.jobs: dict[Key, Seen] = {}
        self.lists: dict[str, _Project] = {}
        self.missing: dict[Scope, SwnbError] = {}
        self._sought: dict[Scope, float] = {}
        self._ids: dict[str | None, str] = {}  # of projects, by how they were written
        self.named: dict[Scope, Key] = {}
        self._covered: frozenset[Scope] = frozenset()
        self._all: tuple[float, list[str]] = (_LONG_AGO, [])

    def covers(self, scopes: Collection[Scope]) -> bool:
        """Whether the last round asked for all of them."""
        return self._covered.issuperset(scopes)

    def keys(self, scopes: Collection[Scope], jobs: Collection[Key]) -> set[Key]:
        """Those of ``jobs`` that lie in these scopes."""
        if Scope() in scopes:
            return set(jobs)
        whole = {self._ids.get(scope.project) for scope in scopes if scope.job is None}
        named = {self.named.get(scope) for scope in scopes}
        return {key for key in jobs if key in named or key[0] in whole}

    async def ask(self, asker: Asker, scopes: Collection[Scope], now: float) -> list[Change]:
        """One round; what changed. An error leaves the book as it was."""
        due = [scope for scope in scopes if now - self._sought.get(scope, _LONG_AGO) >= _SELDOM]
        for scope in due:
            self.missing.pop(scope, None)
        ids = await self._projects(asker, due, now)
        lists = await abreast(lambda id_: self._listed(asker, id_, now), ids, _ABREAST)
        found = {(info.project, info.id): info for infos in lists for info in infos.values()}
        alone = [scope for scope in due if scope.job is not None and not self._is_in(found, scope)]
        for info in await abreast(lambda scope: self._alone(asker, scope, now), alone, _ABREAST):
            found |= {} if info is None else {(info.project, info.id): info}
        return self._note(found, scopes, now)

    def doubt(self) -> None:
        """Somebody wants to know: the next round asks for the lists too, and for what is missing."""
        self._sought.clear()
        self._all = (_LONG_AGO, self._all[1])
        for project in self.lists.values():
            project.doubt()

    def detail(self, details: Mapping[Key, Any]) -> None:
        """Keep what was asked beside: by copying, since who listens holds the records of before."""
        self.jobs = {k: replace(seen, detail=details[k]) if k in details else seen for k, seen in self.jobs.items()}

    # Which lists

    async def _projects(self, asker: Asker, scopes: Sequence[Scope], now: float) -> list[str]:
        """The ids of the projects whose lists are wanted."""
        wanted: dict[str, int] = {}
        for scope in scopes:
            if scope == Scope() and asker.backend.implied is None:
                wanted |= dict.fromkeys(await self._every_project(asker, now), _SEVERAL)
            elif (id_ := await self._project(asker, scope, now)) is not None:
                wanted[id_] = wanted.get(id_, 0) + (_SEVERAL if scope.job is None else 1)
        return [id_ for id_, n in wanted.items() if n >= _SEVERAL]

    async def _every_project(self, asker: Asker, now: float) -> list[str]:
        if now - self._all[0] >= _SELDOM:
            self._all = (now, [info.id for info in (await asker.run(asker.backend.projects())).items])
        return self._all[1]

    async def _project(self, asker: Asker, scope: Scope, now: float) -> str | None:
        """The id of a scope's project; None where it names none, or one that is not there."""
        text = asker.backend.implied if scope.project is None else scope.project
        if text is not None and scope.project not in self._ids:
            try:
                implied = text == asker.backend.implied
                self._ids[scope.project] = text if implied else (await asker.run(asker.backend.project(text))).id
            except _LASTING as error:
                self._lacks(scope, error, now)
        return self._ids.get(scope.project)

    async def _listed(self, asker: Asker, id_: str, now: float) -> Mapping[str, JobInfo]:
        project = self.lists.setdefault(id_, _Project(id_))
        try:
            return await project.ask(asker, now)
        except NotFound as error:
            lost = error
        try:
            await asker.run(asker.backend.project(id_))
        except NotFound:  # it was removed, and its jobs with it
            del self.lists[id_]
            return {}
        raise lost

    # Single jobs

    def _is_in(self, found: Mapping[Key, JobInfo], scope: Scope) -> bool:
        """Whether a list shows the job, by its id or by the platform's other name of it."""
        if scope in self.named:
            return self.named[scope] in found
        project, job = self._ids.get(scope.project), scope.job or ""
        for key, info in found.items():
            if key[0] == project and (job == info.id or job.lower() == info.key.lower()):
                self.named[scope] = key
                return True
        return False

    async def _alone(self, asker: Asker, scope: Scope, now: float) -> JobInfo | None:
        """A job by itself; None where it is not there. By the platform's own key where it has one: by its number a
        Starwhale Server still shows a job that was removed."""
        seen = self.jobs.get(self.named.get(scope, ("", "")))
        if seen is not None and seen.removed:
            return None
        known = seen and seen.info
        project, job = (known.project, known.key or known.id) if known else (scope.project, scope.job or "")
        try:
            info = await asker.run(asker.backend.job(project, job))
        except _LASTING as error:
            if known is None or not isinstance(error, NotFound):
                self._lacks(scope, error, now)
            return None
        self.named[scope] = (info.project, info.id)
        return info

    def _lacks(self, scope: Scope, error: SwnbError, now: float) -> None:
        self.missing[scope], self._sought[scope] = error, now

    # The outcome

    def _note(self, found: Mapping[Key, JobInfo], scopes: Collection[Scope], now: float) -> list[Change]:
        wanted = self.keys(scopes, {**found, **self.jobs})
        arrived = self.keys(self._covered, found)  # a job of another scope was there before it was asked for
        jobs = {key: self._seen(self.jobs.get(key), info, now) for key, info in found.items() if key in wanted}
        for key, seen in self.jobs.items():
            if key in wanted and key not in jobs:
                jobs[key] = seen if seen.removed else _removed(seen, now)
        changes = []
        for key, seen in jobs.items():
            before = self.jobs.get(key)
            if before is None and key not in arrived:
                continue
            if before is None or _state(before) != _state(seen):
                changed = moment(now)
                jobs[key] = replace(seen, changed=changed)
                status, raw = seen.info.status, seen.info.raw_status
                changes.append(Change(key, before.info.status if before else None, status, raw, changed))
        self.jobs, self._covered = jobs, frozenset(scopes)
        self.missing = {scope: error for scope, error in self.missing.items() if scope in self._covered}
        return changes

    def _seen(self, before: Seen | None, info: JobInfo, now: float) -> Seen:
        if before is None:
            return Seen(info, now)
        if before.info is info:
            return before
        kept = before.info
        config = info.config or kept.config
        error = info.error or (kept.error if kept.status is info.status else None)
        return replace(before, info=replace(info, config=config, error=error), told=now, removed=False)


class _Project:
    """The list of one project."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.jobs: dict[str, JobInfo] = {}
        self._listed = _LONG_AGO
        self._others: frozenset[str] = frozenset()  # that a glance shows and the list does not: removed ones
        self._config = True  # whether the next list is to bring the jobs' settings

    def doubt(self) -> None:
        self._listed = _LONG_AGO

    async def ask(self, asker: Asker, now: float) -> Mapping[str, JobInfo]:
        glance: Glance | None = await asker.run(asker.backend.glance(self.id, tuple(self.jobs.values())))
        if glance is None or self._is_due(glance, now):
            await self._list(asker, now)
            keys = {info.key for info in self.jobs.values()}
            shown = frozenset() if glance is None else glance.others.union(info.key for info in glance.jobs)
            self._others = shown - keys
        else:
            self.jobs |= {info.id: info for info in glance.jobs}
        return self.jobs

    def _is_due(self, glance: Glance, now: float) -> bool:
        age = now - self._listed
        told = {info.id for info in glance.jobs}
        untold = any(not info.status.final for info in self.jobs.values() if info.id not in told)
        return age >= _SELDOM or bool(glance.others - self._others) or (untold and age >= _UNTOLD)

    async def _list(self, asker: Asker, now: float) -> None:
        listing = await asker.run(asker.backend.jobs(self.id, JobQuery(config=self._config)))
        before, self.jobs = self.jobs, {info.id: info for info in listing.items}
        self._listed = now
        # Settings never change: they are asked for once for the jobs that are new.
        self._config = not self._config and not self.jobs.keys() <= before.keys()


def _state(seen: Seen) -> tuple[Status, str, bool]:
    return seen.info.status, seen.info.raw_status, seen.removed


def _removed(seen: Seen, now: float) -> Seen:
    """What had ended keeps how it ended; of the others nobody knows."""
    status = seen.info.status if seen.info.status.final else Status.UNKNOWN
    return replace(seen, info=replace(seen.info, status=status, raw_status=GONE), told=now, removed=True)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
