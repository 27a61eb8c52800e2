"""The example store that comes with the package."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

from swnb import examples
from swnb.model import JobQuery, RowQuery
from swnb.stores.starwhale import StandaloneStore

from .writing import done


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _name: tmp_path / "cache")


def test_every_job_and_table_of_the_example_can_be_read() -> None:
    store = StandaloneStore(examples.starwhale_store())
    rows = {}
    for project in done(store.projects()).items:
        for job in done(store.jobs(project.id, JobQuery())).items:
            for table in done(store.tables(project.id, job.id)):
                rows[job.id[:2], table] = sum(batch.n for batch in store.scan(project.id, job.id, table, RowQuery()))
    assert len(rows) == 8
    assert rows["rk", "big"] == 1_520


def test_it_is_unpacked_once(tmp_path: Path) -> None:
    place = examples.starwhale_store()
    mark = place / "self" / "mark"
    mark.touch()
    assert examples.starwhale_store() == place
    assert mark.exists()
    assert [each.name for each in (tmp_path / "cache" / "examples").iterdir()] == [place.name]


def test_what_it_takes_in_the_wheel_is_small() -> None:
    assert len(files(examples).joinpath("starwhale.zip").read_bytes()) < 40_000


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "C:/out", "a\\..\\out"])
def test_nothing_is_unpacked_outside_of_its_place(tmp_path: Path, name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(ValueError, match="leads out"):
        examples._unpack(packed.getvalue(), tmp_path / "deep" / "place")
    assert [each.name for each in tmp_path.rglob("*")] == ["deep"]
