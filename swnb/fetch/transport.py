"""Calls go out, replies come in. The only module that imports httpx; nothing of it shows outside.

See docs/adr/0005-httpx-in-one-module.md. Rules that hold here:

* a token stands in no local variable of ours, and no error has a traceback, cause or context in the HTTP stack;
* what is signed goes to the server's own origin only, redirects included;
* ``timeout`` seconds bound one request with its repeats; waiting for a free slot does not count.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from swnb._version import __version__
from swnb.call import Call, Plan, Reply, SignedIn
from swnb.errors import BadInput, BadReply, ServerError, SignInNeeded, SwnbError, TokenRejected
from swnb.fetch.addresses import host, near, origin, shown, tls
from swnb.fetch.bodies import content, is_short
from swnb.fetch.events import Requested, Retrying, emit
from swnb.fetch.failures import Failure, classify, cut_short, expired
from swnb.fetch.proxies import proxy_for
from swnb.fetch.retry import Trouble, next_wait, trouble
from swnb.fetch.signature import NOTHING, Signature, SignIn
from swnb.fetch.tasks import abreast, in_thread, within
from swnb.secret import Secret

try:
    import aiohttp
    import httpx_aiohttp
except ImportError:  # httpx's own transport does the same, slower
    aiohttp = None  # type: ignore[assignment]

T = TypeVar("T")
Answer = TypeVar("Answer", bound=Reply | httpx.Response)

_TIMEOUT: Final = 30.0
_LARGEST: Final = 256 * 2**20
_LARGE: Final = 2**20  # a body above this is decoded beside the loop
_CHUNK: Final = 2**16
_IDLE: Final = 4.0  # less than the 5 s after which common servers close an idle connection
_HOPS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_HARMLESS: Final = frozenset({"user-agent", "accept", "accept-encoding", "range"})
_clock, _sleep = time.monotonic, asyncio.sleep  # a test puts its own in their place
_HEADERS: Final = {"user-agent": f"swnb/{__version__}", "accept": "*/*", "accept-encoding": "gzip"}


class Transport:
    """One server. ``label`` is how errors name it, ``source`` where its token came from.

    ``ca`` is a file of certificate authorities; else SWNB_CA_BUNDLE, SSL_CERT_FILE and certifi's list count.
    """

    def __init__(
        self,
        base_url: str,
        *,
        label: str = "",
        sign_in: Callable[[], Plan[SignedIn]] | None = None,
        source: str = "",
        in_flight: int = 16,
        timeout: float | None = None,
        ca: str | None = None,
        largest: int = _LARGEST,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.label = label or host(base_url)
        self.source = source
        self.in_flight = in_flight
        self.timeout = timeout_setting() if timeout is None else timeout
        self._ca, self._largest = ca, largest
        self._timeouts = httpx.Timeout(self.timeout).as_dict()
        self._slots = asyncio.Semaphore(in_flight)
        self._sign_in = SignIn(sign_in, self._ask)
        self._client: httpx.AsyncClient | None = None

    # What others use

    async def send(self, call: Call[T]) -> T:
        """What the call's reply decodes to. Raises what the decoder raises, Unreachable, Timeout, BadReply, Refused."""
        async with self._slots:
            return await self._ask(call)

    async def send_all(self, calls: Sequence[Call[T]], limit: int | None = None) -> list[T]:
        """The results of several calls in their order, at most ``limit`` abreast; the first error cancels the rest."""
        return await abreast(self.send, calls, limit or self.in_flight)

    async def stream(self, call: Call[Any]) -> AsyncGenerator[bytes, None]:
        """The body of a download piece by piece, in bounded memory. A refusal is what ``call.decode`` makes of it."""
        async with self._slots:
            signature = await self._signature(call)
            answer = await self._in_time(call, functools.partial(self._download, call, signature))
            if isinstance(answer, Reply):
                await self._meaning(call, answer, signature)
                raise ServerError(f"no download at {answer.path}", where=self.label, status=answer.status)
            failure = None
            try:
                async for chunk in answer.aiter_bytes(_CHUNK):
                    yield chunk
            except Exception as error:
                failure = _failure(error, str(answer.url))
            finally:
                await _close(answer)
        if failure is not None:
            raise failure.error(self.label)

    async def sign_in(self) -> Mapping[str, Secret]:
        """Sign in now, unless that is done; the headers that sign a request. Raises what the provider's plan raises."""
        return await self._sign_in.signature()

    async def aclose(self) -> None:
        """Close all connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def tls(self) -> ssl.SSLContext:
        """How this server's certificate is checked (for its WebSockets too)."""
        return tls(self._ca)

    # One call

    async def _ask(self, call: Call[T]) -> T:
        signature = await self._signature(call)
        reply = await self._reply(call, signature)
        if reply.status == 401 and call.signed and self._sign_in.renews(signature):
            signature = await self._signature(call)
            reply = await self._reply(call, signature)
        return await self._meaning(call, reply, signature)

    async def _signature(self, call: Call[Any]) -> Signature:
        return await self._sign_in.signature() if call.signed else NOTHING

    async def _meaning(self, call: Call[T], reply: Reply, signature: Signature) -> T:
        try:
            if len(reply.body) > _LARGE:
                return await in_thread(call.decode, reply)
            return call.decode(reply)
        except TokenRejected as error:
            refused = error
        raise self._rejected(refused, signature) if call.signed else refused

    def _rejected(self, error: TokenRejected, signature: Signature) -> SwnbError:
        """A 401 of a signed call, said with what the provider cannot know: where the token came from."""
        if not signature:
            return SignInNeeded(
                f"{error.what} (no token is known)", where=self.label, todo="Give one with swnb.connect or swnb.signin"
            )
        source = f" (the sign-in from {self.source})" if self.source else ""
        todo = error.todo or "Set another with swnb.connect or swnb.signin"
        return TokenRejected(f"{error.what}{source}", where=self.label, todo=todo)

    async def _reply(self, call: Call[Any], signature: Signature) -> Reply:
        return await self._in_time(call, functools.partial(self._exchange, call, signature))

    async def _in_time(self, call: Call[Any], attempt: Callable[[], Awaitable[Answer | Failure]]) -> Answer:
        """Attempts until one is an answer or no more is to be hoped for; Timeout when the time is over."""
        history: list[Trouble] = []
        # Nobody knows how long a file takes to go out; that it goes on at all is bounded in the HTTP stack.
        limit = max(self.timeout, call.timeout or 0)
        task = await within(None if call.parts else limit, self._persist(call, attempt, history))
        if task is None:
            because = history[-1].why if history else ""
            outcome: Answer | Failure = expired(host(self._url(call)), shown(call.path), limit, because)
        else:
            outcome = task.result()
        if isinstance(outcome, Failure):
            raise outcome.error(self.label)
        return outcome

    async def _persist(
        self, call: Call[Any], attempt: Callable[[], Awaitable[Answer | Failure]], history: list[Trouble]
    ) -> Answer | Failure:
        began = _clock()
        while True:
            asked = _clock()
            outcome = await attempt()
            now = _clock()
            status, size = (outcome.status, len(outcome.body)) if isinstance(outcome, Reply) else (0, 0)
            emit(Requested(self.label, shown(call.path), status, size, now - asked))
            met = None if isinstance(outcome, httpx.Response) else trouble(outcome, call, now - began)
            if met is None:
                return outcome
            history.append(met)
            wait = next_wait(history)
            if wait is None:
                return outcome
            emit(Retrying(self.label, shown(call.path), met.why, wait, len(history)))
            await _sleep(wait)

    # One attempt: a Failure is returned, not raised, so that what is raised later has no context

    async def _exchange(self, call: Call[Any], signature: Signature) -> Reply | Failure:
        response = await self._opened(call, signature)
        return response if isinstance(response, Failure) else await self._read(call, response)

    async def _download(self, call: Call[Any], signature: Signature) -> httpx.Response | Reply | Failure:
        response = await self._opened(call, signature)
        if isinstance(response, Failure) or response.is_success:
            return response
        return await self._read(call, response)

    async def _opened(self, call: Call[Any], signature: Signature) -> httpx.Response | Failure:
        """The head of the answer, after redirects that may be followed."""
        url = self._url(call)
        headers = {**_HEADERS, **({"accept-encoding": "identity"} if near(url) else {})}
        headers |= {name: value for name, value in call.headers.items() if not isinstance(value, Secret)}
        signature = {**signature, **{k: v for k, v in call.headers.items() if isinstance(v, Secret)}}
        for _ in range(_HOPS + 1):
            response = await self._sent(call, url, headers, signature)
            if isinstance(response, Failure) or response.status_code not in _REDIRECTS:
                return response
            await _close(response)
            target = self._target(call, url, response.headers.get("location", ""))
            if origin(target) != origin(url):
                headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
                signature = NOTHING
            url = target
        raise ServerError(f"{shown(call.path)} is redirected in a circle", where=self.label)

    async def _sent(
        self, call: Call[Any], url: str, headers: Mapping[str, str], signature: Signature
    ) -> httpx.Response | Failure:
        body, kind = content(call)
        try:
            request = httpx.Request(call.method, url, headers={**headers, **kind}, content=body)
            request.extensions["timeout"] = httpx.Timeout(call.timeout).as_dict() if call.timeout else self._timeouts
            return await self._http().send(request, auth=_Signed(signature), stream=True)
        except Exception as error:
            # All of them: whatever goes wrong in there goes wrong in frames that hold the headers.
            return _failure(error, url)

    async def _read(self, call: Call[Any], response: httpx.Response) -> Reply | Failure:
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._largest:
                    break
                chunks.append(chunk)
        except Exception as error:
            return _failure(error, str(response.url))
        finally:
            await _close(response)
        path = shown(call.path)
        if size > self._largest:
            raise BadReply(f"the answer to {path} is over {self._largest // 2**20} MB", where=self.label)
        reply = Reply(response.status_code, dict(response.headers), b"".join(chunks), self.label, path)
        return cut_short(path) if is_short(reply) else reply

    # Where to

    def _url(self, call: Call[Any]) -> str:
        if call.path.startswith(("http://", "https://")) and not call.signed:
            return call.path
        if not call.path.startswith("/"):
            raise ValueError("the path of a call begins with /, and only an unsigned one may name another host")
        if not call.query:
            return self.base_url + call.path
        return f"{self.base_url}{call.path}{'&' if '?' in call.path else '?'}{urlencode(call.query)}"

    def _target(self, call: Call[Any], url: str, location: str) -> str:
        """Where a redirect may lead: a GET to the same origin, and elsewhere what goes without our sign-in."""
        try:
            target = urljoin(url, location)
            same = origin(target) == origin(url)
        except ValueError:
            target, same = "", False
        if call.method == "GET" and (same or (not call.signed and target.startswith(("http://", "https://")))):
            return target
        parts = urlsplit(target)
        raise ServerError(
            f"{shown(url)} is redirected to {parts.scheme}://{host(target)}{parts.path}, where our request is not sent",
            where=self.label,
            todo="If that is the server's real address, connect to it",
        )

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            routes = _Routes(self.in_flight, self.tls)
            self._client = httpx.AsyncClient(transport=routes, cookies=_NoCookies(), trust_env=False)
        return self._client


