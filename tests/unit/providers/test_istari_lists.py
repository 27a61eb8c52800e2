"""Jobs and projects of an Istari registry: what is asked, and what the records mean."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from swnb.call import Reply, noting
from swnb.errors import (
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    TokenRejected,
    Unreachable,
    Unsupported,
)
from swnb.model import JobQuery, Status
from swnb.providers.istari import calls
from swnb.providers.istari.replies import refusal as meant
from swnb.secret import Secret
from swnb.settings import Credential
from tests.unit.providers.istari_registry import (
    API,
    MODEL,
    USER,
    Registry,
    at,
    entry,
    history,
    job,
    ok,
    refusal,
    uid,
)

ALL = JobQuery()
FIRST = "GET /jobs sort=-created&page=1&size=100"


def many(count: int) -> Registry:
    return Registry([job(n, minute=n) for n in range(1, count + 1)])


def test_a_job_tells_what_ran_where_and_when() -> None:
    words = ("Created", "Pending", "Claimed", "Running", "Uploading", "Completed")
    registry = Registry([job(1, words)])
    (info,) = registry.run(registry.host.jobs(None, ALL)).items
    start = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
    assert (info.id, info.project, info.name, info.owner) == (uid(1), "mine", "job 01", USER)
    assert (info.status, info.raw_status) == (Status.SUCCEEDED, "Completed")
    assert (info.created, info.started, info.finished) == (
        start,
        start + timedelta(minutes=3),
        start + timedelta(minutes=5),
    )
    assert info.elapsed == timedelta(minutes=2)
    own = {name: info.own[name] for name in ("function", "function_version", "module", "tool", "agent", "model_id")}
    assert list(own.values()) == ["@istari:extract", "1.2.0", "@istari:demo", "Demo", "agent-1", MODEL]


def test_the_secrets_of_agents_are_in_no_record() -> None:
    registry = Registry([job()])
    (info,) = registry.run(registry.host.jobs(None, ALL)).items
    assert "hush" not in str(info.raw)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Created", Status.QUEUED),
        ("Pending", Status.QUEUED),
        ("Claimed", Status.RUNNING),
        ("Validating", Status.RUNNING),
        ("Running", Status.RUNNING),
        ("Uploading", Status.RUNNING),
        ("Completed", Status.SUCCEEDED),
        ("Failed", Status.FAILED),
        ("Canceled", Status.CANCELLED),
        ("Unknown", Status.UNKNOWN),
        ("Hibernating", Status.UNKNOWN),
    ],
)
def test_a_word_of_the_registry_is_a_status_and_a_new_one_is_unknown(word: str, status: Status) -> None:
    registry = Registry([job(words=("Created", word))])
    (info,) = registry.run(registry.host.jobs(None, ALL)).items
    assert (info.status, info.raw_status) == (status, word)
    assert (info.finished is None) == (not status.final)


def test_a_failed_job_tells_why_and_a_cancelled_one_has_no_error() -> None:
    why = [entry("Created", 0), entry("Failed", 1, "no licence")]
    registry = Registry([job(1, status_history=why), job(2, status_history=[entry("Canceled", 1, "not needed")])])
    infos = {info.id: info for info in registry.run(registry.host.jobs(None, ALL)).items}
    assert (infos[uid(1)].error, infos[uid(1)].own["message"]) == ("no licence", "no licence")
    assert (infos[uid(2)].error, infos[uid(2)].own["message"]) == (None, "not needed")


@pytest.mark.parametrize(
    "odd",
    [
        {"status_history": None, "function": None, "file": None, "comments": None, "agent_information": None},
        {"status_history": [], "file": {"revisions": []}, "archive_status_history": None},
        {"status_history": [None, 7], "file": {"revisions": None}, "function": 3, "model_id": None},
        {"status_history": [{"name": None, "created": None}], "file": {"revisions": [None]}, "created_by_id": None},
        {"file": {"revisions": [{"products": [None, {"revision_id": None}], "display_name": 4}]}, "created": "soon"},
    ],
)
def test_null_where_a_value_should_be_is_a_missing_value(odd: dict[str, Any]) -> None:
    registry = Registry([job(**odd)])
    (info,) = registry.run(registry.host.jobs(None, ALL)).items
    assert info.id == uid(1)
    assert registry.run(registry.host.summary(None, [uid(1)]))[0].id == uid(1)
    assert registry.run(registry.host.tables(None, uid(1))) == []
    assert len(registry.run(registry.host.tasks(None, uid(1)))) <= 2


def test_a_time_that_cannot_be_read_is_noted() -> None:
    registry = Registry([job(created="soon")])
    with noting() as notes:
        (info,) = registry.run(registry.host.jobs(None, ALL)).items
    assert info.created is None
    assert notes == [f"created of job {uid(1)} could not be read as a time: 'soon'"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"items": None}, "items"),
        ({}, "items"),
        ([], "object"),
        ({"items": [5]}, "object"),
        ({"items": [{"id": None}]}, "id"),
        ({"items": [{"id": ".."}]}, "id"),
    ],
)
def test_a_list_without_what_it_promises_is_refused_by_name(body: Any, field: str) -> None:
    registry = Registry(rules={"/jobs": ok(body)})
    with pytest.raises(BadReply, match=field):
        registry.run(registry.host.jobs(None, ALL))


# -- pages


def test_all_pages_after_the_first_are_asked_abreast() -> None:
    registry = many(2000)
    found = registry.run(registry.host.jobs(None, ALL))
    assert len(found.items) == found.total == 2000
    assert (registry.asked[0], len(registry.calls)) == (FIRST, 20)
    assert 19 in registry.rounds
    assert [info.id for info in found.items[:2]] == [uid(2000), uid(1999)]


def test_without_totals_a_page_follows_each_that_has_items() -> None:
    registry = many(250)
    registry.counts = False
    found = registry.run(registry.host.jobs(None, ALL))
    assert (len(found.items), found.total) == (250, None)
    assert [int(call.query["page"]) for call in registry.calls] == [1, 2, 3, 4]


def test_a_server_that_caps_the_size_of_a_page_loses_no_job() -> None:
    registry = many(70)
    registry.most = 25
    assert len(registry.run(registry.host.jobs(None, ALL)).items) == 70


def test_a_list_that_repeats_itself_for_ever_comes_to_an_end() -> None:
    page = {"items": [job()], "total": None, "pages": None}
    registry = Registry(rules={"/jobs": ok(page)})
    with noting() as notes:
        assert len(registry.run(registry.host.jobs(None, ALL)).items) == 1
    assert "did not end it" in notes[0]


def test_the_newest_of_a_list_that_repeats_itself_are_found() -> None:
    registry = Registry(rules={"/jobs": ok({"items": [job()], "total": None, "pages": None})})
    with noting():
        assert len(registry.run(registry.host.jobs(None, JobQuery(limit=5))).items) == 1


def test_an_empty_list_is_one_request() -> None:
    registry = Registry()
    assert registry.run(registry.host.jobs(None, ALL)).items == ()
    assert registry.asked == [FIRST]


def test_the_newest_jobs_are_one_small_page() -> None:
    registry = many(500)
    found = registry.run(registry.host.jobs(None, JobQuery(limit=3)))
    assert ([info.id for info in found.items], found.total) == ([uid(500), uid(499), uid(498)], 500)
    assert registry.asked == ["GET /jobs sort=-created&page=1&size=10"]


def test_a_limit_counts_after_the_filters() -> None:
    registry = many(300)
    found = registry.run(registry.host.jobs(None, JobQuery(limit=2, name="JOB 0")))
    assert [info.name for info in found.items] == ["job 09", "job 08"]


def test_reading_ends_where_jobs_are_too_old() -> None:
    registry = many(700)
    registry.counts = False
    since = datetime(2026, 3, 1, 10, tzinfo=timezone.utc) + timedelta(minutes=650)
    found = registry.run(registry.host.jobs(None, JobQuery(since=since)))
    assert (len(found.items), len(registry.calls)) == (51, 1)


def test_a_server_that_does_not_sort_is_read_to_its_end() -> None:
    records = [job(n, minute=n) for n in range(1, 31)]
    registry = Registry(records)
    registry.rules["/jobs"] = lambda call: registry._page(records, call)
    found = registry.run(registry.host.jobs(None, JobQuery(limit=1)))
    assert [info.id for info in found.items] == [uid(30)]


def test_only_final_words_are_asked_of_the_server() -> None:
    registry = Registry([job(1), job(2, ("Created", "Failed")), job(3, ("Created", "Running")), job(4, ("Odd",))])
    ended = JobQuery(status=frozenset({Status.FAILED, Status.SUCCEEDED}))
    assert {info.id for info in registry.run(registry.host.jobs(None, ended)).items} == {uid(1), uid(2)}
    assert sorted(call.query["status_name"] for call in registry.calls) == ["Completed", "Failed"]
    registry.calls.clear()
    going = JobQuery(status=frozenset({Status.RUNNING, Status.UNKNOWN}))
    assert {info.id for info in registry.run(registry.host.jobs(None, going)).items} == {uid(3), uid(4)}
    assert registry.asked == [FIRST]


def test_no_status_at_all_asks_nothing() -> None:
    registry = Registry([job()])
    assert registry.run(registry.host.jobs(None, JobQuery(status=frozenset()))).items == ()
    assert registry.calls == []


# -- one job


def test_a_job_brings_its_parameters() -> None:
    registry = Registry([job()])
    id_ = registry.file("parameters.json", '{"alpha": 1, "mesh": {"size": 0.5}}')
    registry.jobs[0]["file"]["revisions"] = [registry.revisions[id_]]
    info = registry.run(registry.host.job(None, uid(1)))
    assert info.config == {"alpha": 1, "mesh": {"size": 0.5}}
    asked = len(registry.calls)
    assert registry.run(registry.host.job(None, uid(1))).config == info.config
    assert len(registry.calls) == asked + 1  # what has this hash never changes


def test_a_job_is_there_also_where_its_parameters_are_not() -> None:
    registry = Registry([job()])
    id_ = registry.file("parameters.json", "{}")
    registry.jobs[0]["file"]["revisions"] = [registry.revisions[id_]]
    registry.store[registry.sha(id_)] = b"[]"
    with noting() as notes:
        assert registry.run(registry.host.job(None, uid(1))).config == {}
    assert "its hash is wrong" in notes[0]
    with pytest.raises(BadReply, match="its hash is wrong"):
        registry.run(registry.host.jobs(None, JobQuery(config=True)))


def test_a_store_that_does_not_answer_is_waited_for_once() -> None:
    def silent(call: Any) -> Reply:
        raise Unreachable("no answer")

    registry = Registry([job()])
    id_ = registry.file("parameters.json", "{}")
    registry.jobs[0]["file"]["revisions"] = [registry.revisions[id_]]
    registry.rules[f"/tokens/{registry.sha(id_)}/download-url"] = silent
    for _ in range(2):
        assert registry.run(registry.host.job(None, uid(1))).config == {}
    assert [request.split()[1][:5] for request in registry.asked] == ["/jobs", "/toke", "/jobs"]
    with pytest.raises(Unreachable):
        registry.run(registry.host.jobs(None, JobQuery(config=True)))


def test_a_job_that_is_not_there_is_not_found() -> None:
    registry = Registry([job()])
    with pytest.raises(NotFound, match=f"there is no job {uid(2)}"):
        registry.run(registry.host.job(None, uid(2)))
    with pytest.raises(NotFound, match="is no job"):
        registry.run(registry.host.job(None, "../users/me"))
    with pytest.raises(NotFound, match=f"It is of model {MODEL}"):
        registry.run(registry.host.job(uid(0xB2), uid(1)))


# -- projects


def test_projects_are_mine_then_systems_then_models() -> None:
    registry = Registry([job(1), job(2)])
    found = registry.run(registry.host.projects())
    assert [(each.id, each.name, each.jobs, each.own["kind"]) for each in found.items] == [
        ("mine", "mine", None, "mine"),
        (f"system:{uid(0xD1)}", "plane", None, "system"),
        (MODEL, "wing", 2, "model"),
    ]
    assert sorted(registry.asked) == ["GET /models page=1&size=100", "GET /systems page=1&size=100"]


def test_an_address_that_is_no_registry_is_not_taken_for_an_empty_one() -> None:
    nowhere = {f"/{each}": refusal(404) for each in ("systems", "models", "jobs")}
    wrong = Registry(rules=nowhere)
    with pytest.raises(NotFound, match="no registry answers at this address"):
        wrong.run(wrong.host.projects())
    only_lists = {name: reply for name, reply in nowhere.items() if name != "/jobs"}
    shown = Registry(rules=only_lists)
    assert [each.id for each in shown.run(shown.host.projects()).items] == ["mine"]


def test_the_models_of_a_system_are_in_it_and_so_is_an_artifact_that_jobs_are_given() -> None:
    registry = Registry([job()])
    tracked = [MODEL, uid(0x77), uid(0x78), MODEL]
    made = [{"id": uid(at), "resource_id": each} for at, each in enumerate(tracked)]
    registry.rules[f"/systems/configurations/{uid(0xD2)}/tracked-files"] = lambda call: registry._page(made, call)
    for kind in ("models", "artifacts"):
        registry.rules[f"/{kind}/{uid(0x78)}"] = refusal(404)
    registry.rules[f"/models/{uid(0x77)}"] = refusal(403)
    registry.rules[f"/artifacts/{uid(0x77)}"] = ok({"id": uid(0x77), "file": {"revisions": [{"name": "out.step"}]}})
    with noting() as notes:
        found = registry.run(registry.host.projects_in(f"system:{uid(0xD1)}"))
    assert [(each.name, each.own["kind"]) for each in found.items] == [("wing", "model"), ("out.step", "artifact")]
    assert found.total == 3
    assert notes == [f"{uid(0x78)} is left out: there is no model {uid(0x78)}"]
    registry.calls.clear()
    assert registry.run(registry.host.projects_in(MODEL)).items == ()
    assert registry.calls == []


USERS = [
    {"subject_id": uid(0xA1), "relation": "owner", "subject_info": {"username": "ada", "email": "ada@x"}},
    {"subject_id": uid(0xA2), "relation": "viewer", "subject_info": None},
]


def shared() -> Registry:
    registry = Registry([job()])
    registry.rules[f"/access/job/{uid(1)}"] = ok(USERS)
    for path in (f"/user/{uid(0xA2)}/job/{uid(1)}", f"/user/bob%40x/job/{uid(1)}", ""):
        registry.rules[f"/access{path}"] = ok({**USERS[1], "relation": "editor"})
    return registry


def test_access_names_who_may_what() -> None:
    registry = shared()
    found = registry.run(registry.host.access(None, uid(1)))
    assert [(each.id, each.name, each.email, each.relation) for each in found] == [
        (uid(0xA1), "ada", "ada@x", "owner"),
        (uid(0xA2), None, None, "viewer"),
    ]


@pytest.mark.parametrize(
    ("who", "relation", "asked"),
    [
        (uid(0xA2), "editor", f"PUT /access/user/{uid(0xA2)}/job/{uid(1)}"),
        (uid(0xA3), "editor", "POST /access"),
        ("bob@x", "editor", f"POST /access/user/bob%40x/job/{uid(1)} access_relationship=editor"),
        (uid(0xA2), None, f"DELETE /access/user/{uid(0xA2)}/job/{uid(1)}"),
    ],
)
def test_access_is_given_changed_and_taken_by_one_request(who: str, relation: str | None, asked: str) -> None:
    registry = shared()
    assert registry.run(registry.host.share(None, uid(1), who, relation)) == (relation or "none")
    assert [each for each in registry.asked if not each.startswith("GET")] == [asked]
    assert not registry.calls[-1].reads


def test_access_that_there_is_not_is_refused_before_it_is_sent() -> None:
    registry = shared()
    with pytest.raises(BadInput, match="'boss' is no access to a job"):
        registry.run(registry.host.share(None, uid(1), uid(0xA2), "boss"))
    with pytest.raises(NotFound, match="bob@x has no access to job"):
        registry.run(registry.host.share(None, uid(1), "bob@x", None))
    assert all(call.method == "GET" for call in registry.calls)


def test_lists_that_a_registry_does_not_show_are_left_out() -> None:
    registry = Registry(rules={"/models": refusal(404), "/systems": refusal(403, "not for you")})
    with noting() as notes:
        assert [each.id for each in registry.run(registry.host.projects()).items] == ["mine"]
    assert len(notes) == 2


@pytest.mark.parametrize("name", [MODEL, "wing"])
def test_a_model_is_named_by_its_id_or_its_name(name: str) -> None:
    registry = Registry([job(1), job(2, model_id=uid(0xB2))])
    assert registry.run(registry.host.project(name)).id == MODEL
    assert [info.id for info in registry.run(registry.host.jobs(name, ALL)).items] == [uid(1)]
    assert registry.calls[-1].query["model_id"] == MODEL


@pytest.mark.parametrize("name", [f"system:{uid(0xD1)}", "system:plane"])
def test_the_jobs_of_a_system_are_those_of_the_models_that_it_tracks(name: str) -> None:
    registry = Registry([job(1), job(2, model_id=uid(0xB2))])
    assert registry.run(registry.host.project(name)).name == "plane"
    (info,) = registry.run(registry.host.jobs(name, ALL)).items
    assert (info.id, info.project) == (uid(1), f"system:{uid(0xD1)}")
    assert [call.query["model_id"] for call in registry.calls if "model_id" in call.query] == [MODEL]


def test_a_project_that_is_not_there_is_not_found_not_empty() -> None:
    registry = Registry([job(1)])
    for name in (uid(0xB2), "fuselage", f"system:{uid(0xD9)}"):
        with pytest.raises(NotFound):
            registry.run(registry.host.jobs(name, ALL))


def test_a_name_that_two_models_share_is_refused() -> None:
    models = [{"id": uid(n), "file": {"revisions": [{"name": "wing"}]}} for n in (1, 2)]
    registry = Registry(rules={"/models": ok({"items": models, "total": 2, "pages": 1})})
    with pytest.raises(BadInput, match="2 projects are called wing"):
        registry.run(registry.host.project("wing"))


# -- actions, sign-in, refusals


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("stop", f"PUT /jobs/{uid(1)}/status status_name=Canceled"),
        ("delete", f"DELETE /jobs/{uid(1)}"),
        ("resume", f"POST /jobs/{uid(1)}:restore"),
    ],
)
def test_an_action_is_sent_once_and_never_repeated(action: str, asked: str) -> None:
    after = job(words=("Created", "Canceled"), archive_status_history=[{"name": "Archived"}])
    registry = Registry([job()])
    registry.rules[asked.split()[1]] = lambda call: ok(after if call.method != "GET" else job())
    said = registry.run(registry.host.act(None, uid(1), action))
    assert said == ("Canceled" if action == "stop" else "Archived")
    assert registry.asked[-1] == asked
    assert not registry.calls[-1].reads


def test_an_action_that_the_registry_does_not_know_is_unsupported() -> None:
    registry = Registry([job()])
    with pytest.raises(Unsupported, match="cannot pause"):
        registry.run(registry.host.act(None, uid(1), "pause"))


def test_a_token_is_sent_as_a_bearer_and_shown_nowhere() -> None:
    registry = Registry()
    for token in ("tok-1", "Bearer tok-1"):
        signed = registry.run(registry.host.sign_in(Credential(Secret(token))))
        assert signed.headers["Authorization"].reveal() == "Bearer tok-1"
        assert "tok-1" not in repr(signed)
    assert not registry.run(registry.host.sign_in(Credential())).headers
    with pytest.raises(BadInput):
        registry.run(registry.host.sign_in(Credential(Secret("two words"))))


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (refusal(401, "Not authenticated"), SignInNeeded, "sign-in"),
        (refusal(403, "Not authenticated"), SignInNeeded, "sign-in"),
        (refusal(401, "token expired"), TokenRejected, "token expired"),
        (refusal(403, "not yours"), Forbidden, "not yours"),
        (refusal(404, "Job not found"), NotFound, "Job not found"),
        (refusal(409, "already archived"), ServerError, "already archived"),
        (refusal(422, [{"loc": ["query", "size"], "msg": "too big"}, None, {}]), ServerError, "query.size: too big"),
        (refusal(422, None), ServerError, "422"),
        (Reply(502, {"content-type": "text/html"}, b"<html>", "lab", "/x"), ServerError, "HTML"),
        (Reply(500, {}, b"\xff\x00", "lab", "/x"), ServerError, "500"),
    ],
)
def test_a_refusal_is_said_in_the_servers_words(reply: Reply, kind: type[Exception], words: str) -> None:
    error = meant(reply)
    assert type(error) is kind
    assert words in str(error)


def test_an_id_is_encoded_where_it_stands_in_a_path() -> None:
    assert calls.job("a/b?c", lambda body, reply: body).path == f"{API}/jobs/a%2Fb%3Fc"


def test_history_is_read_by_its_times() -> None:
    registry = Registry([job(status_history=list(reversed(history("Created", "Claimed", "Completed"))))])
    (info,) = registry.run(registry.host.jobs(None, ALL)).items
    assert (info.raw_status, info.elapsed) == ("Completed", timedelta(minutes=1))
    assert at(2) == info.raw["status_history"][0]["created"]
