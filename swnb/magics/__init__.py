"""``%load_ext swnb``: one line magic ``%swnb VERB …`` and one cell magic ``%%swnb`` with a verb on each line.

A line is a call in words: its value is what the call of that name gives. Our errors are shown as their sentence.
"""

from __future__ import annotations

import getpass
import keyword
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

from swnb.client import spoken
from swnb.client.spoken import Option, Place, Said, Verb
from swnb.errors import ActionsOff, BadInput, NotFound, SwnbError
from swnb.magics import complete

_KEEP: Final = Option("output", "keep the value under this name", short="-o")
_YES: Final = Option("yes", "really do it", "flag")
_METRICS: Final = tuple(o for verb in spoken.READS if verb.name == "metrics" for o in verb.options[:2])
_MOVES: Final = Option("interactive", "pan and zoom the figure in the page", "flag")
_JOB: Final = (Place("JOB"),)
_VERBS: Final = (
    spoken.CONNECT,
    Verb("signin", "A form that asks for the sign-in of a server.", (Place("SERVER", "?"),)),
    *(spoken.SERVERS, spoken.FORGET),
    *spoken.READS,
    Verb("plot", "Curves of jobs.", (Place("JOB", "+"),), (*_METRICS, _MOVES)),
    Verb("table", "A grid of a frame of yours, or of a table by its address.", (Place("WHAT"),)),
    Verb("browse", "The panel: servers, projects, jobs.", (Place("WHERE", "?"),)),
    Verb(
        "watch",
        "A live board of jobs.",
        (Place("WHERE", "+"),),
        (Option("notify", 'a rule such as "loss > 10 or stalled 5m"'),),
    ),
    Verb(
        "compare",
        "Curves, summary metrics and configs of jobs side by side.",
        (Place("WHERE", "+"),),
        (*_METRICS, _MOVES),
    ),
    Verb("provenance", "Where a frame of yours came from.", (Place("FRAME"),)),
    spoken.DOCTOR,
    Verb("stop", "Stop a job.", _JOB, (_YES,)),
    Verb("pause", "Pause a job.", _JOB, (_YES,)),
    Verb("resume", "Let a paused, failed or cancelled job go on.", _JOB, (_YES,)),
    Verb("delete", "Remove a job.", _JOB, (_YES,)),
)
LANGUAGE: Final = spoken.Language(
    "%swnb",
    [replace(verb, options=(*verb.options, _KEEP)) for verb in _VERBS],
    about="Servers, projects and jobs, in words. -o NAME keeps the value; {name} and $name are your variables.",
    asking="%swnb connect NAME ADDRESS asks for it, and %swnb signin NAME opens a form",
)


def load(shell: Any) -> None:
    """Give an IPython shell the two magics and their completions."""
    magics = _Magics(shell)
    shell.register_magic_function(magics.line, "line", "swnb")
    shell.register_magic_function(magics.cell, "cell", "swnb")
    complete.attach(shell, LANGUAGE)


class _Magics:
    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._special: Mapping[str, Callable[[Said], Any]] = {
            "connect": _connect,
            "signin": _signin,
            "logs": _logs,
            "plot": _plot,
            "table": lambda said: _panel("table")(self._mine(said.places[0])),
            "browse": lambda said: _panel("browse")(*said.places),
            "watch": lambda said: _panel("watch")(said.places[0], **said.options),
            "compare": lambda said: _panel("compare")(*_of_metrics(said), **said.options),
            "provenance": self._provenance,
            **dict.fromkeys(("stop", "pause", "resume", "delete"), _act),
        }

    def line(self, line: str) -> Any:
        """%swnb VERB … : a call of swnb in words. %swnb --help lists the verbs."""
        with _sentences():
            return self._run(line)

    def cell(self, line: str, cell: str) -> Any:
        """%%swnb : a verb on each line, # begins a comment; each value is shown, the last one is the cell's."""
        with _sentences():
            value = None
            for text in [line, *cell.splitlines()]:
                if spoken.split(text):
                    _show(value)
                    # No caller is so far away, so the names in the line are the user's, never those of a frame of ours.
                    value = self._run(self._shell.var_expand(text, sys.getrecursionlimit() + 1))
            return value

    def _run(self, line: str) -> Any:
        said = LANGUAGE.understand(spoken.split(line))
        if isinstance(said, str):
            _write(said)
            return None
        name = said.options.pop("output", None)
        if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
            raise BadInput(f"{name!r} is no name for a variable")
        value = self._special.get(said.verb, Said.call)(said)
        if name is not None:
            self._shell.user_ns[name] = value
        if said.verb == "logs":
            _write(value)
            return None
        return value

    def _mine(self, name: str) -> Any:
        """The user's variable of that name, else the text itself (an address)."""
        return self._shell.user_ns.get(name, name)

    def _provenance(self, said: Said) -> Any:
        (name,) = said.places
        if name not in self._shell.user_ns:
            raise NotFound(f"no variable is called {name!r}", todo="Keep a frame with -o NAME, then ask for that name")
        return Said("provenance", [self._shell.user_ns[name]]).call()


def _connect(said: Said) -> Any:
    """Ask for the secret and save; where this front end cannot ask, save and open the form."""
    name, address = said.places
    user = said.options.get("user")
    asked: dict[str, Any] = {}
    try:
        if "file://" not in address:
            asked = spoken.ask_secret(name, user, getpass.getpass)
    except NotImplementedError:  # IPython's word for a front end without input
        Said("connect", [name, address]).call()
        return _panel("signin")(name)
    return Said("connect", [name, address], asked).call()


def _signin(said: Said) -> Any:
    return _panel("signin")(*said.places)


def _logs(said: Said) -> str:
    return str(said.call())


def _plot(said: Said) -> Any:
    return import_module("swnb").plot(*_of_metrics(said), **said.options)


def _of_metrics(said: Said) -> tuple[Any, Any]:
    """The jobs, and the metrics where some are named."""
    return said.places[0], said.options.pop("keys", None)


def _panel(name: str) -> Callable[..., Any]:
    """The function that makes a panel; widgets are loaded when the first one is wanted."""
    made: Callable[..., Any] = getattr(import_module(f"swnb.widgets.{name}"), name)
    return made


def _act(said: Said) -> Any:
    (job,) = said.places
    if not said.options.get("yes"):
        raise ActionsOff(
            f"{said.verb} would change {job}",
            todo=f"Say %swnb {said.verb} {job} --yes if that is meant",
        )
    handle = import_module("swnb.client.handles").open_(job)
    if not hasattr(handle, said.verb):
        raise BadInput(f"{job} names no job", todo="Add /job/ID")
    return getattr(handle, said.verb)(yes=True)


def _show(value: Any) -> None:
    if value is not None:
        import_module("IPython.display").display(value)


def _write(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")


@contextmanager
def _sentences() -> Iterator[None]:
    """Our errors stay what they are, and are shown without a traceback: IPython asks an error how to show it."""
    try:
        yield
    except SwnbError as error:
        sentence = f"{type(error).__name__}: {error}"
        vars(error)["_render_traceback_"] = lambda: [sentence]
        raise error.with_traceback(None) from None
