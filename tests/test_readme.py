import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from gan.cli import parser

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_examples_run_as_pasted(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    # tests/test_distribute.py runs the whole script for several machines.
    script = """
import keras, numpy as np
keras.utils.set_random_seed(0)
digits = np.random.default_rng(0).integers(0, 256, (80, 28, 28), "uint8")
keras.datasets.mnist.load_data = lambda: ((digits, np.arange(80) % 10), None)
"""
    script += "".join(blocks[:4])
    script = script.replace("epochs=3, steps_per_epoch=500", "steps_per_epoch=2")
    script = script.replace("epochs=20, steps_per_epoch=100", "epochs=2")
    script = script.replace("epochs=22, initial_epoch=20", "epochs=4, initial_epoch=2")
    script += """
own = SoftplusGAN(*networks, real)
own.fit(epochs=16, steps_per_epoch=100, verbose=0)
print("spread", *own.get_fake_sample(1000).numpy().std(axis=0))
print("sevens", sevens.shape)
"""
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    # The spread of the circle's points is 0.216.
    spread = re.search(r"spread (\S+) (\S+)", run.stdout).groups()
    assert all(0.02 < float(side) < 0.5 for side in spread)
    for name in ("people.png", "circle.png", "losses.png", "circle.gif"):
        assert (tmp_path / name).stat().st_size > 10_000
    assert "Epoch 16/16" in run.stdout and "sevens (3, 28, 28, 1)" in run.stdout


def test_commands_it_names_are_understood():
    gallery = (ROOT / "faces" / "gallery" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"main\.py ([a-z][^`\n;)]*)", TEXT + gallery)
    assert len(named) > 12
    for command in named:
        parser._parser("gan").parse_args(shlex.split(command))


def test_files_it_names_exist():
    named = re.findall(r"\b(?:gan|faces|tests)/[\w/-]*\.?\w*", TEXT)
    assert len(named) > 20
    for name in named:
        assert (ROOT / name).exists(), name


def test_every_module_is_in_the_layout():
    for path in (ROOT / "gan").glob("[!_]*.py"):
        assert f"gan/{path.name}" in TEXT
    for path in (ROOT / "gan").glob("*/__init__.py"):
        assert f"gan/{path.parent.name}/" in TEXT


def test_it_is_short():
    assert len(TEXT.splitlines()) <= 160
