"""The project's summary table, ``project/{id}/eval/summary``: one row a job, keyed by its uuid (starwhale paper 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from swnb.call import Call, Plan, Reply, ask
from swnb.errors import NotFound, ServerError, TooBusy
from swnb.model import Batch, JobInfo, RowQuery, SummaryRow
from swnb.providers.base import Glance, ScanPage
from swnb.providers.starwhale.records import standing
from swnb.providers.starwhale.table import KEY, DatastoreTable

AT_ONCE: Final = 1000  # rows that one query gives
NUMBER: Final = "sys/id"  # the job's number, which only jobs of type EVALUATION have here
_SYSTEM: Final = "sys/"
_STANDING: Final = (KEY, NUMBER, "sys/job_status", "sys/duration_ms", "sys/finished_time")

Row = Mapping[str, Any]


def scan_of(project_id: str) -> DatastoreTable:
    """The whole table; its types differ from row to row, so it is asked typed."""
    return DatastoreTable.of(_table(project_id), {KEY: frozenset({"STRING"})}, RowQuery()).anew()


def walk(scan: DatastoreTable, *, retry_500: bool = True) -> Plan[dict[str, Row]]:
    """All its rows, by uuid."""
    rows: dict[str, Row] = {}
    call: Call[ScanPage] | None = scan.first()
    while call is not None:
        page = yield from ask(replace(call, retry_500=retry_500))
        rows |= {str(row[KEY]): row for row in page.batch.records()}
        call = scan.after(page)
    return rows


def glance(project_id: str, known: Sequence[JobInfo]) -> Plan[Glance | None]:
    """How jobs stand by one walk of the columns that say so: many times cheaper than the job list (5, 7.3). None where
    the server does not give them."""
    scan = replace(scan_of(project_id), columns=_STANDING, whole=False)
    try:
        rows = yield from walk(scan, retry_500=False)
    except TooBusy:
        raise
    except (ServerError, NotFound):
        return None
    named = {job.key: job for job in known}
    jobs = tuple(standing(named[key], row) for key, row in rows.items() if key in named)
    return Glance(jobs, frozenset(rows.keys() - named.keys()))


def queries(project_id: str, jobs: Iterable[str]) -> list[Call[Batch]]:
    """The questions for the rows of these numbers and uuids, a thousand a question."""
    words = list(dict.fromkeys(jobs))
    return [_query(project_id, words[at : at + AT_ONCE]) for at in range(0, len(words), AT_ONCE)]


def _query(project_id: str, jobs: Sequence[str]) -> Call[Batch]:
    wanted = [_named(job) for job in jobs]
    condition = {"operator": "OR", "operands": wanted} if len(wanted) > 1 else wanted[0]["filter"]
    body = {"tableName": _table(project_id), "encodeWithType": True, "limit": AT_ONCE, "filter": condition}
    scan = scan_of(project_id)

    def decode(reply: Reply) -> Batch:
        return scan.page(reply).batch

    return Call("POST", "/api/v1/datastore/queryTable", decode, json=body)


def _named(job: str) -> dict[str, Any]:
    if re.fullmatch("[0-9]{1,18}", job):
        operands: list[dict[str, Any]] = [{"columnName": NUMBER}, {"intValue": int(job)}]
    else:
        operands = [{"columnName": KEY}, {"stringValue": job}]
    return {"filter": {"operator": "EQUAL", "operands": operands}}


def by_word(batches: Iterable[Batch]) -> dict[str, Row]:
    """Rows by the words that may ask for them: the uuid, and the number where the row has one."""
    found: dict[str, Row] = {}
    for row in (row for batch in batches for row in batch.records()):
        found |= {str(row[name]): row for name in (KEY, NUMBER) if name in row}
    return found


def summary_row(project_id: str, number: str, job: JobInfo | None, row: Row | None) -> SummaryRow:
    values = {k: v for k, v in (row or {}).items() if not k.startswith(_SYSTEM)}
    own = {k: v for k, v in (row or {}).items() if k.startswith(_SYSTEM)}
    return SummaryRow(job, number, values, own, project_id)


def _table(project_id: str) -> str:
    return f"project/{project_id}/eval/summary"
