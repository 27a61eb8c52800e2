"""CSV files of series (paper 4, CSV format): the column named `…_step` holds the value."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from swnb.sandbox.swanlab.points import Points, texts

Column = tuple[str, str, Points]
"""The run's name, the key, the points."""

ROOM = 128_000_000


class Kept:
    """The files asked for last, up to 128 MB, so that a client that is measured does not wait for us to write them."""

    def __init__(self) -> None:
        self._files: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        if key not in self._files:
            self._files[key] = made = make()
            self._size += len(made)
        self._files.move_to_end(key)
        found = self._files[key]
        while self._size > ROOM:
            self._size -= len(self._files.popitem(last=False)[1])
        return found


def csv(columns: Sequence[Column]) -> bytes:
    """One row a step, ordered by step, two cells a column; missing cells are empty."""
    head = ",".join(["step", *(cell for name, key, _ in columns for cell in _heads(name, key))])
    body = _one(columns[0][2]) if len(columns) == 1 else _several([points for _, _, points in columns])
    return f"{head}\n{body}".encode()


def _heads(name: str, key: str) -> tuple[str, str]:
    return _quoted(f"{name}-{key}_step"), _quoted(f"{name}-{key}_timestamp")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(sign in cell for sign in ',"\n\r') else cell


def _one(points: Points) -> str:
    rows = zip(points.steps, texts(points.values), points.stamps, strict=True)
    return "".join([f"{step},{text},{stamp}\n" for step, text, stamp in rows])


def _several(series: Sequence[Points]) -> str:
    cells = [_cells(points) for points in series]
    steps = sorted({step for points in series for step in points.steps})
    return "".join(f"{step},{','.join(column.get(step, ',') for column in cells)}\n" for step in steps)


def _cells(points: Points) -> dict[int, str]:
    both = map("%s,%s".__mod__, zip(texts(points.values), points.stamps, strict=True))
    return dict(zip(points.steps, both, strict=True))
