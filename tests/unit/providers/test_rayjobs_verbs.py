"""Signing in, logs, and what changes jobs: what is asked, and what comes of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from swnb.call import Call, Reply, noting
from swnb.errors import BadInput, NotFound, SignInNeeded, Timeout, Unsupported
from swnb.providers.base import LogPart
from swnb.providers.rayjobs import Ray, YuanRong
from swnb.secret import Secret
from swnb.settings import Credential

from .swanlab_server import Server, ok

TOKEN = "tok-" + "x" * 20
YR_SPEC = {"entrypoint": "python x.py", "runtime_env": {"working_dir": "file:///x.zip"}}


def ray_job(status: str = "RUNNING", id_: str | None = "sub-1", **more: Any) -> Reply:
    record = {"type": "SUBMISSION", "job_id": "02000000", "submission_id": id_, "status": status, "entrypoint": "x"}
    return ok(record | {"start_time": 1795350914810, "end_time": None} | more)


def yr_job(status: str = "RUNNING", id_: str = "app-1") -> Reply:
    return ok(
        {"type": "SUBMISSION", "submission_id": id_, "status": status, "entrypoint": "x", "start_time": "1755484077"}
    )


def said(text: str, status: int = 400) -> Reply:
    return Reply(status, {}, json.dumps(text).encode(), "yr", "/api/jobs")


# -- signing in


def test_ray_wants_the_word_bearer_and_openyuanrong_the_bare_token() -> None:
    server = Server()
    known = Credential(Secret(TOKEN))
    assert server.run(Ray("http://x").sign_in(known)).headers == {"authorization": Secret(f"Bearer {TOKEN}")}
    assert server.run(YuanRong("http://x").sign_in(known)).headers == {"x-auth": Secret(TOKEN)}
    assert server.calls == []


@pytest.mark.parametrize("provider", [Ray, YuanRong])
def test_without_a_token_calls_go_unsigned(provider: Any) -> None:
    assert server_run(provider("http://x").sign_in(Credential())).headers == {}


def server_run(plan: Any) -> Any:
    return Server().run(plan)


def test_a_blind_dashboard_says_that_a_token_is_wanted_and_where() -> None:
    server = Server().on("GET", "/api/jobs", ok(""))
    with pytest.raises(SignInNeeded, match=r"demands a token.*frontend"):
        server.run(YuanRong("http://x").projects())


# -- logs of Ray


def test_the_log_of_a_job_that_ended_is_read_whole() -> None:
    server = Server().on("GET", "/api/jobs/sub-1", ray_job("FAILED"))
    server.on("GET", "/api/jobs/sub-1/logs", ok({"logs": "a\nb\n"}))
    assert server.run(Ray("http://x").logs(None, "sub-1")) == [LogPart("driver", "a\nb\n")]


def test_a_job_that_runs_has_a_stream_that_takes_our_sign_in() -> None:
    server = Server().on("GET", "/api/jobs/a%20b", ray_job(id_="a b"))
    [part] = server.run(Ray("http://x").logs(None, "a b"))
    assert (part.live, part.signed, part.text) == ("/api/jobs/a%20b/logs/tail", True, "")


def test_where_there_is_no_stream_asking_gives_the_whole_log_then_what_came_after_it() -> None:
    server = Server().on("GET", "/api/jobs/sub-1", ray_job(), ray_job(), ray_job(), ray_job("SUCCEEDED"))
    server.on("GET", "/api/jobs/sub-1/logs", ok({"logs": "a\n"}), ok({"logs": "a\nb"}), ok({"logs": "a\nb\nc\n"}))
    assert texts(server, server.run(Ray("http://x").logs(None, "sub-1"))) == ["", "a\n", "b", "\nc\n"]


def test_a_job_deleted_while_it_is_followed_ends_its_log() -> None:
    server = Server().on("GET", "/api/jobs/sub-1", ray_job(), Reply(404, {}, b"Job sub-1 does not exist"))
    assert texts(server, server.run(Ray("http://x").logs(None, "sub-1"))) == ["", ""]


def texts(server: Server, parts: Any) -> list[str]:
    """The texts of one part and of all that comes after it."""
    [part] = parts
    found = [part.text]
    while part.more is not None:
        part = server.run(part.more())
        found.append(part.text)
    return found


def test_a_driver_that_was_not_submitted_has_no_log() -> None:
    server = Server().on("GET", "/api/jobs/05000000", ray_job(id_=None, job_id="05000000", type="DRIVER"))
    with pytest.raises(Unsupported, match="05000000"):
        server.run(Ray("http://x").logs(None, "05000000"))


# -- logs of openYuanRong


def files(**lines: list[str]) -> Any:
    """The dashboard's answer for a range of lines; ``lines`` may grow while it is read."""

    def answer(call: Call[Any]) -> Reply:
        held = lines[call.query["filename"]]
        part = held[int(call.query["start_line"]) : int(call.query["end_line"])]
        return Reply(200, {}, "".join(part).encode())

    return answer


