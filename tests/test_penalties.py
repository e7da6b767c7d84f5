import keras
import numpy as np
import tensorflow as tf

from gan import losses as penalties


def linear(w):
    inputs = keras.Input(np.shape(w))
    flat = keras.layers.Flatten()(inputs)
    network = keras.Model(inputs, keras.layers.Dense(1)(flat))
    network.set_weights([np.reshape(w, (-1, 1)), np.zeros(1)])
    return network


def test_interpolation_is_the_weighted_mean():
    real, fake = np.float32([[1, 2], [3, 4]]), np.float32([[5, 6], [7, 8]])
    points = penalties.interpolate(real, fake, np.float32([[0.25], [1.0]]))
    np.testing.assert_allclose(points, [[4, 5], [3, 4]])


def test_linear_critic_has_the_closed_form_penalty():
    for w in (np.float32([3, 4]), np.float32(np.arange(12)).reshape(2, 3, 2) / 10):
        for points in (tf.random.normal((5, *w.shape)), np.zeros((5, *w.shape), "f")):
            penalty = penalties.gradient_penalty(linear(w), points)
            np.testing.assert_allclose(penalty, (np.linalg.norm(w) - 1) ** 2, rtol=1e-5)


def test_penalty_of_a_curved_critic_by_finite_differences():
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(6, "tanh"), keras.layers.Dense(1, "tanh")]
    critic = keras.Sequential([keras.Input((3,)), *layers])
    points, step = np.random.default_rng(0).normal(size=(7, 3)), 1e-2
    slopes = [
        (critic(points + step * e) - critic(points - step * e)) / (2 * step)
        for e in np.eye(3)
    ]
    norms = np.linalg.norm(np.concatenate(slopes, axis=1), axis=1)
    penalty = penalties.gradient_penalty(critic, tf.constant(points, tf.float32))
    np.testing.assert_allclose(penalty, np.mean((norms - 1) ** 2), rtol=1e-3)


def test_zero_gradient_keeps_the_weights_finite():
    critic = linear(np.zeros(2, "float32"))
    with tf.GradientTape() as tape:
        penalty = penalties.gradient_penalty(critic, tf.zeros((4, 2)))
    gradient = tape.gradient(penalty, critic.trainable_variables[0])
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(penalty, 1.0, rtol=1e-5)
