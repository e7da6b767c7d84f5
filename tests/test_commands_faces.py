import pathlib

import matplotlib.image
import numpy as np
import pytest
from conftest import slow_but_first

import gan
from gan import cli

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_one_command_makes_the_picture_and_prints_only_its_path(tmp_path, python):
    run = python(ROOT / "main.py", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "faces.png\n", "")
    picture = matplotlib.image.imread(tmp_path / "faces.png")
    assert picture.shape[0] > 400 and 0.05 < picture[..., 0].std() < 0.5


def test_faces_are_sorted_by_discriminator_value_on_a_fixed_scale(
    files, networks, tmp_path, monkeypatch, capsys
):
    drawn = {}
    monkeypatch.setattr(
        gan.plots, "mosaic", lambda pictures, title: drawn.update(p=pictures, t=title)
    )
    monkeypatch.setattr(gan.plots, "save", lambda figure, path: path)
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main([*networks, "--count", "30", *output]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.png'}\n"
    assert drawn["t"] == "fake faces" and drawn["p"].shape == (30, 16, 16)
    generator, discriminator = gan.convolutional_GenDiscr()
    gan.weights.load_weights(
        (generator, files / "g.h5"), (discriminator, files / "d.h5")
    )
    values = discriminator((drawn["p"][..., None] - 0.5) / 0.5).numpy()[:, 0]
    assert (np.diff(values) <= 1e-5).all() and np.ptp(values) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", slow_but_first(["faces"], ["walk", "--shape", "segment"], single=True)
)
def test_a_seed_repeats_itself_and_another_does_not(files, tmp_path, command):
    options = ["--generator", str(files / "plain.h5"), "--count", "9"]
    if command == ["faces"]:
        options += ["--discriminator", str(files / "d.h5")]
    pictures = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / f"{name}.png"
        command_line = [*command, *options, "--seed", str(seed), "--output", str(path)]
        assert cli.main(command_line) == 0
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_show_needs_a_screen(networks, tmp_path, capsys):
    options = [*networks, "--count", "4", "--output", str(tmp_path / "x.png")]
    assert cli.main([*options, "--show"]) == 2
    assert "screen" in capsys.readouterr().err
    assert (tmp_path / "x.png").is_file()


@pytest.mark.slow
def test_what_is_replaced_is_said(networks, tmp_path, capsys):
    command = [*networks, "--count", "4", "--output", str(tmp_path / "x.png")]
    (tmp_path / "x-other.png").write_text("not touched")
    (tmp_path / "x.log").write_text("somebody else's")
    assert cli.main(command) == 0 and capsys.readouterr().err == ""
    assert cli.main(command) == 0
    assert capsys.readouterr().err == f"replaced: {tmp_path / 'x.png'}\n"
