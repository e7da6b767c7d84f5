"""Losses and penalties: pure functions of the discriminator's outputs.

A discriminator loss takes the discriminator's outputs on real and on fake examples. A
generator loss takes the outputs on fakes; `relativistic_generator` also takes those on
real examples. The outputs are float tensors `(batch, 1)` of any range (in the two-class
pair, log-probabilities `(batch, 2)`). Each loss returns a float scalar to minimise. The
cross-entropies of `gan.AC_GAN`, which take probabilities, that of `gan.CaptionGAN`,
which takes logits, and the gradient penalties follow.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


def least_squares_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Squared distance of the outputs from their targets 1 and −1.

    Args:
        real: float tensor `(batch, 1)`, D(real).
        fake: float tensor `(batch, 1)`, D(fake).

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        mean((D(real) − 1)²) + mean((D(fake) + 1)²)

    Reference:
        Mao et al. 2017, Least Squares GANs, equation 2 with a = −1, b = 1.
    """
    return tf.reduce_mean(tf.square(real - 1.0)) + tf.reduce_mean(tf.square(fake + 1.0))


def least_squares_generator(fake: tf.Tensor) -> tf.Tensor:
    """Squared distance of the outputs on fakes from 1, the target of real examples.

    Args:
        fake: float tensor `(batch, 1)`, D(fake).

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        mean((D(fake) − 1)²)

    Reference:
        Mao et al. 2017, Least Squares GANs, equation 2 with c = 1.
    """
    return tf.reduce_mean(tf.square(fake - 1.0))


def wasserstein_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Minus the critic's estimate of the Wasserstein-1 distance.

    Args:
        real: float tensor `(batch, 1)`, D(real).
        fake: float tensor `(batch, 1)`, D(fake).

    Returns:
        Float scalar tensor of any sign.

    Formula:
        mean(D(fake)) − mean(D(real))

    Reference:
        Arjovsky et al. 2017, Wasserstein GAN, Algorithm 1, line 5.
    """
    return tf.reduce_mean(fake) - tf.reduce_mean(real)


def wasserstein_generator(fake: tf.Tensor) -> tf.Tensor:
    """Minus the critic's mean output on the fakes.

    Args:
        fake: float tensor `(batch, 1)`, D(fake).

    Returns:
        Float scalar tensor of any sign.

    Formula:
        −mean(D(fake))

    Reference:
        Arjovsky et al. 2017, Wasserstein GAN, Algorithm 1, line 10.
    """
    return -tf.reduce_mean(fake)


def cross_entropy_discriminator(
    real: tf.Tensor, fake: tf.Tensor, real_target: float = 1.0
) -> tf.Tensor:
    """Cross-entropy of telling real from fake, from logits.

    Args:
        real: float tensor `(batch, 1)`, D(real): the logit of "real".
        fake: float tensor `(batch, 1)`, D(fake), the same.
        real_target: float in [0, 1], the target probability on reals; below 1 it is
            one-sided label smoothing.

    Returns:
        Float scalar tensor, at least 0; 2 log 2 if every logit is 0.

    Formula:
        −mean(t log σ(D(real)) + (1 − t) log(1 − σ(D(real))))
        − mean(log(1 − σ(D(fake)))), t = real_target, σ the logistic function

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1; smoothing:
        Salimans et al. 2016, Improved Techniques for Training GANs, section 3.4.
    """
    # −log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(−x) + x never overflow.
    smoothing = (1.0 - real_target) * tf.reduce_mean(real)
    cross_entropy = tf.reduce_mean(tf.nn.softplus(-real)) + smoothing
    return cross_entropy + tf.reduce_mean(tf.nn.softplus(fake))


def minimax_generator(fake: tf.Tensor) -> tf.Tensor:
    """Minus the discriminator's loss on fakes (the zero-sum game), from logits.

    Args:
        fake: float tensor `(batch, 1)`, D(fake): the logit of "real".

    Returns:
        Float scalar tensor, at most 0.

    Formula:
        mean(log(1 − σ(D(fake))))

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1.
    """
    return -tf.reduce_mean(tf.nn.softplus(fake))


def non_saturating_generator(fake: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the fakes with the target "real", from logits.

    Where the discriminator recognises a fake with certainty, the gradient of the
    minimax loss vanishes, while that of this loss stays strong.

    Args:
        fake: float tensor `(batch, 1)`, D(fake): the logit of "real".

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        −mean(log σ(D(fake)))

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, end of section 3.
    """
    return tf.reduce_mean(tf.nn.softplus(-fake))


