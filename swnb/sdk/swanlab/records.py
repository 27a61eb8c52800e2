"""What SwanLab's Open API hands out: its answers, and records that are read by attribute and by ``["key"]``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from swnb.providers.swanlab.words import unwrapped
from swnb.secret import redact

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Record(dict[str, Any]):
    """A dict of exactly the fields that the page names, which are attributes too. ``raw`` is what the server sent,
    fields included that nobody named yet; it takes no part in comparing and in JSON."""

    __slots__ = ("raw",)
    raw: Mapping[str, Any]

    def __init__(self, fields: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        super().__init__(fields or {}, **named)
        self.raw = {}

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"this {type(self).__name__} has no {name!r}; it has {', '.join(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "raw":
            super().__setattr__(name, value)
        else:
            self[name] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        return redact(super().__repr__())

    def model_dump(self) -> dict[str, Any]:
        """A plain dict."""
        return dict(self)

    def model_dump_json(self) -> str:
        return json.dumps(self, ensure_ascii=False)


class Experiment(Record):
    """A run. ``finishedAt`` is None while it goes on. ``profile`` is all that the server tells; in lists that is
    ``config`` only. The config is plain, as on the page: what the server keeps as ``{"lr": {"value": 0.1, "sort": 0,
    "desc": ""}}`` and the vendor hands out so is ``{"lr": 0.1}`` here; ``raw`` has it as it came."""

    cuid: str
    name: str
    description: str
    state: str
    show: bool
    createdAt: str
    finishedAt: str | None
    user: dict[str, str]
    profile: dict[str, Any]

    @staticmethod
    def of(sent: Mapping[str, Any]) -> Experiment:
        user, profile = _mapping(sent.get("user")), _mapping(sent.get("profile"))
        config = {"config": unwrapped(profile["config"])} if "config" in profile else {}
        found = Experiment(
            **{name: sent.get(name) or "" for name in ("cuid", "name", "description", "state")},
            show=bool(sent.get("show")),
            createdAt=sent.get("createdAt") or "",
            finishedAt=sent.get("finishedAt") or None,
            user={name: user.get(name) or "" for name in ("username", "name")},
            profile={**profile, **config},
        )
        found.raw = sent
        return found


class Project(Record):
    """A project. ``updatedAt`` is None where it never was; ``count`` is empty where no statistics were asked for."""

    cuid: str
    name: str
    description: str
    visibility: str
    createdAt: str
    updatedAt: str | None
    group: dict[str, str]
    count: dict[str, int]

    @staticmethod
    def of(sent: Mapping[str, Any], detail: bool = True) -> Project:
        group = _mapping(sent.get("group"))
        found = Project(
            **{name: sent.get(name) or "" for name in ("cuid", "name", "description", "visibility", "createdAt")},
            updatedAt=sent.get("updatedAt") or None,
            group={name: group.get(name) or "" for name in ("type", "username", "name")},
            count=dict(_mapping(sent.get("_count"))) if detail else {},
        )
        found.raw = sent
        return found


class Items(list[T]):
    """A list; ``items`` is the list itself, since the vendor's page writes ``.data.items[0]``."""

    @property
    def items(self) -> Items[T]:
        return self


@dataclass(slots=True)
class ApiResponse(Generic[T_co]):
    """``code`` is the HTTP status; ``errmsg`` is empty where that is 2xx; ``data`` is the answer, or what the server
    said instead."""

    code: int
    errmsg: str
    data: T_co

    def __getitem__(self, name: str) -> Any:
        if name not in ("code", "errmsg", "data"):
            raise KeyError(name)
        return getattr(self, name)

    def __repr__(self) -> str:
        return redact(f"ApiResponse(code={self.code!r}, errmsg={self.errmsg!r}, data={self.data!r})")

    def model_dump(self) -> dict[str, Any]:
        return {"code": self.code, "errmsg": self.errmsg, "data": self.data}

    def model_dump_json(self) -> str:
        return json.dumps(self.model_dump(), ensure_ascii=False)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
