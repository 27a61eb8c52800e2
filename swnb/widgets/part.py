"""A part of a panel: something that is loaded, and what is said while it is not there.

Rules:
- Nothing here waits: `load` submits and returns. What arrives is applied in a worker thread, under the one lock of
  the panel, so that parts never meet; the lock is not held while anything is fetched.
- Each load has a number. An answer whose number is not the present one is dropped, so late ones never win.
- An error becomes a sentence with a way out (try again, sign in), never an empty list and never a stack trace.
"""

from __future__ import annotations

import asyncio
import html
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import ipywidgets as w
import pandas as pd

from swnb.bridge import submit
from swnb.client.source import source_of
from swnb.errors import Refused, SwnbError, clean
from swnb.fetch.events import Event, listening
from swnb.fetch.tasks import in_thread
from swnb.settings import to_ref
from swnb.widgets import progress
from swnb.widgets.grid import Grid
from swnb.widgets.static import escape

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
Fetch = Callable[[], Coroutine[Any, Any, T]]

STYLE = """<style>
.swnb-panel { color: var(--jp-ui-font-color1, inherit); font: var(--jp-ui-font-size1, 13px)/1.5
  var(--jp-ui-font-family, system-ui, sans-serif); overflow: hidden; }
.swnb-panel .widget-html, .swnb-panel .widget-html-content { line-height: 1.5; height: auto; overflow: visible; }
.swnb-panel .widget-html-content { color: var(--jp-ui-font-color1, inherit); flex: 1 1 auto; min-width: 0; }
.swnb-panel .swnb-say { padding: 6px 10px; color: var(--jp-ui-font-color2, inherit); overflow-wrap: anywhere; }
.swnb-panel .swnb-say[role=alert] { color: var(--jp-ui-font-color1, inherit); border-radius: 2px;
  border-left: 3px solid var(--jp-error-color1, #d32f2f); padding-left: 10px;
  background: color-mix(in srgb, var(--jp-error-color1, #d32f2f) 10%, transparent); }
.swnb-panel h4 { margin: 4px 0; font-size: 1.05em; font-weight: 600; overflow-wrap: anywhere; }
.swnb-panel code { background: var(--jp-layout-color2, transparent); padding: 1px 4px; border-radius: 2px;
  font-family: var(--jp-code-font-family, monospace); user-select: all; overflow-wrap: anywhere; }
.swnb-panel pre.swnb-log { font: 12px/1.45 var(--jp-code-font-family, monospace); margin: 0; padding: 8px 10px;
  max-height: 380px; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere;
  color: var(--jp-content-font-color1, inherit); border: 1px solid var(--jp-border-color2, #8884);
  border-radius: 4px; background: var(--jp-layout-color0, transparent); }
.swnb-panel pre.swnb-log:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: -2px; }
.swnb-panel table.swnb-facts { border-collapse: collapse; width: 100%; font-size: inherit; table-layout: fixed; }
.swnb-panel table.swnb-facts th, .swnb-panel table.swnb-facts td { text-align: left; vertical-align: top;
  padding: 3px 10px; border-bottom: 1px solid var(--jp-border-color2, #8884); overflow-wrap: anywhere;
  white-space: pre-wrap; font-variant-numeric: tabular-nums; color: inherit; }
.swnb-panel table.swnb-facts th { font-weight: 500; width: 13em; color: var(--jp-ui-font-color2, inherit); }
.swnb-panel img { max-width: 100%; height: auto; display: block; }
.swnb-panel .widget-toggle-button, .swnb-panel .jupyter-button { width: auto; border-radius: 3px; }
.swnb-panel .jupyter-button:focus-visible { outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }
.swnb-panel .widget-tab > .widget-tab-contents { padding: 10px; overflow: hidden; }
.swnb-panel .widget-label { color: var(--jp-ui-font-color1, inherit); }
</style>"""


def say(text: str, *, alert: bool = False) -> str:
    """A sentence as HTML: foreign text in it is escaped, an alert is read out at once."""
    return f'<div class="swnb-say" role="{"alert" if alert else "status"}">{escape(text)}</div>' if text else ""


def code(text: str) -> str:
    """Python to copy, as HTML."""
    return f"<code>{html.escape(text)}</code>"


def show(widget: w.Widget, on: bool) -> None:
    """Show or hide without making or closing anything."""
    widget.layout.display = None if on else "none"


def fill(grid: Grid, frame: pd.DataFrame, columns: Sequence[str] | None = None) -> None:
    """Show a frame, and these columns of it."""
    names = None if columns is None else list(columns)
    same = grid.columns == names and list(grid.frame.columns) == list(frame.columns)
    grid.update(frame)
    if not same:
        grid.set_trait("columns", names)


def button(text: str, act: Callable[[], object], tip: str = "") -> w.Button:
    made = w.Button(description=text, tooltip=tip or text)
    made.on_click(lambda _: act())
    return made


