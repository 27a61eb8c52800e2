"""A SwanLab log folder as a backend: the verbs, answered from its files (swanlab paper section 7)."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from swnb.call import Listing, Plan, at_once, note
from swnb.errors import BadInput, NotFound, StoreError, clean
from swnb.model import JobInfo, JobQuery, ProjectInfo, Series, SummaryRow
from swnb.providers.base import Lacking, LogPart
from swnb.providers.swanlab.words import SYSTEM
from swnb.stores.folder import Folder
from swnb.stores.swanlab.framing import HEADER
from swnb.stores.swanlab.runs import Run, container_name

_NEVER: Final = datetime.min.replace(tzinfo=timezone.utc)


class LogFolder(Lacking):
    """``path`` is a log dir (``swanlog``) or the folder of one run. Nothing is ever written there."""

    platform = "swanlab"
    offers = frozenset({"summary", "metrics", "logs", "follow"})
    in_flight = 2

    def __init__(self, path: str | os.PathLike[str], *, address: str = "") -> None:
        self._path = Path(path).expanduser()
        self.address = address or str(self._path)
        self._known: dict[str, Run] = {}

    @at_once
    def projects(self) -> Listing[ProjectInfo]:
        """All projects by id: one folder may hold several."""
        counts = Counter(run.project for run in self._runs())
        return Listing(tuple(_project_info(project, counts[project]) for project in sorted(counts)), len(counts))

    @at_once
    def project(self, project: str | None) -> ProjectInfo:
        """By its id or its name; without one, the only one there is."""
        runs = self._of(project)
        counts = Counter(run.project for run in runs)
        if len(counts) != 1:
            raise BadInput(f"the folder holds {len(counts)} projects: {', '.join(sorted(counts)) or 'none'}")
        ((found, jobs),) = counts.items()
        return _project_info(found, jobs)

    @at_once
    def jobs(self, project: str | None, query: JobQuery) -> Listing[JobInfo]:
        """Newest first; runs of which only the folder is left are among them."""
        runs = self._of(project)
        found = [info for run in runs if query.takes(info := run.info(config=query.config))]
        return Listing(tuple(found[: query.limit]), len(runs))

    @at_once
    def job(self, project: str | None, job: str) -> JobInfo:
        """By its id, the name of its folder, or an unambiguous beginning of either."""
        return self._run(project, job).info(config=True, profile=True)

    @at_once
    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Sequence[SummaryRow]:
        """One row a job asked for, in that order; without ``jobs`` all, newest first."""
        return tuple(_summary(run) for run in self._chosen(project, jobs))

    @at_once
    def metric_names(self, project: str | None, job: str) -> Sequence[str]:
        """In the order of their first appearance."""
        return tuple(key for key in self._run(project, job).read().points if not key.startswith(SYSTEM))

    @at_once
    def metrics(
        self, project: str | None, jobs: Sequence[str] | None, keys: Sequence[str] | None, steps: int | None
    ) -> Sequence[Series]:
        """Job by job, in the order of ``keys``, else of their first appearance."""
        return tuple(series for run in self._chosen(project, jobs) for series in _series(run, keys, steps))

    @at_once
    def logs(self, project: str | None, job: str) -> Sequence[LogPart]:
        """What the run printed. ``more`` reads what was added, until the run has its end or shows no life."""
        return (self._log(self._run(project, job), HEADER),)

    def _log(self, run: Run, offset: int) -> LogPart:
        """What was printed from there on."""
        alive = run.alive  # before reading: what is written meanwhile comes the next time
        contents, frames = run.after(offset, wanted=())
        if frames is None:
            return LogPart("console")
        if offset == HEADER:
            run.say(contents, frames)
        text = "".join(f"{line}\n" for line in contents.lines)
        goes_on = alive and contents.finish is None
        return LogPart("console", text, more=functools.partial(self._more, run, frames.end) if goes_on else None)

    def _more(self, run: Run, offset: int) -> Plan[LogPart]:
        return at_once(self._log)(run, offset)

    def _chosen(self, project: str | None, jobs: Sequence[str] | None) -> Sequence[Run]:
        return self._of(project) if jobs is None else [self._run(project, job) for job in jobs]

    def _of(self, project: str | None) -> Sequence[Run]:
        """The runs of a project by its id or name, newest first; of all without one."""
        runs = self._runs()
        if project is None:
            return runs
        there = sorted({run.project for run in runs})
        meant = [project] if project in there else [each for each in there if each.partition(":")[2] == project]
        if len(meant) == 1:
            return [run for run in runs if run.project == meant[0]]
        if meant:
            raise BadInput(f"several projects are called {project!r}: {', '.join(meant)}", where=self.address)
        raise NotFound(
            f"the folder has no project {project!r}",
            where=self.address,
            todo=f"There are: {', '.join(there) or 'none'}",
        )

    def _run(self, project: str | None, job: str) -> Run:
        named = [(run, (run.id, run.folder.root.name)) for run in self._of(project)]
        found = [run for run, names in named if job in names]
        if not found and job:
            found = [run for run, names in named if any(name.startswith(job) for name in names)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise NotFound(f"the folder has no run {job!r}", where=self.address, todo="swnb.jobs lists its runs")
        several = ", ".join(run.id for run in found[:5]) + (", …" if len(found) > 5 else "")
        raise BadInput(
            f"{len(found)} runs are meant by {job!r}: {several}", where=self.address, todo="Give more of the id"
        )

    def _runs(self) -> list[Run]:
        """All runs, newest first. Runs that share an id (one was resumed) are named by their folders."""
        own = container_name(self._path)
        if own is not None:
            runs = [self._read(Folder(self._path.parent, self.address), self._path, own)]
        else:
            places = {path: container_name(path) for path in self._folders()}
            log_dir = Folder(self._path, self.address)
            runs = [self._read(log_dir, path, name) for path, name in places.items() if name is not None]
        shared = Counter(run.own_id for run in runs)
        for run in runs:
            run.id = run.folder.root.name if shared[run.own_id] > 1 else run.own_id
        return sorted(runs, key=lambda run: (run.contents.start.time or 0, run.folder.root.name), reverse=True)

    def _folders(self) -> list[Path]:
        """The folders in the log dir; links lead elsewhere and are none."""
        try:
            with os.scandir(self._path) as entries:
                return [self._path / each.name for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError as error:
            problem = "there is no such folder" if isinstance(error, FileNotFoundError) else error.strerror
        raise StoreError(f"{self._path} cannot be read: {problem}", where=self.address)

    def _read(self, log_dir: Folder, path: Path, name: str) -> Run:
        """A run as its container says now; one that did not change is not read again."""
        known = self._known.get(path.name)
        if known is not None and known.current(name):
            return known
        run = self._known[path.name] = Run(Folder(path, self.address), log_dir, name)
        return run


def _project_info(project: str, jobs: int) -> ProjectInfo:
    owner, _, name = project.rpartition(":")
    return ProjectInfo(id=project, name=name, owner=owner or None, jobs=jobs)


def _summary(run: Run) -> SummaryRow:
    """Last, least and greatest value of each metric; those of the machine are the platform's own."""
    values: dict[str, float] = {}
    own: dict[str, float] = {}
    steps: dict[str, int] = {}
    for key, points in run.read().points.items():
        found, at = points.summary(key)
        (own if key.startswith(SYSTEM) else values).update(found)
        if not key.startswith(SYSTEM):
            steps |= at
    return SummaryRow(run.info(), run.id, values, own, run.project, steps)


def _series(run: Run, keys: Sequence[str] | None, most: int | None) -> list[Series]:
    points = run.read(keys).points
    names = list(dict.fromkeys(keys)) if keys is not None else [key for key in points if not key.startswith(SYSTEM)]
    found = [points[key].series(key, most, job=run.id, project=run.project) for key in names if key in points]
    for series in found:
        if series.total != len(series.step):
            n = f"{len(series.step):,} of {series.total:,}"
            note(f"run {clean(run.id)}: metric {clean(series.metric)}: {n} points, because steps={most} was asked")
    return found
