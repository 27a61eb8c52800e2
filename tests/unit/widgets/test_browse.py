from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

import swnb
from swnb import sandbox
from swnb.bridge import submit
from swnb.errors import NotFound, TokenRejected
from swnb.sandbox.serve import Box
from swnb.widgets.browse import Browse, browse
from swnb.widgets.detail import Log, facts
from swnb.widgets.grid import Grid
from swnb.widgets.part import Part
from swnb.widgets.tablepage import drawable, picture

PATIENCE = 20.0


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(seed=1, clock="manual") as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Box) -> Path:
    for name in ("SWNB_CONFIG_DIR", "SW_LOCAL_STORAGE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
    return tmp_path


Open = Callable[..., Browse]


@pytest.fixture
def opened() -> Iterator[Open]:
    made: list[Browse] = []

    def panel(where: Any = None) -> Browse:
        made.append(browse(where))
        made[-1]._wait(PATIENCE)
        return made[-1]

    yield panel
    for each in made:
        each.close()


def show_page(panel: Browse, title: str) -> Any:
    tabs = panel._detail._tabs
    tabs.selected_index = list(tabs.titles).index(title)
    page = panel._detail.page
    assert page is not None
    page.wait(PATIENCE)
    return page


def settle() -> None:
    """Wait until the threads and tasks that loaded something have let go of it."""
    for thread in threading.enumerate():
        if thread.name == "swnb-work":
            thread.join(PATIENCE)
    submit(asyncio.sleep(0)).result(PATIENCE)


# -- the panel


def test_all_servers_show_their_projects_and_no_jobs_yet(opened: Open) -> None:
    panel = opened()
    names = panel._places.grid.frame["name"].tolist() if panel._places else []
    assert names == ["(all projects)", "mnist", "kites", "speech"]
    assert panel.frame.empty
    assert panel._jobs.said.startswith("Open a project")
    assert panel.code == "panel = swnb.browse()"


def test_an_opened_project_shows_its_jobs(opened: Open) -> None:
    panel = opened()
    assert panel._places is not None
    panel._places._open(1)
    panel._wait(PATIENCE)
    assert panel.frame.index.tolist() == swnb.jobs("box/project/1").index.tolist()
    assert panel.code == "panel = swnb.browse('box/project/1')"


def test_what_is_in_an_opened_project_moves_below_it(opened: Open) -> None:
    with sandbox.run(["istari"], seed=1, clock="manual") as own:
        swnb.connect("reg", own.uri("istari"), token=own.token("istari"))
        panel = opened("reg")
        places = panel._places
        assert places is not None
        before = places.grid.frame
        assert before["name"].tolist()[:2] == ["mine", "mnist"]  # a server alone means "mine": no row says "all"
        assert "kind" in (places.grid.columns or [])
        system = str(before.index[before["kind"] == "system"][0])
        places._open(before.index.get_loc(system))
        panel._wait(PATIENCE)
        frame, inside = places.grid.frame, swnb.projects(system)
        at = frame.index.get_loc(system)
        assert frame.index[at + 1 : at + 1 + len(inside)].tolist() == inside.index.tolist()
        assert frame["name"].iloc[at + 1] == f"↳ {inside['name'].iloc[0]}"
        assert frame.index.is_unique
        assert places.grid.note.endswith(" · 1 more in those that were opened")  # an artifact, which no list had
        assert set(before.index) <= set(frame.index)
        assert panel.frame.index.tolist() == swnb.jobs(system).index.tolist()
        own.requests.clear()
        places._open(frame.index.get_loc(inside.index[0]))
        panel._wait(PATIENCE)
        assert {request.path for request in own.requests} == {"/api/v2/jobs"}  # a model is asked for nothing in it


def test_a_server_that_answers_later_may_bring_another_column(opened: Open) -> None:
    with sandbox.run(["istari"], seed=1, clock="manual") as own:
        swnb.connect("reg", own.uri("istari"), token=own.token("istari"))
        places = opened()._places
        assert places is not None
        assert places.grid.columns == ["server", "name", "kind", "jobs", "owner", "created", "description"]
        places.grid.columns = ["name", "jobs"]
        places._paint()
        assert places.grid.columns == ["name", "jobs"]


@pytest.mark.parametrize(("where", "count"), [("box", 40), ("box/project/2", 13), (["box/project/1/job/1"] * 2, 1)])
def test_where_is_what_the_verbs_take(opened: Open, where: Any, count: int) -> None:
    assert len(opened(where).frame) == count


def test_a_frame_is_shown_as_it_is_and_asks_nothing(opened: Open) -> None:
    with sandbox.run(seed=1, clock="manual") as own:
        swnb.connect("own", own.uri("starwhale"), token=own.token("starwhale"))
        frame = swnb.jobs("own").iloc[3:30]
        own.requests.clear()
        panel = opened(frame)
        assert panel.frame.equals(frame)
        assert len(own.requests) == 0
        panel.refresh()
        panel._wait(PATIENCE)
        assert panel.frame.index.tolist() == frame.index.tolist()
        assert 0 < len(own.requests) <= 4


def test_a_job_is_opened_at_once(opened: Open) -> None:
    panel = opened("box/project/1/job/1")
    assert panel._detail.uri == "box/project/1/job/1"
    assert panel._detail.layout.display is None


def test_selected_are_the_rows_of_the_frame(opened: Open) -> None:
    panel = opened("box/project/1")
    panel._jobs.grid.selected = [2, 5]
    assert panel.selected.equals(panel.frame.iloc[[2, 5]])
    assert panel._detail.layout.display == "none"


def test_search_and_status_filter_and_stand_in_the_code(opened: Open) -> None:
    panel = opened("box/project/1")
    panel.search, panel.status = "cnn", "failed"
    shown = panel._jobs.grid.shown_frame
    assert set(shown["status"]) == {"failed"}
    assert len(shown)
    assert all("cnn" in name for name in shown["name"])
    assert panel.code.splitlines()[1:] == ["panel.search = 'cnn'", "panel.status = ['failed']"]
    counts = panel.frame["status"].value_counts()
    assert panel._jobs._toggles["failed"].description == f"✗ failed {counts['failed']}"


def test_an_unknown_status_is_refused(opened: Open) -> None:
    with pytest.raises(ValueError, match="no status"):
        opened("box/project/1").status = "done"


def test_an_error_is_a_sentence_with_a_way_out(opened: Open) -> None:
    panel = opened("box/project/nope")
    assert "there is no project &#x27;nope&#x27;" in panel._jobs._line.value
    assert 'role="alert"' in panel._jobs._line.value
    assert panel._jobs._ways.layout.display is None
    assert panel._jobs._content.layout.display == "none"


def test_without_a_server_the_form_to_sign_in_is_shown(opened: Open, box: Box) -> None:
    swnb.forget("box")
    panel = opened()
    (form,) = panel._start.children
    form._name.value, form._address.value = "new", box.uri("starwhale")
    form._token.set_state({"value": box.token("starwhale")})
    form._button.click()
    form._part.wait(PATIENCE)
    panel._wait(PATIENCE)
    assert panel._places is not None
    assert len(panel._places.grid.frame) == 4


# -- its twins


def test_the_bundle_holds_the_state_as_escaped_html_and_text(opened: Open) -> None:
    with sandbox.run(seed=1) as hostile:
        hostile.world.projects[0].jobs[0].name = "<script>\x1b[31m"
        swnb.connect("hostile", hostile.uri("starwhale"), token=hostile.token("starwhale"))
        panel = opened("hostile/project/1")
    panel.search = "script"
    data = panel._repr_mimebundle_()
    assert data is not None
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "&lt;script&gt;" in data["text/html"]
    assert "<script>" not in data["text/html"]
    assert "1 of 14 rows shown · 14 of 14 jobs · as of" in data["text/plain"]
    assert "Shown: search 'script'" in data["text/plain"]
    assert "\x1b" not in data["text/plain"] + data["text/html"]


def test_the_bundle_waits_for_a_load_that_is_nearly_there(box: Box) -> None:
    panel = browse("box/project/1")
    data = panel._repr_mimebundle_()
    assert data is not None
    assert "14 of 14 jobs" in data["text/plain"]
    panel.close()


def test_a_closed_panel_frees_every_widget(box: Box) -> None:
    before = set(_instances)
    panel = browse("box/project/1")
    panel._wait(PATIENCE)
    panel._jobs.grid.selected = [0]
    show_page(panel, "Tables")._rows.wait(PATIENCE)
    held = [weakref.ref(each) for each in (panel, panel._jobs, panel._jobs.grid, panel._detail, panel._detail.page)]
    panel.close()
    del panel
    settle()
    gc.collect()
    assert [ref() for ref in held] == [None] * len(held)
    assert set(_instances) <= before


# -- one job


def test_the_tabs_are_those_that_the_platform_offers(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = opened("box/project/1/job/1")
    assert list(panel._detail._tabs.titles) == ["Info", "Summary", "Tables", "Tasks", "Log"]
    monkeypatch.setattr("swnb.widgets.detail.offers", lambda _: frozenset({"summary"}))
    panel._detail.present("box/project/1/job/4", "other")
    assert list(panel._detail._tabs.titles) == ["Info", "Summary"]


def test_a_page_is_read_when_it_is_first_shown_and_not_again(opened: Open, box: Box) -> None:
    panel = opened("box/project/1/job/34")
    page = panel._detail.page
    assert page is not None
    page.wait(PATIENCE)
    box.requests.clear()
    show_page(panel, "Tasks")
    asked = len(box.requests)
    show_page(panel, "Info")
    show_page(panel, "Tasks")
    assert 0 < asked == len(box.requests)


def test_pages_show_what_the_verbs_give(opened: Open) -> None:
    uri = "box/project/1/job/34"
    panel = opened(uri)
    values = show_page(panel, "Summary")._body.frame.set_index("name")["value"]
    assert values["accuracy"] == swnb.summary(uri)["accuracy"].iloc[0]
    page = show_page(panel, "Tables")
    page._rows.wait(PATIENCE)
    assert page._grid.frame.equals(swnb.rows(uri, page._choice.value))
    assert show_page(panel, "Tasks")._body.frame.index.tolist() == swnb.tasks(uri).index.tolist()
    assert "epoch" in show_page(panel, "Log")._body.value


def test_a_long_table_opens_with_its_first_rows_and_says_so(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swnb.widgets.tablepage._FIRST", 10)
    panel = opened("box/project/1/job/34")
    page = show_page(panel, "Tables")
    page._rows.wait(PATIENCE)
    assert len(page._grid.frame) == 10
    assert page._grid.note == "the first 10 rows, there are more"
    page._more.click()
    page._rows.wait(PATIENCE)
    assert len(page._grid.frame) > 10
    assert page._more.layout.display == "none"


def test_a_log_is_bounded_and_escaped() -> None:
    page = Log(threading.RLock())
    page._uri = "lab/project/1/job/1"
    page._put("<b>\x1b[1m\n" * 600 + "x" * 100_000)
    shown = page._body.value
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert shown.count("\n") == 499
    assert len(shown) < 20_000
    assert "The last 500 lines" in shown
    page.close()


def test_facts_leave_out_what_is_empty() -> None:
    page = facts(pd.DataFrame({"name": ["<i>"], "error": [None]}))
    assert "&lt;i&gt;" in page
    assert "error" not in page


def test_numeric_columns_are_drawn_over_an_int_key_only() -> None:
    frame = pd.DataFrame({"id": [1, 2], "loss": [0.5, 0.25], "label": ["a", "b"]})
    assert drawable(frame) == ["loss"]
    assert drawable(frame.assign(id=["a", "b"])) == []
    page = picture(frame, "lab/job/1")
    assert 'alt="Curves over id of 2 rows: loss from 0.25 to 0.5, last 0.25"' in page
    assert len(page) < 200_000
    assert picture(frame[["id", "label"]], "lab/job/1") == ""


# -- how a part loads


@pytest.fixture
def part() -> Iterator[Part]:
    made = Part(threading.RLock(), [ipywidgets.HTML()])
    yield made
    made.close()


async def value(of: Any) -> Any:
    if isinstance(of, Exception):
        raise of
    return of


def test_an_answer_that_comes_late_is_dropped(part: Part) -> None:
    got: list[int] = []
    arrived, go = threading.Event(), asyncio.Event()

    async def slow() -> int:
        try:
            await go.wait()
        except asyncio.CancelledError:
            return 1  # a fetch that answers although nobody wants it any more
        return 1

    part.load("slow", slow, got.append)
    part.load("fast", lambda: value(2), lambda found: (got.append(found), arrived.set()))
    assert arrived.wait(PATIENCE)
    part.wait(PATIENCE)
    assert got == [2]


def test_a_failed_load_is_tried_again(part: Part) -> None:
    answers: list[Any] = [NotFound("there is no <job>", where="lab"), "there"]
    got: list[str] = []
    part.load("it", lambda: value(answers.pop(0)), got.append)
    part.wait(PATIENCE)
    assert (part.state, part.said) == ("failed", "lab: there is no <job>.")
    assert "&lt;job&gt;" in part._line.value
    assert part._sign.layout.display == "none"
    part._retry.click()
    part.wait(PATIENCE)
    assert (part.state, got) == ("ready", ["there"])


def test_a_refused_sign_in_offers_the_form_in_place(part: Part) -> None:
    part.load("it", lambda: value(TokenRejected("no", where="box")), print, server="box")
    part.wait(PATIENCE)
    part._sign.click()
    (form,) = part._form.children
    assert form._name.value == "box"


def test_an_error_of_ours_is_a_sentence_and_no_trace(part: Part) -> None:
    part.load("it", lambda: value(KeyError("x" * 5_000)), print)
    part.wait(PATIENCE)
    assert part.said.startswith("KeyError:")
    assert len(part.said) < 400
    part.load("it", lambda: value(1), lambda _: 1 / 0)
    part.wait(PATIENCE)
    assert part.said == "ZeroDivisionError: division by zero"


def test_a_closed_part_takes_no_answer(part: Part) -> None:
    got: list[int] = []
    part.close()
    part.load("it", lambda: value(1), got.append)
    part.wait(1)
    assert got == []


# -- the grid alone


def test_table_is_a_grid_over_a_frame_or_what_a_uri_names() -> None:
    frame = pd.DataFrame({"a": [1]})
    assert swnb.table(frame).frame is frame
    jobs = swnb.table("box/project/1")
    assert isinstance(jobs, Grid)
    assert jobs.note.startswith("14 of 14 jobs · as of ")
    rows = swnb.table("box/project/1/job/34/table/train")
    assert rows.frame.equals(swnb.rows("box/project/1/job/34", "train"))
