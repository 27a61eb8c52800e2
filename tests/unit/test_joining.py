"""Frames that were partly read anew."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from swnb.client.joining import joined, renewed, renewed_rows
from swnb.frames.provenance import Provenance, attach, provenance
from swnb.frames.tables import summary
from swnb.model import SummaryRow

CELL = st.one_of(st.integers(-9, 9), st.floats(allow_nan=False, width=16), st.text("ab", max_size=2), st.booleans())
VALUES = st.dictionaries(st.sampled_from(["loss", "acc", "note"]), CELL)


def told(frame: pd.DataFrame, second: int, code: str = "c", total: int | None = -1) -> pd.DataFrame:
    of = len(frame) if total == -1 else total
    return attach(
        frame, Provenance("lab", code, f"2026-11-22T12:00:{second:02}+00:00", len(frame), of, True, 1, 0, 0.1, code)
    )


def made(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    return summary([(uri, SummaryRow("1", uri, values)) for uri, values in rows.items()])


def cells(frame: pd.DataFrame, uri: str) -> dict[str, Any]:
    """What is there, with its type."""
    found = {name: frame.loc[[uri], name].astype(object).iloc[0] for name in frame.columns if name != "id"}
    return {name: (type(value), value) for name, value in found.items() if not pd.isna(value)}


@given(st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1), st.dictionaries(st.sampled_from("abcd"), VALUES))
def test_rows_read_anew_are_what_reading_all_anew_would_give(
    before: dict[str, dict[str, Any]], anew: dict[str, dict[str, Any]]
) -> None:
    anew = {uri: values for uri, values in anew.items() if uri in before}
    found = renewed_rows(told(made(before), 1), told(made(anew), 2))
    whole = made({uri: anew.get(uri, values) for uri, values in before.items()})
    assert list(found.index) == list(whole.index)
    assert found.index.name == "job"
    for uri in before:
        assert {name: value for name, (_, value) in cells(found, uri).items()} == {
            name: value for name, (_, value) in cells(whole, uri).items()
        }


def test_ints_stay_ints_beside_floats_and_new_columns_come_last() -> None:
    old = told(made({"a": {"n": 1, "loss": 0.5}, "b": {"n": 2, "loss": 0.25}}), 1, total=2)
    found = renewed_rows(old, told(made({"b": {"n": 2.5, "fresh": "yes"}}), 2, "b alone", total=1))
    assert list(found.columns) == ["id", "n", "loss", "fresh"]
    assert cells(found, "a") == {"n": (int, 1), "loss": (float, 0.5)}
    assert cells(found, "b") == {"n": (float, 2.5), "fresh": (str, "yes")}
    after = provenance(found)
    assert (after.code, after.fetched_at, after.n, after.total) == ("c", "2026-11-22T12:00:02+00:00", 2, 2)


def test_series_read_anew_answer_the_question_of_before_as_of_now() -> None:
    old = told(pd.DataFrame({"job": list("aab"), "value": [1, 2, 3]}), 1, total=3)
    read = told(pd.DataFrame({"job": list("bb"), "value": [3, 4]}), 9, "b alone", total=2)
    found = renewed(old, old[old["job"] != "b"], read)
    assert found["value"].tolist() == [1, 2, 3, 4]
    after = provenance(found)
    assert (after.code, after.fetched_at, after.n, after.total) == ("c", "2026-11-22T12:00:09+00:00", 4, 4)
    assert provenance(read).code == "b alone"  # the frame that was read keeps its own


def test_a_join_of_two_is_as_of_the_older_one() -> None:
    parts = [told(pd.DataFrame({"job": ["a"]}), 9, "x"), told(pd.DataFrame({"job": ["b"]}), 1, "y")]
    assert provenance(joined(parts)).fetched_at.endswith("01+00:00")
    assert provenance(joined(parts)).code == "pd.concat([x, y])"
