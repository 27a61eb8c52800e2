"""What callers may write where a server, project or job is wanted: URIs, handles, frames of ours, or many of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, Final, TypeAlias

from swnb.errors import BadInput, BadURI
from swnb.model import Status
from swnb.settings import to_ref
from swnb.uri import Kind, Ref

#: a URI, a handle, a DataFrame whose index holds URIs, or an iterable of such
Where: TypeAlias = Any

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def refs(where: Where, expect: Kind | None = None) -> list[Ref]:
    """All that ``where`` names, in order, each once."""
    return list(dict.fromkeys(_refs(where, expect)))


def _refs(where: Where, expect: Kind | None) -> Iterable[Ref]:
    if isinstance(where, str):
        yield to_ref(where, expect=expect)
    elif isinstance(where, Ref):
        yield where
    elif isinstance(ref := getattr(where, "ref", None), Ref):
        yield ref
    elif hasattr(where, "columns") and hasattr(where, "index"):  # a DataFrame, told without importing pandas
        yield from _of_frame(where, expect)
    elif isinstance(where, Iterable) and not isinstance(where, (bytes, dict)):
        for each in where:
            yield from _refs(each, expect)
    else:
        raise BadInput(
            f"{type(where).__name__} names no server, project or job",
            todo="Give a URI such as lab/project/mnist/job/23, a handle from swnb.open, or a frame from swnb.jobs",
        )


def _of_frame(frame: Any, expect: Kind | None) -> Iterable[Ref]:
    if frame.index.name not in ("job", "project"):
        raise BadInput(
            "this frame's index holds no job URIs", todo="Frames from swnb.jobs and swnb.summary have them as index"
        )
    for uri in frame.index:
        yield to_ref(str(uri), expect=expect)


def one(where: Where, expect: Kind) -> Ref:
    found = refs(where, expect)
    if len(found) != 1:
        raise BadInput(f"one {expect} is wanted here, not {len(found)}")
    return found[0]


def job_of(ref: Ref) -> str:
    """The id of the job that a ref names."""
    if ref.job is None:
        raise BadURI(f"{ref} names no job", todo="Add /job/ID")
    return ref.job


def plain(value: Any) -> Any:
    """An argument as builtin values, which can be sent, compared and written down: no numpy numbers, no enums."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:  # one of numpy's numbers
        return value.item()
    if isinstance(value, (str, int, float, dict)) or not isinstance(value, Iterable):
        return value
    return [plain(each) for each in value]


def statuses(status: str | Status | Iterable[str | Status] | None) -> frozenset[Status] | None:
    """A status filter: one word of the vocabulary or many."""
    if status is None:
        return None
    words = [status] if isinstance(status, str) else list(status)
    known = {each.value for each in Status}
    for word in words:
        if str(word) not in known:
            raise BadInput(f"{str(word)!r} is no status", todo=f"There are: {' '.join(each.value for each in Status)}")
    return frozenset(Status(str(word)) for word in words)


def moment(since: datetime | timedelta | str | None) -> datetime | None:
    """A point in time, in UTC: a datetime (naive means UTC), ISO 8601 text, or an age such as ``"24h"``, ``"7d"``."""
    if since is None:
        return None
    if isinstance(since, timedelta):
        return datetime.now(timezone.utc) - since
    if isinstance(since, str):
        since = _parsed(since)
    if not isinstance(since, datetime):
        raise BadInput(f"{since!r} is no time", todo='Give a datetime, "2026-11-22", or an age such as "24h" or "7d"')
    return (since if since.tzinfo else since.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)


def _parsed(text: str) -> datetime:
    if age := re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip()):
        return datetime.now(timezone.utc) - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        return datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        pass
    raise BadInput(f"{text!r} is no time", todo='Write "2026-11-22", "2026-11-22T12:00+00:00", or an age such as "24h"')


def check_limit(limit: int | None) -> int | None:
    if limit is None:
        return None
    try:
        count = -1 if isinstance(limit, bool) else operator.index(limit)
    except TypeError:
        count = -1
    if count >= 0:
        return count
    raise BadInput(f"limit={limit!r} is no count", todo="Give a whole number from 0, or leave it out for all")
