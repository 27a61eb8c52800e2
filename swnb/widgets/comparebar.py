"""What can be chosen in a comparison: metrics, figure, axes, smoothing, range."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, Final

import ipywidgets as w

from swnb.frames.compare import HOWS, How
from swnb.plots import View
from swnb.plots.asked import KINDS
from swnb.widgets.part import Box, show
from swnb.widgets.static import escape

_KEYED: Final = ("bars", "scatter")
WHOLE: Final = (0.0, 100.0)  # percent
_AXES: Final = ("step", "time", "relative")
_SMOOTHINGS: Final = (("none", "none"), ("exponential mean", "exponential"), ("window mean", "window"))
_POINTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What is drawn. ``zoom`` is the range of x in percent of all."""

    metrics: tuple[str, ...] = ()
    kind: str = "curves"
    how: How = "last"
    x: str = "step"
    log: str = ""
    smooth: float = 0.0
    window: int = 1
    fold: bool = False
    key: str | None = None
    zoom: tuple[float, float] = WHOLE

    def view(self, span: tuple[float, float] | None = None) -> View:
        return View("step" if self.fold else self.x, self.log, self.smooth, self.window, span)

    @property
    def drawn_key(self) -> str | None:
        """The config key, where the figure is against one."""
        return self.key if self.kind in _KEYED else None

    def options(self) -> str:
        """The arguments of ``swnb.plot`` and ``swnb.compare`` that differ from what they are without."""
        plain = Asked(key=self.key if self.drawn_key is None else None)
        unsaid = {"metrics", "zoom", *({"x"} if self.fold else ())}  # what is folded is drawn step by step
        said = [(each.name, getattr(self, each.name)) for each in fields(self) if each.name not in unsaid]
        return "".join(f", {name}={value!r}" for name, value in said if value != getattr(plain, name))


class Smoothing(w.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """How curves are smoothed, and beside it how much."""

    def __init__(self, asked: Asked) -> None:
        how = "window" if asked.window > 1 else "exponential" if asked.smooth else "none"
        self._how = w.Dropdown(description="Smoothing", options=_SMOOTHINGS, value=how, layout=_wide(230))
        self._weight = w.FloatSlider(
            value=asked.smooth or 0.6,
            max=max(0.99, asked.smooth),
            step=0.01,
            continuous_update=False,
            tooltip="Weight of what was before",
            layout=_wide(200),
        )
        self._points = w.BoundedIntText(
            value=asked.window if asked.window > 1 else 10,
            min=2,
            max=_POINTS,
            tooltip="Points of the mean, the point in its middle",
            layout=_wide(80),
        )
        self.controls = (self._how, self._weight, self._points)
        super().__init__(self.controls)

    @property
    def value(self) -> tuple[float, int]:
        """The ``smooth`` and the ``window`` of ``swnb.plot``."""
        how = self._how.value
        weight = round(self._weight.value, 6)  # which the arrow keys make 0.8000000000000002
        return weight if how == "exponential" else 0.0, self._points.value if how == "window" else 1

    def arrange(self) -> None:
        show(self._weight, self._how.value == "exponential")
        show(self._points, self._how.value == "window")


class Bar(Box):
    """The controls; `changed` is called when one of them is moved."""

    def __init__(self, asked: Asked, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._wanted, self._offered = asked, False
        self._metrics = w.SelectMultiple(
            description="Metrics", rows=4, tooltip="Ctrl or Shift for several", layout=w.Layout(width="min(380px, 98%)")
        )
        self._kind = w.Dropdown(description="Figure", options=KINDS, value=asked.kind, layout=_wide(190))
        self._how = w.Dropdown(description="Value", options=HOWS, value=asked.how, layout=_wide(190))
        self._x = w.Dropdown(description="X axis", options=_AXES, layout=_wide(230))
        self._key = w.Dropdown(description="Against key", options=[("none", None)], layout=_wide(280))
        self._logs = [self._toggle(f"log {axis}", axis in asked.log) for axis in "xy"]
        self._fold = self._toggle("fold seeds", asked.fold)
        self._smoothing = Smoothing(asked)
        self._zoom = w.FloatRangeSlider(
            description="Range (%)", value=asked.zoom, max=100, step=0.5, continuous_update=False, layout=_wide(380)
        )
        self._curves = w.HBox([self._x, self._fold, self._smoothing, self._zoom])
        first = w.HBox([self._metrics, w.VBox([self._kind, self._how]), self._key, *self._logs])
        for line in (first, self._curves):
            line.layout.flex_flow = "row wrap"
        super().__init__([first, self._curves])
        for each in self._all():
            each.observe(self._moved, "value")
        self._arrange()

    def _all(self) -> list[w.Widget]:
        return [
            self._metrics,
            self._kind,
            self._how,
            self._x,
            self._key,
            *self._logs,
            self._fold,
            *self._smoothing.controls,
            self._zoom,
        ]

    def _toggle(self, text: str, on: bool) -> w.ToggleButton:
        return w.ToggleButton(description=text, value=on, layout=w.Layout(width="auto"))

    @property
    def asked(self) -> Asked:
        return Asked(
            tuple(self._metrics.value),
            self._kind.value,
            self._how.value,
            self._x.value,
            "".join(axis for axis, toggle in zip("xy", self._logs, strict=True) if toggle.value),
            *self._smoothing.value,
            self._fold.value,
            self._chosen_key,
            tuple(self._zoom.value),
        )

    @property
    def _chosen_key(self) -> str | None:
        """A scatter is against some key, the first one where none is chosen."""
        first = next((name for _, name in self._key.options if name is not None), None)
        return self._key.value or (first if self._kind.value == "scatter" else None)

    def offer(self, series: Sequence[str], metrics: Sequence[str], keys: Sequence[str]) -> None:
        """What there is to choose from; what was chosen stays where it still is there."""
        now, first = (self.asked, False) if self._offered else (self._wanted, True)
        self._offered = True
        with _still(self):
            chosen = tuple(name for name in now.metrics if name in metrics)
            if first and not chosen:
                chosen = tuple(series[:3]) or tuple(metrics[:4])
            _fill(self._metrics, metrics, chosen)
            self._metrics.rows = min(max(len(metrics), 3), 6)
            axes = [*_AXES, *(name for name in series if name not in _AXES)]
            _fill(self._x, axes, now.x if now.x in axes else axes[0])
            key = now.key if first else self._key.value
            self._key.options = [("none", None), *((_printable(name), name) for name in keys)]
            self._key.value = key if key in keys else None
            self._arrange()

    def _moved(self, _change: object) -> None:
        self._arrange()
        self._changed()

    def _arrange(self) -> None:
        kind = self._kind.value
        show(self._curves, kind == "curves")
        self._smoothing.arrange()
        show(self._key, kind in _KEYED)
        for toggle in self._logs:
            show(toggle, kind in ("curves", "scatter", "pareto"))

    def close(self) -> None:
        self._changed = lambda: None
        super().close()


@contextmanager
def _still(bar: Bar) -> Iterator[None]:
    """While the choices are set, nobody is told."""
    for each in bar._all():
        each.unobserve(bar._moved, "value")
    yield
    for each in bar._all():
        each.observe(bar._moved, "value")


def _fill(choice: Any, names: Sequence[str], value: Any) -> None:
    choice.options = [(_printable(name), name) for name in names]
    choice.value = value


def _printable(name: str) -> str:
    return name if name.isprintable() else escape(name)


def _wide(pixels: int) -> w.Layout:
    return w.Layout(width=f"min({pixels}px, 98%)")
