"""HTTP on the wire: uvicorn's own protocol, with an answer's head and body in one send, and any reason phrase."""

from __future__ import annotations

from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REASON = "swnb-reason"
"""A header of an answer that becomes its reason phrase and is not sent."""

_NAME = REASON.encode()


class _Connection(h11.Connection):
    """Holds the head of an answer until its first byte of body, or its end, is there."""

    _head = b""

    def send(self, event: Any) -> Any:  # its overloads say no more
        if isinstance(event, h11.Response):
            self._head = super().send(_phrased(event)) or b""
            return b""
        data = super().send(event)
        head, self._head = self._head, b""
        return head + (data or b"") if head else data


def _phrased(event: h11.Response) -> h11.Response:
    headers = list(event.headers)
    reason = next((value for name, value in headers if name == _NAME), None)
    if reason is None:
        return event
    kept = [(name, value) for name, value in headers if name != _NAME]
    return h11.Response(status_code=event.status_code, headers=kept, reason=reason)


class Protocol(H11Protocol):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.conn = _Connection(h11.SERVER, self.config.h11_max_incomplete_event_size or 65536)
