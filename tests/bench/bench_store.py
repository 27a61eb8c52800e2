"""Rows a second from a Starwhale Standalone store, ours beside the official SDK's.

``python tests/bench/bench_store.py`` prints them. With ``SWNB_STARWHALE_PYTHON`` (the Python of an environment
that has starwhale 0.6.15) the SDK writes the table of 40,020 rows of 2 columns and reads it in the same run; without,
a like table is made here and only ours is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from swnb.model import RowQuery
from swnb.stores.starwhale import StandaloneStore

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

ROWS, BLOCK, ROUNDS = 40_020, 10_000, 7
GOAL = 20

SDK = """
import os, sys, time
root = sys.argv[1]
os.environ.update(SW_CLI_CONFIG=root + "/../config.yaml", SW_LOCAL_STORAGE=root, SW_CLIENT_RETRY_ATTEMPTS="1")
from starwhale.api._impl.data_store import FLOAT64, INT64, ColumnSchema, LocalDataStore, TableDesc, TableSchema
table, rows, datastore = sys.argv[2], int(sys.argv[3]), root + "/.datastore"
schema = TableSchema("id", [ColumnSchema("id", INT64), ColumnSchema("v", FLOAT64)])
writer = LocalDataStore(datastore)
for first in range(0, rows, 1000):
    writer.update_table(table, schema, [{"id": n, "v": n * 0.1} for n in range(first, min(first + 1000, rows))])
writer.dump()
best = 1e9
for _ in range(3):
    begin = time.perf_counter()
    assert sum(1 for _ in LocalDataStore(datastore).scan_tables([TableDesc(table)])) == rows
    best = min(best, time.perf_counter() - begin)
print("RATE", rows / best)
"""


def main() -> None:
    from stores.writing import JOB, TABLE, Folder, line

    with tempfile.TemporaryDirectory() as place:
        made = Folder(Path(place) / "root")
        sdk = sdk_rate(made.root, TABLE)
        if sdk is None:
            rows = [line((n + 1, {"id": n, "v": n * 0.1})) for n in range(ROWS)]
            made.table(*(rows[first : first + BLOCK] for first in range(0, ROWS, BLOCK)))
        ours = rate(made.store, JOB)
        print(f"ours      {ours:>12,.0f} rows/s")
        if sdk is not None:
            print(f"the SDK   {sdk:>12,.0f} rows/s\nratio     {ours / sdk:>12.1f} (goal: {GOAL})")
        part = timed(made.store, JOB, RowQuery(start=39_000))
        print(f"the last 1,020 rows by start=39000: {part * 1000:.1f} ms")
        mixed = [line((n + 1, {"id": n, "v": n * 0.1 if n % 3 else None})) for n in range(BLOCK)]
        print(f"rows of two schemas by turns  {measured(made, mixed):>12,.0f} rows/s")
        twice = [line((n + 1, {"id": n, "v": 0.1}), (n + ROWS, {"v": 0.2})) for n in range(BLOCK)]
        print(f"rows of two revisions each    {measured(made, twice):>12,.0f} rows/s")


def measured(made: object, lines: list[object]) -> float:
    from stores.writing import JOB

    made.table(lines)  # type: ignore[attr-defined]
    return len(lines) / timed(made.store, JOB, RowQuery())  # type: ignore[attr-defined]


def rate(store: StandaloneStore, job: str) -> float:
    return ROWS / timed(store, job, RowQuery())


def timed(store: StandaloneStore, job: str, query: RowQuery) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        assert sum(batch.n for batch in store.scan(None, job, "results", query))
        times.append(time.perf_counter() - begin)
    return min(times)


def sdk_rate(root: Path, table: str) -> float | None:
    """The SDK's rate, after it wrote the table; None where there is no SDK."""
    python = os.environ.get("SWNB_STARWHALE_PYTHON")
    if not python:
        return None
    command = [python, "-c", SDK, str(root), table, str(ROWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.rpartition("RATE ")[2].split()[0])


if __name__ == "__main__":
    main()
