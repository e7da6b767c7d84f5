"""Least-squares GAN (task 0)."""

import keras

from gan import losses
from gan.base import AdversarialModel


@keras.saving.register_keras_serializable(package="gan")
class Simple_GAN(AdversarialModel):
    """Trains D towards 1 on reals and −1 on fakes, and G so that D(G(z)) nears 1.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> `(batch, 1)`. Its last
            layer has no activation, or one that reaches −1 and 1, such as tanh; the
            constructor warns of any other.
        Others as `gan.AdversarialModel`.

    Formula:
        D minimises mean((D(x) − 1)²) + mean((D(G(z)) + 1)²)
        G minimises mean((D(G(z)) − 1)²)

    Reference:
        Mao et al. 2017, Least Squares Generative Adversarial Networks, equation 2.
    """

    discriminator_loss = staticmethod(losses.least_squares_discriminator)
    generator_loss = staticmethod(losses.least_squares_generator)
    targets = (-1.0, 1.0)
