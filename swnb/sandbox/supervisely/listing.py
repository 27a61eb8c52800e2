"""Lists: filters, order, pages by number or by cursor (paper 1.6)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

import msgspec

from swnb.sandbox.supervisely import errors

T = TypeVar("T")
PAGE = 500

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda has, value: has == value,
    "!=": lambda has, value: has != value,
    "in": lambda has, value: has in value,
    "!in": lambda has, value: has not in value,
    "like": lambda has, value: fnmatchcase(str(has), _pattern(value)),
    "!like": lambda has, value: not fnmatchcase(str(has), _pattern(value)),
    "ilike": lambda has, value: fnmatchcase(str(has).casefold(), _pattern(value).casefold()),
    "!ilike": lambda has, value: not fnmatchcase(str(has).casefold(), _pattern(value).casefold()),
    ">": lambda has, value: has is not None and has > value,
    ">=": lambda has, value: has is not None and has >= value,
    "<": lambda has, value: has is not None and has < value,
    "<=": lambda has, value: has is not None and has <= value,
}
COMPARE |= {"eq": COMPARE["="], "not": COMPARE["!="]}


def _pattern(value: object) -> str:
    """SQL's wildcards as those of fnmatch."""
    return str(value).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("%", "*").replace("_", "?")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """What a list may be sorted and filtered by. Items come in ascending order of their ids."""

    sorts: tuple[str, ...]
    filters: tuple[str, ...]
    get: Callable[[T, str], Any]
    render: Callable[[T], Any]

    def page(self, items: Sequence[T], asked: dict[str, Any]) -> dict[str, Any]:
        """`total` counts what the filters leave; token mode adds `after`, null at the end."""
        found = self._sorted(self._filtered(items, asked), asked)
        size, page = _count(asked, "per_page", PAGE), _count(asked, "page", 1)
        answer = {"total": len(found), "perPage": size, "pagesCount": -(-len(found) // size)}
        if asked.get("pagination_mode", "page") == "page":
            return answer | {"entities": [self.render(item) for item in found[(page - 1) * size : page * size]]}
        rest = self._behind(found, asked)
        after = self._cursor(rest[size - 1], asked) if len(rest) > size else None
        return answer | {"entities": [self.render(item) for item in rest[:size]], "after": after}

    def _filtered(self, items: Sequence[T], asked: dict[str, Any]) -> list[T]:
        rules = asked.get("filter") or []
        if not isinstance(rules, list):
            raise errors.bad("filter should be a list")
        found = list(items)
        for rule in rules:
            name, compare, value = self._rule(rule)
            try:
                found = [item for item in found if compare(self.get(item, name), value)]
            except TypeError:
                raise errors.bad(f"the filter of {name} has a value of another type") from None
        return found

    def _rule(self, rule: Any) -> tuple[str, Callable[[Any, Any], bool], Any]:
        if not isinstance(rule, dict) or rule.get("field") not in self.filters:
            raise errors.bad(f"filter fields are {', '.join(self.filters)}")
        compare = COMPARE.get(str(rule.get("operator", "=")))
        if compare is None or "value" not in rule:
            raise errors.bad(f"filter of {rule['field']}: wrong operator or no value")
        return rule["field"], compare, rule["value"]

    def _sorted(self, items: list[T], asked: dict[str, Any]) -> list[T]:
        down = _down(asked)
        if self._by(asked) == "id":
            return items[::-1] if down else items
        return sorted(items, key=lambda item: self._place(item, asked), reverse=down)

    def _by(self, asked: dict[str, Any]) -> str:
        name = asked.get("sort") or "id"
        if name not in self.sorts:
            raise errors.bad(f"sort fields are {', '.join(self.sorts)}")
        return str(name)

    def _place(self, item: T, asked: dict[str, Any]) -> tuple[int, Any, int]:
        """Where an item stands; nulls stand behind, or before in a descending list, unless told."""
        value = self.get(item, self._by(asked))
        nulls = 1 if asked.get("sort_nulls_order") in (None, "first" if _down(asked) else "last") else -1
        return (nulls if value is None else 0), ("" if value is None else value), self.get(item, "id")

    def _cursor(self, item: T, asked: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self._place(item, asked))).decode()

    def _behind(self, found: list[T], asked: dict[str, Any]) -> list[T]:
        """Those behind the cursor, wherever the item it was made of is now."""
        if not asked.get("after"):
            return found
        try:
            place = msgspec.json.decode(base64.urlsafe_b64decode(str(asked["after"])), type=tuple[int, Any, int])
        except ValueError:
            raise errors.bad("after is no cursor of this list") from None
        places = [(self._place(item, asked), item) for item in found]
        return [item for at, item in places if (at < place if _down(asked) else at > place)]


def _down(asked: dict[str, Any]) -> bool:
    order = asked.get("sort_order") or "asc"
    if order not in ("asc", "desc"):
        raise errors.bad("sort_order is asc or desc")
    return bool(order == "desc")


def _count(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise errors.bad(f"{name} should be an integer from 1")
    return value


def of_records(sorts: str, filters: str) -> Listing[dict[str, Any]]:
    """A list of records that are sent as they are; the names parted by blanks."""
    return Listing(tuple(sorts.split()), tuple(filters.split()), lambda item, name: item.get(name), lambda item: item)
