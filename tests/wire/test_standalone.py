"""The Standalone store of this machine as server ``local``."""

from __future__ import annotations

from pathlib import Path

import pytest

import swnb
from swnb.errors import BadInput, NotFound, StoreError, Unsupported
from swnb.examples import starwhale_store
from swnb.sandbox import Box


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Path:
    place = starwhale_store()
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(place))
    return place


def manifests(store: Path, project: str) -> set[str]:
    return {path.parent.name for path in (store / project / "job").glob("??/*/_manifest.yaml")}


def test_the_folder_of_the_environment_is_server_local(store: Path) -> None:
    frame = swnb.servers()
    (row,) = frame[frame.name == "local"].itertuples()
    assert (row.platform, row.address) == ("starwhale", store.as_uri())


def test_local_means_the_jobs_of_all_its_projects(store: Path) -> None:
    projects = swnb.projects("local")
    assert set(projects.index) == {f"local/project/{name}" for name in projects.id}
    assert len(projects) > 1
    frame = swnb.jobs("local")
    assert set(frame.index) == {
        f"local/project/{name}/job/{job}" for name in projects.id for job in manifests(store, name)
    }
    assert frame.created.is_monotonic_decreasing


def test_a_project_other_than_the_current_one_is_read_by_its_name(store: Path) -> None:
    other = next(name for name in swnb.projects("local").id if name != "self")
    frame = swnb.jobs(f"local/project/{other}")
    assert set(frame.id) == manifests(store, other)
    assert list(swnb.summary(f"local/project/{other}").index) == list(frame.index)
    assert swnb.tables(frame.index[0])


def test_short_ids_mean_the_whole_one_wherever_a_job_is_wanted() -> None:
    full = swnb.jobs("local/project/self").index[0]
    short = full.rpartition("/")[2][:8]
    assert list(swnb.jobs(f"local/project/self/job/{short}").index) == [full]
    assert list(swnb.summary(f"local/project/self/job/{short}").index) == [full]
    assert swnb.tables(f"local/project/self/job/{short}") == swnb.tables(full)
    both = [f"local/project/self/job/{short}", full]
    assert list(swnb.summary(both).index) == [full]
    with pytest.raises(NotFound, match=r"^local: .*no job 'zzz'"):
        swnb.jobs("local/project/self/job/zzz")


def test_rows_carry_provenance_and_no_requests() -> None:
    full = next(job for job in swnb.jobs("local/project/self").index if swnb.tables(job))
    table = swnb.tables(full)[0]
    frame = swnb.rows(full, table)
    made = swnb.provenance(frame)
    assert (made.server, made.requests, made.n, made.total, made.complete) == ("local", 0, len(frame), len(frame), True)
    assert sum(len(batch) for batch in swnb.scan(full, table)) == len(frame)


def test_an_error_of_the_store_names_the_server() -> None:
    full = next(job for job in swnb.jobs("local/project/self").index if swnb.tables(job))
    with pytest.raises(NotFound, match=r"^local: .*has no table 'nope'"):
        swnb.rows(full, "nope")


@pytest.mark.parametrize("verb", ["tasks", "events", "logs"])
def test_what_a_store_does_not_have_is_unsupported(verb: str) -> None:
    full = swnb.jobs("local/project/self").index[0]
    with pytest.raises(Unsupported, match=rf"^local: .*no {verb}"):
        getattr(swnb, verb)(full)
    with pytest.raises(Unsupported, match="cannot stop"):
        swnb.open(full).stop(yes=True)


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match=r"^local: there is no folder"):
        swnb.projects("local")
    assert "local" not in set(swnb.servers().name)


def test_one_frame_holds_jobs_of_a_store_and_of_a_server(saved: Box) -> None:
    frame = swnb.jobs(["box", "local"])
    assert set(frame.server) == {"box", "local"}
    assert frame.created.is_monotonic_decreasing
    assert len(frame) == len(swnb.jobs("box")) + len(swnb.jobs("local"))
    mixed = [*frame.index[frame.server == "local"][:2], *frame.index[frame.server == "box"][:2]]
    assert list(swnb.summary(mixed).index) == mixed
    assert list(swnb.jobs(mixed).index) == mixed


def test_an_unknown_column_is_bad_input_and_names_those_there_are() -> None:
    job = swnb.jobs("local/project/self").index[-1]
    with pytest.raises(BadInput, match=r"has no column 'nope'.*It has .*loss"):
        swnb.rows(job, "results", columns=["nope"])
    beyond = swnb.rows(job, "results", columns=["loss"], start=10**9)
    assert len(beyond) == 0, "a column that is there, asked where no row is, is no error"
