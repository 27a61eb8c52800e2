"""What all data types of Istari's client have in common: fields by annotation, and to and from dicts and JSON.

A record holds what it was given: a field that was left out is None (a list that must be there is empty), and does not
stand in what is written. Null is taken for every field but those that a type cannot be without (its id; where it has
none, all that are not optional). Keys that a type does not know are ignored at every depth when read from a dict, and a
TypeError when written by a caller. Times stay as they were told: naive ones naive. An unknown word of an enumeration
stays text. What does not fit is a BadInput (a ValueError) that names the field.
"""

from __future__ import annotations

import functools
import json
import pprint
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from swnb.errors import BadInput
from swnb.secret import redact

if TYPE_CHECKING:
    from swnb.sdk.istari.client import Client

R = TypeVar("R", bound="Record")
#: a value as it came, and the name of its place, to the value that the record holds
Reader: TypeAlias = Callable[[Any, str], Any]


class Record:
    """The base of the data types."""

    #: what it cannot be without, where that is not told by its annotations
    _needs: ClassVar[tuple[str, ...]] = ()
    #: who verbs speak through; records that a caller made have none
    _client: Any = None

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - fields_of(type(self)).keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        self._fill(values, type(self).__name__)

    def _fill(self, values: Mapping[str, Any], where: str) -> None:
        kind = type(self)
        for name, field in fields_of(kind).items():
            value = values.get(name)
            if value is not None:
                vars(self)[name] = field.read(value, f"{where}.{name}")
            elif field.needed:
                raise BadInput(f"{where} has no {name}")
            elif field.listed:
                vars(self)[name] = []
            elif name in values:
                vars(self)[name] = None

    def __getattr__(self, name: str) -> Any:
        if name in fields_of(type(self)):
            return None
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in fields_of(type(self)))

    __hash__ = None  # type: ignore[assignment]  # a record can be changed

    def __repr__(self) -> str:
        given = (f"{name}={getattr(self, name)!r}" for name in fields_of(type(self)) if name in vars(self))
        return redact(f"{type(self).__name__}({', '.join(given)})")

    def __getstate__(self) -> dict[str, Any]:
        """A copy has no client: connections and tokens are not copied."""
        return {name: value for name, value in vars(self).items() if name in fields_of(type(self))}

    def to_dict(self) -> dict[str, Any]:
        """The fields that were given; inner records are dicts, times and words stay what they are."""
        return {name: _written(vars(self)[name]) for name in fields_of(type(self)) if name in vars(self)}

    def to_json(self) -> str:
        """The same as JSON, times in ISO 8601."""
        return json.dumps(self.to_dict(), default=_iso)

    def to_str(self) -> str:
        """The same for people."""
        return redact(pprint.pformat(self.to_dict()))

    @classmethod
    def from_dict(cls: type[R], obj: Mapping[str, Any] | None) -> R | None:
        """The record of a dict as ``to_dict``, or a server, writes it; None for None."""
        return None if obj is None else cls.read(obj, cls.__name__)

    @classmethod
    def from_json(cls: type[R], json_str: str) -> R | None:
        """The record of a JSON text."""
        return cls.from_dict(json.loads(json_str))

    @classmethod
    def read(cls: type[R], value: Any, where: str) -> R:
        """A value as it came, as a record of this type."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise BadInput(f"{where} is {type(value).__name__}, not an object")
        made = cls.__new__(cls)
        made._fill(value, where)
        return made

    def bound(self: R, client: Any) -> R:
        """The same record, its verbs and those of the records in it speaking through a client."""
        self._client = client
        for value in vars(self).values():
            for each in value if isinstance(value, list) else (value,):
                if isinstance(each, Record):
                    each.bound(client)
        return self

    def _speaking(self) -> Client:
        if self._client is None:
            raise BadInput(f"this {type(self).__name__} has no client", todo="Get it from a Client to act on it")
        client: Client = self._client
        return client


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read. ``listed``: it is an empty list where it is not given."""

    read: Reader
    needed: bool
    listed: bool


_known: dict[type[Record], Mapping[str, Field]] = {}


def fields_of(kind: type[Record]) -> Mapping[str, Field]:
    """The fields of a type in their order."""
    if kind not in _known:
        _known[kind] = _fields(kind)
    return _known[kind]


def _fields(kind: type[Record]) -> Mapping[str, Field]:
    hints = {name: hint for name, hint in get_type_hints(kind).items() if not name.startswith("_")}
    must = {name for name, hint in hints.items() if not _optional(hint)}
    lists = {name for name in must if get_origin(hints[name]) is list}
    needed = set(kind._needs) or {"id"} & must or must - lists
    return {name: Field(reader(hint), name in needed, name in lists) for name, hint in hints.items()}


def _optional(hint: Any) -> bool:
    return hint is Any or (get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint))


def reader(hint: Any) -> Reader:
    """How a value of a type is read."""
    if _optional(hint):
        inner = [each for each in get_args(hint) if each is not type(None)]
        return reader(inner[0]) if inner else _as_it_is
    if get_origin(hint) is list:
        return functools.partial(_items, reader(get_args(hint)[0]))
    kind = get_origin(hint) or hint
    if issubclass(kind, Record):
        read: Reader = kind.read
        return read
    if issubclass(kind, Enum):
        return functools.partial(_word, kind)
    return _time if kind is datetime else functools.partial(_plain, kind)


def _as_it_is(value: Any, where: str) -> Any:
    return value


def _items(read: Reader, value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput(f"{where} is {type(value).__name__}, not a list")
    return [read(each, f"{where}[{at}]") for at, each in enumerate(value)]


def _word(kind: type[Enum], value: Any, where: str) -> Any:
    text = _plain(str, value, where)
    try:
        return kind(text)
    except ValueError:
        return text


def _time(value: Any, where: str) -> datetime:
    try:
        return value if isinstance(value, datetime) else msgspec.convert(_plain(str, value, where), datetime)
    except msgspec.ValidationError:
        pass
    raise BadInput(f"{where} is no time: {value!r}")


def _plain(kind: type, value: Any, where: str) -> Any:
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise BadInput(f"{where} is {type(value).__name__}, not {kind.__name__}")


def _written(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    return [_written(each) for each in value] if isinstance(value, list) else value


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in JSON")
