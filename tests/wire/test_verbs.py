"""Every verb on the sandbox, by every way of saying where."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from boxes import asked, made, prefix, uri

import swnb
from swnb.errors import ActionsOff, BadInput, BadURI, NotFound, ServerError, Unsupported
from swnb.model import Status
from swnb.sandbox import Box
from swnb.sdk import starwhale

JOBS = "platform server project id name status raw_status created started finished elapsed owner error url"
PROJECTS = "platform server id name owner created jobs description url"
TASKS = "job id name status raw_status started finished elapsed retries error"
JOB_COLUMNS = JOBS.split(" ")


def again(frame: pd.DataFrame) -> pd.DataFrame:
    """What the code of a frame's provenance fetches."""
    found: pd.DataFrame = eval(swnb.provenance(frame).code, {"swnb": swnb})
    return found


def ended(box: Box) -> str:
    """A job with the tables `train` and `results`."""
    return uri(box, made(box, "succeeded", 3))


# -- where


def test_a_server_means_the_jobs_of_all_its_projects_newest_first(saved: Box) -> None:
    frame = swnb.jobs("box")
    assert sorted(frame.index) == sorted(uri(saved, job) for job in saved.world.jobs())
    assert frame.created.is_monotonic_decreasing
    assert list(frame.columns[: len(JOB_COLUMNS)]) == JOB_COLUMNS
    assert frame.index.name == "job"


def test_a_current_project_does_not_narrow_what_a_server_means(saved: Box) -> None:
    swnb.connect("box", f"{saved.uri('starwhale')}/project/mnist")
    assert set(swnb.jobs("box").project) == {"1", "2", "3"}
    assert set(swnb.summary("box").index) == set(swnb.jobs("box").index)
    assert swnb.open("box").job(1).info().project == "1"


@pytest.mark.parametrize(
    "where",
    [
        "box/project/1",
        "box/project/mnist",
        "box/project/starwhale:mnist",
        "box/project/MNIST",
        ["box/project/1", "box/project/mnist"],
    ],
)
def test_a_project_is_named_by_id_name_or_owner_and_its_uris_hold_its_id(saved: Box, where: Any) -> None:
    frame = swnb.jobs(where)
    assert set(frame.index) == {uri(saved, job) for job in saved.world.project("mnist").jobs}


def test_a_job_is_named_by_number_or_uuid_and_its_uri_holds_the_number(saved: Box) -> None:
    job = made(saved, "succeeded")
    here = uri(saved, job)
    by_uuid = here.rpartition("/")[0] + f"/{job.uuid}"
    assert list(swnb.jobs([by_uuid, here]).index) == [here]
    assert list(swnb.summary([by_uuid]).index) == [here]


def test_handles_frames_lists_addresses_and_generators_mean_the_same_jobs(saved: Box) -> None:
    frame = swnb.jobs("box/project/1", limit=3)
    uris = list(frame.index)
    bare = [each.replace("box/", saved.uri("starwhale") + "/", 1) for each in uris]
    ways: list[Any] = [
        uris,
        [swnb.open(each) for each in uris],
        frame,
        frame.index,
        [frame.iloc[:1], uris[1:]],
        (each for each in uris),
        bare,
    ]
    for where in ways:
        assert list(swnb.summary(where).index) == uris
    assert list(swnb.jobs(each for each in uris).index) == uris


def test_jobs_given_by_uri_come_in_the_order_asked(saved: Box) -> None:
    uris = list(swnb.jobs("box", limit=6).index)[::-1]
    assert list(swnb.jobs(uris).index) == uris
    assert list(swnb.jobs(uris, limit=2).index) == uris[-2:]  # the newest two


def test_a_job_that_is_asked_twice_over_comes_once(saved: Box) -> None:
    frame = swnb.jobs(["box", "box/project/1", uri(saved, made(saved, "failed"))])
    assert frame.index.is_unique
    assert swnb.provenance(frame).n == swnb.provenance(frame).total == len(list(saved.world.jobs()))


