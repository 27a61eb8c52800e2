"""The data of an app: paths such as `data.a.series[0].y`, and the three ways to set them (paper 4.3)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from swnb.sandbox.supervisely import errors

Step = str | int
ABSENT = object()


def steps(path: object) -> list[Step]:
    """The names and numbers of a path."""
    found = re.findall(r"([^.\[\]]+)|\[(\d+)\]", path) if isinstance(path, str) else []
    if not found:
        raise errors.bad("field should be a path")
    return [int(index) if index else name for name, index in found]


def read(held: Any, path: object) -> Any:
    """What lies at the path, or ABSENT."""
    for step in steps(path):
        try:
            held = held[step]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return held


def write(held: dict[str, Any], path: object, payload: Any, *, append: bool = False, recursive: bool = False) -> None:
    """Replace; or with `append` merge objects and lengthen lists, all levels of them with `recursive`."""
    way = steps(path)
    place: Any = held
    for step, following in pairwise(way):
        if _at(place, step) is ABSENT:
            _put(place, step, [] if isinstance(following, int) else {})
        place = _at(place, step)
    old = _at(place, way[-1])
    _put(place, way[-1], merged(old, payload, deep=recursive) if append else payload)


def merged(old: Any, new: Any, *, deep: bool) -> Any:
    if isinstance(old, list) and isinstance(new, list):
        return old + new
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    if not deep:
        return {**old, **new}
    return {**old, **{name: merged(old.get(name), value, deep=True) for name, value in new.items()}}


def _at(place: Any, step: Step) -> Any:
    fits = isinstance(place, dict) if isinstance(step, str) else isinstance(place, list)
    if not fits:
        raise errors.bad(f"there is no {step} in what is stored")
    try:
        return place[step]
    except (KeyError, IndexError):
        return ABSENT


def _put(place: Any, step: Step, value: Any) -> None:
    """A list grows by one at most."""
    if isinstance(place, list) and step == len(place):
        place.append(value)
        return
    try:
        place[step] = value
    except IndexError:
        raise errors.bad(f"the list ends before {step}") from None


def patch(held: dict[str, Any], operations: list[Any]) -> None:
    """JSON patch, as far as apps send it: add, replace and remove in objects."""
    for operation in operations:
        if not isinstance(operation, dict):
            raise errors.bad("an operation of a patch is an object")
        *way, last = str(operation.get("path", "")).strip("/").split("/")
        place: Any = held
        for name in way:
            place = place.setdefault(name, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise errors.bad("the patch goes through something that is no object")
        if operation.get("op") == "remove":
            place.pop(last, None)
        else:
            place[last] = operation.get("value")
