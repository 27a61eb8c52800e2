"""The answers of a real Starwhale Server (``tests/data/starwhale-server*``), and how they are compared."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swnb.call import Reply
from swnb.model import Record

DATA = Path(__file__).parents[2] / "data"
UUID = {
    2: "8e9c80b4777d425eb90032b4b604022a",
    6: "56f9ed9c4cbe48838c68a97e54342eba",
    7: "a76aecb17584407482b398d7aa15c460",
    8: "984ee37f8b4049f5947092c460177946",
    37: "f41a1ac5781149a4b04571c1a0f87470",
    38: "b45d0742781647c48c394baf3d970899",
    39: "484902da5dd14e468ba53252798da7c7",
}


@dataclass(frozen=True)
class Recorded:
    """One question and its answer; ``number`` is its line in the file."""

    number: int
    name: str
    asked: Mapping[str, Any]
    reply: Reply

    @property
    def body(self) -> Any:
        return json.loads(self.reply.body)

    @property
    def records(self) -> list[dict[str, Any]]:
        return list(self.body["data"]["records"])


@functools.cache
def recorded(kind: str = "server") -> dict[int, Recorded]:
    """``server``, ``server-live`` or ``server-odd``: the answers by their line."""
    with gzip.open(DATA / f"starwhale-{kind}.jsonl.gz", "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return {number: _recorded(number, entry) for number, entry in enumerate(entries) if "request" in entry}


def _recorded(number: int, entry: dict[str, Any]) -> Recorded:
    headers = {"content-type": "application/json", **entry.get("headers", {})}
    reply = Reply(entry["status"], headers, _body(entry), "lab", entry["request"]["path"])
    return Recorded(number, entry["name"], entry["request"], reply)


def _body(entry: dict[str, Any]) -> bytes:
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    if "text" in entry:
        return str(entry["text"]).encode()
    if "json" in entry:
        return json.dumps(entry["json"], ensure_ascii=False).encode()
    # Shortened: the last record stands for all.
    data = {"columnHints": entry["columnHints"], "records": [entry["last_record"]] if entry["last_record"] else []}
    if entry["lastKey"] is not None:
        data["lastKey"] = entry["lastKey"]
    return json.dumps({"code": "success", "message": "Success", "data": data}).encode()


@functools.cache
def sdk() -> dict[str, Any]:
    """What the official SDK read from the same server."""
    found: dict[str, Any] = json.loads((DATA / "starwhale-server-sdk.json").read_text(encoding="utf-8"))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, Record):
        return {"$object": value.class_name, "attrs": {k: _plain(v) for k, v in value.attributes.items()}}
    if isinstance(value, dict):
        return {"$map": sorted([_plain(k), _plain(v)] for k, v in value.items())}
    return value


def canonical_rows(rows: Any) -> list[str]:
    """Rows (dicts of cells) as canonical texts (starwhale paper 6.7), which tell 1 from 1.0 and 0.0 from -0.0."""
    return [json.dumps({k: _plain(v) for k, v in row.items()}, sort_keys=True, ensure_ascii=False) for row in rows]


def sdk_rows(rows: Any) -> list[str]:
    """Rows that the SDK read; they are canonical already."""
    return [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows]
