"""What the vendor's own surface (``swnb.sdk.swanlab``) asks, as plans whose answers are the server's own JSON.

``ws=None`` is the own workspace. ``exp`` is a run's cuid or slug. Errors are those of the verbs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from swnb.call import Plan, Reply, ask, collect
from swnb.errors import NotFound
from swnb.model import Series
from swnb.providers.base import Lacking
from swnb.providers.reading import mapping
from swnb.providers.swanlab import metrics
from swnb.providers.swanlab.calls import Calls
from swnb.providers.swanlab.records import Run, cuid_of, job_info, project_path, run_path
from swnb.providers.swanlab.summaries import summaries

Json = Mapping[str, Any]


class Raw(Lacking):
    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self.calls = Calls(address)

    def own(self) -> Plan[str]:
        """The own workspace."""
        raise NotImplementedError

    def workspaces(self) -> Plan[list[Json]]:
        """M2."""
        return (yield from ask(self.calls.groups()))

    def raw_projects(self, ws: str | None = None, detail: bool = True) -> Plan[list[Json]]:
        """M6, all pages; ``_count`` with ``detail`` only."""
        first = self.calls.projects((yield from self._workspace(ws)), mapping, detail=detail)
        return [*(yield from collect(first, _cuid)).items]

    def raw_experiments(self, ws: str | None, project: str) -> Plan[list[Json]]:
        """M11, all pages; of the profile they have ``config``."""
        path = project_path((yield from self._project(ws, project)))
        return [*(yield from collect(self.calls.pages(f"{path}/runs", mapping), _cuid)).items]

    def raw_experiment(self, ws: str | None, project: str, exp: str) -> Plan[Json]:
        """M13."""
        path = run_path((yield from self._project(ws, project)), exp)
        return (yield from ask(self.calls.get(path, mapping)))

    def delete_project(self, ws: str | None, project: str) -> Plan[None]:
        path = project_path((yield from self._project(ws, project)))
        return (yield from ask(self.calls.delete(path)))

    def delete_experiment(self, ws: str | None, project: str, exp: str) -> Plan[None]:
        path = run_path((yield from self._project(ws, project)), exp)
        return (yield from ask(self.calls.delete(path)))

    def raw_summary(self, ws: str | None, project: str, exp: str) -> Plan[Json]:
        """H1 of one run: ``{key: {"step", "value", "min": {"index", "data"}, "max": …}}``; empty where it has none."""
        id_ = yield from self._project(ws, project)

        def read(record: Any, reply: Reply) -> Any:
            return job_info(record, reply, id_, "")

        project_cuid = yield from ask(self.calls.get(project_path(id_), cuid_of))
        job = yield from ask(self.calls.get(run_path(id_, exp), read))
        run = Run.of(job, project_cuid)
        return (yield from summaries(self.calls, [run]))[run.cuid]

    def metrics_of(self, exp: str, keys: Sequence[str]) -> Plan[list[Series]]:
        """M18: in full by the cuid alone, those of ``keys`` that there are, in their order."""
        return (yield from metrics.by_key(self.calls, Run(exp, exp), keys))

    def state(self, ws: str | None, project: str, exp: str) -> Plan[Json]:
        """M16, which only some servers have; else the state of M13."""
        path = run_path((yield from self._project(ws, project)), exp)
        try:
            return (yield from ask(self.calls.get(f"{path}/state", mapping)))
        except NotFound:
            found = yield from ask(self.calls.get(path, mapping))
        return {"state": found.get("state")}

    def _workspace(self, ws: str | None) -> Plan[str]:
        return ws if ws else (yield from self.own())

    def _project(self, ws: str | None, project: str) -> Plan[str]:
        return f"{(yield from self._workspace(ws))}:{project}"


def _cuid(record: Json) -> Any:
    return record.get("cuid")
