"""Trained generators: any file, any class, the right scale, the same for a seed."""

import json

import keras
import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused, slow_but_first
from keras import layers

import gan
from gan.generators.trained import TrainedGenerator, in_parts
from gan.generators.weights import PRETRAINED, WEIGHTS
from gan.saving.weights_file import save_weights


def pair(*ends, classes=None):
    """Networks of 8×8 pictures whose generator ends in the layers given."""
    latents = keras.Input((3,))
    labels = keras.Input((), dtype="int32")
    x = latents
    if classes:
        x = layers.Multiply()([x, layers.Embedding(classes, 3)(labels)])
    x = layers.Dense(64)(x)
    for layer in ends:
        x = layer(x)
    generator = keras.Model([latents, labels] if classes else latents, x)
    pictures = keras.Input((8, 8, 1))
    y = layers.Flatten()(pictures)
    y = layers.Dense(1)(y)
    if classes:
        y = layers.Add()([y, layers.Embedding(classes, 1)(labels)])
    return generator, keras.Model([pictures, labels] if classes else pictures, y)


def ends(name):
    """The last layers of a generator, with a tanh in one of several places."""
    tanh, shape = layers.Activation("tanh"), layers.Reshape((8, 8, 1))
    return {
        "plain": [tanh, shape],
        "nested": [keras.Sequential([keras.Input((64,)), tanh, shape])],
        "cropped": [layers.Reshape((8, 8, 1)), tanh, layers.ZeroPadding2D(1)]
        + [layers.Cropping2D(1)],
        "twice nested": [
            keras.Sequential(
                [
                    keras.Input((64,)),
                    keras.Sequential([keras.Input((64,)), tanh]),
                    shape,
                ]
            )
        ],
    }[name]


def train(real, **options):
    keras.utils.set_random_seed(0)
    networks = pair(*options.pop("ends", ends("plain")), classes=options.pop("n", None))
    latents = gan.latent.LatentGenerator(3)
    return gan.WGAN_GP(*networks, latents, real, batch_size=4, **options)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "name", slow_but_first("plain", "nested", "cropped", "twice nested", single=True)
)
@pytest.mark.parametrize("low", slow_but_first(0, -1, single=True))
def test_pictures_are_drawn_on_the_scale_of_training(name, low, tmp_path):
    """All these generators can reach [−1, 1], but the range of the data counts."""
    real = RNG.uniform(low, 1, (30, 8, 8, 1)).astype("float32")
    model = train(real, ends=ends(name))
    assert model.pixel_range == (low, 1)
    model.save(tmp_path / "m.keras")
    generator = gan.load_generator(tmp_path / "m.keras")
    outputs = generator.outputs(20)[..., 0]
    np.testing.assert_allclose(generator.draw(20), (outputs - low) / (1 - low), 1e-5)
    assert generator.pixel_range == (low, 1)


def test_one_network_is_drawn_alike_from_both_kinds_of_files(tmp_path):
    """The network ends in a tanh, but its weights were trained on [0, 1]."""
    from gan.recipes.faces import make_teacher

    network, _ = gan.convolutional_GenDiscr()
    gan.weights.load_weights((network, PRETRAINED))
    real = RNG.random((200, 16, 16)).astype("float32")
    latents = gan.latent.LatentGenerator(16)
    gan.R3GAN(network, make_teacher(), latents, real).save(tmp_path / "m.keras")
    both = [gan.load_generator(p).draw(50) for p in (None, tmp_path / "m.keras")]
    np.testing.assert_allclose(*both, atol=1e-4)


@pytest.mark.slow
def test_files_that_do_not_say_their_scale_are_looked_at(tmp_path):
    for low in (0.0, -1.0):
        model = train(None)
        bias = np.arctanh(np.linspace(max(low, -0.9), 0.9, 64))
        model.generator.layers[1].set_weights([np.zeros((3, 64)), bias])
        model.save(tmp_path / "m.keras")
        assert gan.load_generator(tmp_path / "m.keras").pixel_range == (low, 1.0)


