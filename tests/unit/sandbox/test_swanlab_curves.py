"""The world's curves: the same values in whatever pieces they are made."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.clock import Clock
from swnb.sandbox.curves import train_table
from swnb.sandbox.story import tell
from swnb.sandbox.swanlab.points import summary
from swnb.sandbox.swanlab.state import State
from swnb.sandbox.world import Timeline

TABLE = train_table(7, 100.0, Timeline([(0.0, "running")]))


@given(st.integers(0, 6000), st.integers(0, 600), st.sampled_from(["loss", "accuracy", "lr"]))
def test_a_column_is_the_same_in_pieces(low: int, length: int, name: str) -> None:
    whole = TABLE.columns[name](range(low, low + length))
    pieces = [TABLE.columns[name](range(key, key + 1))[0] for key in range(low, low + length)]
    assert repr(list(whole)) == repr(pieces)
    assert repr(list(TABLE.block(low, low + length)[name])) == repr(pieces)


def test_a_long_run_is_planned_without_making_its_points() -> None:
    state = State(tell(Clock(manual=True), jobs=60, rows=10_000_000))
    runs = state.projects[0].runs(state.now)
    long = [run for run in runs if run.state(state.now) == "FINISHED"]
    assert {run.count("train/loss", state.now) for run in long} == {10_000_000}
    assert {run.count("train/grad_norm", state.now) for run in long} == {3_333_334}


def test_times_of_points_lie_within_the_run() -> None:
    state = State(tell(Clock(manual=True), jobs=60, rows=1000))
    for run in state.projects[0].runs(state.now):
        points = run.points("train/loss", state.now)
        end = run.finished(state.now) or state.now
        if points:
            assert run.created * 1000 - 1 <= points.stamps[0]
            assert list(points.stamps) == sorted(points.stamps)
            if run.state(state.now) == "FINISHED":
                assert points.stamps[-1] <= end * 1000
                assert len(points) == 1000


def test_the_loss_has_a_nan_and_the_summary_passes_over_it() -> None:
    state = State(tell(Clock(manual=True), jobs=60))
    run = next(run for run in state.projects[0].runs(state.now) if run.state(state.now) == "FINISHED")
    points = run.points("train/loss", state.now)
    assert points is not None
    assert [step for step, value in zip(points.steps, points.values, strict=True) if math.isnan(value)] == [250]
    found = summary(points)
    assert found is not None
    assert (found["step"], found["max"]["index"] in points.steps) == (399, True)
