"""The sandbox's Istari registry behaves as the protocol paper says; its own clients read it in tests/vendors."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb import sandbox
from swnb.sandbox import Box
from swnb.sandbox.istari import ROUTES, Istari
from swnb.sandbox.istari.jobs import Job
from swnb.sandbox.istari.words import STATUSES

NOBODY = "00000000-0000-4000-8000-00000000dead"
LISTS = (
    *("/jobs", "/models", "/systems", "/agents", "/modules/versions/functions", "/tools", "/tenants"),
    *("/models/{model_id}/jobs", "/models/{model_id}/artifacts", "/agents/{agent_id}/available_jobs"),
)


class Client:
    """Asks a box as `ada`, who is an admin; `as_grace` is another user's."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.server: Istari = box.platform("istari")
        self.http = self._client(box.token("istari"))
        self.as_grace = self._client(self.server.users[1].token)
        self.bare = httpx.Client(trust_env=False)

    def _client(self, token: str) -> httpx.Client:
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{self.box.url('istari')}/api/v2", headers=headers, trust_env=False)

    def close(self) -> None:
        for each in (self.http, self.as_grace, self.bare):
            each.close()

    def get(self, path: str, **query: Any) -> Any:
        reply = self.http.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        reply = self.http.request(method, path, params=query, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def some(self, status: str, number: int = 0) -> Job:
        found = [job for job in self.server.jobs if job.status(self.server.now) == status and not job.archived]
        return [job for job in found if job.by is self.server.users[0]][number]

    def upload(self, body: bytes, salt: str = "s") -> dict[str, str]:
        """A token of uploaded bytes."""
        sha = hashlib.sha384(body + salt.encode()).hexdigest()
        link = self.get(f"/tokens/{sha}/upload-url")["url"]
        assert self.bare.put(link, content=body).status_code == 201
        return {"sha": sha, "salt": salt}

    def revision(self, body: bytes = b'{"a": 1}') -> dict[str, Any]:
        tokens = {"content_token": self.upload(body), "properties_token": self.upload(b'{"file_name":"p.json"}')}
        return {**tokens, "name": "p.json", "size": len(body)}

    def read(self, token: dict[str, str]) -> bytes:
        """What a token names, its hash verified."""
        body = self.bare.get(self.get(f"/tokens/{token['sha']}/download-url")["url"]).content
        assert hashlib.sha384(body + token["salt"].encode()).hexdigest() == token["sha"]
        return body

    def create(self, **query: Any) -> Any:
        model = self.server.models[0]
        asked = {"function_name": self.server.functions[-1].name, **query}
        return self.send("POST", f"/models/{model.id}/jobs", {"revision": self.revision()}, **asked)


@pytest.fixture
def client() -> Iterator[Client]:
    with sandbox.run(["istari"], seed=3, jobs=60, clock="manual") as box:
        asking = Client(box)
        yield asking
        asking.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """For tests that change nothing that others look at."""
    with sandbox.run(["istari"], seed=3, jobs=60, clock="manual") as box:
        asking = Client(box)
        yield asking
        asking.close()


def refused(reply: httpx.Response, status: int) -> Any:
    """The detail: a text, or a list for 422."""
    assert reply.status_code == status, reply.text
    detail = reply.json()["detail"]
    assert isinstance(detail, list if status == 422 else str)
    return detail


def last(job: dict[str, Any]) -> str:
    return str(job["status_history"][-1]["name"])


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


# Signing in


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}])
def test_every_call_needs_a_bearer_token(shared: Client, headers: dict[str, str]) -> None:
    for path in ("/jobs", "/users/me", f"/jobs/{NOBODY}"):
        refused(shared.bare.get(f"{shared.box.url('istari')}/api/v2{path}", headers=headers), 401)


def test_an_expired_token_is_refused(client: Client) -> None:
    client.box.faults.add("expire", times=1)
    refused(client.http.get("/users/me"), 401)
    assert client.get("/users/me")["user_name"] == "ada"


