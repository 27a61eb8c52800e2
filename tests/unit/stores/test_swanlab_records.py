"""What the records mean: the quick way of reading points and the careful one agree, and no odd value is lost."""

from __future__ import annotations

import math
import re
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swnb.model import NO_TIME
from swnb.stores.swanlab import jsonlines, protobuf
from swnb.stores.swanlab.contents import Contents
from swnb.stores.swanlab.lanes import varints
from swnb.stores.swanlab.points import Points

from .swanlab_writing import START, column, field, finish, first_lines, line, log, point, record, scalar, start, varint

NOW = START * 10**9
#: nanoseconds of a second whose varint takes 0, 1 … 5 bytes
NANOS = st.one_of(*(st.integers(low, high) for low, high in ((0, 0), (1, 300), (2**20, 2**29), (2**28, 10**9 - 1))))
STEPS = st.one_of(st.integers(0, 300), st.integers(-5, 2**48))
VALUES = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan]))
KEYS = st.one_of(st.sampled_from(["a", "b", "train/loss"]), st.text(st.characters(codec="utf-8"), max_size=130))


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


def v2(*records: bytes, wanted: tuple[str, ...] | None = None) -> Contents:
    found = Contents(wanted)
    protobuf.read(records, found)
    return found


def v1(*records: bytes, wanted: tuple[str, ...] | None = None) -> Contents:
    found = Contents(wanted)
    jsonlines.read(records, found)
    return found


def listed(points: Points) -> list[tuple[int, int, bytes]]:
    return [(s, t, bits(v)) for s, t, v in zip(points.steps, points.times, points.values, strict=True)]


