"""Jobs of a Standalone store: their folders and ``_manifest.yaml`` (starwhale paper 6.1, 6.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from swnb.call import note
from swnb.model import JobInfo, Status
from swnb.providers.starwhale.records import status_of
from swnb.stores.documents import read_yaml

#: a manifest is a page of text; more than this is something else
YAML_BYTES: Final = 1 << 20
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: (.+))?")
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)?")
# Words of the SDK's code that a Server does not have.
_EARLY: Final[Mapping[str, Status]] = {"INIT": Status.QUEUED, "START": Status.RUNNING}
_SHOWN: Final = ("created_at", "finished_at", "status", "error_message", "project", "version")


def read_manifest(content: bytes) -> Mapping[str, Any]:
    """A job's manifest as a plain mapping; ValueError where it is none."""
    manifest = read_yaml(content)
    if not isinstance(manifest, dict) or not all(isinstance(name, str) for name in manifest):
        raise ValueError("it is no mapping of names")
    if not isinstance(manifest.get("status"), str):
        raise ValueError("it has no status")
    return manifest


def job_info(manifest: Mapping[str, Any], project: str, job: str) -> JobInfo:
    word = manifest["status"].upper()
    status = _EARLY.get(word) or status_of(word)
    created = time_of(manifest.get("created_at"), f"created_at of job {job}")
    finished = time_of(manifest.get("finished_at"), f"finished_at of job {job}") if status.final else None
    return JobInfo(
        id=job,
        project=project,
        name=_text(manifest.get("handler_name")) or "",
        status=status,
        raw_status=word,
        created=created,
        finished=finished,
        elapsed=finished - created if finished and created else None,
        error=_text(manifest.get("error_message")),
        own={name: value for name, value in manifest.items() if name not in _SHOWN},
        raw=manifest,
    )


def unreadable(project: str, job: str, problem: str) -> JobInfo:
    """A job whose manifest is damaged still has its line in a list."""
    return JobInfo(id=job, project=project, name="", status=Status.UNKNOWN, raw_status="", error=problem)


def time_of(value: object, what: str) -> datetime | None:
    """``2026-11-22 12:40:23 UTC``, or with an offset, or with the name that this machine's own zone has at that time.

    Any other zone name is shared by several zones: the time is empty then, and a note says so.
    """
    if value is None or value == "":
        return None
    try:
        found = _parse(str(value))
        if found is not None:
            return found.astimezone(timezone.utc)
    except (ValueError, OverflowError, OSError):
        pass  # no such day, or outside of what a datetime can hold
    note(f"{what} could not be read as a time: {str(value)[:60]!r}")
    return None


def _parse(text: str) -> datetime | None:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    plain, zone = datetime.fromisoformat(match[1]), match[2] or ""
    if zone.upper() in ("UTC", "GMT", "Z"):
        return plain.replace(tzinfo=timezone.utc)
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return plain.replace(tzinfo=timezone(ahead if offset[1] == "+" else -ahead))
    local = [plain.replace(fold=fold).astimezone() for fold in (0, 1)]
    return next((each for each in local if each.tzname() == zone), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
