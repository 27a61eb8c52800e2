"""No recorded answer is left out: each is claimed by a test that compares it, or stands with its reason."""

from __future__ import annotations

import pytest

from . import test_recorded_live as live
from . import test_recorded_odd as odd
from . import test_recorded_records as records
from . import test_recorded_refusals as refusals
from . import test_recorded_tables as tables
from .recorded import recorded

UNASKED = {**records.UNASKED, **tables.UNASKED}
CLAIMED: dict[str, set[int]] = {
    "server": {*refusals.SERVER, *refusals.LONG, *records.CLAIMED, *tables.CLAIMED, *UNASKED},
    "server-live": {*refusals.LIVE, *live.CLAIMED},
    "server-odd": {*refusals.ODD, *odd.CLAIMED},
}
COUNTS = {"server": 208, "server-live": 207, "server-odd": 32}


@pytest.mark.parametrize("kind", COUNTS)
def test_every_recorded_answer_is_claimed(kind: str) -> None:
    entries = recorded(kind)
    assert len(entries) == COUNTS[kind]
    left = {number: entry.name for number, entry in entries.items() if number not in CLAIMED[kind]}
    assert left == {}
    assert CLAIMED[kind] <= entries.keys()


def test_an_answer_left_out_with_a_reason_is_claimed_by_no_test() -> None:
    assert not UNASKED.keys() & {*refusals.SERVER, *refusals.LONG, *records.CLAIMED, *tables.CLAIMED}
    assert len(UNASKED) == 12
