"""The verbs on the sandbox's Supervisely: frames end to end, sign-ins, lists that move, logs that grow, faults."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import swnb
from swnb import sandbox
from swnb.bridge import run
from swnb.client.source import close_all, source_of
from swnb.errors import (
    ActionsOff,
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    TokenRejected,
    Unsupported,
)
from swnb.providers.base import register
from swnb.providers.supervisely import Supervisely
from swnb.sandbox import Box
from swnb.sandbox import supervisely as boxed
from swnb.uri import Ref

register("supervisely", Supervisely)

LIST = r"/tasks\.list$"
FIRST = "8101"


@pytest.fixture(scope="module")
def made() -> Iterator[Box]:
    with sandbox.run(platforms=("supervisely",), seed=1, clock="manual") as box:
        yield box


def saved(box: Box) -> Iterator[Box]:
    swnb.connect("sly", box.uri("supervisely"), token=box.token("supervisely"))
    box.requests.clear()
    yield box
    box.faults.clear()
    swnb.forget("sly")


@pytest.fixture
def box(made: Box) -> Iterator[Box]:
    """For tests that change nothing."""
    yield from saved(made)


@pytest.fixture
def own() -> Iterator[Box]:
    with sandbox.run(platforms=("supervisely",), seed=1, clock="manual") as box:
        yield from saved(box)


def tasks(box: Box, workspace: int = int(FIRST)) -> list[Any]:
    server: Any = box.platform("supervisely")
    return [task for task in server.tasks.values() if task.place.id == workspace]


def uri(box: Box, word: str, kind: str = "app") -> str:
    """The first task with this status of the platform's."""
    found = next(each for each in tasks(box) if each.status(box.clock.now) == word and each.kind == kind)
    return f"sly/project/{FIRST}/job/{found.id}"


def put(box: Box, **more: Any) -> str:
    server: Any = box.platform("supervisely")
    made = server.add_task(tasks(box)[0].place, {"name": "mine"}, **more)
    return f"sly/project/{FIRST}/job/{made.id}"


def notes(frame: pd.DataFrame) -> str:
    found = swnb.provenance(frame)
    assert found is not None
    return " ".join(found.notes)


def opened(address: str) -> swnb.Job:
    found = swnb.open(address)
    assert isinstance(found, swnb.Job)
    return found


# -- frames


def test_workspaces_of_all_teams_are_projects(box: Box) -> None:
    frame = swnb.projects("sly")
    server: Any = box.platform("supervisely")
    there = {(str(each.id), each.name, each.team.name) for each in server.people.workspaces}
    assert set(zip(frame.id, frame["name"], frame.owner, strict=True)) == there
    assert list(frame.index) == [f"sly/project/{id_}" for id_ in frame.id]


def test_all_tasks_of_a_server_are_its_jobs_newest_first(box: Box) -> None:
    frame = swnb.jobs("sly")
    server: Any = box.platform("supervisely")
    assert dict(zip(frame.id, frame.raw_status, strict=True)) == {
        str(task.id): task.status(box.clock.now) for task in server.tasks.values()
    }
    assert frame.created.dropna().is_monotonic_decreasing
    assert frame.finished.notna().equals(frame.status.isin(["succeeded", "failed", "cancelled"]))
    assert (frame.elapsed.dropna() >= pd.Timedelta(0)).all()
    some = swnb.jobs(f"sly/project/{FIRST}")
    assert list(some.id.astype(int)) == sorted((task.id for task in tasks(box)), reverse=True)


@pytest.mark.parametrize("status", ["succeeded", "failed", "running", "queued", "stopping", "unknown", "paused"])
def test_a_status_filter_is_the_same_as_looking(box: Box, status: str) -> None:
    everything = swnb.jobs("sly")
    some = swnb.jobs("sly", status=status)
    assert sorted(some.index) == sorted(everything[everything.status == status].index)


def test_an_owner_is_found_though_lists_do_not_tell_him(box: Box) -> None:
    mine = swnb.jobs(f"sly/project/{FIRST}", owner="ada")
    assert set(mine.owner) == {"ada"}
    assert "one by one" in notes(mine)


def test_a_failed_task_says_why(box: Box) -> None:
    row = swnb.jobs(uri(box, "error")).iloc[0]
    assert row.status == "failed"
    assert row.error


def test_the_arguments_of_a_launch_are_config_columns(box: Box) -> None:
    frame = swnb.jobs(f"sly/project/{FIRST}", config=True)
    assert any(column.startswith("config.") for column in frame.columns)


