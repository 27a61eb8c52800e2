"""The series of one run: exported whole by newer servers, key by key by older ones, or sampled (swanlab paper 4).

The newer way is three requests for up to sixteen keys (export, sign the link, download), the older two for each key.
Which one a server has is found out at the first 404, which a missing run gives too: so then the run itself is asked
for, and only a run that is there makes a server an older one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from swnb.call import Call, Plan, ask, ask_all, collect, note
from swnb.errors import BadReply, Forbidden, NotFound
from swnb.model import Series
from swnb.providers.swanlab.calls import Calls
from swnb.providers.swanlab.records import Run
from swnb.providers.swanlab.series import Cut, Unended, series_of_line
from swnb.providers.swanlab.summaries import summaries
from swnb.providers.swanlab.words import SYSTEM

_KEYS_AT_ONCE: Final = 16
_SAMPLED: Final = 1500  # points that the server gives at most
_FEWEST: Final = 3  # its sampling keeps both ends and something between
_NUMBERS: Final = frozenset({None, "FLOAT", "SCALAR"})
_MOST_CURSORS: Final = 1000
_EXPORT: Final = "export"  # in ``Calls.lacks``


def series_of(calls: Calls, run: Run, keys: Sequence[str] | None, steps: int | None) -> Plan[list[Series]]:
    """Those of ``keys`` that there are, in their order (None = all but system metrics)."""
    wanted = list(dict.fromkeys(keys)) if keys is not None else (yield from keys_of(calls, run))
    found: list[Series] | None = None
    if steps is not None and steps <= _SAMPLED and _EXPORT not in calls.lacks:
        found = yield from _sampled(calls, run, wanted, steps)
    if found is None:
        found = yield from _full(calls, run, wanted)
    return [series.at_most(steps) for series in found]


# -- which keys there are


def keys_of(calls: Calls, run: Run) -> Plan[list[str]]:
    found: list[str] | None = None
    if _EXPORT not in calls.lacks:
        try:
            found = yield from _newer_keys(calls, run)
        except NotFound:
            yield from calls.still_there(run)
            calls.lacks.add(_EXPORT)
    if found is None:
        found = yield from _older_keys(calls, run)
    return [key for key in dict.fromkeys(found) if not key.startswith(SYSTEM)]


def _newer_keys(calls: Calls, run: Run) -> Plan[list[str]]:
    found: list[str] = []
    cursor = ""
    for _ in range(_MOST_CURSORS):
        page = yield from ask(calls.keys(run, cursor))
        found += [key for key in page.get("keys") or () if isinstance(key, str)]
        following = page.get("nextCursor")
        if not page.get("hasMore") or not isinstance(following, str) or following in ("", cursor):
            break
        cursor = following
    return found


def _older_keys(calls: Calls, run: Run) -> Plan[list[str]]:
    try:
        listing = yield from collect(calls.columns(run), lambda column: column.get("key"))
    except NotFound:  # a run that has written nothing
        return []
    scalars = [each for each in listing.items if each.get("type") in _NUMBERS and each.get("class") != "SYSTEM"]
    return [key for each in scalars if isinstance(key := each.get("key"), str)]


# -- in full


def _full(calls: Calls, run: Run, keys: Sequence[str]) -> Plan[list[Series]]:
    if _EXPORT not in calls.lacks:
        try:
            return (yield from _chunks(keys, lambda some: _exported(calls, run, some)))
        except NotFound:
            yield from calls.still_there(run)
        keys = yield from _known(calls, run, keys)
        if _EXPORT not in calls.lacks:
            return (yield from _chunks(keys, lambda some: _exported(calls, run, some)))
    return (yield from by_key(calls, run, keys))


def _known(calls: Calls, run: Run, keys: Sequence[str]) -> Plan[Sequence[str]]:
    """Of a run that is there the export was not found: a newer server knows no such key, an older no such thing."""
    try:
        there = {*(yield from _newer_keys(calls, run))}
    except NotFound:
        calls.lacks.add(_EXPORT)
        return keys
    return [key for key in keys if key in there]


def _chunks(keys: Sequence[str], plan: Callable[[Sequence[str]], Plan[list[Series]]]) -> Plan[list[Series]]:
    parts = [keys[at : at + _KEYS_AT_ONCE] for at in range(0, len(keys), _KEYS_AT_ONCE)]
    found = yield from ask_all([plan(some) for some in parts])
    return [series for each in found for series in each]


def _exported(calls: Calls, run: Run, keys: Sequence[str]) -> Plan[list[Series]]:
    place = yield from ask(calls.export(run, keys))
    found = yield from _downloaded(calls, lambda: calls.link(place), keys, run)
    if found is not None:
        return found
    # Not the columns that were asked for: which of them is whose cannot be told unless each key goes alone.
    if len(keys) == 1:
        raise BadReply(f"the CSV of {keys[0]} of job {run.id} has not the columns step, value and timestamp")
    alone = yield from ask_all([_exported(calls, run, [key]) for key in keys])
    return [series for each in alone for series in each]


def by_key(calls: Calls, run: Run, keys: Sequence[str]) -> Plan[list[Series]]:
    """The older way, for which a run's cuid is enough."""
    found = yield from ask_all([_one(calls, run, key) for key in dict.fromkeys(keys)])
    return [series for each in found for series in each]


