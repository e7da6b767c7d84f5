"""R3GAN: a relativistic loss on pairs, with zero-centred gradient penalties."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import AdversarialModel, Options
from gan.data.examples import Sample
from gan.errors import Option, Unsaid, expect_number, expect_positive_int


@keras.saving.register_keras_serializable(package="gan")
class R3GAN(AdversarialModel):
    """The discriminator tells which example of a pair is real; gradients stay small.

    Each fake is compared with a real example, so that the generator has a cost for
    every mode of the data that it leaves out. With penalties on the gradients at reals
    (R1) and fakes (R2), training converges without normalisation layers and with one
    update of each network. The logs `r1` and `r2` are the mean squared norms of the
    gradients.

    Args:
        discriminator: `keras.Model`, examples `(batch, …)` -> logits `(batch, 1)`. Its
            last layer has no activation (the constructor warns of a bounded one), and
            it needs no batch normalisation.
        disc_iter: int, discriminator updates in each step; one is enough.
        gamma: float, weight of the penalties: 1 for points and small grey pictures,
            more for large colour pictures.
        penalty_every: int, apply the penalties only in every `penalty_every`-th update,
            multiplied by `penalty_every`, which is nearly as good and much quicker
            (Karras et al. 2020, Analyzing and Improving the Image Quality of StyleGAN,
            section 3.1). The other updates log zeros, so that the means over an epoch
            are right.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises −mean(log σ(D(x) − D(G(z)))) + γ/2 · (mean(‖∇D(x)‖²) +
        mean(‖∇D(G(z))‖²))
        G minimises −mean(log σ(D(G(z)) − D(x)))

    Reference:
        Huang et al. 2024, The GAN is dead; long live the GAN! A Modern GAN Baseline,
        equation 2 and section 2.2.
    """

    discriminator_loss = staticmethod(losses.relativistic_discriminator)
    generator_loss = staticmethod(losses.relativistic_generator)
    targets = (-math.inf, math.inf)
    log_names = (*AdversarialModel.log_names, "r1", "r2")

    # Whether all of the discriminator's outputs have penalties.
    _one_pass = True

    gamma = Option(functools.partial(expect_number, 0))
    penalty_every = Option(expect_positive_int)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Callable[[int], tf.Tensor] | None,
        real_examples: Any = None,
        batch_size: int = Unsaid(200),
        disc_iter: int = 1,
        learning_rate: float = 0.001,
        gamma: float = 1.0,
        *,
        beta_1: float = 0.0,
        penalty_every: int = 1,
        **options: Unpack[Options],
    ) -> None:
        self.gamma, self.penalty_every = gamma, penalty_every
        super().__init__(
            generator,
            discriminator,
            latent_generator,
            real_examples,
            batch_size,
            disc_iter,
            learning_rate,
            beta_1=beta_1,
            **options,
        )

    @property
    def penalises_slopes(self) -> bool:
        """Whether `gamma` is above 0, or a subclass adds another penalty."""
        return self.gamma > 0 or super().penalises_slopes

    def generator_outputs(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[Any, ...]:
        """The discriminator's outputs on the real and on the fake examples."""
        return self.judge(real, condition), self.judge(fake, condition)

    def judge_both(
        self, real: Sample, fake: Sample
    ) -> tuple[tuple[Any, Any], tf.Tensor, dict[str, tf.Tensor]]:
        """The outputs and the weighted penalties; `r1` and `r2` are without weight."""
        if self.penalty_every == 1 and self._one_pass:
            # One pass for outputs and gradients is a fifth quicker than two.
            found = [
                losses.values_and_squared_slopes(self.judge, *sample)
                for sample in (real, fake)
            ]
            outputs, squares = zip(*found, strict=True)
            r1, r2 = map(tf.reduce_mean, squares)
            given = (real.examples, fake.examples, real.condition)
            extra, logs = self.discriminator_extra(*given)
        else:
            outputs, extra, logs = super().judge_both(real, fake)
            updates = self._discriminator_player.optimizer.iterations
            r1, r2 = tf.cond(
                tf.equal(updates % self.penalty_every, 0),
                lambda: [self._penalty(sample) for sample in (real, fake)],
                lambda: [tf.zeros(()), tf.zeros(())],
            )
        extra += self.gamma / 2 * (r1 + r2)
        return outputs, extra, {**logs, "r1": r1, "r2": r2}

    def _penalty(self, sample):
        return self.penalty_every * losses.zero_centred_penalty(self._logits, *sample)

    def _logits(self, *given, training):
        """The outputs whose gradients are penalised."""
        return self.judge(*given, training=training)
