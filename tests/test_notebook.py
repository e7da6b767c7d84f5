"""The library in a notebook, as nbclient runs it."""

import os
import pathlib
import re

import nbclient
import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCKS = re.findall(
    r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
)
# The first block draws with the committed weights; the third trains and plots.
FIRST = BLOCKS[0] + BLOCKS[2]
INTERRUPTED = """
import os, signal, threading
threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.fit(epochs=10**6, steps_per_epoch=100, verbose=0)
except KeyboardInterrupt:
    print("stopped after epochs:", len(model.history.epoch) > 0)
model.fit(epochs=1, steps_per_epoch=2, verbose=0)
print("went on")
"""


def run(tmp_path, *cells):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    client = nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return [cell.outputs for cell in notebook.cells]


def pictures(outputs):
    data = [output.get("data", {}) for output in outputs]
    return sum("image/png" in one for one in data)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # warnings of Jupyter
def test_the_readmes_snippet_its_picture_and_an_interrupted_fit(tmp_path):
    first, again, shown, inline, stopped, gif = run(
        tmp_path,
        FIRST,
        FIRST,
        "figure",
        "%matplotlib inline\nfigure",
        INTERRUPTED,
        "draw = lambda model: gan.plots.tile([[[0.5, 1.0]]])\n"
        'watching = gan.callbacks.Animation("a.gif", draw=draw)\n'
        "model.fit(epochs=2, steps_per_epoch=1, verbose=0, callbacks=[watching])\n"
        "watching",
    )
    for outputs in (first, again):
        assert {output.get("name") for output in outputs} == {"stdout"}
    assert pictures(shown) == pictures(inline) == 1
    said = "".join(output.get("text", "") for output in stopped)
    assert "stopped after epochs: True" in said and "went on" in said
    assert "data:image/gif;base64" in gif[-1]["data"]["text/html"]
    assert (tmp_path / "circle.png").stat().st_size > 10_000