def test_the_same_api_is_behind_a_gateway(shared: Client) -> None:
    gateway = shared.http.get(f"{shared.box.url('istari')}/registry/api/v2/jobs")
    assert gateway.json() == shared.get("/jobs")


def test_addresses_that_are_none_and_wrong_methods(shared: Client) -> None:
    refused(shared.http.get("/nothing"), 404)
    refused(shared.http.put("/jobs"), 405)


# Lists of jobs


def test_pages_hold_every_job_once_newest_first(shared: Client) -> None:
    whole = shared.get("/jobs", size=100)
    walked = [shared.get("/jobs", size=7, page=number) for number in range(1, -(-whole["total"] // 7) + 1)]
    assert [job for page in walked for job in ids(page)] == ids(whole)
    assert {(page["total"], page["size"], page["pages"]) for page in walked} == {(whole["total"], 7, len(walked))}
    created = [job["created"] for job in whole["items"]]
    assert created == sorted(created, reverse=True)
    behind = shared.get("/jobs", size=7, page=99)
    assert (behind["items"], behind["total"], behind["page"]) == ([], whole["total"], 99)


def test_totals_may_be_left_out(shared: Client) -> None:
    for path in ("/jobs", "/systems"):
        page = shared.get(path, include_total="false", size=3)
        assert (page["total"], page["pages"], page["page"], page["size"], len(page["items"])) == (None, None, 1, 3, 3)


def test_lists_are_of_ten_unless_told(shared: Client) -> None:
    page = shared.get("/jobs")
    assert (page["page"], page["size"], len(page["items"])) == (1, 10, 10)


def test_jobs_are_there_in_every_status(shared: Client) -> None:
    found = {word: shared.get("/jobs", status_name=word, all_users="true")["total"] for word in STATUSES}
    assert all(found.values()), found
    assert sum(found.values()) == shared.get("/jobs", all_users="true")["total"]


def test_a_list_is_of_the_callers_own_jobs_and_of_everybodys_for_admins(shared: Client) -> None:
    mine, everybody = shared.get("/jobs", size=100), shared.get("/jobs", size=100, all_users="true")
    assert {job["created_by_id"] for job in mine["items"]} == {shared.server.users[0].id}
    grace = shared.as_grace.get("/jobs", params={"size": 100}).json()
    assert sorted(ids(mine) + ids(grace)) == sorted(ids(everybody))
    refused(shared.as_grace.get("/jobs", params={"all_users": "true"}), 403)


def test_archived_jobs_are_hidden_unless_asked_for(shared: Client) -> None:
    found = {
        word: set(ids(shared.get("/jobs", size=100, archive_status=word))) for word in ("active", "archived", "all")
    }
    assert found["archived"]
    assert found["active"] | found["archived"] == found["all"]
    assert set(ids(shared.get("/jobs", size=100))) == found["active"]


def test_jobs_are_filtered_by_input_pool_and_function(shared: Client) -> None:
    job = shared.some("Completed")
    by_model = shared.get("/jobs", size=100, model_id=job.model_id)["items"]
    assert {each["model_id"] for each in by_model} == {job.model_id}
    by_name = shared.get("/jobs", size=100, name="TRAIN-")["items"]
    assert {"train-" in each["function"]["name"] for each in by_name} == {True}
    pooled = next(each.assigned_pool for each in shared.server.jobs if each.assigned_pool)
    by_pool = shared.get("/jobs", size=100, assigned_agent_pool_id=pooled)["items"]
    assert {each["assigned_agent_pool_id"] for each in by_pool} == {pooled}
    assert shared.get("/jobs", model_id=NOBODY)["total"] == 0


@pytest.mark.parametrize("column", ["id", "created", "name", "model_id", "status_name"])
def test_jobs_are_sorted_either_way(shared: Client, column: str) -> None:
    def key(job: dict[str, Any]) -> str:
        own = {"name": job["function"]["name"], "status_name": last(job)}
        return str(own.get(column) or job[column])

    up, down = (shared.get("/jobs", size=100, sort=f"{sign}{column}")["items"] for sign in ("", "-"))
    keys = [key(job) for job in up]
    assert keys == sorted(keys)
    assert [key(job) for job in down] == keys[::-1]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"size": "101"}, "size"),
        ({"size": "0"}, "size"),
        ({"size": "ten"}, "size"),
        ({"page": "-1"}, "page"),
        ({"page": "9" * 5000}, "page"),
        ({"status_name": "completed"}, "status_name"),
        ({"archive_status": "Archived"}, "archive_status"),
        ({"sort": "colour"}, "sort"),
        ({"all_users": "maybe"}, "all_users"),
        ({"include_total": "maybe"}, "include_total"),
    ],
)
def test_a_wrong_value_is_named(shared: Client, query: dict[str, str], name: str) -> None:
    (fault,) = refused(shared.http.get("/jobs", params=query), 422)
    assert fault["loc"] == ["query", name]
    assert fault["input"] == query[name]
    assert fault["msg"]
    assert fault["type"]


