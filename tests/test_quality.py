"""How good the fakes are, epoch by epoch, and the best model so far."""

import csv
import importlib

import keras
import numpy as np
import pytest
from conftest import refused
from test_base import assert_same
from test_callbacks import HELD_OUT, fit, fixed_fakes

import gan
from gan import metrics
from gan.callbacks import Checkpoint, Metrics, Quality
from gan.latent import LatentGenerator
from gan.metrics.report import comparable
from gan.recipes import size
from gan.recipes.run import Run, train_recipe
from gan.saving.model_file import read_notes
from gan.training.aside import chosen
from gan.training.evidence import Evidence

RNG = np.random.default_rng(1)


def rows(path):
    with open(path, newline="") as file:
        return [*csv.DictReader(file)]


def test_the_distance_is_that_of_fixed_fakes_and_reals(vectors, tmp_path):
    model, others = vectors(ema=0.9), RNG.normal(0.5, 0.1, (40, 2))
    quality = Quality(tmp_path / "q.png", HELD_OUT, others, every=2, seed=3)
    history = fit(model, 4, quality).history
    fakes = np.clip(fixed_fakes(model, len(HELD_OUT), seed=3), 0, 1)
    value, error = metrics.kernel_distance(HELD_OUT, fakes)
    table = rows(tmp_path / "q.csv")
    assert [row["epoch"] for row in table] == ["1", "2", "4"]
    assert history["kid"] == [float(row["kid"]) for row in table]
    assert history["kid"][-1] == pytest.approx(value, rel=1e-5)
    assert float(table[-1]["error"]) == pytest.approx(error, rel=1e-5)
    assert (tmp_path / "q.png").stat().st_size > 1000


def measured(monkeypatch, values):
    left = iter(values)
    monkeypatch.setattr(Quality, "measure", lambda self: (next(left), 0.1))


def test_only_what_is_better_by_more_than_its_error_is_the_best(
    vectors, tmp_path, monkeypatch, capsys
):
    measured(monkeypatch, [1.0, 0.95, 0.8, 0.75, 0.9, 0.85])
    best = tmp_path / "best.keras"
    quality = Quality(tmp_path / "q.png", HELD_OUT, best=best, patience=3)
    fit(vectors(), 6, quality)
    better = [float(row["better"]) for row in rows(tmp_path / "q.csv")]
    assert better == [1, 0, 1, 0, 0, 0]
    assert read_notes(best) == {"epoch": 3, "kid": 0.8}
    said = capsys.readouterr().out
    assert said.count("since epoch 3, whose model is in best.keras") == 1
    alike = vectors()
    monkeypatch.undo()
    fit(alike, 3)
    assert_same(alike, gan.load_model(best))


def test_a_killed_run_goes_on_to_the_same_best_model(vectors, tmp_path, monkeypatch):
    values = [1.0, 0.5, 0.6, 0.45, 0.3]
    measured(monkeypatch, values)
    quality = Quality(tmp_path / "a.png", HELD_OUT, best=tmp_path / "a.keras")
    fit(vectors(), 5, quality)
    # The run stops after epoch 3, and resumes from the checkpoint of epoch 2.
    measured(monkeypatch, [*values[:3], *values[2:]])
    parts = [tmp_path / "b.png", HELD_OUT, None, tmp_path / "b.keras"]
    fit(vectors(), 3, Quality(*parts), Checkpoint(tmp_path / "run"))
    (tmp_path / "run" / "epoch-000003.keras").unlink()
    fit(vectors(), 5, Quality(*parts), Checkpoint(tmp_path / "run"))
    assert rows(tmp_path / "a.csv") == rows(tmp_path / "b.csv")
    notes = [read_notes(tmp_path / name) for name in ("a.keras", "b.keras")]
    assert notes[0] == notes[1] == {"epoch": 5, "kid": 0.3}


def test_a_best_model_that_was_deleted_is_written_again(vectors, tmp_path, monkeypatch):
    measured(monkeypatch, [0.5, 0.6])
    quality = Quality(tmp_path / "a.png", HELD_OUT, best=tmp_path / "a.keras")
    fit(vectors(), 1, quality, Checkpoint(tmp_path / "run"))
    (tmp_path / "a.keras").unlink()
    fit(vectors(), 2, quality, Checkpoint(tmp_path / "run"))
    assert read_notes(tmp_path / "a.keras")["epoch"] == 2


