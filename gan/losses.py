"""Loss pairs: pure functions of what the discriminator says.

Every function takes the discriminator's outputs on real rows and on fake rows
(float tensors `(batch, 1)`, any range) and gives a float scalar to minimise.
"""

import tensorflow as tf


def least_squares_discriminator(real, fake):
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


def least_squares_generator(fake):
    """Squared distance of the outputs on fakes from the target of reals.

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


def wasserstein_discriminator(real, fake):
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


def wasserstein_generator(fake):
    """Minus the critic's mean opinion of the fakes.

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
