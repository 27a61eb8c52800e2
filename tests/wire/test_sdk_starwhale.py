"""The names of Starwhale's Job SDK: the examples of its page, and what it does better than the vendor's own."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from boxes import TOKEN, asked, made, prefix, uri

import swnb
from swnb.errors import NotFound, TokenRejected
from swnb.examples import starwhale_store
from swnb.model import Record
from swnb.sandbox import Box
from swnb.sandbox.world import Job as Made
from swnb.sdk.starwhale import DEFAULT_PAGE_IDX, DEFAULT_PAGE_SIZE, Job, LocalJobInfo, RemoteJobInfo, job

# Each block of the page that is valid Python; {server} is the saved server, {full} and {short} ids of a local job.
EXAMPLES = {
    "job": """
from swnb.sdk.starwhale import job

# get job object of uri=https://server/job/1
j1 = job("{server}/job/1")

# get job from standalone instance
j2 = job("local/project/self/job/{short}")
j3 = job("{short}")
""",
    "list": """
from swnb.sdk.starwhale import Job

# list jobs of current selected project
jobs, pagination_info = Job.list()

# list jobs of starwhale/public project in the instance
jobs, pagination_info = Job.list("")

# list jobs of id=1 project in the server instance, page index is 2, page size is 10
jobs, pagination_info = Job.list("{server}/project/1", page_index=2, page_size=10)
""",
    "get": """
from swnb.sdk.starwhale import Job

# get job object of uri=https://server/job/1
j1 = Job.get("{server}/job/1")

# get job from standalone instance
j2 = Job.get("local/project/self/job/{short}")
j3 = Job.get("{short}")
""",
    "rows": """
from swnb.sdk.starwhale import job

j = job("local/project/self/job/{full}")

table_name = j.tables[0]

for row in j.get_table_rows(table_name):
    print(row)

rows = list(j.get_table_rows(table_name, start=0, end=100))

# return the first record from the results table
result = list(j.get_table_rows('results', start=0, end=1))[0]
""",
}


@pytest.fixture(autouse=True)
def examples_store(monkeypatch: pytest.MonkeyPatch) -> Path:
    store = starwhale_store()
    monkeypatch.setenv("SW_LOCAL_STORAGE", str(store))
    return store


@pytest.fixture
def server(one_box: Box) -> Iterator[str]:
    """The sandbox as a plain address with project 1 as its current one."""
    one_box.faults.clear()
    swnb.connect("box", f"{one_box.uri('starwhale')}/project/1", token=one_box.token("starwhale"))
    yield one_box.url("starwhale")
    one_box.faults.clear()
    swnb.forget("box")


@pytest.fixture
def rich(one_box: Box) -> Made:
    """The job that has a table of every kind."""
    return next(job for job in one_box.world.jobs() if "results" in job.tables)


def local_job() -> str:
    """A job of project self that has a table `results` with int keys from 0."""
    for ref in swnb.jobs("local/project/self").index:
        if "results" in swnb.tables(ref) and 0 in swnb.rows(ref, "results")["id"].tolist():
            return str(ref).rpartition("/")[2]
    raise AssertionError("the example store has no such job")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_page_runs_with_only_its_import_changed(server: str, name: str) -> None:
    full = local_job()
    scope: dict[str, Any] = {}
    exec(EXAMPLES[name].format(server=server, full=full, short=full[:8]), scope)
    found = {key: value for key, value in scope.items() if key in ("j1", "j2", "j3", "jobs", "result")}
    assert found
    for key in ("j2", "j3"):
        assert key not in found or found[key].uri.version == full
    if name == "list":
        assert scope["pagination_info"]["page"]["page_num"] == 2
        assert len(found["jobs"]) == scope["pagination_info"]["current"]
    if name == "rows":
        assert found["result"]["id"] == 0


def test_an_address_without_a_project_means_the_servers_current_one(server: str) -> None:
    swnb.connect("box", f"{server}/project/2")
    numbers = {each.id for each in swnb.open("box/project/2").jobs().itertuples()}
    assert job(f"{server}/job/{min(numbers, key=int)}").uri.project.id == "2"
    with pytest.raises(NotFound):
        job(f"{server}/job/99999").summary  # noqa: B018


def test_the_defaults_are_page_1_and_20_jobs(server: str, one_box: Box) -> None:
    assert (DEFAULT_PAGE_IDX, DEFAULT_PAGE_SIZE) == (1, 20)
    before = asked(one_box)
    jobs, page = Job.list("box/project/1")
    assert asked(one_box) == before + 1
    total = len(one_box.world.project("mnist").jobs)
    assert len(jobs) == page["current"] == min(20, total)
    assert page["page"]["page_size"] == 20
    assert (page["total"], page["remain"]) == (total, total - len(jobs))


def test_a_page_is_described_in_the_vendors_words(server: str) -> None:
    jobs, page = Job.list("box/project/1", page_index=2, page_size=4)
    total = page["total"]
    assert page == {
        "total": total,
        "current": 4,
        "remain": total - 4,
        "page": {
            "page_num": 2,
            "page_size": 4,
            "pages": -(-total // 4),
            "pre_page": 1,
            "next_page": 3,
            "has_pre_page": True,
            "has_next_page": True,
        },
    }
    assert len(jobs) == 4
    everything = [str(each) for number in range(1, 9) for each in Job.list("box/project/1", number, 4)[0]]
    assert len(set(everything)) == len(everything) == total


@pytest.mark.parametrize("arguments", [{"page_index": "2"}, {"page_size": 1.5}, {"page_size": True}])
def test_pages_are_whole_numbers(server: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="whole number"):
        Job.list("box/project/1", **arguments)
    with pytest.raises(TypeError):
        Job.get(7)  # type: ignore[arg-type]


def test_listed_jobs_print_their_full_id_and_can_be_read(server: str, one_box: Box) -> None:
    jobs, _ = Job.list("box/project/1", page_size=3)
    uuids = {each.uuid for each in one_box.world.project("mnist").jobs}
    for each in jobs:
        assert repr(each) == f"Job[{server}/project/1/job/{each.uri.name}]"
        assert each.uri.name in uuids
        assert each.status.isupper()
        assert isinstance(each.summary, dict)


def test_a_listed_project_gives_its_own_jobs_by_name_in_the_current_instance() -> None:
    """Fault 4 of the vendor's: jobs of another project were bound to the current one."""
    projects = list(swnb.projects("local").id)
    assert len(projects) > 1
    for name in projects:
        jobs, page = Job.list(name)
        assert page == {}
        assert jobs
        assert {each.uri.project.id for each in jobs} == {name}
        assert all(isinstance(each.summary, dict) for each in jobs)
        assert [str(each) for each in Job.list(f"local/project/{name}")[0]] == [str(each) for each in jobs]