def _one(calls: Calls, run: Run, key: str) -> Plan[list[Series]]:
    try:
        found = yield from _downloaded(calls, lambda: calls.column_link(run.cuid, key), [key], run)
    except NotFound:  # the run has no such key
        return []
    if found is None:
        raise BadReply(f"the CSV of {key} of job {run.id} has not the columns step, value and timestamp")
    return found


def _downloaded(
    calls: Calls, link: Callable[[], Call[str]], keys: Sequence[str], run: Run
) -> Plan[list[Series] | None]:
    """A link that is no longer taken, or gives half a file, is asked for once more."""
    reached: dict[str, int] | None = None
    try:
        return (yield from ask(calls.csv((yield from ask(link())), keys, run)))
    except Unended:
        # Should this server end no last line at all, the summary tells whether something is missing behind it.
        # It is asked before the file, which is then not the older of both.
        reached = (yield from _last_steps(calls, run)) if run.project_cuid else None
    except (Forbidden, Cut):
        pass
    return (yield from ask(calls.csv((yield from ask(link())), keys, run, reached)))


def _last_steps(calls: Calls, run: Run) -> Plan[dict[str, int]]:
    found = (yield from summaries(calls, [run]))[run.cuid]
    steps = {key: each.get("step") for key, each in found.items() if isinstance(each, Mapping)}
    return {key: step for key, step in steps.items() if isinstance(step, int)}


# -- sampled


def _sampled(calls: Calls, run: Run, keys: Sequence[str], points: int) -> Plan[list[Series] | None]:
    """None where this server does not sample."""
    parts = [keys[at : at + _KEYS_AT_ONCE] for at in range(0, len(keys), _KEYS_AT_ONCE)]
    try:
        answers = yield from ask_all([calls.lines(run, some, max(points, _FEWEST)) for some in parts])
    except NotFound:
        return None
    entries = {entry.get("key"): entry for answer in answers for entry in answer if _is_of(run, entry)}
    lines = [_line(entries[key], run) for key in keys if key in entries]
    found = [series for series in lines if series.step]
    if found:
        # The server tells neither how many points there are nor which it left out (NaN among them).
        names = ", ".join(series.metric for series in found)
        cause = f"sampled by the server to {points} points, because steps={points} was asked"
        note(f"metric {names} of job {run.id}: {cause}")
    return found


def _is_of(run: Run, entry: Any) -> bool:
    return entry.get("experimentId") in (None, run.cuid, run.roots.get("rootExpId"))


def _line(entry: Any, run: Run) -> Series:
    points = entry.get("metrics")
    return series_of_line(entry["key"], points if isinstance(points, list) else [], run.id, run.project)
