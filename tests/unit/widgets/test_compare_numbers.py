"""The numbers of a comparison: those of the points, the same in panel, table and plot, whatever the platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import swnb
from swnb import sandbox
from swnb.client.comparing import Comparison
from swnb.errors import BadInput, NotFound
from swnb.frames import metrics as series_frames
from swnb.model import Series
from swnb.sandbox.serve import Box
from swnb.widgets.compare import Compare, compare
from swnb.widgets.comparebar import Asked
from swnb.widgets.comparetable import best_frame, best_page, table_of

PATIENCE = 30.0
SWAN = "swan/project/ada:mnist"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with sandbox.run(seed=1, clock="manual", platforms=("swanlab", "supervisely", "starwhale")) as running:
        yield running


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Box) -> None:
    for name in ("SWNB_CONFIG_DIR", "SW_LOCAL_STORAGE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("SW_CLI_CONFIG", str(tmp_path / "none.yaml"))
    for name, platform in (("swan", "swanlab"), ("sly", "supervisely"), ("star", "starwhale")):
        swnb.connect(name, box.uri(platform), token=box.token(platform))


@pytest.fixture
def sly() -> str:
    """A Supervisely project whose jobs have curves and no metric in their summaries."""
    found = swnb.projects("sly")
    return str(next(uri for uri in found.index if found["jobs"].isna().all() or found["name"][uri] == "mnist"))


Open = Callable[..., Compare]


def ends(where: Any, metric: str, how: str) -> pd.Series[float]:
    """The value of each job's curve, from its points."""
    long = swnb.metrics(where, metric)
    by = long.sort_values("step", kind="stable").groupby("job", sort=False)["value"]
    found: pd.Series[float] = by.last() if how == "last" else by.agg(how)
    return found


@pytest.mark.parametrize("kind", ["bars", "curves"])
@pytest.mark.parametrize("how", ["last", "min", "best"])
def test_values_are_those_of_the_points_on_all_platforms(opened: Open, sly: str, kind: str, how: str) -> None:
    panel = opened([SWAN, sly], ["train/loss"], kind=kind, how=how)
    assert panel.figure is not None
    table = panel.frame["train/loss"]
    for where in (SWAN, sly):
        expected = ends(where, "train/loss", "min" if how == "best" else how)
        assert len(expected) > 5
        np.testing.assert_allclose(table[expected.index].astype(float), expected)
    assert table[~table.index.isin(ends([SWAN, sly], "train/loss", "last").index)].isna().all()


def test_a_plot_of_one_value_a_job_reads_the_curves_of_those_that_need_it(sly: str) -> None:
    figure = swnb.plot([SWAN, sly], "train/loss", kind="bars")
    jobs, curved = len(swnb.jobs([SWAN, sly])), swnb.metrics([SWAN, sly], "train/loss")["job"].nunique()
    (axes,) = figure.axes
    heights = [bar.get_width() for bar in axes.patches]
    assert sum(np.isfinite(heights)) == curved
    assert f"{jobs - curved} " in figure.get_supxlabel()  # who has none is counted


@pytest.mark.parametrize(("kind", "read"), [("bars", 0), ("curves", 13)])
def test_who_has_a_value_already_is_not_asked_for_his_curve(opened: Open, box: Box, kind: str, read: int) -> None:
    box.requests.clear()
    assert opened(SWAN, ["train/loss"], kind=kind).figure is not None
    assert box.requests.count("/scalar/export") == read


def test_a_plot_says_which_jobs_have_no_curve_and_shows_their_final_values() -> None:
    jobs = swnb.jobs(SWAN)
    figure: Any = swnb.plot([SWAN, "star/project/1"], ["train/loss", "accuracy"])
    curved = swnb.metrics(SWAN, "train/loss")["job"].nunique()
    assert f"curves of {curved} of {len(jobs) + len(swnb.jobs('star/project/1'))} jobs" in figure.get_supxlabel()
    assert [axes.get_title() for axes in figure.axes] == ["train/loss", "accuracy (final values, no curves)"]
    named = list(swnb.metrics(SWAN, "train/loss")["job"].unique()[:2])
    assert "jobs" not in swnb.plot(named, "train/loss").get_supxlabel()  # all of them are drawn


