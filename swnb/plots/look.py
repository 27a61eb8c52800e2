"""How our figures look: colours that a job keeps, labels, axes for light and dark pages, legend, footer, export."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import io
import math
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from textwrap import wrap
from typing import Any, ClassVar, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from swnb.errors import Unsupported
from swnb.plots.keptlegend import add_legend

Array = np.ndarray[Any, Any]

# Four of Okabe and Ito's colours and four more, so chosen that each can be told from each by every kind of eyes, and
# that each has a contrast of 3 to a white page and to a dark one (#111).
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#bb0088", "#6644dd", "#995544", "#9977ff")
#: the second cue of a line; a solid one is drawn soonest and read best, so it is the likeliest
_DASHES: Final[tuple[Any, ...]] = ("-", "--", (0, (8, 2, 1.5, 2)), ":", (0, (12, 3)), (0, (3, 1.5, 1, 1.5, 1, 1.5)))
_LIKELY: Final = (0, 0, 0, 0, 0, 1, 2, 3, 4, 5)
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "p")  # the second cue of a dot
# 4.5 of contrast to white, 4.1 to #111; no grey has 4.5 to both
GREY: Final = "#72777d"
_FAR: Final = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "SimHei"),
    *("Microsoft YaHei", "PingFang SC", "Hiragino Sans", "Arial Unicode MS", "Noto Sans Symbols2", "Noto Emoji"),
)
DPI: Final = 100
_LEGEND: Final = 12  # jobs that the legend names
_NAME: Final = 32  # letters of a name in the legend
_LONG: Final = 64  # of one that says more than a name
_COLUMNS: Final = 3  # of small multiples

Style = dict[str, Any]


class Picture(Figure):
    """A Figure that a notebook shows as it is (a bare Figure is drawn only where pyplot is at work), with a text for
    those who do not see it. One that is ``interactive`` is shown where it can be panned and zoomed."""

    _told = ""
    kept: Any = None  # what updates it in place lives as long as it does
    interactive = False
    panel: Any = None  # what shows an interactive one, once it was shown
    on_canvas: ClassVar[Callable[[Picture], object] | None] = None  # nobody here knows a page: see swnb/__init__.py

    @property
    def told(self) -> str:
        """The text; what matplotlib would take for mathematics needs no mark in it."""
        return self._told

    @told.setter
    def told(self, text: str) -> None:
        self._told = text.replace(r"\$", "$")

    def draw(self, renderer: Any) -> None:
        if self.kept is not None:
            self.kept.settle()
        super().draw(renderer)

    def _ipython_display_(self, **_: Any) -> None:
        if not self.interactive or Picture.on_canvas is None:
            raise NotImplementedError  # IPython takes the bundle then
        Picture.on_canvas(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """With a page beside the picture, since JupyterLab gives a bare one no alternative text."""
        image = base64.b64encode(png(self)).decode()
        page = f'<img alt="{html.escape(self.told)}" src="data:image/png;base64,{image}">'
        data = {"text/html": page, "image/png": image, "text/plain": self.told}
        return data, {"image/png": {"alt": self.told}}


def needs_canvas() -> None:
    """Unsupported where nothing is installed that pans and zooms."""
    if find_spec("ipympl") is None:
        raise Unsupported("pan and zoom need the package ipympl", todo="pip install 'swnb[interactive]' brings it")


def blank(size: tuple[float, float], on: Picture | None = None) -> Picture:
    """A figure without fields; its canvas belongs to it alone. ``on`` is one to be used again."""
    if on is None:
        figure = Picture(figsize=size, dpi=DPI, facecolor="none", layout="constrained")
        FigureCanvasAgg(figure)
        return figure
    on.clear(keep_observers=True)  # a canvas of a page observes it
    on.kept, on.told = None, ""
    on.set_layout_engine("constrained")
    if tuple(on.get_size_inches()) != size:
        on.set_size_inches(size)
    return on


def fields(figure: Figure, count: int) -> list[Axes]:
    """Axes for ``count`` small multiples, in rows of at most three."""
    wide = min(max(count, 1), _COLUMNS if count != 4 else 2)
    tall = -(-max(count, 1) // wide)
    grid = figure.subplots(tall, wide, squeeze=False)
    found = [axes for line in grid for axes in line]
    for axes in found[max(count, 1) :]:
        axes.remove()
    return found[: max(count, 1)]


@contextmanager
def quietly() -> Iterator[None]:
    """Without a word about letters that no font here has: they are drawn as boxes, which says it all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def png(figure: Figure) -> bytes:
    """The figure as a PNG with a transparent background, see :func:`packed`."""
    canvas: Any = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    with quietly():
        if canvas.manager is None:
            canvas.draw()
            return packed(canvas.buffer_rgba())
        held = io.BytesIO()  # on the canvas of a page, which has a resolution of its own and keeps it
        figure.savefig(held, format="png", dpi=DPI, facecolor="none")
        return packed(Image.open(held).convert("RGBA"))