def two_class_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of telling real from fake, from two log-probabilities.

    Args:
        real: float tensor `(batch, 2)`, log-softmax of D(real): column 0 "fake",
            column 1 "real".
        fake: float tensor `(batch, 2)`, log-softmax of D(fake).

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        −mean(D(real)[:, 1]) − mean(D(fake)[:, 0])

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1; the logit of
        "real" is the difference of the two log-probabilities.
    """
    return -tf.reduce_mean(real[:, 1]) - tf.reduce_mean(fake[:, 0])


def two_class_generator(fake: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the fakes with the target "real", from two log-probabilities.

    Args:
        fake: float tensor `(batch, 2)`, log-softmax of D(fake): column 0 "fake", column
            1 "real".

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        −mean(D(fake)[:, 1])

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, end of section 3.
    """
    return -tf.reduce_mean(fake[:, 1])


def hinge_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Mean distance by which the outputs miss the margins, 1 on reals and −1 on fakes.

    Args:
        real: float tensor `(batch, 1)`, D(real).
        fake: float tensor `(batch, 1)`, D(fake).

    Returns:
        Float scalar tensor, at least 0; 2 if every output is 0.

    Formula:
        mean(max(0, 1 − D(real))) + mean(max(0, 1 + D(fake)))

    Reference:
        Lim and Ye 2017, Geometric GAN, equation 13; Miyato et al. 2018, Spectral
        Normalization for Generative Adversarial Networks, equation 16.
    """
    real, fake = tf.nn.relu(1.0 - real), tf.nn.relu(1.0 + fake)
    return tf.reduce_mean(real) + tf.reduce_mean(fake)


def relativistic_discriminator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of telling which example of a pair is real, from logits.

    Args:
        real: float tensor `(batch, 1)`, D(real).
        fake: float tensor `(batch, 1)`, D(fake). Row i of both makes a pair.

    Returns:
        Float scalar tensor, at least 0; log 2 if both outputs are equal.

    Formula:
        −mean(log σ(D(real) − D(fake))), σ the logistic function

    Reference:
        Jolicoeur-Martineau 2019, The relativistic discriminator, equation 6; Huang
        et al. 2024, The GAN is dead; long live the GAN! (R3GAN), equation 2.
    """
    return tf.reduce_mean(tf.nn.softplus(fake - real))