@pytest.mark.parametrize(
    "options",
    [
        {"path": "q.jpg"},
        {"real": np.zeros((7, 2))},
        {"others": np.zeros((9, 3))},
        {"best": "best.h5"},
        {"every": 0},
        {"patience": 0},
        {"seed": -1},
    ],
)
def test_unusable_options(tmp_path, options):
    (name,) = options
    for key in ("path", "best"):
        options |= {key: tmp_path / options[key]} if key in options else {}
    with refused(name):
        Quality(**{"path": tmp_path / "q.png", "real": HELD_OUT, **options})


def test_reals_unlike_the_fakes_are_refused_before_any_step(vectors, tmp_path):
    with refused("real"):
        fit(vectors(), 1, Quality(tmp_path / "q.png", np.zeros((9, 3))))


def test_many_numbers_are_compared_by_their_principal_coordinates():
    real = RNG.normal(size=(300, 1100)) * np.linspace(2, 1, 1100)
    coordinates = comparable(real)(real)
    assert coordinates.shape == (300, 256)
    centred = real - real.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    # The map is a rotation to the principal axes, of which only signs are free.
    expected = centred @ axes[:256].T
    np.testing.assert_allclose(abs(coordinates), abs(expected), atol=1e-6)
    assert comparable(real[:, :1024])(real[:, :1024]).shape == (300, 1024)


# -- In a run -------------------------------------------------------------------


def write(path, count):
    pictures = RNG.integers(0, 256, (count, 8, 8, 3), "uint8")
    np.save(path, pictures)
    return path


@pytest.mark.parametrize(("count", "held_out"), [(1200, 120), (40, 0), (12, 0)])
def test_a_tenth_is_held_out_where_there_are_enough(
    tmp_path, monkeypatch, count, held_out
):
    seen = {}

    def fit(self, model, epochs, steps, callbacks, every, settings):
        seen.update(model=model, callbacks=callbacks, settings=settings)

    monkeypatch.setattr(Run, "fit", fit)
    monkeypatch.setattr(Run, "finish", lambda self, *a: [])
    path = write(tmp_path / "a.npy", count)
    train_recipe("r3gan", tmp_path / "run", path)
    model = seen["model"]
    assert len(model.examples) == count - held_out
    assert seen["settings"]["size"] == [8, 8]
    quality = [one for one in seen["callbacks"] if isinstance(one, Quality)]
    assert len(quality) == (count >= 16)
    if held_out:
        real = np.load(path).reshape(count, -1) / np.float32(255)
        training = model.examples.first(count - held_out).examples
        training = np.reshape(training, (-1, 192))
        both = np.concatenate([training, np.reshape(quality[0]._real, (-1, 192))])
        np.testing.assert_allclose(
            np.sort(both, axis=0), np.sort(real, axis=0), atol=1e-6
        )


def folder_of(path, sides):
    from PIL import Image

    path.mkdir()
    for number, side in enumerate(sides):
        Image.new("RGB", (side, 90), (number, 0, 0)).save(path / f"{number}.png")
    return path


@pytest.mark.parametrize(
    ("sides", "seconds", "minutes", "side"),
    [
        (10 * [64], {64: 0.17}, None, 64),
        (10 * [64], {64: 0.19, 48: 0.1}, None, 48),
        (10 * [64], {64: 1.0, 48: 1.0}, None, 32),
        (10 * [63], {48: 0.1}, None, 48),
        (9 * [80] + [20], {64: 0.1}, None, 64),
        (7 * [80] + 3 * [20], {}, None, 32),
        (10 * [64], {64: 0.059}, 10, 64),
        (10 * [64], {64: 0.061, 48: 0.059}, 10, 48),
    ],
)
def test_the_largest_size_that_pictures_and_machine_allow(
    tmp_path, monkeypatch, sides, seconds, minutes, side
):
    def pace(make_model, timed):
        shape = make_model().generator.output_shape[1:]
        assert shape[0] == shape[1] and shape[2] == 3
        return seconds[shape[0]]

    monkeypatch.setattr(size, "seconds_a_step", pace)
    monkeypatch.setattr(Run, "train", lambda self, recipe, data, augment: data)
    folder = folder_of(tmp_path / "photos", sides)
    data = train_recipe("r3gan", tmp_path / "run", folder, minutes=minutes)
    assert data.pictures.shape[1:] == (side, side, 3)


