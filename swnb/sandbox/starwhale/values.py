"""Cells of the datastore: a type name beside a Python value, and their text in every encoding (paper 4.5, 6.4)."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

Cell = tuple[str, Any]
"""(type name, value). LIST and TUPLE hold cells, MAP pairs of cells, OBJECT a (class name, {attribute: cell})."""

NONE: Cell = ("UNKNOWN", None)
DIGITS = {"INT8": 2, "INT16": 4, "INT32": 8, "INT64": 16}
FLOATS = {"FLOAT32": ">f", "FLOAT64": ">d"}
_RANK = {"UNKNOWN": 0, "BOOL": 1, "STRING": 3, "BYTES": 4, "LIST": 5, "TUPLE": 6, "MAP": 7, "OBJECT": 8}
_HEX = re.compile(r"[0-9a-fA-F]+")


class BadValue(ValueError):
    """Text that is no value of the type it was sent as."""


_WRITTEN: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (str, "STRING"),
    (bytes, "BYTES"),
    (list, "LIST"),
    (tuple, "TUPLE"),
    (Mapping, "MAP"),
)


def cell_of(value: Any) -> Cell:
    """The cell the official SDK would write for a Python value."""
    if value is None:
        return NONE
    kind = next((kind for python, kind in _WRITTEN if isinstance(value, python)), None)
    if kind is None:
        raise TypeError(f"no datastore type for {type(value).__name__}")
    if kind in {"LIST", "TUPLE"}:
        return (kind, [cell_of(item) for item in value])
    if kind == "MAP":
        return (kind, [(cell_of(key), cell_of(item)) for key, item in value.items()])
    return (kind, value)


def order(cell: Cell) -> tuple[Any, ...]:
    """How cells compare: ints with floats by value, NaN above all, -0.0 below 0.0, text by UTF-16 units."""
    kind, value = cell
    if kind in DIGITS:
        return (2, 0, value, 0)
    if kind in FLOATS:
        nan = math.isnan(value)
        return (2, int(nan), 0.0 if nan else value, -1 if value == 0 and math.copysign(1, value) < 0 else 0)
    return (_RANK[kind], *_inner_order(kind, value))


def _inner_order(kind: str, value: Any) -> tuple[Any, ...]:
    if kind == "STRING":
        return (value.encode("utf-16-be", "surrogatepass"),)
    if kind in {"LIST", "TUPLE"}:
        return (tuple(order(item) for item in value),)
    if kind == "MAP":
        return (tuple(sorted((order(key), order(item)) for key, item in value)),)
    if kind == "OBJECT":
        return (value[0], tuple(sorted((name, order(item)) for name, item in value[1].items())))
    return () if value is None else (value,)


def scalar(cell: Cell, raw: bool = False) -> str | None:
    """The text of a scalar cell."""
    kind, value = cell
    if value is None:
        return None
    if kind == "STRING":
        return str(value)
    if kind == "BYTES":
        return value.decode("utf-8", "replace") if raw else base64.b64encode(value).decode()
    if kind == "BOOL":
        return ("true" if value else "false") if raw else "1" if value else "0"
    if kind in DIGITS:
        return str(value) if raw else f"{value & (1 << 4 * DIGITS[kind]) - 1:0{DIGITS[kind]}x}"
    return java_float(value, kind == "FLOAT32") if raw else struct.pack(FLOATS[kind], value).hex()


def encode(cell: Cell, *, typed: bool, raw: bool) -> Any:
    """A cell as JSON data, wrapped with its type or bare."""
    kind, value = cell
    if kind in {"LIST", "TUPLE"}:
        items = [encode(item, typed=typed, raw=raw) for item in value]
        return {"value": items, "type": kind} if typed else items
    if kind == "MAP":
        return _map(value, typed, raw)
    if kind == "OBJECT":
        attributes = {name: encode(item, typed=typed, raw=raw) for name, item in value[1].items()}
        return {"type": kind, "value": attributes, "pythonType": value[0]} if typed else attributes
    text = scalar(cell, raw)
    return {"type": kind, "value": text} if typed else text


def _map(pairs: list[tuple[Cell, Cell]], typed: bool, raw: bool) -> Any:
    if not typed:
        return {str(scalar(key, raw)): encode(item, typed=False, raw=raw) for key, item in pairs}
    wrapped = [
        {"value": encode(item, typed=True, raw=raw), "key": encode(key, typed=True, raw=raw)} for key, item in pairs
    ]
    return {"value": wrapped, "type": "MAP"}


def unwrap(data: Any) -> Cell:
    """The cell of a typed, not raw answer: the inverse of `encode(…, typed=True, raw=False)`."""
    kind, value = data["type"], data["value"]
    if value is None:
        return NONE
    if kind in {"LIST", "TUPLE"}:
        return (kind, [unwrap(item) for item in value])
    if kind == "MAP":
        return (kind, [(unwrap(pair["key"]), unwrap(pair["value"])) for pair in value])
    if kind == "OBJECT":
        return (kind, (data["pythonType"], {name: unwrap(item) for name, item in value.items()}))
    return read_scalar(kind, value)


def read_scalar(kind: str, text: Any) -> Cell:
    """The cell of a scalar's text; hex may be short and upper-case."""
    text = str(text)
    if kind == "STRING":
        return (kind, text)
    if kind == "BYTES":
        return (kind, base64.b64decode(text))
    if kind == "BOOL":
        return (kind, text == "1")
    if kind not in DIGITS and kind not in FLOATS:
        raise BadValue(f"invalid type {kind}")
    if not _HEX.fullmatch(text):
        raise BadValue(f'For input string: "{text}" under radix 16')
    number = int(text, 16)
    if kind in DIGITS:
        bits = 4 * DIGITS[kind]
        return (kind, number - (1 << bits) if number >> bits - 1 else number)
    size = struct.calcsize(FLOATS[kind])
    return (kind, struct.unpack(FLOATS[kind], number.to_bytes(size, "big"))[0])