class _Signed(httpx.Auth):
    """The sign-in's headers, put on a request at the last moment."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        for name, secret in self._signature.items():
            request.headers[name] = secret.reveal()
        yield request


class _NoCookies(CookieJar):
    """Keeps none: a cookie of one call must not sign another."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


class _Routes(httpx.AsyncBaseTransport):
    """One connection pool for each way out: with and without TLS, directly and through each proxy."""

    def __init__(self, in_flight: int, tls: Callable[[], ssl.SSLContext]) -> None:
        self._in_flight, self._tls = in_flight, tls
        self._pools: dict[tuple[bool, str | None], httpx.AsyncBaseTransport] = {}
        self._known: dict[tuple[str, bytes], httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = (request.url.scheme, request.url.netloc)
        pool = self._known.get(origin)
        if pool is None:
            pool = self._known[origin] = self._pool(request.url.scheme == "https", proxy_for(str(request.url)))
        response = await pool.handle_async_request(request)
        if hasattr(response.stream, "CHUNK_SIZE"):
            response.stream.CHUNK_SIZE = _CHUNK * 4  # httpx-aiohttp's 16 kB make many steps of a large body
        return response

    def _pool(self, secure: bool, proxy: str | None) -> httpx.AsyncBaseTransport:
        if (secure, proxy) not in self._pools:
            # Reading the certificate authorities takes 20 ms, which plain HTTP need not pay.
            needs_tls = secure or (proxy or "").startswith("https:")
            checks = self._tls() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._pools[secure, proxy] = _pool(self._in_flight, checks, proxy)
        return self._pools[secure, proxy]

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _pool(in_flight: int, checks: ssl.SSLContext, proxy: str | None) -> httpx.AsyncBaseTransport:
    """Connections by aiohttp; by httpx itself where aiohttp is missing or does not suit the proxy: it knows no SOCKS,
    and httpx-aiohttp names a proxy's user in a way that aiohttp gives up."""
    via = httpx.Proxy(proxy) if proxy else None
    if aiohttp is None or (via and (via.auth or via.url.scheme.startswith("socks"))):
        limits = httpx.Limits(max_connections=in_flight, keepalive_expiry=_IDLE)
        return httpx.AsyncHTTPTransport(verify=checks, limits=limits, proxy=via, trust_env=False)

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=in_flight, ssl=checks, keepalive_timeout=_IDLE)
        made = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=_CHUNK * 4)
        made._retry_connection = False  # else it repeats a DELETE of its own accord
        return made

    return httpx_aiohttp.AiohttpTransport(verify=checks, client=session, proxy=via)


def timeout_setting() -> float:
    """SWNB_TIMEOUT: seconds for one request with its repeats."""
    text = os.environ.get("SWNB_TIMEOUT", "").strip()
    try:
        seconds = float(text) if text else _TIMEOUT
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BadInput(f"SWNB_TIMEOUT is {text!r}, which is no number of seconds")
    return seconds


def _failure(error: BaseException, url: str) -> Failure:
    return classify(error, host(url), shown(url))


async def _close(response: httpx.Response) -> None:
    with contextlib.suppress(Exception):
        await response.aclose()
