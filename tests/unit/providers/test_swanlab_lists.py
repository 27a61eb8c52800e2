"""Signing in to SwanLab, its workspaces, projects and runs: what is asked, and what the records become."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import Call, Reply, SignedIn, noting
from swnb.errors import BadInput, BadReply, Forbidden, NotFound, ServerError, SignInNeeded, TokenRejected, Unsupported
from swnb.model import JobQuery, Status
from swnb.providers.swanlab import SwanLab, signin
from swnb.providers.swanlab.words import unwrapped
from swnb.secret import Secret
from swnb.settings import Credential

from .swanlab_server import Server, gone, ok, page, project, refusal, run, served

ADDRESS = "http://127.0.0.1:9001"
KEY = "k" * 21
NOW = 1_700_000_000.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signin, "_clock", lambda: NOW)


def iso(seconds: float, form: str = "%Y-%m-%dT%H:%M:%S.%fZ") -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(form)


def signed(lab: SwanLab, server: Server, expires: Any = None, **headers: str) -> SignedIn:
    answer = {"sid": "the-sid-of-ada", "expiredAt": expires, "userInfo": {"username": "ada", "name": None}}
    server.on("POST", "/api/login/api_key", ok(answer, **headers))
    return server.run(lab.sign_in(Credential(Secret(KEY))))


def lab_of(server: Server, address: str = ADDRESS) -> SwanLab:
    """A provider that has signed in as ada."""
    lab = SwanLab(address)
    signed(lab, server)
    server.calls.clear()
    return lab


# -- signing in (1.3)


def test_the_key_goes_once_as_it_is_and_the_cookie_signs_the_rest() -> None:
    server = Server()
    found = signed(SwanLab(ADDRESS), server)
    [call] = server.calls
    assert (call.method, call.path, call.json) == ("POST", "/api/login/api_key", None)
    assert call.headers == {"authorization": Secret(KEY)}
    assert (call.reads, call.signed) == (False, False)
    assert found.headers == {"cookie": Secret("sid=the-sid-of-ada")}
    assert "the-sid" not in repr(found)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00"])
@pytest.mark.parametrize(("left", "early"), [(30 * 86400, 300), (600, 300), (200, 100)])
def test_a_cookie_is_given_up_five_minutes_early_or_at_half_of_a_short_time(form: str, left: int, early: int) -> None:
    assert signed(SwanLab(ADDRESS), Server(), iso(NOW + left, form)).renew_at == NOW + left - early


def test_the_end_counts_by_the_clock_of_the_server() -> None:
    found = signed(SwanLab(ADDRESS), Server(), iso(NOW + 4200), date="Tue, 14 Nov 2023 23:13:20 GMT")  # NOW + 3600
    assert found.renew_at == NOW + 600 - 300


@pytest.mark.parametrize("expires", ["tomorrow", 17, "2026-13-01T00:00:00Z", iso(NOW - 5)])
def test_an_end_that_cannot_be_is_noted_and_none(expires: Any) -> None:
    with noting() as notes:
        assert signed(SwanLab(ADDRESS), Server(), expires).renew_at is None
    assert len(notes) == 1


def test_without_a_key_nothing_is_asked() -> None:
    server = Server()
    assert server.run(SwanLab(ADDRESS).sign_in(Credential())) == SignedIn()
    assert server.calls == []


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (refusal(401, "bad key"), TokenRejected, "bad key"),
        (refusal(403, "no"), Forbidden, "not verified"),
        (ok({"expiredAt": None}), BadReply, "sid"),
        (ok({"sid": "a; path=/"}), BadReply, "cookie"),
    ],
)
def test_a_refused_key_says_why(answer: Reply, error: type[Exception], said: str) -> None:
    server = Server().on("POST", "/api/login/api_key", answer)
    with pytest.raises(error, match=said) as caught:
        server.run(SwanLab(ADDRESS).sign_in(Credential(Secret(KEY))))
    assert KEY not in str(caught.value)


def test_a_key_that_no_header_can_carry_is_not_sent() -> None:
    server = Server()
    with pytest.raises(BadInput, match="blanks"):
        server.run(SwanLab(ADDRESS).sign_in(Credential(Secret("two words"))))
    assert server.calls == []


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/", f"{ADDRESS}/api", f"{ADDRESS}/lab"])
def test_an_address_may_hold_the_api_that_older_sdks_want_there(address: str) -> None:
    server, lab = Server(), SwanLab(address)
    prefix = "" if address.endswith("/api") else "/api"
    server.on("GET", f"{prefix}/project/ada/kites", ok(project()))
    found = server.run(lab.project("ada:kites"))
    assert found.url == f"{address.rstrip('/').removesuffix('/api')}/@ada/kites"


def test_pages_of_the_cloud_are_on_its_other_host() -> None:
    server = Server().on("GET", ".*", ok(project()))
    assert server.run(SwanLab("https://api.swanlab.cn").project("ada:kites")).url == "https://swanlab.cn/@ada/kites"


# -- projects


def test_projects_come_from_the_own_workspace_first_then_from_teams() -> None:
    server = Server().on("GET", "/api/user/ada/groups", ok([{"username": "team"}, {"username": "ada"}]))
    server.on("GET", "/api/project/(ada|team)", lambda call: page([project(call.path[-3:])]))
    found = server.run(lab_of(server).projects())
    assert server.asked == [
        ("GET", "/api/project/ada", {"page": "1", "size": "100", "detail": "True"}),
        ("GET", "/api/user/ada/groups"),
        ("GET", "/api/project/team", {"page": "1", "size": "100", "detail": "True"}),
    ]
    assert ([each.id for each in found.items], found.total) == (["ada:ada", "team:eam"], 2)
    assert (found.items[0].owner, found.items[0].jobs, found.items[0].own["runningExps"]) == ("ada", 3, 1)


def test_older_servers_are_asked_for_teams_by_the_older_list_from_then_on() -> None:
    server = Server().on("GET", "/api/group/", ok({"list": [{"username": "team"}]}))
    server.on("GET", "/api/project/(ada|team)", page([]))
    lab = lab_of(server)
    server.run(lab.projects())
    server.run(lab.projects())
    assert server.paths.count("GET /api/user/ada/groups") == 1
    assert server.paths.count("GET /api/group/") == 2


def test_a_workspace_that_refuses_is_left_out_with_a_note() -> None:
    server = Server().on("GET", "/api/user/ada/groups", ok([{"username": "team"}]))
    server.on("GET", "/api/project/ada", page([project()])).on("GET", "/api/project/team", refusal(403, "no entry"))
    with noting() as notes:
        found = server.run(lab_of(server).projects())
    assert [each.id for each in found.items] == ["ada:kites"]
    assert notes == ["the projects of workspace team are left out: this user may not see or do that: no entry"]


def test_the_first_page_tells_how_many_there_are_and_the_others_go_abreast() -> None:
    def answer(call: Call[Any]) -> Reply:
        return page([project(f"p{call.query['page']}")], total=3, pages=3)

    server = Server().on("GET", "/api/user/ada/groups", ok([])).on("GET", "/api/project/ada", answer)
    found = server.run(lab_of(server).projects())
    assert [each.name for each in found.items] == ["p1", "p2", "p3"]


def test_an_empty_page_with_a_larger_total_ends_the_list() -> None:
    server = Server().on("GET", "/api/user/ada/groups", ok([])).on("GET", "/api/project/ada", page([], total=7))
    found = server.run(lab_of(server).projects())
    assert (found.items, found.total) == ((), 7)


def test_a_list_without_an_end_is_refused() -> None:
    server = Server().on("GET", "/api/project/ada/kites/runs", page([run()], total=10**9, pages=10**9))
    with pytest.raises(BadReply, match="no end"):
        server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))


def test_a_name_alone_is_one_of_the_own_workspace() -> None:
    server = served()
    assert server.run(lab_of(server).project("kites")).id == "ada:kites"
    assert server.paths == ["GET /api/project/ada/kites"]


def test_who_is_meant_is_asked_once_by_signing_in() -> None:
    server, lab = served(), SwanLab(ADDRESS)
    server.on("GET", "/api/group/", lambda call: signed(lab, server) and ok({"list": []}))  # as the transport does
    server.run(lab.project("kites"))
    server.run(lab.project("kites"))
    assert server.paths.count("GET /api/group/") == 1


def test_without_a_sign_in_a_name_alone_is_nobodys() -> None:
    with pytest.raises(SignInNeeded, match="workspace:name"):
        served().run(SwanLab(ADDRESS).project("kites"))


def test_no_project_means_the_only_one_there_is() -> None:
    server = served().on("GET", "/api/user/ada/groups", ok([]))
    assert server.run(lab_of(server).project(None)).id == "ada:kites"
    server.on("GET", "/api/project/ada", page([project("a"), project("b")]))
    with pytest.raises(BadInput, match="there are: ada:a, ada:b"):
        server.run(lab_of(server).project(None))


@pytest.mark.parametrize("name", [":kites", "ada:"])
def test_half_a_name_is_no_project(name: str) -> None:
    with pytest.raises(BadInput, match="workspace:name"):
        Server().run(SwanLab(ADDRESS).project(name))


@pytest.mark.parametrize("name", ["..:x", "ada:..", "ada:."])
def test_dots_lead_nowhere(name: str) -> None:
    server = Server()
    with pytest.raises(NotFound):
        server.run(SwanLab(ADDRESS).project(name))
    assert server.calls == []


def test_odd_characters_of_a_name_stay_one_part_of_the_path() -> None:
    server = Server().on("GET", ".*", ok(project("a/b")))
    server.run(SwanLab(ADDRESS).project("ada:a/b?c"))
    assert server.paths == ["GET /api/project/ada/a%2Fb%3Fc"]


def test_a_missing_project_names_those_there_are() -> None:
    server = served()
    with pytest.raises(NotFound, match=r"workspace ada has no project 'kite'\. There are: kites") as caught:
        server.run(lab_of(server).project("ada:kite"))
    assert caught.value.where == "lab"
    assert server.asked[-1] == ("GET", "/api/project/ada", {"page": "1", "size": "10", "detail": "True"})


def test_a_missing_workspace_names_those_there_are() -> None:
    server = served().on("GET", "/api/user/ada/groups", ok([{"username": "team"}]))
    with pytest.raises(NotFound, match=r"there is no workspace 'eve'\. There are: ada, team"):
        server.run(lab_of(server).project("eve:kites"))


# -- jobs


def test_jobs_come_newest_first_whatever_the_order_of_the_server() -> None:
    runs = {str(n): run(str(n), createdAt=f"2026-11-0{n}T00:00:00.000Z") for n in (2, 3, 1)}
    server = served(runs)
    found = server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))
    assert [job.id for job in found.items] == ["3", "2", "1"]
    assert server.asked == [("GET", "/api/project/ada/kites/runs", {"page": "1", "size": "100"})]


def test_filters_are_ours_and_limit_counts_after_them() -> None:
    states = ["FINISHED", "CRASHED", "FINISHED", "FINISHED"]
    runs = {
        str(n): run(str(n), state=state, createdAt=f"2026-11-0{n}T00:00:00.000Z") for n, state in enumerate(states, 1)
    }
    query = JobQuery(status=frozenset({Status.SUCCEEDED}), limit=2)
    found = served(runs).run(SwanLab(ADDRESS).jobs("ada:kites", query))
    assert ([job.id for job in found.items], found.total) == (["4", "3"], 4)


@given(st.integers(0, 40), st.integers(1, 12))
def test_every_run_comes_once_whatever_the_server_caps_a_page_at(count: int, cap: int) -> None:
    every = [run(f"c{n}", createdAt=iso(NOW + n)) for n in range(count)]

    def answer(call: Call[Any]) -> Reply:
        at = (int(call.query["page"]) - 1) * cap
        return page(every[at : at + cap], total=count, pages=-(-count // cap))

    server = Server().on("GET", "/api/project/ada/kites/runs", answer)
    found = server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))
    assert [job.id for job in found.items] == [f"c{n}" for n in reversed(range(count))]
    assert len(server.calls) == max(1, -(-count // cap))


def test_a_list_that_shrinks_while_it_is_read_loses_nothing() -> None:
    pages = {"1": ["a", "b"], "2": ["d"]}  # c moved to page 1 as a was removed after that was read

    def answer(call: Call[Any]) -> Reply:
        number = call.query["page"]
        names = pages[number]
        total = 4 if pages["1"] == ["a", "b"] and number == "1" else 3
        if number == "2":
            pages["1"] = ["b", "c"]
        return page([run(name) for name in names], total=total, pages=2)

    with noting() as notes:
        found = Server().on("GET", ".*", answer).run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))
    assert {job.id for job in found.items} == {"a", "b", "c", "d"}
    assert "read twice" in notes[0]


def test_a_server_without_the_list_gives_its_other_one() -> None:
    server = served().on("GET", "/api/project/ada/kites/runs", gone()).on("POST", ".*/runs/shows", ok([run("c1")]))
    found = server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))
    assert [job.id for job in found.items] == ["c1"]
    assert server.asked[-1] == (
        "POST",
        "/api/project/ada/kites/runs/shows",
        {"filters": [], "groups": [], "sorts": []},
    )


def test_the_other_list_has_no_config_so_each_run_is_asked_for_it() -> None:
    config = {"lr": {"value": 0.1, "sort": 0, "desc": ""}}
    server = served({"c1": run(profile={"config": config})})
    server.on("GET", "/api/project/ada/kites/runs", gone()).on("POST", ".*/runs/shows", ok([run("c1")]))
    found = server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery(config=True)))
    assert found.items[0].config == {"lr": 0.1}


def test_jobs_of_a_missing_project_are_no_reason_to_ask_the_other_list() -> None:
    server = served().on("GET", "/api/project/ada/kites(/runs)?", gone())
    with pytest.raises(NotFound, match="has no project 'kites'"):
        server.run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))
    assert not any("shows" in path for path in server.paths)


def test_a_record_becomes_what_all_platforms_have() -> None:
    record = run(
        "c1",
        slug="kite-1",
        cluster="day",
        job="train",
        labels=[{"name": "good", "colors": ["#fff"]}],
        user={"username": "grace", "name": "G"},
        description="",
        profile={
            "config": {"lr": {"value": 0.1, "sort": 1}, "net": {"value": {"deep": True}, "sort": 0}},
            "metadata": {"os": "linux"},
            "requirements": "numpy==2",
            "conda": None,
        },
        rootExpId="r1",
    )
    [job] = served({"c1": record}).run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery())).items
    begin = datetime(2026, 11, 2, 10, tzinfo=timezone.utc)
    assert (job.id, job.key, job.name, job.project, job.owner) == ("kite-1", "c1", "run c1", "ada:kites", "grace")
    assert (job.status, job.raw_status) == (Status.SUCCEEDED, "FINISHED")
    assert (job.created, job.started, job.elapsed) == (begin, begin, timedelta(hours=1))
    assert job.url == f"{ADDRESS}/@ada/kites/runs/kite-1/chart"
    assert list(job.config.items()) == [("net", {"deep": True}), ("lr", 0.1)]
    assert job.profile == {"metadata": {"os": "linux"}, "requirements": "numpy==2"}
    assert {k: job.own[k] for k in ("group", "job_type", "tags", "description", "rootExpId")} == {
        "group": "day",
        "job_type": "train",
        "tags": ["good"],
        "description": None,
        "rootExpId": "r1",
    }


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("RUNNING", Status.RUNNING),
        ("CRASHED", Status.FAILED),
        ("ABORTED", Status.CANCELLED),
        ("OFFLINE", Status.UNKNOWN),
        ("NEW WORD", Status.UNKNOWN),
        (None, Status.UNKNOWN),
    ],
)
def test_states_are_mapped_and_only_final_ones_have_an_end(word: Any, status: Status) -> None:
    [job] = served({"c1": run(state=word)}).run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery())).items
    assert (job.status, job.raw_status) == (status, word or "")
    assert (job.finished is not None) == status.final


def test_a_time_that_cannot_be_read_is_empty_and_noted() -> None:
    with noting() as notes:
        [job] = served({"c1": run(createdAt="soon")}).run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery())).items
    assert (job.created, job.elapsed) == (None, None)
    assert notes == ["createdAt of job c1 could not be read as a time: 'soon'"]


def test_a_job_is_found_by_its_slug_and_by_its_cuid() -> None:
    server = served({"c1": run("c1", slug="kite-1")})
    for name in ("kite-1", "c1"):
        assert server.run(SwanLab(ADDRESS).job("ada:kites", name)).id == "kite-1"
    assert server.paths == [f"GET /api/project/ada/kites/runs/{name}" for name in ("kite-1", "c1")]


def test_a_missing_job_names_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"project ada:kites has no job 'c2'\. There are: c1"):
        served().run(SwanLab(ADDRESS).job("ada:kites", "c2"))


def test_a_job_of_a_missing_project_says_so() -> None:
    server = served().on("GET", "/api/project/ada/kites/runs(/c1)?", gone())
    with pytest.raises(NotFound, match="has no project 'kites'"):
        server.run(SwanLab(ADDRESS).job("ada:kites", "c1"))


def test_delete_is_asked_once_and_by_the_cuid() -> None:
    server = served({"c1": run("c1", slug="kite-1")})
    server.on("DELETE", "/api/project/ada/kites/runs/c1", Reply(204, {}, b"", "lab", "/x"))
    assert server.run(SwanLab(ADDRESS).act("ada:kites", "kite-1", "delete")) == ""
    assert server.calls[-1].reads is False


def test_nothing_else_can_be_done() -> None:
    with pytest.raises(Unsupported, match="It can: delete"):
        Server().run(SwanLab(ADDRESS).act("ada:kites", "c1", "pause"))


@pytest.mark.parametrize("verb", ["tasks", "tables", "events"])
def test_what_the_platform_lacks_is_unsupported(verb: str) -> None:
    with pytest.raises(Unsupported):
        getattr(SwanLab(ADDRESS), verb)("ada:kites", "c1")


# -- errors (1.5)


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (refusal(500, "oops", "E_1", traceid="77"), ServerError, r"\[E_1\] oops \(trace id 77\)"),
        (refusal(403, "no entry", "FORBIDDEN"), Forbidden, r"\[FORBIDDEN\] no entry"),
        (refusal(401, "stale"), TokenRejected, "stale"),
        (Reply(502, {}, b"<html>bad gateway</html>", "lab", "/x"), ServerError, "an HTML page"),
        (Reply(500, {}, b"plain words", "lab", "/x"), ServerError, "plain words"),
        (Reply(200, {}, b"<html></html>", "lab", "/x"), BadReply, "cannot be read"),
        (ok([1, 2]), BadReply, "an object with the field list"),
        (ok({"list": 5}), BadReply, "list is int"),
        (ok({"list": [{"name": "x"}]}), BadReply, "cuid is missing"),
    ],
)
def test_what_goes_wrong_is_said_in_the_words_of_the_server(reply: Reply, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        Server().on("GET", ".*", reply).run(SwanLab(ADDRESS).jobs("ada:kites", JobQuery()))


# -- config


@pytest.mark.parametrize(
    ("config", "plain"),
    [
        (None, {}),
        ([], {}),
        ({"lr": 0.1}, {"lr": 0.1}),
        ({"lr": {"value": 0.1, "sort": 0, "desc": ""}}, {"lr": 0.1}),
        ({"lr": {"value": {"value": 3}, "sort": 0, "desc": ""}}, {"lr": {"value": 3}}),
        ({"lr": {"value": {"a": [{"value": 1, "sort": 0, "desc": ""}]}}}, {"lr": {"a": [1]}}),
        ({"lr": {"value": 1, "unit": "m"}}, {"lr": {"value": 1, "unit": "m"}}),
        ({"b": {"value": 1, "sort": 1}, "a": {"value": None, "sort": 0}}, {"a": None, "b": 1}),
    ],
)
def test_only_the_wrapper_of_a_config_is_taken_off(config: Any, plain: Any) -> None:
    assert list(unwrapped(config).items()) == list(plain.items())
