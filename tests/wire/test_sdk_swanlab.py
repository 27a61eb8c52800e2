"""The names of SwanLab's Open API: the examples of its page, its answers, and whose key goes where."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import json
import pickle
import traceback
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import swnb
from swnb import sandbox
from swnb.bridge import run
from swnb.call import Call, Plan, Reply, ask, ask_all
from swnb.client import source
from swnb.client.source import close_all, source_of, source_with
from swnb.errors import Forbidden, NotFound, SignInNeeded, TokenRejected, Unreachable
from swnb.model import NO_TIME, Series
from swnb.sandbox import Box
from swnb.sandbox.swanlab.people import User, Workspace
from swnb.sdk.swanlab import ApiResponse, Experiment, Items, NotLoggedIn, OpenApi, Project
from swnb.sdk.swanlab.account import account
from swnb.sdk.swanlab.answers import Listener
from swnb.sdk.swanlab.frames import frame_of
from swnb.secret import Secret
from swnb.settings import Credential, find
from swnb.uri import Ref

OTHER = "other_api_key"
LOGIN = "/login/api_key$"
POINTS = {
    "loss": [(step, 1 / (step + 1)) for step in range(5)],
    "late": [(3, 7.0), (4, float("nan")), (9, 8.0)],
    "a/b_step-x": [(0, 1.0)],
}

# The blocks of the page that are Python; of their text only import lines are changed.
EXAMPLES = {
    "introduction": """
from swnb.sdk.swanlab import OpenApi
my_api = OpenApi() # Uses existing login information
print(my_api.list_workspaces().data)
other_api = OpenApi(api_key='other_api_key') # Uses another account's API key
print(other_api.list_workspaces().data)
""",
    "experiment model": """
from swnb.sdk.swanlab import ApiResponse, Experiment
api_response: ApiResponse = my_api.get_experiment(project="project1", exp_cuid="cuid1")
my_exp: Experiment = api_response.data
created_time: str = my_exp.createdAt
""",
    "project model": """
from swnb.sdk.swanlab import ApiResponse, Project
api_response: ApiResponse = my_api.list_projects()
my_project: Project = api_response.data[0]
workspace_name: str = my_project.group["name"]
""",
}
# Its expressions, each with what it must be.
EXPRESSIONS: dict[str, Any] = {
    "my_api.list_workspaces().data": [
        {"name": "workspace1", "username": "kites-test3", "role": "OWNER"},
        {"name": "hello-openapi", "username": "kites-test2", "role": "MEMBER"},
    ],
    'my_api.list_workspaces().data[0]["name"]': "workspace1",
    "my_api.list_workspaces().code": 200,
    'my_api.list_project_exps(project="project1").data.items[0].name': "experiment1",
    'my_api.get_experiment(project="project1", exp_cuid="cuid1").data.cuid': "cuid1",
    'my_api.get_experiment(project="project1", exp_cuid="cuid1").data.state': "FINISHED",
    'my_api.get_experiment(project="project1", exp_cuid="cuid1").data.user["username"]': "kites-test3",
}


@pytest.fixture(scope="module")
def world() -> Iterator[Box]:
    """A sandbox that holds what the page speaks of."""
    with sandbox.run(platforms=["swanlab"], seed=1, clock="manual") as box:
        state = box.platform("swanlab")
        page = User("kites-test3", "pagekey00000000000001", "Kites Test")
        state.people.users += [page, User("nobody", OTHER, "Nobody")]
        for name, title, role in (
            ("kites-test3", "workspace1", "OWNER"),
            ("kites-test2", "hello-openapi", "MEMBER"),
        ):
            state.people.workspaces[name] = Workspace(name, title, "PERSON", {page.username: role})
        state.people.workspaces["nobody"] = Workspace("nobody", "Nobody", "PERSON", {"nobody": "OWNER"})
        add = {"config": {"lr": 0.001, "epochs": 10}, "description": "This is a test experiment"}
        for number, status in ((1, "FINISHED"), (2, "RUNNING")):
            cuid, name = f"cuid{number}", f"experiment{number}"
            who = {"cuid": cuid, "username": page.username, "created": state.now - number}
            state.add_run("kites-test3", "project1", name, POINTS, state=status, **add, **who)
        yield box


@pytest.fixture
def box(world: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Box]:
    """Nothing is signed in, and the environment names the server and the page's key."""
    for name in ("SWANLAB_ROOT", "SWANLAB_API_HOST", "SWANLAB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SWANLAB_SAVE_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWANLAB_API_HOST", f"{world.url('swanlab')}/api")
    monkeypatch.setenv("SWANLAB_API_KEY", key(world))
    run(close_all())
    world.requests.clear()
    yield world
    world.faults.clear()
    run(close_all())


