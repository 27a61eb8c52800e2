"""The module-level calls, as coroutines. ``swnb.client.public`` gives them their two doors.

Each verb: read what the caller means, ask the sources abreast, build one frame, attach where it came from.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

import pandas as pd

from swnb.call import Listing, note
from swnb.client.answer import Build, fetching
from swnb.client.source import Source, source_of
from swnb.client.told import told
from swnb.client.where import Where, check_limit, job_of, moment, one, plain, refs, statuses
from swnb.errors import BadInput, BadURI, NotFound
from swnb.fetch import partial
from swnb.fetch.tasks import abreast
from swnb.frames import metrics as series_frames
from swnb.frames import tables as frames
from swnb.frames.tables import Origin
from swnb.model import Batch, EventInfo, JobInfo, JobQuery, ProjectInfo, RowQuery, Series, SummaryRow, TaskInfo
from swnb.providers.base import NESTED
from swnb.uri import Ref

S = TypeVar("S")
T = TypeVar("T")
_JOBS_ABREAST: Final = 8  # jobs whose tables, tasks … are read at a time; each has its own requests in flight


async def projects(server: Where) -> pd.DataFrame:
    """Index ``project`` (URI); columns ``platform server id name owner created jobs description url`` and the
    platform's own. ``server``: one or many; also projects that are made of projects (a system of Istari: its models).
    Raises Refused, NotFound, Unreachable, Timeout, Unsupported."""
    asked = await told(_holders(server))
    with fetching("projects", asked, parts=(ProjectInfo, frames.projects)) as fetch:
        found = await _abreast(_projects_of, asked)
        pairs = [pair for listing in found for pair in listing.items]
        return fetch.done(frames.projects(pairs), _total(found))


def _holders(where: Where) -> list[Ref]:
    """Servers, or projects."""
    try:
        return refs(where, "server")
    except BadURI as error:
        with contextlib.suppress(BadURI):
            return refs(where, "project")
        raise error from None


async def _projects_of(ref: Ref) -> Listing[tuple[Origin, ProjectInfo]]:
    source = source_of(ref)
    if ref.project is not None:
        source.needs(NESTED)
    plan = source.backend.projects() if ref.project is None else source.backend.projects_in(ref.project)
    listing = await source.run(plan)
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
    like ``"24h"``); ``limit`` counts after the filters and keeps the newest. ``config=True`` adds ``config.*``,
    ``metadata.*`` and ``env.*``, as far as the platform has them; values of the last masked unless ``env=True``.
    """
    words, after = statuses(status), moment(since)
    query = JobQuery(words, name, owner, after, check_limit(limit), config or env)
    given: dict[str, Any] = {
        "status": words and sorted(words),
        "name": name,
        "owner": owner,
        "since": after,
        "limit": limit,
    }
    asked = await told(refs(where))

    def build(pairs: Sequence[tuple[Origin, JobInfo]]) -> pd.DataFrame:
        taken = {origin.job(info.project, info.id): (origin, info) for origin, info in pairs if query.takes(info)}
        return frames.jobs(_newest(list(taken.values()), query.limit), config=config, env=env)

    parts = (JobInfo, build)
    with fetching("jobs", asked, **given, config=config or None, env=env or None, parts=parts) as fetch:
        found = await _abreast(lambda ref: _jobs_of(ref, query), asked)
        pairs = [pair for listing in found for pair in listing.items]
        once = {origin.job(info.project, info.id): (origin, info) for origin, info in pairs}
        pairs, twice = list(once.values()), len(pairs) - len(once)
        if len(asked) > 1 and any(ref.job is None for ref in asked):
            pairs.sort(key=_age)
        total = _total(found)
        frame = frames.jobs(_newest(pairs, query.limit), config=config, env=env)
        return fetch.done(frame, None if total is None else total - twice)


def _newest(pairs: Sequence[tuple[Origin, JobInfo]], limit: int | None) -> Sequence[tuple[Origin, JobInfo]]:
    """The newest ``limit`` in the order they have."""
    if limit is None or len(pairs) <= limit:
        return pairs
    kept = {id(pair) for pair in sorted(pairs, key=_age)[:limit]}
    return [pair for pair in pairs if id(pair) in kept]


