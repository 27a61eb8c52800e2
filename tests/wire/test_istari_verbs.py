"""The verbs on the sandbox's Istari registry: frames end to end, content behind links, faults, actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import swnb
from swnb import sandbox
from swnb.errors import ActionsOff, BadReply, NotFound, ServerError, SignInNeeded, TokenRejected, Unsupported
from swnb.providers.base import register
from swnb.providers.istari import Istari
from swnb.sandbox import Box
from swnb.sandbox.istari.stories import Entry

register("istari", Istari)

LINKS = r"/download-url$"
STORE = r"^/store/"
LIST = r"/api/v2/jobs$"


@pytest.fixture(scope="module")
def made() -> Iterator[Box]:
    with sandbox.run(platforms=("istari",), seed=1, clock="manual") as box:
        yield box


def saved(box: Box) -> Iterator[Box]:
    swnb.connect("reg", box.uri("istari"), token=box.token("istari"))
    box.requests.clear()
    yield box
    assert state(box).authorization_on_links == 0
    box.faults.clear()
    swnb.forget("reg")


@pytest.fixture
def box(made: Box) -> Iterator[Box]:
    """For tests that change nothing."""
    yield from saved(made)


@pytest.fixture
def own() -> Iterator[Box]:
    with sandbox.run(platforms=("istari",), seed=1, clock="manual") as box:
        yield from saved(box)


def state(box: Box) -> Any:
    return box.platform("istari")


def mine(box: Box) -> list[Any]:
    """The jobs that the user's list shows, newest first."""
    server = state(box)
    return [job for job in server.jobs if job.by is server.users[0] and not job.archived and not job.removed()]


def uri(box: Box, word: str) -> str:
    """The newest job with this word of the registry's."""
    return f"reg/job/{next(job.id for job in mine(box) if job.status(box.clock.now) == word)}"


def opened(address: str) -> swnb.Job:
    found = swnb.open(address)
    assert isinstance(found, swnb.Job)
    return found


def notes(frame: pd.DataFrame) -> str:
    found = swnb.provenance(frame)
    assert found is not None
    return " ".join(found.notes)


def csv_of(box: Box) -> str:
    """The address of a CSV table of the newest job that has one."""
    return next(f"reg/job/{job.id}/table/{name}" for job in mine(box) for name in names(job, box) if ".csv" in name)


def names(job: Any, box: Box) -> list[str]:
    return [each.file.revisions[-1].name for each in made_by(job, box)]


def made_by(job: Any, box: Box) -> list[Any]:
    return list(job.products(box.clock.now))


# -- frames


def test_my_jobs_come_newest_first_in_every_status(box: Box) -> None:
    frame = swnb.jobs("reg")
    assert dict(zip(frame.id, frame.raw_status, strict=True)) == {
        job.id: job.status(box.clock.now) for job in mine(box)
    }
    assert frame.created.is_monotonic_decreasing
    assert list(frame.index) == [f"reg/project/mine/job/{id_}" for id_ in frame.id]
    assert frame.finished.notna().equals(frame.status.isin(["succeeded", "failed", "cancelled"]))
    assert (frame.elapsed.dropna() >= pd.Timedelta(0)).all()
    assert {"function", "tool", "agent", "model_id"} <= set(frame.columns)


def test_a_failed_job_says_why(box: Box) -> None:
    row = swnb.jobs(uri(box, "Failed")).iloc[0]
    assert row.status == "failed"
    assert row.error


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled", "running", "queued", "unknown"])
def test_a_status_filter_is_the_same_as_looking(box: Box, status: str) -> None:
    everything = swnb.jobs("reg")
    assert list(swnb.jobs("reg", status=status).index) == list(everything[everything.status == status].index)


def test_a_limit_keeps_the_newest(box: Box) -> None:
    assert list(swnb.jobs("reg", limit=3).index) == list(swnb.jobs("reg").index[:3])


def test_mine_systems_and_models_are_projects(box: Box) -> None:
    frame = swnb.projects("reg")
    server = state(box)
    assert frame.index[0] == "reg/project/mine"
    there = [f"system:{each.id}" for each in server.systems if not each.archived] + [each.id for each in server.models]
    assert sorted(frame.id[1:]) == sorted(there)


def test_a_model_has_its_jobs_and_a_system_those_of_its_models(box: Box) -> None:
    server = state(box)
    model = next(each for each in server.models if any(job.model_id == each.id for job in mine(box)))
    frame = swnb.jobs(f"reg/project/{model.id}")
    assert set(frame.id) == {job.id for job in mine(box) if job.model_id == model.id}
    system = next(each for each in server.systems if not each.archived)
    within = swnb.jobs(f"reg/project/system:{system.id}")
    inputs = {each.id for found in system.configurations for each in found.tracked}
    assert set(within.id) == {job.id for job in mine(box) if job.model_id in inputs}


