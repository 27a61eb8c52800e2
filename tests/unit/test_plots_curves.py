from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from swnb.errors import BadInput
from swnb.frames.provenance import Provenance, attach
from swnb.plots import Chart, View, draw, png, svg
from swnb.plots.curves import columns
from swnb.plots.lines import blocks, holes
from swnb.plots.smoothing import smoothed

NAN, INF = float("nan"), float("inf")


def series(values: Any, job: str = "lab/project/1/job/1", metric: str = "loss", steps: Any = None) -> pd.DataFrame:
    at = range(len(values)) if steps is None else steps
    return pd.DataFrame({"job": job, "metric": metric, "step": at, "value": values})


def timed(values: Any, start: str, job: str = "lab/project/1/job/1") -> pd.DataFrame:
    return series(values, job).assign(time=pd.date_range(start, periods=len(values), freq="min", tz="UTC"))


def lines(figure: Any, field: int = 0) -> list[Any]:
    return [line for line in figure.axes[field].lines if len(line.get_xdata()) and line.get_linestyle() != "None"]


def extremes(at: Any, y: Any) -> dict[int, tuple[float, float]]:
    frame = pd.DataFrame({"at": at, "y": y})[np.isfinite(y)]
    return {int(c): (part.min(), part.max()) for c, part in frame.groupby("at")["y"]}


# -- thinning


@settings(max_examples=40, deadline=None)
@example(67799, "", None)  # with holes, each of which is a point more
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["", "x", "y", "xy"]),
    st.sampled_from([None, (400.0, 900.0), (3.5, 90.25)]),
)
def test_in_every_pixel_column_the_drawn_extremes_are_those_of_the_data(seed: int, log: str, span: Any) -> None:
    dice = np.random.default_rng(seed)
    count = int(dice.integers(2, 30_000))
    steps = np.unique(dice.integers(1, 2_000, count)) if dice.random() < 0.2 else np.sort(dice.uniform(1, 2_000, count))
    values = dice.lognormal(sigma=2, size=len(steps)) * np.where(dice.random(len(steps)) < 0.01, NAN, 1.0)
    figure = draw(series(values, steps=steps), log=log, span=span)
    axes = figure.axes[0]
    artists = figure.kept._fields["loss"][1]["lab/project/1/job/1"]
    drawn, holes = artists.main, artists.line.holes
    low, high = axes.get_xlim()
    inside = (steps >= low) & (steps <= high)
    seen = np.asarray(drawn.get_xdata())
    shown = (seen >= low) & (seen <= high)
    assert extremes(columns(axes, steps[inside]), values[inside]) == extremes(
        columns(axes, seen[shown]), np.asarray(drawn.get_ydata())[shown]
    )
    assert len(seen) <= 3 * (axes.get_window_extent().width + 2) + 4 or len(seen) <= len(steps) + holes


def test_a_zoom_draws_the_range_in_detail_and_back_again() -> None:
    chart = Chart(series(np.sin(np.arange(200_000) / 3)))
    figure = chart.figure
    before = len(lines(figure)[0].get_xdata())
    chart.zoom((1_000, 1_200))
    seen = lines(figure)[0].get_xdata()
    assert set(range(1_000, 1_201)) <= set(seen)
    assert len(seen) == 203
    assert figure.axes[0].get_xlim() == (1_000, 1_200)
    chart.zoom(None)
    assert len(lines(figure)[0].get_xdata()) == before


def test_an_axis_that_somebody_else_moves_is_drawn_in_detail() -> None:
    figure = draw(series(np.arange(100_000.0)))
    figure.axes[0].set_xlim(50, 60)
    png(figure)
    assert len(lines(figure)[0].get_xdata()) == 13


def test_the_fields_of_a_figure_move_together() -> None:
    figure = draw(pd.concat([series([1.0, 2.0, 3.0]), series([1.0, 2.0, 3.0], metric="acc")]))
    figure.axes[1].set_xlim(0.5, 1.5)
    assert [axes.get_xlim() for axes in figure.axes] == [(0.5, 1.5)] * 2
    figure.axes[1].set_ylim(0, 9)
    assert figure.axes[0].get_ylim()[1] < 9


