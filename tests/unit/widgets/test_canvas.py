"""A figure on a canvas: events as the page sends them."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg

import swnb
from swnb.errors import Unsupported
from swnb.plots import Chart, Picture, png
from swnb.widgets.canvas import Alone, Sheet, display_alone
from swnb.widgets.compare import compare


def chart(points: int = 10_000) -> Chart:
    values = np.sin(np.arange(points) / 300)
    return Chart(pd.DataFrame({"job": "lab/project/1/job/1", "metric": "loss", "step": range(points), "value": values}))


@pytest.fixture
def kept() -> Chart:
    return chart()


@pytest.fixture
def sheet(kept: Chart) -> Iterator[Sheet]:
    made = Sheet(kept.figure)
    tell(made, "initialized")
    tell(made, "draw")
    yield made
    made.close()


def tell(sheet: Sheet, what: str, **more: Any) -> None:
    sheet.canvas._handle_custom_msg({"type": what, **more}, [])


def mouse(sheet: Sheet, what: str, x: float, y: float, buttons: int = 1) -> None:
    """At a place of the canvas, in pixels from its upper left corner."""
    tell(sheet, what, x=x, y=y, button=0, buttons=buttons, modifiers=[], guiEvent={})


def drag(sheet: Sheet, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse(sheet, "button_press", *start)
    mouse(sheet, "motion_notify", *end)
    mouse(sheet, "button_release", *end, buttons=0)


def points(kept: Chart) -> int:
    return len(kept._fields["loss"][1]["lab/project/1/job/1"].main.get_xdata())


def test_a_zoom_is_drawn_in_detail_when_it_is_drawn(sheet: Sheet, kept: Chart) -> None:
    assert points(kept) < 3_000
    tell(sheet, "toolbar_button", name="zoom")
    drag(sheet, (300, 100), (330, 300))
    low, high = kept.figure.axes[0].get_xlim()
    assert 0 < high - low < 1_000
    tell(sheet, "draw")
    seen = kept._fields["loss"][1]["lab/project/1/job/1"].main.get_xdata()
    assert set(range(int(low) + 1, int(high))) <= set(seen)


def test_new_points_leave_what_was_zoomed_and_home_shows_all(sheet: Sheet, kept: Chart) -> None:
    tell(sheet, "toolbar_button", name="zoom")
    drag(sheet, (300, 100), (330, 300))
    zoomed = kept.figure.axes[0].get_xlim(), kept.figure.axes[0].get_ylim()
    more = pd.DataFrame({"job": "lab/project/1/job/1", "metric": "loss", "step": range(20_000), "value": 1.0})
    kept.update(more)
    assert (kept.figure.axes[0].get_xlim(), kept.figure.axes[0].get_ylim()) == zoomed
    tell(sheet, "toolbar_button", name="home")
    assert kept.figure.axes[0].get_xlim()[1] > 19_999
    assert kept.span is None


def test_a_screen_of_finer_pixels_gets_their_detail_and_the_saved_picture_stays(sheet: Sheet, kept: Chart) -> None:
    before, plain = points(kept), png(kept.figure)
    tell(sheet, "set_dpi_ratio", dpi_ratio=2)
    tell(sheet, "draw")
    assert points(kept) > 1.5 * before
    assert png(kept.figure) == plain
    assert kept.figure.canvas is sheet.canvas


def test_a_frame_for_the_page_is_small(sheet: Sheet) -> None:
    sheet.canvas.draw()
    sheet.canvas._png_is_old = True
    assert len(sheet.canvas.get_diff_image()) < 60_000
    assert sheet.canvas.get_diff_image() is None


def test_keys_close_no_window_and_change_no_scale(sheet: Sheet, kept: Chart) -> None:
    for key in "lqgkh":
        tell(sheet, "key_press", key=key, guiEvent={})
    assert kept.figure.axes[0].get_yscale() == "linear"
    assert sheet.canvas.comm is not None


def test_what_has_changed_is_asked_for_and_told(sheet: Sheet, kept: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(sheet.canvas, "send", lambda content, buffers=None: sent.append(content))
    other = {"job": "lab/project/1/job/2", "metric": "loss", "step": [0, 1], "value": [1.0, 2.0]}
    kept.update(pd.DataFrame(other))
    sheet.drawn()
    assert '{"type": "draw"}' in [each["data"] for each in sent]
    assert 'aria-label="Curves of loss over step: 2"' in sheet._told.value


def test_messages_wait_while_a_worker_holds_the_figure(kept: Chart) -> None:
    lock = threading.RLock()
    sheet = Sheet(kept.figure, lock)
    done = threading.Event()
    teller = threading.Thread(target=lambda: (tell(sheet, "draw"), done.set()))
    with lock:
        teller.start()
        assert not done.wait(0.2)
    assert done.wait(10)
    teller.join()
    sheet.close()


def test_closing_frees_it_all_and_the_figure_can_still_be_saved() -> None:
    before = set(_instances)
    kept = chart()
    sheet = Sheet(kept.figure)
    tell(sheet, "set_dpi_ratio", dpi_ratio=2)
    held = [weakref.ref(each) for each in (sheet, sheet.canvas, sheet.canvas.toolbar)]
    canvas = sheet.canvas
    sheet.close()
    canvas._handle_custom_msg({"type": "draw"}, [])  # it was under way
    del sheet, canvas
    gc.collect()
    assert [ref() for ref in held] == [None] * len(held)
    assert set(_instances) <= before
    assert type(kept.figure.canvas) is FigureCanvasAgg
    assert kept.figure.dpi == 100
    assert png(kept.figure) == png(chart().figure)
    kept.update(pd.DataFrame({"job": "a", "metric": "acc", "step": [0, 1], "value": [1.0, 2.0]}))
    figure = weakref.ref(kept.figure)
    del kept
    gc.collect()
    assert figure() is None


def test_pyplot_never_hears_of_it(sheet: Sheet) -> None:
    assert Gcf.figs == {}


# -- a figure of its own


def test_a_figure_that_is_not_interactive_is_shown_as_a_picture(kept: Chart) -> None:
    with pytest.raises(NotImplementedError):
        kept.figure._ipython_display_()
    assert "image/png" in kept.figure._repr_mimebundle_()[0]


def test_plot_gives_a_figure_that_shows_itself_on_a_canvas(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"job": "lab/project/1/job/1", "metric": "loss", "step": [0, 1], "value": [1.0, 2.0]})
    figure: Any = swnb.plot(frame, "loss", interactive=True)
    assert isinstance(figure, Picture)
    with pytest.raises(NotImplementedError):  # no kernel is here: IPython takes the picture
        figure._ipython_display_()
    panel = figure.panel
    assert isinstance(panel, Alone)
    assert figure.canvas is panel._sheet.canvas
    with pytest.raises(NotImplementedError):
        display_alone(figure)
    assert figure.panel is panel
    data = panel._repr_mimebundle_()
    assert data is not None
    assert 'alt="Curves of loss over step: 1"' in data["text/html"]
    assert data["text/plain"] == figure.told
    panel.close()
    assert type(figure.canvas) is FigureCanvasAgg


def test_where_the_package_is_missing_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipympl", None)
    frame = pd.DataFrame({"job": "lab/project/1/job/1", "metric": "loss", "step": [0, 1], "value": [1.0, 2.0]})
    for call in (
        lambda: swnb.plot(frame, "loss", interactive=True),
        lambda: compare("lab/project/1", interactive=True),
    ):
        with pytest.raises(Unsupported) as caught:
            call()
        said = "pan and zoom need the package ipympl. pip install 'swnb[interactive]' brings it."
        assert str(caught.value) == said
