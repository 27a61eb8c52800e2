"""Files: their revisions, what stands in a token, and everything that has a file (paper 2.5, 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from swnb.sandbox.istari.content import Blob, Store
from swnb.sandbox.istari.words import Record, User, beside, identity, iso

FACTS = ("description", "version_name", "external_identifier", "display_name")
"""What a client may write about a file, beside its name and mime."""

MIMES = {"json": "application/json", "csv": "text/csv", "txt": "text/plain", "stp": "model/step"}


@dataclass
class Revision:
    """One content of a file. `name` is the whole file name."""

    id: str
    created: float
    by: User
    name: str
    content: Blob
    facts: dict[str, str | None] = field(default_factory=dict)
    mime: str | None = None
    sources: list[Record] = field(default_factory=list)
    properties: Blob | None = None
    """As a client has uploaded it; else made from the rest."""
    updated: float | None = None

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    def record(self, file_id: str, store: Store, products: list[Record]) -> Record:
        made, by = iso(self.created), self.by.id
        return {
            "id": self.id,
            "created": made,
            "updated": iso(self.updated or self.created),
            "file_id": file_id,
            "content_token": self._token(store, self.content, 1),
            "properties_token": self._token(store, self.about(), 3 if self.updated else 2),
            "archive_status_history": [archive_entry("file_revision_id", self.id, made, by)],
            "name": self.name,
            "extension": self.extension,
            "size": len(self.content.body),
            "mime": self.mime,
            **{name: self.facts.get(name) for name in FACTS},
            "sources": self.sources,
            "products": products,
            "created_by_id": by,
        }

    def _token(self, store: Store, blob: Blob, part: int) -> Record:
        return {
            "id": beside(self.id, part),
            "created": iso(self.created),
            "sha": store.keep(blob),
            "salt": blob.salt,
            "created_by_id": self.by.id,
        }

    def about(self) -> Blob:
        """The property blob: compact JSON in the client's order (paper 4.3)."""
        if self.properties is None:
            facts = {
                "file_name": self.name,
                "size": len(self.content.body),
                "extension": self.extension,
                "mime": self.mime,
                **{name: self.facts.get(name) for name in FACTS},
            }
            self.properties = Blob(lambda: msgspec.json.encode(facts), f"p{self.id}".replace("-", ""))
        return self.properties


@dataclass
class File:
    id: str
    created: float
    by: User
    revisions: list[Revision]

    def record(self, kind: str, resource_id: str, store: Store, products: list[Record]) -> Record:
        made = iso(self.created)
        last = self.revisions[-1]
        return {
            "id": self.id,
            "created": made,
            "updated": iso(last.updated or last.created),
            "revisions": [each.record(self.id, store, products if each is last else []) for each in self.revisions],
            "archive_status_history": [archive_entry("file_id", self.id, made, self.by.id)],
            "resource_id": resource_id,
            "resource_type": kind,
            "created_by_id": self.by.id,
            "control_tags": [],
            "upstream_remote_info": None,
            "infosec_level": None,
        }


def archive_entry(
    key: str, owner: str, at: str, by: str, *, name: str = "Active", reason: str | None = "Initial"
) -> Record:
    number = beside(owner, 4 if name == "Active" else 5)
    return {"id": number, "created": at, "name": name, "reason": reason, "created_by_id": by, key: owner}


@dataclass(eq=False)
class Resource:
    """What has a file: models, artifacts, comments and jobs."""

    kind: str
    id: str
    created: float
    by: User
    file: File
    comments: list[Resource] = field(default_factory=list)
    archive: list[Record] = field(default_factory=list)
    grants: dict[str, str] = field(default_factory=dict)
    """Relation by user id, beside the owner's."""

    def __post_init__(self) -> None:
        if not self.archive:
            self.archive = [archive_entry("resource_id", self.id, iso(self.created), self.by.id)]

    @property
    def archived(self) -> bool:
        return bool(self.archive[-1]["name"] == "Archived")

    def base(self, store: Store, products: list[Record]) -> Record:
        """The keys that all of them have."""
        return {
            "id": self.id,
            "created": iso(self.created),
            "file": self.file.record(self.kind, self.id, store, products),
            "comments": [comment.base(store, []) | _on(self) for comment in self.comments],
            "archive_status_history": self.archive,
            "created_by_id": self.by.id,
        }


def _on(resource: Resource) -> Record:
    """What a comment says of the thing it is on."""
    return {"resource_id": resource.id, "resource_type": resource.kind}


def make_file(
    kind: int, number: int, name: str, make: Callable[[], bytes], *, at: float, by: User, **facts: str | None
) -> File:
    """A file of one revision whose ids follow from kind and number."""
    salt = identity(kind, number, 0x5A).replace("-", "")
    first = Revision(
        identity(kind, number, 2), at, by, name, Blob(make, salt), dict(facts), MIMES[name.rpartition(".")[2]]
    )
    return File(identity(kind, number, 1), at, by, [first])
