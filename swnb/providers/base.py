"""What every platform answers, and where a platform is found by its name.

A backend answers verbs by plans (``swnb.call``). Two kinds exist: a provider for an HTTP server, whose plans yield
Calls, and a store for a local folder, whose plans yield nothing and are run in a worker thread. Verbs take a project
and a job as the texts of a URI; ``project=None`` means the platform's implied or current project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Final, Protocol, runtime_checkable

from swnb.call import Call, Listing, Plan, SignedIn, at_once
from swnb.errors import BadURI, Unsupported
from swnb.model import (
    AccessInfo,
    Batch,
    EventInfo,
    JobInfo,
    JobQuery,
    ProjectInfo,
    RowQuery,
    Series,
    SummaryRow,
    TaskInfo,
)
from swnb.settings import Credential


@dataclass(frozen=True, slots=True)
class LogPart:
    """A piece of a job's log: one file or one live stream. ``live`` names a WebSocket path (no text then), ``signed``
    says that our sign-in goes along there, ``torn`` that its frames may end within a line. ``more``: the plan of what
    came after this text, to be asked now and then; None where nothing can come any more. Of a live one it is the plan
    of all there is so far."""

    title: str
    text: str = ""
    live: str | None = None
    signed: bool = False
    torn: bool = False
    more: Callable[[], Plan[LogPart]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Glance:
    """How known jobs stand: those of ``jobs`` that it tells of (the very same record where nothing changed), and in
    ``others`` the keys of further ones that it shows, which may be new or removed: only the list tells."""

    jobs: Sequence[JobInfo]
    others: frozenset[str] = frozenset()


#: what a backend offers whose projects are made of projects
NESTED: Final = "projects in projects"


@runtime_checkable
class Backend(Protocol):
    """The verbs. Each may raise NotFound, Unsupported and what the transport raises."""

    platform: str
    address: str
    #: the verbs it has beside projects and jobs; what it does not offer raises Unsupported, and its tab is not shown
    offers: frozenset[str]
    actions: frozenset[str]
    in_flight: int
    #: the project that an address may leave out because there is only one (Ray: "default"); None where there are many
    implied: str | None

    def projects(self) -> Plan[Listing[ProjectInfo]]: ...
    def projects_in(self, project: str) -> Plan[Listing[ProjectInfo]]:
        """The projects that a project is made of; none where it has only jobs."""
        ...

    def project(self, project: str | None) -> Plan[ProjectInfo]: ...
    def jobs(self, project: str | None, query: JobQuery) -> Plan[Listing[JobInfo]]: ...
    def job(self, project: str | None, job: str) -> Plan[JobInfo]: ...
    def glance(self, project: str, known: Sequence[JobInfo]) -> Plan[Glance | None]:
        """How the jobs of a project stand, where that costs much less than their list; None where it does not."""
        ...

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]: ...
    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]: ...
    def metric_names(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        """The names of a job's metrics, system metrics left out."""
        ...

    def metrics(
        self, project: str | None, jobs: Sequence[str] | None, keys: Sequence[str] | None, steps: int | None
    ) -> Plan[Sequence[Series]]:
        """Series of these jobs (None = all of the project): those of ``keys`` that there are (None = all but system
        metrics), in full, or at most ``steps`` points each."""
        ...

    def tables(self, project: str | None, job: str) -> Plan[Sequence[str]]: ...
    def events(self, project: str | None, job: str) -> Plan[Sequence[EventInfo]]: ...
    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]: ...
    def act(self, project: str | None, job: str, action: str) -> Plan[str]: ...
    def access(self, project: str | None, job: str) -> Plan[Sequence[AccessInfo]]: ...
    def share(self, project: str | None, job: str, who: str, relation: str | None) -> Plan[str]:
        """Give somebody (an id or an e-mail address) access to a job, or other access; None takes it away. What he may
        then, in the platform's word."""
        ...

    def submit(self, project: str | None, spec: Mapping[str, Any]) -> Plan[str]:
        """Start a job; the id that the server gave it."""
        ...


class Store(Backend, Protocol):
    """A backend on disk: its rows come from an iterator that is drawn in a worker thread."""

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Iterator[Batch]: ...


class Provider(Backend, Protocol):
    """A backend over HTTP."""

    def sign_in(self, credential: Credential) -> Plan[SignedIn]:
        """What every signed Call carries. Calls in this plan go unsigned."""
        ...

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Plan[TableScan]: ...

    def blob_of(self, value: Any) -> Any:
        """Where a value lies that was stored apart (``fetch.blobs.Blob``); None for any other value."""
        ...

    def blobs(self, links: Sequence[str]) -> Plan[Mapping[str, str]]:
        """Where the blobs of these links can be downloaded from."""
        ...


