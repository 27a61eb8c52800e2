"""Projects and jobs of a store on disk, rule by rule (starwhale paper 2.2, 6.1, 6.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from swnb.call import noting
from swnb.errors import BadInput, NotFound, StoreError, Unsupported
from swnb.model import JobQuery, Status
from swnb.providers.base import Backend
from swnb.stores import store
from swnb.stores.starwhale import StandaloneStore

from .writing import JOB, Folder, done, line

SECOND = "ab" + "d" * 38


@pytest.fixture
def made(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_store_is_a_backend_found_by_its_address(made: Folder) -> None:
    found = store("starwhale", made.root.as_uri())
    assert isinstance(found, Backend)
    assert [job.id for job in done(found.jobs(None, JobQuery())).items] == [JOB]
    with pytest.raises(Unsupported, match="ray"):
        store("ray", made.root.as_uri())


def test_what_is_not_on_disk_is_not_offered(made: Folder) -> None:
    backend = made.store
    assert backend.offers.isdisjoint({"tasks", "logs", "follow", "events"})
    assert not backend.actions
    for verb in (backend.tasks, backend.logs, backend.events):
        with pytest.raises(Unsupported):
            verb(None, JOB)
    with pytest.raises(Unsupported, match="delete"):
        backend.act(None, JOB, "delete")


def test_a_beginning_of_an_id_names_the_job(made: Folder) -> None:
    made.job(SECOND)
    assert done(made.store.job(None, "abd")).id == SECOND
    assert done(made.store.job(None, JOB)).id == JOB


def test_an_ambiguous_beginning_names_the_candidates(made: Folder) -> None:
    made.job(SECOND)
    with pytest.raises(BadInput, match=f"{JOB}, {SECOND}"):
        done(made.store.job(None, "ab"))


def test_a_whole_id_is_not_ambiguous_with_a_longer_one(made: Folder) -> None:
    made.job(JOB + "x")
    assert done(made.store.job(None, JOB)).id == JOB


@pytest.mark.parametrize("text", ["zz", "", "..", "../x", "/etc", "*", "a b", ".recover"])
def test_an_unknown_job_is_not_found(made: Folder, text: str) -> None:
    with pytest.raises(NotFound, match="no job"):
        done(made.store.job(None, text))


@pytest.mark.parametrize("text", ["nowhere", "..", "a/b", ".datastore", "/etc"])
def test_an_unknown_project_is_not_found_and_the_known_ones_are_named(made: Folder, text: str) -> None:
    with pytest.raises(NotFound, match="self"):
        done(made.store.jobs(text, JobQuery()))


def test_a_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder"):
        done(StandaloneStore(tmp_path / "nowhere").projects())


def test_a_running_job_has_no_manifest_and_is_not_listed(made: Folder) -> None:
    made.job(SECOND).unlink()
    assert [job.id for job in done(made.store.jobs(None, JobQuery())).items] == [JOB]
    with pytest.raises(NotFound, match="ended"):
        done(made.store.job(None, SECOND))


def test_filters_hold_together_and_the_limit_keeps_the_newest(made: Folder) -> None:
    for hour, letter in enumerate("defg", 13):
        made.job("ab" + letter * 38, created_at=f"2026-11-22 {hour}:00:00 UTC", handler_name="m:Train")
    made.job("ab" + "h" * 38, created_at="2026-11-22 23:00:00 UTC", status="failed")
    query = JobQuery(status=frozenset({Status.SUCCEEDED}), name="train", limit=2)
    listing = done(made.store.jobs(None, query))
    assert [job.id[2] for job in listing.items] == ["g", "f"]
    assert listing.total == 6


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-22 12:00:00 UTC", "2026-11-22 12:00"),
        ("2026-11-22 12:00:00 GMT", "2026-11-22 12:00"),
        ("2026-11-22 12:00:00 Z", "2026-11-22 12:00"),
        ("2026-11-22 12:00:00 +08", "2026-11-22 04:00"),
        ("2026-11-22 12:00:00 +0530", "2026-11-22 06:30"),
        ("2026-11-22 12:00:00 -03:00", "2026-11-22 15:00"),
        ("2026-11-22 12:00:00 EST", "2026-11-22 17:00"),
        ("2026-07-22 12:00:00 EDT", "2026-07-22 16:00"),
        ("2026-11-01 01:30:00 EDT", "2026-11-01 05:30"),
        ("2026-11-01 01:30:00 EST", "2026-11-01 06:30"),
    ],
)
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set")
@pytest.mark.usefixtures("in_new_york")
def test_times_are_read_exactly(made: Folder, text: str, utc: str) -> None:
    made.job(SECOND, created_at=text)
    created = done(made.store.job(None, SECOND)).created
    assert created is not None
    assert f"{created:%Y-%m-%d %H:%M %Z}" == f"{utc} UTC"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 12:00:00 CST",
        "2026-07-22 12:00:00 EST",
        "2026-11-22 12:00:00",
        "2026-13-22 12:00:00 UTC",
        "2026-11-22 12:00:00 +99:00",
        "soon",
        "12345678901234567890",
    ],
)
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set")
@pytest.mark.usefixtures("in_new_york")
def test_a_time_of_an_unknown_zone_is_empty_with_a_note(made: Folder, text: str) -> None:
    made.job(SECOND, created_at=text)
    with noting() as notes:
        assert done(made.store.job(None, SECOND)).created is None
    assert ["created_at" in note for note in notes] == [True]


def test_elapsed_is_from_creation_to_the_end(made: Folder) -> None:
    made.job(SECOND, finished_at="2026-11-22 12:01:30 UTC")
    info = done(made.store.job(None, SECOND))
    assert (info.started, info.elapsed and info.elapsed.total_seconds()) == (None, 90.0)


@pytest.mark.parametrize(
    ("word", "status", "finished"),
    [
        ("success", Status.SUCCEEDED, True),
        ("failed", Status.FAILED, True),
        ("running", Status.RUNNING, False),
        ("init", Status.QUEUED, False),
        ("start", Status.RUNNING, False),
        ("brand-new", Status.UNKNOWN, False),
    ],
)
def test_the_word_of_the_status_is_the_sdks(made: Folder, word: str, status: Status, finished: bool) -> None:
    made.job(SECOND, status=word, finished_at="2026-11-22 12:01:30 UTC")
    info = done(made.store.job(None, SECOND))
    assert (info.status, info.raw_status, info.finished is not None) == (status, word.upper(), finished)


def test_summaries_come_in_the_order_asked_also_for_jobs_without_a_row(made: Folder) -> None:
    made.job(SECOND, created_at="2026-11-22 13:00:00 UTC")
    removed = line((1, {"id": "ab" + "e" * 38, "loss": 9.0}))
    made.table([line((1, {"id": JOB, "loss": 0.5})), removed], name="project/self/eval/summary")
    asked = done(made.store.summary(None, [JOB, "abd", JOB]))
    assert [(row.id, row.project, dict(row.values)) for row in asked] == [
        (JOB, "self", {"id": JOB, "loss": 0.5}),
        (SECOND, "self", {}),
        (JOB, "self", {"id": JOB, "loss": 0.5}),
    ]
    assert [row.id for row in done(made.store.summary(None, None))] == [SECOND, JOB]


def test_a_store_without_any_table_has_empty_summaries(made: Folder) -> None:
    assert [dict(row.values) for row in done(made.store.summary(None, [JOB]))] == [{}]
    assert done(made.store.tables(None, JOB)) == ()
