"""A secret that cannot be shown by accident, and the removal of known secrets from any text."""

from __future__ import annotations

import hmac
import urllib.parse
import weakref
from typing import Final, NoReturn

_MASK: Final = "****"
# Shorter values (a password "a") would blank half of every text; they are kept out of texts by not being put there.
_SHORTEST: Final = 6

# By identity, not a WeakSet: of two equal secrets that would hold only one, and forget both when that one dies.
_living: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()


class Secret:
    """A token or password. ``repr`` and ``str`` are stars; it refuses pickling, copying into JSON and formatting.

    Only the transport (and code that writes a sign-in to its 0600 file) calls :meth:`reveal`, and never into a local
    variable: frames of tracebacks are shown to people.
    """

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str | Secret) -> None:
        if not isinstance(value, (str, Secret)):
            raise TypeError(f"a secret is text, not {type(value).__name__}")
        self._value: str = value.reveal() if isinstance(value, Secret) else value
        _living[id(self)] = self

    def reveal(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(_bytes(self._value), _bytes(other._value))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return f"Secret({_MASK})"

    def __str__(self) -> str:
        return _MASK

    def __format__(self, spec: str) -> str:
        return _MASK

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied")


def redact(text: str) -> str:
    """``text`` with every secret that is alive in this process replaced by stars, also where it was percent-encoded."""
    for value in sorted(_spellings(), key=len, reverse=True):
        if value in text:
            text = text.replace(value, _MASK)
    return text


def _spellings() -> set[str]:
    found: set[str] = set()
    for secret in [living for ref in _living.valuerefs() if (living := ref()) is not None]:
        for part in (secret._value, *secret._value.split()):  # "Bearer x" is also secret as "x"
            if len(part) >= _SHORTEST and part.lower() != "bearer":
                found |= {part, urllib.parse.quote(_bytes(part), safe=""), urllib.parse.quote_plus(_bytes(part))}
    return found


def _bytes(text: str) -> bytes:
    # A UnicodeEncodeError would carry the secret in its message.
    return text.encode("utf-8", "surrogatepass")
