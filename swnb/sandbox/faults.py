"""What can go wrong between a client and a server, by rule, and what a real server's work costs in time."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Kind = Literal["delay", "status", "drop", "cut", "truncate", "garbage", "expire", "stall", "do"]
Message = dict[str, Any]
REMEMBERED = 20_000


@dataclass
class Rule:
    """One fault: which requests it meets and how often. `met` counts the requests it was applied to."""

    kind: Kind
    method: str | None = None
    path: str = ""
    times: int | None = None
    skip: int = 0
    seconds: float = 0.0
    status: int = 503
    retry_after: str | None = None
    do: Callable[[], None] | None = None
    met: int = 0

    def take(self, method: str, path: str) -> bool:
        """Whether this request meets the fault; counts it if so."""
        if self.method not in {None, method} or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True


@dataclass
class Costs:
    """Seconds of a real server's two cores (paper 7.3): each request books time on the core that is free first.

    Set by measuring: with the sandbox's own work and a client's they give the paper's rates. A page beside other
    work costs `crowded` times as much, since a real server's client shares its cores.
    """

    page: float = 0.006
    typed_page: float = 0.003
    row_behind: float = 0.0095 / 100_000
    job: float = 0.0028
    job_wait: float = 0.0006
    crowded: float = 1.5
    cores: list[float] = field(default_factory=lambda: [0.0, 0.0])

    async def spend_page(self, began: float, typed: bool, behind: int) -> None:
        """A page of a table, with that many rows behind its open end."""
        work = self.page + self.row_behind * behind + (self.typed_page if typed else 0.0)
        await self._spend(work * (self.crowded if max(self.cores) > began else 1.0), began)

    async def spend_jobs(self, began: float, count: int) -> None:
        """A list of jobs."""
        await self._spend(self.job * count, began, self.job_wait * count)

    async def _spend(self, work: float, began: float, wait: float = 0.0) -> None:
        """Come back when that work, begun at `began` (time.perf_counter), would be done; `wait` needs no core."""
        core = self.cores.index(min(self.cores))
        self.cores[core] = max(began, self.cores[core]) + work
        await asyncio.sleep(max(0.0, self.cores[core] + wait - time.perf_counter()))


class Faults:
    """The rules in force, in the order they were added."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.costs: Costs | None = None

    def add(self, kind: Kind, **match: Any) -> Rule:
        """Add a rule; `match` are the fields of `Rule`: method, path (a regex), times, skip and what the kind needs."""
        rule = Rule(kind, **match)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules.clear()
        self.costs = None

    def as_real(self) -> None:
        """Let lists of jobs and pages of tables cost the time a real server takes for them."""
        self.costs = Costs()

    def taken(self, method: str, path: str) -> list[Rule]:
        return [rule for rule in list(self.rules) if rule.take(method, path)]


class Request(NamedTuple):
    """What was asked. `status` is 0 where no whole answer was given, 101 for a WebSocket."""

    method: str
    path: str
    query: str
    status: int


class Requests:
    """The last 20,000 requests and the count of all."""

    def __init__(self) -> None:
        self.total = 0
        self._kept: deque[Request] = deque(maxlen=REMEMBERED)

    def add(self, request: Request) -> None:
        self.total += 1
        self._kept.append(request)

    def count(self, path: str = "", method: str | None = None, status: int | None = None) -> int:
        """How many of those remembered match; `path` is a regex."""
        return sum(
            method in {None, asked.method} and status in {None, asked.status} and bool(re.search(path, asked.path))
            for asked in list(self._kept)
        )

    def clear(self) -> None:
        self.total = 0
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Request]:
        return iter(list(self._kept))


class Gate:
    """ASGI: stands before a protocol, writes down what is asked and applies the faults."""

    def __init__(self, app: Any, faults: Faults, requests: Requests, latency: float) -> None:
        self.app, self.faults, self.requests, self.latency = app, faults, requests, latency

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        method = "WEBSOCKET" if scope["type"] == "websocket" else scope["method"]
        query = scope.get("query_string", b"").decode("latin-1")
        seen = Seen(send, lambda status: self.requests.add(Request(method, scope["path"], query, status)))
        try:
            await self._serve(scope, receive, seen, self.faults.taken(method, scope["path"]))
        finally:
            seen.write_down()

    async def _serve(self, scope: Any, receive: Any, seen: Seen, rules: list[Rule]) -> None:
        if self.latency:
            await asyncio.sleep(self.latency)
        for rule in rules:
            if rule.kind == "delay":
                await asyncio.sleep(rule.seconds)
            elif rule.kind == "do" and rule.do is not None:
                rule.do()
            elif rule.kind == "expire":
                scope["swnb.expired"] = True
            else:
                await _BREAK[rule.kind](self.app, scope, receive, seen, rule)
                return
        await self.app(scope, receive, seen)


class Seen:
    """An ASGI `send` that has the request written down, with its status, before its answer ends: whoever has the
    whole answer finds it there."""

    def __init__(self, send: Any, write: Callable[[int], None]) -> None:
        self.send = send
        self.status = 0
        self._write: Callable[[int], None] | None = write

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "websocket.accept":
            self.status = 101
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.write_down()
        await self.send(message)

    def write_down(self) -> None:
        """Once, whoever says it first."""
        write, self._write = self._write, None
        if write is not None:
            write(self.status)


async def _status(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    if scope["type"] == "websocket":
        await seen({"type": "websocket.close", "code": 1013})
        return
    body = f"fault: {rule.status}".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    if rule.retry_after is not None:
        headers.append((b"retry-after", rule.retry_after.encode()))
    await seen({"type": "http.response.start", "status": rule.status, "headers": headers})
    await seen({"type": "http.response.body", "body": body})


async def _stall(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    """Answer nothing until the client or the sandbox itself goes away."""
    try:
        while not (await receive())["type"].endswith("disconnect"):
            pass
    finally:
        _transport(seen).abort()


async def _drop(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    _transport(seen).abort()


async def _cut(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    start, body = await _answer(app, scope, receive)
    await seen(start)
    await seen({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await asyncio.sleep(0)
    _transport(seen).close()


def _transport(seen: Seen) -> Any:
    """ASGI has no word for cutting a connection, so this asks uvicorn's own object, whose method `send` is."""
    return getattr(seen.send, "__self__").transport  # noqa: B009 - a callable's owner has no type


async def _truncate(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    start, body = await _answer(app, scope, receive)
    await _put(seen, start, body[: len(body) // 2])


async def _garbage(app: Any, scope: Any, receive: Any, seen: Seen, rule: Rule) -> None:
    start, _ = await _answer(app, scope, receive)
    await _put(seen, start, b'[{"not": "what was asked for"}, 1, null]')


async def _answer(app: Any, scope: Any, receive: Any) -> tuple[Message, bytes]:
    """The whole answer, not compressed."""
    plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app({**scope, "headers": plain}, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


async def _put(seen: Seen, start: Message, body: bytes) -> None:
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await seen({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await seen({"type": "http.response.body", "body": body})


_BREAK = {"status": _status, "stall": _stall, "drop": _drop, "cut": _cut, "truncate": _truncate, "garbage": _garbage}
