"""Conditional GAN with an auxiliary classifier."""

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
    """The generator gets a class; the discriminator also predicts the class.

    In the discriminator's update, the auxiliary loss is computed on real examples only.
    If the discriminator also learnt the classes of poor fakes, both networks could
    agree on fakes that look like nothing in the data.

    The logs `real_class_acc` and `fake_class_acc`, in [0, 1], are the accuracies of the
    predicted classes on real and fake examples.

    Args:
        generator: `keras.Model`, `[latents (batch, latent_dim), labels (batch,) or
            (batch, 1)]` -> examples.
        discriminator: `keras.Model`, examples `(batch, …)` -> `[generation (batch, 1),
            auxiliary (batch, classes)]`, in [0, 1]: the probability of being real
            (sigmoid) and the probabilities of the classes (softmax).
        real_examples: pair `(examples, labels)` of examples as in
            `gan.AdversarialModel` and int labels `(N,)` in [0, classes); or a
            `tf.data.Dataset` of batches of such pairs; or `None`.
        real_target: float in [0, 1], the target probability of being real, on reals in
            D's loss and on fakes in G's; below 1 it is label smoothing.
        auxiliary_weight: float, weight of the auxiliary loss on real examples.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises bce(t, D(x)) + bce(0, D(G(z, c))) − w · mean(log C(x)[label])
        G minimises bce(t, D(G(z, c))) − mean(log C(G(z, c))[c]) on 2 batches of fakes,
        C(x) the class probabilities, c uniform, t = real_target, w = auxiliary_weight,
        bce(t, p) = −mean(t log p + (1 − t) log(1 − p))

    Reference:
        Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs,
        equations 2 and 3. The auxiliary loss on real examples only is that of the Keras
        example `mnist_acgan`.
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
        """Number of classes that the discriminator predicts."""
        return discriminator.output_shape[1][1]

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """Fakes of classes that are drawn at random, each equally likely."""
        return super().fakes_for_training(None, batches)

    def judge(
        self, examples: Any, condition: Any = None, training: bool = True
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Tuple `(generation, auxiliary, labels)`: both outputs and the true labels."""
        return *super().judge(examples, None, training), condition

    def discriminator_loss(
        self,
        real: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> tf.Tensor:
        """Cross-entropy of telling real from fake, plus that of the reals' classes."""
        loss = losses.binary_cross_entropy(real[0], self.real_target)
        loss += losses.binary_cross_entropy(fake[0], 0.0)
        return loss + self.auxiliary_weight * losses.class_cross_entropy(*real[1:])

    def generator_loss(self, fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tf.Tensor:
        """Cross-entropy of fakes with the target "real", plus that of their classes."""
        loss = losses.binary_cross_entropy(fake[0], self.real_target)
        return loss + losses.class_cross_entropy(*fake[1:])

    def output_logs(
        self,
        real: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
        fake: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> dict[str, tf.Tensor]:
        """Accuracies of the predicted classes."""
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
