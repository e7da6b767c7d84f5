"""The base class of all models, and the training step that they share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from gan import distribute
from gan.conditions.words import Words, expect_words
from gan.data.examples import NOTHING, Sample
from gan.data.pixels import rescale
from gan.errors import (
    Option,
    Unsaid,
    expect_choice,
    expect_number,
    expect_positive_int,
    require,
    shown,
)
from gan.latent import Stream
from gan.saving.model_file import WholeModel
from gan.training.drawing import Drawing
from gan.training.fit import GraphFit
from gan.training.inputs import (
    condition_shape,
    count_classes,
    takes_condition,
    takes_latents,
)
from gan.training.networks import (
    expect_augment,
    expect_networks,
    warn_of_bounds,
)
from gan.training.options import (
    Options,
    Parameters,
    expect_average,
    expect_conditions,
    expect_decay,
    expect_hooks,
    expect_names,
    expect_pixel_range,
    show_parameters,
)
from gan.training.player import brought, expect_optimizers

__all__ = ["AdversarialModel", "Options", "Parameters"]

_BACKEND = keras.backend.backend()
require(
    _BACKEND == "tensorflow",
    "Keras must run on TensorFlow, but its backend is "
    f"{_BACKEND}: set KERAS_BACKEND=tensorflow before Keras is imported.",
)


class AdversarialModel(Drawing, GraphFit, WholeModel):
    """A generator and a discriminator, trained against each other.

    To define a new kind of GAN, subclass it and write its two losses. The base class
    does the rest. This file holds the training step: it draws samples and updates the
    networks. The parent classes hold the real examples (`training.reals`), the
    generator and its average (`training.drawing`), the optimizers
    (`training.compiled`), the training loop (`training.fit`) and saving
    (`saving.model_file`). A subclass may override:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`. They take the
      discriminator's outputs, and are static methods unless they need an option;
    - `generator_outputs(real, fake, condition)`, which returns the arguments of
      `generator_loss`. Override it if this loss also needs the outputs on real
      examples, as in `gan.R3GAN`;
    - `discriminator_extra(real, fake, condition)` and `generator_extra(real, fake,
      condition)`, which add a term to an objective, as in `gan.WGAN_GP`;
    - `output_logs(real, fake)`, which computes further logs from the discriminator's
      outputs. Only logs that `log_names` lists are kept;
    - `judge_both(real, fake)`, instead of `discriminator_extra`, if one pass through
      the discriminator can compute both the outputs and the extra term, which saves
      time, as in `gan.R3GAN`;
    - `after_discriminator_update()`, which constrains the discriminator's weights;
    - `generator_batches`: how many batches of fakes each generator update uses;
    - `outputs`: how many numbers the discriminator outputs for each example, `None` for
      any number;
    - `targets`: the smallest and the largest output that the losses push towards. They
      are −inf and inf if there is no bound; `None` means that they are unknown. The
      constructor warns if the discriminator cannot reach them. A subclass that
      overrides `discriminator_loss` does not inherit `targets` and `loss_panel`;
    - `loss_panel`: the title and the sign with which `callbacks.Losses` plots the
      discriminator's loss;
    - `penalises_slopes`: `False` if `discriminator_extra` does not penalise gradients.
      `gan.diagnose` reads it;
    - `count_classes`, `fakes_for_training` and `judge`, if the networks handle classes
      in another way, as in `gan.AC_GAN`.

    `gan.testing.check_model` checks your subclass. Decorate the subclass with
    `keras.saving.register_keras_serializable`, so that its files can be loaded without
    `custom_objects`.

    A model is conditional if its networks take a condition, usually as second input.
    `real_examples` is then a pair `(examples, conditions)`. In training, the fakes get
    the conditions of the real examples. The methods above receive them as `condition`,
    which is `None` for other networks. A condition is one of three things:

    - labels: the generator takes `[latents, labels]`, the discriminator `[examples,
      labels]`. The number of classes is the `input_dim` of the networks' first
      `Embedding`. `gan.residual_GenDiscr(classes=)` makes such networks;
    - vectors: the second input is `keras.Input((d,))`, for several labels at once,
      numbers such as an age, or the words of a caption (`words=`). `real_examples` is a
      pair `(examples, vectors (N, d))` or `(examples, captions)`.
      `gan.residual_GenDiscr(condition=d)` makes such networks;
    - pictures: the generator takes `[latents, pictures]`, or pictures alone with
      `latent_generator=None`, and the discriminator `[examples, pictures]`, as in
      `gan.TranslationGAN`.

    To add an option, write a class attribute `weight = gan.errors.Option(check)`.
    Assign its value before `super().__init__`, so that it is checked before anything is
    changed. It is saved with the model. A later change takes effect at the next `fit`.

    Example:

    ```python
    @keras.saving.register_keras_serializable(package="mine")
    class SquareGAN(gan.AdversarialModel):
        log_names = (*gan.AdversarialModel.log_names, "brightness")
        weight = gan.errors.Option(gan.errors.expect_number)

        def __init__(self, *args, weight=1.0, **options):
            self.weight = weight
            super().__init__(*args, **options)

        discriminator_loss = staticmethod(gan.losses.least_squares_discriminator)
        generator_loss = staticmethod(gan.losses.least_squares_generator)

        def generator_extra(self, real, fake, condition):
            gap = tf.square(tf.reduce_mean(real) - tf.reduce_mean(fake))
            return self.weight * gap, {"brightness": gap}

    gan.testing.check_model(SquareGAN)
    ```

    Args:
        generator: `keras.Model`, float32 latents `(batch, latent_dim)` -> float32
            examples `(batch, …)`.
        discriminator: `keras.Model`, float32 examples `(batch, …)` -> `(batch, 1)`.
            Weight regularisers (`kernel_regularizer=`) of either network are added to
            its objective, but not to the logged loss.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`, drawn with
            TensorFlow. A callable that draws with NumPy works too, with a warning: it
            is slower, and its draws are not part of the model's random state. `None`
            for a generator that takes no latents.
        real_examples: array, tensor or pandas DataFrame `(N, …)` of the discriminator's
            input shape (a missing last axis of size 1 is added). Floats and integers
            are converted to float32; uint8 arrays are taken for pictures, whose values
            0 to 255 are scaled to `pixel_range`. Or a `tf.data.Dataset` of batches of
            examples. `None` if the examples are given to `fit` later.
        batch_size: int, number of examples in each sample, over all replicas of a
            `tf.distribute` strategy. If it is not given, a Dataset's own batch size is
            used.
        disc_iter: int, discriminator updates in each step.
        learning_rate: float, learning rate of both Adam optimizers. Setting it later
            changes `generator.optimizer` and `discriminator.optimizer`.
        beta_1: float in [0, 1), Adam's decay of the first moment.
        beta_2: float in [0, 1), Adam's decay of the second moment.
        ema: float in (0, 1), such as 0.995, decay of an exponential moving average of
            all generator weights, including batch-normalisation statistics; `None`
            keeps no average. With an average, `get_fake_sample()` draws from
            `averaged_generator`, whose pictures are usually better. After t generator
            updates the decay is at most (1 + t)/(10 + t), so that the average soon
            forgets the initial weights.
        batch_statistics: bool, whether the generator runs in training mode during
            training, so that batch normalisation uses the statistics of each batch.
            `False` runs it in inference mode, as when it draws pictures later: batch
            normalisation uses its moving statistics, which stay as they are, and
            dropout is off.
        augment: a differentiable `keras.layers.Layer` that changes examples at random,
            such as `gan.DiffAugment()` or `keras.layers.RandomFlip("horizontal")`. In
            each update, real and fake examples pass through it before the
            discriminator, which helps when there are few examples (Zhao et al. 2020).
            `None` for no augmentation.
        pixel_range: pair of floats, such as (−1, 1), the values of black and white if
            the examples are pictures. The bytes 0 and 255 are scaled to these values,
            and every function that draws the model's pictures uses them. `None` infers
            the range from the first real examples ((0, 1) for bytes) and keeps it.
        class_names: list of str, names of the classes, or `None`.
        words: `gan.conditions.Words`, which turns captions into vectors, so that
            captions can be given wherever a condition is asked for; `None` without
            captions.
        mismatch: float in [0, 1), weight m of a further term in the discriminator's
            loss, (1 − m) · loss + m · term. In this term, real examples with the
            condition of another example of the batch count as fakes, so that the
            discriminator learns to use the condition (Reed et al. 2016, with m = 0.5).
            Use it if two examples seldom have the same condition.
        usual_conditions: list of condition vectors, d floats each. Fakes are drawn with
            them if no condition is given and the real examples are missing or a
            Dataset. `None` takes those of the first 64 real examples.
        generator_optimizer: `keras.optimizers.Optimizer` of the generator, or `None`
            for Adam.
        discriminator_optimizer: `keras.optimizers.Optimizer` of the discriminator, or
            `None` for Adam.
        seed: int, or `None` to take one from Python's `random`.
        name: str, the model's name, or `None`.

    Raises:
        InvalidInput: if an argument is invalid, or the shapes do not match.

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, Algorithm 1.
    """

    log_names: tuple[str, ...] = ("discr_loss", "gen_loss")
    outputs: int | None = 1
    # Number of batches of fakes in each update of the generator.
    generator_batches = 1
    targets: tuple[float, float] | None = None
    loss_panel: tuple[str, int] = ("discriminator loss", 1)

    batch_size: Option = Option(expect_positive_int)
    disc_iter: Option = Option(expect_positive_int)
    beta_1: Option = Option(expect_decay, fixed=True)
    beta_2: Option = Option(expect_decay, fixed=True)
    ema: Option = Option(expect_average, fixed=True)
    batch_statistics: Option = Option(functools.partial(expect_choice, (True, False)))
    pixel_range: Option = Option(expect_pixel_range)
    class_names: Option = Option(expect_names)
    mismatch: Option = Option(functools.partial(expect_number, 0, math.nextafter(1, 0)))
    usual_conditions: Option = Option(expect_conditions)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        show_parameters(cls, AdversarialModel)
        expect_hooks(cls, "discriminator_extra", "generator_extra", "generator_outputs")
        if "discriminator_loss" in vars(cls):
            # Another loss pushes towards other outputs, and is plotted in another way.
            for name in ("targets", "loss_panel"):
                if name not in vars(cls):
                    setattr(cls, name, getattr(AdversarialModel, name))

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Callable[[int], tf.Tensor] | None,
        real_examples: Any = None,
        batch_size: int = Unsaid(200),
        disc_iter: int = 2,
        learning_rate: float = 0.005,
        *,
        beta_1: float = 0.5,
        beta_2: float = 0.9,
        ema: float | None = None,
        batch_statistics: bool = True,
        augment: keras.layers.Layer | None = None,
        pixel_range: tuple[float, float] | None = None,
        class_names: list[str] | None = None,
        words: Words | None = None,
        mismatch: float = 0.0,
        usual_conditions: list[list[float]] | None = None,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        self._expect_networks(generator, discriminator)
        # Unless optimizers are given, use those with which the networks were compiled.
        if generator_optimizer is None:
            generator_optimizer = brought(generator)
        if discriminator_optimizer is None:
            discriminator_optimizer = brought(discriminator)
        expect_optimizers(
            generator_optimizer=(generator_optimizer, generator),
            discriminator_optimizer=(discriminator_optimizer, discriminator),
        )
        expect_augment(augment, generator)
        warn_of_bounds(discriminator, self.targets, type(self).__name__)
        super().__init__(name=name)
        self.batch_size, self.disc_iter = batch_size, disc_iter
        self.learning_rate, self.beta_1, self.beta_2 = learning_rate, beta_1, beta_2
        self.ema, self.batch_statistics = ema, batch_statistics
        self.stream: Stream = Stream(seed)
        self._note_inputs(generator, discriminator)
        latents = self._checked_latents(latent_generator, generator)
        strategy = tf.distribute.get_strategy()
        distribute.expect_shares(strategy, batch_size)
        distribute.expect_parts(
            strategy, generator=generator, discriminator=discriminator
        )
        self.generator: keras.Model = generator
        self.discriminator: keras.Model = discriminator
        expect_words(words, self.condition_shape)
        self.words: Words | None = words
        self.mismatch, self.usual_conditions = mismatch, usual_conditions
        require(
            not mismatch or takes_condition(discriminator),
            "The argument mismatch must be 0 for a discriminator that takes no "
            "condition.",
            "mismatch",
        )
        self.class_names, self.pixel_range = class_names, pixel_range
        if pixel_range is not None:
            self.pixel_range = tuple(map(float, pixel_range))
        said = f"The argument class_names must name {self.classes or 'no'} classes, as "
        said += f"many as the networks know, but it is {shown(class_names)}."
        named = class_names is None or len(class_names) == self.classes
        require(named, said, "class_names")
        self._examples = None
        self.real_examples = real_examples
        self._augment = augment
        self._latent_generator, self.draws_repeat = latents
        self.averaged_generator: keras.Model | None = self._make_average()
        self._make_players(
            learning_rate,
            self.generator_loss,
            self.discriminator_loss,
            (generator_optimizer, discriminator_optimizer),
        )
        self.compile()
        # fit never calls the model itself, so Keras would consider it unbuilt.
        self.built = True

    @staticmethod
    def discriminator_loss(real: Any, fake: Any) -> tf.Tensor:
        """Loss of the discriminator; takes its outputs, float tensors `(batch, 1)`."""
        raise NotImplementedError("A class must define discriminator_loss(real, fake).")

    @staticmethod
    def generator_loss(fake: Any) -> tf.Tensor:
        """Loss of the generator; takes D(fake), a float tensor `(batch, 1)`."""
        raise NotImplementedError("A class must define generator_loss(fake).")

    # The step is plain Python. AutoGraph would rewrite it slowly, without any effect.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, useless_argument: Any = None) -> dict[str, tf.Tensor]:
        """One step of the game: Algorithm 1 of Goodfellow et al. 2014.

        The step repeats `disc_iter` times: draw real examples, draw fakes, update the
        discriminator. Then it draws fakes and updates the generator.

        Args:
            useless_argument: if `real_examples` is a Dataset, float tensor
                `(batch_size, …)`, a batch of real examples, or a list with one batch
                for each discriminator update. It is ignored if `real_examples` is an
                array, because the step draws from the array itself. A subclass that
                overrides `train_step` always receives batches.

        Returns:
            Dict of float scalar tensors, one for each name in `log_names`. The
            discriminator's values are those of its last update in this step.
        """
        logs = {}
        for iteration in range(self.disc_iter):
            real = self._next_real(useless_argument, iteration)
            fake = self.fakes_for_training(real.condition)
            logs |= self.update_discriminator(real, fake)
        logs |= self.update_generator(real)
        return {name: logs[name] for name in self.log_names if name in logs}

    # `fit` compares the two to find out whether a subclass overrides train_step.
    game_step = train_step

    def update_discriminator(self, real: Sample, fake: Sample) -> dict[str, tf.Tensor]:
        """Update the discriminator once from two samples; return its logs."""
        player = self._discriminator_player
        with tf.GradientTape() as tape:
            outputs, extra, logs = self.judge_both(real, fake)
            loss = player(*outputs)
            if self.mismatch:
                wrong = tf.roll(real.condition, 1, axis=0)
                wrong = player(outputs[0], self.judge(real.examples, wrong))
                loss = (1.0 - self.mismatch) * loss + self.mismatch * wrong
            objective = player.objective(loss + extra)
        player.descend(tape, objective)
        self.after_discriminator_update()
        return {"discr_loss": loss, **logs, **self.output_logs(*outputs)}

    def update_generator(self, real: Sample = NOTHING) -> dict[str, tf.Tensor]:
        """Update the generator once from a fresh fake sample; return its logs.

        Args:
            real: `Sample`, the last real sample. The fakes get its condition.
        """
        player = self._generator_player
        with tf.GradientTape() as tape:
            fake = self.fakes_for_training(real.condition, self.generator_batches)
            given = (real.examples, fake.examples, fake.condition)
            loss = player(*self.generator_outputs(*given))
            extra, logs = self.generator_extra(*given)
            objective = player.objective(loss + extra)
        player.descend(tape, objective)
        if self.averaged_generator is not None:
            self._update_average(player.optimizer.iterations)
        return {"gen_loss": loss, **logs}

    def generator_outputs(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[Any, ...]:
        """The arguments of `generator_loss`: the discriminator's outputs on fakes."""
        return (self.judge(fake, condition),)

    def judge(self, examples: Any, condition: Any = None, training: bool = True) -> Any:
        """The discriminator's outputs on examples, from which the losses are computed.

        Args:
            examples: float tensor `(batch, …)`.
            condition: `None`, or the condition of each example: int labels `(batch,)`,
                float vectors `(batch, d)` or pictures `(batch, h, w, c)`.
            training: bool, whether to run in training mode, with augmentation.

        Returns:
            Float tensor `(batch, outputs)`.
        """
        if training:
            examples = self.augmented(examples)
        given = examples if condition is None else [examples, condition]
        return self.discriminator(given, training=training)

    def augmented(self, examples: tf.Tensor) -> tf.Tensor:
        """Apply the augmentation, if any, to examples, a float tensor `(batch, …)`."""
        if self.augment is None:
            return examples
        # A layer that works in another range has a `pixel_range` attribute.
        mine = self.pixel_range or (0.0, 1.0)
        scale = getattr(self.augment, "pixel_range", mine)
        with self.stream.sampling():
            changed = self.augment(rescale(examples, mine, scale), training=True)
        return rescale(changed, scale, mine)

    def output_logs(self, real: Any, fake: Any) -> dict[str, tf.Tensor]:
        """Further logs computed from the discriminator's outputs: a dict of scalars."""
        return {}

    def judge_both(
        self, real: Sample, fake: Sample
    ) -> tuple[tuple[Any, Any], tf.Tensor | float, dict[str, tf.Tensor]]:
        """Compute what a discriminator update needs from a real and a fake sample.

        Args:
            real: `Sample` of real examples and their condition.
            fake: `Sample` of fake examples and their condition.

        Returns:
            Tuple `(outputs, term, logs)`: the pair of the discriminator's outputs on
            the real and the fake sample, then the two results of `discriminator_extra`.
        """
        outputs = self.judge(*real), self.judge(*fake)
        return outputs, *self.discriminator_extra(
            real.examples, fake.examples, real.condition
        )

    def discriminator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor | float, dict[str, tf.Tensor]]:
        """Further terms of the discriminator's objective.

        Args:
            real: float32 tensor `(batch_size, …)`, real examples before augmentation;
                `self.judge(real, condition)` augments them.
            fake: float32 tensor of the same shape, fake examples before augmentation.
            condition: `None`, or int32 labels `(batch_size,)` or float32 vectors or
                pictures `(batch_size, …)`, the condition of the real examples. The
                fakes have the same one, except in classes that draw others, such as
                `gan.AC_GAN`.

        Returns:
            Tuple `(term, logs)`: a float scalar tensor (or 0.0) that is added to the
            objective but not to the logged `discr_loss`, and a dict of float scalar
            tensors. Only those in `log_names` are logged.
        """
        return 0.0, {}

    def generator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor | float, dict[str, tf.Tensor]]:
        """Further terms of the generator's objective, such as a distance to `real`.

        Args:
            real: float32 tensor `(batch_size, …)`, the step's last real examples.
            fake: float32 tensor `(generator_batches * batch_size, …)`, fresh fakes,
                through which the gradient reaches the generator.
            condition: `None`, or int32 or float32 tensor `(generator_batches *
                batch_size, …)`, the condition of the fakes.

        Returns:
            Tuple `(term, logs)`, as `discriminator_extra` returns it.
        """
        return 0.0, {}

    def after_discriminator_update(self) -> None:
        """Constrain the discriminator's weights after each of its updates."""

    @staticmethod
    def count_classes(generator: keras.Model, discriminator: keras.Model) -> int | None:
        """Number of classes of the networks, or `None` if they take no labels."""
        return count_classes(generator)

    def _expect_networks(self, generator, discriminator):
        expect_networks(generator, discriminator, self.outputs)

    def _note_inputs(self, generator, discriminator):
        """Record which inputs the networks take besides examples."""
        networks = generator, discriminator
        self.classes: int | None = self.count_classes(*networks)
        # `()` for a label, `(d,)` for a vector, `(h, w, c)` for a picture, or `None`.
        self.condition_shape: tuple[int, ...] | None = (
            () if self.classes else condition_shape(discriminator)
        )
        self.has_latents: bool = takes_latents(*networks)

    @property
    def penalises_slopes(self) -> bool:
        """Whether the discriminator's objective includes a penalty on its gradients.

        It is `True` for every class that overrides `discriminator_extra`.
        """
        return (
            type(self).discriminator_extra is not AdversarialModel.discriminator_extra
        )

    @property
    def augment(self) -> keras.layers.Layer | None:
        """The augmentation layer, or `None`. A new layer is checked when it is set."""
        return self._augment

    @augment.setter
    def augment(self, value: keras.layers.Layer | None) -> None:
        expect_augment(value, self.generator)
        self._augment = value

    def as_sample(self, drawn: Any) -> Sample:
        """Make a `Sample` of what get_real_sample or get_fake_sample returns."""
        return Sample(drawn) if self.condition_shape is None else Sample(*drawn)

    def _next_real(self, batches, iteration):
        """The real sample of an update: a random draw, or a batch of a Dataset."""
        if self.examples is None or not self.examples.streams:
            return self.as_sample(self.get_real_sample())
        given = batches is not None
        require(
            given,
            "The argument useless_argument must hold real examples, because the data "
            "are a Dataset.",
            "useless_argument",
        )
        batch = batches[iteration] if isinstance(batches, list) else batches
        return self.examples.in_form(batch)

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """A sample of `batches` · `batch_size` fakes with the given condition."""
        size, training = batches * self._count(None), self.batch_statistics
        if condition is not None:
            times = [batches] + [1] * (condition.shape.rank - 1)
            condition = tf.tile(condition, times)
        given = {"averaged": False, "condition": condition}
        return self.as_sample(self.get_fake_sample(size, training, **given))