@pytest.fixture
def api(box: Box) -> OpenApi:
    return OpenApi()


def asked(box: Box, path: str = "/api/") -> int:
    """How many requests were made. The box writes one down a moment after its answer has left, so it is asked one
    more, which comes after all of them."""
    with contextlib.suppress(urllib.error.HTTPError):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{box.url('swanlab')}/settled", timeout=10).close()
    return box.requests.count(path)


def key(box: Box, number: int = -2) -> str:
    return str(box.platform("swanlab").people.users[number].key)


class TestPage:
    def test_its_examples_run_with_only_the_imports_changed(self, box: Box) -> None:
        scope: dict[str, Any] = {}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            for text in EXAMPLES.values():
                exec(text, scope)
        assert len(printed.getvalue().splitlines()) == 2
        assert "kites-test2" in printed.getvalue()
        assert (scope["created_time"][-1], scope["workspace_name"]) == ("Z", "workspace1")
        assert scope["other_api"].username == "nobody"

    @pytest.mark.parametrize("expression", EXPRESSIONS)
    def test_its_expressions_give_what_it_shows(self, api: OpenApi, expression: str) -> None:
        assert eval(expression, {"my_api": api}) == EXPRESSIONS[expression]

    def test_a_listed_run_has_exactly_the_fields_that_it_shows(self, api: OpenApi) -> None:
        listed = api.list_project_exps(project="project1").data
        going_on = next(each for each in listed if each.cuid == "cuid2")
        assert json.loads(json.dumps(going_on)) == {
            "cuid": "cuid2",
            "name": "experiment2",
            "description": "This is a test experiment",
            "state": "RUNNING",
            "show": True,
            "createdAt": going_on.createdAt,
            "finishedAt": None,
            "user": {"username": "kites-test3", "name": "Kites Test"},
            "profile": {"config": {"lr": 0.001, "epochs": 10}},
        }

    def test_a_project_has_exactly_the_fields_that_it_shows(self, api: OpenApi) -> None:
        (project,) = api.list_projects().data
        assert " ".join(project) == "cuid name description visibility createdAt updatedAt group count"
        assert project["group"] == {"type": "PERSON", "username": "kites-test3", "name": "workspace1"}
        assert project.count["experiments"] == 2
        assert api.list_projects(detail=False).data[0].count == {}


class TestRecords:
    def test_a_record_is_read_by_attribute_and_by_key(self, api: OpenApi) -> None:
        found = api.get_experiment("project1", "cuid1").data
        assert isinstance(found, Experiment)
        assert found.name == found["name"] == found.model_dump()["name"]
        assert "createdAt" in dir(found)
        with pytest.raises(AttributeError, match="it has cuid, name"):
            found.nonsense  # noqa: B018
        with pytest.raises(KeyError):
            found["nonsense"]

    def test_what_the_page_does_not_name_is_in_raw(self, api: OpenApi) -> None:
        found = api.get_experiment("project1", "cuid1").data
        assert "labels" in found.raw
        assert "labels" not in found
        assert found.raw["profile"]["config"]["lr"] == {"value": 0.001, "sort": 0, "desc": ""}

    def test_records_of_the_same_are_equal_and_can_be_copied(self, api: OpenApi) -> None:
        one, two = (api.get_experiment("project1", "cuid1").data for _ in range(2))
        assert one == two == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
        one.name = "another"
        assert (one["name"], one == two) == ("another", False)
        assert Project(cuid="x").cuid == "x"

    def test_lists_are_lists_that_have_items(self, api: OpenApi) -> None:
        found = api.list_experiments("project1").data
        assert isinstance(found, list)
        assert isinstance(found, Items)
        assert found.items is found
        assert json.loads(api.list_workspaces().model_dump_json())["data"][0]["role"] == "OWNER"

    def test_an_answer_is_read_by_attribute_and_by_key(self, api: OpenApi) -> None:
        found = api.list_workspaces()
        assert isinstance(found, ApiResponse)
        assert (found["code"], found["errmsg"], found["data"]) == (200, "", found.data)
        assert found.model_dump() == {"code": 200, "errmsg": "", "data": found.data}
        with pytest.raises(KeyError):
            found["model_dump"]


