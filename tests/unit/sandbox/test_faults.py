"""What the sandbox writes down of the requests that it gets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from swnb.sandbox.faults import Faults, Gate, Request, Requests

SCOPE = {"type": "http", "method": "GET", "path": "/jobs", "query_string": b"page=1", "headers": []}
BODIES: list[dict[str, Any]] = [{"body": b"a", "more_body": True}, {"body": b"b"}]


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 203, "headers": []})
    for body in BODIES:
        await send({"type": "http.response.body", **body})


def test_a_request_is_written_down_before_its_answer_ends_and_once() -> None:
    requests = Requests()
    known: list[int] = []

    async def send(message: Any) -> None:
        known.append(len(requests))

    asyncio.run(Gate(app, Faults(), requests, 0.0)(SCOPE, None, send))
    assert known == [0, 0, 1]
    assert list(requests) == [Request("GET", "/jobs", "page=1", 203)]


def test_a_request_without_a_whole_answer_is_written_down_too() -> None:
    requests = Requests()

    async def gone(message: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(Gate(app, Faults(), requests, 0.0)(SCOPE, None, gone))
    assert [request.path for request in requests] == ["/jobs"]
