"""Ray and openYuanRong, which both speak "Ray Jobs": look-alikes, not equals (yuanrong-ray paper)."""

from swnb.providers.rayjobs.ray import Ray
from swnb.providers.rayjobs.recognise import recognise
from swnb.providers.rayjobs.yuanrong import YuanRong

__all__ = ["Ray", "YuanRong", "recognise"]
