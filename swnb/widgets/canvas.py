"""A kept Figure on a canvas of ipympl, where it is panned and zoomed.

Rules:
- Object-oriented only: our Figure, a canvas and a manager of its own; pyplot never hears of it.
- Messages of the page come on the kernel's thread while a worker updates the figure: both hold one lock.
- The figure lays itself out, so the canvas has its size and is not pulled larger. It is transparent, as all are.
- Closing frees canvas and toolbar and gives the figure a plain canvas back, so that it can still be saved.
"""

from __future__ import annotations

import base64
import functools
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import ipywidgets as w
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from swnb.plots import Picture, png
from swnb.plots.look import DPI, needs_canvas, packed, quietly
from swnb.widgets.panel import Panel
from swnb.widgets.part import Box, drop, show, weakly
from swnb.widgets.static import escape

_ENDS: Final = ("button_release", "toolbar_button")  # events after which the picture may be another one
_STYLE: Final = """<style>
.swnb-sheet .jupyter-matplotlib-figure { display: flex; flex-direction: column; align-items: flex-start; }
.swnb-sheet .jupyter-matplotlib-toolbar { position: static !important; order: -1; margin: 2px 0; }
.swnb-sheet .jupyter-matplotlib-footer { color: var(--jp-ui-font-color2, inherit); min-height: 1.5em; }
</style>"""  # the tools stand above the picture and not on its legend
_UNSEEN: Final = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


@functools.cache
def _kinds() -> tuple[Any, Any]:
    """The canvas and the manager; made when first wanted, since ipympl is an extra."""
    needs_canvas()
    from ipympl.backend_nbagg import Canvas, FigureManager  # noqa: PLC0415

    class Live(Canvas):  # type: ignore[misc]  # ipympl has no types
        """``guard`` is held while an event is handled; ``moved`` is called after one that may have moved the axes."""

        _png_is_old: bool
        _force_full: bool

        def __init__(self, figure: Picture, guard: threading.RLock, moved: Callable[[], object] | None) -> None:
            self.guard: AbstractContextManager[Any] = guard
            self.moved = moved
            super().__init__(figure)

        def _handle_custom_msg(self, content: Mapping[str, Any], buffers: Any) -> None:
            with self.guard:  # a message that is earlier than the last line of __init__ would find nobody who hears it
                super()._handle_custom_msg(content, buffers)

        def _handle_message(self, _widget: object, content: Mapping[str, Any], buffers: Any) -> None:
            if self.comm is None:  # closed, and this one was under way
                return
            with self.guard, quietly():
                if content.get("type") == "toolbar_button" and content.get("name") == "home" and self.figure.kept:
                    self.figure.kept.zoom(None)  # what is all may be more by now than when the axes were first moved
                    self.toolbar.update()
                    self.draw_idle()
                else:
                    super()._handle_message(self, content, buffers)
            if content.get("type") in _ENDS and self.moved is not None:
                self.moved()

        def get_diff_image(self) -> bytes | None:
            """The picture as we make them all: a third of the bytes, and sooner."""
            if not self._png_is_old:
                return None
            pixels = np.asarray(self.get_renderer().buffer_rgba())
            self._last_buff = pixels.view(np.uint32).squeeze(2).copy()
            self._force_full = self._png_is_old = False
            self.set_image_mode("full")
            return packed(pixels)

    return Live, FigureManager


class Sheet(Box):
    """The figure on its canvas, and its text for those who do not see it."""

    def __init__(
        self, figure: Picture, lock: threading.RLock | None = None, moved: Callable[[], object] | None = None
    ) -> None:
        kind, manager = _kinds()
        self.figure, guard = figure, lock or threading.RLock()
        with guard, warnings.catch_warnings():  # the page may speak before the manager is there
            warnings.simplefilter("ignore", DeprecationWarning)  # of how ipympl makes its toolbar
            self.canvas = kind(figure, guard, moved)
            self._manager = manager(self.canvas, 0)
        # Its keys would close windows, and turn axes to log scales behind the back of whoever drew them.
        self.canvas.mpl_disconnect(self._manager.key_press_handler_id)
        self.canvas.header_visible = self.canvas.resizable = False
        self.canvas.toolbar_visible, self.canvas.toolbar_position = "visible", "top"
        self._told = w.HTML()
        self._told.layout.height = "0"
        super().__init__([self._told, self.canvas])
        self.add_class("swnb-sheet")
        self.drawn()

    def drawn(self) -> None:
        """The figure has changed: have the page ask for it."""
        told = f'{_STYLE}<span role="img" aria-label="{escape(self.figure.told)}" style="{_UNSEEN}"></span>'
        if self._told.value != told:
            self._told.value = told
        self.canvas.draw_idle()

    def close(self) -> None:
        """Take it off the page; the figure stays a figure."""
        figure, canvas, manager = self.figure, self.canvas, self._manager
        with canvas.guard:
            if figure.canvas is canvas:
                FigureCanvasAgg(figure)
                figure.set_dpi(DPI)
            toolbar = manager.toolbar
            manager.canvas = manager.toolbar = None  # the figure goes on telling its manager when it gets other axes
            manager.web_sockets = []
            canvas.manager = canvas.toolbar = canvas.moved = None
        super().close()
        drop([each for each in (toolbar,) if each is not None])


class Alone(Panel):
    """The panel of a figure that was asked to be interactive (``swnb.plot(…, interactive=True)``)."""

    def __init__(self, figure: Picture) -> None:
        self._sheet = Sheet(figure, moved=weakly(self, Alone._twin_changed))
        self._style = w.HTML()
        show(self._style, False)
        super().__init__([self._style, self._sheet])

    def _twin(self) -> tuple[str, str]:
        figure = self._sheet.figure
        with self._sheet.canvas.guard:
            image = base64.b64encode(png(figure)).decode()
        return f'<img alt="{escape(figure.told)}" src="data:image/png;base64,{image}">', figure.told

    def hide_twin(self, id_: str) -> None:
        if id_.isalnum():
            self._style.value += f'<style>[data-swnb-twin="{id_}"] {{ display: none !important; }}</style>'


def display_alone(figure: Picture) -> None:
    """Show an interactive figure in the page; once more, where it is there already."""
    if figure.panel is None or figure.panel.comm is None:
        figure.panel = Alone(figure)
    figure.panel._ipython_display_()