def _age(pair: tuple[Origin, JobInfo]) -> tuple[int, float]:
    """Newest first. A job without a time that has not ended waits to begin, so it is among the newest."""
    info = pair[1]
    if info.created is None:
        return (2 if info.status.final else 0), 0.0
    return 1, -info.created.timestamp()


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
        info = await source.run(source.backend.job(_project(ref, source), job_of(ref)))
        triples = [
            (source.origin, info, task) for task in await source.run(source.backend.tasks(info.project, info.id))
        ]
        partial.keep(*triples)
        return triples

    asked = await told(refs(jobs))
    with fetching("tasks", asked, parts=(tuple, lambda kept: frames.tasks([part for _, part in kept]))) as fetch:
        found = await _abreast(of, await _job_refs(asked))
        frame = frames.tasks([each for part in found for each in part])
        return fetch.done(frame, len(frame))


async def events(job: Where) -> pd.DataFrame:
    """What the platform noted about jobs: ``job time level source subject message`` and its own, oldest first."""

    async def of(ref: Ref) -> list[tuple[str, EventInfo]]:
        source = source_of(ref)
        source.needs("events")
        info = await source.run(source.backend.job(_project(ref, source), job_of(ref)))
        found = await source.run(source.backend.events(info.project, info.id))
        pairs = [(source.origin.job(info.project, info.id), event) for event in found]
        partial.keep(*pairs)
        return pairs

    asked = await told(refs(job))
    with fetching("events", asked, parts=(tuple, lambda kept: frames.events([part for _, part in kept]))) as fetch:
        found = await _abreast(of, await _job_refs(asked))
        frame = frames.events([each for part in found for each in part])
        return fetch.done(frame, len(frame))


async def summary(jobs: Where, *, keys: Sequence[str] | None = None, steps: bool = False) -> pd.DataFrame:
    """The final values of jobs: one row a job, in the order asked (a project's: newest first), also for a job that has
    none; index ``job`` (URI), column ``id``, then one a value. ``keys`` picks columns. The platform's bookkeeping is
    left out. ``steps`` is for platforms whose summary knows at which step a value was reached."""
    if isinstance(keys, str):
        keys = [keys]
    asked = await told(refs(jobs))
    parts = (tuple, lambda kept: frames.summary([part for _, part in kept], keys, steps))
    with fetching("summary", asked, keys=keys, steps=steps or None, parts=parts) as fetch:
        found = dict(each for part in await _abreast(_summary_of, _by_project(asked)) for each in part)
        rows = dict(pair for ref in asked for pair in found[ref])
        return fetch.done(frames.summary(list(rows.items()), keys, steps), len(rows))


def _by_project(asked: Sequence[Ref]) -> list[list[Ref]]:
    """Refs that one question can be put for: the jobs of one project together, a project or server by itself."""
    groups: dict[tuple[str, str | None, bool], list[Ref]] = {}
    for ref in asked:
        groups.setdefault((ref.server, ref.project, ref.job is None), []).append(ref)
    return list(groups.values())


async def _summary_of(group: list[Ref]) -> list[tuple[Ref, list[tuple[str, SummaryRow]]]]:
    """The summaries of refs of one project: the whole project at once, or its jobs that are named."""
    source, first = source_of(group[0]), group[0]
    source.needs("summary")
    if first.job is not None:
        rows = await source.run(source.backend.summary(_project(first, source), [job_of(ref) for ref in group]))
        return [(ref, _labelled(source, [row])) for ref, row in zip(group, rows, strict=True)]
    if first.project is not None or source.backend.implied is not None:
        return [(first, _labelled(source, await source.run(source.backend.summary(first.project, None))))]
    listing = await source.run(source.backend.projects())
    parts = await _abreast(lambda each: source.run(source.backend.summary(each.id, None)), listing.items)
    rows = [row for part in parts for row in part]
    if all(row.job is not None for row in rows):
        rows.sort(key=lambda row: _age((source.origin, cast(JobInfo, row.job))))
    return [(first, _labelled(source, rows))]


def _labelled(source: Source, rows: Sequence[SummaryRow]) -> list[tuple[str, SummaryRow]]:
    pairs = [(source.origin.job(row.project, row.id), row) for row in rows]
    partial.keep(*pairs)
    return pairs


