"""Recorded answers while jobs run: job 37 is paused, refused, retried and cancelled, 38 ends, 39 is removed."""

from __future__ import annotations

import math
import struct
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from swnb.model import RowQuery, Status
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.replies import data
from swnb.providers.starwhale.table import DatastoreTable

from .plans import first_call, play
from .recorded import UUID, canonical_rows, recorded, sdk, sdk_rows

HOST = Starwhale("http://h")
LIVE = recorded("server-live")
TYPED = DatastoreTable.of("t", {"id": frozenset({"STRING"})}, RowQuery()).anew()


def ms(value: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=value)


def numbers(name: str) -> list[int]:
    return [number for number, entry in LIVE.items() if entry.name == name]


def job_of(number: int) -> int:
    """Which job a question is about: 38 was started at line 124."""
    return 37 if number < 124 else 38


CREATED = {37: 1795364030000, 38: 1795364073000}
STOPPED = {37: 1795364061000, 38: 1795364144000}
FINAL = {37: timedelta(milliseconds=31898), 38: timedelta(milliseconds=71099)}
DONE = {37: (Status.CANCELLED, "CANCELED"), 38: (Status.SUCCEEDED, "SUCCESS")}
ENDED = {37: 94, 38: 197}  # the first answer that says so


def job_status(number: int) -> tuple[Status, str]:
    if number >= ENDED[job_of(number)]:
        return DONE[job_of(number)]
    return (Status.STOPPING, "CANCELLING") if number == 90 else (Status.RUNNING, "RUNNING")


@pytest.mark.parametrize("number", numbers("job"))
def test_a_job_says_running_while_its_task_is_paused_and_ends_when_it_does(number: int) -> None:
    id_ = job_of(number)
    job = first_call(HOST.job("1", str(id_))).decode(LIVE[number].reply)
    ended = number >= ENDED[id_]
    assert (job.id, job.key, job.name) == (str(id_), UUID[id_], "ev:slow")
    assert (job.status, job.raw_status) == job_status(number)
    assert (job.created, job.finished) == (ms(CREATED[id_]), ms(STOPPED[id_]) if ended else None)
    assert job.elapsed == (FINAL[id_] if ended else timedelta(milliseconds=LIVE[number].body["data"]["duration"]))
    assert (job.own["comment"], job.own["pinnedTime"]) == (
        ("seen by a person", ms(1795364042000)) if 36 < number < 123 else (None, None)
    )


def test_the_time_of_a_running_job_grows() -> None:
    jobs = [first_call(HOST.job("1", "37")).decode(LIVE[n].reply) for n in numbers("job") if n < ENDED[37]]
    spans = [job.elapsed.total_seconds() for job in jobs if job.elapsed is not None]
    assert len(spans) == len(jobs)
    assert spans == sorted(spans)
    assert (spans[0], spans[-1]) == (0.182, 31.335)


KILLED, STRUCK = "Exited (1) 1 second ago", "Exited (-9) 1 second ago"


def task_status(number: int) -> tuple[Status, str]:
    if number > 124:
        return DONE[38] if number == 198 else (Status.RUNNING, "RUNNING")
    if number >= 95:
        return DONE[37]
    if number == 91:
        return Status.STOPPING, "CANCELLING"
    return (Status.PAUSED, "PAUSED") if 40 <= number < 78 else (Status.RUNNING, "RUNNING")


def task_runs(number: int) -> list[tuple[str, str, str | None]]:
    if number > 124:
        return [("67", "FINISHED" if number == 198 else "RUNNING", None)]
    if number < 78:
        return [("65", "RUNNING", None)]
    return [("65", "FAILED", KILLED), ("66", "FAILED", STRUCK) if number >= 95 else ("66", "RUNNING", None)]


@pytest.mark.parametrize("number", numbers("tasks"))
def test_a_task_says_paused_and_keeps_the_reason_of_its_last_failed_run(number: int) -> None:
    (task,) = play(HOST.tasks("1", str(job_of(number))), lambda call: LIVE[number].reply).result
    second = 78 <= number < 124
    assert (task.id, task.name) == ("45" if number < 124 else "46", "ev:slow")
    assert (task.status, task.raw_status) == task_status(number)
    assert (task.retries, task.error) == (int(second), (STRUCK if number >= 95 else KILLED) if second else None)
    assert [(run.id, run.raw_status, run.error) for run in task.runs] == task_runs(number)
    ended = task.status.final
    assert task.started == ms(CREATED[job_of(number)])
    assert task.finished == (ms(STOPPED[job_of(number)]) if ended else None)
    assert (task.elapsed is None) is not ended


# answer: the ids of the new rows; all others have none
ROWS: dict[int, range] = {
    12: range(1),
    16: range(1, 3),
    20: range(3, 4),
    24: range(4, 6),
    28: range(6, 7),
    32: range(7, 8),
    41: range(8, 10),
    131: range(3),
    135: range(3, 6),
    139: range(6, 10),
    143: range(10, 14),
    147: range(14, 17),
    151: range(17, 21),
    155: range(21, 25),
    159: range(25, 28),
    163: range(28, 32),
    167: range(32, 35),
    171: range(35, 39),
    175: range(39, 43),
    179: range(43, 46),
    183: range(46, 50),
    187: range(50, 54),
    191: range(54, 57),
    195: range(57, 60),
}


