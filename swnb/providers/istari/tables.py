"""A table in an artifact, asked for as ``fetch.ranges`` asks: the link is one page without rows, the file another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from swnb.call import Call, Reply
from swnb.errors import BadInput, BadReply
from swnb.model import ABSENT, Batch, RowQuery
from swnb.providers.base import ScanPage
from swnb.providers.istari import parse
from swnb.providers.istari.content import File, download, link

_NOTHING: Final = Batch(0, {})


@dataclass(frozen=True, slots=True)
class ArtifactTable:
    """A ``TableScan``. Rows come in the file's order. ``again``: the link is that of a second attempt, since the first
    was too old when it was used."""

    file: File
    label: str
    query: RowQuery
    again: bool = False
    int_keys: bool = False
    page_rows: int = 0

    def between(self, low: int | None, high: int | None) -> Call[ScanPage]:
        raise NotImplementedError  # asked only where ``int_keys``

    def first(self) -> Call[ScanPage]:
        return link(self.file, lambda url: ScanPage(_NOTHING, cursor=(self.again, url)))

    def after(self, page: ScanPage) -> Call[ScanPage] | None:
        if page.cursor is None:
            return None
        again, url = page.cursor
        if again != self.again:
            return self.first()
        return download(self.file, url, self._rows, None if again else _too_old)

    def anew(self) -> ArtifactTable:
        return replace(self, again=True)

    def _rows(self, data: bytes, reply: Reply) -> ScanPage:
        try:
            batch = parse.table(self.file.name, data)
        except parse.NoTable as error:
            raise BadReply(f"{self.label} holds no table: {error}", where=reply.server) from None
        return ScanPage(picked(batch, self.query, self.label))


def _too_old() -> ScanPage:
    return ScanPage(_NOTHING, torn=True)


def picked(batch: Batch, query: RowQuery, name: str) -> Batch:
    """The rows and columns that are wanted, the key always among them."""
    columns = _wanted(batch, query, name)
    chosen = Batch(batch.n, {each: batch.columns[each] for each in columns})
    if query.start is None and query.end is None:
        return chosen
    try:
        at = [n for n, key in enumerate(batch.columns[parse.KEY]) if _within(key, query)]
    except TypeError:
        raise BadInput(f"the keys of {name} cannot be compared with these bounds", todo="Leave them out") from None
    return Batch(len(at), {each: parse.packed([cells[n] for n in at]) for each, cells in chosen.columns.items()})


def _wanted(batch: Batch, query: RowQuery, name: str) -> list[str]:
    if query.columns is None:
        return list(batch.columns)
    lacking = [each for each in query.columns if each not in batch.columns]
    if lacking:
        there = ", ".join(batch.columns)
        raise BadInput(f"{name} has no column {', '.join(map(repr, lacking))}", todo=f"There are: {there}")
    return list(dict.fromkeys((parse.KEY, *query.columns)))


def _within(key: Any, query: RowQuery) -> bool:
    if key is None or key is ABSENT:
        return False
    if query.start is not None and key < query.start:
        return False
    if query.end is None:
        return True
    return bool(key <= query.end if query.end_inclusive else key < query.end)
