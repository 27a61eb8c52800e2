"""What several tests of panels share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swnb.widgets.compare import Compare, compare

PATIENCE = 30.0


@pytest.fixture
def opened() -> Iterator[Callable[..., Compare]]:
    """Makes comparisons that have loaded what they load at first, and closes them in the end."""
    made: list[Compare] = []

    def panel(*args: Any, **options: Any) -> Compare:
        made.append(compare(*args, **options))
        made[-1]._wait(PATIENCE)
        return made[-1]

    yield panel
    for each in made:
        each.close()
