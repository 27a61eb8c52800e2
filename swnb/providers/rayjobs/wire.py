"""Values of the wire, as either dialect sends them: texts, numbers, times, runtime environments.

Read tolerantly: a number where a text was, a text where a number was, null and "" for what is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import msgspec

from swnb.call import note
from swnb.model import Status
from swnb.providers.reading import inner

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECONDS: Final = 10**11  # from here on a time counts them, below it counts seconds (paper 1.5)
_PIP: Final = re.compile(r"pip[\d.]* install (?P<wanted>.*) && pip[\d.]* check")

_STATUSES: Final[Mapping[str, Status]] = {
    "PENDING": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "SUCCEEDED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "STOPPED": Status.CANCELLED,
}


def status_of(word: str) -> Status:
    return _STATUSES.get(word, Status.UNKNOWN)


def text(value: object) -> str | None:
    """A text that is not empty; numbers as they would be written."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def time_of(value: object, what: str) -> datetime | None:
    """Unix seconds or milliseconds, as number or digits, in UTC; 0, "" and null are none, and so, with a note, is what
    cannot be read."""
    if value is None or value in ("", "0", 0):
        return None
    number = int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value) else value
    if isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number) and number > 0:
        unit = 1_000 if number >= _MILLISECONDS else 1_000_000
        try:
            return _EPOCH + timedelta(microseconds=number * unit)
        except OverflowError:
            pass
    note(f"{what} could not be read as a time: {str(value)[:40]!r}")
    return None


def environment(sent: object) -> dict[str, Any]:
    """A runtime environment as it was submitted, with ``env_vars`` (texts) in any case. openYuanRong sends it as three
    strings: env_vars as JSON, pip as a shell line, which stays as it is where it has another form."""
    found = dict(inner(sent))
    if "envVars" in found:
        found = {
            "env_vars": _decoded(found.pop("envVars")),
            "pip": _wanted(found.pop("pip", "")),
            "working_dir": found.pop("working_dir", ""),
            **found,
        }
    variables = inner(found, "env_vars")
    return {**found, "env_vars": {name: text(value) or "" for name, value in variables.items()}}


def _decoded(sent: object) -> object:
    if not isinstance(sent, str) or not sent:
        return sent
    try:
        return msgspec.json.decode(sent)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        note("environment variables could not be read: they are no JSON object")
        return {}


def _wanted(sent: object) -> object:
    line = _PIP.fullmatch(sent) if isinstance(sent, str) else None
    return line["wanted"].split() if line else sent or []
