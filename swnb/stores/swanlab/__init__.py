"""SwanLab's log folders, read directly from disk (swanlab paper section 7)."""

from __future__ import annotations

from swnb.stores.swanlab.store import LogFolder

__all__ = ["LogFolder"]
