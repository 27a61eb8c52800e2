"""The verbs on the sandbox's SwanLab, newer and older: frames end to end, sign-ins, links, faults."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from boxes import asked

import swnb
from swnb import sandbox
from swnb.errors import ActionsOff, BadReply, Forbidden, NotFound, TokenRejected, Unsupported
from swnb.sandbox import Box

LINKS = "^/object-storage/"
LOGIN = "^/api/login/api_key$"
ODD = [math.nan, math.inf, -math.inf, 1e-300, -0.5]


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(platforms=("swanlab",), seed=1, clock="manual") as box:
        swnb.connect("swl", box.uri("swanlab"), token=box.token("swanlab"))
        yield box
        box.faults.clear()
        swnb.forget("swl")


@pytest.fixture(params=["new", "old"])
def lab(request: pytest.FixtureRequest, box: Box) -> Any:
    """The server's dials, as it is of either generation."""
    server: Any = box.platform("swanlab")
    server.generation = request.param
    return server


def job(cuid: str, project: str = "ada:mine") -> str:
    return f"swl/project/{project}/job/{cuid}"


Given = dict[str, list[tuple[int, float]]]


def put(box: Box, name: str = "one", given: Given | None = None) -> str:
    """A run in a project of its own; its URI."""
    server: Any = box.platform("swanlab")
    given = given or {"loss": [(n, 1 / (n + 1)) for n in range(20)], "train/acc": [(n, n / 20) for n in range(5, 20)]}
    config = {"lr": 0.1, "net": {"depth": 3}}
    return job(server.add_run("ada", "mine", name, given, config=config))


def opened(uri: str) -> swnb.Job:
    found = swnb.open(uri)
    assert isinstance(found, swnb.Job)
    return found


def points(frame: pd.DataFrame, metric: str) -> list[tuple[int, float]]:
    some = frame[frame.metric == metric]
    return list(zip(some.step, some.value, strict=True))


def lost(box: Box) -> int:
    """Requests for links that showed our cookie or key."""
    server: Any = box.platform("swanlab")
    return int(server.cookie_on_links)


def address(row: Any) -> str:
    return f"swl/project/{row.project}/job/{row.id}"


# -- frames


def test_projects_of_all_workspaces_are_listed(lab: Any) -> None:
    frame = swnb.projects("swl")
    assert sorted(frame.id) == sorted(f"{each.workspace}:{each.name}" for each in lab.projects)
    assert list(frame.jobs) == [len(lab.find_project(*id_.split(":")).runs(lab.now)) for id_ in frame.id]
    assert swnb.provenance(frame).complete


def test_jobs_come_newest_first_with_states_and_config(lab: Any) -> None:
    frame = swnb.jobs("swl", config=True)
    there = [run for project in lab.projects for run in project.runs(lab.now)]
    assert frame.created.is_monotonic_decreasing
    assert sorted(frame.cuid) == sorted(run.cuid for run in there)
    assert dict(zip(frame.cuid, frame.raw_status, strict=True)) == {run.cuid: run.state(lab.now) for run in there}
    assert any(column.startswith("config.") for column in frame.columns)
    assert frame.finished.notna().equals(frame.status.isin(["succeeded", "failed", "cancelled"]))


def test_a_config_is_flattened_without_its_wrapper(box: Box, lab: Any) -> None:
    row = swnb.jobs(put(box), config=True).iloc[0]
    assert (row["config.lr"], row["config.net.depth"]) == (0.1, 3)


def test_series_are_the_servers_points_to_the_last_bit(box: Box, lab: Any) -> None:
    given: Given = {"odd": list(enumerate(ODD)), "late": [(10**12, 0.1)], "gaps": [(0, 1.0), (3, 2.0), (700, 3.0)]}
    uri = put(box, 'a, "b" - c_step', given)
    frame = swnb.metrics(uri, list(given))
    for key, wanted in given.items():
        found = points(frame, key)
        assert [step for step, _ in found] == [step for step, _ in wanted]
        assert [repr(value) for _, value in found] == [repr(value) for _, value in wanted]
    first = frame[frame.metric == "gaps"].time.iloc[-1] - frame[frame.metric == "gaps"].time.iloc[0]
    assert first == pd.Timedelta(seconds=700)
    assert lost(box) == 0


def test_system_metrics_are_shown_when_they_are_asked_for_only(box: Box, lab: Any) -> None:
    uri = put(box, "one", {"loss": [(1, 2.0)], "__swanlab__.cpu.pct": [(1, 50.0)]})
    assert set(swnb.metrics(uri).metric) == {"loss"}
    assert set(swnb.metrics(uri, ["__swanlab__.cpu.pct"]).metric) == {"__swanlab__.cpu.pct"}
    assert list(swnb.summary(uri).columns) == ["id", "loss", "loss.min", "loss.max"]