@pytest.mark.parametrize("where", [7, None, {"job": 1}, b"box", [float("nan")], pd.DataFrame({"a": [1]})])
def test_what_names_nothing_is_refused(where: Any) -> None:
    with pytest.raises(BadInput):
        swnb.jobs(where)


def test_an_empty_list_asks_nothing_and_gives_empty_frames(saved: Box) -> None:
    assert list(swnb.jobs([]).columns) == JOB_COLUMNS
    assert swnb.summary([]).empty
    assert swnb.rows([], "train").empty
    assert asked(saved) == 0


def test_open_gives_the_handle_of_what_a_uri_names_and_sends_nothing(saved: Box) -> None:
    assert repr(swnb.open("box")) == "Server('box')"
    assert repr(swnb.open("box/project/kites")) == "Project('box/project/kites')"
    job = swnb.open("box/project/kites/job/7/table/train")
    assert repr(job) == "Job('box/project/kites/job/7')"
    assert swnb.open(job) == job
    assert asked(saved) == 0


# -- filters


def test_status_takes_words_of_the_vocabulary_and_finished_is_empty_unless_final(saved: Box) -> None:
    frame = swnb.jobs("box", status=("running", Status.FAILED))
    assert set(frame.status) == {"running", "failed"}
    assert frame.finished.notna().tolist() == (frame.status == "failed").tolist()
    assert set(swnb.jobs("box", status="paused").raw_status) == {"PAUSED"}
    assert all(type(word) is str for word in frame.status)


def test_name_is_a_part_whatever_its_case_and_owner_is_exact(saved: Box) -> None:
    name = made(saved, "succeeded").name
    found = swnb.jobs("box", name=name[1:-1].upper())
    assert name in set(found.name)
    assert all(name[1:-1] in each for each in found.name)
    assert set(swnb.jobs("box", owner="guest1").owner) == {"guest1"}
    assert swnb.jobs("box", owner="guest").empty


@pytest.mark.parametrize("where", ["box", "box/project/1", ["box/project/1", "box/project/2"]])
def test_limit_counts_after_filters_and_keeps_the_newest(saved: Box, where: Any) -> None:
    everything = swnb.jobs(where, status="succeeded").sort_values("created", ascending=False)
    frame = swnb.jobs(where, status="succeeded", limit=3)
    assert list(frame.created) == list(everything.created[:3])
    assert swnb.provenance(frame).n == 3
    assert swnb.provenance(frame).total >= len(everything)  # type: ignore[operator]


def test_limit_zero_is_an_empty_frame_and_a_negative_one_is_refused(saved: Box) -> None:
    assert swnb.jobs("box", limit=0).empty
    for limit in (-1, 1.5, True, "3"):
        with pytest.raises(BadInput, match="no count"):
            swnb.jobs("box", limit=limit)  # type: ignore[arg-type]


