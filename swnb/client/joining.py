"""Frames of one kind as one, and where the whole came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from swnb.frames.columns import column
from swnb.frames.provenance import KEY, Provenance, attach, provenance
from swnb.model import ABSENT


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one kind as one, and where they came from."""
    kept = [part for part in parts if len(part)]
    if len(kept) < 2:
        return kept[0] if kept else parts[0]
    frame: pd.DataFrame = pd.concat([part.set_axis(part.columns, axis=1) for part in kept], ignore_index=True)
    if all(KEY in part.attrs for part in kept):
        frame.attrs = {}
        attach(frame, _together([provenance(part) for part in kept], [len(part) for part in kept]))
    return frame


def _together(made: Sequence[Provenance], sizes: Sequence[int]) -> Provenance:
    totals = [each.total if each.n == size else size for each, size in zip(made, sizes, strict=True)]
    code = f"pd.concat([{', '.join(dict.fromkeys(each.code for each in made))}])"
    return Provenance(
        server=", ".join(dict.fromkeys(each.server for each in made)),
        query=code,
        fetched_at=min(each.fetched_at for each in made),
        n=sum(sizes),
        total=None if None in totals else sum(total or 0 for total in totals),
        complete=all(each.complete for each in made),
        requests=sum(each.requests for each in made),
        retries=sum(each.retries for each in made),
        seconds=round(sum(each.seconds for each in made), 3),
        code=code,
        notes=tuple(dict.fromkeys(note for each in made for note in each.notes if "rows now" not in note)),
        sampled=any(each.sampled for each in made),
    )


def renewed(old: pd.DataFrame, kept: pd.DataFrame, read: pd.DataFrame) -> pd.DataFrame:
    """With series read anew: ``kept`` is what stays of ``old``. The question is that of before, answered as of now."""
    parts = [part.set_axis(part.columns, axis=1) for part in (kept, read) if len(part)]
    frame: pd.DataFrame = pd.concat(parts, ignore_index=True) if parts else read.set_axis(read.columns, axis=1)
    return _as_of(frame, old, read, len(old) - len(kept))


def renewed_rows(old: pd.DataFrame, read: pd.DataFrame) -> pd.DataFrame:
    """With some rows read anew, in the order of before; columns that are new come last."""
    kept = old.drop(index=read.index, errors="ignore")
    names = dict.fromkeys([*old.columns, *read.columns])
    index = [*kept.index, *read.index]
    cells = {name: _cells(name, [kept, read]) for name in names}
    order = [*old.index, *(label for label in read.index if label not in old.index)]
    frame: pd.DataFrame = pd.DataFrame(cells, index=pd.Index(index, name=old.index.name)).loc[order]
    return _as_of(frame, old, read, len(old) - len(kept))


def _cells(name: str, parts: Sequence[pd.DataFrame]) -> Any:
    """One column of parts; its values stay what they are, so types that differ are not made the same."""
    kinds = {str(part[name].dtype) if name in part else "" for part in parts if len(part)}
    if len(kinds) == 1 and "" not in kinds:
        return pd.concat([part[name] for part in parts if len(part)]).array
    return column([cell for part in parts for cell in (_plain(part[name]) if name in part else [ABSENT] * len(part))])


def _plain(values: pd.Series[Any]) -> list[Any]:
    if pd.api.types.is_float_dtype(values.dtype) or values.dtype == object:
        return list(values.tolist())  # a NaN among them is a value
    return [ABSENT if gap else cell for cell, gap in zip(values.astype(object), values.isna(), strict=True)]


def _as_of(frame: pd.DataFrame, old: pd.DataFrame, read: pd.DataFrame, replaced: int) -> pd.DataFrame:
    frame.attrs = {}
    if KEY in old.attrs and KEY in read.attrs:
        before, now = provenance(old), provenance(read)
        known = None not in (before.total, now.total)
        total = (before.total or 0) - replaced + (now.total or 0) if known else None
        made = replace(now, query=before.query, code=before.code, server=before.server, n=len(frame), total=total)
        made = replace(made, sampled=before.sampled or now.sampled)
        attach(frame, replace(made, complete=before.complete and now.complete, notes=before.notes))
    return frame


__all__ = ["joined", "renewed", "renewed_rows"]
