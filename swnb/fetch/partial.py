"""What an interrupted or failed fetch had already got, so that it is not lost.

Pages and batches are noted as they arrive, by reference. A fetch that succeeds keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Partial:
    """The parts (records, batches) of one fetch in the order of their arrival, each with the label of where it came
    from; ``what`` names the fetch, ``about`` is what whoever began it wants to find beside the parts."""

    what: str
    about: Any = field(default=None, repr=False)
    parts: list[tuple[Any, Any]] = field(default_factory=list, repr=False)


_current: ContextVar[Partial | None] = ContextVar("swnb_partial", default=None)
_label: ContextVar[Any] = ContextVar("swnb_partial_label", default=None)
_last: Partial | None = None


@contextmanager
def keeping(what: str, about: Any = None) -> Iterator[Partial]:
    """Keep what arrives meanwhile; for :func:`last` if the block does not end well. The outermost block counts."""
    global _last  # noqa: PLW0603
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    partial = Partial(what, about)
    token = _current.set(partial)
    try:
        yield partial
    except BaseException:
        if partial.parts:
            _last = partial
        raise
    finally:
        _current.reset(token)
    if _last is not None and _last.what == what:
        _last = None


def keep(*parts: Any) -> None:
    """Note parts of the fetch under way, if one keeps them."""
    partial = _current.get()
    if partial is not None:
        label = _label.get()
        partial.parts.extend((label, part) for part in parts)


@contextmanager
def labelled(label: Any) -> Iterator[None]:
    """What arrives meanwhile in this task comes from ``label``."""
    token = _label.set(label)
    try:
        yield
    finally:
        _label.reset(token)


def last() -> Partial | None:
    """What the last fetch that did not end well had got; None where there was none, or the same one succeeded since."""
    return _last
