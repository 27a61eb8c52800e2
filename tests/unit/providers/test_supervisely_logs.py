"""The log of a task as text, and what comes after it: nothing lost, nothing twice, however the bound is meant."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swnb.call import noting
from swnb.errors import NotFound
from swnb.providers.base import LogPart
from swnb.providers.supervisely.logs import Place, fresh, text_of

from .supervisely_server import Server, ok, refusal, task

BEGAN = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)


def line(message: str, at: int | None = 0, **more: Any) -> dict[str, Any]:
    """A record ``at`` milliseconds after the beginning."""
    moment = None if at is None else BEGAN + timedelta(milliseconds=at)
    stamp = {} if moment is None else {"timestamp": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return {"message": message, "level": "info", "task_id": 7, **stamp, **more}


class Logged(Server):
    """Its log grows; ``bound`` says which records a server gives for ``sinceTime``."""

    records: list[dict[str, Any]]
    bound = "inclusive"

    def _tasks_log_download(self, body: dict[str, Any]) -> Any:
        since = body.get("sinceTime")
        kept = [each for each in self.records if since is None or self._since(each, since)]
        random.Random(len(self.calls)).shuffle(kept)
        return ok(kept)

    def _since(self, record: dict[str, Any], since: str) -> bool:
        at = record.get("timestamp", "9")
        return {"inclusive": at >= since, "exclusive": at > since, "ignored": True}[self.bound]


def logged(*records: dict[str, Any], status: str = "started") -> Logged:
    server = Logged([task(7, status=status)])
    server.records = [*records]
    return server


def first(server: Server) -> LogPart:
    [part] = server.run(server.host.logs("51", "7"))
    return part


def after(server: Server, part: LogPart) -> LogPart:
    assert part.more is not None
    return server.run(part.more())


def test_the_text_of_a_log_is_its_messages() -> None:
    server = logged(line("one"), line("two\n", 1), status="finished")
    assert first(server) == LogPart("task log", "one\ntwo\n")


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"message": "hi", "level": "error"}, "[error] hi"),
        ({"message": "hi"}, "hi"),
        (
            {"message": "metrics", "level": "info", "metrics": {"a": 1}, "event_type": "E"},
            'metrics {"metrics": {"a": 1}}',
        ),
        ({"message": None, "level": "warn"}, "[warn]"),
        ({"message": {"a": 1}}, '{"a": 1}'),
        ({"message": "über", "who": "çelik", "authToken": "s3cret"}, 'über {"who": "çelik", "authToken": "****"}'),
        ({}, ""),
    ],
)
def test_a_record_is_its_level_its_message_and_what_else_it_holds(record: dict[str, Any], text: str) -> None:
    assert text_of([record]) == f"{text}\n"


def test_a_task_that_runs_has_more_and_one_that_ended_has_not() -> None:
    server = logged(line("one"))
    part = first(server)
    server.records.append(line("two", 5000))
    part = after(server, part)
    assert (part.text, part.more is None) == ("two\n", False)
    part = after(server, part)
    assert (part.text, part.more is None) == ("", False)
    server.tasks[0]["status"] = "stopped"
    server.records.append(line("three", 5000))
    part = after(server, part)
    assert (part.text, part.more) == ("three\n", None)


def test_the_last_seconds_are_asked_again() -> None:
    server = logged(line("one", 12500))
    after(server, first(server))
    assert server.asked[-1] == ("tasks.log.download", {"id": "7", "sinceTime": "2026-02-03T04:05:08.500Z"})


def test_a_log_that_is_empty_yet_is_asked_from_its_beginning() -> None:
    server = logged()
    part = first(server)
    server.records.append(line("one"))
    assert after(server, part).text == "one\n"


MOMENTS = st.integers(0, 30_000) | st.none()
WRITES = st.lists(st.lists(st.tuples(st.sampled_from("abc"), MOMENTS), max_size=6), max_size=6)


@given(WRITES, st.sampled_from(["inclusive", "exclusive", "ignored"]))
def test_each_record_comes_once_however_the_bound_is_meant(
    writes: list[list[tuple[str, int | None]]], bound: str
) -> None:
    """Records are at most ten seconds late; equal ones are told by their count."""
    server = logged()
    server.bound = bound
    part, now, said = first(server), 0, []
    for batch in writes:
        for message, ahead in batch:
            at = None if ahead is None else max(0, now - 9000) + ahead
            server.records.append(line(message, at))
            said.append(message)
            now = max(now, at or 0)
        part = after(server, part)
        heard = part.text.split()
        assert sorted(heard) == sorted(said)
        said = []


@given(st.lists(st.integers(0, 5), max_size=20))
def test_records_come_by_their_times(moments: list[int]) -> None:
    records = [line(str(at), at) for at in moments]
    found, _ = fresh(records, Place())
    assert [record["message"] for record in found] == [str(at) for at in sorted(moments)]


def test_a_record_without_a_time_stays_behind_the_one_before_it() -> None:
    found, _ = fresh([line("b", 2), line("traceback", None), line("a", 1)], Place())
    assert [record["message"] for record in found] == ["a", "b", "traceback"]


def test_a_server_without_logs_gives_an_empty_part_and_a_note() -> None:
    server = Server([task(7)])
    with noting() as notes:
        assert first(server) == LogPart("task log")
        assert first(server) == LogPart("task log")
    assert notes == ["this server gives no logs of tasks (asked for that of task 7)"]
    assert server.methods.count("tasks.log.download") == 1


def test_one_task_without_a_log_says_nothing_about_the_others() -> None:
    server = Server([task(7)], rules={"tasks.log.download": refusal(404, "nothing here", "tasks.log.download")})
    assert first(server).text == ""
    server.rules["tasks.log.download"] = ok([line("one")])
    assert first(server).text == "one\n"


def test_the_log_of_an_unknown_task_is_an_error() -> None:
    server = logged()
    with pytest.raises(NotFound, match="no task 9"):
        server.run(server.host.logs("51", "9"))


def test_a_record_that_an_answer_leaves_out_is_still_known_when_it_comes_again() -> None:
    one, two = line("one", 0), line("two", 10)
    _, place = fresh([one, two], Place())
    found, place = fresh([two], place)
    assert found == []
    found, place = fresh([one, two, one], place)
    assert found == [one]
