from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb.widgets.grid import Grid
from swnb.widgets.gridview import View, contains, sort_positions
from swnb.widgets.static import cell_text, columns_of

WORDS = ["queued", "running", "succeeded", "failed"]


def jobs(count: int = 4) -> pd.DataFrame:
    index = pd.Index([f"lab/job/{n}" for n in range(count)], name="job")
    status = pd.Categorical([WORDS[n % 4] for n in range(count)], categories=WORDS)
    return pd.DataFrame({"name": [f"j{n}" for n in range(count)], "status": status, "n": range(count)}, index=index)


class Browser:
    """Stands in for the page: says things to a grid and keeps what the grid says."""

    def __init__(self, grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
        self.grid = grid
        self.heard: list[dict[str, Any]] = []
        monkeypatch.setattr(grid, "send", self.heard.append)

    def say(self, kind: str, **more: Any) -> Any:
        self.grid._handle_custom_msg({"kind": kind, "id": "me-1", **more}, [])
        return self.heard.pop() if self.heard else None


Open = Callable[..., tuple[Grid, Browser]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    def make(frame: pd.DataFrame, **options: Any) -> tuple[Grid, Browser]:
        grid = Grid(frame, **options)
        return grid, Browser(grid, monkeypatch)

    return make


def names(grid: Grid) -> list[object]:
    return [row[2][1] for row in grid._body["rows"]]


def test_the_state_holds_the_header_and_the_first_window_only() -> None:
    grid = Grid(jobs(1_000), height_rows=5)
    assert [label for _, label, _ in grid._head["columns"]] == ["job", "name", "status", "n"]
    assert len(grid._body["rows"]) == 15
    assert len(json.dumps(grid._body)) < 2_000
    assert grid._body["rows"][0] == [0, 0, ["lab/job/0", "j0", "queued", "0"]]


def test_a_window_is_sent_as_asked(opened: Open) -> None:
    _, browser = opened(jobs(1_000))
    reply = browser.say("rows", first=998, count=10, anchor=None)
    assert [row[0] for row in reply["rows"]] == [998, 999]
    assert (reply["first"], reply["version"], reply["id"]) == (998, 1, "me-1")


def test_one_message_never_holds_more_than_500_rows(opened: Open) -> None:
    _, browser = opened(jobs(1_000))
    assert len(browser.say("rows", first=0, count=10**9, anchor=None)["rows"]) == 500


def test_a_huge_text_is_cut_before_it_is_sent_and_shown_when_asked(opened: Open) -> None:
    grid, browser = opened(pd.DataFrame({"log": ["x" * 10_000_000]}))
    assert len(json.dumps(grid._body)) < 500
    assert grid._body["rows"][0][2][0] == ["x" * 200 + "…", 1]
    assert len(browser.say("full", at=0, data=0, column=0)["text"]) == 2_001


def test_floats_carry_their_full_value_and_missing_is_not_nan() -> None:
    values = pd.Series([0.5, 0.123456789, float("nan"), None], dtype=object)
    cells = [row[2][0] for row in Grid(pd.DataFrame({"x": values}))._body["rows"]]
    assert cells == ["0.5", ["0.123457", "0.123456789"], "NaN", None]


def test_a_header_click_sorts_up_then_down_then_not(opened: Open) -> None:
    grid, browser = opened(jobs())
    seen = []
    for _ in range(3):
        browser.say("sort", column=3, add=False)
        seen.append((list(grid.sort), [row[0] for row in grid._body["rows"]]))
    assert seen == [([("n", True)], [0, 1, 2, 3]), ([("n", False)], [3, 2, 1, 0]), ([], [0, 1, 2, 3])]


def test_a_second_key_sorts_within_the_first(opened: Open) -> None:
    grid, browser = opened(pd.DataFrame({"a": [1, 2, 1, 2], "b": [1, 2, 3, 4]}))
    browser.say("sort", column=0, add=False)
    for _ in range(2):
        browser.say("sort", column=1, add=True)
    assert grid.sort == [("a", True), ("b", False)]
    assert [row[0] for row in grid._body["rows"]] == [2, 0, 3, 1]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize(
    "values",
    [
        [3, None, 1, 2],
        [3.5, float("nan"), 1, 2],
        ["b", None, "a", "aa"],
        pd.array([3, None, 1, 2], dtype="Int64"),
        pd.Categorical(["z", None, "x", "y"], categories=["x", "y", "z"]),
        pd.to_datetime(["2026-01-03", None, "2026-01-01", "2026-01-02"], utc=True),
    ],
)
def test_missing_values_sort_last_both_ways(values: Any, ascending: bool) -> None:
    column = columns_of(pd.DataFrame({"x": values}))[0]
    order = sort_positions(np.arange(4), column, ascending).tolist()
    assert order[-1] == 1
    assert order[0] == (2 if ascending else 0)


MIXED = st.none() | st.integers() | st.floats() | st.text() | st.booleans() | st.lists(st.integers())
MIXED |= st.dictionaries(st.text(), st.integers())


@given(st.lists(MIXED, max_size=30), st.booleans())
def test_any_mix_of_values_sorts_without_loss(values: list[object], ascending: bool) -> None:
    column = columns_of(pd.DataFrame({"x": pd.Series(values, dtype=object)}))[0]
    order = sort_positions(np.arange(len(values)), column, ascending)
    assert sorted(order.tolist()) == list(range(len(values)))


def test_mixed_values_sort_numbers_then_text_then_the_rest() -> None:
    values = pd.Series(["a", 2, None, [1], 1.5, "B"], dtype=object)
    order = sort_positions(np.arange(6), columns_of(pd.DataFrame({"x": values}))[0], True)
    assert order.tolist() == [4, 1, 5, 0, 3, 2]


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3)), st.booleans())
def test_sorting_is_stable(values: list[int], ascending: bool) -> None:
    column = columns_of(pd.DataFrame({"x": values}))[0]
    order = sort_positions(np.arange(len(values)), column, ascending).tolist()
    assert order == sorted(range(len(values)), key=lambda at: values[at], reverse=not ascending)


