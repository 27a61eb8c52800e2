"""Istari Digital: models are projects, function jobs are jobs (istari paper)."""

from swnb.providers.istari.provider import Istari

__all__ = ["Istari"]
