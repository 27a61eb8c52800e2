"""What a SwanLab server answers: bare JSON, errors with a code and a message, pages (swanlab paper 1.4, 1.5, 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from swnb.call import Call, Page, Reply, refused
from swnb.errors import SwnbError
from swnb.providers.reading import MOST_PAGES, Read, field, is_page, whole

T = TypeVar("T")


def decoded(read: Read[T]) -> Callable[[Reply], T]:
    """The decoder of a call: ``read`` gets the body of a reply that is no refusal."""
    return lambda reply: read(data(reply), reply)


def data(reply: Reply) -> Any:
    """The body of a successful reply, None where it is empty (204); else the error that the reply stands for."""
    if not 200 <= reply.status < 300:
        raise refusal(reply)
    return reply.json() if reply.body.strip() else None


def refusal(reply: Reply) -> SwnbError:
    return refused(reply, message(reply))


def message(reply: Reply) -> str:
    """The server's words: code, message and the trace id by which its operators find the request."""
    trace = reply.headers.get("traceid", "")
    return " ".join(part for part in (_said(reply), f"(trace id {trace})" if trace else "") if part)


def _said(reply: Reply) -> str:
    if is_page(reply):
        return f"an HTML page instead of an answer (status {reply.status})"
    try:
        body = msgspec.json.decode(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return reply.text()
    if not isinstance(body, Mapping):
        return ""
    code, said = body.get("code"), body.get("message")
    spoken = isinstance(code, str) and code and code != said
    return " ".join(part for part in (f"[{code}]" if spoken else "", said) if isinstance(part, str) and part)


def page_of(read: Read[T], call: Callable[[int], Call[Page[T]]], number: int) -> Callable[[Reply], Page[T]]:
    """The decoder of page ``number``, the first of which names all others; ``call(n)`` asks for page n.

    How many there are is what the server says and what its items make of the total: it may cap the size asked for.
    """

    def decode(reply: Reply) -> Page[T]:
        body = data(reply)
        items = tuple(read(item, reply) for item in field(body, "list", list, reply))
        total, pages = whole(body.get("total")), whole(body.get("pages"))
        if number > 1 or not items:
            return Page(items, total)
        last = max(pages or 0, math.ceil((total or 0) / len(items)))
        if last > MOST_PAGES:
            raise reply.odd(f"the list has no end ({last} pages)")
        return Page(items, total, rest=tuple(call(n) for n in range(2, last + 1)))

    return decode


def number(value: object) -> Any:
    """A metric's value: a number as it came, a text that spells one (``nan``, ``-Infinity``) as float; None for all
    that is no number."""
    if type(value) in (float, int):
        return value
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None
