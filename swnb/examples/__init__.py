"""Example data that comes with the package, for the tour and for trying things out."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Final

import platformdirs

_MOST_BYTES: Final = 4 << 20


def starwhale_store() -> Path:
    """The folder of a small Starwhale Standalone store, written by the official SDK: two projects, four jobs.

    It is unpacked once into the user's cache folder.
    """
    return _unpacked("starwhale")


def swanlab_logs() -> Path:
    """A log folder of SwanLab, written by the official SDK 0.10.3 in its mode offline: two projects, five runs, of
    which two ended well, one crashed, one was aborted, and one was still running when the folder was copied."""
    return _unpacked("swanlab")


def _unpacked(example: str) -> Path:
    packed = files(__name__).joinpath(f"{example}.zip").read_bytes()
    name = f"{example}-{hashlib.sha256(packed).hexdigest()[:12]}"  # another content, another folder
    place = platformdirs.user_cache_path("swnb") / "examples" / name
    if not place.is_dir():
        _unpack(packed, place)
    return place


def _unpack(packed: bytes, place: Path) -> None:
    """Beside its place first and then moved there in one step: two processes may do it at once, or one be killed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".unpacking-") as beside:
        content, archive = Path(beside) / "content", Path(beside) / "packed.zip"
        archive.write_bytes(packed)
        with zipfile.ZipFile(archive) as members:
            for member in members.infolist():
                _write(members, member, content)
        try:
            content.replace(place)
        except OSError:
            if not place.is_dir():  # else another process was faster
                raise


def _write(members: zipfile.ZipFile, member: zipfile.ZipInfo, content: Path) -> None:
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
        raise ValueError(f"{member.filename!r} leads out of the folder")
    if member.file_size > _MOST_BYTES:
        raise ValueError(f"{member.filename!r} is too large")
    target = content / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with members.open(member) as packed, target.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
        os.fsync(unpacked.fileno())
