"""Pictures from words: an R3GAN whose discriminator also reads the words."""

from __future__ import annotations

import functools
from typing import Any, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import Options
from gan.errors import Option, expect_number, require, shown
from gan.training.inputs import condition_shape
from gan.variants.r3gan import R3GAN

# The discriminator's two outputs, and the vectors with which they were computed.
Reading = tuple[tf.Tensor, tf.Tensor, Any]


@keras.saving.register_keras_serializable(package="gan")
class CaptionGAN(R3GAN):
    """The discriminator also predicts the words that the generator is given.

    A word such as "smiling" may change a few pixels only. A discriminator that compares
    fakes with real examples notices such words last. Here it has a second output, which
    predicts the words of an example, and the generator is trained so that the words it
    was given can be predicted from its fakes. The words of fakes are not learnt, so
    that both networks cannot agree on fakes that look like nothing in the data.

    Args:
        generator: `keras.Model`, `[latents (batch, latent_dim), vectors (batch, d)]` ->
            examples.
        discriminator: `keras.Model`, `[examples (batch, …), vectors (batch, d)]` ->
            `[logits (batch, 1), words (batch, d)]`, both without activation, as
            `gan.strided_GenDiscr(condition=d, reads=True)` makes it.
        real_examples: pair `(examples, captions)` with `words`, or `(examples, vectors
            (N, d))` of numbers in [0, 1].
        auxiliary_weight: float, weight of the predictions in both objectives.
        Others as `gan.R3GAN`.

    Formula:
        D minimises the objective of `gan.R3GAN` + w · Σ_j bce(c_j, σ(A(x)_j))
        G minimises the objective of `gan.R3GAN` + w · Σ_j bce(c_j, σ(A(G(z, c))_j)),
        A the second output, c the vector, w = auxiliary_weight,
        bce(t, p) = −mean(t log p + (1 − t) log(1 − p))

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs,
        equations 2 and 3, here with several words at once.
    """

    outputs = None
    auxiliary_weight = Option(functools.partial(expect_number, 0))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *args: Any,
        auxiliary_weight: float = 1.0,
        **options: Unpack[Options],
    ) -> None:
        _expect_reader(discriminator)
        self.auxiliary_weight = auxiliary_weight
        super().__init__(generator, discriminator, *args, **options)

    def judge(
        self, examples: Any, condition: Any = None, training: bool = True
    ) -> Reading:
        """Tuple `(logits, words, vectors)`: both outputs and the true vectors."""
        return *super().judge(examples, condition, training), condition

    def discriminator_loss(self, real: Reading, fake: Reading) -> tf.Tensor:
        """The relativistic loss, plus the cross-entropy of the reals' words."""
        loss = losses.relativistic_discriminator(real[0], fake[0])
        return loss + self.auxiliary_weight * losses.words_cross_entropy(*real[1:])

    def generator_loss(self, real: Reading, fake: Reading) -> tf.Tensor:
        """The relativistic loss, plus the cross-entropy of the fakes' words."""
        loss = losses.relativistic_generator(real[0], fake[0])
        return loss + self.auxiliary_weight * losses.words_cross_entropy(*fake[1:])


def _expect_reader(discriminator):
    wanted = condition_shape(discriminator) or ()
    gives = getattr(discriminator, "output_shape", None)
    require(
        len(wanted) == 1 and gives == [(None, 1), (None, *wanted)],
        "The discriminator must take [examples, vectors (batch, d)] and give [logits "
        f"(batch, 1), words (batch, d)], but its output shape is {shown(gives)}: build "
        "it with reads=True, or use gan.R3GAN.",
        "discriminator",
    )
