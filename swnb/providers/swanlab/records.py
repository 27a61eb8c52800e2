"""Wire records of a SwanLab server as model records (swanlab paper 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from swnb.call import Reply
from swnb.errors import NotFound
from swnb.model import JobInfo, ProjectInfo
from swnb.providers.reading import field as required
from swnb.providers.reading import iso_time, mapping, text, whole
from swnb.providers.swanlab.words import status_of, unwrapped

_PROFILE = ("metadata", "requirements", "conda")


@dataclass(frozen=True, slots=True)
class Run:
    """What the metric store must be told of a run. ``path`` is its place in the management service, ``project`` our
    project's id; ``created`` are Unix seconds."""

    id: str
    cuid: str
    name: str = ""
    project: str = ""
    project_cuid: str = ""  # empty where only the run's cuid is known
    path: str = ""
    created: int | None = None
    roots: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(job: JobInfo, project_cuid: str) -> Run:
        roots = {name: root for name in ("rootProId", "rootExpId") if (root := text(job.raw.get(name)))}
        created = int(job.created.timestamp()) if job.created else None
        return Run(job.id, job.key, job.name, job.project, project_cuid, run_path(job.project, job.key), created, roots)

    @property
    def experiment(self) -> dict[str, Any]:
        """As summaries and logs name it: a clone by its own ids, with those of its root beside them."""
        return {"projectId": self.project_cuid, "experimentId": self.cuid, **self._since, **self.roots}

    @property
    def root(self) -> dict[str, Any]:
        """As the list of keys wants it: a clone by the ids of its root, which holds the data."""
        project = self.roots.get("rootProId", self.project_cuid)
        return {"projectId": project, "experimentId": self.roots.get("rootExpId", self.cuid), **self._since}

    def column(self, key: str) -> dict[str, Any]:
        return {"experimentId": self.cuid, "key": key, **self._since, **self.roots}

    @property
    def _since(self) -> dict[str, int]:
        return {} if self.created is None else {"createdAt": self.created}


def project_path(project: str) -> str:
    """The path of the project ``workspace:name``."""
    workspace, _, name = project.partition(":")
    return f"/project/{part(workspace)}/{part(name)}"


def run_path(project: str, job: str) -> str:
    return f"{project_path(project)}/runs/{part(job)}"


def part(name: str) -> str:
    """A name as one part of a path. Dots alone would lead to another path, so nothing is called so."""
    if not name.strip("."):
        raise NotFound(f"nothing is called {name!r}")
    return quote(name, safe="")


def web_of(address: str) -> str:
    """Where people see what the API at ``address`` serves: the same place, but for the vendor's own cloud."""
    if urlsplit(address).hostname == "api.swanlab.cn":
        return "https://swanlab.cn"
    return address.rstrip("/").removesuffix("/api")


def page_of(web: str, project: str) -> str:
    """The page of ``workspace:name``."""
    workspace, _, name = project.partition(":")
    return f"{web}/@{quote(workspace, safe='')}/{quote(name, safe='')}"


def project_info(record: Any, reply: Reply, workspace: str, web: str) -> ProjectInfo:
    """``workspace`` is the one that was asked; the record's own word for it is not always there."""
    name = required(record, "name", str, reply)
    counts = record.get("_count")
    counts = counts if isinstance(counts, Mapping) else {}
    id_ = f"{workspace}:{name}"
    return ProjectInfo(
        id=id_,
        name=name,
        owner=workspace,
        created=iso_time(record.get("createdAt"), f"createdAt of project {id_}"),
        jobs=whole(counts.get("experiments")),
        description=text(record.get("description")),
        url=page_of(web, id_),
        own={
            "cuid": record.get("cuid"),
            "visibility": record.get("visibility"),
            "updatedAt": iso_time(record.get("updatedAt"), f"updatedAt of project {id_}"),
            "labels": _names(record.get("projectLabels")),
            "runningExps": whole(counts.get("runningExps")),
        },
        raw=record,
    )


def job_info(record: Any, reply: Reply, project: str, web: str) -> JobInfo:
    cuid = required(record, "cuid", str, reply)
    id_ = text(record.get("slug")) or cuid
    word = text(record.get("state")) or ""
    status = status_of(word)
    created = iso_time(record.get("createdAt"), f"createdAt of job {id_}")
    finished = iso_time(record.get("finishedAt"), f"finishedAt of job {id_}") if status.final else None
    user, profile = record.get("user"), record.get("profile")
    profile = profile if isinstance(profile, Mapping) else {}
    return JobInfo(
        id=id_,
        project=project,
        name=text(record.get("name")) or "",
        status=status,
        raw_status=word,
        created=created,
        started=created,
        finished=finished,
        elapsed=finished - created if finished and created else None,
        owner=text(user.get("username")) if isinstance(user, Mapping) else None,
        url=f"{page_of(web, project)}/runs/{quote(id_, safe='')}/chart",
        key=cuid,
        own=_own(record),
        config=unwrapped(profile.get("config")),
        profile={name: profile[name] for name in _PROFILE if profile.get(name) is not None},
        raw=record,
    )


def _own(record: Mapping[str, Any]) -> dict[str, Any]:
    """The further fields by the words of the vendor's users: group, tags and job_type (paper 2)."""
    return {
        "cuid": record.get("cuid"),
        "description": text(record.get("description")),
        "tags": _names(record.get("labels")),
        "group": text(record.get("cluster")),
        "job_type": text(record.get("job")),
        "runtime": text(record.get("runtime")),
        "type": text(record.get("type")),
        "show": record.get("show"),
        "rootProId": text(record.get("rootProId")),
        "rootExpId": text(record.get("rootExpId")),
    }


def _names(labels: object) -> list[str]:
    """Labels come as objects with a name; a bare name is taken too."""
    listed = labels if isinstance(labels, list) else []
    names = [label.get("name") if isinstance(label, Mapping) else label for label in listed]
    return [name for name in names if isinstance(name, str)]


def cuid_of(record: Any, reply: Reply) -> str:
    cuid: str = required(mapping(record, reply), "cuid", str, reply)
    return cuid
