"""Content to a registry's store: blobs by their sha, and the revisions that name them (istari paper 4.3)."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from swnb.providers.istari import requests
from swnb.sdk.istari.files import PROPERTIES, File, FileRevision
from swnb.sdk.istari.record import Record, expected
from swnb.sdk.istari.types import (
    FileRevisionArchiveStatus,
    NewSource,
    Properties,
    Source,
    TemporaryURL,
    Token,
    TokenWithProperties,
)
from swnb.sdk.istari.words import ArchiveStatusName


@dataclass(frozen=True)
class Blob:
    """Bytes, and the token that names them."""

    data: bytes
    token: Token

    @staticmethod
    def of(data: bytes, salt: str | None = None) -> Blob:
        salt = uuid4().hex if salt is None else salt
        sha = hashlib.sha384(data + salt.encode()).hexdigest()
        return Blob(data, Token(id=str(uuid4()), created=_now(), sha=sha, salt=salt))


def json_of(record: Record) -> dict[str, Any]:
    """A record as the body of a request."""
    found: dict[str, Any] = json.loads(record.to_json())
    return found


async def upload(client: Any, blob: Blob) -> None:
    """Send a blob, unless the server has it."""
    sent = await client.told(requests.upload_url(blob.token.sha))
    if sent is not None:
        link = TemporaryURL.read(sent, "the link for an upload")
        await client.told(requests.upload(link.url, blob.data))


def properties_of(name: str, size: int, given: Mapping[str, str | None]) -> Properties:
    """What a file with this name is called, in the order in which it is written."""
    extension = PurePath(name).suffix.removeprefix(".").lower()
    said = {each: given.get(each) for each in ("description", "version_name", "external_identifier", "display_name")}
    return Properties(
        file_name=name, size=size, extension=extension, mime=mimetypes.guess_type(name, strict=False)[0], **said
    )


def blob_of(properties: Properties, salt: str | None = None) -> Blob:
    """Its keys in the vendor's order: the sha depends on it."""
    said = properties.to_dict()
    ordered = {name: said.get(name) for name in ("file_name", "size", "extension", "mime", "description")}
    ordered |= {name: said.get(name) for name in ("version_name", "external_identifier", "display_name")}
    return Blob.of(json.dumps(ordered, separators=(",", ":")).encode(), salt)


def new_revision(
    content: Blob, described: Blob, properties: Properties, sources: Sequence[NewSource | str] | None
) -> FileRevision:
    """A revision that is not yet a file's."""
    id_ = str(uuid4())
    archived = FileRevisionArchiveStatus(
        id=str(uuid4()),
        created=_now(),
        name=ArchiveStatusName.ACTIVE,
        reason="Initial",
        file_revision_id=id_,
        created_by_id=None,
    )
    said = properties.to_dict()
    return FileRevision(
        id=id_,
        created=_now(),
        content_token=content.token,
        properties_token=described.token,
        archive_status_history=[archived],
        name=said.pop("file_name"),
        sources=[_source(each) for each in sources or ()],
        file_id=None,
        created_by_id=None,
        updated=None,
        **said,
    )


def changed(file: File, given: Mapping[str, str | None]) -> tuple[Blob, TokenWithProperties]:
    """The properties of a file's last revision with those that are given, and what names them."""
    odd = [name for name, value in given.items() if not isinstance(value, str | None)]
    if odd:
        raise TypeError(f"{odd[0]} is text, not {type(given[odd[0]]).__name__}")
    last = file.revision
    name = last.name or ""
    said = {each: getattr(last, each) if given.get(each) is None else given[each] for each in PROPERTIES}
    extension, size = last.extension or PurePath(name).suffix.removeprefix("."), last.size or 0
    properties = Properties(file_name=name, size=size, extension=extension, mime=last.mime, **said)
    blob = blob_of(properties, last.properties_token.salt)
    token = blob.token
    said = {**said, "mime": last.mime, "extension": extension, "size": size, "name": name}
    return blob, TokenWithProperties(id=token.id, created=token.created, sha=token.sha, salt=token.salt, **said)


def _source(given: NewSource | str) -> Source:
    if isinstance(given, str):
        given = NewSource(revision_id=given, relationship_identifier=None)
    expected(given, NewSource)
    none = dict.fromkeys(("file_id", "resource_type", "resource_id"))
    return Source(revision_id=given.revision_id, relationship_identifier=given.relationship_identifier, **none)


def _now() -> datetime:
    return datetime.now(timezone.utc)
