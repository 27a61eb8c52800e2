"""What the two dialects answer, and the errors that their refusals stand for (paper 1.1 to 1.3, 2.2, 2.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import msgspec

from swnb.call import Reply, refused
from swnb.errors import BadInput, ServerError, SignInNeeded, SwnbError, Unsupported
from swnb.providers.reading import Read, is_page

T = TypeVar("T")
Refusal = Callable[[Reply], SwnbError]


def decoder(read: Read[T], kind: type, refusal: Refusal) -> Callable[[Reply], T]:
    """The decoder of a call: ``read`` gets the body of a reply that is no refusal and is of that kind."""

    def decode(reply: Reply) -> T:
        if not 200 <= reply.status < 300:
            raise refusal(reply)
        body = reply.json()
        if body == "":
            raise _blind(reply)
        if not isinstance(body, kind):
            raise reply.odd(f"{_KINDS[kind]} is expected, not {type(body).__name__}")
        return read(body, reply)

    return decode


_KINDS = {list: "a list", dict: "an object", bool: "true or false"}


def _blind(reply: Reply) -> SwnbError:
    """A dashboard whose frontend demands a token answers everything by 200 and an empty text."""
    return SignInNeeded(
        "the cluster demands a token, and this dashboard passes none on, so it sees nothing",
        where=reply.server,
        todo="Use the address of the frontend (port 8888 by default) with a token",
    )


# -- Ray: errors are text, often a whole traceback


def ray_refusal(reply: Reply) -> SwnbError:
    said = ray_reason(reply)
    if reply.status == 401:
        return refused(reply, said, unsigned="Missing" in said)
    if reply.status == 403 and "Invalid authentication token" in said:
        return refused(replace(reply, status=401), said)
    if reply.status == 400 and said.startswith("Can only"):
        return Unsupported(f"{said}: what was started in another way has no such thing", where=reply.server)
    return refused(reply, said)


def ray_reason(reply: Reply) -> str:
    """The server's words: the last line that has any, without the name of the error's class."""
    if is_page(reply):
        return "an HTML page instead of an answer"
    body = _json(reply)
    if isinstance(body, Mapping):
        return str(body.get("msg") or body.get("error") or "")
    lines = [line for line in reply.text().splitlines() if re.search(r"\w", line)]
    return re.sub(r"^\w+(Error|Exception): ", "", lines[-1].strip()) if lines else ""


def submit_refusal(of: Refusal, reason: Callable[[Reply], str]) -> Refusal:
    """Of a submit: what the server finds wrong in it, by whatever status, is a bad argument."""

    def refusal(reply: Reply) -> SwnbError:
        error, said = of(reply), reason(reply)
        if type(error) is ServerError and (_is_callers(reply.status, said)):
            return BadInput(f"the job was not taken: {said}", where=reply.server)
        return error

    return refusal


def _is_callers(status: int, said: str) -> bool:
    return "already exist" in said or (status == 400 and "fronted failed" not in said)


# -- openYuanRong: errors are JSON texts, or objects


def yuanrong_refusal(reply: Reply) -> SwnbError:
    said = yuanrong_reason(reply)
    if reply.status == 401:
        return _sign_in_refusal(reply, said)
    if reply.status == 404 and reply.body.startswith(b"404 page not found"):
        return Unsupported(
            f"this address has no {reply.path}",
            where=reply.server,
            todo="Logs and instances are the dashboard's (port 9080 by default); the jobs API has to be switched on",
        )
    if "fronted failed" in said:
        return ServerError(
            f"the dashboard gets no answer from the cluster's frontend: {said}",
            where=reply.server,
            todo="The frontend is down or out of the dashboard's reach",
            status=reply.status,
        )
    return refused(reply, said)


def _sign_in_refusal(reply: Reply, said: str) -> SwnbError:
    """All are 401 there: no token, a bad one, one that may not, and a failure of who checks tokens."""
    if "no token provided" in said:
        return refused(reply, said, unsigned=True)
    if "not authorized" in said:
        return refused(replace(reply, status=403), said)
    if "IAM server" in said and "Forbidden" not in said:
        return ServerError(f"the server could not check the token: {said}", where=reply.server, status=reply.status)
    return refused(reply, said)


def yuanrong_reason(reply: Reply) -> str:
    if is_page(reply):
        return "an HTML page instead of an answer"
    body = _json(reply)
    if isinstance(body, Mapping):
        return str(body.get("error") or body.get("message") or body.get("msg") or "")
    return body if isinstance(body, str) else reply.text().strip()


def _json(reply: Reply) -> object:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
