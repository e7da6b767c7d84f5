"""The game: one `train_step` for every adversarial model."""

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
    does the rest. This file holds the game itself, from the draw to the update. The
    classes that it inherits from hold the real examples (`training.reals`), the
    generator and its average (`training.drawing`), the optimizers
    (`training.compiled`), the loop (`training.fit`) and the files
    (`saving.model_file`). A subclass may override:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`. They are given the
      discriminator's outputs, and are static unless they need an option;
    - `generator_outputs(real, fake, condition)`, which gives the arguments of
      `generator_loss`. Override it if this loss needs outputs on reals too, as in
      `gan.R3GAN`;
    - `discriminator_extra(real, fake, condition)` and `generator_extra(real, fake,
      condition)`, which add a term to an objective, as in `gan.WGAN_GP`;
    - `output_logs(real, fake)`, which gives further logs of the discriminator's
      outputs. Only logs that `log_names` lists are kept;
    - `judge_both(real, fake)`, instead of `discriminator_extra`, if its term can be had
      in the same pass through the discriminator, which saves time, as in `gan.R3GAN`;
    - `after_discriminator_update()`, which constrains the discriminator's weights;
    - `generator_batches`: how many batches of fakes an update of the generator sees;
    - `outputs`: how many numbers the discriminator gives for an example, `None` for
      any;
    - `targets`: the least and the greatest output that the losses push towards, ±inf if
      they have no bounds, `None` if nothing is known. The constructor warns of a
      discriminator that cannot reach them. A class with another `discriminator_loss`
      does not inherit `targets` and `loss_panel`;
    - `loss_panel`: title and sign of the discriminator's loss in `callbacks.Losses`;
    - `penalises_slopes`: `False` if `discriminator_extra` does not penalise slopes.
      `gan.diagnose` reads it;
    - `count_classes`, `fakes_for_training` and `judge`, if the networks know classes in
      another way, as in `gan.AC_GAN`.

    `gan.testing.check_model` checks such a class. Decorate it with
    `keras.saving.register_keras_serializable`, so that its files can be loaded without
    `custom_objects`.

    Networks that take labels make any model conditional: a generator of `[latents,
    labels]` and a discriminator of `[examples, labels]`, with `real_examples` a pair
    `(examples, labels)`. In training the fakes have the labels of the reals; they are
    the `condition` that the hooks are given, which is `None` for other networks. How
    many classes there are is the `input_dim` of the networks' first `Embedding`.
    `gan.residual_GenDiscr(classes=)` makes such networks. Networks whose second input
    is `keras.Input((d,))` take a vector of numbers instead: several labels at once,
    numbers such as an age, the words of a caption (`words=`). Then `real_examples` is a
    pair `(examples, vectors (N, d))`, or of examples and captions, and
    `gan.residual_GenDiscr(condition=d)` makes the networks. Pictures go to both
    networks likewise: a generator of `[latents, pictures]`, or of pictures alone with
    `latent_generator=None`, a discriminator of `[examples, pictures]`, and
    `real_examples` a pair `(examples, pictures)`, as in `gan.TranslationGAN`.

    An option of your own is an attribute `weight = gan.errors.Option(check)`. Assign it
    before `super().__init__`, so that it is checked before the networks are touched. It
    is saved with the model, and a later change acts from the next `fit` on.

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
        generator: `keras.Model`, latents `(batch, latent_dim)` -> examples.
        discriminator: `keras.Model`, examples -> `(batch, 1)`. The weight regularisers
            of both networks' layers (`kernel_regularizer=`) are added to their
            objectives, not to the logged losses.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`, drawn
            with TensorFlow. One that draws with NumPy works too, with a warning: it is
            slower, and its draws are not part of the model's random state.
        real_examples: array, tensor or pandas DataFrame `(N, …)` of the discriminator's
            input shape (a missing last axis of size 1 is added); float32, float64 or
            integers are used as float32, uint8 is read as pictures and brought to
            `pixel_range` as it is drawn; or a `tf.data.Dataset` of batches of examples;
            or `None`, to be given to `fit`.
        batch_size: int, examples in each sample; under a `tf.distribute` strategy
            those of all replicas together. A Dataset's batches say it where it is not
            given.
        disc_iter: int, discriminator updates in each step.
        learning_rate: float, of both Adam optimizers. Setting it later sets that of
            `generator.optimizer` and `discriminator.optimizer`.
        beta_1: float in [0, 1), Adam's decay of the first moment.
        beta_2: float in [0, 1), Adam's decay of the second moment.
        ema: decay of an exponential moving average of all generator weights,
            batch-normalisation statistics included, such as 0.995; `None` keeps none.
            With an average, `get_fake_sample()` draws from `averaged_generator`, whose
            pictures are usually better. The decay ramps up as (1 + t)/(10 + t), t the
            generator's updates, so that the average soon forgets the initial weights.
        batch_statistics: bool, whether the generator is trained in training mode, in
            which batch normalisation divides by each batch's statistics. `False`: in
            inference mode, as it draws pictures later; batch normalisation then only
            scales and shifts each example by its own weights and its moving
            statistics, which stay as they are, and dropout is off.
        augment: `keras.layers.Layer`, differentiable, that changes examples at random,
            such as `gan.DiffAugment()` or `keras.layers.RandomFlip("horizontal")`;
            real and fake examples go through it before the discriminator in each
            update, so that few examples last longer (Zhao et al. 2020). `None`: none.
        pixel_range: pair of floats, the numbers that mean black and white where the
            examples are pictures, such as (−1, 1). The bytes 0 and 255 become these
            numbers, and all that draws the model's pictures goes by them. `None`: found
            by looking at the first real examples, (0, 1) for bytes, and then kept.
        class_names: list of str, what the classes are called, or `None`.
        words: `gan.conditions.Words`, which makes vectors of captions, so that real
            examples and drawings are given captions; `None`: none.
        mismatch: float in [0, 1), share of the discriminator's loss that is taken on
            real examples with the condition of the next one in the batch as fakes, so
            that it learns to look at the condition (Reed et al. 2016, who take .5); it
            serves where two examples seldom have the same condition.
        usual_conditions: list of vectors that are drawn with where none are asked for
            and there are no data; `None`: those of the first 64 real examples.
        generator_optimizer: `keras.optimizers.Optimizer`, or `None` for Adam.
        discriminator_optimizer: the same, for the discriminator.
        seed: int, or `None` to take one from Python's `random`.
        name: str, the model's name, or `None`.

    Raises:
        InvalidInput: if an argument is not of that form, or shapes do not fit.

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, Algorithm 1.
    """

    log_names: tuple[str, ...] = ("discr_loss", "gen_loss")
    outputs: int | None = 1
    # Of latents, in an update of the generator.
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
            # Another loss seeks other outputs, and is drawn in another way.
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
        # Those that the user compiled the networks with, unless others are given.
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
        # fit never calls the model itself, so Keras would take it for not built.
        self.built = True

    @staticmethod
    def discriminator_loss(real: Any, fake: Any) -> tf.Tensor:
        """Loss of the discriminator from its outputs `(batch, 1)`; a subclass's."""
        raise NotImplementedError("a model has a discriminator_loss(real, fake)")

    @staticmethod
    def generator_loss(fake: Any) -> tf.Tensor:
        """Loss of the generator from D(fake) `(batch, 1)`; a subclass's."""
        raise NotImplementedError("a model has a generator_loss(fake)")

    # Plain Python throughout: AutoGraph would only rewrite it, and slowly.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, useless_argument: Any = None) -> dict[str, tf.Tensor]:
        """One step of the game: Algorithm 1 of Goodfellow et al. 2014.

        `disc_iter` times: draw real examples, draw fakes, update the discriminator.
        Then draw fakes and update the generator.

        Args:
            useless_argument: ignored when `real_examples` is an array, from which the
                step draws. When `real_examples` is a Dataset: a real batch
                `(batch_size, …)`, or a list with one for each discriminator update. To
                a subclass that overrides `train_step`, `fit` always gives such batches,
                of arrays as well.

        Returns:
            Dict of float scalar tensors by `log_names`: this step's values, those
            of the discriminator from its last update.
        """
        logs = {}
        for iteration in range(self.disc_iter):
            real = self._next_real(useless_argument, iteration)
            fake = self.fakes_for_training(real.condition)
            logs |= self.update_discriminator(real, fake)
        logs |= self.update_generator(real)
        return {name: logs[name] for name in self.log_names if name in logs}

    # `fit` sees by it whether a subclass overrides train_step.
    game_step = train_step

    def update_discriminator(self, real: Sample, fake: Sample) -> dict[str, tf.Tensor]:
        """Update the discriminator once, from a real and a fake sample; its logs."""
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
        """Update the generator once, from a fresh fake sample; its logs.

        Args:
            real: the last real sample, whose condition the fakes get.
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
        """What `generator_loss` is given: the discriminator's outputs on fakes."""
        return (self.judge(fake, condition),)

    def judge(self, examples: Any, condition: Any = None, training: bool = True) -> Any:
        """The discriminator's outputs on examples, which the losses are given.

        Args:
            examples: float tensor `(batch, …)`.
            condition: `None`, or what goes with the examples: int labels `(batch,)`,
                float vectors `(batch, d)` or pictures `(batch, h, w, c)`.
            training: bool, whether it is in training mode, augmentation included.

        Returns:
            Float tensor `(batch, outputs)`.
        """
        if training:
            examples = self.augmented(examples)
        given = examples if condition is None else [examples, condition]
        return self.discriminator(given, training=training)

    def augmented(self, examples: tf.Tensor) -> tf.Tensor:
        """Examples `(batch, …)` as the discriminator sees them in an update."""
        if self.augment is None:
            return examples
        # A layer may have a `pixel_range` of its own, in which it works.
        mine = self.pixel_range or (0.0, 1.0)
        scale = getattr(self.augment, "pixel_range", mine)
        with self.stream.sampling():
            changed = self.augment(rescale(examples, mine, scale), training=True)
        return rescale(changed, scale, mine)

    def output_logs(self, real: Any, fake: Any) -> dict[str, tf.Tensor]:
        """Further logs of the outputs that the losses are given: dict of scalars."""
        return {}

    def judge_both(
        self, real: Sample, fake: Sample
    ) -> tuple[tuple[Any, Any], tf.Tensor | float, dict[str, tf.Tensor]]:
        """Judge a real and a fake sample for an update of the discriminator.

        Args:
            real: the real sample, its examples and its condition.
            fake: the fake sample.

        Returns:
            Tuple `(outputs, term, logs)`: the pair of the discriminator's outputs on
            both, and what `discriminator_extra` gives.
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
            real: float32 tensor `(batch_size, …)`, real examples, before augmentation;
                `self.judge(real, condition)` augments them.
            fake: float32 tensor of the same shape, fake examples, likewise.
            condition: `None`, or int32 tensor `(batch_size,)` or float32 tensor
                `(batch_size, …)`, the labels or vectors of the reals and, unless the
                class draws others as `gan.AC_GAN` does, of the fakes.

        Returns:
            Tuple `(term, logs)`: a scalar tensor (or 0.0) that is added to the
            objective but not to the logged `discr_loss`, and a dict of scalars, of
            which those in `log_names` are logged.
        """
        return 0.0, {}

    def generator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor | float, dict[str, tf.Tensor]]:
        """Further terms of the generator's objective, such as a distance to `real`.

        Args:
            real: float32 tensor `(batch_size, …)`, the step's last real examples.
            fake: float32 tensor `(generator_batches * batch_size, …)`, fresh fakes,
                which the gradient goes through.
            condition: `None`, or int32 or float32 tensor, the labels or vectors of the
                fakes.

        Returns:
            Tuple `(term, logs)` as of `discriminator_extra`.
        """
        return 0.0, {}

    def after_discriminator_update(self) -> None:
        """Constrain the discriminator's weights after each of its updates."""

    @staticmethod
    def count_classes(generator: keras.Model, discriminator: keras.Model) -> int | None:
        """Number of classes that the networks know, or `None` without labels."""
        return count_classes(generator)

    def _expect_networks(self, generator, discriminator):
        expect_networks(generator, discriminator, self.outputs)

    def _note_inputs(self, generator, discriminator):
        """Note what the networks take beside examples."""
        networks = generator, discriminator
        self.classes: int | None = self.count_classes(*networks)
        # A label, `()`, a vector `(d,)` or a picture; `None` where there is none.
        self.condition_shape: tuple[int, ...] | None = (
            () if self.classes else condition_shape(discriminator)
        )
        self.has_latents: bool = takes_latents(*networks)

    @property
    def penalises_slopes(self) -> bool:
        """Whether the discriminator's objective holds a penalty of its slopes.

        A class that overrides `discriminator_extra` is taken for one that does.
        """
        return (
            type(self).discriminator_extra is not AdversarialModel.discriminator_extra
        )

    @property
    def augment(self) -> keras.layers.Layer | None:
        """The layer that changes examples; another one is checked likewise."""
        return self._augment

    @augment.setter
    def augment(self, value: keras.layers.Layer | None) -> None:
        expect_augment(value, self.generator)
        self._augment = value

    def as_sample(self, drawn: Any) -> Sample:
        """What get_real_sample and get_fake_sample give, as one sample."""
        return Sample(drawn) if self.condition_shape is None else Sample(*drawn)

    def _next_real(self, batches, iteration):
        """The real sample of an update: drawn, or the next batch of a Dataset."""
        if self.examples is None or not self.examples.streams:
            return self.as_sample(self.get_real_sample())
        given = batches is not None
        require(
            given,
            ("The argument batches is missing: the data are a Dataset."),
            "batches",
        )
        batch = batches[iteration] if isinstance(batches, list) else batches
        return self.examples.in_form(batch)

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """One sample of `batches` · `batch_size` fakes, with the condition given."""
        size, training = batches * self._count(None), self.batch_statistics
        if condition is not None:
            times = [batches] + [1] * (condition.shape.rank - 1)
            condition = tf.tile(condition, times)
        given = {"averaged": False, "condition": condition}
        return self.as_sample(self.get_fake_sample(size, training, **given))
