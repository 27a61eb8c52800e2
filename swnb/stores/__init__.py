"""Local folders that answer the same verbs as a server."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from swnb.errors import Unsupported
from swnb.providers.base import Store
from swnb.uri import folder as path_of

_STORES: Final = {
    "starwhale": ("swnb.stores.starwhale", "StandaloneStore"),
    "swanlab": ("swnb.stores.swanlab", "LogFolder"),
}


def store(platform: str, address: str) -> Store:
    """The store in a folder, by its ``file://`` address. Nothing is read yet; Unsupported where a platform has none."""
    if platform not in _STORES:
        raise Unsupported(f"{platform} keeps no jobs in local folders", todo=f"These do: {', '.join(_STORES)}")
    module, name = _STORES[platform]
    return cast(Store, getattr(import_module(module), name)(path_of(address), address=address))
