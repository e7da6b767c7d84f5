"""Least-squares GAN (task 0 of the course "GANs")."""

import keras

from gan import losses
from gan.base import AdversarialModel


@keras.saving.register_keras_serializable(package="gan")
class Simple_GAN(AdversarialModel):
    """GAN with least-squares losses.

    The discriminator D learns to output 1 on real examples and −1 on fakes. The
    generator G learns to make fakes on which D outputs 1.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> `(batch, 1)`. Its last
            layer has no activation, or one that reaches −1 and 1, such as tanh; the
            constructor warns of any other.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises mean((D(x) − 1)²) + mean((D(G(z)) + 1)²)
        G minimises mean((D(G(z)) − 1)²)

    Reference:
        Mao et al. 2017, Least Squares Generative Adversarial Networks, equation 2.

    Example:

    ```python
    real = gan.toys.circle(1000)  # array (1000, 2); or pictures (N, h, w, c)
    networks = gan.fully_connected_GenDiscr(
        [2, 64, 64, 2], real, activation="relu", bounded=False
    )  # generator, discriminator, latent_generator
    model = gan.Simple_GAN(*networks, real, learning_rate=0.001)
    model.fit(epochs=10, steps_per_epoch=100)
    fakes = model.get_fake_sample(500)  # tensor (500, 2)
    ```
    """

    discriminator_loss = staticmethod(losses.least_squares_discriminator)
    generator_loss = staticmethod(losses.least_squares_generator)
    targets = (-1.0, 1.0)
