"""Summaries: few requests, a row a job in the order asked, whatever the summary table knows of it."""

from __future__ import annotations

from typing import Any

import pytest

from swnb.call import Call, Reply
from swnb.errors import BadReply, NotFound
from swnb.providers.starwhale import Starwhale

from .plans import one_page, play, refused, reply


def uuid(number: int) -> str:
    return f"{number:031x}f"


def job(number: int) -> dict[str, Any]:
    return {"id": str(number), "uuid": uuid(number), "jobStatus": "SUCCESS"}


def row(number: int, *, system: bool = True) -> dict[str, Any]:
    cells: dict[str, Any] = {"id": {"type": "STRING", "value": uuid(number)}}
    cells["accuracy"] = {"type": "INT64", "value": f"{number:016x}"}
    if system:
        cells["sys/id"] = {"type": "INT64", "value": f"{number:016x}"}
    return cells


class Server:
    """Listed jobs, unlisted jobs (removed, or of a type that no list has), and the rows of the summary table."""

    def __init__(self, listed: Any, rows: Any, unlisted: Any = ()) -> None:
        self.listed = list(listed)
        self.unlisted = list(unlisted)
        self.rows = sorted(rows, key=lambda each: str(each["id"]["value"]))

    def __call__(self, call: Call[Any]) -> Reply:
        last = call.path.rsplit("/", 1)[-1]
        if last == "queryTable":
            wanted = _wanted(call.json["filter"])
            return reply({"records": [each for each in self.rows if _names(each) & wanted]})
        if last == "scanTable":
            after = call.json.get("start", "")
            rows = [each for each in self.rows if each["id"]["value"] > after][: call.json["limit"]]
            return reply({"records": rows} | ({"lastKey": rows[-1]["id"]["value"]} if rows else {}))
        if last == "job":
            return one_page([job(number) for number in self.listed])
        if last == "demo":
            return reply({"id": "2", "name": "demo"})
        for number in (*self.listed, *self.unlisted):
            if last in (str(number), uuid(number)):
                return reply(job(number))
        return refused(404, f"Resource is not found Starwhale Bundle\n{last}", array=True)


def _wanted(condition: dict[str, Any]) -> set[tuple[str, Any]]:
    """What a filter of EQUALs asks for: (column, value)."""
    if condition["operator"] == "OR":
        assert len(condition["operands"]) >= 2
        return {pair for operand in condition["operands"] for pair in _wanted(operand["filter"])}
    assert condition["operator"] == "EQUAL"
    column, value = condition["operands"]
    return {(column["columnName"], value.get("intValue", value.get("stringValue")))}


def _names(record: dict[str, Any]) -> set[tuple[str, Any]]:
    number = record.get("sys/id")
    return {("id", record["id"]["value"])} | ({("sys/id", int(number["value"], 16))} if number else set())


def summary(server: Server, jobs: Any, project: str = "2") -> tuple[list[tuple[str, Any]], int]:
    played = play(Starwhale("http://h").summary(project, jobs), server)
    return [(each.id, each.values.get("accuracy")) for each in played.result], len(played.calls)


@pytest.mark.parametrize("n", [1, 2, 999, 1000, 1001, 2500])
def test_summaries_take_one_question_for_each_thousand(n: int) -> None:
    numbers = list(range(n, 0, -1))
    found, requests = summary(Server(numbers, map(row, numbers)), [str(number) for number in numbers])
    assert found == [(str(number), number) for number in numbers]
    assert requests == -(-n // 1000)


def test_the_question_for_one_and_for_two() -> None:
    equal = {"operator": "EQUAL", "operands": [{"columnName": "sys/id"}, {"intValue": 7}]}
    other = {"operator": "EQUAL", "operands": [{"columnName": "id"}, {"stringValue": uuid(8)}]}
    server = Server([7, 8], [row(7), row(8)])
    common = {"tableName": "project/2/eval/summary", "encodeWithType": True, "limit": 1000}
    path = "/api/v1/datastore/queryTable"
    assert play(Starwhale("http://h").summary("2", ["7"]), server).asked == [("POST", path, common | {"filter": equal})]
    assert play(Starwhale("http://h").summary("2", ["7", uuid(8).upper()]), server).asked == [
        ("POST", path, common | {"filter": {"operator": "OR", "operands": [{"filter": equal}, {"filter": other}]}})
    ]


def test_rows_come_in_the_order_asked_also_twice_and_by_uuid() -> None:
    server = Server([1, 2, 3], map(row, (1, 2, 3)))
    asked = ["3", uuid(1), "2", "3", uuid(2).upper(), "01"]
    assert summary(server, asked) == ([("3", 3), ("1", 1), ("2", 2), ("3", 3), ("2", 2), ("1", 1)], 1)


@pytest.mark.parametrize("n", [2, 700, 1500])
def test_jobs_without_a_row_cost_one_list_and_one_more_question(n: int) -> None:
    numbers = range(1, n + 1)
    found, requests = summary(Server(numbers, map(row, range(2, n + 1, 2))), list(map(str, numbers)), "demo")
    assert found == [(str(number), number if number % 2 == 0 else None) for number in numbers]
    assert requests <= 3 + -(-n // 1000)


def test_a_single_job_without_a_row_is_asked_for_by_itself() -> None:
    assert summary(Server([1], []), ["1"]) == ([("1", None)], 3)


def test_a_row_that_does_not_say_its_number_is_found_by_its_uuid() -> None:
    server = Server([1, 2], [row(1, system=False), row(2, system=False)])
    assert summary(server, ["1", uuid(2)]) == ([("1", 1), ("2", 2)], 3)


def test_jobs_that_no_list_shows_are_asked_for_one_by_one() -> None:
    server = Server([1], [row(1)], unlisted=[15, 16])
    assert summary(server, ["15", "1", "16"])[0] == [("15", None), ("1", 1), ("16", None)]


@pytest.mark.parametrize("jobs", [["999"], ["1", "999"], ["998", "999"], ["f" * 32]])
def test_an_unknown_job_is_not_found_rather_than_left_out(jobs: list[str]) -> None:
    with pytest.raises(NotFound, match=r"Starwhale Bundle: [9f]"):
        summary(Server([1], [row(1)]), jobs)


def test_no_jobs_cost_no_request() -> None:
    assert summary(Server([], []), []) == ([], 0)


def test_the_whole_project_is_one_list_and_one_walk_without_removed_jobs() -> None:
    numbers = range(1, 1501)
    server = Server([n for n in numbers if n != 7], map(row, [*numbers, 2000]))
    server.listed.append(3000)  # has no row
    found, requests = summary(server, None)
    assert found == [("3000", None), *((str(n), n) for n in range(1500, 0, -1) if n != 7)]
    assert requests == 3


def test_the_bookkeeping_stands_apart() -> None:
    (found,) = play(Starwhale("http://h").summary("2", ["7"]), Server([7], [row(7)])).result
    assert (found.values, found.own) == ({"id": uuid(7), "accuracy": 7}, {"sys/id": 7})
    assert (found.project, found.job) == ("2", None)


def test_rows_of_another_shape_are_a_bad_reply() -> None:
    with pytest.raises(BadReply, match=r"data.records"):
        play(Starwhale("http://h").summary("2", ["7"]), lambda call: reply({"records": [5]}))
