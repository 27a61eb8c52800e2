"""The records of settings: a server that can be named, and what is known for signing in to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from swnb.errors import BadInput
from swnb.secret import Secret

_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known for signing in to one server, and where it came from (for messages)."""

    token: Secret | None = None
    user: str | None = None
    password: Secret | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A server that can be named. ``source`` says who named it: ``saved``, ``environment``, a vendor's file or
    the ``address`` alone.

    ``address`` is canonical (``swnb.uri.canonical``). ``current_project`` is what its URIs mean when they name none.
    """

    name: str
    platform: str
    address: str
    source: str
    current_project: str | None = None
    kept: str = ""

    @property
    def bare(self) -> str:
        """The server as a URI that needs no saved name."""
        return f"{self.platform}+{self.address}"


@dataclass(frozen=True, slots=True)
class Found:
    """A server that was found in the environment or in a vendor's own file, with its sign-in if that is there."""

    entry: Entry
    credential: Credential | None = None


def token_of(given: str | Secret | None) -> Secret | None:
    """A token without blanks around it and without the word ``Bearer``; None for an empty one."""
    held = Secret(given or "")
    del given  # the frame of an error below may be shown
    held = Secret(re.sub(r"(?i)^\s*bearer\s+", "", held.reveal()).strip())
    if held and not _PRINTABLE.fullmatch(held.reveal()):
        raise BadInput("the token holds characters that no token has", todo="Copy it again, without line breaks")
    return held or None