def test_a_summary_is_the_row_of_the_job_with_the_platforms_own_columns(server: str, one_box: Box, rich: Made) -> None:
    summary = job(uri(one_box, rich)).summary
    assert summary["accuracy"] == rich.summary["accuracy"]
    assert any(name.startswith("sys/") for name in summary)
    assert summary == job(f"{uri(one_box, rich).rpartition('/')[0]}/{rich.uuid}").summary


def test_info_has_the_report_also_of_a_job_addressed_by_number(server: str, one_box: Box) -> None:
    """Fault 7 of the vendor's."""
    classes = next(
        each for each in one_box.world.jobs() if each.summary.get("kind") == "multi_classification" and each.tables
    )
    info = job(uri(one_box, classes)).info()
    assert isinstance(info, RemoteJobInfo)
    assert info.report["summary"]["accuracy"] == classes.summary["accuracy"]
    assert info.report["kind"] == "multi_classification"
    assert info.report["labels"] == {}
    assert info.job.job_name == info.job["jobName"]
    assert info.tasks[0]["taskStatus"] == info.tasks[0].task_status
    assert job(uri(one_box, classes)).basic_info == info.job


def test_info_of_a_local_job_is_its_manifest_and_report() -> None:
    info = job(local_job()).info()
    assert isinstance(info, LocalJobInfo)
    assert info.manifest["status"].upper() == job(local_job()).status
    assert job(local_job()).basic_info == info


def test_an_unknown_table_has_no_rows_and_an_unknown_job_is_an_error(server: str, one_box: Box, rich: Made) -> None:
    assert list(job(uri(one_box, rich)).get_table_rows("/results/")) == []
    assert list(job(local_job()).get_table_rows("nope")) == []
    with pytest.raises(NotFound):
        list(job("box/project/1/job/99999").get_table_rows("results"))
    with pytest.raises(NotFound):
        job("local/project/self/job/zzzz")


def test_nothing_is_asked_before_the_first_row(server: str, one_box: Box, rich: Made) -> None:
    before = asked(one_box)
    rows = job(uri(one_box, rich)).get_table_rows("train")
    assert asked(one_box) == before
    assert next(rows)["id"] == 0
    rows.close()


