"""Signing in once for all calls of a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from swnb.call import Asked, Call, Plan, SignedIn
from swnb.errors import Refused, SwnbError, TokenRejected
from swnb.fetch.run import drive
from swnb.secret import Secret

Signature: TypeAlias = Mapping[str, Secret]
Maker: TypeAlias = Callable[[], Plan[SignedIn]]

NOTHING: Final[Signature] = {}


class SignIn:
    """The headers that sign calls, made by the provider's plan when first needed and shared by all callers.

    A refused attempt is the answer for all who waited for it, so that sixteen calls at once do not send one wrong
    password sixteen times; a later call tries again.
    """

    def __init__(self, make: Maker | None, send: Callable[[Call[Any]], Any]) -> None:
        self._make, self._send = make, send
        self._lock = asyncio.Lock()
        self._held: SignedIn | None = None if make else SignedIn()
        self._asked = False
        self._attempts = 0
        self._refused: SwnbError | None = None

    async def signature(self) -> Signature:
        if self._held is not None and not _over(self._held):
            return self._held.headers
        seen = self._attempts
        async with self._lock:
            held = None if self._held is None or _over(self._held) else self._held
            if held is None and self._attempts != seen and self._refused is not None:
                raise again(self._refused)
            if held is None:
                held = self._held = await self._sign()
            return held.headers

    def renews(self, used: Signature) -> bool:
        """Whether another sign-in may help where ``used`` was refused; if so the next signature is a new one.

        It may where the plan asked the server (by user and password); a plain token stays what it is.
        """
        if self._asked and self._held is not None and self._held.headers is used:
            self._held = None
        return self._asked

    async def _sign(self) -> SignedIn:
        assert self._make is not None  # noqa: S101
        self._refused = None
        try:
            return _fit(await drive(self._make(), self._ask))
        except Refused as error:
            self._refused = error
            raise
        finally:
            self._attempts += 1

    async def _ask(self, asked: Asked) -> Any:
        self._asked = True
        if isinstance(asked, Call):
            return await self._send(replace(asked, signed=False))
        return [await (self._ask(each) if isinstance(each, Call) else drive(each, self._ask)) for each in asked]


def _over(held: SignedIn) -> bool:
    """Whether it is time for another sign-in, before the server ends this one."""
    return held.renew_at is not None and time.time() >= held.renew_at


def _fit(signed: SignedIn) -> SignedIn:
    """With a line break or a foreign letter in it the HTTP stack would fail, and show the token in doing so."""
    for secret in signed.headers.values():
        if not (secret.reveal().isascii() and secret.reveal().isprintable()):
            raise TokenRejected(
                "the token holds characters that no token has", todo="Copy it once more, without line breaks"
            )
    return signed


def again(error: SwnbError) -> SwnbError:
    """The same error to be raised at another place: a traceback grows with each place that one is raised at."""
    return type(error)(error.what, where=error.where, todo=error.todo)
