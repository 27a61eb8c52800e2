"""A submitted entrypoint as a process of this machine, in a session of its own (paper 5: SIGTERM, 3 s, SIGKILL)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

PATIENCE = 3.0
"""Seconds between SIGTERM and SIGKILL."""


class Process:
    """Runs a shell command; its output goes to the file `log`. `ended` is called with the exit code.

    RuntimeError where `folder` is no folder.
    """

    def __init__(
        self, command: str, folder: str | None, env: Mapping[str, str], log: Path, ended: Callable[[int], None]
    ) -> None:
        if folder is not None and not Path(folder).is_dir():
            raise RuntimeError(f"the working directory {folder} is no folder of this machine")
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - whoever started the sandbox allowed it
                ["/bin/sh", "-c", command],
                cwd=folder or log.parent,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.code: int | None = None
        self._ended = ended
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"swnb-sandbox-job-{self.pid}", daemon=True)
        self._thread.start()

    def text(self) -> str:
        """All output until now."""
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        """Ask it to end; it is made to when it does not."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._signal(signal.SIGTERM)
            threading.Thread(target=self._insist, name=f"swnb-sandbox-stop-{self.pid}", daemon=True).start()

    def close(self) -> None:
        """End it now; it leaves no process of its group."""
        self._signal(signal.SIGKILL)
        self._thread.join()

    def _watch(self) -> None:
        code = self._process.wait()
        self._kill(signal.SIGKILL)  # what it has left behind
        self.code = code
        self._ended(code)

    def _insist(self) -> None:
        self._thread.join(PATIENCE)
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            self._kill(number)

    def _kill(self, number: int) -> None:
        """Signal the whole group, whose id is the process's own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
