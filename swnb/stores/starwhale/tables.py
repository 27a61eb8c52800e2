"""Reading one table of the datastore on disk in key order (starwhale paper 6.3, 6.5).

Blocks that overlap in their keys are merged, all others are read one after another, so memory is bounded by the
largest group of overlapping blocks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO, Final

import msgspec

from swnb.call import note
from swnb.errors import BadInput, StoreError
from swnb.model import Batch, RowQuery
from swnb.stores.folder import Folder, Missing, plain_name, waits
from swnb.stores.starwhale.blocks import unpack
from swnb.stores.starwhale.cells import Restore
from swnb.stores.starwhale.groups import Group, KeyRange, Rows, overlapping
from swnb.stores.starwhale.manifests import Block, TableManifest

# Files held open while a table is read: on POSIX a block that was replaced can still be read then, so that all rows
# are of one state of the table. On Windows this would keep the writer from replacing them.
_HELD: Final = 0 if os.name == "nt" else 128
_ODD: Final = (ValueError, TypeError, KeyError, OverflowError, RecursionError, OSError, msgspec.MsgspecError)


class Table:
    """A table by its name and the place of its folder below the store."""

    def __init__(self, folder: Folder, name: str, place: str, restore: Restore) -> None:
        self._folder = folder
        self._name = name
        self._place = place
        self._restore = restore

    def scan(self, query: RowQuery) -> Iterator[Batch]:
        """The rows of the query. A table that is rewritten meanwhile is read on from where the reading was."""
        left, last = query.limit, None
        pauses = iter(waits())
        while True:
            try:
                for rows in self._pass(KeyRange(query, last)):
                    batch = rows.batch if left is None else rows.batch.slice(0, left)
                    if batch.n:
                        last = rows.keys[batch.n - 1]
                        yield batch
                    if left is not None and (left := left - batch.n) <= 0:
                        return
                return
            except Missing as error:
                self._pause(pauses, error, begun=last is not None)

    def _pause(self, pauses: Iterator[float], error: Missing, begun: bool) -> None:
        pause = next(pauses, None)
        if pause is None:
            raise StoreError(error.what, where=error.where, todo="Read the table again") from None
        if begun:
            note(f"the table {self._name} was rewritten while it was read: its later rows are of a newer state")
        time.sleep(pause)

    def _pass(self, wanted: KeyRange) -> Iterator[Rows]:
        """One walk over the table as its manifest is now; ``Missing`` when a block was replaced under it."""
        manifest = self._manifest(begun=wanted.after is not None)
        groups = self._groups(manifest, wanted)
        with ExitStack() as stack:
            ahead = [block for group in groups for block in group][:_HELD]
            held = {block.block_id: stack.enter_context(self._open(manifest, block)) for block in ahead}
            for blocks in groups:
                yield self._read(manifest, blocks, held, wanted)

    def _manifest(self, begun: bool) -> TableManifest:
        try:
            return self._folder.json(f"{self._place}/manifest.json", TableManifest)
        except Missing:
            if begun:
                raise
            return TableManifest()  # the catalog has the table, but nothing was written to it yet

    def _groups(self, manifest: TableManifest, wanted: KeyRange) -> list[list[Block]]:
        kinds = {isinstance(key, str) for block in manifest.blocks for key in (block.min_key, block.max_key)}
        if len(kinds) > 1:
            raise self._folder.damage(f"{self._place}/manifest.json", "its blocks have keys of different types")
        for bound in (wanted.query.start, wanted.query.end):
            if bound is not None and kinds and isinstance(bound, str) not in kinds:
                keys = "texts" if True in kinds else "numbers"
                raise BadInput(f"{bound!r} cannot be compared with the keys of {self._name}, which are {keys}")
        return overlapping([block for block in manifest.blocks if wanted.needs(block)])

    def _read(
        self, manifest: TableManifest, blocks: Sequence[Block], held: dict[int, BinaryIO], wanted: KeyRange
    ) -> Rows:
        bodies = [self._body(manifest, block, held.pop(block.block_id, None)) for block in blocks]
        try:
            return Group(manifest.key_column, blocks, manifest.tombstones, self._restore).read(bodies, wanted)
        except _ODD as error:
            problem = str(error) or type(error).__name__
        raise self._folder.damage(", ".join(self._file(manifest, block) for block in blocks), problem)

    def _body(self, manifest: TableManifest, block: Block, held: BinaryIO | None) -> bytes:
        with held or self._open(manifest, block) as file:
            try:
                return unpack(file, zipped=file.name.endswith(".zip"))
            except _ODD as error:
                problem = str(error) or type(error).__name__
        raise self._folder.damage(self._file(manifest, block), problem)

    def _open(self, manifest: TableManifest, block: Block) -> BinaryIO:
        try:
            return self._folder.open(self._file(manifest, block))
        except Missing:
            try:
                return self._folder.open(self._file(manifest, block, ".json"))  # how older stores keep them
            except Missing:
                pass
            raise

    def _file(self, manifest: TableManifest, block: Block, ending: str = ".zip") -> str:
        prefix = manifest.block_config.block_name_prefix
        if not plain_name(prefix):
            raise self._folder.damage(f"{self._place}/manifest.json", f"{prefix!r} is no name of a file")
        return f"{self._place}/{prefix}.{block.block_id:07d}{ending}"
