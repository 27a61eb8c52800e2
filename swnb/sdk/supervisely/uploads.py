"""Files to and from a task, streamed: in memory is at most a piece of each (supervisely paper 4.3)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

from swnb.bridge import both
from swnb.call import Call, Part
from swnb.errors import BadInput, BadReply, StoreError
from swnb.fetch.events import Event, Progress, listening
from swnb.fetch.tasks import abreast, in_thread
from swnb.providers.supervisely import requests
from swnb.sdk.supervisely.lists import Module
from swnb.sdk.supervisely.words import number

if TYPE_CHECKING:
    from swnb.sdk.supervisely.api import Api

T = TypeVar("T")
Told = Callable[[Any], Any]
_MB: Final = 2**20
_HASHES: Final = 900  # a request
_FILES: Final = 50  # a request
_AT_ONCE: Final = 4  # files are read to know their hashes


class Uploads(Module):
    """``upload_*`` of ``api.task``."""

    @both
    async def upload_files(
        self,
        task_id: int,
        abs_paths: Sequence[str | Path],
        names: Sequence[str],
        progress_cb: Told | None = None,
    ) -> None:
        """Add files to a task under these names; what the server has already is not sent again. ``progress_cb`` is
        given the number of files that it has, then that of the form's fields (two a file) of each request."""
        if len(abs_paths) != len(names):
            raise BadInput(f"{len(abs_paths)} paths and {len(names)} names do not go together")
        task, paths = number("task_id", task_id), [Path(path) for path in abs_paths]
        hashes = await abreast(_hash, paths, _AT_ONCE)
        known = await self._known_hashes(hashes)
        files = list(zip(names, paths, hashes, strict=True))
        if not files:
            return
        have = [{"name": name, "hash": hash_} for name, _, hash_ in files if hash_ in known]
        _tell(progress_cb, len(have))
        for some in _batches(have, _FILES):
            await self._api.ask(requests.files_add_by_hash(task, some))
        for batch in _batches(files, _FILES):
            parts = [part for at, file in enumerate(batch) if file[2] not in known for part in _parts(at, *file)]
            if parts:
                await self._api.ask(requests.files_upload(parts))
                _tell(progress_cb, len(parts))

    async def _known_hashes(self, hashes: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for some in _batches(list(dict.fromkeys(hashes)), _HASHES):
            sent = await self._api.ask(requests.hashes_list(some))
            if not isinstance(sent, list):
                raise BadReply("the server does not tell which files it has")
            known.update(each for each in sent if isinstance(each, str))
        return known

    @both
    async def upload_dtl_archive(self, task_id: int, archive_path: str | Path, progress_cb: Told | None = None) -> None:
        """Upload a transformation's archive; ``progress_cb`` is given the MiB that have left so far. Unsupported where
        the server no longer takes it."""
        path = Path(archive_path)
        parts = [
            Part("id", str(number("task_id", task_id)).encode()),
            Part("name", path.stem.encode()),
            Part("archive", path, path.name, "application/x-tar"),
        ]

        def hear(event: Event) -> None:
            if isinstance(event, Progress) and event.unit == "bytes":
                _tell(progress_cb, event.done / _MB)

        with listening(hear):
            await self._api.ask(requests.dtl_archive(parts))


async def download(api: Api, call: Call[Any], target: Path) -> None:
    """Save a download piece by piece beside its place, and move it there when it is whole."""
    pieces: AsyncIterator[bytes]
    file, name = await in_thread(_beside, target)
    try:
        with file:
            async with aclosing(api.source.transport().stream(api.prepared(call))) as pieces:
                async for piece in pieces:
                    await in_thread(file.write, piece)
        await in_thread(os.replace, name, target)
    finally:
        with suppress(FileNotFoundError):
            name.unlink()


def _beside(target: Path) -> tuple[IO[bytes], Path]:
    """A new file beside ``target`` that only its owner may read, as the one that it becomes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    return os.fdopen(number, "wb"), Path(name)


async def _hash(path: Path) -> str:
    return await in_thread(_digest, path)


def _digest(path: Path) -> str:
    """The base64 of a file's SHA-256; StoreError where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_MB):
                digest.update(piece)
    except OSError as error:
        problem = error.strerror or type(error).__name__
    else:
        return base64.b64encode(digest.digest()).decode()
    raise StoreError(f"the file cannot be sent: {problem}", where=str(path))


def _parts(at: int, name: str, path: Path, hash_: str) -> tuple[Part, Part]:
    says = json.dumps({"fullpath": name, "hash": hash_}).encode()
    return Part(str(at), says), Part(f"{at}-file", path, name)


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _tell(told: Told | None, count: float) -> None:
    if told is not None:
        told(count)
