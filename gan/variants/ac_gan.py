"""Conditional GAN with an auxiliary classifier: examples of the class asked for."""

from __future__ import annotations

import functools
from typing import Any, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import AdversarialModel, Parameters
from gan.data.examples import Sample
from gan.errors import Option, expect_number, require, shown


@keras.saving.register_keras_serializable(package="gan")
class AC_GAN(AdversarialModel):
    """The discriminator also names the class, and the generator is asked for one.

    In the discriminator's update the auxiliary loss counts on real examples only. If
    the discriminator learnt the class of poor fakes too, both networks would agree on
    classes that look like nothing in the data.

    The logs `real_class_acc` and `fake_class_acc`, in [0, 1], are the shares of real
    and fake examples of which the discriminator names the class.

    Args:
        generator: `keras.Model`, `[latents (batch, latent_dim), labels (batch,) or
            (batch, 1)]` -> examples.
        discriminator: `keras.Model`, examples -> `[generation (batch, 1), auxiliary
            (batch, classes)]`: the probability of being real (sigmoid) and those of
            the classes (softmax).
        real_examples: pair `(examples, labels)`, examples as in `gan.AdversarialModel`
            and integer labels `(N,)` in [0, classes); or a `tf.data.Dataset` of such
            pairs of batches; or `None`.
        real_target: float in [0, 1], the probability of being real that is asked for
            on reals, and by the generator; 1 is no label smoothing.
        auxiliary_weight: float, weight of the auxiliary loss on real examples.
        Others as `gan.AdversarialModel`.

    Formula:
        D minimises bce(t, D(x)) + bce(0, D(G(z, c))) − w · mean(log C(x)[label])
        G minimises bce(t, D(G(z, c))) − mean(log C(G(z, c))[c]) on 2 batches,
        c uniform, bce(t, p) = −mean(t log p + (1 − t) log(1 − p)), t = real_target,
        w = auxiliary_weight

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs,
        equations 2 and 3; real examples only: the Keras example `mnist_acgan`.
    """

    log_names = (*AdversarialModel.log_names, "real_class_acc", "fake_class_acc")
    generator_batches = 2

    outputs = None
    real_target = Option(functools.partial(expect_number, 0, 1))
    auxiliary_weight = Option(functools.partial(expect_number, 0))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *args: Any,
        real_target: float = 0.95,
        auxiliary_weight: float = 2.0,
        **options: Unpack[Parameters],
    ) -> None:
        _expect_conditional(generator, discriminator)
        self.real_target, self.auxiliary_weight = real_target, auxiliary_weight
        super().__init__(generator, discriminator, *args, **options)

    @staticmethod
    def count_classes(generator: keras.Model, discriminator: keras.Model) -> int:
        """Number of classes that the discriminator names."""
        return discriminator.output_shape[1][1]

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """Fakes of classes drawn anew, each equally likely."""
        return super().fakes_for_training(None, batches)

    def judge(
        self, examples: Any, condition: Any = None, training: bool = True
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Tuple `(generation, auxiliary, labels)` of examples and their labels."""
        return *super().judge(examples, None, training), condition

    def discriminator_loss(
        self,
        real: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> tf.Tensor:
        """Cross-entropy of real or fake, and of the class of real examples."""
        loss = losses.binary_cross_entropy(real[0], self.real_target)
        loss += losses.binary_cross_entropy(fake[0], 0.0)
        return loss + self.auxiliary_weight * losses.class_cross_entropy(*real[1:])

    def generator_loss(self, fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Cross-entropy of fakes taken for real, and of the class asked for."""
        loss = losses.binary_cross_entropy(fake[0], self.real_target)
        return loss + losses.class_cross_entropy(*fake[1:])

    def output_logs(
        self,
        real: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        """Shares of examples of which the discriminator names the class."""
        return {"real_class_acc": _accuracy(real), "fake_class_acc": _accuracy(fake)}


def _accuracy(judged):
    _, auxiliary, labels = judged
    named = tf.argmax(auxiliary, axis=1, output_type=tf.int32)
    return tf.reduce_mean(tf.cast(named == labels, tf.float32))


def _expect_conditional(generator, discriminator):
    takes = getattr(generator, "input_shape", None)
    pair = isinstance(takes, list) and len(takes) == 2
    require(
        pair and takes[1] in ((None,), (None, 1)),
        "The generator must take [latents (batch, latent_dim), labels (batch,)], but "
        f"its input shape is {shown(takes)}.",
        "generator",
    )
    gives = getattr(discriminator, "output_shape", None)
    pair = isinstance(gives, list) and len(gives) == 2 and gives[0] == (None, 1)
    require(
        pair and len(gives[1]) == 2,
        "The discriminator must give [generation (batch, 1), auxiliary (batch, "
        f"classes)], but its output shape is {shown(gives)}.",
        "discriminator",
    )
