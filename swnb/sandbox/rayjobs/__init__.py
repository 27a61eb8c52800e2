"""Jobs over HTTP in two dialects, from the protocol paper: Ray's own, and openYuanRong's."""

from __future__ import annotations

from swnb.sandbox.rayjobs.ray import Ray
from swnb.sandbox.rayjobs.yuanrong import Yuanrong

__all__ = ["Ray", "Yuanrong"]
