from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from swnb.frames.compare import shades
from swnb.plots import COLOURS, colour, draw_bars, draw_parallel, draw_pareto, draw_scatter, png
from swnb.plots.asked import side_by_side
from swnb.plots.look import GREY, marker

NAN, INF = float("nan"), float("inf")
JOBS = [f"lab/project/1/job/{n}" for n in range(4)]


def values(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(JOBS, name="job"))


def dots(figure: Any) -> list[list[float]]:
    return sorted(place for each in figure.axes[0].collections for place in each.get_offsets().tolist())


def test_a_bar_a_job_in_its_colour_and_a_missing_one_is_no_bar_of_zero() -> None:
    figure = draw_bars(values(loss=[0.5, 0.0, NAN, 0.1], acc=[0.1, 0.2, 0.3, 0.4]), said="last value")
    axes = figure.axes[0]
    assert [axes.get_title() for axes in figure.axes] == ["loss", "acc"]
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.0, 0.1]
    assert [text.get_text() for text in axes.texts] == ["no value"]
    assert axes.texts[0].get_position()[1] == 2
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0", "1", "2", "3"]
    assert figure.get_supxlabel() == "4 jobs, 1 cell without a value · last value"
    assert figure.told.startswith("Bars of loss, acc")


def test_a_scatter_says_its_correlation_with_n_and_how_many_jobs_are_drawn() -> None:
    figure = draw_scatter(
        pd.Series([0.1, 0.2, 0.3, None], JOBS, dtype=object, name="lr"), values(loss=[3, 2, 1, 0])["loss"]
    )
    assert dots(figure) == [[0.1, 3], [0.2, 2], [0.3, 1]]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("lr", "loss")
    assert "3 of 4 jobs" in figure.get_supxlabel()
    assert "rank correlation -1.00, n = 3 (no cause)" in figure.get_supxlabel()


def test_a_scatter_against_words_puts_them_side_by_side_and_claims_no_order() -> None:
    key = pd.Series(["sgd", "adam", "sgd", "$x$"], JOBS, name="optimizer")
    figure = draw_scatter(key, values(acc=[1, 2, 3, 4])["acc"])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [r"\$x\$", "adam", "sgd"]
    assert "correlation" not in figure.get_supxlabel()
    assert png(figure).startswith(b"\x89PNG")


def test_a_parallel_line_a_job_breaks_where_it_has_no_value() -> None:
    figure = draw_parallel(values(lr=[1, 2, 3, 4], opt=["a", "b", "a", None], loss=[4.0, NAN, 2.0, 1.0]))
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert [line.get_color() for line in lines] == [colour(job) for job in JOBS]
    assert lines[0].get_ydata().tolist() == [0.0, 0.0, 1.0]
    assert pd.isna(lines[1].get_ydata()[2])
    assert pd.isna(lines[3].get_ydata()[1])
    assert {" 1", " 4", " a", " b"} <= {text.get_text() for text in figure.axes[0].texts}
    assert figure.get_supxlabel() == "4 jobs, 2 cells without a value"


@pytest.mark.parametrize("log", ["", "xy"])
def test_a_front_joins_the_jobs_that_none_beats(log: str) -> None:
    figure = draw_pareto(values(loss=[1.0, 2.0, 3.0, NAN], acc=[0.5, 0.9, 0.8, 1.0]), log=log)
    front = figure.axes[0].lines[0]
    assert front.get_xdata().tolist() == [1.0, 2.0]
    assert figure.axes[0].get_xlabel() == "loss (less is better)"
    assert figure.axes[0].get_ylabel() == "acc (more is better)"
    assert "3 of 4 jobs · 1 without a value here" in figure.get_supxlabel()
    assert figure.told == "Pareto front of loss and acc: 0, 1"


def test_bars_against_a_key_stand_in_its_order_and_say_it() -> None:
    config = pd.Series([0.1, None, 0.01, 10.0], index=JOBS, name="lr", dtype=object)
    figure = draw_bars(values(loss=[1.0, 2.0, 3.0, NAN]), config)
    axes = figure.axes[0]
    said = [text.get_text() for text in axes.get_yticklabels()]
    assert said == ["2 · 0.01", "0 · 0.1", "3 · 10.0", "1 · no value"]
    assert [bar.get_width() for bar in axes.patches] == [3.0, 1.0, 2.0]
    assert [text.get_text() for text in axes.texts] == ["no value"]
    assert figure.told == "Bars of loss against lr: 4 jobs, 1 cell without a value"
    assert png(draw_bars(values(loss=[NAN] * 4).iloc[:0], config.iloc[:0])).startswith(b"\x89PNG")


@pytest.mark.parametrize("drawn", [draw_bars, draw_parallel])
def test_nothing_is_drawn_as_nothing(drawn: Any) -> None:
    assert png(drawn(values(loss=[NAN] * 4).iloc[:0])).startswith(b"\x89PNG")


def test_each_reason_for_which_a_job_is_not_drawn_is_counted_by_itself_and_n_is_that_of_the_dots() -> None:
    jobs = [f"lab/project/1/job/{n}" for n in range(9)]
    config = pd.Series([1, 2, 3, 4, -5, 6, 7, None, 9], jobs, dtype=object, name="lr")
    ups = pd.Series([3, 2, 1, INF, 5, 0, NAN, -1, 1e200], jobs, name="loss")
    figure = draw_scatter(config, ups, log="xy")
    assert dots(figure) == [[1, 3], [2, 2], [3, 1]]
    said = figure.get_supxlabel().replace("\n", " · ")
    assert said == (
        "3 of 9 jobs · 2 without a value here · 1 not finite · 2 not above 0, not drawn · "
        "1 too great or too small for an axis, not drawn · rank correlation -1.00, n = 3 (no cause)"
    )


