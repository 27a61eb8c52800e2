"""The vendors' own surfaces: the names, parameters, defaults and return shapes of their documentation.

Thin: each speaks through the same sources as the verbs. A call here acts at once, since its caller named the verb.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_MODULES = ("istari", "starwhale", "supervisely", "swanlab", "yuanrong")

__all__ = ["istari", "starwhale", "supervisely", "swanlab", "yuanrong"]


def __getattr__(name: str) -> ModuleType:
    if name not in _MODULES:
        raise AttributeError(f"module 'swnb.sdk' has no attribute {name!r}; it has {', '.join(_MODULES)}")
    return import_module(f"swnb.sdk.{name}")
