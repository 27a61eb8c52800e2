"""The sandbox: a server on this machine that speaks the platforms' protocols over a made-up world.

It imports no other part of swnb, so that one misreading of a protocol cannot hide at both ends.
"""

from __future__ import annotations

from swnb.sandbox.serve import Box, run

__all__ = ["Box", "run"]