@pytest.mark.parametrize("path", LISTS)
def test_every_list_has_the_same_envelope(shared: Client, path: str) -> None:
    server = shared.server
    page = shared.get(path.format(model_id=server.models[0].id, agent_id=server.agents[0].id), size=2)
    assert set(page) == {"items", "total", "page", "size", "pages"}
    assert len(page["items"]) == min(2, page["total"])
    assert page["pages"] == math.ceil(page["total"] / 2)


# A job


def test_a_job_says_where_it_has_been(shared: Client) -> None:
    for status in STATUSES:
        job = (
            shared.some(status)
            if status != "Unknown"
            else next(each for each in shared.server.jobs if each.status(shared.server.now) == status)
        )
        told = shared.get(f"/jobs/{job.id}")
        history = told["status_history"]
        assert (told["id"], last(told), history[0]["name"]) == (job.id, status, "Created")
        assert [entry["created"] for entry in history] == sorted(entry["created"] for entry in history)
        assert len({entry["id"] for entry in history}) == len(history)
        assert {entry["job_id"] for entry in history} == {job.id}
        assert bool(told["agent_id"]) == (status not in {"Created", "Pending"})
        assert told["comments"] is not None


def test_a_failed_job_says_why_and_how_often_it_was_tried(shared: Client) -> None:
    history = shared.get(f"/jobs/{shared.some('Failed').id}")["status_history"]
    assert "Error" in history[-1]["message"]
    assert [entry["name"] for entry in history].count("Running") == 4


def test_a_job_that_is_none_is_missing_and_another_kind_is_forbidden(shared: Client) -> None:
    refused(shared.http.get(f"/jobs/{NOBODY}"), 404)
    refused(shared.http.get("/jobs/no-uuid"), 404)
    job = shared.some("Completed")
    refused(shared.http.get(f"/jobs/{job.file.id}"), 403)  # paper 7.1
    refused(shared.http.get(f"/jobs/{job.model_id}"), 403)


def test_jobs_move_on_with_the_clock_and_then_have_products(client: Client) -> None:
    running = [job for job in client.server.jobs if job.status(client.server.now) == "Running"]
    job = next(job for job in running if job.artifacts)
    before = client.get(f"/jobs/{job.id}")
    artifact = job.artifacts[0]
    assert before["file"]["revisions"][-1]["products"] == []
    refused(client.http.get(f"/artifacts/{artifact.id}"), 404)
    refused(client.http.get(f"/revisions/{artifact.file.revisions[0].id}"), 404)
    client.box.clock.advance(5 * 3600)
    after = client.get(f"/jobs/{job.id}")
    assert (last(before), last(after)) == ("Running", "Completed")
    assert after["status_history"][: len(before["status_history"])] == before["status_history"]
    products = after["file"]["revisions"][-1]["products"]
    assert [each["resource_id"] for each in products] == [each.id for each in job.artifacts]
    assert client.get(f"/artifacts/{artifact.id}")["file"]["revisions"][0]["id"] == products[0]["revision_id"]


