"""Reading files of a folder whose content is not trusted and that others may be writing to meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec

from swnb.errors import StoreError

T = TypeVar("T")

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")
_WAITS: Final = [0.02, 0.05, 0.1, 0.2, 0.4]
_FRESH: Final = 5.0
_TODO: Final = "What else is in the store can still be read"
#: no manifest of a store is longer than this
MANIFEST_BYTES: Final = 256 << 20


class Missing(StoreError):
    """The file is not there: it never was, or a writer has just replaced it by another."""


class Unfinished(StoreError):
    """The content cannot be read, and the file is so new that a writer may be at it."""


class Folder:
    """A folder by its root. Files are named by their path below it; none outside of it is ever opened."""

    def __init__(self, root: Path, where: str) -> None:
        self.root = root
        self.where = where

    def damage(self, file: str, problem: object) -> StoreError:
        return StoreError(f"{file} cannot be read: {problem}", where=self.where, todo=_TODO)

    def open(self, file: str) -> BinaryIO:
        """A regular file below the root. ``Missing`` where there is none, StoreError where the path leads outside."""
        path = self.root / file
        try:
            real = path.resolve()
            if not real.is_relative_to(self.root.resolve()):
                raise self.damage(file, "the path leads out of its folder")
            if not real.is_file():
                raise Missing(f"{file} is not there", where=self.where)
            return real.open("rb")
        except FileNotFoundError:
            raise Missing(f"{file} is not there", where=self.where) from None
        except (OSError, ValueError, RuntimeError) as error:
            if isinstance(error, StoreError):
                raise
            problem = _reason(error)
        raise self.damage(file, problem)

    def read(self, file: str, limit: int = MANIFEST_BYTES) -> bytes:
        try:
            with self.open(file) as opened:
                content = opened.read(limit + 1)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise self.damage(file, _reason(error)) from None
        if len(content) > limit:
            raise self.damage(file, f"it is longer than {limit} bytes")
        return content

    def json(self, file: str, shape: type[T]) -> T:
        """A JSON file in its shape; what may be half-written is read again for a while."""
        return steady(lambda: self.parse(file, lambda content: msgspec.json.decode(content, type=shape)))

    def parse(self, file: str, decode: Callable[[bytes], T], limit: int = MANIFEST_BYTES) -> T:
        """What ``decode`` makes of the file; its ValueError becomes a StoreError that names the file."""
        content = self.read(file, limit)
        try:
            return decode(content)
        except (ValueError, msgspec.MsgspecError, RecursionError) as error:
            problem = str(error) or type(error).__name__
        if self._fresh(file):
            raise Unfinished(f"{file} cannot be read: {problem}", where=self.where)
        raise self.damage(file, problem)

    def _fresh(self, file: str) -> bool:
        try:
            return abs(time.time() - (self.root / file).stat().st_mtime) < _FRESH
        except OSError:
            return True


def steady(attempt: Callable[[], T]) -> T:
    """The result of ``attempt``, tried again with growing waits while a writer may be at the files."""
    for wait in _WAITS:
        try:
            return attempt()
        except Unfinished:
            time.sleep(wait)
    return attempt()


def waits() -> list[float]:
    """How long to wait before each further try."""
    return list(_WAITS)


def plain_name(name: Any) -> bool:
    """Whether a text can be the name of one file or folder, without leading anywhere else."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
