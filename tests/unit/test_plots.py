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
from swnb.plots import COLOURS, colour, draw, labels, png, thin
from swnb.plots.look import GREY, dotted, styles


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


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=16), st.randoms())
def test_colour_and_dashes_are_a_jobs_own_whatever_order_the_jobs_come_in(numbers: list[int], dice: Any) -> None:
    jobs = [f"lab/project/1/job/{number}" for number in numbers]
    found = styles(jobs)
    assert {job: look["color"] for job, look in found.items()} == {job: colour(job) for job in jobs}
    dice.shuffle(jobs)
    assert styles(jobs) == found
    alone = {job: styles([job])[job] for job in jobs}
    kept = {str(alone[job]) for job in jobs}
    assert len(kept) <= sum(found[job] == alone[job] for job in jobs)  # of those that look the same, one stays itself
    of = [sum(colour(other) == colour(job) for other in jobs) for job in jobs]
    assert len({str(look) for look in found.values()}) == len(jobs) or max(of) > 6


def test_a_job_has_the_same_colour_in_lines_dots_and_bars() -> None:
    jobs = [f"lab/project/1/job/{number}" for number in range(6)]
    assert [styles(jobs)[job]["color"] for job in jobs] == [dotted(jobs)[job]["color"] for job in jobs]
    assert len({(colour(job), dotted([job])[job]["marker"]) for job in jobs}) == len(jobs)


def contrast(one: str, other: str) -> float:
    """By WCAG 2."""

    def light(text: str) -> float:
        parts = [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        lines = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * lines[0] + 0.7152 * lines[1] + 0.0722 * lines[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_colours_can_be_seen_on_light_and_dark_pages(page: str) -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert min(contrast(each, page) for each in COLOURS) >= 3.0
    assert len(set(COLOURS)) == len(COLOURS)


def test_grey_text_can_be_read_on_light_and_dark_pages() -> None:
    assert contrast(GREY, "#ffffff") >= 4.5
    assert contrast(GREY, "#111111") >= 4.1  # no grey has 4.5 to both: their product is 18.9


def test_each_colour_is_told_from_each_by_eyes_that_lack_red_green_or_blue() -> None:
    # Machado, Oliveira and Fernandes (2009), on linear light.
    eyes = {
        "all": np.eye(3),
        "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
        "blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
    }
    to_cones = [
        [0.41222147, 0.53633254, 0.05144599],
        [0.2119035, 0.6806995, 0.10739696],
        [0.08830246, 0.28171884, 0.6299787],
    ]
    to_lab = [
        [0.21045426, 0.79361778, -0.00407205],
        [1.9779985, -2.42859221, 0.45059371],
        [0.02590404, 0.78277177, -0.80867577],
    ]
    parts = np.array([[int(each[at : at + 2], 16) / 255 for at in (1, 3, 5)] for each in COLOURS])
    light = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    for lack, matrix in eyes.items():
        seen = np.clip(light @ np.array(matrix).T, 0, 1)
        lab = np.cbrt(seen @ np.array(to_cones).T) @ np.array(to_lab).T  # Oklab
        far = np.linalg.norm(lab[:, None] - lab[None], axis=2) + np.eye(len(COLOURS))
        assert far.min() > 0.06, lack


def test_labels_keep_what_tells_jobs_apart() -> None:
    assert labels(["lab/project/1/job/7"]) == ["7"]
    assert labels(["lab/project/1/job/7", "lab/project/1/job/8"]) == ["7", "8"]
    assert labels(["lab/project/1/job/7", "lab/project/2/job/7"]) == ["1/7", "2/7"]
    assert labels(["lab/project/1/job/7", "den/project/1/job/7"]) == ["lab/1/7", "den/1/7"]


def test_a_name_is_drawn_as_it_is_and_told_as_it_is() -> None:
    figure = draw(series([1, 2], "lab/project/1/job/$x$"))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"\$x\$"]  # drawn as $x$
    assert figure.told.endswith(": $x$")
    assert labels(["a/$x$", "a/y"]) == ["$x$", "y"]


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
