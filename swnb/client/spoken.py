"""The verbs as people say them, in words instead of Python: ``swnb jobs lab --limit 3``.

Each verb and its options are described once, as data. A :class:`Language` (the notebook's, the command line's) makes of
them a parser, its help and its completions. Nothing here loads pandas, so that help is there at once.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Literal, NoReturn

from swnb.errors import BadInput
from swnb.secret import Secret

Kind = Literal["flag", "text", "count", "list", "key", "seconds"]

_SECRET: Final = re.compile(r"--?(?:token|password|passwd|api[-_]?key|secret)(?:=.*)?", re.IGNORECASE | re.DOTALL)
_HELP: Final = ("-h", "--help")


@dataclass(frozen=True, slots=True)
class Place:
    """What stands without a flag. ``count``: ``""`` one, ``"?"`` one or none, ``"+"`` at least one."""

    name: str
    count: Literal["", "?", "+"] = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A flag, named as the Python argument (``keep_none`` is said as ``--keep-none``)."""

    name: str
    help: str
    kind: Kind = "text"
    short: str = ""

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    help: str
    places: tuple[Place, ...] = ()
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """One command, understood: the values of the places in their order, and the options that were given."""

    verb: str
    places: list[Any] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    def call(self) -> Any:
        """What the call of that name gives: ``swnb.jobs(["lab"], limit=3)``."""
        if self.verb == "job":
            return _public("jobs")(*self.places, config=True)
        return _public(self.verb)(*self.places, **self.options)


def _public(name: str) -> Callable[..., Any]:
    home = "swnb.client.doctor" if name == "doctor" else "swnb.client.public"
    found: Callable[..., Any] = getattr(import_module(home), name)
    return found


_LIMIT = Option("limit", "at most so many", "count")
_JOB, _JOBS = Place("JOB"), Place("JOB", "+")
_TABLE = Place("TABLE", "?")

CONNECT: Final = Verb(
    "connect",
    "Save a server under a name. The token is asked for and is never part of the line.",
    (Place("NAME"), Place("ADDRESS")),
    (Option("user", "sign in with this user and a password, which is asked for"),),
)
SIGNIN: Final = Verb("signin", "Ask for the token of a server and save it.", (Place("SERVER"),), CONNECT.options)
SERVERS: Final = Verb("servers", "The servers that can be named.")
FORGET: Final = Verb("forget", "Remove a saved server and its sign-in.", (Place("NAME"),))
DOCTOR: Final = Verb(
    "doctor",
    "What is installed, which servers answer, what is wrong and how to mend it.",
    options=(Option("timeout", "seconds for each server (5)", "seconds"),),
)
ROWS: Final = Verb(
    "rows",
    "Rows of a table, in the order of its key.",
    (_JOB, _TABLE),
    (
        Option("start", "the first key", "key"),
        Option("end", "the key to stop before", "key"),
        Option("end_inclusive", "take the row at --end too", "flag"),
        Option("columns", "only these, with commas between", "list"),
        Option("keep_none", "keep cells that hold None", "flag"),
        _LIMIT,
    ),
)
READS: Final = (
    Verb("projects", "Projects of servers.", (Place("SERVER", "+"),)),
    Verb(
        "jobs",
        "Jobs of servers or projects, newest first.",
        (Place("WHERE", "+"),),
        (
            Option("status", "only these: queued running paused stopping succeeded failed cancelled unknown", "list"),
            Option("name", "part of the name"),
            Option("owner", "only of this user"),
            Option("since", "created then or later: 2026-11-22, 24h, 7d"),
            _LIMIT,
            Option("config", "the settings of each job too", "flag"),
            Option("env", "show the values of its environment", "flag"),
        ),
    ),
    Verb("job", "One job with its settings.", (_JOB,)),
    Verb("tasks", "Tasks of jobs.", (_JOBS,)),
    Verb(
        "summary",
        "Final values, one row a job.",
        (Place("WHERE", "+"),),
        (
            Option("keys", "only these, with commas between", "list"),
            Option("steps", "at which step they were reached", "flag"),
        ),
    ),
    Verb("tables", "Names of the tables of a job.", (_JOB,)),
    ROWS,
    Verb("logs", "The log of a job.", (_JOB,), (Option("tail", "only the last lines, so many", "count"),)),
    Verb(
        "wait",
        "Wait until jobs have ended.",
        (_JOBS,),
        (
            Option("until", "also until they are: queued running paused stopping …, with commas between", "list"),
            Option("first", "until one of them has", "flag"),
            Option("timeout", "at most so many seconds", "seconds"),
            Option("every", "seconds between two looks", "seconds"),
        ),
    ),
    Verb("events", "What the platform noted about jobs.", (_JOBS,)),
    Verb(
        "metrics",
        "Series of numbers of jobs.",
        (_JOBS,),
        (
            Option("keys", "only these, with commas between", "list"),
            Option("table", "the table whose columns they are (Starwhale)"),
            Option("wide", "a column for each metric", "flag"),
            Option("steps", "at most so many points a series", "count"),
        ),
    ),
)


