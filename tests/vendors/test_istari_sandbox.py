"""The official Istari clients of both generations read the sandbox and act on it, and the box then holds the same."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from environments import ISTARI, ISTARI_9, Environment

from swnb import sandbox
from swnb.sandbox.istari import Istari
from swnb.sandbox.istari.jobs import Job

PROBE = Path(__file__).with_name("istari_probe.py")


def facts_of(box: sandbox.Box, folder: Path) -> dict[str, Any]:
    """What the probe is told of the box: one job of each sort, all of the first model but the other user's."""
    server: Istari = box.platform("istari")
    ada, grace = server.users[:2]
    model = server.models[0]

    def some(status: str) -> Job:
        found = [job for job in server.jobs if job.by is ada and job.status(server.now) == status]
        return next((job for job in found if job.model_id == model.id), found[0])

    (folder / "other.json").write_text('{"gamma": 3}')
    return {
        "url": box.url("istari"),
        "token": box.token("istari"),
        "model": model.id,
        "comment": model.comments[0].id,
        "artifact": model.present(server.now)[0].id,
        "agent": server.agents[1].id,
        "function": server.functions[-1].name,
        "grace": grace.id,
        "email": grace.email,
        "completed": some("Completed").id,
        "failed": some("Failed").id,
        "running": some("Running").id,
        "pending": some("Pending").id,
        "other's": next(job.id for job in server.jobs if job.by is grace),
        "folder": str(folder),
        "parameters": str(folder / "other.json"),
        "facade": False,
    }


def jobs_of(box: sandbox.Box) -> list[dict[str, Any]]:
    """Every job's record, newest first."""
    server: Istari = box.platform("istari")
    return [json.loads(bytes(job.record(server.now, server.store))) for job in server.jobs]


class Answers(NamedTuple):
    said: dict[str, Any]
    facts: dict[str, Any]
    before: list[dict[str, Any]]
    box: sandbox.Box

    @property
    def server(self) -> Istari:
        server: Istari = self.box.platform("istari")
        return server

    def mine(self, status: str | None = None) -> list[str]:
        """Ids of the caller's jobs as they were before."""
        own = [job for job in self.before if job["created_by_id"] == self.server.users[0].id]
        return [job["id"] for job in own if status in {None, job["status_history"][-1]["name"]}]


