"""Filter, group and sort all runs of a project (paper 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from swnb.sandbox.swanlab import errors, shapes
from swnb.sandbox.swanlab.asked import objects
from swnb.sandbox.swanlab.points import summary
from swnb.sandbox.swanlab.runs import Run
from swnb.sandbox.swanlab.state import State

STABLE = {
    *("state", "name", "description", "show", "pin", "baseline", "colors", "cluster", "job", "createdAt"),
    *("updatedAt", "finishedAt", "pinnedAt", "labels", "user.username"),
}
Entry = tuple[Run, dict[str, Any]]


def shown(state: State, runs: list[Run], body: Any) -> Any:
    """An array of runs, or objects in objects with arrays at the leaves where groups were asked for."""
    if not isinstance(body, dict):
        raise errors.bad("the body is no object")
    filters, groups, sorts = (_active(body.get(name)) for name in ("filters", "groups", "sorts"))
    entries: list[Entry] = [(run, shapes.run(state, run)) for run in runs]
    kept = [entry for entry in entries if all(_passes(state, entry, each) for each in filters)]
    for each in reversed(sorts):
        kept.sort(key=lambda entry: _order(_cell(state, entry, each)), reverse=each.get("order") == "DESC")
    return _grouped(state, kept, groups)


def _active(value: Any) -> list[dict[str, Any]]:
    return [item for item in objects(value or [], "filters, groups or sorts") if item.get("active", True)]


def _cell(state: State, entry: Entry, column: dict[str, Any]) -> Any:
    """The cell of a run in a column; "" where it is empty."""
    run, shape = entry
    key, kind = str(column.get("key")), column.get("type")
    if kind == "CONFIG":
        found = _config(run.profile().get("config", {}), key)
    elif kind == "SCALAR":
        points = run.points(key, state.now)
        found = (summary(points) or {}).get("value") if points else None
    elif kind == "STABLE" and key in STABLE:
        found = _stable(shape, key)
    else:
        raise errors.bad(f"no column {key} of type {kind}")
    return "" if found is None else found


def _stable(shape: dict[str, Any], key: str) -> Any:
    if key == "labels":
        return [label["name"] for label in shape["labels"]]
    if key == "user.username":
        return shape["user"]["username"]
    return shape.get(key, False if key in {"pin", "baseline"} else None)


def _config(config: dict[str, Any], path: str) -> Any:
    """Dots descend, through the `value` of the first level; a name with dots in it is found as well."""
    if path in config:
        return config[path]["value"]
    first, *rest = path.split(".")
    value = config.get(first, {}).get("value")
    for name in rest:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _passes(state: State, entry: Entry, wanted: dict[str, Any]) -> bool:
    test = _TESTS.get(str(wanted.get("op")))
    values = wanted.get("value")
    if test is None or not isinstance(values, list):
        raise errors.bad(f"no filter {wanted.get('op')} of {values}")
    cell = _cell(state, entry, wanted)
    return test(cell if isinstance(cell, list) else [cell], values)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _texts(values: Iterable[Any]) -> list[str]:
    return [_text(value) for value in values]


def _equal(cells: list[Any], values: list[Any]) -> bool:
    return sorted(_texts(cells)) == sorted(_texts(values))


def _among(cells: list[Any], values: list[Any]) -> bool:
    return bool(set(_texts(cells)) & set(_texts(values)))


def _contains(cells: list[Any], values: list[Any]) -> bool:
    return any(_text(value).casefold() in _text(cell).casefold() for cell in cells for value in values)


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[list[Any], list[Any]], bool]:
    def compare(cells: list[Any], values: list[Any]) -> bool:
        if not cells or not values or cells[0] == "":
            return False
        try:
            return test(float(cells[0]), float(values[0]))
        except (TypeError, ValueError):
            return test(_text(cells[0]), _text(values[0]))

    return compare


_TESTS: dict[str, Callable[[list[Any], list[Any]], bool]] = {
    "EQ": _equal,
    "NEQ": lambda cells, values: not _equal(cells, values),
    "IN": _among,
    "NOT IN": lambda cells, values: not _among(cells, values),
    "CONTAIN": _contains,
    "GTE": _compared(lambda cell, value: cell >= value),
    "LTE": _compared(lambda cell, value: cell <= value),
}


def _order(cell: Any) -> tuple[int, float, str]:
    """Numbers before texts."""
    if isinstance(cell, (int, float)):
        return 0, float(cell), ""
    return 1, 0.0, _joined(cell)


def _joined(cell: Any) -> str:
    return ", ".join(sorted(_texts(cell))) if isinstance(cell, list) else _text(cell)


def _grouped(state: State, entries: list[Entry], groups: list[dict[str, Any]]) -> Any:
    if not groups:
        return [shape for _, shape in entries]
    parts: dict[str, list[Entry]] = {}
    for entry in entries:
        parts.setdefault(_joined(_cell(state, entry, groups[0])), []).append(entry)
    return {name: _grouped(state, part, groups[1:]) for name, part in parts.items()}