def test_what_was_moved_by_hand_stays_when_points_come_until_all_is_asked_for() -> None:
    chart = Chart(series(np.arange(10.0)))
    axes = chart.figure.axes[0]
    assert (chart.span, chart.by_hand) == (None, False)
    axes.set_xlim(2, 4)
    axes.set_ylim(1, 2)
    chart.update(series(np.arange(20.0)))
    assert (axes.get_xlim(), axes.get_ylim()) == ((2, 4), (1, 2))
    assert (chart.span, chart.by_hand) == ((2, 4), True)
    chart.zoom(None)
    assert axes.get_xlim()[1] > 19
    assert axes.get_ylim()[1] > 19
    assert not chart.by_hand
    axes.set_xlim(2, 4)
    chart.update(series(np.arange(1.0, 20.0)), View(log="x"))
    assert chart.span is None


def test_a_finer_picture_has_the_detail_that_its_pixels_can_show() -> None:
    figure = draw(series(np.random.default_rng(1).normal(size=100_000)))
    before = len(lines(figure)[0].get_xdata())
    figure.set_dpi(200)
    png(figure)
    assert len(lines(figure)[0].get_xdata()) > 1.8 * before


def test_a_figure_may_be_used_again_for_another_chart() -> None:
    first = Chart(pd.concat([series([1.0, 2.0]), series([1.0, 2.0], metric="acc")])).figure
    again = Chart(series([3.0, 4.0]), size=(5, 3), on=first).figure
    assert again is first
    assert [axes.get_title() for axes in again.axes] == ["loss"]
    assert tuple(again.get_size_inches()) == (5, 3)
    assert len(again.legends) == 1
    assert again.get_supxlabel() == "2 points"
    assert png(again) == png(Chart(series([3.0, 4.0]), size=(5, 3)).figure)


def test_the_height_of_a_zoom_is_that_of_what_it_shows() -> None:
    chart = Chart(series([1000.0] + [1.0, 2.0] * 50))
    assert chart.figure.axes[0].get_ylim()[1] > 1000
    chart.zoom((10, 20))
    assert chart.figure.axes[0].get_ylim()[1] < 3


# -- axes


def test_relative_time_begins_with_each_jobs_first_point() -> None:
    frame = pd.concat([timed([1, 2, 3], "2026-11-22"), timed([1, 2, 3], "2026-11-23", "lab/project/1/job/2")])
    figure = draw(frame, x="relative")
    assert [line.get_xdata().tolist() for line in lines(figure)] == [[0, 60, 120]] * 2
    assert figure.axes[0].get_xlabel() == "relative time (min)"


def test_a_metric_is_an_axis_and_steps_that_lack_it_are_counted() -> None:
    frame = pd.concat([series([5.0, 4.0, 3.0]), series([10.0, 20.0], metric="epoch")])
    figure = draw(frame, x="epoch")
    assert [axes.get_title() for axes in figure.axes] == ["loss"]
    assert lines(figure)[0].get_xdata().tolist() == [10.0, 20.0]
    assert "1 without a place on this x axis" in figure.get_supxlabel()


def test_over_a_metric_that_falls_and_rises_the_order_of_steps_is_kept() -> None:
    frame = pd.concat([series([1.0, 2.0, 3.0]), series([1.0, 3.0, 2.0], metric="lr")])
    assert lines(draw(frame, ["loss"], x="lr"))[0].get_xdata().tolist() == [1.0, 3.0, 2.0]


def test_log_scales_say_what_they_cannot_show() -> None:
    figure = draw(series([0.0, 1.0, 10.0, -1.0]), log="xy")
    axes = figure.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert lines(figure)[0].get_xdata().tolist() == [1, 2, 3]
    assert "1 without a place on this x axis" in figure.get_supxlabel()
    assert "1 not above 0, not drawn" in figure.get_supxlabel()


def test_what_is_not_above_0_is_a_gap_on_a_log_axis_and_a_lonely_point_between_two_a_dot() -> None:
    figure = draw(series([0.0, 5.0, -1.0, 3.0, 4.0]), log="y")
    png(figure)
    axes = figure.axes[0]
    assert np.isnan(lines(figure)[0].get_ydata()).tolist() == [True, False, True, False, False]
    (dots,) = [line for line in axes.lines if line.get_marker() == "."]
    assert dots.get_xdata().tolist() == [1]
    assert axes.get_ylim()[0] > 2
    assert figure.get_supxlabel() == "3 of 5 points · 2 not above 0, not drawn"


