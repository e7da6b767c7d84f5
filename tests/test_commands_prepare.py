import importlib.util
import sys
import types

import matplotlib.image
import numpy as np
import pytest
from PIL import Image

import gan
from gan import cli

RNG = np.random.default_rng(0)


@pytest.fixture
def photos(tmp_path):
    """A folder of five pictures, and of three files that are not pictures."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for number in range(5):
        array = RNG.integers(0, 256, (64, 32 + 16 * number, 3), "uint8")
        place = folder / "more" if number % 2 else folder
        Image.fromarray(array).save(place / f"{number}.png")
    (folder / "notes.txt").write_text("notes")
    (folder / "b.txt").write_text("more notes")
    (folder / "cut.png").write_bytes((folder / "0.png").read_bytes()[:500])
    return folder


def test_prepare_writes_what_train_takes_and_says_what_it_skipped(
    photos, tmp_path, capsys
):
    output = tmp_path / "p.npy"
    line = ["train", "--prepare", "--pictures", str(photos), "--output", str(output)]
    assert cli.main(line) == 0
    assert capsys.readouterr() == (
        "5 pictures, 16x16 grey; 4 cropped to a square; "
        f"left out 1, a damaged picture ({str(photos / 'cut.png')!r}); "
        f"left out 2, not read by Pillow (such as {str(photos / 'b.txt')!r})\n"
        f"{output}\n{tmp_path / 'p.png'}\n",
        "",
    )
    array = np.load(output)
    assert array.shape == (5, 16, 16) and array.dtype == np.uint8
    assert gan.faces.load_faces(output).pictures.std() > 0.01
    assert matplotlib.image.imread(tmp_path / "p.png").shape[0] > 100
    files = [(tmp_path / name).read_bytes() for name in ("p.npy", "p.png")]
    assert cli.main(line) == 0
    assert files == [(tmp_path / name).read_bytes() for name in ("p.npy", "p.png")]


def test_keep_takes_the_middle(tmp_path):
    frame = np.full((64, 64), 255, np.uint8)
    frame[16:48, 16:48] = 7
    np.save(tmp_path / "frame.npy", frame[None])
    line = ["train", "--prepare", "--pictures", str(tmp_path / "frame.npy")]
    line += ["--keep", "0.5"]
    assert cli.main([*line, "--output", str(tmp_path / "p.npy")]) == 0
    assert (np.load(tmp_path / "p.npy") == 7).all()


def test_lfw_is_fetched_by_scikit_learn_and_cropped(tmp_path, monkeypatch, capsys):
    home, calls = tmp_path / "home", []

    def fetch(**options):
        calls.append(options)
        person = home / "lfw_home" / "lfw_funneled" / "Some_Body"
        person.mkdir(parents=True)
        face = np.zeros((250, 250, 3), np.uint8)
        face[63:188, 63:188] = 200
        Image.fromarray(face).save(person / "Some_Body_0001.jpg", quality=95)

    datasets = types.SimpleNamespace(
        fetch_lfw_people=fetch, get_data_home=lambda: str(home)
    )
    monkeypatch.setitem(sys.modules, "sklearn.datasets", datasets)
    output = tmp_path / "lfw.npy"
    assert cli.main(["train", "--prepare", "--lfw", "--output", str(output)]) == 0
    assert len(calls) == 1 and "1 picture, 16x16 grey\n" in capsys.readouterr().out
    (face,) = np.load(output).astype(int)
    assert abs(face[1:-1, 1:-1] - 200).max() <= 3


def test_lfw_needs_scikit_learn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["train", "--prepare", "--lfw"]) == 2
    expected = "gan: error: --lfw needs scikit-learn (pip install scikit-learn)."
    assert capsys.readouterr().err.startswith(expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "either --pictures PATH or --lfw"),
        ("--pictures . --lfw", "either --pictures PATH or --lfw"),
        ("--pictures none", "none"),
        ("--pictures empty", "picture"),
        ("--pictures empty --keep 0", "keep"),
        ("--pictures empty --keep 2", "argument keep"),
        ("--pictures empty --output p.png", "argument output must end in .npy"),
        ("--pictures empty --output no/p.npy", "path"),
        ("--pictures empty --output taken.npy", "taken.png"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "taken.png").mkdir()
    status = cli.main(["train", "--prepare", *options.split()])
    error = capsys.readouterr().err
    assert status == 2 and message in error and error.count("\n") == 1
    assert not [*tmp_path.glob("p.*")]