def test_an_unknown_word_and_odd_values_can_be_put_in(client: Client) -> None:
    job = client.some("Running")
    job.said = "Evaporated"
    assert last(client.get(f"/jobs/{job.id}")) == "Evaporated"
    job.said, job.odd = None, {"comments": None, "status_history": []}
    told = client.get(f"/jobs/{job.id}")
    assert (told["comments"], told["status_history"]) == (None, [])
    job.odd = {}
    assert last(client.get(f"/jobs/{job.id}")) == "Running"


# Content


def test_every_token_of_a_job_and_its_products_is_kept_under_its_hash(shared: Client) -> None:
    revision = shared.get(f"/jobs/{shared.some('Completed').id}")["file"]["revisions"][-1]
    body = shared.read(revision["content_token"])
    assert (len(body), json.loads(body)["epochs"]) == (revision["size"], 20)
    about = json.loads(shared.read(revision["properties_token"]))
    assert list(about)[:4] == ["file_name", "size", "extension", "mime"]
    assert about["file_name"] == revision["name"]
    assert len(revision["content_token"]["sha"]) == 96


def test_artifacts_are_json_tables_and_text(shared: Client) -> None:
    model = shared.server.models[0]
    found = shared.get(f"/models/{model.id}/artifacts", size=100)["items"]
    revisions = {item["file"]["revisions"][0]["name"]: item["file"]["revisions"][0] for item in found}
    assert set(revisions) >= {"metrics.json", "train.csv", "components.json", "results.csv"}
    body = {name: shared.read(revision["content_token"]) for name, revision in revisions.items()}
    metrics = json.loads(body["metrics.json"])
    assert isinstance(metrics["mass_kg"], float)
    assert isinstance(metrics["parts"], int)
    assert isinstance(metrics["center_of_mass"]["x"], float)
    rows = list(csv.DictReader(io.StringIO(body["train.csv"].decode())))
    assert len(rows) == 400
    assert (rows[0]["id"], rows[250]["loss"]) == ("0", "")
    assert {"component", "mass_kg", "count"} == set(json.loads(body["components.json"])[0])


def test_some_metrics_are_no_json_that_every_reader_takes(shared: Client) -> None:
    tokens = [
        artifact["file"]["revisions"][0]["content_token"]
        for model in shared.server.models
        for artifact in shared.get(f"/models/{model.id}/artifacts", size=100)["items"]
        if artifact["file"]["revisions"][0]["name"] == "metrics.json"
    ]
    odd = [b"NaN" in shared.read(token) for token in tokens]
    assert 0 < sum(odd) < len(odd) / 2


def test_a_link_needs_no_sign_in_and_ends(client: Client) -> None:
    token = client.get(f"/jobs/{client.some('Completed').id}")["file"]["revisions"][0]["content_token"]
    link = client.get(f"/tokens/{token['sha']}/download-url")
    assert client.bare.get(link["url"]).status_code == 200
    assert client.bare.get(link["url"].replace("signature=", "signature=0")).status_code == 403
    assert client.bare.put(link["url"], content=b"x").status_code == 403
    client.box.clock.advance(client.server.store.seconds + 1)
    assert client.bare.get(link["url"]).status_code == 403
    assert client.get(f"/tokens/{token['sha']}/download-url")["expires"] > link["expires"]
    refused(client.http.get(f"/tokens/{'0' * 96}/download-url"), 404)


def test_a_sign_in_that_is_sent_to_a_link_is_counted(client: Client) -> None:
    token = client.get(f"/jobs/{client.some('Completed').id}")["file"]["revisions"][0]["content_token"]
    url = client.get(f"/tokens/{token['sha']}/download-url")["url"]
    client.bare.get(url)
    assert client.server.authorization_on_links == 0
    client.http.get(url)
    assert client.server.authorization_on_links == 1


def test_what_is_stored_already_is_a_conflict(client: Client) -> None:
    sha = hashlib.sha384(b"mine" + b"s").hexdigest()
    link = client.get(f"/tokens/{sha}/upload-url")["url"]
    assert client.bare.put(link, content=b"mine").status_code == 201
    assert client.bare.put(link, content=b"other").status_code == 409
    refused(client.http.get(f"/tokens/{sha}/upload-url"), 409)
    refused(client.http.get("/tokens/short/upload-url"), 422)


