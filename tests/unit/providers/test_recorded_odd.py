"""Recorded rarities: pinned jobs, other types of job, no runtime, no model, no end, and a name that two owners use."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from swnb.call import Call
from swnb.errors import BadInput, NotFound
from swnb.model import JobInfo, JobQuery, RowQuery, Status
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.replies import data
from swnb.providers.starwhale.table import DatastoreTable

from .plans import first_call, one_page, play
from .recorded import recorded

HOST = Starwhale("http://h")
ODD = recorded("server-odd")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
RAW = {"SUCCESS": Status.SUCCEEDED, "PAUSED": Status.PAUSED, "CREATED": Status.QUEUED, "UNKNOWN": Status.UNKNOWN}
EVAL = "EVALUATION"
RT, MODEL, QUICK = "toyrt", "toy", "ev:quick"

# id: type, raw status, created and ended (seconds after 1795363000), milliseconds, name, runtime, model, comment
JOBS: dict[int, tuple[Any, ...]] = {
    11: ("TRAIN", "SUCCESS", 734, 739, 5732, QUICK, RT, MODEL, None),
    12: ("FINE_TUNE", "SUCCESS", 736, 739, 3761, QUICK, RT, MODEL, None),
    13: ("SERVING", "SUCCESS", 737, 742, 5900, QUICK, RT, MODEL, None),
    15: ("ONLINE_EVAL", "SUCCESS", 741, 746, 5061, QUICK, RT, MODEL, None),
    16: ("BUILT_IN", "SUCCESS", 742, 746, 4086, QUICK, RT, MODEL, None),
    17: (EVAL, "SUCCESS", 744, 749, 5246, QUICK, None, MODEL, None),
    18: (EVAL, "SUCCESS", 745, 749, 4264, QUICK, RT, None, None),
    19: (EVAL, "PAUSED", 747, None, 4693554, QUICK, RT, MODEL, None),
    21: (EVAL, "CREATED", 750, None, 4690567, QUICK, RT, MODEL, None),
    22: (EVAL, "UNKNOWN", 751, None, 4601, QUICK, RT, MODEL, None),
    23: (EVAL, "SUCCESS", 753, 758, 5773, "", RT, MODEL, "a comment"),
}


def seconds(value: int | None) -> datetime | None:
    return None if value is None else EPOCH + timedelta(seconds=1795363000 + value)


def check(job: JobInfo, *, elapsed: bool = True) -> None:
    kind, raw, created, ended, duration, name, runtime, model, comment = JOBS[int(job.id)]
    assert (job.own["jobType"], job.raw_status, job.status) == (kind, raw, RAW[raw])
    assert (job.created, job.finished) == (seconds(created), seconds(ended))
    assert not elapsed or job.elapsed == timedelta(milliseconds=duration)
    assert (job.name, job.own["runtimeName"], job.own["modelName"], job.own["comment"]) == (
        name,
        runtime,
        model,
        comment,
    )
    assert job.own["isBuiltinRuntime"] is (None if runtime is None else False)


SINGLE = dict(zip(range(5, 16), JOBS, strict=True))


@pytest.mark.parametrize("number", SINGLE)
def test_an_odd_job_is_read_with_what_it_has(number: int) -> None:
    job = first_call(HOST.job("2", "11")).decode(ODD[number].reply)
    assert int(job.id) == SINGLE[number]
    check(job)


LISTS = {
    3: ([20, 14, 36, 35, 34, 33], 27),
    4: ([20, 14, *range(36, 20, -1), 19, 18, 17, 13, 12, 11, 10], 25),  # two types are in no list
}


@pytest.mark.parametrize("number", LISTS)
def test_pinned_jobs_stand_in_front_of_the_servers_list(number: int) -> None:
    ids, total = LISTS[number]
    page = HOST.job_page("2", 1, 100).decode(ODD[number].reply)
    assert [int(job.id) for job in page.items] == ids
    assert page.total == total
    assert [job.id for job in page.items if job.own["pinnedTime"] is not None] == ["20", "14"]
    for job in page.items:
        if int(job.id) in JOBS:
            check(job, elapsed=job.status.final)


@pytest.mark.parametrize("limit", [None, 1, 5, 17, 25, 99])
def test_pinned_or_not_the_newest_come_first_and_the_limit_keeps_them(limit: int | None) -> None:
    listing = play(Starwhale("http://h").jobs("2", JobQuery(limit=limit)), lambda call: ODD[4].reply).result
    newest = sorted(LISTS[4][0], reverse=True)[:limit]
    assert [int(job.id) for job in listing.items] == newest
    assert listing.total == 25


# project: id, owner, privacy
PROJECTS = {19: ("2", "starwhale", "PRIVATE"), 21: ("5", "guest1", "PUBLIC"), 22: ("5", "guest1", "PUBLIC")}
PROJECTS[23] = PROJECTS[19]


@pytest.mark.parametrize("number", PROJECTS)
def test_the_owner_tells_two_projects_of_one_name_apart(number: int) -> None:
    project = first_call(HOST.project("demo")).decode(ODD[number].reply)
    assert (project.id, project.owner, project.own["privacy"]) == PROJECTS[number]
    assert project.name == "demo"


def _projects(*owners: tuple[str, str]) -> Any:
    items = [{"id": id_, "name": "demo", "owner": {"name": owner}} for id_, owner in owners]
    return lambda call: one_page(items) if call.path == "/api/v1/project" else ODD[17].reply


def test_a_name_of_two_owners_is_refused_with_both_ways_to_say_it() -> None:
    with pytest.raises(BadInput, match=r"2 projects are called demo. Say starwhale:demo or guest1:demo"):
        play(Starwhale("http://h").project("demo"), _projects(("2", "starwhale"), ("5", "guest1")))


def test_who_may_see_only_one_of_them_gets_that_one() -> None:
    played = play(Starwhale("http://h").project("Demo"), _projects(("5", "guest1")))
    assert played.result.id == "5"
    assert [call.path for call in played.calls] == ["/api/v1/project/Demo", "/api/v1/project"]


def test_a_project_that_no_list_has_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"there is no project 'demo'. There are: none that you may see"):
        play(Starwhale("http://h").project("demo"), _projects())


WORDS: dict[int, Any] = {**dict.fromkeys((1, 2, 26, 27), "success"), 16: "5"}


@pytest.mark.parametrize("number", WORDS)
def test_what_only_changes_something_answers_with_a_word(number: int) -> None:
    assert data(ODD[number].reply) == WORDS[number]


TASKS = {28: ("19", 734, 739, "39"), 29: ("25", 744, 749, "45")}


@pytest.mark.parametrize("number", TASKS)
def test_the_end_of_a_task_is_its_own_for_that_of_a_run_moves_on(number: int) -> None:
    def answer(call: Call[Any]) -> Any:
        return ODD[number].reply

    (task,) = play(HOST.tasks("2", "11"), answer).result
    id_, started, finished, run = TASKS[number]
    assert (task.id, task.started, task.finished) == (id_, seconds(started), seconds(finished))
    assert [(each.id, each.finished) for each in task.runs] == [(run, seconds(2565))]
    assert task.elapsed == timedelta(seconds=5)


def test_users_are_listed_by_the_envelope() -> None:
    assert [user["name"] for user in data(ODD[30].reply)["list"]] == ["guest1", "starwhale", "test"]


def test_a_revision_of_the_future_is_the_table_of_today() -> None:
    table = DatastoreTable.of("t", {"id": frozenset({"STRING"})}, RowQuery()).anew()
    (row,) = table.page(ODD[32].reply).batch.records()
    assert (row["id"], row["sys/id"], row["accuracy"]) == ("00c73dca676141ce9cc7994b9527040a", 32, 0.2613)


CLAIMED = {*SINGLE, *LISTS, *PROJECTS, *WORDS, *TASKS, 30, 32}
