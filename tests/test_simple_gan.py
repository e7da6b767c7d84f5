import keras
import numpy as np
import pytest
import tensorflow as tf

import gan

REAL = np.float32([[0.5], [1.0], [-1.0], [0.0]])
FAKE = np.float32([[0.0], [-1.0], [2.0], [0.5]])


def mse(values, target):
    return keras.losses.MeanSquaredError()(tf.fill(values.shape, target), values)


def latents(model):
    with model.stream.sampling():
        return model.latent_generator(model.batch_size)


def test_losses_by_hand(vectors):
    model = vectors(gan.Simple_GAN)
    loss = model.discriminator.loss(tf.constant(REAL), tf.constant(FAKE))
    by_hand = (0.25 + 0 + 4 + 1) / 4 + (1 + 0 + 9 + 2.25) / 4
    np.testing.assert_allclose(loss, by_hand, rtol=1e-6)
    loss = model.generator.loss(tf.constant(FAKE))
    np.testing.assert_allclose(loss, (1 + 4 + 1 + 0.25) / 4, rtol=1e-6)


def test_losses_are_the_courses_mean_squared_errors():
    x, y = tf.random.stateless_normal((2, 9, 1), (1, 2))
    loss = gan.Simple_GAN.discriminator_loss(x, y)
    np.testing.assert_allclose(loss, mse(x, 1.0) + mse(y, -1.0), rtol=1e-6)
    np.testing.assert_allclose(gan.Simple_GAN.generator_loss(y), mse(y, 1.0), rtol=1e-6)


def test_logged_values_are_those_before_each_update(vectors):
    model = vectors(gan.Simple_GAN, disc_iter=1)
    twin = vectors(gan.Simple_GAN, disc_iter=1)
    logs = model.train_step(None)
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    x, y = twin.discriminator(real), twin.discriminator(fake)
    expected = np.mean((x - 1) ** 2) + np.mean((y + 1) ** 2)
    np.testing.assert_allclose(logs["discr_loss"], expected, rtol=1e-5)
    # The generator is trained on the updated discriminator of `model`.
    y = model.discriminator(twin.generator(latents(twin)))
    np.testing.assert_allclose(logs["gen_loss"], np.mean((y - 1) ** 2), rtol=1e-5)
    assert list(logs) == ["discr_loss", "gen_loss"]


def test_updates_follow_the_gradients_of_these_losses(vectors):
    def make():
        rates = {
            "generator_optimizer": keras.optimizers.SGD(0.5),
            "discriminator_optimizer": keras.optimizers.SGD(0.2),
        }
        return vectors(gan.Simple_GAN, disc_iter=1, **rates)

    model, twin = make(), make()
    model.train_step(None)
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    generator, discriminator = twin.generator, twin.discriminator
    with tf.GradientTape() as tape:
        loss = mse(discriminator(real), 1.0) + mse(discriminator(fake), -1.0)
    weights = discriminator.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign(weight - 0.2 * gradient)
    z = latents(twin)
    with tf.GradientTape() as tape:
        loss = mse(discriminator(generator(z)), 1.0)
    weights = generator.trainable_variables
    for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign(weight - 0.5 * gradient)
    for network, other in (
        (model.generator, generator),
        (model.discriminator, discriminator),
    ):
        for a, b in zip(network.weights, other.weights, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("extra", [{}, {"ema": 0.9}])
def test_no_constraint_and_no_penalty(vectors, extra):
    """Large weights of the discriminator are not clipped, unlike in WGAN_clip."""
    model = vectors(gan.Simple_GAN, learning_rate=1e-4, **extra)
    for weight in model.discriminator.trainable_variables:
        weight.assign(tf.fill(weight.shape, 2.0))
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    for weight in model.discriminator.trainable_variables:
        np.testing.assert_allclose(weight, 2.0, atol=1e-2)
    assert list(model.history.history) == ["discr_loss", "gen_loss"]


@pytest.mark.slow
def test_discriminator_learns_against_a_generator_that_stands_still(vectors):
    still = keras.optimizers.SGD(0.0)
    model = vectors(gan.Simple_GAN, generator_optimizer=still, learning_rate=0.05)
    before = model.generator.get_weights()
    # Reals (0.95, 0.05) lie apart from the untrained generator's fakes.
    model.fit(np.tile([[0.95, 0.05]], (64, 1)), epochs=2, steps_per_epoch=60, verbose=0)
    losses = model.history.history["discr_loss"]
    assert losses[1] < losses[0] < 2 and losses[1] < 0.5
    for a, b in zip(before, model.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
