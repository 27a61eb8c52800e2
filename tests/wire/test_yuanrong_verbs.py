"""The verbs on the sandbox's openYuanRong: dashboard and frontend, jobs, instances, logs, tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import swnb
from swnb import sandbox
from swnb.errors import BadInput, Forbidden, NotFound, SignInNeeded, TokenRejected, Unsupported
from swnb.sandbox import Box
from swnb.sandbox.rayjobs.yuanrong_auth import make_token

SPEC: dict[str, Any] = {"runtime_env": {"working_dir": "file:///data/code.zip"}, "yes": True}


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(platforms=("yuanrong",), jobs=60, seed=1, clock="manual") as box:
        swnb.connect("board", box.uri("yuanrong"))
        swnb.connect("front", f"yuanrong+{box.platform('yuanrong').frontend_url}", token=box.token("yuanrong"))
        yield box
        box.faults.clear()
        swnb.forget("board")
        swnb.forget("front")


@pytest.fixture
def cluster(box: Box) -> Any:
    """The server's dials."""
    return box.platform("yuanrong")


def one(status: str, server: str = "board") -> str:
    return str(swnb.jobs(server, status=status).index[0])


def opened(uri: str) -> Any:
    return swnb.open(uri)


@pytest.mark.parametrize("key", [False, True])
@pytest.mark.parametrize("server", ["board", "front"])
def test_both_profiles_list_the_same_jobs_with_and_without_the_newer_field(
    box: Box, cluster: Any, server: str, key: bool
) -> None:
    cluster.key = key
    frame = swnb.jobs(server)
    made = {job.id for job in cluster.jobs() if not job.id.startswith("my-app-")}
    assert set(frame.id) == made
    assert set(frame.status) >= {"queued", "running", "succeeded", "failed", "cancelled"}


def test_the_order_is_ours_whatever_the_servers_is(box: Box, cluster: Any) -> None:
    cluster.shuffle = True
    assert list(swnb.jobs("board").index) == list(swnb.jobs("board").index)
    assert swnb.jobs("board").created.dropna().is_monotonic_decreasing


def test_instances_that_are_no_jobs_are_left_out_and_provenance_says_so(box: Box, cluster: Any) -> None:
    frame = swnb.jobs("board")
    strange = [job.id for job in cluster.jobs() if job.id.startswith("my-app-")]
    assert strange
    assert not set(strange) & set(frame.id)
    assert f"{len(strange)} instances" in str(swnb.provenance(frame))


def test_times_are_seconds_of_utc(box: Box, cluster: Any) -> None:
    frame = swnb.jobs("board", status="succeeded")
    row = frame.iloc[0]
    job = cluster.find(row.id)
    assert abs(row.created.timestamp() - job.created) <= 60
    assert (frame.elapsed == frame.finished - frame.started).all()
    assert str(frame.created.dtype).endswith("UTC]")


def test_values_of_variables_are_masked_until_they_are_asked_for(box: Box) -> None:
    shown = swnb.jobs("board", config=True)
    assert set(shown["env.TRACKER_API_KEY"].dropna()) == {"****"}
    assert swnb.jobs("board", env=True)["env.TRACKER_API_KEY"].dropna().str.startswith("sk-").all()
    assert "sk-" not in repr(swnb.open(one("running")).info())  # type: ignore[union-attr]


def test_tasks_are_the_instances_of_the_job_alone(box: Box) -> None:
    uri = one("running")
    frame = swnb.tasks(uri)
    assert len(frame) > 0
    assert set(frame.parent_id) == {uri.rpartition("/")[2]}


def test_a_summary_counts_all_instances_by_one_request(box: Box) -> None:
    box.requests.clear()
    frame = swnb.summary("board")
    assert box.requests.count("^/api/v1/instances") == 1
    assert frame.tasks_total.sum() > 0
    assert "metadata.job_name" in frame.columns


def test_a_frontend_sums_up_without_instances_and_says_so(box: Box) -> None:
    frame = swnb.summary("front")
    assert "tasks_total" not in frame.columns
    assert "not counted" in str(swnb.provenance(frame))


