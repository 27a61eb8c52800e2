"""What a figure of curves says of itself below its fields: how many points, what of them is not drawn, as of when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from swnb.frames.provenance import KEY, provenance
from swnb.plots.lines import Line, View, is_folded
from swnb.plots.look import counted


def said_of(frame: pd.DataFrame, drawn: Sequence[Line], view: View, said: str, some: str) -> list[str]:
    """The parts for these lines; ``said`` stands for the count of points where a caller knows more of them."""
    gone, holes = sum(line.placeless for line in drawn), sum(line.holes for line in drawn)
    odd, low, far = (sum(each) for each in zip((0, 0, 0), *(lost(line, view) for line in drawn), strict=True))
    points = sum(len(line.y) + line.placeless for line in drawn) - holes
    means = "means " if is_folded(frame) else ""
    return [
        said or count_of(frame, points - gone - odd - low - far, points),
        some,
        f"{odd:,} not finite" if odd and not is_folded(frame) else "",
        counted(holes, "gap") if holes else "",
        f"{gone:,} without a place on this x axis" if gone else "",
        f"{low:,} {means}not above 0, not drawn" if low else "",
        f"{far:,} {means}too great or too small for an axis, not drawn" if far else "",
        "since each job's first point read" if view.x == "relative" else "",
        _how(view),
    ]


def count_of(frame: pd.DataFrame, drawn: int, points: int) -> str:
    """How many points are drawn of those that belong to these lines, and whether the lines are a sample, incomplete or
    all that there is, as far as the frame knows."""
    said = f"{drawn:,} of {points:,} points" if drawn != points else counted(drawn, "point")
    if KEY not in frame.attrs:
        return said
    made = provenance(frame)
    whole = made.n == len(frame) == points  # of a part of what was fetched nobody knows how much of it there is
    if not made.complete:
        return f"{said} (incomplete)"
    if made.sampled:
        return (
            f"{said} (sampled)" if not whole or made.total is None else f"{drawn:,} of {made.total:,} points (sampled)"
        )
    if not whole or made.total != made.n:
        return said
    return f"{said} (all)" if drawn == points else f"{said} (all read)"


def lost(line: Line, view: View) -> tuple[int, int, int]:
    """Values that are not finite, that are not above 0 on a log axis, and that are beyond every axis."""
    fine = line.y[np.isfinite(line.y)]
    log = "y" in view.log
    low = int((fine <= 0).sum()) if log else 0
    seen = int(np.isfinite(line.visible(fine, log)).sum())
    return line.odd, low, len(fine) - low - seen


def when_of(frame: pd.DataFrame) -> str:
    """As of when the frame was read."""
    if KEY not in frame.attrs:
        return ""
    return f"as of {provenance(frame).fetched_at.replace('T', ' ').replace('+00:00', ' UTC')}"


def _how(view: View) -> str:
    if view.smooth:
        return f"exponential mean, weight {view.smooth:g}, values behind"
    return f"mean of {view.window:,} points, values behind" if view.window > 1 else ""
