"""Ray's live log: a WebSocket that sends the whole log and what comes after it (paper 2.5)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from swnb.sandbox.rayjobs.jobs import ENDED, Job
from swnb.sandbox.rayjobs.ray_door import SERVER, Refused

if TYPE_CHECKING:
    from swnb.sandbox.rayjobs.ray import Ray

PATH = re.compile(r"/api/jobs/([^/]+)/logs/tail")
LINES = 10
"""Lines to a frame."""


async def tail(ray: Ray, scope: Any, receive: Any, send: Any) -> None:
    await receive()
    try:
        ray.admit(scope)
        path = PATH.fullmatch(scope["path"])
        if path is None:
            raise Refused(404, "404: Not Found")
        job = ray.submission(path[1], "Can only tail logs of submission type jobs")
    except Refused as refused:
        await _refuse(refused, send)
        return
    await send({"type": "websocket.accept", "headers": [(k.lower().encode(), v.encode()) for k, v in SERVER.items()]})
    gone = asyncio.ensure_future(_gone(receive))
    closing = _mute(send)
    try:
        await _follow(ray, job, send, gone, closing)
    finally:
        gone.cancel()


async def _refuse(refused: Refused, send: Any) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": refused.text.encode()})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _mute(send: Any) -> asyncio.Event:
    """Let a client's CLOSE be unanswered, as the real server does while a job prints; the event says it has come.

    ASGI has no word for it, so this asks uvicorn's own object, whose method `send` is.
    """
    closing = asyncio.Event()
    connection = getattr(send.send, "__self__")  # noqa: B009 - a callable's owner has no type

    def unanswered(event: Any) -> None:
        connection.close_sent = True  # nothing may be sent any more
        closing.set()

    connection.handle_close = unanswered
    return closing


def _unmute(send: Any) -> None:
    """Hear the client's answer to our own CLOSE."""
    del getattr(send.send, "__self__").handle_close  # noqa: B009


async def _follow(ray: Ray, job: Job, send: Any, gone: asyncio.Future[None], closing: asyncio.Event) -> None:
    """Send what is new, look again, and close with 1000 one look after the job has ended."""
    sent, over = 0, False
    while not gone.done():
        await asyncio.wait({gone}, timeout=ray.tail_seconds)
        lines = ray.lines(job)
        while sent < len(lines) and not closing.is_set():
            await send({"type": "websocket.send", "text": "".join(f"{line}\n" for line in lines[sent : sent + LINES])})
            sent += len(lines[sent : sent + LINES])
        if over:
            if not closing.is_set():
                _unmute(send)
                await send({"type": "websocket.close", "code": 1000})
            return
        over = job.status(ray.shelf.now) in ENDED
