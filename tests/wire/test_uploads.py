"""Forms with files in them: streamed from the disk, whole on the other side."""

from __future__ import annotations

import asyncio
import email.policy
import tracemalloc
from collections.abc import Callable, Coroutine
from email.parser import BytesParser
from pathlib import Path
from typing import Any, TypeVar

import pytest
from net import Request, Server, Wire, reply, serve

from swnb.call import Call, Part, Reply
from swnb.errors import StoreError, Unreachable
from swnb.fetch import transport
from swnb.fetch.bodies import content
from swnb.fetch.events import Progress, listening
from swnb.fetch.transport import Transport

T = TypeVar("T")


@pytest.fixture(params=["aiohttp", "httpx"], autouse=True)
def stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "httpx":
        monkeypatch.setattr(transport, "aiohttp", None)


async def ok(request: Request, wire: Wire) -> None:
    await wire.send(reply())


def run_with(client: Callable[[Transport, Server], Coroutine[Any, Any, T]]) -> T:
    async def main() -> T:
        async with serve(ok) as server:
            t = Transport(server.url, label="lab")
            try:
                return await client(t, server)
            finally:
                await t.aclose()

    return asyncio.run(main())


def post(*parts: Part) -> Call[int]:
    def status(got: Reply) -> int:
        return got.status

    return Call("POST", "/up", status, parts=parts, reads=False)


def fields(request: Request) -> dict[str, tuple[str | None, bytes]]:
    """What a parser that is not ours finds in the body: file name and content by field."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    return {
        part.get_param("name", header="content-disposition"): (part.get_filename(), part.get_payload(decode=True))
        for part in message.iter_parts()
    }


def test_values_and_files_arrive_as_they_are(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9000
    (tmp_path / "a.bin").write_bytes(content)

    async def client(t: Transport, server: Server) -> None:
        assert await t.send(post(Part("id", b"7"), Part("archive", tmp_path / "a.bin", "a.bin"))) == 200
        assert fields(server.requests[0]) == {"id": (None, b"7"), "archive": ("a.bin", content)}
        assert int(server.requests[0].headers["content-length"]) == len(server.requests[0].body)

    run_with(client)


def test_a_name_cannot_end_its_quotes_or_its_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")

    async def client(t: Transport, server: Server) -> None:
        await t.send(post(Part("file", tmp_path / "a", 'a"; name="id"\r\nX-Evil: 1')))
        assert b"X-Evil" not in server.requests[0].body.split(b"\r\n")[2]
        assert list(fields(server.requests[0])) == ["file"]

    run_with(client)


def test_progress_is_told_in_bytes_and_memory_stays_small(tmp_path: Path) -> None:
    size = 40 * 2**20
    with (tmp_path / "big").open("wb") as file:
        file.truncate(size)
    heard: list[Any] = []

    async def client(t: Transport, server: Server) -> None:
        with listening(heard.append):
            await t.send(post(Part("file", tmp_path / "big", "big")))
        server.requests.clear()

    run_with(client)
    told = [event for event in heard if isinstance(event, Progress)]
    assert told[-1].over
    assert told[-1].done == size
    assert told[-1].total is not None
    assert told[-1].total >= size


def test_the_form_is_never_whole_in_memory(tmp_path: Path) -> None:
    size = 40 * 2**20
    with (tmp_path / "big").open("wb") as file:
        file.truncate(size)

    async def read() -> int:
        body, kind = content(post(Part("file", tmp_path / "big", "big")))
        assert not isinstance(body, bytes)
        assert body is not None
        total = 0
        tracemalloc.start()
        async for chunk in body:
            total += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * 2**20
        assert total == int(kind["content-length"])
        return total

    assert asyncio.run(read()) > size


def test_a_file_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    async def client(t: Transport, server: Server) -> None:
        with pytest.raises(StoreError, match="cannot be sent"):
            await t.send(post(Part("file", tmp_path / "gone", "gone")))
        assert server.requests == []

    run_with(client)


def test_a_file_that_shrinks_meanwhile_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    monkeypatch.setattr("swnb.fetch.bodies._size", lambda part: 2000)

    async def client(t: Transport, server: Server) -> None:
        with pytest.raises(Unreachable, match="became shorter"):
            await t.send(post(Part("file", tmp_path / "a", "a")))

    run_with(client)


def test_bytes_go_out_as_they_are_with_the_type_that_is_said() -> None:
    async def client(t: Transport, server: Server) -> None:
        call = Call("PUT", "/x", lambda got: got.status, body=b"\x00raw", headers={"content-type": "x/y"}, reads=False)
        assert await t.send(call) == 200
        assert server.requests[0].body == b"\x00raw"
        assert server.requests[0].headers["content-type"] == "x/y"

    run_with(client)
