"""What is in a request, and whether all of an answer came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from swnb.call import Call, Part, Reply
from swnb.errors import StoreError
from swnb.fetch.events import Meter
from swnb.fetch.tasks import in_thread
from swnb.secret import Secret

_CHUNK: Final = 2**20


def content(call: Call[Any]) -> tuple[bytes | AsyncIterator[bytes] | None, dict[str, str]]:
    """The body of a call and the headers that say what it is. StoreError where a file that it holds is not there."""
    if call.parts:
        return _form(call.parts)
    if call.body is not None:
        return call.body, {}
    if call.form is not None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        fields = call.form.items()
        return urlencode({k: v.reveal() if isinstance(v, Secret) else v for k, v in fields}).encode(), kind
    if call.json is not None:
        return msgspec.json.encode(call.json), {"content-type": "application/json"}
    return None, {}


def _form(parts: Sequence[Part]) -> tuple[AsyncIterator[bytes], dict[str, str]]:
    """A multipart/form-data body (RFC 7578) that is never whole in memory; its length is known beforehand."""
    boundary = token_hex(16)
    pieces: list[tuple[bytes, bytes | Path, int]] = [
        (_head(part, boundary), part.content, _size(part)) for part in parts
    ]
    end = f"--{boundary}--\r\n".encode()
    total = sum(len(head) + size + 2 for head, _, size in pieces) + len(end)
    kind = {"content-type": f"multipart/form-data; boundary={boundary}", "content-length": str(total)}
    return _streamed(pieces, end, total), kind


def _head(part: Part, boundary: str) -> bytes:
    says = f'form-data; name="{_quoted(part.name)}"'
    if part.filename is not None:
        says += f'; filename="{_quoted(part.filename)}"\r\nContent-Type: {part.type}'
    return f"--{boundary}\r\nContent-Disposition: {says}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    """A name that cannot end its quotes or its line (WHATWG, multipart/form-data encoding)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _size(part: Part) -> int:
    if isinstance(part.content, bytes):
        return len(part.content)
    try:
        return part.content.stat().st_size
    except OSError as error:
        problem = error.strerror or type(error).__name__
    raise StoreError(f"the file cannot be sent: {problem}", where=str(part.content))


async def _streamed(pieces: Sequence[tuple[bytes, bytes | Path, int]], end: bytes, total: int) -> AsyncIterator[bytes]:
    meter = Meter("upload", "bytes", total)
    for head, body, size in pieces:
        yield head
        if isinstance(body, bytes):
            yield body
        else:
            async for chunk in _of_file(body, size):
                meter.advance(len(chunk))
                yield chunk
        yield b"\r\n"
    yield end
    meter.finish()


async def _of_file(path: Path, size: int) -> AsyncIterator[bytes]:
    """The first ``size`` bytes; StoreError where there are fewer than were promised."""
    left = size
    try:
        with path.open("rb") as file:
            while left and (chunk := await in_thread(file.read, min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk
        problem = "it became shorter meanwhile" if left else ""
    except OSError as error:
        problem = error.strerror or type(error).__name__
    if problem:
        raise StoreError(f"the file cannot be sent: {problem}", where=str(path))


def is_short(reply: Reply) -> bool:
    """Whether a JSON document lacks its end, though the framing was right: a cut on the way to a gateway."""
    if "json" not in reply.headers.get("content-type", "") or reply.body[:1] not in (b"{", b"["):
        return False
    return reply.body[-64:].rstrip()[-1:] not in (b"}", b"]")
