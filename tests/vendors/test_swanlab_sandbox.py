"""The official SwanLab SDKs read from the sandbox what is in it, and fill it: 0.7.20 and 0.10.3.

What they are told is compared with the box's own state; the names of the CSV's columns, for one, only they prove.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from environments import SWANLAB_010, SWANLAB_07, Environment
from swanlab_probe import KEYS
from swanlab_upload import CONFIG, ODD, PROJECT, STEPS, points

from swnb import sandbox
from swnb.sandbox.swanlab import SwanLab, shapes
from swnb.sandbox.swanlab.points import Points, summary
from swnb.sandbox.swanlab.runs import Run, StoredRun

HERE = Path(__file__).parent


def python_of(environment: Environment) -> Path:
    try:
        return environment.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


def run_sdk(environment: Environment, home: Path, url: str, script: str, *arguments: str) -> str:
    """What a script says that the SDK's own python runs, with settings of nobody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWANLAB_")}
    env = kept | {"HOME": str(home), "NO_PROXY": "127.0.0.1"}
    if "openapi" in arguments:
        env |= {"SWANLAB_API_HOST": f"{url}/api", "SWANLAB_WEB_HOST": url}
    command = [str(python_of(environment)), str(HERE / script), *arguments]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def platform_of(box: sandbox.Box) -> SwanLab:
    platform = box.platform("swanlab")
    assert isinstance(platform, SwanLab)
    return platform


@dataclass
class Probed:
    """What an SDK said about a run that ended well, in a world that stands still, and the world."""

    server: SwanLab
    run: Run
    runs: list[Run]
    said: dict[str, Any]

    def points(self, key: str) -> Points:
        found = self.run.points(key, self.server.now)
        assert found
        return found

    def summary(self) -> dict[str, Any]:
        return {key: summary(self.points(key)) for key in self.run.scalars(self.server.now)}


def probe(kind: str, environment: Environment, home: Path, generation: str = "new") -> Iterator[Probed]:
    with sandbox.run(("swanlab",), seed=3, jobs=60, clock="manual") as box:
        server = platform_of(box)
        server.generation = generation
        project = server.project(server.people.users[0], "ada", "mnist")
        runs = project.runs(server.now)
        run = next(run for run in runs if run.state(server.now) == "FINISHED")
        where = [box.url("swanlab"), box.token("swanlab"), f"ada/mnist/{run.cuid}"]
        said = json.loads(run_sdk(environment, home, where[0], "swanlab_probe.py", kind, *where))
        yield Probed(server, run, runs, said)