# Changing jobs


def test_a_created_job_is_taken_by_an_agent_and_ends_with_a_product(client: Client) -> None:
    made = client.create()
    seen = [last(made)]
    for seconds in (2, 3.5, 1, 3, 48, 3):
        client.box.clock.advance(seconds)
        seen.append(last(client.get(f"/jobs/{made['id']}")))
    assert seen == ["Created", "Pending", "Claimed", "Validating", "Running", "Uploading", "Completed"]
    job = client.get(f"/jobs/{made['id']}")
    (product,) = job["file"]["revisions"][-1]["products"]
    revision = client.get(f"/revisions/{product['revision_id']}")
    assert json.loads(client.read(revision["content_token"])) == {"mass_kg": 1.5, "parameters_size": 8}
    assert ids(client.get("/jobs"))[0] == made["id"]


def test_without_agents_a_created_job_stays_pending(client: Client) -> None:
    client.server.agents_work = False
    made = client.create()
    client.box.clock.advance(3600)
    assert last(client.get(f"/jobs/{made['id']}")) == "Pending"
    agent = client.server.agents[0]
    assert made["id"] in ids(client.get(f"/agents/{agent.id}/available_jobs", size=100))


def test_both_bodies_of_creation_are_taken(client: Client) -> None:
    path, query = f"/models/{client.server.models[0].id}/jobs", {"function_name": client.server.functions[-1].name}
    new = client.send("POST", path, {"revision": client.revision(b"[1]"), "auth_bindings": []}, **query)
    body = {"content_token": client.upload(b"[2]"), "properties_token": client.upload(b'{"file_name":"q.json"}')}
    old = client.send("POST", path, body, **query)
    assert [job["file"]["revisions"][0]["name"] for job in (new, old)] == ["p.json", "q.json"]
    assert [client.read(job["file"]["revisions"][0]["content_token"]) for job in (new, old)] == [b"[1]", b"[2]"]
    assert {job["file"]["resource_id"] for job in (new, old)} == {new["id"], old["id"]}


def test_an_artifact_can_be_the_input(client: Client) -> None:
    artifact = client.server.models[0].present(client.server.now)[0]
    query = {"function_name": client.server.functions[-1].name}
    made = client.send("POST", f"/models/{artifact.id}/jobs", client.revision(), **query)
    assert made["model_id"] == artifact.id
    assert made["id"] in ids(client.get(f"/models/{artifact.id}/jobs"))


def test_a_creation_that_is_wrong_is_refused(client: Client) -> None:
    path, name = f"/models/{client.server.models[0].id}/jobs", client.server.functions[-1].name
    good = client.revision()
    refused(client.http.post(path, json=good), 422)
    refused(client.http.post(path, json=good, params={"function_name": "@acme:none"}), 404)
    refused(client.http.post(f"/models/{NOBODY}/jobs", json=good, params={"function_name": name}), 404)
    query = {"function_name": name}
    refused(client.http.post(path, json=None, params=query), 422)
    refused(client.http.post(path, json={"revision": [1]}, params=query), 422)
    refused(client.http.post(path, json={**good, "size": 3}, params=query), 422)
    refused(client.http.post(path, json={**good, "content_token": {"sha": "0" * 96, "salt": ""}}, params=query), 409)
    salted = {**good["content_token"], "salt": "another"}
    refused(client.http.post(path, json={**good, "content_token": salted}, params=query), 422)


def test_a_status_is_appended_until_the_job_has_ended(client: Client) -> None:
    job, agent = client.some("Pending"), client.server.agents[1]
    path = f"/jobs/{job.id}/status"
    before = client.get(f"/jobs/{job.id}")["status_history"]
    running = client.send("PUT", path, status_name="Running", agent_id=agent.id)
    ended = client.send("PUT", path, {"message": "enough"}, status_name="Canceled")
    names = [entry["name"] for entry in ended["status_history"]]
    assert ended["status_history"][: len(before)] == before
    assert names[len(before) :] == ["Running", "Canceled"]
    assert running["agent_information"] == (
        {"agent_id": agent.id, "display_name": agent.name} if job.agent is agent else None
    )
    assert ended["status_history"][-1]["message"] == "enough"
    refused(client.http.put(path, params={"status_name": "Running"}), 409)
    client.box.clock.advance(86400)
    assert client.get(f"/jobs/{job.id}") == ended


