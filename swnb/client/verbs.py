"""The module-level calls, as coroutines. ``swnb.client.public`` gives them their two doors.

Each verb: read what the caller means, ask the sources abreast, build one frame, attach where it came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeVar

import pandas as pd

from swnb.call import Listing
from swnb.client.source import Source, source_of
from swnb.client.where import Where, check_limit, moment, one, refs, statuses
from swnb.errors import BadInput, BadURI
from swnb.fetch import partial
from swnb.fetch.events import Trail, showing, trail
from swnb.frames import metrics as series_frames
from swnb.frames import tables as frames
from swnb.frames.provenance import Provenance, attach
from swnb.frames.tables import Origin
from swnb.model import Batch, JobInfo, JobQuery, ProjectInfo, RowQuery, Status, SummaryRow, TaskInfo
from swnb.uri import Ref

T = TypeVar("T")
_JOBS_ABREAST: Final = 8  # jobs whose tables, tasks … are read at a time; each has its own requests in flight


async def projects(server: Where) -> pd.DataFrame:
    """Index ``project`` (URI); columns ``platform server id name owner created jobs description url`` and the
    platform's own. ``server``: one or many. Raises Refused, NotFound, Unreachable, Timeout."""
    with _fetch("projects", server) as fetch:
        found = await _abreast(_projects_of, refs(server, "server"))
        pairs = [pair for listing in found for pair in listing.items]
        return fetch.done(frames.projects(pairs), _total(found))


async def _projects_of(ref: Ref) -> Listing[tuple[Origin, ProjectInfo]]:
    source = source_of(ref)
    listing = await source.run(source.backend.projects())
    return Listing([(source.origin, info) for info in listing.items], listing.total)


async def jobs(
    where: Where,
    *,
    status: str | Iterable[str] | None = None,
    name: str | None = None,
    owner: str | None = None,
    since: datetime | timedelta | str | None = None,
    limit: int | None = None,
    config: bool = False,
    env: bool = False,
) -> pd.DataFrame:
    """One row a job, newest first (jobs given by URI: in that order); index ``job`` (URI). Columns
    ``platform server project id name status raw_status created started finished elapsed owner error url`` (times UTC),
    then the platform's own.

    ``where``: URIs of servers (all their projects), projects or jobs, of any mix of platforms. ``status``: word(s) of
    the vocabulary; ``name``: part of the name, case ignored; ``since``: created then or later (datetime, ISO text, age
    like ``"24h"``); ``limit`` counts after the filters and keeps the newest. ``config=True`` adds ``config.*`` and
    ``env.*``, values of the latter masked unless ``env=True``.
    """
    given = {"status": status, "name": name, "owner": owner, "since": since, "limit": limit}
    query = JobQuery(statuses(status), name, owner, moment(since), check_limit(limit))
    with _fetch("jobs", where, **given, config=config or None, env=env or None) as fetch:
        asked = refs(where)
        found = await _abreast(lambda ref: _jobs_of(ref, query), asked)
        pairs = [pair for listing in found for pair in listing.items]
        if len(asked) > 1 and any(ref.job is None for ref in asked):
            pairs = sorted(pairs, key=_age)
        return fetch.done(frames.jobs(pairs[:limit], config=config, env=env), _total(found))


def _age(pair: tuple[Origin, JobInfo]) -> tuple[bool, float]:
    created = pair[1].created
    return (created is None, -created.timestamp() if created else 0.0)


async def _jobs_of(ref: Ref, query: JobQuery) -> Listing[tuple[Origin, JobInfo]]:
    source = source_of(ref)
    if ref.table is not None:
        raise BadURI(f"{ref} names a table, where a server, project or job is wanted")
    if ref.job is not None:
        info = await source.run(source.backend.job(_project(ref, source), ref.job))
        return Listing([(source.origin, info)] if query.takes(info) else [], 1)
    if ref.project is not None or source.backend.implied is not None:
        listing = await source.run(source.backend.jobs(ref.project, query))
        return Listing([(source.origin, info) for info in listing.items], listing.total)
    projects = await source.run(source.backend.projects())
    parts = await _abreast(lambda each: source.run(source.backend.jobs(each.id, query)), projects.items)
    pairs = sorted(((source.origin, info) for part in parts for info in part.items), key=_age)
    return Listing(pairs[: query.limit], _total(parts))


def _project(ref: Ref, source: Source) -> str | None:
    return ref.project if ref.project is not None else source.entry.current_project


