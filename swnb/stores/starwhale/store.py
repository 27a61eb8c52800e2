"""The Starwhale Standalone store as a backend: the verbs, answered from its folder (starwhale paper section 6)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from swnb.call import Listing, at_once, note
from swnb.errors import BadInput, NotFound, StoreError, clean
from swnb.model import (
    ABSENT,
    Batch,
    JobInfo,
    JobQuery,
    ProjectInfo,
    RowQuery,
    SummaryRow,
)
from swnb.providers.base import Lacking
from swnb.stores.folder import Folder, Missing, plain_name, steady
from swnb.stores.starwhale.blobs import Blobs
from swnb.stores.starwhale.jobs import YAML_BYTES, job_info, read_manifest, unreadable
from swnb.stores.starwhale.manifests import Catalog
from swnb.stores.starwhale.tables import Table

_NEVER: Final = datetime.min.replace(tzinfo=timezone.utc)


class StandaloneStore(Lacking):
    """``root`` is the store's folder (``storage.root`` of the Starwhale config), ``current`` its current project."""

    platform = "starwhale"
    offers = frozenset({"summary", "tables", "rows"})

    def __init__(self, root: str | os.PathLike[str], *, address: str = "local", current: str = "self") -> None:
        self.address = address
        self._folder = Folder(Path(root).expanduser(), address)
        self._current = current
        self._blobs = Blobs(self._folder)

    @at_once
    def projects(self) -> Listing[ProjectInfo]:
        """All projects by name; ``self`` is always one."""
        names = sorted({"self", *self._names(".")})
        return Listing(tuple(self._project_info(name) for name in names), len(names))

    @at_once
    def project(self, project: str | None) -> ProjectInfo:
        return self._project_info(self._known(project))

    @at_once
    def jobs(self, project: str | None, query: JobQuery) -> Listing[JobInfo]:
        """Newest first; removed jobs are none, and a running one has no manifest yet."""
        everything = self._all_jobs(self._known(project))
        found = [job for job in everything if query.takes(job)]
        return Listing(tuple(found[: query.limit]), len(everything))

    @at_once
    def job(self, project: str | None, job: str) -> JobInfo:
        """By its id or an unambiguous beginning of it."""
        return self._job(self._known(project), job)

    @at_once
    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Sequence[SummaryRow]:
        """One row a job asked for, in that order; without ``jobs`` all, newest first."""
        name = self._known(project)
        infos = self._all_jobs(name) if jobs is None else [self._job(name, job) for job in jobs]
        rows = self._summaries(name, {info.id for info in infos})
        return tuple(SummaryRow(info, info.id, rows.get(info.id, {}), project=name) for info in infos)

    @at_once
    def tables(self, project: str | None, job: str) -> Sequence[str]:
        """In the order in which they were made."""
        name = self._known(project)
        return tuple(self._tables(_tables_of(name, self._job(name, job).id)))

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Iterator[Batch]:
        """The rows in key order; the key column comes along whatever columns are asked for. BadInput, behind the rows,
        for a column that the table has nowhere: a store says so only where the row is that has it."""
        name = self._known(project)
        prefix = _tables_of(name, self._job(name, job).id)
        places = self._tables(prefix)
        if table not in places:
            there = ", ".join(places) or "none"
            raise NotFound(f"job {job} has no table {table!r}", where=self.address, todo=f"Its tables: {there}")
        found = self._table(prefix + table, places[table])
        missing: set[str] = set(query.columns or ())
        for batch in found.scan(query):
            missing -= set(batch.columns)
            yield batch
        if missing:
            known = {name for batch in found.scan(RowQuery(keep_none=True)) for name in batch.columns}
            if unknown := sorted(missing - known - {"id"}):
                words = ", ".join(map(repr, unknown))
                raise BadInput(f"table {table} has no column {words}", todo=f"It has {', '.join(sorted(known))}")

    def _known(self, project: str | None) -> str:
        name = project or self._current
        if name == "self" or (plain_name(name) and (self._folder.root / name).is_dir()):
            return name
        there = ", ".join(sorted({"self", *self._names(".")}))
        raise NotFound(f"the store has no project {name!r}", where=self.address, todo=f"There are: {there}")

    def _project_info(self, name: str) -> ProjectInfo:
        return ProjectInfo(id=name, name=name, jobs=len(self._job_folders(name)))

    def _names(self, place: str) -> list[str]:
        """The folders in a folder, hidden ones and links out of the store left out."""
        try:
            with os.scandir(self._folder.root / place) as entries:
                found = [e.name for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            if place == ".":
                raise StoreError(
                    f"there is no folder {self._folder.root}",
                    where=self.address,
                    todo="SW_LOCAL_STORAGE or storage.root in the Starwhale config names the store",
                ) from None
            return []
        except OSError as error:
            raise self._folder.damage(place, error.strerror or error) from None
        return [name for name in found if plain_name(name)]

    def _job_folders(self, project: str, begins: str = "") -> dict[str, str]:
        """The manifests of the jobs whose id begins so: id -> file. A job that runs has a folder, but no manifest."""
        found = {}
        for short in self._names(f"{project}/job"):
            if short.startswith(begins[: len(short)]):
                for job in self._names(f"{project}/job/{short}"):
                    file = f"{project}/job/{short}/{job}/_manifest.yaml"
                    if job.startswith(begins) and (self._folder.root / file).is_file():
                        found[job] = file
        return found

    def _job(self, project: str, job: str) -> JobInfo:
        files = self._job_folders(project, job) if plain_name(job) else {}
        if job in files:
            files = {job: files[job]}
        if len(files) == 1:
            ((found, file),) = files.items()
            return self._job_info(project, found, file)
        if not files:
            raise self._no_job(project, job)
        several = ", ".join(sorted(files)[:5]) + (", …" if len(files) > 5 else "")
        raise BadInput(
            f"{len(files)} jobs begin with {job!r}: {several}", where=self.address, todo="Give more of the id"
        )

    def _no_job(self, project: str, job: str) -> NotFound:
        removed = f"{project}/job/.recover"
        gone = [id_ for short in self._names(removed) for id_ in self._names(f"{removed}/{short}")]
        if plain_name(job) and any(id_.startswith(job) for id_ in gone):
            return NotFound(f"job {job} of project {project} was removed", where=self.address)
        return NotFound(
            f"project {project} has no job {job!r}", where=self.address, todo="A job is in the store when it has ended"
        )

    def _job_info(self, project: str, job: str, file: str) -> JobInfo:
        manifest = steady(lambda: self._folder.parse(file, read_manifest, YAML_BYTES))
        return job_info(manifest, project, job)

    def _all_jobs(self, project: str) -> list[JobInfo]:
        found = []
        for job, file in self._job_folders(project).items():
            try:
                found.append(self._job_info(project, job, file))
            except Missing:
                continue  # removed since the folder was listed
            except StoreError as error:
                note(error.what)
                found.append(unreadable(project, job, error.what))
        return sorted(found, key=lambda job: (job.created or _NEVER, job.id), reverse=True)

    def _tables(self, prefix: str) -> dict[str, str]:
        """The tables whose name begins so, in the order of their making: rest of the name -> folder."""
        try:
            catalog = self._folder.json(".datastore/manifest.json", Catalog)
        except Missing:
            return {}
        return {entry.name[len(prefix) :]: entry.dir for entry in catalog.tables if entry.name.startswith(prefix)}

    def _table(self, name: str, place: str) -> Table:
        if not all(plain_name(part) for part in place.split("/")):
            raise self._folder.damage(".datastore/manifest.json", f"the table {clean(name)} lies in {place!r}")
        return Table(self._folder, name, f".datastore/{place}", self._blobs.restore)

    def _summaries(self, project: str, jobs: set[str]) -> dict[str, dict[str, object]]:
        """The rows of the project's summary table; those of removed jobs stay in it, so only ``jobs`` are taken."""
        name = f"project/{project}/eval/summary"
        place = self._tables(name).get("")
        if place is None or not jobs:
            return {}
        query = RowQuery(start=min(jobs), end=max(jobs), end_inclusive=True)
        rows = (row for batch in self._table(name, place).scan(query) for row in batch.records())
        return {str(row["id"]): row for row in rows if row.get("id", ABSENT) in jobs}


def _tables_of(project: str, job: str) -> str:
    return f"project/{project}/eval/{job[:2]}/{job}/"