async def tables(job: Where) -> list[str]:
    """The names of a job's tables, in the platform's order."""
    (ref,) = await told([one(job, "job")])
    source = source_of(ref)
    source.needs("tables")
    with fetching("tables", [ref]):
        return list(await source.run(source.backend.tables(_project(ref, source), job_of(ref))))


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
    given |= {"columns": query.columns, "keep_none": keep_none or None, "limit": limit}
    asked = await told(refs(jobs))
    with fetching("rows", asked, table, **given, parts=(Batch, _rows)) as fetch:
        wanted = await _table_refs(asked, table)

        async def of(ref: Ref) -> list[tuple[str | None, Batch]]:
            source = source_of(ref)
            label = await _job_uri(ref) if len(wanted) > 1 else None
            with partial.labelled(label):
                batches = source.batches(_project(ref, source), job_of(ref), _table(ref), query)
                return [(label, batch) async for batch in batches]

        found = await _abreast(of, wanted)
        frame = frames.rows([part for parts in found for part in parts])
        # Where the limit was reached, nobody knows how many rows lie behind it.
        reached = limit is not None and any(sum(batch.n for _, batch in parts) >= limit for parts in found)
        return fetch.done(frame, None if reached else len(frame))


def _rows(parts: Sequence[tuple[str | None, Batch]]) -> pd.DataFrame:
    """Of batches as they arrived: those of several jobs come mixed."""
    jobs = list(dict.fromkeys(label for label, _ in parts))
    return frames.rows(sorted(parts, key=lambda part: jobs.index(part[0])))


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
    wanted = await _table_refs(await told(refs(job)), table)
    if len(wanted) != 1:
        raise BadInput("a stream is read from one job", todo="swnb.rows takes many")
    ref, source = wanted[0], source_of(wanted[0])
    async with aclosing(source.batches(_project(ref, source), job_of(ref), _table(ref), query)) as batches:
        async for batch in batches:
            yield frames.rows([(None, batch)])


async def metrics(
    jobs: Where,
    keys: str | Sequence[str] | None = None,
    *,
    table: str | None = None,
    wide: bool = False,
    steps: int | None = None,
) -> pd.DataFrame:
    """Series of jobs, long (``job metric step time value``) or ``wide`` (index ``job, step``; a column a metric), in
    full. Without ``keys`` system metrics are left out. ``steps=n``: at most n points a series, and provenance says so.
    ``table`` (Starwhale): its numeric columns are the metrics and its int key is the step.

    Raises NotFound for a metric that none of the jobs has; one that some lack is noted in the provenance."""
    names = [keys] if isinstance(keys, str) else keys if keys is None else list(dict.fromkeys(map(str, keys)))
    asked, most = await told(refs(jobs)), check_limit(steps)
    options: dict[str, Any] = {"keys": names, "table": table, "wide": wide or None, "steps": most}
    of_tables = table is not None or any(ref.table is not None for ref in asked)
    parts: tuple[type, Build] = (Batch, _rows) if of_tables else (Series, _kept_series)
    with fetching("metrics", asked, **options, parts=parts) as fetch:
        one_each = {ref.server: ref for ref in asked}.values()
        if of_tables or not all("metrics" in source_of(ref).backend.offers for ref in one_each):
            found = await _table_series(asked, table, names, most)
        else:
            found = [pair for each in await _abreast(_series_of(names, most), _by_project(asked)) for pair in each]
            found = _in_order(found, asked)
            _all_there(names, found, asked)
        whole = not any(series.sampled for _, series in found)
        if not wide:
            return fetch.done(series_frames.long(found), series_frames.counted(found))
        frame = series_frames.wide(found)
        return fetch.done(frame, len(frame) if whole else None)


async def metric_names(job: Where) -> list[str]:
    """The names of a job's metrics, system metrics left out."""
    (ref,) = await told([one(job, "job")])
    source = source_of(ref)
    source.needs("metrics")
    return list(await source.run(source.backend.metric_names(_project(ref, source), job_of(ref))))


def _series_of(
    keys: Sequence[str] | None, most: int | None
) -> Callable[[list[Ref]], Awaitable[list[tuple[str, Series]]]]:
    async def of(group: list[Ref]) -> list[tuple[str, Series]]:
        """The series of refs of one project: of the whole project, of its jobs that are named, or of all projects."""
        source, first = source_of(group[0]), group[0]
        jobs = None if first.job is None else [job_of(ref) for ref in group]
        project = _project(first, source)
        if jobs is not None or project is not None or source.backend.implied is not None:
            projects = [project]
        else:
            projects = [each.id for each in (await source.run(source.backend.projects())).items]
        parts = await _abreast(lambda each: source.run(source.backend.metrics(each, jobs, keys, most)), projects)
        return [(source.origin.job(series.project, series.job), series) for part in parts for series in part]

    return of


