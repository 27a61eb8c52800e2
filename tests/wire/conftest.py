"""A sandbox for the tests of what is built on the protocols, saved as server ``box``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import swnb
from swnb import sandbox
from swnb.sandbox import Box


@pytest.fixture(scope="module")
def one_box() -> Iterator[Box]:
    """A world whose clock stands still, for the tests of a module that change nothing in it."""
    with sandbox.run(seed=1, clock="manual") as box:
        yield box


@pytest.fixture
def saved(one_box: Box) -> Iterator[Box]:
    """The module's sandbox, saved as ``box``; without faults, and nothing asked yet."""
    one_box.faults.clear()
    yield from _saved(one_box)


@pytest.fixture
def own() -> Iterator[Box]:
    """A sandbox of the test's own, saved as ``box``, for tests that change something."""
    with sandbox.run(seed=1, clock="manual") as box:
        yield from _saved(box)


def _saved(box: Box) -> Iterator[Box]:
    swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
    box.requests.clear()
    yield box
    box.faults.clear()
    swnb.forget("box")
