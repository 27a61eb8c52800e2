"""What each verb of the Supervisely provider asks, compared with literals; signing in, refusals, actions."""

from __future__ import annotations

import base64
import json
import traceback
from typing import Any

import pytest

from swnb.call import Call, Reply, noting
from swnb.errors import (
    BadInput,
    BadReply,
    Forbidden,
    NotFound,
    ServerError,
    SignInNeeded,
    SwnbError,
    TokenRejected,
    TooBusy,
    Unsupported,
)
from swnb.model import JobQuery, Status
from swnb.providers.base import Provider
from swnb.providers.supervisely import Supervisely
from swnb.secret import Secret
from swnb.settings import Credential

from .supervisely_server import SPACE, TEAM, Server, ok, page, refusal, task, trained

TOKEN = "t" * 64
TEAMS = ("teams.list", {"filter": [], "sort": "id", "sort_order": "asc", "page": 1, "per_page": 500})
SPACES = ("workspaces.list", {**TEAMS[1], "teamId": 44})
TASKS = {"workspaceId": 51, "filter": [], "sort": "id", "sort_order": "desc", "page": 1, "per_page": 500}
INFO = ("tasks.info", {"id": 7})


def status_is(operator: str, *words: str) -> list[dict[str, Any]]:
    return [{"field": "status", "operator": operator, "value": list(words)}]


VERBS: dict[str, tuple[Any, list[Any]]] = {
    "projects": (lambda h: h.projects(), [TEAMS, SPACES]),
    "project": (lambda h: h.project("51"), [("workspaces.info", {"id": 51}), ("teams.info", {"id": 44})]),
    "project by name": (lambda h: h.project("orchard:plums"), [TEAMS, SPACES]),
    "jobs": (lambda h: h.jobs("51", JobQuery()), [("tasks.list", TASKS)]),
    "jobs of 051": (lambda h: h.jobs("051", JobQuery()), [("tasks.list", TASKS)]),
    "jobs by name": (lambda h: h.jobs("orchard:plums", JobQuery()), [TEAMS, SPACES, ("tasks.list", TASKS)]),
    "few jobs": (lambda h: h.jobs("51", JobQuery(limit=3)), [("tasks.list", {**TASKS, "per_page": 100})]),
    "running jobs": (
        lambda h: h.jobs("51", JobQuery(status=frozenset({Status.RUNNING, Status.STOPPING}))),
        [("tasks.list", {**TASKS, "filter": status_is("in", "started", "deployed", "terminating")})],
    ),
    "jobs in states that nobody knows": (
        lambda h: h.jobs("51", JobQuery(status=frozenset({Status.UNKNOWN, Status.FAILED}))),
        [
            (
                "tasks.list",
                {
                    **TASKS,
                    "filter": status_is(
                        "!in", "queued", "consumed", "started", "deployed", "terminating", "finished", "stopped"
                    ),
                },
            )
        ],
    ),
    "jobs in any state": (
        lambda h: h.jobs("51", JobQuery(status=frozenset(Status))),
        [("tasks.list", TASKS)],
    ),
    "jobs in a state that there is not": (lambda h: h.jobs("51", JobQuery(status=frozenset({Status.PAUSED}))), []),
    "job": (lambda h: h.job("51", "7"), [INFO]),
    "job wherever it is": (lambda h: h.job(None, "07"), [INFO]),
    "logs": (lambda h: h.logs("51", "7"), [INFO, ("tasks.log.download", {"id": "7"})]),
    "metrics": (
        lambda h: h.metrics("51", ["7"], None, None),
        [INFO, ("tasks.log.download", {"id": "7"}), ("tasks.train-metrics", {"taskId": 7})],
    ),
    "summary of some": (
        lambda h: h.summary("51", ["7", "8"]),
        [("tasks.list", {**TASKS, "filter": [{"field": "id", "operator": "in", "value": [7, 8]}]})],
    ),
    "stop": (lambda h: h.act("51", "7", "stop"), [INFO, ("tasks.stop", {"id": 7})]),
    "resume": (lambda h: h.act(None, "7", "resume"), [INFO, ("tasks.resume", {"id": 7})]),
    "context": (lambda h: h.context("7"), [("GetTaskContext", {"id": 7})]),
    "checkpoints": (lambda h: h.checkpoints("7"), [INFO, ("tasks.checkpoints.list", {"id": 7})]),
    "agents": (lambda h: h.agents("44"), [("agents.list", {**SPACES[1], "extraFields": ["gpuInfo"]})]),
    "agents of a named team": (
        lambda h: h.agents("orchard"),
        [TEAMS, ("agents.list", {**SPACES[1], "extraFields": ["gpuInfo"]})],
    ),
}


def box() -> Server:
    server = Server([task(7, status="started"), task(8, status="started")])
    server.rules = {
        "tasks.log.download": ok([]),
        "tasks.train-metrics": ok([]),
        "tasks.checkpoints.list": ok([{"id": 1, "status": "uploaded"}]),
        "tasks.stop": ok({"status": "terminating"}),
        "tasks.resume": ok({"success": True}),
        "agents.list": lambda body: page([{"id": 61, "name": "agent-a", "token": TOKEN, "status": "running"}], body),
    }
    return server


