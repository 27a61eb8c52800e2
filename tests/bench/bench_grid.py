"""What the kernel needs for a grid of 100,000 rows: `python tests/bench/bench_grid.py [rows]`.

The time until a browser shows the first row is printed by `tests/browser/test_grid.py`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from swnb.widgets.grid import Grid


def make_frame(rows: int) -> pd.DataFrame:
    """12 columns: text, category, date and numbers."""
    draw = np.random.default_rng(1)
    words = ["queued", "running", "succeeded", "failed"]
    frame = pd.DataFrame({f"m{n}": draw.normal(size=rows) for n in range(9)})
    frame.insert(0, "name", pd.Series([f"run-{n}" for n in range(rows)]))
    frame.insert(1, "status", pd.Categorical.from_codes(draw.integers(0, 4, rows), words))
    frame.insert(2, "created", pd.date_range("2026-01-01", periods=rows, freq="s", tz="UTC"))
    return frame


def show(what: str, call: Callable[[], object]) -> None:
    start = time.perf_counter()
    call()
    print(f"{what:<42}{(time.perf_counter() - start) * 1_000:9.1f} ms")


def kilobytes(value: object) -> float:
    return len(json.dumps(value, default=str)) / 1_000


def main(rows: int) -> None:
    frame = make_frame(rows)
    Grid(frame.head())  # imports and first use are not what is measured
    print(f"{rows:,} rows x {frame.shape[1]} columns")
    show("make the grid", lambda: Grid(frame))
    grid = Grid(frame)
    show("mime bundle with its twins", grid._repr_mimebundle_)
    show("a window of 60 rows", lambda: grid._view.rows(rows // 2, 60, set()))
    show("sort by a float", lambda: setattr(grid, "sort", [("m1", True)]))
    show("sort by text", lambda: setattr(grid, "sort", [("name", False)]))
    show("sort by status, then a float", lambda: setattr(grid, "sort", [("status", True), ("m1", True)]))
    grid.sort = []
    show("filter by letters", lambda: setattr(grid, "search", "run-99"))
    show("filter by digits (9 float columns)", lambda: setattr(grid, "search", "0.12"))
    grid.search = ""
    show("filter by status", lambda: setattr(grid, "where", {"status": {"failed"}}))
    grid.where = {}
    show("update with a copy", lambda: grid.update(frame.copy()))
    state = {key: value for key, value in grid.get_state().items() if isinstance(value, (str, dict, list))}
    print(f"{'state, with script and style':<42}{kilobytes(state):9.1f} kB")
    print(f"{'mime bundle':<42}{kilobytes(grid._repr_mimebundle_()):9.1f} kB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
