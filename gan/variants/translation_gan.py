"""Translates pictures: enlarges, fills in or colours them, or learns any pairs."""

from __future__ import annotations

import functools
from typing import Any, Self, Unpack

import keras
import tensorflow as tf

from gan import losses
from gan.base import Parameters
from gan.conditions import Condition
from gan.data.examples import Sample
from gan.data.pixels import rescale
from gan.errors import (
    Option,
    Unsaid,
    expect_choice,
    expect_number,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.saving.configs import described
from gan.training.aside import compared
from gan.training.inputs import picture_condition
from gan.variants.r3gan import R3GAN


@keras.saving.register_keras_serializable(package="gan")
class TranslationGAN(R3GAN):
    """Translates pictures into pictures: pix2pix with the loss of R3GAN.

    The generator minimises the distance from the target picture and an adversarial
    loss. The distance alone gives the mean of all possible pictures, which is blurred;
    the discriminator makes the picture sharp. The discriminator sees the input too, and
    tells which of two pictures is the target of this input. Penalties on its gradients
    replace the batch normalisation of pix2pix. `gan.unet_GenDiscr` makes the networks.

    The logs are those of `gan.R3GAN` and `l1`, the mean absolute difference from the
    target.

    Args:
        generator: `keras.Model`, float32 inputs `(batch, h, w, c)`, or `[latents,
            inputs]`, -> float32 pictures of the shape of the targets.
        discriminator: `keras.Model`, `[targets, inputs]` -> logits `(batch, 1)`.
        latent_generator: as in `gan.AdversarialModel`; `None` for a generator that
            takes inputs alone.
        real_examples: pair `(targets, inputs)` of arrays of equal length, as
            `gan.AdversarialModel` takes examples; with `condition`, the targets alone;
            or a `tf.data.Dataset` of batches of one or the other; or `None`.
        gamma: float, weight of the penalties on the discriminator's gradients.
        l1_weight: float, weight of the distance.
        adversarial: bool. `False` trains the generator by the distance alone, which is
            quicker and makes pictures nearer to the target, and leaves the
            discriminator unchanged. You can start with `False`, and set it to `True`
            between two calls of `fit`.
        condition: layer of `gan.conditions` that computes the inputs from the targets,
            or `None` if `real_examples` holds the inputs. If the layer makes a mask,
            only pixels inside the mask count in the distance.
        augment: layer applied to targets and fakes before the discriminator, but not to
            the inputs. It may add noise, but must not move pixels. To mirror pictures,
            mirror the pairs in the data.
        The other arguments are those of `gan.R3GAN`.

    Formula:
        D minimises −mean(log σ(D(y, x) − D(G(x), x))) + γ/2 · (mean(‖∇D(y, x)‖²) +
        mean(‖∇D(G(x), x)‖²)), ∇ the gradient with respect to the pictures y and G(x)
        G minimises −mean(log σ(D(G(x), x) − D(y, x))) + l1_weight · mean |y − G(x)|

    Reference:
        Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial
        Networks, equation 4; Huang et al. 2024, The GAN is dead; long live the GAN!,
        equation 2; Mescheder et al. 2018, Which Training Methods for GANs do actually
        Converge?, equation 9.

    Example:

    ```python
    enlarge = gan.conditions.Shrunk(4)
    networks = gan.unet_GenDiscr(enlarge, (32, 32, 3))
    model = gan.TranslationGAN(*networks, pictures, batch_size=32, condition=enlarge)
    model.fit(epochs=10)
    larger = model.translate(small)
    ```
    """

    log_names = (*R3GAN.log_names, "l1")

    l1_weight = Option(functools.partial(expect_number, 0))
    adversarial = Option(functools.partial(expect_choice, (True, False)))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Any = None,
        real_examples: Any = None,
        batch_size: int = Unsaid(32),
        *args: Any,
        l1_weight: float = 10.0,
        adversarial: bool = True,
        condition: Condition | None = None,
        **options: Unpack[Parameters],
    ) -> None:
        given = isinstance(condition, keras.layers.Layer)
        said = "The argument condition must be a layer of gan.conditions or None, but "
        require(given or condition is None, f"{said}it is {shown(condition)}.")
        self.l1_weight, self.adversarial = l1_weight, adversarial
        self._condition = condition
        self._expect_condition(generator, discriminator)
        super().__init__(
            generator,
            discriminator,
            latent_generator,
            real_examples,
            batch_size,
            *args,
            **options,
        )

    def _expect_condition(self, generator, discriminator):
        shape = getattr(discriminator, "built", False) and picture_condition(
            discriminator
        )
        require(
            shape,
            "The discriminator must take [targets, inputs], two pictures, but its "
            f"input shape is {shown(getattr(discriminator, 'input_shape', None))}: "
            "gan.unet_GenDiscr makes such networks.",
            "discriminator",
        )
        if self._condition is None:
            return
        made = self._condition.compute_output_shape(generator.output_shape)[1:]
        require(
            tuple(made) == tuple(shape),
            f"The layer condition makes inputs of the shape {tuple(made)} from the "
            f"targets, but the networks take {tuple(shape)}.",
            "condition",
        )

    @property
    def condition(self) -> Condition | None:
        """The layer that computes the inputs from the targets, or `None`."""
        return self._condition

    @property
    def masked(self) -> bool:
        """Whether the last channel of the inputs is a mask."""
        return bool(getattr(self._condition, "masked", False))

    def as_examples(
        self, value: Any, batch_size: int, name: str = "real_examples"
    ) -> Any:
        """Check real examples, which are only targets if there is a `condition`."""
        pair = isinstance(value, (tuple, list)) and len(value) == 2
        pair = pair and hasattr(value[0], "shape")
        said = (
            f"The argument {name} must be the targets alone, because the layer "
            "condition "
        )
        said += "makes the inputs from them: leave the inputs out."
        require(self._condition is None or not pair, said, name)
        return super().as_examples(value, batch_size, name)

    def translate(self, inputs: Any) -> tf.Tensor:
        """Translates inputs with the (averaged) generator.

        Args:
            inputs: float array of pictures `(n, h, w, c)` in the model's pixel range.

        Returns:
            Float32 tensor of pictures `(n, …)` of the shape of the targets, in the same
            range.
        """
        return self.get_fake_sample(condition=inputs)[0]

    def inputs_of(self, targets: Any, training: bool = False) -> tf.Tensor:
        """Computes the inputs of targets with the layer `condition`.

        Args:
            targets: float tensor of pictures `(n, h, w, c)` in the model's pixel range.
            training: bool, whether the layer makes its random choices.

        Returns:
            Float32 tensor `(n, …)`, in the same range except for a mask, which is 0 or
            1.
        """
        layer = self._condition
        said = "The model has no layer condition to make inputs from targets."
        require(layer is not None, said, "condition")
        mine = self.pixel_range or (0.0, 1.0)
        scale = getattr(layer, "pixel_range", mine)
        with self.stream.sampling():
            made = layer(rescale(targets, mine, scale), training=training)
        if not self.masked:
            return rescale(made, scale, mine)
        return tf.concat([rescale(made[..., :-1], scale, mine), made[..., -1:]], -1)

    def get_real_sample(self, size: int | None = None) -> Any:
        """Draws distinct targets and their inputs.

        Args:
            size: int, number of pairs, or `None` for `batch_size`.

        Returns:
            Pair of float32 tensors `(size, h, w, c)`: targets and inputs, in the
            model's pixel range.
        """
        drawn = super().get_real_sample(size)
        return (
            drawn if self._condition is None else (drawn, self.inputs_of(drawn, True))
        )

    def discriminator_loss(self, *outputs: Any) -> tf.Tensor:
        """The relativistic loss of the discriminator."""
        return losses.relativistic_discriminator(*outputs)

    def generator_loss(self, *outputs: Any) -> tf.Tensor:
        """The relativistic loss of the generator, or 0 if not `adversarial`."""
        return losses.relativistic_generator(*outputs) if outputs else tf.zeros(())

    def update_discriminator(self, real: Sample, fake: Sample) -> dict[str, tf.Tensor]:
        """Update the discriminator once, if `adversarial`; return its logs."""
        if not self.adversarial:
            return {name: tf.zeros(()) for name in ("discr_loss", "r1", "r2")}
        return super().update_discriminator(real, fake)

    def generator_outputs(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[Any, ...]:
        """The outputs on targets and on fakes, or `()` if not `adversarial`."""
        if not self.adversarial:
            return ()
        return super().generator_outputs(real, fake, condition)

    def generator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The weighted distance from the targets. The log `l1` has no weight."""
        distances = tf.abs(real - fake)
        if self.masked:
            mask = condition[..., -1:]
            numbers = tf.reduce_sum(mask) * distances.shape[-1]
            l1 = tf.reduce_sum(distances * mask) / tf.maximum(numbers, 1.0)
        else:
            l1 = tf.reduce_mean(distances)
        return self.l1_weight * l1, {"l1": l1}

    def evaluate(
        self, x: Any = None, count: int = 1000, seed: int = 0, **options: Any
    ) -> dict[str, Any]:
        """Compares translated inputs with their targets.

        Args:
            x: pair of arrays `(targets, inputs)` as in `real_examples` (only targets if
                there is a `condition`), best held out from training; `None` takes
                `real_examples`.
            count: int, the largest number of pairs to compare; the first ones are
                taken.
            seed: int, seed of the latents, if the generator takes any.
            **options: none; options of other models are refused.

        Returns:
            Dict of dicts of floats: under "model" the result of
            `gan.metrics.pairs.compare_pairs`. If there are at least 20 pairs, it also
            holds the results of the baselines, see
            `gan.metrics.pairs.trivial_answers`.
        """
        for name in options:
            said = f"The method evaluate of {type(self).__name__} has no argument "
            require(False, f"{said}{name}: leave it out.", name)
        expect_positive_int(count=count)
        expect_seed(seed=seed)
        data = self.examples if x is None else self.as_examples(x, 1, "x")
        require(data is not None, "There are no examples: give them as x.", "x")
        data.pixel_range = self.pixel_range or data.pixel_range
        drawn = data.first(min(count, data.at_hand))
        inputs = drawn.condition
        if self._condition is not None:
            inputs = self.inputs_of(drawn.examples)
        return compared(self, drawn.examples, inputs, seed)

    def made_of(self) -> dict[str, Any]:
        """Extends the parent's record by the layer that computes the inputs."""
        layer = self._condition
        return super().made_of() | ({"condition": described(layer)} if layer else {})

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments of an equal model, without real examples."""
        made = keras.saving.serialize_keras_object(self._condition)
        return {**super().get_config(), "condition": made}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, type] | None = None
    ) -> Self:
        """Make a model from `get_config()`."""
        made = keras.saving.deserialize_keras_object(
            config.get("condition"), custom_objects=custom_objects
        )
        return super().from_config({**config, "condition": made}, custom_objects)

    def _stored_condition(self) -> tuple[int, ...] | None:
        return self.condition_shape if self._condition is None else None

    def as_sample(self, drawn: Any) -> Sample:
        """Make a `Sample`; inputs are computed for targets that come without."""
        if self._condition is not None and not isinstance(drawn, tuple):
            return Sample(drawn, self.inputs_of(drawn))
        return super().as_sample(drawn)

    def _next_real(self, batches, iteration):
        real = super()._next_real(batches, iteration)
        if self._condition is None or real.condition is not None:
            return real
        # The batches of the Dataset hold only targets.
        return Sample(real.examples, self.inputs_of(real.examples, True))
