"""Series from log records and from whatever ``tasks.train-metrics`` gives; thinning; servers without logs."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import noting
from swnb.errors import Forbidden, NotFound, ServerError
from swnb.model import NO_TIME, Series
from swnb.providers.supervisely.curves import rows_of_json, series_of, thinned

from .supervisely_server import Server, ok, refusal, task

AT = "2026-02-03T04:05:06.789Z"
MICROSECONDS = 1_770_091_506_789_000


def record(kind: str | None, epoch: Any, at: str | None = AT, **metrics: Any) -> dict[str, Any]:
    return {"message": "metrics", "type": kind, "epoch": epoch, "timestamp": at, "metrics": metrics, "level": "info"}


def read(*records: Any, **how: Any) -> list[Series]:
    server = Server([task(7)], rules={"tasks.log.download": ok([*records])})
    return server.run(server.host.metrics("51", ["7"], how.get("keys"), how.get("steps")))


def points(series: Series) -> list[tuple[Any, Any]]:
    return list(zip(series.step, series.value, strict=True))


def test_metrics_records_of_the_log_are_series() -> None:
    other = {"message": "epoch 1", "level": "info", "timestamp": AT}
    found = read(
        other, record("train", 1.0, loss=2.5, lr=1), record("val", 1, loss=3.5), record("train", 2.0, loss=1.5)
    )
    assert [(s.metric, s.job, s.project) for s in found] == [
        ("train/loss", "7", "51"),
        ("train/lr", "7", "51"),
        ("val/loss", "7", "51"),
    ]
    assert points(found[0]) == [(1, 2.5), (2, 1.5)]
    assert (found[0].step.typecode, found[0].value.typecode) == ("q", "d")  # type: ignore[attr-defined]
    assert list(found[0].time) == [MICROSECONDS] * 2
    assert not found[0].sampled


def test_kinds_whose_names_come_out_alike_are_one_series() -> None:
    [series] = read(record("train", 1, loss=1), record(None, 1, **{"train/loss": 2}))
    assert (series.metric, points(series)) == ("train/loss", [(1, 1), (2, 2)])


def test_parts_of_an_epoch_stay_parts() -> None:
    [series] = read(record("train", 0.25, loss=1), record("train", 0.5, loss=2))
    assert points(series) == [(0.25, 1), (0.5, 2)]


def test_epochs_that_repeat_give_way_to_the_number_of_the_record() -> None:
    with noting() as notes:
        found = read(
            record("train", 1, a=1), record("train", 1, a=2, b=5), record("train", 2, a=3), record("val", 1, a=9)
        )
    assert [(s.metric, points(s)) for s in found] == [
        ("train/a", [(1, 1), (2, 2), (3, 3)]),
        ("train/b", [(2, 5)]),
        ("val/a", [(1, 9)]),
    ]
    assert notes == ["job 7: the epochs of its train records repeat or go back: steps count the records"]


def test_metrics_of_one_epoch_in_several_records_keep_it() -> None:
    found = read(record("train", 1, a=1), record("train", 1, b=2), record("train", 2, a=3))
    assert [(s.metric, points(s)) for s in found] == [("train/a", [(1, 1), (2, 3)]), ("train/b", [(1, 2)])]


def test_records_without_an_epoch_are_counted() -> None:
    with noting() as notes:
        [series] = read(record(None, None, loss=1), record(None, None, loss=2))
    assert (series.metric, points(series)) == ("loss", [(1, 1), (2, 2)])
    assert notes == []


def test_records_count_in_the_order_of_their_times() -> None:
    later = "2026-02-03T04:05:07.000Z"
    [series] = read(record("train", 2, later, loss=2), record("train", 1, AT, loss=1))
    assert points(series) == [(1, 1), (2, 2)]


def test_a_value_that_is_no_number_is_no_point_and_null_is_nan() -> None:
    found = read(record("train", 1, loss="x", ok=True, acc=None, deep={"a": {"b": 2}}))
    assert [s.metric for s in found] == ["train/acc", "train/deep.a.b"]
    assert math.isnan(found[0].value[0])


def test_bare_nan_and_infinity_in_the_answer_survive() -> None:
    body = json.dumps([record("train", n, loss=x) for n, x in enumerate([math.nan, math.inf, -math.inf])]).encode()
    assert b"NaN" in body
    server = Server([task(7)], rules={"tasks.log.download": ok(body)})
    [series] = server.run(server.host.metrics("51", ["7"], None, None))
    assert math.isnan(series.value[0])
    assert list(series.value[1:]) == [math.inf, -math.inf]


def test_a_time_that_cannot_be_read_is_marked() -> None:
    [series] = read(record("train", 1, loss=1), record("train", 2, "soon", loss=2))
    assert list(series.time) == [MICROSECONDS, NO_TIME]
    [bare] = read(record("train", 1, None, loss=1))
    assert len(bare.time) == 0


def test_keys_are_picked_in_their_order() -> None:
    found = read(record("train", 1, a=1, b=2, c=3), keys=["train/c", "nothing", "train/a"])
    assert [s.metric for s in found] == ["train/c", "train/a"]


def test_names_are_those_of_the_series() -> None:
    server = Server([task(7)], rules={"tasks.log.download": ok([record("train", 1, a=1, b=2)])})
    assert server.run(server.host.metric_names("51", "7")) == ["train/a", "train/b"]


@given(st.integers(0, 200), st.integers(0, 250))
def test_thinning_keeps_both_ends_and_says_how_many_there_were(n: int, most: int) -> None:
    series = Series("m", range(n), [float(x) for x in range(n)], job="7")
    with noting() as notes:
        found = thinned(series, most)
    if n <= most:
        assert (found, notes) == (series, [])
        return
    assert (len(found.step), found.total, found.sampled, len(notes)) == (most, n, True, 1)
    assert len(set(found.step)) == most
    assert list(found.value) == list(found.step) == sorted(found.step)
    assert most == 0 or found.step[-1] == n - 1
    assert most < 2 or found.step[0] == 0


def test_steps_thin_what_was_read_in_full() -> None:
    [series] = read(*(record("train", n, loss=n) for n in range(100)), steps=10)
    assert (len(series.step), series.total, series.sampled) == (10, 100, True)


# -- tasks.train-metrics

SHAPES: dict[str, Any] = {
    "flat rows": [{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.8}],
    "records": [{"type": None, "epoch": 1, "metrics": {"loss": 0.9}}, {"epoch": 2, "metrics": {"loss": 0.8}}],
    "an object of lists": {"loss": [0.9, 0.8]},
    "an object of pairs": {"loss": [[1, 0.9], [2, 0.8]]},
    "an object of points": {"loss": [{"step": 1, "value": 0.9}, {"step": 2, "value": 0.8}]},
    "an object of x and y": {"loss": {"x": [1, 2], "y": [0.9, 0.8]}},
    "columns": {"epoch": [1, 2], "loss": [0.9, 0.8]},
    "wrapped": {"data": {"metrics": [{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.8}]}},
}


def apart(body: Any) -> list[Series]:
    server = Server([task(7)], rules={"tasks.log.download": ok([]), "tasks.train-metrics": ok(body)})
    return server.run(server.host.metrics("51", ["7"], None, None))


@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_that_are_kept_apart_are_read_in_any_shape(shape: str) -> None:
    [series] = apart(SHAPES[shape])
    assert (series.metric, points(series)) == ("loss", [(1, 0.9), (2, 0.8)])


@pytest.mark.parametrize(
    "body",
    [
        {"train": {"loss": [0.9]}, "val": {"loss": [0.8]}},
        {"train": [{"epoch": 1, "loss": 0.9}], "val": [{"epoch": 1, "loss": 0.8}]},
        [{"type": "train", "epoch": 1, "loss": 0.9}, {"type": "val", "epoch": 1, "loss": 0.8}],
    ],
)
def test_train_and_val_are_told_apart(body: Any) -> None:
    assert [(s.metric, points(s)) for s in apart(body)] == [("train/loss", [(1, 0.9)]), ("val/loss", [(1, 0.8)])]


def test_series_of_different_lengths_count_each_for_itself() -> None:
    found = apart({"loss": [0.9, 0.8, 0.7], "acc": [0.1]})
    assert [(s.metric, list(s.step)) for s in found] == [("loss", [1, 2, 3]), ("acc", [1])]


@pytest.mark.parametrize("body", ["text", 5, {"a": "b"}, [1, 2], [["x"]]])
def test_json_that_is_no_series_gives_none_and_a_note(body: Any) -> None:
    with noting() as notes:
        assert apart(body) == []
    assert [each for each in notes if "cannot be read as series" in each]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["epoch", "x", "y", "value", "loss", "type", "metrics", "train"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_gives_series_with_steps_that_ascend(body: Any) -> None:
    for series in series_of(rows_of_json(body), "7", "51"):
        steps = list(series.step)
        assert len(steps) == len(series.value) > 0
        assert all(a < b for a, b in pairwise(steps))


# -- servers that lack one or the other


def test_a_server_without_logs_is_asked_for_them_once() -> None:
    server = Server([task(7), task(8)], rules={"tasks.train-metrics": ok(SHAPES["flat rows"])})
    with noting() as notes:
        found = server.run(server.host.metrics("51", ["7", "8"], None, None))
    assert [series.job for series in found] == ["7", "8"]
    assert server.methods.count("tasks.log.download") == 1
    assert [each for each in notes if "gives no logs" in each]


@pytest.mark.parametrize("status", [400, 404, 501])
def test_a_task_that_has_neither_has_no_metrics(status: int) -> None:
    server = Server([task(7)], rules={"tasks.log.download": ok([]), "tasks.train-metrics": refusal(status)})
    assert server.run(server.host.metrics("51", ["7"], None, None)) == []


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (500, ServerError)])
def test_other_refusals_are_told(status: int, error: type[Exception]) -> None:
    server = Server([task(7)], rules={"tasks.log.download": ok([]), "tasks.train-metrics": refusal(status)})
    with pytest.raises(error):
        server.run(server.host.metrics("51", ["7"], None, None))


def test_an_unknown_task_is_an_error_not_an_empty_series() -> None:
    with pytest.raises(NotFound, match="no task 9"):
        read_of("9")


def read_of(job: str) -> list[Series]:
    server = Server([task(7)])
    return server.run(server.host.metrics("51", [job], None, None))


def test_of_a_whole_workspace_tasks_that_cannot_train_are_not_asked() -> None:
    tasks = [task(1), task(2, type="export"), task(3, status="queued", startedAt=None), task(4, type="train")]
    server = Server(tasks, rules={"tasks.log.download": ok([record("train", 1, loss=1)])})
    found = server.run(server.host.metrics("51", None, None, None))
    assert [series.job for series in found] == ["4", "1"]
    assert [body["id"] for method, body in server.asked if method == "tasks.log.download"] == ["4", "1"]
