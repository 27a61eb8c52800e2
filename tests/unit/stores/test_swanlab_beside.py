"""What lies beside the containers of a log dir: the older log files, the config, and the log of a living run."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from swnb.call import noting
from swnb.model import JobInfo, JobQuery
from swnb.providers.base import LogPart
from swnb.stores.swanlab import LogFolder

from .swanlab_writing import (
    column,
    field,
    finish,
    first_lines,
    framed,
    grow_old,
    line,
    log,
    notes_of,
    point,
    points_of,
    record,
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


def logged(folder: Path, kid: int | str, *lines: str | dict[str, Any], file: str = "1000.log") -> None:
    place = folder / "logs" / str(kid)
    place.mkdir(parents=True, exist_ok=True)
    texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    (place / file).write_text("\n".join(texts), encoding="utf-8")


def entry(step: int, data: Any) -> dict[str, Any]:
    return {"index": step, "data": data, "create_time": "2026-11-22T12:51:31.933343+00:00"}


# ---- the older layout beside the container


def test_log_files_give_back_what_the_container_lost(tmp_path: Path) -> None:
    folder = save(tmp_path, framed([start(), column("acc"), *POINTS, point("acc", 0, 0.5)]))
    logged(folder, 1, entry(0, 0.5), entry(1, 0.75))
    logged(folder, 2, *(entry(n, n / 4) for n in range(10)), '{"index": 10, "da')
    logged(folder, 2, '{"index": 1000, "data": NaN}', entry(1001, -1e999), file="2000.log")
    found = points_of(tmp_path)
    assert found["acc"] == [(0, 0.5), (1, 0.75)]
    assert found["loss"][:10] == [(n, n / 4) for n in range(10)]
    assert str(found["loss"][10:]) == "[(1000, nan), (1001, -inf)]"


def test_a_run_that_ended_well_needs_no_log_files(tmp_path: Path) -> None:
    folder = save(tmp_path, framed(ENDED))
    logged(folder, 1, entry(0, 0.0), entry(99, 1.0))
    assert len(points_of(tmp_path)["loss"]) == 8


def test_at_the_same_step_the_container_counts(tmp_path: Path) -> None:
    folder = save(
        tmp_path, framed([*first_lines(), line("Column", key="loss", kid="0"), scalar("loss", 0, 1.0)], 1), version=1
    )
    logged(folder, 0, entry(0, 7.0), entry(1, "INF"))
    assert str(points_of(tmp_path)) == "{'loss': [(0, 1.0), (1, inf)]}"
    assert "without a sign" in notes_of(tmp_path)


@pytest.mark.parametrize("lines", [[entry(0, 9.0), entry(8, 1.0)], [entry(100, 1.0)]])
def test_points_of_an_uncertain_metric_are_left_out_and_noted(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    folder = save(tmp_path, framed([start(), *POINTS]))
    logged(folder, 1, *lines)  # other values than the container's, or no common step
    logged(folder, 7, entry(0, 1.0))
    logged(folder, 8, entry(0, ["a text"]))
    assert len(points_of(tmp_path)["loss"]) == 8
    notes = notes_of(tmp_path)
    assert "logs/1 belong to cannot be told" in notes
    assert "logs/7 belong to cannot be told" in notes
    assert "logs/8" not in notes


def dashboard(log_dir: Path, run: str, tags: dict[str, str]) -> None:
    """The part of runs.swanlab that names folders, left with its journal as a living writer does."""
    with closing(sqlite3.connect(log_dir / "made.db")) as made:
        made.execute("PRAGMA journal_mode=WAL")
        made.execute("CREATE TABLE experiment (id INTEGER PRIMARY KEY, run_id TEXT)")
        made.execute("CREATE TABLE tag (id INTEGER PRIMARY KEY, experiment_id INTEGER, name TEXT, folder TEXT)")
        made.execute("INSERT INTO experiment VALUES (5, ?)", (run,))
        made.executemany("INSERT INTO tag (experiment_id, name, folder) VALUES (5, ?, ?)", list(tags.items()))
        made.commit()
        for end in ("", "-wal"):
            (log_dir / f"runs.swanlab{end}").write_bytes((log_dir / f"made.db{end}").read_bytes())


def test_the_database_tells_which_metric_a_log_belongs_to(tmp_path: Path) -> None:
    folder = save(tmp_path, framed([start(), *POINTS]))
    dashboard(tmp_path, folder.name, {"loss": "3", "fresh": "4"})
    logged(folder, 3, entry(8, 2.0))
    logged(folder, 4, entry(0, 1.0))
    before = sorted(path.name for path in tmp_path.iterdir())
    found = points_of(tmp_path)
    assert (found["loss"][-1], found["fresh"]) == ((8, 2.0), [(0, 1.0)])
    assert points_of(tmp_path, "fresh") == {"fresh": [(0, 1.0)]}
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_database_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    folder = save(tmp_path, framed([start(), *POINTS]))
    (tmp_path / "runs.swanlab").write_bytes(b"no database" * 100)
    logged(folder, 1, *(entry(n, n / 4) for n in range(9)))
    assert len(points_of(tmp_path)["loss"]) == 9
    assert "runs.swanlab cannot be read" in notes_of(tmp_path)


# ---- files beside the container


def test_the_config_is_plain_and_in_the_order_of_its_making(tmp_path: Path) -> None:
    folder = save(tmp_path, framed(ENDED))
    text = "z: {desc: '', sort: 0, value: {value: 7}}\na: {desc: '', sort: 1, value: [1, 2026-11-22]}\n"
    (folder / "files" / "config.yaml").write_text(text)
    (folder / "files" / "swanlab-metadata.json").write_text('{"swanlab": {"version": "0.10.3"}}')
    (folder / "files" / "conda.yaml").write_text("name: base\n")
    job = done(LogFolder(tmp_path).job(None, "abcd1234"))
    assert list(job.config.items()) == [("z", {"value": 7}), ("a", [1, "2026-11-22"])]
    assert job.profile == {"metadata": {"swanlab": {"version": "0.10.3"}}, "conda": "name: base\n"}
    assert not only(tmp_path).config
    assert jobs(tmp_path, config=True)[0].config == job.config


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "!!python/object/apply:os.getcwd []", "a: &x {value: 1}\nb: *x", "x" * (5 << 20)]
)
def test_a_config_that_cannot_be_read_is_noted(tmp_path: Path, text: str) -> None:
    folder = save(tmp_path, framed(ENDED))
    (folder / "files" / "config.yaml").write_text(text)
    grow_old(tmp_path)
    with noting() as notes:
        assert done(LogFolder(tmp_path).job(None, "abcd1234")).config == {}
    assert "config.yaml cannot be read" in "".join(notes)


@pytest.mark.parametrize("name", ["../../secret.yaml", "/etc/hostname", "other.yaml"])
def test_the_container_names_files_of_its_own_folder_only(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.yaml").write_text("a: {value: 1}")
    folder = save(tmp_path, framed([*first_lines(), line("Runtime", config_filename=name)], 1), version=1)
    (folder / "files" / "other.yaml").write_text("b: {value: 2}")
    (folder / "files" / "config.yaml").write_text("c: {value: 3}")
    expected = {"b": 2} if name == "other.yaml" else {"c": 3}
    assert done(LogFolder(tmp_path).job(None, "abcd1234")).config == expected


# ---- logs


def follow(part: LogPart) -> LogPart:
    assert part.more is not None
    after: LogPart = done(part.more())
    return after


def test_the_log_of_a_living_run_goes_on(tmp_path: Path) -> None:
    begun = [start(), log("one"), log("two")]
    save(tmp_path, framed(begun))
    (part,) = done(LogFolder(tmp_path).logs("demo", "abcd1234"))
    assert part.text == "one\ntwo\n"
    part = follow(part)
    assert part.text == ""
    grown = [*begun, *POINTS, log("three")]
    save(tmp_path, framed([*grown, log("four" * 99)])[:-5])  # a record that is half written
    part = follow(part)
    assert part.text == "three\n"
    save(tmp_path, framed([*grown, log("four" * 99), finish()]))
    part = follow(part)
    assert (part.text, part.more) == ("four" * 99 + "\n", None)


def test_the_log_of_a_young_run_begins_when_its_container_does(tmp_path: Path) -> None:
    save(tmp_path, b"")
    (part,) = done(LogFolder(tmp_path).logs(None, "abcd1234"))
    save(tmp_path, framed([start(), log("one")]))
    part = follow(part)
    assert part.text == "one\n"


def test_a_run_that_shows_no_life_has_no_more_to_say(tmp_path: Path) -> None:
    save(tmp_path, framed([start(), log("one")]))
    (part,) = done(LogFolder(tmp_path).logs(None, "abcd1234"))
    old = time.time() - 3600
    os.utime(next(tmp_path.glob("run-*/run-*.swanlab")), (old, old))
    assert follow(part).more is None


def test_a_file_name_of_any_bytes_is_data(tmp_path: Path) -> None:
    save_record = record(20, field(1, "config") + field(2, "/etc/passwd") + field(3, "../../../etc/passwd"))
    save(tmp_path, framed([start("../../evil"), save_record, finish()]))
    assert only(tmp_path).id == "../../evil"
    assert done(LogFolder(tmp_path).job(None, "../../evil")).profile == {}