def test_since_is_a_datetime_a_text_an_age_or_a_duration(saved: Box) -> None:
    frame = swnb.jobs("box")
    middle = frame.created.iloc[len(frame) // 2]
    moment: datetime = middle.to_pydatetime()
    newer = set(frame.index[frame.created >= middle])
    east = timezone(timedelta(hours=5))
    for since in (moment, moment.replace(tzinfo=None), moment.astimezone(east), moment.isoformat(), middle):
        assert set(swnb.jobs("box", since=since).index) == newer
    age = datetime.now(timezone.utc) - moment + timedelta(minutes=1)
    assert set(swnb.jobs("box", since=age).index) >= newer
    assert set(swnb.jobs("box", since=f"{int(age.total_seconds())}s").index) >= newer
    assert swnb.jobs("box", since=datetime.now(timezone.utc) + timedelta(days=1)).empty
    for wrong in ("yesterday", 5, "10 years"):
        with pytest.raises(BadInput, match="no time"):
            swnb.jobs("box", since=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fetch",
    [
        lambda: swnb.projects("box"),
        lambda: swnb.jobs("box", status={"failed", "running"}, limit=5, since="400d"),
        lambda: swnb.jobs("box/project/1", status=Status.SUCCEEDED, since=timedelta(days=400)),
        lambda: swnb.jobs(["box/project/1", "box/project/2"], name="a", since=datetime(2020, 1, 1)),
        lambda: swnb.summary("box/project/1", keys=["loss", "accuracy"]),
        lambda: swnb.rows(["box/project/1/job/1"], "train", start=pd.Series([3]).iloc[0], end=9, end_inclusive=True),
        lambda: swnb.rows("box/project/1/job/1", "train", columns=pd.Index(["loss"]), limit=4),
        lambda: swnb.metrics("box/project/1/job/1", "loss", table="train", steps=10),
        lambda: swnb.tasks("box/project/1/job/1"),
        lambda: swnb.events("box/project/1/job/1"),
    ],
)
def test_the_code_of_provenance_fetches_the_same_again(saved: Box, fetch: Callable[[], pd.DataFrame]) -> None:
    frame = fetch()
    pd.testing.assert_frame_equal(again(frame), frame)
    assert swnb.provenance(frame).complete


# -- projects, summary


def test_projects_are_indexed_by_uri_and_counted(saved: Box) -> None:
    frame = swnb.projects("box")
    assert list(frame.index) == ["box/project/1", "box/project/2", "box/project/3"]
    assert frame.index.name == "project"
    assert list(frame.columns[:9]) == PROJECTS.split(" ")
    assert list(frame.jobs) == [len(project.jobs) for project in saved.world.projects]
    assert swnb.open("box").projects().equals(frame)
    assert swnb.open("box/project/kites").info().id == "2"


@pytest.mark.parametrize("jobs", [10, 1100])
def test_a_list_of_uris_takes_three_requests_and_one_a_thousand(jobs: int) -> None:
    from swnb import sandbox

    with sandbox.run(seed=1, jobs=3 * jobs, clock="manual") as box:
        swnb.connect("many", box.uri("starwhale"), token=box.token("starwhale"))
        uris = [f"many/project/mnist/job/{job.id}" for job in box.world.project("mnist").jobs]
        box.requests.clear()
        frame = swnb.summary(uris)
        assert asked(box) <= 3 + math.ceil(len(uris) / 1000)
        assert list(frame.index) == [each.replace("mnist", "1") for each in uris]
        assert swnb.provenance(frame).requests == asked(box)
        swnb.forget("many")


def test_a_projects_summary_is_its_list_and_one_walk_of_one_table(saved: Box) -> None:
    frame = swnb.summary("box/project/1")
    assert asked(saved, "/datastore/") == 1
    assert asked(saved) <= 3
    assert list(frame.index) == list(swnb.jobs("box/project/1").index)


def test_a_servers_summary_is_newest_first_over_all_projects(saved: Box) -> None:
    assert list(swnb.summary("box").index) == list(swnb.jobs("box").index)


def test_a_job_without_a_summary_row_has_a_row_of_empty_cells(saved: Box) -> None:
    bare, full = uri(saved, made(saved, "queued")), ended(saved)
    frame = swnb.summary([bare, full])
    assert list(frame.index) == [bare, full]
    assert list(frame.id) == [bare.rpartition("/")[2], full.rpartition("/")[2]]
    assert frame.accuracy.isna().tolist() == [True, False]


def test_summary_leaves_the_platforms_bookkeeping_out_and_picks_keys_in_their_order(saved: Box) -> None:
    frame = swnb.summary("box")
    assert not [name for name in frame.columns if name.startswith("sys/")]
    assert list(swnb.summary("box", keys=["f1", "accuracy"]).columns) == ["id", "f1", "accuracy"]
    assert list(swnb.summary("box", keys="loss").columns) == ["id", "loss"]


def test_the_summary_of_one_job_is_the_same_by_every_door(saved: Box) -> None:
    job = swnb.open(ended(saved))
    frame = job.summary()
    assert frame.equals(swnb.summary(ended(saved)))
    assert frame.equals(asyncio.run(job.summary.aio()))
    project = swnb.open(ended(saved).partition("/job/")[0])
    assert project.summary(keys=["f1"]).loc[frame.index].equals(job.summary(keys=["f1"]))


# -- rows


def test_rows_come_in_key_order_with_the_key_as_a_column_and_a_plain_index(saved: Box) -> None:
    frame = swnb.rows(ended(saved), "train")
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame.columns[0] == "id"
    assert frame["id"].tolist() == list(range(400))
    assert frame.equals(swnb.rows(f"{ended(saved)}/table/train"))
    assert frame.equals(swnb.open(ended(saved)).rows("train"))


@pytest.mark.parametrize(
    ("bounds", "keys"),
    [
        ({"start": 5, "end": 8}, [5, 6, 7]),
        ({"start": 5, "end": 8, "end_inclusive": True}, [5, 6, 7, 8]),
        ({"end": 3}, [0, 1, 2]),
        ({"start": 398}, [398, 399]),
        ({"start": 2.5, "end": 5.0}, [3, 4]),
        ({"start": 8, "end": 5}, []),
        ({"limit": 2}, [0, 1]),
        ({"start": 7, "limit": 1}, [7]),
        ({"limit": 0}, []),
        ({"start": 10**30}, []),
    ],
)
def test_start_is_in_the_range_end_is_not_and_limit_counts_from_the_start(
    saved: Box, bounds: dict[str, Any], keys: list[int]
) -> None:
    frame = swnb.rows(ended(saved), "train", **bounds)
    assert (frame["id"].tolist() if len(frame) else []) == keys


def test_provenance_knows_no_total_where_a_limit_cut_the_rows(saved: Box) -> None:
    assert swnb.provenance(swnb.rows(ended(saved), "train", limit=5)).total is None
    assert swnb.provenance(swnb.rows(ended(saved), "train", limit=5000)).total == 400


def test_columns_are_picked_with_the_key_and_an_unknown_one_is_refused(saved: Box) -> None:
    assert list(swnb.rows(ended(saved), "train", columns=["lr", "loss"]).columns) == ["id", "lr", "loss"]
    assert list(swnb.rows(ended(saved), "train", columns="loss").columns) == ["id", "loss"]
    with pytest.raises(BadInput, match=r"box.*no column 'los'.*accuracy, id, loss, lr"):
        swnb.rows(ended(saved), "train", columns=["los"])


def test_cells_that_hold_none_come_on_request(own: Box) -> None:
    job = made(own, "succeeded")
    own.platform("starwhale").store.write(f"{prefix(own, job)}/holes", [{"id": 1, "a": None}, {"id": 2, "a": 5}])
    without = swnb.rows(uri(own, job), "holes", columns=["a"])
    assert without.a.isna().tolist() == [True, False]
    assert without.a.dtype == "Int64"
    sdk = starwhale.job(uri(own, job))
    assert list(sdk.get_table_rows("holes")) == [{"id": 1}, {"id": 2, "a": 5}]
    assert list(sdk.get_table_rows("holes", keep_none=True)) == [{"id": 1, "a": None}, {"id": 2, "a": 5}]


def test_every_type_of_a_cell_comes_as_its_python_value(saved: Box) -> None:
    job = next(job for job in saved.world.jobs() if "results" in job.tables)
    names = swnb.tables(uri(saved, job))
    assert {"types", "mixed", "label/1", "train", "results"} <= set(names)
    frame = swnb.rows(uri(saved, job), "types").set_index("id")
    cells = {name: frame[name].dropna().tolist() for name in frame.columns if name != "v_nan"}
    assert cells["v_int64"] == [2**63 - 1]
    assert cells["v_infinity"] == [-math.inf]
    assert cells["v_text"] == ["é中🐋 <b>not bold</b>"]
    assert cells["v_bytes"] == [b"\x00\xff\x10"]
    assert cells["v_list"] == [[1, "a", None]]
    assert cells["v_tuple"] == [(1.5,)]
    assert cells["v_map"] == [{"a": 1, "b": 2.5}]
    assert cells["v_object"][0].class_name.endswith("JsonDict")
    assert cells["v_object"][0]["b"] == "x"
    assert cells["v_long"] == ["a long text that the writer put into a blob. " * 40]
    mixed = swnb.rows(uri(saved, job), "mixed")
    assert [type(cell) for cell in mixed.value] == [int, str, float, type(None), list, bool]


def test_text_keys_are_in_order_and_deleted_rows_are_gone(saved: Box) -> None:
    job = next(job for job in saved.world.jobs() if "results" in job.tables)
    frame = swnb.rows(uri(saved, job), "label/1", start="k01", end="k04")
    assert frame["id"].tolist() == ["k01", "k03"]
    with pytest.raises(BadInput, match="no key"):
        swnb.rows(uri(saved, job), "label/1", start=3)


def test_rows_of_several_jobs_have_the_job_first_and_lose_nothing(saved: Box) -> None:
    jobs = [uri(saved, made(saved, "succeeded", n)) for n in (4, 2)]
    frame = swnb.rows(jobs, "train")
    assert frame.columns[0] == "job"
    assert list(dict.fromkeys(frame.job)) == jobs
    for each in jobs:
        alone = swnb.rows(each, "train")
        part = frame[frame.job == each].drop(columns="job").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone)
    assert frame.equals(swnb.rows([swnb.open(each) for each in jobs], "train"))


