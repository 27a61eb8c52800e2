"""The official Supervisely SDK reads the sandbox and acts on it, and the box then holds what it said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from environments import SUPERVISELY

from swnb import sandbox
from swnb.sandbox.supervisely import Supervisely

PROBE = Path(__file__).with_name("supervisely_probe.py")
WORKSPACE = 8101


@pytest.fixture(scope="module")
def python() -> Path:
    try:
        return SUPERVISELY.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")


@pytest.fixture(scope="module")
def box() -> Iterator[sandbox.Box]:
    with sandbox.run(["supervisely"], seed=3, jobs=60, clock="manual") as running:
        yield running


def facts_of(box: sandbox.Box, folder: Path) -> dict[str, Any]:
    """What the probe is told of the box: tasks of the first team, one of each sort."""
    server: Supervisely = box.platform("supervisely")
    place = server.workspace(WORKSPACE)
    now = box.clock.now

    def some(status: str, number: int = 0) -> int:
        found = [task for task in server.tasks.values() if task.status(now) == status]
        return [task.id for task in found if task.place.team is place.team][number]

    measured = [task for task in server.tasks_of(place) if "experiment" in task.meta(now)["output"]]
    return {
        "url": box.url("supervisely"),
        "token": box.token("supervisely"),
        "user": box.user("supervisely"),
        "team": 451,
        "workspace": WORKSPACE,
        "project": 7310,
        "agent": 61,
        "app": 410,
        "module": 601,
        "slug": "acme/train-classifier",
        "file": server.team_files(place.team)[0].id,
        "finished": measured[0].id,
        "failed": some("error"),
        "started": some("started", 0),
        "to stop": some("started", 1),
        "fields": some("finished", 2),
        "outputs": some("finished", 1),
        "queued": some("queued"),
        "stopped": some("stopped"),
        "clone": server.tasks_of(place)[0].id,
        "now": "2026-11-22T16:00:00.000Z",
        "folder": str(folder),
    }


@pytest.fixture(scope="module")
def facts(box: sandbox.Box, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return facts_of(box, tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def before(box: sandbox.Box, facts: dict[str, Any]) -> dict[str, Any]:
    """The records of the workspace as they are before the SDK acts."""
    server: Supervisely = box.platform("supervisely")
    tasks = server.tasks_of(server.workspace(WORKSPACE))
    return {str(task.id): json.loads(bytes(task.record(server.now))) for task in tasks}


@pytest.fixture(scope="module")
def said(
    python: Path,
    facts: dict[str, Any],
    before: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    (home / "facts.json").write_text(json.dumps(facts))
    kept = {name: value for name, value in os.environ.items() if name not in {"SUPERVISELY_TASK_ID", "API_TOKEN"}}
    env = kept | {"HOME": str(home), "SERVER_ADDRESS": facts["url"]}
    command = [str(python), "-W", "ignore", str(PROBE), str(home / "facts.json")]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_lists_come_whole_by_pages_and_by_cursor(said: dict[str, Any], before: dict[str, Any]) -> None:
    lists = said["lists"]
    ids = [int(number) for number in before]
    assert lists["all"] == list(before.values())
    assert lists["pages"] == ids == [number for page in lists["generated"] for number in page]
    assert lists["counts"] == [len(page) for page in lists["generated"]]
    assert lists["first"] == ["entities", "pagesCount", "perPage", "total"]
    assert lists["none"] == []
    assert (lists["page mode"], lists["unknown workspace"]) == ("KeyError", "HTTPError")  # paper 1.6


def test_lists_are_filtered_sorted_and_cut(said: dict[str, Any], before: dict[str, Any]) -> None:
    lists = said["lists"]
    ended = [task["id"] for task in before.values() if task["status"] in {"finished", "error"}]
    assert lists["ended"] == ended
    assert lists["limited"] == [int(number) for number in before][:7]
    starts = [before[str(number)]["startedAt"] for number in lists["newest"]]
    begun = [start for start in starts if start]
    assert starts == [None] * (len(starts) - len(begun)) + sorted(begun, reverse=True)


def test_a_task_reads_as_the_server_holds_it(said: dict[str, Any], facts: dict[str, Any]) -> None:
    info = said["reads"]["info"]
    assert {name: task["id"] for name, task in info.items()} == {name: facts[name] for name in info}
    assert said["reads"]["status"] == {name: info[name]["status"] for name in said["reads"]["status"]}
    assert info["clone"]["finishedAt"] < info["clone"]["startedAt"]  # paper 3.1
    experiment = info["finished"]["meta"]["output"]["experiment"]["data"]
    assert experiment["task_id"] == facts["finished"]
    assert info["failed"]["meta"]["output"]["general"]["isError"] is True
    context = said["reads"]["context"]
    assert (context["team"]["id"], context["workspace"]["id"]) == (
        info["started"]["teamId"],
        info["started"]["workspaceId"],
    )


def test_what_is_not_there_is_none_or_an_error(said: dict[str, Any]) -> None:
    reads = said["reads"]
    assert reads["unknown"] is None
    assert (reads["status of nothing"], reads["context of nothing"]) == ("TypeError", "HTTPError")
    assert reads["running"] == reads["ready"] == [True, False]


def test_the_log_is_read_from_a_moment_on(said: dict[str, Any]) -> None:
    logs, two = said["reads"]["logs"], said["reads"]["two logs"]
    stamps = [line["timestamp"] for line in logs]
    assert stamps == sorted(stamps)
    assert {"metrics", "progress", "checkpoint"} <= {line["message"] for line in logs}
    assert {line["level"] for line in logs} >= {"info", "warn", "debug"}
    first = stamps.index(stamps[10])
    assert two == logs[first : first + 2]


def test_waiting_ends_as_the_paper_says(said: dict[str, Any]) -> None:
    assert said["waits"] == {
        "finished": None,
        "stopped instead": None,
        "target": None,
        "failed": "TaskFinishedWithError",
        "too long": "WaitingTimeExceeded",
        "raised": "TaskFinishedWithError",
        "not raised": "no error",
    }


def test_teams_agents_and_apps_read_through_the_sdk(said: dict[str, Any], facts: dict[str, Any]) -> None:
    around = said["around"]
    assert [team["name"] for team in around["teams"]] == ["vision-lab", "speech-lab"]
    assert around["no team"] is None
    assert [space["name"] for space in around["workspaces"]] == ["mnist", "kites"]
    assert around["workspace"] == {"id": 8101, "name": "mnist"}
    assert [each["id"] for each in around["projects"]] == [7310, 7311]
    assert around["team projects"] == [7310, 7311, 7320, 7321]
    assert [agent["status"] for agent in around["agents"]] == ["running", "waiting"]
    assert around["available"] == [61]
    assert around["arguments"] == {"lr": 0.01, "batch_size": 64, "epochs": 20, "slyProjectId": 7310}
    assert around["wrong target"] == "KeyError"
    assert len(around["apps"]) == 5
    assert facts["finished"] in around["sessions"]


def test_fields_are_replaced_merged_and_merged_deep(said: dict[str, Any]) -> None:
    assert said["fields"] == {
        "replace": {"b": {"s": 3}},
        "shallow": {"a": {"p": 1}, "b": {"s": 3}},
        "deep": {"a": {"p": 1}, "b": {"q": 1, "r": 2, "s": 3}},
        "several": {"state.a": 1, "state.b": "x", "state.c": None, "data.rows[0].y": [1, 2, 3]},
        "missing": "KeyError",
        "no payload": "KeyError",
    }


def test_every_kind_of_output_lands_in_the_task(said: dict[str, Any], facts: dict[str, Any], box: sandbox.Box) -> None:
    outputs = said["outputs"]
    titles = {kind: outputs[kind]["general"]["title"] for kind in ("report", "archive", "file", "directory", "error")}
    assert titles == {
        "report": "report.json",
        "archive": "a.tar",
        "file": "a.txt",
        "directory": "/made/up/",
        "error": "It broke",
    }
    assert outputs["archive"]["general"]["titleUrl"] != outputs["archive by url"]["general"]["titleUrl"]
    assert outputs["unknown project"] != "no error"
    held = box.platform("supervisely").task(facts["outputs"]).outputs
    assert held["project"] == {"id": facts["project"], "title": "mine"}
    assert held["experiment"] == {"data": {"task_id": facts["outputs"], "evaluation_metrics": {"f1": 0.5}}}
    assert held["general"]["title"] == "All well"


def test_started_tasks_are_queued_and_go_on_by_the_clock(
    said: dict[str, Any], facts: dict[str, Any], box: sandbox.Box
) -> None:
    server: Supervisely = box.platform("supervisely")
    control = said["control"]
    begun = [control["by app"]["id"], control["by module"]["id"], control["session"]]
    assert len(set(begun)) == 3
    by_app, by_module = (control["new"][str(number)] for number in begun[:2])
    assert by_app["meta"]["params"] == {"state": {"k": 1}}
    assert (by_app["meta"]["name"], by_module["meta"]["app"]["version"]) == ("by app", "dev")
    assert {task["status"] for task in (by_app, by_module)} == {"queued"}
    assert server.task(control["session"]).launch["params"] == {"state": {"k": 2}}
    words = []
    for seconds in (0, 3, 7, 60):
        box.clock.advance(seconds)
        words.append({server.task(number).status(box.clock.now) for number in begun})
    assert words == [{"queued"}, {"consumed"}, {"started"}, {"finished"}]
    assert server.task(facts["to stop"]).status(box.clock.now) == "stopped"


def test_control_calls_answer_and_are_kept(said: dict[str, Any], facts: dict[str, Any], box: sandbox.Box) -> None:
    control, server = said["control"], box.platform("supervisely")
    assert (control["stop"], control["after stop"], control["told status"]) == ("terminating", "terminating", "started")
    assert control["echo"]["echo"]["state"] == {"k": 1}
    assert control["echo"]["echo"]["context"] == {"u": 1, "outside_request": True}
    assert control["silent"] == {"success": True}
    assert [line["level"] for line in control["last log"]] == ["warn"]
    assert control["meta"]["note"] == "x"
    assert server.task(facts["started"]).told["agentStorageFolder"] == {"hostDir": "/srv/agent", "folder": "app_data/x"}
    refused = {name: control[name] for name in ("neither", "unknown agent", "no dict", "stop ended", "stop clone")}
    assert refused == {
        "neither": "ValueError",
        "unknown agent": "HTTPError",
        "no dict": "TypeError",
        "stop ended": "HTTPError",
        "stop clone": "HTTPError",
    }


def test_uploads_reach_the_task_that_speaks(said: dict[str, Any], facts: dict[str, Any], box: sandbox.Box) -> None:
    assert said["uploads"] == {"counts": [0, 4, 1, 2], "uneven": "RuntimeError"}
    assert box.platform("supervisely").task(facts["started"]).files == {
        "a.txt": b"alpha\r\n\r\n",
        "dir/b.txt": b"beta\n",
        "again.txt": b"alpha\r\n\r\n",
        "c.txt": b"gamma",
    }


def test_the_sdk_signs_in_and_finds_experiments_by_itself(
    said: dict[str, Any], before: dict[str, Any], box: sandbox.Box
) -> None:
    beside, server = said["beside"], box.platform("supervisely")
    assert beside["session"] == {"token": True, "workspace": WORKSPACE}
    assert beside["wrong password"] == "RuntimeError"
    assert beside["abreast"] == [int(number) for number in before]
    known = {info["task_id"]: info["evaluation_metrics"] for info in beside["experiments"]}
    lost = known.keys() - server.tasks.keys()
    assert len(lost) == 1
    held = {number: server.task(number).results["experiment"]["data"] for number in known.keys() - lost}
    assert {number: data["evaluation_metrics"] for number, data in held.items()} == {
        number: known[number] for number in held
    }
    assert len(held) > 2
