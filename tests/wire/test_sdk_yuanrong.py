"""``JobSubmissionClient`` on the sandbox's Ray and openYuanRong: the wire's types, plain bools, logs to their end."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import swnb
from swnb import sandbox
from swnb.bridge import run
from swnb.client.source import close_all
from swnb.errors import BadInput, BadURI, NotFound, ServerError, SignInNeeded, TokenRejected, Unreachable, Unsupported
from swnb.sandbox import Box
from swnb.sdk.yuanrong import DriverInfo, JobDetails, JobStatus, JobSubmissionClient, JobType
from swnb.secret import Secret

DATA = Path(__file__).parent.parent / "data"
WORK = {"working_dir": "file:///data/code.zip"}

#: the record on the reference page
EXAMPLE = {
    "type": "SUBMISSION",
    "entrypoint": "python script_yr_sleep.py",
    "submission_id": "app-fe4ee1e5-d24f-4236-be15-7654e3c2229b",
    "driver_info": {
        "id": "app-fe4ee1e5-d24f-4236-be15-7654e3c2229b",
        "node_ip_address": "7.183.38.81",
        "pid": "748250",
    },
    "status": "SUCCEEDED",
    "start_time": "1755484077",
    "end_time": "1755484140",
    "metadata": {"autoscenes_ids": "auto_1-test", "task_type": "task_1", "ttl": "1250"},
    "runtime_env": {
        "envVars": '{"DEPLOY_REGION":"suzhou_std","SOURCE_REGION":"suzhou_std"}',
        "pip": "pip3.9 install numpy==1.24 scipy==1.11.0 && pip3.9 check",
        "working_dir": "file:///home/disk/tk/file.zip",
    },
    "driver_agent_http_address": "",
    "driver_node_id": "node2-744947",
    "driver_exit_code": 0,
    "error_type": "",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith(("RAY_", "ray_adapter_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(platforms=("ray", "yuanrong"), jobs=60, seed=1, clock="manual") as box:
        yield box


@pytest.fixture(params=["ray", "yuanrong"])
def client(request: pytest.FixtureRequest, box: Box) -> JobSubmissionClient:
    return JobSubmissionClient(box.uri(request.param))


def first(client: JobSubmissionClient, status: str) -> str:
    found = (job for job in client.list_jobs() if job.status == status and job.type == "SUBMISSION" and job.entrypoint)
    return next(job.submission_id for job in found if job.submission_id)


# -- records


def test_the_example_of_the_page_is_read_exactly() -> None:
    job = JobDetails.of(EXAMPLE)
    assert (job.type, job.status, job.start_time, job.end_time) == (
        JobType.SUBMISSION,
        JobStatus.SUCCEEDED,
        "1755484077",
        "1755484140",
    )
    assert job.driver_info == DriverInfo(str(job.submission_id), "7.183.38.81", "748250")
    assert job.runtime_env == EXAMPLE["runtime_env"]
    assert job.runtime_env_parsed == {
        "env_vars": {"DEPLOY_REGION": "suzhou_std", "SOURCE_REGION": "suzhou_std"},
        "pip": ["numpy==1.24", "scipy==1.11.0"],
        "working_dir": "file:///home/disk/tk/file.zip",
    }
    assert (job.metadata, job.driver_exit_code, job.error_type) == (EXAMPLE["metadata"], 0, "")
    assert (job.driver_node_id, job.driver_agent_http_address, job.raw) == ("node2-744947", "", EXAMPLE)


def test_a_repr_shows_names_of_variables_and_no_values() -> None:
    ray = {"runtime_env": {"env_vars": {"KEY": "hunter2"}, "pip": ["x"]}, "status": "", "type": "NEW"}
    for sent, name, value in ((EXAMPLE, "DEPLOY_REGION", "suzhou"), (ray, "KEY", "hunter2")):
        text = repr(JobDetails.of(sent))
        assert name in text
        assert value not in text


def test_a_new_word_stays_a_text_and_no_environment_is_none() -> None:
    job = JobDetails.of({"status": "", "type": "NEW", "runtime_env": None})
    assert (job.status, job.type, job.runtime_env, job.runtime_env_parsed) == ("", "NEW", None, {"env_vars": {}})


def test_recorded_jobs_of_ray_keep_the_wires_types() -> None:
    recorded = json.loads(gzip.decompress((DATA / "ray-jobs.json.gz").read_bytes()))["list"]["body"]
    for sent in recorded:
        job = JobDetails.of(sent)
        assert (job.start_time, job.end_time, job.driver_exit_code) == (
            sent["start_time"],
            sent["end_time"],
            sent["driver_exit_code"],
        )
        assert job.runtime_env == sent["runtime_env"]
        assert isinstance(job.status, JobStatus)


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"])
def test_a_status_is_a_text_and_knows_whether_it_is_final(word: str) -> None:
    status = JobStatus(word)
    assert (status == word, str(status)) == (True, word)
    assert status.is_terminal() is (word not in ("PENDING", "RUNNING"))


# -- reading


def test_all_that_a_server_lists_is_there_in_an_order_that_stays(client: JobSubmissionClient) -> None:
    jobs = client.list_jobs()
    assert len(jobs) > 30
    assert jobs == client.list_jobs()
    assert jobs[0] in [client.get_job_info(jobs[0].submission_id or jobs[0].job_id or "")]


def test_times_are_as_the_dialect_sends_them(box: Box) -> None:
    for platform, kind in (("ray", int), ("yuanrong", str)):
        ours = JobSubmissionClient(box.uri(platform))
        info = ours.get_job_info(first(ours, "SUCCEEDED"))
        assert (type(info.start_time), type(info.end_time)) == (kind, kind)


def test_a_job_is_asked_for_by_its_status(client: JobSubmissionClient) -> None:
    assert client.get_job_status(first(client, "FAILED")) is JobStatus.FAILED


def test_a_job_that_is_not_there_is_named(client: JobSubmissionClient) -> None:
    for ask in (client.get_job_info, client.get_job_status, client.get_job_logs, client.delete_job, client.stop_job):
        with pytest.raises(NotFound, match=r"app-nowhere"):
            ask("app-nowhere")
    with pytest.raises(NotFound):
        list(client.tail_job_logs("app-nowhere"))


def test_an_id_is_text(client: JobSubmissionClient) -> None:
    with pytest.raises(TypeError):
        client.get_job_info(17)  # type: ignore[arg-type]


def test_the_tail_of_an_ended_job_is_its_whole_log(client: JobSubmissionClient) -> None:
    id_ = first(client, "SUCCEEDED")
    text = client.get_job_logs(id_)
    assert text
    assert "".join(client.tail_job_logs(id_)) == text


def test_a_log_keeps_its_colours(box: Box) -> None:
    ours = JobSubmissionClient(box.uri("ray"))
    server: Any = box.platform("ray")
    logs = [ours.get_job_logs(job.submission_id) for job in ours.list_jobs() if job.submission_id]
    assert any("\x1b[" in log for log in logs) is any(
        "\x1b[" in line for job in server.shelf for line in server.lines(job)
    )


def test_every_call_can_be_awaited(client: JobSubmissionClient) -> None:
    async def both() -> tuple[list[JobDetails], str, str]:
        jobs = await client.list_jobs.aio()
        id_ = next(job.submission_id for job in jobs if job.status == "SUCCEEDED" and job.submission_id)
        pieces = [piece async for piece in client.tail_job_logs(id_)]
        return jobs, "".join(pieces), await client.get_job_logs.aio(id_)

    jobs, tail, log = asyncio.run(both())
    assert jobs == client.list_jobs()
    assert tail == log


def test_only_ray_tells_a_version(box: Box) -> None:
    assert JobSubmissionClient(box.uri("ray")).get_version() == "4"
    with pytest.raises(Unsupported):
        JobSubmissionClient(box.uri("yuanrong")).get_version()


# -- changing


def test_a_job_goes_from_submit_to_delete(box: Box) -> None:
    for platform, id_ in (("ray", "demo"), ("yuanrong", "app-demo")):
        ours = JobSubmissionClient(box.uri(platform), metadata={"project": "p", "lr": "1"})
        found = ours.submit_job(
            entrypoint="python x.py",
            submission_id="demo",
            runtime_env={**WORK, "env_vars": {"A": "b"}},
            metadata={"lr": "2"},
        )
        assert found == id_
        box.clock.advance(2)
        info = ours.get_job_info(found)
        assert info.metadata == {"project": "p", "lr": "2"}
        assert info.runtime_env_parsed["env_vars"] == {"A": "b"}
        assert ours.stop_job(found) is True
        box.clock.advance(5)
        assert ours.stop_job(found) is False
        assert ours.delete_job(found) is True
        with pytest.raises(NotFound, match=id_):
            ours.get_job_info(found)


def test_deleting_what_runs_is_no_on_one_and_an_error_on_the_other(box: Box) -> None:
    yuanrong, ray = JobSubmissionClient(box.uri("yuanrong")), JobSubmissionClient(box.uri("ray"))
    assert yuanrong.delete_job(first(yuanrong, "RUNNING")) is False
    with pytest.raises(ServerError, match="non-terminal state RUNNING"):
        ray.delete_job(first(ray, "RUNNING"))


def test_a_bad_submit_is_a_value_error_and_an_unknown_name_says_what_there_is(client: JobSubmissionClient) -> None:
    for change in ({"metadata": {"a": 1}}, {"bogus": 1}, {"entrypoint": ""}):
        with pytest.raises(BadInput):
            client.submit_job(**{"entrypoint": "x", "runtime_env": WORK, **change})
    with pytest.raises(TypeError):
        client.submit_job("python x.py")  # type: ignore[misc]


def test_a_tail_ends_with_its_job(client: JobSubmissionClient, box: Box) -> None:
    id_ = first(client, "RUNNING")
    stream = client.tail_job_logs(id_)
    pieces = [next(stream)]
    assert client.stop_job(id_)
    box.clock.advance(5)
    pieces += stream
    assert "".join(pieces) == client.get_job_logs(id_)


def test_a_submitted_command_really_runs_where_that_is_allowed(tmp_path: Path) -> None:
    with sandbox.run(platforms=("ray", "yuanrong"), jobs=0, allow_run=True) as box:
        for platform in ("ray", "yuanrong"):
            ours = JobSubmissionClient(box.uri(platform))
            env = (
                {"working_dir": str(tmp_path), "env_vars": {"WORD": "there"}}
                if platform == "yuanrong"
                else {"env_vars": {"WORD": "there"}}
            )
            id_ = ours.submit_job(entrypoint="echo hello $WORD; exit 3", runtime_env=env)
            text = "".join(ours.tail_job_logs(id_))
            assert "hello there\n" in text
            assert (ours.get_job_status(id_), ours.get_job_info(id_).driver_exit_code) == ("FAILED", 3)


# -- addresses and sign-ins


def test_making_a_client_asks_nothing() -> None:
    ours = JobSubmissionClient("http://127.0.0.1:9")
    assert ours.get_address() == "http://127.0.0.1:9"
    with pytest.raises(Unreachable):
        ours.list_jobs()


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({}, "http://localhost:9080"),
        ({"ray_adapter_DASHBOARD_ADDRESS": "http://yr:9080"}, "http://yr:9080"),
        ({"RAY_ADDRESS": "http://ray:8265"}, "http://ray:8265"),
        ({"RAY_ADDRESS": "http://ray:8265", "RAY_API_SERVER_ADDRESS": "http://api:1"}, "http://api:1"),
        ({"RAY_ADDRESS": "http://ray:1", "ray_adapter_DASHBOARD_ADDRESS": "http://yr:2"}, "http://yr:2"),
    ],
)
def test_without_an_address_the_environments_counts(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert JobSubmissionClient().get_address() == address
    assert JobSubmissionClient("http://given:1").get_address() == "http://given:1"


@pytest.mark.parametrize("value", ["ray://host:10001", "10.0.0.1:6379"])
def test_an_address_of_ray_that_is_no_http_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", value)
    with pytest.raises(BadInput, match="RAY_ADDRESS"):
        JobSubmissionClient()
    with pytest.raises(BadURI):
        JobSubmissionClient(value).list_jobs()


def test_a_plain_address_is_told_apart_at_the_first_use(box: Box) -> None:
    for platform in ("ray", "yuanrong"):
        ours = JobSubmissionClient(box.url(platform))
        assert len(ours.list_jobs()) == len(JobSubmissionClient(box.uri(platform)).list_jobs())


def test_another_platforms_server_is_refused() -> None:
    with pytest.raises(BadInput, match="swanlab"):
        JobSubmissionClient("swanlab+http://127.0.0.1:9").list_jobs()


@pytest.mark.parametrize(
    "options",
    [
        {"cookies": {"a": "b"}},
        {"create_cluster_if_needed": True},
        {"verify": False},
        {"headers": {"X-Other": "1"}},
    ],
)
def test_what_is_not_done_is_refused_and_not_left_out_in_silence(options: dict[str, Any]) -> None:
    with pytest.raises(Unsupported):
        JobSubmissionClient("http://127.0.0.1:9", **options)


@pytest.fixture
def guarded() -> Iterator[Box]:
    with sandbox.run(platforms=("ray", "yuanrong"), jobs=3, clock="manual") as box:
        box.platform("ray").auth = True
        box.platform("yuanrong").auth = True
        yield box


def test_a_token_goes_as_argument_or_in_the_vendors_header(guarded: Box) -> None:
    ray, yuanrong = guarded.token("ray"), guarded.token("yuanrong")
    front = f"yuanrong+{guarded.platform('yuanrong').frontend_url}"
    for address, token, header in (
        (guarded.uri("ray"), ray, {"Authorization": f"Bearer {ray}"}),
        (front, yuanrong, {"X-Auth": yuanrong}),
    ):
        for options in ({"token": token}, {"token": Secret(token)}, {"headers": header}):
            assert JobSubmissionClient(address, **options).list_jobs()
        with pytest.raises(SignInNeeded):
            JobSubmissionClient(address).list_jobs()
    with pytest.raises(SignInNeeded, match="frontend"):
        JobSubmissionClient(guarded.uri("yuanrong")).list_jobs()


def test_a_wrong_token_stands_in_no_error_and_no_frame_of_it(guarded: Box) -> None:
    wrong = "wrong-token-4711-4711-4711"
    client = JobSubmissionClient(guarded.uri("ray"), token=wrong)
    with pytest.raises(TokenRejected) as raised:
        client.list_jobs()
    stack = traceback.TracebackException.from_exception(raised.value, capture_locals=True).stack
    assert len(stack) > 1
    assert not [frame for frame in stack[1:] if wrong in str(frame.locals)]  # the first is this test
    assert wrong not in repr(client) + str(raised.value)


def test_the_environments_token_goes_to_the_environments_host_alone(
    guarded: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", guarded.url("ray"))
    monkeypatch.setenv("RAY_AUTH_TOKEN", guarded.token("ray"))
    assert JobSubmissionClient().list_jobs()
    run(close_all())
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(SignInNeeded):
        JobSubmissionClient(guarded.uri("ray")).list_jobs()


def test_a_saved_name_is_an_address(box: Box) -> None:
    swnb.connect("saved-ray", box.uri("ray"))
    assert JobSubmissionClient("saved-ray").list_jobs()
    assert JobSubmissionClient("saved-ray").get_address() == box.url("ray")
    swnb.forget("saved-ray")
