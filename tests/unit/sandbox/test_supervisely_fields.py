"""The data of apps in the sandbox's Supervisely, and the parts of its multipart forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.supervisely import fields
from swnb.sandbox.supervisely.asked import split
from swnb.sandbox.supervisely.errors import Refused

NAMES = st.text("abc", min_size=1, max_size=2)
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


def written(held: dict[str, Any], path: str, payload: Any, **how: bool) -> dict[str, Any]:
    fields.write(held, path, payload, **how)
    return held


@given(st.lists(NAMES, min_size=1, max_size=4), TREES, st.booleans(), st.booleans())
def test_what_is_written_into_nothing_is_read_back(way: list[str], payload: Any, append: bool, deep: bool) -> None:
    held: dict[str, Any] = {}
    fields.write(held, ".".join(way), payload, append=append, recursive=deep)
    assert fields.read(held, ".".join(way)) == payload


@given(TREES, TREES)
def test_a_deep_merge_keeps_every_leaf_that_the_new_value_does_not_cover(old: Any, new: Any) -> None:
    both = fields.merged(old, new, deep=True)
    assert fields.merged(both, new, deep=True) == both
    if isinstance(old, dict) and isinstance(new, dict):
        assert both.keys() == old.keys() | new.keys()
        assert {name: both[name] for name in old.keys() - new.keys()} == {
            name: old[name] for name in old.keys() - new.keys()
        }


def test_the_three_ways_to_set_a_field() -> None:
    """The example of the paper, 4.3."""
    ways = [{}, {"append": True}, {"append": True, "recursive": True}]
    found = [written({"x": {"a": {"p": 1}, "b": {"q": 1, "r": 2}}}, "x", {"b": {"s": 3}}, **how)["x"] for how in ways]
    assert found == [
        {"b": {"s": 3}},
        {"a": {"p": 1}, "b": {"s": 3}},
        {"a": {"p": 1}, "b": {"q": 1, "r": 2, "s": 3}},
    ]


def test_lists_are_made_lengthened_and_never_left_with_holes() -> None:
    held = written({}, "chart.series[0].y", [1])
    fields.write(held, "chart.series[0].y", [2], append=True)
    fields.write(held, "chart.series[1]", "more")
    assert held == {"chart": {"series": [{"y": [1, 2]}, "more"]}}
    with pytest.raises(Refused):
        fields.write(held, "chart.series[9999999].y", 1)


@pytest.mark.parametrize("path", ["", "..", 5, None, "[0]", "a.b", "a[0]"])
def test_paths_that_lead_nowhere_are_refused(path: Any) -> None:
    with pytest.raises(Refused):
        fields.write({"a": 1}, path, 1)


@pytest.mark.parametrize("path", ["a.b.c", "a[0]", "b", "a.b[3]"])
def test_what_is_not_there_is_absent(path: str) -> None:
    assert fields.read({"a": {"b": [1]}}, path) is fields.ABSENT


@given(st.lists(st.binary().filter(lambda body: b"--edge" not in body), min_size=1, max_size=3))
def test_the_parts_of_a_form_come_back_byte_for_byte(bodies: list[bytes]) -> None:
    form = b"".join(
        b'--edge\r\nContent-Disposition: form-data; name="%d-file"; filename="f%d"\r\n\r\n%b\r\n' % (place, place, body)
        for place, body in enumerate(bodies)
    )
    parts = split(form + b"--edge--\r\n", "multipart/form-data; boundary=edge")
    assert [(part.name, part.file, part.body) for part in parts] == [
        (f"{place}-file", f"f{place}", body) for place, body in enumerate(bodies)
    ]


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(Refused):
        split(b"", "multipart/form-data")
