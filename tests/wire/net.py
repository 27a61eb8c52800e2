"""A server whose bytes are under control: it answers with what a test writes, cuts and stalls when told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

TLS = Path(__file__).parent.parent / "data" / "tls"


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str] = field(repr=False)  # tests look for tokens in tracebacks, not here
    body: bytes
    connection: int


@dataclass
class Wire:
    """The connection a request came by."""

    _writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()

    def cut(self) -> None:
        self._writer.transport.abort()

    def end(self) -> None:
        self._writer.close()

    async def stall(self) -> None:
        """Say no more, until the client goes away or the server ends."""
        await asyncio.Event().wait()


Answer = Callable[[Request, Wire], Awaitable[None]]


@dataclass
class Server:
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def address(self) -> str:
        return self.url.partition("://")[2]

    async def left(self) -> None:
        """Wait until every client has closed its connections."""
        while self.open:
            await asyncio.wait(set(self.open), timeout=5)


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Text", f"Content-Length: {len(body)}", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def serve(answer: Answer, *, tls: bool = False, port: int = 0) -> AsyncIterator[Server]:
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        server.open.add(task)
        server.connections += 1
        number = server.connections
        try:
            while True:
                request = await _read(reader, number)
                server.requests.append(request)
                await _until_gone(reader, answer(request, Wire(writer)))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            server.open.discard(task)
            writer.close()

    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.pem")
    listener = await asyncio.start_server(connected, "127.0.0.1", port, ssl=context)
    server.url = f"http{'s' if tls else ''}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in list(server.open):
            task.cancel()
        await asyncio.gather(*server.open, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, number: int) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body, number)


async def _until_gone(reader: asyncio.StreamReader, work: Awaitable[None]) -> None:
    """Do ``work``, but no longer than the client stays."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(reader))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ConnectionResetError
        await task
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(reader: asyncio.StreamReader) -> None:
    while not reader.at_eof() and reader.exception() is None:
        await asyncio.sleep(0.01)
