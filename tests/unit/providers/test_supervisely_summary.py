"""Summaries: from the list of tasks, from the tasks themselves, from the files of the team."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from swnb.call import Reply, noting
from swnb.errors import NotFound
from swnb.model import SummaryRow

from .supervisely_server import Server, ok, page, refusal, task, trained

METRICS = {"AP50": 0.9, "mAP": 0.7, "per_class": {"plum": {"AP": 0.5}}, "name": "x", "none": None, "ok": True}


def summed(server: Server, *jobs: str) -> dict[str, dict[str, Any]]:
    return {row.id: dict(row.values) for row in rows(server, *jobs)}


def rows(server: Server, *jobs: str) -> list[SummaryRow]:
    return list(server.run(server.host.summary("51", [*jobs] or None)))


def no_files(server: Server) -> Server:
    server.rules |= {"file-storage.list": ok([])}
    return server


def file(task: int, project: int = 73) -> dict[str, Any]:
    return {"id": task, "path": f"/experiments/{project}_plums/{task}_YOLO/experiment_info.json", "isDir": False}


def with_files(server: Server, *tasks: tuple[int, Any], projects: tuple[int, ...] = (73,)) -> Server:
    """Files of these tasks of project 73 with these metrics; these projects are in the workspace."""
    contents = {file(id_)["path"]: {"task_id": id_, "evaluation_metrics": metrics} for id_, metrics in tasks}

    def download(body: dict[str, Any]) -> Reply:
        found = contents[body["path"]]
        return found["evaluation_metrics"] if isinstance(found["evaluation_metrics"], Reply) else ok(found)

    others = [{"path": "/experiments/readme.txt"}, {"path": "/experiments/73_plums/x/experiment_info.json"}, {}]
    server.rules |= {
        "file-storage.list": ok([*(file(id_) for id_, _ in tasks), *others]),
        "file-storage.download": download,
        "projects.list": lambda body: page([{"id": id_, "name": "p"} for id_ in projects], body),
    }
    return server


def test_the_numbers_of_a_training_are_its_row_the_primary_one_first() -> None:
    server = no_files(Server([trained(7, METRICS, primary_metric="mAP", best_checkpoint="best.pt")]))
    [row] = rows(server)
    assert list(row.values.items()) == [("mAP", 0.7), ("AP50", 0.9), ("per_class.plum.AP", 0.5)]
    assert (row.id, row.project, row.job and row.job.name) == ("7", "51", "app #7")
    assert (row.own["primary_metric"], row.own["best_checkpoint"], row.own["framework_name"]) == (
        "mAP",
        "best.pt",
        "YOLO",
    )


@pytest.mark.parametrize("metrics", [None, {}, [], "x", {"a": "b"}])
def test_a_training_without_a_benchmark_has_an_empty_row(metrics: Any) -> None:
    assert summed(no_files(Server([trained(7, metrics)]))) == {"7": {}}


def test_a_primary_metric_that_is_not_there_changes_nothing() -> None:
    server = no_files(Server([trained(7, {"a": 1, "b": 2}, primary_metric="c")]))
    assert [*summed(server)["7"]] == ["a", "b"]


def test_a_plain_name_wins_over_a_nested_one_that_is_spelt_alike() -> None:
    server = no_files(Server([trained(7, {"a": {"b": 1, "c": 3}, "a.b": 2})]))
    assert summed(server) == {"7": {"a.b": 2, "a.c": 3}}


def test_nan_survives() -> None:
    body = {"total": 1, "perPage": 500, "pagesCount": 1, "entities": [trained(7, {"mAP": math.nan})]}
    server = no_files(Server(rules={"tasks.list": ok(json.dumps(body).encode())}))
    assert math.isnan(summed(server)["7"]["mAP"])


def test_all_of_a_workspace_is_one_walk_of_its_list() -> None:
    server = with_files(Server([trained(n, {"mAP": n}) for n in range(1, 4)]))
    assert summed(server) == {"3": {"mAP": 3}, "2": {"mAP": 2}, "1": {"mAP": 1}}
    assert "tasks.info" not in server.methods
    assert "file-storage.download" not in server.methods


def test_some_are_asked_for_together_and_come_in_their_order() -> None:
    server = no_files(Server([trained(n, {"mAP": n}) for n in range(1, 600)]))
    wanted = [str(n) for n in range(550, 10, -1)]
    assert [row.id for row in rows(server, *wanted)] == wanted
    assert server.methods.count("tasks.list") == 2
    assert [row.id for row in rows(server, "5", "05", "3")] == ["5", "5", "3"]


def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(NotFound, match="no task 9"):
        summed(Server([trained(7), trained(8)]), "7", "9", "8")


# -- lists that do not tell


def told_less(server: Server) -> Server:
    """A server whose lists leave the output out."""
    full = server._tasks_list

    def listed(body: dict[str, Any]) -> Reply:
        found = full(body).json()
        found["entities"] = [{**each, "meta": {}} for each in found["entities"]]
        return ok(found)

    server.rules["tasks.list"] = listed
    return server


def test_a_list_that_leaves_outputs_out_is_made_up_for_by_asking_trainings() -> None:
    tasks = [trained(1, {"a": 1}), task(2, type="export"), trained(3, {"a": 3}), task(4, status="started")]
    server = told_less(no_files(Server(tasks)))
    assert summed(server) == {"4": {}, "3": {"a": 3}, "2": {}, "1": {"a": 1}}
    assert sorted(body["id"] for method, body in server.asked if method == "tasks.info") == [1, 3]


def test_a_training_that_goes_meanwhile_has_an_empty_row_and_a_note() -> None:
    server = told_less(no_files(Server([trained(1, {"a": 1})])))
    server.rules["tasks.info"] = refusal(404, "Task not found")
    with noting() as notes:
        assert summed(server) == {"1": {}}
    assert "task 1 is gone: it was removed while it was looked at" in notes


# -- Team Files


def test_what_a_task_does_not_tell_its_file_may() -> None:
    server = with_files(Server([task(7), task(8), trained(9, {"a": 9})]), (7, {"a": 7}), (9, {"a": -1}))
    assert summed(server) == {"9": {"a": 9}, "8": {}, "7": {"a": 7}}
    assert server.methods.count("file-storage.download") == 1


def test_files_are_looked_at_for_named_tasks_too() -> None:
    server = with_files(Server([task(7), task(8)]), (7, {"a": 7}), (6, {"a": 6}))
    assert summed(server, "7") == {"7": {"a": 7}}
    assert "projects.list" not in server.methods


def test_experiments_whose_tasks_are_gone_are_counted_not_invented() -> None:
    server = with_files(Server([trained(7, {"a": 7})]), (5, {"a": 5}), (6, {"a": 6}), (7, {"a": 7}))
    with noting() as notes:
        assert summed(server) == {"7": {"a": 7}}
    assert notes == ["experiments in Team Files whose tasks are gone have no row: 2 (5, 6)"]


def test_files_of_the_teams_other_workspaces_are_no_concern_of_this_one() -> None:
    server = with_files(Server([trained(7, {"a": 7})]), (5, {"a": 5}), projects=(99,))
    with noting() as notes:
        summed(server)
    assert notes == []


@pytest.mark.parametrize("method", ["file-storage.list", "workspaces.info"])
@pytest.mark.parametrize("status", [400, 403, 404])
def test_files_out_of_reach_are_noted(method: str, status: int) -> None:
    server = with_files(Server([task(7)]), (7, {"a": 7}))
    server.rules[method] = refusal(status, "not yours")
    with noting() as notes:
        assert summed(server) == {"7": {}}
    assert [each for each in notes if "not yours" in each]


@pytest.mark.parametrize("content", [ok(b"no json"), ok([1]), refusal(404, "no such file")])
def test_a_file_that_cannot_be_read_takes_nothing_from_the_others(content: Reply) -> None:
    server = with_files(Server([task(7), task(8)]), (7, content), (8, {"a": 8}))
    with noting() as notes:
        assert summed(server) == {"8": {"a": 8}, "7": {}}
    assert [each for each in notes if "7_YOLO/experiment_info.json could not be read" in each]


def test_a_workspace_without_trainings_asks_for_no_files() -> None:
    server = Server([task(7, type="export")])
    assert summed(server) == {"7": {}}
    assert server.methods == ["tasks.list"]
