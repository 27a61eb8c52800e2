"""What a Go program makes of JSON: how it writes it, and what it says of JSON that it cannot read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()
_ESCAPES = (
    (b"&", rb"\u0026"),
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)


class Object(list[tuple[str, Any]]):
    """An object as it stands in the text: pairs in order, keys may come twice."""


class BadJson(Exception):
    """The decoder's own words."""


def encode(value: Any) -> bytes:
    """JSON as Go writes it: `& < >` and two line ends escaped, the rest in UTF-8."""
    text = _ENCODER.encode(value)
    for plain, escaped in _ESCAPES:
        if plain in text:
            text = text.replace(plain, escaped)
    return text


def sorted_map(value: Mapping[str, str]) -> dict[str, str]:
    return {name: value[name] for name in sorted(value, key=str.encode)}


def decode(body: bytes) -> Any:
    """The first JSON value of the text, what stands behind it is ignored; objects as `Object`, numbers as `Number`."""
    if not body.strip():
        raise BadJson("EOF")
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    decoder = json.JSONDecoder(
        object_pairs_hook=Object, parse_int=Number, parse_float=Number, parse_constant=_no_constant
    )
    try:
        value, _ = decoder.raw_decode(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            raise BadJson("unexpected EOF") from None
        first = text[error.pos].encode()[:1].decode("latin-1")
        raise BadJson(f"invalid character '{first}' looking for beginning of value") from None
    except RecursionError:
        raise BadJson("exceeded max depth") from None
    return value


def _no_constant(word: str) -> None:
    raise BadJson(f"invalid character '{word.lstrip('-')[0]}' looking for beginning of value")


def _whole(text: str) -> str:
    """Halves of a surrogate pair become the character for what cannot be read."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Number(str):
    """A number as it was written."""


def kind(value: Any) -> str:
    if isinstance(value, Number):
        return "number"
    if isinstance(value, Object):
        return "object"
    return {str: "string", bool: "bool", list: "array"}[type(value)]


class Reader:
    """Fits a decoded value to a struct; keys match in any case, null is nothing, the last of two keys wins."""

    def __init__(self, package: str) -> None:
        self.package = package

    def struct(self, value: Any, name: str, shape: Mapping[str, Any], path: str = "") -> dict[str, Any]:
        """The known fields; BadJson at the first one of a wrong type."""
        if value is None:
            return {}
        if not isinstance(value, Object):
            where = f"struct field {path}" if path else "value"
            raise BadJson(f"json: cannot unmarshal {kind(value)} into Go {where} of type {self.package}.{name}")
        fields: dict[str, Any] = {}
        for key, inner in value:
            known = next((field for field in shape if field.lower() == key.lower()), None)
            if known is not None and inner is not None:
                fields[known] = self._field(inner, shape[known], name, f"{path.partition('.')[2]}.{known}".strip("."))
        return fields

    def _field(self, value: Any, shape: Any, owner: str, path: str) -> Any:
        where = f"{owner}.{path}"
        if isinstance(shape, tuple):
            name, fields = shape
            return self.struct(value, name, fields, where)
        if shape.startswith("map[string]"):
            self._is(value, "object", shape, where)
            inside = shape.removeprefix("map[string]")
            return {_whole(key): self._scalar(cell, inside, where) for key, cell in value}
        if shape.startswith("[]"):
            self._is(value, "array", shape, where)
            return [self._scalar(cell, shape[2:], where) for cell in value]
        return self._scalar(value, shape, where)

    def _scalar(self, value: Any, type_: str, where: str) -> Any:
        if value is None:
            return "" if type_ == "string" else 0
        self._is(value, "string" if type_ == "string" else "number", type_, where)
        if type_.startswith("int") and not (
            value.lstrip("-").isdecimal() and len(value) < 25 and abs(int(value)) < 2**63
        ):
            raise BadJson(f"json: cannot unmarshal number {value} into Go struct field {where} of type {type_}")
        return _whole(value) if type_ == "string" else float(value) if type_ == "float64" else int(value)

    def _is(self, value: Any, wanted: str, type_: str, where: str) -> None:
        if kind(value) != wanted:
            raise BadJson(f"json: cannot unmarshal {kind(value)} into Go struct field {where} of type {type_}")
