from __future__ import annotations

import html.parser
import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.widgets.static import (
    FULL,
    LIMIT,
    cell_text,
    columns_of,
    duration_text,
    escape,
    frame_html,
    frame_text,
    visible,
)

NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Reader(html.parser.HTMLParser):
    """The tags and the text of a page as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (pd.NaT, ""),
        (pd.NA, ""),
        (float("nan"), "NaN"),
        (np.float64("-inf"), "-inf"),
        (0.9123456789, "0.912346"),
        (True, "True"),
        (np.bool_(False), "False"),
        (12_345_678_901, "12345678901"),
        (np.int64(7), "7"),
        ("plain", "plain"),
        (pd.Timestamp("2026-11-22 12:40:23.9", tz="UTC"), "2026-11-22 12:40:23"),
        (datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=8))), "2026-11-22 04:00:00"),
        (datetime(1, 2, 3), "0001-02-03 00:00:00"),
        (pd.Timedelta(seconds=3723), "1h 02m 03s"),
        ({"lr": 0.1, "on": True, "no": None}, '{"lr": 0.1, "on": true, "no": null}'),
        ([1, "a", [float("nan")]], '[1, "a", [NaN]]'),
        ((), "[]"),
        (b"\x00a", "b'\\x00a'"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
    ],
)
def test_the_text_of_a_value(value: object, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (59.6, "1m 00s"),
        (123, "2m 03s"),
        (3600, "1h 00m 00s"),
        (90_061, "1d 01h 01m 01s"),
        (-61, "-1m 01s"),
    ],
)
def test_a_duration_reads_as_a_clock(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize("value", ["x" * 10_000_000, ["y" * 10_000_000] * 9, {"k" * 10_000_000: 1}, b"z" * 10_000_000])
def test_a_huge_value_is_cut_and_says_so(value: object) -> None:
    assert len(cell_text(value)) == LIMIT + 1
    assert cell_text(value).endswith("…")
    assert len(cell_text(value, FULL)) == FULL + 1


def test_an_int_that_python_refuses_to_print_is_shown_all_the_same() -> None:
    assert cell_text(10**5_000).startswith("0x")


def test_a_value_that_holds_itself_ends() -> None:
    loop: list[object] = [1]
    loop.append(loop)
    assert cell_text(loop).startswith("[1, [1, ")


@given(NESTED)
def test_no_control_character_and_no_more_than_the_limit_leaves(value: object) -> None:
    text = cell_text(value)
    assert len(text) <= LIMIT + 1
    assert not [c for c in text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000]
    json.dumps(text).encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        ("a\nb\tc", "a↵b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("safe\u202eexe", "safe\ufffdexe"),
        ("\ud800", "\ufffd"),
    ],
)
def test_controls_and_ansi_become_visible_or_go(raw: str, seen: str) -> None:
    assert visible(raw) == seen


@given(st.text())
def test_escaped_text_is_text_for_a_parser(text: str) -> None:
    reader = Reader(f"<p title='{escape(text)}'>{escape(text)}</p>")
    assert reader.tags == ["p"]
    assert reader.text == visible(text)


def test_the_index_is_shown_first_unless_it_only_counts() -> None:
    plain = pd.DataFrame({"a": [1]})
    named = pd.DataFrame({"a": [1]}, index=pd.Index(["u"], name="job"))
    two = pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("p", "q")], names=["x", None]))
    assert [c.label for c in columns_of(plain)] == ["a"]
    assert [c.label for c in columns_of(named)] == ["job", "a"]
    assert [c.label for c in columns_of(two)] == ["x", "index", "a"]


def test_columns_of_one_name_have_keys_of_their_own() -> None:
    columns = columns_of(pd.DataFrame([[1, 2, 3]], columns=["a", "a", 7]))
    assert [c.key for c in columns] == ["a", "a'", "7"]
    assert [c.label for c in columns] == ["a", "a", "7"]


def test_kinds_of_columns() -> None:
    frame = pd.DataFrame(
        {
            "status": pd.Categorical(["failed"]),
            "at": pd.to_datetime(["2026-01-01"], utc=True),
            "took": pd.to_timedelta([1], unit="s"),
            "mixed": pd.Series([1], dtype=object),
            "flag": [True],
            "text": ["5"],
        }
    )
    kinds = {c.label: c.kind for c in columns_of(frame)}
    assert kinds == {
        "status": "status",
        "at (UTC)": "time",
        "took": "number",
        "mixed": "number",
        "flag": "text",
        "text": "text",
    }


@pytest.mark.parametrize("values", [["a", None], pd.Categorical(["a", None]), pd.Series(["a", None], dtype="string")])
def test_missing_text_is_missing_and_not_nan(values: object) -> None:
    assert columns_of(pd.DataFrame({"a": values}))[0].window(slice(None)) == ["a", None]


def test_the_html_twin_is_escaped_and_says_what_is_left_out() -> None:
    frame = pd.DataFrame({"<b>": ["<script>alert(1)</script>"] * 51, "n": range(51)})
    page = frame_html(frame, caption="<i>", note="as of <now>")
    reader = Reader(page)
    assert set(reader.tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert reader.tags.count("td") == 100
    assert "50 of 51 rows shown · as of <now>" in reader.text
    assert '<td align="right">49</td>' in page


def test_the_html_twin_of_a_status_says_the_word() -> None:
    assert "✗ failed" in frame_html(pd.DataFrame({"status": pd.Categorical(["failed"])}))


def test_twins_of_a_frame_without_rows_or_columns() -> None:
    for frame in (pd.DataFrame(), pd.DataFrame({"a": []})):
        assert "No rows" in frame_html(frame)
        assert "No rows" in frame_text(frame)


def test_the_text_twin_is_aligned_and_says_what_is_left_out() -> None:
    frame = pd.DataFrame({"name": ["a", "bbbb"], "n": [1, 100]})
    assert frame_text(frame) == "name    n\na       1\nbbbb  100\n[2 rows]"
    wide = pd.DataFrame({f"column{n}": ["x" * 30] for n in range(20)})
    assert frame_text(wide, width=100).endswith("[1 rows · 3 of 20 columns shown]")
    assert max(len(line) for line in frame_text(wide, width=100).splitlines()) <= 100
