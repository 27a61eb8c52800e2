"""What replies of Supervisely mean, and what its requests refuse to carry. That requests are the official SDK's is
tested in ``tests/wire/test_sdk_supervisely.py``."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from swnb.call import Reply
from swnb.errors import (
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SwnbError,
    TokenRejected,
    TooBusy,
    Unsupported,
)
from swnb.providers.supervisely import requests


def reply(status: int, body: Any, method: str = "tasks.info") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {}, raw, "lab", f"/public/api/v3/{method}")


def said(message: str) -> dict[str, Any]:
    return {"error": "short", "details": {"message": message}}


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, said("filter should be a list"), ServerError, "filter should be a list"),
        (400, said("API token is required"), TokenRejected, "token is required"),
        (401, said("Bad token"), TokenRejected, "Bad token"),
        (403, said("You have no access"), Forbidden, "no access"),
        (404, said("Task not found"), NotFound, "Task not found"),
        (404, said("Method tasks.info not found"), Unsupported, "does not offer tasks.info"),
        (404, b"<html>404 Not Found</html>", Unsupported, "does not offer tasks.info"),
        (404, b"Cannot POST /public/api/v3/tasks.info", Unsupported, "does not offer tasks.info"),
        (409, {"error": "FAIL"}, ServerError, "FAIL"),
        (422, {"error": "E", "details": [{"message": "one"}, {"message": "two"}]}, ServerError, "one; two"),
        (429, {}, TooBusy, "busy"),
        (500, b"", ServerError, "failed"),
        (501, said("The task cannot be stopped"), Unsupported, "cannot be stopped"),
    ],
)
def test_a_refusal_is_told_by_its_status_and_its_words(
    status: int, body: Any, error: type[SwnbError], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        requests.answer(reply(status, body))
    assert type(raised.value) is error


def test_what_an_info_helper_does_not_find_is_none_unless_the_method_is_missing() -> None:
    assert requests.none_if_missing(reply(404, {"error": "Not found"})) is None
    with pytest.raises(Unsupported):
        requests.none_if_missing(reply(404, said("Unknown method")))
    with pytest.raises(Forbidden):
        requests.none_if_missing(reply(403, {}))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, {"error": "Not found"}, Unsupported),
        (400, {}, Unsupported),
        (501, {}, Unsupported),
        (404, said("Model not found"), NotFound),
        (400, said("Task 5 is no training"), ServerError),
        (403, {}, Forbidden),
    ],
)
def test_a_method_that_was_dropped_is_unsupported_unless_the_words_name_a_thing(
    status: int, body: Any, error: type[SwnbError]
) -> None:
    with pytest.raises(error) as raised:
        requests.answer_of_legacy(reply(status, body, "models.info"))
    assert type(raised.value) is error


def test_bare_nan_and_empty_bodies_are_read_and_other_bodies_are_bad_replies() -> None:
    found = requests.answer(reply(200, b'{"a": NaN, "b": [-Infinity, 1e400]}'))
    assert math.isnan(found["a"])
    assert found["b"] == [-math.inf, math.inf]
    assert requests.answer(reply(204, b"")) == requests.answer(reply(200, b" \n")) == {}
    for broken in (b"<html>", b'{"a": ', b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(BadReply, match=r"tasks\.info cannot be read"):
            requests.answer(reply(200, broken))


@pytest.mark.parametrize("wrap", [lambda agent: agent, lambda agent: [agent], lambda agent: {"entities": [agent]}])
def test_the_tokens_of_agents_end_where_they_are_read(wrap: Any) -> None:
    sent = wrap({"id": 61, "token": "live-secret"})
    found = requests.answer(reply(200, sent, "agents.list"))
    assert json.dumps(found) == json.dumps(sent).replace("live-secret", "****")
    assert requests.answer(reply(200, sent, "tasks.list")) == sent


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": {1}}, object(), b"x"])
def test_what_json_cannot_carry_is_no_call(value: Any) -> None:
    with pytest.raises(BadInput, match=r"tasks\.data\.set cannot be sent as JSON"):
        requests.data_set(5, [{"field": "a", "payload": value}])


def test_a_circle_is_no_call_and_what_is_sent_is_a_copy() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(BadInput):
        requests.data_set(5, [{"field": "a", "payload": circle}])
    payload = {"a": [1, (2, 3)]}
    call = requests.data_set(5, [{"field": "a", "payload": payload}])
    payload["a"].clear()
    assert call.json["fields"][0]["payload"] == {"a": [1, [2, 3]]}


def test_only_what_reads_may_be_repeated() -> None:
    changes = [
        requests.run_app({}),
        requests.stop(5),
        requests.resume(5),
        requests.data_set(5, []),
        requests.output_set(5),
        requests.meta_update(5, {}),
        requests.status_update(5, "finished"),
        requests.logs_add([]),
        requests.files_add_by_hash(5, []),
        requests.files_upload([]),
        requests.dtl_archive([]),
        requests.checkpoints_clear(5),
        requests.run_dtl(1, [], None),
        requests.run_plugin("train", 61, 33, {}),
        requests.run_deploy(61, 2201, "never"),
        requests.run_python(1),
        requests.request_direct(5, "do", {}, {}),
    ]
    reads = [requests.task_info(5), requests.tasks_list(1), requests.log(5), requests.hashes_list([])]
    assert not any(call.reads for call in changes)
    assert all(call.reads for call in reads)
