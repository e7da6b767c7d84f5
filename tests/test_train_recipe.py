import importlib
import json
import pathlib

import numpy as np
import pytest
from conftest import refused
from PIL import Image

import gan
from gan.errors import InvalidInput
from gan.recipes import mnist_dense
from gan.recipes import run as train_recipe
from gan.recipes.run import RECIPES, Recipe

FOLDER = pathlib.Path(gan.__file__).parent / "recipes"


def test_every_recipe_is_listed_and_explained():
    files = {path.stem for path in FOLDER.glob("[!_]*.py")}
    own = {"faces", "r3gan", "translation", "unpaired"}
    assert {*RECIPES, *own} == files - {
        "pace",
        "record",
        "run",
        "size",
        "train",
    }
    for name in RECIPES:
        module = importlib.import_module(f"gan.recipes.{name}")
        assert isinstance(getattr(module, "RECIPE", None), Recipe) or module.train


@pytest.fixture
def small(monkeypatch):
    """The dense recipe with few weights, so that its files are small."""
    import keras
    from keras import layers

    def make_generator():
        inputs = [keras.Input((100,)), layers.Dense(3), layers.BatchNormalization()]
        outputs = [layers.Dense(784, activation="tanh"), layers.Reshape((28, 28, 1))]
        return keras.Sequential([*inputs, *outputs], name="generator")

    def make_discriminator():
        inputs = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dropout(0.5)]
        return keras.Sequential([*inputs, layers.Dense(1)], name="discriminator")

    monkeypatch.setattr(mnist_dense, "make_generator", make_generator)
    monkeypatch.setattr(mnist_dense, "make_discriminator", make_discriminator)


def trained(folder, data, epochs=3, **options):
    folder.mkdir(exist_ok=True)
    options = {"seed": 1, "verbose": 0, **options}
    return train_recipe.train_recipe("mnist_dense", folder, data, epochs, 2, **options)


@pytest.mark.slow
def test_a_stopped_recipe_goes_on_to_the_same_files(
    small, digits_file, tmp_path, monkeypatch, capsys
):
    whole = trained(tmp_path / "whole", digits_file)
    assert [path.name for path in whole] == [
        "image_at_epoch_0003.png",
        "training.gif",
        "model.keras",
    ]

    def stop(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gan.callbacks.Checkpoint, "on_epoch_begin", stop, raising=False)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "stopped", digits_file)
    assert not (tmp_path / "stopped" / "model.keras").exists()
    again = trained(tmp_path / "stopped", digits_file)
    for one, other in zip(whole[:2], again[:2], strict=True):
        assert one.read_bytes() == other.read_bytes()
    models = [gan.load_model(paths[-1]) for paths in (whole, again)]
    for one, other in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
    with Image.open(again[1]) as gif:
        assert gif.n_frames == 3
    pictures = sorted(path.name for path in (tmp_path / "stopped").glob("*.png"))
    assert pictures == [f"image_at_epoch_000{epoch}.png" for epoch in (1, 2, 3)]


@pytest.mark.slow
def test_other_settings_or_data_are_refused(small, digits_file, tmp_path):
    trained(tmp_path / "run", digits_file, epochs=1)
    with pytest.raises(InvalidInput, match="seed is 2 here and was 1"):
        trained(tmp_path / "run", digits_file, epochs=1, seed=2)
    with np.load(digits_file) as arrays:
        np.save(tmp_path / "other.npy", 255 - arrays["x_train"])
    with pytest.raises(InvalidInput, match=r" data is \S+ here and was \S+ there"):
        trained(tmp_path / "run", tmp_path / "other.npy", epochs=1)
    (tmp_path / "run" / "notes.txt").write_text("the user's")
    (tmp_path / "run" / "training.gif").write_text("damaged")
    with pytest.raises(InvalidInput, match="pictures of uint8 or floats"):
        np.savez(tmp_path / "other.npz", x_train=np.zeros((300, 28, 28), "int64"))
        trained(tmp_path / "run", tmp_path / "other.npz", epochs=1, restart=True)
    assert (tmp_path / "run" / "model.keras").is_file()
    paths = trained(tmp_path / "run", tmp_path / "other.npy", epochs=1, restart=True)
    assert [path.name for path in paths][0] == "image_at_epoch_0001.png"
    assert (tmp_path / "run" / "notes.txt").is_file()
    assert len([*(tmp_path / "run").glob("image_at_epoch_*.png")]) == 1


