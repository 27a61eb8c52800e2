"""Whether calls that change something go through in this process."""

from __future__ import annotations

_allowed = False


def allow_actions(on: bool = True) -> None:
    """Let calls that change something (stop, pause, resume, delete, …) go through in this process."""
    global _allowed  # noqa: PLW0603
    _allowed = on


def actions_allowed() -> bool:
    return _allowed