class Box(w.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A box that frees all that is inside it when it is closed."""

    def close(self) -> None:
        inside = parts_of(self)
        super().close()
        self.unobserve_all()
        drop(inside)

    def __del__(self) -> None:
        """Nothing: ipywidgets would close once more, also when Python ends and half of it is gone."""


class Part(Box):
    """What is loaded stands in `content`, hidden until it is there; a line above says what happens meanwhile."""

    def __init__(self, lock: threading.RLock, content: Sequence[w.Widget] = ()) -> None:
        self._lock = lock
        self._number = 0
        self._work: Future[None] | None = None
        self._again: Callable[[], object] | None = None
        self._server = ""
        self.state = "empty"  # or: loading, ready, failed
        self.said = ""
        self._line = w.HTML()
        self._retry = button("Try again", self.reload, "Ask once more")
        self._sign = button("Sign in …", self._sign_in, "Give a token, or a user and a password")
        self._ways = w.HBox([self._retry, self._sign])
        self._form = w.VBox()
        self._content = w.VBox(list(content))
        super().__init__([self._line, self._ways, self._form, self._content])
        for each in (self._line, self._ways, self._form, self._content):
            show(each, False)

    def load(self, what: str, fetch: Fetch[T], arrived: Callable[[T], object], *, server: str = "") -> None:
        """Fetch and hand the result to `arrived`; `what` is said meanwhile, `server` is where a sign-in would go."""
        with self._lock:
            self._number += 1
            number, before = self._number, self._work
            self._again = weakly(self, lambda part: part.load(what, fetch, arrived, server=server))
            self._server = server
            self.state = "loading"
            self._tell(f"Loading {what} …")
            show(self._ways, False)
            if self.comm is not None:
                self._work = submit(self._fetch(number, what, fetch, arrived))
        if before is not None:
            before.cancel()

    def reload(self) -> None:
        """Do the last load again."""
        if self._again is not None:
            self._again()

    def wait(self, seconds: float) -> None:
        """Wait for what is under way, at most so long; never under the panel's lock."""
        end = time.monotonic() + seconds
        while (work := self._work) is not None:
            done = threading.Event()
            work.add_done_callback(lambda _, done=done: done.set())  # type: ignore[misc]
            done.wait(max(end - time.monotonic(), 0))
            if work is self._work or time.monotonic() >= end:  # else a later load took its place meanwhile
                return

    def clear(self, text: str = "") -> None:
        """Drop what is under way, and show this sentence alone."""
        with self._lock:
            self._number += 1
            self.state = "empty"
            self._tell(text)
            show(self._ways, False)
            show(self._content, False)
            if self._work is not None:
                self._work.cancel()

    async def _fetch(self, number: int, what: str, fetch: Fetch[T], arrived: Callable[[T], object]) -> None:
        # Weakly, since a connection that is kept open keeps the context, and so the listeners, that it was made in.
        hear = weakly(self, lambda part, event: part._hear(number, what, event))
        try:
            with progress.quiet(), listening(hear):
                result = await fetch()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await in_thread(self._apply, number, partial(self._failed, error))
        else:
            await in_thread(self._apply, number, partial(self._ready, arrived, result))

    def _hear(self, number: int, what: str, event: Event) -> None:
        if number == self._number and (text := progress.sentence(event)):
            self._tell(f"Loading {what}: {text}")

    def _apply(self, number: int, act: Callable[[], object]) -> None:
        with self._lock:
            if number != self._number or self.comm is None:  # a later load, or closed
                return
            try:
                act()
            except Exception as error:
                self._failed(error)

    def _ready(self, arrived: Callable[[T], object], result: T) -> None:
        self.state = "ready"
        self._tell("")
        show(self._content, True)
        arrived(result)

    def _failed(self, error: Exception) -> None:
        self.state = "failed"
        known = isinstance(error, SwnbError)
        text = str(error) if known else f"{type(error).__name__}: {clean(error)}"
        self._tell(text, alert=True)
        show(self._content, False)
        show(self._sign, isinstance(error, Refused) and bool(self._server))
        show(self._ways, True)

    def _tell(self, text: str, *, alert: bool = False) -> None:
        self.said = text
        self._line.value = say(text, alert=alert)
        show(self._line, bool(text))

    def _sign_in(self) -> None:
        from swnb.widgets.signin import SignIn  # noqa: PLC0415 - the form is a Part itself

        with self._lock:
            drop(self._form.children)
            form = SignIn(self._server, lock=self._lock)
            form.on_success(weakly(self, Part._signed_in))
            self._form.children = [form]
            show(self._form, True)

    def _signed_in(self) -> None:
        with self._lock:
            show(self._form, False)
        self.reload()

    def close(self) -> None:
        """End what is under way and free everything inside."""
        work, self._work = self._work, None
        self._number += 1
        self._again = None
        if work is not None:
            work.cancel()
        super().close()


def weakly(owner: T, act: Callable[Concatenate[T, P], R]) -> Callable[P, R | None]:
    """`act` on the owner while it lives: a callback that keeps nobody alive."""
    ref = weakref.ref(owner)

    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        there = ref()
        return None if there is None else act(there, *args, **kwargs)

    return call


def parts_of(widget: w.Widget) -> list[w.Widget]:
    """The widgets that belong to one: children, layout, style. Empty for a closed one."""
    found: list[w.Widget] = []
    for name in ("children", "layout", "style"):
        value = getattr(widget, name, None)
        found += [each for each in (value if isinstance(value, tuple) else [value]) if isinstance(each, w.Widget)]
    return found


def drop(widgets: Sequence[w.Widget]) -> None:
    """Close widgets and all that belongs to them."""
    for widget in widgets:
        inside = parts_of(widget)
        widget.close()
        widget.unobserve_all()
        drop(inside)


def offers(uri: str) -> frozenset[str]:
    """What the platform of this address has (design.md section 1); the rest gets no tab."""
    return source_of(to_ref(uri)).backend.offers


def implied(server: str) -> str | None:
    """The project that an address of this server means where it names none."""
    return source_of(to_ref(server)).backend.implied


__all__ = ["STYLE", "Part", "button", "code", "drop", "fill", "implied", "offers", "say", "show", "weakly"]