class TestAnswers:
    @pytest.mark.parametrize(
        "call",
        [
            lambda api: api.get_experiment("project1", "nix"),
            lambda api: api.get_experiment("nix", "cuid1"),
            lambda api: api.get_experiment("project1", "cuid1", "no-workspace"),
            lambda api: api.get_summary("project1", "nix"),
            lambda api: api.get_summary("nix", "cuid1"),
            lambda api: api.get_exp_state("project1", "nix"),
            lambda api: api.delete_experiment("project1", "nix"),
            lambda api: api.delete_project("nix"),
        ],
    )
    def test_what_is_not_there_is_an_answer_with_code_404(self, api: OpenApi, call: Any) -> None:
        found = call(api)
        assert (found.code, found.errmsg) == (404, "api error: Not Found. Trace id: 0123456789abcdef")
        assert found.data["code"] == "NOT_FOUND"

    def test_a_refused_list_is_empty(self, api: OpenApi) -> None:
        for found in (api.list_projects("no-workspace"), api.list_experiments("nix")):
            assert (found.code, found.data) == (404, [])
            assert found.errmsg.startswith("api error: Not Found.")

    def test_what_may_not_be_seen_is_an_answer_with_code_403(self, api: OpenApi) -> None:
        found = api.list_experiments("mnist", "ada")
        assert (found.code, found.errmsg[:20]) == (403, "api error: Forbidden")
        assert api.get_experiment("mnist", "x", username="ada").code == 403

    def test_a_body_that_is_no_json_is_told_as_the_vendor_does(self, api: OpenApi, box: Box) -> None:
        box.faults.add("status", path="/group/", status=418)
        assert api.list_workspaces() == ApiResponse(418, "sdk decode json error", [])
        box.faults.add("status", path="/runs/cuid1$", status=200)
        assert api.get_experiment("project1", "cuid1") == ApiResponse(200, "sdk decode json error", "fault: 200")

    def test_no_connection_is_an_error(self, api: OpenApi, box: Box) -> None:
        box.faults.add("drop", path="/group/")
        with pytest.raises(Unreachable):
            api.list_workspaces()

    def test_a_sign_in_that_the_server_forgot_is_made_anew(self, api: OpenApi, box: Box) -> None:
        box.platform("swanlab").expire()
        assert api.list_projects().code == 200
        assert asked(box, LOGIN) == 2
        box.faults.add("expire", path="/group/")
        assert api.list_workspaces().code == 401

    def test_summary_is_last_least_and_greatest_with_their_steps(self, api: OpenApi) -> None:
        found = api.get_summary("project1", "cuid1").data
        assert found["loss"] == {
            "step": 4,
            "value": 0.2,
            "min": {"step": 4, "value": 0.2},
            "max": {"step": 0, "value": 1.0},
        }
        assert api.get_exp_summary(project="project1", exp_cuid="cuid1").data == found

    def test_a_run_without_metrics_has_an_empty_summary(self, api: OpenApi, box: Box) -> None:
        box.platform("swanlab").add_run("kites-test3", "empty", "none", {}, cuid="none")
        assert api.get_summary("empty", "none") == ApiResponse(200, "", {})
        assert api.get_metrics("none", "loss").code == 404
        assert api.delete_project("empty").code == 204

    def test_state(self, api: OpenApi) -> None:
        assert api.get_exp_state(project="project1", exp_cuid="cuid2").data == {"state": "RUNNING"}

    def test_deleting_is_code_204_and_an_empty_dict(self, api: OpenApi, box: Box) -> None:
        state = box.platform("swanlab")
        for cuid in ("gone1", "gone2"):
            state.add_run("kites-test3", "gone", cuid, {}, cuid=cuid)
        assert api.delete_experiment("gone", "gone1") == ApiResponse(204, "", {})
        assert [each.cuid for each in api.list_experiments("gone").data] == ["gone2"]
        assert api.delete_project("gone") == ApiResponse(204, "", {})
        assert api.list_experiments("gone").code == 404

    def test_lists_of_many_pages_are_whole(self, api: OpenApi, box: Box) -> None:
        for number in range(250):
            box.platform("swanlab").add_run("kites-test3", "many", f"run{number}", {}, cuid=f"many{number}")
        found = api.list_experiments("many").data
        assert {each.cuid for each in found} == {f"many{number}" for number in range(250)}
        assert len(found) == 250
        assert asked(box, "/many/runs$") == 3
        assert api.delete_project("many").code == 204