class Lacking:
    """What a platform does not have. A provider or store inherits this and writes the verbs that it offers."""

    platform = ""
    offers: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()
    in_flight = 16
    implied: str | None = None

    def glance(self, project: str, known: Sequence[JobInfo]) -> Plan[Glance | None]:
        return no_glance()

    def projects_in(self, project: str) -> Plan[Listing[ProjectInfo]]:
        raise unsupported(self.platform, NESTED)

    def access(self, project: str | None, job: str) -> Plan[Sequence[AccessInfo]]:
        raise unsupported(self.platform, "access")

    def share(self, project: str | None, job: str, who: str, relation: str | None) -> Plan[str]:
        raise unsupported(self.platform, "access")

    def tasks(self, project: str | None, job: str) -> Plan[Sequence[TaskInfo]]:
        raise unsupported(self.platform, "tasks")

    def summary(self, project: str | None, jobs: Sequence[str] | None) -> Plan[Sequence[SummaryRow]]:
        raise unsupported(self.platform, "summary")

    def metric_names(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        raise unsupported(self.platform, "metrics")

    def metrics(
        self, project: str | None, jobs: Sequence[str] | None, keys: Sequence[str] | None, steps: int | None
    ) -> Plan[Sequence[Series]]:
        raise unsupported(self.platform, "metrics")

    def tables(self, project: str | None, job: str) -> Plan[Sequence[str]]:
        raise unsupported(self.platform, "tables")

    def events(self, project: str | None, job: str) -> Plan[Sequence[EventInfo]]:
        raise unsupported(self.platform, "events")

    def logs(self, project: str | None, job: str) -> Plan[Sequence[LogPart]]:
        raise unsupported(self.platform, "logs")

    def act(self, project: str | None, job: str, action: str) -> Plan[str]:
        raise unsupported(self.platform, action)

    def submit(self, project: str | None, spec: Mapping[str, Any]) -> Plan[str]:
        raise unsupported(self.platform, "submit")

    def scan(self, project: str | None, job: str, table: str, query: RowQuery) -> Any:
        raise unsupported(self.platform, "rows")

    def blob_of(self, value: Any) -> Any:
        return None

    def blobs(self, links: Sequence[str]) -> Plan[Mapping[str, str]]:
        raise unsupported(self.platform, "values that are stored apart")


@at_once
def no_glance() -> Glance | None:
    """For platforms whose list costs no more than any other question."""
    return None


class TableScan(Protocol):
    """One table as it can be asked for in pages, in ascending key order.

    ``int_keys``: all keys are ints, so any range may be asked for by its own (see ``fetch.ranges``); else a page is
    asked from after the last key of the page before.
    """

    int_keys: bool
    page_rows: int

    def between(self, low: int | None, high: int | None) -> Call[ScanPage]:
        """The first ``page_rows`` rows with low <= key < high; None = open."""
        ...

    def first(self) -> Call[ScanPage]: ...
    def after(self, page: ScanPage) -> Call[ScanPage] | None:
        """The page after this one, None where it was the last."""
        ...

    def anew(self) -> TableScan:
        """The same table read the safe way, for when the table's types changed while it was read."""
        ...


@dataclass(frozen=True, slots=True)
class ScanPage:
    """Rows of one page. ``first``/``last`` are the keys at its ends; ``torn``: the types that the page was asked by
    no longer hold, so it must be asked again the safe way (``TableScan.anew``)."""

    batch: Batch
    first: Any = None
    last: Any = None
    cursor: Any = field(default=None, repr=False)
    torn: bool = False


_makers: dict[str, Callable[[str], Backend]] = {}
#: the module and the class of each of our platforms
_ours: Final[Mapping[str, tuple[str, str]]] = {
    "starwhale": ("starwhale", "Starwhale"),
    "swanlab": ("swanlab", "SwanLab"),
    "supervisely": ("supervisely", "Supervisely"),
    "ray": ("rayjobs", "Ray"),
    "yuanrong": ("rayjobs", "YuanRong"),
    "istari": ("istari", "Istari"),
}
#: modules that can tell by asking whether a server is one of theirs: ``recognise() -> Plan[platform or None]``
_telling: Final = ("rayjobs",)


def register(platform: str, maker: Callable[[str], Backend]) -> None:
    """Make a platform known: ``maker(address)`` gives its backend for one server or folder."""
    _makers[platform] = maker


def platforms() -> tuple[str, ...]:
    """All platforms that can be addressed, those of other packages included (entry point group ``swnb.platforms``)."""
    return tuple(sorted({*_ours, *_makers, *(e.name for e in entry_points(group="swnb.platforms"))}))


def backend(platform: str, address: str) -> Backend:
    """The backend of one server; BadURI names the platforms there are."""
    if platform in _ours and platform not in _makers:
        module, name = _ours[platform]
        register(platform, getattr(import_module(f"swnb.providers.{module}"), name))
    if platform not in _makers:
        for entry in entry_points(group="swnb.platforms", name=platform):
            register(platform, entry.load())
    if platform not in _makers:
        raise BadURI(f"no platform is called {platform!r}", todo=f"There are: {', '.join(platforms())}")
    return _makers[platform](address)


def recognise() -> Plan[str | None]:
    """Which platform the server that is asked speaks, by reads that need no sign-in; None where nobody can tell."""
    for name in _telling:
        found: str | None = yield from import_module(f"swnb.providers.{name}").recognise()
        if found is not None:
            return found
    return None


def unsupported(platform: str, verb: str) -> Unsupported:
    return Unsupported(f"{platform} has no {verb}")
