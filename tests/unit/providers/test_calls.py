"""What each verb of the Starwhale provider asks, compared with literals; names, uuids, signing in, actions."""

from __future__ import annotations

from typing import Any

import pytest

from swnb.call import Call, Reply, noting
from swnb.errors import BadInput, BadReply, Forbidden, NotFound, SignInNeeded, TokenRejected, TooBusy, Unsupported
from swnb.model import JobQuery, RowQuery
from swnb.providers.base import Provider
from swnb.providers.starwhale import Starwhale
from swnb.providers.starwhale.replies import data
from swnb.secret import Secret
from swnb.settings import Credential

from .plans import asked, first_call, never, one_page, play, refused, reply

UUID = "56f9ed9c4cbe48838c68a97e54342eba"
JOB = {"id": "6", "uuid": UUID, "jobStatus": "SUCCESS"}
TASKS = [{"id": "9", "taskStatus": "SUCCESS"}, {"id": "10", "taskStatus": "RUNNING", "runs": [{"id": 1}]}]
EMPTY = {"columnHints": {}, "records": []}


@pytest.fixture
def host() -> Starwhale:
    return Starwhale("http://h:1/")


def server(call: Call[Any]) -> Reply:
    """A server that knows project 2 as demo, and its job 6."""
    last = call.path.rsplit("/", 1)[-1]
    answers = {
        "demo": reply({"id": "2", "name": "demo"}),
        "me:demo": reply({"id": "2", "name": "demo"}),
        "6": reply(JOB),
        UUID: reply(JOB),
        "job": one_page([JOB]),
        "project": one_page([{"id": "2", "name": "demo", "owner": {"name": "me"}}]),
        "task": one_page(TASKS),
        "event": reply([]),
        "9": reply(["run-1"]),
        "10": reply([]),
        "run-1": reply(body=b"STDOUT: hi\n"),
        "listTables": reply({"tables": [f"project/2/eval/56/{UUID}/results", f"project/2/eval/56/{UUID}x/other"]}),
        "scanTable": reply({"columnHints": {"id": {"typeHints": ["INT64"]}}, "records": []}),
        "sign-links": reply({"a/b": "http://s/a"}),
    }
    return answers.get(last) or reply("success")


def test_it_is_a_provider(host: Starwhale) -> None:
    assert isinstance(host, Provider)
    assert host.address == "http://h:1"


