"""A frame says where it came from, also after it was stored."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pandas as pd
import pytest

from swnb.errors import BadInput
from swnb.frames.provenance import Provenance, attach, provenance

MADE = Provenance(
    server="lab",
    query="swnb.jobs('lab')",
    fetched_at="2026-11-22T12:00:00+00:00",
    n=3,
    total=1200,
    complete=True,
    requests=2,
    retries=1,
    seconds=0.25,
    code="swnb.jobs('lab')",
    notes=("a list changed",),
)


def frame() -> pd.DataFrame:
    return attach(pd.DataFrame({"a": [1, 2, 3]}), MADE)


def test_it_reads_as_n_of_m_with_requests_retries_and_notes() -> None:
    text = str(provenance(frame()))
    assert text.startswith("3 of 1,200 rows from lab at 2026-11-22T12:00:00+00:00 (2 requests, 1 retries, 0.25 s)")
    assert "again: swnb.jobs('lab')" in text
    assert text.endswith("note: a list changed")
    assert "INCOMPLETE" in str(replace(MADE, complete=False))
    assert " of " not in str(replace(MADE, total=None)).partition(" rows")[0]


def test_its_html_is_escaped() -> None:
    html = replace(MADE, code="swnb.jobs('<script>')")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_it_is_plain_json_in_the_frames_attrs() -> None:
    df = frame()
    back = pd.DataFrame({"a": [1, 2, 3]})
    back.attrs = json.loads(json.dumps(df.attrs))
    assert provenance(back) == provenance(df) == MADE


def test_it_survives_choosing_columns_copying_and_pickling() -> None:
    df = frame()
    for other in (df[["a"]], df.copy(), df.sort_values("a"), pickle.loads(pickle.dumps(df))):
        assert provenance(other) == MADE


def test_a_frame_with_other_rows_is_said_to_be_changed() -> None:
    kept = provenance(frame()[lambda df: df.a > 1])
    assert kept.notes[-1] == "this frame has 2 rows now: it was changed after it was fetched"
    assert kept.n == 3


@pytest.mark.parametrize("attrs", [{}, {"swnb": "text"}, {"swnb": {"n": 1}}])
def test_a_frame_of_others_has_none(attrs: dict[str, object]) -> None:
    other = pd.DataFrame({"a": [1]})
    other.attrs = dict(attrs)
    with pytest.raises(BadInput, match="no provenance"):
        provenance(other)
