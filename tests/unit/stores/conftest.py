from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from swnb.stores import folder
from swnb.stores.starwhale import StandaloneStore

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as ever, without the pauses between them."""
    monkeypatch.setattr(folder, "_WAITS", [0.0] * 5)


@pytest.fixture(scope="session")
def fixture_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the official SDK wrote; shared by all tests, so it is read only."""
    place = tmp_path_factory.mktemp("standalone")
    with tarfile.open(DATA / "starwhale-standalone.tar.gz") as archive:
        archive.extractall(place, filter="data")
    return place / "root"


@pytest.fixture
def real(fixture_root: Path) -> StandaloneStore:
    return StandaloneStore(fixture_root)