async def tasks(jobs: Where) -> pd.DataFrame:
    """One row a task, index ``task`` (the job's URI and the task's id): ``job id name status raw_status started
    finished elapsed retries error``, the platform's own, and ``runs`` (a list of dicts). Raises Unsupported where the
    platform has no tasks."""

    async def of(ref: Ref) -> list[tuple[Origin, JobInfo, TaskInfo]]:
        source = source_of(ref)
        source.needs("tasks")
        info = await source.run(source.backend.job(_project(ref, source), _job(ref)))
        found = await source.run(source.backend.tasks(info.project, info.id))
        return [(source.origin, info, task) for task in found]

    with _fetch("tasks", jobs) as fetch:
        found = await _abreast(of, await _job_refs(jobs))
        return fetch.done(frames.tasks([each for part in found for each in part]))


async def events(job: Where) -> pd.DataFrame:
    """What the platform noted about jobs: ``job time level source subject message`` and its own, oldest first."""

    async def of(ref: Ref) -> list[tuple[str, Any]]:
        source = source_of(ref)
        source.needs("events")
        info = await source.run(source.backend.job(_project(ref, source), _job(ref)))
        found = await source.run(source.backend.events(info.project, info.id))
        return [(source.origin.job(info.project, info.id), event) for event in found]

    with _fetch("events", job) as fetch:
        found = await _abreast(of, await _job_refs(job))
        return fetch.done(frames.events([each for part in found for each in part]))


async def summary(jobs: Where, *, keys: Sequence[str] | None = None, steps: bool = False) -> pd.DataFrame:
    """The final values of jobs: one row a job, in the order asked (a project's: newest first), also for a job that has
    none; index ``job`` (URI), column ``id``, then one a value. ``keys`` picks columns. The platform's bookkeeping is
    left out. ``steps`` is for platforms whose summary knows at which step a value was reached."""
    if isinstance(keys, str):
        keys = [keys]
    with _fetch("summary", jobs, keys=keys, steps=steps or None) as fetch:
        asked = refs(jobs)
        groups: dict[tuple[str, str | None, bool], list[Ref]] = {}
        for ref in asked:
            groups.setdefault((ref.server, ref.project, ref.job is None), []).append(ref)
        parts = await _abreast(_summary_of, list(groups.values()))
        rows = {ref: found for part in parts for ref, found in part}
        pairs = dict.fromkeys(pair[0] for ref in asked for pair in rows[ref])
        by_uri = {uri: row for ref in asked for uri, row in rows[ref]}
        return fetch.done(frames.summary([(uri, by_uri[uri]) for uri in pairs], keys), len(pairs))


async def _summary_of(group: list[Ref]) -> list[tuple[Ref, list[tuple[str, SummaryRow]]]]:
    """The summaries of refs of one project: the whole project at once, or its jobs that are named."""
    source, first = source_of(group[0]), group[0]
    source.needs("summary")
    project = _project(first, source)
    if first.job is None and project is None and source.backend.implied is None:
        listing = await source.run(source.backend.projects())
        parts = await _abreast(lambda each: source.run(source.backend.summary(each.id, None)), listing.items)
        return [(first, [_labelled(source, row) for part in parts for row in part])]
    if first.job is None:
        rows = await source.run(source.backend.summary(project, None))
        return [(first, [_labelled(source, row) for row in rows])]
    rows = await source.run(source.backend.summary(project, [_job(ref) for ref in group]))
    return [(ref, [_labelled(source, row)]) for ref, row in zip(group, rows, strict=True)]


def _labelled(source: Source, row: SummaryRow) -> tuple[str, SummaryRow]:
    return source.origin.job(row.project, row.id), row


async def tables(job: Where) -> list[str]:
    """The names of a job's tables, in the platform's order."""
    ref = one(job, "job")
    source = source_of(ref)
    source.needs("tables")
    with _fetch("tables", job):
        return list(await source.run(source.backend.tables(_project(ref, source), _job(ref))))


async def rows(
    jobs: Where,
    table: str | None = None,
    *,
    start: Any = None,
    end: Any = None,
    end_inclusive: bool = False,
    columns: Sequence[str] | None = None,
    keep_none: bool = False,
    limit: int | None = None,
) -> pd.DataFrame:
    """Rows of a table in key order: the key from ``start`` up to ``end`` (exclusive unless ``end_inclusive``), all
    columns or ``columns`` (the key always), at most the first ``limit`` a job. With several jobs a first column ``job``
    (URI). ``table`` may also stand in the URI. Raises NotFound for an unknown table, BadInput for unknown columns."""
    query = _row_query(start, end, end_inclusive, columns, keep_none, limit)
    given = {"start": start, "end": end, "end_inclusive": end_inclusive or None}
    given |= {"columns": columns, "keep_none": keep_none or None, "limit": limit}
    with _fetch("rows", jobs, table, **given) as fetch:
        asked = await _table_refs(jobs, table)

        async def of(ref: Ref) -> list[tuple[str | None, Batch]]:
            label = await _job_uri(ref) if len(asked) > 1 else None
            source = source_of(ref)
            batches = source.batches(_project(ref, source), _job(ref), _table(ref), query)
            return [(label, batch) async for batch in batches]

        found = await _abreast(of, asked)
        return fetch.done(frames.rows([part for parts in found for part in parts]))


