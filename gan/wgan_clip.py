"""Wasserstein GAN with weight clipping (task 1 of the course "GANs")."""

from __future__ import annotations

from typing import Any, Unpack

import keras

from gan import losses
from gan.base import AdversarialModel, Parameters
from gan.errors import Option, expect_number, require


def _expect_bound(clip: float) -> None:
    expect_number(clip=clip)
    said = f"The argument clip must be a positive number, but it is {clip}."
    require(clip > 0, said, "clip")


@keras.saving.register_keras_serializable(package="gan")
class WGAN_clip(AdversarialModel):
    """The critic estimates the Wasserstein distance; its weights are clipped.

    The critic is the discriminator, whose outputs are not probabilities here. Clipped
    weights bound its slope, which the Wasserstein distance requires.

    Args:
        clip: float above 0, the bound c. After each critic update, every trainable
            critic weight is clipped to [−c, c].
        The other arguments are those of `gan.AdversarialModel`.

    Formula:
        D minimises mean(D(G(z))) − mean(D(x)), then w ← clip(w, −c, c)
        G minimises −mean(D(G(z)))

    Reference:
        Arjovsky et al. 2017, Wasserstein GAN, Algorithm 1.

    Example:

    ```python
    real = gan.toys.circle(1000)  # array (1000, 2); or pictures (N, h, w, c)
    networks = gan.fully_connected_GenDiscr(
        [2, 64, 64, 2], real, activation="relu", bounded=False
    )  # generator, discriminator, latent_generator
    model = gan.WGAN_clip(*networks, real, learning_rate=0.001, clip=0.1)
    model.fit(epochs=10, steps_per_epoch=100)
    fakes = model.get_fake_sample(500)  # tensor (500, 2)
    ```
    """

    discriminator_loss = staticmethod(losses.wasserstein_discriminator)
    generator_loss = staticmethod(losses.wasserstein_generator)
    loss_panel = ("Wasserstein estimate", -1)
    clip = Option(_expect_bound)

    def __init__(
        self,
        *args: Any,
        clip: float = 1.0,
        **options: Unpack[Parameters],
    ) -> None:
        self.clip = clip
        super().__init__(*args, **options)

    def after_discriminator_update(self) -> None:
        """Clip every trainable critic weight to [−clip, clip]."""
        for weight in self.discriminator.trainable_variables:
            weight.assign(keras.ops.clip(weight, -self.clip, self.clip))
