"""What every handler is given: who asks and what was sent; wrong values are answered with 422 (paper 7.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request

from swnb.sandbox.istari import errors
from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.state import State
from swnb.sandbox.istari.words import Record, User

TRUE, FALSE = {"true", "1", "yes", "on", "t", "y"}, {"false", "0", "no", "off", "f", "n"}
WRITERS = {"owner", "editor", "administrator"}


@dataclass(frozen=True)
class Asked:
    state: State
    request: Request
    user: User
    raw: bytes

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def text(self, name: str) -> str | None:
        return self.request.query_params.get(name)

    def needed(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise errors.invalid(("query", name), "Field required", "missing")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = (self.text(name) or "").lower()
        if value in TRUE | FALSE:
            return value in TRUE
        if value:
            raise errors.invalid(("query", name), "Input should be a valid boolean", "bool_parsing", value)
        return default

    def word(self, name: str, words: Sequence[str], default: str | None = None) -> str | None:
        """One of the words, in their exact case."""
        value = self.text(name)
        if value is not None and value not in words:
            raise _no_word(("query", name), words, value)
        return default if value is None else value

    def number(self, name: str, default: int, most: float = math.inf) -> int:
        value = self.text(name)
        if value is None:
            return default
        if re.fullmatch("-?[0-9]{1,18}", value) is None:
            raise errors.invalid(("query", name), "Input should be a valid integer", "int_parsing", value)
        if int(value) < 1:
            message = "Input should be greater than or equal to 1"
            raise errors.invalid(("query", name), message, "greater_than_equal", value, ge=1)
        if int(value) > most:
            message = f"Input should be less than or equal to {most}"
            raise errors.invalid(("query", name), message, "less_than_equal", value, le=most)
        return int(value)

    def body(self) -> Record | None:
        """The object that was sent, None for an empty body."""
        if not self.raw:
            return None
        try:
            value = msgspec.json.decode(self.raw)
        except msgspec.DecodeError:
            raise errors.invalid(("body",), "JSON decode error", "json_invalid") from None
        if value is not None and not isinstance(value, dict):
            raise errors.invalid(("body",), "Input should be a valid dictionary", "dict_type", value)
        return value

    def sent(self, name: str, words: Sequence[str] = ()) -> str:
        """A text of the body."""
        return text_of(self.body() or {}, ("body",), name, words)

    def allowed(self, thing: Resource, *, write: bool = False) -> None:
        """403 unless the caller is an admin, an agent, the owner, or was given access."""
        if self.user.admin or self.user.agent or thing.by is self.user:
            return
        relation = thing.grants.get(self.user.id)
        if relation is None or (write and relation not in WRITERS):
            raise errors.forbidden()


Handler = Callable[[Asked], Any]


def text_of(fields: Record, where: tuple[str | int, ...], name: str, words: Sequence[str] = ()) -> str:
    """A text in an object; 422 where it is missing, none, or none of the words."""
    if name not in fields:
        raise errors.invalid((*where, name), "Field required", "missing", fields)
    value = fields[name]
    if not isinstance(value, str):
        raise errors.invalid((*where, name), "Input should be a valid string", "string_type", value)
    if words and value not in words:
        raise _no_word((*where, name), words, value)
    return value


def _no_word(where: tuple[str | int, ...], words: Sequence[str], value: str) -> errors.Refused:
    expected = " or ".join(f"'{word}'" for word in words)
    return errors.invalid(where, f"Input should be {expected}", "enum", value, expected=expected)
