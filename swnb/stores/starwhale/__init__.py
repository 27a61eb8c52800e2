"""The Starwhale Standalone store, read directly from its folder (starwhale paper section 6)."""

from __future__ import annotations

from swnb.stores.starwhale.store import StandaloneStore

__all__ = ["StandaloneStore"]
