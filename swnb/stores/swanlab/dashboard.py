"""The older layout beside a container, for the local dashboard: ``logs/<kid>/<n>.log`` and ``runs.swanlab`` (swanlab
paper 7.5). A container that was cut lacks points that these files may still hold."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from swnb.call import note
from swnb.errors import StoreError
from swnb.model import NO_TIME
from swnb.stores.folder import Folder, Missing
from swnb.stores.swanlab.contents import Contents
from swnb.stores.swanlab.jsonlines import number_of, time_of
from swnb.stores.swanlab.points import Points

_DATABASE: Final = "runs.swanlab"
_DATABASE_BYTES: Final = 256 << 20
_TAGS: Final = (
    "SELECT tag.folder, tag.name FROM tag JOIN experiment ON tag.experiment_id = experiment.id WHERE run_id = ?"
)


def fill(into: Contents, run: Folder, log_dir: Folder, run_id: str) -> None:
    """Add the points of a run's own log files that its container lost. At the same step the container's counts."""
    kids = _kids(run)
    if not kids:
        return
    told = {kid: key for key, kid in into.columns.items() if kid} | _tags(log_dir, run.root.name)
    # A version 2 container names no folders, but they were counted from 1 as the metrics came.
    counted = {} if told else {str(at): key for at, key in enumerate(into.columns, 1)}
    for kid in kids:
        key = told.get(kid) or counted.get(kid)
        if key is not None and into.wanted is not None and key not in into.wanted:
            continue
        found, unsigned = _points(run, kid)
        if key is not None and (kid in told or _agree(found, into.points.get(key))):
            into.points.setdefault(key, Points()).extend(found.steps, found.times, found.values)
            into.unsigned |= {key} if unsigned else set()
        elif found.steps:
            note(f"run {run_id}: which metric the points in logs/{kid} belong to cannot be told; they are left out")


def log_files(run: Folder) -> list[Path]:
    """All files that grow while a run with such a layout lives."""
    return [path for place in ("logs/*/*.log", "console/*.log") for path in run.root.glob(place)]


def _kids(run: Folder) -> list[str]:
    try:
        found = [path.name for path in (run.root / "logs").iterdir() if path.name.isdecimal() and not path.is_symlink()]
    except OSError:
        return []
    return sorted(found, key=int)


def _agree(found: Points, known: Points | None) -> bool:
    """Whether these are the container's points, as far as both have the same steps, and there are such steps."""
    if known is None:
        return False
    theirs = dict(zip(known.steps, known.values, strict=True))
    common = [(value, theirs[step]) for step, value in zip(found.steps, found.values, strict=True) if step in theirs]
    return bool(common) and all(a == b or (a != a and b != b) for a, b in common)  # noqa: PLR0124 (NaN)


def _points(run: Folder, kid: str) -> tuple[Points, bool]:
    """The numbers of one metric's log files, and whether an infinity without a sign is among them."""
    points, unsigned = Points(), False
    files = [path.name for path in (run.root / "logs" / kid).glob("*.log") if path.stem.isdecimal()]
    for name in sorted(files, key=lambda name: int(name.removesuffix(".log"))):
        for line in _lines(run, f"logs/{kid}/{name}"):
            step, value = line.get("index"), number_of(line.get("data"))
            if type(step) is int and abs(step) < 2**63 and value is not None:
                time = time_of(line.get("create_time"))
                points.add(step, NO_TIME if time is None else time, value)
                unsigned = unsigned or line["data"] == "INF"
    return points, unsigned


def _lines(run: Folder, file: str) -> Iterator[Mapping[str, object]]:
    """The JSON lines of a file up to the first that cannot be read: the last may be half-written."""
    try:
        content = run.read(file)
    except StoreError as error:
        note(error.what)
        return
    for line in content.splitlines():
        try:
            parsed = json.loads(line)  # unlike msgspec it reads NaN and Infinity
        except (ValueError, RecursionError):
            return
        if isinstance(parsed, dict):
            yield parsed


def _tags(log_dir: Folder, run: str) -> dict[str, str]:
    """Folder -> metric of a run by the dashboard's database, which is read from a copy: opening it where it lies would
    write beside it."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / _DATABASE
        try:
            if not _copied(log_dir, copy):
                return {}
            with closing(sqlite3.connect(copy)) as database:
                found = database.execute(_TAGS, (run,)).fetchall()
        except Missing:
            return {}
        except (sqlite3.Error, StoreError) as error:
            note(f"{_DATABASE} cannot be read: {error}")
            return {}
    return {str(folder): key for folder, key in found if isinstance(key, str)}


def _copied(log_dir: Folder, copy: Path) -> bool:
    """Copy the database with its journal; False where a writer is at it all the time."""
    for _ in range(3):
        before = _state(log_dir)
        copy.write_bytes(log_dir.read(_DATABASE, _DATABASE_BYTES))
        journal = copy.with_name(copy.name + "-wal")
        journal.unlink(missing_ok=True)
        with suppress(Missing):
            journal.write_bytes(log_dir.read(journal.name, _DATABASE_BYTES))
        if _state(log_dir) == before:
            return True
    note(f"{_DATABASE} is being written to all the time; it was not read")
    return False


def _state(log_dir: Folder) -> list[tuple[int, int]]:
    states = [path.stat() for path in sorted(log_dir.root.glob(f"{_DATABASE}*")) if not path.name.endswith("-shm")]
    return [(state.st_size, state.st_mtime_ns) for state in states]
