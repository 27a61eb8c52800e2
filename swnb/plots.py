"""Series as a matplotlib Figure: object-oriented, without pyplot, for light and dark pages alike.

Rules: nothing is sampled away (each pixel column keeps its lowest and highest value), a NaN is a gap, a job has the
same colour in every figure, and a footer says how many points there are and as of when.
"""

from __future__ import annotations

import base64
import functools
import io
import warnings
import zlib
from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, MaxNLocator

from swnb.bridge import both_function
from swnb.client.public import metrics as read_metrics
from swnb.errors import BadInput
from swnb.frames.provenance import KEY, provenance

__all__ = ["draw", "plot", "png"]

Array = np.ndarray[Any, Any]

# Okabe and Ito's colours without black and yellow, which vanish on a dark or a light page.
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#999933")
_DASHES: Final = ("-", "--", ":", "-.")  # for jobs of one figure that share a colour
_FAR: Final = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "SimHei"),
    *("Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Arial Unicode MS", "Noto Sans Symbols2", "Noto Emoji"),
)
_GREY: Final = "#80868e"  # readable on white and on black
_DPI: Final = 100
_LEGEND: Final = 12  # jobs that the legend names
_COLUMNS: Final = 3  # of small multiples


class Picture(Figure):
    """A Figure that a notebook shows as it is (a bare Figure is drawn only where pyplot is at work), with a text for
    those who do not see it."""

    told = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        image = base64.b64encode(png(self)).decode()
        return {"image/png": image, "text/plain": self.told}, {"image/png": {"alt": self.told}}


async def _plot(
    jobs: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    table: str | None = None,
    x: Literal["step", "time"] = "step",
    size: tuple[float, float] = (8, 4),
) -> Figure:
    """Curves of jobs as a matplotlib ``Figure``: one line a job, one field a metric.

    ``jobs`` is what ``swnb.metrics`` takes, or a frame that it gave (then nothing is fetched). ``metrics`` are names,
    None means all. ``table`` (Starwhale) is the table whose numeric columns they are. ``x`` is ``"step"`` or
    ``"time"``, ``size`` inches. Raises BadInput where a metric is not there, and what ``swnb.metrics`` raises.
    """
    names = [metrics] if isinstance(metrics, str) else metrics
    frame = _long(jobs)
    if frame is None:
        frame = await read_metrics.aio(jobs, names, table=table)
    return draw(frame, names, x=x, size=size)


plot = both_function(_plot)


def _long(jobs: Any) -> pd.DataFrame | None:
    """A frame of ``swnb.metrics``, wide ones made long; None for anything else."""
    if not isinstance(jobs, pd.DataFrame):
        return None
    if {"job", "metric", "step", "value"} <= set(jobs.columns):
        return jobs
    if list(jobs.index.names) != ["job", "step"]:
        return None
    tall: pd.DataFrame = jobs.reset_index().melt(["job", "step"], var_name="metric", value_name="value")
    tall.attrs = jobs.attrs
    return tall


