from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from swnb.client.comparing import Comparison
from swnb.plots import View, png
from swnb.plots.asked import fold_chart

NAN, INF = float("nan"), float("inf")
JOBS = [f"lab/project/1/job/{n}" for n in range(6)]


def runs(values: dict[int, list[float]], metric: str = "loss") -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame({"job": JOBS[at], "metric": metric, "step": range(len(each)), "value": each})
            for at, each in values.items()
        ]
    )


def compared(*curves: pd.DataFrame, **config: list[Any]) -> Comparison:
    read = pd.concat(curves, ignore_index=True)
    keys = config or {"lr": [1] * len(JOBS), "seed": list(range(len(JOBS)))}
    jobs = pd.DataFrame({f"config.{name}": cells for name, cells in keys.items()}, index=pd.Index(JOBS, name="job"))
    return Comparison(jobs, pd.DataFrame(index=jobs.index), tuple(read["metric"].unique()), read)


def folded(found: Comparison, names: list[str] | None = None, log: str = "") -> Any:
    return fold_chart(found, found.curves, names, View(log=log), size=(8, 4)).figure


def legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def lines(figure: Any, width: float) -> list[Any]:
    return [line for line in figure.axes[0].lines if line.get_linewidth() == width and line.get_linestyle() != "None"]


def test_the_legend_says_the_range_of_n_and_the_line_is_thin_where_a_run_has_ended() -> None:
    figure = folded(compared(runs({0: [1.0, 1, 1, 1], 1: [3.0, 3], 2: [2.0, 2, 2, 2]})))
    assert legend(figure) == ["0 (mean of n = 2-3)"]
    (full,), (thin,) = lines(figure, 1.4), lines(figure, 0.7)
    assert np.array_equal(full.get_ydata(), [2, 2, NAN, NAN], equal_nan=True)
    assert np.array_equal(thin.get_ydata(), [NAN, 2, 1.5, 1.5], equal_nan=True)
    assert "3 runs as 1 line, mean ± standard deviation · 10 points" in figure.get_supxlabel()
    assert "thin where n is less" in figure.get_supxlabel().replace("\n", " ")
    png(figure)


def test_where_all_runs_go_on_nothing_is_thin() -> None:
    figure = folded(compared(runs({0: [1.0, 2], 1: [3.0, 4]})))
    assert legend(figure) == ["0 (mean of n = 2)"]
    assert np.isnan(lines(figure, 0.7)[0].get_ydata()).all()
    assert "thin" not in figure.get_supxlabel()


def test_n_is_told_by_metric_where_it_differs() -> None:
    figure = folded(compared(runs({0: [1.0, 2], 1: [3.0, 4], 2: [1.0, 1]}), runs({0: [1.0, 2], 1: [3.0]}, "acc")))
    assert legend(figure) == ["0 (mean of n = 1-2 of 3 runs acc, 3 loss)"]


def test_runs_without_a_step_in_common_are_no_mean_of_them_all() -> None:
    both = runs({0: [1.0, 2], 1: [3.0, 4]})
    both.loc[both["job"] == JOBS[1], "step"] += 10
    assert legend(folded(compared(both))) == ["0 (mean of n = 1 of 2 runs)"]


def test_values_that_are_not_finite_and_points_written_twice_are_counted_in_the_footer() -> None:
    twice = pd.concat([runs({0: [1.0, NAN, INF], 1: [3.0, 4, 5]}), runs({0: [1.5]})])
    figure = folded(compared(twice))
    assert legend(figure) == ["0 (mean of n = 1-2)"]
    said = figure.get_supxlabel().replace("\n", " · ")
    assert "4 of 7 points · 2 not finite, in no mean · 1 written again at the same step" in said
    assert lines(figure, 1.4)[0].get_ydata()[0] == 2.25


def test_the_footer_names_the_keys_that_were_taken_for_chance_and_differ() -> None:
    keys = {"lr": [1] * 6, "seed": [1, 2, 3, 4, 5, 6], "host": ["a"] * 6, "pid": [1, 2, 1, 2, 1, 2]}
    figure = folded(compared(runs({0: [1.0], 1: [2.0]}), **keys))
    assert "config keys ignored: seed, pid" in figure.get_supxlabel()


def test_outliers_and_the_diverged_are_named_with_how_many_others() -> None:
    figure = folded(compared(runs({0: [1.0, 1], 1: [1.0, 1.1], 2: [1.0, 0.9], 3: [1.0, 9], 4: [1.0, NAN], 5: [1.0]})))
    said = figure.get_supxlabel().replace("\n", " · ")
    assert "loss: 4 diverged (last value not finite)" in said
    assert "far from" not in said  # at step 0, which all have, they are the same
    figure = folded(compared(runs({0: [1.0, 1], 1: [1.0, 1.1], 2: [1.0, 0.9], 3: [9.0, 9], 4: [1.0, NAN], 5: [1.0]})))
    assert "loss: 3 far from the other 4 at step 0; loss: 4 diverged" in figure.told


def test_a_folded_log_figure_keeps_its_mean_line_in_view() -> None:
    figure = folded(compared(runs({0: [1.0, 1], 1: [100.0, 100]})), log="y")
    low, high = figure.axes[0].get_ylim()
    assert low < 50.5 < high
    png(figure)
