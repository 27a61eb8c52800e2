"""The binder files, followed as a Binder does: pip alone, a fresh environment, then the tour runs with no token."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.version_info < (3, 11), reason="binder/runtime.txt asks for Python 3.11")
def test_the_tour_opens_from_the_binder_files_alone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    assert (clone / "binder" / "runtime.txt").read_text().strip().startswith("python-3")
    venv.create(tmp_path / "env", with_pip=True)
    bin_ = tmp_path / "env" / "bin"
    pip = [str(bin_ / "python"), "-m", "pip", "install", "-q", "-r", "binder/requirements.txt"]
    subprocess.run(pip, cwd=clone, check=True)
    env = os.environ | {
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SWNB_CONFIG_DIR": str(tmp_path / "config"),
    }
    command = [str(bin_ / "jupyter"), "execute", "notebooks/01-first-look.ipynb"]
    done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (bin_ / "jupyter-lab").exists()
