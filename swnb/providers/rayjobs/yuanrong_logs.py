"""Log files of a job on an openYuanRong dashboard, by line numbers (paper 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from swnb.call import Call, Plan, Reply, ask, ask_all, note
from swnb.errors import NotFound, ServerError
from swnb.model import JobInfo
from swnb.providers.base import LogPart
from swnb.providers.rayjobs.replies import decoder, yuanrong_refusal

_LINES: Final = 5000  # asked for at once
_TITLE: Final = "driver"


def parts(info: JobInfo, state: Callable[[], Plan[JobInfo]]) -> Plan[list[LogPart]]:
    """One part a file. ``state`` asks for the job anew."""
    names = yield from ask(_list(info.id))
    if names:
        return (yield from ask_all([LogFile(name, state).part(info.status.final) for name in names]))
    if info.status.final:
        note(f"the dashboard holds no log of job {info.id}; perhaps its log collector is off")
        return [LogPart(_TITLE)]
    return [LogPart(_TITLE, more=lambda: _later(info.id, state))]


def _later(job: str, state: Callable[[], Plan[JobInfo]]) -> Plan[LogPart]:
    """A log that was not there yet: its first file, where there is one now."""
    ended = yield from _ended(state)
    names = yield from ask(_list(job))
    if names:
        return (yield from LogFile(names[0], state).part(ended))
    return LogPart(_TITLE, more=None if ended else lambda: _later(job, state))


def _ended(state: Callable[[], Plan[JobInfo]]) -> Plan[bool]:
    """A job that is not listed any more was swept away after its end."""
    try:
        return (yield from state()).status.final
    except NotFound:
        return True


def _list(job: str) -> Call[list[str]]:
    """By the filter for instances: the one called ``submission_id`` means something else."""
    decode = decoder(_names, dict, yuanrong_refusal)
    return Call("GET", "/api/logs/list", decode, {"instance_id": job}, retry_500=False)


def _names(body: Any, reply: Reply) -> list[str]:
    nodes = body.get("data") or {}
    if not isinstance(nodes, Mapping) or not all(isinstance(names, list) for names in nodes.values()):
        raise reply.odd("a list of log files by node is expected")
    return [str(name) for names in nodes.values() for name in names]


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file, read from line ``start`` on."""

    name: str
    state: Callable[[], Plan[JobInfo]] = field(repr=False)
    start: int = 0

    def part(self, ended: bool) -> Plan[LogPart]:
        """``ended``: whether the job had ended before this is read, so that nothing can come after it."""
        try:
            text = yield from self._rest(ended)
        except ServerError as error:  # none or several of that name: the server tells them apart by nothing else
            note(f"the log {self.name} cannot be read: {error.what}")
            return LogPart(self.name)
        following = LogFile(self.name, self.state, self.start + text.count("\n"))
        return LogPart(self.name, text, more=None if ended else following.more)

    def more(self) -> Plan[LogPart]:
        return (yield from self.part((yield from _ended(self.state))))

    def _rest(self, ended: bool) -> Plan[str]:
        """The lines there are. One without an end is still being written, so it is left for the next time."""
        pieces: list[str] = []
        start, count = self.start, _LINES
        while count >= _LINES:
            piece = yield from ask(self._lines(start))
            count = piece.count("\n")
            start += count
            pieces.append(piece)
        text = "".join(pieces)
        return text if ended else text[: text.rfind("\n") + 1]

    def _lines(self, start: int) -> Call[str]:
        def decode(reply: Reply) -> str:
            if reply.status != 200:
                raise yuanrong_refusal(reply)
            return reply.text()

        query = {"filename": self.name, "start_line": str(start), "end_line": str(start + _LINES)}
        return Call("GET", "/api/logs", decode, query, retry_500=False)