TYPED = pd.DataFrame(
    {
        "text": ["Mnist", None, "a\x1b[1mb", "x" * 300],
        "int": [10, -2, 30, 4],
        "float": [0.5, float("nan"), 1e20, float("-inf")],
        "at": pd.to_datetime(["2026-11-22 12:40:23", None, "2025-01-01 00:00:00", "2024-02-29 00:00:00"], utc=True),
        "naive": pd.to_datetime(["2026-11-22 12:40:23", None, "2025-01-01 00:00:00", "2024-02-29 00:00:00"]),
        "took": pd.to_timedelta([3723, None, 0, 0.25], unit="s"),
        "cat": pd.Categorical(["failed", None, "Running", "failed"]),
        "any": pd.Series([{"K": 1}, [1, 2], None, "v"], dtype=object),
        "flag": [True, False, True, False],
    }
)


@pytest.mark.parametrize(
    "needle",
    ["mnist", "b", "0", "-", "nan", "inf", "2026-11", "12:40", "1h 0", "0.25s", "fail", "run", '"k"', "true", "e+20"],
)
def test_the_filter_finds_what_the_cells_show(needle: str) -> None:
    for column in columns_of(TYPED):
        shown = [needle in cell_text(value).lower() for value in column.window(slice(None))]
        assert contains(column, needle).tolist() == shown, column.label


def test_the_filter_ignores_case_and_looks_in_shown_columns_only(opened: Open) -> None:
    grid, browser = opened(jobs(), columns=["name"])
    browser.say("search", text=" J2 ")
    assert (grid._body["shown"], grid._body["total"]) == (1, 4)
    assert grid.shown_frame["name"].tolist() == ["j2"]
    browser.say("search", text="lab/")
    assert grid._body["shown"] == 0


def test_where_allows_only_some_values_of_any_column() -> None:
    grid = Grid(jobs(8), columns=["name"])
    grid.where = {"status": {"failed", "queued"}}
    assert grid.shown_frame["n"].tolist() == [0, 3, 4, 7]
    grid.where = {"status": {"failed"}, "n": {3}}
    assert grid.shown_frame["n"].tolist() == [3]


