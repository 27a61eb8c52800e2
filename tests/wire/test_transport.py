"""The transport against bytes on a wire, over both HTTP stacks: httpx-aiohttp and httpx's own."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from net import TLS, Request, Server, Wire, reply, serve

from swnb.call import Call, Plan, Reply, SignedIn, ask
from swnb.errors import (
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    SwnbError,
    Timeout,
    TokenRejected,
    TooBusy,
    Unreachable,
)
from swnb.fetch import events, transport
from swnb.fetch.run import run
from swnb.fetch.transport import Transport
from swnb.secret import Secret

T = TypeVar("T")
TOKEN = "tok-3f9a8b7c6d5e"


@pytest.fixture(params=["aiohttp", "httpx"], autouse=True)
def stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SWNB_CA_BUNDLE"):
            monkeypatch.delenv(name)
    if request.param == "httpx":
        monkeypatch.setattr(transport, "aiohttp", None)
    return str(request.param)


def run_with(
    answer: Callable[[Request, Wire], Awaitable[None]],
    client: Callable[[Transport, Server], Coroutine[Any, Any, T]],
    *,
    tls: bool = False,
    **options: Any,
) -> T:
    async def main() -> T:
        async with serve(answer, tls=tls) as server:
            t = Transport(server.url, label="lab", **options)
            try:
                return await client(t, server)
            finally:
                await t.aclose()

    return asyncio.run(main())


def meaning(got: Reply) -> Any:
    """As providers do: an error for each status, else the JSON."""
    if got.status == 401:
        raise TokenRejected("the server refuses the token", where=got.server)
    if got.status in (429, 503):
        raise TooBusy("too busy", where=got.server, status=got.status)
    if got.status >= 400:
        raise {403: Forbidden, 404: NotFound}.get(got.status, ServerError)(f"status {got.status}", where=got.server)
    return got.json()


def get(path: str = "/x", **options: Any) -> Call[Any]:
    return Call("GET", path, meaning, **options)


def fails(kind: type[SwnbError], call: Call[Any]) -> Callable[[Transport, Server], Coroutine[Any, Any, SwnbError]]:
    async def client(t: Transport, _: Server) -> SwnbError:
        with pytest.raises(kind) as caught:
            await t.send(call)
        return caught.value

    return client


def with_token(token: str = TOKEN) -> Callable[[], Plan[SignedIn]]:
    secret = Secret(token)

    def plan() -> Plan[SignedIn]:
        return SignedIn({"authorization": secret})
        yield

    return plan


def with_password(log: list[str]) -> Callable[[], Plan[SignedIn]]:
    """A sign-in that asks the server, which gives another token each time."""

    def plan() -> Plan[SignedIn]:
        log.append("asked")
        token = yield from ask(Call("POST", "/login", lambda r: meaning(r)["token"], form={"p": "pw"}, reads=False))
        return SignedIn({"authorization": Secret(token)})

    return plan


async def ok(request: Request, wire: Wire) -> None:
    await wire.send(reply(body=b'{"path": "%s"}' % request.target.encode()))


# What goes out


def test_path_query_and_headers_arrive_as_they_were_meant() -> None:
    async def client(t: Transport, server: Server) -> None:
        await t.send(get("/a%2Fb%20c/d", query={"q": "1 + 2&3=ü"}, headers={"x-own": "1"}))
        sent = server.requests[0]
        assert sent.target == "/a%2Fb%20c/d?q=1+%2B+2%263%3D%C3%BC"
        assert sent.headers["x-own"] == "1"
        assert sent.headers["user-agent"].startswith("swnb/")
        assert sent.headers["accept-encoding"] == "identity"  # on this machine packing costs more than it saves
        assert "authorization" not in sent.headers

    run_with(ok, client)


def test_json_and_forms_are_sent_as_bodies() -> None:
    async def client(t: Transport, server: Server) -> None:
        await t.send(Call("POST", "/j", meaning, json={"a": [1, None]}))
        await t.send(Call("POST", "/f", meaning, form={"user": "a b", "p": "ü&"}))
        one, two = server.requests
        assert (one.body, one.headers["content-type"]) == (b'{"a":[1,null]}', "application/json")
        assert (two.body, two.headers["content-type"]) == (b"user=a+b&p=%C3%BC%26", "application/x-www-form-urlencoded")

    run_with(ok, client)


def test_a_gzipped_reply_is_unpacked_and_headers_come_in_lower_case() -> None:
    async def zipped(_: Request, wire: Wire) -> None:
        await wire.send(reply(body=gzip.compress(b'{"a": 1}'), Content_Encoding="gzip", X_Total="7"))

    async def client(t: Transport, _: Server) -> None:
        got: Reply = await t.send(Call("GET", "/z", lambda r: r))
        assert got.json() == {"a": 1}
        assert (got.status, got.headers["x-total"], got.server, got.path) == (200, "7", "lab", "/z")

    run_with(zipped, client)


def test_connections_are_kept_and_no_more_than_in_flight_are_opened() -> None:
    async def client(t: Transport, server: Server) -> None:
        await t.send_all([get(f"/{i}") for i in range(40)])
        assert server.connections <= 3

    run_with(ok, client, in_flight=3)


def test_cookies_are_not_kept() -> None:
    async def biscuit(_: Request, wire: Wire) -> None:
        await wire.send(reply(Set_Cookie="session=1; Path=/"))

    async def client(t: Transport, server: Server) -> None:
        await t.send(get())
        await t.send(get())
        assert "cookie" not in server.requests[1].headers

    run_with(biscuit, client)


def test_a_call_cannot_name_another_host_unless_it_goes_unsigned() -> None:
    async def client(t: Transport, server: Server) -> None:
        for path in ("http://127.0.0.1:1/x", "@127.0.0.1:1/x", "x"):
            with pytest.raises(ValueError, match="begins with /"):
                await t.send(get(path))
        assert await t.send(get(server.url + "/y", signed=False)) == {"path": "/y"}
        assert "authorization" not in server.requests[0].headers

    run_with(ok, client, sign_in=with_token())


# TLS, proxy, timeout, cancel: what httpx-aiohttp was doubted for


def test_tls_is_verified_against_the_authority_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(t: Transport, _: Server) -> None:
        assert await t.send(get("/s")) == {"path": "/s"}

    run_with(ok, client, tls=True, ca=str(TLS / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "ca.pem"))
    run_with(ok, client, tls=True)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SWNB_CA_BUNDLE", str(TLS / "ca.pem"))
    run_with(ok, client, tls=True)


def test_tls_by_an_unknown_authority_is_an_error_at_once_that_says_what_to_do() -> None:
    began = time.monotonic()
    error = run_with(ok, fails(Unreachable, get()), tls=True)
    assert "certificate of 127.0.0.1:" in str(error)
    assert "SWNB_CA_BUNDLE" in str(error)
    assert time.monotonic() - began < 2


def test_tls_for_another_name_is_refused() -> None:
    async def client(_: Transport, server: Server) -> None:
        t = Transport(server.url.replace("127.0.0.1", "localhost"), ca=str(TLS / "ca.pem"), timeout=3)
        with pytest.raises(Unreachable, match="not trusted"):
            await t.send(get())
        await t.aclose()
        assert server.requests == []

    run_with(ok, client, tls=True)


def test_tls_spoken_to_a_plain_server_is_explained() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(hello, "127.0.0.1", 0) as listener:
            t = Transport(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}", timeout=3)
            with pytest.raises(Unreachable, match="no TLS connection"):
                await t.send(get())
            await t.aclose()

    asyncio.run(main())


def test_a_file_of_authorities_that_is_none_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        Transport("https://127.0.0.1:1", ca=str(tmp_path / "none.pem")).tls()


def test_the_proxy_of_the_environment_is_used_and_no_proxy_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def client(t: Transport, proxy: Server) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for user, sent in (("", False), ("me:pw-proxy@", True)):
            monkeypatch.setenv("HTTP_PROXY", f"http://{user}{proxy.address}")
            async with aclosing(Transport("http://jobs.example.test:81")) as away:
                assert await away.send(get("/p")) == {"path": "http://jobs.example.test:81/p"}
            assert ("proxy-authorization" in proxy.requests[-1].headers) is sent
        assert await t.send(get("/direct")) == {"path": "/direct"}

    run_with(ok, client)


def test_https_goes_through_the_proxy_by_a_tunnel_and_its_refusal_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Request, wire: Wire) -> None:
        await wire.send(reply(403, b""))

    async def client(_: Transport, proxy: Server) -> None:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        away = Transport("https://jobs.example.test", sign_in=with_token())
        with pytest.raises(Unreachable, match="proxy"):
            await away.send(get("/p"))
        await away.aclose()
        assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", "jobs.example.test:443")]
        assert TOKEN not in str(proxy.requests)

    run_with(refuse, client)


@pytest.mark.parametrize("where", ["before the head", "within the body"])
def test_a_stalled_reply_ends_at_the_timeout_and_names_server_and_path(where: str) -> None:
    async def stalls(_: Request, wire: Wire) -> None:
        if where == "within the body":
            await wire.send(reply(body=b"x" * 1000)[:-500])
        await wire.stall()

    began = time.monotonic()
    error = run_with(stalls, fails(Timeout, get("/slow", query={"sig": "hidden"})), timeout=0.3)
    assert 0.25 < time.monotonic() - began < 2
    assert str(error).startswith("lab: ")
    assert "/slow" in str(error)
    assert "127.0.0.1:" in str(error)
    assert "hidden" not in str(error)


def test_a_reply_that_dribbles_ends_at_the_timeout() -> None:
    async def dribbles(_: Request, wire: Wire) -> None:
        await wire.send(reply(body=b"x" * 10_000)[:200])
        while True:
            await wire.send(b"x")
            await asyncio.sleep(0.02)

    run_with(dribbles, fails(Timeout, get()), timeout=0.3)


def test_waiting_for_a_free_slot_is_not_part_of_the_timeout() -> None:
    async def slow(_: Request, wire: Wire) -> None:
        await asyncio.sleep(0.15)
        await wire.send(reply())

    async def client(t: Transport, _: Server) -> None:
        assert len(await t.send_all([get() for _ in range(5)])) == 5

    run_with(slow, client, timeout=0.5, in_flight=1)


def test_cancelling_a_request_frees_its_connection_and_the_next_one_works() -> None:
    stalled = asyncio.Event()

    async def answer(request: Request, wire: Wire) -> None:
        if request.target == "/slow":
            await wire.send(reply(body=b"x" * 1000)[:-500])
            stalled.set()
            await wire.stall()
        await wire.send(reply())

    async def client(t: Transport, server: Server) -> None:
        for _ in range(3):
            stalled.clear()
            task = asyncio.ensure_future(t.send(get("/slow")))
            await stalled.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.left(), 3)
            assert await t.send(get()) == {}
        assert len(server.requests) == 6

    run_with(answer, client, in_flight=1)


# What comes back


def record_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let retries wait for nothing, while the clock of their budgets goes on as if they had."""
    waits: list[float] = []
    real_sleep, real_clock = asyncio.sleep, time.monotonic

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(transport, "_sleep", sleep)
    monkeypatch.setattr(transport, "_clock", lambda: real_clock() + sum(waits))
    return waits


