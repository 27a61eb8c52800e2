"""The verbs on made-up log dirs: living, killed, damaged and foreign runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swnb.call import noting
from swnb.errors import BadInput, NotFound, StoreError, Unsupported
from swnb.model import JobInfo, JobQuery, Status
from swnb.stores import store
from swnb.stores.swanlab import LogFolder
from swnb.stores.swanlab.runs import UNKNOWN

from .swanlab_writing import (
    BLOCK,
    START,
    column,
    finish,
    first_lines,
    framed,
    grow_old,
    line,
    log,
    notes_of,
    point,
    points_of,
    save,
    scalar,
    start,
)
from .writing import done

POINTS = [column("loss"), *(point("loss", n, n / 4) for n in range(8))]
ENDED = [start(), *POINTS, log("hello"), finish()]


def jobs(log_dir: Path, **query: Any) -> list[JobInfo]:
    return list(done(LogFolder(log_dir).jobs(None, JobQuery(**query))).items)


def only(log_dir: Path) -> JobInfo:
    (job,) = jobs(log_dir)
    return job


# ---- which runs there are


def test_a_store_is_found_by_its_platform(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    found = store("swanlab", f"file://{tmp_path}")
    assert [job.id for job in done(found.jobs(None, JobQuery())).items] == ["abcd1234"]
    assert found.offers == {"summary", "metrics", "logs", "follow"}
    for verb in (found.tasks, found.tables, found.events):
        with pytest.raises(Unsupported):
            done(verb(None, "abcd1234"))


def test_the_folder_of_one_run_is_a_store_of_one_run(tmp_path: Path) -> None:
    folder = save(tmp_path, framed(ENDED))
    save(tmp_path, framed([start("other111"), finish()]), "other111")
    assert [job.id for job in jobs(folder)] == ["abcd1234"]
    assert len(points_of(folder)["loss"]) == 8


def test_jobs_are_filtered_and_the_newest_kept(tmp_path: Path) -> None:
    for n in range(4):
        end = [finish()] if n % 2 else [finish("CRASHED", "boom")]
        save(tmp_path, framed([start(f"run{n}", began=START + n), *end]), f"run{n}")
    assert [job.id for job in jobs(tmp_path)] == ["run3", "run2", "run1", "run0"]
    assert [job.id for job in jobs(tmp_path, status=frozenset({Status.FAILED}), limit=1)] == ["run2"]
    assert done(LogFolder(tmp_path).jobs(None, JobQuery(limit=1))).total == 4


def test_a_project_is_named_by_its_workspace_where_the_run_has_one(tmp_path: Path) -> None:
    save(tmp_path, framed([start("a1", "demo", "kites"), finish()]), "a1")
    save(tmp_path, framed([start("b1", "demo", "birds"), finish()]), "b1")
    save(tmp_path, framed([start("c1", "solo", "kites"), finish()]), "c1")
    folder = LogFolder(tmp_path)
    found = done(folder.projects()).items
    assert [(each.id, each.name, each.owner) for each in found] == [
        ("birds:demo", "demo", "birds"),
        ("kites:demo", "demo", "kites"),
        ("kites:solo", "solo", "kites"),
    ]
    assert done(folder.project("solo")).id == "kites:solo"
    assert [job.id for job in done(folder.jobs("kites:demo", JobQuery())).items] == ["a1"]
    with pytest.raises(BadInput, match="birds:demo, kites:demo"):
        done(folder.project("demo"))
    with pytest.raises(BadInput, match="3 projects"):
        done(folder.project(None))
    with pytest.raises(NotFound, match="kites:solo"):
        done(folder.jobs("nope", JobQuery()))


def test_a_run_is_found_by_id_folder_or_beginning(tmp_path: Path) -> None:
    for id_ in ("abc1", "abd2", "ab"):
        save(tmp_path, framed([start(id_), finish()]), id_)
    folder = LogFolder(tmp_path)
    asked = ["abc1", "abc", "ab", "run-20261122_124908-abd2", "run-20261122_124908-abc"]
    assert [done(folder.job(None, job)).id for job in asked] == ["abc1", "abc1", "ab", "abd2", "abc1"]
    with pytest.raises(BadInput, match="3 runs"):
        done(folder.job(None, "a"))
    for job in ("zzz", ""):
        with pytest.raises(NotFound):
            done(folder.job("demo", job))


def test_runs_that_share_an_id_are_named_by_their_folders(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    save(tmp_path, framed([start(began=START + 9), finish()]), day=23)
    folder = LogFolder(tmp_path)
    assert [job.id for job in done(folder.jobs(None, JobQuery())).items] == [
        "run-20261123_124908-abcd1234",
        "run-20261122_124908-abcd1234",
    ]
    (tmp_path / "run-20261123_124908-abcd1234").rename(tmp_path.parent / "moved")
    assert done(folder.job(None, "abcd1234")).id == "abcd1234"


def test_folders_that_are_no_runs_are_not_listed(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    (tmp_path / "notes").mkdir()
    (tmp_path / "run-20261122_124908-empty").mkdir()
    (tmp_path / "runs.swanlab").write_bytes(b"SQLite")
    (tmp_path / ".gitignore").write_text("*")
    assert [job.id for job in jobs(tmp_path)] == ["abcd1234"]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = save(tmp_path / "elsewhere", framed(ENDED))
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "run-20261122_124908-linked").symlink_to(secret)
    folder = tmp_path / "logs" / "run-20261122_124908-inner"
    (folder / "files").mkdir(parents=True)
    (folder / "run-inner.swanlab").symlink_to(secret / "run-abcd1234.swanlab")
    job = only(tmp_path / "logs")
    assert (job.id, job.status) == ("inner", Status.UNKNOWN)
    assert "out of its folder" in (job.error or "")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        done(LogFolder(tmp_path / "nothing").projects())


# ---- how they are


@pytest.mark.parametrize(
    ("state", "status"),
    [("FINISHED", Status.SUCCEEDED), ("CRASHED", Status.FAILED), ("ABORTED", Status.CANCELLED)],
)
def test_the_finish_record_tells_the_status(tmp_path: Path, state: str, status: Status) -> None:
    save(tmp_path, framed([start(), *POINTS, finish(state, "what\nhappened")]))
    job = only(tmp_path)
    assert (job.status, job.raw_status, job.error) == (status, state, "what\nhappened")
    assert job.elapsed is not None
    assert job.elapsed.total_seconds() == 60


def test_the_end_is_found_behind_a_long_error(tmp_path: Path) -> None:
    many = [point("loss", n, n / 4) for n in range(3000)]
    save(tmp_path, framed([start(), *many, finish("CRASHED", "x" * 5 * BLOCK)]))
    assert len(only(tmp_path).error or "") == 5 * BLOCK


def test_a_run_without_an_end_runs_as_long_as_it_shows_life(tmp_path: Path) -> None:
    folder = save(tmp_path, framed([start(), *POINTS]))
    assert (only(tmp_path).status, only(tmp_path).raw_status) == (Status.RUNNING, "UNFINISHED")
    grow_old(tmp_path)
    assert (only(tmp_path).status, only(tmp_path).raw_status) == (Status.UNKNOWN, "UNFINISHED")
    (folder / "logs" / "1").mkdir(parents=True)
    (folder / "logs" / "1" / "1000.log").touch()
    assert only(tmp_path).status is Status.RUNNING


def test_a_container_that_is_still_empty_is_a_young_run(tmp_path: Path) -> None:
    save(tmp_path, b"")
    job = only(tmp_path)
    assert (job.id, job.project, job.status, job.error) == ("abcd1234", UNKNOWN, Status.RUNNING, None)
    assert points_of(tmp_path) == {}
    (row,) = done(LogFolder(tmp_path).summary(UNKNOWN, None))
    assert row.values == {}


@pytest.mark.parametrize("content", [b"not a container at all", framed([start()])[:30], framed([b"\xff\xff"])])
def test_of_a_damaged_beginning_the_folder_tells_the_id(tmp_path: Path, content: bytes) -> None:
    save(tmp_path, content)
    grow_old(tmp_path)
    job = only(tmp_path)
    assert (job.id, job.name, job.status) == ("abcd1234", "run-20261122_124908-abcd1234", Status.UNKNOWN)
    assert "its container" in (job.error or "")


def test_a_run_without_container_is_listed_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "run-20261122_124908-gone1" / "logs").mkdir(parents=True)
    job = only(tmp_path)
    assert (job.id, job.error) == ("gone1", "it has no container")
    assert done(LogFolder(tmp_path).logs(None, "gone1"))[0].text == ""


def test_what_was_cut_is_noted(tmp_path: Path) -> None:
    save(tmp_path, framed([start(), *POINTS])[:-3])
    assert points_of(tmp_path) == {"loss": [(n, n / 4) for n in range(7)]}
    notes = notes_of(tmp_path)
    assert "run abcd1234: its container is cut or damaged at byte" in notes
    assert "has no end" in notes


def test_a_note_says_no_control_characters(tmp_path: Path) -> None:
    save(tmp_path, framed([start("evil\n\x1b[31m"), *POINTS]))
    assert "run evil: its container has no end" in notes_of(tmp_path)


def test_a_whole_run_needs_no_note(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    assert notes_of(tmp_path) == ""


def test_damage_in_the_middle_keeps_what_lies_before(tmp_path: Path) -> None:
    content = bytearray(framed([start(), *(point("loss", n, n / 4) for n in range(3000)), finish()]))
    content[BLOCK + 100] ^= 1
    save(tmp_path, bytes(content))
    assert only(tmp_path).status is Status.SUCCEEDED
    found = points_of(tmp_path)["loss"]
    assert found == [(n, n / 4) for n in range(len(found))]
    assert 100 < len(found) < 3000
    assert "cut or damaged" in notes_of(tmp_path)


def test_a_run_that_cannot_be_opened_does_not_hide_the_others(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    (tmp_path / "run-20261122_124908-gone1" / "files").mkdir(parents=True)
    folder = save(tmp_path, b"", "linked")
    (folder / "run-linked.swanlab").unlink()
    (folder / "run-linked.swanlab").symlink_to("/etc/hostname")
    assert len(points_of(tmp_path)["loss"]) == 8
    assert "run gone1: it has no container" in notes_of(tmp_path)
    assert "run linked: run-linked.swanlab cannot be read: the path leads out" in notes_of(tmp_path)


def test_a_run_that_grew_is_read_anew(tmp_path: Path) -> None:
    folder = LogFolder(tmp_path)
    save(tmp_path, framed([start(), *POINTS]))
    assert done(folder.job(None, "abcd1234")).status is Status.RUNNING
    save(tmp_path, framed(ENDED))
    assert done(folder.job(None, "abcd1234")).status is Status.SUCCEEDED


def test_listing_reads_only_the_ends_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swnb.stores.swanlab.framing import Frames

    save(tmp_path, framed([start(), *(point("loss", n, n / 4) for n in range(20_000)), finish()]))
    given = [0]
    whole: Callable[..., Any] = Frames.__iter__

    def counted(self: Frames) -> Any:
        for payload in whole(self):
            given[0] += 1
            yield payload

    monkeypatch.setattr(Frames, "__iter__", counted)
    assert only(tmp_path).status is Status.SUCCEEDED
    assert given[0] < 2000


# ---- metrics and summary


def test_metrics_come_in_the_order_asked(tmp_path: Path) -> None:
    system = point("__swanlab__.cpu.pct", 0, 50.0)
    save(tmp_path, framed([start(), point("b", 0, 1.0), point("a", 0, 2.0), system, finish()]))
    assert list(points_of(tmp_path)) == ["b", "a"]
    assert list(points_of(tmp_path, "a", "nope", "b", "a")) == ["a", "b"]
    assert points_of(tmp_path, "__swanlab__.cpu.pct") == {"__swanlab__.cpu.pct": [(0, 50.0)]}
    (row,) = done(LogFolder(tmp_path).summary("demo", ["abcd1234"]))
    assert set(row.values) == {f"{key}{part}" for key in "ab" for part in ("", ".min", ".max")}
    assert set(row.own) == {f"__swanlab__.cpu.pct{part}" for part in ("", ".min", ".max")}


def test_a_thinned_series_says_so(tmp_path: Path) -> None:
    save(tmp_path, framed(ENDED))
    with noting() as notes:
        assert points_of(tmp_path, steps=3) == {"loss": [(0, 0.0), (4, 1.0), (7, 1.75)]}
    assert notes == ["run abcd1234: metric loss: 3 of 8 points, because steps=3 was asked"]


def test_an_infinity_without_sign_is_noted(tmp_path: Path) -> None:
    footer = line("Footer", success=True, create_time="2026-11-22T12:41:35+00:00")
    save(tmp_path, framed([*first_lines(), scalar("grad", 0, "INF"), footer], 1), version=1)
    assert "infinity of grad is written without a sign" in notes_of(tmp_path)


def test_records_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    save(tmp_path, framed([start(), b"\xff", b"\xff\xff", *POINTS, finish()]))
    assert "2 records of its container could not be read" in notes_of(tmp_path)


# ---- as users see it


def test_frames_are_built_from_a_log_folder(tmp_path: Path) -> None:
    import swnb

    save(tmp_path, framed([start(), *POINTS, log("hello")])[:-2])
    where = f"swanlab+file://{tmp_path}"
    job = f"{where}/project/demo/job/abcd1234"
    assert swnb.jobs(where).loc[job, "status"] == "running"
    frame = swnb.metrics(where)
    assert list(frame["job"].unique()) == [job]
    assert list(frame["step"]) == list(range(8))
    assert str(frame["time"].dtype) == "datetime64[us, UTC]"
    assert frame["time"].iloc[0].timestamp() == START + 0.5
    assert "cut or damaged" in str(swnb.provenance(frame))
    assert swnb.summary(job, keys=["loss", "loss.max"]).loc[job, "loss.max"] == 1.75
    assert swnb.logs(job) == ""
