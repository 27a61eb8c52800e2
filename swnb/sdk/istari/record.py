"""What all data types of Istari's client have in common: fields by annotation, and to and from dicts and JSON.

A record holds what it was given: a field that was left out is None (a list that must be there is empty), and does not
stand in what is written. Null is taken for every field but those that a type cannot be without (its id; where it has
none, all that are not optional). Keys that a type does not know are ignored at every depth when read from a dict, and a
TypeError when written by a caller. Times stay as they were told: naive ones naive. An unknown word of an enumeration
stays text. What does not fit is a BadInput (a ValueError) that names the field.
"""

from __future__ import annotations

import contextlib
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
#: a value as it came, and who verbs speak through, to the value that the record holds; raises _Misfit
Reader: TypeAlias = Callable[[Any, Any], Any]


class _Misfit(Exception):
    """What is wrong with a value. Its place is told on the way out, since few values are wrong and all have a place."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem, self.place = problem, ""

    def error(self, where: str) -> BadInput:
        return BadInput(f"{where}{self.place} {self.problem}")


class Record:
    """The base of the data types."""

    #: what it cannot be without, where that is not told by its annotations
    _needs: ClassVar[tuple[str, ...]] = ()
    #: what is not shown to people
    _hushed: ClassVar[tuple[str, ...]] = ()
    #: who verbs speak through; records that a caller made have none
    _client: Any = None

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - fields_of(type(self)).keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        try:
            self._fill(values, None)
            return
        except _Misfit as odd:
            error = odd.error(type(self).__name__)
        raise error

    def _fill(self, values: Mapping[str, Any], client: Any) -> None:
        mine = vars(self)
        if client is not None:
            mine["_client"] = client
        for name, field in fields_of(type(self)).items():
            value = values.get(name)
            if type(value) is field.exact:
                mine[name] = value
            elif value is not None:
                try:
                    mine[name] = field.read(value, client)
                except _Misfit as odd:
                    odd.place = f".{name}{odd.place}"
                    raise
            elif field.needed:
                raise _Misfit(f"has no {name}")
            elif field.listed:
                mine[name] = []
            elif name in values:
                mine[name] = None

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
        given = (
            f"{name}={'****' if name in self._hushed else repr(vars(self)[name])}"
            for name in fields_of(type(self))
            if name in vars(self)
        )
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
        """The same for people, secrets as stars."""
        return redact(pprint.pformat(_shown(self)))

    @classmethod
    def from_dict(cls: type[R], obj: Mapping[str, Any] | None) -> R | None:
        """The record of a dict as ``to_dict``, or a server, writes it; None for None."""
        return None if obj is None else cls.read(obj, cls.__name__)

    @classmethod
    def from_json(cls: type[R], json_str: str) -> R | None:
        """The record of a JSON text."""
        return cls.from_dict(json.loads(json_str))

    @classmethod
    def read(cls: type[R], value: Any, where: str, client: Any = None) -> R:
        """A value as it came, as a record of this type, its verbs and those of the records in it speaking through a
        client. BadInput says what does not fit, ``where`` being what the value is called."""
        try:
            return cls._read(value, client)
        except _Misfit as odd:
            error = odd.error(where)
        raise error

    @classmethod
    def _read(cls: type[R], value: Any, client: Any) -> R:
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise _Misfit(f"is {type(value).__name__}, not an object")
        made = cls.__new__(cls)
        made._fill(value, client)
        return made

    def _speaking(self) -> Client:
        if self._client is None:
            raise BadInput(f"this {type(self).__name__} has no client", todo="Get it from a Client to act on it")
        client: Client = self._client
        return client


def expected(given: object, kind: type[R]) -> R:
    """A record that a caller gave; TypeError where it is none of this type."""
    if not isinstance(given, kind):
        raise TypeError(f"a {kind.__name__} is expected, not {type(given).__name__}")
    return given


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read. ``listed``: it is an empty list where it is not given. ``exact``: values of this very type
    are taken as they are."""

    read: Reader
    exact: type | None
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
    return {name: Field(reader(hint), _exact(hint), name in needed, name in lists) for name, hint in hints.items()}


def _exact(hint: Any) -> type | None:
    told = _told(hint)
    return told if told in (str, int, float, bool) else None


def _optional(hint: Any) -> bool:
    return hint is Any or (get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint))


def _told(hint: Any) -> Any:
    """The type of a value that is there."""
    return next((each for each in get_args(hint) if each is not type(None)), Any) if _optional(hint) else hint


def reader(hint: Any) -> Reader:
    """How a value of a type is read."""
    told = _told(hint)
    if told is Any:
        return _as_it_is
    if get_origin(told) is list:
        return functools.partial(_items, reader(get_args(told)[0]))
    kind = get_origin(told) or told
    if issubclass(kind, Record):
        read: Reader = kind._read
        return read
    if issubclass(kind, Enum):
        return functools.partial(_word, kind, {each.value: each for each in kind})
    return _time if kind is datetime else functools.partial(_plain, kind)


def _as_it_is(value: Any, _client: Any) -> Any:
    return value


def _items(read: Reader, value: Any, client: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Misfit(f"is {type(value).__name__}, not a list")
    found: list[Any] = []
    try:
        for each in value:
            if each is not None:
                found.append(read(each, client))
    except _Misfit as odd:
        odd.place = f"[{value.index(each)}]{odd.place}"
        raise
    return found


def _word(kind: type[Enum], known: Mapping[str, Enum], value: Any, _client: Any) -> Any:
    if type(value) is str and value in known:
        return known[value]
    text = _plain(str, value, None)
    try:
        return kind(text)
    except ValueError:
        return text


def _time(value: Any, _client: Any) -> datetime:
    try:
        return value if isinstance(value, datetime) else msgspec.convert(_plain(str, value, None), datetime)
    except msgspec.ValidationError:
        pass
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(value)  # which takes a day without a time of day, too
    raise _Misfit(f"is no time: {value!r}")


def _plain(kind: type, value: Any, _client: Any) -> Any:
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise _Misfit(f"is {type(value).__name__}, not {kind.__name__}")


def _written(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    return [_written(each) for each in value] if isinstance(value, list) else value


def _shown(value: Any) -> Any:
    if isinstance(value, Record):
        given = {name: each for name, each in vars(value).items() if name in fields_of(type(value))}
        return {name: "****" if name in value._hushed else _shown(each) for name, each in given.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot stand in JSON")
