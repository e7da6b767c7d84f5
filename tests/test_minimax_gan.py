import keras
import numpy as np
import tensorflow as tf

import gan
from gan.latent import next_seed

P_DATA, P_G = np.array([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])


def points(count):
    """Draw from three unit vectors, which have the probabilities P_G."""
    chances = tf.fill((1, 1), 1.0) * tf.math.log(tf.constant(P_G, tf.float32))
    drawn = tf.random.stateless_categorical(chances, count, next_seed())
    return tf.one_hot(drawn[0], 3)


def test_the_best_discriminator_and_its_value_are_those_of_theory():
    """σ(D) = p_data/(p_data + p_G), and minus the loss is 2 JS − log 4."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(n, use_bias=False) for n in (3, 1)]
    generator, discriminator = (
        keras.Sequential([keras.Input((3,)), layer]) for layer in layers
    )
    generator.set_weights([np.eye(3)])
    model = gan.MinimaxGAN(
        generator,
        discriminator,
        points,
        np.repeat(np.eye(3), (100 * P_DATA).astype(int), axis=0),
        batch_size=100,
        disc_iter=1,
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(1.0),
    )
    model.compile()
    history = model.fit(epochs=2, steps_per_epoch=400, verbose=0).history
    found = tf.sigmoid(discriminator(np.eye(3)))[:, 0]
    np.testing.assert_allclose(found, P_DATA / (P_DATA + P_G), atol=0.03)
    middle = (P_DATA + P_G) / 2
    js = sum((p * np.log(p / middle)).sum() / 2 for p in (P_DATA, P_G))
    value = -history["discr_loss"][1]
    np.testing.assert_allclose(value, 2 * js - np.log(4), atol=0.01)
    assert value > 0.05 - np.log(4)


def test_the_game_is_zero_sum():
    """What the generator minimises is minus the discriminator's loss on fakes."""
    real, fake = tf.random.stateless_normal((2, 9, 1), (1, 2))
    both = gan.MinimaxGAN.discriminator_loss(real, fake)
    real_part = gan.losses.non_saturating_generator(real)
    expected = real_part - gan.MinimaxGAN.generator_loss(fake)
    np.testing.assert_allclose(both, expected, rtol=1e-6)