def test_where_copes_with_values_that_no_set_can_hold() -> None:
    grid = Grid(pd.DataFrame({"x": pd.Series([[1], "a", ([1],)], dtype=object)}))
    grid.where = {"x": {"a"}}
    assert grid._body["shown"] == 1


def test_the_columns_are_those_chosen_in_that_order(opened: Open) -> None:
    grid, browser = opened(jobs(), columns=["n", "job"])
    assert grid._body["rows"][0][2] == ["0", "lab/job/0"]
    browser.say("columns", columns=[1, 2])
    assert grid.columns == ["name", "status"]
    assert [shown for _, shown in grid._head["menu"]] == [0, 1, 1, 0]


def test_an_unknown_column_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no column 'nmae'; it has: job, name"):
        Grid(jobs(), columns=["nmae"])
    with pytest.raises(ValueError, match="no column 'x'"):
        Grid(jobs()).sort = [("x", True)]


def test_a_wide_frame_opens_with_its_first_columns_and_offers_all() -> None:
    grid = Grid(pd.DataFrame({f"c{n}": [1] for n in range(200)}))
    assert len(grid._head["columns"]) == 60
    assert len(grid._head["menu"]) == 200


def test_clicks_select_one_toggle_or_a_range_as_the_view_orders_it(opened: Open) -> None:
    grid, browser = opened(jobs(6))
    grid.sort = [("n", False)]
    browser.say("select", how="only", at=4, data=0)
    browser.say("select", how="range", at=2, data=0)
    assert grid.selected == [2, 3, 4]
    browser.say("select", how="toggle", at=3, data=0)
    assert grid.selected == [2, 4]
    assert grid.selected_frame["n"].tolist() == [2, 4]
    browser.say("select", how="none")
    assert grid.selected == []


def test_all_means_all_rows_that_the_filters_leave(opened: Open) -> None:
    grid, browser = opened(jobs(8))
    grid.where = {"status": {"failed"}}
    browser.say("select", how="all")
    assert grid.selected == [3, 7]


def test_a_large_selection_is_told_by_its_count_and_by_the_rows_in_view(opened: Open) -> None:
    grid, browser = opened(jobs(5_000))
    browser.say("select", how="all")
    assert grid._picks["count"] == 5_000
    assert len(json.dumps({key: getattr(grid, key) for key in ("_head", "_body", "_picks")})) < 5_000
    assert browser.say("marks", at=[7, 4_999], data=0)["marks"] == [7, 4_999]


def test_a_selection_outside_the_frame_is_refused() -> None:
    grid = Grid(jobs(3))
    with pytest.raises(ValueError, match="no row 3 in a table of 3 rows"):
        grid.selected = [3]


def test_an_update_keeps_sort_filter_and_the_selected_labels(opened: Open) -> None:
    grid, _ = opened(jobs(6))
    grid.sort, grid.search, grid.selected = [("n", False)], "j", [1, 5]
    resets = grid._body["reset"]
    newer = jobs(8).iloc[[7, 6, 0, 1, 2, 3]]
    grid.update(newer)
    assert grid.selected == [3]
    assert grid.selected_frame.index.tolist() == ["lab/job/1"]
    assert names(grid) == ["j7", "j6", "j3", "j2", "j1", "j0"]
    assert grid._body["reset"] == resets
    assert [row[0] for row in grid._body["rows"] if row[1]] == [3]


def test_a_click_on_a_row_that_moved_meanwhile_means_that_row(opened: Open) -> None:
    grid, browser = opened(jobs(4))
    grid.update(jobs(4).iloc[::-1])
    browser.say("select", how="only", at=0, data=0)
    assert grid.selected_frame.index.tolist() == ["lab/job/0"]
    grid.update(jobs(4).iloc[1:])
    browser.say("select", how="only", at=0, data=0)
    assert grid.selected == []


