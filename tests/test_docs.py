"""The documentation site: its code runs, its commands exist, its API is complete."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import gan
from gan.cli import parser

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = {
    path.relative_to(ROOT / ".docs" / "pages").as_posix(): path.read_text("utf-8")
    for path in sorted((ROOT / ".docs" / "pages").rglob("*.md"))
}
# A reader trains for minutes; here each training takes a step or two.
SHORT = """
import warnings; warnings.simplefilter("error", UserWarning)
warnings.filterwarnings("ignore", "Even though the `tf.config.experimental_run_func")
import keras, numpy as np, tensorflow as tf, gan
gan.metrics.registry._RESAMPLES = 2
# Tracing two steps takes longer than the steps.
tf.config.run_functions_eagerly(True)
random = np.random.default_rng(0)
digits = random.integers(0, 256, (80, 28, 28), "uint8"), np.arange(80) % 10
for name in ("mnist", "fashion_mnist"):
    getattr(keras.datasets, name).load_data = lambda: (digits, digits)
def shortened(fit):
    def short(self, *args, steps_per_epoch=None, epochs=1, **options):
        if steps_per_epoch is not None or isinstance(self, gan.AdversarialModel):
            options["steps_per_epoch"] = 2
        return fit(self, *args, epochs=epochs, verbose=0, **options)
    return short
def without(options, *names):
    return {key: value for key, value in options.items() if key not in names}
usual = gan.AdversarialModel.fit
gan.AdversarialModel.fit = lambda self, *args, **options: shortened(usual)(
    self, *args, **without(options, "verbose"))
project = gan.TrainedGenerator.project
gan.TrainedGenerator.project = lambda self, *args, **options: project(
    self, *args, **{"steps": 6, "restarts": 1} | options)
train = gan.train
gan.train = lambda pictures, output, minutes: train(
    pictures, output, size=8, epochs=1, steps=1, verbose=0)
from PIL import Image
import pathlib
for name in ("cat", "dog"):
    pathlib.Path("photos", name).mkdir(parents=True)
    for number in range(20):
        picture = random.integers(0, 256, (8, 8, 3), "uint8")
        Image.fromarray(picture).save(f"photos/{name}/{number}.png")
"""


def blocks(page, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


@pytest.mark.slow
def test_every_block_of_python_runs(tmp_path):
    """All pages run in one process, each with a folder and variables of its own."""
    script = SHORT + "import os; start = os.getcwd()\n"
    for page in PAGES:
        if blocks(page):
            code = "\n".join(blocks(page))
            folder = page.replace("/", "-")
            script += f"print({page!r}, flush=True); os.makedirs({folder!r})\n"
            script += f"os.chdir({folder!r}); os.symlink('../photos', 'photos')\n"
            script += f"exec(compile({code!r}, {page!r}, 'exec'), {{}})\n"
            script += "os.chdir(start); keras.config.set_dtype_policy('float32')\n"
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stdout[-500:] + run.stderr[-3000:]
    for name in ("index.md/people.png", "own-pictures.md/run/model.keras"):
        assert (tmp_path / name).is_file()


def test_every_command_is_understood():
    text = "\n".join(PAGES.values())
    inline = re.findall(r"`gan ([a-z][^`\n]*)`", text)
    lines = re.findall(r"^gan ([a-z].*)$", text, re.MULTILINE)
    assert len(inline) > 10 and len(lines) > 3
    for command in {*inline, *lines}:
        if "MODEL" not in command:
            parser._parser("gan").parse_args(shlex.split(command))


def test_every_public_name_has_its_place_in_the_api():
    api = "".join(text for page, text in PAGES.items() if page.startswith("api/"))
    described = re.findall(r"^::: gan\.(\w+)$", api, re.MULTILINE)
    assert len(described) == len({*described})
    assert {*described} == {*gan.__all__}


def test_every_page_is_in_the_navigation():
    settings = (ROOT / ".docs" / "mkdocs.yml").read_text("utf-8")
    assert {*re.findall(r": ([\w/-]+\.md)$", settings, re.MULTILINE)} == {*PAGES}
