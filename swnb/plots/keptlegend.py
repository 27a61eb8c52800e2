"""A legend that is drawn once and put back as it was, until something of it changes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D


class KeptLegend(Legend):
    """A legend whose nested boxes are not measured anew at each drawing: they measure every text some five times, which
    is a fifth of the time that a picture of twenty lines takes. Only pixels are kept, and only on Agg; a change of a
    text or a line of it, of the figure's size or its resolution, draws it anew."""

    _for: Any = None
    _at: tuple[int, int] = (0, 0)
    _image: Any = None

    def draw(self, renderer: Any) -> None:
        if not isinstance(renderer, RendererAgg):
            self._for = None  # drawing makes what is stale fresh, so nobody would know later
            super().draw(renderer)
            return
        kept = (renderer.width, renderer.height, renderer.dpi)
        if kept != self._for or self.findobj(_is_stale):
            self._paint(*kept)
            self._for = kept
        if self.get_visible() and self._image.size:
            style = renderer.new_gc()
            renderer.draw_image(style, *self._at, self._image)
            style.restore()
        self.stale = False

    def _paint(self, width: float, height: float, dpi: float) -> None:
        """Draw by itself; of that picture what is not empty, and where its lower left corner is."""
        alone: Any = RendererAgg(width, height, dpi)  # type: ignore[no-untyped-call]
        super().draw(alone)
        pixels = np.asarray(alone.buffer_rgba())
        there = pixels[:, :, 3] > 0
        lines, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        if not len(lines):
            self._image = pixels[:0]
            return
        top, end, left, right = lines[0], lines[-1] + 1, columns[0], columns[-1] + 1
        self._image = pixels[top:end, left:right][::-1].copy()  # Agg takes the lowest line first
        self._at = int(left), len(pixels) - int(end)


def add_legend(figure: Figure, handles: list[Line2D], **options: Any) -> None:
    """As ``Figure.legend`` does it."""
    made: Any = KeptLegend(
        figure, handles, [str(each.get_label()) for each in handles], bbox_transform=figure.transSubfigure, **options
    )
    figure.legends.append(made)
    made._remove_method = figure.legends.remove
    figure.stale = True


def _is_stale(artist: Artist) -> bool:
    return bool(artist.stale and artist.get_visible())
