"""Series and summaries as matplotlib Figures: object-oriented, without pyplot, for light and dark pages alike.

Rules: nothing is sampled away (each pixel column keeps its lowest and highest value), a NaN is a gap, a missing value
is shown as missing, a job has the same colour in every figure, and a footer says how many points or jobs there are and
as of when.
"""

from __future__ import annotations

from swnb.plots.across import draw_bars, draw_parallel, draw_pareto, draw_scatter
from swnb.plots.asked import draw, plot
from swnb.plots.curves import Chart
from swnb.plots.lines import View
from swnb.plots.look import COLOURS, Picture, colour, labels, png, svg
from swnb.plots.thinning import thin

__all__ = [
    "COLOURS",
    "Chart",
    "Picture",
    "View",
    "colour",
    "draw",
    "draw_bars",
    "draw_parallel",
    "draw_pareto",
    "draw_scatter",
    "labels",
    "plot",
    "png",
    "svg",
    "thin",
]
