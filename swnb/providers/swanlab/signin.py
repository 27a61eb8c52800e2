"""Signing in to a SwanLab server: the key is given once, a cookie signs what follows (swanlab paper 1.3)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from swnb.call import Call, Plan, Reply, SignedIn, ask, note
from swnb.errors import BadInput, Forbidden
from swnb.providers.reading import field, iso_time, text
from swnb.providers.swanlab.replies import data
from swnb.secret import Secret
from swnb.settings import Credential

_EARLY = 300.0  # seconds before its end that a cookie is given up
_clock = time.time  # a test puts its own in its place


@dataclass(frozen=True, slots=True)
class Session:
    """``user`` is the own workspace; ``sid`` is held so that it is masked in every text."""

    signed: SignedIn
    user: str | None = None
    sid: Secret | None = None


def sign_in(credential: Credential, path: str) -> Plan[Session]:
    """The cookie for this key; nothing where no key is known (public projects may be read without)."""
    if not credential.token:
        return Session(SignedIn())
    if not re.fullmatch("[!-~]+", credential.token.reveal()):
        raise BadInput("the key holds blanks or characters that no header can carry", todo="Look at its source")
    headers = {"authorization": credential.token}
    return (yield from ask(Call("POST", path, _session, headers=headers, reads=False, signed=False)))


def _session(reply: Reply) -> Session:
    if reply.status == 403:
        raise Forbidden(
            "the account of this key is not verified", where=reply.server, todo="Verify it on the server's pages"
        )
    body = data(reply)
    sid = Secret(field(body, "sid", str, reply))
    if not re.fullmatch(r"[!-:<-~]+", sid.reveal()):  # no blank and no ;
        raise reply.odd("sid is nothing that a cookie can carry")
    user = body.get("userInfo")
    name = text(user.get("username")) if isinstance(user, Mapping) else None
    signed = SignedIn({"cookie": Secret(f"sid={sid.reveal()}")}, _renewal(body.get("expiredAt"), reply))
    return Session(signed, name, sid)


def _renewal(expires: object, reply: Reply) -> float | None:
    """When to sign in anew, by our clock: five minutes before the end, or after half of a shorter time."""
    end = iso_time(expires, "expiredAt of the sign-in")
    if end is None:
        return None
    left = end.timestamp() - _server_time(reply)
    if left <= 0:
        note("the server gave a sign-in that is over already")
        return None
    return _clock() + left - min(_EARLY, left / 2)


def _server_time(reply: Reply) -> float:
    """The server's clock, which ``expiredAt`` counts by; ours where it does not tell."""
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError):
        return _clock()
