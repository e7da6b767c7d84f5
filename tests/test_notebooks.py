"""The notebooks of the documentation, as nbclient runs them."""

import os
import pathlib

import nbclient
import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / ".docs" / "notebooks").glob("*.ipynb"))
# These replacements shorten minutes of training to seconds.
SHORTER = {
    "minutes=MINUTES": "epochs=1, steps=2, size=16",
    "range(500)": "range(20)",
}
WRITTEN = {
    "own-pictures": "run/model.keras",
    "picture-to-picture": "painter/model.keras",
    "edit-a-face": "me.png",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not c.outputs and c.execution_count is None for c in code)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # warnings of Jupyter
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        for long, short in SHORTER.items():
            cell.source = cell.source.replace(long, short)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = nbclient.NotebookClient(notebook, timeout=900, resources=resources)
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert "image/png" in kinds
    assert (tmp_path / WRITTEN[path.stem]).is_file()
