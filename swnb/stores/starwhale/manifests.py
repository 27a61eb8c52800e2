"""The manifests of the datastore on disk: which tables there are, which blocks each has (starwhale paper 6.3)."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

Key: TypeAlias = int | float | str


class TableEntry(msgspec.Struct, frozen=True):
    name: str
    dir: str


class Catalog(msgspec.Struct, frozen=True):
    """``.datastore/manifest.json``: the tables in the order of their creation."""

    tables: list[TableEntry] = []


class Block(msgspec.Struct, frozen=True):
    """One file of rows; its keys lie between ``min_key`` and ``max_key``, both included."""

    min_key: Key
    max_key: Key
    block_id: int


class Tombstone(msgspec.Struct, frozen=True):
    """A deletion of a range of keys: it hides the revisions up to its own. None = open."""

    revision: str
    start: Key | None = None
    end: Key | None = None
    end_inclusive: bool = False
    key_prefix: str | None = None

    def covers(self, key: Any) -> bool:
        if self.key_prefix is not None and isinstance(key, str):
            return key.startswith(self.key_prefix)
        return self.touches(key, key)

    def touches(self, low: Any, high: Any) -> bool:
        """Whether it may cover a key between ``low`` and ``high``, both included."""
        if self.key_prefix is not None and isinstance(low, str):
            return True
        if self.start is not None and self.start > high:
            return False
        return self.end is None or self.end > low or (self.end_inclusive and self.end == low)


class BlockConfig(msgspec.Struct, frozen=True):
    block_name_prefix: str = "data"


class KeyType(msgspec.Struct, frozen=True):
    type: str | None = None


class TableManifest(msgspec.Struct, frozen=True):
    """``manifest.json`` of one table. Block files that it does not list are left-overs."""

    key_column: str = "id"
    blocks: list[Block] = []
    tombstones: list[Tombstone] = []
    block_config: BlockConfig = BlockConfig()
    key_column_type: KeyType | None = None
