"""Summaries, logs and raw records of SwanLab."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply, noting
from swnb.errors import BadReply, NotFound, ServerError
from swnb.model import SummaryRow
from swnb.providers.base import LogPart
from swnb.providers.swanlab import SwanLab

from .swanlab_server import Server, gone, ok, page, project, refusal, run, served

ADDRESS = "http://127.0.0.1:9001"
SUMMARIES = "/api/house/metrics/summaries"
LOG = "/api/house/metrics/log"
CREATED = 1_793_613_600
LOSS = {"step": 9, "value": 0.1, "min": {"index": 8, "data": 0.05}, "max": {"index": 0, "data": 2}, "avg": {"data": 1}}


def ids(call: Call[Any]) -> list[str]:
    body = call.json
    return [each["experimentId"] for each in (body if isinstance(body, list) else body["experiments"])]


def rows(server: Server, jobs: list[str] | None = None) -> list[SummaryRow]:
    return list(server.run(SwanLab(ADDRESS).summary("ada:kites", jobs)))


def many(count: int) -> dict[str, dict[str, Any]]:
    return {f"c{n}": run(f"c{n}") for n in range(count)}


# -- summaries (H1)


def test_all_runs_go_into_one_request() -> None:
    server = served({"c1": run(), "c2": run("c2", rootProId="p0", rootExpId="e0")})
    server.on("POST", SUMMARIES, ok({"c1": {"loss": LOSS}, "c2": None}))
    found = rows(server)
    experiment = {"projectId": "p-kites", "createdAt": CREATED}
    assert server.asked == [
        ("GET", "/api/project/ada/kites"),
        ("GET", "/api/project/ada/kites/runs", {"page": "1", "size": "100"}),
        (
            "POST",
            SUMMARIES,
            {
                "experiments": [
                    experiment | {"experimentId": "c2", "rootProId": "p0", "rootExpId": "e0"},
                    experiment | {"experimentId": "c1"},
                ]
            },
        ),
    ]
    assert [(row.id, row.project, row.values) for row in found] == [
        ("c2", "ada:kites", {}),
        ("c1", "ada:kites", {"loss": 0.1, "loss.min": 0.05, "loss.max": 2}),
    ]
    assert found[1].steps == {"loss.step": 9, "loss.min_step": 8, "loss.max_step": 0}
    assert found[1].job is not None
    assert found[1].job.name == "run c1"


def test_system_metrics_stand_apart() -> None:
    server = served().on("POST", SUMMARIES, ok({"c1": {"__swanlab__.cpu": LOSS, "acc": {"step": 1, "value": 1}}}))
    [row] = rows(server, ["c1"])
    assert (row.values, row.steps) == ({"acc": 1}, {"acc.step": 1})
    assert row.own["__swanlab__.cpu.min"] == 0.05


def test_a_metric_of_the_user_is_not_hidden_by_a_column_of_ours() -> None:
    metrics = {"loss": LOSS, "loss.min": {"step": 3, "value": 77}, "loss.step": {"step": 3, "value": 88}}
    [row] = rows(served().on("POST", SUMMARIES, ok({"c1": metrics})), ["c1"])
    assert row.values == {"loss": 0.1, "loss.max": 2, "loss.min": 77, "loss.step": 88}
    assert "loss.step" not in row.steps


@pytest.mark.parametrize("answer", [{}, {"c1": None}, {"c1": {}}, {"c1": {"loss": None}}, {"c1": {"loss": {"min": 5}}}])
def test_a_run_without_values_has_an_empty_row(answer: Any) -> None:
    [row] = rows(served().on("POST", SUMMARIES, ok(answer)), ["c1"])
    assert (row.id, row.values, row.steps) == ("c1", {}, {})


def test_values_that_json_cannot_carry_are_read_from_their_names() -> None:
    server = served().on("POST", SUMMARIES, ok({"c1": {"a": {"value": "NaN", "max": {"data": "Infinity"}}}}))
    [row] = rows(server, ["c1"])
    assert math.isnan(row.values["a"])
    assert row.values["a.max"] == math.inf


def test_a_clone_may_be_answered_for_under_its_root() -> None:
    server = served({"c1": run(rootProId="p0", rootExpId="e0"), "c2": run("c2")})
    server.on("POST", SUMMARIES, ok({"e0": {"loss": LOSS}, "c2": {}}))
    assert [row.values.get("loss") for row in rows(server, ["c1", "c2"])] == [0.1, None]


def test_older_servers_want_an_array_which_is_found_out_once() -> None:
    def answer(call: Call[Any]) -> Reply:
        return ok({"c1": {"loss": LOSS}}) if isinstance(call.json, list) else refusal(400, "no array")

    server, lab = served().on("POST", SUMMARIES, answer), SwanLab(ADDRESS)
    for _ in range(2):
        assert server.run(lab.summary("ada:kites", ["c1"]))[0].values["loss"] == 0.1
    bodies = [call.json for call in server.calls if call.path == SUMMARIES]
    assert bodies[1:] == [[{"projectId": "p-kites", "experimentId": "c1"}]] * 2


def test_what_neither_form_is_taken_for_is_the_first_refusal() -> None:
    server = served().on("POST", SUMMARIES, refusal(400, "first"), refusal(400, "second"))
    with pytest.raises(ServerError, match="first"):
        rows(server, ["c1"])


def test_a_server_that_fails_is_not_taken_for_an_older_one() -> None:
    server = served().on("POST", SUMMARIES, refusal(500, "down"))
    with pytest.raises(ServerError, match="down"):
        rows(server, ["c1"])
    assert server.paths.count(f"POST {SUMMARIES}") == 1


def test_a_server_that_honours_only_the_first_is_asked_one_by_one_and_then_always() -> None:
    def answer(call: Call[Any]) -> Reply:
        return ok({ids(call)[0]: {"loss": LOSS}})

    server, lab = served(many(3)).on("POST", SUMMARIES, answer), SwanLab(ADDRESS)
    for requests in (3, 3):
        server.calls.clear()
        found = server.run(lab.summary("ada:kites", None))
        assert [row.values["loss"] for row in found] == [0.1] * 3
        assert server.paths.count(f"POST {SUMMARIES}") == requests


def test_runs_that_are_null_or_missing_among_others_are_not_asked_again() -> None:
    server = served(many(4)).on("POST", SUMMARIES, ok({"c0": {"loss": LOSS}, "c1": {"loss": LOSS}, "c2": None}))
    assert sum(bool(row.values) for row in rows(server)) == 2
    assert server.paths.count(f"POST {SUMMARIES}") == 1


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1200])
def test_a_request_asks_for_five_hundred_at_most(count: int) -> None:
    server = served(many(count)).on("POST", SUMMARIES, lambda call: ok({each: {"loss": LOSS} for each in ids(call)}))
    assert all(row.values["loss"] == 0.1 for row in rows(server))
    sizes = [len(ids(call)) for call in server.calls if call.path == SUMMARIES]
    assert sum(sizes) == count
    assert len(sizes) == -(-count // 500)


def test_a_run_removed_while_it_is_read_leaves_the_others() -> None:
    def answer(call: Call[Any]) -> Reply:
        return gone("Experiment not found") if "c1" in ids(call) else ok({each: {"loss": LOSS} for each in ids(call)})

    with noting() as notes:
        found = rows(served(many(3)).on("POST", SUMMARIES, answer))
    assert sorted((row.id, row.values.get("loss")) for row in found) == [("c0", 0.1), ("c1", None), ("c2", 0.1)]
    assert notes == ["job c1 is gone: it was removed while its summary was read"]


def test_rows_stand_in_the_order_that_was_asked() -> None:
    server = served(many(3)).on("POST", SUMMARIES, ok({}))
    assert [row.id for row in rows(server, ["c2", "c0", "c2"])] == ["c2", "c0", "c2"]


# -- logs (H9)


def lines(*numbers: int) -> list[dict[str, Any]]:
    return [{"epoch": n, "level": "ERROR" if n % 7 == 0 else "INFO", "message": f"line {n}"} for n in numbers]


def log_of(stored: list[dict[str, Any]], server: Server, size: int = 1000, counted: bool = True) -> Server:
    def answer(call: Call[Any]) -> Reply:
        at = int(call.query["epoch"]) * size
        return ok({"logs": stored[at : at + size], "count": len(stored) if counted else None})

    return server.on("GET", LOG, answer)


def part(server: Server, lab: SwanLab | None = None) -> LogPart:
    [found] = server.run((lab or SwanLab(ADDRESS)).logs("ada:kites", "c1"))
    return found


def test_a_log_is_asked_by_its_shards() -> None:
    server = log_of(lines(1, 2), served())
    assert part(server).text == "line 1\nline 2\n"
    query = {"projectId": "p-kites", "experimentId": "c1", "createdAt": str(CREATED)}
    assert server.asked[2:] == [("GET", LOG, query | {"size": "1000", "epoch": "0", "level": "INFO"})]


@given(st.integers(0, 4500), st.sampled_from([1000, 999, 300]), st.booleans())
def test_every_line_comes_once_and_in_order_whatever_a_shard_holds(count: int, size: int, counted: bool) -> None:
    if size < 1000 and not counted:
        size = 1000  # nothing then tells a short shard from the end
    server = log_of(lines(*range(count)), served(), size, counted)
    assert part(server).text.splitlines() == [f"line {n}" for n in range(count)]
    assert len(server.calls) <= 2 + count // size + 64 // 10


@pytest.mark.parametrize("body", [None, {}, {"logs": None, "count": 0}, {"logs": [], "count": 5}])
def test_a_run_without_lines_has_an_empty_log(body: Any) -> None:
    assert part(served().on("GET", LOG, ok(body))).text == ""


def test_an_ended_run_has_no_more_to_say() -> None:
    assert part(log_of(lines(1), served())).more is None


@given(st.lists(st.integers(0, 1500), min_size=1, max_size=4))
def test_what_a_run_says_later_comes_after_what_it_said(amounts: list[int]) -> None:
    stored: list[dict[str, Any]] = []
    record = run(state="RUNNING")
    server = log_of(stored, served({"c1": record}))
    said = part(server)
    text = said.text
    for at, amount in enumerate(amounts):
        stored += lines(*range(len(stored), len(stored) + amount))
        record["state"] = "RUNNING" if at + 1 < len(amounts) else "CRASHED"
        assert said.more is not None
        said = server.run(said.more())
        text += said.text
    assert said.more is None
    assert text.splitlines() == [f"line {n}" for n in range(sum(amounts))]


def test_a_server_without_logs_gives_an_empty_one_and_a_note() -> None:
    with noting() as notes:
        assert part(served()) == LogPart("console")
    assert notes == ["this server offers no logs (asked for those of job c1)"]


def test_a_run_that_goes_while_its_log_is_read_is_not_found() -> None:
    server = served().on("GET", "/api/project/ada/kites/runs/c1", ok(run()), gone("Experiment not found"))
    with pytest.raises(NotFound, match="any more"):
        part(server)


# -- raw records


def raw_server() -> Server:
    return served().on("GET", "/api/group/", ok({"list": [{"username": "ada", "name": "A", "role": "OWNER"}]}))


def test_raw_records_are_the_servers_own() -> None:
    server, lab = raw_server(), SwanLab(ADDRESS)
    assert server.run(lab.workspaces()) == [{"username": "ada", "name": "A", "role": "OWNER"}]
    assert server.run(lab.raw_projects("ada", detail=False)) == [project()]
    assert server.calls[-1].query["detail"] == "False"
    assert server.run(lab.raw_experiments("ada", "kites")) == [run()]
    assert server.run(lab.raw_experiment("ada", "kites", "c1")) == run()


def test_a_raw_summary_is_that_of_the_run() -> None:
    server = raw_server().on("POST", SUMMARIES, ok({"c1": {"loss": LOSS}}))
    assert server.run(SwanLab(ADDRESS).raw_summary("ada", "kites", "c1")) == {"loss": LOSS}


def test_a_state_is_that_of_the_record_where_the_old_endpoint_is_gone() -> None:
    server = raw_server()
    assert server.run(SwanLab(ADDRESS).state("ada", "kites", "c1")) == {"state": "FINISHED"}
    server.on("GET", ".*/state", ok({"state": "RUNNING"}))
    assert server.run(SwanLab(ADDRESS).state("ada", "kites", "c1")) == {"state": "RUNNING"}


def test_deleting_is_never_asked_twice() -> None:
    server, lab = raw_server().on("DELETE", ".*", Reply(204, {}, b"", "lab", "/x")), SwanLab(ADDRESS)
    server.run(lab.delete_project("ada", "kites"))
    server.run(lab.delete_experiment("ada", "kites", "c1"))
    assert server.paths == ["DELETE /api/project/ada/kites", "DELETE /api/project/ada/kites/runs/c1"]
    assert not any(call.reads for call in server.calls)


def test_a_list_that_holds_no_records_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="an object is expected"):
        Server().on("GET", ".*", page([5])).run(SwanLab(ADDRESS).raw_experiments("ada", "kites"))