@pytest.mark.slow
def test_a_run_goes_on_at_its_size_on_another_machine(tmp_path, monkeypatch, capsys):
    folder = folder_of(tmp_path / "photos", 10 * [48])
    monkeypatch.setattr(size, "seconds_a_step", lambda make_model, timed: 0.01)
    numbers = {"epochs": 1, "steps": 1, "verbose": 0}
    train_recipe("r3gan", tmp_path / "run", folder, **numbers)
    assert "48x48 pixels" in capsys.readouterr().out
    monkeypatch.setattr(size, "seconds_a_step", None)
    train_recipe("r3gan", tmp_path / "run", folder, **numbers)
    assert gan.load_generator(tmp_path / "run").shape == (48, 48, 3)


@pytest.mark.parametrize("name", ["emoji", "mnist_r3gan", "fashion_r3gan"])
def test_published_systems_learn_all_of_their_pictures(name):
    recipe = importlib.import_module(f"gan.recipes.{name}").RECIPE
    assert recipe.held_out is None


@pytest.mark.parametrize("count", [7, 100, 300, 1000])
@pytest.mark.parametrize("labels", [np.arange(300) % 2, np.arange(300) // 270])
def test_chosen_conditions_have_the_shares_of_all(labels, count):
    picked = labels[chosen(labels, count, 0)]
    share, found = labels.mean() * count, picked.sum()
    assert len(picked) == count and abs(found - share) <= 1
    assert (chosen(labels[:, None], 300, 0) != np.arange(300)).any()
    assert {*chosen(labels[:, None], 300, 0)} == {*range(300)}


@pytest.mark.parametrize("kind", [Metrics, Quality, "evaluate"])
def test_classes_are_as_frequent_in_the_fakes_as_in_the_reals(kind, tmp_path):
    """Of a generator that draws its classes exactly, nothing is wrong."""
    points = keras.layers.Embedding(2, 2)
    latents, label = keras.Input((2,)), keras.Input((), dtype="int32")
    small = keras.layers.Rescaling(0.05)(latents)
    generator = keras.Model(
        [latents, label], keras.layers.Add()([small, points(label)])
    )
    points.set_weights([np.float32([[0.2, 0.2], [0.8, 0.8]])])
    point, label = keras.Input((2,)), keras.Input((), dtype="int32")
    x = keras.layers.Embedding(2, 2)(label)
    x = keras.layers.Dense(1)(keras.layers.Concatenate()([point, x]))
    networks = generator, keras.Model([point, label], x)
    # Nine tenths are of class 0; every tenth example is of class 1.
    labels = np.int32(np.arange(300) % 10 == 9)
    real = np.where(labels[:, None], 0.8, 0.2) + RNG.normal(0, 0.05, (300, 2))
    real = np.float32(real)
    options = {"pixel_range": (0, 1), "batch_size": 10, "learning_rate": 0.0}
    model = gan.R3GAN(*networks, LatentGenerator(2), (real, labels), **options)

    def distance(real):
        if kind == "evaluate":
            return model.evaluate(real, names=["kid"], count=200)["kid"]
        if kind is Metrics:
            found = Metrics(real, ["kid"], count=200)
        else:
            found = Quality(tmp_path / "q.png", real)
        return fit(model, 1, found).history["kid"][0]

    assert abs(distance((real, labels))) < 0.01
    evidence = Evidence(model, 200)
    for sample in (evidence.fake, evidence.played):
        assert np.mean(sample.condition) == np.mean(evidence.real.condition) < 0.2
    if kind != "evaluate":
        # Without the classes of the reals, half of the fakes are of class 1.
        assert distance(real) > 0.1
        path = [tmp_path / "q.png"] if kind is Quality else []
        with refused("real"):
            kind(*path, (real, labels[:5]))
