"""What both dialects make of the world's jobs."""

from __future__ import annotations

import base64
import json
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.sandbox.clock import Clock
from swnb.sandbox.faults import Faults
from swnb.sandbox.rayjobs import Ray, Yuanrong, ray_tasks
from swnb.sandbox.rayjobs.jobs import Job, Kept, letters
from swnb.sandbox.rayjobs.processes import Process
from swnb.sandbox.rayjobs.ray_shapes import packed
from swnb.sandbox.rayjobs.yuanrong_auth import make_token
from swnb.sandbox.story import tell
from swnb.sandbox.world import Timeline, World


@pytest.fixture
def world() -> World:
    return tell(Clock(manual=True), jobs=60, seed=1)


def test_ids_are_unique_and_the_same_in_each_telling(world: World) -> None:
    again = tell(Clock(manual=True), jobs=60, seed=1)
    for platform in (Ray, Yuanrong):
        ids = [job.id for job in platform(world, Faults()).shelf]
        assert ids == [job.id for job in platform(again, Faults()).shelf]
        assert len({*ids}) == len(ids) == 60


def test_ids_follow_the_rule_of_their_platform(world: World) -> None:
    assert all(re.fullmatch(r"(app-|my-app-)[a-z0-9-]{1,60}", job.id) for job in Yuanrong(world, Faults()).shelf)
    mine = [job.id for job in Ray(world, Faults()).shelf if job.id.startswith("raysubmit_")]
    assert mine
    assert all(re.fullmatch(r"raysubmit_[A-Za-z0-9]{16}", sid) for sid in mine)


def test_a_job_that_is_removed_elsewhere_is_gone_here(world: World) -> None:
    ray = Ray(world, Faults())
    first = next(iter(ray.shelf))
    assert first.made is not None
    first.made.removed = True
    assert ray.shelf.get(first.id) is None
    assert len(ray.shelf) == 59


def test_a_job_that_is_added_to_the_world_appears(world: World) -> None:
    ray = Ray(world, Faults())
    assert len(ray.shelf) == 60
    new = tell(Clock(manual=True), jobs=1, seed=7).projects[0].jobs[0]
    new.id = 4711
    world.projects[0].jobs.append(new)
    assert len(ray.shelf) == 61


def test_what_was_rendered_is_kept_until_the_status_changes() -> None:
    job = Job("a", 1, Timeline([(0.0, "created"), (10.0, "running")]), "x")
    asked = []

    def render(job: Job, now: float) -> bytes:
        asked.append(now)
        return job.status(now).encode()

    kept = Kept()
    assert [kept.get(job, now, render) for now in (1.0, 9.0, 10.0, 50.0)] == [
        b"created",
        b"created",
        b"running",
        b"running",
    ]
    job.timeline.turn(60.0, (0.0, "failed"))
    assert kept.get(job, 60.0, render) == b"failed"
    assert asked == [1.0, 10.0, 60.0]


def test_all_tasks_of_a_job_are_counted_once(world: World) -> None:
    ray = Ray(world, Faults())
    for job in ray.shelf:
        rows = ray.tasks(job)
        assert len({row["task_id"] for row in rows}) == len(rows)
        cluster = ray_tasks.summary(rows)["node_id_to_summary"]["cluster"]
        counted = sum(sum(entry["state_counts"].values()) for entry in cluster["summary"].values())
        assert counted == len(rows)
        assert cluster["total_tasks"] + cluster["total_actor_tasks"] + cluster["total_actor_scheduled"] == len(rows)


@given(st.integers(0, 2**32 - 1))
def test_a_core_id_is_eight_hex_digits_with_the_lowest_byte_first(number: int) -> None:
    assert int.from_bytes(bytes.fromhex(packed(number)), "little") == number
    assert len(packed(number)) == 8


@given(st.text(), st.integers(0, 20))
def test_letters_are_the_same_for_the_same_seed(seed: str, count: int) -> None:
    assert re.fullmatch(rf"[A-Za-z0-9]{{{count}}}", letters(seed.encode("utf-8", "replace").decode(), count))


def test_a_token_has_three_parts_of_which_the_second_is_the_payload() -> None:
    parts = make_token(sub="a", role="developer").split(".")
    assert len(parts) == 3
    assert json.loads(_padded(parts[1])) == {"sub": "a", "role": "developer"}


def _padded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_process_ends_with_its_exit_code_and_its_output(tmp_path: Path) -> None:
    ended = threading.Event()
    codes = []

    def over(code: int) -> None:
        codes.append(code)
        ended.set()

    process = Process("echo $WORD; exit 5", str(tmp_path), {"WORD": "said"}, tmp_path / "log", over)
    assert ended.wait(30)
    process.close()
    assert (process.text(), codes, process.code) == ("said\n", [5], 5)


def test_a_process_is_asked_to_end_before_it_is_made_to(tmp_path: Path) -> None:
    ended = threading.Event()
    command = "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done"
    process = Process(command, None, {}, tmp_path / "log", lambda code: ended.set())
    while "up" not in process.text():
        pass
    process.stop()
    assert ended.wait(30)
    process.close()
    assert process.text().endswith("bye\n")
    assert process.code == 0
