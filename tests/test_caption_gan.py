"""CaptionGAN, whose discriminator reads words: losses, builders, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused
from keras import layers
from test_vectors import data, networks

import gan
from gan.data.examples import Sample


def reader(size=3, frozen=True):
    """A discriminator whose second output comes from a frozen network, or does not."""
    points, condition = keras.Input((2,)), keras.Input((size,))
    x = layers.Dense(4, "tanh")(layers.Concatenate()([points, condition]))
    inputs = keras.Input((2,))
    words = keras.Model(inputs, layers.Dense(size)(inputs), name="reader")
    words.trainable = not frozen
    outputs = [layers.Dense(1)(x), words(points)]
    return keras.Model([points, condition], outputs)


def make(**options):
    keras.utils.set_random_seed(0)
    generator, _, latents = networks()
    options = {"batch_size": 8, "seed": 0} | options
    return gan.CaptionGAN(generator, reader(), latents, data(), **options)


def test_updates_equal_those_in_plain_tensorflow():
    sgd = {
        f"{n}_optimizer": keras.optimizers.SGD(0.1)
        for n in ("generator", "discriminator")
    }
    model = make(gamma=0.5, auxiliary_weight=0.3, **sgd)
    (real, c), (fake, _) = data(8), data(16)
    fake = np.float32(fake[8:] * 0.5)
    real, fake, c = (tf.constant(x) for x in (real, fake, c))
    network = model.discriminator
    weights = [tf.Variable(weight) for weight in network.get_weights()]

    def judge(x):
        hidden = tf.tanh(tf.concat([x, c], 1) @ weights[0] + weights[1])
        return hidden @ weights[2] + weights[3], x @ weights[4] + weights[5]

    def reading(logits):
        p = tf.sigmoid(logits)
        terms = c * tf.math.log(p) + (1 - c) * tf.math.log(1 - p)
        return -tf.reduce_sum(terms, axis=0) / 8

    with tf.GradientTape() as tape:
        with tf.GradientTape(persistent=True) as inner:
            inner.watch([real, fake])
            (on_real, _), (on_fake, _) = judge(real), judge(fake)
        r1, r2 = (
            tf.reduce_mean(tf.reduce_sum(inner.gradient(y, x) ** 2, axis=1))
            for x, y in ((real, on_real), (fake, on_fake))
        )
        loss = tf.reduce_mean(tf.nn.softplus(on_fake - on_real))
        whole = loss + 0.5 / 2 * (r1 + r2)
    slopes = tape.gradient(whole, weights, unconnected_gradients="zero")
    logs = model.update_discriminator(Sample(real, c), Sample(fake, c))
    assert float(logs["discr_loss"]) == pytest.approx(float(loss), rel=1e-5)
    assert float(logs["r1"]) == pytest.approx(float(r1), rel=1e-5)
    for found, weight, slope in zip(
        network.get_weights(), weights, slopes, strict=True
    ):
        np.testing.assert_allclose(found, weight - 0.1 * slope, atol=1e-6)

    weights = network.get_weights()
    (on_real, best), (on_fake, read) = judge(real), judge(fake)
    gaps = reading(read) - reading(best)
    assert min(gaps) < 0 < max(gaps)
    wanted = tf.reduce_mean(tf.nn.softplus(on_real - on_fake))
    wanted += 0.3 * sum(max(float(gap), 0.0) for gap in gaps)
    outputs = model.generator_outputs(real, fake, c)
    assert float(model.generator_loss(*outputs)) == pytest.approx(float(wanted))


def stripes(count):
    """Pictures with a bright row, a bright column, both or none; which each has."""
    vectors = np.random.default_rng(0).integers(0, 2, (count, 2)).astype("float32")
    pictures = np.random.default_rng(1).integers(0, 60, (count, 8, 8, 3))
    pictures[vectors[:, 0] > 0, 2] += 180
    pictures[vectors[:, 1] > 0, :, 5] += 180
    return np.clip(pictures, 0, 255).astype("uint8"), vectors


@pytest.fixture(scope="module")
def fitted():
    pictures, vectors = stripes(200)
    return gan.conditions.fit_reader(pictures, vectors, steps=150, width=4)


def test_a_reader_learns_to_read_and_stays_as_it_is(fitted):
    pictures, vectors = stripes(300)
    found = fitted(pictures[200:] / np.float32(255)) > 0
    assert np.mean(found == (vectors[200:] > 0)) > 0.95
    assert not fitted.trainable_variables
    said = []
    again = gan.conditions.fit_reader(
        *stripes(200), steps=150, width=4, tell=said.append
    )
    assert [line.split(",")[0] for line in said] == [
        f"words: {share}%" for share in (20, 40, 60, 80)
    ]
    for one, other in zip(fitted.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_reader_sees_noise_in_training_alone(fitted):
    pictures = tf.zeros((1000, 8, 8, 3)) + 0.5
    first = fitted.layers[1]
    seen = first(pictures, training=True)
    assert np.std(seen) == pytest.approx(0.2, rel=0.02)
    np.testing.assert_array_equal(first(pictures, training=False), pictures)
    plain = gan.conditions.fit_reader(*stripes(64), steps=1, width=1, noise=0.0)
    some = pictures[:4]
    np.testing.assert_array_equal(plain(some, training=True), plain(some))


@pytest.mark.parametrize("build", [gan.strided_GenDiscr, gan.residual_GenDiscr])
def test_the_builders_take_it(build, fitted, tmp_path):
    parts = build((8, 8, 3), 4, 2, condition=2, reader=fitted)
    assert parts[1].output_shape == [(None, 1), (None, 2)]
    before = [np.array(weight) for weight in fitted.weights]
    model = gan.CaptionGAN(*parts, stripes(200), batch_size=8, penalty_every=2)
    model.compile(run_eagerly=True)
    logs = model.train_step()
    assert float(logs["r1"]) > 0 and np.isfinite(list(logs.values())).all()
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    loaded.compile(run_eagerly=True)
    loaded.fit(stripes(200), epochs=1, steps_per_epoch=1, verbose=0)
    for network in (model, loaded):
        for one, other in zip(
            network.discriminator.get_layer("reader").weights, before, strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "code, argument, said",
    [
        (
            lambda: gan.CaptionGAN(*networks(), data()),
            "discriminator",
            "build it with reader=gan.conditions.fit_reader",
        ),
        (
            lambda: gan.CaptionGAN(
                networks()[0], reader(frozen=False), networks()[2], data()
            ),
            "discriminator",
            "set trainable = False on its layers",
        ),
        (lambda: make(auxiliary_weight=-1), "auxiliary_weight", "at least 0"),
        (
            lambda: gan.CaptionGAN(networks()[0], "x", networks()[2]),
            "discriminator",
            "keras.Model",
        ),
        (
            lambda: gan.conditions.fit_reader(np.zeros((4, 8, 8, 3)), np.ones((3, 2))),
            "pictures",
            "(3, n, n, n)",
        ),
        (
            lambda: gan.conditions.fit_reader(np.zeros((4, 8, 8, 3)), -np.ones((4, 2))),
            "vectors",
            "in [0, 1]",
        ),
        (
            lambda: gan.conditions.fit_reader(
                np.full((4, 8, 8, 3), 255.0), np.ones((4, 2))
            ),
            "pictures",
            "in [0, 1], or be bytes",
        ),
        (
            lambda: gan.conditions.fit_reader(
                np.full((4, 8, 8, 3), np.nan), np.ones((4, 2))
            ),
            "pictures",
            "finite",
        ),
        (
            lambda: gan.R3GAN(networks()[0], reader(), networks()[2]),
            "discriminator",
            "",
        ),
    ],
)
def test_what_is_refused(code, argument, said):
    with pytest.raises(gan.InvalidInput) as caught:
        code()
    assert caught.value.argument == argument and said in str(caught.value)


@pytest.mark.parametrize("wrong", ["side", "vector", "none", "thawed", "text"])
def test_only_a_frozen_reader_of_these_pictures_and_vectors_is_taken(fitted, wrong):
    thawed = keras.models.clone_model(fitted)
    for layer in thawed.layers:
        layer.trainable = True
    reader = {"thawed": thawed, "text": "x"}.get(wrong, fitted)
    size = {"vector": 3, "none": None}.get(wrong, 2)
    with refused("reader"):
        side = 16 if wrong == "side" else 8
        gan.strided_GenDiscr((side, side, 3), condition=size, reader=reader)


@pytest.mark.slow
def test_the_class_does_what_every_class_does():
    gan.testing.check_model(lambda: make(ema=0.9))
