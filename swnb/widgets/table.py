"""`swnb.table`: the grid alone, over a frame or over what a URI names."""

from __future__ import annotations

import pandas as pd

from swnb.bridge import both_function
from swnb.client.public import jobs, rows
from swnb.frames.provenance import KEY, provenance
from swnb.settings import to_ref
from swnb.widgets.grid import Grid


async def _table(df_or_uri: pd.DataFrame | str) -> Grid:
    """A grid over a DataFrame, over the rows of the table that a URI names, or over the jobs of a server, project or
    job. Raises what ``swnb.rows`` and ``swnb.jobs`` raise."""
    if isinstance(df_or_uri, pd.DataFrame):
        return Grid(df_or_uri, note=note_of(df_or_uri))
    ref = to_ref(df_or_uri)
    frame = await (rows.aio(str(ref)) if ref.table is not None else jobs.aio(str(ref)))
    return Grid(frame, caption=ref.table or f"Jobs of {ref}", note=note_of(frame, "rows" if ref.table else "jobs"))


table = both_function(_table)


def note_of(frame: pd.DataFrame, noun: str = "rows") -> str:
    """How many of how many, and as of when: what a frame of swnb knows of itself; empty for other frames."""
    if KEY not in frame.attrs:
        return ""
    made = provenance(frame)
    total = len(frame) if made.total is None else made.total
    count = f"{len(frame):,} of {max(total, len(frame)):,} {noun}"
    parts = [count, "" if made.complete else "INCOMPLETE", as_of(made.fetched_at), *made.notes]
    return " · ".join(part for part in parts if part)


def as_of(fetched_at: str) -> str:
    """`as of 12:40:23 UTC`, from a time in ISO 8601."""
    return f"as of {fetched_at[11:19]} UTC"