def test_an_unknown_table_is_named_with_those_that_are_there(saved: Box) -> None:
    with pytest.raises(NotFound, match=r"^box: job \d+ has no table 'nope'.*train"):
        swnb.rows(ended(saved), "nope")
    with pytest.raises(BadInput, match=r"not named.*results"):
        swnb.rows(ended(saved))


def test_a_table_without_rows_left_is_an_empty_frame(own: Box) -> None:
    job = made(own, "succeeded")
    store = own.platform("starwhale").store
    store.write(f"{prefix(own, job)}/gone", [{"id": 1, "a": 1}])
    store.write(f"{prefix(own, job)}/gone", [{"id": 1, "-": True}])
    assert swnb.rows(uri(own, job), "gone").empty


# -- scan


@pytest.fixture
def big() -> Any:
    from swnb import sandbox

    with sandbox.run(seed=1, rows=50_000, clock="manual") as box:
        swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
        yield box
        swnb.forget("box")


def test_a_scan_gives_the_rows_in_batches_and_stops_asking_when_it_is_closed(big: Box) -> None:
    job = uri(big, made(big, "succeeded"))
    stream = swnb.scan(job, "big")
    assert asked(big) == 0  # nothing before the first
    first = next(stream)
    assert first["id"].tolist() == list(range(len(first)))
    stream.close()
    assert asked(big, "scanTable") < 20  # of more than 50 pages
    assert list(stream) == []
    whole = pd.concat([*swnb.scan(job, "big", columns=["id"])], ignore_index=True)
    assert whole["id"].tolist() == list(range(50_000))

    async def some() -> int:
        return sum([len(batch) async for batch in swnb.scan.aio(job, "big", start=100, end=2600)])

    assert asyncio.run(some()) == 2500


