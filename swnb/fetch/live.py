"""Following a live log: a WebSocket that sends text.

The first frame holds all there is so far, later ones one or more lines each. On some servers a frame ends where a line
ends, with or without its newline; on others anywhere (``torn``).
"""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

from swnb.call import note
from swnb.errors import Unsupported
from swnb.fetch import addresses
from swnb.fetch.failures import classify
from swnb.fetch.proxies import proxy_for
from swnb.secret import Secret

_LARGEST: Final = 10 * 1024 * 1024
_PING: Final = 30.0


async def lines(
    base_url: str,
    path: str,
    *,
    headers: Mapping[str, Secret] | None = None,
    tls: ssl.SSLContext | None = None,
    torn: bool = False,
) -> AsyncGenerator[str, None]:
    """The lines of the stream at ``path`` of an http(s) address, until the server closes it; see :func:`frames`."""
    begun = ""
    async with aclosing(frames(base_url, path, headers=headers, tls=tls)) as stream:
        async for text in stream:
            *whole, begun = (begun + text).split("\n") if torn else [*text.removesuffix("\n").split("\n"), ""]
            for line in whole:
                yield line.removesuffix("\r")
    if begun:
        yield begun.removesuffix("\r")


async def frames(
    base_url: str,
    path: str,
    *,
    headers: Mapping[str, Secret] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[str, None]:
    """The texts of the stream, as they come.

    A stream that cannot be opened, or breaks, ends with a note for the provenance; it raises only Unsupported, where
    aiohttp is missing. No token is sent but what ``headers`` holds.
    """
    if importlib.util.find_spec("aiohttp") is None:
        raise Unsupported("a live log needs the package aiohttp", todo="Install it with pip install aiohttp")
    import aiohttp  # noqa: PLC0415  heavy, and not always there

    url, host = base_url.rstrip("/") + path, addresses.host(base_url)
    problem = ""
    try:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.ws_connect(
                url,
                headers={name: secret.reveal() for name, secret in (headers or {}).items()},
                ssl=tls or True,
                proxy=proxy_for(url),
                max_msg_size=_LARGEST,
                heartbeat=_PING,
                timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            ) as socket,
        ):
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    yield frame.data
            problem = _ending(socket.close_code)
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        problem = classify(error, host, path).what
    if problem:
        note(f"the live log ended early: {problem}")


def _ending(code: int | None) -> str:
    """Why a stream ended, empty where it ended well."""
    if code in (1000, 1001, None):
        return ""
    return "a frame was over 10 MB" if code == 1009 else f"the connection was lost (code {code})"