def test_the_dashboard_has_logs_and_the_frontend_says_that_it_has_none(box: Box, cluster: Any) -> None:
    uri = one("succeeded")
    lines = cluster.find(uri.rpartition("/")[2]).lines(box.clock.now)
    assert len(swnb.logs(uri).splitlines()) == len(lines) > 0
    for verb in (swnb.logs, swnb.tasks):
        with pytest.raises(Unsupported, match="dashboard"):
            verb(one("succeeded", "front"))


def test_a_log_is_followed_by_asking_until_the_job_has_ended(box: Box, cluster: Any) -> None:
    uri = one("running")
    job = cluster.find(uri.rpartition("/")[2])
    stream = opened(uri).follow()
    lines = [next(stream)]
    opened(uri).stop(yes=True)
    box.clock.advance(3)
    lines += stream
    assert len(lines) == len(job.lines(box.clock.now))


def test_a_job_swept_away_while_its_log_is_followed_ends_it(box: Box, cluster: Any) -> None:
    uri = one("running")
    stream = opened(uri).follow()
    lines = [next(stream)]
    opened(uri).stop(yes=True)
    cluster.sweep = True
    box.clock.advance(7200)
    lines += stream
    assert lines
    with pytest.raises(NotFound):
        swnb.jobs(uri)


@pytest.mark.parametrize("server", ["board", "front"])
def test_a_job_is_submitted_stopped_and_deleted_by_the_id_that_came_back(box: Box, server: str) -> None:
    job = opened(server).submit("python train.py", submission_id="demo", metadata={"job_name": "n"}, **SPEC)
    assert job.ref.job == "app-demo"
    assert job.info().name == "n"
    assert "only an ended job" in job.delete(yes=True)
    assert "asked to stop" in job.stop(yes=True)
    box.clock.advance(5)
    assert "only a running job" in job.stop(yes=True)
    assert "is deleted" in job.delete(yes=True)
    with pytest.raises(NotFound, match="app-demo"):
        job.info()


def test_an_id_without_its_prefix_is_not_found_and_the_prefix_told(box: Box) -> None:
    opened("board").submit("python train.py", submission_id="demo", **SPEC)
    with pytest.raises(NotFound, match="app-demo"):
        swnb.jobs("board/job/demo")


def test_an_id_that_is_taken_is_a_bad_argument(box: Box) -> None:
    opened("board").submit("python train.py", submission_id="demo", **SPEC)
    with pytest.raises(BadInput, match="already exist"):
        opened("board").submit("python train.py", submission_id="app-demo", **SPEC)


def test_a_blind_dashboard_is_no_empty_list(box: Box, cluster: Any) -> None:
    uri = one("running")
    cluster.auth = True
    for call in (swnb.jobs, swnb.projects):
        with pytest.raises(SignInNeeded, match="frontend"):
            call("board")
    with pytest.raises(SignInNeeded, match="frontend"):
        opened(uri).stop(yes=True)
    assert len(swnb.jobs("front")) > 0


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, SignInNeeded),
        ("not-a-token-at-all", TokenRejected),
        (make_token(sub="x", exp=-1, role="user"), Forbidden),
        (make_token(sub="x", exp=1_700_000_000, role="developer"), TokenRejected),
    ],
)
def test_a_frontend_says_what_is_wrong_with_a_token(box: Box, cluster: Any, token: str | None, error: Any) -> None:
    cluster.auth = True
    swnb.connect("other", f"yuanrong+{cluster.frontend_url}", token=token)
    with pytest.raises(error) as raised:
        swnb.jobs("other")
    assert token is None or token not in str(raised.value)
    swnb.forget("other")


@pytest.mark.parametrize("auth", [False, True])
def test_a_plain_address_of_either_profile_is_told_apart(box: Box, cluster: Any, auth: bool) -> None:
    urls = [box.url("yuanrong"), cluster.frontend_url]
    swnb.forget("board")
    swnb.forget("front")
    cluster.auth = auth
    try:
        for url in urls:
            if auth:
                with pytest.raises(SignInNeeded):
                    swnb.jobs(url)
            else:
                assert set(swnb.jobs(url).platform) == {"yuanrong"}
    finally:
        swnb.connect("board", box.uri("yuanrong"))
        swnb.connect("front", f"yuanrong+{cluster.frontend_url}", token=box.token("yuanrong"))
