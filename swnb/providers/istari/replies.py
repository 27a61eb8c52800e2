"""What an Istari registry answers: bare JSON, errors with a ``detail``, numbered pages (istari paper 1, 2.4, 7.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from msgspec import UNSET

from swnb.call import Call, Page, Reply, refused
from swnb.errors import SwnbError
from swnb.providers.istari.requests import said
from swnb.providers.istari.shapes import Sheet
from swnb.providers.reading import MOST_PAGES, Read, field, is_page, whole

T = TypeVar("T")
_ID: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,99}")
_UNSIGNED: Final = "Not authenticated"


def decoded(read: Read[T], shape: Any = Any) -> Callable[[Reply], T]:
    """The decoder of a call: ``read`` gets the body of a reply that is no refusal, decoded into ``shape``."""

    def decode(reply: Reply) -> T:
        if not 200 <= reply.status < 300:
            raise refusal(reply)
        return read(reply.json(shape), reply)

    return decode


def refusal(reply: Reply) -> SwnbError:
    words = message(reply)
    if reply.status in (401, 403) and words == _UNSIGNED:  # some versions say it by a 403
        return refused(replace(reply, status=401), words, unsigned=True)
    return refused(reply, words)


def message(reply: Reply) -> str:
    """The server's words; of a 422 each field with what is wrong with it."""
    if is_page(reply):
        return f"an HTML page instead of an answer (status {reply.status})"
    return said(reply)


def page_of(read: Read[T], call: Callable[[int], Call[Page[T]]], number: int) -> Read[Page[T]]:
    """The meaning of page ``number``; ``call(n)`` asks for page n.

    Where the server counts, the first page names all others: as many as it says, or as its items make of the total,
    for it may cap the size. Where it does not count, a page follows each that has items.
    """

    def page(sheet: Sheet[Any], reply: Reply) -> Page[T]:
        items = tuple([read(item, reply) for item in sheet.items])
        total, pages = whole(sheet.total), whole(sheet.pages)
        if not items:
            return Page(items, total)
        last = max(pages or 0, math.ceil((total or 0) / len(items)))
        if number >= MOST_PAGES:
            raise reply.odd(f"the list has no end ({number} pages)")
        if last > MOST_PAGES or (total is None and pages is None):
            return Page(items, total, next=call(number + 1))
        return Page(items, total, rest=tuple(call(n) for n in range(2, last + 1)) if number == 1 else ())

    return page


def is_id(text: object) -> bool:
    """Whether it may stand in a path: ids are UUIDs, but nobody promises that."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def id_of(record: Any, reply: Reply) -> str:
    return checked_id(field(record, "id", str, reply), reply)


def checked_id(value: object, reply: Reply) -> str:
    """The field id of a record, UNSET where it has none."""
    if value is UNSET:
        raise reply.odd("the field id is missing")
    if not isinstance(value, str):
        raise reply.odd(f"the field id is {type(value).__name__}")
    if not is_id(value):
        raise reply.odd(f"{value[:40]!r} is no id")
    return value