def test_a_status_that_is_wrong_is_refused(client: Client) -> None:
    path = f"/jobs/{client.some('Running').id}/status"
    refused(client.http.put(path), 422)
    refused(client.http.put(path, params={"status_name": "Cancelled"}), 422)
    refused(client.http.put(path, params={"status_name": "Canceled"}, json={"text": "x"}), 422)
    refused(client.http.put(path, params={"status_name": "Canceled"}, content=b"{"), 422)
    refused(client.http.put(path, params={"status_name": "Canceled", "agent_id": NOBODY}), 404)
    refused(client.as_grace.put(path, params={"status_name": "Canceled"}), 403)


def test_other_platforms_see_a_cancelled_job_too() -> None:
    with sandbox.run(seed=3, jobs=24, clock="manual") as box:
        asking = Client(box)
        job = asking.some("Running")
        world = job.world
        assert world is not None
        asking.send("PUT", f"/jobs/{job.id}/status", status_name="Canceled")
        asking.close()
        assert world.timeline.status(box.clock.now) == "cancelled"


def test_archiving_and_restoring_are_written_down(client: Client) -> None:
    job = client.some("Completed")
    gone = client.send("DELETE", f"/jobs/{job.id}", {"reason": "old"})
    assert [entry["name"] for entry in gone["archive_status_history"]] == ["Active", "Archived"]
    refused(client.http.delete(f"/jobs/{job.id}"), 409)
    assert job.id not in ids(client.get("/jobs", size=100))
    back = client.send("POST", f"/jobs/{job.id}:restore")
    assert [entry["name"] for entry in back["archive_status_history"]] == ["Active", "Archived", "Active"]
    assert [entry["reason"] for entry in back["archive_status_history"]] == ["Initial", "old", None]
    refused(client.http.post(f"/jobs/{job.id}:restore"), 409)
    encoded = client.http.build_request("POST", f"/jobs/{job.id}%3Arestore")
    refused(client.http.send(encoded), 409)


def test_agents_and_pools_are_pinned_and_released(client: Client) -> None:
    job, agent = client.some("Pending"), client.server.agents[1]
    pool = next(each.assigned_pool for each in client.server.jobs if each.assigned_pool)
    path = f"/jobs/{job.id}/assigned_agent"
    assert client.send("PUT", path, {"agent_id": agent.id})["assigned_agent_id"] == agent.id
    assert job.id in ids(client.get(f"/agents/{agent.id}/available_jobs", size=100))
    other = client.server.agents[0]
    assert job.id not in ids(client.get(f"/agents/{other.id}/available_jobs", size=100))
    assert client.send("DELETE", path)["assigned_agent_id"] is None
    assert client.send("PUT", f"{path}_pool", {"agent_pool_id": pool})["assigned_agent_pool_id"] == pool
    assert client.send("DELETE", f"{path}_pool")["assigned_agent_pool_id"] is None
    refused(client.http.put(path, json={"agent_id": NOBODY}), 404)
    refused(client.http.put(path, json={}), 422)
    refused(client.http.put(f"{path}_pool", json={"agent_pool_id": NOBODY}), 404)


def test_parameters_are_replaced_by_a_new_revision(client: Client) -> None:
    job = client.some("Pending")
    told = client.send("PUT", f"/jobs/{job.id}", client.revision(b'{"b": 2}'))
    revisions = told["file"]["revisions"]
    assert len(revisions) == 2
    assert client.read(revisions[-1]["content_token"]) == b'{"b": 2}'
    assert client.get(f"/revisions/{revisions[-1]['id']}") == revisions[-1]
    assert client.get(f"/files/revisions/{revisions[0]['id']}")["id"] == told["file"]["id"]