def dashboard(status: str, names: Any, answer: Any) -> Server:
    server = Server().on("GET", "/api/jobs/app-1", yr_job(status))
    server.on("GET", "/api/logs/list", ok({"message": "", "data": {"node-1": names}}))
    return server.on("GET", "/api/logs", answer)


def test_a_log_file_is_read_to_its_end_in_pieces_of_lines() -> None:
    held = [f"line {n}\n" for n in range(10_000)] + ["no end"]
    server = dashboard("SUCCEEDED", ["a.log"], files(**{"a.log": held}))
    [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert (part.title, part.text, part.more) == ("a.log", "".join(held), None)
    assert [call.query["start_line"] for call in server.calls[2:]] == ["0", "5000", "10000"]
    assert server.asked[1] == ("GET", "/api/logs/list", {"instance_id": "app-1"})


def test_a_line_that_is_being_written_is_given_once_and_whole() -> None:
    held = ["one\n", "tw"]
    server = dashboard("RUNNING", ["a.log"], files(**{"a.log": held}))
    [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert part.text == "one\n"
    held[1:] = ["two\n", "three"]
    server.on("GET", "/api/jobs/app-1", yr_job("FAILED"))
    assert part.more is not None
    after = server.run(part.more())
    assert (after.text, after.more) == ("two\nthree", None)


def test_several_files_are_several_parts() -> None:
    server = dashboard("SUCCEEDED", ["a.log", "b.log"], files(**{"a.log": ["a\n"], "b.log": ["b\n"]}))
    found = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert [(part.title, part.text) for part in found] == [("a.log", "a\n"), ("b.log", "b\n")]
    assert server.run(YuanRong("http://x").log_text("app-1")) == "a\nb\n"


def test_a_job_that_was_swept_away_ends_its_log_without_an_error() -> None:
    held = ["one\n"]
    server = dashboard("RUNNING", ["a.log"], files(**{"a.log": held}))
    [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    held.append("last\n")
    server.on("GET", "/api/jobs/app-1", said("not found app", 404))
    assert part.more is not None
    after = server.run(part.more())
    assert (after.text, after.more) == ("last\n", None)


def test_a_log_that_is_not_there_yet_is_waited_for() -> None:
    server = dashboard("RUNNING", [], files(**{"a.log": ["x\n"]}))
    [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert (part.text, part.more is None) == ("", False)
    server.on("GET", "/api/logs/list", ok({"message": "", "data": {"node-1": ["a.log"]}}))
    server.on("GET", "/api/jobs/app-1", yr_job("SUCCEEDED"))
    assert part.more is not None
    assert server.run(part.more()).text == "x\n"


def test_a_job_that_ended_without_a_log_says_so() -> None:
    server = dashboard("SUCCEEDED", [], files())
    with noting() as notes:
        [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert (part.text, part.more) == ("", None)
    assert "no log of job app-1" in notes[0]


def test_a_file_name_that_the_dashboard_holds_twice_is_noted() -> None:
    twice = Reply(500, {}, b'{"message":"can not find log file or duplicate log files found, get 2 files","data":null}')
    server = dashboard("SUCCEEDED", ["a.log"], twice)
    with noting() as notes:
        [part] = server.run(YuanRong("http://x").logs(None, "app-1"))
    assert (part.text, part.more) == ("", None)
    assert "get 2 files" in notes[0]


@pytest.mark.parametrize("verb", ["logs", "tasks"])
def test_a_frontend_has_no_logs_and_instances_and_says_who_has(verb: str) -> None:
    server = Server().on("GET", "/api/jobs/app-1", yr_job())
    server.on("GET", "/api/(logs/list|v1/instances)", Reply(404, {}, b"404 page not found"))
    with pytest.raises(Unsupported, match="dashboard"):
        server.run(getattr(YuanRong("http://x"), verb)(None, "app-1"))


# -- stop and delete


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        ("RUNNING", True, "asked to stop"),
        ("PENDING", True, "stops no pending job"),
        ("SUCCEEDED", False, "had ended before"),
    ],
)
def test_a_stop_on_ray_says_what_came_of_it(status: str, answer: bool, words: str) -> None:
    server = Server().on("GET", "/api/jobs/sub-1", ray_job(status))
    server.on("POST", "/api/jobs/sub-1/stop", ok({"stopped": answer}))
    assert words in server.run(Ray("http://x").act(None, "sub-1", "stop"))


@pytest.mark.parametrize(
    ("action", "method", "path", "answer", "words"),
    [
        ("stop", "POST", "/api/jobs/app-1/stop", True, "asked to stop"),
        ("stop", "POST", "/api/jobs/app-1/stop", False, "only a running job can be, and it is PENDING"),
        ("delete", "DELETE", "/api/jobs/app-1", True, "is deleted"),
        ("delete", "DELETE", "/api/jobs/app-1", False, "only an ended job can be, and it is PENDING"),
    ],
)
def test_openyuanrong_answers_no_by_a_bare_false(action: str, method: str, path: str, answer: bool, words: str) -> None:
    server = Server().on("GET", "/api/jobs/app-1", yr_job("PENDING")).on(method, path, ok(answer))
    assert words in server.run(YuanRong("http://x").act(None, "app-1", action))


@pytest.mark.parametrize("provider", [Ray, YuanRong])
def test_what_changes_something_is_never_repeated_by_itself(provider: Any) -> None:
    refused = Reply(500, {}, b"no")
    server = Server().on("POST", ".*", refused).on("DELETE", ".*", refused)
    for plan in (
        provider("http://x").stop("app-1"),
        provider("http://x").remove("app-1"),
        provider("http://x").submit(None, YR_SPEC),
    ):
        with pytest.raises(Exception, match="500"):
            server.run(plan)
    assert [call.reads for call in server.calls] == [False, False, False]


@pytest.mark.parametrize("provider", [Ray, YuanRong])
def test_a_job_cannot_be_paused(provider: Any) -> None:
    with pytest.raises(Unsupported, match="stopped and deleted"):
        Server().run(provider("http://x").act(None, "app-1", "pause"))


# -- submit


def test_the_id_that_the_server_returns_is_the_one_used() -> None:
    server = Server().on("POST", "/api/jobs", ok({"submission_id": "app-other"}))
    assert server.run(YuanRong("http://x").submit(None, {**YR_SPEC, "submission_id": "demo"})) == "app-other"
    assert server.calls[0].json["submission_id"] == "app-demo"


def test_ray_is_sent_what_was_given_and_nothing_more() -> None:
    server = Server().on("POST", "/api/jobs/", ok({"job_id": "raysubmit_1", "submission_id": "raysubmit_1"}))
    spec = {"entrypoint": "python x.py", "metadata": None, "entrypoint_memory": 1e9, "entrypoint_num_cpus": 0.5}
    assert server.run(Ray("http://x").submit(None, spec)) == "raysubmit_1"
    sent = {"entrypoint": "python x.py", "entrypoint_memory": 1_000_000_000, "entrypoint_num_cpus": 0.5}
    assert server.calls[0].json == sent
    assert type(server.calls[0].json["entrypoint_memory"]) is int


@pytest.mark.parametrize(
    "change",
    [
        {"entrypoint": ""},
        {"entrypoint": "  "},
        {"entrypoint": 7},
        {"metadata": {"a": 1}},
        {"metadata": "x"},
        {"runtime_env": "x"},
        {"runtime_env": {"working_dir": "/x", "env_vars": {"A": 1}}},
        {"runtime_env": {"working_dir": "/x", "env_vars": ["A"]}},
        {"entrypoint_memory": 1.5},
        {"entrypoint_memory": "1 GB"},
        {"entrypoint_cpus": 1},
    ],
)
@pytest.mark.parametrize("provider", [Ray, YuanRong])
def test_what_can_not_be_meant_is_refused_before_it_is_sent(provider: Any, change: dict[str, Any]) -> None:
    server = Server()
    with pytest.raises(BadInput):
        server.run(provider("http://x").submit(None, {**YR_SPEC, **change}))
    assert server.calls == []


@pytest.mark.parametrize(
    "change",
    [
        {"runtime_env": None},
        {"runtime_env": {}},
        {"runtime_env": {"working_dir": ""}},
        {"runtime_env": {"working_dir": "/x", "pip": "numpy"}},
        {"runtime_env": {"working_dir": "/x", "pip": {"packages": []}}},
        {"submission_id": "my-driver"},
        {"submission_id": "Demo"},
        {"submission_id": "a_b"},
        {"submission_id": "a" * 61},
        {"submission_id": 7},
        {"entrypoint_num_cpus": -1},
        {"entrypoint_num_gpus": "one"},
        {"entrypoint_label_selector": {}},
    ],
)
def test_what_openyuanrong_refuses_is_refused_before_it_is_sent(change: dict[str, Any]) -> None:
    server = Server()
    with pytest.raises(BadInput):
        server.run(YuanRong("http://x").submit(None, {**YR_SPEC, **change}))
    assert server.calls == []


def test_a_wrong_environment_variable_is_named_without_its_value() -> None:
    env = {"working_dir": "/x", "env_vars": {"KEY": 4711_4711_4711}}
    with pytest.raises(BadInput, match="KEY") as raised:
        Server().run(Ray("http://x").submit(None, {"entrypoint": "x", "runtime_env": env}))
    assert "4711" not in str(raised.value)


def slow(call: Call[Any]) -> Reply:
    raise Timeout("no answer in 30 s")


def test_a_submit_whose_answer_is_late_is_looked_for_and_not_sent_again() -> None:
    server = Server().on("POST", "/api/jobs", slow).on("GET", "/api/jobs/app-demo", yr_job("PENDING", "app-demo"))
    with noting() as notes:
        assert server.run(YuanRong("http://x").submit(None, {**YR_SPEC, "submission_id": "demo"})) == "app-demo"
    assert [call.method for call in server.calls] == ["POST", "GET"]
    assert "not placed yet" in notes[0]


def test_a_late_submit_that_is_not_listed_names_the_id_to_look_for() -> None:
    server = Server().on("POST", "/api/jobs", slow).on("GET", "/api/jobs/.*", said("not found app", 404))
    with pytest.raises(Timeout) as raised:
        server.run(YuanRong("http://x").submit(None, YR_SPEC))
    assert server.calls[0].json["submission_id"] in str(raised.value)
    assert not isinstance(raised.value, NotFound)