class TestMetrics:
    def test_every_step_of_every_key_is_there_in_the_order_asked(self, api: OpenApi) -> None:
        found = api.get_metrics("cuid1", ["late", "loss", "nix", "late"])
        assert (found.code, found.errmsg) == (200, "")
        assert list(found.data) == ["late", "late_timestamp", "loss", "loss_timestamp"]
        assert found.data.index.name == "step"
        assert found.data.index.tolist() == [0, 1, 2, 3, 4, 9]
        assert found.data["loss"].dropna().tolist() == [value for _, value in POINTS["loss"]]
        assert found.data["late"].dropna().to_dict() == {3: 7.0, 9: 8.0}
        assert found.data["late_timestamp"].notna().sum() == 3

    def test_one_key_may_be_a_text_and_its_timestamps_are_ints(self, api: OpenApi) -> None:
        frame = api.get_metrics(exp_cuid="cuid1", keys="a/b_step-x").data
        assert [(str(kind), name) for name, kind in frame.dtypes.items()] == [
            ("float64", "a/b_step-x"),
            ("int64", "a/b_step-x_timestamp"),
        ]
        assert frame["a/b_step-x"].to_dict() == {0: 1.0}

    def test_points_without_a_time_have_none_and_of_one_step_the_first_counts(self) -> None:
        late = Series("late", [5, 7], [1.0, 2.0], [1_000_000, NO_TIME])
        twice = Series("twice", [7, 7, 9], [1.0, 2.0, 3.0])
        frame = frame_of(["twice", "late"], [late, twice])
        assert list(frame) == ["twice", "twice_timestamp", "late", "late_timestamp"]
        assert frame.index.tolist() == [5, 7, 9]
        assert frame.fillna(-1).to_dict("list") == {
            "twice": [-1, 1, 3],
            "twice_timestamp": [-1, -1, -1],
            "late": [1, 2, -1],
            "late_timestamp": [1000, -1, -1],
        }

    @pytest.mark.parametrize("keys", ["nix", [], ["nix", "nox"]])
    def test_nothing_found_is_code_404_and_an_empty_frame(self, api: OpenApi, keys: Any) -> None:
        found = api.get_metrics("cuid1", keys)
        assert (found.code, found.errmsg) == (404, "No data found")
        assert found.data.empty

    def test_a_refusal_is_told_and_the_frame_is_empty(self, api: OpenApi, box: Box) -> None:
        box.faults.add("status", path="/column/csv", status=400)
        found = api.get_metrics("cuid1", ["loss"])
        assert (found.code, found.data.empty) == (400, True)

    def test_a_link_never_gets_the_sign_in(self, api: OpenApi, box: Box) -> None:
        state = box.platform("swanlab")
        state.relative_links = True
        try:
            assert len(api.get_metrics("cuid1", ["loss"]).data) == 5
        finally:
            state.relative_links = False
        assert len(api.get_metrics("cuid1", ["loss"]).data) == 5
        assert state.cookie_on_links == 0

    def test_a_server_of_the_time_before_answers_the_same(self, api: OpenApi, box: Box) -> None:
        calls = [
            lambda api: api.list_workspaces(),
            lambda api: api.list_experiments("project1"),
            lambda api: api.get_summary("project1", "cuid1"),
            lambda api: api.get_exp_state("project1", "cuid1"),
            lambda api: api.get_metrics("cuid1", ["loss"]).data.to_dict(),
        ]
        now = [call(api) for call in calls]
        box.platform("swanlab").generation = "old"
        try:
            run(close_all())
            assert [call(OpenApi()) for call in calls] == now
        finally:
            box.platform("swanlab").generation = "new"


