"""The bytes behind a token: a link from the registry, then a download without our sign-in, checked against the
token's hash (istari paper 4.1, 4.2). What was checked is kept by its hash, since it can never change."""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar

from swnb.call import Call, Plan, Reply, ask
from swnb.errors import BadReply
from swnb.providers.istari import calls, requests
from swnb.providers.reading import field, inner, text, whole

T = TypeVar("T")
_SHA: Final = re.compile("[0-9a-f]{96}")


@dataclass(frozen=True, slots=True)
class File:
    """A revision of a file: how errors name it, and the token of its content."""

    name: str
    sha: str
    salt: str
    size: int | None = None

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name.replace("\\", "/")).suffix.lower()


def file_of(revision: Mapping[str, Any]) -> File | None:
    """None where the revision holds no token that can be used."""
    token = inner(revision, "content_token")
    sha, salt = text(token.get("sha")), token.get("salt")
    if sha is None or not _SHA.fullmatch(sha) or not isinstance(salt, str):
        return None
    extension = (text(revision.get("extension")) or "").lower()
    name = text(revision.get("name")) or text(revision.get("id")) or sha[:12]
    whole_name = name if not extension or name.lower().endswith(f".{extension}") else f"{name}.{extension}"
    return File(whole_name, sha, salt, whole(revision.get("size")))


def link(file: File, use: Callable[[str], T]) -> Call[T]:
    """``use`` gets where the content can be downloaded from: an address on any host, or a path on the registry's."""

    def read(body: Any, reply: Reply) -> T:
        url: str = field(body, "url", str, reply)
        try:
            found = requests.link(url)
        except BadReply:
            raise reply.odd("url is no address that can be downloaded from") from None
        return use(found)

    return calls.download_url(file.sha, read)


def download(
    file: File, url: str, read: Callable[[bytes, Reply], T], expired: Callable[[], T] | None = None
) -> Call[T]:
    """The content by its link. ``expired``: what a link gives that is too old, where the caller knows how to go on."""

    def decode(reply: Reply) -> T:
        if expired is not None and reply.status in requests.EXPIRED:
            return expired()
        if not 200 <= reply.status < 300:
            raise requests.refused_by_store(reply, url, f"{file.name} cannot be downloaded from")
        return read(checked(reply, file, url), reply)

    return Call("GET", url, decode, signed=False)


def checked(reply: Reply, file: File, url: str) -> bytes:
    """The body, if it is what the token stands for; BadReply else."""
    digest = hashlib.sha384(reply.body)
    digest.update(file.salt.encode("utf-8", "surrogatepass"))
    if digest.hexdigest() == file.sha:
        return reply.body
    host = requests.host_of(url) or reply.server
    host = requests.host_of(url) or reply.server
    raise BadReply(
        f"{file.name}, downloaded from {host}, is not what the registry holds under that name: "
        f"its hash is wrong ({len(reply.body):,} bytes came)",
        where=reply.server,
        todo="Ask again; if it stays so, the file is damaged where it is stored, or was changed on the way",
    )


class Content:
    """Small contents by their hashes, those used longest ago given up first."""

    def __init__(self, room: int = 16 * 2**20) -> None:
        self._room = room
        self._held = 0
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def read(self, file: File) -> Plan[bytes]:
        """All bytes of a file. A link that is too old is asked for once more."""
        key = (file.sha, file.salt)
        data = self._kept.get(key)
        if data is None:
            data = yield from _fetched(file)
            self._keep(key, data)
        else:
            self._kept.move_to_end(key)
        return data

    def _keep(self, key: tuple[str, str], data: bytes) -> None:
        if key in self._kept or len(data) > self._room // 16:
            return
        self._kept[key] = data
        self._held += len(data)
        while self._held > self._room:
            self._held -= len(self._kept.popitem(last=False)[1])


def _fetched(file: File) -> Plan[bytes]:
    url = yield from ask(link(file, str))
    data: bytes | None = yield from ask(download(file, url, _bytes, lambda: None))
    if data is None:
        url = yield from ask(link(file, str))
        data = yield from ask(download(file, url, _bytes))
    return data or b""


def _bytes(data: bytes, reply: Reply) -> bytes | None:
    return data
