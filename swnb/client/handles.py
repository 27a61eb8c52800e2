"""Server, Project and Job: the same verbs as the module-level calls, on an address. Making one sends no request.

A verb takes a handle where it takes a URI, so the handles' methods are the very same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from swnb.bridge import both, both_iter
from swnb.client import logs as log
from swnb.client import verbs, waiting
from swnb.client.actions import actions_allowed
from swnb.client.answer import fetching
from swnb.client.source import Source, source_of
from swnb.client.told import told
from swnb.client.where import job_of, one
from swnb.errors import ActionsOff, Unsupported
from swnb.frames import tables as frames
from swnb.model import JobInfo, ProjectInfo, Status
from swnb.uri import Ref

_ACTIONS: Final = ("stop", "pause", "resume", "delete")


@dataclass(frozen=True, slots=True)
class _Handle:
    ref: Ref

    @property
    def uri(self) -> str:
        return str(self.ref)

    async def _at(self) -> tuple[Source, str | None]:
        """Where to ask, and for which project."""
        (ref,) = await told([self.ref])
        source = source_of(ref)
        return source, ref.project if ref.project is not None else source.entry.current_project

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.uri!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Server(_Handle):
    """One deployment, or one local folder."""

    projects = both(verbs.projects)
    jobs = both(verbs.jobs)

    @both
    async def submit(self, /, entrypoint: str, *, yes: bool = False, **spec: Any) -> Job:
        """Start a job there, and its handle. ``spec``: what the platform takes beside the command, such as
        ``runtime_env``, ``metadata``, ``submission_id``. Needs ``swnb.allow_actions()`` or ``yes=True``."""
        source, _ = await self._at()
        _allow(source, "submit", f"submit would start {entrypoint!r} on {self.uri}", yes)
        id_ = await source.run(source.backend.submit(None, {"entrypoint": entrypoint, **spec}))
        return self.job(id_)

    def project(self, id: str | int) -> Project:  # noqa: A002 - the public name
        return Project(Ref(self.ref.server, str(id)))

    def job(self, id: str | int) -> Job:  # noqa: A002
        """A job of the server's current or only project."""
        return Job(Ref(self.ref.server, job=str(id)))


@dataclass(frozen=True, slots=True, repr=False)
class Project(_Handle):
    """What groups jobs on a server."""

    @both
    async def info(self) -> ProjectInfo:
        source, project = await self._at()
        return await source.run(source.backend.project(project))

    projects = both(verbs.projects)
    jobs = both(verbs.jobs)
    summary = both(verbs.summary)

    def job(self, id: str | int) -> Job:  # noqa: A002
        return Job(self.ref.with_(job=str(id)))


@dataclass(frozen=True, slots=True, repr=False)
class Job(_Handle):
    """One run with a status."""

    @both
    async def info(self) -> JobInfo:
        """The frozen record behind the job's row, with ``.raw``."""
        source, project = await self._at()
        return await source.run(source.backend.job(project, job_of(self.ref)))

    @both
    async def status(self) -> Status:
        """The status now, as a word of the one vocabulary."""
        source, project = await self._at()
        return (await source.run(source.backend.job(project, job_of(self.ref)))).status

    tasks = both(verbs.tasks)
    events = both(verbs.events)
    wait = both(waiting.wait)
    summary = both(verbs.summary)
    tables = both(verbs.tables)
    rows = both(verbs.rows)
    scan = both_iter(verbs.scan)
    metrics = both(verbs.metrics)
    logs = both(log.logs)
    follow = both_iter(log.follow)

    @both
    async def stop(self, *, yes: bool = False) -> str:
        """Ask the platform to stop the job; its answer in words. Needs ``swnb.allow_actions()`` or ``yes=True``."""
        return await self._act("stop", yes)

    @both
    async def pause(self, *, yes: bool = False) -> str:
        """Like ``stop``: pause it."""
        return await self._act("pause", yes)

    @both
    async def resume(self, *, yes: bool = False) -> str:
        """Like ``stop``: let a paused, failed or cancelled job go on."""
        return await self._act("resume", yes)

    @both
    async def delete(self, *, yes: bool = False) -> str:
        """Like ``stop``: remove it (on Starwhale, into the project's trash)."""
        return await self._act("delete", yes)

    @both
    async def access(self) -> pd.DataFrame:
        """Who may see or change the job: ``id name email relation`` and the platform's own. Unsupported where the
        platform does not tell."""
        source, project = await self._at()
        source.needs("access")
        with fetching("access", [self.ref], code=f"swnb.open({self.uri!r}).access()") as fetch:
            frame = frames.access(await source.run(source.backend.access(project, job_of(self.ref))))
            return fetch.done(frame, len(frame))

    @both
    async def grant(self, /, who: str, relation: str, *, yes: bool = False) -> str:
        """Give somebody (an id or an e-mail address) access to the job, or other access; ``relation`` is the platform's
        word. What he may then. Needs ``swnb.allow_actions()`` or ``yes=True``."""
        return await self._share("grant", who, relation, yes)

    @both
    async def revoke(self, /, who: str, *, yes: bool = False) -> str:
        """Like ``grant``: take somebody's access away."""
        return await self._share("revoke", who, None, yes)

    async def _share(self, action: str, who: str, relation: str | None, yes: bool) -> str:
        source, project = await self._at()
        _allow(source, action, f"{action} would change who has access to job {self.ref.job}", yes)
        return await source.run(source.backend.share(project, job_of(self.ref), who, relation))

    async def _act(self, action: str, yes: bool) -> str:
        source, project = await self._at()
        _allow(source, action, f"{action} would change job {self.ref.job}", yes)
        return await source.run(source.backend.act(project, job_of(self.ref), action))


def _allow(source: Source, action: str, would: str, yes: bool) -> None:
    """Unsupported where the platform has no such action, ActionsOff where nobody allowed it."""
    if action not in source.backend.actions:
        raise Unsupported(f"{source.entry.platform} cannot {action} a job", where=source.entry.name)
    if not (yes or actions_allowed()):
        given = "…, " if action in ("submit", "grant", "revoke") else ""
        raise ActionsOff(
            would, where=source.entry.name, todo=f"Say swnb.allow_actions() first, or .{action}({given}yes=True)"
        )


def open_(uri: Any) -> Server | Project | Job:
    """The handle of what a URI names: a Server, Project or Job. No request is sent."""
    ref = one(uri, "job") if not isinstance(uri, (str, Ref)) else _ref(uri)
    if ref.job is not None:
        return Job(ref.with_(table=None))
    return Project(ref) if ref.project is not None else Server(ref)


def _ref(uri: str | Ref) -> Ref:
    from swnb.settings import to_ref  # noqa: PLC0415

    return uri if isinstance(uri, Ref) else to_ref(uri)
