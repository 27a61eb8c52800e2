from __future__ import annotations

import dataclasses
from array import array
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb.model import ABSENT, Batch, JobInfo, JobQuery, Record, Status

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
row = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers() | st.text(max_size=3))


def job(**fields: Any) -> JobInfo:
    return JobInfo(
        **{"id": "1", "project": "p", "name": "Mnist", "status": Status.RUNNING, "raw_status": "R", **fields}
    )


@pytest.mark.parametrize("status", Status)
def test_only_three_states_are_final(status: Status) -> None:
    assert status.final == (status in {"succeeded", "failed", "cancelled"})
    assert str(status) == status.value == status


def test_records_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        job().name = "x"  # type: ignore[misc]
    assert job().own is not job().own  # so that nobody writes into all of them


def test_neither_raw_nor_environment_is_shown() -> None:
    assert "hunter2" not in repr(job(raw={"a": "hunter2"}, env={"TOKEN": "hunter2"}))


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        (JobQuery(), True),
        (JobQuery(status=frozenset({Status.RUNNING, Status.FAILED})), True),
        (JobQuery(status=frozenset({Status.FAILED})), False),
        (JobQuery(status=frozenset()), False),
        (JobQuery(name="NIS"), True),
        (JobQuery(name="cifar"), False),
        (JobQuery(owner="me"), True),
        (JobQuery(owner="m"), False),
        (JobQuery(since=NOON), True),
        (JobQuery(since=NOON + timedelta(seconds=1)), False),
        (JobQuery(name="mnist", owner="you"), False),
    ],
)
def test_a_job_is_taken_when_all_filters_hold(query: JobQuery, taken: bool) -> None:
    assert query.takes(job(owner="me", created=NOON)) is taken


def test_a_job_without_a_start_is_not_known_to_be_since_then() -> None:
    assert not JobQuery(since=NOON).takes(job())


def test_a_record_is_read_by_name_and_shows_its_class() -> None:
    box = Record("Box", {"x": 1, "name": "a"})
    assert (box["x"], repr(box)) == (1, "Box(x=1, name='a')")
    with pytest.raises(KeyError):
        box["y"]


def test_absent_is_false_and_not_none() -> None:
    assert not ABSENT
    assert ABSENT is not None
    assert repr(ABSENT) == "ABSENT"


@settings(deadline=None)
@given(st.lists(row))
def test_a_batch_gives_back_the_rows_it_was_made_of(rows: list[dict[str, Any]]) -> None:
    batch = Batch.of(rows)
    assert batch.n == len(rows)
    assert list(batch.records()) == rows


def test_columns_come_in_the_order_of_their_first_appearance() -> None:
    assert list(Batch.of([{"b": 1}, {"a": 1, "b": 2}, {"c": 3}]).columns) == ["b", "a", "c"]


@settings(deadline=None)
@given(st.lists(row), st.integers(-3, 12), st.integers(-3, 12))
def test_a_slice_is_that_of_a_list(rows: list[dict[str, Any]], start: int, stop: int) -> None:
    assert list(Batch.of(rows).slice(start, stop).records()) == rows[start:stop]


def test_a_slice_keeps_arrays() -> None:
    part = Batch(3, {"id": array("q", [1, 2, 3]), "x": [ABSENT, 1, None]}).slice(1, 3)
    assert part == Batch(2, {"id": array("q", [2, 3]), "x": [1, None]})
    assert list(part.records()) == [{"id": 2, "x": 1}, {"id": 3, "x": None}]