def test_a_stream_is_read_from_one_job(saved: Box) -> None:
    with pytest.raises(BadInput, match="one job"):
        next(swnb.scan([ended(saved), "box/project/1/job/1"], "train"))


# -- metrics


def test_metrics_are_the_numeric_columns_over_the_int_key(saved: Box) -> None:
    frame = swnb.metrics(ended(saved), table="train")
    assert list(frame.columns) == ["job", "metric", "step", "time", "value"]
    rows = swnb.rows(ended(saved), "train")
    assert set(frame.metric) == set(rows.columns) - {"id"}
    loss = frame[frame.metric == "loss"]
    assert loss.step.tolist() == rows["id"].tolist()
    assert loss.value.isna().sum() == rows.loss.isna().sum() > 0  # a NaN that was written stays
    assert set(frame.job) == {ended(saved)}


def test_wide_metrics_have_a_column_a_metric_and_a_row_a_step(saved: Box) -> None:
    jobs = [uri(saved, made(saved, "succeeded", n)) for n in (4, 2)]
    frame = swnb.metrics(jobs, ["loss", "accuracy"], table="train", wide=True)
    assert list(frame.columns) == ["loss", "accuracy"]
    assert frame.index.names == ["job", "step"]
    assert list(dict.fromkeys(frame.index.get_level_values("job"))) == jobs
    assert frame.loc[jobs[1]].loss.tolist()[3] == swnb.rows(jobs[1], "train").loss.tolist()[3]