@pytest.mark.slow
def test_a_finished_run_without_its_pictures_is_called_again(
    small, digits_file, tmp_path
):
    for path in trained(tmp_path / "run", digits_file, epochs=1)[:2]:
        path.unlink()
    again = trained(tmp_path / "run", digits_file, epochs=1)
    assert [path.name for path in again] == ["model.keras"]


# Files that a user may have in the folder, and that this recipe does not write.
OF_THE_USER = [
    *("notes.txt", "samples.png", "training-mine.gif", "generator.h5", "model.h5"),
    *("image_at_epoch_mine.png", "image_at_epoch_1.png", "minimax/model.keras"),
    *("my_model.keras", "checkpoints/notes.txt", ".gan-notes"),
]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["0.2.0", "now"])
def test_a_restart_deletes_what_the_run_has_written_and_nothing_else(
    small, digits_file, tmp_path, version
):
    trained(tmp_path, digits_file, epochs=1)
    for name in OF_THE_USER:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("the user's")
    record = json.loads((tmp_path / "run.json").read_text())
    if version == "0.2.0":
        record.pop("files")
        (tmp_path / "run.json").write_text(json.dumps(record))
    for path in trained(tmp_path, digits_file, epochs=1):
        path.write_text("of the run before")
    paths = trained(tmp_path, digits_file, epochs=1, seed=2, restart=True)
    assert not [path for path in paths if path.read_bytes() == b"of the run before"]
    for name in OF_THE_USER:
        assert (tmp_path / name).read_text() == "the user's"


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    "record", [None, {"recipe": "mnist_dense", "seed": 1, "files": ["notes.txt"]}]
)
@pytest.mark.parametrize(
    "name", ["model.keras", "training.gif", "image_at_epoch_0002.png"]
)
def test_a_file_that_no_run_has_written_is_neither_replaced_nor_deleted(
    small, digits_file, tmp_path, name, record, restart
):
    (tmp_path / name).write_text("the user's")
    if record is not None:
        (tmp_path / "run.json").write_text(json.dumps(record))
    before = contents(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        trained(tmp_path, digits_file, restart=restart)
    assert refused.value.argument == "output" and contents(tmp_path) == before


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "null", "3", "{}", "[" * 100_000, '{"recipe": "my own"}'),
        *('{"recipe": ["lfw"]}', '{"recipe": "mnist_dense", "files": 3}'),
    ],
)
def test_a_folder_with_the_record_of_another_program_is_left_alone(
    small, digits_file, tmp_path, content, restart
):
    (tmp_path / "run.json").write_text(content)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch-000001.keras").write_text("the user's")
    before = contents(tmp_path)
    with pytest.raises(InvalidInput) as refused:
        trained(tmp_path, digits_file, restart=restart)
    assert refused.value.argument == "output" and contents(tmp_path) == before
    (tmp_path / "run.json").unlink()
    with pytest.raises(InvalidInput):
        trained(tmp_path, digits_file, restart=restart)
    assert [*contents(tmp_path).values()] == [b"the user's"]


@pytest.mark.slow
def test_a_record_from_a_stranger_deletes_no_other_files(small, digits_file, tmp_path):
    folder = tmp_path / "run"
    trained(folder, digits_file, epochs=1)
    record = json.loads((folder / "run.json").read_text())
    names = ["../thesis.tex", str(tmp_path / "thesis.tex"), "thesis.tex", "."]
    (folder / "run.json").write_text(json.dumps(record | {"files": names}))
    for name in ("image_at_epoch_0001.png", "training.gif", "model.keras"):
        (folder / name).unlink()
    for place in (folder, tmp_path):
        (place / "thesis.tex").write_text("the user's")
    trained(folder, digits_file, epochs=1, restart=True)
    for place in (folder, tmp_path):
        assert (place / "thesis.tex").read_text() == "the user's"


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"name": "mnist"}, "recipe"),
        ({"epochs": 0}, "epochs"),
        ({"steps": -1}, "steps"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"output": 5}, "output"),
        ({"data": 5}, "data"),
        ({"data": "none.npz"}, "path"),
    ],
)
def test_refusals_write_nothing(tmp_path, monkeypatch, change, argument):
    monkeypatch.chdir(tmp_path)
    arguments = {"name": "mnist_dense", "output": ".", "data": "x.npz", **change}
    with refused(argument):
        train_recipe.train_recipe(**arguments)
    assert not [*tmp_path.iterdir()]
