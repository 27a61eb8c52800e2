"""The notebooks that we ship run from top to bottom, headless, and hold no outputs in git."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module", autouse=True)
def this_python(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The kernel ``python3`` is the Python that runs the tests, whatever else is installed."""
    spec = KernelSpecManager().get_kernel_spec("python3")
    assert Path(spec.argv[0]).exists() or spec.argv[0] == "python", spec.argv
    assert Path(sys.prefix) in Path(spec.resource_dir).parents


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=120,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    shown = [output for cell in code for output in cell.outputs]
    assert all(output.output_type in ("execute_result", "display_data", "stream") for output in shown)
    assert not [output for output in shown if output.get("name") == "stderr"], "a cell complains on stderr"
    assert any("text/html" in output.get("data", {}) for output in shown)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_in_git_has_no_outputs_and_no_widget_state(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    assert "widgets" not in book.metadata
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book.cells)