def test_an_infinite_value_is_on_no_front_and_a_dot_that_a_log_axis_cannot_show_is_said_to_be_missing() -> None:
    figure = draw_pareto(values(loss=[1.0, 0.0, 3.0, -INF], acc=[0.5, 0.4, 0.1, 1.0]), log="xy")
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1.0]
    assert dots(figure) == [[1.0, 0.5], [3.0, 0.1]]
    said = figure.get_supxlabel()
    assert said == "2 of 4 jobs · 1 not finite · 1 not above 0, not drawn · 1 of the front not drawn"
    assert figure.told == "Pareto front of loss and acc: 0, 1"


def test_the_front_has_an_edge_that_is_no_jobs_colour_and_each_job_its_own_form() -> None:
    figure = draw_pareto(values(loss=[1.0, 2.0, 3.0, 4.0], acc=[0.5, 0.9, 0.8, 0.1]))
    edged = [each for each in figure.axes[0].collections if to_hex(each.get_edgecolors()[0]) == GREY]
    assert sorted(place for each in edged for place in each.get_offsets().tolist()) == [[1.0, 0.5], [2.0, 0.9]]
    assert GREY not in COLOURS
    assert [line.get_marker() for line in figure.legends[0].get_lines()] == [marker(job) for job in JOBS[:2]]


floats = st.floats() | st.integers(-(10**400), 10**400)


@settings(max_examples=30, deadline=None)
@example([1e308, -1e308, 1.0, 10**400], [1e308, -1e308, 0.0, 1], "")
@example([10**400, 1, 2, 3], [1.0, 2.0, 3.0, 4.0], "xy")
@given(
    st.lists(floats, min_size=4, max_size=4),
    st.lists(st.floats(), min_size=4, max_size=4),
    st.sampled_from(["", "x", "xy"]),
)
def test_any_numbers_are_drawn_or_counted_without_a_word(keys: list[Any], ups: list[float], log: str) -> None:
    config = pd.Series(keys, JOBS, dtype=object, name="key")
    both = values(loss=ups, acc=ups[::-1])
    for figure in (
        draw_scatter(config, both["loss"], log=log),
        draw_pareto(both, log=log),
        draw_bars(both, config),
        draw_parallel(both.assign(key=config)),
    ):
        assert png(figure).startswith(b"\x89PNG")
    shades(both["loss"])
    shades(config)


def test_a_text_that_looks_like_a_number_is_told_from_it_and_1_is_no_plural() -> None:
    key = pd.Series([0.1, "0.1", "$y", 2**60], JOBS, dtype=object, name="k")
    figure = draw_scatter(key, values(acc=[1, 2, 3, 4])["acc"])
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert sorted(ticks) == sorted(['"0.1"', "0.1", r"\$y", str(2**60)])
    assert draw_bars(values(acc=[1, 2, 3, 4]).iloc[:1]).get_supxlabel() == "1 job"


@pytest.mark.parametrize("fields", [1, 2, 3])
def test_at_least_half_of_a_field_is_bars_however_long_the_names(fields: int) -> None:
    jobs = [f"lab/project/1/job/a-run-with-a-very-long-name-{n:04}" for n in range(3)]
    frame = pd.DataFrame({f"m{n}": [1.0, 2.0, 3.0] for n in range(fields)}, jobs)
    figure = draw_bars(frame)
    png(figure)
    wide = figure.bbox.width / fields
    assert all(axes.bbox.width >= 0.5 * wide for axes in figure.axes)
    assert [text.get_text()[-5:] for text in figure.axes[0].get_yticklabels()] == ["-0000", "-0001", "-0002"]


def test_names_that_end_alike_are_told_apart_by_their_beginnings() -> None:
    jobs = [f"lab/project/{n}/job/a-run-with-a-very-long-name" for n in range(3)]
    for frame in (pd.DataFrame({"a": 1.0, "b": 2.0, "c": 3.0}, jobs), pd.DataFrame({"a": 1.0, "b": 2.0}, jobs)):
        figure = draw_bars(frame)
        png(figure)
        names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        assert len(set(names)) == 3
        assert all(axes.bbox.width >= 0.5 * figure.bbox.width / len(frame.columns) for axes in figure.axes)


@pytest.mark.parametrize("drawn", [draw_bars, draw_parallel])
def test_an_infinite_value_is_not_drawn_and_counted(drawn: Any) -> None:
    figure = drawn(values(loss=[1.0, INF, NAN, 2.0]))
    assert figure.get_supxlabel() == "4 jobs, 1 cell without a value, 1 cell not finite"


def test_parallel_coordinates_say_how_many_jobs_have_no_config() -> None:
    config = pd.DataFrame({"lr": [0.1, 0.2, None, None], "same": [1, 1, None, None]}, JOBS, dtype=object)
    table = side_by_side(config, values(loss=[1, 2, 3, 4]))
    assert list(table.columns) == ["lr", "loss"]
    assert draw_parallel(table).get_supxlabel() == "4 jobs, 2 cells without a value · 2 jobs without any config"
