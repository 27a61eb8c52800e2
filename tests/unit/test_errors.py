from __future__ import annotations

import inspect
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swnb import errors
from swnb.errors import BadURI, ServerError, StoreError, SwnbError, Timeout, clean, strip_ansi
from swnb.secret import Secret

ALL = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SwnbError)]


@pytest.mark.parametrize("cls", ALL)
def test_each_error_is_a_sentence_that_says_where_what_and_what_to_do(cls: type[SwnbError]) -> None:
    error = cls("no such job", where="lab", todo="Look again")
    assert str(error) == "lab: no such job. Look again."
    assert (error.where, error.what, error.todo) == ("lab", "no such job", "Look again")


@pytest.mark.parametrize("cls", ALL)
def test_each_error_survives_another_process(cls: type[SwnbError]) -> None:
    error = pickle.loads(pickle.dumps(cls("gone", where="lab")))
    assert (type(error), str(error), error.where) == (cls, "lab: gone.", "lab")


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.BadInput, ValueError),
        (errors.Refused, PermissionError),
        (errors.NotFound, LookupError),
        (errors.Unsupported, NotImplementedError),
        (errors.BadReply, ValueError),
        (errors.Unreachable, ConnectionError),
        (errors.Timeout, TimeoutError),
        (errors.StoreError, OSError),
    ],
)
def test_errors_are_caught_as_what_python_calls_them(cls: type[SwnbError], builtin: type[Exception]) -> None:
    assert issubclass(cls, builtin)


def test_the_tree_at_the_head_of_the_module_names_each_error() -> None:
    drawn = errors.__doc__ or ""
    assert [cls.__name__ for cls in ALL if f"{cls.__name__} " not in drawn and f"{cls.__name__}\n" not in drawn] == []


def test_some_errors_carry_more() -> None:
    assert ServerError("x", status=500).status == 500
    assert Timeout("x", partial=[1]).partial == [1]
    assert StoreError("x").errno is None


def test_a_sentence_that_ends_keeps_its_end() -> None:
    assert str(BadURI("Really?", todo="Yes!")) == "Really? Yes!"


def test_a_token_that_a_server_echoes_is_masked_wherever_it_stands() -> None:
    secret = Secret("tok-0123456789")
    error = ServerError("bad tok-0123456789", where="http://tok-0123456789/", todo="not tok-\x1b[31m0123456789")
    assert "0123456789" not in str(error) + repr(error) + repr(vars(error))
    assert secret


@pytest.mark.parametrize("before", range(5970, 6003, 4))
def test_a_token_at_the_edge_of_the_cut_is_not_left_by_half(before: int) -> None:
    secret = Secret("tok-0123456789-and-more-of-it")
    assert "tok-01" not in clean(" " * before + secret.reveal())
    assert "tok-01" not in clean("x" * (before - 5700) + secret.reveal())


def test_hostile_text_becomes_one_short_printable_line() -> None:
    line = clean("a\nb\x1b[2J\x1b]0;title\x07c\u202e\x00d<script>" + "e" * 10_000_000)
    assert line.startswith("a bc d<script>eee")
    assert len(line) == 300
    assert line.isprintable()


@settings(deadline=None)
@given(st.text())
def test_clean_text_is_printable_and_stays_clean(text: str) -> None:
    line = clean(text)
    assert line.isprintable()
    assert clean(line) == line


def test_ten_megabytes_of_escapes_are_cut_before_they_cost_anything() -> None:
    assert clean("\x1b]" * 5_000_000 + "tail") == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://h\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07x", "x"),
        ("10\u00b0 [31m", "10\u00b0 [31m"),
    ],
)
def test_strip_ansi_takes_the_sequences_and_nothing_else(text: str, plain: str) -> None:
    assert strip_ansi(text) == plain


def test_what_is_no_text_is_shown_as_text() -> None:
    assert clean({"a": 1}) == "{'a': 1}"
