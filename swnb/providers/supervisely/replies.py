"""What the records of a Supervisely server hold, and its pages (supervisely paper 1.6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from swnb.call import Call, Page, Reply
from swnb.providers.reading import MOST_PAGES, Read, field, mappings, whole

T = TypeVar("T")


def page_of(read: Read[T], call: Callable[[int, int], Call[Page[T]]], number: int, size: int) -> Read[Page[T]]:
    """The meaning of page ``number``, the first of which names all others; ``call(n, size)`` asks for page n.

    How many there are is what the server says and what its items make of the total; it may cap the size asked for.
    """

    def page(body: Any, reply: Reply) -> Page[T]:
        if isinstance(body, list):  # all at once
            return Page(tuple(read(item, reply) for item in body), len(body))
        items = tuple(read(item, reply) for item in field(body, "entities", list, reply))
        total, pages = whole(body.get("total")), whole(body.get("pagesCount"))
        given = max(whole(body.get("perPage")) or size, 1)
        each = len(items) if number == 1 else given
        last = max(pages or 0, math.ceil((total or 0) / each)) if items else 0
        if number >= MOST_PAGES and last > number:
            raise reply.odd(f"the list has no end ({last} pages)")
        if last > MOST_PAGES:
            return Page(items, total, next=call(number + 1, given))
        return Page(items, total, rest=tuple(call(n, given) for n in range(2, last + 1)) if number == 1 else ())

    return page


def entities(value: Any, reply: Reply) -> list[Mapping[str, Any]]:
    """A list of objects, bare or as the only page of a list."""
    return mappings(value, reply, "entities")


def is_number(value: object) -> bool:
    """Whether it is one that a float can hold."""
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**308)


def numbers(values: Any) -> dict[str, int | float]:
    """The numbers among ``values``, plain ones first; those inside of objects by names joined with dots."""
    if not isinstance(values, Mapping):
        return {}
    plain = {str(name): value for name, value in values.items() if is_number(value)}
    nested = {f"{name}.{k}": v for name, value in values.items() for k, v in numbers(value).items()}
    return plain | {name: value for name, value in nested.items() if name not in plain}