def test_steps_thin_a_series_and_provenance_says_so(saved: Box) -> None:
    frame = swnb.metrics(ended(saved), "accuracy", table="train", steps=10)
    assert len(frame) == 10
    assert frame.step.tolist()[0] == 0
    assert frame.step.tolist()[-1] == 399
    kept = swnb.provenance(frame)
    assert (kept.n, kept.total) == (10, 400)
    assert "10 of 400 points" in kept.notes[0]


def test_a_column_that_is_not_numeric_is_no_metric(own: Box) -> None:
    job = made(own, "succeeded")
    store = own.platform("starwhale").store
    store.write(f"{prefix(own, job)}/mine", [{"id": n, "a": n * 1.0, "t": "x"} for n in range(3)])
    store.write(f"{prefix(own, job)}/texts", [{"id": "k", "a": 1}])
    assert set(swnb.metrics(uri(own, job), table="mine").metric) == {"a"}
    with pytest.raises(BadInput, match="'t' is not numeric"):
        swnb.metrics(uri(own, job), ["t"], table="mine")
    with pytest.raises(BadInput, match="keys are no ints"):
        swnb.metrics(uri(own, job), table="texts")


# -- tasks, events, logs


def test_tasks_are_one_row_each_with_their_runs(saved: Box) -> None:
    job = made(saved, "failed")
    frame = swnb.tasks(uri(saved, job))
    assert frame.index.name == "task"
    assert list(frame.index) == [f"{uri(saved, job)}/task/{task.id}" for task in job.tasks]
    assert list(frame.columns[:10]) == TASKS.split(" ")
    (runs,) = frame.runs
    assert len(runs) == 4
    assert {run["status"] for run in runs} == {"failed"}
    assert set(swnb.tasks("box/project/1").job) <= set(swnb.jobs("box/project/1").index)


def test_events_are_the_platforms_notes_oldest_first(saved: Box) -> None:
    frame = swnb.events(uri(saved, made(saved, "cancelled")))
    assert list(frame.columns[:6]) == ["job", "time", "level", "source", "subject", "message"]
    assert frame.time.is_monotonic_increasing
    assert any("cancel" in each.lower() for each in frame.message)


def test_logs_hold_every_run_under_its_own_head_and_tail_counts_lines(saved: Box) -> None:
    job = uri(saved, made(saved, "failed"))
    text = swnb.logs(job)
    assert text.count("==> ") == 4
    assert text.count("ERROR") == 4
    assert swnb.logs(job, tail=2) == "".join(text.splitlines(keepends=True)[-2:])
    assert swnb.logs(job, tail=0) == ""
    with pytest.raises(BadURI, match="names a project, where a job is wanted"):
        swnb.logs("box/project/1")


