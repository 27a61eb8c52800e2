"""Signing in to a Supervisely server: by token, or by login and password (supervisely paper 1.2, 1.4)."""

from __future__ import annotations

import base64
import re

import msgspec

from swnb.call import Call, Plan, Reply, SignedIn, ask
from swnb.errors import BadInput
from swnb.providers.reading import field
from swnb.providers.supervisely.requests import answer
from swnb.secret import Secret
from swnb.settings import Credential


def sign_in(credential: Credential) -> Plan[SignedIn]:
    """The headers of signed calls; none where nothing is known to sign with."""
    if credential.token:
        return SignedIn({"x-api-key": _key(credential.token)})
    if credential.user is None or credential.password is None:
        return SignedIn()
    form: dict[str, str | Secret] = {"login": credential.user, "password": credential.password}
    key = yield from ask(Call("POST", "/api/account", _signed_in, form=form, reads=False, signed=False))
    return SignedIn({"x-api-key": key})


def _key(token: Secret) -> Secret:
    if not re.fullmatch("[!-~]+", token.reveal()):
        raise BadInput("the token holds blanks or characters that no header can carry", todo="Look at its source")
    return token


def _signed_in(reply: Reply) -> Secret:
    """The key stands in a JWT, whose signature only concerns the server."""
    key = _api_token(Secret(field(answer(reply), "token", str, reply)))
    if not key:
        raise reply.odd("token is no JWT with an apiToken in it")
    return _key(key)


def _api_token(held: Secret) -> Secret:
    """Empty where there is none."""
    try:
        claims = base64.urlsafe_b64decode(held.reveal().split(".")[1] + "==")
        return Secret(msgspec.json.decode(claims, type=_Claims).apiToken)
    except (IndexError, ValueError, msgspec.MsgspecError, RecursionError):
        return Secret("")


class _Claims(msgspec.Struct):
    apiToken: str = ""
