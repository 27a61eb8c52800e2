"""Progress and time left: shown where there is ground for it, hidden otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.client import eta
from swnb.model import JobInfo, Status


def test_one_task_is_no_progress_and_several_are_counted() -> None:
    assert eta.of_tasks(0, 1) is None
    some = eta.of_tasks(3, 8)
    assert some is not None
    assert (some.share, some.said) == (0.375, "3 of 8 tasks")


def test_an_epoch_is_held_against_the_epochs_of_the_settings() -> None:
    found = eta.of_steps({"train/epoch": 12}, {}, {"train.epochs": 40})
    assert found is not None
    assert found.said == "epoch 12 of 40"


def test_whole_steps_are_no_epochs_since_they_may_be_batches() -> None:
    assert eta.of_steps({"loss": 1.0}, {"loss.step": 12}, {"epochs": 20}) is None
    assert eta.of_steps({}, {"loss.step": 12.5}, {"epochs": 20}) == eta.Progress(12.5, 20, "epoch")
    assert eta.of_steps({}, {"loss.step": 12, "loss.min_step": 99}, {"max_steps": 100}) == eta.Progress(12, 100, "step")


@pytest.mark.parametrize(
    "config", [{}, {"epochs": 0}, {"epochs": "20"}, {"epochs": 5}, {"a.epochs": 20, "b.epochs": 30}]
)
def test_settings_that_say_nothing_give_no_progress(config: dict[str, object]) -> None:
    assert eta.of_steps({"epoch": 12}, {}, config) is None


@pytest.mark.parametrize("line", ["epoch 3/20", "Epoch: 3 of 20, loss 0.3", "[INFO] epoch [3/20]", "EPOCH=3/20"])
def test_a_line_of_the_log_may_tell(line: str) -> None:
    assert eta.of_line(line) == eta.Progress(3, 20, "epoch")


@pytest.mark.parametrize("line", ["", "epoch 3", "3/20", "epoch 21/20", "epoch 0/0", "loss 3/4"])
def test_other_lines_tell_nothing(line: str) -> None:
    assert eta.of_line(line) is None


def rate(*points: tuple[float, float]) -> eta.Rate:
    made = eta.Rate()
    for second, done in points:
        made.note(second, eta.Progress(done, 100, "step"))
    return made


def test_the_time_left_follows_the_rate() -> None:
    left = rate((0, 10), (10, 20), (20, 30)).left(20)
    assert left is not None
    assert left.eta.total_seconds() == pytest.approx(70)
    assert left.low.total_seconds() == pytest.approx(70)
    assert left.high.total_seconds() == pytest.approx(70)


def test_an_uneven_rate_has_a_spread() -> None:
    left = rate((0, 10), (10, 20), (40, 30)).left(40)
    assert left is not None
    assert left.low < left.eta < left.high


def test_before_it_moved_twice_and_when_it_stands_still_nothing_is_said() -> None:
    assert rate((0, 10), (10, 20), (11, 20)).left(11) is None
    assert rate((0, 10), (10, 20), (20, 30)).left(80) is None


def test_a_restart_begins_anew() -> None:
    assert rate((0, 10), (10, 20), (20, 30), (30, 5), (40, 10)).left(40) is None


@given(st.lists(st.tuples(st.floats(0.1, 1e5), st.floats(0, 100)), max_size=30))
def test_the_spread_is_around_the_estimate_and_never_negative(steps: list[tuple[float, float]]) -> None:
    second, made = 0.0, eta.Rate()
    for pause, done in steps:
        second += pause
        made.note(second, eta.Progress(done, 100, "step"))
    left = made.left(second)
    if left is not None:
        assert timedelta() <= left.low <= left.eta <= left.high


def ended(id_: str, minutes: float, name: str = "train", status: Status = Status.SUCCEEDED) -> JobInfo:
    return JobInfo(id_, "1", name, status, "", elapsed=timedelta(minutes=minutes))


RUNNING = JobInfo("9", "1", "train", Status.RUNNING, "")


def listed(*jobs: JobInfo) -> dict[str, JobInfo]:
    return {job.id: job for job in jobs}


def test_earlier_jobs_of_the_same_name_tell_how_long_it_takes() -> None:
    jobs = listed(
        ended("1", 10), ended("2", 12), ended("3", 14), ended("4", 99, "other"), ended("5", 1, status=Status.FAILED)
    )
    left = eta.by_history(RUNNING, timedelta(minutes=4), jobs)
    assert left is not None
    assert (left.eta, left.low, left.high) == tuple(timedelta(minutes=n) for n in (8, 7, 9))


@pytest.mark.parametrize("elapsed", [13, 15])
def test_a_job_that_took_longer_than_most_before_has_no_estimate(elapsed: int) -> None:
    jobs = listed(ended("1", 10), ended("2", 12), ended("3", 14))
    assert eta.by_history(RUNNING, timedelta(minutes=elapsed), jobs) is None


def test_two_earlier_jobs_are_no_ground() -> None:
    assert eta.by_history(RUNNING, timedelta(), listed(ended("1", 10), ended("2", 12))) is None
