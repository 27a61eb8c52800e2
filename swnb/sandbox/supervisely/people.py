"""Who there is: users, their teams, the teams' workspaces and agents; and the words all records share."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import msgspec
from starlette.requests import Request

from swnb.sandbox.supervisely import errors

Record = dict[str, Any]
PASSWORD = "abcd1234"  # noqa: S105 - a made-up world's
WRITERS = {"admin", "developer", "manager"}


def iso(seconds: float | None) -> str | None:
    """UTC with milliseconds."""
    if seconds is None:
        return None
    at = datetime.fromtimestamp(round(seconds * 1000) / 1000, timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def secret(*seed: object) -> str:
    """128 characters that are always the same."""
    return hashlib.sha512(repr(seed).encode()).hexdigest()


@dataclass(frozen=True)
class User:
    id: int
    login: str

    @property
    def token(self) -> str:
        return secret("user", self.id)


@dataclass(frozen=True)
class Team:
    id: int
    name: str
    description: str
    created: float
    roles: dict[int, str]
    """By user id."""

    def record(self, user: User) -> Record:
        at = iso(self.created)
        about = {"id": self.id, "name": self.name, "description": self.description, "role": self.roles[user.id]}
        return {**about, "createdAt": at, "updatedAt": at, "usage": {"plan": "community"}}


@dataclass(frozen=True)
class Workspace:
    id: int
    name: str
    description: str
    team: Team
    created: float

    def record(self) -> Record:
        at = iso(self.created)
        about = {"id": self.id, "name": self.name, "description": self.description, "teamId": self.team.id}
        return {**about, "createdAt": at, "updatedAt": at}


@dataclass(frozen=True)
class Agent:
    id: int
    name: str
    team: Team
    user: User
    created: float
    running: bool = True
    gpu: bool = True

    def record(self) -> Record:
        at = iso(self.created)
        kinds = ["app", "export", "import", "train"] if self.gpu else ["app", "export", "import"]
        return {
            "id": self.id,
            "name": self.name,
            "token": secret("agent", self.id)[:64],
            "status": "running" if self.running else "waiting",
            "userId": self.user.id,
            "teamId": self.team.id,
            "capabilities": {"types": {kind: {"enabled": True, "concurrency": 4} for kind in kinds}},
            "createdAt": at,
            "updatedAt": at,
            "isPublic": False,
            "type": "sly_agent",
            "disabled": False,
            "version": "6.7.40",
        }

    def gpu_info(self) -> Record:
        return {"device_memory": [{"available": 8_000_000_000, "total": 16_000_000_000}] if self.gpu else []}


@dataclass
class People:
    users: list[User]
    teams: list[Team]
    workspaces: list[Workspace] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)

    def caller(self, request: Request) -> User:
        """By token; a token that is missing is a 400, a wrong one a 401 (paper 1.7)."""
        token = request.headers.get("x-api-key")
        if not token:
            raise errors.bad("The header x-api-key is missing")
        found = next((user for user in self.users if user.token == token), None)
        if found is None or request.scope.get("swnb.expired"):
            raise errors.unauthorized()
        return found

    def sign_in(self, login: object, password: object) -> str:
        """A JWT whose payload carries the token, a team and a workspace (paper 1.4)."""
        user = next((user for user in self.users if user.login == login), None)
        if user is None or password != PASSWORD:
            raise errors.unauthorized("Wrong login or password")
        home = next(space for space in self.workspaces if user.id in space.team.roles)
        claims = {
            "id": user.id,
            "login": user.login,
            "apiToken": user.token,
            "group": {"id": home.team.id, "name": home.team.name},
            "workspace": {"id": home.id, "name": home.name},
        }
        return ".".join(_packed(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims, {"made": "up"}))

    def check(self, user: User, team: Team, *, write: bool = False) -> None:
        """403 for those outside the team, and for its viewers where something would change."""
        role = team.roles.get(user.id)
        if role is None or (write and role not in WRITERS):
            raise errors.forbidden(f"You have no access to the team {team.name}")


def _packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def demo_people(now: float) -> People:
    """`ada` is admin of both teams; `guest` may look at the second one."""
    ada, guest = User(901, "ada"), User(902, "guest")
    created = now - 200 * 86400
    vision = Team(451, "vision-lab", "pictures", created, {ada.id: "admin"})
    speech = Team(452, "speech-lab", "", created + 86400, {ada.id: "admin", guest.id: "viewer"})
    agents = [
        Agent(61, "basement-gpu", vision, ada, created + 3600),
        Agent(62, "old-laptop", vision, ada, created + 7200, running=False, gpu=False),
        Agent(63, "speech-gpu", speech, ada, created + 90000),
    ]
    return People([ada, guest], [vision, speech], agents=agents)
