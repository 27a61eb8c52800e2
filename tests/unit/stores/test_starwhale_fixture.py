"""What the official SDK read from the store that it wrote, row by row (starwhale paper 6.7)."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from typing import Any

import pytest

from swnb.errors import NotFound
from swnb.model import JobQuery, Record, RowQuery, Status
from swnb.stores.starwhale import StandaloneStore

from .conftest import DATA
from .writing import done

EXPECTED = json.loads((DATA / "starwhale-standalone.expected.json").read_text(encoding="utf-8"))
JOBS = [(project, job) for project, each in EXPECTED["projects"].items() for job in each["jobs"]]
TABLES = [
    (project, job, table)
    for project, job in JOBS
    for table in EXPECTED["projects"][project]["jobs"][job].get("table_data", {})
]


def plain(value: Any) -> Any:  # noqa: PLR0911 (one line a type)
    """A value as the fixture writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, tuple):
        return {"$tuple": [plain(each) for each in value]}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {"$map": [[plain(k), plain(v)] for k, v in value.items()]}
    if isinstance(value, Record):
        return {"$object": value.class_name, "attrs": {k: plain(v) for k, v in value.attributes.items()}}
    return value


def rows_of(store: StandaloneStore, project: str, job: str, table: str, query: RowQuery) -> list[dict[str, Any]]:
    batches = store.scan(project, job, table, query)
    return [{k: plain(v) for k, v in row.items()} for batch in batches for row in batch.records()]


def digest(rows: list[dict[str, Any]]) -> str:
    made = hashlib.sha256()
    for row in rows:
        made.update(json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
    return made.hexdigest()


@pytest.mark.parametrize(("project", "job", "table"), TABLES)
def test_every_table_is_what_the_sdk_read(real: StandaloneStore, project: str, job: str, table: str) -> None:
    expected = EXPECTED["projects"][project]["jobs"][job]["table_data"][table]
    rows = rows_of(real, project, job, table, RowQuery())
    assert len(rows) == expected["rows"]
    assert rows[:3] == expected["first"]
    assert rows[-len(expected["last"]) :] == expected["last"]
    assert expected["all"] in (None, rows)  # the fixture has all rows of short tables only
    assert digest(rows) == expected["sha256"]


@pytest.mark.parametrize(("project", "job", "table"), TABLES)
def test_every_range_has_the_keys_that_the_sdk_gave(real: StandaloneStore, project: str, job: str, table: str) -> None:
    everything = rows_of(real, project, job, table, RowQuery())
    for part in EXPECTED["projects"][project]["jobs"][job]["table_data"][table].get("ranges", ()):
        query = RowQuery(part["start"], part["end"], part["end_inclusive"])
        keys = [row["id"] for row in rows_of(real, project, job, table, query)]
        assert keys == part["keys"], part
        assert keys == [row["id"] for row in everything if row["id"] in set(keys)]


def test_every_table_of_the_fixture_is_compared() -> None:
    assert len(TABLES) == 8
    assert sum(len(EXPECTED["projects"][p]["jobs"][j]["table_data"][t].get("ranges", ())) for p, j, t in TABLES) == 35


@pytest.mark.parametrize(("project", "job"), JOBS)
def test_status_manifest_summary_and_tables_of_every_job(real: StandaloneStore, project: str, job: str) -> None:
    expected = EXPECTED["projects"][project]["jobs"][job]
    info = done(real.job(project, job))
    assert (info.id, info.project, info.raw_status) == (job, project, expected["status"])
    assert info.raw == expected["manifest"]
    (row,) = done(real.summary(project, [job]))
    assert {k: plain(v) for k, v in row.values.items()} == expected["summary"]
    assert list(done(real.tables(project, job))) == expected["tables"]


@pytest.mark.parametrize("project", EXPECTED["projects"])
def test_the_job_list_is_the_sdks_without_the_removed_job(real: StandaloneStore, project: str) -> None:
    """Paper section 10, fault 5: the SDK lists removed jobs. Fault 4: it binds the jobs of another project to the
    current one, and names them without their id."""
    expected = EXPECTED["projects"][project]
    removed = set(expected.get("removed", {}))
    ids = [each["version"] or each["name"] for each in expected["list"]]
    listing = done(real.jobs(project, JobQuery()))
    assert [job.id for job in listing.items] == [each for each in ids if each not in removed]
    assert {job.project for job in listing.items} == {project}
    assert listing.total == len(ids) - len(removed)


def test_a_removed_job_is_not_found_and_the_error_says_why(real: StandaloneStore) -> None:
    (removed,) = EXPECTED["projects"]["self"]["removed"]
    for text in (removed, removed[:5]):
        with pytest.raises(NotFound, match="was removed"):
            done(real.job("self", text))


def test_projects_and_their_numbers_of_jobs(real: StandaloneStore) -> None:
    listing = done(real.projects())
    assert [(each.id, each.name, each.jobs) for each in listing.items] == [("other", "other", 1), ("self", "self", 3)]


def test_a_failed_job_has_failed_and_keeps_its_own_fields(real: StandaloneStore) -> None:
    info = done(real.job(None, "ht"))
    assert (info.status, info.name, info.error) == (Status.FAILED, "ev:broken", None)
    assert (info.own["handler_name"], info.own["model"], info.own["datasets"]) == ("ev:broken", "toy", [])
    assert str(info.created) == str(info.finished) == "2026-11-22 12:40:13+00:00"
    assert info.url is None


def test_none_cells_are_kept_on_request_only(real: StandaloneStore) -> None:
    """Paper section 10, fault 1: the SDK's keep_none has no effect."""
    query = RowQuery(start="k01", end="k01", end_inclusive=True)
    assert rows_of(real, "self", "co", "str/keys", query) == [{"id": "k01"}]
    kept = RowQuery(start="k01", end="k01", end_inclusive=True, keep_none=True)
    assert rows_of(real, "self", "co", "str/keys", kept) == [{"id": "k01", "i": None}]
