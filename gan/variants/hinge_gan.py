"""GAN with the hinge loss."""

import math

import keras

from gan import losses
from gan.base import AdversarialModel


@keras.saving.register_keras_serializable(package="gan")
class HingeGAN(AdversarialModel):
    """The discriminator's loss ignores examples beyond a margin.

    An output above 1 on a real example, or below −1 on a fake, adds nothing to the
    loss. Usually spectral normalisation, for which Keras has a layer, keeps the
    discriminator smooth, as in the example.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> `(batch, 1)`. Its last
            layer has no activation. The constructor warns of a bounded one, such as
            tanh, because it never gets beyond the margin.
        The other arguments are those of `gan.AdversarialModel`.

    Example:

    ```python
    from keras import layers
    discriminator = keras.Sequential([
        keras.Input((2,)),
        layers.SpectralNormalization(layers.Dense(64, activation="relu")),
        layers.SpectralNormalization(layers.Dense(64, activation="relu")),
        layers.SpectralNormalization(layers.Dense(1)),
    ])
    ```

    Formula:
        D minimises mean(max(0, 1 − D(x))) + mean(max(0, 1 + D(G(z))))
        G minimises −mean(D(G(z)))

    Reference:
        Lim and Ye 2017, Geometric GAN, equations 13 and 14; Miyato et al. 2018,
        Spectral Normalization for Generative Adversarial Networks, equations 16, 17.
    """

    discriminator_loss = staticmethod(losses.hinge_discriminator)
    generator_loss = staticmethod(losses.wasserstein_generator)
    targets = (-math.inf, math.inf)