def test_a_running_task_tells_what_its_live_log_holds(saved: Box) -> None:
    job = made(saved, "running")
    expected = job.tasks[0].runs[-1].text(saved.clock.now)
    assert swnb.logs(uri(saved, job)).splitlines()[-len(expected) :] == expected


def test_follow_gives_lines_while_the_task_runs_until_it_ends(own: Box) -> None:
    job = made(own, "running")
    handle = swnb.open(uri(own, job))
    before = len(job.tasks[0].runs[-1].text(own.clock.now))
    end = job.timeline.steps[-1][0]

    async def watch() -> list[str]:
        lines = []
        async for line in handle.follow.aio():
            lines.append(line)
            if len(lines) == before:
                own.clock.advance(end - own.clock.now + 60)
        return lines

    lines = asyncio.run(asyncio.wait_for(watch(), 60))
    run = job.tasks[0].runs[-1]
    assert lines == run.text(own.clock.now)
    assert len(lines) > before


def test_a_live_log_out_of_reach_does_not_take_the_stored_logs_away(saved: Box) -> None:
    saved.faults.add("status", method="WEBSOCKET")
    assert swnb.logs(uri(saved, made(saved, "running"))) == ""


# -- actions


@pytest.fixture
def actions_off() -> Any:
    swnb.allow_actions(False)
    yield
    swnb.allow_actions(False)


@pytest.mark.usefixtures("actions_off")
def test_actions_are_refused_unless_they_are_allowed(own: Box) -> None:
    job = swnb.open(uri(own, made(own, "running")))
    for action in (job.stop, job.pause, job.resume, job.delete):
        with pytest.raises(ActionsOff, match=r"allow_actions\(\)"):
            action()
    assert asked(own) == 0
    job.stop(yes=True)
    assert asked(own, "/cancel$", method="POST") == 1
    swnb.allow_actions()
    asyncio.run(swnb.open(uri(own, made(own, "running"))).pause.aio())
    assert asked(own, "/pause$", method="POST") == 1


@pytest.mark.parametrize("status", [503, 502, 500, 429])
def test_an_action_is_sent_once_whatever_the_server_answers(own: Box, status: int) -> None:
    own.faults.add("status", path="/(cancel|pause|resume)$", status=status, retry_after="0")
    own.faults.add("status", method="DELETE", status=status, retry_after="0")
    job = swnb.open(uri(own, made(own, "running")))
    for action in (job.stop, job.delete):
        before = asked(own)
        with pytest.raises(ServerError):
            action(yes=True)
        assert asked(own) == before + 1


def test_an_action_whose_connection_is_cut_is_sent_once(own: Box) -> None:
    own.faults.add("drop", path="/cancel$")
    with pytest.raises(ConnectionError):
        swnb.open(uri(own, made(own, "running"))).stop(yes=True)
    assert asked(own, "/cancel$") == 1


def test_a_deleted_job_is_not_listed_any_more(own: Box) -> None:
    here = uri(own, made(own, "succeeded"))
    swnb.open(here).delete(yes=True)
    assert here not in swnb.jobs("box").index
    assert here not in swnb.summary("box").index


# -- doors, lists that change, what was read already


