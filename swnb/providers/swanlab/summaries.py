"""Summaries: the last, least and greatest value of each metric, many runs a request (swanlab paper 4, H1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from swnb.call import Plan, ask, ask_all, note
from swnb.errors import NotFound, ServerError
from swnb.model import JobInfo, SummaryRow
from swnb.providers.swanlab.calls import Calls
from swnb.providers.swanlab.records import Run
from swnb.providers.swanlab.replies import number
from swnb.providers.swanlab.words import SYSTEM

_AT_ONCE: Final = 500
_ONE_BY_ONE: Final = "summaries of many"  # in ``Calls.lacks``
_OBJECT: Final = "summaries by object"

Found = Mapping[str, Any]


def summaries(calls: Calls, runs: Sequence[Run]) -> Plan[dict[str, Found]]:
    """What the server keeps of each run's metrics, by cuid; nothing of a run without any."""
    size = 1 if _ONE_BY_ONE in calls.lacks else _AT_ONCE
    parts = [runs[at : at + size] for at in range(0, len(runs), size)]
    answers = yield from ask_all([_some(calls, part) for part in parts])
    return {cuid: found for answer in answers for cuid, found in answer.items()}


def _some(calls: Calls, runs: Sequence[Run]) -> Plan[dict[str, Found]]:
    try:
        answer = yield from _asked(calls, runs)
    except NotFound:  # one of them, as it was removed since it was listed
        if len(runs) > 1:
            return (yield from _each(calls, runs))
        note(f"job {runs[0].id} is gone: it was removed while its summary was read")
        return {runs[0].cuid: {}}
    found = {run.cuid: _of(run, answer, alone=len(runs) == 1) for run in runs}
    if len(runs) > 1 and [cuid for cuid, each in found.items() if each is not None] == [runs[0].cuid] == [*answer]:
        # Only the first of many: of a server that takes but one, or because no other run has metrics. So ask again.
        more = yield from _each(calls, runs[1:])
        if any(more.values()):
            calls.lacks.add(_ONE_BY_ONE)
        found |= more
    return {cuid: each or {} for cuid, each in found.items()}


def _each(calls: Calls, runs: Sequence[Run]) -> Plan[dict[str, Found]]:
    answers = yield from ask_all([_some(calls, [run]) for run in runs])
    return {cuid: found for answer in answers for cuid, found in answer.items()}


def _asked(calls: Calls, runs: Sequence[Run]) -> Plan[Found]:
    """Newer servers want an object, older ones an array; which of them this is, its first refusal tells."""
    experiments = [run.experiment for run in runs]
    if _OBJECT not in calls.lacks:
        try:
            return (yield from ask(calls.summaries(experiments, older=False)))
        except (ServerError, NotFound) as error:
            if isinstance(error, ServerError) and not 400 <= (error.status or 0) < 500:
                raise
            refused = error
        try:
            answer = yield from ask(calls.summaries(experiments, older=True))
        except (ServerError, NotFound):
            raise refused from None
        calls.lacks.add(_OBJECT)
        return answer
    return (yield from ask(calls.summaries(experiments, older=True)))


def _of(run: Run, answer: Found, alone: bool) -> Found | None:
    """A clone may be answered for under its root's id; a single run under any."""
    names = (run.cuid, run.roots.get("rootExpId", run.cuid))
    found = next((answer[name] for name in names if answer.get(name) is not None), None)
    if found is None and alone:
        found = next(iter(answer.values()), None)
    return found if isinstance(found, Mapping) else None


def summary_row(job: JobInfo, metrics: Found) -> SummaryRow:
    """``key``, ``key.min`` and ``key.max`` as values, where they were reached as steps; system metrics apart. A metric
    that has such a name itself comes before them."""
    values: dict[str, Any] = {}
    own: dict[str, Any] = {}
    steps: dict[str, Any] = {}
    for key, found in metrics.items():
        if not isinstance(found, dict):
            continue
        cells, at = (own, own) if key.startswith(SYSTEM) else (values, steps)
        _put(cells, key, found.get("value"))
        if (name := f"{key}.step") not in metrics:
            _put(at, name, found.get("step"))
        for end in ("min", "max"):
            reached = found.get(end)
            if not isinstance(reached, dict):
                continue
            if (name := f"{key}.{end}") not in metrics:
                _put(cells, name, reached.get("data"))
            if (name := f"{key}.{end}_step") not in metrics:
                _put(at, name, reached.get("index"))
    return SummaryRow(job, job.id, values, own, job.project, steps)


def _put(cells: dict[str, Any], name: str, value: object) -> None:
    known = value if type(value) in (float, int) else number(value)  # 500 runs x 100 keys are 300,000 of them
    if known is not None:
        cells[name] = known
