"""Records as DataFrames: one builder a verb. Columns and index as design.md section 3 says.

Each takes ``(origin, record)`` pairs, so that one frame may hold the records of several servers and platforms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import pandas as pd

from swnb.frames.columns import column, counts, durations, join, objects, statuses, texts, times
from swnb.model import ABSENT, AccessInfo, Batch, EventInfo, JobInfo, ProjectInfo, RunInfo, SummaryRow, TaskInfo
from swnb.uri import Ref

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Origin:
    """The server a record came from, as URIs name it, and its platform."""

    server: str
    platform: str

    def project(self, id_: str) -> str:
        return str(Ref(self.server, id_))

    def job(self, project: str, id_: str) -> str:
        return str(Ref(self.server, project, id_))


Pairs = Sequence[tuple[Origin, R]]


def servers(entries: Iterable[Mapping[str, str]]) -> pd.DataFrame:
    """``name platform address source``."""
    rows = list(entries)
    return _frame({name: texts([row[name] for row in rows]) for name in ("name", "platform", "address", "source")})


def projects(pairs: Pairs[ProjectInfo]) -> pd.DataFrame:
    """Index ``project`` (URI); ``platform server id name owner created jobs description url`` and the platform's."""
    infos = [info for _, info in pairs]
    fixed = {
        **_origins(pairs),
        "id": _texts(infos, "id"),
        "name": _texts(infos, "name"),
        "owner": _texts(infos, "owner"),
        "created": times([info.created for info in infos]),
        "jobs": counts([info.jobs for info in infos]),
        "description": _texts(infos, "description"),
        "url": _texts(infos, "url"),
    }
    index = _index("project", [origin.project(info.id) for origin, info in pairs])
    return _frame(fixed | _own(fixed, pairs), index)


def jobs(pairs: Pairs[JobInfo], *, config: bool = False, env: bool = False) -> pd.DataFrame:
    """Index ``job`` (URI); ``platform server project id name status raw_status created started finished elapsed owner
    error url``, the platform's own fields, and on request ``config.*`` (nested ones with dots), ``metadata.*`` and
    ``env.*`` (values masked unless ``env``)."""
    infos = [info for _, info in pairs]
    fixed = {
        **_origins(pairs),
        "project": _texts(infos, "project"),
        "id": _texts(infos, "id"),
        "name": _texts(infos, "name"),
        **_status(infos),
        "created": times([info.created for info in infos]),
        "started": times([info.started for info in infos]),
        "finished": times([info.finished for info in infos]),
        "elapsed": durations([info.elapsed for info in infos]),
        "owner": _texts(infos, "owner"),
        "error": _texts(infos, "error"),
        "url": _texts(infos, "url"),
    }
    index = _index("job", [origin.job(info.project, info.id) for origin, info in pairs])
    more = _own(fixed, pairs)
    if config or env:
        more |= _spread([{f"config.{k}": v for k, v in dotted(info.config).items()} for info in infos])
        more |= _spread([{f"metadata.{k}": v for k, v in info.metadata.items()} for info in infos])
        more |= _spread([{f"env.{k}": v if env else "****" for k, v in info.env.items()} for info in infos])
    return _frame(fixed | more, index)


def dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings as one, names joined by dots. An empty one stays, and so does one whose names are taken."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = {f"{name}.{k}": v for k, v in dotted(value).items()} if isinstance(value, Mapping) else {}
        taken = not inner or inner.keys() & (found.keys() | values.keys())
        found |= {name: value} if taken else inner
    return found


def tasks(triples: Sequence[tuple[Origin, JobInfo, TaskInfo]]) -> pd.DataFrame:
    """One row a task, index ``task``: ``job id name status raw_status started finished elapsed retries error``, the
    platform's own fields, and the attempts in ``runs`` (a list of dicts)."""
    infos = [info for _, _, info in triples]
    uris = [origin.job(job.project, job.id) for origin, job, _ in triples]
    fixed = {
        "job": texts(uris),
        "id": _texts(infos, "id"),
        "name": _texts(infos, "name"),
        **_status(infos),
        "started": times([info.started for info in infos]),
        "finished": times([info.finished for info in infos]),
        "elapsed": durations([info.elapsed for info in infos]),
        "retries": counts([info.retries for info in infos]),
        "error": _texts(infos, "error"),
    }
    own = _own(fixed, [(origin, info) for origin, _, info in triples])
    runs = {"runs": objects([[_run(run) for run in info.runs] for info in infos])}
    index = _index("task", [f"{uri}/task/{info.id}" for uri, info in zip(uris, infos, strict=True)])
    return _frame(fixed | own | runs, index)


