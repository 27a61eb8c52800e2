"""What a provider says instead of doing: a Call, a Page, a Plan.

A :class:`Call` is one request and the meaning of its reply. A :class:`Plan` is a generator for a question that
takes several: it yields a Call and receives what the Call's reply decoded to, or yields a list of Calls and of whole
Plans, which go abreast, and receives the list of their results; an error is thrown into it at that place; what it
returns is the answer. Neither does any I/O: ``fetch`` sends the Calls, a test compares them with literals. Backends
on disk answer by plans that ask nothing (:func:`at_once`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

import msgspec

from swnb.errors import (
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    SwnbError,
    TokenRejected,
    TooBusy,
)
from swnb.secret import Secret

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a server, whatever its status. ``server`` is how errors name the server; headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    server: str = ""
    path: str = ""

    def json(self, shape: Any = Any) -> Any:
        """The body as JSON (into ``shape`` where one is given); BadReply names the field that does not fit."""
        return self.part(self.body, shape)

    def part(self, sent: bytes | msgspec.Raw, shape: Any = Any) -> Any:
        """The same of a part of the body that was left undecoded."""
        try:
            return msgspec.json.decode(sent, type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problem = str(error)
        raise self.odd(problem)

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def odd(self, problem: str) -> BadReply:
        """The error for a reply whose content is not what the protocol says."""
        return BadReply(
            f"the answer to {self.path} cannot be read: {problem}",
            where=self.server,
            todo="If the address is right, the server speaks another version; swnb.doctor() tells more",
        )


_SIGN_IN = 'Sign in with swnb.connect(name, uri, token=…), %swnb signin or "swnb signin" in a terminal'


def refused(reply: Reply, said: str, *, unsigned: bool = False) -> SwnbError:
    """The error that a reply's status stands for; ``said`` are the server's own words.

    ``unsigned``: the platform's way of saying that no sign-in came along at all.
    """
    where, status = reply.server, reply.status
    words = f": {said}" if said else ""
    if status == 401 and unsigned:
        return SignInNeeded(f"{reply.path} needs a sign-in", where=where, todo=_SIGN_IN)
    if status == 401:
        return TokenRejected(f"the server does not accept this sign-in{words}", where=where, todo=_SIGN_IN)
    if status == 403:
        return Forbidden(f"this user may not see or do that{words}", where=where, todo="Ask an owner of the project")
    if status == 404:
        return NotFound(said or f"nothing is at {reply.path}", where=where)
    if status in (429, 503):
        return TooBusy(said or "the server is busy", where=where, todo="Try again later", status=status)
    blame = "it does not take the request" if 400 <= status < 500 else "it failed at"
    return ServerError(f"{blame} {reply.path} ({status}){words}", where=where, status=status)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form that carries files: a value, or a file, which is read from the disk while it is sent."""

    name: str
    content: bytes | Path
    filename: str | None = None
    type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request: ``path`` starts with ``/``, is percent-encoded and counts from the server's address.

    ``decode`` turns the reply, of whatever status, into T or raises one of ``swnb.errors``.
    ``reads`` says that asking twice changes nothing: only such a call is ever repeated. ``signed`` is False for
    what must go without our credentials (a download link, whatever its host); then ``path`` may be a whole URL.
    ``retry_500``: False where a 500 is this server's usual word for a question it cannot take. ``timeout``: seconds
    that the server may need, where these are more than usual.
    """

    method: str
    path: str
    decode: Callable[[Reply], T] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str | Secret] | None = None  # a password stays a Secret until it is sent
    parts: Sequence[Part] = ()  # a multipart/form-data body
    body: bytes | None = field(default=None, repr=False)  # as it is; ``headers`` say what it is
    headers: Mapping[str, str | Secret] = field(default_factory=dict)  # so does a key
    reads: bool = True
    signed: bool = True
    retry_500: bool = True
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list. ``next`` asks for the page after it; ``rest`` names all further pages at once, where the
    first tells how many there are. ``total`` is what the server says the whole list has."""

    items: Sequence[T]
    total: int | None = None
    next: Call[Page[T]] | None = None
    rest: Sequence[Call[Page[T]]] = ()


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Items in their order; ``total`` is how many there are before ``limit`` and filters, None = not known."""

    items: Sequence[T]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What signs a server's calls. ``renew_at``: Unix seconds from which another sign-in is wanted; None = never."""

    headers: Mapping[str, Secret] = field(default_factory=dict)
    renew_at: float | None = None


#: what a plan may yield: a Call, or several Calls and Plans that go abreast
Asked: TypeAlias = "Call[Any] | Sequence[Call[Any] | Plan[Any]]"
Plan: TypeAlias = Generator["Asked", Any, T]


def ask(call: Call[T]) -> Plan[T]:
    """The plan of one call; ``x = yield from ask(call)`` keeps its type."""
    result: T = yield call
    return result


def ask_all(items: Sequence[Call[T] | Plan[T]]) -> Plan[list[T]]:
    """The plan of several calls and plans abreast; results in their order. Each plan runs to its end before one that
    waits begins, so what its first call gave (a link) is still fresh when its last one uses it."""
    results: list[T] = (yield items) if items else []
    return results


def at_once(answer: Callable[P, T]) -> Callable[P, Plan[T]]:
    """A verb that needs no calls (a folder on disk), as a plan; it does its reading when the plan is run."""

    @functools.wraps(answer)
    def plan(*args: P.args, **kwargs: P.kwargs) -> Plan[T]:
        return answer(*args, **kwargs)
        yield  # makes this a generator

    return plan


_SPARE = 1000  # items that a growing list may give twice before it is taken for one that never ends


def collect(first: Call[Page[T]], identity: Callable[[T], Any]) -> Plan[Listing[T]]:
    """All items of a list, page after page (abreast where the first page names the rest), each item once.

    A list may change while it is read: what was added shifts items onto the next page (so they come twice: taken
    once), what was removed shifts them onto a page already read. So when two pages give different totals, the list
    is read once more and both readings are joined; nothing is lost, and the provenance says so.
    """
    found: dict[Any, T] = {}
    totals = yield from _walk(first, identity, found)
    if len(totals) > 1:
        note(
            f"the list changed while it was read (the server counted {', '.join(map(str, sorted(totals)))}): read twice"
        )
        totals = yield from _walk(first, identity, found)
    return Listing(tuple(found.values()), max(totals, default=None))


def _walk(first: Call[Page[T]], identity: Callable[[T], Any], found: dict[Any, T]) -> Plan[set[int]]:
    totals: set[int] = set()
    page: Page[T] | None = yield from ask(first)
    given = 0
    while page is not None:
        pages = [page, *(yield from ask_all(page.rest))]
        for each in pages:
            totals |= {each.total} if each.total is not None else set()
            given += len(each.items)
            for item in each.items:
                found.setdefault(identity(item), item)
        if given > 2 * len(found) + _SPARE:
            note(f"the server gave {given:,} items of a list of {len(found):,} and did not end it: reading was stopped")
            return totals
        following = pages[-1].next
        page = (yield from ask(following)) if following is not None and pages[-1].items else None
    return totals


_notes: ContextVar[list[str] | None] = ContextVar("swnb_notes", default=None)


def note(text: str) -> None:
    """Say something that the frame's provenance must tell: a time that could not be read, a list that changed."""
    notes = _notes.get()
    if notes is not None and text not in notes:
        notes.append(text)


@contextmanager
def noting() -> Iterator[list[str]]:
    """Collect what :func:`note` says meanwhile, in this task and those it starts."""
    notes: list[str] = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)
