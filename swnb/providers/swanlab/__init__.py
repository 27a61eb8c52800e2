"""SwanLab, the cloud and self-hosted: what to ask and what the answers mean (swanlab paper 1 to 4)."""

from swnb.providers.swanlab.provider import SwanLab

__all__ = ["SwanLab"]
