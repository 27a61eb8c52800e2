"""``pip install .`` alone, in a fresh virtual environment, gives a working client, the panels and the tour."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = ROOT / "constraints" / ("py3.10.txt" if sys.version_info[:2] == (3, 10) else "py3.11.txt")

CLIENT = """
import swnb
from swnb.examples import starwhale_store
df = swnb.jobs(f"starwhale+file://{starwhale_store()}")
rows = swnb.rows(df.index[0], "results")
from swnb.widgets.grid import Grid
grid = Grid(rows)
assert "<table" in grid._repr_mimebundle_()[0]["text/html"]
panel = swnb.browse(df)
panel.close()
from importlib.resources import files
tour = files("swnb") / "notebooks" / "01-first-look.ipynb"
print(len(df), len(rows), tour.is_file())
"""


def run(*command: str | Path, cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git would hand out, so that a file that is not committed is missed here."""
    home = tmp_path_factory.mktemp("wheel")
    source = home / "source"
    run("git", "clone", "-q", ROOT, source, cwd=home)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", home, source, cwd=home)
    return next(home.glob("swnb-*.whl"))


def test_the_wheel_is_small_and_holds_what_is_not_python(wheel: Path) -> None:
    assert wheel.stat().st_size < 1_000_000
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {"swnb/widgets/grid.js", "swnb/widgets/grid.css", "swnb/notebooks/01-first-look.ipynb", "swnb/py.typed"}
    assert wanted <= set(names)
    assert any(name.startswith("swnb/examples/") and name.endswith(".zip") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.timeout(600)
def test_a_plain_install_reads_a_store_and_shows_panels(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "-c", PINS, wheel, cwd=tmp_path)
    assert run(python, "-W", "error", "-c", CLIENT, cwd=tmp_path).split() == ["4", "8", "True"]
