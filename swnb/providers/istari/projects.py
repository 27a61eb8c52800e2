"""Projects: a registry groups jobs by their model; systems track files of models, and ``mine`` is all that the user
owns (istari paper 3.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from swnb.call import Call, Listing, Page, Plan, ask, ask_all, collect, note
from swnb.errors import BadInput, Forbidden, NotFound, SwnbError
from swnb.model import ProjectInfo
from swnb.providers.base import Lacking
from swnb.providers.istari import calls
from swnb.providers.istari.records import MINE, SYSTEM, mine_info, model_info, system_info
from swnb.providers.istari.replies import is_id
from swnb.providers.reading import text

T = TypeVar("T")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHOWN: Final = 10  # names of what there is, in an error


class Projects(Lacking):
    implied = MINE

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def projects(self) -> Plan[Listing[ProjectInfo]]:
        """``mine``, then systems, then models. What is in a system is looked up when it is opened."""
        lists = [_found("systems", calls.systems(system_info)), _found("models", calls.models(model_info))]
        systems, models = yield from ask_all(lists)
        if not systems.items and not models.items:
            yield from _is_registry()
        total = None if systems.total is None or models.total is None else 1 + systems.total + models.total
        return Listing((mine_info(), *systems.items, *models.items), total)

    def projects_in(self, project: str) -> Plan[Listing[ProjectInfo]]:
        """The models (and artifacts, which jobs may be given too) whose files a system tracks, in their order."""
        id_ = yield from self.project_id(project)
        if not id_.startswith(SYSTEM):
            return Listing((), 0)
        tracked = yield from self.resources(id_)
        models = (yield from _found("models", calls.models(model_info))) if tracked else Listing[ProjectInfo](())
        known = {model.id: model for model in models.items}
        found = yield from ask_all([self._unlisted(each) for each in tracked if each not in known])
        known |= {each.id: each for each in found if each is not None}
        within = tuple(known[each] for each in tracked if each in known)
        return Listing(within, len(tracked))

    def _unlisted(self, id_: str) -> Plan[ProjectInfo | None]:
        try:
            return (yield from self.model(id_))
        except (NotFound, Forbidden) as error:
            note(f"{id_} is left out: {error.what}")
            return None

    def project(self, project: str | None) -> Plan[ProjectInfo]:
        """A model by its id or name, a system as ``system:ID`` or ``system:NAME``, or ``mine``."""
        id_ = yield from self.project_id(project)
        if id_ == MINE:
            return mine_info()
        if id_.startswith(SYSTEM):
            return (yield from ask(calls.system(id_.removeprefix(SYSTEM), system_info)))
        return (yield from self.model(id_))

    def model(self, id_: str) -> Plan[ProjectInfo]:
        """A model, or an artifact that jobs were given."""
        try:
            info = yield from ask(calls.model(id_, model_info))
        except (NotFound, Forbidden) as error:  # how a registry speaks of an id of another kind
            return (yield from _artifact(id_, error))
        return replace(info, raw={k: v for k, v in info.raw.items() if k not in ("jobs", "artifacts")})

    def project_id(self, project: str | None) -> Plan[str]:
        """The id of what a URI names; a UUID is believed."""
        if project is None or project == MINE:
            return MINE
        if _UUID.fullmatch(project.removeprefix(SYSTEM)):
            return project
        listing = yield from self.projects()
        same = [each for each in listing.items if project in _forms(each)]
        by_id = [each for each in same if each.id == project]
        same = by_id or same
        if len(same) == 1:
            return same[0].id
        named = ", ".join(f"{each.id} ({each.name})" for each in (same or listing.items)[:_SHOWN])
        if same:
            raise BadInput(f"{len(same)} projects are called {project}", todo=f"Say its id: {named}")
        raise NotFound(f"there is no model {project!r}", todo=f"There are: {named}")

    def resources(self, system: str) -> Plan[list[str]]:
        """The models (and artifacts) whose files a system tracks."""
        id_ = system.removeprefix(SYSTEM)
        try:
            found = yield from collect(calls.configurations(id_), _id)
        except NotFound as error:
            raise NotFound(f"there is no system {id_}", where=error.where, todo="swnb.projects lists them") from None
        ids = [each for each in map(_id, found.items) if is_id(each)]
        parts = yield from ask_all([collect(calls.tracked_files(each), _id) for each in ids])
        tracked = [text(file.get("resource_id")) for part in parts for file in part.items]
        return list(dict.fromkeys(each for each in tracked if each is not None))


def _forms(project: ProjectInfo) -> set[str]:
    """What a project may be called by."""
    return {project.id, f"{SYSTEM}{project.name}" if project.own["kind"] == "system" else project.name}


def _found(what: str, first: Call[Page[ProjectInfo]]) -> Plan[Listing[ProjectInfo]]:
    """A list that a registry may lack or not show to everybody: then it is empty, with a note."""
    try:
        return (yield from collect(first, lambda project: project.id))
    except (NotFound, Forbidden) as error:
        note(f"the {what} are left out: {error.what}")
        return Listing((), 0)


def _artifact(id_: str, otherwise: SwnbError) -> Plan[ProjectInfo]:
    try:
        return replace((yield from ask(calls.artifact(id_, model_info))), own={"kind": "artifact"})
    except (NotFound, Forbidden):
        if isinstance(otherwise, Forbidden):
            raise otherwise from None
        where = otherwise.where
    raise NotFound(f"there is no model {id_}", where=where, todo="swnb.projects lists them")


def _is_registry() -> Plan[None]:
    """NotFound where the address is no registry's: it says so to the list of jobs as well."""
    try:
        yield from ask(calls.jobs(lambda sent, _reply: sent, {}, 1))
        return
    except NotFound as error:
        where = error.where
    raise NotFound("no registry answers at this address", where=where, todo="Look at its path: is it all of it?")


def _id(record: Mapping[str, Any]) -> str:
    return str(record.get("id"))
