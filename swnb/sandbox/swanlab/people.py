"""Users, their keys, sign-ins, workspaces, and who may see what (paper 1.3 and 2)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.requests import HTTPConnection

from swnb.sandbox.swanlab import errors

SID_SECONDS = 30 * 86400.0
WRITERS = {"OWNER", "MEMBER"}


@dataclass(frozen=True)
class User:
    username: str
    key: str
    name: str
    verified: bool = True


@dataclass
class Workspace:
    username: str
    name: str
    kind: str
    roles: dict[str, str]
    comment: str = ""

    def role(self, user: User) -> str:
        return self.roles.get(user.username, "VISITOR")


@dataclass
class People:
    """Everybody the server knows. A key is given in exchange for a sid, which lasts `sid_seconds`."""

    clock: Callable[[], float]
    users: list[User]
    workspaces: dict[str, Workspace]
    sid_seconds: float = SID_SECONDS
    _sids: dict[str, tuple[User, float]] = field(default_factory=dict)

    def sign_in(self, key: str | None) -> tuple[User, str, float]:
        """The user, a new sid and the second it ends."""
        user = next((user for user in self.users if user.key == key), None)
        if user is None:
            raise errors.unauthorized("Error api key")
        if not user.verified:
            raise errors.forbidden("You need to be verified first")
        sid, end = secrets.token_urlsafe(24), self.clock() + self.sid_seconds
        self._sids[sid] = user, end
        return user, sid, end

    def expire(self) -> None:
        """Forget all sids."""
        self._sids.clear()

    def caller(self, request: HTTPConnection) -> User:
        user, end = self._sids.get(_sid(request), (None, 0.0))
        if user is None or end <= self.clock() or request.scope.get("swnb.expired"):
            raise errors.unauthorized()
        return user

    def shows_itself(self, request: HTTPConnection) -> bool:
        """Whether a request carries a sid or a key of this server."""
        keys = {user.key for user in self.users}
        return _sid(request) in self._sids or request.headers.get("authorization") in keys

    def workspace(self, username: str) -> Workspace:
        """A workspace of somebody else can be seen too: its public projects are in it."""
        found = self.workspaces.get(username)
        if found is None:
            raise errors.missing("Group")
        return found

    def check(self, user: User, workspace: str, *, public: bool, write: bool) -> None:
        role = self.workspaces[workspace].role(user)
        if role not in WRITERS and (write or not public):
            raise errors.forbidden()


def _sid(request: HTTPConnection) -> str:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies["sid"].value if "sid" in cookies else ""


def demo_people(clock: Callable[[], float]) -> People:
    """A user with a personal workspace and a team, a member of that team, and somebody who is not verified."""
    users = [
        User("ada", "sandboxkey00000000001", "Ada"),
        User("grace", "sandboxkey00000000002", "Grace"),
        User("nemo", "sandboxkey00000000003", "Nemo", verified=False),
    ]
    workspaces = {
        user.username: Workspace(user.username, user.name, "PERSON", {user.username: "OWNER"}) for user in users
    }
    team = Workspace("vision-lab", "Vision Lab", "TEAM", {"ada": "OWNER", "grace": "MEMBER"}, "cameras and kites")
    return People(clock, users, {**workspaces, team.username: team})