def packed(pixels: Any) -> bytes:
    """Pixels as a PNG in at most 256 colours: a third of the size, and sooner made (20 lines: 50 kB instead of 170)."""
    held = io.BytesIO()
    few = Image.fromarray(np.asarray(pixels)).quantize(256, method=Image.Quantize.FASTOCTREE)
    few.save(held, format="png", dpi=(DPI, DPI), compress_level=4)
    return held.getvalue()


def svg(figure: Figure) -> str:
    """The figure as SVG, the alternative text in its title."""
    held = io.StringIO()
    with quietly():
        figure.savefig(
            held, format="svg", facecolor="none", metadata={"Title": getattr(figure, "told", ""), "Date": None}
        )
    return held.getvalue()


@functools.cache
def _families() -> list[str]:
    """The fonts of this machine that have letters which the default one lacks, behind it."""
    there = {font.name for font in fontManager.ttflist}
    return ["sans-serif", *(name for name in _FAR if name in there)]


def use_fonts(figure: Figure) -> None:
    """Have every text of the figure find its letters. (Only those that the default font lacks: each family costs time
    at each drawing.)"""
    texts: Any = figure.findobj(_is_far)
    for text in texts:
        text.set_fontfamily(_families())


def _is_far(artist: Any) -> bool:
    return isinstance(artist, Text) and any(letter > "\u2e7f" for letter in artist.get_text())


def labels(jobs: Sequence[str]) -> list[str]:
    """Short names for jobs, as plain text: their ids, with as much of project and server before them as tells them
    apart."""
    if len(jobs) == 1:
        return [plain(jobs[0].rpartition("/job/")[2] or jobs[0])]
    parts = [job.split("/") for job in jobs]
    shared = next((at for at, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), 0)
    return [plain("/".join(word for word in words[shared:] if word not in ("project", "job"))) for words in parts]


def plain(text: str, most: int = 40) -> str:
    """Foreign text as one line of printable letters, its end where it is long."""
    cut = text if len(text) <= most else "…" + text[1 - most :]
    return "".join(c if c.isprintable() else "�" for c in cut)


def shown(text: str, most: int = 40) -> str:
    """Foreign text as a figure can draw it; to be called once, where it is drawn."""
    return _unread(plain(text, most))


def _unread(text: str) -> str:
    # A "$" would begin mathematics, and matplotlib fails on text that is no formula.
    return text.replace("$", r"\$")


def text_of(value: Any) -> str:
    """A value as text. Python refuses to write integers of thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"{'-' if value < 0 else ''}10^{math.log10(abs(value)):.1f}"
    return str(value)


def counted(n: int, word: str) -> str:
    """So many of something: 1 job, 2 jobs."""
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def colour(job: str) -> str:
    """The colour of a job, the same in every figure and session."""
    return COLOURS[zlib.crc32(job.encode("utf-8", "replace")) % len(COLOURS)]


def marker(job: str) -> str:
    """The form of a job's dot, the same in every figure and session."""
    return MARKERS[_second(job) % len(MARKERS)]


