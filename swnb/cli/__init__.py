"""The ``swnb`` command: docs/command-line.md.

Ends with 0; with 1 for an error of ours (its sentence on stderr, nothing else); with 2 for a line that cannot be meant;
with 130 when interrupted. A reader that closes the pipe ends it quietly.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from swnb._version import __version__
from swnb.cli.language import LANGUAGE
from swnb.errors import BadInput, SwnbError

_USAGE: Final = 2
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and give its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # server text that the terminal's encoding lacks
    try:
        code = _main(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        return 0
    return code


def _main(words: list[str]) -> int:
    if words[:1] == ["--version"]:
        sys.stdout.write(f"swnb {__version__}\n")
        return 0
    if words[:1] == ["sandbox"]:
        return _sandbox(words[1:])
    words, more = _parted(words)
    try:
        said = LANGUAGE.understand(words)
    except BadInput as error:
        return _tell(error, _USAGE)
    if isinstance(said, str):
        sys.stdout.write(said if said.endswith("\n") else said + "\n")
        return 0
    try:
        code: int = import_module("swnb.cli.commands").run(said, more)
    except SwnbError as error:
        return _tell(error, 1)
    return code


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands behind ``--`` is for the program that the verb starts (``swnb lab -- --allow-root``)."""
    if words[:1] != ["lab"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _sandbox(words: list[str]) -> int:
    try:
        code: int = import_module("swnb.sandbox.__main__").main(words)
    except SystemExit as end:  # argparse's own
        return end.code if isinstance(end.code, int) else _USAGE
    except ModuleNotFoundError as error:
        needed = BadInput(f"the sandbox needs the package {error.name}", todo='pip install "swnb[sandbox]" brings it')
        return _tell(needed, 1)
    return code


def _tell(error: SwnbError, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"{error}\n")
    return code


def _close_stdout() -> None:
    """Python would complain when it flushes what nobody reads any more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
