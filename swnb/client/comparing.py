"""What a comparison reads of jobs of any mix of platforms: records with configs, summaries, and curves on request.

A platform that has no series gives none (its jobs are compared by their final values), unless ``table`` names a table
whose numeric columns they are. Nobody is asked for what its platform does not have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from swnb.client import verbs
from swnb.client.joining import joined, renewed, renewed_rows
from swnb.client.source import source_of
from swnb.client.told import told
from swnb.client.where import Where, refs
from swnb.errors import NotFound
from swnb.fetch.tasks import abreast
from swnb.frames import metrics as series_frames
from swnb.frames import tables as frames
from swnb.frames.compare import How, metric_columns, values_of
from swnb.uri import Ref

_ABREAST: Final = 8
_ASKED: Final = 16  # jobs of a project that are asked for the names of their metrics; also singly named jobs


@dataclass(frozen=True)
class Comparison:
    """``jobs`` with ``config.*``; ``summary``; ``series``: the names of the metrics that jobs have as curves;
    ``curves``: those that were read, long. ``notes``: what is not whole."""

    jobs: pd.DataFrame
    summary: pd.DataFrame
    series: tuple[str, ...] = ()
    curves: pd.DataFrame = None  # type: ignore[assignment]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.curves is None:
            object.__setattr__(self, "curves", series_frames.long([]))

    @property
    def uris(self) -> list[str]:
        return [str(uri) for uri in self.jobs.index]

    @property
    def metrics(self) -> list[str]:
        """All that can be compared: curves first, then final values alone."""
        return list(dict.fromkeys([*self.series, *metric_columns(self.summary)]))

    def values(self, metrics: Sequence[str], how: How, wanted: Any = None) -> pd.DataFrame:
        """One value a job and metric; see :func:`swnb.frames.compare.values_of`."""
        return values_of(self.uris, metrics, how, summary=self.summary, curves=self.curves, wanted=wanted)

    def lacks(self, names: Sequence[str]) -> list[str]:
        """Those of the names whose curves are there to be read and are not read yet."""
        read = set(self.curves["metric"].unique())
        return [name for name in names if name in self.series and name not in read]


async def comparison(where: Where, *, table: str | None = None) -> Comparison:
    """Jobs, configs, summaries and the names of the curves; curves of ``table`` are read at once, since its columns
    are known only by its rows."""
    found = await _without_curves(where)
    return found if table is None else _with_table(found, await _table_curves(refs(found.uris), table))


async def _without_curves(where: Where) -> Comparison:
    jobs = await _jobs(where)
    asked = refs([str(uri) for uri in jobs.index])
    summary = await _summary(asked)
    names, notes = await _names([ref for ref in asked if _offers(ref, "metrics")])
    return Comparison(jobs, summary, tuple(names), notes=tuple(notes))


async def _summary(asked: Sequence[Ref]) -> pd.DataFrame:
    summed = [ref for ref in asked if _offers(ref, "summary")]
    return await verbs.summary(summed) if summed else frames.summary([])


def _with_table(found: Comparison, read: pd.DataFrame) -> Comparison:
    """With curves read from a table; those of it that are here already are replaced."""
    kept = found.curves[~found.curves["job"].isin(read["job"].unique())] if len(found.curves) else found.curves
    columns = [str(name) for name in read["metric"].unique()]
    return replace(found, curves=joined([kept, read]), series=tuple(dict.fromkeys([*found.series, *columns])))


async def with_curves(found: Comparison, names: Sequence[str], *, jobs: Sequence[str] | None = None) -> Comparison:
    """The same with the curves of these metrics too, or with those of some ``jobs`` read anew."""
    uris = found.uris if jobs is None else list(jobs)
    asked = [ref for ref in refs(uris) if _offers(ref, "metrics")]
    if not asked or not names:
        return found
    try:
        read = await verbs.metrics(asked, list(names))
    except NotFound:  # none of these jobs has one of them: each by itself
        read = await _each(asked, names)
    keys = [str(name) for name in read["metric"].unique()] if jobs is None else list(names)
    old = found.curves
    anew = old["metric"].isin(keys) & old["job"].isin([str(ref) for ref in asked])
    if jobs is not None and len(old) and set(read["job"].unique()) <= set(old["job"].unique()):
        return replace(found, curves=renewed(old, old[~anew], read))
    return replace(found, curves=joined([old[~anew] if anew.any() else old, read]))


async def refreshed(
    found: Comparison,
    where: Where | None = None,
    *,
    table: str | None = None,
    whole: bool = True,
    gone: Collection[str] = (),
) -> Comparison:
    """The present state: summaries, and the curves of jobs that had not ended when they were read. ``whole``: records,
    configs and names of curves too, of the same jobs or of all that ``where`` means now, without those that are
    ``gone`` from their server."""
    names = [str(name) for name in found.curves["metric"].unique()]
    there = [uri for uri in found.uris if uri not in gone]
    if not there:
        return found
    if whole:
        new = await _without_curves(there if where is None else where)
        lost = len(found.uris) - len(there)
        notes = [f"{lost:,} job{'s were' if lost > 1 else ' was'} removed meanwhile"] if lost else []
        kept = found.curves[found.curves["job"].isin(new.uris)] if len(found.curves) else found.curves
        new = replace(new, curves=kept, notes=(*new.notes, *notes))
    else:
        read = await _summary(refs(going_of(found)))
        new = replace(found, summary=renewed_rows(found.summary, read) if len(read) else found.summary)
    before, after = set(found.uris), set(new.uris)
    anew = [*(uri for uri in going_of(found) if uri in after), *(uri for uri in new.uris if uri not in before)]
    if table is not None:
        new = replace(new, series=tuple(dict.fromkeys([*new.series, *found.series])))
        with contextlib.suppress(NotFound):  # of those that are asked now none may have it yet
            new = _with_table(new, await _table_curves(refs(anew), table))
    return await with_curves(new, [name for name in names if name in new.series], jobs=anew)


_ENDED: Final = ("succeeded", "failed", "cancelled")


def going_of(found: Comparison) -> list[str]:
    """The jobs that had not ended when they were read."""
    return [str(uri) for uri in found.jobs.index[~found.jobs["status"].isin(_ENDED)]]


def going(found: Comparison) -> bool:
    """Whether some job has not ended."""
    return bool(going_of(found))


async def _jobs(where: Where) -> pd.DataFrame:
    """The jobs with their configs. Many that are named come with their projects' lists: a request a page, not a job."""
    asked = await told(refs(where))
    if len(asked) <= _ASKED or any(ref.job is None for ref in asked):
        return await verbs.jobs(asked, config=True)
    places = list(dict.fromkeys(ref.with_(job=None, table=None) for ref in asked))
    found = await verbs.jobs(places, config=True)
    wanted = [str(ref.with_(table=None)) for ref in asked]
    if gone := [uri for uri in wanted if uri not in found.index]:
        return await verbs.jobs(asked if len(gone) > _ASKED else wanted, config=True)
    kept: pd.DataFrame = found.loc[list(dict.fromkeys(wanted))]
    return kept