def in_turn(*answers: bytes | None) -> Callable[[Request, Wire], Awaitable[None]]:
    """Answer with these one after the other, None = cut the connection; the last one stays."""
    left = list(answers)

    async def answer(_: Request, wire: Wire) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        if now is None:
            wire.cut()
        else:
            await wire.send(now)
            if b"Connection: close" in now or b"Cut: yes" in now:
                wire.cut() if b"Cut: yes" in now else wire.end()

    return answer


def test_a_server_that_is_not_there_is_named_and_waited_for_up_to_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = record_waits(monkeypatch)

    async def client(_: Transport, server: Server) -> SwnbError:
        async with aclosing(Transport("http://127.0.0.1:9", label="gone")) as t:
            return await fails(Unreachable, get())(t, server)

    error = run_with(ok, client)
    assert "gone: nothing answers at 127.0.0.1:9" in str(error)
    assert 0 < sum(waits) <= 5


def test_an_unknown_name_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = record_waits(monkeypatch)

    async def client(_: Transport, server: Server) -> SwnbError:
        async with aclosing(Transport("http://no-such-host.invalid")) as t:
            return await fails(Unreachable, get())(t, server)

    assert "no address is known for no-such-host.invalid" in str(run_with(ok, client))
    assert waits == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_and_each_retry_is_told(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    record_waits(monkeypatch)
    heard: list[events.Event] = []

    async def client(t: Transport, _: Server) -> None:
        with events.trail() as trail, events.listening(heard.append):
            assert await t.send(get("/b")) == {}
        assert (trail.requests, trail.retries) == (3, 2)

    run_with(in_turn(reply(status), reply(status), reply()), client)
    told = [e for e in heard if isinstance(e, events.Retrying)]
    assert [(e.server, e.path, e.why, e.attempt) for e in told] == [
        ("lab", "/b", f"status {status}", 1),
        ("lab", "/b", f"status {status}", 2),
    ]


def test_retry_after_is_obeyed_and_one_that_is_too_long_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = record_waits(monkeypatch)

    async def client(t: Transport, server: Server) -> None:
        assert await t.send(get()) == {}
        assert 3 <= waits[0] < 4
        with pytest.raises(TooBusy):
            await t.send(get())
        assert len(server.requests) == 3

    run_with(in_turn(reply(429, Retry_After="3"), reply(), reply(503, Retry_After="21")), client)


def test_a_500_is_asked_again_twice_and_not_where_it_is_the_servers_usual_word(monkeypatch: pytest.MonkeyPatch) -> None:
    record_waits(monkeypatch)

    async def client(t: Transport, server: Server) -> None:
        for call, requests in ((get(), 3), (get(retry_500=False), 1), (get(reads=False), 1)):
            before = len(server.requests)
            with pytest.raises(ServerError):
                await t.send(call)
            assert len(server.requests) - before == requests

    run_with(in_turn(reply(500)), client)


@pytest.mark.parametrize(("status", "kind"), [(400, ServerError), (403, Forbidden), (404, NotFound)])
def test_hopeless_errors_are_not_asked_again(status: int, kind: type[SwnbError]) -> None:
    async def client(t: Transport, server: Server) -> None:
        await fails(kind, get())(t, server)
        assert len(server.requests) == 1

    run_with(in_turn(reply(status)), client)


CUTS = {
    "before the head": None,
    "within the body": reply(body=b"x" * 100, Cut="yes")[:-50],
    "within a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCut: yes\r\n\r\n20\r\nabc",
    "within the JSON": reply(body=b'{"rows": [1, 2, '),
}


@pytest.mark.parametrize("where", CUTS)
def test_a_cut_answer_is_asked_for_again(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record_waits(monkeypatch)

    async def client(t: Transport, server: Server) -> None:
        assert await t.send(get()) == {}
        assert len(server.requests) == 2

    run_with(in_turn(CUTS[where], reply()), client)


@pytest.mark.parametrize("where", CUTS)
def test_an_answer_that_is_always_cut_is_an_error_of_ours(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = record_waits(monkeypatch)
    assert "cut" in str(run_with(in_turn(CUTS[where]), fails(Unreachable, get())))
    assert sum(waits) <= 5


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_changes_something_is_sent_once_also_on_a_kept_connection(method: str) -> None:
    async def client(t: Transport, server: Server) -> None:
        await t.send(get())
        with pytest.raises(Unreachable):
            await t.send(Call(method, "/act", meaning, reads=False))
        assert len(server.requests) == 2

    run_with(in_turn(reply(), None, reply()), client)


def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    async def client(t: Transport, server: Server) -> None:
        for _ in range(3):
            assert await t.send(get()) == {}
        assert server.connections == 3

    run_with(in_turn(reply(Connection="close")), client)


def test_bytes_that_are_no_http_are_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    record_waits(monkeypatch)
    run_with(in_turn(b"SSH-2.0-OpenSSH\r\n\r\n"), fails(Unreachable, get()))


def test_a_reply_that_is_too_large_is_refused_packed_or_not() -> None:
    bomb = reply(body=gzip.compress(b"0" * 5_000_000), Content_Encoding="gzip")
    for answer in (reply(body=b"0" * 3_000_000), bomb):
        assert "over 1 MB" in str(run_with(in_turn(answer), fails(BadReply, get()), largest=2**20))


def test_a_large_reply_is_decoded_beside_the_loop() -> None:
    async def client(t: Transport, _: Server) -> None:
        where = await t.send(Call("GET", "/", lambda _: threading.current_thread()))
        assert where is not threading.current_thread()

    run_with(in_turn(reply(body=b"[" + b"0," * 600_000 + b"0]")), client)


# Redirects


def redirecting(target: str, status: int = 302) -> Callable[[Request, Wire], Awaitable[None]]:
    async def answer(request: Request, wire: Wire) -> None:
        if request.target.startswith("/end"):
            await wire.send(reply(body=b'{"end": true}'))
        else:
            await wire.send(reply(status, b"", Location=target))

    return answer


def test_a_get_is_followed_within_its_origin_with_its_sign_in() -> None:
    async def client(t: Transport, server: Server) -> None:
        assert await t.send(get()) == {"end": True}
        assert [r.headers["authorization"] for r in server.requests] == [TOKEN, TOKEN]
        with pytest.raises(ServerError, match="not sent"):
            await t.send(Call("POST", "/x", meaning))
        assert len(server.requests) == 3

    run_with(redirecting("/end?x=1"), client, sign_in=with_token())


def test_no_sign_in_follows_to_another_origin_and_the_error_names_it() -> None:
    async def client(_: Transport, other: Server) -> None:
        async with serve(redirecting(f"{other.url}/end")) as server:
            t = Transport(server.url, label="lab", sign_in=with_token())
            with pytest.raises(ServerError, match=other.address):
                await t.send(get())
            assert other.requests == []
            call = get(signed=False, headers={"X-Api-Key": "own", "Range": "bytes=0-1"})
            assert await t.send(call) == {"end": True}
            sent = other.requests[0].headers
            assert sent["range"] == "bytes=0-1"
            assert not {"authorization", "cookie", "x-api-key"} & set(sent)
            await t.aclose()

    run_with(ok_end, client)


async def ok_end(_: Request, wire: Wire) -> None:
    await wire.send(reply(body=b'{"end": true}'))


@pytest.mark.parametrize("target", ["/again", "", "http://[bad", "file:///etc/passwd"])
def test_a_redirect_that_leads_nowhere_is_an_error(target: str) -> None:
    async def client(t: Transport, server: Server) -> None:
        await fails(ServerError, get(signed=False))(t, server)
        assert len(server.requests) <= 6

    run_with(redirecting(target), client)


# Signing in


def signed_by(good: Callable[[str], bool]) -> Callable[[Request, Wire], Awaitable[None]]:
    """A server that gives tokens t1, t2, … and takes those that are ``good``."""
    given = 0

    async def answer(request: Request, wire: Wire) -> None:
        nonlocal given
        if request.target == "/login":
            given += 1
            await asyncio.sleep(0.02)
            await wire.send(reply(body=b'{"token": "t%d"}' % given))
        else:
            await wire.send(reply(200 if good(request.headers.get("authorization", "")) else 401))

    return answer


def test_sixteen_calls_share_one_sign_in_which_itself_goes_unsigned() -> None:
    log: list[str] = []

    async def client(t: Transport, server: Server) -> None:
        await t.send_all([get() for _ in range(16)])
        assert log == ["asked"]
        logins = [r for r in server.requests if r.target == "/login"]
        assert len(logins) == 1
        assert "authorization" not in logins[0].headers

    run_with(signed_by(lambda token: token == "t1"), client, sign_in=with_password(log), in_flight=1)


def test_an_expired_sign_in_is_renewed_once_for_all() -> None:
    log: list[str] = []
    expired = threading.Event()

    async def client(t: Transport, server: Server) -> None:
        await t.send(get())
        expired.set()
        await t.send_all([get() for _ in range(8)])
        assert log == ["asked", "asked"]

    def good(token: str) -> bool:
        return token == ("t2" if expired.is_set() else "t1")

    run_with(signed_by(good), client, sign_in=with_password(log))


def test_a_sign_in_is_renewed_before_it_ends() -> None:
    log: list[float] = []

    def plan() -> Plan[SignedIn]:
        log.append(time.time())
        yield from ask(Call("POST", "/login", lambda r: meaning(r)["token"], reads=False))
        return SignedIn({"authorization": Secret(f"t{len(log)}")}, renew_at=log[-1] + 0.3)

    async def client(t: Transport, server: Server) -> None:
        await t.send_all([get() for _ in range(4)])
        assert len(log) == 1
        await asyncio.sleep(log[0] + 0.35 - time.time())
        await t.send_all([get() for _ in range(4)])
        assert len(log) == 2

    run_with(signed_by(bool), client, sign_in=plan)


def test_a_key_in_a_header_arrives_and_is_not_carried_to_another_host() -> None:
    key = Secret("key-4711-0815")

    async def client(t: Transport, server: Server) -> None:
        await t.send(get("/a", headers={"authorization": key}, signed=False))
        assert server.requests[0].headers["authorization"] == "key-4711-0815"

    run_with(ok, client)

    async def other(t: Transport, server: Server) -> None:
        async with serve(ok) as elsewhere:
            go = reply(302, location=elsewhere.url + "/b")
            async with serve(in_turn(go)) as near:
                await t.send(get(near.url + "/a", headers={"authorization": key}, signed=False))
            assert near.requests[0].headers["authorization"] == "key-4711-0815"
            assert "authorization" not in elsewhere.requests[0].headers

    run_with(ok, other)


def test_a_token_that_is_refused_is_told_with_its_source_after_one_request() -> None:
    async def client(t: Transport, server: Server) -> None:
        error = await fails(TokenRejected, get())(t, server)
        assert str(error).startswith("lab: ")
        assert "SWNB_FILE" in str(error)
        assert len(server.requests) == 1

    run_with(signed_by(lambda _: False), client, sign_in=with_token(), source="SWNB_FILE")


def test_a_renewed_sign_in_that_is_refused_too_ends_it() -> None:
    async def client(t: Transport, server: Server) -> None:
        await fails(TokenRejected, get())(t, server)
        assert [r.target for r in server.requests] == ["/login", "/x", "/login", "/x"]

    run_with(signed_by(lambda _: False), client, sign_in=with_password([]))


def test_a_wrong_password_is_sent_once_for_all_who_wait() -> None:
    async def answer(_: Request, wire: Wire) -> None:
        await asyncio.sleep(0.02)
        await wire.send(reply(401))

    async def client(t: Transport, server: Server) -> None:
        results = await asyncio.gather(*(t.send(get()) for _ in range(8)), return_exceptions=True)
        assert {type(result) for result in results} == {TokenRejected}
        assert len(server.requests) == 1

    run_with(answer, client, sign_in=with_password([]))


def nothing_known() -> Plan[SignedIn]:
    return SignedIn()
    yield


@pytest.mark.parametrize("sign_in", [None, nothing_known])
def test_a_401_without_any_token_asks_for_one(sign_in: Any) -> None:
    error = run_with(in_turn(reply(401)), fails(SignInNeeded, get()), sign_in=sign_in)
    assert "swnb.connect" in str(error)


@pytest.mark.parametrize("token", ["tok-abc\r\nX: 1", "tök-abcdef", "tok-abc\0def"])
def test_a_token_that_no_header_can_hold_is_refused_before_it_is_sent(token: str) -> None:
    async def client(t: Transport, server: Server) -> None:
        await fails(TokenRejected, get())(t, server)
        assert server.requests == []

    run_with(ok, client, sign_in=with_token(token))


# No secret in any error


async def _echo(request: Request, wire: Wire) -> None:
    body = b'{"message": "bad token %s"}' % request.headers["authorization"].encode()
    await wire.send(reply(401, body))


TROUBLES: dict[str, Callable[[Request, Wire], Awaitable[None]]] = {
    "refused": _echo,
    "cut": in_turn(None),
    "cut body": in_turn(CUTS["within the body"]),
    "no http": in_turn(b"nonsense\r\n\r\n"),
    "stalled": lambda _, wire: wire.stall(),
    "away": redirecting("http://127.0.0.1:1/"),
    "large": in_turn(reply(body=b"0" * 3_000_000)),
    "no json": in_turn(reply(body=b"{]}")),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_error_holds_the_token_in_its_text_causes_or_frames(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if trouble != "stalled":
        record_waits(monkeypatch)

    def told(reply: Reply) -> Any:
        if reply.status == 401:
            raise TokenRejected(reply.json()["message"], where=reply.server)
        return reply.json()

    async def client(t: Transport, _: Server) -> SwnbError:
        with pytest.raises(SwnbError) as caught:
            await t.send(Call("GET", "/x", told, query={"q": "1"}))
        return caught.value

    error = run_with(TROUBLES[trouble], client, sign_in=with_token(), source="a file", timeout=0.5, largest=2**20)
    shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert TOKEN not in shown
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "site-packages/aiohttp" not in shown


# Many calls, downloads, an end


def test_the_first_error_of_many_calls_cancels_the_rest() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.send(reply(404 if request.target == "/3" else 200))

    async def client(t: Transport, server: Server) -> None:
        with pytest.raises(NotFound):
            await t.send_all([get(f"/{i}") for i in range(100)], 2)
        assert len(server.requests) <= 7

    run_with(answer, client)


def test_a_plan_is_run_with_no_more_abreast_than_allowed() -> None:
    flying, most = 0, 0

    async def answer(request: Request, wire: Wire) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.005)
        flying -= 1
        await ok(request, wire)

    def plan() -> Plan[Any]:
        return (yield [get(f"/{i}") for i in range(12)])

    async def client(t: Transport, _: Server) -> None:
        assert await run(plan(), t, 4) == [{"path": f"/{i}"} for i in range(12)]

    run_with(answer, client)
    assert most == 4


def test_a_download_comes_in_pieces_and_is_never_signed() -> None:
    body = os.urandom(3_000_000)

    async def client(t: Transport, server: Server) -> None:
        pieces = [piece async for piece in t.stream(get(server.url + "/blob", signed=False))]
        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= 2**18
        assert "authorization" not in server.requests[0].headers

    run_with(in_turn(reply(body=body)), client, sign_in=with_token(), largest=2**20)


def test_a_download_that_is_refused_or_cut_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    record_waits(monkeypatch)

    async def client(t: Transport, server: Server) -> None:
        for kind in (NotFound, Unreachable):
            with pytest.raises(kind):
                async for _ in t.stream(get("/blob", signed=False)):
                    pass

    run_with(in_turn(reply(404), reply(body=b"x" * 9000, Cut="yes")[:-50]), client)


def test_a_download_that_is_left_early_frees_its_connection() -> None:
    async def endless(_: Request, wire: Wire) -> None:
        await wire.send(reply(body=b"x" * 10**6)[:200_000])
        await wire.stall()

    async def client(t: Transport, server: Server) -> None:
        async with aclosing(t.stream(get("/blob", signed=False))) as pieces:
            assert await anext(pieces)
        await asyncio.wait_for(server.left(), 5)

    run_with(endless, client, in_flight=1)


def test_two_hundred_calls_leave_no_threads_tasks_or_sockets() -> None:
    def sockets() -> int:
        return sum(fd.is_socket() for fd in Path("/proc/self/fd").iterdir())

    async def main() -> None:
        threads = threading.active_count()
        async with serve(ok) as server:
            before = sockets()
            t = Transport(server.url)
            await t.send_all([get(f"/{i}") for i in range(200)])
            assert server.connections <= 16
            await t.aclose()
            await asyncio.wait_for(server.left(), 5)
            assert sockets() == before
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert threading.active_count() == threads

    asyncio.run(main())


def test_a_closed_transport_opens_anew() -> None:
    async def client(t: Transport, _: Server) -> None:
        await t.send(get())
        await t.aclose()
        assert await t.send(get("/y")) == {"path": "/y"}

    run_with(ok, client)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "inf"])
def test_a_timeout_that_is_no_number_of_seconds_is_an_error_of_the_user(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWNB_TIMEOUT", text)
    with pytest.raises(BadInput, match="SWNB_TIMEOUT"):
        Transport("http://127.0.0.1:1")


def test_the_timeout_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWNB_TIMEOUT", "2.5")
    assert Transport("http://127.0.0.1:1").timeout == 2.5
    monkeypatch.delenv("SWNB_TIMEOUT")
    assert Transport("http://127.0.0.1:1").timeout == 30
