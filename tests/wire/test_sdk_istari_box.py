"""Istari's surface on the sandbox: what goes wrong on the way, and what a caller gets wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from swnb import sandbox
from swnb.bridge import run
from swnb.errors import BadReply, Forbidden, SwnbError, Unreachable
from swnb.sandbox import Box
from swnb.sdk.istari import Artifact, Client, Configuration, Job, Model
from swnb.sdk.istari.words import ConfigurationError

STORE = r"^/store/"


@pytest.fixture
def box() -> Iterator[Box]:
    with sandbox.run(platforms=("istari",), seed=1, clock="manual") as box:
        yield box
        assert box.platform("istari").authorization_on_links == 0


@pytest.fixture
def client(box: Box) -> Client:
    return Client(Configuration(registry_url=box.url("istari"), registry_auth_token=box.token("istari")))


def in_box(box: Box, job: Job) -> Any:
    return box.platform("istari").job(job.id)


def going(client: Client) -> Job:
    return next(job for job in client.list_jobs(size=100) if not job.status.name.final)


# Waiting


@pytest.mark.parametrize("fault", [{"kind": "delay", "seconds": 5.0}, {"kind": "status", "status": 503}])
def test_polling_ends_with_its_timeout_whatever_the_server_does(
    box: Box, client: Client, fault: dict[str, Any]
) -> None:
    job = going(client)
    box.faults.add(**fault)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"of an unknown status after 0\.3 s"):
        job.poll_job(interval=0.05, timeout=0.3)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("interval", "timeout"), [(0, 1), (-1, 1), (math.nan, 1), (1, math.nan), (1, -1)])
def test_times_that_are_none_are_refused(client: Client, interval: float, timeout: float) -> None:
    job = going(client)
    with pytest.raises(ValueError, match="interval=" if timeout == 1 else "timeout="):
        job.poll_job(interval=interval, timeout=timeout)
    with pytest.raises(TypeError, match="interval is a number of seconds, not str"):
        job.poll_job(interval="1")  # type: ignore[arg-type]


def test_a_timeout_of_nothing_looks_once(box: Box, client: Client) -> None:
    job = going(client)
    box.requests.clear()
    with pytest.raises(TimeoutError, match=f"is {job.status.name} after 0 s"):
        job.poll_job(timeout=0)
    assert len(box.requests) == 1


# Content on its way


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 500])
def test_a_store_that_refuses_is_told_as_the_store_and_not_quoted(box: Box, client: Client, status: int) -> None:
    box.faults.add("status", path=STORE, status=status)
    with pytest.raises(SwnbError) as caught:
        client.list_jobs().items[0].read_bytes()
    said = str(caught.value)
    assert f"the content cannot be downloaded from {box.url('istari').removeprefix('http://')}" in said
    assert "sign-in" not in said
    assert "user may not" not in said
    assert isinstance(caught.value, Forbidden) is (status in (401, 403, 410))


def test_a_connection_that_is_cut_is_made_once_more(box: Box, client: Client) -> None:
    job = client.list_jobs().items[0]
    box.faults.add("cut", path=STORE, times=1)
    whole = job.read_bytes()
    box.faults.add("cut", path=STORE)
    with pytest.raises(Unreachable):
        fresh(client, job).read_bytes()
    box.faults.clear()
    assert job.read_bytes() == whole


def fresh(client: Client, job: Job) -> Any:
    """The job's content, which is in no cache."""
    job.cleanup_cache()
    return client.get_job(job.id).revision


def test_what_was_counted_stays_counted_when_a_file_is_called_otherwise(client: Client) -> None:
    job = client.list_jobs().items[0]
    for _ in range(2):
        job.read_bytes()
    before = job.get_cache_stats()
    assert before == {"hits": 1, "misses": 1, "puts": 1}
    job.update_description("another")
    assert job.get_cache_stats() == before
    job.read_bytes()
    assert job.get_cache_stats()["hits"] == 2


def test_the_cache_is_emptied_by_both_doors(client: Client) -> None:
    job = client.list_jobs().items[0]
    job.read_bytes()
    run(job.cleanup_cache.aio())
    job.read_bytes()
    assert job.get_cache_stats() == {"hits": 0, "misses": 2, "puts": 2}


def test_a_copy_needs_a_folder_that_is_there(client: Client, tmp_path: Path) -> None:
    job = client.list_jobs().items[0]
    for dest in (f"{tmp_path}/new/", tmp_path / "no" / "file"):
        with pytest.raises(ValueError, match="there is no folder"):
            job.copy_to(dest)
    assert job.copy_to(tmp_path).parent == tmp_path


