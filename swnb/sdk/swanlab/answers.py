"""A provider's plan, answered in HTTP's terms: the status, and what the server said where it said no.

The vendor's surface gives an error of the server as data (swanlab paper 9.1), where the verbs raise. So the plan of a
provider is followed with an ear on its replies: it goes its own way, and its end becomes an ``ApiResponse``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

from swnb.call import Asked, Call, Plan, Reply
from swnb.errors import BadReply, NotFound, Refused, ServerError, SwnbError
from swnb.sdk.swanlab.records import ApiResponse

T = TypeVar("T")


class Listener:
    """Hears the replies of one plan."""

    def __init__(self) -> None:
        self._code = int(HTTPStatus.OK)
        self._refused: Reply | None = None

    def plan(self, plan: Plan[T]) -> Plan[ApiResponse[Any]]:
        """The answer of a plan, or what the server said instead; raises where there is no such word of the server."""
        try:
            data = yield from self._follow(plan)
        except SwnbError as error:
            told = self._told(error)
            if told is None:
                raise
            return told
        return ApiResponse(self._code, "", data)

    def _follow(self, plan: Plan[T]) -> Plan[T]:
        step = functools.partial(next, plan)
        try:
            while True:
                try:
                    asked = step()
                except StopIteration as end:
                    result: T = end.value
                    return result
                try:
                    step = functools.partial(plan.send, (yield self._heard(asked)))
                except SwnbError as error:
                    step = functools.partial(plan.throw, error)
        finally:
            plan.close()

    def _heard(self, asked: Asked) -> Asked:
        return self._ear(asked) if isinstance(asked, Call) else [self._each(item) for item in asked]

    def _each(self, item: Call[Any] | Plan[Any]) -> Call[Any] | Plan[Any]:
        return self._ear(item) if isinstance(item, Call) else self._follow(item)

    def _ear(self, call: Call[Any]) -> Call[Any]:
        return replace(call, decode=self._decoder(call.decode))

    def _decoder(self, decode: Callable[[Reply], T]) -> Callable[[Reply], T]:
        def heard(reply: Reply) -> T:
            try:
                result = decode(reply)
            except SwnbError:
                self._refused = reply
                raise
            self._code = reply.status
            return result

        return heard

    def _told(self, error: SwnbError) -> ApiResponse[Any] | None:
        """The server's own answer where that is the error; the texts are the vendor's."""
        reply = self._refused
        if reply is None or not isinstance(error, (Refused, NotFound, ServerError, BadReply)):
            return None
        try:
            data = json.loads(reply.body) if reply.body else {}
        except (ValueError, RecursionError):
            return ApiResponse(reply.status, "sdk decode json error", reply.text())
        if not isinstance(data, (dict, list)):
            return ApiResponse(reply.status, "sdk decode dict error", data)
        if 200 <= reply.status < 300:
            return None
        trace = reply.headers.get("traceid")
        return ApiResponse(reply.status, f"api error: {_reason(reply.status)}. Trace id: {trace}", data)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
