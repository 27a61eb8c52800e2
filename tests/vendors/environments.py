"""Environments of the vendors' SDKs: one each, because their pins clash, kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Environment:
    """``newest`` is the newest Python that the SDK takes."""

    name: str
    pins: tuple[str, ...]
    newest: tuple[int, int]

    def python(self) -> Path:
        """The environment's Python; made on the first call. RuntimeError where no fitting Python is found."""
        interpreter = _interpreter(self.newest)
        key = hashlib.sha256("\n".join((*self.pins, os.path.realpath(interpreter))).encode()).hexdigest()[:10]
        place = platformdirs.user_cache_path("swnb") / "vendors" / f"{self.name}-{key}"
        python = place / "bin" / "python"
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([interpreter, "-m", "venv", str(place)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", *self.pins], check=True)
            (place / "ready").touch()
        return python


def _interpreter(newest: tuple[int, int]) -> str:
    if sys.version_info[:2] <= newest:
        return sys.executable
    for minor in range(newest[1], 7, -1):
        if found := shutil.which(f"python{newest[0]}.{minor}"):
            return found
    for home in sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*"), reverse=True):
        major, minor, *_ = home.name.split(".")
        if (int(major), int(minor)) <= newest and int(minor) >= 8 and (home / "bin" / "python3").exists():
            return str(home / "bin" / "python3")
    raise RuntimeError(f"no Python up to {newest[0]}.{newest[1]} was found")


#: starwhale paper, section 8
STARWHALE = Environment("starwhale", ("starwhale==0.6.15", "setuptools<80"), (3, 11))

#: SwanLab paper, section 9: the last with `OpenApi`, which needs pandas for metrics, and the newest
SWANLAB_07 = Environment("swanlab-0.7", ("swanlab==0.7.20", "pandas>=2.2"), (3, 13))
SWANLAB_010 = Environment("swanlab-0.10", ("swanlab==0.10.3",), (3, 13))

#: supervisely paper, section 8
SUPERVISELY = Environment("supervisely", ("supervisely==6.74.51",), (3, 11))

#: openYuanRong and Ray paper, section 4: plain `ray` has no Jobs API
RAY = Environment("ray", ("ray[default]==2.60.0",), (3, 13))

#: Istari paper, section 9: the newest client, and the last of the seed's own generation
ISTARI = Environment("istari", ("istari-digital-client==13.3.4",), (3, 11))
ISTARI_9 = Environment("istari-9", ("istari-digital-client==9.0.0",), (3, 11))