async def scan(
    job: Where,
    table: str | None = None,
    *,
    start: Any = None,
    end: Any = None,
    end_inclusive: bool = False,
    columns: Sequence[str] | None = None,
    keep_none: bool = False,
    limit: int | None = None,
) -> AsyncGenerator[pd.DataFrame, None]:
    """The rows of ``rows`` as a stream of DataFrames, in bounded memory: an iterator, and an async iterator."""
    query = _row_query(start, end, end_inclusive, columns, keep_none, limit)
    refs_ = await _table_refs(job, table)
    if len(refs_) != 1:
        raise BadInput("a stream is read from one job", todo="swnb.rows takes many")
    source = source_of(refs_[0])
    batches = source.batches(_project(refs_[0], source), _job(refs_[0]), _table(refs_[0]), query)
    try:
        async for batch in batches:
            yield frames.rows([(None, batch)])
    finally:
        await batches.aclose()


async def metrics(
    jobs: Where,
    keys: str | Sequence[str] | None = None,
    *,
    table: str | None = None,
    wide: bool = False,
    steps: int | None = None,
) -> pd.DataFrame:
    """Series of jobs, long (``job metric step time value``) or ``wide`` (index ``job, step``; a column a metric).
    ``steps=n``: at most n points a series, and provenance says so. ``table`` (Starwhale): its numeric columns are the
    metrics and its int key is the step."""
    wanted = [keys] if isinstance(keys, str) else keys
    with _fetch("metrics", jobs, keys=keys, table=table, wide=wide or None, steps=steps) as fetch:
        asked = await _table_refs(jobs, table, needs="metrics")
        columns = tuple(wanted) if wanted is not None else None

        async def of(ref: Ref) -> list[tuple[str, Any]]:
            source, uri = source_of(ref), await _job_uri(ref)
            query = RowQuery(columns=columns)
            batches = [b async for b in source.batches(_project(ref, source), _job(ref), _table(ref), query)]
            return [(uri, series) for series in series_frames.series_of(batches, wanted, steps)]

        found = await _abreast(of, asked)
        parts = [part for each in found for part in each]
        total = sum(len(s.step) if s.total is None else s.total for _, s in parts)
        frame = (series_frames.wide if wide else series_frames.long)(parts)
        return fetch.done(frame, None if wide else total)


def _row_query(  # noqa: PLR0917
    start: Any, end: Any, end_inclusive: bool, columns: Sequence[str] | None, keep_none: bool, limit: int | None
) -> RowQuery:
    if isinstance(columns, str):
        columns = [columns]
    wanted = tuple(columns) if columns is not None else None
    return RowQuery(start, end, end_inclusive, wanted, keep_none, check_limit(limit))


async def _table_refs(jobs: Where, table: str | None, needs: str = "rows") -> list[Ref]:
    asked = await _job_refs(jobs, keep_table=True)
    for ref in asked:
        source = source_of(ref)
        source.needs(needs)
        if table is None and ref.table is None:
            names = await source.run(source.backend.tables(_project(ref, source), _job(ref)))
            raise BadInput(f"the table of {ref} is not named", todo=f"It has {', '.join(names) or 'none'}")
    return [ref if table is None else ref.with_(table=table) for ref in asked]


async def _job_refs(jobs: Where, keep_table: bool = False) -> list[Ref]:
    """The jobs that are named; those of a project where a project is named."""
    found: list[Ref] = []
    for ref in refs(jobs):
        if ref.job is not None:
            found.append(ref if keep_table else ref.with_(table=None))
            continue
        listing = await _jobs_of(ref, JobQuery())
        found += [Ref(origin.server, info.project, info.id) for origin, info in listing.items]
    return list(dict.fromkeys(found))


async def _job_uri(ref: Ref) -> str:
    source = source_of(ref)
    info = await source.run(source.backend.job(_project(ref, source), _job(ref)))
    return source.origin.job(info.project, info.id)


def _job(ref: Ref) -> str:
    if ref.job is None:
        raise BadURI(f"{ref} names no job", todo="Add /job/ID")
    return ref.job


