"""More of a job than how it stands: its values and steps, counted tasks, the last line of its log, why it failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from swnb.client import logs as log
from swnb.client.source import Source
from swnb.errors import SwnbError, strip_ansi
from swnb.fetch.book import Asker, Key, Seen
from swnb.fetch.tasks import abreast
from swnb.fetch.watch import Closer
from swnb.model import JobInfo, Status, SummaryRow, TaskInfo
from swnb.providers.base import LogPart

_ABREAST: Final = 4
_AT_MOST: Final = 20  # jobs whose metrics or logs are asked for in one go; a summary takes them all
_LONGEST: Final = 500  # characters of a line


@dataclass(frozen=True, slots=True)
class Detail:
    """``values`` of the summary, or the last ones of the metrics; ``steps`` at which they were reached. ``tasks``: done
    and all. ``part`` is where the log goes on."""

    values: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Any] = field(default_factory=dict)
    tasks: tuple[int, int] | None = None
    line: str = ""
    error: str | None = None
    part: LogPart | None = None


def closer_of(source: Callable[[], Source]) -> Closer:
    async def closer(asker: Asker, looked: Sequence[Seen], valued: Sequence[Seen]) -> Mapping[Key, Detail]:
        details = {key_of(seen.info): seen.detail or Detail() for seen in [*valued, *looked]}
        infos = {key_of(seen.info): seen.info for seen in [*valued, *looked]}
        await _values(asker, infos, details)

        async def look(seen: Seen) -> None:
            key = key_of(seen.info)
            details[key] = await _looked(asker, source, seen.info, details[key])

        await abreast(look, looked[:_AT_MOST], _ABREAST)
        return details

    return closer


def key_of(info: JobInfo) -> Key:
    return info.project, info.id


async def _values(asker: Asker, infos: Mapping[Key, JobInfo], details: dict[Key, Detail]) -> None:
    """By the summary, one question a project; of jobs of which it says nothing, by the ends of their metrics."""
    begun = [info for info in infos.values() if info.status is not Status.QUEUED]
    if "summary" in asker.backend.offers:
        for project in dict.fromkeys(info.project for info in begun):
            ids = [info.id for info in begun if info.project == project]
            for row in await _tolerated(asker.run(asker.backend.summary(project, ids)), ()):
                _keep(details, row)
    bare = [info for info in begun if not details[key_of(info)].values]
    if "metrics" in asker.backend.offers:
        await abreast(lambda info: _ends(asker, info, details), bare[:_AT_MOST], _ABREAST)


def _keep(details: dict[Key, Detail], row: SummaryRow) -> None:
    key = (row.project, row.id)
    if key in details and row.values:
        details[key] = replace(details[key], values=row.values, steps=row.steps)


async def _ends(asker: Asker, info: JobInfo, details: dict[Key, Detail]) -> None:
    key = key_of(info)
    series = await _tolerated(asker.run(asker.backend.metrics(info.project, [info.id], None, 1)), ())
    ends = [each for each in series if len(each.step)]
    if ends:
        values = {each.metric: each.value[-1] for each in ends}
        steps = {f"{each.metric}.step": each.step[-1] for each in ends}
        details[key] = replace(details[key], values=values, steps=steps)


async def _looked(asker: Asker, source: Callable[[], Source], info: JobInfo, known: Detail) -> Detail:
    offers = asker.backend.offers
    if "tasks" in offers:
        tasks = await _tolerated(asker.run(asker.backend.tasks(info.project, info.id)), ())
        known = replace(known, tasks=_counted(tasks), error=_cause(tasks) or known.error)
    if "logs" in offers:
        known = await _tolerated(_line(asker, source, info, known), known)
    return known


def _counted(tasks: Sequence[TaskInfo]) -> tuple[int, int] | None:
    """A task may stand for a group of so many (``total``), of which a share is done (``progress``)."""
    done = total = 0.0
    for task in tasks:
        many, share = task.own.get("total"), task.own.get("progress")
        if not isinstance(many, int) or not isinstance(share, (int, float)):
            many, share = 1, task.status.final
        total += many
        done += many * share
    return (round(done), round(total)) if total else None


def _cause(tasks: Sequence[TaskInfo]) -> str | None:
    failed = [task for task in tasks if task.status is Status.FAILED]
    said: Iterable[str | None] = (each for task in failed for each in (task.error, *(run.error for run in task.runs)))
    return next(filter(None, said), None)


async def _line(asker: Asker, source: Callable[[], Source], info: JobInfo, known: Detail) -> Detail:
    """With the last line of the log: what came since, where the platform can tell, else of the whole."""
    part = known.part
    if part is not None and part.more is not None:
        part = await asker.run(part.more())
    elif part is None or part.live is None:
        parts = await asker.run(asker.backend.logs(info.project, info.id))
        part = parts[-1] if parts else LogPart("")
    text = part.text
    if part.live is not None and not info.status.final:
        text = await log.logs(source().origin.job(info.project, info.id), tail=1)
    return replace(known, line=_last(text) or known.line, part=replace(part, text=""))


def _last(text: str) -> str:
    lines = (strip_ansi(line).strip() for line in reversed(text[-20 * _LONGEST :].splitlines()))
    return next(filter(None, lines), "")[:_LONGEST]


async def _tolerated(asked: Any, otherwise: Any) -> Any:
    """What one job cannot tell is not to keep the others from telling theirs."""
    try:
        return await asked
    except SwnbError:
        return otherwise
