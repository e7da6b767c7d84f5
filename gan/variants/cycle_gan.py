"""CycleGAN: translates two kinds of pictures into each other, without pairs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Unpack

import keras
import numpy as np
import tensorflow as tf

from gan import losses, metrics
from gan.base import Parameters
from gan.data.examples import Examples, Sample, as_examples
from gan.data.pixels import NO_RANGE, rescale
from gan.data.unpaired import UnpairedExamples
from gan.errors import Option, Unsaid, expect_choice, expect_number, require, shown
from gan.latent import distinct_numbers
from gan.training.networks import expect_network
from gan.variants.r3gan import R3GAN

_AT_ONCE = 250  # batch size of inference
_OBJECTIVES = {
    "relativistic": (
        losses.relativistic_discriminator,
        losses.relativistic_generator,
    ),
    "least_squares": (
        losses.least_squares_discriminator,
        lambda real, fake: losses.least_squares_generator(fake),
    ),
}


@keras.saving.register_keras_serializable(package="gan")
class CycleGAN(R3GAN):
    """Translates pictures of A into pictures of B, and back, without pairs.

    There are two generators, G from A to B and F from B to A. For each there is a
    discriminator that tells real pictures from generated ones. A picture that is
    translated there and back should be unchanged (the cycle loss), and so should a
    picture that is already of the target kind (the identity loss).

    Both generators form one joint network, and both discriminators another, so that
    training works as in every other model. `gan.cycle_GenDiscr` makes the networks. The
    logs are those of `gan.R3GAN`, and `cycle` and `identity`, the mean absolute
    differences; each is summed over both directions.

    Args:
        generator: `keras.Model`, `[a, b]` -> `[G(a), F(b)]`, all float32 pictures
            `(batch, h, w, c)`.
        discriminator: `keras.Model`, `[b, a]` -> `[D_B(b), D_A(a)]`, logits `(batch,
            1)` each.
        latent_generator: `None`, because the generators take no latents.
        real_examples: pair `(a, b)` of arrays, pictures of A `(N, h, w, c)` and of B
            `(M, …)`, as `gan.AdversarialModel` takes examples. Samples of A and B are
            drawn independently; the order within an array does not matter.
        gamma: float, weight of the penalties on the discriminators' gradients.
        cycle_weight: float, weight of the cycle loss.
        identity_weight: float, weight of the identity loss. It must be 0 if pictures of
            A and B differ in shape.
        objective: "relativistic", the losses of `gan.R3GAN`, or "least_squares", least
            squares as in the original CycleGAN (here with the targets 1 and −1).
        The other arguments are those of `gan.R3GAN`.

    Formula:
        D minimises ℓ_D(D_B(b), D_B(G(a))) + ℓ_D(D_A(a), D_A(F(b))) + γ/2 · (R1 + R2)
        G and F minimise ℓ_G(D_B(b), D_B(G(a))) + ℓ_G(D_A(a), D_A(F(b)))
        + cycle_weight · (mean |G(F(b)) − b| + mean |F(G(a)) − a|)
        + identity_weight · (mean |G(b) − b| + mean |F(a) − a|),
        ℓ_D and ℓ_G the losses of `objective`, R1 and R2 the penalties of `gan.R3GAN`

    Reference:
        Zhu et al. 2017, Unpaired Image-to-Image Translation using Cycle-Consistent
        Adversarial Networks, equation 3 and section 5.2 (identity).

    Example:

    ```python
    networks = gan.cycle_GenDiscr((32, 32, 3), (32, 32, 3))
    model = gan.CycleGAN(*networks, (horses, zebras))
    model.fit(epochs=10, steps_per_epoch=500)
    striped = model.a_to_b(horses[:8])
    ```
    """

    log_names = (*R3GAN.log_names, "cycle", "identity")
    outputs = None

    cycle_weight = Option(functools.partial(expect_number, 0))
    identity_weight = Option(functools.partial(expect_number, 0))
    objective = Option(functools.partial(expect_choice, tuple(_OBJECTIVES)))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: None = None,
        real_examples: Any = None,
        batch_size: int = Unsaid(32),
        *args: Any,
        cycle_weight: float = 3.0,
        identity_weight: float = 0.5,
        objective: str = "relativistic",
        **options: Unpack[Parameters],
    ) -> None:
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        self.objective = objective
        said = "The argument latent_generator must be None, because the networks take "
        require(latent_generator is None, f"{said}pictures.", "latent_generator")
        super().__init__(
            generator,
            discriminator,
            latent_generator,
            real_examples,
            batch_size,
            *args,
            **options,
        )

    def _expect_networks(self, generator, discriminator):
        expect_network("generator", generator)
        expect_network("discriminator", discriminator)
        takes, gives = (_shapes(generator, side) for side in ("input", "output"))
        require(
            len(takes) == len(gives) == 2 and takes == gives[::-1],
            "The generator must make [G(a), F(b)] of [a, b], where G(a) has the shape "
            f"of b and F(b) that of a, but it makes {shown(gives)} of {shown(takes)}: "
            "gan.cycle_GenDiscr makes such networks.",
            "generator",
        )
        seen, said = (_shapes(discriminator, side) for side in ("input", "output"))
        require(
            seen == gives and said == [(1,), (1,)],
            "The discriminator must take [b, a] and give [D_B(b), D_A(a)], a number "
            f"each, but it takes {shown(seen)} and gives {shown(said)}.",
            "discriminator",
        )
        require(
            takes[0] == takes[1] or not self.identity_weight,
            "The argument identity_weight must be 0, because the pictures of A and B "
            f"have different shapes, {takes[0]} and {takes[1]}.",
            "identity_weight",
        )
        for name, network in (
            ("generator", generator),
            ("discriminator", discriminator),
        ):
            try:
                halves = [_half(network, way) for way in (0, 1)]
            except ValueError:
                halves = None
            require(
                halves,
                f"Each output of the {name} must depend only on the input at the same "
                "place: build it from two separate networks.",
                name,
            )

    def _note_inputs(self, generator, discriminator):
        self.classes: int | None = None
        self.condition_shape: tuple[int, ...] | None = _shapes(generator, "input")[0]
        self.has_latents: bool = False

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape `(h, w, c)` of a picture of B, the generator's first output."""
        return _shapes(self.generator, "output")[0]

    def as_examples(
        self, value: Any, batch_size: int, name: str = "real_examples"
    ) -> Examples | None:
        """Check a pair `(a, b)` of arrays and return it as `Examples`."""
        if value is None:
            return None
        require(
            isinstance(value, (tuple, list)) and len(value) == 2,
            f"The argument {name} must be a pair (a, b) of arrays of pictures, but it "
            f"is {shown(value)}.",
            name,
        )
        shapes = _shapes(self.generator, "input")
        parts = [
            as_examples(array, shape, batch_size, name=f"{name}[{place}]")
            for place, (array, shape) in enumerate(zip(value, shapes, strict=True))
        ]
        require(
            not any(part is None or part.streams for part in parts),
            f"The argument {name} must hold two arrays, because a Dataset cannot be "
            "sampled at random.",
            name,
        )
        return UnpairedExamples(*parts)

    def get_real_sample(self, size: int | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws distinct pictures of A and, independently, of B.

        Args:
            size: int, number of pictures of each, or `None` for `batch_size`.

        Returns:
            Pair of float32 tensors `(size, h, w, c)` in the model's pixel range.
        """
        size, examples = self._count(size), self.examples
        said = "The model has no real examples: set model.real_examples or call fit(x)."
        require(examples is not None, said, "real_examples")
        most = len(examples)
        said = f"The argument size must be at most {most}, as many as there are real "
        require(size <= most, f"{said}examples, but it is {size}.", "size")
        return tuple(
            part.draw(distinct_numbers(len(part), size, self.stream.next_seed()))[0]
            for part in examples.kinds()
        )

    def get_fake_sample(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: None = None,
        condition: Any = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Translates pictures of each kind into the other.

        Args:
            size: int, number of pictures of each, or `None` for `batch_size`.
            training: bool, whether to run the generator in training mode.
            averaged: bool, whether to use the averaged generator; `None` uses it if
                there is one and `training` is `False`.
            labels: `None`, because there are no classes.
            condition: pair `(a, b)` of float32 pictures in the model's pixel range;
                `None` draws real ones.

        Returns:
            Pair of float32 tensors `(size, h, w, c)`: F(b), pictures of A, and G(a),
            pictures of B.
        """
        said = "The networks take no labels: leave the argument labels out."
        require(labels is None, said, "labels")
        if condition is None:
            condition = self.get_real_sample(size)
        said = "The argument condition must be a pair (a, b) of pictures of each kind."
        pair = isinstance(condition, (tuple, list)) and len(condition) == 2
        require(pair, said, "condition")
        network = self._drawing(training, averaged)
        with self.stream.sampling():
            of_b, of_a = network([*condition], training=training)
        return of_a, of_b

    def a_to_b(self, pictures: Any) -> tf.Tensor:
        """Translates pictures of A with the (averaged) generator.

        Args:
            pictures: float array `(n, h, w, c)` in the model's pixel range.

        Returns:
            Float32 tensor `(n, h, w, c)`, pictures of B in the same range.
        """
        return self.one_way(0)(tf.cast(pictures, tf.float32))

    def b_to_a(self, pictures: Any) -> tf.Tensor:
        """Translates pictures of B into pictures of A, as `a_to_b` does the reverse."""
        return self.one_way(1)(tf.cast(pictures, tf.float32))

    def one_way(self, way: int) -> keras.Model:
        """The (averaged) generator from A to B (way 0) or from B to A (way 1) alone."""
        return _half(self._drawing(False, None), way)

    def as_sample(self, drawn: Any) -> Sample:
        """A pair of pictures of A and B as `Sample((b, a), (a, b))`."""
        a, b = drawn
        return Sample((b, a), (a, b))

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """Translations of the real pictures that the step has drawn."""
        training = self.batch_statistics
        drawn = self.get_fake_sample(None, training, False, condition=condition)
        return Sample(drawn[::-1], condition)

    def judge(self, examples: Any, condition: Any = None, training: bool = True) -> Any:
        """Both discriminators' outputs on `(b, a)`, two float tensors `(batch, 1)`."""
        if training:
            examples = [self.augmented(pictures) for pictures in examples]
        return self.discriminator([*examples], training=training)

    def discriminator_loss(self, real: Any, fake: Any) -> tf.Tensor:
        """The discriminators' loss, summed over both directions."""
        loss, _ = _OBJECTIVES[self.objective]
        return tf.add_n([*map(loss, real, fake)])

    def generator_loss(self, real: Any, fake: Any) -> tf.Tensor:
        """The generators' loss, summed over both directions."""
        _, loss = _OBJECTIVES[self.objective]
        return tf.add_n([*map(loss, real, fake)])

    def generator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The weighted cycle and identity terms. The logs have no weights."""
        training = self.batch_statistics
        back = self.generator([*fake[::-1]], training=training)
        cycle, identity = _distance(back, real), tf.zeros(())
        if self.identity_weight:
            same = self.generator([*real], training=training)
            identity = _distance(same, real)
        extra = self.cycle_weight * cycle + self.identity_weight * identity
        return extra, {"cycle": cycle, "identity": identity}

    def evaluate(
        self, x: Any = None, names: Iterable[str] = ("sw2", "fd")
    ) -> dict[str, dict[str, float]]:
        """Compares translated pictures with real pictures of the target kind.

        Args:
            x: pair `(a, b)` of arrays as in `real_examples`, best held out from
                training; `None` takes `real_examples`.
            names: iterable of str, measures from `gan.metrics.NAMES`.

        Returns:
            Dict with the keys "a_to_b" and "b_to_a". Each value is a dict from the
            names of the measures to floats, computed on the translations of all of x.
        """
        names = metrics.expect_names(names)
        data = self.examples if x is None else self.as_examples(x, 1, "x")
        require(data is not None, "There are no examples: give them as x.", "x")
        data.pixel_range = self.pixel_range or data.pixel_range
        kinds = [part.first(len(part)).examples.numpy() for part in data.kinds()]
        found = {}
        for way, name in enumerate(("a_to_b", "b_to_a")):
            network, given = self.one_way(way), kinds[way]
            starts = range(0, len(given), _AT_ONCE)
            made = [network(given[start : start + _AT_ONCE]) for start in starts]
            pair = kinds[1 - way], np.concatenate(made)
            scale = self.pixel_range or NO_RANGE
            pair = [rescale(pictures, scale, NO_RANGE) for pictures in pair]
            found[name] = metrics.measures(*pair, names)
        return found


def _shapes(network, side):
    """Shapes of a network's inputs or outputs, without the batch axis."""
    return [tuple(tensor.shape[1:]) for tensor in getattr(network, f"{side}s")]


def _half(network, way):
    """One of the two networks of a joint network."""
    return keras.Model(network.inputs[way], network.outputs[way])


def _distance(found, wanted):
    return tf.add_n(
        [tf.reduce_mean(tf.abs(a - b)) for a, b in zip(found, wanted, strict=True)]
    )