def test_a_given_pixel_range_holds_for_bytes_and_is_saved(tmp_path):
    pictures = RNG.integers(0, 256, (30, 8, 8), "uint8")
    model = train(pictures, pixel_range=(-1, 1))
    real = model.get_real_sample(30).numpy()
    assert real.min() < -0.9 and real.max() > 0.9
    model.save(tmp_path / "m.keras")
    assert gan.load_model(tmp_path / "m.keras").pixel_range == (-1, 1)


@pytest.mark.parametrize(
    "real, options",
    [
        (RNG.uniform(-1, 1, (30, 8, 8, 1)), {"pixel_range": (0, 1)}),
        (
            RNG.uniform(0, 1, (30, 8, 8, 1)),
            {
                "pixel_range": (-1, 1),
                "ends": [layers.Activation("sigmoid"), layers.Reshape((8, 8, 1))],
            },
        ),
    ],
)
def test_a_pixel_range_that_does_not_fit_is_told(real, options):
    with pytest.warns(UserWarning, match="pixel_range of the model"):
        train(real.astype("float32"), **options)


def test_callbacks_draw_on_the_scale_of_training(tmp_path):
    """A generator whose outputs are all −0.5 draws pictures of 0.25."""
    model = train(RNG.uniform(-1, 1, (30, 8, 8, 1)).astype("float32"))
    model.generator.layers[1].set_weights([np.zeros((3, 64)), np.full(64, -0.5493)])
    model.compile(g_optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    grid = gan.callbacks.SampleGrid(tmp_path, count=1)
    held_out = np.full((9, 8, 8, 1), 0.25)
    held_out[0, 0] = 0
    judged = gan.callbacks.Metrics(held_out, ["sw2"], count=9)
    logs = model.fit(steps_per_epoch=1, verbose=0, callbacks=[grid, judged]).history
    picture = matplotlib.image.imread(tmp_path / "image_at_epoch_0001.png")
    assert picture[..., :3].min() == pytest.approx(0.25, abs=0.01)
    assert logs["sw2"][0] < 0.05


def test_augmentation_works_on_its_own_scale():
    """Middle grey fills what is cut out, whatever black and white are."""
    changed = []
    for low in (0.0, -1.0):
        model = train(np.full((30, 8, 8, 1), 1.0, "float32"), pixel_range=(low, 1.0))
        model.augment = gan.DiffAugment(["cutout"])
        some = model.augmented(model.get_real_sample())
        changed.append({*np.unique(some)})
    assert changed == [{0.5, 1.0}, {0.0, 1.0}]


@pytest.mark.parametrize("value", ["tanh", (0, 0), (1,), (0, float("inf")), 1])
def test_bad_pixel_ranges(value):
    with refused("pixel_range"):
        train(None, pixel_range=value)


def test_latents_are_those_of_tensorflows_seed_and_leave_its_state_alone():
    """Version 0.2.0 set this seed, so its pictures can be drawn again."""
    generator = gan.load_generator()
    for seed in (0, 18, 2**32 - 1):
        keras.utils.set_random_seed(seed)
        expected = gan.normal_generator(4, 16)
        tf.random.set_seed(5)
        first = tf.random.uniform((2,))
        tf.random.set_seed(5)
        np.testing.assert_array_equal(generator.latents(4, seed), expected)
        np.testing.assert_array_equal(tf.random.uniform((2,)), first)


@pytest.fixture(scope="module")
def animals():
    model = train(
        (RNG.random((30, 8, 8, 1), "float32"), np.arange(30) % 3),
        n=3,
        class_names=["ant", "bee", "2"],
    )
    return TrainedGenerator.of(model)


def test_classes_are_asked_for_by_name_or_number(animals):
    """A name is tried before a number."""
    latents = animals.latents(3)
    asked = {
        "bee": [1, 1, 1],
        1: [1, 1, 1],
        "1": [1, 1, 1],
        "2": [2, 2, 2],
        "0": [0, 0, 0],
        None: [0, 1, 2],
        ("bee", "ant", 2): [1, 0, 2],
        (2, 1, 0): [2, 1, 0],
    }
    for labels, numbers in asked.items():
        expected = animals.network([latents, np.array(numbers, np.int32)])
        found = animals.draw(latents, labels=labels)
        np.testing.assert_allclose(found, expected[..., 0], atol=1e-6)


@pytest.mark.parametrize(
    "labels", slow_but_first("cat", 3, -1, 1.5, ["ant"], "-1", [None] * 3, single=True)
)
def test_unknown_classes(animals, labels):
    with refused("labels"):
        animals.draw(3, labels=labels)
    with refused("labels"):
        gan.load_generator().draw(3, labels="ant")


@pytest.mark.parametrize(
    "argument, use",
    [
        ("latents", lambda g: g.draw(np.zeros((3, 4)))),
        ("latents", lambda g: g.draw("three")),
        ("count", lambda g: g.draw(0)),
        ("seed", lambda g: g.draw(3, seed=-1)),
        ("spread", lambda g: g.draw(3, spread=-1)),
        ("spread", lambda g: g.draw(3, spread=float("nan"))),
        ("among", lambda g: g.nearest(g.draw(2), np.zeros((5, 3)))),
    ],
)
def test_bad_arguments(argument, use):
    with refused(argument):
        use(gan.load_generator())


def test_the_nearest_real_picture():
    real = RNG.random((20, 16, 16))
    numbers, distances = gan.load_generator().nearest(real[[7, 3]] + 0.01, real)
    assert [*numbers] == [7, 3]
    np.testing.assert_allclose(distances, 0.01, rtol=1e-3)


@pytest.mark.slow
def test_the_newest_of_a_run_is_taken_and_said(tmp_path, capsys):
    """The run is stopped, then finished, then resumed."""
    model = train(RNG.random((30, 8, 8, 1), "float32"))
    kept = gan.callbacks.Checkpoint(tmp_path / "checkpoints", keep=1)

    def fit(epochs):
        model.compile(run_eagerly=True)
        model.fit(epochs=epochs, steps_per_epoch=1, verbose=0, callbacks=[kept])
        capsys.readouterr()

    def drawn():
        return gan.load_generator(tmp_path).draw(2)

    def now():
        return TrainedGenerator.of(model).draw(2)

    fit(1)
    np.testing.assert_array_equal(drawn(), now())
    assert capsys.readouterr().out.count("epoch-000001.keras") == 1
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(drawn(), now())
    assert capsys.readouterr().out == ""
    fit(2)
    np.testing.assert_array_equal(drawn(), now())
    assert "epoch-000002.keras" in capsys.readouterr().out


@pytest.mark.slow
def test_names_that_a_run_of_version_0_2_0_noted(tmp_path):
    model = train((RNG.random((30, 8, 8, 1), "float32"), np.arange(30) % 3), n=3)
    model.save(tmp_path / "model.keras")
    record = {"recipe": "r3gan", "names": ["ant", "bee", "cat"]}
    (tmp_path / "run.json").write_text(json.dumps(record))
    for path in (tmp_path, tmp_path / "model.keras"):
        assert gan.load_generator(path).names == ["ant", "bee", "cat"]
    for damaged in ('{"names": [1]}', "[" * 10**5, '{"names": ["ant"]}', "{"):
        (tmp_path / "run.json").write_text(damaged)
        assert gan.load_generator(tmp_path).names == ["0", "1", "2"]


def test_there_is_nothing_to_load(tmp_path):
    for path in (tmp_path, tmp_path / "none.keras"):
        with refused("path"):
            gan.load_generator(path)
    generator, _ = gan.convolutional_GenDiscr()
    save_weights(generator, tmp_path / "g.h5", (np.zeros((8, 8)), np.ones((8, 8))))
    with refused("path"):
        gan.load_generator(tmp_path / "g.h5")


def test_a_model_without_latents_cannot_draw():
    with refused("model"):
        TrainedGenerator.of(gan.WGAN_GP(*pair(*ends("plain")), None))


def test_weights_are_there():
    assert (WEIGHTS / "generator.h5").is_file()
    assert (WEIGHTS / "discriminator.h5").is_file()


def test_parts_lose_nothing_and_bound_the_size():
    seen = []

    def network(part):
        seen.append(len(part))
        return -part

    array = np.arange(5000).reshape(2500, 2)
    np.testing.assert_array_equal(in_parts(network, array), -array)
    assert seen == [1000, 1000, 500]
