import os
import pathlib
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

import gan
from gan import cli
from gan.weights import save_weights

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Weights of fresh networks, and forty random pictures."""
    import keras

    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("files")
    generator, discriminator = gan.convolutional_GenDiscr()
    save_weights(generator, folder / "g.h5", (np.full((16, 16), 0.5),) * 2)
    save_weights(generator, folder / "plain.h5")
    save_weights(discriminator, folder / "d.h5")
    pictures = np.random.default_rng(0).integers(0, 256, (60, 16, 16), "uint8")
    np.save(folder / "pictures.npy", pictures)
    np.save(folder / "wide.npy", pictures[:, :, :8])
    np.save(folder / "few.npy", pictures[:10])
    np.save(folder / "objects.npy", np.array([{}, []], object), allow_pickle=True)
    (folder / "text.h5").write_text("not HDF5")
    (folder / "cut.h5").write_bytes((folder / "g.h5").read_bytes()[:5000])
    return folder


def networks(files):
    return ["--generator", str(files / "g.h5"), "--discriminator", str(files / "d.h5")]


def python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        **options,
    )


def test_one_command_makes_the_picture_and_prints_only_its_path(tmp_path):
    run = python(ROOT / "main.py", cwd=tmp_path)
    assert (run.returncode, run.stdout, run.stderr) == (0, "faces.png\n", "")
    picture = matplotlib.image.imread(tmp_path / "faces.png")
    assert picture.shape[0] > 400 and 0.05 < picture[..., 0].std() < 0.5


def test_faces_are_sorted_by_discriminator_value_on_a_fixed_scale(
    files, tmp_path, monkeypatch, capsys
):
    drawn = {}
    monkeypatch.setattr(
        gan.plots, "mosaic", lambda pictures, title: drawn.update(p=pictures, t=title)
    )
    monkeypatch.setattr(gan.plots, "save", lambda figure, path: path)
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main([*networks(files), "--count", "30", *output]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'x.png'}\n"
    assert drawn["t"] == "fake faces" and drawn["p"].shape == (30, 16, 16)
    generator, discriminator = gan.convolutional_GenDiscr()
    gan.weights.load_weights(
        (generator, files / "g.h5"), (discriminator, files / "d.h5")
    )
    values = discriminator((drawn["p"][..., None] - 0.5) / 0.5).numpy()[:, 0]
    assert (np.diff(values) <= 1e-5).all() and np.ptp(values) > 1e-3


@pytest.mark.parametrize("command", ["faces", "segment"])
def test_a_seed_repeats_itself_and_another_does_not(files, tmp_path, command):
    options = ["--generator", str(files / "plain.h5"), "--count", "9"]
    if command == "faces":
        options += ["--discriminator", str(files / "d.h5")]
    pictures = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / f"{name}.png"
        command_line = [command, *options, "--seed", str(seed), "--output", str(path)]
        assert cli.main(command_line) == 0
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_segment_is_straight_in_latent_space(files, tmp_path, monkeypatch):
    seen = []
    generate = cli._generate
    monkeypatch.setattr(
        cli, "_generate", lambda g, z: seen.append(np.array(z)) or generate(g, z)
    )
    options = [
        "--generator",
        str(files / "plain.h5"),
        "--output",
        str(tmp_path / "s.png"),
    ]
    assert cli.main(["segment", *options]) == 0
    (latents,) = seen
    assert latents.shape == (20, 16)
    np.testing.assert_allclose(np.diff(latents, 2, axis=0), 0, atol=1e-5)


def test_train_writes_weights_that_draw(files, tmp_path, capsys):
    run = tmp_path / "new" / "run"
    settings = ["--epochs", "2", "--steps", "2"]
    pictures = ["--pictures", str(files / "pictures.npy")]
    assert cli.main(["train", *pictures, "--output", str(run), *settings]) == 0
    out = capsys.readouterr().out
    assert "2/2" in out and str(run / "generator.h5") in out
    made = ["--generator", str(run / "generator.h5")]
    made += ["--discriminator", str(run / "discriminator.h5")]
    assert cli.main([*made, "--count", "4", "--output", str(tmp_path / "x.png")]) == 0
    mean_face, multiplier = gan.weights.read_picture(run / "generator.h5")
    assert mean_face.shape == multiplier.shape == (16, 16)


def test_show_needs_a_screen(files, tmp_path, capsys):
    options = [*networks(files), "--count", "4", "--output", str(tmp_path / "x.png")]
    assert cli.main([*options, "--show"]) == 2
    assert "Expected a screen" in capsys.readouterr().err
    assert (tmp_path / "x.png").is_file()


@pytest.mark.parametrize("command", [[], ["faces"], ["segment"], ["train"]])
def test_help_teaches_without_tensorflow(command):
    code = "import sys; from gan import cli\n"
    code += f"try: cli.main({[*command, '--help']!r})\n"
    code += "except SystemExit: print('tensorflow' in sys.modules)"
    run = python("-c", code)
    assert "python main.py" in run.stdout and run.stdout.endswith("False\n")


BAD = {
    "--count 0": "Expected count to be a positive integer. Received: count=0",
    "--count 10001": "Expected count of at most 10000",
    "--count many": "argument --count: invalid int value: 'many'",
    "--seed -1": "Expected seed from 0 to 4294967295. Received: seed=-1",
    "--seed 4294967296": "Expected seed from 0",
    "--output /nonexistent/x.png": "Expected a path in an existing directory",
    "--output {files}": "Expected a file path, not a directory",
    "--output {files}/x.bmp": "Expected an output that ends in .png",
    "--generator {files}/none.h5": "Expected",
    "--generator {files}/text.h5": "Expected",
    "--generator {files}/cut.h5": "Expected",
    "--generator {files}": "Expected",
    "--generator {files}/d.h5": "Expected",
    "--discriminator {files}/g.h5": "Expected",
    "--generator {files}/pictures.npy": "Expected",
    "--nonsense": "unrecognized arguments: --nonsense",
    "segment --count 1": "Expected count from 2 to 100",
    "segment --count 101": "Expected count from 2 to 100",
    "segment --discriminator x": "unrecognized arguments",
    "nonsense": "unrecognized arguments: nonsense",
    "train": "the following arguments are required: --pictures, --output",
    "train --pictures {files}/none.npy --output {files}/r": "Expected an existing file",
    "train --pictures {files} --output {files}/r": "Expected a regular file",
    "train --pictures {files}/g.h5 --output {files}/r": "Expected",
    "train --pictures {files}/wide.npy --output {files}/r": "Expected pictures of size",
    "train --pictures {files}/objects.npy --output {files}/r": "Expected",
    "train --pictures {files}/few.npy --output {files}/r": "Expected at least",
    "train --pictures {files}/pictures.npy --output {files}/g.h5": "Expected a folder",
    "train --pictures {files}/pictures.npy --output {files}/g.h5/r": "Not a directory",
    "train --pictures {files}/pictures.npy --output {files}/r --epochs 0": "Expected",
    "train --pictures {files}/pictures.npy --output {files}/r --steps -2": "Expected",
    "train --pictures {files}/pictures.npy --output {files}/r --recipe x": "invalid",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_one_line_and_status_2(files, line, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    arguments = line.format(files=files).split()
    network_command = arguments[0] not in ("train", "segment", "nonsense")
    given = [option for option in arguments if option.startswith("--")]
    if network_command:
        for name, value in zip(
            networks(files)[::2], networks(files)[1::2], strict=True
        ):
            if name not in given:
                arguments += [name, value]
    try:
        status = cli.main(arguments)
    except SystemExit as stop:
        status = stop.code
    err = capsys.readouterr().err
    assert status == 2
    assert BAD[line] in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir()) and not (files / "r" / "generator.h5").exists()


def test_interrupt_is_quiet(monkeypatch, files, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_generate", interrupt)
    output = ["--output", str(tmp_path / "x.png")]
    assert cli.main([*networks(files), *output]) == 130
    assert not list(tmp_path.iterdir())
