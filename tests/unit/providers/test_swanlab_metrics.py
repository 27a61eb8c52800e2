"""Series of SwanLab runs: what newer and older servers are asked, and what is told of links, cuts and missing keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply, noting
from swnb.errors import BadReply, Forbidden, NotFound, ServerError
from swnb.model import Series
from swnb.providers.swanlab import SwanLab

from .swanlab_server import Server, csv_of, gone, ok, page, refusal, run, served

ADDRESS = "http://127.0.0.1:9001"
HOUSE = "/api/house/metrics"
CREATED = 1_793_613_600  # 2026-11-02T10:00:00Z
LINK = "https://storage.example/x.csv?sign=1"
RUNS = "/api/project/ada/kites/runs"


def keys_in(call: Call[Any]) -> list[str]:
    return [column["key"] for column in call.json["columns"]]


def newer(*rows: str, keys: list[str] | None = None, runs: dict[str, dict[str, Any]] | None = None) -> Server:
    """Exports have these rows; the keys that H6 tells are ``keys``."""
    server = served(runs)
    server.on("POST", f"{HOUSE}/scalar/keys", ok({"keys": keys or [], "hasMore": False, "nextCursor": ""}))
    server.on("POST", f"{HOUSE}/scalar/export", ok({"cosKey": "exports/csv/1.csv"}))
    server.on("POST", "/api/files/presigned/get", ok({"urls": [LINK]}))
    return server.on("GET", "https://.*", csv_of(["x"], *rows))


def older(**columns: list[str]) -> Server:
    """One CSV for each key; no newer endpoint is there."""

    def link(call: Call[Any]) -> Reply:
        key = call.query["key"]
        return ok({"url": f"https://storage.example/{key}"}) if key in columns else gone("Column not found")

    server = served().on("GET", "/api/experiment/c1/column/csv", link)
    for key, rows in columns.items():
        server.on("GET", f"https://storage.example/{key}", csv_of([key], *rows))
    return server


def asked(
    server: Server, keys: list[str] | None, steps: int | None = None, jobs: list[str] | None = None
) -> list[Series]:
    wanted = ["c1"] if jobs is None else jobs
    return list(server.run(SwanLab(ADDRESS).metrics("ada:kites", wanted, keys, steps)))


def test_a_newer_server_is_asked_for_one_export_a_run_and_nothing_about_keys_that_are_given() -> None:
    server = newer("1,0.5,1000,,", "2,,,7,2000")
    found = asked(server, ["loss", "acc"])
    assert server.asked == [
        ("GET", "/api/project/ada/kites"),
        ("GET", f"{RUNS}/c1"),
        (
            "POST",
            f"{HOUSE}/scalar/export",
            {
                "projectId": "p-kites",
                "columns": [
                    {"experimentName": "run c1", "experimentId": "c1", "key": key, "createdAt": CREATED}
                    for key in ("loss", "acc")
                ],
            },
        ),
        ("POST", "/api/files/presigned/get", {"paths": ["exports/csv/1.csv"]}),
        ("GET", LINK),
    ]
    assert [(s.metric, s.job, s.project, [*s.step], [*s.value], [*s.time], s.total) for s in found] == [
        ("loss", "c1", "ada:kites", [1], [0.5], [1_000_000], None),
        ("acc", "c1", "ada:kites", [2], [7.0], [2_000_000], None),
    ]


def test_links_go_without_our_cookie_and_only_they_do() -> None:
    server = newer("1,2,3")
    asked(server, ["loss"])
    assert [call.path for call in server.calls if not call.signed] == [LINK]


def test_a_relative_link_counts_from_the_host_of_the_api_and_goes_unsigned() -> None:
    server = newer().on("POST", "/api/files/presigned/get", ok({"urls": ["/files/x.csv?sign=1"]}))
    server.on("GET", "http://127.0.0.1:9001/files/x.csv.*", csv_of(["loss"], "1,2,3"))
    assert len(asked(server, ["loss"])) == 1
    assert (server.calls[-1].path, server.calls[-1].signed) == (f"{ADDRESS}/files/x.csv?sign=1", False)


@pytest.mark.parametrize("link", ["ftp://host/x", "file:///etc/passwd", "", None, 7])
def test_a_link_that_is_no_web_address_is_a_bad_reply(link: Any) -> None:
    with pytest.raises(BadReply, match="link"):
        asked(newer().on("POST", "/api/files/presigned/get", ok({"urls": [link]})), ["loss"])


@given(st.integers(0, 50))
def test_sixteen_keys_go_into_one_export(count: int) -> None:
    def export(call: Call[Any]) -> Reply:
        return ok({"cosKey": ",".join(keys_in(call))})

    def link(call: Call[Any]) -> Reply:
        return ok({"urls": [f"https://storage.example/{call.json['paths'][0]}"]})

    def file(call: Call[Any]) -> Reply:
        names = call.path.rpartition("/")[2].split(",")
        return csv_of(names, ",".join(["1", *(f"{name[1:]},5" for name in names)]))

    server = served().on("POST", f"{HOUSE}/scalar/export", export).on("POST", "/api/files/.*", link)
    keys = [f"k{n}" for n in range(count)]
    found = asked(server.on("GET", "https://.*", file), [*keys, *keys])
    assert [(series.metric, [*series.value]) for series in found] == [(key, [float(key[1:])]) for key in keys]
    assert server.paths.count(f"POST {HOUSE}/scalar/export") == -(-count // 16)


def test_without_keys_all_but_system_metrics_are_meant_however_many_pages_name_them() -> None:
    server = newer("1,2,3,4,5")
    first = {"keys": ["a", "__swanlab__.cpu.pct"], "hasMore": True, "nextCursor": "a"}
    server.on("POST", f"{HOUSE}/scalar/keys", ok(first), ok({"keys": ["b"], "hasMore": False, "nextCursor": ""}))
    assert [series.metric for series in asked(server, None)] == ["a", "b"]
    experiment = {"projectId": "p-kites", "experimentId": "c1", "createdAt": CREATED}
    assert [call.json for call in server.calls if call.path.endswith("keys")] == [
        {"experiments": [experiment], "limit": 2000, "cursor": ""},
        {"experiments": [experiment], "limit": 2000, "cursor": "a"},
    ]


def test_a_cursor_that_does_not_move_ends_the_list_of_keys() -> None:
    server = newer("1,2,3").on("POST", f"{HOUSE}/scalar/keys", ok({"keys": ["a"], "hasMore": True, "nextCursor": "a"}))
    assert [series.metric for series in asked(server, None)] == ["a"]


def test_a_clone_names_its_root() -> None:
    server = newer("1,2,3", keys=["a"], runs={"c1": run(rootProId="p0", rootExpId="e0")})
    asked(server, None)
    keys, export = (call.json for call in server.calls if call.path.startswith(HOUSE))
    assert keys["experiments"] == [{"projectId": "p0", "experimentId": "e0", "createdAt": CREATED}]
    assert export["columns"][0] == {
        "experimentName": "run c1",
        "experimentId": "c1",
        "key": "a",
        "createdAt": CREATED,
        "rootProId": "p0",
        "rootExpId": "e0",
    }


def test_each_run_is_a_chain_of_its_own() -> None:
    runs = {name: run(name, createdAt=f"2026-11-0{n}T00:00:00Z") for n, name in ((1, "a"), (2, "b"))}
    server = newer("1,2,3", runs=runs)
    found = list(server.run(SwanLab(ADDRESS).metrics("ada:kites", None, ["loss"], None)))
    assert [series.job for series in found] == ["b", "a"]
    assert len(server.calls) == 2 + 3 * 2


def test_more_than_sixteen_jobs_are_looked_up_in_the_list() -> None:
    runs = {f"r{n}": run(f"r{n}", slug=f"s{n}") for n in range(17)}
    server = newer("1,2,3", runs=runs)
    found = asked(server, ["loss"], jobs=[f"s{n}" for n in range(17)])
    assert [series.job for series in found] == [f"s{n}" for n in range(17)]
    assert len(server.calls) == 2 + 3 * 17


# -- what is not there


def test_an_empty_export_has_no_series() -> None:
    assert asked(newer(), ["loss"]) == []


def test_columns_that_were_not_asked_for_are_asked_one_by_one() -> None:
    """A server that leaves a key out of its file moves the columns of the others."""

    def export(call: Call[Any]) -> Reply:
        return ok({"cosKey": ",".join(keys_in(call))})

    server = newer().on("POST", f"{HOUSE}/scalar/export", export)
    server.on("POST", "/api/files/.*", lambda call: ok({"urls": [f"https://s.example/{call.json['paths'][0]}"]}))
    server.on("GET", "https://s.example/a,no,b", csv_of(["a", "b"], "1,10,5,20,5"))
    server.on("GET", "https://s.example/no", ok(b"step\n"))
    server.on("GET", "https://s.example/a", csv_of(["a"], "1,10,5")).on("GET", ".*/b", csv_of(["b"], "1,20,5"))
    assert [(s.metric, [*s.value]) for s in asked(server, ["a", "no", "b"])] == [("a", [10.0]), ("b", [20.0])]


def test_a_file_of_another_form_is_a_bad_reply() -> None:
    with pytest.raises(BadReply, match="the CSV of loss of job c1 has not the columns"):
        asked(newer().on("GET", "https://.*", ok(b"step,value\n1,2\n")), ["loss"])


def test_a_key_that_the_export_does_not_know_is_left_out_on_a_newer_server() -> None:
    def export(call: Call[Any]) -> Reply:
        return gone("Column not found") if "no" in keys_in(call) else ok({"cosKey": "x"})

    server = newer("1,2,3", keys=["loss"]).on("POST", f"{HOUSE}/scalar/export", export)
    assert [series.metric for series in asked(server, ["loss", "no"])] == ["loss"]
    assert not any("column/csv" in path for path in server.paths)


def test_a_run_that_is_gone_is_not_taken_for_an_older_server() -> None:
    server = newer().on("POST", f"{HOUSE}/.*", gone("Experiment not found"))
    server.on("GET", f"{RUNS}/c1", ok(run()), gone("Experiment not found"))
    lab = SwanLab(ADDRESS)
    with pytest.raises(NotFound, match="has no job c1 any more"):
        server.run(lab.metrics("ada:kites", ["c1"], ["loss"], None))
    server.on("GET", f"{RUNS}/c1", ok(run())).on("POST", f"{HOUSE}/scalar/export", ok({"cosKey": "x"}))
    server.on("GET", "https://.*", csv_of(["loss"], "1,2,3"))
    assert len(server.run(lab.metrics("ada:kites", ["c1"], ["loss"], None))) == 1


def test_of_a_whole_project_a_run_that_is_gone_meanwhile_is_left_out_with_a_note() -> None:
    def export(call: Call[Any]) -> Reply:
        return gone() if call.json["columns"][0]["experimentId"] == "b" else ok({"cosKey": "x"})

    server = newer("1,2,3", runs={"a": run("a"), "b": run("b")}).on("POST", f"{HOUSE}/scalar/export", export)
    server.on("GET", f"{RUNS}/b", gone("Experiment not found"))
    with noting() as notes:
        found = list(server.run(SwanLab(ADDRESS).metrics("ada:kites", None, ["loss"], None)))
    assert [series.job for series in found] == ["a"]
    assert notes == ["project ada:kites has no job b any more"]


# -- links that end, files that are cut


def test_a_link_that_is_no_longer_taken_is_asked_for_once_more() -> None:
    server = newer().on("GET", "https://.*", refusal(403, "expired"), csv_of(["loss"], "1,2,3"))
    assert len(asked(server, ["loss"])) == 1
    assert server.paths.count("POST /api/files/presigned/get") == 2
    assert server.paths.count(f"POST {HOUSE}/scalar/export") == 1


def test_a_link_that_is_refused_twice_is_an_error_about_the_link() -> None:
    with pytest.raises(Forbidden, match="lab: the link to loss of job c1 is not taken"):
        asked(newer().on("GET", "https://.*", refusal(403, "expired")), ["loss"])


def test_a_cut_file_is_asked_for_once_more() -> None:
    server = newer().on("GET", "https://.*", ok(b"step,a,b\n1,2"), csv_of(["loss"], "1,2,3"))
    assert len(asked(server, ["loss"])) == 1


def test_a_file_that_is_cut_twice_is_a_bad_reply_with_server_key_and_line() -> None:
    with pytest.raises(BadReply, match="lab: the CSV of loss is cut in line 2"):
        asked(newer().on("GET", "https://.*", ok(b"step,a,b\n1,2")), ["loss"])


UNENDED = b"step,e-a_step,e-a_timestamp\n1,2,3000\n5,6,7000"


@pytest.mark.parametrize(("last", "whole"), [(5, True), (4, True), (6, False)])
@pytest.mark.parametrize("make", [newer, lambda: older(a=[])])
def test_a_file_without_a_last_line_end_is_whole_if_it_goes_as_far_as_the_summary(
    make: Callable[[], Server], last: int, whole: bool
) -> None:
    server = make().on("GET", "https://.*", ok(UNENDED))
    server.on("POST", f"{HOUSE}/summaries", ok({"c1": {"a": {"step": last, "value": 6}, "b": {"step": 99}}}))
    if whole:
        assert [*asked(server, ["a"])[0].time] == [3_000_000, 7_000_000]
    else:
        with pytest.raises(BadReply, match="the CSV of a is cut in line 3"):
            asked(server, ["a"])
    summary, file = (
        next(at for at, path in reversed([*enumerate(server.paths)]) if part in path) for part in ("summ", "https")
    )
    assert summary < file


@pytest.mark.parametrize(("body", "steps"), [(UNENDED, {}), (UNENDED[:-1], {"a": {"step": 5}})])
def test_a_file_that_the_summary_does_not_speak_for_or_whose_last_time_is_short_is_cut(body: bytes, steps: Any) -> None:
    server = newer().on("GET", "https://.*", ok(body)).on("POST", f"{HOUSE}/summaries", ok({"c1": steps}))
    with pytest.raises(BadReply, match="cut in line 3"):
        asked(server, ["a"])


def test_a_link_that_fails_otherwise_is_that_error() -> None:
    with pytest.raises(ServerError, match="broken"):
        asked(newer().on("GET", "https://.*", refusal(500, "broken")), ["loss"])


# -- older servers


def test_an_older_server_is_found_out_once_and_asked_key_by_key() -> None:
    server = older(loss=["1,2,3"], acc=["1,4,5"])
    lab = SwanLab(ADDRESS)
    found = server.run(lab.metrics("ada:kites", ["c1"], ["loss", "no", "acc"], None))
    assert [series.metric for series in found] == ["loss", "acc"]
    server.calls.clear()
    server.run(lab.metrics("ada:kites", ["c1"], ["loss"], None))
    assert server.asked[2:] == [
        ("GET", "/api/experiment/c1/column/csv", {"key": "loss"}),
        ("GET", "https://storage.example/loss"),
    ]


def test_an_older_server_tells_its_keys_as_columns() -> None:
    columns = [
        {"key": "loss", "class": "CUSTOM", "type": "FLOAT"},
        {"key": "cat", "class": "CUSTOM", "type": "IMAGE"},
        {"key": "cpu", "class": "SYSTEM", "type": "FLOAT"},
        {"key": "__swanlab__.mem", "type": "FLOAT"},
    ]
    server = older(loss=["1,2,3"]).on("GET", "/api/experiment/c1/column", page(columns))
    assert [series.metric for series in asked(server, None)] == ["loss"]


def test_an_older_run_without_columns_has_no_series() -> None:
    assert asked(older(), None) == []


def test_older_links_are_asked_for_anew_too() -> None:
    server = older(loss=["1,2,3"]).on("GET", "https://.*", refusal(403), csv_of(["loss"], "1,2,3"))
    assert len(asked(server, ["loss"])) == 1
    assert server.paths.count("GET /api/experiment/c1/column/csv") == 2


def test_a_run_is_read_by_its_cuid_alone() -> None:
    server = older(loss=["1,2,3"])
    [series] = server.run(SwanLab(ADDRESS).metrics_of("c1", ["loss", "no", "loss"]))
    assert (series.metric, series.job) == ("loss", "c1")
    assert len(server.calls) == 3


# -- at most so many points


def line(key: str, n: int, **more: Any) -> dict[str, Any]:
    return {"key": key, "metrics": [{"index": i, "data": i / 2, "timestamp": i * 1000} for i in range(n)]} | more


def test_few_points_are_sampled_by_a_newer_server_and_the_note_says_so() -> None:
    server = newer().on(
        "POST", f"{HOUSE}/scalar", ok([line("b", 10), line("a", 4, experimentId="c1"), line("a", 1, experimentId="no")])
    )
    with noting() as notes:
        found = asked(server, ["a", "b", "no"], steps=10)
    assert [(series.metric, len(series.step), series.total) for series in found] == [("a", 4, None), ("b", 10, None)]
    assert [*found[0].time] == [0, 1_000_000, 2_000_000, 3_000_000]
    assert notes == ["metric a, b of job c1: sampled by the server to 10 points, because steps=10 was asked"]
    assert server.asked[-1] == (
        "POST",
        f"{HOUSE}/scalar",
        {
            "projectId": "p-kites",
            "xType": "step",
            "range": [0, 0],
            "columns": [{"experimentId": "c1", "key": key, "createdAt": CREATED} for key in ("a", "b", "no")],
            "num": 10,
        },
    )


def test_more_points_than_were_asked_for_are_thinned() -> None:
    server = newer().on("POST", f"{HOUSE}/scalar", ok([line("a", 3)]))
    [series] = asked(server, ["a"], steps=1)
    assert ([*series.step], series.total) == ([2], 3)
    assert server.calls[-1].json["num"] == 3


@pytest.mark.parametrize(
    "server", [newer(*(f"{n},{n},{n}" for n in range(3000))), older(a=[f"{n},{n},{n}" for n in range(3000)])]
)
def test_more_points_than_a_server_samples_are_read_in_full_and_thinned(server: Server) -> None:
    [series] = asked(server, ["a"], steps=1600)
    assert (len(series.step), series.total, series.step[0], series.step[-1]) == (1600, 3000, 0, 2999)
    assert f"POST {HOUSE}/scalar" not in server.paths


def test_an_older_server_does_not_sample_so_its_series_are_thinned() -> None:
    server = older(a=[f"{n},{n},{n}" for n in range(9)])
    lab = SwanLab(ADDRESS)
    for _ in range(2):
        [series] = server.run(lab.metrics("ada:kites", ["c1"], ["a"], 3))
        assert ([*series.step], series.total) == ([0, 4, 8], 9)
    assert server.paths.count(f"POST {HOUSE}/scalar") == 1
