"""The verbs on the sandbox's Ray: frames end to end, tasks, logs, actions, sign-ins, faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import swnb
from swnb import sandbox
from swnb.errors import ActionsOff, BadReply, BadURI, NotFound, SignInNeeded, TokenRejected, Unreachable, Unsupported
from swnb.sandbox import Box

WORDS = {
    "PENDING": "queued",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "STOPPED": "cancelled",
}


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(platforms=("ray",), jobs=60, seed=1, clock="manual") as box:
        swnb.connect("ray1", box.uri("ray"))
        yield box
        box.faults.clear()
        swnb.forget("ray1")


@pytest.fixture
def head(box: Box) -> Any:
    """The server's dials."""
    return box.platform("ray")


def one(status: str, **more: Any) -> str:
    """The URI of a job in this status."""
    frame = swnb.jobs("ray1", status=status)
    for column, value in more.items():
        frame = frame[frame[column] == value]
    return str(frame.index[0])


def opened(uri: str) -> swnb.Job:
    found = swnb.open(uri)
    assert isinstance(found, swnb.Job)
    return found


# -- frames


def test_all_jobs_come_in_one_reply_newest_first(box: Box, head: Any) -> None:
    box.requests.clear()
    frame = swnb.jobs("ray1")
    assert sorted(frame.id) == sorted(job.id for job in head.shelf)
    assert frame.created.is_monotonic_decreasing
    assert box.requests.count("^/api/jobs/$") == 1
    assert dict(zip(frame.id, frame.raw_status, strict=True)).keys() == {job.id for job in head.shelf}
    assert set(frame.raw_status.map(WORDS) == frame.status.astype(str)) == {True}
    assert {uri.rpartition("/")[0] for uri in frame.index} == {"ray1/project/default/job"}


def test_what_has_not_ended_has_neither_end_nor_exit_code(box: Box) -> None:
    frame = swnb.jobs("ray1")
    goes_on = frame.status.isin(["queued", "running"])
    assert frame[goes_on][["finished", "exit_code"]].isna().all(axis=None)
    assert frame[frame.status == "failed"].error.notna().all()
    assert set(frame[(frame.status == "succeeded") & (frame.type == "SUBMISSION")].exit_code) == {0}


def test_metadata_and_names_of_variables_come_on_request_and_values_only_when_asked_for(box: Box) -> None:
    assert not any("." in column for column in swnb.jobs("ray1").columns)
    shown = swnb.jobs("ray1", config=True)
    assert "metadata.job_name" in shown.columns
    assert set(shown["env.TRACKER_API_KEY"].dropna()) == {"****"}
    assert swnb.jobs("ray1", env=True)["env.TRACKER_API_KEY"].dropna().str.startswith("sk-").all()


def test_a_plain_address_is_told_apart_by_asking(box: Box) -> None:
    swnb.forget("ray1")
    try:
        frame = swnb.jobs(box.url("ray"), limit=3)
        assert set(frame.platform) == {"ray"}
        assert frame.index[0].startswith(box.uri("ray"))
    finally:
        swnb.connect("ray1", box.uri("ray"))


def test_a_server_that_is_neither_is_said_to_be_neither() -> None:
    with sandbox.run(platforms=("swanlab",), jobs=1) as other, pytest.raises(BadURI) as raised:
        swnb.jobs(other.url("swanlab"))
    assert "neither Ray nor openYuanRong" in raised.value.what


def test_projects_name_the_one_there_is(box: Box) -> None:
    assert list(swnb.projects("ray1").id) == ["default"]


def test_tasks_are_a_row_a_function_with_numbers_of_progress(box: Box) -> None:
    frame = swnb.jobs("ray1", status="running")
    frame = swnb.tasks(list(frame[frame.job_id.notna()].index))
    assert len(frame) > 0
    assert (frame.total == frame.pending + frame.running + frame.succeeded + frame.failed).all()
    assert frame.progress.between(0, 1).all()


def test_a_job_that_never_called_ray_has_no_tasks_and_provenance_says_why(box: Box) -> None:
    frame = swnb.tasks(one("queued"))
    assert len(frame) == 0
    assert "ray.init" in str(swnb.provenance(frame))


def test_a_summary_holds_counts_exit_code_and_metadata(box: Box) -> None:
    frame = swnb.summary("ray1")
    jobs = swnb.jobs("ray1", config=True)
    assert list(frame.id) == list(jobs.id)
    assert frame["metadata.job_name"].dropna().tolist() == jobs["metadata.job_name"].dropna().tolist()
    assert frame.exit_code.dropna().tolist() == jobs.exit_code.dropna().tolist()
    assert frame.tasks_total.notna().tolist() == jobs.job_id.notna().tolist()


