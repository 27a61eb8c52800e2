"""Where a frame came from, and whether it is all there is.

It travels in ``frame.attrs["swnb"]`` as plain JSON values (pandas writes attrs into Parquet files as JSON), and most
pandas operations carry it along; ``provenance`` notices when the frame no longer has the rows that were fetched.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import pandas as pd

from swnb.errors import BadInput

KEY: Final = "swnb"
SAMPLED: Final = "swnb.sampled"  # in the attrs of a frame of series, until it is attached
_LATER: Final = ("notes", "sampled")  # which a frame of ours may lack, stored by an earlier version


@dataclass(frozen=True, slots=True)
class Provenance:
    """``n`` rows were fetched of ``total`` that there are (None: not known). ``complete``: nothing that was asked for
    is missing. ``fetched_at`` is ISO 8601 in UTC. ``code`` fetches the same again. ``sampled``: of some series there
    are only some of their points."""

    server: str
    query: str
    fetched_at: str
    n: int
    total: int | None
    complete: bool
    requests: int
    retries: int
    seconds: float
    code: str
    notes: tuple[str, ...] = ()
    sampled: bool = False

    def __str__(self) -> str:
        of = "" if self.total is None else f" of {self.total:,}"
        whole = "" if self.complete else ", INCOMPLETE"
        retries = f", {self.retries} retries" if self.retries else ""
        head = (
            f"{self.n:,}{of} rows{whole} from {self.server} at {self.fetched_at} "
            f"({self.requests} requests{retries}, {self.seconds:.2f} s)"
        )
        return "\n".join([head, f"again: {self.code}", *(f"note: {each}" for each in self.notes)])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def attach(frame: pd.DataFrame, made: Provenance) -> pd.DataFrame:
    """``frame`` with where it came from. What its maker has marked as :data:`SAMPLED` is sampled."""
    sampled = made.sampled or bool(frame.attrs.pop(SAMPLED, False))
    frame.attrs[KEY] = asdict(made) | {"notes": list(made.notes), "sampled": sampled}
    return frame


def provenance(frame: pd.DataFrame) -> Provenance:
    """What ``frame`` came from: server, query, fetched at, n of m, complete or not, requests, retries, seconds, notes,
    and the code that fetches it again. BadInput for a frame that swnb did not make."""
    stored: Any = getattr(frame, "attrs", {}).get(KEY)
    known = {each.name for each in fields(Provenance)}.difference(_LATER)
    if not isinstance(stored, dict) or not known <= stored.keys():
        raise BadInput(
            "this frame has no provenance",
            todo="Frames from swnb have one, and lose it in some pandas operations (merge, groupby); ask the original",
        )
    notes: Sequence[str] = stored.get("notes", ())
    if len(frame) != stored["n"]:
        notes = [*notes, f"this frame has {len(frame):,} rows now: it was changed after it was fetched"]
    sampled = bool(stored.get("sampled", False))
    return Provenance(**{name: stored[name] for name in known}, notes=tuple(notes), sampled=sampled)
