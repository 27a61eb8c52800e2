"""Files and what has a file: their content, their properties, access to them (istari paper 2.5, 4 and 5)."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from swnb.bridge import both
from swnb.errors import BadInput, BadReply
from swnb.providers.istari import requests
from swnb.sdk.istari.content import Content, Stats, place_for, saved, whole
from swnb.sdk.istari.record import Record
from swnb.sdk.istari.types import (
    AccessRelationship,
    Archive,
    ControlTag,
    FileArchiveStatus,
    FileRevisionArchiveStatus,
    InfosecLevel,
    Product,
    Properties,
    ResourceArchiveStatus,
    Restore,
    Source,
    Token,
    UpdateAccessRelationship,
    UpstreamRemoteInfo,
)
from swnb.sdk.istari.words import AccessRelation, AccessResourceType, AccessSubjectType, text

#: the properties that can be changed, in the order of the vendor's parameters
PROPERTIES = ("description", "display_name", "external_identifier", "version_name")


class Readable(Record):
    """Content, which is fetched, verified and kept in the client's cache; it reads as its last revision."""

    @property
    def revision(self) -> FileRevision:
        """The last; BadReply (a ValueError) where there is none."""
        found = self._revisions()
        if not found:
            raise BadReply(f"this {type(self).__name__} has no content")
        return found[-1]

    @both
    async def read_bytes(self) -> bytes:
        """The content; InvalidChecksumError (a ValueError) where that is not what was promised."""
        return await self._bytes()

    @both
    async def read_text(self, encoding: str = "utf-8") -> str:
        return await self._text(encoding)

    @both
    async def read_json(self, encoding: str = "utf-8") -> Any:
        return json.loads(await self._text(encoding))

    @both
    async def copy_to(self, dest: str | os.PathLike[str]) -> Path:
        """Write the content to a file, whole or not at all, over what is there. In a folder it is called as it is here,
        without any path in that name."""
        target = place_for(dest, self.revision.name)
        return await self._content().use(*self._token(), lambda file: saved(file, target))

    @both
    async def cleanup_cache(self) -> None:
        """Remove the content from the client's cache."""
        await self._content().forget(self._token()[0])

    def get_cache_stats(self) -> dict[str, int]:
        """How often this content was read from the cache (``hits``), was not there (``misses``) and was put there."""
        return self.revision.counted.to_dict()

    @both
    async def read_properties(self) -> Properties:
        """The properties blob, which is never kept."""
        return await self._properties()

    @property
    def aio(self) -> Properly:
        """The awaitable doors of properties: ``await job.aio.properties()``."""
        return Properly(self)

    @property
    def properties(self) -> Properties:
        """``read_properties()``, asked anew each time."""
        return self.read_properties()

    @property
    def stem(self) -> str | None:
        return Path(self.name).stem if self.name else None

    @property
    def suffix(self) -> str | None:
        return Path(self.name).suffix if self.name else None

    def _revisions(self) -> Sequence[FileRevision]:
        """The oldest first."""
        raise NotImplementedError

    async def _bytes(self) -> bytes:
        return await self._content().use(*self._token(), whole)

    async def _text(self, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise BadInput(f"encoding={encoding!r} is none that Python knows") from None
        return (await self._bytes()).decode(encoding)

    async def _properties(self) -> Properties:
        sent = await self._content().bytes(self.revision.properties_token)
        return Properties.read(json.loads(sent), "properties")

    def _content(self) -> Content:
        return self._speaking().content

    def _token(self) -> tuple[Token, Stats]:
        return self.revision.content_token, self.revision.counted


class Properly:
    """Awaitable doors of what reads as an attribute and asks a server."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    async def properties(self) -> Properties:
        found: Properties = await self._owner.read_properties.aio()
        return found


class FileRevision(Readable):
    """One content of a file, and what it is called."""

    id: str
    created: datetime
    file_id: str | None
    content_token: Token
    properties_token: Token
    archive_status_history: list[FileRevisionArchiveStatus]
    name: str | None
    extension: str | None
    size: int | None
    description: str | None
    mime: str | None
    version_name: str | None
    external_identifier: str | None
    display_name: str | None
    sources: list[Source] | None
    products: list[Product] | None
    created_by_id: str | None
    updated: datetime | None

    @property
    def archive_status(self) -> FileRevisionArchiveStatus | None:
        return self.archive_status_history[-1] if self.archive_status_history else None

    @property
    def counted(self) -> Stats:
        """What its reads met in the cache."""
        found: Stats = vars(self).setdefault("_counted", Stats())
        return found

    @counted.setter
    def counted(self, stats: Stats) -> None:
        vars(self)["_counted"] = stats

    def _revisions(self) -> Sequence[FileRevision]:
        return (self,)


class Described(Readable):
    """What reads as the last revision of a file, and can be described anew."""

    @property
    def name(self) -> str | None:
        """The file's name, with its extension."""
        name, extension = self.revision.name, self.revision.extension
        return f"{name}.{extension}" if name and extension and not name.endswith(f".{extension}") else name

    @property
    def extension(self) -> str | None:
        return self.revision.extension

    @property
    def description(self) -> str | None:
        return self.revision.description

    @property
    def size(self) -> int | None:
        return self.revision.size

    @property
    def mime(self) -> str | None:
        return self.revision.mime

    @property
    def version_name(self) -> str | None:
        return self.revision.version_name

    @property
    def external_identifier(self) -> str | None:
        return self.revision.external_identifier

    @property
    def display_name(self) -> str | None:
        return self.revision.display_name

    @both
    async def update_properties(
        self,
        description: str | None = None,
        display_name: str | None = None,
        external_identifier: str | None = None,
        version_name: str | None = None,
    ) -> File:
        """Change what the file is called; what is left out stays. The file as it is then, which this record has too."""
        given = (description, display_name, external_identifier, version_name)
        return await self._described(**dict(zip(PROPERTIES, given, strict=True)))

    @both
    async def update_description(self, description: str) -> File:
        return await self._described(description=description)

    @both
    async def update_display_name(self, display_name: str) -> File:
        return await self._described(display_name=display_name)

    @both
    async def update_external_identifier(self, external_identifier: str) -> File:
        return await self._described(external_identifier=external_identifier)

    @both
    async def update_version_name(self, version_name: str) -> File:
        return await self._described(version_name=version_name)

    async def _described(self, **given: str | None) -> File:
        return await self._speaking().described(self._file(), given)

    def _file(self) -> File:
        raise NotImplementedError


class Shared(Record):
    """Access, and archiving. Archiving and restoring change no record that is there: they give a new one."""

    #: what it is called in paths, and in access relationships
    _kind = ""
    _word = ""

    @both
    async def create_access(
        self, subject_type: AccessSubjectType | str, subject_id: str, relation: AccessRelation | str
    ) -> AccessRelationship:
        """Give a subject access."""
        body = {
            "subject_type": AccessSubjectType.of("subject_type", subject_type),
            "subject_id": text("subject_id", subject_id),
            "relation": AccessRelation.of("relation", relation),
            "resource_type": self._word,
            "resource_id": self.id,
        }
        return await self._speaking().ask(requests.grant(body), AccessRelationship)

    @both
    async def create_access_by_email(
        self, subject_type: AccessSubjectType | str, subject_email: str, relation: AccessRelation | str
    ) -> AccessRelationship:
        """Give a subject, whose e-mail is known, access."""
        who = AccessSubjectType.of("subject_type", subject_type)
        what = AccessRelation.of("relation", relation)
        call = requests.grant_by_email(who, subject_email, self._word, self.id, what)
        return await self._speaking().ask(call, AccessRelationship)

    @both
    async def update_access(
        self, subject_type: AccessSubjectType | str, subject_id: str, relation: AccessRelation | str
    ) -> AccessRelationship:
        """Change the access that a subject has."""
        who = AccessSubjectType.of("subject_type", subject_type)
        body = UpdateAccessRelationship(relation=AccessRelation.of("relation", relation)).to_dict()
        call = requests.change_access(who, subject_id, self._word, self.id, body)
        return await self._speaking().ask(call, AccessRelationship)

    @both
    async def remove_access(self, subject_type: AccessSubjectType | str, subject_id: str) -> None:
        """Take a subject's access away."""
        who = AccessSubjectType.of("subject_type", subject_type)
        await self._speaking().told(requests.revoke(who, subject_id, self._word, self.id))

    @both
    async def list_access(self) -> list[AccessRelationship]:
        """Who has access."""
        call = requests.access(self._word, self.id)
        return await self._speaking().ask_list(call, AccessRelationship)

    @both
    async def archive(self, archive_reason: str | None = None) -> Any:
        """Archive it, which hides it from lists; as it is then."""
        body = Archive(reason=archive_reason).to_dict() if archive_reason else None
        return await self._again(requests.archive, body)

    @both
    async def restore(self, restore_reason: str | None = None) -> Any:
        """Show it in lists again; as it is then."""
        body = Restore(reason=restore_reason).to_dict() if restore_reason else None
        return await self._again(requests.restore, body)

    async def _again(self, verb: Any, body: Any) -> Any:
        return await self._speaking().ask(verb(self._kind, self.id, body), type(self))


class File(Described, Shared):
    """A file: its revisions, the oldest first."""

    _kind, _word = "files", AccessResourceType.FILE.value

    id: str
    created: datetime
    revisions: list[FileRevision]
    archive_status_history: list[FileArchiveStatus]
    resource_id: str | None
    resource_type: str | None
    created_by_id: str | None
    updated: datetime | None
    control_tags: list[ControlTag] | None
    upstream_remote_info: UpstreamRemoteInfo | None
    infosec_level: InfosecLevel | None

    @property
    def archive_status(self) -> FileArchiveStatus | None:
        return self.archive_status_history[-1] if self.archive_status_history else None

    def goes_on_counting(self, before: File) -> None:
        """Its contents were met in the cache as often as they were before."""
        met = {each.content_token.sha: each.counted for each in before.revisions if each.content_token}
        for each in self.revisions:
            if each.content_token:
                each.counted = met.get(each.content_token.sha, each.counted)

    def _revisions(self) -> Sequence[FileRevision]:
        return self.revisions

    def _file(self) -> File:
        return self


class Resource(Described, Shared):
    """What stands in a registry and has a ``file`` and an ``archive_status_history``."""

    @property
    def revisions(self) -> list[FileRevision]:
        """Of its file, the oldest first."""
        return self._file().revisions

    @property
    def archive_status(self) -> ResourceArchiveStatus | None:
        """The last entry of its history."""
        return self.archive_status_history[-1] if self.archive_status_history else None

    def _revisions(self) -> Sequence[FileRevision]:
        return self.revisions

    def _file(self) -> File:
        if not isinstance(self.file, File):
            raise BadReply(f"this {type(self).__name__} has no file")
        return self.file
