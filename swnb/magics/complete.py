"""What Tab offers after ``%swnb``: verbs, flags, status words, servers, and projects that a server told before."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent import futures
from typing import Any, Final

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from swnb import settings
from swnb.bridge import submit
from swnb.client.spoken import Language
from swnb.errors import SwnbError
from swnb.model import Status

_IDENTIFIER: Final = "swnb"
_LINE: Final = re.compile(r"(?:^|[\s=])%swnb\s+(.*)$")
_PATIENCE: Final = 0.15  # seconds that Tab may take
_FRESH: Final = 60.0  # seconds that the projects of a server are taken as known


def attach(shell: Any, language: Language) -> None:
    """Let IPython ask us on lines of ours. The hook ``complete_command`` would not do: Jedi takes an address for a
    division and offers Python's names beside what the hook gives."""
    completer = Completer(language)

    def ask(context: CompletionContext) -> Any:
        found = completer(context.full_text, context.text_until_cursor, context.token)
        completions = [SimpleCompletion(text=each, type="magic") for each in found]
        return {"completions": completions, "suppress": bool(found), "ordered": True}

    matcher = context_matcher(identifier=_IDENTIFIER)(ask)
    others = [m for m in shell.Completer.custom_matchers if getattr(m, "matcher_identifier", "") != _IDENTIFIER]
    shell.Completer.custom_matchers[:] = [*others, matcher]


class Completer:
    """A server is asked for its projects in the background: those that come too late for this Tab are there at the
    next one."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._asked: dict[str, tuple[float, futures.Future[list[str]]]] = {}

    def __call__(self, cell: str, line: str, token: str) -> list[str]:
        """What may stand in the place of ``token``, the last word of ``line`` (up to the cursor)."""
        text = _ours(cell, line)
        if text is None:
            return []
        words = text.split()
        done = words if not text or text[-1].isspace() else words[:-1]
        found = [each for each in self._offers(done, token) if each.startswith(token)]
        # Where nothing fits an address, the address itself keeps IPython from offering Python's names instead.
        return found or ([token] if "/" in token else [])

    def _offers(self, done: Sequence[str], token: str) -> list[str]:
        verb = self._language.verbs.get(done[0]) if done else None
        if verb is None:
            return [] if done else [*self._language.verbs, "--help"]
        if done[-1] == "--status":
            return [status.value for status in Status]
        if token.startswith("-"):
            return [*(option.flag for option in verb.options), "--help"]
        return self._addresses(token) if verb.places else []

    def _addresses(self, token: str) -> list[str]:
        try:
            names = [entry.name for entry in settings.servers() if entry.name != entry.bare]
        except SwnbError:  # damaged settings: the call itself will say so
            return []
        server, parted, rest = token.partition("/project/")
        if not parted:
            return [*names, *(f"{name}/project/" for name in names)]
        return self._projects(server) if server in names and "/" not in rest else []

    def _projects(self, server: str) -> list[str]:
        asked, future = self._asked.get(server, (0.0, None))
        if future is None or time.monotonic() - asked > _FRESH:
            future = submit(_project_uris(server))
            self._asked[server] = (time.monotonic(), future)
        try:
            return future.result(_PATIENCE)
        except futures.TimeoutError:
            return []
        except Exception:  # Tab tells no errors; the next one asks again
            del self._asked[server]
            return []


def _ours(cell: str, line: str) -> str | None:
    """The words behind ``%swnb``, or the line itself in a cell of ``%%swnb``; None where the line is not ours."""
    if found := _LINE.search(line):
        return found[1]
    return line if cell.startswith("%%swnb") and not line.startswith("%%") else None


async def _project_uris(server: str) -> list[str]:
    from swnb.client.source import source_of  # noqa: PLC0415 - pandas comes with it

    source = source_of(settings.to_ref(server))
    listing = await source.run(source.backend.projects())
    return [source.origin.project(info.id) for info in listing.items]
