"""The Calls of ``requests`` with the meaning that the verbs give to their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from msgspec import Raw

from swnb.call import Call, Page
from swnb.providers.istari import requests
from swnb.providers.istari.replies import decoded, page_of
from swnb.providers.istari.shapes import Sheet
from swnb.providers.reading import Read, mapping

T = TypeVar("T")

PAGE: Final = 100  # the most that a server gives


def _meaning(call: Call[Any], read: Read[T], shape: Any = Any) -> Call[T]:
    return replace(call, decode=decoded(read, shape))


def pages(first: Call[Any], read: Read[T], size: int = PAGE, number: int = 1, item: Any = Any) -> Call[Page[T]]:
    """A list from its page ``number`` on; ``read`` gets each item decoded into ``item``."""

    def page(number: int) -> Call[Page[T]]:
        return pages(first, read, size, number, item)

    query = {**first.query, "page": str(number), "size": str(size)}
    return _meaning(replace(first, query=query), page_of(read, page, number), Sheet[item])


def jobs(read: Read[T], filters: Mapping[str, str], size: int = PAGE) -> Call[Page[T]]:
    """Newest first. As all readers of jobs, ``read`` gets a record undecoded."""
    return pages(requests.jobs(**filters, sort="-created"), read, size, item=Raw)


def job(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.job(id_), read, Raw)


def models(read: Read[T]) -> Call[Page[T]]:
    return pages(requests.get("models"), read)


def model(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.get("models", id_), read)


def artifact(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.get("artifacts", id_), read)


def access(job: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.access("job", job), read)


def artifacts(model: str) -> Call[Page[Mapping[str, Any]]]:
    """Those that a model's jobs made, archived ones too."""
    return pages(requests.get("models", model, "artifacts", archive_status="all"), mapping)


def revision(id_: str) -> Call[Mapping[str, Any]]:
    return _meaning(requests.get("revisions", id_), mapping)


def systems(read: Read[T]) -> Call[Page[T]]:
    return pages(requests.get("systems"), read)


def system(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.get("systems", id_), read)


def configurations(system: str) -> Call[Page[Mapping[str, Any]]]:
    return pages(requests.get("systems", system, "configurations"), mapping)


def tracked_files(configuration: str) -> Call[Page[Mapping[str, Any]]]:
    return pages(requests.get("systems", "configurations", configuration, "tracked-files"), mapping)


def download_url(sha: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.download_url(sha), read)


# -- what changes something


def cancel(id_: str, read: Read[T]) -> Call[T]:
    """There is no other way to end a job than to write its status (paper 3.1)."""
    return _meaning(requests.set_status(id_, "Canceled"), read, Raw)


def archive(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.archive("jobs", id_), read, Raw)


def grant(job: str, who: str, relation: str, read: Read[T]) -> Call[T]:
    """``who`` is a user's id or e-mail address."""
    if "@" in who:
        return _meaning(requests.grant_by_email("user", who, "job", job, relation), read)
    body = {"subject_type": "user", "subject_id": who, "relation": relation, "resource_type": "job"}
    return _meaning(requests.grant({**body, "resource_id": job}), read)


def regrant(job: str, user: str, relation: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.change_access("user", user, "job", job, {"relation": relation}), read)


def revoke(job: str, user: str) -> Call[None]:
    return _meaning(requests.revoke("user", user, "job", job), lambda _body, _reply: None)


def restore(id_: str, read: Read[T]) -> Call[T]:
    return _meaning(requests.restore("jobs", id_), read, Raw)
