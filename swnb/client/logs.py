"""Logs of a job: the stored pieces, then the live tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from swnb.client.source import Source, source_of
from swnb.client.told import told
from swnb.client.where import Where, check_limit, job_of, one
from swnb.errors import strip_ansi
from swnb.fetch import live
from swnb.fetch.tasks import within
from swnb.providers.base import LogPart
from swnb.uri import Ref

_FIRST_FRAME: Final = 3.0  # seconds that logs() waits for what a live log holds so far
_SOONEST: Final = 1.0
_LATEST: Final = 10.0  # seconds until a log is asked for more, longer while nothing comes
_PAUSE: Final = 0.3  # a live log that was silent for so long has said what it holds


async def logs(job: Where, *, tail: int | None = None) -> str:
    """The log of a job as text, without ANSI sequences: what is stored, and of a running task what its live log holds
    so far. Several pieces are headed by ``==> name <==``. ``tail=n``: the last n lines. A live log out of reach is
    noted, not raised."""
    check_limit(tail)
    (ref,) = await told([one(job, "job")])
    source = source_of(ref)
    parts = await _parts(ref, source, "logs")
    bodies = await asyncio.gather(*(_so_far(source, part) for part in parts))
    heads = len(parts) > 1
    pieces = zip(parts, bodies, strict=True)
    text = "".join(f"==> {part.title} <==\n{_ended(body)}" if heads else body for part, body in pieces)
    text = strip_ansi(text)
    return text if tail is None else "".join(text.splitlines(keepends=True)[-tail:] if tail else [])


async def follow(job: Where) -> AsyncGenerator[str, None]:
    """Lines of the log, without ANSI sequences: what is stored, then what the job prints, until it ends. Where the
    platform has no stream, it is asked anew every few seconds."""
    (ref,) = await told([one(job, "job")])
    source = source_of(ref)
    for part in await _parts(ref, source, "follow"):
        async with aclosing(_lines(source, part)) as lines:
            async for line in lines:
                yield strip_ansi(line)


async def _lines(source: Source, part: LogPart) -> AsyncGenerator[str, None]:
    if part.live is not None:
        async with aclosing(await _live(source, part)) as lines:
            async for line in lines:
                yield line
        return
    wait = _SOONEST
    while True:
        for line in part.text.splitlines():
            yield line
        if part.more is None:
            return
        wait = _SOONEST if part.text else min(wait * 1.5, _LATEST)
        await asyncio.sleep(wait)
        part = await source.run(part.more())


async def _parts(ref: Ref, source: Source, verb: str) -> Sequence[LogPart]:
    source.needs(verb)
    project = ref.project if ref.project is not None else source.entry.current_project
    return await source.run(source.backend.logs(project, job_of(ref)))


async def _so_far(source: Source, part: LogPart) -> str:
    """What a live log holds now: where nobody else tells, its first frame, which ends where nothing more comes for a
    moment."""
    if part.live is None:
        return part.text
    if part.more is not None:
        return (await source.run(part.more())).text
    held: list[str] = []
    async with aclosing(await _live(source, part)) as lines:
        wait = _FIRST_FRAME
        while (task := await within(wait, anext(lines, None))) is not None and (line := task.result()) is not None:
            held.append(line)
            wait = _PAUSE
    return "\n".join(held)


async def _live(source: Source, part: LogPart) -> AsyncGenerator[str, None]:
    transport = source.transport()
    headers = await transport.sign_in() if part.signed else None
    path = part.live or ""
    return live.lines(source.entry.address, path, headers=headers, tls=transport.tls(), torn=part.torn)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
