"""Every error that swnb raises on purpose.

SwnbError
├── BadInput (ValueError)          what the caller wrote cannot be meant
│   └── BadURI                     a text that is no address of ours
├── Refused (PermissionError)      the server, or swnb itself, says no
│   ├── SignInNeeded               no token or password is known for this server
│   ├── TokenRejected              the server does not accept the one we have (401)
│   ├── Forbidden                  signed in, but not allowed (403)
│   └── ActionsOff                 a call that changes something, without swnb.allow_actions()
├── NotFound (LookupError)         the server is there, the thing is not
├── Unsupported (NotImplementedError)  this platform or this server has no such thing
├── ServerError                    the server answered with an error of its own (5xx, odd 4xx)
│   └── TooBusy                    it asked us to wait longer than we may (429, 503)
├── BadReply (ValueError)          an answer that is not what its protocol says; names the field
├── Unreachable (ConnectionError)  no answer: name not known, refused, cut, TLS
├── Timeout (TimeoutError)         it took too long; ``partial`` holds what was there by then
└── StoreError (OSError)           a local folder that cannot be read

Each is one sentence of the form ``where: what happened. What to do next.`` Server text in it is cut to a readable
length, freed of control characters, and every secret in it is masked.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final

from swnb.secret import redact

_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_LONGEST: Final = 300


def strip_ansi(text: str) -> str:
    """``text`` without terminal escape sequences."""
    return _ANSI.sub("", text)


def clean(text: object, limit: int = _LONGEST) -> str:
    """Foreign text made fit to stand in one of our sentences: one line, printable, short, without secrets."""
    raw = text if isinstance(text, str) else str(text)
    # A hostile server may send megabytes, so the text is cut before the costly steps. Masking comes before each cut,
    # so that a secret at its edge is not left there by half, and once more where escape sequences had split one.
    line = redact(strip_ansi(redact(raw)[: 20 * limit]))
    line = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in line)
    line = " ".join(line.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class SwnbError(Exception):
    """The base of all. ``where`` names the server, ``what`` the event, ``todo`` what the user can do next."""

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        self.what = clean(what, 2 * _LONGEST)
        self.where = clean(where)
        self.todo = clean(todo, 2 * _LONGEST)
        super().__init__(self._sentences())

    def place(self, where: str) -> None:
        """Say where it was, unless that is said already: who raises an error does not always know the server's name."""
        if not self.where:
            self.where = clean(where)
            self.args = (self._sentences(),)

    def _sentences(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return " ".join(part for part in (_sentence(head), _sentence(self.todo)) if part)


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?…" else text + "."


class BadInput(SwnbError, ValueError):
    """An argument that cannot be meant."""


class BadURI(BadInput):
    """A text that is no address of a server, project, job or table."""


class Refused(SwnbError, PermissionError):
    """The base of all that is not allowed."""


class SignInNeeded(Refused):
    """No token or password is known for this server."""


class TokenRejected(Refused):
    """The server does not accept the token or password that we have."""


class Forbidden(Refused):
    """Signed in, but this user may not."""


class ActionsOff(Refused):
    """A call that changes something was made without ``swnb.allow_actions()`` or ``yes=True``."""


class NotFound(SwnbError, LookupError):
    """The server answers, but has no such project, job, task or table."""


class Unsupported(SwnbError, NotImplementedError):
    """This platform, or this server's version, has no such thing."""


class ServerError(SwnbError):
    """The server answered with an error; ``status`` is its HTTP status."""

    def __init__(self, what: str, *, where: str = "", todo: str = "", status: int | None = None) -> None:
        super().__init__(what, where=where, todo=todo)
        self.status = status


class TooBusy(ServerError):
    """The server asked us to come back later than the time we may take."""


class BadReply(SwnbError, ValueError):
    """An answer that is not what its protocol says."""


class Unreachable(SwnbError, ConnectionError):
    """No answer at all."""


class Timeout(SwnbError, TimeoutError):
    """It took too long; ``partial`` is what was there by then (a DataFrame), or None."""

    def __init__(self, what: str, *, where: str = "", todo: str = "", partial: Any = None) -> None:
        super().__init__(what, where=where, todo=todo)
        self.partial = partial


class StoreError(SwnbError, OSError):
    """A local folder that is not there, not readable or damaged beyond reading."""
