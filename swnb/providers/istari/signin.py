"""Signing in to an Istari registry: by a personal access token, sent as a bearer (istari paper 1.1)."""

from __future__ import annotations

import re

from swnb.call import Plan, SignedIn, at_once
from swnb.errors import BadInput
from swnb.secret import Secret
from swnb.settings import Credential


@at_once
def _signed(credential: Credential) -> SignedIn:
    return SignedIn({"Authorization": _bearer(credential.token)}) if credential.token else SignedIn()


def sign_in(credential: Credential) -> Plan[SignedIn]:
    """The headers of signed calls; none where no token is known."""
    return _signed(credential)


def _bearer(token: Secret) -> Secret:
    if not re.fullmatch(r"\s*(?:bearer\s+)?[!-~]+\s*", token.reveal(), re.IGNORECASE):
        raise BadInput("the token holds blanks or characters that no header can carry", todo="Look at its source")
    return Secret(f"Bearer {token.reveal().split()[-1]}")