def _in_order(found: list[tuple[str, Series]], asked: Sequence[Ref]) -> list[tuple[str, Series]]:
    """Series in the order in which their jobs were asked for; those of a project stay as they came."""
    places = {str(ref): at for at, ref in enumerate(asked)}

    def place(pair: tuple[str, Series]) -> int:
        return places.get(pair[0], places.get(pair[0].rpartition("/job/")[0], len(places)))

    return sorted(found, key=place)


def _all_there(keys: Sequence[str] | None, found: Sequence[tuple[str, Series]], asked: Sequence[Ref]) -> None:
    """Say which of the metrics that were asked for are not there."""
    jobs = {uri for uri, _ in found} | {str(ref) for ref in asked if ref.job is not None}
    for key in keys or ():
        have = {uri for uri, series in found if series.metric == key}
        if not have and jobs:
            known = ", ".join(dict.fromkeys(series.metric for _, series in found))
            there = f"Of those asked for there are: {known}. " if known else ""
            raise NotFound(
                f"no metric is called {key!r} in {len(jobs)} job{'s' * (len(jobs) > 1)}",
                todo=f"{there}swnb.summary(…) shows which metrics a job has",
            )
        if len(have) < len(jobs):
            note(f"metric {key}: {len(jobs) - len(have)} of {len(jobs)} jobs do not have it")


def _kept_series(parts: Sequence[tuple[Origin, Series]]) -> pd.DataFrame:
    return series_frames.long([(origin.job(series.project, series.job), series) for origin, series in parts])


async def _table_series(
    asked: Sequence[Ref], table: str | None, keys: Sequence[str] | None, most: int | None
) -> list[tuple[str, Series]]:
    """The numeric columns of the jobs' tables."""
    query = RowQuery(columns=None if keys is None else tuple(keys))

    async def of(ref: Ref) -> list[tuple[str, Series]]:
        source, uri = source_of(ref), await _job_uri(ref)
        with partial.labelled(uri):
            batches = source.batches(_project(ref, source), job_of(ref), _table(ref), query)
            read = [batch async for batch in batches]
        return [(uri, series) for series in series_frames.series_of(read, keys, most)]

    return [part for each in await _abreast(of, await _table_refs(asked, table)) for part in each]


def _row_query(  # noqa: PLR0917
    start: Any, end: Any, end_inclusive: bool, columns: Sequence[str] | None, keep_none: bool, limit: int | None
) -> RowQuery:
    if isinstance(columns, str):
        columns = [columns]
    wanted = tuple(map(str, columns)) if columns is not None else None
    return RowQuery(plain(start), plain(end), end_inclusive, wanted, keep_none, check_limit(limit))


async def _table_refs(asked: Sequence[Ref], table: str | None) -> list[Ref]:
    jobs = await _job_refs(asked, keep_table=True)
    for ref in jobs:
        source = source_of(ref)
        source.needs("rows")
        if table is None and ref.table is None:
            names = await source.run(source.backend.tables(_project(ref, source), job_of(ref)))
            raise BadInput(f"the table of {ref} is not named", todo=f"It has {', '.join(names) or 'none'}")
    return [ref if table is None else ref.with_(table=table) for ref in jobs]


async def _job_refs(asked: Sequence[Ref], keep_table: bool = False) -> list[Ref]:
    """The jobs that are named; those of a project where a project is named."""
    found: list[Ref] = []
    for ref in asked:
        if ref.job is not None:
            found.append(ref if keep_table else ref.with_(table=None))
            continue
        listing = await _jobs_of(ref, JobQuery())
        found += [Ref(origin.server, info.project, info.id) for origin, info in listing.items]
    return list(dict.fromkeys(found))


async def _job_uri(ref: Ref) -> str:
    source = source_of(ref)
    info = await source.run(source.backend.job(_project(ref, source), job_of(ref)))
    return source.origin.job(info.project, info.id)


def _table(ref: Ref) -> str:
    assert ref.table is not None  # noqa: S101 - _table_refs made sure
    return ref.table


async def _abreast(work: Callable[[S], Awaitable[T]], items: Sequence[S]) -> list[T]:
    return await abreast(work, items, _JOBS_ABREAST)


def _total(listings: Iterable[Listing[Any]]) -> int | None:
    totals = [listing.total for listing in listings]
    return None if None in totals else sum(total or 0 for total in totals)
