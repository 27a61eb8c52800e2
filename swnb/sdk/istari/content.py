"""Content from a registry's store: by a link of its own, never with our sign-in, verified (istari paper 4)."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PureWindowsPath
from secrets import token_hex
from shutil import copyfileobj
from typing import IO, Any, Final, TypeVar
from urllib.parse import urlsplit

from swnb.errors import BadInput, NotFound, Refused, ServerError, Unreachable
from swnb.fetch.tasks import in_thread
from swnb.providers.istari import requests
from swnb.sdk.istari.cache import Cache, salted
from swnb.sdk.istari.types import TemporaryURL, Token
from swnb.sdk.istari.words import InvalidChecksumError

T = TypeVar("T")
_PIECE: Final = 2**20
_LONGEST: Final = 200  # bytes of a file's name


@dataclass(slots=True)
class Stats:
    """What the reads of one content met."""

    hits: int = 0
    misses: int = 0
    puts: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


class Content:
    """The content of one client's registry. ``cache`` None: nothing is kept."""

    def __init__(self, client: Any, cache: Cache | None) -> None:
        self._client, self._cache = client, cache

    async def use(self, token: Token, stats: Stats, use: Callable[[IO[bytes]], T]) -> T:
        """What ``use`` makes of the content, which it reads from a file in a worker thread."""
        kept = await in_thread(self._cache.read, token, use) if self._cache else None
        if kept is not None:
            stats.hits += 1
            return kept[0]
        stats.misses += self._cache is not None
        async with self._fetched(token) as file:
            result = await in_thread(_used, file, use)
            stats.puts += self._cache is not None and await in_thread(self._cache.put, token, file)
        return result

    async def bytes(self, token: Token) -> bytes:
        """Content that is not kept."""
        async with self._fetched(token) as file:
            return await in_thread(file.read_bytes)

    async def forget(self, token: Token) -> None:
        if self._cache:
            await in_thread(self._cache.forget, token)

    @asynccontextmanager
    async def _fetched(self, token: Token) -> AsyncIterator[Path]:
        """The content as a verified file of its own, which is removed unless it was moved away."""
        number, name = tempfile.mkstemp(prefix="part-", dir=self._cache.folder() if self._cache else None)
        os.close(number)
        file = Path(name)
        try:
            await self._download(token, file)
            yield file
        finally:
            file.unlink(missing_ok=True)  # noqa: ASYNC240  a cancel must not leave it

    async def _download(self, token: Token, file: Path) -> None:
        """Into the file. A link that is refused may have expired, and what comes may be cut off: then another link is
        asked for, once."""
        try:
            await self._by_link(token, file)
            return
        except (Refused, NotFound, ServerError, Unreachable):
            pass
        await self._by_link(token, file)

    async def _by_link(self, token: Token, file: Path) -> None:
        found = await self._client.ask(requests.download_url(token.sha), TemporaryURL)
        call = requests.download(found.url)
        sha = hashlib.sha384()
        with file.open("wb") as opened:

            def keep(data: bytes) -> None:
                sha.update(data)
                opened.write(data)

            held = bytearray()
            async with aclosing(self._client.stream(call)) as chunks:
                async for chunk in chunks:
                    held += chunk
                    if len(held) >= _PIECE:
                        await in_thread(keep, bytes(held))
                        held.clear()
            await in_thread(keep, bytes(held))
        if salted(sha, token) != token.sha:
            host = urlsplit(found.url).netloc.rpartition("@")[2]
            raise InvalidChecksumError(f"what {host} gave is not the content with the sha {token.sha[:12]}…")


def place_for(dest: str | os.PathLike[str], name: str | None) -> Path:
    """The file that is meant: ``dest``, or in it, where that is a folder, one called by a safe form of ``name``."""
    target = Path(dest)
    if target.is_dir():
        return target / safe_name(name)
    if os.fspath(dest).endswith((os.sep, os.altsep or os.sep)):
        raise BadInput(f"there is no folder {target}", todo="Make it first, or name a file")
    if not target.parent.is_dir():
        raise BadInput(f"there is no folder {target.parent}", todo="Make it first")
    return target


def saved(file: IO[bytes], target: Path) -> Path:
    """Copy a file, in one step, so that nobody sees a part of it."""
    part = target.with_name(f".{token_hex(6)}.part")
    try:
        with part.open("xb") as opened:
            copyfileobj(file, opened, _PIECE)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def safe_name(name: str | None) -> str:
    """A name from a server that names a file in any folder, and nothing else."""
    last = PureWindowsPath(name or "").name  # which knows both kinds of slashes, and drives
    plain = re.sub(r'[\x00-\x1f\x7f<>:"|?*\ud800-\udfff]', "_", last).rstrip(". ")
    if not plain.strip(". "):
        return "content"
    stem, dot, suffix = plain.rpartition(".")
    if len(plain.encode()) <= _LONGEST:
        return plain
    return stem.encode()[: _LONGEST // 2].decode("utf-8", "ignore") + dot + suffix[: _LONGEST // 8]


def whole(file: IO[bytes]) -> bytes:
    return file.read()


def _used(file: Path, use: Callable[[IO[bytes]], T]) -> T:
    with file.open("rb") as opened:
        return use(opened)
