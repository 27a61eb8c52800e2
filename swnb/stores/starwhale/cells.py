"""Cells on disk: encoded values whose types stand in a schema beside them (starwhale paper 6.4)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from swnb.model import ABSENT, Record, Values
from swnb.providers.starwhale.values import BadValue, column, hashable, scalar

Read: TypeAlias = Callable[[Any], Any]
Restore: TypeAlias = Callable[[Record], Any]


class Schema(msgspec.Struct, rename="camel", frozen=True):
    type: str
    name: str | None = None
    index: int | None = None
    element_type: Schema | None = None
    key_type: Schema | None = None
    value_type: Schema | None = None
    python_type: str | None = None
    attributes: list[Schema] | None = None
    sparse_key_value_pair_schema: dict[str, Pair] | None = None


class Pair(msgspec.Struct, rename="camel", frozen=True):
    key_type: Schema
    value_type: Schema


Layout: TypeAlias = Mapping[str, Schema]

_UNKNOWN: Final = Schema("UNKNOWN")
_NESTED: Final = frozenset({"LIST", "TUPLE", "MAP", "OBJECT"})
_layouts: Final = msgspec.json.Decoder(dict[str, Schema])


def layout(schema: bytes) -> Layout:
    """The columns of a schema; the column ``-`` marks deletions."""
    return _layouts.decode(schema)


def decode_column(schema: Schema, cells: Sequence[Any], restore: Restore) -> Values:
    """A column of encoded cells; None and ABSENT stay as they are. ``restore`` gives what stands for a Record."""
    if schema.type not in _NESTED:
        values = column(schema.type, cells)
        if len(values) != len(cells):
            raise BadValue(f"a column of {schema.type} holds values of a wrong width")
        return values
    read = reader(schema, restore)
    return [cell if cell is None or cell is ABSENT else read(cell) for cell in cells]


def reader(schema: Schema, restore: Restore) -> Read:
    """How to read one value of this type."""
    if schema.type in ("LIST", "TUPLE"):
        return _sequence(schema, restore)
    if schema.type == "MAP":
        return _map(schema, restore)
    if schema.type == "OBJECT":
        return _object(schema, restore)
    return lambda value: scalar(schema.type, value)


def _sequence(schema: Schema, restore: Restore) -> Read:
    """Position i has the type of the attribute with that index, else the element type."""
    make = list if schema.type == "LIST" else tuple
    usual_type = schema.element_type or _UNKNOWN
    odd = {each.index: reader(each, restore) for each in schema.attributes or ()}
    usual = reader(usual_type, restore)

    def read(value: Any) -> Any:
        if value is None:
            return None
        _expect(list, schema, value)
        if not odd:
            return make(decode_column(usual_type, value, restore))
        return make(odd.get(i, usual)(item) for i, item in enumerate(value))

    return read


def _map(schema: Schema, restore: Restore) -> Read:
    """Pair i has the types of the sparse entry "i", else the key and the value type."""
    usual = _pair(schema.key_type, schema.value_type, restore)
    sparse = schema.sparse_key_value_pair_schema or {}
    odd = {name: _pair(each.key_type, each.value_type, restore) for name, each in sparse.items()}

    def read(value: Any) -> Any:
        if value is None:
            return None
        pairs = list(value.items()) if isinstance(value, dict) else value  # very old stores have an object here
        _expect(list, schema, pairs)
        if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
            raise BadValue("an entry of a MAP is a pair")
        readers = (odd.get(str(i), usual) for i in range(len(pairs)))
        return {hashable(of_key(k)): of_value(v) for (of_key, of_value), (k, v) in zip(readers, pairs, strict=True)}

    return read


def _pair(key: Schema | None, value: Schema | None, restore: Restore) -> tuple[Read, Read]:
    return reader(key or _UNKNOWN, restore), reader(value or _UNKNOWN, restore)


def _object(schema: Schema, restore: Restore) -> Read:
    readers = {each.name: reader(each, restore) for each in schema.attributes or ()}

    def read(value: Any) -> Any:
        if value is None:
            return None
        _expect(dict, schema, value)
        unknown = value.keys() - readers.keys()
        if unknown:
            raise BadValue(f"the attribute {min(unknown)!r} of an OBJECT has no type")
        attributes = {name: readers[name](cell) for name, cell in value.items()}
        return restore(Record(schema.python_type or "object", attributes))

    return read


def _expect(shape: type, schema: Schema, value: Any) -> None:
    if not isinstance(value, shape):
        raise BadValue(f"a {schema.type} is kept as {shape.__name__}, not as {type(value).__name__}")


def settle(cells: Values, keep_none: bool) -> Values | None:
    """A finished column: ints or floats alone as an array, None left out unless kept; None where no cell is left."""
    if isinstance(cells, array):
        return cells
    kinds = set(map(type, cells))
    if type(None) in kinds and not keep_none:
        cells = [ABSENT if cell is None else cell for cell in cells]
        kinds = (kinds - {type(None)}) | {type(ABSENT)}
    if kinds == {int}:
        return array("q", cells)
    if kinds == {float}:
        return array("d", cells)
    return None if kinds <= {type(ABSENT)} else cells
