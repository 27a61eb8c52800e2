"""The verbs of the command line and their options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from swnb.client import spoken
from swnb.client.spoken import Language, Option, Verb

_FORM: Final = (
    Option("json", "one JSON object a line", "flag"),
    Option("csv", "CSV with a header", "flag"),
    Option("wide", "all columns, nothing cut", "flag"),
)
_STDIN: Final = Option("token_stdin", "read the token (with --user: the password) from standard input", "flag")
_LAB: Final = Verb(
    "lab",
    "Open the tour in JupyterLab; it brings a server of its own. What stands behind -- goes to JupyterLab.",
    options=(
        Option("dir", "the folder for your copy of the notebooks (swnb-tour)"),
        Option("no_browser", "open no browser", "flag"),
        Option("port", "the port of JupyterLab", "count"),
    ),
)
_SANDBOX: Final = Verb("sandbox", "Serve a made-up world on this machine until Ctrl-C.")
_FOLLOW: Final = Option("follow", "go on while the job runs", "flag")


def _reads() -> Iterator[Verb]:
    for verb in (spoken.SERVERS, *spoken.READS):
        own = [option for option in verb.options if option.name != "wide"]  # here it means the form of the text
        yield replace(verb, options=(*own, _FOLLOW) if verb.name == "logs" else (*own, *_FORM))


def _asks() -> Iterator[Verb]:
    for verb in (spoken.CONNECT, spoken.SIGNIN):
        yield replace(verb, options=(*verb.options, _STDIN))


LANGUAGE: Final = Language(
    "swnb",
    [_LAB, _SANDBOX, spoken.DOCTOR, *_asks(), spoken.FORGET, *_reads()],
    about="Machine-learning jobs of several platforms, in the terminal. Text, or --json, or --csv.",
    asking="swnb connect and swnb signin ask for it; --token-stdin reads it from standard input",
)