def test_a_summary_agrees_with_the_series(box: Box, lab: Any) -> None:
    uri = put(box, "one", {"loss": [(0, 3.0), (1, 1.0), (2, 2.0), (3, math.nan)]})
    row = swnb.summary(uri, steps=True).iloc[0]
    assert (row["loss"], row["loss.min"], row["loss.max"]) == (2.0, 1.0, 3.0)
    assert (row["loss.step"], row["loss.min_step"], row["loss.max_step"]) == (2, 1, 0)


def test_a_summary_of_a_project_is_one_request_for_all_its_runs(box: Box, lab: Any) -> None:
    uris = [put(box, f"run {n}", {"loss": [(1, float(n))]}) for n in range(30)]
    swnb.summary("swl/project/ada:mine")
    assert asked(box, "summaries") in (1, 2)  # an older server is found out by its refusal
    box.requests.clear()
    frame = swnb.summary("swl/project/ada:mine")
    assert {uri: frame.loss[uri] for uri in uris} == {uri: float(n) for n, uri in enumerate(uris)}
    assert asked(box, "summaries") == 1


def test_wide_frames_and_fewer_points_work_too(box: Box, lab: Any) -> None:
    uri = put(box, "one", {"loss": [(n, float(n)) for n in range(1000)]})
    few = swnb.metrics(uri, ["loss"], steps=50)
    assert 2 <= len(few) <= 50
    assert [few.step.iloc[0], few.step.iloc[-1]] == [0, 999]
    assert len(swnb.metrics(uri, ["loss"], wide=True)) == 1000


def test_that_a_server_sampled_is_told(box: Box) -> None:
    uri = put(box, "one", {"loss": [(n, float(n)) for n in range(1000)]})
    said = repr(swnb.provenance(swnb.metrics(uri, ["loss"], steps=50)))
    assert "sampled by the server to 50 points, because steps=50 was asked" in said


def test_relative_links_are_followed_on_the_same_host(box: Box) -> None:
    server: Any = box.platform("swanlab")
    server.generation, server.relative_links = "old", True
    assert len(swnb.metrics(put(box), ["loss"])) == 20
    assert lost(box) == 0


def test_logs_come_whole_from_a_newer_server(box: Box) -> None:
    server: Any = box.platform("swanlab")
    ended = swnb.jobs("swl", status="succeeded").iloc[0]
    project = server.find_project(*ended.project.split(":"))
    wanted = [line.message for line in server.run(project, ended.cuid).lines(server.now)]
    assert wanted
    assert swnb.logs(address(ended)).splitlines() == wanted

    async def followed() -> list[str]:
        return [line async for line in opened(address(ended)).follow()]

    assert asyncio.run(followed()) == wanted


def test_an_older_server_has_no_logs_and_says_so(box: Box) -> None:
    server: Any = box.platform("swanlab")
    server.generation = "old"
    assert swnb.logs(put(box)) == ""


def test_a_job_is_found_by_slug_and_cuid(box: Box, lab: Any) -> None:
    cuid = lab.add_run("ada", "mine", "named", {}, slug="my-slug")
    assert list(swnb.jobs([job("my-slug"), job(cuid)]).index) == [job("my-slug")]


def test_a_running_job_shows_what_it_has_so_far(box: Box, lab: Any) -> None:
    running = swnb.jobs("swl", status="running").iloc[0]
    before = len(swnb.metrics(address(running)))
    box.clock.advance(120)
    assert len(swnb.metrics(address(running))) > before


def test_delete_is_refused_until_it_is_meant(box: Box, lab: Any) -> None:
    uri = put(box)
    with pytest.raises(ActionsOff):
        opened(uri).delete()
    opened(uri).delete(yes=True)
    with pytest.raises(NotFound):
        swnb.jobs(uri)
    assert uri not in swnb.summary("swl/project/ada:mine").index


# -- what is not there


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("swl/project/eve:kites", "no workspace 'eve'"),
        ("swl/project/ada:nothing", "There are: "),
        ("swl/project/ada:mine/job/zzz", "has no job 'zzz'"),
    ],
)
def test_what_is_missing_is_told_with_what_there_is(box: Box, lab: Any, uri: str, said: str) -> None:
    put(box)
    with pytest.raises(NotFound, match=said):
        swnb.jobs(uri)
    with pytest.raises(NotFound, match=said):
        swnb.summary(uri)


def test_a_key_that_no_job_has_is_told(box: Box, lab: Any) -> None:
    with pytest.raises(NotFound, match="accuracies"):
        swnb.metrics(put(box), ["accuracies"])


def test_a_key_that_one_job_lacks_leaves_the_other(box: Box, lab: Any) -> None:
    one, two = put(box, "one", {"a": [(1, 1.0)]}), put(box, "two", {"a": [(1, 2.0)], "b": [(1, 3.0)]})
    frame = swnb.metrics([one, two], ["b", "a"])
    assert sorted(zip(frame.job, frame.metric, strict=True)) == sorted([(one, "a"), (two, "a"), (two, "b")])