class Language:
    """The verbs of one surface. ``prog`` is how its lines begin; ``asking`` says how it takes tokens instead."""

    def __init__(self, prog: str, verbs: Iterable[Verb], *, about: str, asking: str) -> None:
        self.prog, self.about, self.asking = prog, about, asking
        self.verbs: Mapping[str, Verb] = {verb.name: verb for verb in verbs}

    def understand(self, words: Sequence[str]) -> Said | str:
        """The command that ``words`` are, or the help that they ask for. Raises BadInput, whose sentence repeats no
        word that could be a token."""
        self._refuse_secrets(words)
        if not words or words[0] in (*_HELP, "help"):
            return self.help()
        verb = self._verb(words[0])
        if any(word in _HELP for word in words):
            return _parser(self.prog, verb).format_help()
        return self._said(verb, words[1:])

    def help(self) -> str:
        width = max(map(len, self.verbs)) + 2
        lines = [f"  {verb.name:<{width}}{verb.help}" for verb in self.verbs.values()]
        return "\n".join(
            [f"{self.prog} VERB …", "", self.about, "", *lines, "", f"{self.prog} VERB --help tells more."]
        )

    def _refuse_secrets(self, words: Sequence[str]) -> None:
        if any(_SECRET.fullmatch(word) for word in words):
            raise BadInput(
                "a token or password does not go on the line, because lines are kept: in the history, in saved "
                "notebooks, in lists of processes",
                todo=f"{self.asking}. If this one was real, it is in the history now: replace it",
            )

    def _verb(self, word: str) -> Verb:
        if word in self.verbs:
            return self.verbs[word]
        near = difflib.get_close_matches(word.lower(), self.verbs, 1)
        todo = f"Did you mean {near[0]}?" if near else f"{self.prog} --help lists the verbs"
        raise BadInput(f"{word!r} is no verb of {self.prog}", todo=todo)

    def _said(self, verb: Verb, words: Sequence[str]) -> Said:
        found, rest = _parser(self.prog, verb).parse_known_intermixed_args(words)
        if rest:
            raise self._too_much(verb, rest)
        places = [getattr(found, place.name) for place in verb.places]
        options = {option.name: getattr(found, option.name) for option in verb.options}
        given = {name: value for name, value in options.items() if value is not None}
        return Said(verb.name, [place for place in places if place is not None], given)

    def _too_much(self, verb: Verb, rest: Sequence[str]) -> BadInput:
        """Only the names of flags are repeated: a word too many may be a token."""
        todo = f"{self.prog} {verb.name} --help tells what it takes"
        flag = next((word.partition("=")[0] for word in rest if word.startswith("-")), None)
        if flag is None:
            return BadInput(f"{verb.name} takes {_takes(verb)} and nothing more", todo=todo)
        near = difflib.get_close_matches(flag, [option.flag for option in verb.options], 1)
        return BadInput(f"{verb.name} has no {flag}", todo=f"Did you mean {near[0]}?" if near else todo)


def split(line: str) -> list[str]:
    """The words of a line, with a shell's quotes; from a word that begins with ``#`` on it is a comment."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    found: list[str] = []
    try:
        for word in reader:
            if word.startswith("#"):
                break
            found.append(word)
    except ValueError:
        raise BadInput("a quote in this line is not closed", todo="Close it, or put a backslash before it") from None
    return found


def ask_secret(name: str, user: str | None, ask: Callable[[str], str]) -> dict[str, Any]:
    """Ask for the token of a server, or the password of a user, and give it as ``connect`` takes it; nothing where the
    answer is empty, so that what is saved stays."""
    what = "Token" if user is None else f"Password of {user}"
    secret = Secret(ask(f"{what} for {name} (empty: none, or that saved before): "))
    if not secret:
        return {}
    return {"token": secret} if user is None else {"user": user, "password": secret}


class _Parser(argparse.ArgumentParser):
    """argparse that raises our errors: a kernel must never see a SystemExit."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{self.prog}: {message}", todo=f"{self.prog} --help tells what it takes")


def _parser(prog: str, verb: Verb) -> _Parser:
    parser = _Parser(prog=f"{prog} {verb.name}", description=verb.help, add_help=False, allow_abbrev=False)
    for place in verb.places:
        parser.add_argument(place.name, nargs=place.count or None)
    for option in verb.options:
        names = [option.short, option.flag] if option.short else [option.flag]
        if option.kind == "flag":
            parser.add_argument(*names, dest=option.name, help=option.help, action="store_true", default=None)
        else:
            action = _Listed if option.kind == "list" else "store"
            parser.add_argument(
                *names, dest=option.name, help=option.help, action=action, type=_TYPES[option.kind], metavar="X"
            )
    parser.add_argument(*_HELP, action="store_true", help="show this")
    return parser


class _Listed(argparse.Action):
    """``--columns a,b --columns c`` is one list."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *values])


def _list(text: str) -> list[str]:
    """Words with commas between; quotes (``'"a,b",c'``) keep a comma in a word."""
    return [word for word in next(csv.reader([text], skipinitialspace=True), []) if word]


def _key(text: str) -> int | float | str:
    """A key of a table: a number where it looks like one, text otherwise; ``'"10"'`` is the text 10."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, str)) and not isinstance(value, bool) else text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


_TYPES: Final[Mapping[Kind, Callable[[str], Any]]] = {
    "text": str,
    "count": _count,
    "list": _list,
    "key": _key,
    "seconds": _seconds,
}


def _takes(verb: Verb) -> str:
    return (
        " ".join(place.name + {"": "", "?": " (or none)", "+": " (one or more)"}[place.count] for place in verb.places)
        or "no words"
    )