def _table(ref: Ref) -> str:
    assert ref.table is not None  # noqa: S101 - _table_refs made sure
    return ref.table


async def _abreast(work: Callable[[Any], Awaitable[T]], items: Sequence[Any]) -> list[T]:
    """``work`` on all items, a few at a time, results in their order; the first failure cancels the others."""
    gate = asyncio.Semaphore(_JOBS_ABREAST)

    async def gated(item: Any) -> T:
        async with gate:
            return await work(item)

    running = [asyncio.ensure_future(gated(item)) for item in items]
    try:
        return list(await asyncio.gather(*running))
    finally:
        for task in running:
            task.cancel()


def _total(listings: Iterable[Listing[Any]]) -> int | None:
    totals = [listing.total for listing in listings]
    return None if None in totals else sum(total or 0 for total in totals)


class _Fetch:
    """One verb at work: what it was asked, and what it cost."""

    def __init__(
        self, verb: str, where: Where, args: tuple[Any, ...], options: Mapping[str, Any], trail: Trail
    ) -> None:
        self._where = [str(ref) for ref in refs(where)]
        self._code = _code(verb, where, args, options)
        self._verb, self._trail = verb, trail
        self._began = datetime.now(timezone.utc)
        self._frame: pd.DataFrame | None = None
        self._total: int | None = None

    def done(self, frame: pd.DataFrame, total: int | None = None) -> pd.DataFrame:
        """The frame of the whole answer; ``total`` as the server counts, None = what is there."""
        self._frame, self._total = frame, len(frame) if total is None else total
        return frame

    def attach(self) -> None:
        """Once the trail is complete."""
        if self._frame is not None:
            attach(self._frame, self._provenance(self._frame))

    def _provenance(self, frame: pd.DataFrame) -> Provenance:
        return Provenance(
            server=", ".join(dict.fromkeys(uri.partition("/project/")[0] for uri in self._where)),
            query=self._code,
            fetched_at=self._began.isoformat(timespec="seconds"),
            n=len(frame),
            total=self._total,
            complete=True,
            requests=self._trail.requests,
            retries=self._trail.retries,
            seconds=round(self._trail.seconds, 3),
            code=self._code,
            notes=tuple(self._trail.notes),
        )


def _code(verb: str, where: Where, args: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """The call that fetches the same again."""
    uris = [str(ref) for ref in refs(where)]
    shown = [repr(uris[0] if len(uris) == 1 else uris), *(repr(each) for each in args if each is not None)]
    shown += [f"{name}={value!r}" for name, value in options.items() if value is not None]
    return f"swnb.{verb}({', '.join(shown)})"


@contextmanager
def _fetch(verb: str, where: Where, *args: Any, **options: Any) -> Iterator[_Fetch]:
    """What every verb does around its work: keep the trail, keep what arrives, attach the provenance."""
    with showing(), trail() as kept:
        fetch = _Fetch(verb, where, args, options, kept)
        with partial.keeping(fetch._code):
            yield fetch
    fetch.attach()


def partial_frame() -> pd.DataFrame | None:
    """What the last interrupted or failed fetch had already got, as a frame of its kind (provenance: not complete);
    None where there is nothing. A fetch of the same that succeeds clears it."""
    last = partial.last()
    if last is None:
        return None
    frame = _frame_of_parts(last.parts)
    made = Provenance(
        server=", ".join(dict.fromkeys(label.server for label, _ in last.parts if isinstance(label, Origin))),
        query=last.what,
        fetched_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        n=len(frame),
        total=None,
        complete=False,
        requests=0,
        retries=0,
        seconds=0.0,
        code=last.what,
        notes=("what an interrupted or failed fetch had got",),
    )
    return attach(frame, made)


def _frame_of_parts(parts: Sequence[tuple[Any, Any]]) -> pd.DataFrame:
    """The last kind of thing that arrived is what was wanted: projects and jobs are asked on the way to rows."""
    kind = type(parts[-1][1])
    same = [(label, part) for label, part in parts if type(part) is kind]
    if kind is Batch:
        return frames.rows([(None, batch) for _, batch in same])
    if kind is JobInfo:
        return frames.jobs(same)
    if kind is ProjectInfo:
        return frames.projects(same)
    frame: pd.DataFrame = pd.DataFrame({"part": [repr(part) for _, part in same]})
    return frame


__all__ = [
    "Status",
    "events",
    "jobs",
    "metrics",
    "partial_frame",
    "projects",
    "rows",
    "scan",
    "summary",
    "tables",
    "tasks",
]
