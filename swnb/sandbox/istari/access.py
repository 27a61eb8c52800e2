"""Who may do what with a thing (paper 3.4)."""

from __future__ import annotations

from typing import Any

from swnb.sandbox.istari import errors
from swnb.sandbox.istari.asked import Asked, Handler, text_of
from swnb.sandbox.istari.files import Resource
from swnb.sandbox.istari.words import RELATIONS, Record, User

KINDS = ("model", "artifact", "resource", "job")
"""The kinds of things here that access can be given to."""


def _thing(asked: Asked, kind: str, number: str, *, write: bool) -> Resource:
    if kind not in KINDS:
        raise errors.invalid(("path", "resource_type"), f"Input should be one of {', '.join(KINDS)}", "enum", kind)
    thing = asked.state.resource(number)
    if kind not in {thing.kind.lower(), "resource"}:
        raise errors.forbidden()
    asked.allowed(thing, write=write)
    return thing


def _of_path(asked: Asked, *, write: bool = True) -> Resource:
    return _thing(asked, asked.path("resource_type"), asked.path("resource_id"), write=write)


def _subject(asked: Asked, number: str) -> User:
    found = next((user for user in asked.state.users if user.id == number), None)
    if found is None:
        raise errors.missing("User")
    return found


def _listed(thing: Resource, asked: Asked) -> list[Record]:
    """The owner's row comes first."""
    rows = [_row(thing, thing.by, "owner")]
    others = [user for user in asked.state.users if user.id in thing.grants]
    return rows + [_row(thing, user, thing.grants[user.id]) for user in others]


def _row(thing: Resource, user: User, relation: str) -> Record:
    return {
        "subject_type": "user",
        "subject_id": user.id,
        "relation": relation,
        "resource_type": thing.kind.lower(),
        "resource_id": thing.id,
        "subject_info": {"username": user.name, "email": user.email, "cross_tenant_user": False},
    }


def _granted(thing: Resource, user: User, relation: str) -> Record:
    if user is thing.by:
        raise errors.conflict("The owner's access cannot be changed")
    thing.grants[user.id] = relation
    return _row(thing, user, relation)


def grant(asked: Asked) -> Any:
    sent = asked.body() or {}
    kind, number = (text_of(sent, ("body",), name) for name in ("resource_type", "resource_id"))
    user, relation = _wanted(asked, sent)
    return _granted(_thing(asked, kind, number, write=True), user, relation)


def _wanted(asked: Asked, sent: Record) -> tuple[User, str]:
    text_of(sent, ("body",), "subject_type", ("user",))
    relation = text_of(sent, ("body",), "relation", RELATIONS)
    return _subject(asked, text_of(sent, ("body",), "subject_id")), relation


def grant_by_email(asked: Asked) -> Any:
    asked.needed("access_relationship")
    relation = asked.word("access_relationship", RELATIONS) or ""
    user = next((user for user in asked.state.users if user.email == asked.path("subject_id")), None)
    if user is None:
        raise errors.missing("User")
    return _granted(_of_path(asked), user, relation)


def change(asked: Asked) -> Any:
    thing, user = _of_path(asked), _subject(asked, asked.path("subject_id"))
    relation = asked.sent("relation", RELATIONS)
    if user.id not in thing.grants:
        raise errors.missing("Access")
    return _granted(thing, user, relation)


def revoke(asked: Asked) -> Any:
    thing = _of_path(asked)
    if thing.grants.pop(asked.path("subject_id"), None) is None:
        raise errors.missing("Access")


def of_resource(asked: Asked) -> Any:
    return _listed(_of_path(asked, write=False), asked)


def of_job(asked: Asked) -> Any:
    return _listed(_thing(asked, "job", asked.path("job_id"), write=False), asked)


def patch_job(asked: Asked) -> Any:
    thing = _thing(asked, "job", asked.path("job_id"), write=True)
    asked.needed("patch_op")
    operation = asked.word("patch_op", ("set", "delete"))
    user, relation = _wanted(asked, asked.body() or {})
    if operation == "set":
        _granted(thing, user, relation)
    else:
        thing.grants.pop(user.id, None)
    return _listed(thing, asked)


READS: dict[str, Handler] = {
    "/access/{resource_type}/{resource_id}": of_resource,
    "/jobs/{job_id}/access": of_job,
}
_ONE = "/access/{subject_type}/{subject_id}/{resource_type}/{resource_id}"
CONTROL: dict[tuple[str, str], Handler] = {
    ("POST", "/access"): grant,
    ("POST", _ONE): grant_by_email,
    ("PUT", _ONE): change,
    ("DELETE", _ONE): revoke,
    ("PATCH", "/jobs/{job_id}/access"): patch_job,
}