@given(st.lists(st.tuples(KEYS, STEPS, NANOS, VALUES, st.integers(0, 2**40)), max_size=40))
@example([("k" * 16, 1, 2**29, 1.5, 1), ("k" * 16, 2, 2**29, 1.5, 1), ("k" * 24, 3, 2**29, 1.5, 1)])
@example([("a\x10\x01\x18\x01", n, 2**29, 1.5, 1) for n in range(3)])
def test_points_are_read_as_they_were_written(points: list[tuple[str, int, int, float, int]]) -> None:
    found = v2(*(point(key, step, value, NOW + nanos, num) for key, step, nanos, value, num in points))
    expected: dict[str, dict[int, tuple[int, bytes]]] = {}
    for key, step, nanos, value, _ in points:
        expected.setdefault(key, {}).setdefault(step, ((NOW + nanos) // 1000, bits(value)))
    assert {key: {s: (t, v) for s, t, v in listed(each)} for key, each in found.points.items()} == expected
    assert found.odd == 0


@given(st.lists(st.tuples(STEPS, NANOS, VALUES), min_size=1, max_size=30))
def test_the_quick_way_agrees_with_the_careful_one(points: list[tuple[int, int, float]]) -> None:
    records = [point("loss", step, value, NOW + nanos, n) for n, (step, nanos, value) in enumerate(points)]
    quick = v2(*records)
    never, pattern = re.compile(rb"(?!)").fullmatch, protobuf._POINT
    protobuf._POINT = never  # type: ignore[misc]
    try:
        careful = v2(*records)
    finally:
        protobuf._POINT = pattern  # type: ignore[misc]
    assert listed(quick.points["loss"]) == listed(careful.points["loss"])


def test_usual_points_go_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    slow: list[bytes] = []
    careful = protobuf._record
    monkeypatch.setattr(protobuf, "_record", lambda payload, into: slow.append(payload) or careful(payload, into))
    points = [point(key, n, n / 3, NOW + n * 10**7 + 2**22, n) for n in range(1, 90) for key in ("train/loss", "损失")]
    assert len(v2(*points).points["损失"].steps) == 89
    assert len(slow) == 2  # the first of each metric


def test_a_long_run_is_read_in_its_order() -> None:
    steps = 7000  # more points than are decoded at a time
    points = (point(key, n, n / 3, NOW + n * 10**8 + 2**22, n) for n in range(steps) for key in "abc")
    found = v2(*points).points
    for key in "abc":
        assert list(found[key].steps) == list(range(steps))
        assert list(found[key].values) == [n / 3 for n in range(steps)]
        assert list(found[key].times) == [(NOW + n * 10**8 + 2**22) // 1000 for n in range(steps)]


def test_a_length_that_does_not_fit_is_never_read_the_quick_way() -> None:
    good = point("loss", 5, 1.0)
    at = good.index(b"\x6a") + 1
    for wrong in (
        good[:at] + bytes([good[at] + 1]) + good[at + 1 :],
        good[:at] + bytes([good[at] - 1]) + good[at + 1 :],
    ):
        assert v2(point("loss", 1, 1.0), wrong).odd == 1


@given(st.lists(st.integers(0, 2**55 - 1), max_size=20))
def test_lanes_of_varints_are_their_numbers(numbers: list[int]) -> None:
    made = b"".join(varint(number).ljust(8, b"\0") for number in numbers)
    assert list(varints(made)) == numbers


@pytest.mark.parametrize("reader", ["v1", "v2"])
def test_of_a_repeated_step_the_first_wins(reader: str) -> None:
    steps = [(0, 1.0), (5, 2.0), (5, 3.0), (2, 4.0), (2, 5.0), (6, 6.0), (0, 7.0)]
    made = v2(*(point("a", *each) for each in steps)) if reader == "v2" else v1(*(scalar("a", *each) for each in steps))
    series = made.points["a"].series("a", None, job="j", project="p")
    assert list(zip(series.step, series.value, strict=True)) == [(0, 1.0), (2, 4.0), (5, 2.0), (6, 6.0)]
    assert list(made.points["a"].steps) == [0, 5, 2, 6]


def test_what_is_absent_is_zero() -> None:
    found = v2(point("a", 0, 0.0), point("a", 1, 0.0))
    assert list(found.points["a"].steps) == [0, 1]
    assert list(found.points["a"].values) == [0.0, 0.0]


def test_a_point_without_a_time_has_none() -> None:
    bare = record(13, field(1, "a") + field(2, 3) + field(5, field(1, 1.0)))
    far = record(13, field(1, "a") + field(2, 4) + field(4, field(1, 2**62)) + field(5, field(1, 1.0)))
    assert list(v2(bare, far).points["a"].times) == [NO_TIME, NO_TIME]


def test_only_wanted_metrics_are_read() -> None:
    assert list(v2(point("a", 0, 1.0), point("b", 0, 1.0), point("b", 1, 2.0), wanted=("b",)).points) == ["b"]
    assert list(v1(scalar("a", 0, 1.0), scalar("b", 0, 1.0), wanted=("b",)).points) == ["b"]


def test_records_of_kinds_to_come_are_left_alone() -> None:
    found = v2(start(), record(99, b"new"), record(20, field(1, "config")), log("hello"), finish("CRASHED", "boom"))
    assert (found.lines, found.odd) == (["hello"], 0)
    assert found.finish is not None
    assert (found.finish.state, found.finish.error, found.finish.time) == ("CRASHED", "boom", (START + 60) * 10**6)


def test_columns_stand_in_the_order_of_their_appearance() -> None:
    assert list(v2(column("b"), point("b", 0, 1.0), column("a"), column("b")).columns) == ["b", "a"]


def test_the_words_of_version_1_are_numbers() -> None:
    found = v1(
        scalar("a", 0, "NaN"), scalar("a", 1, "INF"), scalar("a", 2, 7), scalar("a", 3, "text"), scalar("a", 4, True)
    )
    assert str(list(found.points["a"].values)) == "[nan, inf, 7.0]"
    assert (found.unsigned, found.odd) == ({"a"}, 2)


def test_a_failed_run_of_version_1_has_its_error_log() -> None:
    error = line("Log", create_time="2026-11-22T12:41:34+00:00", message="Traceback", epoch=1, level="ERROR")
    footer = line("Footer", success=False, create_time="2026-11-22T12:41:35.000000+00:00")
    found = v1(*first_lines(), error, line("Runtime", config_filename="config.yaml", conda_filename=None), footer)
    assert found.finish is not None
    assert (found.finish.state, found.finish.error) == ("CRASHED", "Traceback")
    assert found.files == {"config": "config.yaml"}


@given(st.binary(max_size=60))
def test_no_bytes_make_a_reader_raise(noise: bytes) -> None:
    for reader in (v1, v2):
        assert reader(noise).odd <= 1


def test_the_summary_counts_finite_values_only() -> None:
    values, steps = (
        v2(*(point("a", n, v) for n, v in enumerate([3.0, 1.0, 2.0, math.nan, math.inf]))).points["a"].summary("a")
    )
    assert values == {"a": 2.0, "a.min": 1.0, "a.max": 3.0}
    assert steps == {"a.step": 2, "a.min_step": 1, "a.max_step": 0}
    values, steps = v2(point("a", 4, math.inf)).points["a"].summary("a")
    assert (str(values), steps) == ("{'a': nan}", {"a.step": 4})


@given(st.integers(1, 50), st.integers(1, 60))
def test_thinned_series_keep_their_ends(total: int, most: int) -> None:
    series = v2(*(point("a", n, n / 2) for n in range(total))).points["a"].series("a", most, job="j", project="p")
    assert len(series.step) == min(total, most) and series.total == total
    assert series.step[0] == 0
    assert most == 1 or series.step[-1] == total - 1
    assert list(series.value) == [step / 2 for step in series.step]