def test_a_window_follows_its_anchor_over_an_update(opened: Open) -> None:
    grid, browser = opened(jobs(100))
    grid.update(pd.concat([jobs(103).iloc[100:], jobs(100)]))
    reply = browser.say("rows", first=40, count=2, anchor={"at": 50, "data": 0, "place": 50})
    assert (reply["shift"], reply["first"]) == (3, 43)
    assert reply["rows"][0][2][0] == "lab/job/40"


def test_labels_that_occur_twice_keep_their_places() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=["a", "a", "b"])
    grid = Grid(frame)
    grid.selected = [1, 2]
    grid.update(frame.iloc[:2])
    assert grid.selected == [1]


def test_an_update_may_take_columns_away() -> None:
    grid = Grid(jobs(), columns=["name", "n"])
    grid.sort, grid.where = [("n", False)], {"status": {"failed"}}
    grid.update(jobs()[["name"]])
    assert [label for _, label, _ in grid._head["columns"]] == ["name"]
    assert grid._body["shown"] == 0


def test_opening_a_row_calls_back_with_its_position(opened: Open) -> None:
    grid, browser = opened(jobs())
    got: list[int] = []
    grid.on_open(got.append)
    browser.say("open", at=2, data=0)
    browser.say("open", at=99, data=0)
    assert got == [2]


def test_a_failing_callback_is_shown_in_the_grid_until_the_next_action(opened: Open) -> None:
    grid, browser = opened(jobs())

    def fail(_position: int) -> None:
        raise RuntimeError("no \x1b[31mserver\x1b[0m")

    grid.on_open(fail)
    browser.say("open", at=0, data=0)
    assert grid._problem == "open: RuntimeError: no server"
    browser.say("search", text="j")
    assert grid._problem == ""


def test_an_observer_may_wait_for_another_thread_that_uses_the_grid() -> None:
    grid = Grid(jobs())
    counts: list[int] = []

    def elsewhere(_change: object) -> None:
        worker = threading.Thread(target=lambda: counts.append(len(grid.selected_frame)))
        worker.start()
        worker.join(5)

    grid.observe(elsewhere, "selected")
    grid._handle_custom_msg({"kind": "select", "id": "x", "how": "only", "at": 1, "data": 0}, [])
    assert counts == [1]


def test_the_mime_bundle_has_a_page_and_a_text_beside_the_widget() -> None:
    grid = Grid(jobs(60), note="60 of 99 jobs")
    grid.sort = [("n", False)]
    data, _ = grid._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert data["text/html"].index("lab/job/59") < data["text/html"].index("lab/job/58")
    assert "50 of 60 rows shown · 60 of 99 jobs" in data["text/html"]
    assert data["text/plain"].splitlines()[1].startswith("lab/job/59")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), jobs(0)])
def test_a_frame_without_rows_is_a_grid_without_rows(frame: pd.DataFrame) -> None:
    grid = Grid(frame)
    assert grid._body["rows"] == []
    assert "No rows" in grid._repr_mimebundle_()[0]["text/html"]


def test_hostile_labels_and_captions_are_made_harmless_to_send() -> None:
    grid = Grid(pd.DataFrame([[1]], columns=["\ud800\x1b[31mred"]), caption="a\ud800", note="\x1b[1mb")
    json.dumps({key: grid.get_state(key) for key in ("_head", "caption", "note")}, ensure_ascii=False).encode()
    assert grid._head["columns"][0][1] == "\ufffdred"


def test_close_lets_go_of_the_grid_and_of_the_frame() -> None:
    frame = jobs(10)
    grid = Grid(frame)
    grid.on_open(grid._select)  # a callback that holds the grid
    grid.selected = [1]
    grid.close()
    ghosts = [weakref.ref(grid), weakref.ref(frame)]
    del grid, frame
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None]


def test_a_view_says_where_a_row_stands() -> None:
    view = View(jobs(4))
    view.arrange(None, "", {"status": {"failed", "queued"}}, [("n", False)])
    assert [view.place(at) for at in (3, 0, 1, None)] == [0, 1, None, None]
