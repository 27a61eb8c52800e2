"""Which questions a round asks, and what it makes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from watching import Asking, Server, job

from swnb.errors import NotFound, Unreachable
from swnb.fetch.book import Book, Change, Scope
from swnb.model import Status

WHOLE = [Scope("1")]
DONE = Status.SUCCEEDED


def rounds(book: Book, server: Server, scopes: Sequence[Scope], now: float = 0.0) -> list[Change]:
    return asyncio.run(book.ask(Asking(server), scopes, now))


def asked(server: Server) -> list[str]:
    found, server.asked = server.asked, []
    return found


def test_a_single_job_is_asked_for_by_itself_and_several_by_the_list() -> None:
    server = Server(job("1"), job("2"), job("3"))
    book = Book()
    rounds(book, server, [Scope("1", "1")])
    asked(server)
    rounds(book, server, [Scope("1", "1")], 1)
    assert asked(server) == ["job key1"]
    rounds(book, server, [Scope("1", "1"), Scope("1", "2")], 2)
    assert asked(server) == ["list 1"]
    assert {key[1] for key in book.jobs} == {"1", "2"}


def test_a_project_by_its_name_and_by_its_id_is_one_list() -> None:
    server = Server(job("1"))
    book = Book()
    rounds(book, server, [Scope("1"), Scope("name 1")])
    rounds(book, server, [Scope("1"), Scope("name 1")], 1)
    assert asked(server).count("list 1") == 2


def test_a_server_means_all_its_projects_which_are_asked_for_now_and_then() -> None:
    server = Server(job("1"), job("2", project="2"))
    book = Book()
    for now in (0, 10, 20, 61):
        rounds(book, server, [Scope()], now)
    questions = asked(server)
    assert questions.count("projects") == 2
    assert questions.count("list 1") == questions.count("list 2") == 4
    assert set(book.jobs) == {("1", "1"), ("2", "2")}


def test_a_job_is_named_by_its_id_or_by_its_key() -> None:
    server = Server(job("1"), job("2"))
    book = Book()
    scopes = [Scope("1", "KEY1"), Scope("1", "2")]
    rounds(book, server, scopes)
    assert book.named == {scopes[0]: ("1", "1"), scopes[1]: ("1", "2")}


def test_a_job_that_is_not_there_is_missing_and_sought_again_after_a_minute() -> None:
    server = Server(job("1"), job("2"))
    book = Book()
    scopes = [Scope("1", "1"), Scope("1", "9")]
    rounds(book, server, scopes)
    assert isinstance(book.missing[Scope("1", "9")], NotFound)
    asked(server)
    rounds(book, server, scopes, 30)
    assert "job 9" not in asked(server)
    server.set(job("9"))
    rounds(book, server, scopes, 61)
    rounds(book, server, scopes, 62)
    assert book.missing == {}
    assert ("1", "9") in book.jobs


def test_a_project_that_is_not_there_is_missing_and_the_others_are_asked() -> None:
    server = Server(job("1"))
    book = Book()
    rounds(book, server, [Scope("9"), Scope("1")])
    assert isinstance(book.missing[Scope("9")], NotFound)
    assert set(book.jobs) == {("1", "1")}


def test_an_error_leaves_what_is_known() -> None:
    server = Server(job("1"))
    book = Book()
    rounds(book, server, WHOLE)
    server.error = Unreachable("nothing answers")
    with pytest.raises(Unreachable):
        rounds(book, server, WHOLE, 1)
    assert set(book.jobs) == {("1", "1")}


def test_what_is_there_at_the_start_is_no_change_and_what_comes_later_is() -> None:
    server = Server(job("1"))
    book = Book()
    assert rounds(book, server, WHOLE) == []
    server.set(job("2"))
    (change,) = rounds(book, server, WHOLE, 1)
    assert (change.key, change.before, change.after) == (("1", "2"), None, Status.RUNNING)


def test_a_single_job_that_is_swept_away_is_marked_removed() -> None:
    server = Server(job("1"))
    book = Book()
    scopes = [Scope("1", "1")]
    rounds(book, server, scopes)
    server.jobs_.clear()
    (change,) = rounds(book, server, scopes, 1)
    assert (change.before, change.after, change.raw) == (Status.RUNNING, Status.UNKNOWN, "removed")
    assert rounds(book, server, scopes, 2) == []
    assert book.jobs["1", "1"].removed


def test_settings_are_asked_for_once_and_kept() -> None:
    server = Server(job("1", config={"epochs": 3}))
    book = Book()
    rounds(book, server, WHOLE)
    rounds(book, server, WHOLE, 1)
    assert book.jobs["1", "1"].info.config == {"epochs": 3}
    server.set(job("2", config={"epochs": 4}))
    rounds(book, server, WHOLE, 2)
    rounds(book, server, WHOLE, 3)
    rounds(book, server, WHOLE, 4)
    assert book.jobs["1", "2"].info.config == {"epochs": 4}


def test_what_nobody_watches_any_more_is_forgotten() -> None:
    server = Server(job("1"), job("2", project="2"))
    book = Book()
    rounds(book, server, [Scope("1"), Scope("2")])
    rounds(book, server, WHOLE, 1)
    assert set(book.jobs) == {("1", "1")}


# -- the cheap way


def test_a_glance_stands_in_for_the_list() -> None:
    server = Server(job("1"), job("2"), glances=True)
    book = Book()
    rounds(book, server, WHOLE)
    asked(server)
    server.set(job("1", DONE))
    (change,) = rounds(book, server, WHOLE, 5)
    assert asked(server) == ["glance 1"]
    assert (change.key[1], change.after) == ("1", DONE)


def test_a_job_that_a_glance_shows_and_nobody_knows_makes_the_list_due() -> None:
    server = Server(job("1"), glances=True)
    book = Book()
    rounds(book, server, WHOLE)
    server.set(job("2"))
    asked(server)
    (change,) = rounds(book, server, WHOLE, 5)
    assert asked(server) == ["glance 1", "list 1"]
    assert change.key[1] == "2"
    rounds(book, server, WHOLE, 6)
    assert asked(server) == ["glance 1"]


def test_a_removed_job_that_a_glance_still_shows_makes_the_list_due_only_once_a_minute() -> None:
    server = Server(job("1"), job("2"), glances=True)
    book = Book()
    rounds(book, server, WHOLE)
    listed = server.jobs
    gone = Server(job("1"))
    server.jobs = gone.jobs  # type: ignore[method-assign]
    assert rounds(book, server, WHOLE, 30) == []
    (change,) = rounds(book, server, WHOLE, 61)
    assert (change.key[1], change.raw) == ("2", "removed")
    asked(gone)
    rounds(book, server, WHOLE, 70)
    assert asked(gone) == []
    assert listed is not server.jobs


def test_a_running_job_that_no_glance_tells_of_is_found_in_the_list() -> None:
    server = Server(job("1", DONE), job("2"), glances=True)
    server.hidden = {"2"}
    book = Book()
    rounds(book, server, WHOLE)
    server.set(job("2", DONE))
    asked(server)
    assert rounds(book, server, WHOLE, 5) == []
    (change,) = rounds(book, server, WHOLE, 9)
    assert change.key[1] == "2"
    asked(server)
    rounds(book, server, WHOLE, 30)
    assert asked(server) == ["glance 1"]


def test_a_wish_to_know_asks_for_the_list_at_once() -> None:
    server = Server(job("1"), glances=True)
    book = Book()
    rounds(book, server, WHOLE)
    asked(server)
    book.doubt()
    rounds(book, server, WHOLE, 1)
    assert asked(server) == ["glance 1", "list 1"]
