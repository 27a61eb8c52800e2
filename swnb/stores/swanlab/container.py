"""A run's container as a file: all of it, its beginning and end, or what came after some place."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import BinaryIO, Final

from swnb.errors import StoreError
from swnb.stores.folder import Folder
from swnb.stores.swanlab import jsonlines, protobuf
from swnb.stores.swanlab.contents import Contents
from swnb.stores.swanlab.framing import BLOCK, HEADER, Frames, version_of

_READERS: Final = {1: jsonlines.read, 2: protobuf.read}
_FIRST: Final = 64  # what a run is called stands in the very first records, the names of its files soon after
_LAST: Final = 128  # how it ended stands in the last; its error before that, with what was waiting to be written
_BACK: Final = (1, 2, 4, 64)  # blocks from the end in which a record begins; an error's text may fill some


class Container:
    """``name`` of the file in the run's ``folder``. Nothing raises for what the file holds, only for reading it."""

    def __init__(self, folder: Folder, name: str) -> None:
        self.folder = folder
        self.name = name

    def stamp(self) -> tuple[int, int, int]:
        """What changes when the file does: size, time, and which file it is."""
        with self.folder.open(self.name) as file:
            state = os.fstat(file.fileno())
        return state.st_size, state.st_mtime_ns, state.st_ino

    def ends(self) -> tuple[Contents, str]:
        """Only what the run is and how it ended, without reading what lies between; and what is wrong with it."""
        found, last = Contents(wanted=()), Contents(wanted=())
        with self._opened() as (file, size, version):
            if version is None:
                return found, "" if size < HEADER else "its container does not begin as one"
            read = _READERS[version]
            read(islice(Frames(file, min(size, 4 * BLOCK)), _FIRST), found)
            read(_last(file, size), last)
        found.finish = last.finish
        return found, "" if found.start.found else "its container has lost its beginning"

    def after(self, offset: int, wanted: Collection[str] | None = None) -> tuple[Contents, Frames]:
        """The records from ``offset`` on, and where they end."""
        found = Contents(wanted)
        with self._opened() as (file, size, version):
            frames = Frames(file, size, offset)
            if version is not None:
                _READERS[version](frames, found)
        return found, frames

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, int, int | None]]:
        """The file, its size now (it may grow meanwhile) and its version."""
        problem = ""
        with self.folder.open(self.name) as file:
            try:
                yield file, os.fstat(file.fileno()).st_size, version_of(file.read(HEADER))
            except OSError as error:
                if isinstance(error, StoreError):
                    raise
                problem = error.strerror or str(error)
        if problem:
            raise self.folder.damage(self.name, problem)


def _last(file: BinaryIO, size: int) -> deque[bytes]:
    """The last records."""
    found: deque[bytes] = deque()
    for back in _BACK:
        start = max((size - 1) // BLOCK - back + 1, 0) * BLOCK
        found = deque(Frames(file, size, start or HEADER, seeking=start > 0), maxlen=_LAST)
        if len(found) == _LAST or not start:
            break
    return found
