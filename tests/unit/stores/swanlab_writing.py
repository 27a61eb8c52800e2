"""A little writer of SwanLab's containers, made from the paper alone: it shares nothing with the reader."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from swnb.call import noting
from swnb.stores.swanlab import LogFolder

from .writing import done

BLOCK = 32768
START = 1_764_000_000
STATES = {"FINISHED": 1, "CRASHED": 2, "ABORTED": 3}


def framed(records: Iterable[bytes], version: int = 2) -> bytes:
    """The file of a container with these records."""
    made = bytearray(b":SWL" + struct.pack("<HB", 0xE1D6, version))
    for each in records:
        rest, first = each, True
        while first or rest:
            room = BLOCK - len(made) % BLOCK
            if room < 7:
                made += b"\0" * room
                continue
            part, rest = rest[: room - 7], rest[room - 7 :]
            kind = (2 if rest else 1) if first else (3 if rest else 4)
            made += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
    return bytes(made)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    made = []
    while value > 127:
        made.append(value % 128 + 128)
        value //= 128
    return bytes([*made, value])


def field(number: int, content: int | bytes | str | float | None) -> bytes:
    """One field; proto3 leaves out zeros (but not -0.0) and empty texts. ``bytes`` are messages: they stay if empty."""
    if isinstance(content, float):
        raw = struct.pack("<d", content)
        return varint(number << 3 | 1) + raw if any(raw) else b""
    if content is None or content in ("", 0):
        return b""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def stamp(nanos: int) -> bytes:
    return field(1, nanos // 10**9) + field(2, nanos % 10**9)


def record(kind: int, message: bytes, num: int = 1, nanos: int = START * 10**9 + 123_456_789) -> bytes:
    return field(1, num) + field(2, stamp(nanos)) + field(kind, message)


def start(id_: str = "abcd1234", project: str = "demo", workspace: str = "", began: int = START) -> bytes:
    names = field(1, project) + field(2, workspace) + field(4, f"run {id_}") + field(10, id_)
    return record(10, names + field(12, stamp(began * 10**9)), -1)


def column(key: str) -> bytes:
    return record(12, field(1, 1) + field(2, 1) + field(3, key))


def point(key: str, step: int, value: float, nanos: int = START * 10**9 + 500_000_000, num: int = 1) -> bytes:
    content = field(1, key) + field(2, step) + field(3, 1) + field(4, stamp(nanos)) + field(5, field(1, value))
    return record(13, content, num, nanos + 77_000)


def log(line: str) -> bytes:
    return record(16, field(1, line))


def finish(state: str = "FINISHED", error: str = "") -> bytes:
    return record(11, field(1, STATES[state]) + field(2, error) + field(3, stamp((START + 60) * 10**9)), -2)


def line(model: str, **data: Any) -> bytes:
    """A version 1 record."""
    return json.dumps({"model_type": model, "data": data}).encode() + b"\n"


def scalar(key: str, step: int, data: Any) -> bytes:
    at = "2026-11-22T12:41:34.392099+00:00"
    return line("Scalar", metric={"index": step, "data": data, "create_time": at}, key=key, step=step, epoch=step + 1)


def first_lines(id_: str = "abcd1234", project: str = "demo") -> list[bytes]:
    return [
        line("Header", backup_type="DEFAULT", create_time="2026-11-22T12:41:30.000000+00:00"),
        line("Project", name=project, workspace=None, public=None),
        line("Experiment", id=id_, name="first", colors=[], description="", tags=[]),
    ]


def save(log_dir: Path, content: bytes, id_: str = "abcd1234", *, version: int = 2, day: int = 22) -> Path:
    """Lay a container into the folder of its run."""
    folder = log_dir / f"run-202611{day:02}_124908-{id_}"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / (f"run-{id_}.swanlab" if version == 2 else "backup.swanlab")).write_bytes(content)
    return folder


def grow_old(place: Path) -> None:
    """All files below were last written to an hour ago."""
    for path in place.rglob("*"):
        age = path.stat().st_mtime - 3600
        os.utime(path, (age, age))


def points_of(log_dir: Path, *keys: str, steps: int | None = None) -> dict[str, list[tuple[int, float]]]:
    """What the metrics verb gives: metric -> its points."""
    found = done(LogFolder(log_dir).metrics(None, None, keys or None, steps))
    return {series.metric: list(zip(series.step, series.value, strict=True)) for series in found}


def notes_of(log_dir: Path) -> str:
    """What the metrics verb notes."""
    with noting() as notes:
        points_of(log_dir)
    return "\n".join(notes)
