"""Users, tokens and who may see which project (paper 3.1)."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request

from swnb.sandbox.starwhale import errors
from swnb.sandbox.world import Project

WORD = "Bearer "


@dataclass(frozen=True)
class User:
    id: int
    name: str
    password: str
    created: float
    system_role: str | None = None
    enabled: bool = True


@dataclass
class People:
    """Everybody the server knows, and the tokens it gave out."""

    users: list[User] = field(default_factory=list)
    _tokens: dict[str, User] = field(default_factory=dict)

    def named(self, name: str) -> User:
        """By name or number; an owner nobody has met is somebody all the same."""
        found = [user for user in self.users if name in {user.name, str(user.id)}]
        return found[0] if found else User(0, name, "", 0.0)

    def sign_in(self, name: str | None, password: str | None) -> tuple[User, str]:
        for user in self.users:
            if user.enabled and (user.name, user.password) == (name, password):
                return user, self.token(user)
        raise errors.not_logged_in("Wrong username or password")

    def token(self, user: User) -> str:
        """A new token, shaped like the server's."""
        claims = {"sub": f"{user.id},{user.name}", "iss": "starwhale"}
        parts = [json.dumps({"alg": "HS512"}).encode(), json.dumps(claims).encode(), secrets.token_bytes(24)]
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self._tokens[token] = user
        return token

    def caller(self, request: Request) -> User | None:
        """Who asks; None without a token. A bad or expired one is refused, wherever it leads."""
        sent = request.headers.get("authorization") or request.query_params.get("Authorization") or ""
        if not sent.startswith(WORD):
            return None
        user = self._tokens.get(sent[len(WORD) :])
        if user is None or request.scope.get("swnb.expired"):
            raise errors.not_logged_in("JWT token is expired or invalid.")
        return user


def owns(user: User, project: Project) -> bool:
    return user.name == project.owner or user.system_role == "OWNER"


def check(user: User | None, project: Project | None, *, write: bool = False, data: bool = False) -> None:
    """Refuse a caller who may not; `data`: reading tables of a public project needs no token."""
    if user is None:
        if project is not None and (write or not project.public):
            raise errors.not_logged_in()
        if not data or project is None:
            raise errors.unauthorized()
        return
    if project is not None and not owns(user, project) and (write or not project.public):
        raise errors.denied()
