"""The framing of SwanLab's containers: 32 KiB blocks of checksummed fragments (swanlab paper 7.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final
from zlib import crc32

BLOCK: Final = 32768
#: a longer record is damage, not data
RECORD_BYTES: Final = 64 << 20
#: the bytes before the first fragment: they count as part of block 0
HEADER: Final = 7
_MAGIC: Final = b":SWL\xd6\xe1"
_CHUNK: Final = 32 * BLOCK
_FRAGMENT: Final = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def version_of(head: bytes) -> int | None:
    """1 or 2 by the first seven bytes of a container; None where they are none (a young one may still be empty)."""
    known = head[:6] == _MAGIC and head[6:7] in (b"\1", b"\2")
    return head[6] if known else None


class Frames:
    """The payloads of a container's records from offset ``start``, where a fragment begins, up to ``size`` at most.

    Iterating never raises for what the file holds: it stops at a short header, short data, a bad checksum, bad
    padding or fragments out of order, all before counts. After that ``end`` is where the first record begins that was
    not given, and ``whole`` tells whether nothing was left over. ``seeking``: start in the midst of a container, at
    a block; what is left of a record that began before is skipped.
    """

    def __init__(self, file: BinaryIO, size: int, start: int = HEADER, *, seeking: bool = False) -> None:
        self._file = file
        self._size = size
        self._seeking = seeking
        self.end = start
        self.whole = False

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks():
            yield from block

    def blocks(self) -> Iterator[list[bytes]]:
        """The same, in lists of those that end in one block."""
        parts: list[bytes] | None = None
        skips = self._seeking
        for base, block in self._read():
            view, pos, room, found = memoryview(block), max(self.end - base, 0), len(block), []
            while room - pos >= 7:
                crc, length, kind = _FRAGMENT.unpack_from(block, pos)
                stop = pos + 7 + length
                if stop > room or crc32(view[pos + 6 : stop]) != crc:
                    break
                if kind == _FULL and parts is None:
                    found.append(block[pos + 7 : stop])
                elif kind == _FIRST and parts is None:
                    parts, self.end = [block[pos + 7 : stop]], base + pos
                elif kind in (_MIDDLE, _LAST) and parts is not None:
                    parts.append(block[pos + 7 : stop])
                    if sum(map(len, parts)) > RECORD_BYTES:
                        break
                    if kind == _LAST:
                        found.append(b"".join(parts))
                        parts = None
                elif not skips:
                    break
                skips = skips and kind in (_MIDDLE, _LAST)
                pos = stop
            if parts is None:
                self.end = base + pos
            yield found
            if room < BLOCK or room - pos >= 7 or any(view[pos:]):
                self.whole = room == pos and parts is None
                return
        self.whole = parts is None

    def _read(self) -> Iterator[tuple[int, bytes]]:
        """Where a block begins, and its bytes; the last may be short."""
        base = self.end - self.end % BLOCK
        self._file.seek(base)
        while base < self._size:
            chunk = self._file.read(min(_CHUNK, self._size - base))
            for at in range(0, len(chunk), BLOCK):
                yield base + at, chunk[at : at + BLOCK]
            if len(chunk) < _CHUNK:
                return
            base += len(chunk)