def test_properties_are_changed_by_an_uploaded_blob(client: Client) -> None:
    job = client.some("Completed")
    blob = b'{"file_name":"parameters.json","description":"new"}'
    path, token = f"/files/{job.file.id}/properties", client.upload(blob)
    facts = {"id": NOBODY, "created": "2026-01-01T00:00:00Z", "name": "parameters.json", "extension": "json", "size": 1}
    file = client.send("PUT", path, {**facts, **token, "description": "new", "display_name": None})
    revision = client.get(f"/jobs/{job.id}")["file"]["revisions"][-1]
    assert file["revisions"][-1] == revision
    assert (revision["description"], revision["properties_token"]["sha"]) == ("new", token["sha"])
    assert revision["display_name"] is not None  # a null clears nothing
    refused(client.http.put(path, json={**facts, **token, "name": "other.json"}), 422)
    refused(client.http.put(path, json={**facts, **token, "salt": "x"}), 422)
    refused(client.http.put(path, json={**facts, **token, "description": 3}), 422)
    refused(client.http.put(f"/files/{NOBODY}/properties", json={}), 404)


# Access


def test_access_is_listed_given_changed_and_taken(client: Client) -> None:
    job, (ada, grace) = client.some("Completed"), client.server.users[:2]
    path = f"/access/user/{grace.id}/job/{job.id}"
    row = {"subject_type": "user", "subject_id": grace.id, "resource_type": "job", "resource_id": job.id}
    refused(client.as_grace.get(f"/jobs/{job.id}"), 403)
    assert client.send("POST", "/access", {**row, "relation": "viewer"})["relation"] == "viewer"
    assert client.as_grace.get(f"/jobs/{job.id}").status_code == 200
    refused(client.as_grace.delete(f"/jobs/{job.id}"), 403)
    assert client.send("PUT", path, {"relation": "editor"})["relation"] == "editor"
    assert client.as_grace.delete(f"/jobs/{job.id}").status_code == 200
    rows = client.get(f"/access/job/{job.id}")
    assert [(each["subject_id"], each["relation"]) for each in rows] == [(ada.id, "owner"), (grace.id, "editor")]
    assert client.get(f"/jobs/{job.id}/access") == rows
    assert client.send("DELETE", path) is None
    refused(client.http.delete(path), 404)
    refused(client.http.put(path, json={"relation": "editor"}), 404)


def test_access_is_given_by_email_and_by_patch(client: Client) -> None:
    job, grace = client.some("Completed"), client.server.users[1]
    path = f"/access/user/{grace.email.replace('@', '%40')}/job/{job.id}"
    assert client.send("POST", path, access_relationship="executor")["subject_id"] == grace.id
    refused(client.http.post(path, params={"access_relationship": "friend"}), 422)
    refused(client.http.post(path), 422)
    row = client.get(f"/jobs/{job.id}/access")[-1]
    assert row["subject_info"]["email"] == grace.email
    assert len(client.send("PATCH", f"/jobs/{job.id}/access", row, patch_op="delete")) == 1
    assert len(client.send("PATCH", f"/jobs/{job.id}/access", row, patch_op="set")) == 2
    refused(client.http.post("/access", json={**row, "relation": "friend"}), 422)
    refused(client.http.get(f"/access/planet/{job.id}"), 422)
    refused(client.http.get(f"/access/model/{job.id}"), 403)


# Around


def test_a_system_leads_to_its_jobs_by_the_files_it_tracks(shared: Client) -> None:
    for system in shared.get("/systems", size=100)["items"]:
        assert shared.get(f"/systems/{system['id']}") == system
        found = shared.get(f"/systems/{system['id']}/configurations")["items"]
        assert found == system["configurations"]
        tracked = [
            file
            for each in found
            for file in shared.get(f"/systems/configurations/{each['id']}/tracked-files", size=100)["items"]
        ]
        counts = [shared.get("/jobs", model_id=file["resource_id"], all_users="true")["total"] for file in tracked]
        assert bool(sum(counts)) == (system["name"] != "empty")
        for file in tracked:
            assert shared.get(f"/files/{file['file_id']}")["resource_id"] == file["resource_id"]
    assert "old-bench" in {each["name"] for each in shared.get("/systems", archive_status="archived")["items"]}
    refused(shared.http.get(f"/systems/{NOBODY}"), 404)
    refused(shared.http.get(f"/systems/configurations/{NOBODY}/tracked-files"), 404)


