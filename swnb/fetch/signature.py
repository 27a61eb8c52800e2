"""Signing in once for all calls of a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from swnb.call import Call, Plan
from swnb.errors import Refused, SwnbError, TokenRejected
from swnb.fetch.run import drive
from swnb.secret import Secret

Signature: TypeAlias = Mapping[str, Secret]
Maker: TypeAlias = Callable[[], Plan[Signature]]

NOTHING: Final[Signature] = {}


class SignIn:
    """The headers that sign calls, made by the provider's plan when first needed and shared by all callers.

    A refused attempt is the answer for all who waited for it, so that sixteen calls at once do not send one wrong
    password sixteen times; a later call tries again.
    """

    def __init__(self, make: Maker | None, send: Callable[[Call[Any]], Any]) -> None:
        self._make, self._send = make, send
        self._lock = asyncio.Lock()
        self._held: Signature | None = None if make else NOTHING
        self._asked = False
        self._attempts = 0
        self._refused: SwnbError | None = None

    async def signature(self) -> Signature:
        if self._held is not None:
            return self._held
        seen = self._attempts
        async with self._lock:
            if self._held is None and self._attempts != seen and self._refused is not None:
                raise again(self._refused)
            if self._held is None:
                self._held = await self._sign()
            return self._held

    def renews(self, used: Signature) -> bool:
        """Whether another sign-in may help where ``used`` was refused; if so the next signature is a new one.

        It may where the plan asked the server (by user and password); a plain token stays what it is.
        """
        if self._asked and self._held is used:
            self._held = None
        return self._asked

    async def _sign(self) -> Signature:
        assert self._make is not None  # noqa: S101
        self._refused = None
        try:
            return _fit(await drive(self._make(), self._ask))
        except Refused as error:
            self._refused = error
            raise
        finally:
            self._attempts += 1

    async def _ask(self, asked: Call[Any] | Sequence[Call[Any]]) -> Any:
        self._asked = True
        if isinstance(asked, Call):
            return await self._send(replace(asked, signed=False))
        return [await self._send(replace(each, signed=False)) for each in asked]


def _fit(signature: Signature) -> Signature:
    """With a line break or a foreign letter in it the HTTP stack would fail, and show the token in doing so."""
    for secret in signature.values():
        if not (secret.reveal().isascii() and secret.reveal().isprintable()):
            raise TokenRejected(
                "the token holds characters that no token has", todo="Copy it once more, without line breaks"
            )
    return signature


def again(error: SwnbError) -> SwnbError:
    """The same error to be raised at another place: a traceback grows with each place that one is raised at."""
    return type(error)(error.what, where=error.where, todo=error.todo)
