"""The world's jobs as jobs of the sandbox's registry: their histories and what they put out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.clock import Clock
from swnb.sandbox.curves import big_table
from swnb.sandbox.faults import Faults
from swnb.sandbox.istari import Istari, stories
from swnb.sandbox.istari.content import seal
from swnb.sandbox.istari.words import STATUSES, TERMINAL, identity, iso
from swnb.sandbox.story import tell
from swnb.sandbox.world import Job, Timeline

STEPS = st.lists(
    st.tuples(
        st.floats(0.1, 5000),
        st.sampled_from(["queued", "running", "paused", "stopping", "succeeded", "failed", "cancelled", "unknown"]),
    ),
    max_size=5,
)


def registry(jobs: int = 60) -> Istari:
    return Istari(tell(Clock(manual=True), jobs=jobs, seed=3), Faults())


@given(st.integers(1, 200), STEPS)
def test_a_history_is_in_order_and_begins_with_created(number: int, steps: list[tuple[float, str]]) -> None:
    at, story = 0.0, [(0.0, "created")]
    for after, word in steps:
        at += after
        story.append((at, word))
    found = stories.entries(Job(number, "", "train", "ada", Timeline(story)))
    assert [entry.at for entry in found] == sorted(entry.at for entry in found)
    assert found[0] == (0.0, "Created", None, False, None, None)
    assert {entry.name for entry in found} <= set(STATUSES)
    ends = {"succeeded", "failed", "cancelled"}
    assert sum(entry.name in TERMINAL for entry in found) == sum(word in ends for _, word in story)


def test_the_last_word_is_that_of_the_world() -> None:
    server = registry()
    for job in server.jobs:
        assert job.world is not None
        word, status = job.world.timeline.status(server.now), job.status(server.now)
        held = {"paused": {"Claimed", "Validating"}, "stopping": {"Uploading"}}
        assert stories.REAL_WORD[status.lower()] == word or status in held[word]


def test_a_job_follows_what_other_platforms_do_to_it() -> None:
    server = registry()
    job = next(job for job in server.jobs if job.status(server.now) == "Running")
    assert job.world is not None
    job.world.timeline.turn(server.now, (0.0, "stopping"), (2.0, "cancelled"))
    assert job.status(server.now) == "Uploading"
    assert job.status(server.now + 3) == "Canceled"
    assert job.products(server.now + 86400) == []


def test_a_status_that_a_client_writes_ends_the_story() -> None:
    server = registry()
    job = next(job for job in server.jobs if job.status(server.now) == "Running" and job.artifacts)
    job.write(server.now, "Completed", None, server.users[0], None)
    assert job.history(server.now + 86400)[-1].name == "Completed"
    assert job.products(server.now) == []


def test_ids_are_version_4_and_no_two_are_the_same() -> None:
    server = registry()
    things = list(server.things.values())
    ids = [thing.id for thing in things] + [thing.file.id for thing in things]
    ids += [revision.id for thing in things for revision in thing.file.revisions]
    assert len(set(ids)) == len(ids) > 200
    for text in ids:
        assert (str(uuid.UUID(text)), uuid.UUID(text).version) == (text, 4)


def test_the_registry_is_the_same_for_the_same_seed() -> None:
    first, second = (
        [bytes(job.record(server.now, server.store)) for job in server.jobs] for server in (registry(), registry())
    )
    assert first == second


def test_a_record_says_the_same_until_something_happens() -> None:
    server = registry()
    job = next(job for job in server.jobs if job.status(server.now) == "Pending")
    before = job.record(server.now, server.store)
    assert job.record(server.now + 1, server.store) is before
    assert json.loads(bytes(job.record(server.now + 86400, server.store))) != json.loads(bytes(before))


def test_the_papers_hash_holds() -> None:
    """Paper 4.1: the salt stands behind the content."""
    found = seal(b'{"alpha": 1, "beta": "two"}', "salt-c-27")
    assert found == "bdbc47b6ac8efc4d7dc3bc00d18954cd7aef9b271d89e14915beda54d7d5bc01e3c276e30edb0dfc2eda941dd22fc894"
    assert seal(b"x", "") == hashlib.sha384(b"x").hexdigest()


@pytest.mark.parametrize("rows", [0, 1, 10_000, 10_001])
def test_a_table_is_written_whole(rows: int) -> None:
    found = list(csv.DictReader(io.StringIO(stories.table(big_table(rows)).decode())))
    assert [row["id"] for row in found] == [str(number) for number in range(rows)]


@given(st.integers(0, 0xFFFF), st.integers(0, 10**9), st.integers(0, 0xFFFF))
def test_identities_are_version_4(kind: int, number: int, part: int) -> None:
    assert uuid.UUID(identity(kind, number, part)).version == 4


def test_times_have_microseconds() -> None:
    assert iso(1_750_000_000.25) == "2025-06-15T15:06:40.250000Z"