def test_tracked_files_are_filtered_by_name_and_path(shared: Client) -> None:
    configuration = shared.server.systems[0].configurations[0]
    path = f"/systems/configurations/{configuration.id}/tracked-files"
    names = {file["path"] for file in shared.get(path)["items"]}
    assert {file["path"] for file in shared.get(path, name="LIGHT")["items"]} == {
        each for each in names if "light" in each
    }
    assert [file["path"] for file in shared.get(path, path_prefix="artifacts/")["items"]] == ["artifacts/metrics.json"]


def test_a_model_holds_its_artifacts_and_jobs(shared: Client) -> None:
    item = shared.get("/models")["items"][0]
    model = shared.get(f"/models/{item['id']}")
    assert [each["id"] for each in model["artifacts"]] == item["artifact_ids"]
    assert [each["id"] for each in model["jobs"]] == item["job_ids"]
    comment = shared.get(f"/comments/{item['comment_ids'][0]}")
    assert shared.read(comment["file"]["revisions"][0]["content_token"]).decode() == "mnist.stp is the one to use"
    refused(shared.http.get(f"/models/{item['job_ids'][0]}"), 403)
    refused(shared.http.get(f"/artifacts/{item['id']}"), 403)


def test_functions_have_old_versions(shared: Client) -> None:
    counts = {
        word: shared.get("/modules/versions/functions", status=word)["total"]
        for word in ("supported", "deprecated", "all")
    }
    assert counts["supported"] == counts["deprecated"] == counts["all"] / 2
    agent = shared.get("/agents")["items"][0]
    assert shared.get(f"/agents/{agent['id']}") == agent


def test_the_table_big_is_an_artifact_of_the_newest_job() -> None:
    with sandbox.run(["istari"], seed=3, jobs=24, rows=25_000, clock="manual") as box:
        asking = Client(box)
        server = asking.server
        names = [
            [each.file.revisions[0].name for each in model.present(server.now)].count("big.csv")
            for model in server.models
        ]
        tokens = [
            artifact["file"]["revisions"][0]["content_token"]
            for model in server.models
            for artifact in asking.get(f"/models/{model.id}/artifacts", size=100)["items"]
            if artifact["file"]["revisions"][0]["name"] == "big.csv"
        ]
        lines = asking.read(tokens[0]).splitlines()
        asking.close()
    assert sum(names) == len(tokens) > 0
    assert max(names) == 1
    assert (len(lines), lines[0]) == (25_001, b"id,step,label,loss,score,name")


# Whatever is sent

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "x", "user", "job", "viewer", "Running"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["revision", "name", "sha", "relation", "reason", "agent_id"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
QUERIES = st.dictionaries(
    st.sampled_from(["page", "size", "sort", "status_name", "function_name", "archive_status", "include_total"]),
    st.sampled_from(["", "0", "1", "x", "Running", "all", "true", "²"]),
    max_size=3,
)


@given(st.sampled_from(sorted(ROUTES)), QUERIES, VALUES, st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_sent_is_answered_or_refused(
    shared: Client, route: tuple[str, str], query: dict[str, str], body: Any, data: st.DataObject
) -> None:
    method, path = route
    server = shared.server
    known = [
        NOBODY,
        server.jobs[0].id,
        server.models[0].id,
        server.agents[0].id,
        server.users[1].id,
        "user",
        "job",
        "x",
    ]
    for name in [part.split("}")[0] for part in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", data.draw(st.sampled_from(known)))
    reply = shared.http.request(method, path, params=query, json=body)
    assert reply.status_code in {200, 403, 404, 409, 422}
    if reply.status_code != 200:
        refused(reply, reply.status_code)
