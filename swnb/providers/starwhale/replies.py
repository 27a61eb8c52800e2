"""What a Starwhale Server answers: the envelope, three kinds of error body, pages (starwhale paper 3.2, 3.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from swnb.call import Call, Page, Reply, refused
from swnb.errors import ServerError, SwnbError
from swnb.providers.reading import MOST_PAGES, field, is_page, whole

T = TypeVar("T")


def data(reply: Reply) -> Any:
    """``data`` of a successful envelope; else the error that the reply stands for."""
    if reply.status != 200:
        raise refusal(reply)
    body = reply.json()
    if not isinstance(body, Mapping):
        raise reply.odd(f"an envelope is an object, not {type(body).__name__}")
    if body.get("code") != "success":
        raise refusal(reply)
    if "data" not in body:
        raise reply.odd("the field data is missing")
    return body["data"]


def refusal(reply: Reply) -> SwnbError:
    """The error that a reply stands for; the words are the server's own first line."""
    said = message(reply)
    if reply.status == 200:
        spoken = said not in ("", "Success")
        return ServerError(said, where=reply.server, status=200) if spoken else reply.odd("it holds no data")
    return refused(reply, said, unsigned=said in ("Not logged in.", "Unauthorized"))


def message(reply: Reply) -> str:
    """The server's words, without its repetitions and the Java dump behind ``request=``."""
    if is_page(reply):
        return f"an HTML page instead of an answer (status {reply.status})"
    try:
        body = msgspec.json.decode(_utf8(reply.body))
    except (msgspec.MsgspecError, RecursionError):
        return reply.text()
    said = body.get("message") if isinstance(body, dict) else None
    if isinstance(said, list):
        said = said[0] if said else ""
    return _essence(said) if isinstance(said, str) else ""


def _utf8(body: bytes) -> bytes:
    """Error bodies of the server's filters are Latin-1 under charset=UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1").encode()
    return body


def _essence(said: str) -> str:
    lines = [line.strip() for line in said.split("request=", maxsplit=1)[0].splitlines() if line.strip()]
    kept = [line for line in dict.fromkeys(lines) if not line.startswith("invalid request on subject")]
    return ": ".join(kept or lines)


def page_of(
    read: Callable[[Any, Reply], T], call: Callable[[int], Call[Page[T]]], number: int
) -> Callable[[Reply], Page[T]]:
    """The decoder of page ``number`` of a list; ``call(n)`` asks for page n.

    How many pages there are is what the server says, never counted from the size asked for: it may cap that.
    """

    def decode(reply: Reply) -> Page[T]:
        body = data(reply)
        listed = field(body, "list", list, reply)
        items = tuple(read(item, reply) for item in listed)
        total = field(body, "total", int, reply)
        more = bool(body.get("hasNextPage")) and bool(items)
        last = max(whole(body.get("pages")) or 0, math.ceil(total / len(items))) if more and number == 1 else 0
        abreast = 2 <= last <= MOST_PAGES
        if more and number >= MOST_PAGES:
            raise reply.odd(f"the list has no end ({number} pages)")
        return Page(
            items,
            total,
            next=call(number + 1) if more and not abreast else None,
            rest=tuple(call(n) for n in range(2, last + 1)) if abreast else (),
        )

    return decode


def list_of(read: Callable[[Any, Reply], T]) -> Callable[[Reply], Sequence[T]]:
    """The decoder of a list that comes whole, as ``data`` itself."""

    def decode(reply: Reply) -> Sequence[T]:
        items = data(reply)
        if not isinstance(items, list):
            raise reply.odd(f"data is a list, not {type(items).__name__}")
        return tuple(read(item, reply) for item in items)

    return decode
