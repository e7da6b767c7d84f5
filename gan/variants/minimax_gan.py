"""The zero-sum game of the first GAN paper."""

import math

import keras

from gan import losses
from gan.base import AdversarialModel


@keras.saving.register_keras_serializable(package="gan")
class MinimaxGAN(AdversarialModel):
    """The original zero-sum game: the generator maximises the discriminator's loss.

    For a fixed generator the best discriminator is σ(D) = p_data/(p_data + p_G), and
    minus its loss is then 2 JS(p_data, p_G) − log 4.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> logits `(batch, 1)`. Its
            last layer has no activation. The constructor warns of a bounded one, such
            as a sigmoid, because the loss already applies a sigmoid.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises −mean(log σ(D(x))) − mean(log(1 − σ(D(G(z)))))
        G minimises mean(log(1 − σ(D(G(z)))))

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1 and
        section 4.1.
    """

    discriminator_loss = staticmethod(losses.cross_entropy_discriminator)
    generator_loss = staticmethod(losses.minimax_generator)
    targets = (-math.inf, math.inf)