P = "/api/v1/project"
JOBS_1 = ("GET", f"{P}/2/job", {"pageNum": "1", "pageSize": "100"})
LOOK = {"tables": [{"tableName": f"project/2/eval/56/{UUID}/results"}], "encodeWithType": True, "limit": 0}
VERBS: dict[str, tuple[Any, list[Any]]] = {
    "projects": (lambda h: h.projects(), [("GET", P, {"pageNum": "1", "pageSize": "100"})]),
    "project": (lambda h: h.project("demo"), [("GET", f"{P}/demo")]),
    "project of an owner": (lambda h: h.project("me:demo"), [("GET", f"{P}/me:demo")]),
    "jobs": (lambda h: h.jobs("2", JobQuery()), [JOBS_1]),
    "jobs by name": (lambda h: h.jobs("demo", JobQuery()), [("GET", f"{P}/demo"), JOBS_1]),
    "jobs of 02": (lambda h: h.jobs("02", JobQuery()), [JOBS_1]),
    "job": (lambda h: h.job("2", "6"), [("GET", f"{P}/2/job/6")]),
    "job by uuid": (lambda h: h.job("2", UUID), [("GET", f"{P}/2/job/{UUID}")]),
    "job of a name": (lambda h: h.job("demo", "6"), [("GET", f"{P}/demo"), ("GET", f"{P}/2/job/6")]),
    "tasks": (lambda h: h.tasks("2", "6"), [("GET", f"{P}/2/job/6/task", {"pageNum": "1", "pageSize": "1000"})]),
    "events": (
        lambda h: h.events("2", "6"),
        [
            ("GET", f"{P}/2/job/6/task", {"pageNum": "1", "pageSize": "1000"}),
            ("GET", f"{P}/2/job/6/event"),
            ("GET", f"{P}/2/job/6/event", {"taskId": "9"}),
            ("GET", f"{P}/2/job/6/event", {"taskId": "10"}),
        ],
    ),
    "logs": (
        lambda h: h.logs("2", "6"),
        [
            ("GET", f"{P}/2/job/6/task", {"pageNum": "1", "pageSize": "1000"}),
            ("GET", "/api/v1/log/offline/9"),
            ("GET", "/api/v1/log/offline/10"),
            ("GET", "/api/v1/log/offline/9/run-1"),
        ],
    ),
    "tables": (
        lambda h: h.tables("2", UUID),
        [("POST", "/api/v1/datastore/listTables", {"prefixes": [f"project/2/eval/56/{UUID}/"]})],
    ),
    "rows": (
        lambda h: h.scan("2", "6", "results", RowQuery()),
        [("GET", f"{P}/2/job/6"), ("POST", "/api/v1/datastore/scanTable", LOOK)],
    ),
    "rows by uuid": (
        lambda h: h.scan("2", UUID.upper(), "results", RowQuery()),
        [("POST", "/api/v1/datastore/scanTable", LOOK)],
    ),
    "blobs": (
        lambda h: h.blobs(["a/b"]),
        [("POST", "/api/v1/filestorage/sign-links", {"expTimeMillis": "86400000"}, ["a/b"])],
    ),
    "stop": (lambda h: h.act("2", "6", "stop"), [("POST", f"{P}/2/job/6/cancel")]),
    "pause": (lambda h: h.act("2", "6", "pause"), [("POST", f"{P}/2/job/6/pause")]),
    "resume": (lambda h: h.act("2", "6", "resume"), [("POST", f"{P}/2/job/6/resume")]),
    "delete": (lambda h: h.act("2", "6", "delete"), [("DELETE", f"{P}/2/job/6")]),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_asks_exactly_this(host: Starwhale, verb: str) -> None:
    plan, expected = VERBS[verb]
    assert play(plan(host), server).asked == expected


@pytest.mark.parametrize("verb", VERBS)
def test_only_reads_are_ever_repeated(host: Starwhale, verb: str) -> None:
    calls = play(VERBS[verb][0](host), server).calls
    changes = verb in ("stop", "pause", "resume", "delete")
    assert [call.reads for call in calls] == [not changes] * len(calls)
    assert all(call.signed for call in calls)


def test_an_action_says_json_though_it_has_no_body(host: Starwhale) -> None:
    assert first_call(host.act("2", "6", "stop")).headers == {"Content-Type": "application/json"}


def test_a_name_and_a_uuid_are_asked_for_once(host: Starwhale) -> None:
    play(host.tables("demo", "6"), server)
    assert [call.path for call in play(host.tables("demo", "6"), server).calls] == ["/api/v1/datastore/listTables"]


def test_listed_jobs_tell_their_uuids(host: Starwhale) -> None:
    play(host.jobs("2", JobQuery()), server)
    assert len(play(host.tables("2", "6"), server).calls) == 1


def test_without_a_project_the_only_one_is_meant(host: Starwhale) -> None:
    assert [call.path for call in play(host.job(None, "6"), server).calls] == [P, f"{P}/2/job/6"]


def test_without_a_project_several_are_named(host: Starwhale) -> None:
    two = one_page([{"id": i, "name": n, "owner": {"name": "me"}} for i, n in (("1", "a"), ("2", "b"))])
    with pytest.raises(BadInput, match="there are: me:a, me:b"):
        play(host.jobs(None, JobQuery()), lambda call: two)


@pytest.mark.parametrize(
    "name", ["..", "a/b", "a//b", "a;b", "a%b", "a:b:c", "", "中", "a\\b", "a\x00", "9" * 19 + "/"]
)
def test_a_name_that_trips_the_server_is_looked_up_in_the_list(host: Starwhale, name: str) -> None:
    with pytest.raises(NotFound, match="there is no project"):
        play(host.project(name), lambda call: server(call) if call.path == P else never(call))


def test_a_name_beyond_latin_1_is_found_in_the_list(host: Starwhale) -> None:
    items = one_page([{"id": "4", "name": "数据", "owner": {"name": "me"}}])
    assert play(host.project("数据"), lambda call: items).result.id == "4"
    assert play(host.project("me:数据"), lambda call: items).result.id == "4"


@pytest.mark.parametrize("job", ["nope", "../7", "7/cancel", "", "7 ", "1" * 19, "g" * 32, "７"])
def test_what_can_be_no_job_is_never_asked(host: Starwhale, job: str) -> None:
    for plan in (host.job("2", job), host.tasks("2", job), host.act("2", job, "stop"), host.summary("2", [job])):
        with pytest.raises(NotFound, match=r"has no job|is no job"):
            play(plan, lambda call: reply(EMPTY))


def test_a_table_that_is_not_there_is_named_with_those_that_are(host: Starwhale) -> None:
    def answer(call: Call[Any]) -> Reply:
        return reply(EMPTY) if call.path.endswith("scanTable") else server(call)

    with pytest.raises(NotFound, match=r"job 6 has no table 'nope'. It has results."):
        play(host.scan("2", "6", "nope", RowQuery()), answer)
    assert play(host.scan("2", "6", "results", RowQuery()), answer).result.int_keys is False


def test_a_longer_name_that_begins_alike_is_another_job(host: Starwhale) -> None:
    assert play(host.tables("2", UUID), server).result == ("results",)


@pytest.mark.parametrize("action", ["cancel", "recover", "submit", "", "../pin"])
def test_an_action_that_it_has_not_is_unsupported(host: Starwhale, action: str) -> None:
    with pytest.raises(Unsupported, match="It can: delete, pause, resume, stop"):
        play(host.act("2", "6", action), never)


# -- logs


def test_a_task_that_runs_has_a_live_log_behind_the_stored_ones(host: Starwhale) -> None:
    parts = play(host.logs("2", "6"), server).result
    assert [(part.text, part.live) for part in parts] == [("STDOUT: hi\n", None), ("", "/api/v1/log/online/10")]


def test_events_come_once_and_by_time(host: Starwhale) -> None:
    def event(id_: int, time: int | None) -> dict[str, Any]:
        return {
            "id": id_,
            "timestamp": time,
            "message": f"m{id_}",
            "relatedResource": {"eventResourceType": "JOB", "id": 6},
        }

    def answer(call: Call[Any]) -> Reply:
        if call.path.endswith("/task"):
            return server(call)
        return reply([event(2, 20), event(1, 10)] if not call.query else [event(10, 20), event(2, 20), event(4, None)])

    found = play(host.events("2", "6"), answer).result
    assert [(each.message, each.subject) for each in found] == [(f"m{n}", "JOB 6") for n in (1, 2, 10, 4)]


# -- signing in


def headers(host: Starwhale, credential: Credential) -> dict[str, str]:
    return {name: value.reveal() for name, value in play(host.sign_in(credential), never).result.headers.items()}


@pytest.mark.parametrize("token", ["abc.d-e_f", "Bearer abc.d-e_f", "bearer abc.d-e_f", " BEARER   abc.d-e_f\n"])
def test_a_token_is_taken_with_and_without_its_word(host: Starwhale, token: str) -> None:
    assert headers(host, Credential(Secret(token))) == {"authorization": "Bearer abc.d-e_f"}


@pytest.mark.parametrize("token", ["abc def", "tökenabc", "abcdef\nx: y", "abc\x00def", "Bearer"[:0] + " "])
def test_a_token_that_no_header_can_carry_is_refused_unseen(host: Starwhale, token: str) -> None:
    with pytest.raises(BadInput) as caught:
        play(host.sign_in(Credential(Secret(token))), never)
    assert "abc" not in str(caught.value)


def test_nothing_known_means_unsigned(host: Starwhale) -> None:
    assert headers(host, Credential()) == {}
    assert headers(host, Credential(user="me")) == {}


def test_a_user_signs_in_by_a_form_that_is_sent_unsigned_and_once(host: Starwhale) -> None:
    call = first_call(host.sign_in(Credential(user="me", password=Secret("hunter22"))))
    assert asked(call) == ("POST", "/api/v1/login", {"userName": "me", "userPwd": Secret("hunter22")})
    assert (call.signed, call.reads) == (False, False)
    assert "hunter22" not in repr(call)


def test_a_sign_in_without_its_header_is_a_bad_reply(host: Starwhale) -> None:
    with pytest.raises(BadReply, match="the header Authorization is missing"):
        play(host.sign_in(Credential(user="me", password=Secret("hunter22"))), lambda call: reply({"id": "1"}))


def test_a_wrong_password_is_refused_and_not_shown(host: Starwhale) -> None:
    credential = Credential(user="me", password=Secret("hunter22"))
    with pytest.raises(TokenRejected) as caught:
        play(host.sign_in(credential), lambda call: refused(401, "no hunter22 here", array=True))
    assert "hunter22" not in str(caught.value)


# -- refusals


def test_an_array_body_in_latin_1_keeps_its_letters() -> None:
    body = b'{\n  "code" : [ "ValidationException" ],\n  "message" : [ "no project caf\xe9" ]\n}'
    with pytest.raises(NotFound, match="no project café"):
        data(reply(status=404, body=body))


def test_a_text_while_it_starts_is_busy() -> None:
    with pytest.raises(TooBusy, match="server is upgrading"):
        data(
            reply(
                status=503,
                body=b"server is upgrading, web api are not ready now",
                headers={"content-type": "text/plain"},
            )
        )


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (reply(body={"code": "fail", "message": "no luck", "data": None}), Exception, "no luck"),
        (reply(body={"code": "success", "message": "Success"}), BadReply, "the field data is missing"),
        (reply(body=[]), BadReply, "an envelope is an object, not list"),
        (reply(body=b'{"code": "succ'), BadReply, "cannot be read"),
        (reply(body=b"<html>hello</html>"), BadReply, "cannot be read"),
        (reply(body={"code": "fail", "message": None}), BadReply, "it holds no data"),
        (refused(403, "Access is denied"), Forbidden, "Access is denied"),
        (refused(401, "Not logged in.", array=True), SignInNeeded, "needs a sign-in"),
        (refused(404, "", array=True), NotFound, "nothing is at /api/v1/x"),
        (reply(status=404, body={"message": []}), NotFound, "nothing is at /api/v1/x"),
        (reply(status=404, body={"message": [5]}), NotFound, "nothing is at /api/v1/x"),
        (reply(status=500, body=b"[" * 100_000), Exception, r"\[\[\["),
    ],
)
def test_an_odd_answer_has_its_own_error(answer: Reply, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        data(answer)


# -- times


@pytest.mark.parametrize("value", [-1000, -1, None])
def test_a_time_below_0_is_no_time_even_of_a_job_that_ended(host: Starwhale, value: Any) -> None:
    sent = JOB | {"stopTime": value, "createdTime": value, "duration": value}
    with noting() as notes:
        job = first_call(host.job("2", "6")).decode(reply(sent))
    assert (job.created, job.finished, job.elapsed, notes) == (None, None, None, [])


@pytest.mark.parametrize("value", ["soon", True, [1], 10**18])
def test_a_time_that_cannot_be_read_is_empty_and_noted(host: Starwhale, value: Any) -> None:
    with noting() as notes:
        job = first_call(host.job("2", "6")).decode(reply(JOB | {"createdTime": value}))
    assert job.created is None
    assert notes == [f"createdTime of job 6 could not be read as a time: {str(value)!r}"]


def test_a_duration_beyond_reason_is_empty_and_noted(host: Starwhale) -> None:
    with noting() as notes:
        job = first_call(host.job("2", "6")).decode(reply(JOB | {"duration": 2**62}))
    assert job.elapsed is None
    assert notes == [f"duration of job 6 could not be read as a duration: '{2**62}'"]
