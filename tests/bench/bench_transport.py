"""Replies a second over loopback, 100 kB each: bare aiohttp, our transport over both stacks, and bare httpx.

Run it alone: ``python tests/bench/bench_transport.py``. The server is a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import aiohttp
import httpx

from swnb.call import Call, Reply
from swnb.fetch import transport
from swnb.fetch.transport import Transport

BODY = b"x" * 100_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n"
REPLIES = 1200
Ask = Callable[[], Awaitable[object]]


def server(ready: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(HEAD + BODY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        listener = await asyncio.start_server(answer, "127.0.0.1", 0)
        ready.send(listener.sockets[0].getsockname()[1])
        await listener.serve_forever()

    asyncio.run(main())


async def rate(ask: Ask, in_flight: int) -> float:
    left = iter(range(REPLIES))

    async def one() -> None:
        for _ in left:
            await ask()

    await ask()
    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(in_flight)))
    return REPLIES / (time.perf_counter() - began)


async def ours(url: str, in_flight: int) -> float:
    t = Transport(url, in_flight=16)
    call: Call[Reply] = Call("GET", "/x", lambda reply: reply)
    try:
        return await rate(lambda: t.send(call), in_flight)
    finally:
        await t.aclose()


async def ours_over_httpx(url: str, in_flight: int) -> float:
    kept, transport.aiohttp = transport.aiohttp, None  # type: ignore[assignment]
    try:
        return await ours(url, in_flight)
    finally:
        transport.aiohttp = kept


async def bare_httpx(url: str, in_flight: int) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await rate(lambda: client.get(url + "/x"), in_flight)


async def bare_aiohttp(url: str, in_flight: int) -> float:
    async with aiohttp.ClientSession() as session:

        async def ask() -> bytes:
            async with session.get(url + "/x") as response:
                return await response.read()

        return await rate(ask, in_flight)


def main() -> None:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=server, args=(there,), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{here.recv()}"
    print(f"{'replies of 100 kB a second, in flight:':40}{1:>8}{4:>8}{16:>8}")
    for way in (bare_aiohttp, ours, ours_over_httpx, bare_httpx):
        rates = [asyncio.run(way(url, in_flight)) for in_flight in (1, 4, 16)]
        print(f"{way.__name__:40}" + "".join(f"{each:8.0f}" for each in rates), flush=True)
    process.kill()


if __name__ == "__main__":
    main()
