"""What all panels are: a box that a notebook shows beside its twin."""

from __future__ import annotations

from typing import Any

from swnb.widgets.part import Box
from swnb.widgets.twin import VIEW, Twin


class Panel(Twin, Box):
    """A box whose bundle holds its twin too, for whoever asks for the bundle and not for two outputs."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        data = super()._repr_mimebundle_(**kwargs)
        if data is None:
            return None
        page, text = self._twin()
        return {**data, "text/html": page, "text/plain": text}

    def _view_bundle(self) -> dict[str, Any] | None:
        data = super()._repr_mimebundle_()
        return None if data is None else data[VIEW]
