"""Supervisely: what to ask and what the answers mean (supervisely paper 1 to 6)."""

from swnb.providers.supervisely.provider import Supervisely

__all__ = ["Supervisely"]
