"""What every verb does around its work: keep the trail, keep what arrives, say where the frame came from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

import pandas as pd

from swnb.client.where import plain
from swnb.fetch import partial
from swnb.fetch.events import Trail, showing, trail
from swnb.frames.provenance import Provenance, attach
from swnb.uri import Ref

#: builds the frame of what had arrived: pairs of a label (where it came from) and a part
Build = Callable[[Sequence[tuple[Any, Any]]], pd.DataFrame]
_BROKEN_OFF: Final = "what an interrupted or failed fetch had got"


@dataclass(slots=True)
class Fetch:
    """One verb at work. ``code`` is the call that fetches the same again; ``kind`` of the parts that arrive are those
    that it wants, and ``build`` makes its frame of them, should it not end well."""

    servers: str
    code: str
    kind: type
    build: Build
    trail: Trail
    began: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    frame: pd.DataFrame | None = None
    total: int | None = None

    def done(self, frame: pd.DataFrame, total: int | None) -> pd.DataFrame:
        """The frame of the whole answer; ``total`` is how many there are, None = not known."""
        self.frame, self.total = frame, total
        return frame

    def provenance(self, n: int, *, complete: bool) -> Provenance:
        return Provenance(
            server=self.servers,
            query=self.code,
            fetched_at=self.began.isoformat(timespec="seconds"),
            n=n,
            total=self.total,
            complete=complete,
            requests=self.trail.requests,
            retries=self.trail.retries,
            seconds=round(self.trail.seconds, 3),
            code=self.code,
            notes=(*self.trail.notes, *(() if complete else (_BROKEN_OFF,))),
        )


def _no_frame(parts: Sequence[tuple[Any, Any]]) -> pd.DataFrame:
    raise NotImplementedError("nothing of this verb is kept")


@contextmanager
def fetching(
    verb: str,
    asked: Sequence[Ref],
    *args: Any,
    parts: tuple[type, Build] = (type(None), _no_frame),
    code: str = "",
    **options: Any,
) -> Iterator[Fetch]:
    """``args`` and ``options`` are those of the call, None = not given; ``code`` is the call where it is no public
    function's. ``parts``: what of that which arrives is wanted, and how it becomes a frame."""
    servers = ", ".join(dict.fromkeys(ref.server for ref in asked))
    with showing(), trail() as kept:
        fetch = Fetch(servers, code or _code(verb, asked, args, options), *parts, kept)
        with partial.keeping(fetch.code, fetch):
            yield fetch
    if fetch.frame is not None:
        attach(fetch.frame, fetch.provenance(len(fetch.frame), complete=True))


def _code(verb: str, asked: Sequence[Ref], args: Sequence[Any], options: dict[str, Any]) -> str:
    uris = [str(ref) for ref in asked]
    shown = [repr(uris[0] if len(uris) == 1 else uris), *(repr(plain(each)) for each in args if each is not None)]
    shown += [f"{name}={plain(value)!r}" for name, value in options.items() if value is not None]
    return f"swnb.{verb}({', '.join(shown)})"


def partial_frame() -> pd.DataFrame | None:
    """What the last interrupted or failed fetch had already got, as a frame of its kind (provenance: not complete);
    None where there is nothing. A fetch of the same that succeeds clears it."""
    last = partial.last()
    fetch = last.about if last is not None else None
    if last is None or not isinstance(fetch, Fetch):
        return None
    wanted = [(label, part) for label, part in last.parts if isinstance(part, fetch.kind)]
    if not wanted:
        return None
    frame = fetch.build(wanted)
    return attach(frame, fetch.provenance(len(frame), complete=False))