@pytest.fixture(scope="module", params=[ISTARI, ISTARI_9], ids=lambda each: each.name)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    environment: Environment = request.param
    try:
        python = environment.python()
    except RuntimeError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"THE VENDOR'S SDK IS NOT TESTED: {error}")
    home = tmp_path_factory.mktemp("home")
    with sandbox.run(["istari"], seed=3, jobs=60, clock="manual") as box:
        facts = facts_of(box, home) | {"facade": environment is ISTARI}
        before = jobs_of(box)
        (home / "facts.json").write_text(json.dumps(facts))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ISTARI_")}
        command = [str(python), "-W", "ignore", str(PROBE), str(home / "facts.json")]
        done = subprocess.run(
            command, env=kept | {"HOME": str(home)}, cwd=home, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        yield Answers(json.loads(done.stdout), facts, before, box)


def short(record: dict[str, Any]) -> dict[str, Any]:
    """A record in the words of the probe's `told`, its times left out."""
    revision = record["file"]["revisions"][-1]
    history = [{name: entry[name] for name in entry if name != "created"} for entry in record["status_history"]]
    names = ("id", "name", "extension", "size", "mime", "display_name", "description")
    return {
        **{name: record[name] for name in ("id", "created_by_id", "assigned_agent_id", "agent_id", "model_id")},
        "tenant_id": record["tenant_id"],
        "status": history[-1]["name"],
        "history": history,
        "archive": [{name: each[name] for name in ("name", "reason", "resource_id")} for each in archives(record)],
        "comments": [{name: each[name] for name in ("id", "created_by_id")} for each in record["comments"]],
        "function": {name: record["function"][name] for name in ("id", "name", "version", "tool_name")},
        "file": {name: record["file"][name] for name in ("id", "resource_id", "resource_type", "created_by_id")},
        "revision": {name: revision[name] for name in names},
        "revisions": len(record["file"]["revisions"]),
        "products": [
            {name: each[name] for name in ("revision_id", "resource_type", "resource_id")}
            for each in revision["products"]
        ],
    }


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def archives(record: dict[str, Any]) -> list[dict[str, Any]]:
    return list(record["archive_status_history"])


def untimed(told: dict[str, Any]) -> dict[str, Any]:
    history = [{name: entry[name] for name in entry if name != "created"} for entry in told["history"]]
    return {name: value for name, value in told.items() if name != "created"} | {"history": history}


def test_lists_come_whole_and_by_pages(answers: Answers) -> None:
    lists = answers.said["lists"]
    shown = [job for job in answers.mine() if job not in lists["archived"]]
    assert lists["all"] == shown
    assert lists["page"] == {"total": len(shown), "page": 2, "size": 7, "pages": -(-len(shown) // 7)}
    assert [job["id"] for job in lists["items"]] == shown[7:14]
    assert lists["pages"] == -(-len(shown) // 9)
    assert lists["behind the end"] == 0
    assert lists["oldest first"] == shown[::-1]


def test_every_attribute_of_a_job_reads_as_the_box_holds_it(answers: Answers) -> None:
    records = {job["id"]: job for job in answers.before}
    told = answers.said["lists"]["items"] + list(answers.said["reads"]["jobs"].values())
    assert [untimed(job) for job in told] == [short(records[job["id"]]) for job in told]
    first = answers.said["reads"]["jobs"]["completed"]
    wire = records[first["id"]]
    assert moment(first["created"]) == moment(wire["created"])
    times = [moment(entry["created"]) for entry in wire["status_history"]]
    assert [moment(entry["created"]) for entry in first["history"]] == times


def test_lists_are_filtered(answers: Answers) -> None:
    lists, records = answers.said["lists"], {job["id"]: job for job in answers.before}
    assert lists["by model"]
    assert {records[job]["model_id"] for job in lists["by model"]} == {answers.facts["model"]}
    for word, found in lists["by status"].items():
        assert found == [job for job in answers.mine(word) if job not in lists["archived"]]
    everybody = [job["id"] for job in answers.before if archives(job)[-1]["name"] == "Active"]
    assert lists["all users"] == everybody
    assert {archives(records[job])[-1]["name"] for job in lists["archived"]} == {"Archived"}


def test_what_is_wrong_is_refused_as_the_paper_says(answers: Answers) -> None:
    lists, reads = answers.said["lists"], answers.said["reads"]
    assert lists["too large"] == "ValidationError"  # the client's own, before it asks
    assert lists["unknown sort"] == "UnprocessableEntityException 422"
    assert reads["unknown"] == "NotFoundException 404"
    assert reads["wrong kind"] == "ForbiddenException 403"
    assert answers.said["refused"] == "UnauthorizedException 401"


def test_parameters_and_results_are_read_and_verified(answers: Answers) -> None:
    reads, server = answers.said["reads"], answers.server
    first = server.job(answers.facts["completed"]).file.revisions[0].content.body
    assert reads["bytes"] == reads["text"] == reads["copy"] == first.decode()
    assert reads["json"] == json.loads(first)
    products = server.job(answers.facts["completed"]).products(server.now)
    assert set(reads["results"]) == {each.file.revisions[-1].name for each in products}
    assert reads["results"]["metrics.json"]["mass_kg"] > 0
    assert len(reads["results"]["train.csv"].splitlines()) == 401
    assert reads["polled"] == ["Completed", "Failed"]
    assert reads["model"] == {"id": answers.facts["model"], "created_by_id": server.users[0].id}


def test_links_are_fetched_without_our_authorization(answers: Answers) -> None:
    assert answers.box.requests.count("^/store/", status=200) > 0
    assert answers.server.authorization_on_links == 0


def test_access_is_given_changed_and_taken(answers: Answers) -> None:
    access, server = answers.said["access"], answers.server
    ada, grace = (user.id for user in server.users[:2])
    owner = [ada, "owner"]
    assert access["after creating"] == [owner, [grace, "viewer"]]
    assert access["after updating"] == [owner, [grace, "editor"]]
    assert access["after removing"] == [owner]
    assert access["after email"] == [owner, [grace, "administrator"]]
    row = {"subject_type": "user", "subject_id": grace, "resource_type": "job"}
    assert access["by email"] == {**row, "relation": "administrator", "resource_id": answers.facts["completed"]}
    assert server.job(answers.facts["completed"]).grants == {}


def test_a_job_goes_from_creation_to_its_end(answers: Answers) -> None:
    changes, server = answers.said["changes"], answers.server
    job = server.job(changes["made"]["id"])
    assert untimed(changes["made"])["status"] == "Created"
    assert changes["made"]["revision"]["display_name"] == "mine"
    assert changes["parameters"] == {"a": 1, "ü": [True]}
    assert (changes["pinned"], changes["unpinned"]) == (answers.facts["agent"], None)
    assert [entry.name for entry in job.history(server.now)] == ["Created", "Claimed", "Running", "Canceled"]
    assert untimed(changes["ended"])["history"][-1]["message"] == "enough"
    assert changes["ended"]["agent_id"] == answers.facts["agent"]
    assert changes["after the end"] == "ConflictException 409"
    assert changes["polled"] == "Canceled"


def test_a_job_is_archived_and_restored_once(answers: Answers) -> None:
    changes = answers.said["changes"]
    assert [entry["name"] for entry in changes["archived"]] == ["Active", "Archived"]
    assert changes["archived"][-1]["reason"] == "no longer needed"
    assert changes["hidden"] is True
    assert [entry["name"] for entry in changes["restored"]] == ["Active", "Archived", "Active"]
    assert changes["archived twice"] == changes["restored twice"] == "ConflictException 409"


def test_properties_are_attached_by_the_old_client_only(answers: Answers) -> None:
    """The new one uploads them and never attaches them (paper 5)."""
    found, kept = answers.said["properties"], answers.said["reads"]["jobs"]["completed"]["revision"]
    new = {"description": "new", "display_name": "shown", "external_identifier": "x-1", "version_name": "v2"}
    old = {"description": kept["description"], "display_name": kept["display_name"]}
    old |= {"external_identifier": None, "version_name": None}
    expected = old if answers.facts["facade"] else new
    assert found == {**expected, "name": "parameters.json", "size": kept["size"]}


def test_models_systems_and_agents_read_through_the_client(answers: Answers) -> None:
    around, server = answers.said["around"], answers.server
    assert around["user"]["user_name"] == "ada"
    assert [each["id"] for each in around["models"]] == [model.id for model in server.models]
    assert around["model"]["artifacts"] == [each.id for each in server.models[0].present(server.now)]
    assert around["model jobs"] == len(around["models"][0]["job_ids"]) == around["model"]["jobs"] > 0
    assert around["artifact"]["name"] == "metrics.json"
    assert [each["name"] for each in around["systems"]] == ["mnist", "kites", "speech", "empty"]
    assert [each["name"] for each in around["configurations"]] == ["baseline", "light"]
    assert [each["specifier_type"] for each in around["tracked"]] == ["Latest", "Locked", "Latest"]
    assert around["agents"] == ["bench-1", "bench-2"]
    assert answers.facts["pending"] in around["available"]
    assert answers.facts["function"] in {each["name"] for each in around["functions"]}
    assert (around["tools"], around["tenants"]) == (["vision-kit"], ["vision-lab"])
    assert around["comment"] == "mnist.stp is the one to use"


def test_files_are_changed_and_replaced(answers: Answers) -> None:
    around = answers.said["around"]
    assert (around["changed"]["description"], around["changed"]["display_name"]) == ("by the file", "by the file")
    assert around["replaced"] == [2, {"gamma": 3}]
    revisions = answers.server.job(answers.facts["completed"]).file.revisions
    assert revisions[0].facts["description"] == "by the file"


def test_the_facade_and_the_gateway_read_the_same(answers: Answers) -> None:
    if not answers.facts["facade"]:
        pytest.skip("this client has no facade")
    facade, ada = answers.said["facade"], answers.server.users[0].id
    assert answers.said["gateway"] == answers.facts["completed"]
    assert set(facade["all"]) >= set(answers.said["lists"]["all"])
    assert facade["completed"] == len(answers.said["lists"]["by status"]["Completed"])
    assert 0 < facade["by function"] < len(facade["all"])
    assert facade["parameters"] == {"gamma": 3}
    assert (facade["polled"], facade["too long"]) == ("Completed", "TimeoutError")
    assert (facade["canceled"], facade["missing"]) == ("Canceled", "NotFoundError")
    assert facade["systems"] == ["mnist", "kites", "speech", "empty"]
    assert facade["access"] == [ada]
