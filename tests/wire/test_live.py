"""Following a live log over a WebSocket of a small server of our own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from swnb.call import noting
from swnb.errors import Unsupported
from swnb.fetch import live
from swnb.secret import Secret

web = pytest.importorskip("aiohttp.web")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def follow(
    talk: Callable[..., Awaitable[None]],
    *,
    most: int = 10**6,
    headers: dict[str, Secret] | None = None,
    torn: bool = False,
) -> tuple[list[str], list[str], list[dict[str, str]]]:
    """The lines that arrive, the notes made, and the headers of the handshakes."""
    shakes: list[dict[str, str]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        shakes.append({name.lower(): value for name, value in request.headers.items()})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await talk(socket, request)
        return socket

    async def main() -> tuple[list[str], list[str]]:
        app = web.Application()
        app.router.add_get("/log/1", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        got: list[str] = []
        with noting() as notes:
            async with aclosing(live.lines(f"http://127.0.0.1:{port}", "/log/1", headers=headers, torn=torn)) as lines:
                async for line in lines:
                    got.append(line)
                    if len(got) == most:
                        break
        await runner.cleanup()
        return got, notes

    got, notes = asyncio.run(main())
    return got, notes, shakes


def test_frames_become_lines_and_a_close_ends_them() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str("one\r\ntwo\n\nfour")
        await socket.send_str("five\n")
        await socket.send_bytes(b"\x00")
        await socket.send_str("")
        await socket.close()

    lines, notes, shakes = follow(talk)
    assert lines == ["one", "two", "", "four", "five", ""]
    assert notes == []
    assert not {"authorization", "cookie"} & set(shakes[0])


def test_a_line_that_two_frames_share_is_one() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        for text in ("one\ntw", "o\n", "", "three\r\nfo", "ur"):
            await socket.send_str(text)
        await socket.close()

    assert follow(talk, torn=True)[0] == ["one", "two", "three", "four"]


def test_a_token_is_sent_only_when_it_is_given() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.close()

    assert follow(talk, headers={"authorization": Secret("tok-123456")})[2][0]["authorization"] == "tok-123456"


def test_a_stream_that_breaks_keeps_its_lines_and_is_noted() -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        await socket.send_str("one")
        assert request.transport is not None
        request.transport.abort()

    lines, notes, _ = follow(talk)
    assert lines == ["one"]
    assert "ended early" in notes[0]


def test_a_frame_that_is_too_large_is_not_taken() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str("x" * (live._LARGEST + 1))

    lines, notes, _ = follow(talk)
    assert lines == []
    assert "10 MB" in notes[0]


def test_an_unreachable_live_log_is_noted_and_not_raised() -> None:
    async def main() -> tuple[list[str], list[str]]:
        with noting() as notes:
            return [line async for line in live.lines("http://127.0.0.1:9", "/log/1")], notes

    lines, notes = asyncio.run(main())
    assert lines == []
    assert "nothing answers at 127.0.0.1:9" in notes[0]


def test_a_reader_who_leaves_early_closes_the_stream() -> None:
    closed: list[bool] = []

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await socket.send_str("one\ntwo")
        async for _message in socket:
            pass
        closed.append(True)

    assert follow(talk, most=1)[0] == ["one"]
    assert closed == [True]


def test_without_aiohttp_a_live_log_is_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiohttp", None)

    async def main() -> None:
        with pytest.raises(Unsupported, match="aiohttp"):
            await anext(live.lines("http://127.0.0.1:9", "/log/1"))

    asyncio.run(main())
