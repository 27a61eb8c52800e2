"""Records with anything in any place: a verb answers, or raises one of our errors."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swnb.call import noting
from swnb.errors import SwnbError
from swnb.model import JobQuery, RowQuery
from tests.unit.providers.istari_registry import Registry, job, made, ok, uid

WORDS = ("Created", "Claimed", "Completed")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
OBJECTS = st.dictionaries(st.sampled_from(["id", "name"]), SCALARS, max_size=2)
ANYTHING = SCALARS | st.lists(SCALARS, max_size=2) | OBJECTS


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested values, as its container and its key."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


def registry() -> Registry:
    found = Registry()
    found.jobs = [made(job(1, WORDS), found.file("metrics.json", '{"a": 1}'), found.file("t.csv", "a\n1\n"))]
    return found


def ask_everything(odd: Registry) -> None:
    host = odd.host
    everything = (
        lambda: host.jobs(None, JobQuery(config=True)),
        lambda: host.jobs(None, JobQuery(limit=1)),
        lambda: host.job(None, uid(1)),
        lambda: host.tasks(None, uid(1)),
        lambda: host.summary(None, None),
        lambda: host.tables(None, uid(1)),
        host.projects,
    )
    for verb in everything:
        with contextlib.suppress(SwnbError):
            odd.run(verb())
    with contextlib.suppress(SwnbError):
        odd.rows(odd.run(host.scan(None, uid(1), "t.csv", RowQuery())))


PLACES = len(list(places(registry().jobs)))
REVISION_PLACES = len(list(places(registry().revisions)))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(1, PLACES - 1), ANYTHING)
def test_anything_in_a_job_is_answered_or_refused(at: int, value: Any) -> None:
    odd = registry()
    shown = copy.deepcopy(odd.jobs)
    container, key = list(places(shown))[at]
    container[key] = value
    odd.rules["/jobs"] = lambda call: odd._page(shown, call)
    odd.rules[f"/jobs/{uid(1)}"] = ok(shown[0])
    with noting():
        ask_everything(odd)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.integers(0, REVISION_PLACES - 1), ANYTHING)
def test_anything_in_a_revision_is_answered_or_refused(at: int, value: Any) -> None:
    odd = registry()
    container, key = list(places(odd.revisions))[at]
    container[key] = value
    with noting():
        ask_everything(odd)
