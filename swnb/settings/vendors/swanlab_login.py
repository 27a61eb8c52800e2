"""What ``swanlab login`` keeps: a ``.netrc`` of SwanLab's own, in its folder (swanlab paper 1.2).

It is read as Python's ``netrc`` module reads it, which is not used: its errors show what stands in the file. An entry
for all hosts (``default``) counts as none: a stored key is for its own host only.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from swnb.errors import BadInput, clean
from swnb.secret import Secret
from swnb.settings.entries import Credential, Entry, Found, token_of
from swnb.settings.environment import address_of

SOURCE: Final = "swanlab login"

_LARGEST: Final = 1_000_000
_ITEM: Final = re.compile(
    r'(?P<word>machine|login|user|account|password)\s+(?P<value>"(?:\\.|[^"\\])*"|(?!")(?:\\.|[^\s\\])+)(?!\S)'
    r"|(?P<all>default)(?!\S)|#[^\n]*|macdef\s.*?(?:\n[ \t]*\n|\Z)",
    re.DOTALL,
)


@dataclass(slots=True)
class _File:
    """What one file holds, in its order."""

    path: Path
    servers: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def found() -> list[Found]:
    """The servers that were signed in to, each once; the preferred one last."""
    last = {server.entry: server for path in _paths() for server in reversed(_read(path).servers)}
    return list(last.values())


def problems() -> list[str]:
    return [text for path in _paths() for text in _read(path).problems]


def login_address() -> str | None:
    """The server that this user signed in to last. A file of the working folder does not count: it may have come with
    somebody else's notebooks, and then must not say where a key goes that is given by hand."""
    servers = [server for path in _own_paths() for server in reversed(_read(path).servers)]
    return servers[-1].entry.address if servers else None


def _paths() -> list[Path]:
    """The file of the working folder comes before the user's own, as in the vendor's settings: so it stands last."""
    own, here = _own_paths(), Path(".swanlab", ".netrc")
    return [path for path in own if path.absolute() != here.absolute()] + [here]


def _own_paths() -> list[Path]:
    folders = [os.environ.get("SWANLAB_SAVE_DIR"), os.environ.get("SWANLAB_ROOT")]
    return [Path(folder, ".netrc").expanduser() for folder in dict.fromkeys(filter(None, folders)) or ["~/.swanlab"]]


def _read(path: Path) -> _File:
    file = _File(path)
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode) or info.st_size > _LARGEST:
            file.problems.append(f"{path} is not used: it is no file of a sensible size")
            return file
        entries = _entries(path.read_bytes().decode("utf-8-sig", "replace"), file)
    except FileNotFoundError:
        return file
    except OSError as error:
        file.problems.append(f"{path} is not used: it cannot be read ({error.strerror})")
        return file
    for host, key in entries:
        _take(host, key, file)
    if sys.platform != "win32" and file.servers and stat.S_IMODE(info.st_mode) & 0o077:
        file.problems.append(f"{path} holds a key and can be read by others: chmod 600 {path}")
    return file


def _entries(text: str, file: _File) -> Iterator[tuple[str, Secret]]:
    """Hosts and their keys, as far as the text is well-formed."""
    host, at = "", 0
    while rest := re.compile(r"\S").search(text, at):
        item = _ITEM.match(text, rest.start())
        if item is None:
            line = text.count("\n", 0, rest.start()) + 1
            file.problems.append(f"{file.path} is used as far as line {line}, which is not what {SOURCE} writes")
            return
        at = item.end()
        if item["all"] or item["word"] == "machine":
            host = _plain(item["value"] or "")
        elif item["word"] == "password" and host:
            yield host, Secret(_plain(item["value"]))


def _plain(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith('"') else value, flags=re.DOTALL)


def _take(host: str, key: Secret, file: _File) -> None:
    try:
        address, token = address_of("swanlab", host), token_of(key)
    except BadInput as error:
        file.problems.append(f"{file.path}: the entry for {clean(host, 60)!r} is not used: {error.what}")
        return
    entry = Entry(f"swanlab+{address}", "swanlab", address, SOURCE)
    if token is not None:
        file.servers.append(Found(entry, Credential(token, source=str(file.path))))
