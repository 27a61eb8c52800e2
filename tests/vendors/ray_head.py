"""A real Ray head for tests: one node, all HTTP on loopback, in a session of its own (paper, section 4)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from environments import RAY

MARKER = "SWNB_RAY_HEAD"
WORKER_PORTS = range(10002, 20000)
"""The dashboard's port must lie outside."""


class RayHead:
    """A context manager; `url` is its dashboard. One head per machine is wise: some of its ports are fixed.

    Never `ray stop`: that ends every Ray of the machine.
    """

    def __init__(self, ready_within: float = 90.0, **env: str) -> None:
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._ready_within, self._mark, self._env = ready_within, uuid.uuid4().hex, env
        self._folder = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # short: it holds unix sockets
        self._log = self._folder / "start.log"

    def __enter__(self) -> RayHead:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        more = {"RAY_USAGE_STATS_ENABLED": "0", MARKER: self._mark, "HOME": str(self._folder)}
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command(),
                env=kept | more | self._env,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def _command(self) -> list[str]:
        port = self.url.rpartition(":")[2]
        ray = RAY.python().with_name("ray")
        return [
            *(str(ray), "start", "--head", "--block", "--node-ip-address=127.0.0.2", "--port=0"),
            *("--dashboard-host=127.0.0.1", f"--dashboard-port={port}", "--dashboard-agent-listen-port=0"),
            *("--num-cpus=2", "--object-store-memory=80000000", f"--temp-dir={self._folder}/t"),
            "--disable-usage-stats",
        ]

    def _wait(self) -> None:
        """Until the dashboard answers; RuntimeError with the head's own words where it does not."""
        until = time.monotonic() + self._ready_within
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < until and self._process.poll() is None:
            try:
                opener.open(f"{self.url}/api/version", timeout=2).close()
            except urllib.error.HTTPError:
                return  # it asks for a token, so it is there
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"no Ray head came up: {self._log.read_text('utf-8', 'replace')[-2000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the head, what is left of its session, and the job drivers, whose sessions are their own."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        _end(lambda: _session(self._process.pid))
        _end(lambda: _marked(self._mark))
        self._process.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)


def _end(still: Callable[[], list[int]]) -> None:
    """SIGTERM to all, then SIGKILL to those that are left after five seconds."""
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        for pid in still():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        until = time.monotonic() + seconds
        while still() and time.monotonic() < until:
            time.sleep(0.1)


def _session(leader: int) -> list[int]:
    """The processes of that session that still live."""
    return [pid for pid, state, session in _stats() if session == leader and state != "Z"]


def _marked(mark: str) -> list[int]:
    wanted, found = f"{MARKER}={mark}".encode(), []
    for pid, state, _ in _stats():
        with contextlib.suppress(OSError):
            if state != "Z" and wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
    return found


def _stats() -> Iterator[tuple[int, str, int]]:
    """Number, state and session of every process."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, session, *_ = (place / "stat").read_text().rpartition(")")[2].split()
            yield int(place.name), state, int(session)


def _free_port() -> int:
    while True:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            port = int(bound.getsockname()[1])
        if port not in WORKER_PORTS:
            return port