def test_what_is_in_a_system_are_its_models(box: Box) -> None:
    system = next(each for each in state(box).systems if each.configurations)
    frame = swnb.projects(f"reg/project/system:{system.id}")
    assert list(frame.id) == list(dict.fromkeys(each.id for found in system.configurations for each in found.tracked))
    assert swnb.open(f"reg/project/system:{system.id}").projects().equals(frame)
    assert set(frame.kind) <= {"model", "artifact"}
    with pytest.raises(ValueError, match="names a job, where a server is wanted"):
        swnb.projects("reg/project/x/job/1")


def test_access_is_read_by_all_and_changed_by_those_who_say_so(own: Box) -> None:
    job = swnb.open(uri(own, "Completed"))
    ada, other = state(own).users[:2]
    assert list(job.access().relation) == ["owner"]
    assert swnb.provenance(job.access()).code == f"swnb.open({job.uri!r}).access()"
    for refused in (lambda: job.grant(other.email, "viewer"), lambda: job.revoke(other.id)):
        with pytest.raises(ActionsOff):
            refused()
    assert job.grant(other.email, "viewer", yes=True) == "viewer"
    assert job.grant(other.id, "editor", yes=True) == "editor"
    assert dict(zip(job.access().id, job.access().relation, strict=True)) == {ada.id: "owner", other.id: "editor"}
    assert job.revoke(other.email, yes=True) == "none"
    assert list(job.access().id) == [ada.id]


def test_tasks_are_the_history(box: Box) -> None:
    frame = swnb.tasks(uri(box, "Completed"))
    assert list(frame.raw_status)[:2] == ["Created", "Pending"]
    assert frame.raw_status.iloc[-1] == "Completed"
    spent = frame.elapsed.sum()
    assert spent == frame.started.iloc[-1] - frame.started.iloc[0]


def test_a_summary_has_stages_and_the_numbers_of_json_artifacts(box: Box) -> None:
    frame = swnb.summary("reg")
    assert len(frame) == len(mine(box))
    done = frame[swnb.jobs("reg").status == "succeeded"]
    assert (done["stage.wall_s"] > 0).all()
    assert done["metrics.mass_kg"].notna().all()
    assert frame["metrics.mass_kg"].notna().sum() == len(done)


def test_rows_of_a_csv_artifact_are_typed(box: Box) -> None:
    frame = swnb.rows(csv_of(box))
    assert len(frame) > 1
    assert pd.api.types.is_integer_dtype(frame.id)
    assert len(frame.select_dtypes("number").columns) > 1


def test_every_table_that_is_listed_can_be_read(box: Box) -> None:
    address = csv_of(box).partition("/table/")[0]
    names = swnb.tables(address)
    assert names
    for name in names:
        assert len(swnb.rows(address, name)) > 0


def test_the_numeric_columns_of_a_table_are_series(box: Box) -> None:
    frame = swnb.metrics(csv_of(box))
    assert len(frame)
    assert frame.step.min() == 0


def test_what_a_job_was_given_is_config(box: Box) -> None:
    row = swnb.jobs(uri(box, "Completed"), config=True)
    assert any(name.startswith("config.") for name in row.columns)
    several = swnb.jobs("reg", limit=3, config=True)
    assert any(name.startswith("config.") for name in several.columns)


def test_what_a_registry_has_not_is_unsupported(box: Box) -> None:
    for verb in (swnb.logs, swnb.events):
        with pytest.raises(Unsupported):
            verb(uri(box, "Completed"))


def test_a_job_or_model_that_is_not_there_is_not_found(box: Box) -> None:
    missing = "00000000-0000-0000-0000-00000000dead"
    for address in (
        f"reg/job/{missing}",
        f"reg/project/{missing}",
        f"reg/project/system:{missing}",
        "reg/project/nope",
    ):
        with pytest.raises(NotFound):
            swnb.jobs(address)


# -- lists of many