def test_every_verb_has_an_awaitable_door_that_gives_the_same(saved: Box) -> None:
    job = ended(saved)
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (swnb.projects, ("box",)),
        (swnb.jobs, ("box",)),
        (swnb.tasks, (job,)),
        (swnb.summary, ("box",)),
        (swnb.rows, (job, "train")),
        (swnb.metrics, (job, "loss")),
        (swnb.events, (job,)),
    ]

    async def awaited() -> list[pd.DataFrame]:
        return [
            await call.aio(*(args if call is not swnb.metrics else (f"{job}/table/train", "loss")))
            for call, args in calls
        ]

    for (call, args), frame in zip(calls, asyncio.run(awaited()), strict=True):
        pd.testing.assert_frame_equal(
            call(*(args if call is not swnb.metrics else (f"{job}/table/train", "loss"))), frame
        )
    handle = swnb.open(job)
    assert asyncio.run(handle.tables.aio()) == handle.tables()
    assert asyncio.run(handle.logs.aio()) == handle.logs()
    assert asyncio.run(handle.info.aio()) == handle.info()
    assert asyncio.run(handle.status.aio()) == handle.status() == Status.SUCCEEDED


def test_pages_that_the_server_makes_smaller_than_asked_lose_no_job(own: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    from swnb.sandbox.starwhale import rest

    real = rest._paging
    monkeypatch.setattr(rest, "_paging", lambda request: (real(request)[0], min(real(request)[1], 5)))
    assert len(swnb.jobs("box/project/1")) == len(own.world.project("mnist").jobs) > 10
    assert asked(own, "/project/1/job$") == 3


def test_a_list_that_changes_while_it_is_paged_loses_no_job_and_says_so() -> None:
    from swnb import sandbox

    with sandbox.run(seed=1, jobs=1200, clock="manual") as box:
        swnb.connect("box", box.uri("starwhale"), token=box.token("starwhale"))
        project = box.world.project("mnist")
        victim = project.jobs[-1]

        def remove() -> None:
            victim.removed = True

        box.faults.add("do", path="/project/1/job$", skip=1, times=1, do=remove)
        frame = swnb.jobs("box/project/1")
        left = {uri(box, job) for job in project.jobs if job is not victim}
        assert left <= set(frame.index)
        assert frame.index.is_unique
        assert any("changed while it was read" in note for note in swnb.provenance(frame).notes)
        swnb.forget("box")


def test_what_a_failed_fetch_had_got_is_kept_and_said_to_be_incomplete(big: Box) -> None:
    job = uri(big, made(big, "succeeded"))
    big.faults.add("status", path="scanTable", skip=6, status=400)
    with pytest.raises(ServerError):
        swnb.rows(job, "big")
    frame = swnb.partial()
    assert frame is not None
    assert len(frame) >= 1000
    assert frame["id"].tolist() == list(range(len(frame)))
    kept = swnb.provenance(frame)
    assert not kept.complete
    assert kept.server == "box"
    assert kept.requests > 0
    assert kept.code == f"swnb.rows({job!r}, 'big')"
    big.faults.clear()
    assert len(swnb.rows(job, "big")) == 50_000
    assert swnb.partial() is None


def test_what_a_failed_list_had_got_obeys_its_filters(own: Box) -> None:
    own.faults.add("status", path="/project/3/job$", status=403)
    with pytest.raises(swnb.errors.Forbidden):
        swnb.jobs("box", status="succeeded")
    frame = swnb.partial()
    assert frame is not None
    assert set(frame.status) <= {"succeeded"}
    assert list(frame.columns[: len(JOB_COLUMNS)]) == JOB_COLUMNS


def test_what_the_rows_of_several_jobs_had_got_says_whose_they_are(own: Box) -> None:
    jobs = [uri(own, made(own, "succeeded", n)) for n in (4, 2)]
    own.faults.add("status", path="scanTable", skip=3, status=400)
    with pytest.raises(ServerError):
        swnb.rows(jobs, "train")
    frame = swnb.partial()
    assert frame is not None
    assert set(frame.job) <= set(jobs)


def test_retries_are_told(saved: Box) -> None:
    saved.faults.add("status", path="/project$", times=1, status=503, retry_after="0")
    assert swnb.provenance(swnb.projects("box")).retries == 1


def test_what_a_platform_does_not_have_is_unsupported(saved: Box) -> None:
    with pytest.raises(Unsupported):
        swnb.tasks("local/project/self/job/x")