@pytest.mark.parametrize(
    ("bounds", "keys"),
    [
        ({"end": 3}, [0, 1, 2]),  # fault 2 of the vendor's: ignored on servers
        ({"end": 3, "end_inclusive": True}, [0, 1, 2, 3]),
        ({"start": 2, "end": 4}, [2, 3]),
        ({"start": 4, "end": 2}, []),
    ],
)
def test_ranges_are_the_same_on_a_server_and_in_a_store(
    server: str, one_box: Box, rich: Made, bounds: dict[str, Any], keys: list[int]
) -> None:
    assert [row["id"] for row in job(uri(one_box, rich)).get_table_rows("train", **bounds)] == keys
    own = [row["id"] for row in job(local_job()).get_table_rows("results")]
    low, high = bounds.get("start", min(own)), bounds["end"] + bounds.get("end_inclusive", False)
    found = [row["id"] for row in job(local_job()).get_table_rows("results", **bounds)]
    assert found == [key for key in own if low <= key < high]


def test_an_object_cell_is_a_record_and_no_class_is_imported(server: str, one_box: Box, rich: Made) -> None:
    import sys

    cells = [row["v_object"] for row in job(uri(one_box, rich)).get_table_rows("types") if "v_object" in row]
    assert isinstance(cells[0], Record)
    assert cells[0].class_name.endswith("JsonDict")
    assert cells[0].attributes == {"a": 1, "b": "x"}
    assert "starwhale" not in sys.modules


def test_removed_jobs_are_not_listed(own: Box) -> None:
    gone = made(own, "succeeded")
    project = uri(own, gone).partition("/job/")[0]
    swnb.open(uri(own, gone)).delete(yes=True)
    jobs, page = Job.list(project, page_size=100)
    assert gone.uuid not in {each.uri.name for each in jobs}
    assert page["total"] == len(jobs)


def test_removed_local_jobs_are_not_listed(examples_store: Path) -> None:
    listed = {each.uri.version for each in Job.list("self")[0]}
    assert listed == {path.parent.name for path in (examples_store / "self" / "job").glob("??/*/_manifest.yaml")}


def test_every_call_has_an_awaitable_door(server: str, one_box: Box, rich: Made) -> None:
    async def awaited() -> None:
        j = await job.aio(uri(one_box, rich))
        assert str(await Job.get.aio(uri(one_box, rich))) == str(j)
        jobs, _ = await Job.list.aio("box/project/1", page_size=2)
        assert len(jobs) == 2
        assert await j.aio.tables() == j.tables
        assert await j.aio.summary() == j.summary
        assert await j.aio.status() == j.status
        assert await j.aio.basic_info() == j.basic_info
        assert (await j.info.aio()).report == j.info().report
        rows = [row async for row in j.get_table_rows("train")]
        assert str(rows) == str(list(j.get_table_rows("train")))  # as text, since NaN is not NaN

    asyncio.run(awaited())


def test_rows_may_be_bounded_by_numpys_numbers(server: str, one_box: Box, rich: Made) -> None:
    import numpy as np

    assert [r["id"] for r in job(uri(one_box, rich)).get_table_rows("train", np.int64(1), np.int64(3))] == [1, 2]


def test_a_wrong_token_is_refused_at_once_and_not_shown(one_box: Box) -> None:
    one_box.faults.clear()
    swnb.connect("wrong", one_box.uri("starwhale"), token=TOKEN)
    try:
        for ask in (lambda: Job.list("wrong/project/1"), lambda: job("wrong/project/1/job/1").summary):
            before, began = asked(one_box), time.monotonic()
            with pytest.raises(TokenRejected) as caught:
                ask()
            assert time.monotonic() - began < 2
            assert asked(one_box) - before <= 2
            shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
            assert TOKEN not in shown
            assert "wrong:" in str(caught.value)
    finally:
        swnb.forget("wrong")


def test_cells_that_hold_none_come_on_request_from_a_server_and_a_store(own: Box) -> None:
    here = made(own, "succeeded")
    own.platform("starwhale").store.write(f"{prefix(own, here)}/holes", [{"id": 1, "a": None}, {"id": 2, "a": 5}])
    j = job(uri(own, here))
    assert list(j.get_table_rows("holes")) == [{"id": 1}, {"id": 2, "a": 5}]
    assert list(j.get_table_rows("holes", keep_none=True)) == [{"id": 1, "a": None}, {"id": 2, "a": 5}]
    found = 0
    for local, table in [(each, table) for each in Job.list("self")[0] for table in each.tables]:
        kept = list(local.get_table_rows(table, keep_none=True))
        plain = list(local.get_table_rows(table))
        found += sum(None in row.values() for row in kept)
        assert str([{k: v for k, v in row.items() if v is not None} for row in kept]) == str(plain)
    assert found
