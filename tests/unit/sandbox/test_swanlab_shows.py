"""The grammar of filters, groups and sorts of the SwanLab sandbox (paper 5)."""

from __future__ import annotations

from typing import Any

import pytest

from swnb.sandbox.clock import Clock
from swnb.sandbox.swanlab.errors import Refused
from swnb.sandbox.swanlab.shows import shown
from swnb.sandbox.swanlab.state import State
from swnb.sandbox.world import World


@pytest.fixture
def state() -> State:
    state = State(World(Clock(manual=True)))
    runs: list[tuple[str, float, dict[str, Any], dict[str, Any]]] = [
        ("one", 0.5, {"lr": 0.1, "net": {"depth": 2}, "size": 64}, {"labels": ["x", "y"], "cluster": "night"}),
        ("two", 0.25, {"lr": 0.01, "net": {"depth": 10}, "size": 64.0}, {"labels": ["y"], "cluster": "day"}),
        ("three", 0.125, {"lr": 0.001, "a.b": "text"}, {"state": "CRASHED"}),
    ]
    for place, (name, loss, config, more) in enumerate(runs):
        series = {"train/loss": [(0, 9.0), (1, loss)]}
        state.add_run("ada", "p", name, series, config=config, created=1_700_000_000.0 + 86400 * place, **more)
    return state


def ask(state: State, **body: Any) -> Any:
    return shown(state, state.projects[0].runs(state.now), body)


def names(state: State, *filters: tuple[str, str, str, list[Any]], **more: Any) -> list[str]:
    asked = [{"type": kind, "key": key, "op": op, "value": value} for kind, key, op, value in filters]
    return [run["name"] for run in ask(state, filters=asked, **more)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("STABLE", "state", "EQ", ["FINISHED"]), ["two", "one"]),
        (("STABLE", "state", "NEQ", ["FINISHED"]), ["three"]),
        (("STABLE", "name", "CONTAIN", ["O"]), ["two", "one"]),
        (("STABLE", "labels", "IN", ["x", "z"]), ["one"]),
        (("STABLE", "labels", "NOT IN", ["x"]), ["three", "two"]),
        (("STABLE", "labels", "EQ", ["y", "x"]), ["one"]),
        (("STABLE", "cluster", "EQ", [""]), ["three"]),
        (("STABLE", "user.username", "EQ", ["ada"]), ["three", "two", "one"]),
        (("STABLE", "createdAt", "LTE", ["2023-11-15T23:00:00.000Z"]), ["two", "one"]),
        (("CONFIG", "size", "EQ", ["64"]), ["two", "one"]),
        (("CONFIG", "net.depth", "GTE", [9]), ["two"]),
        (("CONFIG", "a.b", "EQ", ["text"]), ["three"]),
        (("SCALAR", "train/loss", "LTE", ["0.25"]), ["three", "two"]),
        (("SCALAR", "nix", "GTE", [0]), []),
    ],
)
def test_a_filter_keeps_the_runs_it_names(
    state: State, asked: tuple[str, str, str, list[Any]], found: list[str]
) -> None:
    assert names(state, asked) == found


def test_filters_are_anded_and_one_that_is_not_active_does_nothing(state: State) -> None:
    both = ("STABLE", "state", "EQ", ["FINISHED"]), ("CONFIG", "lr", "LTE", [0.05])
    assert names(state, *both) == ["two"]
    idle = {"type": "STABLE", "key": "name", "op": "EQ", "value": ["nobody"], "active": False}
    assert len(ask(state, filters=[idle])) == 3


def test_sorts_are_by_number_and_later_ones_break_ties(state: State) -> None:
    assert names(state, sorts=[{"key": "train/loss", "type": "SCALAR", "order": "ASC"}]) == ["three", "two", "one"]
    sorts = [
        {"key": "state", "type": "STABLE", "order": "DESC"},
        {"key": "train/loss", "type": "SCALAR", "order": "DESC"},
    ]
    assert names(state, sorts=sorts) == ["one", "two", "three"]


def test_groups_nest_and_lists_are_joined(state: State) -> None:
    groups = [{"key": "state", "type": "STABLE"}, {"key": "labels", "type": "STABLE"}]
    found = ask(state, groups=groups)
    assert {word: {name: len(runs) for name, runs in parts.items()} for word, parts in found.items()} == {
        "CRASHED": {"": 1},
        "FINISHED": {"y": 1, "x, y": 1},
    }


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"filters": "all"},
        {"filters": [{"key": "name", "type": "STABLE", "op": "LIKE", "value": ["x"]}]},
        {"filters": [{"key": "name", "type": "STABLE", "op": "EQ", "value": "x"}]},
        {"filters": [{"key": "nix", "type": "STABLE", "op": "EQ", "value": ["x"]}]},
        {"sorts": [{"key": "name", "type": "OTHER"}]},
    ],
)
def test_what_the_grammar_lacks_is_a_bad_request(state: State, body: Any) -> None:
    with pytest.raises(Refused) as refused:
        shown(state, state.projects[0].runs(state.now), body)
    assert refused.value.status == 400
