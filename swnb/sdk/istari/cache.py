"""Content on disk, by what names it (istari paper 5.1): verified at each reading, within a limit of bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from swnb.sdk.istari.types import Token

T = TypeVar("T")
_PIECE: Final = 2**20
_FREED: Final = 0.9  # of the limit is what is left when the oldest are removed, so that this is not done at each put


class Cache:
    """A folder of contents, the least recently used of which are removed above ``limit`` bytes.

    ``root`` None: a folder of its own below the system's for temporary files, made when it is needed. ``clean``: what
    was put there, and a folder of its own, is removed when nobody uses the cache any more, at the latest when Python
    ends.
    """

    def __init__(self, root: Path | None, limit: int, clean: bool) -> None:
        self._root, self._limit = root, limit
        self._put: set[Path] = set()
        self._own: list[Path] = []
        self._size: int | None = None  # not known before the first put
        self._lock = threading.Lock()
        if clean:
            weakref.finalize(self, _clean, self._put, self._own)

    def read(self, token: Token, use: Callable[[IO[bytes]], T]) -> tuple[T] | None:
        """What ``use`` makes of the content; None where it is not there, or not what it should be."""
        if self._root is None:
            return None
        place = self.place(token)
        try:
            file = place.open("rb")
        except OSError:
            return None
        with file:
            if is_whole(file, token):
                with suppress(OSError):
                    os.utime(place)
                return (use(file),)
        place.unlink(missing_ok=True)
        return None

    def put(self, token: Token, file: Path) -> bool:
        """Move a verified file in; False where it is larger than all that may be here."""
        size = file.stat().st_size
        if size > self._limit:
            return False
        place = self.place(token)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(place)
        with self._lock:
            self._put.add(place)
            self._size = self._sum() if self._size is None else self._size + size
            if self._size > self._limit:
                self._size = self._shrink(place)
        return True

    def forget(self, token: Token) -> None:
        """Remove one content."""
        if self._root is not None:
            with suppress(OSError):
                self.place(token).unlink()
            with self._lock:
                self._size = None

    def place(self, token: Token) -> Path:
        """Where a content lies; the name is a hash of what the server told, so it cannot lead elsewhere."""
        key = hashlib.sha384((token.sha + token.salt).encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder() / key[:4] / key[:64]

    def folder(self) -> Path:
        with self._lock:
            if self._root is None:
                self._root = Path(tempfile.mkdtemp(prefix="swnb-istari-"))
                self._own.append(self._root)
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._root

    def _sum(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[float, int, Path]]:
        """The contents, the one that was not used for the longest time first."""
        found: list[tuple[float, int, Path]] = []
        for file in (self._root or Path()).glob("[0-9a-f]" * 4 + "/" + "[0-9a-f]" * 64):
            with suppress(OSError):  # another process removed it meanwhile
                about = file.stat()
                found.append((about.st_mtime, about.st_size, file))
        return sorted(found)

    def _shrink(self, newest: Path) -> int:
        files = self._files()
        size = sum(each for _, each, _ in files)
        for _, each, file in files:
            if size <= self._limit * _FREED:
                break
            if file != newest:
                file.unlink(missing_ok=True)
                self._put.discard(file)
                size -= each
        return size


def is_whole(file: IO[bytes], token: Token) -> bool:
    """Whether this is the token's content; the file is then at its start."""
    found = hashlib.sha384()
    while piece := file.read(_PIECE):
        found.update(piece)
    file.seek(0)
    return salted(found, token) == token.sha


def salted(found: Any, token: Token) -> str:
    """The sha of what was hashed so far, and the salt after it."""
    found.update(token.salt.encode("utf-8", "surrogatepass"))
    sha: str = found.hexdigest()
    return sha


def _clean(put: set[Path], own: list[Path]) -> None:
    for place in put:
        with suppress(OSError):
            place.unlink()
            place.parent.rmdir()
    for folder in own:
        shutil.rmtree(folder, ignore_errors=True)
