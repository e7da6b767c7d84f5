"""GAN whose discriminator classifies real and fake as two classes."""

from __future__ import annotations

import keras

from gan import losses
from gan.base import AdversarialModel


@keras.saving.register_keras_serializable(package="gan")
class TwoClassGAN(AdversarialModel):
    """The discriminator classifies examples as "fake" or "real".

    The generator learns to make fakes that are classified as "real".

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> `(batch, 2)`, the
            log-softmax (at most 0) of the classes "fake" and "real", in this order.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises −mean(D(x)[:, 1]) − mean(D(G(z))[:, 0])
        G minimises −mean(D(G(z))[:, 1])

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1 and the end of
        section 3.
    """

    discriminator_loss = staticmethod(losses.two_class_discriminator)
    generator_loss = staticmethod(losses.two_class_generator)
    outputs = 2