class TestArguments:
    def test_both_names_of_an_argument_are_taken_by_place_and_by_name(self, api: OpenApi) -> None:
        found = [
            api.get_experiment("project1", "cuid1", "kites-test3"),
            api.get_experiment(project="project1", exp_id="cuid1", username="kites-test3"),
            api.get_experiment(project="project1", exp_cuid="cuid1", user="kites-test3"),
            api.get_experiment("project1", "cuid1", exp_cuid="cuid1"),
        ]
        assert all(each == found[0] for each in found)
        assert api.list_experiments("project1", user="kites-test3") == api.list_project_exps("project1", "kites-test3")
        assert api.list_projects(user="kites-test3") == api.list_projects("kites-test3")

    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (TypeError, lambda api: api.get_experiment("project1")),
            (TypeError, lambda api: api.get_experiment("project1", "cuid1", exp_cuid="cuid2")),
            (TypeError, lambda api: api.get_experiment("project1", "cuid1", "a", user="b")),
            (TypeError, lambda api: api.get_experiment("project1", 1)),
            (TypeError, lambda api: api.list_experiments(None)),
            (TypeError, lambda api: api.list_experiments()),
            (TypeError, lambda api: api.get_metrics("cuid1")),
            (TypeError, lambda api: api.get_metrics("cuid1", 3)),
            (TypeError, lambda api: api.get_metrics("cuid1", ["a", 3])),
            (ValueError, lambda api: api.list_experiments("")),
            (ValueError, lambda api: api.get_experiment("..", "cuid1")),
            (ValueError, lambda api: api.get_experiment("project1", ".")),
            (ValueError, lambda api: api.list_projects("a:b")),
            (ValueError, lambda _: OpenApi(log_level="loud")),
            (TypeError, lambda _: OpenApi(log_level=3)),  # type: ignore[arg-type]
            (TypeError, lambda _: OpenApi(3)),  # type: ignore[arg-type]
            (TypeError, lambda _: OpenApi(host=3)),  # type: ignore[arg-type]
            (ValueError, lambda _: OpenApi(host="ftp://h")),
            (ValueError, lambda _: OpenApi("two\nlines")),
            (ValueError, lambda _: OpenApi("  ")),
        ],
    )
    def test_what_cannot_be_meant_is_an_error_before_anything_is_asked(
        self, api: OpenApi, box: Box, error: type[Exception], call: Any
    ) -> None:
        with pytest.raises(error):
            call(api)
        assert asked(box, "/api/(?!login)") == 0

    @pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical", "INFO"])
    def test_log_levels_of_the_vendor_are_taken(self, box: Box, level: str) -> None:
        assert OpenApi("", level).username == "kites-test3"


