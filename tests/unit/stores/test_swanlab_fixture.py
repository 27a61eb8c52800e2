"""Twenty real runs, written by three versions of the SDK, read as the fixture says an independent reader reads them."""

from __future__ import annotations

import json
import math
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swnb.model import JobInfo, JobQuery, Series, Status
from swnb.stores.swanlab import LogFolder
from swnb.stores.swanlab.framing import Frames, version_of
from swnb.stores.swanlab.protobuf import fields

from .conftest import DATA
from .writing import done

EXPECTED = json.loads((DATA / "swanlab-local.expected.json").read_text(encoding="utf-8"))["runs"]
STATUS = {
    "FINISHED": Status.SUCCEEDED,
    "CRASHED": Status.FAILED,
    "ABORTED": Status.CANCELLED,
    "UNFINISHED": Status.UNKNOWN,
}
CHECKED = {
    *("sdk", "mode", "log_dir", "dir", "file", "container_version", "project", "name", "run_id", "config", "end"),
    *("config_as_stored", "description", "tags", "group", "job_type", "state", "readable_tail", "records", "logged"),
    *("readable", "system_keys", "text_steps", "log_lines", "error_contains"),
}
each_run = pytest.mark.parametrize("run", EXPECTED, ids=[f"{run['log_dir']}-{run['name']}" for run in EXPECTED])
Run = dict[str, Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("swanlab")
    with tarfile.open(DATA / "swanlab-local.tar.gz") as archive:
        archive.extractall(place, filter="data")
    return place / "swanlab-local"


@pytest.fixture(scope="module")
def folder(root: Path) -> Callable[[Run], LogFolder]:
    return lambda run: LogFolder(root / run["log_dir"])


def payloads(root: Path, run: Run) -> tuple[list[bytes], bool]:
    path = root / run["log_dir"] / run["dir"] / run["file"]
    with path.open("rb") as file:
        assert version_of(file.read(7)) == run["container_version"]
        frames = Frames(file, path.stat().st_size)
        return list(frames), frames.whole


def told(series: Series) -> dict[str, Any]:
    """A series as the fixture sums it up."""
    finite = [value for value in series.value if math.isfinite(value)]
    last = series.value[-1]
    return {
        "count": len(series.step),
        "first_step": series.step[0],
        "last_step": series.step[-1],
        "last_value": last if math.isfinite(last) else str(last),
        "min": min(finite),
        "max": max(finite),
        "nonfinite": len(series.value) - len(finite),
    }


def test_every_field_of_the_fixture_is_checked() -> None:
    assert {name for run in EXPECTED for name in run} == CHECKED


def test_a_log_dir_may_hold_runs_of_several_projects(root: Path) -> None:
    for name in sorted({run["log_dir"] for run in EXPECTED}):
        expected = {run["project"] for run in EXPECTED if run["log_dir"] == name}
        found = done(LogFolder(root / name).projects())
        assert {project.id for project in found.items} == expected
        assert sum(project.jobs for project in found.items) == 5
        jobs = done(LogFolder(root / name).jobs(None, JobQuery())).items
        assert [job.own["folder"] for job in jobs] == sorted((job.own["folder"] for job in jobs), reverse=True)


@each_run
def test_a_run_says_what_the_script_told_the_sdk(folder: Callable[[Run], LogFolder], run: Run) -> None:
    job: JobInfo = done(folder(run).job(run["project"], run["run_id"]))
    assert (job.id, job.project, job.name, job.own["folder"]) == (
        run["run_id"],
        run["project"],
        run["name"],
        run["dir"],
    )
    own = {name: job.own[name] for name in ("description", "tags", "group", "job_type")}
    assert own == {name: run[name] for name in own}
    assert (job.status, job.raw_status) == (STATUS[run["state"]], run["state"])
    assert run.get("error_contains", "") in (job.error or "")
    assert (job.error is None) == (run["end"] in ("finish", "running"))
    assert (job.finished is None) == (run["end"] == "running") == (job.elapsed is None)


@each_run
def test_the_config_is_the_stored_one_in_its_order(folder: Callable[[Run], LogFolder], run: Run) -> None:
    job = done(folder(run).job(None, run["run_id"]))
    assert job.config == run["config_as_stored"]
    assert list(job.config) == list(run["config"])
    assert "pip" in job.profile["requirements"] or "==" in job.profile["requirements"]
    metadata = json.dumps(job.profile["metadata"])
    assert run["sdk"] in metadata
    listed = done(folder(run).jobs(run["project"], JobQuery(config=True))).items
    assert next(each for each in listed if each.id == job.id).config == job.config


@each_run
def test_the_container_is_read_to_its_last_whole_record(root: Path, run: Run) -> None:
    found, whole = payloads(root, run)
    assert len(found) == run["records"]
    assert whole == (run["readable_tail"] == "clean")


@each_run
def test_the_points_are_what_an_independent_reader_gets(folder: Callable[[Run], LogFolder], run: Run) -> None:
    expected = run["readable"]
    if run["container_version"] == 1:  # an infinity has no sign there
        expected = {key: each | {"last_value": str(each["last_value"]).lstrip("-")} for key, each in expected.items()}
    found = {series.metric: told(series) for series in done(folder(run).metrics(None, [run["run_id"]], None, None))}
    if run["container_version"] == 1:
        found = {key: each | {"last_value": str(each["last_value"]).lstrip("-")} for key, each in found.items()}
    assert found == expected
    if run["end"] != "running":
        assert {key: each["count"] for key, each in found.items()} == {
            key: each["count"] for key, each in run["logged"].items()
        }


@each_run
def test_points_have_their_times(folder: Callable[[Run], LogFolder], run: Run) -> None:
    job = done(folder(run).job(None, run["run_id"]))
    began = int(job.started.timestamp() * 1e6)
    for series in done(folder(run).metrics(None, [run["run_id"]], None, None)):
        assert len(series.time) == len(series.step)
        assert list(series.time) == sorted(series.time)
        assert began <= series.time[0] <= series.time[-1] < began + 60_000_000


@each_run
def test_the_summary_has_last_least_and_greatest_value(folder: Callable[[Run], LogFolder], run: Run) -> None:
    (row,) = done(folder(run).summary(None, [run["run_id"]]))
    readable = run["readable"]
    assert {key for key in row.values if not key.endswith((".min", ".max"))} == set(readable)
    for key, each in readable.items():
        assert (row.values[f"{key}.min"], row.values[f"{key}.max"]) == (each["min"], each["max"])
        if not each["nonfinite"]:
            assert (row.values[key], row.steps[f"{key}.step"]) == (each["last_value"], each["last_step"])
        assert {f"{key}.min_step", f"{key}.max_step"} <= set(row.steps)
    system = {key for key in row.own if not key.endswith((".min", ".max"))}
    assert system == set(run["system_keys"])
    assert (row.id, row.project) == (run["run_id"], run["project"])


@each_run
def test_the_log_has_all_lines(folder: Callable[[Run], LogFolder], run: Run) -> None:
    (part,) = done(folder(run).logs(None, run["run_id"]))
    inner = (done(folder(run).job(None, run["run_id"])).error or "").count("\n") if run["container_version"] == 1 else 0
    assert part.text.count("\n") - inner == run["log_lines"]
    assert part.text.startswith(f"swanlab: Tracking run with swanlab version {run['sdk']}\n")
    assert (f"worker says hello from {run['name']}\n" in part.text) == (run["log_lines"] > 3)
    assert part.more is None  # nobody has written to these for long


@each_run
def test_text_media_are_no_metrics(root: Path, run: Run) -> None:
    assert "sample" not in run["readable"]
    found, _ = payloads(root, run)
    if run["container_version"] == 1:
        lines = [json.loads(payload) for payload in found]
        steps = [each["data"]["step"] for each in lines if each["model_type"] == "Media"]
    else:
        media = [dict(fields(content)) for payload in found for number, content in fields(payload) if number == 14]
        steps = [each.get(2, 0) for each in media]
    assert steps == run["text_steps"]


def test_reading_leaves_no_trace_in_the_folder(root: Path) -> None:
    place = root / "v10-local"
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in place.rglob("*")}
    done(LogFolder(place).summary(None, None))
    assert {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in place.rglob("*")} == before
