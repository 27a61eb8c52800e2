from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from swnb.plots import colour, draw_bars, draw_parallel, draw_pareto, draw_scatter, png

NAN = float("nan")
JOBS = [f"lab/project/1/job/{n}" for n in range(4)]


def values(**columns: list[Any]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(JOBS, name="job"))


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
    (dots,) = figure.axes[0].collections
    assert dots.get_offsets().tolist() == [[0.1, 3], [0.2, 2], [0.3, 1]]
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
    assert "3 of 4 jobs, the others have no value here" in figure.get_supxlabel()
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
