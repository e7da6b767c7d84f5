"""The class whose discriminator reads the words: losses, builders, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from test_vectors import data, networks

import gan
from gan.data.examples import Sample


def reader(size=3):
    points, condition = keras.Input((2,)), keras.Input((size,))
    x = layers.Dense(4, "tanh")(layers.Concatenate()([points, condition]))
    return keras.Model([points, condition], [layers.Dense(1)(x), layers.Dense(size)(x)])


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
    fake = np.float32(fake[8:] * [2, -1])
    real, fake, c = (tf.constant(x) for x in (real, fake, c))
    network = model.discriminator
    weights = [tf.Variable(weight) for weight in network.get_weights()]

    def judge(x):
        hidden = tf.tanh(tf.concat([x, c], 1) @ weights[0] + weights[1])
        return hidden @ weights[2] + weights[3], hidden @ weights[4] + weights[5]

    def reading(logits):
        p = tf.sigmoid(logits)
        terms = c * tf.math.log(p) + (1 - c) * tf.math.log(1 - p)
        return -tf.reduce_sum(terms, axis=0) / 8

    with tf.GradientTape() as tape:
        with tf.GradientTape(persistent=True) as inner:
            inner.watch([real, fake])
            (on_real, read), (on_fake, _) = judge(real), judge(fake)
        r1, r2 = (
            tf.reduce_mean(tf.reduce_sum(inner.gradient(y, x) ** 2, axis=1))
            for x, y in ((real, on_real), (fake, on_fake))
        )
        loss = tf.reduce_mean(tf.nn.softplus(on_fake - on_real))
        loss += tf.reduce_sum(reading(read))
        whole = loss + 0.5 / 2 * (r1 + r2)
    slopes = tape.gradient(whole, weights)
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


def test_the_generator_learns_to_show_what_it_was_given():
    """Points whose place is their vector: fakes of a vector come to lie there."""
    keras.utils.set_random_seed(0)
    vectors = np.float32([[0, 0], [0, 1], [1, 0], [1, 1]] * 16)
    noise = np.random.default_rng(0).normal(0, 0.05, (64, 2))
    generator, _, latents = networks(size=2)
    real = (np.float32(vectors + noise), vectors)
    parts = generator, reader(2), latents
    model = gan.CaptionGAN(*parts, real, 32, learning_rate=0.01, ema=0.9, seed=0)
    model.fit(epochs=1, steps_per_epoch=300, verbose=0)
    fakes, given = model.get_fake_sample(64)
    nearest = np.linalg.norm(fakes[:, None] - real[0][None, :4], axis=2).argmin(1)
    assert np.mean(np.all(vectors[nearest] == given, axis=1)) > 0.9


@pytest.mark.parametrize("build", [gan.strided_GenDiscr, gan.residual_GenDiscr])
def test_the_builders_make_it(build):
    parts = build((8, 8, 3), 4, 2, condition=5, reads=True)
    assert parts[1].output_shape == [(None, 1), (None, 5)]
    pictures = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), "uint8")
    vectors = np.random.default_rng(0).integers(0, 2, (16, 5)).astype("float32")
    model = gan.CaptionGAN(*parts, (pictures, vectors), batch_size=8, penalty_every=2)
    model.compile(run_eagerly=True)
    before = model.discriminator.layers[-1].get_weights()[0]
    logs = model.train_step()
    assert float(logs["r1"]) > 0 and np.isfinite(list(logs.values())).all()
    assert np.any(model.discriminator.layers[-1].get_weights()[0] != before)


@pytest.mark.parametrize(
    "code, argument, said",
    [
        (
            lambda: gan.CaptionGAN(*networks(), data()),
            "discriminator",
            "build it with reads=True, or use gan.R3GAN",
        ),
        (lambda: make(auxiliary_weight=-1), "auxiliary_weight", "at least 0"),
        (lambda: gan.strided_GenDiscr((8, 8, 3), reads=True), "reads", "condition"),
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


@pytest.mark.slow
def test_the_class_does_what_every_class_does():
    gan.testing.check_model(lambda: make(ema=0.9))
