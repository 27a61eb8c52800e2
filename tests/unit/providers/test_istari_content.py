"""What jobs made: histories, numbers and tables of an Istari registry, and the files that they come from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from swnb.call import Reply, noting
from swnb.errors import BadInput, BadReply, Forbidden, NotFound, TooBusy
from swnb.model import RowQuery, Status
from swnb.providers.istari.content import Content, File, checked
from tests.unit.providers.istari_registry import (
    MODEL,
    STORE,
    Registry,
    entry,
    hashed,
    job,
    made,
    ok,
    refusal,
    uid,
)

ALL = RowQuery()
VECTOR = "bdbc47b6ac8efc4d7dc3bc00d18954cd7aef9b271d89e14915beda54d7d5bc01e3c276e30edb0dfc2eda941dd22fc894"


def with_file(name: str, data: bytes | str) -> Registry:
    registry = Registry()
    registry.jobs = [made(job(), registry.file(name, data))]
    return registry


def rows(registry: Registry, table: str, **query: Any) -> list[dict[str, Any]]:
    return registry.rows(registry.run(registry.host.scan(None, uid(1), table, RowQuery(**query))))


def summary(registry: Registry, *ids: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in registry.run(registry.host.summary(None, list(ids) or None))]


# -- tasks and stages


def test_a_task_is_an_entry_of_the_history_with_the_time_in_that_stage() -> None:
    words = [entry("Created", 0), entry("Claimed", 2), entry("Failed", 7, "no licence")]
    registry = Registry([job(status_history=words)])
    found = registry.run(registry.host.tasks(None, uid(1)))
    assert [(task.name, task.status, task.elapsed and task.elapsed.seconds) for task in found] == [
        ("Created", Status.QUEUED, 120),
        ("Claimed", Status.RUNNING, 300),
        ("Failed", Status.FAILED, None),
    ]
    assert [task.error for task in found] == [None, None, "no licence"]
    assert found[0].finished == found[1].started
    assert registry.asked == [f"GET /jobs/{uid(1)}"]


def test_stages_are_summed_up_in_seconds() -> None:
    words = ("Created", "Pending", "Claimed", "Running", "Pending", "Running", "Completed")
    registry = Registry([job(words=words)])
    assert summary(registry) == [
        {
            "stage.queue_s": 120.0,
            "stage.run_s": 180.0,
            "stage.wall_s": 360.0,
            "stage.created_s": 60.0,
            "stage.pending_s": 120.0,
            "stage.claimed_s": 60.0,
            "stage.running_s": 120.0,
        }
    ]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("Created",), set()),
        (("Completed",), set()),
        (("Created", "Running"), {"stage.queue_s", "stage.created_s"}),
        (("Created", "Canceled"), {"stage.wall_s", "stage.created_s"}),
        (("Claimed", "Completed"), {"stage.run_s", "stage.wall_s", "stage.claimed_s"}),
    ],
)
def test_a_stage_that_was_skipped_or_goes_on_has_no_time(words: tuple[str, ...], known: set[str]) -> None:
    assert set(summary(Registry([job(words=words)]))[0]) == known


# -- numbers


def test_numbers_of_json_artifacts_stand_in_the_summary() -> None:
    registry = with_file("metrics.json", '{"mass_kg": 12, "wing": {"span": 2.5}, "ok": true, "name": "7"}')
    (values,) = summary(registry)
    assert {k: v for k, v in values.items() if not k.startswith("stage.")} == {
        "metrics.mass_kg": 12,
        "metrics.wing.span": 2.5,
    }


def test_files_of_one_name_keep_their_numbers_apart() -> None:
    registry = Registry()
    registry.jobs = [made(job(), registry.file("m.json", '{"a": 1}'), registry.file("m.json", '{"a": 2}'))]
    (values,) = summary(registry)
    assert (values["m.a"], values["m (2).a"]) == (1, 2)


def test_no_number_takes_the_place_of_another() -> None:
    registry = Registry()
    files = {
        "dir/m.json": {"x": 1},
        "m.csv": None,
        "m.json": {"x": 2},
        "a.json": {"b": {"c": 3}},
        "a.b.json": {"c": 4},
        "stage.json": {"queue_s": 99, "x": 5},
        "stage.json.json": {"queue_s": 6},
    }
    made_of = [registry.file(name, json.dumps(told) if told else "x\n1\n") for name, told in files.items()]
    registry.jobs = [made(job(words=("Created", "Running", "Completed")), *made_of)]
    (values,) = summary(registry)
    assert values["stage.queue_s"] == 60
    assert {name: value for name, value in values.items() if not name.endswith("_s") or value < 60} == {
        "m.x": 1,
        "m (2).x": 2,
        "a.b.c": 3,
        "a.b.json.c": 4,
        "stage.json.x": 5,
        "stage.json.json.queue_s": 6,
    }
    assert values["stage.json.queue_s"] == 99


def test_tables_and_other_files_give_no_numbers() -> None:
    registry = with_file("rows.json", '[{"a": 1}]')
    registry.jobs = [made(job(), registry.file("rows.json", '[{"a": 1}]'), registry.file("a.csv", "x\n1\n"))]
    assert not [name for name in summary(registry)[0] if not name.startswith("stage.")]


def test_a_file_that_is_no_json_is_noted() -> None:
    registry = with_file("metrics.json", "{")
    with noting() as notes:
        summary(registry)
    assert f"metrics.json of job {uid(1)} cannot be read: it is no JSON" in notes[0]


def test_a_large_file_is_left_out_of_the_summary_with_a_note() -> None:
    registry = with_file("metrics.json", '{"a": 1}')
    next(iter(registry.revisions.values()))["size"] = 5 * 2**20
    with noting() as notes:
        assert "metrics.a" not in summary(registry)[0]
    assert notes == ["metrics.json is left out of the summary where it has more than 4,194,304 bytes"]


def test_a_product_that_is_gone_is_noted() -> None:
    registry = Registry([made(job(), uid(77))])
    with noting() as notes:
        assert summary(registry)
    assert f"product {uid(77)} is left out" in notes[0]


def test_a_server_that_is_too_busy_for_a_file_is_an_error_not_a_gap() -> None:
    registry = with_file("metrics.json", '{"a": 1}')
    sha = registry.sha(next(iter(registry.revisions)))
    registry.rules[f"/tokens/{sha}/download-url"] = refusal(503, "later")
    with pytest.raises(TooBusy):
        summary(registry)


def test_what_was_made_of_an_artifact_is_in_the_list_of_its_model() -> None:
    registry = Registry()
    ids = [registry.file("metrics.json", f'{{"n": {n}}}') for n in range(5)]
    registry.jobs = [made(job(n + 1, model_id=MODEL if n < 3 else uid(0xF1)), each) for n, each in enumerate(ids)]
    assert sorted(values["metrics.n"] for values in summary(registry)) == [0, 1, 2, 3, 4]
    assert not [call for call in registry.calls if "/revisions/" in call.path]


def test_many_jobs_of_one_model_are_read_by_the_list_of_its_artifacts() -> None:
    registry = Registry()
    for n in range(1, 301):
        registry.jobs.append(made(job(n, minute=n), registry.file("metrics.json", f'{{"n": {n}}}')))
    found = summary(registry)
    assert [values["metrics.n"] for values in found[:2]] == [300, 299]
    kinds = [call.path.split("/")[3] for call in registry.calls]
    # 3 pages of jobs, 3 of artifacts, then a link and a download each
    assert (len(registry.calls), kinds.count("jobs"), kinds.count("models"), kinds.count("tokens")) == (606, 3, 3, 300)
    registry.calls.clear()
    assert summary(registry) == found
    assert len(registry.calls) == 6  # content never changes


def test_an_input_that_is_no_model_is_read_product_by_product() -> None:
    registry = Registry()
    ids = [registry.file("metrics.json", f'{{"n": {n}}}') for n in range(4)]
    registry.jobs = [made(job(n + 1, model_id=uid(0xF1)), each) for n, each in enumerate(ids)]
    assert sorted(values["metrics.n"] for values in summary(registry)) == [0, 1, 2, 3]
    assert sum("/revisions/" in call.path for call in registry.calls) == 4


def test_jobs_that_are_named_come_in_their_order_also_where_many_are() -> None:
    registry = Registry([job(n, minute=n) for n in range(1, 51)])
    ids = [uid(n) for n in range(1, 51)]
    rows = registry.run(registry.host.summary(None, ids))
    assert [row.id for row in rows] == ids
    assert registry.asked == ["GET /jobs sort=-created&page=1&size=100"]
    with pytest.raises(NotFound, match=uid(99)):
        registry.run(registry.host.summary(None, [*ids, uid(99)]))


def test_a_list_of_more_pages_than_jobs_are_named_is_not_read_to_its_end() -> None:
    registry = Registry([job(n, minute=n) for n in range(1, 101)])
    registry.most = 4
    ids = [uid(n) for n in range(1, 22)]
    assert [row.id for row in registry.run(registry.host.summary(None, ids))] == ids
    assert sum(call.path == "/api/v2/jobs" for call in registry.calls) == 1


# -- tables


def test_tables_are_csv_and_lists_of_objects() -> None:
    registry = Registry()
    files = {"m.json": '{"a": 1}', "rows.json": "[]", "a.csv": "x\n", "b.TSV": "x\n", "log.txt": "x", "bad.json": "{"}
    registry.jobs = [made(job(), *(registry.file(name, data) for name, data in files.items()))]
    assert registry.run(registry.host.tables(None, uid(1))) == ["rows.json", "a.csv", "b.TSV"]


def test_rows_come_in_the_order_of_the_file() -> None:
    registry = with_file("loads.csv", "case,load\nx,1\ny,2\n")
    assert rows(registry, "loads.csv") == [{"id": 0, "case": "x", "load": 1}, {"id": 1, "case": "y", "load": 2}]
    link, content = registry.calls[-2:]
    assert (link.signed, content.signed, content.path.startswith(STORE)) == (True, False, True)


def test_rows_are_bounded_by_their_key() -> None:
    registry = with_file("loads.csv", "load\n5\n6\n7\n8\n")
    assert [row["load"] for row in rows(registry, "loads.csv", start=1, end=3)] == [6, 7]
    assert [row["load"] for row in rows(registry, "loads.csv", start=2, end=3, end_inclusive=True)] == [7, 8]
    keyed = with_file("loads.json", '[{"id": "b", "load": 5}, {"id": "a"}, {"load": 7}]')
    assert rows(keyed, "loads.json", start="b") == [{"id": "b", "load": 5}]
    with pytest.raises(BadInput, match="cannot be compared"):
        rows(keyed, "loads.json", start=1)


def test_columns_that_are_asked_for_come_with_the_key() -> None:
    registry = with_file("loads.csv", "case,load\nx,1\n")
    assert rows(registry, "loads.csv", columns=("load",)) == [{"id": 0, "load": 1}]
    with pytest.raises(BadInput, match=r"no column 'mass'.*There are: id, case, load"):
        rows(registry, "loads.csv", columns=("mass",))


def test_a_table_that_is_not_there_names_those_that_are() -> None:
    registry = with_file("loads.csv", "load\n5\n")
    with pytest.raises(NotFound, match=r"no table 'mass.csv'.*loads.csv"):
        rows(registry, "mass.csv")


def test_what_is_no_table_says_what_is_wrong() -> None:
    with pytest.raises(BadReply, match=r"metrics.json holds no table: it is not a list of objects"):
        rows(with_file("metrics.json", '{"a": 1}'), "metrics.json")


def test_a_table_that_is_too_large_is_not_begun() -> None:
    registry = with_file("loads.csv", "load\n5\n")
    next(iter(registry.revisions.values()))["size"] = 200 * 2**20
    with pytest.raises(BadInput, match="200 MB"):
        registry.run(registry.host.scan(None, uid(1), "loads.csv", ALL))


def test_names_with_a_path_in_them_are_only_names() -> None:
    registry = with_file("../../etc/loads.csv", "load\n5\n")
    assert registry.run(registry.host.tables(None, uid(1))) == ["../../etc/loads.csv"]
    assert rows(registry, "../../etc/loads.csv") == [{"id": 0, "load": 5}]
    assert not [call for call in registry.calls if ".." in call.path]


# -- downloads


def test_the_hash_is_that_of_content_and_salt() -> None:
    data = b'{"alpha": 1, "beta": "two"}'
    reply = Reply(200, {}, data, "lab", "/store/x")
    assert checked(reply, File("p.json", VECTOR, "salt-c-27"), "http://h/x") == data
    with pytest.raises(BadReply):
        checked(reply, File("p.json", VECTOR, "salt-c-28"), "http://h/x")


def test_a_wrong_hash_is_an_error_that_names_file_and_host_and_gives_no_rows() -> None:
    registry = with_file("loads.csv", "load\n5\n6\n")
    sha = registry.sha(next(iter(registry.revisions)))
    registry.store[sha] = b"load\n5\n"
    for verb in (lambda: rows(registry, "loads.csv"), lambda: registry.run(Content().read(_file(registry)))):
        with pytest.raises(BadReply, match=r"loads.csv, downloaded from store.test:9000, .*hash is wrong \(7 bytes"):
            verb()


def _file(registry: Registry) -> File:
    token = next(iter(registry.revisions.values()))["content_token"]
    return File("loads.csv", token["sha"], token["salt"])


def test_a_wrong_hash_in_a_summary_is_an_error_too() -> None:
    registry = with_file("metrics.json", '{"a": 1}')
    registry.store = dict.fromkeys(registry.store, b'{"a": 2}')
    with pytest.raises(BadReply, match=r"metrics\.json"):
        summary(registry)


def test_an_expired_link_is_asked_for_once_more() -> None:
    registry = with_file("loads.csv", "load\n5\n")
    registry.stale = 1
    assert rows(registry, "loads.csv") == [{"id": 0, "load": 5}]
    assert sum("download-url" in call.path for call in registry.calls) == 2
    numbers = with_file("metrics.json", '{"a": 1}')
    numbers.stale = 1
    assert summary(numbers)[0]["metrics.a"] == 1


def test_a_link_that_is_refused_twice_is_an_error_without_the_stores_words() -> None:
    registry = with_file("loads.csv", "load\n5\n")
    registry.stale = 2
    with pytest.raises(Forbidden, match=r"loads.csv cannot be downloaded from store.test:9000") as caught:
        rows(registry, "loads.csv")
    assert "sig" not in str(caught.value).lower().replace("sign", "")
    assert sum("download-url" in call.path for call in registry.calls) == 2


@pytest.mark.parametrize(
    "url", [None, "", "ftp://h/x", "file:///etc/passwd", "//h/x", "http://", "http://[x", "javascript:1"]
)
def test_a_link_leads_to_the_web_or_is_refused(url: Any) -> None:
    registry = with_file("loads.csv", "load\n5\n")
    sha = registry.sha(next(iter(registry.revisions)))
    registry.rules[f"/tokens/{sha}/download-url"] = ok({"url": url})
    with pytest.raises(BadReply, match="url"):
        rows(registry, "loads.csv")


def test_a_link_to_the_registrys_own_host_goes_unsigned_too() -> None:
    registry = with_file("loads.csv", "load\n5\n")
    sha = registry.sha(next(iter(registry.revisions)))
    registry.rules[f"/tokens/{sha}/download-url"] = ok({"url": "/store/x"})
    registry.rules["/store/x"] = ok(b"load\n5\n")
    assert rows(registry, "loads.csv") == [{"id": 0, "load": 5}]
    assert not registry.calls[-1].signed


@pytest.mark.parametrize(
    "token", [None, {}, {"sha": "../x", "salt": ""}, {"sha": "A" * 96, "salt": ""}, {"sha": "a" * 96}]
)
def test_a_token_that_cannot_be_used_makes_no_artifact(token: Any) -> None:
    registry = with_file("loads.csv", "load\n5\n")
    next(iter(registry.revisions.values()))["content_token"] = token
    assert registry.run(registry.host.tables(None, uid(1))) == []


def test_a_file_without_its_extension_gets_it() -> None:
    registry = Registry()
    registry.jobs = [made(job(), registry.file("loads", "load\n5\n", extension="CSV"))]
    assert registry.run(registry.host.tables(None, uid(1))) == ["loads.csv"]


def stored(registry: Registry, n: int, size: int = 100) -> File:
    data = bytes([n]) * size
    registry.store[hashed(data, "s")] = data
    return File(f"file {n}", hashed(data, "s"), "s")


def test_content_that_was_used_longest_ago_is_given_up_first() -> None:
    registry, content = Registry(), Content(room=1600)
    files = [stored(registry, n) for n in range(17)]
    for file in [*files[:16], files[0], files[16]]:  # the last one needs the room of the second
        registry.run(content.read(file))
    registry.calls.clear()
    registry.run(content.read(files[0]))
    assert registry.calls == []
    registry.run(content.read(files[1]))
    assert len(registry.calls) == 2


def test_large_content_is_not_kept() -> None:
    registry, content = Registry(), Content(room=1600)
    for _ in range(2):
        registry.run(content.read(stored(registry, 1, size=101)))
    assert len(registry.calls) == 4


def test_a_registry_that_lists_no_artifacts_is_asked_for_each() -> None:
    registry = Registry()
    registry.jobs = [made(job(), *(registry.file(f"{n}.csv", f"x\n{n}\n") for n in range(3)))]
    registry.rules[f"/models/{MODEL}/artifacts"] = refusal(404)
    assert registry.run(registry.host.tables(None, uid(1))) == ["0.csv", "1.csv", "2.csv"]
