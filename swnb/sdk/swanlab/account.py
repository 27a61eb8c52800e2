"""Whose key ``OpenApi`` takes, and for which server (docs/sign-in.md, "SwanLab's OpenApi")."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from swnb import settings
from swnb.client.source import Source, source_with
from swnb.errors import SignInNeeded
from swnb.secret import Secret
from swnb.settings import Credential, Entry
from swnb.settings.environment import address_of
from swnb.settings.vendors.swanlab_login import login_address


class NotLoggedIn(SignInNeeded, RuntimeError):
    """No key is known for the server; a RuntimeError as the vendor's is."""


def account(key: Secret | None, host: str | None) -> Source:
    """The source to ask: the given key's, else that of the key which the environment, ``swanlab login`` or ``connect``
    tell for that server. Sends nothing."""
    entry = settings.find(f"swanlab+{_address(key, host)}")
    known = Credential(key, source="the argument api_key") if key else _stored(entry)
    if known is None:
        raise NotLoggedIn(
            f"no API key is known for {urlsplit(entry.address).netloc}",
            todo="Give it as api_key=…, set SWANLAB_API_KEY (and SWANLAB_API_HOST where the server is not the "
            "vendor's cloud), or sign in with swanlab login",
        )
    return source_with(entry, known)


def _address(key: Secret | None, host: str | None) -> str:
    """Where no host is told, a key that is given goes to the server that this user signed in to by ``swanlab login``,
    as with the vendor; else to the cloud."""
    told = host or os.environ.get("SWANLAB_API_HOST")
    if told:
        return address_of("swanlab", told)
    if key:
        return login_address() or address_of("swanlab")
    found = settings.outside("swanlab")
    return found[0].entry.address if found else address_of("swanlab")


def _stored(entry: Entry) -> Credential | None:
    found = [each.credential for each in settings.outside("swanlab") if each.entry.address == entry.address]
    return next(filter(None, found), None) or settings.credential(entry)
