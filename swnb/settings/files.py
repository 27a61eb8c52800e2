"""Our own two files: flat TOML, readable by their owner only, replaced as a whole, one writer at a time.

Each is ``{section: {key: text}}``: ``servers.toml`` (names and addresses) and ``secrets.toml`` (only where no keyring
is usable). A crash leaves the old file or the new one. What cannot be read is reported and never replaced.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from swnb.errors import StoreError
from swnb.secret import Secret

Sections = dict[str, dict[str, str]]

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_LOCK_SECONDS: Final = 10.0
_REMEDY: Final = "Mend that place or move the file away; swnb does not touch it till then"
_WRITABLE: Final = "Make the folder writable, or name another with SWNB_CONFIG_DIR"
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def config_dir() -> Path:
    """Where our files are: ``$SWNB_CONFIG_DIR``, else the user's configuration folder of this system."""
    if chosen := os.environ.get("SWNB_CONFIG_DIR"):
        return Path(chosen).expanduser()
    from platformdirs import user_config_path  # noqa: PLC0415 - import swnb stays light

    return user_config_path("swnb")


def read(path: Path, table: str) -> Sections:
    """The sections below ``[table]`` of a file; empty where there is no file, StoreError where it is damaged."""
    found = _sections(path, table)
    if isinstance(found, str):  # nothing of a file of secrets stands in this frame, which may be shown
        raise StoreError(found, where=str(path), todo=_REMEDY)
    return found


def _sections(path: Path, table: str) -> Sections | str:
    """What the file holds, or what is wrong with it."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINK), "rb") as file:
            _close_to_others(file.fileno())
            data = _parsed(file.read())
    except FileNotFoundError:
        return {}
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if isinstance(data, str):
        return data
    odd = sorted(set(data) - {table})
    sections = data.get(table, {})
    if odd or not isinstance(sections, dict):
        return f"may hold nothing but tables [{table}.NAME]{f', but holds {odd[0]!r}' if odd else ''}"
    for name, section in sections.items():
        if not isinstance(section, dict) or not all(isinstance(value, str) for value in section.values()):
            return f"[{table}.{name}] holds something that is no text"
    return sections


def _close_to_others(descriptor: int) -> None:
    """A file that was copied or restored may have become readable by all."""
    if sys.platform != "win32" and stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)


def _parsed(content: bytes) -> dict[str, Any] | str:
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        data: dict[str, Any] = toml.loads(content.decode("utf-8"))
        return data
    except UnicodeDecodeError as error:
        return f"is no UTF-8 at line {content.count(10, 0, error.start) + 1}"
    except ValueError as error:  # its text may show a token: only the place is taken
        match = re.search(r"line \d+(?:, column \d+)?", str(error))
        return f"is no TOML at {match[0] if match else 'its last line'}"
    except RecursionError:
        return "is no TOML of ours: too deep"


def dump(table: str, sections: Mapping[str, Mapping[str, str | Secret]]) -> str:
    """The TOML of ``sections``, in their order."""
    blocks = (
        "\n".join([f"[{table}.{_quoted(name)}]", *(f"{_quoted(key)} = {_quoted(section[key])}" for key in section)])
        for name, section in sections.items()
    )
    return "\n\n".join(blocks) + "\n"


def _quoted(text: str | Secret) -> str:
    text = text.reveal() if isinstance(text, Secret) else text
    return f'"{"".join(_escaped(c) for c in text)}"'


def _escaped(c: str) -> str:
    return _ESCAPES.get(c) or (c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}")


def write(path: Path, table: str, sections: Mapping[str, Mapping[str, str | Secret]]) -> None:
    """Replace the file as a whole; the caller holds :func:`locked`."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)  # left by a writer that died
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600), "wb") as file:
            file.write(dump(table, sections).encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise StoreError(f"cannot be written: {error.strerror}", where=str(path), todo=_WRITABLE) from None


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """One writer at a time, over all processes of this user; makes the folder if need be."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
    except OSError as error:
        raise StoreError(f"cannot be written: {error.strerror}", where=str(directory), todo=_WRITABLE) from None
    try:
        _wait_for(descriptor, directory)
        yield
    finally:
        os.close(descriptor)  # frees the lock


def _wait_for(descriptor: int, directory: Path) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    while not _try_lock(descriptor):
        if time.monotonic() > until:
            raise StoreError("another process keeps the settings locked", where=str(directory), todo="Try again")
        time.sleep(0.02)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
