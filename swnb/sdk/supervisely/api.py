"""``Api``: one server of Supervisely, and what its parts are called (supervisely paper 1)."""

# ruff: noqa: PLR0917 - the signatures are the vendor's
from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

from swnb import settings
from swnb.call import Call, Plan, ask
from swnb.client.source import Source, source_of, source_with
from swnb.errors import BadInput
from swnb.sdk.supervisely.app import AppApi
from swnb.sdk.supervisely.hierarchy import AgentApi, ProjectApi, TeamApi, WorkspaceApi
from swnb.sdk.supervisely.task import TaskApi
from swnb.secret import Secret
from swnb.settings.entries import Credential, token_of
from swnb.settings.environment import address_of

T = TypeVar("T")
_ENV_FILE: Final = "~/supervisely.env"
_PLATFORM: Final = "supervisely"
_PREFIX: Final = "/public/api"


class Api:
    """A server, by its address and an API token; making one sends nothing.

    A bare host means https, on this machine (``localhost``, 127.0.0.1) http; the address is never changed after that.
    Without ``server_address`` it is SERVER_ADDRESS. Without ``token`` the sign-in is what swnb knows for that address:
    saved by ``swnb.connect``, or API_TOKEN where SERVER_ADDRESS is this server.

    Only what reads is ever asked again, and by swnb's own rules, which bound the time and not the count: with a
    ``retry_count`` of 1 or 0 it is asked once; ``retry_sleep_sec``, ``external_logger`` and ``check_instance_version``
    are taken and have no effect. ``ignore_task_id``: do not say which task this runs in (SUPERVISELY_TASK_ID).
    """

    def __init__(
        self,
        server_address: str | None = None,
        token: str | Secret | None = None,
        retry_count: int | None = 10,
        retry_sleep_sec: float | None = None,
        external_logger: Any = None,
        ignore_task_id: bool = False,
        api_server_address: str | None = None,
        check_instance_version: bool | str = False,
    ) -> None:
        token = None if token is None else Secret(token)  # so that no frame below shows it
        self.token = token_of(token)
        address = server_address or os.environ.get("SERVER_ADDRESS", "")
        if not address:
            raise BadInput("no server is named", todo="Give server_address, or set SERVER_ADDRESS")
        self.server_address = self.normalize_server_address(address)
        api = api_server_address or os.environ.get("SUPERVISELY_API_SERVER_ADDRESS", "")
        self.api_server_address = self.normalize_server_address(api) if api else self.server_address + _PREFIX
        self.headers: dict[str, str | Secret] = {}
        self._once = retry_count is not None and retry_count <= 1
        self._source, self._cut = _source(self.api_server_address, self.token)
        if not ignore_task_id and (task := os.environ.get("SUPERVISELY_TASK_ID")):
            self.headers["x-task-id"] = task
        self.task = TaskApi(self)
        self.app = AppApi(self)
        self.team = TeamApi(self)
        self.workspace = WorkspaceApi(self)
        self.project = ProjectApi(self)
        self.agent = AgentApi(self)

    @classmethod
    def from_env(
        cls,
        retry_count: int | None = 10,
        ignore_task_id: bool = False,
        env_file: str | os.PathLike[str] = _ENV_FILE,
        check_instance_version: bool | str = False,
    ) -> Api:
        """The server of SERVER_ADDRESS and API_TOKEN. Where one is not set, and ENV is not ``production``, both are
        looked for in ``env_file`` too (FileNotFoundError where there is none); the environment comes first."""
        complete = bool(os.environ.get("SERVER_ADDRESS") and os.environ.get("API_TOKEN"))
        saved = {} if complete or is_production() else _read_env(env_file)
        token = Secret(os.environ.get("API_TOKEN") or saved.get("API_TOKEN", ""))
        address = os.environ.get("SERVER_ADDRESS") or saved.get("SERVER_ADDRESS", "")
        saved.clear()  # the frame of an error below may be shown
        if not address or not token:
            missing = "API_TOKEN" if address else "SERVER_ADDRESS"
            raise BadInput(f"{missing} is not set", todo=f"Set it, or write it into {_ENV_FILE}")
        return cls(
            address,
            token,
            retry_count=retry_count,
            ignore_task_id=ignore_task_id,
            check_instance_version=check_instance_version,
        )

    @staticmethod
    def normalize_server_address(server_address: str) -> str:
        """An address with its scheme and without a slash at its end; BadURI (a ValueError) where it is none."""
        if not isinstance(server_address, str):
            raise TypeError(f"an address is text, not {type(server_address).__name__}")
        return address_of(_PLATFORM, server_address.strip().strip("/"))

    def add_header(self, key: str, value: str | Secret) -> None:
        """Send a header with every request; ValueError where it is set already."""
        if key in self.headers:
            raise BadInput(f"the header {key!r} is set already")
        self.headers[key] = value

    def __repr__(self) -> str:
        return f"Api({self.server_address!r})"

    # What the parts of the API use

    async def ask(self, call: Call[T]) -> T:
        return await self.run(ask(self.prepared(call)))

    async def run(self, plan: Plan[T]) -> T:
        """Run a plan, whose calls are prepared already."""
        return await self._source.run(plan)

    def prepared(self, call: Call[T]) -> Call[T]:
        """A call with this Api's headers, at this Api's address."""
        path = call.path.removeprefix(_PREFIX) if self._cut else call.path
        headers = {**call.headers, **self.headers}
        return replace(call, path=path, headers=headers, reads=call.reads and not self._once)

    @property
    def source(self) -> Source:
        return self._source


def is_development() -> bool:
    """Whether ENV is not ``production``."""
    return os.environ.get("ENV", "development") != "production"


def is_production() -> bool:
    return not is_development()


def load_dotenv(path: str | os.PathLike[str] = _ENV_FILE) -> bool:
    """Set the variables of a file ``NAME=value`` that are not set yet; False where there is no such file."""
    if not Path(path).expanduser().is_file():
        return False
    for name, value in _read_env(path).items():
        os.environ.setdefault(name, value)
    return True


def _read_env(path: str | os.PathLike[str]) -> dict[str, str]:
    """The variables of a file whose name ends in ``.env``; quotes around a value and comments are left out."""
    file = Path(path).expanduser()
    if file.suffix != ".env" and file.name != ".env":
        raise BadInput(f"{file.name} is no file of variables", todo="Its name has to end in .env")
    found: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8-sig").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip() and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if value[:1] in ('"', "'") and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return value.partition(" #")[0].strip()


def _source(api: str, token: Secret | None) -> tuple[Source, bool]:
    """The source of an API's address, and whether that stands for ``/public/api`` in the paths of calls."""
    cut = not api.endswith(_PREFIX)
    ref = settings.to_ref(f"{_PLATFORM}+{api if cut else api.removesuffix(_PREFIX)}")
    if token is None:
        return source_of(ref, _PLATFORM), cut
    return source_with(settings.find(ref, platform=_PLATFORM), Credential(token, source="the argument token")), cut
