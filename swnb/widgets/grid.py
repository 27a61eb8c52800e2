"""A windowed table: the frame stays in the kernel, the browser asks for the rows in view.

Rules of this file and of `grid.js`:
- A *position* is a row of the full frame, a *place* is a row of the view (after sort and filter).
- Each frame has a number (`data`) that positions belong to; each arrangement has one (`version`) that places
  belong to. The browser says them, so a late or early message is translated or ignored, never misread.
- The synced state is the header and the first window; the selection is told by count and for rows in view.
- Messages may come on any thread: the lock guards the view, and nobody's callback is called under it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets as t

from swnb.widgets.gridview import View
from swnb.widgets.static import FULL, cell_text, table_html, table_text, visible
from swnb.widgets.twin import VIEW, Twin

_HERE = Path(__file__).parent
_SPARE = 10  # rows of the first window below those in view
_NOTHING = View(pd.DataFrame())  # what a closed grid shows; made here since close() may run at exit


class Grid(Twin, anywidget.AnyWidget):
    """A table over a frame of any size: sort, filter, choose columns, select rows, with mouse or keyboard.

    `columns` are the names shown, in this order; by default the named index, then all columns.
    `search` is a text to look for in the shown columns, `where` allows only some values in a column, `sort`
    lists (name, ascending), `selected` the chosen rows as positions in the full frame, `note` says what the
    frame is (how many of how many, as of when). All of them may be set and observed.
    """

    _esm = (_HERE / "grid.js").read_text("utf-8")  # text, not a path: anywidget would watch a path
    _css = (_HERE / "grid.css").read_text("utf-8")

    caption = t.Unicode("").tag(sync=True)
    note = t.Unicode("").tag(sync=True)
    search = t.Unicode("")
    where: t.Dict[str, Any] = t.Dict()
    sort: t.List[Any] = t.List()
    columns: t.List[Any] = t.List(allow_none=True, default_value=None)
    selected: t.List[Any] = t.List()
    _options = t.Dict().tag(sync=True)
    _head = t.Dict().tag(sync=True)
    _body = t.Dict().tag(sync=True)
    _picks = t.Dict({"count": 0, "turn": 0}).tag(sync=True)
    _problem = t.Unicode("").tag(sync=True)
    _twins = t.List(t.Unicode()).tag(sync=True)

    def __init__(
        self,
        frame: pd.DataFrame,
        *,
        columns: Sequence[str] | None = None,
        height_rows: int = 20,
        caption: str = "",
        note: str = "",
        open_on_click: bool = False,
    ) -> None:
        self._lock = threading.RLock()
        self._view = View(frame)
        self._chosen: set[int] = set()
        self._anchor: int | None = None
        self._resets = 0
        self._height = height_rows
        self._openers: list[Callable[[int], object]] = []
        self._check(columns or ())
        self._view.arrange(columns, "", {}, ())
        super().__init__(
            caption=visible(caption),
            note=visible(note),
            columns=None if columns is None else list(columns),
            _options={"height": height_rows, "click": open_on_click},
            _head=self._make_head((), columns, ""),
            _body=self._make_body(),
        )
        self.on_msg(self._on_message)
        self.observe(self._arranged, ["search", "where", "sort", "columns"])
        self.observe(self._twin_changed, ["_body", "note"])

    @property
    def frame(self) -> pd.DataFrame:
        """The frame shown, whole and in its own order."""
        return self._view.frame

    @property
    def shown_frame(self) -> pd.DataFrame:
        """The rows that the filters leave, in the order shown."""
        with self._lock:
            return self._view.take(self._view.order)

    @property
    def selected_frame(self) -> pd.DataFrame:
        """The selected rows in the order of the frame."""
        with self._lock:
            return self._view.take(sorted(self._chosen))

    def on_open(self, callback: Callable[[int], object]) -> None:
        """Call back with the position of a row that is opened (Enter, double click, or click when so made)."""
        self._openers.append(callback)

    def update(self, frame: pd.DataFrame) -> None:
        """Show another frame; sort, filters, scroll and focus stay, the selection stays by index label."""
        with self._lock:
            if self.comm is None:  # closed
                return
            before = self._view.data
            self._view.replace(frame)
            moved = self._view.translate(sorted(self._chosen), before)
            anchor = None if self._anchor is None else self._view.position(self._anchor, before)
            self._chosen, self._anchor = set(moved), anchor
            self._refresh()
        self._publish()

    def close(self) -> None:
        """Leave the page and let go of the frame and of all callbacks."""
        super().close()
        self._openers.clear()
        self.unobserve_all()
        with self._lock:
            self._view, self._chosen = _NOTHING, set()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        page, text = self._twin()
        return {**data, "text/html": page, "text/plain": text}, metadata

    def _twin(self) -> tuple[str, str]:
        with self._lock:
            columns, total = self._view.top(50), len(self._view.frame)
        page = table_html(columns, total, caption=self.caption, note=self.note)
        return page, table_text(columns, total, note=self.note)

    def _view_bundle(self) -> dict[str, Any] | None:
        bundle = super()._repr_mimebundle_()
        return None if bundle is None else bundle[0][VIEW]

    def hide_twin(self, id_: str) -> None:
        """While this grid is in a page, the page hides the twin that is marked with `id_`."""
        self._twins = [*self._twins, id_]

    # -- what is set from Python

    def _check(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in self._view.by_key]
        if unknown:
            has = ", ".join(list(self._view.by_key)[:20])
            raise ValueError(f"the table has no column {visible(str(unknown[0]))!r}; it has: {visible(has)}")

    @t.validate("columns", "where", "sort")
    def _known(self, proposal: t.Bunch) -> object:
        value = proposal["value"] or []
        self._check([item[0] for item in value] if proposal["trait"].name == "sort" else value)
        return proposal["value"]

    @t.validate("selected")
    def _in_frame(self, proposal: t.Bunch) -> list[int]:
        size = len(self._view.frame)
        for position in proposal["value"]:
            if not 0 <= position < size:
                raise ValueError(f"no row {position} in a table of {size:,} rows")
        return sorted({int(position) for position in proposal["value"]})

    def _arranged(self, _change: object) -> None:
        with self._lock:
            self._resets += 1
            self._refresh()

    @t.observe("selected")
    def _picked(self, change: t.Bunch) -> None:
        with self._lock:
            self._chosen = set(change["new"])
            self._picks = {"count": len(self._chosen), "turn": self._picks["turn"] + 1}

    def _publish(self) -> None:
        """Make the public trait what the view holds; its observers are called outside the lock."""
        self.selected = sorted(self._chosen)

    def _refresh(self) -> None:
        self._view.arrange(self.columns, self.search, self.where, self.sort)
        with self.hold_sync():
            self._head = self._make_head(self.sort, self.columns, self.search)
            self._body = self._make_body()

    def _make_head(
        self, sort: Sequence[tuple[str, bool]], columns: Sequence[str] | None, search: str
    ) -> dict[str, Any]:
        """What changes seldom: the columns shown, all that could be, the sort and the search text."""
        shown = [column.key for column in self._view.shown]
        places = {column.key: at for at, column in enumerate(self._view.columns)}
        return {
            "columns": [[places[c.key], c.label, c.kind] for c in self._view.shown],
            "menu": [[column.label, int(column.key in shown)] for column in self._view.columns],
            "sort": [[places[name], bool(up)] for name, up in sort if name in places],
            "search": search,
        }

    def _make_body(self) -> dict[str, Any]:
        view = self._view
        return {
            "version": view.version,
            "data": view.data,
            "reset": self._resets,
            "total": len(view.frame),
            "shown": len(view.order),
            "rows": view.rows(0, self._height + _SPARE, self._chosen),
        }

    # -- what the browser says

    def _on_message(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        asked = {"rows": self._send_rows, "marks": self._send_marks, "full": self._send_full}
        done = {
            "sort": self._sort_by,
            "search": self._find,
            "columns": self._choose,
            "select": self._select,
            "open": self._open,
        }
        kind = content.get("kind", "")
        try:
            if kind in asked:
                with self._lock:
                    self.send({"kind": kind, "id": content["id"], **asked[kind](content)})
            else:
                self._problem = ""
                done[kind](content)
        except Exception as error:  # shown where the user looks: a callback has no cell
            self._problem = visible(f"{kind}: {type(error).__name__}: {error}"[:500])

    def _send_rows(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """A window, moved along with the row that the browser holds on to (`anchor`) if there is one."""
        first, anchor = int(content["first"]), content.get("anchor")
        shift = 0
        if anchor:
            place = self._view.place(self._view.position(int(anchor["at"]), int(anchor["data"])))
            shift = 0 if place is None else place - int(anchor["place"])
        first = max(first + shift, 0)
        rows = self._view.rows(first, int(content["count"]), self._chosen)
        return {"version": self._view.version, "first": first, "shift": shift, "rows": rows}

    def _send_marks(self, content: Mapping[str, Any]) -> dict[str, Any]:
        current = content["data"] == self._view.data
        marked = [at for at in content["at"] if at in self._chosen] if current else []
        return {"data": content["data"] if current else -1, "marks": marked}

    def _send_full(self, content: Mapping[str, Any]) -> dict[str, Any]:
        position = self._view.position(int(content["at"]), int(content["data"]))
        if position is None:
            return {"text": ""}
        value = self._view.columns[content["column"]].values.iloc[position]
        return {"text": cell_text(value, FULL)}

    def _sort_by(self, content: Mapping[str, Any]) -> None:
        """A header was clicked: ascending, descending, not at all; `add` keeps the other keys."""
        name = self._view.columns[content["column"]].key
        before = dict(self.sort)
        after = {None: [(name, True)], True: [(name, False)], False: []}[before.get(name)]
        kept = [(other, up) for other, up in self.sort if other != name] if content["add"] else []
        self.sort = kept + after

    def _find(self, content: Mapping[str, Any]) -> None:
        self.search = str(content["text"])

    def _choose(self, content: Mapping[str, Any]) -> None:
        self.columns = [self._view.columns[at].key for at in content["columns"]]

    def _select(self, content: Mapping[str, Any]) -> None:
        """`how`: only this row, toggle it, the range from the last one, all rows of the view, none."""
        how = content["how"]
        with self._lock:
            at = None if how in ("all", "none") else self._view.position(content["at"], content["data"])
            if how in ("only", "toggle"):
                self._anchor = at
            self._chosen = self._pick(how, at)
        self._publish()

    def _pick(self, how: str, at: int | None) -> set[int]:
        if how == "all":
            return set(self._view.order.tolist())
        if how == "none":
            return set()
        if at is None:  # the row has gone meanwhile
            return self._chosen
        if how == "range":
            return set(self._view.between(at if self._anchor is None else self._anchor, at)) or {at}
        return self._chosen ^ {at} if how == "toggle" else {at}

    def _open(self, content: Mapping[str, Any]) -> None:
        with self._lock:
            position = self._view.position(int(content["at"]), int(content["data"]))
        if position is not None:
            for callback in list(self._openers):
                callback(position)
