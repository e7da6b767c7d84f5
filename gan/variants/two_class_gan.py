"""Real and fake as two classes."""

from __future__ import annotations

import keras

from gan import losses
from gan.base import AdversarialModel
from gan.errors import expect


@keras.saving.register_keras_serializable(package="gan")
class TwoClassGAN(AdversarialModel):
    """A classifier of two classes against a generator that seeks the class "real".

    Args:
        discriminator: rows -> `(batch, 2)`, the log-softmax of the classes "fake"
            and "real", in this order.
        Others as `gan.AdversarialModel`.

    Formula:
        D minimises −mean(D(x)[:, 1]) − mean(D(G(z))[:, 0])
        G minimises −mean(D(G(z))[:, 1])

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1 and the end of
        section 3.
    """

    discriminator_loss = staticmethod(losses.two_class_discriminator)
    generator_loss = staticmethod(losses.two_class_generator)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *args: object,
        **options: object,
    ) -> None:
        shape = getattr(discriminator, "output_shape", None)
        expected = "a discriminator of two log-probabilities, shape (None, 2)"
        expect(shape == (None, 2), expected, output_shape=shape)
        super().__init__(generator, discriminator, *args, **options)