def test_on_a_log_axis_no_value_is_counted_twice() -> None:
    assert draw(series([1.0, -INF, 2.0, -3.0, NAN]), log="y").get_supxlabel() == (
        "2 of 5 points · 2 not finite · 1 not above 0, not drawn"
    )


def test_a_mean_stays_in_view_where_its_spread_reaches_below_0_on_a_log_axis() -> None:
    figure = draw(series([1.0, 1.0]).assign(spread=[20.0, 20.0]), log="y")
    low, high = figure.axes[0].get_ylim()
    assert low < 1
    assert high > 20
    (band,) = figure.axes[0].collections
    assert np.isfinite(band.get_paths()[0].vertices).all()
    assert band.get_paths()[0].vertices[:, 1].min() < low


def test_times_of_another_zone_are_drawn_in_utc() -> None:
    frame = timed([1.0, 2.0], "2026-11-22 12:00").assign(time=lambda df: df["time"].dt.tz_convert("Asia/Tokyo"))
    noon = pd.Timestamp("2026-11-22 12:00", tz="UTC").timestamp() / 86_400
    assert lines(draw(frame, x="time"))[0].get_xdata()[0] == noon
    naive = frame.assign(time=pd.date_range("2026-11-22 12:00", periods=2, freq="min"))
    assert lines(draw(naive, x="time"))[0].get_xdata()[0] == noon


def test_relative_time_says_what_it_begins_with() -> None:
    frame = pd.concat([timed([1.0, 2.0], "2026-11-22"), timed([1.0], "2026-11-21 23:59").assign(metric="acc")])
    figure = draw(frame, ["loss"], x="relative")
    assert lines(figure)[0].get_xdata().tolist() == [60, 120]
    assert "since each job's first point read" in figure.get_supxlabel()
    assert "first point" not in draw(frame, ["loss"]).get_supxlabel()


@settings(max_examples=60, deadline=None)
@example(3 * 3600.0)
@example(4 * 3600.0)
@example(72 * 3600.0)
@given(st.one_of(st.floats(1e-3, 4e9), st.integers(1, 400).map(lambda h: h * 3600.0)))
def test_every_span_of_time_has_ticks_without_a_warning(seconds: float) -> None:
    ends = [pd.Timestamp("1970-01-02", tz="UTC"), pd.Timestamp("1970-01-02", tz="UTC") + pd.Timedelta(seconds=seconds)]
    figure = draw(series([1.0, 2.0]).assign(time=pd.to_datetime(ends, utc=True).as_unit("us")), x="time")
    png(figure)
    low, high = figure.axes[0].get_xlim()
    assert 1 <= len([tick for tick in figure.axes[0].get_xticks() if low <= tick <= high]) <= 12


# -- numbers at the ends of what a float is


@settings(max_examples=30, deadline=None)
@example([1e308, -1e308], "")
@example([5e-324, 1e-300], "y")
@example([1e300, 1e-300, 1.0], "y")
@example([2.0**53, 2.0**53 + 2], "")
@given(st.lists(st.floats(), min_size=1, max_size=6), st.sampled_from(["", "y", "x", "xy"]))
def test_any_floats_are_drawn_or_counted_without_a_word(values: list[float], log: str) -> None:
    figure = draw(series(values).assign(step=np.arange(1, len(values) + 1)), log=log)
    png(figure)
    png(draw(pd.concat([series([1.0] * len(values)), series(values, metric="x")]), ["loss"], x="x", log=log))
    png(draw(series(values).assign(spread=np.abs(values)), log=log, smooth=0.5))
    lost = sum(not (np.isfinite(v) and abs(v) <= 1e150 and (v >= 1e-150 or "y" not in log)) for v in values)
    n = len(values)
    assert figure.get_supxlabel().startswith(f"{n - lost:,} of {n:,} points" if lost else f"{n:,} point{'s' * (n > 1)}")


def test_what_is_beyond_every_axis_is_a_gap_and_counted() -> None:
    figure = draw(series([1.0, 1e308, 2.0]))
    assert np.isnan(lines(figure)[0].get_ydata()).tolist() == [False, True, False]
    assert figure.get_supxlabel() == "2 of 3 points · 1 too great or too small for an axis, not drawn"


