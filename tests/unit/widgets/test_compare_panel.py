from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.figure
import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

import swnb
from swnb import sandbox
from swnb.bridge import run, submit
from swnb.client.comparing import comparison, refreshed, with_curves
from swnb.client.joining import joined
from swnb.errors import BadInput, NotFound
from swnb.sandbox.serve import Box
from swnb.widgets.compare import Compare, compare
from swnb.widgets.comparedraw import Painter
from swnb.widgets.comparetable import HeatGrid

PATIENCE = 30.0
STAR, SWAN = "star/project/1", "swan/project/ada:mnist"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(seed=1, clock="manual", platforms=("starwhale", "swanlab")) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Box) -> None:
    for name in ("SWNB_CONFIG_DIR", "SW_LOCAL_STORAGE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    for name, platform in (("star", "starwhale"), ("swan", "swanlab")):
        swnb.connect(name, box.uri(platform), token=box.token(platform))


Open = Callable[..., Compare]


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "swnb-work":
            thread.join(PATIENCE)
    submit(asyncio.sleep(0)).result(PATIENCE)


def drawn(panel: Compare) -> list[str]:
    figure: Any = panel.figure
    return [text.get_text() for text in figure.legends[0].get_texts()]


# -- the panel


def test_two_platforms_stand_in_one_table_and_one_figure(opened: Open) -> None:
    panel = opened([STAR, SWAN], ["train/loss", "accuracy"])
    assert set(panel.frame["platform"]) == {"starwhale", "swanlab"}
    assert len(panel.frame) == 27
    figure: Any = panel.figure
    assert isinstance(figure, matplotlib.figure.Figure)
    assert [axes.get_title() for axes in figure.axes] == ["train/loss", "accuracy (final values, no curves)"]
    assert "curves of 13 of 27 jobs" in figure.get_supxlabel()


def test_selected_rows_drive_the_figure_and_none_means_all(opened: Open) -> None:
    panel = opened(SWAN, "train/loss")
    assert "and 1 more" in drawn(panel)
    panel._grid.selected = [1, 3]
    assert drawn(panel) == [uri.rpartition("/")[2] for uri in panel.frame.index[[1, 3]]]
    assert panel.selected.index.tolist() == panel.frame.index[[1, 3]].tolist()
    panel._grid.selected = []
    assert "and 1 more" in drawn(panel)


def test_the_figure_is_kept_while_jobs_are_chosen(opened: Open) -> None:
    panel = opened(SWAN, "train/loss")
    before = panel.figure
    panel._grid.selected = [0]
    assert panel.figure is before


def test_the_code_makes_the_same_figure_again(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss"], smooth=0.5, log="y")
    panel._grid.selected = [1, 2]
    panel._bar._zoom.value = (25.0, 75.0)
    figure: Any = panel.figure
    scope: dict[str, Any] = {"swnb": swnb}
    code = panel.code
    exec(code.splitlines()[1], scope)
    again = scope["figure"]
    assert [axes.get_xlim() for axes in again.axes] == [axes.get_xlim() for axes in figure.axes]
    assert [text.get_text() for text in again.legends[0].get_texts()] == drawn(panel)
    assert "smooth=0.5" in code
    assert again.axes[0].get_yscale() == "log"


@pytest.mark.parametrize("given", [{"smooth": 0.995}, {"window": 25}, {}])
def test_either_mean_is_chosen_at_one_place_and_is_in_the_code(opened: Open, given: dict[str, Any]) -> None:
    panel = opened(SWAN, ["train/loss"], **given)
    figure: Any = panel.figure
    said = "".join(f", {name}={value!r}" for name, value in given.items())
    assert panel._bar.asked.options() == said
    scope: dict[str, Any] = {"swnb": swnb}
    exec(panel.code.splitlines()[1], scope)
    assert scope["figure"].get_supxlabel().split(" · as of")[0] == figure.get_supxlabel().split(" · as of")[0]
    smoothing = panel._bar._smoothing
    shown = [each for each in smoothing.controls[1:] if each.layout.display is None]
    assert len(shown) == len(given)
    smoothing._how.value = "window"
    smoothing._points.value = 7
    assert "mean of 7 points, values behind" in panel.figure.get_supxlabel()
    assert ", window=7" in panel.code
    assert "smooth=" not in panel.code
    smoothing._how.value = "exponential"
    assert "exponential mean, weight" in panel.figure.get_supxlabel()
    assert "window=" not in panel.code
    smoothing._how.value = "none"
    assert "values behind" not in panel.figure.get_supxlabel()


@pytest.mark.parametrize("kind", ["bars", "scatter", "parallel", "pareto"])
def test_every_figure_across_jobs_is_that_of_its_code(opened: Open, kind: str) -> None:
    panel = opened(SWAN, ["train/loss", "val/accuracy"], kind=kind, how="best", key="lr")
    figure: Any = panel.figure
    assert panel._drawing.state == "ready", panel._drawing.said
    scope: dict[str, Any] = {"swnb": swnb}
    exec(panel.code.splitlines()[1], scope)
    assert scope["figure"].told == figure.told
    assert "best value" in figure.get_supxlabel()


def test_metrics_are_read_once_when_they_are_first_chosen(opened: Open, box: Box) -> None:
    panel = opened(SWAN, "train/loss")
    panel.figure  # noqa: B018 - it waits
    box.requests.clear()
    panel._bar._smoothing._how.value = "exponential"
    panel._grid.selected = [2]
    panel._bar._x.value = "relative"
    assert panel.figure is not None
    assert len(box.requests) == 0
    panel._bar._metrics.value = ("train/loss", "val/accuracy")
    assert len(panel.figure.axes) == 2
    assert len(box.requests) > 0


def test_the_table_of_a_starwhale_job_gives_its_curves(opened: Open) -> None:
    panel = opened(STAR, "loss", table="train")
    figure: Any = panel.figure
    assert figure.axes[0].get_title() == "loss"
    assert "table='train'" in panel.code


def test_a_missing_value_is_empty_in_the_table_and_numbers_are_warm(opened: Open) -> None:
    panel = opened([STAR, SWAN], ["train/loss"])
    panel.figure  # noqa: B018
    star = panel.frame[panel.frame["platform"] == "starwhale"]
    assert [value is None for value in star["train/loss"]] == [True] * 14
    rows = panel._grid._body["rows"]
    at = [column.key for column in panel._grid._view.shown].index("train/loss")
    cells = [row[2][at] for row in rows]
    assert None in cells
    shades = [cell[2] for cell in cells if cell is not None]
    assert all(0 <= shade <= 1 for shade in shades)


def test_what_differs_is_ranked_and_said_to_be_correlation(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss"])
    panel.figure  # noqa: B018
    page = panel._config.value
    assert "rank correlation with train/loss (last value)" in page
    assert "a correlation over n jobs, not a cause" in page
    assert "<td" in panel._best.value


def test_what_fails_is_told_where_it_would_have_stood(opened: Open) -> None:
    panel = opened("star/project/nope")
    assert "there is no project" in panel._read.said
    assert panel.figure is None
    for given, said in (({"smooth": 2.0}, "no weight"), ({"window": 0}, "no count"), ({"kind": "pie"}, "no figure")):
        with pytest.raises(BadInput, match=said):
            compare(SWAN, **given)
    with pytest.raises(BadInput, match="two ways"):
        compare(SWAN, smooth=0.5, window=3)
    for asks in (compare, swnb.plot):
        with pytest.raises(BadInput, match="how='mean' is no value of a metric"):
            asks(SWAN, how="mean")


def test_a_metric_that_is_not_there_is_told(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss", "nope"])
    assert panel.figure is not None
    assert "no metric is called nope" in panel._grid.note


def test_fold_draws_like_runs_as_one_line(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss"], fold=True)
    figure: Any = panel.figure
    assert "13 runs as 10 lines, mean ± standard deviation" in figure.get_supxlabel()
    assert any("mean of n = 1-2" in text for text in drawn(panel))


def test_what_was_moved_by_hand_is_in_the_code_and_stays_until_the_range_is_set(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss", "val/accuracy"], interactive=True)
    figure: Any = panel.figure
    figure.axes[0].set_xlim(10, 20)
    assert panel.code.endswith("interactive=True, span=(10.0, 20.0), size=(9.6, 3.6))")
    panel._bar._smoothing._how.value = "window"
    panel._grid.selected = [0]
    assert panel.figure is figure
    assert [axes.get_xlim() for axes in figure.axes] == [(10, 20)] * 2
    panel._bar._zoom.value = (0.0, 50.0)
    assert panel.figure.axes[0].get_xlim()[0] == 0
    panel._bar._zoom.value = (0.0, 100.0)
    assert panel.figure.axes[0].get_xlim()[0] < 0
    assert "span" not in panel.code
    panel._bar._kind.value = "bars"
    assert panel.figure is figure
    assert figure.told.startswith("Bars of")
    assert figure.kept is None


def test_an_interactive_panel_exports_and_keeps_its_picture(opened: Open, tmp_path: Path) -> None:
    panel = opened(SWAN, ["train/loss"], interactive=True)
    data = panel._repr_mimebundle_()
    assert data is not None
    assert 'alt="Curves of train/loss over step' in data["text/html"]
    assert len(data["text/html"]) < 200_000
    assert panel.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in panel.save(tmp_path / "a.svg").read_text("utf-8")


def test_an_outlier_among_seeds_is_named_by_panel_and_plot(opened: Open) -> None:
    with sandbox.run(seed=1, platforms=("swanlab",), jobs=0) as own:
        lab, workspace = own.platform("swanlab"), own.user("swanlab")[0]
        lab.add_project(workspace, "seeds")
        for seed, last in enumerate((1.0, 1.1, 0.9, 1.05, 50.0)):
            lab.add_run(
                workspace, "seeds", f"run-{seed}", {"loss": [(0, 2.0), (1, last)]}, config={"lr": 1, "seed": seed}
            )
        swnb.connect("own", own.uri("swanlab"), token=own.token("swanlab"))
        where = f"own/project/{workspace}:seeds"
        jobs = swnb.jobs(where)
        far = str(jobs.index[jobs["name"] == "run-4"][0]).rpartition("/")[2]
        figure = swnb.plot(where, "loss", fold=True)
        panel = opened(where, "loss", fold=True)
        shown: Any = panel.figure
        assert f"outliers: loss: {far} far from the other 4" in figure.get_supxlabel()
        assert figure.told.endswith(f"{far} far from the other 4")
        assert f"{far} far from the other 4" in shown.get_supxlabel()
        assert f"<p>outliers: loss: {far} far from the other 4</p>" in panel._drawing.page()
        panel.close()


def test_bars_stand_by_job_until_a_key_is_chosen_and_none_stays_chosen(opened: Open) -> None:
    panel = opened(SWAN, "train/loss", kind="bars", key="lr")
    assert panel.figure is not None
    assert panel.figure.told.startswith("Bars of train/loss against lr")
    panel._bar._key.value = None
    assert panel.figure.told == "Bars of train/loss: 13 jobs"
    assert "key=" not in panel.code
    panel.refresh()
    assert panel.figure.told == "Bars of train/loss: 13 jobs"
    panel._bar._kind.value = "scatter"
    assert "against" in panel.figure.told
    assert "key=" in panel.code


# -- what goes out


def test_every_export_is_written_and_stands_in_the_page(opened: Open, tmp_path: Path) -> None:
    panel = opened(SWAN, ["train/loss"])
    assert panel.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in panel.save(tmp_path / "a.svg").read_text("utf-8")
    assert len(pd.read_csv(panel.save(tmp_path / "a.csv"))) == len(panel.frame)
    assert panel.code in panel.save(tmp_path / "a.py").read_text("utf-8")
    with pytest.raises(BadInput, match=r"a\.gif"):
        panel.save(tmp_path / "a.gif")
    panel._export()
    for name in ("compare.png", "compare.svg", "compare.csv", "compare.py"):
        assert f'download="{name}"' in panel._links.value


def test_hostile_names_are_escaped_everywhere(opened: Open) -> None:
    with sandbox.run(seed=1, platforms=("swanlab",), jobs=0) as hostile:
        lab, workspace = hostile.platform("swanlab"), hostile.user("swanlab")[0]
        lab.add_project(workspace, "bad")
        bad = "<img src=x onerror=1>\x1b[31m$\\frac{"
        for n in range(2):
            lab.add_run(workspace, "bad", bad, {bad: [(0, n), (1, 2)]}, config={bad: n})
        swnb.connect("hostile", hostile.uri("swanlab"), token=hostile.token("swanlab"))
        panel = opened(f"hostile/project/{workspace}:bad")
        assert panel.figure is not None, panel._drawing.said
        data = panel._repr_mimebundle_()
        panel._export()
    assert data is not None
    for page in (data["text/html"], panel._best.value, panel._config.value, panel._links.value, panel._drawing.page()):
        assert "<img src=x" not in page
        assert "\x1b" not in page


def test_the_bundle_holds_table_picture_and_code(opened: Open) -> None:
    data = opened(SWAN, ["train/loss"])._repr_mimebundle_()
    assert data is not None
    assert 'alt="Curves of train/loss over step' in data["text/html"]
    assert "13 of 13 jobs" in data["text/plain"]
    assert "figure = swnb.plot(" in data["text/plain"]
    assert len(data["text/html"]) < 200_000


@pytest.mark.parametrize("interactive", [False, True])
def test_a_closed_panel_frees_every_widget(box: Box, interactive: bool) -> None:
    before = set(_instances)
    panel = compare(SWAN, "train/loss", interactive=interactive)
    panel.figure  # noqa: B018
    panel._grid.selected = [0]
    panel._wait(PATIENCE)
    held = [weakref.ref(each) for each in (panel, panel._grid, panel._bar, panel._drawing, panel._painter)]
    sheet: Any = panel._drawing._sheet
    assert (sheet is not None) is interactive
    held += [weakref.ref(each) for each in (panel.figure, *((sheet.canvas, sheet.canvas.toolbar) if sheet else ()))]
    del sheet
    panel.close()
    del panel
    settle()
    gc.collect()
    assert [ref() for ref in held] == [None] * len(held)
    assert set(_instances) <= before


# -- while jobs go


def test_a_comparison_of_ended_jobs_does_not_poll(opened: Open) -> None:
    ended = swnb.jobs(SWAN, status="succeeded")
    panel = opened(ended, "train/loss")
    panel.figure  # noqa: B018
    assert panel._following is None
    assert panel._live.layout.display == "none"


def test_only_jobs_that_go_are_read_again_and_their_new_points_arrive() -> None:
    with sandbox.run(seed=1, clock="manual", platforms=("swanlab",)) as own:
        swnb.connect("own", own.uri("swanlab"), token=own.token("swanlab"))
        found = run(_with_loss("own/project/ada:mnist"))
        before = found.curves.groupby("job").size()
        own.clock.advance(120)
        after = run(refreshed(found)).curves.groupby("job").size()
    going = found.jobs.index[found.jobs["status"] == "running"]
    ended = found.jobs.index[found.jobs["status"] == "succeeded"]
    assert (after[going] > before[going]).any()
    assert (after[ended] == before[ended]).all()


async def _with_loss(where: str) -> Any:
    found = await comparison(where)
    return await with_curves(found, found.lacks(["train/loss"]))


def test_pictures_come_at_most_four_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def twice() -> None:
        painter = Painter()
        await painter.turn()
        await painter.turn()

    monkeypatch.setattr("swnb.widgets.comparedraw.asyncio.sleep", sleep)
    asyncio.run(twice())
    assert len(waits) == 1
    assert 0.2 < waits[0] <= 0.25


# -- what is read


def test_many_named_jobs_come_with_their_projects_list(box: Box) -> None:
    uris = swnb.jobs([STAR, SWAN]).index.tolist()
    box.requests.clear()
    found = run(comparison(uris))
    assert found.uris == uris
    listed = [request for request in box.requests if "/job/" not in str(request)]
    assert len(listed) > 0


def test_an_unknown_table_is_not_found() -> None:
    with pytest.raises(NotFound, match="no table is called 'nope'"):
        run(comparison(STAR, table="nope"))


def test_a_plot_of_jobs_without_curves_is_bars_of_their_final_values() -> None:
    figure = swnb.plot([STAR, SWAN], ["train/loss", "accuracy"])
    assert [axes.get_title() for axes in figure.axes] == ["train/loss", "accuracy (final values, no curves)"]
    assert len(figure.axes[1].patches) > 0


def test_a_folded_plot_reads_the_curves() -> None:
    figure = swnb.plot(SWAN, "train/loss", fold=True)
    assert "13 runs as 10 lines" in figure.get_supxlabel()


def test_a_plot_refuses_what_is_not_there() -> None:
    with pytest.raises(BadInput, match="no figure"):
        swnb.plot(SWAN, kind="pie")
    with pytest.raises(BadInput, match="no metric 'nope'"):
        swnb.plot(SWAN, "nope", kind="bars")
    with pytest.raises(BadInput, match="config key 'nope'"):
        swnb.plot(SWAN, "train/loss", kind="scatter", key="nope")
    with pytest.raises(BadInput, match="two metrics"):
        swnb.plot(SWAN, "train/loss", kind="pareto")
    with pytest.raises(BadInput, match="no metric 'nope'"):
        swnb.plot(SWAN, "nope")
    with pytest.raises(NotFound, match="no metric is called 'nope'"):
        swnb.plot([STAR, swnb.jobs(SWAN).index[-1]], "nope")


def test_joined_frames_say_where_both_came_from() -> None:
    frames = [swnb.metrics(uri, "train/loss") for uri in swnb.jobs(SWAN, status="succeeded").index[:2]]
    both = swnb.provenance(joined(frames))
    assert both.n == sum(map(len, frames))
    assert both.total == both.n
    assert len(swnb.provenance(joined(frames[:1])).code) < len(both.code)


def test_a_heat_grid_without_shades_is_a_plain_grid() -> None:
    grid = HeatGrid(pd.DataFrame({"a": [1.0, 2.0]}))
    assert [row[2] for row in grid._body["rows"]] == [["1"], ["2"]]
    grid.show(pd.DataFrame({"a": [1.0, 2.0]}), ["a"], ["a"])
    assert [row[2] for row in grid._body["rows"]] == [[["1", "1", 0.0]], [["2", "2", 1.0]]]
    grid.close()
