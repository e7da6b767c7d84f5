import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import losses

REAL = np.array([[0.5], [1.0], [-1.0]], "float32")
FAKE = np.array([[0.0], [-1.0], [2.0]], "float32")
TWO_REAL, TWO_FAKE = np.log(
    np.float32([[[0.2, 0.8], [0.5, 0.5]], [[1, 0.1], [0.4, 1]]])
)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(float)))


@pytest.mark.parametrize(
    "value, by_hand",
    [
        (losses.least_squares_discriminator(REAL, FAKE), (0.25 + 0 + 4) / 3 + 10 / 3),
        (losses.least_squares_generator(FAKE), (1 + 4 + 1) / 3),
        (losses.wasserstein_discriminator(REAL, FAKE), 1 / 3 - 0.5 / 3),
        (losses.wasserstein_generator(FAKE), -1 / 3),
        (
            losses.cross_entropy_discriminator(REAL, FAKE),
            -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(),
        ),
        (
            losses.cross_entropy_discriminator(REAL, FAKE, 0.9),
            -0.9 * np.log(sigmoid(REAL)).mean()
            - 0.1 * np.log(1 - sigmoid(REAL)).mean()
            - np.log(1 - sigmoid(FAKE)).mean(),
        ),
        (losses.cross_entropy_discriminator(0 * REAL, 0 * FAKE), 2 * np.log(2)),
        (losses.minimax_generator(FAKE), np.log(1 - sigmoid(FAKE)).mean()),
        (losses.non_saturating_generator(FAKE), -np.log(sigmoid(FAKE)).mean()),
        (
            losses.two_class_discriminator(TWO_REAL, TWO_FAKE),
            -(np.log(0.8) + np.log(0.5)) / 2 - (np.log(1) + np.log(0.4)) / 2,
        ),
        (losses.two_class_generator(TWO_FAKE), -(np.log(0.1) + np.log(1)) / 2),
        (
            losses.binary_cross_entropy(np.float32([[0.2], [0.9]]), 0.75),
            -0.75 * np.log([0.2, 0.9]).mean() - 0.25 * np.log([0.8, 0.1]).mean(),
        ),
        (
            losses.class_cross_entropy(np.exp(TWO_REAL), np.array([1, 0])),
            -np.log([0.8, 0.5]).mean(),
        ),
    ],
)
def test_losses_by_hand(value, by_hand):
    assert value.shape == ()
    np.testing.assert_allclose(value, by_hand, rtol=1e-6)


def test_two_classes_are_the_logit_written_as_a_difference():
    def pair(logits):
        return tf.nn.log_softmax(tf.concat([0 * logits + 3, logits + 3], axis=1))

    for two, one in (
        (
            losses.two_class_discriminator(pair(REAL), pair(FAKE)),
            losses.cross_entropy_discriminator(REAL, FAKE),
        ),
        (
            losses.two_class_generator(pair(FAKE)),
            losses.non_saturating_generator(FAKE),
        ),
    ):
        np.testing.assert_allclose(two, one, rtol=1e-6)


@pytest.mark.parametrize("size", [90.0, 1e30])
def test_cross_entropy_of_far_logits_is_exact_and_so_is_its_slope(size):
    """Their probabilities are 0 and 1 in float32, with infinite logarithms."""
    far = tf.constant([[size], [-size]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(far)
        both = losses.cross_entropy_discriminator(far, far, 0.75)
        minimax = losses.minimax_generator(far)
        asked = losses.non_saturating_generator(far)
    for value, expected, slope in (
        (both, size, [[0.125 + 0.5], [-0.375]]),
        (minimax, -size / 2, [[-0.5], [0]]),
        (asked, size / 2, [[0], [-0.5]]),
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        np.testing.assert_allclose(tape.gradient(value, far), slope, atol=1e-12)


@pytest.mark.parametrize("run", [lambda f: f, tf.function])
def test_cross_entropy_of_sure_probabilities_knows_their_logits(run):
    """Even a probability of 0 in float32 has a finite cross-entropy and gradient."""
    logits = tf.constant([[-200.0, 100.0]])

    @run
    def both():
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(logits)
            one = keras.activations.sigmoid(logits[:, :1])
            one = losses.binary_cross_entropy(one, 1.0)
            many = keras.activations.softmax(logits)
            many = losses.class_cross_entropy(many, tf.constant([0]))
        return one, many, tape.gradient(one, logits), tape.gradient(many, logits)

    one, many, one_slope, many_slope = both()
    np.testing.assert_allclose([one, many], [200, 300])
    np.testing.assert_allclose(one_slope, [[-1, 0]])
    np.testing.assert_allclose(many_slope, [[-1, 1]])
