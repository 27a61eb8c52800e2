"""SwanLab's words for what all platforms have, as its servers and its log folders write them (swanlab paper 2, 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from swnb.model import Status

SYSTEM: Final = "__swanlab__."  # what the platform measures by itself: metrics that begin so

_STATUS: Final[Mapping[str, Status]] = {
    "RUNNING": Status.RUNNING,
    "FINISHED": Status.SUCCEEDED,
    "CRASHED": Status.FAILED,
    "ABORTED": Status.CANCELLED,
}
_WRAPPER: Final = frozenset({"value", "sort", "desc"})


def status_of(word: object) -> Status:
    """OFFLINE and words that nobody knows yet are unknown."""
    return _STATUS.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def unwrapped(config: object) -> dict[str, Any]:
    """A run's config as its plain nested values, in the order of ``sort``; an empty dict where it is no mapping.

    At the top ``{value, sort?, desc?}`` is a wrapper. Further down only what has all three is taken for one: there a
    ``value`` of the user's own is far likelier. Entries without a wrapper stay as they are.
    """
    if not isinstance(config, dict):
        return {}
    entries = sorted(config.items(), key=lambda entry: _sort(entry[1]))
    return {str(name): _inner(value["value"] if _wraps(value) else value) for name, value in entries}


def _wraps(value: object) -> bool:
    return isinstance(value, dict) and "value" in value and value.keys() <= _WRAPPER


def _sort(value: Any) -> float:
    place = value.get("sort") if _wraps(value) else None
    return place if isinstance(place, (int, float)) and not math.isnan(place) else math.inf


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == _WRAPPER:
            return _inner(value["value"])
        return {name: _inner(each) for name, each in value.items()}
    return [_inner(each) for each in value] if isinstance(value, list) else value