def read_raw(kind: str, text: str) -> Cell:
    """The cell of a scalar's raw text, as hints show it."""
    if kind in DIGITS:
        return (kind, int(text))
    if kind in FLOATS:
        return (kind, float(text))
    return (kind, text == "true") if kind == "BOOL" else (kind, text.encode() if kind == "BYTES" else text)


def read_written(schema: Mapping[str, Any], value: Any) -> Cell:
    """The cell of a value as a writer sends it, by its schema (paper 6.4)."""
    kind = schema["type"]
    if value is None or kind == "UNKNOWN":
        return NONE
    if kind in {"LIST", "TUPLE"}:
        special = {entry["index"]: entry for entry in schema.get("attributes") or ()}
        element = schema.get("elementType") or {"type": "UNKNOWN"}
        return (kind, [read_written(special.get(index, element), item) for index, item in enumerate(value)])
    if kind == "MAP":
        return (kind, _written_pairs(schema, value))
    if kind == "OBJECT":
        types = {entry["name"]: entry for entry in schema.get("attributes") or ()}
        cells = {name: read_written(types[name], item) for name, item in value.items()}
        return (kind, (schema.get("pythonType"), cells))
    return read_scalar(kind, value)


def _written_pairs(schema: Mapping[str, Any], value: Any) -> list[tuple[Cell, Cell]]:
    sparse = schema.get("sparseKeyValuePairSchema") or {}
    pairs = []
    for index, (key, item) in enumerate(value.items() if isinstance(value, dict) else value):
        types = sparse.get(str(index), schema)
        pairs.append((read_written(types["keyType"], key), read_written(types["valueType"], item)))
    return pairs


def java_float(value: float, single: bool = False) -> str:
    """A number as Java prints it: 1.0E10, NaN, Infinity."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = _shortest_single(value) if single else repr(value)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = f"{float(text):.17f}".rstrip("0") if "e" in text else text
        return plain + "0" if plain.endswith(".") else plain if "." in plain else plain + ".0"
    mantissa, _, exponent = f"{float(text):.{max(_digits(text) - 1, 1)}e}".partition("e")
    return f"{mantissa}E{int(exponent)}"


def _digits(text: str) -> int:
    return len(text.partition("e")[0].lstrip("-").replace(".", "").strip("0"))


def _shortest_single(value: float) -> str:
    packed = struct.pack(">f", value)
    return next(text for size in range(1, 10) if struct.pack(">f", float(text := f"{value:.{size}g}")) == packed)
