"""The standard GAN: cross-entropy losses for both networks."""

from __future__ import annotations

import functools
import math
from typing import Any, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import AdversarialModel, Parameters
from gan.data.examples import Sample
from gan.errors import Option, expect_number


@keras.saving.register_keras_serializable(package="gan")
class NonSaturatingGAN(AdversarialModel):
    """The standard GAN: each network minimises a cross-entropy.

    The log `discr_acc`, in [0, 1], is the accuracy of the discriminator, the mean of
    its accuracies on real and on fake examples.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> logits `(batch, 1)`. Its
            last layer has no activation. The constructor warns of a bounded one, such
            as a sigmoid, because the loss already applies a sigmoid.
        real_target: float in [0, 1], the target probability on reals; below 1 it is
            one-sided label smoothing.
        gamma: float, weight of R1, the zero-centred gradient penalty on reals. The
            penalty is logged as `r1`; 0 leaves it out.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises −mean(t log σ(D(x)) + (1 − t) log(1 − σ(D(x))))
        − mean(log(1 − σ(D(G(z))))) + γ/2 · mean(‖∇D(x)‖²), t = real_target
        G minimises −mean(log σ(D(G(z))))

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, equation 1 and the end of
        section 3; Salimans et al. 2016, Improved Techniques for Training GANs,
        section 3.4; R1: Mescheder et al. 2018, Which Training Methods for GANs do
        actually Converge?, equation 9.
    """

    generator_loss = staticmethod(losses.non_saturating_generator)
    targets = (-math.inf, math.inf)
    log_names = (*AdversarialModel.log_names, "discr_acc")

    real_target = Option(functools.partial(expect_number, 0, 1))
    gamma = Option(functools.partial(expect_number, 0))

    def __init__(
        self,
        *args: Any,
        real_target: float = 1.0,
        gamma: float = 0.0,
        **options: Unpack[Parameters],
    ) -> None:
        self.real_target, self.gamma = real_target, gamma
        super().__init__(*args, **options)
        if gamma:
            self.log_names = (*self.log_names, "r1")

    @property
    def penalises_slopes(self) -> bool:
        """Whether `gamma` is above 0, or a subclass adds another penalty."""
        return self.gamma > 0 or super().penalises_slopes

    def discriminator_loss(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Cross-entropy with the model's target for reals."""
        return losses.cross_entropy_discriminator(real, fake, self.real_target)

    def judge_both(
        self, real: Sample, fake: Sample
    ) -> tuple[tuple[Any, Any], tf.Tensor | float, dict[str, tf.Tensor]]:
        """The outputs and the weighted penalty on reals. The log `r1` has no weight."""
        # If gamma becomes 0 later, `r1` is still logged, because fit expects it.
        if not self.gamma and "r1" not in self.log_names:
            return super().judge_both(real, fake)
        on_real, squares = losses.values_and_squared_slopes(self.judge, *real)
        r1 = tf.reduce_mean(squares)
        given = (real.examples, fake.examples, real.condition)
        extra, logs = self.discriminator_extra(*given)
        extra += self.gamma / 2 * r1
        return (on_real, self.judge(*fake)), extra, {**logs, "r1": r1}

    def output_logs(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Accuracy of the discriminator over real and fake examples."""
        right = [tf.cast(real > 0, tf.float32), tf.cast(fake <= 0, tf.float32)]
        return {"discr_acc": (tf.reduce_mean(right[0]) + tf.reduce_mean(right[1])) / 2}