def test_a_job_is_found_by_its_page_and_by_names(box: Box) -> None:
    wanted = swnb.jobs(uri(box, "finished"))
    page = wanted.url.iloc[0]
    assert page.endswith(f"/apps/sessions/{wanted.id.iloc[0]}")
    by_page = swnb.jobs(page)
    name = swnb.projects("sly").loc[f"sly/project/{FIRST}"]
    by_name = swnb.jobs(f"sly/project/{name.owner}:{name['name']}/job/{wanted.id.iloc[0]}")
    assert list(by_page.index) == list(by_name.index) == list(wanted.index)


def test_a_summary_has_the_numbers_of_each_training_and_counts_those_without_a_task(box: Box) -> None:
    frame = swnb.summary(f"sly/project/{FIRST}")
    reported = {
        str(task.id): task.results["experiment"]["data"]["evaluation_metrics"]
        for task in tasks(box)
        if task.status(box.clock.now) == "finished" and "experiment" in task.results
    }
    assert reported
    assert sorted(frame.id) == sorted(str(task.id) for task in tasks(box))
    for id_, metrics in reported.items():
        row = frame[frame.id == id_].iloc[0]
        for metric, value in (metrics or {}).items():
            assert isinstance(value, dict) or row[metric] == value
    assert "whose tasks are gone have no row: 1" in notes(frame)
    some = list(frame.index[:5])
    pd.testing.assert_frame_equal(swnb.summary(some)[["id"]], frame.loc[some][["id"]])


def test_a_summary_of_pages_needs_no_project(box: Box) -> None:
    task = uri(box, "finished")
    page = swnb.jobs(task).url.iloc[0]
    assert list(swnb.summary(page).index) == [task]


def test_series_are_those_of_the_log(box: Box) -> None:
    task = uri(box, "finished")
    frame = swnb.metrics(task)
    assert set(frame.metric) >= {"train/loss", "val/loss"}
    some = frame[frame.metric == "val/loss"]
    assert list(some.step) == list(range(1, len(some) + 1))
    assert some.time.is_monotonic_increasing
    thin = swnb.metrics(task, "train/loss", steps=5)
    assert len(thin) == 5
    assert "because steps=5 was asked" in notes(thin)
    with pytest.raises(NotFound, match="no metric is called"):
        swnb.metrics(task, "nothing")


def test_metrics_of_an_older_training_agree_with_what_is_kept_apart(box: Box) -> None:
    task = uri(box, "finished", "train")
    by_log = swnb.metrics(task)
    with replaced({name: each for name, each in boxed.METHODS.items() if name != "tasks.log.download"}):
        apart = swnb.metrics(task)
    columns = ["job", "metric", "step", "value"]
    pd.testing.assert_frame_equal(apart[columns], by_log[columns])
    assert "gives no logs" in notes(apart)


@contextlib.contextmanager
def replaced(methods: dict[str, Any]) -> Iterator[None]:
    """A server with these methods only; the provider starts anew, as it remembers what a server lacks."""
    before = boxed.METHODS, boxed.READS
    boxed.METHODS, boxed.READS = methods, {name: each for name, each in before[1].items() if name in methods}
    anew()
    try:
        yield
    finally:
        boxed.METHODS, boxed.READS = before
        anew()


def anew() -> None:
    run(close_all("sly"))


def test_what_the_platform_lacks_is_unsupported(box: Box) -> None:
    for verb in (swnb.tasks, swnb.tables, swnb.events):
        with pytest.raises(Unsupported):
            verb(uri(box, "finished"))


# -- requests


def test_five_thousand_tasks_are_eleven_requests(own: Box) -> None:
    for _ in range(5000):
        put(own)
    frame = swnb.jobs(f"sly/project/{FIRST}")
    assert len(frame) == len(tasks(own)) > 5000
    assert own.requests.count(LIST) == 11
    newest = swnb.jobs(f"sly/project/{FIRST}", limit=20)
    assert list(newest.index) == list(frame.index[:20])
    assert own.requests.count(LIST) == 12


def test_a_list_that_grows_while_it_is_read_loses_nothing(own: Box) -> None:
    before = {str(task.id) for task in tasks(own)}
    for _ in range(1000):
        put(own)

    def grow() -> None:
        put(own)

    own.faults.add("do", path=LIST, skip=1, times=3, do=grow)
    frame = swnb.jobs(f"sly/project/{FIRST}")
    assert before < set(frame.id)
    assert len(frame) >= len(before) + 1000
    assert frame.index.is_unique
    assert "changed while it was read" in notes(frame)