def test_it_is_a_provider() -> None:
    host = Supervisely("http://h:1/")
    assert isinstance(host, Provider)
    assert (host.address, host.implied) == ("http://h:1", None)
    assert host.offers == {"summary", "metrics", "logs", "follow"}
    assert host.actions == {"stop", "resume"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_asks_these_requests(verb: str) -> None:
    server = box()
    plan, wanted = VERBS[verb]
    server.run(plan(server.host))
    assert server.asked == wanted
    changing = [call.path.rpartition("/")[2] for call in server.calls if not call.reads]
    assert changing == [method for method, _ in wanted if method in ("tasks.stop", "tasks.resume")]
    assert all(call.signed for call in server.calls)


@pytest.mark.parametrize("verb", ["tasks", "tables", "events"])
def test_what_the_platform_lacks_is_unsupported(verb: str) -> None:
    with pytest.raises(Unsupported):
        getattr(Supervisely("http://h"), verb)("51", "7")


# -- signing in


def test_a_token_goes_into_its_header() -> None:
    server = Server()
    signed = server.run(server.host.sign_in(Credential(token=Secret(TOKEN))))
    assert {name: secret.reveal() for name, secret in signed.headers.items()} == {"x-api-key": TOKEN}
    assert server.calls == []


def test_a_token_that_no_header_can_carry_is_refused_without_being_shown() -> None:
    with pytest.raises(BadInput) as caught:
        Server().run(Supervisely("http://h").sign_in(Credential(token=Secret("my secret\n"))))
    assert "my secret" not in str(caught.value)


def jwt(claims: object) -> str:
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


def log_in(answer: Reply) -> tuple[Call[Any], Any]:
    plan = Supervisely("http://h").sign_in(Credential(user="ada", password=Secret("hunter22")))
    call: Any = next(plan)
    try:
        plan.send(call.decode(answer))
    except StopIteration as end:
        return call, end.value
    raise AssertionError("a sign-in is one request")


def test_a_password_is_given_once_for_the_key() -> None:
    call, signed = log_in(ok({"token": jwt({"apiToken": TOKEN, "group": {"id": 44}})}))
    assert (call.method, call.path, call.signed, call.reads) == ("POST", "/api/account", False, False)
    assert call.form == {"login": "ada", "password": Secret("hunter22")}
    assert signed.headers["x-api-key"].reveal() == TOKEN


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "a.%%%.c", jwt([TOKEN]), jwt({}), jwt({"apiToken": [TOKEN]})])
def test_an_answer_without_a_key_is_odd_and_shows_none(token: str) -> None:
    with pytest.raises(BadReply) as caught:
        log_in(ok({"token": token}))
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_password_is_rejected() -> None:
    with pytest.raises(TokenRejected):
        log_in(refusal(401, "wrong password"))


def test_without_a_token_a_400_means_that_one_is_needed() -> None:
    server = Server(rules={"teams.list": refusal(400, "something is odd")})
    server.run(server.host.sign_in(Credential()))
    with pytest.raises(SignInNeeded):
        server.run(server.host.projects())
    server.run(server.host.sign_in(Credential(token=Secret(TOKEN))))
    with pytest.raises(ServerError, match="something is odd"):
        server.run(server.host.projects())


# -- refusals


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, TokenRejected), (403, Forbidden), (429, TooBusy), (503, TooBusy), (400, ServerError), (500, ServerError)],
)
def test_a_status_is_an_error_with_the_servers_words(status: int, error: type[SwnbError]) -> None:
    server = Server(rules={"tasks.list": refusal(status, "the words of the server")})
    with pytest.raises(error, match="the words of the server"):
        server.run(server.host.jobs("51", JobQuery()))


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(NotFound, match="no task 9"):
        Server().run(Supervisely("http://h").job("51", "9"))


def test_an_unknown_workspace_is_told_what_there_is() -> None:
    server = Server()
    with pytest.raises(NotFound, match=r"workspace 99.*51 \(orchard:plums\)"):
        server.run(server.host.jobs("99", JobQuery()))
    with pytest.raises(NotFound, match=r"workspace 99.*51 \(orchard:plums\)"):
        server.run(server.host.project("99"))


def test_a_server_without_the_method_is_told_from_one_without_the_task() -> None:
    server = Server(rules={"tasks.info": refusal(404, "Method tasks.info not found", "tasks.info")})
    with pytest.raises(Unsupported, match=r"tasks\.info"):
        server.run(server.host.job("51", "7"))


@pytest.mark.parametrize("job", ["x", "", "7/8", "-7", "7.0", "٧", "1" * 30, "../7"])
def test_what_can_be_no_task_is_asked_nowhere(job: str) -> None:
    server = box()
    for plan in (server.host.job("51", job), server.host.summary("51", ["7", job]), server.host.context(job)):
        with pytest.raises(NotFound, match="is no task"):
            server.run(plan)
    assert server.calls == []