class TestSignIn:
    def test_a_key_that_is_not_taken_is_told_at_construction(self, box: Box) -> None:
        with pytest.raises(TokenRejected):
            OpenApi("k" * 21)
        with pytest.raises(Forbidden, match="not verified"):
            OpenApi("sandboxkey00000000003")

    def test_no_key_anywhere_names_the_places(self, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SWANLAB_API_KEY")
        with pytest.raises(NotLoggedIn, match=r"api_key=.*SWANLAB_API_KEY.*swanlab login") as caught:
            OpenApi()
        assert isinstance(caught.value, RuntimeError)
        assert isinstance(caught.value, SignInNeeded)
        assert asked(box) == 0

    @pytest.mark.parametrize("form", ["{}", "{}/api", "{}/", "{}/api/"])
    def test_a_host_is_taken_with_and_without_api(self, box: Box, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
        monkeypatch.delenv("SWANLAB_API_HOST")
        assert OpenApi(key(box), host=form.format(box.url("swanlab"))).username == "kites-test3"

    def test_the_key_of_swanlab_login_is_taken_for_its_host(
        self, box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("SWANLAB_API_KEY")
        host = box.url("swanlab")
        (tmp_path / ".netrc").write_text(f"machine {host}\n\tlogin {host}\n\tpassword {key(box)}\n")
        (tmp_path / ".netrc").chmod(0o600)
        assert OpenApi().username == "kites-test3"
        monkeypatch.delenv("SWANLAB_API_HOST")
        assert OpenApi().username == "kites-test3"
        assert OpenApi(OTHER).username == "nobody"  # another account of the server that was signed in to
        assert OpenApi(host=host).username == "kites-test3"
        with pytest.raises(NotLoggedIn):
            OpenApi(host="http://127.0.0.1:9")

    def test_a_stored_key_goes_to_no_other_host(self, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SWANLAB_API_HOST")  # so the key of the environment is for the vendor's cloud
        with pytest.raises(NotLoggedIn, match=r"127\.0\.0\.1"):
            OpenApi(host=box.url("swanlab"))
        assert asked(box) == 0

    def test_a_file_of_the_working_folder_tells_no_given_key_where_to_go(
        self, box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("SWANLAB_API_HOST", "SWANLAB_API_KEY"):
            monkeypatch.delenv(name)
        (tmp_path / ".swanlab").mkdir()
        host = box.url("swanlab")
        (tmp_path / ".swanlab" / ".netrc").write_text(f"machine {host}\n\tlogin x\n\tpassword {key(box)}\n")
        assert account(Secret(OTHER), None).entry.address == "https://api.swanlab.cn"
        assert account(None, None).entry.address == host

    def test_what_connect_saved_is_taken_last(self, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
        swnb.connect("swan", box.uri("swanlab"), token=OTHER)
        try:
            assert OpenApi().username == "kites-test3"
            monkeypatch.delenv("SWANLAB_API_KEY")
            assert OpenApi().username == "nobody"
        finally:
            swnb.forget("swan")

    def test_one_key_signs_in_once_for_all_who_use_it(self, box: Box) -> None:
        apis = [OpenApi(), OpenApi(key(box)), OpenApi(Secret(key(box)), host=box.url("swanlab"))]
        assert [api.list_projects().code for api in apis] == [200] * 3
        assert swnb.projects(box.uri("swanlab"))["name"].tolist() == ["project1"]
        assert asked(box, LOGIN) == 1

    def test_another_key_has_a_sign_in_of_its_own(self, box: Box) -> None:
        mine, others = OpenApi(), [OpenApi(OTHER), OpenApi(OTHER)]
        assert [api.username for api in (mine, *others)] == ["kites-test3", "nobody", "nobody"]
        assert swnb.projects(box.uri("swanlab"))["owner"].tolist() == ["kites-test3"]
        assert others[0].list_projects().data == []
        assert mine.list_projects().data[0].name == "project1"
        assert asked(box, LOGIN) == 2

    def test_a_key_that_changes_in_the_environment_makes_nobody_another_user(
        self, box: Box, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = OpenApi()
        monkeypatch.setenv("SWANLAB_API_KEY", OTHER)
        second = OpenApi()
        box.platform("swanlab").expire()
        assert [api.list_workspaces().data[0]["username"] for api in (first, second)] == ["kites-test3", "nobody"]

    def test_sources_are_shared_by_server_and_sign_in(self, box: Box) -> None:
        ref = Ref(box.uri("swanlab"))
        entry, same, other = find(ref), Credential(Secret(key(box))), Credential(Secret(OTHER), source="x")
        assert source_with(entry, same) is source_of(ref)
        assert source_with(entry, other) is source_with(entry, Credential(Secret(OTHER))) is not source_of(ref)

    def test_no_text_shows_a_key(self, box: Box) -> None:
        api = OpenApi(OTHER)
        assert OTHER not in repr((api, vars(api), api.list_projects(), source._sources))
        assert OTHER not in repr(Experiment(name=f"mine: {OTHER}"))

    @pytest.mark.parametrize("made", [OpenApi, lambda given: asyncio.run(OpenApi.aio(given))])
    def test_no_frame_of_a_refused_sign_in_shows_the_key(self, box: Box, made: Any) -> None:
        with pytest.raises(TokenRejected) as caught:
            made("wrong_key_" + "x" * 11)
        frames = [frame.f_locals for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
        ours = [local for local in frames[1:] if "given" not in local]  # that of the caller, and the lambda above
        assert len(ours) > 3
        assert "wrong_key_x" not in repr(ours) + str(caught.value)


class TestAwaitable:
    def test_every_call_has_a_door_that_is_awaited(self, box: Box) -> None:
        async def read() -> list[Any]:
            api = await OpenApi.aio()
            calls = [
                api.list_workspaces.aio(),
                api.list_projects.aio(),
                api.list_project_exps.aio("project1"),
                api.get_experiment.aio("project1", exp_cuid="cuid1"),
                api.get_summary.aio("project1", "cuid1"),
                api.get_metrics.aio("cuid1", "loss"),
                api.get_exp_state.aio("project1", "cuid1"),
            ]
            return [each.code for each in await asyncio.gather(*calls)]

        assert asyncio.run(read()) == [200] * 7

    def test_it_can_be_made_where_a_loop_runs(self, box: Box) -> None:
        async def made() -> str:
            return OpenApi().username

        assert asyncio.run(made()) == "kites-test3"

    def test_its_door_tells_a_wrong_key_too(self, box: Box) -> None:
        with pytest.raises(TokenRejected):
            asyncio.run(OpenApi.aio("k" * 21))


class TestListener:
    """A plan that was followed by ear goes its own way."""

    @staticmethod
    def call(name: str) -> Call[str]:
        def decode(reply: Reply) -> str:
            if reply.status != 200:
                raise NotFound(name)
            return name

        return Call("GET", f"/{name}", decode)

    def test_calls_and_plans_abreast_are_all_heard(self) -> None:
        def plan() -> Plan[list[Any]]:
            return (yield from ask_all([self.call("a"), ask(self.call("b"))]))

        heard = Listener().plan(plan())
        call, inner = next(heard)
        reply = Reply(404, {"traceid": "x"}, b'{"message": "no"}')
        with pytest.raises(NotFound) as refused:
            next(inner).decode(reply)
        with pytest.raises(NotFound):
            call.decode(reply)
        with pytest.raises(StopIteration) as end:
            heard.throw(refused.value)
        assert end.value.value == ApiResponse(404, "api error: Not Found. Trace id: x", {"message": "no"})

    def test_an_error_that_the_plan_takes_is_none(self) -> None:
        def plan() -> Plan[str]:
            try:
                return (yield from ask(self.call("new")))
            except NotFound:
                return (yield from ask(self.call("old")))

        for last, answer in ((None, ApiResponse(200, "", "old")), (Unreachable("gone"), None)):
            heard = Listener().plan(plan())
            with pytest.raises(NotFound) as refused:
                next(heard).decode(Reply(404, {}, b""))
            call = heard.throw(refused.value)
            if last is None:
                with pytest.raises(StopIteration) as end:
                    heard.send(call.decode(Reply(200, {}, b"")))
                assert end.value.value == answer
            else:
                with pytest.raises(Unreachable):
                    heard.throw(last)
