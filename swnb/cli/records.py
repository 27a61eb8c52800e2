"""Answers as records (dicts), one at a time: of a frame, and of a table's rows as they stream in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import pandas as pd

from swnb.bridge import both_iter_function
from swnb.client import public
from swnb.client.source import source_of
from swnb.client.where import check_limit, one
from swnb.errors import BadInput, BadURI
from swnb.model import Batch, RowQuery
from swnb.uri import Ref

#: what a table of text shows of a verb's columns unless --wide is given
BRIEF: Final[Mapping[str, list[str]]] = {
    "projects": ["project", "name", "owner", "jobs", "created", "description"],
    "jobs": ["job", "name", "status", "created", "elapsed", "owner"],
    "tasks": ["task", "name", "status", "started", "elapsed", "retries"],
    "events": ["time", "level", "subject", "message"],
}


def columns(frame: pd.DataFrame) -> list[str]:
    """The names of a frame's columns, those of its index first."""
    return [*(str(name) for name in frame.index.names if name is not None), *map(str, frame.columns)]


def of_frame(frame: pd.DataFrame, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows as plain Python values; what is missing is None, and so is NaN in a column of floats, where pandas
    keeps them alike."""
    flat = frame.reset_index() if frame.index.names != [None] else frame
    lists = [_cells(flat[name]) for name in names]
    for cells in zip(*lists, strict=True):
        yield dict(zip(names, cells, strict=True))


def _cells(series: Any) -> list[Any]:
    cells: list[Any] = list(series.astype(object)) if series.dtype.kind in "mM" else series.tolist()
    if series.dtype == object:
        return cells
    return [None if gap else cell for cell, gap in zip(cells, series.isna(), strict=True)]


def of_rows(places: Sequence[str], options: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
    """The rows of a table as they come, in bounded memory and exactly: a cell that a row lacks is not in its record,
    and NaN stays NaN (frames have to show both as one)."""
    ref = _table(*places)
    wanted = options.get("columns")
    query = RowQuery(
        options.get("start"),
        options.get("end"),
        options.get("end_inclusive", False),
        tuple(wanted) if wanted is not None else None,
        options.get("keep_none", False),
        check_limit(options.get("limit")),
    )
    batches = _batches(ref, query)
    try:
        for batch in batches:
            yield from batch.records()
    finally:
        batches.close()


@both_iter_function
async def _batches(ref: Ref, query: RowQuery) -> AsyncGenerator[Batch, None]:
    source = source_of(ref)
    source.needs("rows")
    project = ref.project if ref.project is not None else source.entry.current_project
    async with aclosing(source.batches(project, ref.job or "", ref.table or "", query)) as batches:
        async for batch in batches:
            yield batch


def _table(job: str, table: str | None = None) -> Ref:
    ref = one(job, "job")
    if ref.job is None:
        raise BadURI(f"{ref} names no job", todo="Add /job/ID")
    if table is None and ref.table is None:
        names = public.tables(ref)
        raise BadInput(f"the table of {ref} is not named", todo=f"It has {', '.join(names) or 'none'}")
    return ref if table is None else ref.with_(table=table)