# What is odd in a record


@pytest.mark.parametrize(
    "odd",
    [
        {"comments": [None]},
        {"status_history": [None]},
        {"agent_information": {"agent_id": None, "display_name": None}},
        {"created": "2026-11-22"},
        {"archive_status_history": None},
    ],
)
def test_a_null_or_a_day_does_not_fail_a_page(box: Box, client: Client, odd: dict[str, Any]) -> None:
    first = client.list_jobs().items[0]
    in_box(box, first).odd = odd
    page = client.list_jobs()
    assert page.items[0].id == first.id
    assert len(page.items) == 10
    assert Job.from_json(page.items[0].to_json()) == page.items[0]
    if "created" in odd:
        assert page.items[0].created == datetime(2026, 11, 22)


@pytest.mark.parametrize(("odd", "place"), [({"assigned_agent_id": 5}, "assigned_agent_id"), ({"file": 5}, "file")])
def test_what_is_of_another_kind_is_told_by_its_place(box: Box, client: Client, odd: Any, place: str) -> None:
    in_box(box, client.list_jobs().items[1]).odd = odd
    with pytest.raises(BadReply, match=rf"PageJob\.items\[1\]\.{place} is int, not"):
        client.list_jobs()


def test_the_input_of_a_job_may_be_an_artifact(client: Client) -> None:
    inputs = {type(job.model) for job in client.list_jobs(size=100)}
    assert inputs == {Model, Artifact}


def test_what_agents_are_given_is_shown_as_stars(box: Box, client: Client) -> None:
    job = client.list_jobs().items[0]
    sent = {"input_name": "key", "ciphertext": "c1pher", "function_auth_type": "x", "sha": "sh4", "salt": "s4lt"}
    in_box(box, job).odd = {"auth_deliveries": [{**sent, "expiration": "2026-11-22T12:00:00Z"}]}
    job = client.get_job(job.id)
    for shown in (repr(job), str(job), job.to_str(), repr(job.auth_deliveries)):
        assert "input_name" in shown
        assert not any(hushed in shown for hushed in ("c1pher", "sh4", "s4lt"))
    assert job.to_dict()["auth_deliveries"][0]["ciphertext"] == "c1pher"  # exact, for what is made of it


# What a caller gets wrong


WRONG: list[Callable[[Client], object]] = [
    lambda c: c.list_jobs(all_users="maybe"),  # type: ignore[arg-type]
    lambda c: c.list_jobs(name=5),  # type: ignore[arg-type]
    lambda c: c.list_jobs(model_id=5),  # type: ignore[arg-type]
    lambda c: c.list_jobs(size=True),
    lambda c: c.update_job_status("x", "Running", agent_id=5),  # type: ignore[arg-type]
    lambda c: c.add_job("m", 5),  # type: ignore[arg-type]
    lambda c: c.add_job("m", "f", parameters={}, sources=[5]),  # type: ignore[list-item]
    lambda c: c.update_file_properties("x"),  # type: ignore[arg-type]
    lambda c: c.update_file_properties(c.list_jobs().items[0], description="x"),  # type: ignore[arg-type]
    lambda c: c.create_access({"a": 1}),  # type: ignore[arg-type]
    lambda c: c.update_access("user", "x", "job", "y", "viewer"),  # type: ignore[arg-type]
    lambda c: c.list_agents(updated_since="x"),  # type: ignore[arg-type]
    lambda c: c.list_jobs().items[0].create_access("user", None, "viewer"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("call", range(len(WRONG)))
def test_a_wrong_argument_is_a_type_error_and_changes_nothing(box: Box, client: Client, call: int) -> None:
    with pytest.raises(TypeError):
        WRONG[call](client)
    assert all(request.method == "GET" for request in box.requests)


def test_a_wrong_encoding_is_a_value_error(client: Client) -> None:
    with pytest.raises(ValueError, match="encoding='nope'"):
        client.list_jobs().items[0].read_text("nope")


@pytest.mark.parametrize(
    "wrong",
    [
        {"filesystem_cache_max_bytes": None},
        {"filesystem_cache_max_bytes": -5},
        {"filesystem_cache_root": 5},
        {"http_request_timeout_secs": -1},
    ],
)
def test_a_setting_that_is_none_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Client(Configuration(registry_url="http://h", registry_auth_token="t", **wrong))
