import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import refused

import gan

REAL = np.float32([[0.5], [1.0], [-1.0], [0.0]])
FAKE = np.float32([[0.0], [-1.0], [2.0], [0.5]])


class Wild(keras.optimizers.SGD):
    """SGD that leaves the box; it records the largest |weight| around each step."""

    def __init__(self):
        super().__init__(1.0)
        self.before, self.after = [], []

    def apply(self, gradients, weights):
        self.before.append(largest(weights))
        for weight in weights:
            weight.assign_add(tf.fill(weight.shape, 7.0))
        self.after.append(largest(weights))


def largest(weights):
    return max(np.abs(weight).max() for weight in weights)


def latents(model):
    with model.stream.sampling():
        return model.latent_generator(model.batch_size)


def test_losses_by_hand(vectors):
    model = vectors(gan.WGAN_clip)
    loss = model.discriminator.loss(tf.constant(REAL), tf.constant(FAKE))
    np.testing.assert_allclose(loss, 1.5 / 4 - 0.5 / 4, rtol=1e-6)
    loss = model.generator.loss(tf.constant(FAKE))
    np.testing.assert_allclose(loss, -1.5 / 4, rtol=1e-6)


def test_logged_values_are_those_before_each_update(vectors):
    model, twin = (vectors(gan.WGAN_clip, disc_iter=1) for _ in range(2))
    logs = model.train_step(None)
    real, fake = twin.get_real_sample(), twin.get_fake_sample(training=True)
    expected = np.mean(twin.discriminator(fake)) - np.mean(twin.discriminator(real))
    np.testing.assert_allclose(logs["discr_loss"], expected, rtol=1e-4)
    # The generator is trained on the updated, clipped discriminator of `model`.
    expected = -np.mean(model.discriminator(twin.generator(latents(twin))))
    np.testing.assert_allclose(logs["gen_loss"], expected, rtol=1e-4)
    assert list(logs) == ["discr_loss", "gen_loss"]


@pytest.mark.parametrize("options, bound", [({}, 1.0), ({"clip": 0.05}, 0.05)])
def test_weights_lie_in_the_box_after_every_step(vectors, options, bound):
    model = vectors(gan.WGAN_clip, learning_rate=0.5, **options)
    assert model.clip == bound
    for _ in range(3):
        model.train_step(None)
        # Steps of about 0.5 are so long that weights reach the bound.
        assert largest(model.discriminator.trainable_variables) == np.float32(bound)


def test_clipping_is_the_clip_function_on_every_weight(vectors):
    still = keras.optimizers.SGD(0.0)
    model = vectors(gan.WGAN_clip, clip=0.3, discriminator_optimizer=still)
    random = np.random.default_rng(0)
    weights = [random.normal(0, 0.5, w.shape) for w in model.discriminator.weights]
    model.discriminator.set_weights(weights)
    model.train_step(None)
    for now, before in zip(model.discriminator.get_weights(), weights, strict=True):
        np.testing.assert_allclose(now, np.clip(before, -0.3, 0.3), rtol=1e-6)


def test_clips_after_each_discriminator_update(vectors):
    wild = Wild()
    model = vectors(gan.WGAN_clip, disc_iter=4, clip=0.25, discriminator_optimizer=wild)
    model.train_step(None)
    assert len(wild.before) == 4
    assert wild.before[1:] == [0.25, 0.25, 0.25] and min(wild.after) > 6
    assert largest(model.discriminator.trainable_variables) == 0.25


def test_generator_is_not_clipped(vectors):
    model = vectors(gan.WGAN_clip, learning_rate=1e-4, clip=0.1)
    for weight in model.generator.trainable_variables:
        weight.assign(tf.fill(weight.shape, 3.0))
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    for weight in model.generator.trainable_variables:
        np.testing.assert_allclose(weight, 3.0, atol=1e-2)
    assert largest(model.discriminator.trainable_variables) <= np.float32(0.1)


@pytest.mark.filterwarnings("ignore:The real examples lie")
def test_batch_normalisation_statistics_are_not_weights_to_clip():
    layers = [keras.Input((2,)), keras.layers.BatchNormalization()]
    critic = keras.Sequential([*layers, keras.layers.Dense(1)])
    generator, _, latent = gan.fully_connected_GenDiscr([2, 4, 2], np.zeros((9, 2)))
    model = gan.WGAN_clip(generator, critic, latent, np.full((64, 2), 400.0), 8)
    model.train_step(None)
    # One discriminator update moves the mean by 1% of about 200 or 400.
    assert np.abs(critic.layers[0].moving_mean).max() > 2
    assert largest(critic.trainable_variables) <= 1


@pytest.mark.slow
def test_the_bound_can_change_between_fits_and_is_kept_in_the_config(vectors):
    model = vectors(gan.WGAN_clip, clip=0.5)
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    assert largest(model.discriminator.trainable_variables) > 0.01
    model.clip = 0.01
    model.fit(epochs=1, steps_per_epoch=2, verbose=0)
    assert largest(model.discriminator.trainable_variables) <= np.float32(0.01)
    copy = gan.WGAN_clip.from_config(model.get_config())
    assert type(copy) is gan.WGAN_clip and copy.clip == 0.01


@pytest.mark.parametrize("clip", [0, -1, float("nan"), float("inf"), "1", True, None])
def test_bad_bounds(vectors, clip):
    with refused("clip"):
        vectors(gan.WGAN_clip, clip=clip)