def uris(count: int) -> list[str]:
    return [f"lab/project/1/job/{n}" for n in range(count)]


def made(values: dict[str, list[float | None]], **columns: list[Any]) -> Comparison:
    index = pd.Index(uris(len(next(iter(values.values())))), name="job")
    told = {"name": [f"n{n}" for n in range(len(index))], "status": ["succeeded"] * len(index), **columns}
    return Comparison(pd.DataFrame(told, index=index), pd.DataFrame(values, index=index))


def test_the_best_job_of_each_metric_is_named_also_where_one_is_best_twice() -> None:
    found = made({"acc": [0.9, 0.1, 0.2], "auc": [0.8, 0.1, 0.2], "loss": [0.5, 0.4, 0.1]})
    best = best_frame(found, ["acc", "auc", "loss"], "last", None)
    assert best["job"].tolist() == [uris(3)[0], uris(3)[0], uris(3)[2]]
    assert best["name"].tolist() == ["n0", "n0", "n2"]
    page = best_page(found, ["acc", "auc", "loss"], "last", None)
    rows = [[cell.split("<")[0] for cell in line.split("<td")[1:]] for line in page.split("<tr")[1:]]
    told = [line[0][line[0].index(">") + 1 :] for line in rows if line]
    assert told == ["acc", "auc", "loss"]
    assert uris(3)[2] not in page
    assert "n2" in page


def test_a_metric_may_be_called_as_any_other_column_is() -> None:
    found = made({"status": [1.0, 2.0], "config.lr": [3.0, 4.0]}, **{"config.lr": [0.1, 0.2], "config.deep": [1, 2]})
    frame = table_of(found, ["status", "config.lr"], "last", None)
    assert frame.columns.is_unique
    assert frame["config.lr (metric)"].tolist() == [3.0, 4.0]
    assert frame["config.lr"].tolist() == [0.1, 0.2]
    assert frame["status (metric)"].tolist() == [1.0, 2.0]


def test_curves_that_are_lacking_are_told_by_job() -> None:
    steps = np.arange(3)
    read = series_frames.long([(uris(3)[0], Series("loss", steps, steps * 1.0))])
    base = made({"loss": [None, 2.0, None], "loss.min": [None, 1.0, None]})
    found = Comparison(base.jobs, base.summary, ("loss", "acc"), read, curved=frozenset(uris(3)))
    asked = Comparison(base.jobs, base.summary, ("loss",), read, (), found.curved, {"loss": frozenset(uris(3)[:1])})
    assert found.lacks(["loss"]) == {"loss": uris(3)}
    assert asked.lacks(["loss", "loss", "nope"]) == {"loss": uris(3)[1:]}
    assert asked.lacks(["loss"], "min") == asked.lacks(["loss"], "best") == {"loss": [uris(3)[2]]}
    assert asked.lacks(["loss"], "max") == {"loss": uris(3)[1:]}
    assert asked.lacks(["loss"], "best", {"loss": "max"}) == {"loss": uris(3)[1:]}


