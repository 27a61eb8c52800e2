"""The static twin of a panel: what stays when the kernel has gone.

A panel shows two outputs. The first is the widget. The second is its twin, the same as an HTML table and as text; the
page hides it while the widget is alive (the grid's script writes the rule), and it is kept up to date by its display
id. So a saved notebook holds the last state wherever it is opened: JupyterLab says "model not found" of a widget
without a kernel even where HTML lies beside it in the same output, and shows the second output.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, Final

from IPython.core.getipython import get_ipython

from swnb.bridge import submit
from swnb.fetch.tasks import in_thread

VIEW: Final = "application/vnd.jupyter.widget-view+json"
_PAUSE: Final = 1.0  # seconds between a change and the twin that shows it, so that many changes cost one


class Twin:
    """Mixed into a widget: it says its twin (`_twin`) and when that has changed (`_twin_changed`)."""

    _publish_twin: Callable[..., object] | None = None
    _twin_due = False

    def _twin(self) -> tuple[str, str]:
        """HTML and text of what is shown now."""
        raise NotImplementedError

    def _view_bundle(self) -> dict[str, Any] | None:
        """The bundle's part that is the widget itself; None once it is closed."""
        raise NotImplementedError

    def hide_twin(self, id_: str) -> None:
        """Have the page hide what is marked with this id while the widget lives."""
        raise NotImplementedError

    def _ipython_display_(self, **_: Any) -> None:
        shell: Any = get_ipython()
        view = self._view_bundle()
        if getattr(shell, "kernel", None) is None or view is None:
            raise NotImplementedError  # a terminal: IPython takes the text of the bundle
        publish, id_ = shell.display_pub.publish, view["model_id"]
        self.hide_twin(id_)
        publish({VIEW: view, "text/plain": f"{type(self).__name__} (its last state stands below)"}, {})
        page, text = self._twin()
        publish(_marked(id_, page, text), {}, transient={"display_id": f"swnb-{id_}"})
        self._publish_twin = publish

    def _twin_changed(self, _: object = None) -> None:
        if self._publish_twin is not None and not self._twin_due:
            self._twin_due = True
            submit(_publish_later(weakref.ref(self)))

    def _publish_again(self) -> None:
        self._twin_due = False
        view, publish = self._view_bundle(), self._publish_twin
        if view is not None and publish is not None:
            page, text = self._twin()
            id_ = view["model_id"]
            publish(_marked(id_, page, text), {}, transient={"display_id": f"swnb-{id_}"}, update=True)


async def _publish_later(panel: weakref.ref[Twin]) -> None:
    await asyncio.sleep(_PAUSE)
    if (there := panel()) is not None:
        await in_thread(there._publish_again)  # a frame of millions takes a moment to read


def _marked(id_: str, page: str, text: str) -> dict[str, str]:
    return {"text/html": f'<div data-swnb-twin="{id_}">{page}</div>', "text/plain": text}
