from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernels import Kernel
from toys import TOYS


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel.start(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.run(TOYS)
        yield kernel


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Kernel:
    """The kernel of the session; a test may leave variables, but nothing that runs."""
    assert shared_kernel.run("held.clear()").error == ""
    return shared_kernel


@pytest.fixture
def fresh_kernel(tmp_path: Path) -> Iterator[Kernel]:
    with Kernel.start(tmp_path) as kernel:
        kernel.run(TOYS)
        yield kernel


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A tiny HTTP server in this process: every request is answered by ``hello``."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        box["stop"], box["loop"] = asyncio.Event(), asyncio.get_running_loop()
        box["port"] = server.sockets[0].getsockname()[1]
        async with server:
            ready.set()
            await box["stop"].wait()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    assert ready.wait(30)
    yield f"http://127.0.0.1:{box['port']}/"
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join(30)