def test_a_live_reading_leaves_what_was_chosen_meanwhile(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss"], x="time", key="optim.lr")
    panel._bar._x.value = "step"
    panel._bar._metrics.value = ()
    with panel._lock:
        panel._take(panel.found)  # type: ignore[arg-type]
    assert panel._bar.asked.x == "step"
    assert panel._bar.asked.metrics == ()
    panel._bar._metrics.value = ("train/loss",)
    assert panel.figure is not None


def test_showing_a_table_asks_for_nothing_twice(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = opened(SWAN, ["train/loss"])
    panel._grid.selected = [0, 1]
    assert panel.figure is not None
    loads: list[str] = []
    load = panel._drawing.load
    monkeypatch.setattr(panel._drawing, "load", lambda what, *a, **k: (loads.append(what), load(what, *a, **k)))
    panel._bar._how.value = "min"
    panel._wait(PATIENCE)
    assert loads == ["the figure"]


def test_best_and_differences_are_frames_too(opened: Open) -> None:
    panel = opened(SWAN, ["train/loss", "val/accuracy"])
    assert panel.best.index.tolist() == ["train/loss", "val/accuracy"]
    last = panel.frame["train/loss"].astype(float)
    assert panel.best["job"]["train/loss"] == last.idxmin()
    assert {"correlation", "n", "distinct"} <= set(panel.differences.columns)
    assert len(panel.differences) > 1


def test_the_frame_right_after_the_panel_was_made_has_its_values(sly: str) -> None:
    panel = compare(sly, ["train/loss"])
    try:
        assert panel.frame["train/loss"].notna().sum() == swnb.metrics(sly, "train/loss")["job"].nunique()
    finally:
        panel.close()


def test_what_is_folded_is_drawn_step_by_step_in_the_code_too() -> None:
    assert "x=" not in Asked(("a",), x="time", fold=True).options()
    assert "x='time'" in Asked(("a",), x="time").options()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"span": ("abc", "def")}, "span="),
        ({"span": (1,)}, "span="),
        ({"span": 5}, "span="),
        ({"span": (None, 10)}, "span="),
        ({"span": (10, 1)}, "span="),
        ({"span": (0, float("inf"))}, "span="),
        ({"x": "time", "span": ("no", "time")}, "span="),
        ({"smooth": "a"}, "smooth="),
        ({"smooth": float("nan")}, "smooth="),
        ({"window": "x"}, "window="),
        ({"window": None}, "window="),
        ({"window": 2.0}, "window="),
        ({"metrics": 5}, "metrics=5"),
        ({"metrics": [1, 2]}, "metrics="),
        ({"size": 3}, "size="),
        ({"size": (-1, 3)}, "size="),
        ({"size": (0, 0)}, "size="),
        ({"size": (float("nan"), 3)}, "size="),
        ({"log": "z", "kind": "scatter"}, "log="),
        ({"goals": "min"}, "goals="),
        ({"key": ["lr"], "kind": "scatter"}, "key="),
    ],
)
def test_a_wrong_option_of_plot_is_a_sentence_before_anything_is_asked(
    box: Box, given: dict[str, Any], said: str
) -> None:
    box.requests.clear()
    with pytest.raises(BadInput, match=said):
        swnb.plot(SWAN, **{"metrics": "train/loss", **given})
    assert len(box.requests) == 0


def test_no_jobs_and_a_frame_to_fold_are_told() -> None:
    with pytest.raises(BadInput, match="no job is named"):
        swnb.plot([], "train/loss")
    with pytest.raises(BadInput, match="to fold runs their configs are needed"):
        swnb.plot(swnb.metrics(SWAN, "train/loss"), fold=True)


def test_jobs_without_the_table_are_left_out_of_its_curves() -> None:
    jobs = swnb.jobs("star/project/1")
    having = [uri for uri in jobs.index if "train" in swnb.tables(uri)]
    lacking = [uri for uri in jobs.index if uri not in having]
    assert having and lacking
    figure: Any = swnb.plot([having[0], lacking[0]], ["loss"], table="train")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [having[0].rpartition("/")[2]]
    with pytest.raises(NotFound):
        swnb.plot(lacking[0], ["loss"], table="train")
    with pytest.raises(NotFound):
        swnb.plot(having, ["loss"], table="nope")


def test_a_metric_named_twice_is_drawn_once() -> None:
    figure: Any = swnb.plot(SWAN, ["train/loss", "train/loss"])
    assert [axes.get_title() for axes in figure.axes] == ["train/loss"]


def test_a_wide_frame_is_drawn_as_the_long_one_it_was_made_of() -> None:
    job = swnb.metrics(SWAN, ["train/loss", "val/accuracy"])["job"].iloc[0]
    names = ["train/loss", "val/accuracy"]
    wide, long = (swnb.plot(swnb.metrics(job, names, wide=wide), names) for wide in (True, False))
    for one, other in zip(wide.axes, long.axes, strict=True):
        lines = [[line.get_xydata() for line in axes.lines if len(line.get_xydata())] for axes in (one, other)]
        finite = [[points[np.isfinite(points).all(axis=1)] for points in each] for each in lines]
        assert len(finite[0][0]) > 10
        np.testing.assert_array_equal(finite[0][0], finite[1][0])
