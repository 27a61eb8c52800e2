"""Real Jupyter kernels for tests: ``with Kernel.start(folder) as kernel: kernel.run("1 + 1").data``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

PATIENCE = 60.0  # seconds that a loaded machine may take for any one thing


@dataclass
class Result:
    """What one cell brought back."""

    stdout: str = ""
    stderr: str = ""
    error: str = ""  # "ValueError: why", empty when all went well
    traceback: str = ""
    data: dict[str, Any] = field(default_factory=dict)  # the mime bundle of its value
    displays: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0  # place among all cells in the order in which they began to run
    done: bool = False

    @property
    def text(self) -> str:
        """The value of the cell as plain text."""
        return str(self.data.get("text/plain", ""))


class Kernel:
    """A kernel process with folders of its own; all waiting is bounded by ``PATIENCE``."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client
        self._results: dict[str, Result] = {}
        self._begun = 0

    @classmethod
    def start(cls, folder: Path, *, before: str = "", env: Mapping[str, str] | None = None) -> Kernel:
        """Start one with this Python; ``before`` is code that runs ahead of ipykernel."""
        argv = [sys.executable, "-c", f"{before}\nfrom ipykernel import kernelapp\nkernelapp.launch_new_instance()"]
        spec = {"argv": [*argv, "-f", "{connection_file}"], "display_name": "swnb", "language": "python"}
        home = folder / "kernels" / "swnb"
        home.mkdir(parents=True)
        (home / "kernel.json").write_text(json.dumps(spec))
        specs = KernelSpecManager(kernel_dirs=[str(home.parent)], ensure_native_kernel=False)
        manager = KernelManager(kernel_name="swnb", kernel_spec_manager=specs)
        manager.connection_file = str(folder / "connection.json")
        folders = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        with (folder / "kernel.log").open("wb") as log:
            manager.start_kernel(
                env={**os.environ, **folders, **quiet, **(env or {})}, cwd=str(folder), stdout=log, stderr=log
            )
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        return cls(manager, client)

    def run(self, code: str) -> Result:
        """Run a cell and wait until the kernel has finished it."""
        return self.wait(self.send(code))

    def send(self, code: str, *, subshell: str | None = None) -> str:
        """Queue a cell; the answer is its id for ``wait`` and ``until``."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
        return self.message("execute_request", content, subshell=subshell)

    def message(self, kind: str, content: dict[str, Any], *, subshell: str | None = None) -> str:
        """Send any message on the shell channel, as a front end does (``comm_msg`` presses buttons)."""
        message = self._client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(message)
        number: str = message["header"]["msg_id"]
        self._results[number] = Result()
        return number

    def wait(self, number: str) -> Result:
        """Wait for the end of what was sent."""
        return self.until(number, lambda result: result.done)

    def until(self, number: str, holds: Callable[[Result], bool]) -> Result:
        """Wait until something holds for what was sent, while it may still run."""
        end = time.monotonic() + PATIENCE
        while not holds(self._results[number]):
            self._read(end)
        return self._results[number]

    def until_printed(self, number: str, text: str) -> Result:
        return self.until(number, lambda result: text in result.stdout)

    def interrupt(self) -> None:
        """What the stop button does."""
        self._manager.interrupt_kernel()

    def subshell(self) -> str:
        """Make a subshell (ipykernel 7) and give its id."""
        message = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(message)
        reply = self._client.get_control_msg(timeout=PATIENCE)
        number: str = reply["content"]["subshell_id"]
        return number

    def close(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._manager.context.destroy(linger=0)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, end: float) -> None:
        """Take one message of the kernel to the cell that it belongs to."""
        try:
            message = self._client.get_iopub_msg(timeout=max(end - time.monotonic(), 0.001))
        except Empty:
            raise TimeoutError(f"the kernel did not get there in {PATIENCE:.0f} s") from None
        result = self._results.get(message["parent_header"].get("msg_id", ""))
        if result is not None:
            self._note(result, message["msg_type"], message["content"])

    def _note(self, result: Result, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            setattr(result, content["name"], getattr(result, content["name"]) + content["text"])
        elif kind == "error":
            result.error = f"{content['ename']}: {content['evalue']}".rstrip(": ")
            result.traceback = "\n".join(content["traceback"])
        elif kind == "execute_result":
            result.data = content["data"]
        elif kind == "display_data":
            result.displays.append(content["data"])
        elif kind == "execute_input":
            self._begun += 1
            result.begun = self._begun
        elif kind == "status" and content["execution_state"] == "idle":
            result.done = True


def run_all(kernel: Kernel, cells: Sequence[str]) -> list[Result]:
    """What "Run All" does: every cell is queued before the first one ends."""
    return [kernel.wait(number) for number in [kernel.send(cell) for cell in cells]]
