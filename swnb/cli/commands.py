"""What each verb of the command line does, and where its answer goes."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from swnb import bridge, settings
from swnb.cli import records, tour, write
from swnb.client import public, spoken
from swnb.client.logs import follow
from swnb.client.source import Source, close_all
from swnb.client.spoken import Said
from swnb.errors import BadInput, strip_ansi

_followed = bridge.both_iter_function(follow)
_FORMS: Final = ("json", "csv", "wide")


def run(said: Said, more: list[str]) -> int:
    """Do what was said; the exit code. ``more`` is for the program that the verb starts."""
    if said.verb == "lab":
        return tour.start(said.options, more)
    try:
        return _run(said)
    finally:
        bridge.run(close_all())  # aiohttp complains on stderr about what is open at the end


def _run(said: Said) -> int:
    if said.verb == "doctor":
        report = said.call()
        _line(str(report))
        return 0 if report.ok else 1
    _VERBS.get(said.verb, _show)(said)
    return 0


def _connect(said: Said) -> None:
    name, address = said.places
    asks = "file://" not in address and (said.options.get("token_stdin") or sys.stdin.isatty())
    public.connect(name, address, **(_answer(name, said.options) if asks else {}))
    _line(f"{name} is saved. swnb projects {name} lists its projects.")


def _signin(said: Said) -> None:
    (name,) = said.places
    entry = settings.find(name)
    if not (said.options.get("token_stdin") or sys.stdin.isatty()):
        raise BadInput("there is no terminal to ask in", where=name, todo="--token-stdin reads from standard input")
    answer = _answer(name, said.options)
    if not answer:
        raise BadInput("nothing was given", where=name, todo="Nothing has changed")
    count = bridge.run(_tried(entry, answer))
    public.connect(name, entry.bare, **answer)
    _line(f"{name} accepts it: {count} project{'s' if count != 1 else ''}.")


async def _tried(entry: settings.Entry, answer: Mapping[str, Any]) -> int:
    """How many projects this sign-in shows. It is tried before it takes the place of one that works."""
    source = Source(entry)
    source.use(settings.Credential(**answer))
    try:
        listing = await source.run(source.backend.projects())
    finally:
        await source.close()
    return len(listing.items)


def _answer(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The secret as ``connect`` takes it; nothing where the answer is empty."""
    ask = _read_line if options.get("token_stdin") else getpass.getpass
    return spoken.ask_secret(name, options.get("user"), ask)


def _read_line(_: str) -> str:
    return sys.stdin.readline().strip()


def _forget(said: Said) -> None:
    said.call()
    _line(f"{said.places[0]} is forgotten.")


def _tables(said: Said) -> None:
    form = _form(said)
    write.out(({"table": name} for name in said.call()), form, ["table"])


def _logs(said: Said) -> None:
    if not said.options.pop("follow", None):
        text = _safe(str(said.call()))
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        return
    if said.options:
        raise BadInput("--tail and --follow do not go together", todo="Leave one of them out")
    with closing(_followed(said.places[0])) as lines:
        for line in lines:
            _line(_safe(line))
            sys.stdout.flush()


def _rows(said: Said) -> None:
    form, options = _form(said), said.options
    with closing(records.of_rows(said.places, options)) as stream:
        wanted = options.get("columns")
        write.out(stream, form, None if wanted is None else list(dict.fromkeys(["id", *wanted])))


def _show(said: Said) -> None:
    """A verb that gives a frame."""
    form = _form(said)
    frame = said.call()
    if said.verb == "job" and form == "text":
        write.out(_fields(frame), "text", ["field", "value"])
        return
    columns = records.columns(frame)
    brief = records.BRIEF.get(said.verb, columns) if form == "text" else columns
    write.out(records.of_frame(frame, brief), form, brief)
    for note in public.provenance(frame).notes if said.verb != "servers" else ():
        sys.stderr.write(f"note: {_safe(note)}\n")


def _fields(frame: Any) -> Iterator[dict[str, Any]]:
    """One job: a line for each field that it has."""
    for record in records.of_frame(frame, records.columns(frame)):
        for name, value in record.items():
            if value is not None:
                yield {"field": name, "value": value}


def _form(said: Said) -> write.Form:
    asked = [name for name in _FORMS if said.options.pop(name, None)]
    if len(asked) > 1:
        raise BadInput(f"--{asked[0]} and --{asked[1]} do not go together", todo="Choose one")
    forms: dict[str, write.Form] = {"json": "json", "csv": "csv", "wide": "wide"}
    return forms[asked[0]] if asked else "text"


def _safe(text: str) -> str:
    """Server text for a terminal: no control characters but line ends and tabs."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in strip_ansi(text))


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


_VERBS: Final[Mapping[str, Callable[[Said], None]]] = {
    spoken.CONNECT.name: _connect,
    spoken.SIGNIN.name: _signin,
    spoken.FORGET.name: _forget,
    spoken.ROWS.name: _rows,
    "tables": _tables,
    "logs": _logs,
}
