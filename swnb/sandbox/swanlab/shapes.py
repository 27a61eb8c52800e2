"""The server's objects in JSON (paper 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from swnb.sandbox.swanlab.people import User, Workspace
from swnb.sandbox.swanlab.runs import Run
from swnb.sandbox.swanlab.state import Project, State

Shape = dict[str, Any]


def iso(at: float | None) -> str | None:
    """UTC with milliseconds and Z."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def paged(items: Sequence[Any], page: int, size: int) -> Shape:
    first = (page - 1) * size
    return {
        "list": list(items[first : first + size]),
        "size": size,
        "pages": math.ceil(len(items) / size),
        "total": len(items),
    }


def workspace(space: Workspace, user: User) -> Shape:
    return {
        "username": space.username,
        "name": space.name,
        "type": space.kind,
        "role": space.role(user),
        "comment": space.comment,
        "profile": profile(space.username),
    }


def profile(username: str) -> Shape:
    return {
        "bio": f"{username} in the sandbox",
        "url": "",
        "institution": "Sandbox",
        "school": "",
        "email": f"{username}@example.com",
        "location": "",
    }


def project(state: State, project: Project, user: User, *, counted: bool = True) -> Shape:
    space = state.people.workspaces[project.workspace]
    runs = project.runs(state.now)
    shape: Shape = {
        "cuid": project.cuid,
        "name": project.name,
        "username": project.workspace,
        "path": project.path,
        "url": f"/@{project.path}",
        "description": project.description,
        "visibility": "PUBLIC" if project.public else "PRIVATE",
        "createdAt": iso(project.created),
        "updatedAt": iso(updated(state, project)) if runs else None,
        "group": {"type": space.kind, "username": space.username, "name": space.name},
        "projectLabels": [{"name": "demo", "colors": ["#528d59"], "cuid": project.cuid[::-1]}] if runs else [],
        "role": space.role(user),
    }
    if project.version is not None and state.generation == "new":
        shape["version"] = project.version
    return {**shape, "_count": _counts(runs, state.now)} if counted else shape


def updated(state: State, project: Project) -> float:
    """The last second in which a run of it began or ended."""
    ends = [run.finished(state.now) or run.created for run in project.runs(state.now)]
    return max([project.created, *ends])


def _counts(runs: list[Run], now: float) -> Shape:
    return {
        "experiments": len(runs),
        "contributors": max(1, len({run.username for run in runs})),
        "children": 0,
        "collaborators": 0,
        "clones": 0,
        "runningExps": sum(run.state(now) == "RUNNING" for run in runs),
    }


def run(state: State, run: Run, *, detail: str = "") -> Shape:
    """`detail`: "" leaves the profile out, "config" gives only that part of it, "all" everything."""
    user = next((user for user in state.people.users if user.username == run.username), None)
    shape: Shape = {
        "cuid": run.cuid,
        "slug": run.slug,
        "name": run.name,
        "type": "CHAPTER",
        "description": run.description,
        "state": run.state(state.now),
        "show": True,
        "createdAt": iso(run.created),
        "finishedAt": iso(run.finished(state.now)),
        "colors": list(run.colors),
        "labels": [{"name": name, "colors": ["#587ad2"]} for name in run.labels],
        "cluster": run.cluster,
        "job": run.job_type,
        "runtime": "python",
        "user": {"username": run.username, "name": user.name if user else run.username},
        "rootProId": run.root[0] if run.root else None,
        "rootExpId": run.root[1] if run.root else None,
        "flagId": run.flag,
    }
    if detail:
        parts = run.profile()
        shape["profile"] = parts if detail == "all" else {"config": parts.get("config", {})}
    return shape
