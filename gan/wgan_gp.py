"""Wasserstein GAN with gradient penalty (tasks 2 and 4 of the course "GANs")."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import AdversarialModel, Options
from gan.data.examples import Sample
from gan.errors import Option, StrPath, Unsaid, expect_number
from gan.saving.weights_file import load_weights


@keras.saving.register_keras_serializable(package="gan")
class WGAN_GP(AdversarialModel):
    """The critic estimates the Wasserstein distance; its gradient norms stay near 1.

    The critic is the discriminator, whose outputs are not probabilities here. A penalty
    on its gradients replaces the clipping of `gan.WGAN_clip`.

    Args:
        lambda_gp: float, at least 0, weight of the gradient penalty. It is the
            positional argument after `learning_rate`.
        beta_1: float in [0, 1), Adam's decay of the first moment.
        penalty_epsilon: float, at least 0, added under the square root of the norm. The
            root has an infinite derivative at 0, so without it one zero gradient would
            turn all weights into NaN.
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises mean(D(G(z))) − mean(D(x)) + lambda_gp · mean((‖∇D(x̂)‖ − 1)²),
        x̂ = u·x + (1 − u)·G(z), u ~ U[0, 1] one per example
        G minimises −mean(D(G(z)))

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs, Algorithm 1.

    Example:

    ```python
    real = gan.toys.circle(1000)  # array (1000, 2); or pictures (N, h, w, c)
    networks = gan.fully_connected_GenDiscr(
        [2, 64, 64, 2], real, activation="relu", bounded=False
    )  # generator, discriminator, latent_generator
    model = gan.WGAN_GP(*networks, real, learning_rate=0.001, lambda_gp=0.1)
    model.fit(epochs=10, steps_per_epoch=100)
    fakes = model.get_fake_sample(500)  # tensor (500, 2)
    model.save("model.keras")
    ```
    """

    discriminator_loss = staticmethod(losses.wasserstein_discriminator)
    generator_loss = staticmethod(losses.wasserstein_generator)
    loss_panel = ("Wasserstein estimate", -1)
    log_names = (*AdversarialModel.log_names, "gp")

    lambda_gp = Option(functools.partial(expect_number, 0))
    penalty_epsilon = Option(functools.partial(expect_number, 0))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Callable[[int], tf.Tensor] | None,
        real_examples: Any = None,
        batch_size: int = Unsaid(200),
        disc_iter: int = 2,
        learning_rate: float = 0.005,
        lambda_gp: float = 10,
        *,
        beta_1: float = 0.3,
        penalty_epsilon: float = 1e-12,
        **options: Unpack[Options],
    ) -> None:
        self.lambda_gp, self.penalty_epsilon = lambda_gp, penalty_epsilon
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
        """Whether the weight of the penalty is above 0."""
        return self.lambda_gp > 0

    @property
    def dims(self) -> tf.TensorShape:
        """`tf.TensorShape` `(N, …)` of the real examples; N is `None` without them."""
        known = self.real_examples is not None and hasattr(self.real_examples, "shape")
        count = self.real_examples.shape[0] if known else None
        return tf.TensorShape((count, *self.generator.output_shape[1:]))

    @property
    def len_dims(self) -> int:
        """Number of axes of a batch."""
        return len(self.dims)

    @property
    def axis(self) -> tf.Tensor:
        """Axes over which a gradient's norm is taken: all but the first."""
        return tf.range(1, self.len_dims)

    @property
    def scal_shape(self) -> tf.Tensor:
        """Shape of the interpolation weights: one number for each example."""
        return tf.constant([self.batch_size] + [1] * (self.len_dims - 1))

    def get_interpolated_sample(self, real_sample: Any, fake_sample: Any) -> Any:
        """Random points between paired real and fake examples.

        Args:
            real_sample: float tensor `(batch, …)`; with labels, a pair `(tensor,
                labels)`.
            fake_sample: float tensor of the same shape; with labels, a pair.

        Returns:
            Float32 tensor of the same shape: u·real + (1 − u)·fake, u ~ U[0, 1]; with
            labels, a pair `(tensor, labels)`.
        """
        if self.condition_shape is not None and isinstance(real_sample, tuple):
            points = self.get_interpolated_sample(real_sample[0], fake_sample[0])
            return points, real_sample[1]
        real, fake = (tf.cast(s, tf.float32) for s in (real_sample, fake_sample))
        size = fake.shape[0] or tf.shape(fake)[0]
        ones = [1] * (len(fake.shape) - 1)
        u = tf.random.stateless_uniform((size, *ones), self.stream.next_seed())
        if real.shape != fake.shape:
            real = tf.reshape(real, tf.shape(fake))
        return losses.interpolate(real, fake, u)

    def gradient_penalty(self, interpolated_sample: Any) -> tf.Tensor:
        """Mean squared distance of the critic's gradient norms from 1.

        Args:
            interpolated_sample: float tensor `(batch, …)`, the points; with labels, a
                pair `(points, labels)`. The gradient is taken with respect to the
                points.

        Returns:
            Float scalar tensor, see `gan.losses.gradient_penalty`.
        """
        labelled = self.condition_shape is not None
        labelled = labelled and isinstance(interpolated_sample, tuple)
        points, condition = (
            interpolated_sample if labelled else (interpolated_sample, None)
        )
        epsilon = self.penalty_epsilon
        return losses.gradient_penalty(self.judge, points, epsilon, condition)

    def discriminator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The weighted gradient penalty. The log `gp` is the penalty without weight."""
        points = self.get_interpolated_sample(real, fake)
        gp = self.gradient_penalty(Sample(points, condition).public())
        return self.lambda_gp * gp, {"gp": gp}

    def replace_weights(self, gen_h5: StrPath, disc_h5: StrPath) -> None:
        """Load both networks' weights from legacy `.h5` files, both or none.

        Args:
            gen_h5: str or path, file of the generator's weights, which also replace the
                averaged weights.
            disc_h5: str or path, file of the discriminator's weights.

        Raises:
            InvalidInput: if a file is missing, damaged or belongs to other networks.
                Both networks then keep their weights.
        """
        load_weights((self.generator, gen_h5), (self.discriminator, disc_h5))
        if self.averaged_generator is not None:
            self.averaged_generator.set_weights(self.generator.get_weights())
