"""Lists of tasks and their records: paging, filters, lists that move, labels, times, what is masked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Reply, noting
from swnb.errors import BadReply
from swnb.model import JobInfo, JobQuery, Status
from swnb.providers.supervisely.records import status_of, words_of

from .supervisely_server import Server, ok, page, task

WORDS = ("queued", "consumed", "started", "deployed", "terminating", "error", "finished", "stopped", "new word")


def ids(server: Server, **query: Any) -> list[int]:
    return [int(job.id) for job in server.run(server.host.jobs("51", JobQuery(**query))).items]


def one(**more: Any) -> JobInfo:
    server = Server([task(7, **more)])
    return server.run(server.host.job(None, "7"))


# -- paging


@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, 70) | st.none())
def test_the_newest_of_any_list_come_whatever_its_pages(count: int, most: int, limit: int | None) -> None:
    server = Server([task(n) for n in range(1, count + 1)], most=most)
    listing = server.run(server.host.jobs("51", JobQuery(limit=limit)))
    assert [int(job.id) for job in listing.items] == list(range(count, 0, -1))[:limit]
    assert listing.total == count


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.sets(st.sampled_from(Status)), st.integers(1, 9))
def test_a_status_filter_keeps_what_has_that_status(words: list[str], wanted: set[Status], most: int) -> None:
    server = Server([task(n, status=word) for n, word in enumerate(words, 1)], most=most)
    kept = [n for n, word in enumerate(words, 1) if status_of(word) in wanted]
    assert ids(server, status=frozenset(wanted)) == kept[::-1]


@given(st.sets(st.sampled_from(Status)))
def test_the_server_is_asked_for_the_words_of_a_status(wanted: set[Status]) -> None:
    operator, words = words_of(frozenset(wanted))
    for word in WORDS:
        assert ((word in words) == (operator == "in")) == (status_of(word) in wanted)


def test_all_pages_after_the_first_go_abreast() -> None:
    server = Server([task(n) for n in range(1, 5001)])
    listing = server.run(server.host.jobs("51", JobQuery()))
    assert len(listing.items) == 5000
    assert sorted(body["page"] for _, body in server.asked) == list(range(1, 11))


def test_few_wanted_are_one_request() -> None:
    server = Server([task(n) for n in range(1, 5001)])
    assert ids(server, limit=20) == list(range(5000, 4980, -1))
    assert len(server.calls) == 1


def test_a_page_size_that_the_server_caps_is_kept_to() -> None:
    server = Server([task(n) for n in range(1, 26)], most=10)
    assert ids(server) == list(range(25, 0, -1))
    assert [(body["page"], body["per_page"]) for _, body in server.asked] == [(1, 500), (2, 10), (3, 10)]


def test_a_count_that_is_too_high_only_asks_in_vain() -> None:
    answers = {1: [task(3), task(2)], 2: [task(1)]}

    def listed(body: dict[str, Any]) -> Reply:
        found = answers.get(body["page"], [])
        return ok({"total": 9, "perPage": 2, "pagesCount": 2, "entities": found})

    assert ids(Server(rules={"tasks.list": listed})) == [3, 2, 1]


def test_a_list_without_counts_is_what_came() -> None:
    assert ids(Server(rules={"tasks.list": ok({"entities": [task(2), task(1)]})})) == [2, 1]
    assert ids(Server(rules={"tasks.list": ok([task(2), task(1)])})) == [2, 1]


def test_pages_are_known_without_a_total() -> None:
    def listed(body: dict[str, Any]) -> Reply:
        return ok({"perPage": 1, "pagesCount": 3, "entities": [task(4 - body["page"])]})

    assert ids(Server(rules={"tasks.list": listed})) == [3, 2, 1]


def test_a_list_of_very_many_pages_is_walked_one_by_one_until_it_is_empty() -> None:
    def listed(body: dict[str, Any]) -> Reply:
        found = [task(100 - body["page"])] if body["page"] < 5 else []
        return ok({"total": 10**7, "perPage": 1, "pagesCount": 10**7, "entities": found})

    server = Server(rules={"tasks.list": listed})
    assert ids(server) == [99, 98, 97, 96]
    assert len(server.calls) == 5


def test_a_list_that_grows_while_it_is_read_loses_nothing_and_says_so() -> None:
    server = Server([task(n) for n in range(1, 8)], most=3)
    given_out = server._tasks_list

    def listed(body: dict[str, Any]) -> Reply:
        answer = given_out(body)
        if len(server.calls) == 1:
            server.tasks += [task(8), task(9)]
        return answer

    server.rules["tasks.list"] = listed
    with noting() as notes:
        assert set(ids(server)) >= set(range(1, 8))
    assert any("changed while it was read" in each for each in notes)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 12), st.integers(1, 10))
def test_a_limit_loses_nothing_when_tasks_leave_the_list(count: int, most: int, limit: int, gone: int) -> None:
    """Those of a status leave it at any time."""
    server = Server([task(n, status="started") for n in range(1, count + 1)], most=most)
    given_out = server._tasks_list

    def listed(body: dict[str, Any]) -> Reply:
        answer = given_out(body)
        if len(server.calls) == 1:
            server.tasks = [each for each in server.tasks if each["id"] != count - gone]
        return answer

    server.rules["tasks.list"] = listed
    found = ids(server, status=frozenset({Status.RUNNING}), limit=limit, name="train")
    stayed = [n for n in range(count, 0, -1) if n != count - gone]
    assert [n for n in found if n in stayed] == stayed[: len([n for n in found if n in stayed])]
    assert len(found) == min(limit, len(set(found) | set(stayed)))


# -- filters that the server does not have


def test_a_name_and_an_owner_are_looked_for_here() -> None:
    tasks = [task(1), task(2, userLogin="ada"), task(3, userLogin="ada", meta={"name": "Other"})]
    server = Server(tasks)
    assert ids(server, name="YOLO") == [2, 1]
    with noting() as notes:
        assert ids(server, name="yolo", owner="ada") == [2]
    assert any("one by one" in each for each in notes)
    assert [body["id"] for method, body in server.asked if method == "tasks.info"] == [2, 1]


def test_owners_are_asked_for_until_enough_are_found() -> None:
    server = Server([task(n, userLogin="ada" if n % 2 else "mira") for n in range(1, 1001)])
    assert ids(server, owner="ada", limit=3) == [999, 997, 995]
    assert server.methods.count("tasks.info") == 100


def test_a_task_that_goes_while_its_owner_is_asked_is_no_error() -> None:
    server = Server([task(1)], rules={"tasks.info": refusal_gone})
    with noting() as notes:
        assert ids(server, owner="mira") == []
    assert any("task 1 is gone" in each for each in notes)


def refusal_gone(body: dict[str, Any]) -> Reply:
    return Reply(404, {}, b'{"error": "Task not found"}', "lab", "/public/api/v3/tasks.info")


def test_arguments_that_the_list_leaves_out_are_asked_for_where_they_are_looked_at() -> None:
    told = {"settings": {"message": {"state": {"lr": 0.1}}}, "meta": {}}
    server = Server([task(1, **told), task(2, type="clone"), task(3, **told)])
    listing = server.run(server.host.jobs("51", JobQuery(config=True)))
    assert [job.config for job in listing.items] == [{"lr": 0.1}, {}, {"lr": 0.1}]
    assert server.methods == ["tasks.list", "tasks.info", "tasks.info"]


def test_since_keeps_what_started_then_or_has_not_started_yet() -> None:
    server = Server(
        [
            task(1, startedAt="2026-02-01T00:00:00.000Z"),
            task(2, startedAt="2026-02-05T00:00:00.000Z"),
            task(3, startedAt=None, finishedAt=None, status="queued"),
            task(4, startedAt=None, finishedAt=None, status="stopped"),
        ]
    )
    assert ids(server, since=datetime(2026, 2, 3, tzinfo=timezone.utc)) == [3, 2]


# -- records


def test_a_record_of_a_list_has_what_lists_hold() -> None:
    server = Server([task(7)])
    [info] = server.run(server.host.jobs("51", JobQuery())).items
    assert (info.id, info.project, info.name, info.owner) == ("7", "51", "Train YOLO", None)
    assert (info.status, info.raw_status) == (Status.SUCCEEDED, "finished")
    assert info.started == info.created == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=timezone.utc)
    assert info.elapsed == timedelta(hours=1)
    assert info.url == "http://h:1/apps/sessions/7"
    assert (info.own["type"], info.own["appVersion"], info.own["moduleId"]) == ("app", "v1", 5)


def test_one_that_was_asked_for_says_whose_it_is() -> None:
    info = one()
    assert (info.owner, info.own["agentName"], info.project) == ("mira", "agent-a", "51")


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"meta": {"name": "session", "app": {"name": "App"}}, "description": "words"}, "session"),
        ({"meta": {"app": {"name": "App"}}, "description": "words"}, "App"),
        ({"meta": {"app": None}, "description": "words"}, "words"),
        ({"meta": {}, "type": "clone"}, "clone #7"),
        ({"meta": None, "description": None, "type": None}, "task #7"),
    ],
)
def test_a_task_is_called_by_the_first_name_there_is(more: dict[str, Any], name: str) -> None:
    assert one(**more).name == name


def test_a_task_that_ends_before_it_begins_took_no_time() -> None:
    assert one(finishedAt="2026-02-03T04:05:06.788Z").elapsed == timedelta()


def test_an_end_counts_only_where_the_status_is_final() -> None:
    info = one(status="deployed")
    assert (info.status, info.finished, info.elapsed) == (Status.RUNNING, None, None)


def test_a_time_that_cannot_be_read_is_none_with_a_note() -> None:
    with noting() as notes:
        assert one(startedAt="yesterday").started is None
    assert notes == ["startedAt of task 7 could not be read as a time: 'yesterday'"]


def test_an_error_is_what_the_output_says() -> None:
    shown = {"title": "CUDA", "description": "out of memory", "isError": True}
    assert one(meta={"output": {"general": shown}}).error == "CUDA: out of memory"
    assert one(meta={"output": {"general": {**shown, "isError": False}}}).error is None


def test_the_arguments_of_a_launch_are_its_config_without_their_secrets() -> None:
    state = {
        "slyProjectId": 7301,
        "opt": {"lr": 0.1, "apiToken": "s3cret"},
        "maxTokens": 5,
        "tokenizer": "bert",
        "list": [{"password": "p"}],
    }
    info = one(meta={"params": {"state": state}, "sessionToken": "s3cret"})
    assert info.config == {
        "slyProjectId": 7301,
        "opt": {"lr": 0.1, "apiToken": "****"},
        "maxTokens": 5,
        "tokenizer": "bert",
        "list": [{"password": "****"}],
    }
    assert info.own["projectId"] == 7301
    assert "s3cret" not in repr(info)


def test_launch_arguments_may_stand_in_the_settings() -> None:
    assert one(meta={}, settings={"message": {"state": {"a": 1}}}).config == {"a": 1}


def test_a_task_without_a_workspace_is_asked_for_it() -> None:
    record = {k: v for k, v in task(7).items() if k != "workspaceId"}
    server = Server(rules={"tasks.info": ok(record)})
    assert server.run(server.host.job(None, "7")).project == "51"
    assert server.methods == ["tasks.info", "GetTaskContext"]


@pytest.mark.parametrize("id_", [None, True, "x", "../7", -7, 7.5, [7]])
def test_an_id_that_is_none_is_odd(id_: Any) -> None:
    with pytest.raises(BadReply):
        ids(Server(rules={"tasks.list": page([{"id": id_}], {})}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
KEYS = ("type", "status", "startedAt", "finishedAt", "meta", "description", "userLogin", "settings", "agentName")
META = ("app", "name", "params", "output")


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.dictionaries(st.sampled_from(META), JSON))
def test_odd_fields_leave_gaps_and_break_nothing(fields: dict[str, Any], meta: dict[str, Any]) -> None:
    record = {"id": 7, "meta": meta, **fields}
    server = Server(rules={"tasks.list": page([record], {})})
    [info] = server.run(server.host.jobs("51", JobQuery())).items
    assert info.id == "7"
    assert info.status in Status
    assert info.name
