"""Pictures from words: an R3GAN whose fakes must show the words of their captions."""

from __future__ import annotations

import functools
from typing import Any

import keras
import tensorflow as tf

from gan import losses
from gan.errors import Option, expect_number, require, shown
from gan.training.inputs import condition_shape
from gan.training.networks import expect_network
from gan.variants.r3gan import R3GAN

# The discriminator's two outputs, and the vectors with which they were computed.
Reading = tuple[tf.Tensor, tf.Tensor, Any]


@keras.saving.register_keras_serializable(package="gan")
class CaptionGAN(R3GAN):
    """The generator also learns to make fakes from which its words can be predicted.

    A word such as "smiling" may change a few pixels only. A discriminator that compares
    fakes with real examples notices such words last. Here it has a second output: a
    network that was trained to predict the words of real examples, and does not change
    any more. The generator is trained so that each word can be predicted from its fakes
    as well as from real examples, but not better: otherwise it would exaggerate the
    words, and all fakes of a caption would be alike.

    Args:
        generator: `keras.Model`, `[latents (batch, latent_dim), vectors (batch, d)]` ->
            examples.
        discriminator: `keras.Model`, `[examples (batch, …), vectors (batch, d)]` ->
            `[logits (batch, 1), words (batch, d)]`, both without activation. The second
            output comes from a frozen network: `gan.strided_GenDiscr(condition=d,
            reader=gan.conditions.fit_reader(pictures, vectors))` makes such a
            discriminator, for `pixel_range=(0, 1)`.
        real_examples: pair `(examples, captions)` with `words`, or `(examples, vectors
            (N, d))` of numbers in [0, 1].
        auxiliary_weight: float, weight of the words in the generator's objective.
        The other arguments are those of `gan.R3GAN`.

    Formula:
        D minimises the objective of `gan.R3GAN`
        G minimises the objective of `gan.R3GAN` +
        w · Σ_j max(0, R_j(G(z, c), c) − R_j(x, c)),
        R_j(x, c) = −mean(c_j log σ(A(x)_j) + (1 − c_j) log(1 − σ(A(x)_j))), A the
        second output, x real examples, c their vectors, w = auxiliary_weight

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs,
        equation 3, here with several words at once, a fixed classifier and a bound.
    """

    outputs = None
    _one_pass = False
    auxiliary_weight = Option(functools.partial(expect_number, 0))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *args: Any,
        auxiliary_weight: float = 0.3,
        **options: Any,
    ) -> None:
        _expect_reader(discriminator)
        self.auxiliary_weight = auxiliary_weight
        super().__init__(generator, discriminator, *args, **options)

    def judge(
        self, examples: Any, condition: Any = None, training: bool = True
    ) -> Reading:
        """Tuple `(logits, words, vectors)`: both outputs and the true vectors."""
        return *super().judge(examples, condition, training), condition

    def _logits(self, *given, training):
        """The first output; the penalties are computed on it alone."""
        return self.judge(*given, training=training)[0]

    def discriminator_loss(self, real: Reading, fake: Reading) -> tf.Tensor:
        """The relativistic loss of the first outputs; the words are not used."""
        return losses.relativistic_discriminator(real[0], fake[0])

    def generator_loss(self, real: Reading, fake: Reading) -> tf.Tensor:
        """The relativistic loss, plus a term for words that fakes show less clearly."""
        loss = losses.relativistic_generator(real[0], fake[0])
        found, wanted = (losses.words_cross_entropy(*one[1:]) for one in (fake, real))
        gaps = tf.nn.relu(found - wanted)
        return loss + self.auxiliary_weight * tf.reduce_sum(gaps)


def _expect_reader(discriminator):
    expect_network("discriminator", discriminator)
    wanted = condition_shape(discriminator) or ()
    gives = discriminator.output_shape
    require(
        len(wanted) == 1 and gives == [(None, 1), (None, *wanted)],
        "The discriminator must take [examples, vectors (batch, d)] and give [logits "
        f"(batch, 1), words (batch, d)], but its output shape is {shown(gives)}: build "
        "it with reader=gan.conditions.fit_reader(pictures, vectors).",
        "discriminator",
    )
    if getattr(discriminator, "outputs", None) is None:
        return  # Nobody can tell which weights of a subclass its second output uses.
    reader = keras.Model(discriminator.inputs, discriminator.outputs[1])
    require(
        not reader.trainable_variables,
        "The discriminator's second output must come from a frozen network: set "
        "trainable = False on its layers. Trained together with the first output, it "
        "would change while it is compared.",
        "discriminator",
    )
