"""The public calls as ``swnb`` gives them out: verbs with their two doors, and the calls that need no server."""

from __future__ import annotations

import pandas as pd

from swnb import settings
from swnb.bridge import both_function, both_iter_function, run
from swnb.client import logs as log
from swnb.client import verbs, waiting
from swnb.client.actions import allow_actions
from swnb.client.answer import partial_frame
from swnb.client.handles import Job, Project, Server, open_
from swnb.client.source import close_all
from swnb.frames import tables as frames
from swnb.frames.provenance import provenance
from swnb.secret import Secret
from swnb.uri import Ref

__all__ = [
    "Job",
    "Project",
    "Server",
    "allow_actions",
    "changes",
    "connect",
    "events",
    "forget",
    "jobs",
    "logs",
    "metrics",
    "open",
    "partial",
    "projects",
    "provenance",
    "rows",
    "scan",
    "servers",
    "summary",
    "tables",
    "tasks",
    "wait",
]

projects = both_function(verbs.projects)
jobs = both_function(verbs.jobs)
tasks = both_function(verbs.tasks)
summary = both_function(verbs.summary)
tables = both_function(verbs.tables)
rows = both_function(verbs.rows)
scan = both_iter_function(verbs.scan)
metrics = both_function(verbs.metrics)
logs = both_function(log.logs)
events = both_function(verbs.events)
wait = both_function(waiting.wait)
changes = both_iter_function(waiting.changes)
open = open_  # noqa: A001 - the public name


def connect(
    name: str,
    server_uri: str,
    token: str | Secret | None = None,
    *,
    user: str | None = None,
    password: str | Secret | None = None,
) -> Server:
    """Save a server under a name, with its token or user and password where they are given; sends no request and never
    asks. The secret goes to the keyring or a file that only you can read, and is never shown again."""
    token = None if token is None else Secret(token)  # the frame of an error below may be shown
    password = None if password is None else Secret(password)
    entry = settings.connect(name, server_uri, token, user=user, password=password)
    run(close_all(name))  # what was signed in before is not used again
    return Server(Ref(entry.name))


def servers() -> pd.DataFrame:
    """All servers that can be named: ``name platform address source`` (saved ones first, then those of vendors' own
    config files and of the environment)."""
    return frames.servers(
        {"name": e.name, "platform": e.platform, "address": e.address, "source": e.source} for e in settings.servers()
    )


def forget(name: str) -> None:
    """Remove a saved server and its secret. NotFound where none is saved by that name."""
    settings.forget(name)
    run(close_all(name))


def partial() -> pd.DataFrame | None:
    """What the last interrupted or failed fetch had already got, as a frame of its kind; None where there is none."""
    return partial_frame()
