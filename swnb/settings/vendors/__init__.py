"""The vendors' own configuration files, read and never written: one module a file, called after who writes it.

``_READERS`` is the place for the next vendor: a module whose ``found()`` gives the servers of its file (none where
there is no file), the preferred one of an address last, and whose ``problems()`` tells what it could not read.
"""

from __future__ import annotations

from typing import Final

from swnb.settings.entries import Found
from swnb.settings.vendors import ray_token, swanlab_login, swcli
from swnb.settings.vendors.swcli import StarwhaleConfig, starwhale, store_root

__all__ = ["StarwhaleConfig", "found", "problems", "starwhale", "store_root"]

_READERS: Final = (swcli, swanlab_login, ray_token)


def found() -> list[Found]:
    """The servers of all vendors' files, the preferred one of an address last."""
    return [server for reader in _READERS for server in reader.found()]


def problems() -> list[str]:
    """What could not be read in them."""
    return [text for reader in _READERS for text in reader.problems()]