def draw(
    frame: pd.DataFrame,
    metrics: Sequence[str] | None = None,
    *,
    x: Literal["step", "time"] = "step",
    size: tuple[float, float] = (8, 4),
) -> Figure:
    """The Figure of a long frame (``job metric step value``, and ``time`` for ``x="time"``)."""
    if x not in ("step", "time"):
        raise BadInput(f"x={x!r} is no axis", todo='There are "step" and "time"')
    if x not in frame.columns or (x == "time" and len(frame) and frame["time"].isna().all()):
        raise BadInput("these series have no times", todo='Draw them over x="step"')
    there = [str(name) for name in frame["metric"].unique()]
    names = there if metrics is None else list(metrics)
    if missing := [name for name in names if name not in there]:
        raise BadInput(f"there is no metric {missing[0]!r}", todo=f"There are: {', '.join(there) or 'none'}")
    figure = Picture(figsize=size, dpi=_DPI, facecolor="none", layout="constrained")
    FigureCanvasAgg(figure)
    jobs = [str(job) for job in frame["job"].unique()]
    styles = _styles(jobs)
    odd = sum(
        _field(axes, frame[frame["metric"] == name], name, x, styles)
        for axes, name in zip(_fields(figure, len(names)), names, strict=False)
    )
    _legend(figure, jobs, styles)
    _footer(figure, frame, odd)
    for text in figure.findobj(Text):
        text.set_fontfamily(_families())
    figure.told = (
        f"Curves of {', '.join(map(_shown, names)) or 'nothing'} over {x}: {', '.join(labels(jobs)) or 'no job'}"
    )
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG with a transparent background."""
    held = io.BytesIO()
    with warnings.catch_warnings():  # a letter that no font here has is drawn as a box, which says it all
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(held, format="png", facecolor="none")
    return held.getvalue()


@functools.cache
def _families() -> list[str]:
    """The fonts of this machine that have letters which the default one lacks, behind it."""
    there = {font.name for font in fontManager.ttflist}
    return ["sans-serif", *(name for name in _FAR if name in there)]


def thin(x: Array, y: Array, bins: int) -> tuple[Array, Array]:
    """Of ascending ``x``, the points that show: in each of ``bins`` equal ranges the first, the last, the lowest, the
    highest and one that is not finite. All points where they are few."""
    if len(x) <= 4 * bins or x[-1] == x[0]:
        return x, y
    at = np.minimum((x - x[0]) / (x[-1] - x[0]) * bins, bins - 1).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, at[1:] != at[:-1]])
    sizes = np.diff(np.r_[starts, len(x)])
    odd = ~np.isfinite(y)
    low, high = np.where(odd, np.inf, y), np.where(odd, -np.inf, y)
    lowest = np.flatnonzero(low == np.repeat(np.minimum.reduceat(low, starts), sizes))
    highest = np.flatnonzero(high == np.repeat(np.maximum.reduceat(high, starts), sizes))
    firsts = [_first_of_each(at, found) for found in (lowest, highest, np.flatnonzero(odd))]
    kept = np.unique(np.concatenate([starts, starts + sizes - 1, *firsts]))
    return x[kept], y[kept]


def _first_of_each(at: Array, found: Array) -> Array:
    _, firsts = np.unique(at[found], return_index=True)
    first: Array = found[firsts]
    return first


def labels(jobs: Sequence[str]) -> list[str]:
    """Short names for jobs: their ids, with as much of project and server before them as tells them apart."""
    if len(jobs) == 1:
        return [_tail(jobs[0])]
    parts = [job.split("/") for job in jobs]
    shared = next((at for at, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), 0)
    return [_shown("/".join(word for word in words[shared:] if word not in ("project", "job"))) for words in parts]


def _tail(uri: str) -> str:
    return _shown(uri.rpartition("/job/")[2] or uri)


def _shown(text: str) -> str:
    # A "$" would begin mathematics, and matplotlib fails on text that is no formula.
    cut = text if len(text) <= 40 else "…" + text[-39:]
    return "".join(c if c.isprintable() else "�" for c in cut).replace("$", r"\$")


def colour(job: str) -> str:
    """The colour of a job, the same in every figure and session."""
    return COLOURS[zlib.crc32(job.encode("utf-8", "replace")) % len(COLOURS)]


def _styles(jobs: Sequence[str]) -> dict[str, dict[str, Any]]:
    used: dict[str, int] = {}
    styles = {}
    for job in jobs:
        chosen = colour(job)
        styles[job] = {"color": chosen, "linestyle": _DASHES[used.get(chosen, 0) % len(_DASHES)]}
        used[chosen] = used.get(chosen, 0) + 1
    return styles


def _fields(figure: Figure, count: int) -> list[Axes]:
    """Axes for ``count`` metrics, in rows of at most three."""
    wide = min(max(count, 1), _COLUMNS if count != 4 else 2)
    tall = -(-max(count, 1) // wide)
    grid = figure.subplots(tall, wide, squeeze=False)
    fields = [axes for line in grid for axes in line]
    for axes in fields[max(count, 1) :]:
        axes.remove()
    return fields[: max(count, 1)]


def _field(axes: Axes, frame: pd.DataFrame, name: str, x: str, styles: dict[str, dict[str, Any]]) -> int:
    """Draw one metric; how many of its values are not finite."""
    odd = 0
    bins = max(int(axes.get_window_extent().width), 1)
    for job, part in frame.groupby("job", sort=False, observed=True):
        ordered = part[part[x].notna()].sort_values(x, kind="stable")
        values = ordered["value"].to_numpy(dtype=np.float64, na_value=np.nan)
        odd += int((~np.isfinite(values)).sum())
        _line(axes, ordered[x], values, bins, styles[str(job)])
    _dress(axes, name, x)
    return odd


def _line(axes: Axes, at: pd.Series[Any], values: Array, bins: int, style: dict[str, Any]) -> None:
    timed = pd.api.types.is_datetime64_any_dtype(at)
    places = (at.dt.tz_localize(None) if timed else at).to_numpy()
    seen, shown = thin(places.astype("datetime64[us]").astype(np.int64) if timed else places, values, bins)
    seen = seen.astype("datetime64[us]") if timed else seen
    axes.plot(seen, shown, linewidth=1.4, **style)
    fine = np.isfinite(shown)
    alone = fine & ~np.r_[False, fine[:-1]] & ~np.r_[fine[1:], False]  # no line reaches these
    axes.plot(seen[alone], shown[alone], ".", markersize=5, color=style["color"])


def _dress(axes: Axes, name: str, x: str) -> None:
    axes.set_facecolor("none")
    axes.set_title(_shown(name), color=_GREY, fontsize=10)
    axes.set_xlabel("time (UTC)" if x == "time" else x, color=_GREY, fontsize=9)
    axes.tick_params(colors=_GREY, labelsize=8, which="both")
    axes.grid(visible=True, color=_GREY, alpha=0.25, linewidth=0.6)
    if x == "step":
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    else:
        axes.tick_params(axis="x", labelrotation=20)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_GREY)


def _legend(figure: Figure, jobs: Sequence[str], styles: dict[str, dict[str, Any]]) -> None:
    if not jobs:
        return
    names = labels(jobs)[:_LEGEND]
    axes = figure.axes[0]
    handles = [axes.plot([], [], label=name, **styles[job])[0] for job, name in zip(jobs, names, strict=False)]
    if len(jobs) > _LEGEND:
        handles.append(axes.plot([], [], " ", label=f"and {len(jobs) - _LEGEND:,} more")[0])
    figure.legend(
        handles=handles,
        loc="outside upper right",
        ncols=min(len(handles), 6),
        frameon=False,
        labelcolor=_GREY,
        fontsize=8,
    )


def _footer(figure: Figure, frame: pd.DataFrame, odd: int) -> None:
    drawn = f"{len(frame):,} points"
    when = ""
    if KEY in frame.attrs:
        made = provenance(frame)
        drawn = drawn if made.total in (None, len(frame)) else f"{len(frame):,} of {made.total:,} points"
        when = f"as of {made.fetched_at.replace('T', ' ').replace('+00:00', ' UTC')}"
    gaps = f"{odd:,} not finite" if odd else ""
    said = " · ".join(part for part in (drawn, gaps, when) if part)
    figure.supxlabel(said, x=0.99, ha="right", fontsize=7, color=_GREY)
