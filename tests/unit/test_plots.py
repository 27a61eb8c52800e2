from __future__ import annotations

import base64
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from swnb import plots
from swnb.errors import BadInput
from swnb.frames.provenance import Provenance, attach
from swnb.plots import colour, draw, labels, png, thin


def series(values: list[float], job: str = "lab/project/1/job/1", metric: str = "loss") -> pd.DataFrame:
    return pd.DataFrame({"job": job, "metric": metric, "step": range(len(values)), "value": values})


def lines(figure: Figure, field: int = 0) -> list[Any]:
    return [line for line in figure.axes[field].lines if len(line.get_xdata()) and line.get_linestyle() != "None"]


@given(
    st.lists(st.floats(width=32), min_size=2, max_size=400),
    st.integers(1, 20),
)
def test_thinning_keeps_the_ends_the_extremes_and_a_gap_of_every_pixel(values: list[float], bins: int) -> None:
    x, y = np.arange(len(values)), np.array(values)
    seen, shown = thin(x, y, bins)
    assert len(seen) <= 5 * bins
    assert (seen[0], seen[-1]) == (0, len(values) - 1)
    assert np.array_equal(y[seen], shown, equal_nan=True)
    finite = y[np.isfinite(y)]
    if len(finite):
        assert {finite.min(), finite.max()} <= set(shown.tolist())
    assert np.isfinite(shown).all() == np.isfinite(y).all()


def test_few_points_are_all_drawn() -> None:
    x, y = thin(np.arange(40), np.zeros(40), 10)
    assert len(x) == len(y) == 40


def test_a_spike_of_one_point_in_a_million_is_drawn() -> None:
    values = np.zeros(1_000_000)
    values[777_777] = 5.0
    figure = draw(series(values.tolist()))
    (line,) = lines(figure)
    assert max(line.get_ydata()) == 5.0
    assert len(line.get_xdata()) < 5_000


def test_one_line_a_job_and_one_field_a_metric() -> None:
    frame = pd.concat([series([1, 2, 3], f"lab/project/1/job/{job}", name) for job in "12" for name in ("loss", "acc")])
    figure = draw(frame)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "acc"]
    assert [len(lines(figure, field)) for field in (0, 1)] == [2, 2]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1", "2"]


def test_nan_breaks_the_line_and_is_counted_in_the_footer() -> None:
    figure = draw(series([1.0, float("nan"), 3.0, 4.0]))
    (line,) = lines(figure)
    assert np.isnan(line.get_ydata()[1])
    dots = [each for each in figure.axes[0].lines if each.get_marker() == "."]
    assert dots[0].get_xdata().tolist() == [0]
    assert "3 of 4 points · 1 not finite" in figure.get_supxlabel()


def test_the_footer_says_how_many_of_how_many_and_as_of_when() -> None:
    made = Provenance(
        "lab", "q", "2026-11-22T12:40:23+00:00", 3, 9_000, True, 1, 0, 0.1, "swnb.metrics('lab')", (), True
    )
    assert (
        draw(attach(series([1, 2, 3]), made)).get_supxlabel()
        == "3 of 9,000 points (sampled) · as of 2026-11-22 12:40:23 UTC"
    )


def test_steps_out_of_order_are_put_in_order() -> None:
    frame = series([1.0, 2.0, 3.0])
    frame["step"] = [2, 0, 1]
    (line,) = lines(draw(frame))
    assert line.get_ydata().tolist() == [2.0, 3.0, 1.0]


def test_a_wide_frame_and_a_choice_of_metrics_are_drawn_without_a_fetch() -> None:
    tall = pd.concat([series([1, 2, 3], metric=name) for name in ("loss", "acc")])
    wide = tall.pivot(index=["job", "step"], columns="metric", values="value")
    assert [axes.get_title() for axes in plots.plot(wide, "acc").axes] == ["acc"]


def test_times_are_an_axis_where_the_series_have_them() -> None:
    frame = series([1, 2, 3])
    frame["time"] = pd.date_range("2026-11-22", periods=3, tz="UTC")
    assert draw(frame, x="time").axes[0].get_xlabel() == "time (UTC)"
    with pytest.raises(BadInput, match="no times"):
        draw(frame.assign(time=pd.NaT), x="time")


def test_an_unknown_metric_or_axis_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"no metric 'nope'.*loss"):
        draw(series([1.0]), ["nope"])
    with pytest.raises(BadInput, match="no axis"):
        draw(series([1.0]), x="epoch")  # type: ignore[arg-type]


def test_a_job_keeps_its_colour_and_jobs_of_one_colour_differ_in_their_dashes() -> None:
    jobs = [f"lab/project/1/job/{number}" for number in range(20)]
    figure = draw(pd.concat([series([1, 2], job) for job in jobs]))
    drawn = [(line.get_color(), line.get_linestyle()) for line in lines(figure)]
    assert [each for each, _ in drawn] == [colour(job) for job in jobs]
    assert len(set(drawn)) == len(jobs) or max(map([c for c, _ in drawn].count, {c for c, _ in drawn})) > 4


def test_labels_keep_what_tells_jobs_apart() -> None:
    assert labels(["lab/project/1/job/7"]) == ["7"]
    assert labels(["lab/project/1/job/7", "lab/project/1/job/8"]) == ["7", "8"]
    assert labels(["lab/project/1/job/7", "lab/project/2/job/7"]) == ["1/7", "2/7"]
    assert labels(["lab/project/1/job/7", "den/project/1/job/7"]) == ["lab/1/7", "den/1/7"]


def test_text_that_looks_like_mathematics_is_drawn_as_it_is() -> None:
    assert png(draw(series([1, 2], metric=r"$\frac{1$")))[:4] == b"\x89PNG"


def test_a_figure_of_nothing_is_drawn() -> None:
    assert png(draw(series([])))[:4] == b"\x89PNG"


def test_drawing_needs_no_pyplot() -> None:
    code = "import sys, pandas; from swnb.plots import draw; f = pandas.DataFrame({'job': ['a'], 'metric': ['m'], "
    code += "'step': [1], 'value': [1.0]}); draw(f); assert 'matplotlib.pyplot' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_notebook_shows_the_figure_with_a_text_beside_it() -> None:
    bundle, metadata = draw(series([1.0, 2.0]), ["loss"])._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert "loss over step" in bundle["text/plain"]
    assert metadata["image/png"]["alt"] == bundle["text/plain"]
    assert (
        bundle["text/html"] == f'<img alt="{bundle["text/plain"]}" src="data:image/png;base64,{bundle["image/png"]}">'
    )


def test_the_text_of_a_figure_is_escaped_for_pages_and_not_for_mathematics() -> None:
    frame = pd.DataFrame({"job": ['a"><b'] * 2, "metric": ["$x"] * 2, "step": [0, 1], "value": [1.0, 2.0]})
    figure = draw(frame)
    assert figure.told == 'Curves of $x over step: a"><b'
    assert 'alt="Curves of $x over step: a&quot;&gt;&lt;b"' in figure._repr_mimebundle_()[0]["text/html"]


def test_a_name_in_letters_that_no_font_here_has_is_drawn_without_a_word(recwarn: pytest.WarningsRecorder) -> None:
    frame = pd.DataFrame({"job": ["a"] * 2, "metric": ["val/f1 宏"] * 2, "step": [0, 1], "value": [1.0, 2.0]})
    assert plots.png(plots.draw(frame)).startswith(b"\x89PNG")
    assert not recwarn.list
