from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.legend import Legend

from swnb.plots import Chart, Picture, png, svg
from swnb.plots.keptlegend import KeptLegend


def chart(jobs: int = 14) -> Chart:
    frames = [
        pd.DataFrame({"job": f"lab/project/1/job/{n}", "metric": "loss", "step": [0, 1], "value": [n, 1]})
        for n in range(jobs)
    ]
    return Chart(pd.concat(frames))


def pixels(figure: Picture) -> Any:
    png(figure)
    return np.asarray(figure.canvas.buffer_rgba()).copy()  # type: ignore[attr-defined]


def drawn_anew(figure: Picture) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptLegend, "draw", Legend.draw)
        return pixels(figure)


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[None]]:
    """An entry each time that a legend is really drawn for a picture."""
    times: list[None] = []
    plain = KeptLegend._paint

    def counted(legend: KeptLegend, *args: Any) -> None:
        times.append(None)
        plain(legend, *args)

    monkeypatch.setattr(KeptLegend, "_paint", counted)
    return times


def test_a_kept_legend_is_every_pixel_of_one_that_is_drawn(painted: list[None]) -> None:
    figure = chart().figure
    first, again = pixels(figure), pixels(figure)
    count = len(painted)
    assert np.array_equal(first, again)
    assert np.array_equal(again, drawn_anew(figure))
    assert len(painted) == count
    assert len(figure.legends[0].get_texts()) == 13


def test_it_is_drawn_once_while_the_lines_move(painted: list[None]) -> None:
    kept = chart()
    png(kept.figure)
    count = len(painted)
    for span in ((0.0, 0.5), (0.25, 0.75), None):
        kept.zoom(span)
        png(kept.figure)
    assert len(painted) == count


@pytest.mark.parametrize(
    "change",
    [
        lambda figure: figure.legends[0].get_texts()[0].set_text("another name"),
        lambda figure: figure.legends[0].get_texts()[3].set_color("red"),
        lambda figure: figure.legends[0].get_lines()[1].set_linewidth(5),
        lambda figure: figure.legends[0].set_title("jobs"),
        lambda figure: figure.legends[0].set_visible(False),
        lambda figure: figure.legends[0].set_frame_on(True),
        lambda figure: figure.set_size_inches(6, 3),
        lambda figure: figure.set_dpi(120),
    ],
)
def test_what_changes_in_it_shows(change: Any) -> None:
    figure = chart().figure
    before = pixels(figure)
    change(figure)
    after = pixels(figure)
    assert not np.array_equal(before, after)
    assert np.array_equal(after, drawn_anew(figure))


def test_a_change_that_an_svg_has_drawn_shows_in_the_next_png() -> None:
    figure = chart().figure
    png(figure)
    figure.legends[0].get_texts()[0].set_text("another name")
    assert "another name" in svg(figure)
    assert np.array_equal(pixels(figure), drawn_anew(figure))


def test_it_is_a_legend_like_any_other() -> None:
    figure = pickle.loads(pickle.dumps(chart().figure))
    assert png(figure).startswith(b"\x89PNG")
    figure.legends[0].remove()
    assert figure.legends == []
    assert np.array_equal(pixels(figure), drawn_anew(figure))