def test_two_thousand_jobs_are_twenty_requests() -> None:
    with sandbox.run(platforms=("istari",), jobs=2000, latency=0.02) as box:
        token = box.token("istari")
        swnb.connect("reg", box.uri("istari"), token=token)
        try:
            frame = swnb.jobs("reg")
        finally:
            swnb.forget("reg")
        assert set(frame.id) == {job.id for job in mine(box)}
        assert sum(request.path == "/api/v2/jobs" for request in box.requests) == -(-len(frame) // 100)


# -- content and faults


def test_a_wrong_hash_is_an_error_and_not_half_a_table(own: Box) -> None:
    address = csv_of(own)
    blob = next(
        each.file.revisions[-1].content
        for job in mine(own)
        for each in made_by(job, own)
        if f"{job.id}/table/{each.file.revisions[-1].name}" in address
    )
    good = blob.body
    assert blob.sha
    blob.__dict__["body"] = good[:-1]  # what the store holds under the old hash
    with pytest.raises(BadReply, match=r"csv, downloaded from 127\.0\.0\.1:\d+, .* its hash is wrong"):
        swnb.rows(address)
    blob.__dict__["body"] = good
    assert len(swnb.rows(address)) > 1


def test_an_expired_link_is_asked_for_once_more(box: Box) -> None:
    address = csv_of(box)
    box.faults.add("status", path=STORE, status=403, times=1)
    assert len(swnb.rows(address)) > 1
    assert sum(request.path.endswith("/download-url") for request in box.requests) == 2


def test_a_store_that_refuses_every_link_is_an_error(box: Box) -> None:
    address = csv_of(box)
    box.faults.add("status", path=STORE, status=403)
    with pytest.raises(PermissionError, match="cannot be downloaded from 127"):
        swnb.rows(address)


def test_links_that_have_ended_by_the_clock_are_refused(own: Box) -> None:
    state(own).store.seconds = -1.0
    with pytest.raises(PermissionError, match="the link is refused"):
        swnb.rows(csv_of(own))


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_a_store_that_fails_once_is_asked_again(box: Box, kind: Any) -> None:
    address = csv_of(box)
    box.faults.add(kind, path=STORE, times=1)
    assert len(swnb.rows(address)) > 1


def test_a_store_out_of_reach_hides_no_job(box: Box) -> None:
    address = uri(box, "Completed")
    box.faults.add("status", path=LINKS, status=500)
    frame = swnb.jobs(address)
    assert len(frame) == 1
    assert "the parameters of job" in notes(frame)


def test_a_list_that_is_no_json_is_a_bad_reply(box: Box) -> None:
    box.faults.add("garbage", path=LIST)
    with pytest.raises(BadReply):
        swnb.jobs("reg")


def test_a_new_word_of_the_registry_is_unknown(own: Box) -> None:
    job = next(job for job in mine(own) if job.status(own.clock.now) == "Running")
    job.story = [*job.history(own.clock.now), Entry(own.clock.now, "Hibernating")]
    job.touch()
    frame = swnb.jobs("reg")
    row = frame.loc[f"reg/project/mine/job/{job.id}"]
    assert (row.status, row.raw_status) == ("unknown", "Hibernating")


def test_without_a_token_a_sign_in_is_needed_and_a_wrong_one_is_rejected(made: Box) -> None:
    address = made.uri("istari")
    with pytest.raises(SignInNeeded):
        swnb.jobs(address)
    swnb.connect("wrong", address, token="tok-wrong-1")
    try:
        with pytest.raises(TokenRejected) as caught:
            swnb.jobs("wrong")
    finally:
        swnb.forget("wrong")
    assert "tok-wrong-1" not in str(caught.value)


# -- actions


def test_nothing_is_changed_unless_it_is_allowed(own: Box) -> None:
    job = opened(uri(own, "Running"))
    with pytest.raises(ActionsOff):
        job.stop()
    assert [request.method for request in own.requests if request.method != "GET"] == []


def test_stop_writes_that_a_job_is_cancelled(own: Box) -> None:
    job = opened(uri(own, "Running"))
    assert job.stop(yes=True) == "Canceled"
    assert job.status().value == "cancelled"
    with pytest.raises(ServerError, match="Canceled"):
        job.stop(yes=True)


def test_delete_archives_and_resume_restores(own: Box) -> None:
    job = opened(uri(own, "Completed"))
    before = list(swnb.jobs("reg").index)
    assert job.delete(yes=True) == "Archived"
    assert len(swnb.jobs("reg")) == len(before) - 1
    with pytest.raises(ServerError):
        job.delete(yes=True)
    assert job.resume(yes=True) == "Active"
    assert list(swnb.jobs("reg").index) == before


def test_an_action_is_never_repeated(own: Box) -> None:
    job = opened(uri(own, "Running"))
    own.faults.add("drop", method="PUT")
    with pytest.raises(ConnectionError):
        job.stop(yes=True)
    assert sum(request.method == "PUT" for request in own.requests) == 1