@pytest.fixture(scope="module", params=["new", "old"])
def openapi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    """From a server of today, and from one of its own time."""
    yield from probe("openapi", SWANLAB_07, tmp_path_factory.mktemp("openapi"), request.param)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    yield from probe("old", SWANLAB_07, tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    yield from probe("new", SWANLAB_010, tmp_path_factory.mktemp("new"))


def cells(values: list[Any]) -> list[str]:
    """Values of a probe in a form in which NaN equals NaN."""
    return [repr(float(value["$float"]) if isinstance(value, dict) else float(value)) for value in values]


def wanted(values: Any) -> list[str]:
    return [repr(float(value)) for value in values]


# OpenApi, 0.7


def test_openapi_lists_workspaces_and_the_projects_in_them(openapi: Probed) -> None:
    said = openapi.said
    assert [space["username"] for space in said["workspaces"]["data"]] == ["ada", "vision-lab"]
    assert {project["name"]: project["count"]["experiments"] for project in said["projects"]["data"]} == {
        project.name: len(project.runs(openapi.server.now))
        for project in openapi.server.projects
        if project.workspace == "ada"
    }
    assert [project["name"] for project in said["projects of a team"]["data"]] == ["kites"]
    assert {json.dumps(project["count"]) for project in said["projects without detail"]["data"]} == {"{}"}


def test_openapi_reads_every_page_of_experiments_newest_first(openapi: Probed) -> None:
    listed = openapi.said["experiments"]["data"]
    assert len(listed) > 10
    for shown, run in zip(listed, openapi.runs, strict=True):
        shape = shapes.run(openapi.server, run, detail="config")
        assert (shown["finishedAt"] or None) == shape["finishedAt"]
        assert {name: shown[name] for name in shown if name != "finishedAt"} == {
            name: shape[name] for name in shown if name != "finishedAt"
        }


def test_openapi_reads_a_run_with_its_whole_profile(openapi: Probed) -> None:
    assert openapi.said["experiment"]["data"]["profile"] == openapi.run.profile()


def test_openapi_gives_the_summary_under_its_own_names(openapi: Probed) -> None:
    expected = {
        key: {
            "step": each["step"],
            "value": each["value"],
            **{word: {"step": each[word]["index"], "value": each[word]["data"]} for word in ("min", "max")},
        }
        for key, each in openapi.summary().items()
    }
    assert openapi.said["summary"]["data"] == expected
    assert len(expected) == 7


def test_openapi_joins_the_keys_on_the_steps_that_all_have(openapi: Probed) -> None:
    frame = openapi.said["metrics"]["data"]
    common = set.intersection(*(set(openapi.points(key).steps) for key in KEYS))
    assert frame["index"] == sorted(common)
    assert set(frame["$frame"]) == {*KEYS, *(f"{key}_timestamp" for key in KEYS)}
    for key in KEYS:
        points = openapi.points(key)
        at = [place for place, step in enumerate(points.steps) if step in common]
        assert cells(frame["$frame"][key]) == wanted(points.values[place] for place in at)
        assert frame["$frame"][f"{key}_timestamp"] == [points.stamps[place] for place in at]


def test_openapi_reads_every_point_of_one_key(openapi: Probed) -> None:
    points = openapi.points("train/loss")
    frame = openapi.said["metrics of one key"]["data"]
    assert frame["index"] == list(points.steps)
    assert cells(frame["$frame"]["train/loss"]) == wanted(points.values)
    assert "nan" in wanted(points.values)


def test_openapi_reads_errors_from_status_and_reason(openapi: Probed) -> None:
    names = ("experiments of no project", "no experiment", "no summary", "delete nothing", "projects of nobody")
    said = [openapi.said[name] for name in names]
    assert {answer["code"] for answer in said} == {404}
    assert all(answer["errmsg"].startswith("api error: Not Found") for answer in said)
    assert openapi.said["no metrics"] == {"code": 404, "errmsg": "No data found", "data": {"$frame": {}, "index": []}}
    rest = openapi.said["metrics with a key that is not there"]["data"]
    assert (rest["index"], len(rest["$frame"])) == (list(openapi.points("lr").steps), 2)


def test_only_the_newest_sdk_sends_its_cookie_to_links(openapi: Probed, new: Probed) -> None:
    assert openapi.server.cookie_on_links == 0
    assert new.server.cookie_on_links > 0


# Api, 0.7


def test_the_old_api_reads_projects_runs_and_filters(old: Probed) -> None:
    assert [space["workspace_type"] for space in old.said["workspaces"]] == ["PERSON", "TEAM"]
    assert [project["name"] for project in old.said["projects"]] == ["mnist", "speech"]
    assert old.said["project"]["count"]["experiments"] == len(old.runs)
    assert old.said["runs"] == [run.cuid for run in old.runs]
    matching = [
        run.cuid
        for run in old.runs
        if run.state(old.server.now) == "FINISHED" and run.profile()["config"]["batch_size"]["value"] == 64
    ]
    assert old.said["runs that match"] == matching != []


def test_the_old_api_joins_all_steps_and_unwraps_the_config(old: Probed) -> None:
    frame = old.said["metrics"]
    every = sorted({step for key in KEYS for step in old.points(key).steps})
    assert frame["index"] == every
    for key in KEYS:
        points = old.points(key)
        held = dict(zip(points.steps, points.values, strict=True))
        assert cells(frame["$frame"][key]) == wanted(held.get(step, math.nan) for step in every)
    config = old.run.profile()["config"]
    assert old.said["run"]["profile"]["config"] == {name: each["value"] for name, each in config.items()}


# Api, 0.10


def test_the_new_api_reads_runs_by_filters_and_in_pages(new: Probed) -> None:
    ids = [run.cuid for run in new.runs]
    assert new.said["runs"] == new.said["runs in pages"] == ids
    now = new.server.now
    matching = [
        run.cuid
        for run in new.runs
        if run.state(now) == "FINISHED" and run.profile()["config"]["batch_size"]["value"] in {64, 128}
    ]
    assert new.said["runs that match"] == matching
    assert 0 < len(matching) < len(ids)
    assert new.said["after deleting"] == [cuid for cuid in ids if cuid != new.run.cuid]
    assert new.said["no run"] == "ValueError"


def test_the_new_api_reads_every_point(new: Probed) -> None:
    for found in new.said["all"]["list"]:
        points = new.points(found["key"])
        assert [point["step"] for point in found["metrics"]] == list(points.steps)
        assert cells([point["value"] for point in found["metrics"]]) == wanted(points.values)
        assert [point["timestamp"] for point in found["metrics"]] == list(points.stamps)
    assert [found["key"] for found in new.said["all"]["list"]] == KEYS
    assert [point["step"] for point in new.said["range"]["list"][0]["metrics"]] == list(range(10, 20))


def test_the_new_api_reads_lines_in_few_points_that_are_real_ones(new: Probed) -> None:
    for found in new.said["sampled"]["list"]:
        points = new.points(found["key"])
        real = set(zip(points.steps, points.values, points.stamps, strict=True))
        told = [(point["index"], point["data"], point["timestamp"]) for point in found["metrics"]]
        assert set(told) < real
        assert len(told) == 50
        assert (told[0][0], told[-1][0]) == (points.steps[0], points.steps[-1])
        assert found["max"]["data"] == summary(points)["max"]["data"]  # type: ignore[index]
    elapsed = [point["index"] for point in new.said["by time"]["list"][0]["metrics"]]
    stamps = new.points("lr").stamps
    assert (elapsed[0], elapsed[-1]) == (0, stamps[-1] - stamps[0])
    along = [point["index"] for point in new.said["along"]["list"][0]["metrics"]]
    assert set(along) <= set(new.points("val/accuracy").values)


def test_the_new_api_reads_summary_keys_and_console(new: Probed) -> None:
    assert new.said["summary"] == new.summary()
    assert list(new.said["summary of one"]) == ["lr"]
    assert sorted(new.said["series"]) == sorted(KEYS)
    assert new.said["system"] == ["__swanlab__.cpu.pct", "__swanlab__.mem.pct"]
    assert new.said["available"] == {"lr": [new.run.cuid], "nix": []}
    lines = new.run.lines(new.server.now)
    assert [line["message"] for line in new.said["logs"]["logs"]] == [line.message for line in lines]
    assert [line.split(" ", 2)[2] for line in new.said["log file"].splitlines()] == [line.message for line in lines]


# Uploads


@pytest.fixture(scope="module", params=[SWANLAB_07, SWANLAB_010], ids=["0.7.20", "0.10.3"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox.Box]:
    home = tmp_path_factory.mktemp("upload")
    with sandbox.run(("swanlab",), jobs=3) as box:
        where = box.url("swanlab"), box.token("swanlab"), str(home)
        run_sdk(request.param, home, where[0], "swanlab_upload.py", *where)
        yield box


def uploaded(box: sandbox.Box) -> dict[str, StoredRun]:
    server = platform_of(box)
    runs = server.project(server.people.users[0], "ada", PROJECT).runs(server.now)
    return {run.name: run for run in runs if isinstance(run, StoredRun)}


def same(held: dict[int, float], logged: dict[int, float]) -> bool:
    """As far as the SDK sends it: it has one word for NaN and infinities."""
    finite = {step: value for step, value in logged.items() if math.isfinite(value)}
    kept = {step: value for step, value in held.items() if math.isfinite(value)}
    return held.keys() == logged.keys() and kept == finite


def test_a_run_is_uploaded_live_and_another_by_sync(filled: sandbox.Box) -> None:
    runs = uploaded(filled)
    assert set(runs) == {"live", "synced"}
    for run in runs.values():
        assert run.state(0) == "FINISHED"
        assert (run.description, run.labels) == ("by the SDK", ["one", "two"])
        assert {name: each["value"] for name, each in run.profile()["config"].items()} == CONFIG
        own = {key: held for key, held in run.series.items() if not key.startswith("__swanlab__.")}
        assert own.keys() == points().keys()
        for key, logged in points().items():
            assert same({step: value for step, (value, _) in own[key].items()}, logged), key
        said = [line.message for line in run.lines(0)]
        assert [line for line in said if line.startswith("said at")] == [
            f"said at step {step}" for step in range(STEPS)
        ]


def test_what_was_uploaded_reads_back_point_by_point(filled: sandbox.Box) -> None:
    url = filled.url("swanlab")
    with httpx.Client(base_url=f"{url}/api", trust_env=False) as http:
        sid = http.post("/login/api_key", headers={"authorization": filled.token("swanlab")}).json()["sid"]
        http.headers["cookie"] = f"sid={sid}"
        for run in uploaded(filled).values():
            for key, logged in points().items():
                link = http.get(f"/experiment/{run.cuid}/column/csv", params={"key": key}).json()["url"]
                rows = list(csv.reader(io.StringIO(httpx.get(link, trust_env=False).text)))
                assert rows[0] == ["step", f"{run.name}-{key}_step", f"{run.name}-{key}_timestamp"]
                assert same({int(step): float(value) for step, value, _ in rows[1:]}, logged)
    assert any(not math.isfinite(value) for value in ODD.values())


def test_texts_are_uploaded_as_files_or_by_0_7_as_they_are(filled: sandbox.Box) -> None:
    server = platform_of(filled)
    for run in uploaded(filled).values():
        (media,) = run.media("note")
        assert (media.step, [more["caption"] for more in media.more]) == (STEPS, ["what it says"])
        file = f"{run.project_id}/{run.cuid}/{media.data[0]}"
        assert server.objects[file] == b"a text" if media.data[0].startswith("media/") else media.data == ["a text"]
