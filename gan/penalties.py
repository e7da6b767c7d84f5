"""Terms that keep a critic Lipschitz: interpolation and gradient penalty."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def interpolate(real: tf.Tensor, fake: tf.Tensor, u: tf.Tensor) -> tf.Tensor:
    """Points on the segments between real and fake rows.

    Args:
        real: float tensor `(batch, …)`.
        fake: float tensor of the same shape and dtype.
        u: float tensor `(batch, 1, …)` in [0, 1], one number a row.

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
    discriminator: Callable[..., tf.Tensor], points: tf.Tensor, epsilon: float = 1e-12
) -> tf.Tensor:
    """Mean squared distance of the critic's gradient norms from 1.

    Args:
        discriminator: callable `(points, training=True)` -> `(batch, 1)`.
        points: float tensor `(batch, …)`, where the gradient is taken.
        epsilon: float, added inside the root. The root has an infinite slope at
            0, so one point with a zero gradient would turn every weight into NaN;
            1e-12 moves a norm of 1 by 5e-13, below float32 resolution.

    Returns:
        Float scalar tensor, at least 0.

    Formula:
        mean((√(‖∇D(points)‖² + epsilon) − 1)²), the norm over all axes but the first

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
        Algorithm 1, line 7.
    """
    points = tf.convert_to_tensor(points)
    with tf.GradientTape() as tape:
        tape.watch(points)
        values = discriminator(points, training=True)
    gradients = tape.gradient(values, points)
    squares = tf.reduce_sum(tf.square(gradients), axis=range(1, gradients.shape.rank))
    return tf.reduce_mean(tf.square(tf.sqrt(squares + epsilon) - 1.0))