def _second(job: str) -> int:
    """A number of a job that does not go together with that of its colour."""
    return int.from_bytes(hashlib.blake2b(job.encode("utf-8", "replace"), digest_size=4).digest(), "big")


def styles(jobs: Sequence[str]) -> dict[str, Style]:
    """Colour and dashes for each job of one figure. Both are the job's own; only where another job here has the same
    two, one of them (whichever, in any order of the jobs) gets the next dashes that are free."""
    own = {job: _LIKELY[_second(job) // len(MARKERS) % len(_LIKELY)] for job in sorted(jobs)}
    first: dict[tuple[str, int], str] = {}
    for job, dashes in own.items():
        first.setdefault((colour(job), dashes), job)
    used = Counter(first.keys())
    for job, dashes in own.items():
        if first[colour(job), dashes] != job:
            ways = [(dashes + more) % len(_DASHES) for more in range(len(_DASHES))]
            own[job] = min(ways, key=lambda way: used[colour(job), way])
            used[colour(job), own[job]] += 1
    return {job: {"color": colour(job), "linestyle": _DASHES[own[job]]} for job in jobs}


def dotted(jobs: Sequence[str]) -> dict[str, Style]:
    """Colour and form for each job of one figure of dots."""
    return {job: {"color": colour(job), "marker": marker(job), "linestyle": ""} for job in jobs}


def dress(axes: Axes, title: str, across: str = "", up: str = "") -> None:
    """Grey axes without a frame, on nothing."""
    axes.set_facecolor("none")
    axes.set_title(shown(title), color=GREY, fontsize=10)
    axes.set_xlabel(shown(across), color=GREY, fontsize=9)
    axes.set_ylabel(shown(up), color=GREY, fontsize=9)
    axes.tick_params(colors=GREY, labelsize=8, which="both")
    axes.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GREY)


def legend(figure: Figure, jobs: Sequence[str], looks: dict[str, Style], names: Sequence[str] | None = None) -> None:
    """Above the fields, the first dozen jobs and how many more there are. ``names`` are plain texts."""
    if not jobs or not figure.axes:
        return
    names = [plain(name, _NAME) for name in labels(jobs)] if names is None else [plain(name, _LONG) for name in names]
    names = names[:_LEGEND]
    handles = [Line2D([], [], **looks[job]) for job, name in zip(jobs, names, strict=False)]
    if len(jobs) > _LEGEND:
        handles.append(Line2D([], [], linestyle=" ", label=f"and {len(jobs) - _LEGEND:,} more"))
    for handle, name in zip(handles, names, strict=False):
        handle.set_label(f"\u200b{_unread(name)}" if name.startswith("_") else _unread(name))  # "_" would hide it
    room = int(figure.get_figwidth() * 15 / (max(map(len, names)) + 7))  # 15 letters an inch, 7 for the line beside
    add_legend(
        figure,
        handles,
        loc="outside upper right",
        ncols=max(min(len(handles), 6, room), 1),
        frameon=False,
        labelcolor=GREY,
        fontsize=8,
    )


def footer(figure: Figure, *said: str) -> None:
    """Below the fields, what the figure says of itself, as plain texts, in lines that fit."""
    room = max(int(figure.get_figwidth() * 17), 40)  # 17 letters an inch
    lines = [""]
    for part in (each for whole in said for each in whole.split(" · ") if each):
        begun = f"{lines[-1]} · {part}" if lines[-1] else part
        if len(begun) <= room:
            lines[-1] = begun
        else:
            lines += wrap(part, room)
    text = _unread("\n".join(line for line in lines if line))
    figure.supxlabel(text, x=0.99, ha="right", fontsize=7, color=GREY)
