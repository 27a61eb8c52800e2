"""What trainings report at their end: in the record of their task, or in a file of the team (paper 3.3, 5.7, 6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from swnb.call import Plan, ask, ask_all, collect, note
from swnb.errors import BadReply, Forbidden, NotFound, ServerError, Unsupported
from swnb.model import JobInfo, SummaryRow
from swnb.providers.reading import mapping, text, whole
from swnb.providers.supervisely.calls import Calls
from swnb.providers.supervisely.replies import numbers

#: types of the tasks that may be trainings
TRAINS: Final = frozenset({"app", "app_gpu", "train"})
FOLDER: Final = "/experiments"
_FILE: Final = re.compile(r"/experiments/(\d{1,18})_[^/]*/(\d{1,18})_[^/]*/experiment_info\.json")
_NO_BOOKKEEPING: Final = frozenset({"evaluation_metrics"})

Json = Mapping[str, Any]


def summary_row(job: JobInfo, experiment: Json) -> SummaryRow:
    """The metrics, the primary one first; all else that the training says of itself as bookkeeping."""
    values = numbers(experiment.get("evaluation_metrics"))
    primary = text(experiment.get("primary_metric"))
    if primary in values:
        values = {primary: values[primary], **values}
    own = {name: value for name, value in experiment.items() if name not in _NO_BOOKKEEPING}
    return SummaryRow(job, job.id, values, own, job.project)


@dataclass(frozen=True, slots=True)
class Files:
    """The experiment files that the team of a workspace keeps, those of its other workspaces among them."""

    calls: Calls
    workspace: str
    team_of: Callable[[str], Plan[int | None]]

    def of(self, wanted: Collection[str], tasks: Collection[str] | None) -> Plan[dict[str, Json]]:
        """What they tell of the ``wanted`` tasks. ``tasks``: all that the workspace has; those that it had besides are
        counted in a note. Files out of reach are noted, not raised."""
        try:
            return (yield from self._of(wanted, tasks))
        except (Forbidden, NotFound, Unsupported, ServerError) as error:
            note(f"experiments in Team Files are left out: {error.what}")
            return {}

    def _of(self, wanted: Collection[str], tasks: Collection[str] | None) -> Plan[dict[str, Json]]:
        team = yield from self.team_of(self.workspace)
        if team is None:
            return {}
        places = _places((yield from ask(self.calls.files(team, FOLDER))))
        if tasks is not None:
            yield from self._count_gone({task: place[0] for task, place in places.items() if task not in tasks})
        paths = {task: places[task][1] for task in wanted if task in places}
        found = yield from ask_all([self._file(team, path) for path in paths.values()])
        return dict(zip(paths, found, strict=True))

    def _file(self, team: int, path: str) -> Plan[Json]:
        try:
            return (yield from ask(self.calls.file(team, path, mapping)))
        except (NotFound, ServerError, BadReply) as error:
            note(f"{path} could not be read: {error.what}")
            return {}

    def _count_gone(self, projects: Mapping[str, int]) -> Plan[None]:
        """Only its project tells whether such a task was one of this workspace."""
        if not projects:
            return
        listing = yield from collect(self.calls.projects(self.workspace), lambda project: project.get("id"))
        here = {whole(project.get("id")) for project in listing.items}
        gone = sorted((task for task, project in projects.items() if project in here), key=int)
        if gone:
            shown = ", ".join(gone[:10])
            note(f"experiments in Team Files whose tasks are gone have no row: {len(gone)} ({shown})")


def _places(files: Collection[Json]) -> dict[str, tuple[int, str]]:
    """Project and path of each task's file."""
    paths = [path for file in files if (path := text(file.get("path")))]
    return {match[2]: (int(match[1]), path) for path in paths if (match := _FILE.fullmatch(path))}
