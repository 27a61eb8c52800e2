"""Starwhale Server and Cloud: what to ask and what the answers mean (starwhale paper 3 to 5)."""

from swnb.providers.starwhale.provider import Starwhale

__all__ = ["Starwhale"]