async def _names(asked: Sequence[Ref]) -> tuple[list[str], list[str]]:
    """The names of the curves, in the order of the jobs, and a note where not all jobs were asked for theirs."""
    groups: dict[tuple[str, str | None], list[Ref]] = {}
    for ref in asked:
        groups.setdefault((ref.server, ref.project), []).append(ref)
    chosen = [ref for group in groups.values() for ref in group[:_ASKED]]
    found = await abreast(verbs.metric_names, chosen, _ABREAST)
    names = list(dict.fromkeys(name for each in found for name in each))
    left = len(asked) - len(chosen)
    return names, [f"names of metrics are those of {len(chosen):,} of {len(asked):,} jobs"] if left else []


async def _table_curves(jobs: Sequence[Ref], table: str) -> pd.DataFrame:
    """The numeric columns of the table, of the jobs that have it but no own curves. NotFound where none has."""
    asked = [ref for ref in jobs if not _offers(ref, "metrics")]

    async def has(ref: Ref) -> bool:
        return _offers(ref, "rows") and _offers(ref, "tables") and table in await verbs.tables(ref)

    there = await abreast(has, asked, _ABREAST)
    found = [ref for ref, ok in zip(asked, there, strict=True) if ok]
    if asked and not found:
        raise NotFound(f"no table is called {table!r} in {len(asked):,} jobs", todo="swnb.tables(job) lists a job's")
    return await verbs.metrics(found, table=table) if found else series_frames.long([])


async def _each(asked: Sequence[Ref], names: Sequence[str]) -> pd.DataFrame:
    async def of(name: str) -> pd.DataFrame:
        try:
            return await verbs.metrics(list(asked), name)
        except NotFound:
            return series_frames.long([])

    return joined(await abreast(of, list(names), _ABREAST))


async def for_plot(where: Where, names: Sequence[str] | None, table: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `swnb.plot` draws: long curves, and the final values of jobs whose platform has none."""
    asked = await told(refs(where))
    own = [ref for ref in asked if _offers(ref, "metrics") and ref.table is None]
    others = [ref for ref in asked if ref not in own]
    nothing: pd.DataFrame = pd.DataFrame()
    if table is not None or any(ref.table for ref in others):
        if own and others:
            return await _mixed(asked, names, table or next(ref.table for ref in others if ref.table)), nothing
        return await verbs.metrics(asked, names, table=table), nothing
    if not others:
        return await verbs.metrics(own, names), nothing
    summary = await verbs.summary(others)
    wanted = metric_columns(summary) if names is None else [name for name in names if name in summary.columns]
    finals = values_of([str(uri) for uri in summary.index], wanted, "last", summary=summary)
    finals.attrs = summary.attrs
    return await _curves(own, names, wanted), finals


async def _curves(own: Sequence[Ref], names: Sequence[str] | None, finals: Sequence[str]) -> pd.DataFrame:
    """The curves beside final values: a metric of the latter may be unknown to those who have curves."""
    if not own:
        return series_frames.long([])
    try:
        return await verbs.metrics(own, names)
    except NotFound:
        if names is None or not set(names) & set(finals):
            raise
        return await _each(own, names)


async def _mixed(asked: Sequence[Ref], names: Sequence[str] | None, table: str | None) -> pd.DataFrame:
    found = await comparison([ref.with_(table=None) for ref in asked], table=table)
    wanted = list(found.series) if names is None else list(names)
    found = await with_curves(found, [name for name in wanted if name in found.series])
    kept: pd.DataFrame = found.curves[found.curves["metric"].isin(wanted)]
    return kept


def _offers(ref: Ref, verb: str) -> bool:
    return verb in source_of(ref).backend.offers


def uris_of(where: Where) -> list[str]:
    """What was asked for, as URIs, for the code that asks again."""
    return [str(ref) for ref in refs(where)]


__all__ = [
    "Comparison",
    "comparison",
    "for_plot",
    "going",
    "going_of",
    "refreshed",
    "uris_of",
    "with_curves",
]