@pytest.mark.parametrize(
    "wrong", [{"smooth": 1}, {"window": 0}, {"smooth": 0.5, "window": 3}, {"log": "z"}, {"span": (2, 1)}]
)
def test_what_is_no_view_is_bad_input(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        View(**wrong)


# -- smoothing


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_the_exponential_mean_is_corrected_for_its_beginning(values: list[float], weight: float) -> None:
    mean, total = 0.0, []
    for at, value in enumerate(values):
        mean = weight * mean + (1 - weight) * value
        total.append(mean / (1 - weight ** (at + 1)))
    assert np.allclose(smoothed(np.array(values), smooth=weight), total, rtol=1e-6, atol=1e-3)


def test_what_is_not_finite_stays_and_moves_nothing() -> None:
    values = np.array([1.0, NAN, INF, 1.0])
    assert np.array_equal(smoothed(values, smooth=0.9), values, equal_nan=True)
    assert np.array_equal(smoothed(values, window=3), values, equal_nan=True)
    assert smoothed(np.array([0.0, 3.0, 6.0]), window=3).tolist() == [1.5, 3.0, 4.5]


def test_the_values_are_drawn_behind_the_smoothed_line_and_their_spike_stays_in_view() -> None:
    values = np.zeros(50)
    values[20] = 9.0
    figure = draw(series(values), smooth=0.9)
    behind, main = lines(figure)
    assert max(behind.get_ydata()) == 9.0
    assert max(main.get_ydata()) < 2
    assert figure.axes[0].get_ylim()[1] > 9
    assert "exponential mean, weight 0.9, values behind" in figure.get_supxlabel()


# -- gaps


def test_a_nan_is_marked_on_the_axis_where_it_is() -> None:
    figure = draw(series([1.0, NAN, 3.0, INF, 4.0]))
    (marks,) = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert marks.get_xdata().tolist() == [1, 3]
    assert "2 not finite" in figure.get_supxlabel()


def test_a_line_breaks_where_many_steps_are_not_there() -> None:
    steps = [*range(10), *range(5_000, 5_010)]
    figure = draw(series(np.ones(20), steps=steps))
    assert int(np.isnan(lines(figure)[0].get_ydata()).sum()) == 1
    assert figure.get_supxlabel() == "20 points · 1 gap"


def test_steps_at_growing_distances_have_no_holes() -> None:
    assert len(holes(2.0 ** np.arange(30))) == 0
    assert len(holes(np.arange(10.0))) == 0
    assert holes(np.array([0.0, 1, 2, 1_000, 1_001, 1_002])).tolist() == [2]


# -- a kept figure


def test_an_update_changes_the_lines_and_keeps_the_figure() -> None:
    chart = Chart(series([1.0, 2.0]))
    figure, axes, line = chart.figure, chart.figure.axes[0], lines(chart.figure)[0]
    chart.update(series([1.0, 2.0, 30.0]))
    assert (chart.figure, figure.axes[0], lines(figure)[0]) == (figure, axes, line)
    assert line.get_ydata().tolist() == [1.0, 2.0, 30.0]
    assert axes.get_ylim()[1] > 30
    assert figure.get_supxlabel() == "3 points"


def test_a_new_job_and_a_gone_one_are_taken_up() -> None:
    chart = Chart(series([1.0, 2.0]))
    chart.update(pd.concat([series([1.0, 2.0]), series([3.0, 4.0], "lab/project/1/job/2")]))
    assert len(lines(chart.figure)) == 2
    chart.update(series([3.0, 4.0], "lab/project/1/job/2"))
    assert [line.get_ydata().tolist() for line in lines(chart.figure)] == [[3.0, 4.0]]
    assert len(chart.figure.legends[0].get_texts()) == 1


def test_jobs_without_curves_are_bars_beside_the_curves() -> None:
    finals = pd.DataFrame({"loss": [0.5, NAN]}, index=["ray/project/default/job/a", "ray/project/default/job/b"])
    figure = Chart(series([1.0, 2.0]), finals=finals, of=3).figure
    assert [axes.get_title() for axes in figure.axes] == ["loss", "loss (final values, no curves)"]
    assert [bar.get_width() for bar in figure.axes[1].patches] == [0.5]
    assert [text.get_text() for text in figure.axes[1].texts] == ["no value"]
    assert "curves of 1 of 3 jobs" in figure.get_supxlabel()


def test_a_spread_is_a_band() -> None:
    figure = draw(series([1.0, 2.0]).assign(spread=[0.5, 0.5]))
    (band,) = figure.axes[0].collections
    assert band.get_paths()[0].vertices[:, 1].max() == 2.5
    assert figure.axes[0].get_ylim()[0] < 0.5


def test_rows_in_any_order_belong_to_their_job_and_metric() -> None:
    frame = pd.concat([series([1.0, 2.0], "a"), series([3.0, 4.0], "b")]).iloc[[0, 2, 1, 3]]
    rows = blocks(frame)["loss"]
    assert {job: frame["value"].to_numpy()[at].tolist() for job, at in rows.items()} == {"a": [1, 2], "b": [3, 4]}
    assert blocks(frame.astype({"job": "category"})).keys() == {"loss"}
    assert blocks(frame.iloc[:0]) == {}


# -- what goes out


def test_twenty_noisy_lines_stay_below_200_kb_in_the_page() -> None:
    dice = np.random.default_rng(1)
    figure = draw(pd.concat([series(dice.normal(size=5_000), f"lab/project/1/job/{n}") for n in range(20)]))
    assert len(png(figure)) * 4 / 3 < 200_000
    assert figure.told.startswith("Curves of loss over step: 0, 1, 2")


def test_an_svg_has_its_text_and_no_date() -> None:
    text = svg(draw(series([1.0, 2.0], metric="<script>")))
    assert text.lstrip().startswith("<?xml")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "dc:date" not in text


def test_an_svg_changes_nothing_of_the_kept_figure() -> None:
    figure = draw(series([1.0, 2.0, 1_000.0]), log="y")
    before = png(figure)
    svg(figure)
    assert png(figure) == before


def read(frame: pd.DataFrame, n: int, total: int | None, **more: Any) -> pd.DataFrame:
    known = Provenance("lab", "q", "2026-11-22T12:40:23+00:00", n, total, True, 1, 0, 0.1, "c")
    return attach(frame, replace(known, **more))


@pytest.mark.parametrize(
    ("n", "total", "more", "said"),
    [
        (2, 2, {}, "2 points (all)"),
        (2, 50, {"sampled": True}, "2 of 50 points (sampled)"),
        (2, None, {"sampled": True}, "2 points (sampled)"),
        (2, None, {}, "2 points"),
        (2, None, {"complete": False}, "2 points (incomplete)"),
        (4, 4, {}, "2 points"),  # a part of a full reading
        (4, 50, {"sampled": True}, "2 points (sampled)"),
        (1, 1, {}, "2 points"),  # a wide frame made long
    ],
)
def test_a_figure_says_all_or_sampled_only_where_the_reading_says_so(n: int, total: Any, more: Any, said: str) -> None:
    assert draw(read(series([1, 2]), n, total, **more)).get_supxlabel() == f"{said} · as of 2026-11-22 12:40:23 UTC"


def test_of_a_full_reading_with_a_gap_all_is_read_and_not_all_drawn() -> None:
    assert draw(read(series([1, NAN]), 2, 2)).get_supxlabel().startswith("1 of 2 points (all read) · 1 not finite")


def test_points_of_metrics_that_are_not_drawn_are_not_counted() -> None:
    frame = read(pd.concat([series([1, 2, 3]), series([1, 2], metric="acc")]), 5, 5)
    assert draw(frame, ["acc"]).get_supxlabel().startswith("2 points · as of")
    assert draw(frame, ["acc"], x="loss").get_supxlabel().startswith("2 points · as of")
    assert draw(frame).get_supxlabel().startswith("5 points (all) · as of")


def test_a_long_footer_is_broken_between_its_parts() -> None:
    figure = Chart(series([1.0]), said=" · ".join(["a part of some length"] * 12)).figure
    lines = figure.get_supxlabel().split("\n")
    assert len(lines) > 1
    assert all(part == "a part of some length" for line in lines for part in line.split(" · "))
    png(figure)
    assert figure._supxlabel.get_window_extent().x0 >= 0  # type: ignore[attr-defined]
