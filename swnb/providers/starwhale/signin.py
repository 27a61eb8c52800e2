"""Signing in to a Starwhale Server: by token, or by user and password (starwhale paper 3.1)."""

from __future__ import annotations

import re

from swnb.call import Call, Plan, Reply, SignedIn, ask
from swnb.errors import BadInput
from swnb.providers.starwhale.replies import data
from swnb.secret import Secret
from swnb.settings import Credential


def sign_in(credential: Credential) -> Plan[SignedIn]:
    """The headers of signed calls; none where nothing is known to sign with."""
    if credential.token:
        return SignedIn({"authorization": _bearer(credential.token)})
    if credential.user is None or credential.password is None:
        return SignedIn()
    form: dict[str, str | Secret] = {"userName": credential.user, "userPwd": credential.password}
    header = yield from ask(Call("POST", "/api/v1/login", _signed_in, form=form, reads=False, signed=False))
    return SignedIn({"authorization": header})


def _bearer(token: Secret) -> Secret:
    """As the server wants it: it takes "bearer" in lower case, and a token without the word, for no sign-in."""
    if not re.fullmatch(r"\s*(?:bearer\s+)?[!-~]+\s*", token.reveal(), re.IGNORECASE):
        raise BadInput("the token holds blanks or characters that no header can carry", todo="Look at its source")
    return Secret(f"Bearer {token.reveal().split()[-1]}")


def _signed_in(reply: Reply) -> Secret:
    data(reply)
    if "authorization" not in reply.headers:
        raise reply.odd("the header Authorization is missing")
    return Secret(reply.headers["authorization"])
