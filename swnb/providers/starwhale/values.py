"""Datastore values of Starwhale: their encodings on the wire and on disk (starwhale paper 4.5 and 6.4).

Nothing that a value names is ever imported: an OBJECT becomes a ``model.Record``. Columns of one scalar type are
decoded in bulk (hex joined, decoded once, byte-swapped once): most of the speed of reading a table comes from there.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from swnb.model import ABSENT, Record, Values

INTS: Final[Mapping[str, str]] = {"INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"}
FLOATS: Final[Mapping[str, str]] = {"FLOAT32": "f", "FLOAT64": "d"}
_HALF: Final = "FLOAT16"  # found in Standalone stores only
_WIDTH: Final[Mapping[str, int]] = {"b": 2, "h": 4, "i": 8, "q": 16, "f": 8, "d": 16, "e": 4}
SCALARS: Final = frozenset({*INTS, *FLOATS, "BOOL", "STRING", "BYTES"})


class BadValue(ValueError):
    """A value that is not what its type says; whoever knows the place says it."""


def scalar(type_name: str, value: Any) -> Any:
    """One encoded scalar as a Python value; null is None for every type."""
    if value is None or type_name == "UNKNOWN":
        return None
    decode = _SCALAR.get(type_name)
    if decode is None:
        raise BadValue(f"no datastore type is called {type_name!r}")
    if not isinstance(value, str):
        raise BadValue(f"a {type_name} is sent as text, not as {type(value).__name__}")
    try:
        return decode(value)
    except (ValueError, binascii.Error, struct.error) as error:
        problem = f"{value[:40]!r} is no {type_name} ({error})"
    raise BadValue(problem)


def _unpack(code: str) -> Callable[[str], Any]:
    width, layout = _WIDTH[code], struct.Struct(f">{code}")
    return lambda text: layout.unpack(bytes.fromhex(text.rjust(width, "0")))[0]


_SCALAR: Final[Mapping[str, Callable[[str], Any]]] = {
    "BOOL": lambda text: text == "1",
    "STRING": lambda text: text,
    "BYTES": lambda text: base64.b64decode(text, validate=True),
    _HALF: _unpack("e"),
    **{name: _unpack(code) for name, code in {**INTS, **FLOATS}.items()},
}


def typed(cell: Any) -> Any:
    """A typed cell ``{"type": …, "value": …}`` of any depth as a Python value."""
    if not isinstance(cell, Mapping) or not isinstance(cell.get("type"), str):
        raise BadValue("a typed cell is an object with a type")
    return value_of(cell["type"], cell.get("value"), cell.get("pythonType"))


def value_of(kind: str, value: Any, python_type: Any = None) -> Any:
    """The value of a typed cell, by its three parts."""
    if value is None:
        return None
    if kind in ("LIST", "TUPLE"):
        items = [typed(item) for item in _is(list, kind, value)]
        return items if kind == "LIST" else tuple(items)
    if kind == "MAP":
        return {hashable(typed(p["key"])): typed(p["value"]) for p in map(_pair, _is(list, kind, value))}
    if kind == "OBJECT":
        attributes = {str(name): typed(cell) for name, cell in _is(dict, kind, value).items()}
        return Record(python_type if isinstance(python_type, str) else "object", attributes)
    return scalar(kind, value)


def _is(shape: type, kind: str, value: Any) -> Any:
    if not isinstance(value, shape):
        raise BadValue(f"a {kind} is sent as {shape.__name__}, not as {type(value).__name__}")
    return value


def _pair(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not {"key", "value"} <= value.keys():
        raise BadValue("an entry of a MAP has a key and a value")
    return value


def hashable(key: Any) -> Any:
    """A MAP's key as a dict can hold it: lists become tuples."""
    if isinstance(key, (list, tuple)):
        return tuple(hashable(item) for item in key)
    if isinstance(key, dict):
        return tuple((hashable(k), hashable(v)) for k, v in key.items())
    return key if not isinstance(key, Record) else repr(key)


def column(type_name: str, cells: Sequence[Any]) -> Values:
    """A whole column of encoded scalars of one type; cells may also be None or ABSENT, which stay as they are."""
    code = INTS.get(type_name) or FLOATS.get(type_name)
    if code is not None:
        try:
            return _bulk(code, cells)
        except (TypeError, ValueError):
            pass  # something is missing or odd: cell by cell, which keeps gaps and names the odd one
    elif type_name == "STRING" and all(type(cell) is str for cell in cells):
        return list(cells)
    return [cell if cell is None or cell is ABSENT else scalar(type_name, cell) for cell in cells]


def _bulk(code: str, cells: Sequence[str]) -> Values:
    values: array[Any] = array(code)
    values.frombytes(bytes.fromhex("".join(cells)))
    if len(values) != len(cells) or not {*map(len, cells)} <= {_WIDTH[code]}:
        raise ValueError("a value is not of full width")
    if sys.byteorder == "little":
        values.byteswap()
    if code in "qd":
        return values
    return array("q" if code in "bhi" else "d", values)


def encode_key(key: int | float | str) -> tuple[str, str]:
    """A bound for ``scanTable``: (type name, encoded text)."""
    if isinstance(key, str):
        return "STRING", key
    if isinstance(key, int) and -(2**63) <= key < 2**63:
        return "INT64", struct.pack(">q", key).hex()
    return "FLOAT64", struct.pack(">d", _float(key)).hex()


def _float(key: float) -> float:
    try:
        return float(key)
    except OverflowError:
        return math.inf if key > 0 else -math.inf


@dataclass(frozen=True, slots=True)
class Blob:
    """A large text or bytes value that was stored apart: bytes ``[offset, offset + size)`` of the blob ``uri``."""

    uri: str
    offset: int
    size: int
    encoding: str | None  # None: bytes

    def value(self, data: bytes) -> str | bytes:
        return data if self.encoding is None else data.decode(self.encoding, "replace")


def blob_of(value: Any) -> Blob | None:
    """The blob behind a Text or Binary that the SDK made out of a long str or bytes; None for any other value."""
    if not isinstance(value, Record):
        return None
    attributes = value.attributes
    is_text = attributes.get("auto_convert_to_str") is True
    link = attributes.get("link")
    if not (is_text or attributes.get("auto_convert_to_bytes") is True) or not isinstance(link, Record):
        return None
    uri, offset, size = (link.attributes.get(name) for name in ("uri", "offset", "size"))
    if not (isinstance(uri, str) and isinstance(offset, int) and isinstance(size, int) and offset >= 0 <= size):
        return None
    return Blob(uri, offset, size, _encoding(attributes.get("encoding")) if is_text else None)


def _encoding(name: Any) -> str:
    # Only names that are plain text codecs: the server's word is not looked up freely.
    return name if name in ("utf-8", "utf8", "ascii", "latin-1", "iso-8859-1", "utf-16", "utf-32") else "utf-8"