# -- logs and actions


def test_a_log_is_text_with_levels(box: Box) -> None:
    text = swnb.logs(uri(box, "finished"))
    assert text.startswith("Task started\n")
    assert "[warn] 3 images have no labels" in text


def test_a_log_is_followed_until_the_task_ends_each_line_once(own: Box) -> None:
    late = own.clock.now + 1e6
    running = [
        task for task in tasks(own) if task.status(own.clock.now) == "started" and task.status(late) == "finished"
    ]
    ref = Ref("sly", FIRST, str(running[0].id))
    source = source_of(ref)
    [part] = run(source.run(source.backend.logs(FIRST, ref.job or "")))
    texts = [part.text]
    while part.more is not None:
        own.clock.advance(7.3)
        part = run(source.run(part.more()))
        texts.append(part.text)
    assert sum(map(bool, texts)) > 10
    assert "".join(texts) == swnb.logs(str(ref))
    assert opened(str(ref)).status() == "succeeded"


def test_a_task_stops_and_goes_on(own: Box) -> None:
    job = opened(uri(own, "started"))
    with pytest.raises(ActionsOff):
        job.stop()
    assert job.stop(yes=True) == "terminating"
    assert job.status() == "stopping"
    own.clock.advance(600)
    assert job.status() == "cancelled"
    job.resume(yes=True)
    assert job.status() in ("queued", "running")
    with pytest.raises(Unsupported):
        job.delete(yes=True)


def test_an_action_is_never_sent_twice(own: Box) -> None:
    own.faults.add("status", path=r"/tasks\.stop$", status=503)
    with pytest.raises(ServerError):
        opened(uri(own, "started")).stop(yes=True)
    assert own.requests.count(r"/tasks\.stop$") == 1


# -- sign-ins, refusals, faults


def test_a_login_signs_in_as_its_token_does(box: Box) -> None:
    user, password = box.user("supervisely")
    swnb.connect("sly", box.uri("supervisely"), user=user, password=password)
    assert len(swnb.projects("sly")) == 3
    swnb.connect("sly", box.uri("supervisely"), user=user, password="wrong")
    with pytest.raises((TokenRejected, Forbidden)):
        swnb.projects("sly")


def test_a_wrong_token_and_none_are_told_apart(box: Box) -> None:
    swnb.connect("sly", box.uri("supervisely"), token="x" * 128)
    with pytest.raises(TokenRejected):
        swnb.projects("sly")
    swnb.forget("sly")
    swnb.connect("sly", box.uri("supervisely"))
    with pytest.raises(SignInNeeded):
        swnb.projects("sly")


def test_unknown_places_are_named(box: Box) -> None:
    with pytest.raises(NotFound, match=r"workspace 4711.*8101"):
        swnb.jobs("sly/project/4711")
    with pytest.raises(NotFound, match="no task 4711"):
        swnb.jobs(f"sly/project/{FIRST}/job/4711")
    with pytest.raises(NotFound, match="nobody:nothing"):
        swnb.jobs("sly/project/nobody:nothing")
    with pytest.raises(BadInput, match="names no project"):
        opened_project("sly")


def opened_project(server: str) -> None:
    source = source_of(Ref(server))
    run(source.run(source.backend.project(None)))


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "drop"}, {"kind": "cut"}])
def test_a_passing_trouble_is_no_trouble(box: Box, fault: dict[str, Any]) -> None:
    box.faults.add(**fault, path=LIST, times=1)
    assert len(swnb.jobs(f"sly/project/{FIRST}")) == len(tasks(box))


def test_garbage_is_told_as_such(box: Box) -> None:
    box.faults.add("garbage", path=LIST)
    with pytest.raises(BadReply, match=r"tasks\.list"):
        swnb.jobs(f"sly/project/{FIRST}")


def test_no_secret_is_in_what_is_shown(box: Box) -> None:
    secrets = {box.token("supervisely"), *(task.launch.get("sessionToken", "") for task in tasks(box))} - {""}
    assert len(secrets) > 5
    job = opened(uri(box, "started"))
    shown = io.StringIO()
    for frame in (swnb.jobs("sly", config=True), swnb.summary("sly"), swnb.metrics(job), swnb.projects("sly")):
        shown.write(frame.to_csv())
        shown.write(repr(swnb.provenance(frame)))
    shown.write(f"{job.info()!r} {swnb.logs(job)}")
    assert not [secret for secret in secrets if secret in shown.getvalue()]