def test_ten_thousand_jobs_are_one_request(box: Box) -> None:
    with sandbox.run(platforms=("ray",), jobs=10_000, seed=2, clock="manual") as many:
        frame = swnb.jobs(many.uri("ray"))
        assert len(frame) == 10_000
        assert many.requests.count("^/api/jobs/$") == 1


# -- logs


def test_the_log_of_an_ended_job_is_whole_and_without_colours(box: Box, head: Any) -> None:
    uri = one("succeeded", type="SUBMISSION")
    sent = "".join(f"{line}\n" for line in head.lines(head.shelf.get(uri.rpartition("/")[2])))
    text = swnb.logs(uri)
    assert "\x1b" not in text
    assert text.count("\n") == sent.count("\n")
    assert swnb.logs(uri, tail=2) == "".join(text.splitlines(keepends=True)[-2:])


def test_a_job_that_runs_shows_what_it_printed_so_far(box: Box, head: Any) -> None:
    uri = one("running", type="SUBMISSION")
    lines = head.lines(head.shelf.get(uri.rpartition("/")[2]))
    assert len(swnb.logs(uri).splitlines()) == len(lines)


def test_a_log_is_followed_to_the_end_of_its_job(box: Box, head: Any) -> None:
    uri = one("running", type="SUBMISSION")
    stream = opened(uri).follow()
    first = next(stream)
    opened(uri).stop(yes=True)
    box.clock.advance(5)
    lines = [first, *stream]
    assert len(lines) == len(head.lines(head.shelf.get(uri.rpartition("/")[2])))


def test_a_stream_may_be_left_while_the_job_prints_on(box: Box) -> None:
    stream = opened(one("running", type="SUBMISSION")).follow()
    assert next(stream)
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


def test_a_driver_that_nobody_submitted_has_no_log(box: Box) -> None:
    frame = swnb.jobs("ray1")
    with pytest.raises(Unsupported, match="not submitted"):
        swnb.logs(frame[frame.type == "DRIVER"].index[0])


# -- what changes jobs


def test_nothing_changes_before_it_is_allowed(box: Box) -> None:
    server = swnb.open("ray1")
    box.requests.clear()
    with pytest.raises(ActionsOff):
        server.submit("python x.py")  # type: ignore[union-attr]
    with pytest.raises(ActionsOff):
        opened(one("running")).stop()
    assert box.requests.count(method="POST") == 0


def test_a_job_is_submitted_stopped_and_deleted(box: Box) -> None:
    server: Any = swnb.open("ray1")
    job = server.submit("python x.py", submission_id="mine", metadata={"job_name": "x"}, yes=True)
    assert str(job.ref) == "ray1/job/mine"
    box.clock.advance(2)
    info = job.info()
    assert (info.name, info.own["entrypoint"], info.status.value) == ("x", "python x.py", "running")
    assert "asked to stop" in job.stop(yes=True)
    box.clock.advance(5)
    assert job.status().value == "cancelled"
    assert "is deleted" in job.delete(yes=True)
    with pytest.raises(NotFound, match="'mine'"):
        job.info()


def test_a_stop_that_does_nothing_is_said_to_do_nothing(box: Box) -> None:
    job = opened(one("queued"))
    assert "stops no pending job" in job.stop(yes=True)
    assert job.status().value == "queued"


def test_an_unknown_job_is_named(box: Box) -> None:
    with pytest.raises(NotFound, match="'raysubmit_nowhere'"):
        swnb.jobs("ray1/job/raysubmit_nowhere")


# -- sign-ins and faults


def test_a_cluster_in_token_mode_wants_one_and_says_which_was_wrong(box: Box, head: Any) -> None:
    head.auth = True
    with pytest.raises(SignInNeeded):
        swnb.jobs("ray1")
    swnb.connect("ray2", box.uri("ray"), token="a-token-that-is-wrong-4711")
    with pytest.raises(TokenRejected) as raised:
        swnb.jobs("ray2")
    assert "4711" not in str(raised.value)
    swnb.connect("ray3", box.uri("ray"), token=box.token("ray"))
    assert len(swnb.jobs("ray3")) == len(head.shelf)
    assert swnb.logs(swnb.jobs("ray3", status="running").query("type == 'SUBMISSION'").index[0])
    swnb.forget("ray2")
    swnb.forget("ray3")


def test_an_unreachable_cluster_is_told_by_its_name(box: Box) -> None:
    swnb.connect("gone", "ray+http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="gone"):
        swnb.jobs("gone")
    swnb.forget("gone")


@pytest.mark.parametrize("kind", ["truncate", "garbage"])
def test_an_answer_cut_short_or_no_json_is_an_error_not_an_empty_frame(box: Box, kind: Any) -> None:
    box.faults.add(kind, path="^/api/jobs/$")
    with pytest.raises((BadReply, Unreachable)):
        swnb.jobs("ray1")
