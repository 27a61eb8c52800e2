"""Stores made up for a test, in the layout of starwhale paper section 6."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

from swnb.model import RowQuery
from swnb.stores.starwhale import StandaloneStore

JOB = "ab" + "c" * 38
TABLE = f"project/self/eval/ab/{JOB}/results"
SPACED = (", ", ": ")


def done(plan: Generator[Any, Any, Any]) -> Any:
    """What a plan that asks nothing returns."""
    try:
        next(plan)
    except StopIteration as end:
        return end.value
    raise AssertionError("a store asks nothing")


def hex64(value: int) -> str:
    return struct.pack(">q", value).hex()


def cell(value: Any) -> tuple[str, Any]:
    """(type, encoded value) of a scalar."""
    if value is None:
        return "UNKNOWN", None
    if isinstance(value, bool):
        return "BOOL", "1" if value else "0"
    if isinstance(value, int):
        return "INT64", hex64(value)
    if isinstance(value, float):
        return "FLOAT64", struct.pack(">d", value).hex()
    return "STRING", value


def revision(cells: Mapping[str, Any]) -> dict[str, Any]:
    encoded = {name: cell(value) for name, value in cells.items()}
    return {
        "schema": {name: {"type": kind} for name, (kind, _) in encoded.items()},
        "data": {name: value for name, (_, value) in encoded.items()},
    }


def line(*revisions: tuple[int, Mapping[str, Any]]) -> dict[str, Any]:
    """One key's history: (revision, cells) each."""
    return {"key": "id", "records": {str(number): revision(cells) for number, cells in revisions}}


def replaced(file: Path, content: Any) -> None:
    """A JSON file in the place of what was there, in one step as the SDK does it."""
    beside = file.with_suffix(".new")
    beside.write_text(json.dumps(content))
    beside.replace(file)


class Folder:
    """A store below a test's folder, with one job and one table unless told otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tables: dict[str, str] = {}
        self.store = StandaloneStore(root)
        (root / ".datastore").mkdir(parents=True)
        self.job(JOB)

    def job(self, job: str, *, project: str = "self", text: str | None = None, **fields: str) -> Path:
        place = self.root / project / "job" / job[:2] / job
        place.mkdir(parents=True)
        known = {"status": "success", "created_at": "2026-11-22 12:00:00 UTC", "version": job, **fields}
        lines = "".join(f"{name}: {value}\n" for name, value in known.items())
        (place / "_manifest.yaml").write_text(text if text is not None else lines, encoding="utf-8")
        return place / "_manifest.yaml"

    def place(self, name: str = TABLE) -> Path:
        return self.root / ".datastore" / self.tables[name]

    def table(
        self,
        *blocks: Iterable[Mapping[str, Any]],
        name: str = TABLE,
        tombstones: Iterable[Mapping[str, Any]] = (),
        separators: tuple[str, str] = SPACED,
        prefix: str = "data",
    ) -> Path:
        """A table of these blocks of lines; a block's key range is that of its lines."""
        self.tables.setdefault(name, f"{len(self.tables):02x}/0123abcd")
        self.place(name).mkdir(parents=True, exist_ok=True)
        described = [
            self._block(self.place(name) / f"{prefix}.{n:07d}.zip", n, list(lines), separators)
            for n, lines in enumerate(blocks, 1)
        ]
        manifest = {"version": "0.1.2", "block_config": {"block_name_prefix": prefix}, "key_column": "id"}
        manifest |= {"blocks": described, "tombstones": list(tombstones), "checkpoints": []}
        replaced(self.place(name) / "manifest.json", manifest)
        self.catalog()
        return self.place(name)

    def catalog(self) -> None:
        entries = [{"name": name, "dir": place, "created_at": 1} for name, place in self.tables.items()]
        replaced(self.root / ".datastore" / "manifest.json", {"version": "0.1", "tables": entries})

    def _block(self, file: Path, number: int, lines: list[Mapping[str, Any]], form: tuple[str, str]) -> dict[str, Any]:
        text = "".join(json.dumps(each, separators=form, ensure_ascii=False) + "\n" for each in lines)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("tmp1234", text)
        keys = sorted(_key(each) for each in lines)
        return {"min_key": keys[0], "max_key": keys[-1], "row_count": len(keys), "block_id": number}

    def rows(self, query: RowQuery | None = None, table: str = "results") -> list[dict[str, Any]]:
        batches = self.store.scan(None, JOB, table, query or RowQuery())
        return [row for batch in batches for row in batch.records()]


def _key(entry: Mapping[str, Any]) -> Any:
    first = min(entry["records"].items(), key=lambda each: int(each[0]))[1]
    encoded = first["data"]["id"]
    return struct.unpack(">q", bytes.fromhex(encoded))[0] if first["schema"]["id"]["type"] == "INT64" else encoded
