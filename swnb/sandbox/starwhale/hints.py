"""`columnHints`: which types and values a column has ever held, in all revisions (paper 4.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from swnb.sandbox.starwhale.values import DIGITS, FLOATS, Cell, order, scalar

MOST = 49
"""A column with more distinct values shows none."""

EXACT = 2**53


class HintsFail(Exception):
    """The real server's trap: an int beyond 2^53 cannot be sorted beside NaN or an infinity."""


class Hint:
    """What one column, or one place inside nested values, has held."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.values: dict[str, Cell] = {}
        self.full = False
        self.element: Hint | None = None
        self.key: Hint | None = None
        self.value: Hint | None = None
        self.attributes: dict[str, Hint] | None = None

    def add(self, cell: Cell) -> None:
        kind, value = cell
        if value is None:
            return
        self.types.add(kind)
        if kind in {"LIST", "TUPLE"}:
            self.element = self.element or Hint()
            self.element.add_all(value)
        elif kind == "MAP":
            self.key, self.value = self.key or Hint(), self.value or Hint()
            self.key.add_all(key for key, _ in value)
            self.value.add_all(item for _, item in value)
        elif kind == "OBJECT":
            self._add_object(value[1])
        elif not self.full:
            self._add_scalar(cell)

    def add_all(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            self.add(cell)

    def _add_object(self, attributes: dict[str, Cell]) -> None:
        if self.attributes is None:
            self.attributes = {}
        for name, cell in attributes.items():
            self.attributes.setdefault(name, Hint()).add(cell)

    def _add_scalar(self, cell: Cell) -> None:
        self.values[str(scalar(cell, raw=True))] = cell
        if len(self.values) > MOST:
            self.fill()

    def fill(self) -> None:
        """From now on there are too many values to show."""
        self.full = True
        self.values = {}

    def join(self, other: Hint) -> Hint:
        """What two tables show of one column when a scan merges them."""
        both = Hint()
        both.types = self.types | other.types
        both.values = {**self.values, **other.values}
        both.full = self.full and other.full
        both.element = _joined(self.element, other.element)
        both.key, both.value = _joined(self.key, other.key), _joined(self.value, other.value)
        mine, theirs = self.attributes or {}, other.attributes or {}
        if self.attributes is not None or other.attributes is not None:
            none = Hint()
            both.attributes = {name: mine.get(name, none).join(theirs.get(name, none)) for name in mine | theirs}
        return both

    def shown(self, *, hide_full: bool = False) -> dict[str, Any]:
        """As JSON data; a full column shows `[]`, or with `hide_full` (queryTable) nothing at all."""
        self._trap()
        data: dict[str, Any] = {"typeHints": sorted(self.types)}
        if not (hide_full and self.full):
            data["columnValueHints"] = sorted(self.values, key=lambda text: order(self.values[text]))
        for name, hint in (("elementHints", self.element), ("keyHints", self.key), ("valueHints", self.value)):
            if hint is not None:
                data[name] = hint.shown(hide_full=hide_full)
        if self.attributes is not None:
            data["attributesHints"] = {name: hint.shown(hide_full=hide_full) for name, hint in self.attributes.items()}
        return data

    def _trap(self) -> None:
        cells = self.values.values()
        big = any(kind in DIGITS and abs(value) > EXACT for kind, value in cells)
        if big and any(kind in FLOATS and not math.isfinite(value) for kind, value in cells):
            raise HintsFail("Infinite or NaN")


def _joined(left: Hint | None, right: Hint | None) -> Hint | None:
    return left.join(right) if left and right else left or right
