"""From the lines of blocks to rows: revisions laid over each other, deletions taken out (starwhale paper 6.5)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt
from typing import Any, Final, TypeAlias

from swnb.model import ABSENT, Batch, RowQuery, Values
from swnb.providers.starwhale.values import FLOATS, INTS
from swnb.stores.starwhale.blocks import DELETED, Revision, alike, lines
from swnb.stores.starwhale.cells import Layout, Restore, Schema, decode_column, layout, settle
from swnb.stores.starwhale.manifests import Block, Tombstone

#: schema, places of the rows in the batch, encoded cells of the rows
Layer: TypeAlias = "tuple[bytes, Sequence[int], Sequence[Mapping[str, Any]]]"

_KEYS: Final = frozenset({"STRING", *INTS, *FLOATS})


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Which keys: those of the query that come after ``after``, the last key that was given out already."""

    query: RowQuery
    after: Any = None

    def within(self, keys: Sequence[Any]) -> slice:
        """The places in ``keys``, which ascend, that lie in the range."""
        start, end = self.query.start, self.query.end
        low = 0 if start is None else bisect_left(keys, start)
        if self.after is not None:
            low = max(low, bisect_right(keys, self.after))
        cut = bisect_right if self.query.end_inclusive else bisect_left
        return slice(low, len(keys) if end is None else cut(keys, end))

    def needs(self, block: Block) -> bool:
        low: Any = block.min_key
        high: Any = block.max_key
        start, end = self.query.start, self.query.end
        if (start is not None and high < start) or (self.after is not None and high <= self.after):
            return False
        return end is None or low < end or (self.query.end_inclusive and low == end)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in key order, with their keys at hand."""

    keys: Values
    batch: Batch


class Group:
    """Blocks that overlap in their keys, most often a single one. What does not fit raises ValueError and its like."""

    def __init__(self, key: str, blocks: Sequence[Block], tombstones: Sequence[Tombstone], restore: Restore) -> None:
        self._key = key
        self._low: Any = min(block.min_key for block in blocks)
        self._high: Any = max(block.max_key for block in blocks)
        self._tombstones = [(int(t.revision), t) for t in tombstones if t.touches(self._low, self._high)]
        self._restore = restore
        self._layouts: dict[bytes, Layout] = {}

    def read(self, bodies: Sequence[bytes], wanted: KeyRange) -> Rows:
        plain = self._plain(bodies[0], wanted) if len(bodies) == 1 and not self._tombstones else None
        return plain or self._merged(bodies, wanted)

    def _plain(self, body: bytes, wanted: KeyRange) -> Rows | None:
        """A lone block without deletions whose rows are all alike: nothing is to be merged."""
        found = alike(body)
        if found is None:
            return None
        schema, rows = found
        columns = self._layout(schema)
        if DELETED in columns or self._key not in columns:
            return None
        keys = self._decode(columns, self._key, rows)
        if not all(map(lt, keys, islice(keys, 1, None))):
            return None
        self._confirm(keys)
        part = wanted.within(keys)
        rows = rows[part]
        return self._rows(keys[part], [(schema, range(len(rows)), rows)], wanted.query)

    def _merged(self, bodies: Sequence[bytes], wanted: KeyRange) -> Rows:
        """The revisions of each key laid over each other, oldest first; the n-th of all keys are decoded together."""
        histories = self._histories(bodies)
        ordered = sorted(histories)
        self._confirm(ordered)
        keys: list[Any] = []
        layers: dict[tuple[int, bytes], tuple[list[int], list[Mapping[str, Any]]]] = {}
        for key in ordered[wanted.within(ordered)]:
            updates = self._updates(key, histories[key])
            for rank, update in enumerate(updates):
                places, rows = layers.setdefault((rank, bytes(update.schema)), ([], []))
                places.append(len(keys))
                rows.append(update.data)
            if updates:
                keys.append(key)
        by_rank = sorted(layers.items(), key=lambda layer: layer[0][0])
        return self._rows(settle(keys, False) or keys, [(schema, *rows) for (_, schema), rows in by_rank], wanted.query)

    def _histories(self, bodies: Sequence[bytes]) -> dict[Any, dict[int, Revision]]:
        found: dict[Any, dict[int, Revision]] = {}
        histories = [
            {int(number): revision for number, revision in line.records.items()}
            for body in bodies
            for line in lines(body)
        ]
        for key, revisions in zip(self._keys(histories), histories, strict=True):
            if key in found:
                found[key].update(revisions)
            else:
                found[key] = revisions
        return found

    def _keys(self, histories: Sequence[Mapping[int, Revision]]) -> Values:
        # Later revisions may hold changed cells only: the oldest one names the key.
        named = [revisions[min(revisions)] for revisions in histories]
        kinds = {self._layout(schema)[self._key].type for schema in {bytes(each.schema) for each in named}}
        if len(kinds) > 1 or not kinds <= _KEYS:
            raise ValueError(f"its keys are of the types {', '.join(sorted(kinds))}")
        cells = [each.data[self._key] for each in named]
        return decode_column(Schema(kinds.pop()), cells, self._restore) if cells else []

    def _updates(self, key: Any, revisions: Mapping[int, Revision]) -> list[Revision]:
        """The revisions that still count: after every tombstone on the key and after its last deletion."""
        if len(revisions) == 1 and not self._tombstones:
            return [each for each in revisions.values() if not each.deletes]
        floor = max((revision for revision, tombstone in self._tombstones if tombstone.covers(key)), default=-1)
        left = [revisions[revision] for revision in sorted(revisions) if revision > floor]
        gone = [place for place, revision in enumerate(left) if revision.deletes]
        return left[gone[-1] + 1 :] if gone else left

    def _layout(self, schema: bytes) -> Layout:
        if schema not in self._layouts:
            self._layouts[schema] = layout(schema)
        return self._layouts[schema]

    def _confirm(self, ordered: Sequence[Any]) -> None:
        # Blocks are skipped and put in order by what the manifest says of them, so it must be true.
        if ordered and (ordered[0] < self._low or ordered[-1] > self._high):
            raise ValueError("it holds keys outside the range that the manifest gives")

    def _decode(self, columns: Layout, name: str, rows: Sequence[Mapping[str, Any]]) -> Values:
        try:
            cells = [row[name] for row in rows]
        except KeyError:
            cells = [row.get(name, ABSENT) for row in rows]
        return decode_column(columns[name], cells, self._restore)

    def _rows(self, keys: Values, layers: Sequence[Layer], query: RowQuery) -> Rows:
        """The key column comes along whatever columns are asked for."""
        columns: dict[str, Values] = {}
        for schema, places, rows in layers:
            known = self._layout(schema)
            for name in known:
                if name not in (self._key, DELETED) and (query.columns is None or name in query.columns):
                    columns[name] = _lay(columns.get(name), self._decode(known, name, rows), places, len(keys))
        settled = {name: settle(cells, query.keep_none) for name, cells in columns.items()}
        named = {name: cells for name, cells in settled.items() if cells is not None}
        return Rows(keys, Batch(len(keys), {self._key: keys, **named}))


def _lay(below: Values | None, cells: Values, places: Sequence[int], n: int) -> Values:
    """``cells`` laid over what is there already, at their places of n."""
    if below is None and len(places) == n:
        return cells
    laid = [ABSENT] * n if below is None else list(below)
    for place, cell in zip(places, cells, strict=True):
        if cell is not ABSENT:
            laid[place] = cell
    return laid


def overlapping(blocks: Sequence[Block]) -> list[list[Block]]:
    """The blocks in key order, those that overlap together."""
    groups: list[list[Block]] = []
    high: Any = None
    for block in sorted(blocks, key=lambda each: each.min_key):
        if groups and block.min_key <= high:
            groups[-1].append(block)
            high = max(high, block.max_key)
        else:
            groups.append([block])
            high = block.max_key
    return groups
