"""What Supervisely's SDK hands out: the wire's own records, read by key and by attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from swnb.errors import BadInput, BadReply
from swnb.sdk.supervisely.words import BadKey, camel
from swnb.secret import redact

_SECRET: Final = re.compile(r"(?i)(token|password|secret|api_?key)$")
_STARS: Final = "****"


class Record(dict[str, Any]):
    """A dict as the wire has it; its keys are attributes too, camelCase or snake_case. A session's token is in the
    dict, and stars in what is shown. The ``known`` fields of a kind are None where the server left them out;
    ``renamed`` are those that the SDK calls otherwise than the wire."""

    known: ClassVar[frozenset[str]] = frozenset()
    renamed: ClassVar[Mapping[str, str]] = {}

    def __getattr__(self, name: str) -> Any:
        for key in (self.renamed.get(name, name), name, camel(name)):
            if key in self:
                return self[key]
        if name in self.known:
            return None
        raise AttributeError(f"this {type(self).__name__} has no {name!r}; it has {', '.join(self)}")

    def __repr__(self) -> str:
        return redact(repr({key: _STARS if _hides(key, value) else value for key, value in self.items()}))

    __str__ = __repr__


def record(value: Any, kind: type[Record] = Record) -> Any:
    """A value of JSON with its objects as Records, at any depth; the outermost as ``kind``."""
    if type(value) is dict:  # of a list of thousands, so it is quick: no Record is looked at twice
        made = kind(value)
        for name, inner in value.items():
            if type(inner) is dict or type(inner) is list:
                made[name] = record(inner)
        return made
    return [record(item) for item in value] if type(value) is list else value


def _inner(value: Any, *names: str) -> Record:
    """The object at a path of names; an empty one where any of them is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, Record) else None
    return value if isinstance(value, Record) else Record()


def id_of(sent: object) -> int:
    """An id that the server has to give."""
    if not isinstance(sent, int):
        raise BadReply("the server does not tell the id")
    return sent


def _hides(key: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _SECRET.search(key) is not None


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


class TeamInfo(Record):
    """A team; ``role`` is the caller's own in it."""

    known = _names("id name description role created_at updated_at usage")


class WorkspaceInfo(Record):
    """A workspace of a team."""

    known = _names("id name description team_id created_at updated_at")


class ProjectInfo(Record):
    """A project: images and the like. ``size`` is text, as the server writes it."""

    known = _names(
        "id name description size readme workspace_id images_count items_count datasets_count "
        "created_at updated_at type reference_image_url custom_data backup_archive team_id settings "
        "import_settings version created_by_id embeddings_enabled embeddings_updated_at "
        "embeddings_in_progress local_entities_count remote_entities_count"
    )
    renamed: ClassVar[Mapping[str, str]] = {"created_by_id": "createdBy"}

    @property
    def items_count(self) -> int | None:
        """What is in it, whatever its kind; older servers count images only."""
        return self.get("itemsCount", self.get("imagesCount"))


class AgentInfo(Record):
    """An agent. Its token was taken out when the answer was read."""

    known = _names(
        "id name token status user_id team_id capabilities created_at updated_at is_public type disabled "
        "version gpu_info"
    )


class AppInfo(Record):
    """An app of a team; ``tasks`` are its sessions."""

    known = _names("id created_by_id module_id disabled user_login config name slug is_shared tasks repo team_id")
    renamed: ClassVar[Mapping[str, str]] = {"created_by_id": "createdBy"}


@dataclass(frozen=True)
class SessionInfo:
    """A session of an app that was started or found; ``details`` is its task's record where the server gave it."""

    task_id: int
    user_id: int | None
    module_id: int | None
    app_id: int | None
    details: Record = field(default_factory=Record)

    @property
    def name(self) -> str | None:
        return _inner(self.details, "meta").get("name")

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> SessionInfo:
        """A task's record, or the four ids that a start answers with."""
        task = id_of(sent.get("taskId", sent.get("id")))
        if "meta" not in sent:
            return cls(task, sent.get("userId"), sent.get("moduleId"), sent.get("appId"))
        details = record(sent)
        app = _inner(details, "meta", "app")
        module = details.get("moduleId", app.get("moduleId"))
        return cls(task, details.get("createdBy"), module, app.get("id"), details)


#: what may be given to an app, by the name of its argument: the key of its state, and the value's type
_TARGETS: Final[Mapping[str, tuple[str, type]]] = {
    "files_folder": ("slyFolder", str),
    "files_file": ("slyFile", str),
    "team": ("slyTeamId", int),
    "team_member": ("slyMemberId", int),
    "labeling_job": ("slyJobId", int),
    **{
        f"{kind}_{part}": (f"sly{part.title()}Id", int)
        for kind in ("images", "videos", "point_cloud", "point_cloud_episodes", "mesh", "volumes")
        for part in ("project", "dataset")
    },
}


class ModuleInfo(Record):
    """An app of the ecosystem that can be started. ``repo`` is where it lies, ``github_repo`` its name there."""

    known = _names("id slug name type config readme repo github_repo meta created_at updated_at")
    renamed: ClassVar[Mapping[str, str]] = {"repo": "repositoryModuleUrl", "github_repo": "repo"}

    def _defaults(self) -> Record:
        """The app's own defaults."""
        return _inner(self, "config", "modalTemplateState")

    def _targets(self) -> Sequence[str]:
        """What it can be started on; empty where it needs nothing."""
        menu = _inner(self, "config", "context_menu") or _inner(self, "config", "contextMenu")
        return tuple(menu.get("target") or ())

    def get_arguments(self, **target: Any) -> Record:
        """``params`` for a start on one target: ``get_arguments(images_project=7301)``. ValueError where the app needs
        one and none is given, or for a value of another type; KeyError for one that it does not take."""
        targets = self._targets()
        listed = ", ".join(targets) or "none"
        if not target:
            if targets and "ecosystem" not in targets:
                raise BadInput(f"{self.name} has to be started on something", todo=f"Its targets are: {listed}")
            return Record(self._defaults())
        if len(target) > 1 or next(iter(target)) not in targets:
            raise BadKey(f"{self.name} takes one target, not {', '.join(target)}", todo=f"Its targets are: {listed}")
        ((name, value),) = target.items()
        if name not in _TARGETS:
            raise BadKey(f"what a target {name!r} is called in an app's state is not known")
        key, kind = _TARGETS[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadInput(f"{name} is {kind.__name__}, not {type(value).__name__}")
        return Record({**self._defaults(), key: value})
