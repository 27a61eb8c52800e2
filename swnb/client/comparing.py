"""What a comparison reads of jobs of any mix of platforms: records with configs, summaries, and curves on request.

A platform that has no series gives none (its jobs are compared by their final values), unless ``table`` names a table
whose numeric columns they are. Nobody is asked for what its platform does not have.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from swnb.client import verbs
from swnb.client.joining import joined, renewed, renewed_rows
from swnb.client.source import source_of
from swnb.client.told import told
from swnb.client.where import Where, refs
from swnb.errors import BadInput, NotFound
from swnb.fetch.tasks import abreast
from swnb.frames import metrics as series_frames
from swnb.frames import tables as frames
from swnb.frames.compare import How, goals, metric_columns, values_of
from swnb.uri import Ref

_ABREAST: Final = 8
_ASKED: Final = 16  # jobs of a project that are asked for the names of their metrics; also singly named jobs


@dataclass(frozen=True)
class Comparison:
    """``jobs`` with ``config.*``; ``summary``; ``series``: the names of the metrics that jobs have as curves;
    ``curves``: those that were read, long; ``curved``: the jobs whose platform has curves; ``read``: of which jobs a
    metric's were asked for, whether or not there are any. ``notes``: what is not whole."""

    jobs: pd.DataFrame
    summary: pd.DataFrame
    series: tuple[str, ...] = ()
    curves: pd.DataFrame = None  # type: ignore[assignment]
    notes: tuple[str, ...] = ()
    curved: frozenset[str] = frozenset()
    read: Mapping[str, frozenset[str]] = field(default_factory=dict)

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

    def lacks(self, names: Sequence[str], how: How | None = None, wanted: Any = None) -> dict[str, list[str]]:
        """The metrics whose curves are there to be read and are not read yet, and of which jobs. ``how``: only of jobs
        whose summary does not tell this value of it."""
        found = {}
        for name in dict.fromkeys(names):
            known = set() if how is None else self._told(name, how, wanted)
            asked = self.read.get(name, frozenset())
            jobs = [uri for uri in self.uris if uri in self.curved and uri not in asked and uri not in known]
            if name in self.series and jobs:
                found[name] = jobs
        return found

    def _told(self, name: str, how: How, wanted: Any) -> set[str]:
        """The jobs whose summary has this value of a metric."""
        value = goals([name], wanted)[name] if how == "best" else how
        values = values_of(self.uris, [name], value, summary=self.summary)[name]
        return {str(uri) for uri in values.index[values.notna()]}


async def comparison(where: Where, *, table: str | None = None) -> Comparison:
    """Jobs, configs, summaries and the names of the curves; curves of ``table`` are read at once, since its columns
    are known only by its rows."""
    found = await _without_curves(where)
    return found if table is None else _with_table(found, await _table_curves(refs(found.uris), table))


async def _without_curves(where: Where) -> Comparison:
    jobs = await _jobs(where)
    asked = refs([str(uri) for uri in jobs.index])
    summary = await _summary(asked)
    curved = [ref for ref in asked if _offers(ref, "metrics")]
    names, notes = await _names(curved)
    return Comparison(jobs, summary, tuple(names), notes=tuple(notes), curved=frozenset(map(str, curved)))


async def _summary(asked: Sequence[Ref]) -> pd.DataFrame:
    summed = [ref for ref in asked if _offers(ref, "summary")]
    return await verbs.summary(summed) if summed else frames.summary([])


def _with_table(found: Comparison, read: pd.DataFrame) -> Comparison:
    """With curves read from a table; those of it that are here already are replaced."""
    kept = found.curves[~found.curves["job"].isin(read["job"].unique())] if len(found.curves) else found.curves
    columns = [str(name) for name in read["metric"].unique()]
    return replace(found, curves=joined([kept, read]), series=tuple(dict.fromkeys([*found.series, *columns])))


