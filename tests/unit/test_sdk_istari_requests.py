"""How Istari's requests are written, and what refusals mean. That they are the official client's is tested in
``tests/wire/test_sdk_istari.py``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from swnb.call import Call, Reply
from swnb.errors import BadInput, BadReply, Forbidden, NotFound, ServerError, SwnbError, TokenRejected, TooBusy
from swnb.providers.istari import requests


def reply(status: int, body: Any) -> Reply:
    return Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode(), "lab", "/api/v2/jobs")


def test_reserved_characters_of_an_id_are_encoded_and_the_verb_stays_bare() -> None:
    assert requests.job("a/b?c:d").path == "/api/v2/jobs/a%2Fb%3Fc%3Ad"
    assert requests.restore("jobs", "a:b").path == "/api/v2/jobs/a%3Ab:restore"
    email = requests.grant_by_email("user", "bob+x@example.test", "job", "1", "viewer").path
    assert email == "/api/v2/access/user/bob%2Bx%40example.test/job/1"


@pytest.mark.parametrize("id_", ["", ".", "..", "  "])
def test_what_would_lead_to_another_path_is_no_id(id_: str) -> None:
    with pytest.raises(BadInput, match="is no id"):
        requests.job(id_)


def test_a_query_leaves_out_what_is_none_and_writes_booleans_as_json() -> None:
    call = requests.get("jobs", page=1, all_users=True, include_total=False, name=None)
    assert call.query == {"page": "1", "all_users": "true", "include_total": "false"}


def test_only_what_reads_may_be_repeated() -> None:
    changes: list[Call[Any]] = [
        requests.create_job("m", {}),
        requests.replace_parameters("j", {}),
        requests.set_status("j", "Canceled"),
        requests.archive("jobs", "j"),
        requests.restore("jobs", "j"),
        requests.pin_agent("j", {}),
        requests.unpin_agent("j"),
        requests.pin_pool("j", {}),
        requests.unpin_pool("j"),
        requests.grant({}),
        requests.grant_by_email("user", "e", "job", "j", "viewer"),
        requests.change_access("user", "u", "job", "j", {}),
        requests.revoke("user", "u", "job", "j"),
        requests.patch_job_access("j", {}),
        requests.put_properties("f", {}),
        requests.upload("https://store.example/x", b""),
    ]
    reads: list[Call[Any]] = [
        requests.job("j"),
        requests.access("job", "j"),
        requests.download_url("s"),
        requests.upload_url("s"),
        requests.download("https://store.example/x"),
    ]
    assert not any(call.reads for call in changes)
    assert all(call.reads for call in reads)


def test_a_link_goes_unsigned_and_azures_gets_its_header() -> None:
    plain = requests.upload("https://store.example/x?sig=1", b"x")
    azure = requests.upload("https://a.example/x?se=1&sp=w&sv=2", b"x")
    assert not plain.signed
    assert not azure.signed
    assert plain.headers == {"content-type": "application/octet-stream"}
    assert azure.headers["x-ms-blob-type"] == "BlockBlob"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"detail": "Not authenticated"}, TokenRejected, "Not authenticated"),
        (403, {"detail": "no"}, Forbidden, "no"),
        (404, {"detail": "Job not found"}, NotFound, "Job not found"),
        (409, {"detail": "archived already"}, ServerError, "archived already"),
        (422, {"detail": [{"loc": ["query", "size"], "msg": "too large"}]}, ServerError, "query.size: too large"),
        (422, {"detail": [{"msg": "odd"}, 5]}, ServerError, "odd"),
        (429, b"", TooBusy, "busy"),
        (500, b"<html>", ServerError, "failed"),
        (400, b"[" * 100_000, ServerError, "does not take"),
    ],
)
def test_a_refusal_is_told_by_its_status_in_the_servers_words(
    status: int, body: Any, error: type[SwnbError], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        requests.answer(reply(status, body))
    assert type(raised.value) is error


def test_an_empty_answer_is_none_and_no_json_is_a_bad_reply() -> None:
    assert requests.answer(reply(200, b" ")) is None
    assert requests.answer(reply(200, None)) is None
    with pytest.raises(BadReply, match="cannot be read"):
        requests.answer(reply(200, b"<html>"))


def test_what_is_stored_already_is_no_error_of_an_upload() -> None:
    assert requests.upload_url("s").decode(reply(409, {"detail": "exists"})) is None
    assert requests.upload("https://store.example/x", b"").decode(reply(409, b"")) is None
    with pytest.raises(Forbidden):
        requests.upload("https://store.example/x", b"").decode(reply(403, b""))
