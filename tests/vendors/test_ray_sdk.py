"""swnb and Ray's own client ask one real Ray, and get the same."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray_probe
from ray_head import RayHead
from test_ray_sandbox import python, say

import swnb
from swnb.client.watching import Watching
from swnb.errors import BadInput, NotFound, ServerError, SignInNeeded, TokenRejected, Unsupported
from swnb.sdk.yuanrong import JobSubmissionClient

__all__ = ["python"]  # a fixture

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a head is found again by /proc"),
]

TASKS = """
import ray
ray.init(logging_level="error")
@ray.remote
def square(x): return x * x
@ray.remote(max_retries=0)
def boom(): raise ValueError("boom")
print(sum(ray.get([square.remote(n) for n in range(3)])))
print(len(ray.wait([boom.remote()])[0]))
"""
DRIVER = "import ray; ray.init(logging_level='error')"
PRINTS = "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.05; done"


@pytest.fixture(scope="module")
def head(python: Path) -> Iterator[RayHead]:
    with RayHead() as running:
        yield running


@pytest.fixture(scope="module")
def client(head: RayHead, python: Path) -> JobSubmissionClient:
    """A client by the plain address, after jobs of every kind were submitted by it."""
    found = JobSubmissionClient(head.url)
    env = {"env_vars": {"WORD": "there"}}
    found.submit_job(
        entrypoint="sleep 0.5; echo hello $WORD",
        submission_id="good",
        metadata={"job_name": "n", "lr": "0.01"},
        runtime_env=env,
    )
    found.submit_job(entrypoint="sleep 0.5; echo bad luck; exit 3", submission_id="bad")
    found.submit_job(entrypoint=PRINTS, submission_id="prints")
    found.submit_job(entrypoint="true", submission_id="waits", entrypoint_resources={"no_such_thing": 1})
    script = shlex.quote(str(python))
    found.submit_job(entrypoint=f"{script} -c {shlex.quote(TASKS)}", submission_id="tasks")
    outside = f"env -u RAY_JOB_CONFIG_JSON_ENV_VAR {script} -c {shlex.quote(DRIVER)}"
    found.submit_job(entrypoint=outside, submission_id="outside")
    for job in ("good", "bad", "tasks", "outside"):
        ray_probe.settled(found, job, ray_probe.ENDED)
    ray_probe.settled(found, "prints", {"RUNNING"})
    return found


def uri(head: RayHead, job: str) -> str:
    return f"ray+{head.url}/job/{job}"


def opened(head: RayHead, job: str) -> swnb.Job:
    found = swnb.open(uri(head, job))
    assert isinstance(found, swnb.Job)
    return found


def test_both_clients_read_the_same_records_and_logs(
    head: RayHead, client: JobSubmissionClient, python: Path, tmp_path: Path
) -> None:
    driver = next(job.job_id for job in client.list_jobs() if job.type == "DRIVER")
    jobs = ["good", "bad", "prints", "waits", "tasks"]
    facts: dict[str, Any] = {"url": head.url, "jobs": jobs, "ended": "good", "driver": driver}
    theirs, ours = say(python, tmp_path, facts), ray_probe.reads(client, facts)
    for name in ("driver logs", "driver stop"):  # the server's words, in errors of our own
        (_, said), (kind, told) = theirs.pop(name), ours.pop(name)
        assert kind == Unsupported.__name__
        assert said.rpartition("code 400: ")[2].rstrip(".") in told
    assert ours == theirs
    assert "hello there" in ours["tail"]


def test_a_frame_holds_what_the_records_say(head: RayHead, client: JobSubmissionClient) -> None:
    frame = swnb.jobs(head.url, config=True)
    assert dict(zip(frame.id, frame.raw_status, strict=True)) == {
        job.submission_id or job.job_id: job.status for job in client.list_jobs()
    }
    rows = frame.set_index("id")
    assert (rows.exit_code["good"], rows.exit_code["bad"]) == (0, 3)
    assert (rows.name["good"], rows["metadata.lr"]["good"], rows["env.WORD"]["good"]) == ("n", "0.01", "****")
    assert "bad luck" in rows.error["bad"]
    milliseconds = client.get_job_info("good").end_time
    assert rows.finished["good"].timestamp() * 1000 == milliseconds


def test_tasks_are_counted_as_they_ended(head: RayHead, client: JobSubmissionClient) -> None:
    until = time.monotonic() + 20
    while (frame := swnb.tasks(uri(head, "tasks")).set_index("id")).pending.sum() and time.monotonic() < until:
        time.sleep(0.2)  # a head knows of an end a moment later
    counts = {name: (row.succeeded, row.failed, row.status) for name, row in frame.iterrows()}
    assert counts == {"square": (3, 0, "succeeded"), "boom": (0, 1, "failed")}
    assert swnb.summary(uri(head, "tasks")).tasks_total.item() == 4


def test_a_log_is_read_and_followed_to_its_end(head: RayHead, client: JobSubmissionClient) -> None:
    text = swnb.logs(uri(head, "good"))
    assert text.splitlines()[-1] == "hello there"
    assert list(opened(head, "good").follow()) == text.splitlines()


def test_a_stream_is_left_at_once_while_the_job_prints_on(head: RayHead, client: JobSubmissionClient) -> None:
    for stream in (opened(head, "prints").follow(), client.tail_job_logs("prints")):
        pieces = [next(stream) for _ in range(4)]
        assert "tick" in "".join(pieces)
        stream.close()
    assert client.get_job_status("prints") == "RUNNING"


def test_errors_of_a_real_head_are_said_in_a_line(head: RayHead, client: JobSubmissionClient) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        client.get_job_info("nowhere")
    with pytest.raises(BadInput, match="already exists"):
        client.submit_job(entrypoint="true", submission_id="good")
    with pytest.raises(ServerError, match="non-terminal state RUNNING") as raised:
        client.delete_job("prints")
    assert "Traceback" not in str(raised.value)


def test_a_submitted_job_is_watched_and_waited_for(head: RayHead, client: JobSubmissionClient) -> None:
    job = swnb.open(f"ray+{head.url}").submit("sleep 2; exit 4", submission_id="watched", yes=True)
    watching, seen = Watching(job.uri, every=0.3), threading.Event()

    def changed() -> None:
        if any(row.info.status.value == "failed" for row in watching.rows):
            seen.set()

    watching.start(changed)
    try:
        frame = swnb.wait(job, timeout=120, every=0.3)
        assert frame[["status", "exit_code"]].iloc[0].tolist() == ["failed", 4]
        assert seen.wait(30)
        assert watching.changes.after.iloc[-1] == "failed"
    finally:
        watching.close()


def test_stop_and_delete_do_what_they_say(head: RayHead, client: JobSubmissionClient) -> None:
    assert "stops no pending job" in opened(head, "waits").stop(yes=True)
    assert client.get_job_status("waits") == "PENDING"
    tail = client.tail_job_logs("prints")
    next(tail)
    assert client.stop_job("prints") is True
    list(tail)  # it ends with the job
    assert client.get_job_status("prints") == "STOPPED"
    assert client.stop_job("prints") is False
    assert client.delete_job("bad") is True
    with pytest.raises(NotFound):
        client.get_job_info("bad")


def test_a_head_in_token_mode_takes_ours_and_says_what_is_wrong_with_others(
    head: RayHead, client: JobSubmissionClient
) -> None:
    head.close()  # some ports of a head are fixed
    token = "a-token-of-this-test-4711-4711-4711"
    with RayHead(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=token) as guarded:
        with pytest.raises(SignInNeeded):
            JobSubmissionClient(guarded.url).list_jobs()
        with pytest.raises(TokenRejected):
            JobSubmissionClient(guarded.url, token="wrong-wrong-wrong").list_jobs()
        ours = JobSubmissionClient(guarded.url, token=token)
        job = ours.submit_job(entrypoint="sleep 0.5; echo hello")
        assert "hello\n" in "".join(ours.tail_job_logs(job))
