"""The time of the made-up world: it runs with the machine's, or a test moves it."""

from __future__ import annotations

import time

MANUAL_START = 1_795_363_200.0
"""Where a manual clock begins, so that a frozen world is the same in every run."""


class Clock:
    """Seconds since 1970 as the world counts them."""

    def __init__(self, *, manual: bool = False) -> None:
        self.manual = manual
        self._ahead = MANUAL_START if manual else 0.0

    @property
    def now(self) -> float:
        return self._ahead if self.manual else time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the world on; time never goes back."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back, got {seconds} s")
        self._ahead += seconds