async def with_curves(found: Comparison, lacks: Mapping[str, Sequence[str]]) -> Comparison:
    """The same with these curves too: metrics, and the jobs of which they are wanted (``Comparison.lacks``)."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, jobs in lacks.items():
        groups.setdefault(tuple(jobs), []).append(name)
    for jobs, names in groups.items():
        read = await _curves_of(refs(jobs), names)
        found = replace(
            found, curves=_in_order(joined([found.curves, read]), found.uris), read=_asked_too(found, names, jobs)
        )
    return found


async def _renewed_curves(found: Comparison, names: Sequence[str], jobs: Sequence[str]) -> Comparison:
    """The same with the curves of some jobs read anew."""
    asked = [ref for ref in refs(list(jobs)) if _offers(ref, "metrics")]
    if not asked or not names:
        return found
    read, old = await _curves_of(asked, names), found.curves
    uris = [str(ref) for ref in asked]
    kept = old[~(old["metric"].isin(list(names)) & old["job"].isin(uris))]
    known = len(old) and set(read["job"].unique()) <= set(old["job"].unique())
    curves = renewed(old, kept, read) if known else joined([kept, read])
    return replace(found, curves=_in_order(curves, found.uris), read=_asked_too(found, names, uris))


async def _curves_of(asked: Sequence[Ref], names: Sequence[str]) -> pd.DataFrame:
    try:
        return await verbs.metrics(list(asked), list(names))
    except NotFound:  # none of these jobs has one of them: each by itself
        return await _each(asked, names)


def _asked_too(found: Comparison, names: Sequence[str], jobs: Sequence[str]) -> dict[str, frozenset[str]]:
    return {**found.read, **{name: found.read.get(name, frozenset()) | set(jobs) for name in names}}


def _in_order(curves: pd.DataFrame, uris: Sequence[str]) -> pd.DataFrame:
    """In the order of the jobs: what is read later must not change who is drawn how."""
    codes = pd.Categorical(curves["job"], categories=list(dict.fromkeys([*uris, *curves["job"].unique()]))).codes
    if not len(codes) or bool((codes[1:] >= codes[:-1]).all()):
        return curves
    ordered: pd.DataFrame = curves.iloc[np.argsort(codes, kind="stable")].reset_index(drop=True)
    ordered.attrs = curves.attrs
    return ordered


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
        new = replace(new, curves=kept, read=found.read, notes=(*new.notes, *notes))
    else:
        read = await _summary(refs(going_of(found)))
        new = replace(found, summary=renewed_rows(found.summary, read) if len(read) else found.summary)
    before, after = set(found.uris), set(new.uris)
    anew = [*(uri for uri in going_of(found) if uri in after), *(uri for uri in new.uris if uri not in before)]
    if table is not None:
        new = replace(new, series=tuple(dict.fromkeys([*new.series, *found.series])))
        with contextlib.suppress(NotFound):  # of those that are asked now none may have it yet
            new = _with_table(new, await _table_curves(refs(anew), table))
    return await _renewed_curves(new, [name for name in names if name in new.series], anew)


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


async def for_plot(
    where: Where, names: Sequence[str] | None, table: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, int | None]:
    """What `swnb.plot` draws: long curves, the final values of jobs that have none, and how many jobs were asked for
    (None: curves of a table, which not all jobs need have)."""
    asked = await told(refs(where))
    if not asked:
        raise BadInput("no job is named", todo="Give the URI of a job or project, or many of them")
    own = [ref for ref in asked if _offers(ref, "metrics") and ref.table is None]
    others = [ref for ref in asked if ref not in own]
    nothing: pd.DataFrame = pd.DataFrame()
    if table is not None or any(ref.table for ref in others):
        wanted_table = table or next(ref.table for ref in others if ref.table)
        if own and others:
            return await _mixed(asked, names, wanted_table), nothing, None
        try:
            return await verbs.metrics(asked, names, table=table), nothing, None
        except NotFound:
            if len(asked) == 1 and asked[0].job is not None:
                raise
            return await _mixed(asked, names, wanted_table), nothing, None  # of those that have such a table
    curves, unknown = await _curves(own, names)
    uris, bare = await _bare(own, set(curves["job"].unique()))
    # A project's summary is one question; those of its jobs may be one each.
    summed = [*others, *(ref for ref in own if bare and (ref.job is None or str(ref) in bare))]
    summary = await verbs.summary(summed) if summed else frames.summary([])
    curved = [uri for uri in uris if uri not in bare]
    rows = [str(uri) for uri in summary.index if uri not in curved]
    wanted = metric_columns(summary.loc[rows]) if names is None else [each for each in names if each in summary.columns]
    if unknown is not None and not set(names or ()) & set(wanted):
        raise unknown
    finals = values_of(rows, wanted, "last", summary=summary)
    finals.attrs = summary.attrs
    return curves, finals, len(curved) + len(rows)


async def _curves(own: Sequence[Ref], names: Sequence[str] | None) -> tuple[pd.DataFrame, NotFound | None]:
    """Curves, as far as there are some: a metric may be known by its final values alone."""
    if not own:
        return series_frames.long([]), None
    try:
        return await verbs.metrics(own, names), None
    except NotFound as error:
        if names is None:
            raise
        return await _each(own, names), error


async def _bare(own: Sequence[Ref], there: set[str]) -> tuple[list[str], set[str]]:
    """The jobs that are meant, and those of them that have no curve."""
    named = [str(ref) for ref in own]
    if set(named) == there:
        return named, set()
    uris = [str(uri) for uri in (await verbs.jobs(own)).index] if own else []
    return uris, set(uris) - there


async def _mixed(asked: Sequence[Ref], names: Sequence[str] | None, table: str | None) -> pd.DataFrame:
    found = await comparison([ref.with_(table=None) for ref in asked], table=table)
    wanted = list(found.series) if names is None else list(names)
    found = await with_curves(found, found.lacks(wanted))
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
