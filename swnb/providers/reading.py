"""Reading what a server sent, as all providers do it: what is promised and missing is told with server and field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from swnb.call import Reply, note

T = TypeVar("T")
#: what a decoded body means; the reply is there to raise its errors
Read: TypeAlias = Callable[[Any, Reply], T]

MOST_PAGES: Final = 10_000  # of a server that speaks of more no page is asked ahead
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)


def field(record: Any, name: str, shape: type | tuple[type, ...], reply: Reply) -> Any:
    """A field that the protocol promises; BadReply names it where it is missing or of another shape."""
    if not isinstance(record, Mapping):
        raise reply.odd(f"an object with the field {name} is expected, not {type(record).__name__}")
    if name not in record:
        raise reply.odd(f"the field {name} is missing")
    value = record[name]
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        raise reply.odd(f"the field {name} is {type(value).__name__}")
    return value


def mapping(value: Any, reply: Reply) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise reply.odd(f"an object is expected, not {type(value).__name__}")
    return value


def mappings(value: Any, reply: Reply, name: str = "list") -> list[Mapping[str, Any]]:
    """A list of objects, bare or as the only page of a list (under ``name``)."""
    items = value.get(name) if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        raise reply.odd(f"a list is expected, not {type(items).__name__}")
    return [mapping(item, reply) for item in items]


def inner(value: Any, *names: str) -> Mapping[str, Any]:
    """The object at a path of names; an empty one where any of them is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def iso_time(value: object, what: str) -> datetime | None:
    """ISO 8601 (UTC where it names no zone) as UTC; what cannot be read is None, with a note."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            found = msgspec.convert(value, datetime)
            return found if found.tzinfo is timezone.utc else _in_utc(found)
    except (msgspec.ValidationError, OverflowError):
        pass
    note(f"{what} could not be read as a time: {str(value)[:40]!r}")
    return None


def _in_utc(time: datetime) -> datetime:
    return time.astimezone(timezone.utc) if time.tzinfo else time.replace(tzinfo=timezone.utc)


def micros_of(time: datetime) -> int:
    """A time as Unix microseconds, as series have them."""
    return (time - _EPOCH) // _MICROSECOND


class Sent(Mapping[str, Any]):
    """A record as it was sent, decoded when it is first looked into: of a long list few are. Without the keys of
    ``but``. BadReply where it cannot be decoded."""

    __slots__ = ("_but", "_record", "_reply", "_sent")

    def __init__(self, sent: msgspec.Raw, reply: Reply, but: frozenset[str] = frozenset()) -> None:
        self._sent, self._reply, self._but = sent, reply, but
        self._record: dict[str, Any] | None = None

    def open(self) -> dict[str, Any]:
        """The record as a dict of its own."""
        if self._record is None:
            record = mapping(self._reply.part(self._sent), self._reply)
            self._record = {name: value for name, value in record.items() if name not in self._but}
        return self._record

    def __getitem__(self, name: str) -> Any:
        return self.open()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.open())

    def __len__(self) -> int:
        return len(self.open())


def is_page(reply: Reply) -> bool:
    """Whether a page of HTML came where an answer was wanted: a proxy, or another server."""
    return b"<html" in reply.body[:200].lower() or "text/html" in reply.headers.get("content-type", "")