@pytest.mark.parametrize("number", numbers("new rows"))
def test_the_rows_after_the_last_key_are_the_new_ones(number: int) -> None:
    page = TYPED.page(LIVE[number].reply)
    rows = list(page.batch.records())
    assert [row["id"] for row in rows] == list(ROWS.get(number, ()))
    assert [row["acc"] for row in rows] == pytest.approx([1 - math.exp(-row["id"] / 15) for row in rows], abs=1e-12)
    assert [row["loss"] for row in rows] == [
        struct.unpack(">d", bytes.fromhex(record["loss"]["value"]))[0] for record in LIVE[number].records
    ]
    assert page.cursor == (("INT64", f"{rows[-1]['id']:016x}") if rows else None)


# From this answer on the summary holds this epoch; accuracy is that of the row of this id.
EPOCHS = {5: None, 42: 9, 128: None, 140: 9, 152: 19, 164: 29, 176: 39, 184: 49, 196: 59}


def summary_status(number: int) -> str:
    if number == 200:
        return "SUCCESS"
    return {True: "RUNNING", False: "CANCELED"}[number < 93 or number > 124] if number != 93 else "CANCELLING"


@pytest.mark.parametrize("number", numbers("summary"))
def test_the_summary_follows_the_job(number: int) -> None:
    (row,) = TYPED.page(LIVE[number].reply).batch.records()
    epoch = EPOCHS[max(start for start in EPOCHS if start <= number)]
    assert (row["id"], row["sys/id"]) == (UUID[job_of(number)], job_of(number))
    assert row["sys/job_status"] == summary_status(number)
    assert row.get("epoch") == epoch
    assert row.get("accuracy") == (None if epoch is None else pytest.approx(1 - math.exp(-epoch / 15), abs=1e-12))
    assert row.get("sys/duration_ms") == {"CANCELED": 31898, "SUCCESS": 71099}.get(row["sys/job_status"])


def test_the_last_summary_of_a_job_is_the_one_that_the_sdk_read() -> None:
    rows = list(TYPED.page(LIVE[121].reply).batch.records())
    assert canonical_rows(rows) == sdk_rows([sdk()["job 37"]["summary"]])


# Answers to what only acts, or what no verb asks: the envelope's data.
DONE_ACTIONS: dict[int, Any] = {
    1: "37",
    124: "38",
    201: "39",
    35: {"stdout": "STDOUT: hello", "stderr": ""},
    **dict.fromkeys((36, 37, 123, 203), "success"),
    38: "Success: pause",
    63: "Success: pause",
    89: "Success: cancel",
}


@pytest.mark.parametrize("number", DONE_ACTIONS)
def test_an_action_that_was_taken_answers_with_its_word(number: int) -> None:
    assert data(LIVE[number].reply) == DONE_ACTIONS[number]


ACTS = {38: "pause", 63: "pause", 89: "stop", 203: "delete"}


@pytest.mark.parametrize("number", ACTS)
def test_our_actions_return_the_words_of_the_server(number: int) -> None:
    played = play(HOST.act("1", "37", ACTS[number]), lambda call: LIVE[number].reply)
    assert played.result == "Success"


LISTS = {34: ([37, 8, 7], 9, range(2, 4)), 205: ([38, 37, 8], 10, range(2, 5))}


@pytest.mark.parametrize("number", LISTS)
def test_a_removed_job_is_not_listed(number: int) -> None:
    ids, total, further = LISTS[number]
    page = HOST.job_page("1", 1, 3).decode(LIVE[number].reply)
    assert [int(job.id) for job in page.items] == ids
    assert (page.total, [call.query["pageNum"] for call in page.rest]) == (total, [str(n) for n in further])


@pytest.mark.parametrize("number", [202, 204])
def test_a_removed_job_answers_by_its_number_like_a_living_one(number: int) -> None:
    job = first_call(HOST.job("1", "39")).decode(LIVE[number].reply)
    assert (job.id, job.key, job.status, job.name) == ("39", UUID[39], Status.SUCCEEDED, "ev:quick")
    assert (job.created, job.finished) == (ms(1795364146000), ms(1795364150000))
    assert job.elapsed == timedelta(milliseconds=4182)
    assert job.own["comment"] is None  # the comment of its making is kept in the summary only


def test_the_summary_keeps_the_row_of_a_removed_job() -> None:
    rows = {row["sys/id"]: row for row in TYPED.page(LIVE[207].reply).batch.records()}
    words = {**dict.fromkeys((1, 3, 4, 5, 8), "FAIL"), **dict.fromkeys((2, 6, 7, 38, 39), "SUCCESS"), 37: "CANCELED"}
    assert {number: row["sys/job_status"] for number, row in rows.items()} == words
    assert {row["sys/_is_deleted"] for row in rows.values()} == {0}
    assert rows[39]["id"] == UUID[39]


def test_the_trash_names_the_removed_job_by_its_uuid() -> None:
    assert [(item["name"], item["type"]) for item in data(LIVE[206].reply)["list"]] == [(UUID[39], "EVALUATION")]


CLAIMED = {
    *(number for name in ("job", "tasks", "new rows", "summary") for number in numbers(name)),
    *DONE_ACTIONS,
    *LISTS,
    *(202, 204, 206, 207),
}
