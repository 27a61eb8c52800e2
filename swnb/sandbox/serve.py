"""The embedded server: each protocol on its own loopback port, all in one daemon thread."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import uvicorn

from swnb.sandbox.clock import Clock
from swnb.sandbox.faults import Faults, Gate, Requests
from swnb.sandbox.istari import Istari
from swnb.sandbox.rayjobs import Ray, Yuanrong
from swnb.sandbox.starwhale import Starwhale
from swnb.sandbox.story import tell
from swnb.sandbox.supervisely import Supervisely
from swnb.sandbox.swanlab import SwanLab
from swnb.sandbox.wire import Protocol as Http
from swnb.sandbox.world import World


class Platform(Protocol):
    """One protocol: an ASGI application over the world, and how to sign in to it."""

    app: Any

    @property
    def token(self) -> str: ...

    @property
    def user(self) -> tuple[str, str]: ...


@runtime_checkable
class Further(Protocol):
    """A platform with further servers: their applications by name, and where Box writes their addresses."""

    further: dict[str, Any]
    addresses: dict[str, str]


@runtime_checkable
class Runs(Protocol):
    """A platform that can really run what is submitted to it."""

    def allow_run(self) -> None: ...

    def end_runs(self) -> None: ...


PLATFORMS: dict[str, Callable[[World, Faults], Platform]] = {
    "starwhale": Starwhale,
    "swanlab": SwanLab,
    "supervisely": Supervisely,
    "ray": Ray,
    "yuanrong": Yuanrong,
    "istari": Istari,
}


class Box:
    """A running sandbox; a context manager."""

    def __init__(self, platforms: Sequence[str], world: World, *, latency: float, host: str, port: int) -> None:
        self.world = world
        self.clock = world.clock
        self.faults = Faults()
        self.requests = Requests()
        self._latency, self._host, self._port = latency, host, port
        self._platforms: dict[str, Platform] = {name: PLATFORMS[name](world, self.faults) for name in platforms}
        self._ports: dict[str, int] = {}
        self._servers: list[_Server] = []
        self._thread: threading.Thread | None = None

    def start(self) -> Box:
        """Serve until `close`; starting twice is starting once."""
        if self._thread is not None:
            return self
        sockets = []
        apps = self._apps()
        for offset, name in enumerate(apps):
            bound = _bind(self._host, self._port + offset if self._port else 0)
            self._ports[name] = bound.getsockname()[1]
            sockets.append(bound)
        self._servers = [
            _Server(Gate(app, self.faults, self.requests, self._latency), bound)
            for app, bound in zip(apps.values(), sockets, strict=True)
        ]
        for platform in self._platforms.values():
            if isinstance(platform, Further):
                platform.addresses.update((name, self.url(name)) for name in platform.further)
        self._thread = threading.Thread(target=self._run, name="swnb-sandbox", daemon=True)
        self._thread.start()
        for server in self._servers:
            server.up.wait()
        return self

    def _apps(self) -> dict[str, Any]:
        apps = {name: platform.app for name, platform in self._platforms.items()}
        for platform in self._platforms.values():
            apps.update(platform.further if isinstance(platform, Further) else {})
        return apps

    def allow_run(self) -> None:
        """Let platforms that can really run what is submitted do so, on this machine and as this user."""
        for platform in self._platforms.values():
            if isinstance(platform, Runs):
                platform.allow_run()

    def _run(self) -> None:
        async def all_of_them() -> None:
            await asyncio.gather(*(server.serve([server.bound]) for server in self._servers))

        asyncio.run(all_of_them())

    def close(self) -> None:
        """Stop serving; leaves no thread, no socket and no process."""
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        for server in self._servers:
            server.bound.close()
        self._servers, self._thread = [], None
        for platform in self._platforms.values():
            if isinstance(platform, Runs):
                platform.end_runs()

    def __enter__(self) -> Box:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def platforms(self) -> list[str]:
        return list(self._platforms)

    def platform(self, name: str) -> Any:
        """The protocol's own object: its tables, its recorded data."""
        return self._platforms[name]

    def url(self, name: str) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._ports[name]}"

    def uri(self, name: str) -> str:
        return f"{name}+{self.url(name)}"

    def token(self, name: str) -> str:
        """A token that is accepted, without any word before it."""
        return self._platforms[name].token

    def user(self, name: str) -> tuple[str, str]:
        """A user and password to sign in with."""
        return self._platforms[name].user


class _Server(uvicorn.Server):
    """uvicorn that says when it is up, and says nothing else."""

    def __init__(self, app: Any, bound: socket.socket) -> None:
        # uvicorn's older WebSocket half imports a part of `websockets` that warns.
        sansio = "websockets-sansio" in uvicorn.config.WS_PROTOCOLS
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level=100,
                access_log=False,
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                http=Http,
                ws="websockets-sansio" if sansio else "auto",
                timeout_graceful_shutdown=0,
            )
        )
        self.bound = bound
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio sets no TCP_NODELAY
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run(
    platforms: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    rows: int | None = None,
    seed: int = 0,
    latency: float = 0.0,
    clock: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_remote: bool = False,
    allow_run: bool = False,
) -> Box:
    """Start the sandbox and return its box (also `with swnb.sandbox.run() as box:`).

    `platforms` are those to serve, all there are unless told.
    `jobs` and `rows` size the world, `seed` changes it, `latency` (seconds) comes before each answer, and
    clock="manual" stops the time until `box.clock.advance`. Other hosts than loopback need `allow_remote`.
    With `allow_run`, a job submitted as "ray" or "yuanrong" really runs here, as you; never for other machines.
    """
    if allow_run and not _is_loopback(host):
        raise ValueError(f"what is submitted runs only for this machine; allow_run does not go with {host}")
    if not allow_remote and not _is_loopback(host):
        raise ValueError(f"the sandbox serves only this machine; {host} needs allow_remote=True (--allow-remote)")
    platforms = tuple(PLATFORMS) if platforms is None else platforms
    unknown = [name for name in platforms if name not in PLATFORMS]
    if unknown:
        raise ValueError(f"the sandbox has no platform {unknown[0]!r}; it has {', '.join(PLATFORMS)}")
    if clock not in {None, "manual"}:
        raise ValueError(f"clock is None (it runs) or 'manual', not {clock!r}")
    world = tell(Clock(manual=clock == "manual"), jobs=jobs, rows=rows, seed=seed)
    box = Box(platforms, world, latency=latency, host=host, port=port)
    if allow_run:
        box.allow_run()
    return box.start()