@pytest.mark.parametrize("verb", [swnb.tasks, swnb.events])
def test_what_swanlab_has_not_is_unsupported(box: Box, verb: Any) -> None:
    with pytest.raises(Unsupported):
        verb(put(box))


# -- signing in


def test_many_calls_take_one_sign_in(box: Box, lab: Any) -> None:
    swnb.jobs("swl")
    swnb.metrics(put(box))
    swnb.summary("swl/project/ada:mine")
    assert box.requests.count(LOGIN) == 1


def test_a_sid_that_went_bad_is_made_anew_once(box: Box, lab: Any) -> None:
    swnb.jobs("swl")
    lab.expire()
    box.requests.clear()
    assert len(swnb.jobs("swl")) > 0
    assert box.requests.count(LOGIN) == 1


def test_a_server_that_takes_no_sid_is_not_asked_for_ever(box: Box) -> None:
    box.faults.add("expire", path="^/api/(project|group|user)")
    with pytest.raises(TokenRejected) as caught:
        swnb.jobs("swl/project/ada:mnist")
    assert box.requests.count(LOGIN) == 2
    assert box.token("swanlab") not in str(caught.value)


def test_a_sid_is_renewed_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox.run(platforms=("swanlab",), seed=1) as box:  # its clock runs with ours
        server: Any = box.platform("swanlab")
        server.sid_seconds = 3600
        swnb.connect("swl", box.uri("swanlab"), token=box.token("swanlab"))
        swnb.jobs("swl/project/ada:mnist")
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 3000)
        swnb.jobs("swl/project/ada:mnist")
        assert box.requests.count(LOGIN) == 1
        monkeypatch.setattr(time, "time", lambda: now() + 3400)
        swnb.jobs("swl/project/ada:mnist")
        assert box.requests.count(LOGIN) == 2
        assert box.requests.count(status=401) == 0
        monkeypatch.undo()
        swnb.forget("swl")


def test_a_wrong_key_is_refused_and_shown_nowhere(box: Box) -> None:
    swnb.connect("swl", box.uri("swanlab"), token="wrongwrongwrongwrong1")
    with pytest.raises(TokenRejected) as caught:
        swnb.jobs("swl")
    assert "wrongwrong" not in f"{caught.value!r} {caught.value}"


# -- faults


def test_a_cut_file_is_fetched_again(box: Box, lab: Any) -> None:
    uri = put(box, "one", {"loss": [(n, 0.123456789) for n in range(500)]})
    rule = box.faults.add("truncate", path=LINKS, times=1)
    assert len(swnb.metrics(uri, ["loss"])) == 500
    assert rule.met == 1
    assert lost(box) == 0


def test_a_file_that_stays_cut_is_an_error_with_server_and_key(box: Box, lab: Any) -> None:
    uri = put(box, "one", {"loss": [(n, 0.123456789) for n in range(500)]})
    box.faults.add("truncate", path=LINKS)
    with pytest.raises(BadReply, match=r"swl: the CSV of loss is cut in line \d+"):
        swnb.metrics(uri, ["loss"])


def test_a_connection_cut_in_a_download_is_asked_again(box: Box, lab: Any) -> None:
    uri = put(box)
    rule = box.faults.add("cut", path=LINKS, times=1)
    assert len(swnb.metrics(uri, ["loss"])) == 20
    assert rule.met == 1


def test_a_link_that_ended_is_made_anew(box: Box, lab: Any) -> None:
    uri = put(box)
    rule = box.faults.add("do", path=LINKS, times=1, do=lambda: box.clock.advance(400))
    assert len(swnb.metrics(uri, ["loss"])) == 20
    assert rule.met == 1
    assert box.requests.count(LINKS, status=403) == 1


def test_a_link_that_is_refused_for_good_is_an_error(box: Box, lab: Any) -> None:
    uri = put(box)
    box.faults.add("status", path=LINKS, status=403)
    with pytest.raises(Forbidden, match="the link to loss"):
        swnb.metrics(uri, ["loss"])


def test_a_busy_server_is_waited_for_as_it_asks(box: Box, lab: Any) -> None:
    uri = put(box)
    rule = box.faults.add("status", path="summaries|csv", status=429, retry_after="0", times=2)
    assert len(swnb.metrics(uri, ["loss"])) == 20
    assert swnb.summary(uri).loss.notna().all()
    assert rule.met == 2


def test_two_hundred_runs_take_three_requests_each_and_two_for_the_list(box: Box) -> None:
    for n in range(200):
        put(box, f"run {n}", {f"k{k}": [(step, float(n)) for step in range(3)] for k in range(5)})
    swnb.projects("swl")  # signs in
    box.requests.clear()
    frame = swnb.metrics("swl/project/ada:mine", [f"k{k}" for k in range(5)])
    assert len(frame) == 200 * 5 * 3
    assert swnb.provenance(frame).requests == 3 * 200 + 2 + 1
    assert lost(box) == 0