def _run(run: RunInfo) -> dict[str, Any]:
    record = asdict(run)
    return {**record, "status": run.status.value, "own": dict(run.own)}


def events(pairs: Sequence[tuple[str, EventInfo]]) -> pd.DataFrame:
    """``job time level source subject message`` and the platform's own, oldest first."""
    infos = [info for _, info in pairs]
    fixed = {
        "job": texts([uri for uri, _ in pairs]),
        "time": times([info.time for info in infos]),
        **{name: _texts(infos, name) for name in ("level", "source", "subject", "message")},
    }
    own = _spread([{k: v for k, v in info.own.items() if k not in fixed} for info in infos])
    return _frame(fixed | own)


def access(infos: Sequence[AccessInfo]) -> pd.DataFrame:
    """``id name email relation`` and the platform's own."""
    fixed = {name: _texts(infos, name) for name in ("id", "name", "email", "relation")}
    return _frame(fixed | _spread([{k: v for k, v in info.own.items() if k not in fixed} for info in infos]))


def summary(
    pairs: Sequence[tuple[str, SummaryRow]], keys: Sequence[str] | None = None, steps: bool = False
) -> pd.DataFrame:
    """One row a job, index ``job`` (URI); ``id`` and a column for each value (only ``keys`` where given, in that
    order, also those that no job has), with ``steps`` beside it the step at which it was reached, where that is
    known."""
    rows = [{**row.values, **(row.steps if steps else {})} for _, row in pairs]
    names = _names(pairs, keys)
    if steps:
        known = {name for _, row in pairs for name in row.steps}
        names = [each for name in names for each in (name, step_of(name)) if each == name or each in known]
    cells = {name: column([row.get(name, ABSENT) for row in rows], name) for name in names}
    ids = {"id": texts([row.id for _, row in pairs])}
    return _frame(ids | {k: v for k, v in cells.items() if k != "id"}, _index("job", [u for u, _ in pairs]))


def _names(pairs: Sequence[tuple[str, SummaryRow]], keys: Sequence[str] | None) -> Sequence[str]:
    return keys if keys is not None else list(dict.fromkeys(k for _, row in pairs for k in row.values if k != "id"))


def step_of(column: str) -> str:
    """The column of the step beside a column of the summary: ``loss.step``, ``loss.min_step``, ``loss.max_step``."""
    return f"{column}_step" if column.endswith((".min", ".max")) else f"{column}.step"


def rows(parts: Sequence[tuple[str | None, Batch]], key: str = "id") -> pd.DataFrame:
    """Rows of one table of one or several jobs. With several (URIs given) the first column is ``job``. Plain index."""
    columns = join([batch for _, batch in parts])
    if key in columns:
        columns = {key: columns.pop(key), **columns}
    n = sum(batch.n for _, batch in parts)
    if any(uri is not None for uri, _ in parts):
        labels = [uri for uri, batch in parts for _ in range(batch.n)]
        columns = {"job": texts(labels), **{k if k != "job" else "job (table)": v for k, v in columns.items()}}
    return _frame(columns, pd.RangeIndex(n))


def _frame(columns: Mapping[str, Any], index: Any = None) -> pd.DataFrame:
    # Without copying: the columns were made for this frame alone.
    frame: pd.DataFrame = pd.DataFrame(dict(columns), index=index, copy=False)
    return frame


def _index(name: str, uris: Sequence[str]) -> Any:
    return pd.Index(texts(uris), name=name)


def _origins(pairs: Pairs[Any]) -> dict[str, Any]:
    return {
        "platform": texts([origin.platform for origin, _ in pairs]),
        "server": texts([origin.server for origin, _ in pairs]),
    }


def _texts(infos: Sequence[Any], name: str) -> Any:
    return texts([getattr(info, name) for info in infos])


def _status(infos: Sequence[Any]) -> dict[str, Any]:
    return {"status": statuses([info.status for info in infos]), "raw_status": _texts(infos, "raw_status")}


def _own(fixed: Mapping[str, Any], pairs: Pairs[Any]) -> dict[str, Any]:
    """The platforms' own fields. A name that is taken gets the platform's name before it."""
    if all(fixed.keys().isdisjoint(info.own) for _, info in pairs):
        return _spread([info.own for _, info in pairs])

    def named(pair: tuple[Origin, Any]) -> dict[str, Any]:
        origin, info = pair
        return {k if k not in fixed else f"{origin.platform}.{k}": v for k, v in info.own.items()}

    return _spread([named(pair) for pair in pairs])


def _spread(spread: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mappings as columns, in the order of first appearance; a field that an item lacks is missing there."""
    names = dict.fromkeys(name for each in spread for name in each)
    return {name: column([each.get(name, ABSENT) for each in spread], name) for name in names}