def relativistic_generator(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of taking the fake of a pair for the real one, from logits.

    Args:
        real: float tensor `(batch, 1)`, D(real).
        fake: float tensor `(batch, 1)`, D(fake). Row i of both makes a pair.

    Returns:
        Float scalar tensor, at least 0; log 2 if both outputs are equal.

    Formula:
        −mean(log σ(D(fake) − D(real)))

    Reference:
        As `relativistic_discriminator`.
    """
    return tf.reduce_mean(tf.nn.softplus(real - fake))


# Keras's own cross-entropies find the logits behind the output of a sigmoid or softmax,
# so that probabilities near 0 and 1 neither overflow nor lose their gradient.


def binary_cross_entropy(probabilities: tf.Tensor, target: float) -> tf.Tensor:
    """Cross-entropy of the probability of "real" with one target for all the examples.

    Args:
        probabilities: float tensor `(batch, 1)` in [0, 1], best the output of a sigmoid
            layer.
        target: float in [0, 1]; 1 for real, 0 for fake, below 1 for smoothed labels.

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        −mean(t log p + (1 − t) log(1 − p))

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier
        GANs, equation 2.
    """
    targets = tf.fill(tf.shape(probabilities), target)
    return tf.reduce_mean(keras.losses.binary_crossentropy(targets, probabilities))


def class_cross_entropy(probabilities: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the class probabilities with the true classes.

    Args:
        probabilities: float tensor `(batch, classes)` in [0, 1], best the output of a
            softmax layer.
        labels: int tensor `(batch,)` in [0, classes).

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        −mean(log p[label])

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier
        GANs, equation 3.
    """
    loss = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
    return tf.reduce_mean(loss)


def words_cross_entropy(logits: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of the prediction of each word with the truth.

    Args:
        logits: float tensor `(batch, d)`, a discriminator's second output.
        words: float tensor `(batch, d)` in [0, 1], 1 for each word of the caption.

    Returns:
        Float tensor `(d,)`, at least 0, means over the batch.

    Formula:
        −mean(c_j log σ(a_j) + (1 − c_j) log(1 − σ(a_j))), a the logits, c the words

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier
        GANs, equation 3, for several classes at once.
    """
    losses = tf.nn.sigmoid_cross_entropy_with_logits(words, logits)
    return tf.reduce_mean(losses, axis=0)


def interpolate(real: tf.Tensor, fake: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Points on the segments between real and fake examples.

    Args:
        real: float tensor `(batch, …)`.
        fake: float tensor of the same shape and dtype.
        u: float tensor `(batch, 1, …)` in [0, 1], one number for each example.

    Returns:
        Float tensor of the same shape as `real`.

    Formula:
        u · real + (1 − u) · fake

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
        Algorithm 1, line 6.
    """
    return u * real + (1.0 - u) * fake


def gradient_penalty(
    discriminator: Callable[..., tf.Tensor],
    points: tf.Tensor,
    epsilon: float = 1e-12,
    condition: Any = None,
) -> tf.Tensor:
    """Mean squared distance of the critic's gradient norms from 1.

    Args:
        discriminator: callable `(points, training=True)` -> `(batch, 1)`.
        points: float tensor `(batch, …)`, where the gradient is taken.
        epsilon: float, added under the root. The root has an infinite derivative at 0,
            so one point with a zero gradient would turn every weight into NaN. 1e-12
            changes a norm of 1 by 5e-13, which is below float32 resolution.
        condition: `None`, or the condition of each point, a tensor `(batch, …)` that
            is passed as second argument.

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        mean((√(‖∇D(points)‖² + epsilon) − 1)²), the norm over all axes but the first

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
        Algorithm 1, line 7.
    """
    _, squares = values_and_squared_slopes(discriminator, points, condition)
    return tf.reduce_mean(tf.square(tf.sqrt(squares + epsilon) - 1.0))


def zero_centred_penalty(
    discriminator: Callable[..., tf.Tensor], points: tf.Tensor, condition: Any = None
) -> tf.Tensor:
    """Mean squared norm of the discriminator's gradients: R1 on reals, R2 on fakes.

    Args:
        discriminator: callable `(points, training=True)` -> `(batch, 1)`, such as
            `model.judge`.
        points: float tensor `(batch, …)`, where the gradient is taken.
        condition: `None`, or the condition of each point, a tensor `(batch, …)` that
            is passed as second argument.

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        mean(‖∇D(points)‖²), the norm over all axes but the first

    Reference:
        Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?,
        equation 9, without γ/2.
    """
    _, squares = values_and_squared_slopes(discriminator, points, condition)
    return tf.reduce_mean(squares)


def values_and_squared_slopes(
    discriminator: Callable[..., tf.Tensor], points: tf.Tensor, condition: Any = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The discriminator's outputs and squared gradient norms, from one pass.

    Args:
        discriminator: callable `(points, training=True)` -> `(batch, 1)`.
        points: float tensor `(batch, …)`, where the gradient is taken; or a tuple of
            such tensors, for a discriminator that returns one output for each.
        condition: `None`, or the condition of each point, a tensor `(batch, …)` that
            is passed as second argument.

    Returns:
        Tuple of float tensors: D(points), `(batch, 1)`, and ‖∇D(points)‖², `(batch,)`,
        the norm over all axes but the first. For a tuple of points, the list of outputs
        and the sum of the squared norms.
    """
    several = isinstance(points, tuple)
    points = [tf.convert_to_tensor(each) for each in (points if several else [points])]
    points = tuple(points) if several else points[0]
    with tf.GradientTape() as tape:
        tape.watch(points)
        given = (points,) if condition is None else (points, condition)
        values = discriminator(*given, training=True)
    gradients = tf.nest.flatten(tape.gradient(values, points))
    squares = [
        tf.reduce_sum(tf.square(slopes), axis=range(1, slopes.shape.rank))
        for slopes in gradients
    ]
    return values, functools.reduce(tf.add, squares)