def test_a_task_of_another_workspace_is_not_taken_for_one_of_this() -> None:
    server = Server([task(7, workspaceId=52)])
    with pytest.raises(NotFound, match="/project/52/job/7"):
        server.run(server.host.job("51", "7"))
    with pytest.raises(NotFound, match="/project/52/job/7"):
        server.run(server.host.act("51", "7", "stop"))
    assert "tasks.stop" not in server.methods


@pytest.mark.parametrize("body", [b"", b"[1", b"null", b'"x"', b"<html>", b'{"entities": 3}', b'{"entities": [3]}'])
def test_an_odd_answer_says_which_it_was(body: bytes) -> None:
    server = Server(rules={"tasks.list": ok(body, "tasks.list")})
    with pytest.raises(BadReply, match=r"tasks\.list"):
        server.run(server.host.jobs("51", JobQuery()))


# -- actions


def test_an_action_answers_in_the_servers_words() -> None:
    server = box()
    assert server.run(server.host.act("51", "7", "stop")) == "terminating"
    assert server.run(server.host.act("51", "7", "resume")) == "done"


def test_a_task_that_cannot_be_stopped_says_of_which_type_it_is() -> None:
    server = box()
    server.rules["tasks.stop"] = refusal(501, "not for this type", "tasks.stop")
    with pytest.raises(Unsupported, match="of type app cannot stop"):
        server.run(server.host.act("51", "7", "stop"))


def test_other_actions_are_unsupported_before_anything_is_asked() -> None:
    server = box()
    with pytest.raises(Unsupported, match="resume, stop"):
        server.run(server.host.act("51", "7", "delete"))
    assert server.calls == []


# -- beside the verbs


def test_the_tokens_of_agents_are_nowhere() -> None:
    server = box()
    agents = server.run(server.host.agents("44"))
    assert [agent["name"] for agent in agents] == ["agent-a"]
    assert TOKEN not in repr(agents)


def test_a_team_that_is_not_there_or_there_twice_is_told() -> None:
    server = Server(rules={"teams.list": lambda body: page([TEAM, {"id": 45, "name": "orchard"}], body)})
    with pytest.raises(BadInput, match="2 teams"):
        server.run(server.host.agents("orchard"))
    with pytest.raises(NotFound, match=r"no team 'x'.*44 \(orchard\)"):
        server.run(server.host.agents("x"))


def test_checkpoints_of_a_new_training_are_in_its_record() -> None:
    server = Server([trained(7, checkpoints=["checkpoints/best.pt"])])
    assert server.run(server.host.checkpoints("7")) == [{"name": "checkpoints/best.pt"}]


@pytest.mark.parametrize("status", [400, 404, 501])
def test_a_server_without_a_list_of_checkpoints_is_unsupported(status: int) -> None:
    server = Server([task(7)], rules={"tasks.checkpoints.list": refusal(status, "no such thing")})
    with pytest.raises(Unsupported):
        server.run(server.host.checkpoints("7"))


# -- workspaces


def test_a_workspace_is_a_project_of_its_team() -> None:
    server = Server()
    [listed] = server.run(server.host.projects()).items
    assert (listed.id, listed.name, listed.owner) == ("51", "plums", "orchard")
    assert listed.own["teamId"] == 44
    assert server.run(server.host.project("51")) == listed
    assert server.run(server.host.project(None)) == listed


@pytest.mark.parametrize("name", ["plums", "orchard:plums", "44:plums", "44:51", "orchard:51", "51"])
def test_a_workspace_is_found_by_each_of_its_names(name: str) -> None:
    assert Server().run(Supervisely("http://h").project(name)).id == "51"


def twice(body: dict[str, Any]) -> Reply:
    return page([SPACE, {**SPACE, "id": 52}], body)


def test_a_name_that_two_workspaces_have_is_told_with_their_numbers() -> None:
    server = Server(rules={"workspaces.list": twice})
    with pytest.raises(BadInput, match=r"51 \(orchard:plums\) or 52 \(orchard:plums\)"):
        server.run(server.host.jobs("plums", JobQuery()))
    with pytest.raises(BadInput, match="names no project"):
        server.run(server.host.jobs(None, JobQuery()))


def test_a_team_that_refuses_is_left_out_with_a_note() -> None:
    def spaces(body: dict[str, Any]) -> Reply:
        return page([SPACE], body) if body["teamId"] == 44 else refusal(403, "not yours")

    server = Server(rules={"workspaces.list": spaces})
    server.rules["teams.list"] = lambda body: page([TEAM, {"id": 45, "name": "fen"}], body)
    with noting() as notes:
        listing = server.run(server.host.projects())
    assert [each.id for each in listing.items] == ["51"]
    assert ["fen" in each and "not yours" in each for each in notes] == [True]
