"""``swnb lab``: JupyterLab on a working copy of the tour."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from swnb.errors import NotFound, StoreError, Unsupported

_FIRST: Final = "01-first-look.ipynb"


def start(options: Mapping[str, Any], more: Sequence[str]) -> int:
    """Copy the notebooks that are not there yet, open the first one; JupyterLab's exit code."""
    if find_spec("jupyterlab") is None:
        raise Unsupported("JupyterLab is not installed here", todo='pip install "swnb[lab]" brings it')
    folder = Path(options.get("dir", "swnb-tour")).expanduser().absolute()
    copy_notebooks(folder)
    return _run([*_command(options), *more], folder)


def copy_notebooks(folder: Path) -> None:
    """Put the shipped notebooks into ``folder``. What is there already is the user's work and stays."""
    try:
        with resources.as_file(_shipped()) as source:
            for each in sorted(source.rglob("*")):
                place = folder / each.relative_to(source)
                if each.is_file() and not place.exists() and ".ipynb_checkpoints" not in each.parts:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(each, place)
    except OSError as error:
        raise StoreError(
            f"the notebooks cannot be copied: {error.strerror}", where=str(folder), todo="Name another with --dir"
        ) from None


def _shipped() -> Any:
    """The notebooks inside the package, or beside it in a checkout."""
    package = resources.files("swnb")
    for place in (package / "notebooks", Path(str(package)).parent / "notebooks"):
        if (place / _FIRST).is_file():
            return place
    raise NotFound("the notebooks of the tour are not there", todo="Install swnb again")


def _command(options: Mapping[str, Any]) -> list[str]:
    command = [sys.executable, "-m", "jupyterlab", _FIRST]
    if options.get("no_browser"):
        command.append("--no-browser")
    if "port" in options:
        command.append(f"--port={options['port']}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the only user may be root, whom Jupyter turns away else
    return command


def _run(command: Sequence[str], folder: Path) -> int:
    process = subprocess.Popen(command, cwd=folder)  # noqa: S603 - our own command, no shell
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # JupyterLab got it too, and asks its own question
            continue
