import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import gan
from gan import cli

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_examples_run_as_pasted(tmp_path):
    # tests/test_distribute.py runs those of the section on several machines.
    text = re.sub(r"## Beyond one machine\n.*?\n(?=## )", "", TEXT, flags=re.DOTALL)
    example, port, own, resume, watch = re.findall(
        r"```python\n(.*?)```", text, re.DOTALL
    )
    assert len(example.splitlines()) <= 18
    assert own.index("model =") and len(own.split("model =")[0].splitlines()) < 20
    assert len(watch.splitlines()) <= 23
    script = (
        "import keras\nkeras.utils.set_random_seed(0)\n"
        + port
        + example
        + resume.replace("epochs=100", "epochs=2")
        + own
    )
    script += "print('spread', *model.get_fake_sample(1000).numpy().std(axis=0))\n"
    script += watch.replace(
        "epochs=20, steps_per_epoch=100", "epochs=2, steps_per_epoch=9"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    # Of the circle's points it is .216; a hinge that never acts lets fakes collapse.
    spread = re.search(r"spread (\S+) (\S+)", run.stdout).groups()
    assert all(0.15 < float(side) < 0.28 for side in spread)
    assert "\ncircle.png\n" in run.stdout
    assert (tmp_path / "circle.png").stat().st_size > 10_000
    assert (tmp_path / "run" / "best.keras").is_file()
    assert gan.animation.Gif(tmp_path / "circle.gif").notes == ["1", "2"]
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    assert "Epoch 16/16" in run.stdout and "{'discr_loss': [" in run.stdout


def test_commands_it_names_are_understood():
    gallery = (ROOT / "faces" / "gallery" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"main\.py ([a-z][^`\n;)]*)", TEXT + gallery)
    assert len(named) > 12
    for command in named:
        cli._parser("gan").parse_args(shlex.split(command))


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
