"""swnb: the notebook's window on machine-learning jobs, whichever platform runs them.

    import swnb
    swnb.connect("lab", "starwhale+https://starwhale.example.org", token="…")
    swnb.jobs("lab/project/mnist", status="running")
    swnb.browse()

Every blocking call has an awaitable door on itself: ``await swnb.jobs.aio(…)``. Importing this loads neither pandas
nor httpx, matplotlib or ipywidgets: each public name brings what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from swnb._version import __version__

if TYPE_CHECKING:
    from swnb import errors, sandbox, sdk
    from swnb.client.doctor import doctor
    from swnb.client.public import (
        Job,
        Project,
        Server,
        allow_actions,
        changes,
        connect,
        events,
        forget,
        jobs,
        logs,
        metrics,
        open,  # noqa: A004
        partial,
        projects,
        provenance,
        rows,
        scan,
        servers,
        summary,
        tables,
        tasks,
        wait,
    )
    from swnb.plots import plot
    from swnb.widgets.browse import browse
    from swnb.widgets.compare import compare
    from swnb.widgets.signin import signin
    from swnb.widgets.table import table
    from swnb.widgets.watch import watch

_HOME = {
    **dict.fromkeys(
        (
            *("Job", "Project", "Server", "allow_actions", "connect", "events", "forget", "jobs", "logs", "metrics"),
            *("open", "partial", "projects", "provenance", "rows", "scan", "servers", "summary", "tables", "tasks"),
            *("changes", "wait"),
        ),
        "swnb.client.public",
    ),
    "doctor": "swnb.client.doctor",
    "plot": "swnb.plots",
    "browse": "swnb.widgets.browse",
    "compare": "swnb.widgets.compare",
    "signin": "swnb.widgets.signin",
    "table": "swnb.widgets.table",
    "watch": "swnb.widgets.watch",
}
_MODULES = ("errors", "sandbox", "sdk")

__all__ = [
    "Job",
    "Project",
    "Server",
    "__version__",
    "allow_actions",
    "browse",
    "changes",
    "compare",
    "connect",
    "doctor",
    "errors",
    "events",
    "forget",
    "jobs",
    "logs",
    "metrics",
    "open",
    "partial",
    "plot",
    "projects",
    "provenance",
    "rows",
    "sandbox",
    "scan",
    "sdk",
    "servers",
    "signin",
    "summary",
    "table",
    "tables",
    "tasks",
    "wait",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"swnb.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'swnb' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    # The first public name also brings the view of progress that fits the place: a bar, a line, or nothing.
    import_module("swnb.widgets.progress").install()
    if name == "plot":
        import_module("swnb.plots").Picture.on_canvas = staticmethod(_on_canvas)
    globals()[name] = value
    return value


def _on_canvas(figure: Any) -> None:
    """Where plots, which know no page, have a figure shown that was asked to be interactive."""
    import_module("swnb.widgets.canvas").display_alone(figure)


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext swnb``: the magics."""
    import_module("swnb.magics").load(shell)
