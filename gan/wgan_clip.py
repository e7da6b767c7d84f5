"""Wasserstein GAN with weight clipping (task 1)."""

from __future__ import annotations

import keras

from gan import losses
from gan.base import AdversarialModel
from gan.errors import expect, expect_number


@keras.saving.register_keras_serializable(package="gan")
class WGAN_clip(AdversarialModel):
    """The critic estimates the Wasserstein distance with weights held in a box.

    Args:
        clip: float above 0, the bound c: after each of its updates every critic
            weight is clipped to [−c, c].
        Others as `gan.AdversarialModel`.

    Formula:
        D minimises mean(D(G(z))) − mean(D(x)), then w ← clip(w, −c, c)
        G minimises −mean(D(G(z)))

    Reference:
        Arjovsky et al. 2017, Wasserstein GAN, Algorithm 1.
    """

    discriminator_loss = staticmethod(losses.wasserstein_discriminator)
    generator_loss = staticmethod(losses.wasserstein_generator)

    def __init__(self, *args: object, clip: float = 1.0, **options: object) -> None:
        expect_number(0, clip=clip)
        expect(clip > 0, "clip above 0", clip=clip)
        super().__init__(*args, **options)
        self.clip = clip

    def after_discriminator_update(self) -> None:
        """Clip every trainable critic weight to [−clip, clip]."""
        for weight in self.discriminator.trainable_variables:
            weight.assign(keras.ops.clip(weight, -self.clip, self.clip))

    def options(self) -> dict[str, object]:
        """The constructor's plain options by name."""
        return {**super().options(), "clip": self.clip}
