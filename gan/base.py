"""The game: one `train_step` for every adversarial model."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypedDict

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.data.examples import (
    NOTHING,
    Examples,
    Sample,
    as_examples,
    as_labels,
    find_pixel_range,
    rescale,
)
from gan.errors import (
    Option,
    StrPath,
    Unsaid,
    expect,
    expect_choice,
    expect_number,
    expect_positive_int,
    require,
    shown,
)
from gan.latent import Stream, distinct_rows
from gan.saving.model_file import WholeModel
from gan.training.adam import Adam
from gan.training.fit import GraphFit
from gan.training.layers import accelerate
from gan.training.player import (
    Player,
    brought,
    count_classes,
    expect_augment,
    expect_latents,
    expect_networks,
    expect_optimizers,
    is_picture,
    latent_shape,
    warn_of_bounds,
    warn_of_range,
)

_BACKEND = keras.backend.backend()
expected = "KERAS_BACKEND=tensorflow, set before Keras is imported"
expect(_BACKEND == "tensorflow", expected, backend=_BACKEND)


class Options(TypedDict, total=False):
    """Further options of every model, see `gan.AdversarialModel`."""

    beta_2: float
    ema: float | None
    batch_statistics: bool
    augment: keras.layers.Layer | None
    pixel_range: tuple[float, float] | None
    class_names: list[str] | None
    generator_optimizer: keras.optimizers.Optimizer | None
    discriminator_optimizer: keras.optimizers.Optimizer | None
    seed: int | None
    name: str


_DECAY = functools.partial(expect_number, 0, math.nextafter(1, 0))


def _expect_average(ema: float | None) -> None:
    if ema is not None:
        expect_number(0, ema=ema)
        expect(0 < ema < 1, "ema to be None or between 0 and 1", ema=ema)


def _expect_pixel_range(pixel_range: tuple[float, float] | None) -> None:
    if pixel_range is None:
        return
    pair = isinstance(pixel_range, (tuple, list)) and len(pixel_range) == 2
    pair = pair and all(isinstance(x, (int, float)) for x in pixel_range)
    require(
        pair and all(map(math.isfinite, pixel_range)) and len({*pixel_range}) == 2,
        "The argument pixel_range must be None or two different numbers, those of "
        f"black and of white, such as (-1, 1), but it is {shown(pixel_range)}.",
        "pixel_range",
    )


def _expect_names(class_names: list[str] | None) -> None:
    names = class_names is None or isinstance(class_names, (tuple, list))
    require(
        names and all(isinstance(name, str) for name in class_names or []),
        "The argument class_names must be None or a list of strings, but it is "
        f"{shown(class_names)}.",
        "class_names",
    )


def _show_parameters(cls):
    """Let `inspect.signature` and `help` show the options behind `**options`."""
    *own, last = [*inspect.signature(cls.__init__).parameters.values()][1:]
    if last.kind is last.VAR_KEYWORD:
        names = {parameter.name for parameter in own}
        base = inspect.signature(AdversarialModel.__init__).parameters.values()
        own += [p for p in base if p.kind is p.KEYWORD_ONLY and p.name not in names]
    else:
        own.append(last)
    cls.__signature__ = inspect.Signature(own)


def _takes_three(method):
    try:
        inspect.signature(method).bind(None, None, None, None)
    except TypeError:
        return False
    return True


class AdversarialModel(GraphFit, WholeModel):
    """A generator and a discriminator, trained against each other.

    The base owns the game: draws, alternation, updates, logs, saving. To define a new
    kind of GAN, subclass it and write its two losses; the base does the rest. What may
    be overridden:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`, functions of the
      discriminator's outputs, static unless they need an option;
    - `generator_outputs(real, fake, condition)`: the outputs that `generator_loss` is
      given, where it sees those on reals too, as in `gan.R3GAN`;
    - `output_logs(real, fake)`: further logs of these outputs, whose names are in
      `log_names`;
    - `discriminator_extra(real, fake, condition)` and `generator_extra(real, fake,
      condition)`: a further term of the objective of either, with the names of its
      logs in `log_names`;
    - `judge_both(real, fake)`: the outputs and that term of the discriminator together,
      where both come of one pass through it, as in `gan.R3GAN`;
    - `after_discriminator_update()`: a constraint on the discriminator;
    - `outputs`: how many numbers the discriminator gives of an example, `None` for any;
    - `targets`: the least and greatest output that the losses seek, infinite for those
      made for any; the constructor warns of a discriminator that cannot give them.
      `None`: none in particular;
    - `loss_panel`: title and sign of the discriminator's loss in `callbacks.Losses`;
    - `penalises_slopes`, where `discriminator_extra` holds something else;
    - `count_classes`, `fakes_for_training` and `judge`, where the networks know classes
      in another way, as in `gan.AC_GAN`.

    Networks that take labels make any model conditional: a generator of `[latents,
    labels]` and a discriminator of `[examples, labels]`, with `real_examples` a pair
    `(examples, labels)`. In training the fakes have the labels of the reals; they are
    the `condition` that the hooks are given, which is `None` for other networks. How
    many classes there are is the `input_dim` of the networks' first `Embedding`.
    `gan.residual_GenDiscr(classes=)` makes such networks.

    An option of its own is a `gan.errors.Option`, so that it is checked, saved and
    acts when it is changed; set before `super().__init__`, a wrong one is refused
    before the networks are touched.

    Example:

    ```python
    class HingeGAN(AdversarialModel):
        @staticmethod
        def discriminator_loss(real, fake):
            return tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))

        generator_loss = staticmethod(gan.losses.wasserstein_generator)
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
            generator's updates, so that the first pictures are not the initial ones.
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
            examples are pictures, such as (−1, 1). Bytes are brought to this range, and
            all that draws the model's pictures goes by it. `None`: found by looking at
            the first real examples, (0, 1) for bytes.
        class_names: list of str, what the classes are called, or `None`.
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
    beta_1: Option = Option(_DECAY, fixed=True)
    beta_2: Option = Option(_DECAY, fixed=True)
    ema: Option = Option(_expect_average, fixed=True)
    batch_statistics: Option = Option(functools.partial(expect_choice, (True, False)))
    pixel_range: Option = Option(_expect_pixel_range)
    class_names: Option = Option(_expect_names)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _show_parameters(cls)
        for name in ("discriminator_extra", "generator_extra", "generator_outputs"):
            require(
                _takes_three(getattr(cls, name)),
                f"The method {name} of {cls.__name__} must take (self, real, fake, "
                "condition); until version 0.2.0 there was no condition, and real and "
                "fake were pairs where there were labels.",
                name,
            )
        if "discriminator_loss" in vars(cls):
            # What a class says of its losses need not hold for other ones.
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
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        expect_networks(generator, discriminator, self.outputs)
        # Those that the user compiled the networks with, unless others are given.
        own = brought(generator), brought(discriminator)
        if generator_optimizer is None:
            generator_optimizer = own[0]
        if discriminator_optimizer is None:
            discriminator_optimizer = own[1]
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
        latents = self._checked_latents(latent_generator, generator)
        strategy = tf.distribute.get_strategy()
        distribute.expect_shares(strategy, batch_size)
        distribute.expect_parts(
            strategy, generator=generator, discriminator=discriminator
        )
        self.generator: keras.Model = generator
        self.discriminator: keras.Model = discriminator
        self.classes: int | None = self.count_classes(generator, discriminator)
        _expect_names(class_names)
        named = class_names is None or len(class_names) == self.classes
        said = f"The argument class_names must name {self.classes or 'no'} classes, as "
        said += f"many as the networks know, but it is {shown(class_names)}."
        require(named, said, "class_names")
        self.class_names = class_names
        _expect_pixel_range(pixel_range)
        self.pixel_range = pixel_range and tuple(map(float, pixel_range))
        self._examples: Examples | None = None
        self.real_examples = real_examples
        self._augment = augment
        self._latent_generator = latents[0]
        self.draws_repeat: bool = latents[1]
        self.averaged_generator: keras.Model | None = None
        if ema is not None:
            self.averaged_generator = keras.models.clone_model(generator)
            self.averaged_generator.set_weights(generator.get_weights())
            self.averaged_generator.trainable = False
            # A clone of a network that the user compiled has one, which trains nothing.
            self.averaged_generator.optimizer = None
            accelerate(self.averaged_generator)
        accelerate(generator)
        accelerate(discriminator)
        adam = functools.partial(Adam, learning_rate, beta_1, beta_2)
        self._generator = Player(
            "generator",
            generator,
            self.generator_loss,
            generator_optimizer or adam(),
            own[0],
        )
        self._discriminator = Player(
            "discriminator",
            discriminator,
            self.discriminator_loss,
            discriminator_optimizer or adam(),
            own[1],
        )
        self._generator.own()
        self._discriminator.own()
        self.compile()
        # Keras calls a model built after its first call, for which fit does not wait.
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
        """One step of the game: Algorithm 1 of the papers.

        `disc_iter` times: draw real examples, draw fakes, update the discriminator.
        Then draw fakes and update the generator.

        Args:
            useless_argument: ignored when `real_examples` is an array. When it is a
                Dataset: a real batch `(batch_size, …)`, or a list with one for each
                discriminator update. A subclass's own `train_step` is given such
                batches in `fit` whatever the data are.

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

    # To tell a subclass's own train_step, to which `fit` hands real samples.
    game_step = train_step

    def update_discriminator(self, real: Sample, fake: Sample) -> dict[str, tf.Tensor]:
        """Update the discriminator once, from a real and a fake sample; its logs."""
        player = self._discriminator
        with tf.GradientTape() as tape:
            outputs, extra, logs = self.judge_both(real, fake)
            loss = player(*outputs)
            objective = player.objective(loss + extra)
        player.descend(tape, objective)
        self.after_discriminator_update()
        return {"discr_loss": loss, **logs, **self.output_logs(*outputs)}

    def update_generator(self, real: Sample = NOTHING) -> dict[str, tf.Tensor]:
        """Update the generator once, from a fresh fake sample; its logs.

        Args:
            real: the last real sample, whose condition the fakes get.
        """
        player = self._generator
        with tf.GradientTape() as tape:
            fake = self.fakes_for_training(real.condition, self.generator_batches)
            given = (real.examples, fake.examples, fake.condition)
            loss = player(*self.generator_outputs(*given))
            extra, logs = self.generator_extra(*given)
            objective = player.objective(loss + extra)
        player.descend(tape, objective)
        if self.averaged_generator is not None:
            self._update_average()
        return {"gen_loss": loss, **logs}

    def _update_average(self):
        updates = tf.cast(self._generator.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + updates) / (10.0 + updates))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, weight in pairs:
            average.assign_add((1.0 - decay) * (weight - average))

    def generator_outputs(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[Any, ...]:
        """What `generator_loss` is given: the discriminator's outputs on fakes."""
        return (self.judge(fake, condition),)

    def judge(self, examples: Any, condition: Any = None, training: bool = True) -> Any:
        """The discriminator's outputs on examples, which the losses are given.

        Args:
            examples: float tensor `(batch, …)`.
            condition: `None`, or the int labels `(batch,)` of the examples.
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
        # A layer may say on which scale of black and white it works.
        mine = self.pixel_range or (0.0, 1.0)
        scale = getattr(self.augment, "pixel_range", mine)
        with self.stream.feeds():
            changed = self.augment(rescale(examples, mine, scale), training=True)
        return rescale(changed, scale, mine)

    def output_logs(self, real: Any, fake: Any) -> dict[str, tf.Tensor]:
        """Further logs of the discriminator's outputs `(batch, 1)`: dict of scalars."""
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
            real: float32 tensor `(batch_size, …)`, real examples.
            fake: float32 tensor of the same shape, fake examples.
            condition: `None`, or int32 tensor `(batch_size,)`, the labels of both.

        Returns:
            Tuple `(term, logs)`: a scalar tensor (or 0.0) that is added to the
            objective but not to the logged `discr_loss`, and a dict of scalars.
        """
        return 0.0, {}

    def generator_extra(
        self, real: Any, fake: Any, condition: Any
    ) -> tuple[tf.Tensor | float, dict[str, tf.Tensor]]:
        """Further terms of the generator's objective, such as a distance to `real`.

        Args:
            real: float32 tensor `(batch_size, …)`, the step's last real examples.
            fake: float32 tensor, fresh fakes, which the gradient goes through.
            condition: `None`, or int32 tensor, the labels of the fakes.

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

    @property
    def examples(self) -> Examples | None:
        """The real examples, as what samples are drawn from."""
        if self._examples is not None and self.pixel_range is not None:
            self._examples.pixel_range = self.pixel_range
        return self._examples

    @property
    def penalises_slopes(self) -> bool:
        """Whether the discriminator's objective holds a penalty of its slopes."""
        return (
            type(self).discriminator_extra is not AdversarialModel.discriminator_extra
        )

    @property
    def real_examples(self) -> Any:
        """What the real samples are drawn from: tensor, memmap, Dataset or `None`."""
        return None if self._examples is None else self._examples.value

    @real_examples.setter
    def real_examples(self, value: Any) -> None:
        self.take_examples(self.as_examples(value, self.batch_size))

    def as_examples(
        self, value: Any, batch_size: int, name: str = "real_examples"
    ) -> Examples | None:
        """Check examples, see `gan.data.examples.as_examples`; nothing is changed."""
        shape = self.generator.output_shape[1:]
        examples = as_examples(value, shape, batch_size, self.classes, name)
        if examples is not None and examples.streams:
            require(
                isinstance(batch_size, Unsaid) or examples.fills(batch_size),
                f"The Dataset has batches of {examples.batch_size} examples, but "
                f"batch_size is {batch_size}: batch the Dataset so, or give "
                f"batch_size={examples.batch_size}.",
                "batch_size",
            )
        return examples

    def take_examples(self, examples: Examples | None) -> None:
        """Train on what `as_examples` gave."""
        if examples is None:
            self._examples = None
            return
        given = self.pixel_range
        if given is None and is_picture(self.generator.output_shape[1:]):
            self.pixel_range = find_pixel_range(examples.look())
        if examples.streams and isinstance(self.batch_size, Unsaid):
            self.batch_size = Unsaid(examples.batch_size)
        examples.pixel_range = self.pixel_range or examples.pixel_range
        if self._examples is None or not self._examples.equals(examples):
            warn_of_range(examples.look(), self.generator, given)
        # The traced graph draws from the same object: data of one form need one trace.
        if self._examples is None or not self._examples.refill(examples):
            self._examples = examples

    @property
    def latent_generator(self) -> Callable[[int], tf.Tensor] | None:
        """What draws the latents; another one is checked as the constructor's."""
        return self._latent_generator

    @latent_generator.setter
    def latent_generator(self, value: Callable[[int], tf.Tensor] | None) -> None:
        found = self._checked_latents(value, self.generator)
        self._latent_generator, self.draws_repeat = found

    def _checked_latents(self, latent_generator, generator):
        if latent_generator is None:
            return None, True
        with self.stream.feeds():
            return expect_latents(latent_generator, generator)

    @property
    def augment(self) -> keras.layers.Layer | None:
        """The layer that changes examples; another one is checked likewise."""
        return self._augment

    @augment.setter
    def augment(self, value: keras.layers.Layer | None) -> None:
        expect_augment(value, self.generator)
        self._augment = value

    def get_fake_sample(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
        labels: Any = None,
    ) -> Any:
        """Examples from the generator.

        Args:
            size: int, how many; `None` for one a label, or `batch_size`.
            training: bool, whether the generator runs in training mode.
            averaged: bool, whether the averaged generator draws them. `None`: it
                does where the model has one (`ema`) and `training` is `False`.
            labels: integers `(size,)` in [0, classes), the classes asked for, or one
                integer, the class of all; `None` draws them, each equally likely.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape; with classes a
            pair of it and the labels, int32 tensor `(size,)`.
        """
        if labels is not None:
            said = "The networks take no labels: leave the argument labels out."
            require(self.classes, said, "labels")
            if not tf.is_tensor(labels) and np.ndim(labels) == 0:
                labels = np.full(self._count(size), labels)
            labels = as_labels(labels, self.classes)
            count = labels.shape[0]
            size = count if size is None else size
            expect(count in (None, size), f"size={count}, as labels has", size=size)
        network, size = self._drawing(training, averaged), self._count(size)
        latents = self._latents(size)
        if self.classes and labels is None:
            seed, most = self.stream.next_seed(), self.classes
            labels = tf.random.stateless_uniform((size,), seed, 0, most, tf.int32)
        given = latents if labels is None else [latents, labels]
        with self.stream.feeds():
            return Sample(network(given, training=training), labels).public()

    def get_real_sample(self, size: int | None = None) -> Any:
        """Random distinct examples of `real_examples`.

        Args:
            size: int, how many, or `None` for `batch_size`.

        Returns:
            Float32 tensor `(size, …)` of the discriminator's input shape, with classes
            a pair of it and the labels. From a Dataset: its first examples.
        """
        size, examples = self._count(size), self.examples
        said = "The model has no real examples: set model.real_examples, or give fit x."
        require(examples is not None, said, "real_examples")
        if examples.streams:
            return examples.first(size).public()
        most = len(examples)
        expect(size <= most, f"size of at most N={most}", size=size)
        numbers = distinct_rows(most, size, self.stream.next_seed())
        return examples.draw(numbers).public()

    def _as_sample(self, drawn):
        """What get_real_sample and get_fake_sample give, as one sample."""
        return Sample(*drawn) if self.classes else Sample(drawn)

    def _next_real(self, batches, iteration):
        """The real sample of an update: drawn, or the next batch of a Dataset."""
        if self.examples is None or not self.examples.streams:
            return self._as_sample(self.get_real_sample())
        given = batches is not None
        require(given, "The data are a Dataset: give a real batch.", "batches")
        batch = batches[iteration] if isinstance(batches, list) else batches
        return self.examples.in_form(batch)

    def call(self, latents: Any, training: bool = False) -> tf.Tensor:
        """Fakes from latents `(batch, latent_dim)`, as `get_fake_sample` draws them."""
        return self._drawing(training, None)(latents, training=training)

    def evaluate(self, x: Any = None, **options: Any) -> dict[str, float]:
        """Judge fakes by the measures of `gan.metrics`.

        Args:
            x: array of real examples, of the form of the model's own, best such as
                were not trained on; `None` takes `real_examples`.
            **options: `names`, `count`, `seed` and `to_picture`, as of
                `gan.callbacks.Metrics`.

        Returns:
            Dict of floats by their names.
        """
        from gan.training.aside import Judge

        data = self.examples if x is None else self.as_examples(x, 1, "x")
        require(
            data is not None and not data.streams,
            "The argument x must be an array of real examples.",
            "x",
        )
        data.pixel_range = self.pixel_range or data.pixel_range
        # As the discriminator takes them, and so on the scale of the fakes.
        return Judge(data.first(len(data)).examples, **options)(self)

    def export(
        self, filepath: StrPath, format: str = "tf_saved_model", **options: Any
    ) -> None:
        """Write the (averaged) generator alone, to be used without this library.

        Args:
            filepath: str or `os.PathLike`, a file, or a folder for "tf_saved_model".
            format: "keras", a file of the generator that Keras loads, or a format of
                `keras.Model.export`: "tf_saved_model", "onnx" or "litert". As in the
                command `export`, "savedmodel" and "tflite" are names of the first and
                the last.
            **options: those of `keras.Model.export`, such as `verbose=False`.

        Raises:
            InvalidInput: before any work, if nothing can be written there or a package
                is missing.
        """
        from gan.saving.export import write_generator

        write_generator(self._drawing(False, None), filepath, format, **options)

    def _count(self, size):
        if size is None:
            return self.batch_size // distribute.replicas()
        expect_positive_int(size=size)
        return size

    def fakes_for_training(self, condition: Any = None, batches: int = 1) -> Sample:
        """Fakes for an update, `batches` samples of them, of the condition given."""
        size, training = batches * self._count(None), self.batch_statistics
        labels = None if condition is None else tf.tile(condition, [batches])
        drawn = self.get_fake_sample(size, training, averaged=False, labels=labels)
        return self._as_sample(drawn)

    def _drawing(self, training, averaged):
        if averaged is None:
            averaged = self.averaged_generator is not None and not training
        network = self.averaged_generator if averaged else self.generator
        expect(network is not None, "a model with ema=", averaged=averaged)
        return network

    def _latents(self, size):
        expected = "a latent generator: set model.latent_generator (the saved one "
        expected += "could not be stored)"
        given = self.latent_generator is not None
        expect(given, expected, latent_generator=self.latent_generator)
        with self.stream.feeds():
            return self.latent_generator(size)

    @property
    def learning_rate(self) -> float:
        """Learning rate that both optimizers were made with, or last set to."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        expect_number(0, learning_rate=value)
        if hasattr(self, "_discriminator"):
            self.optimizer.learning_rate = value
        self._learning_rate = float(value)

    @property
    def g_optimizer(self) -> keras.optimizers.Optimizer:
        """The generator's optimizer; `compile(g_optimizer=)` sets another one."""
        return self._generator.current()

    @property
    def d_optimizer(self) -> keras.optimizers.Optimizer:
        """The discriminator's; `compile(d_optimizer=)` sets another one."""
        return self._discriminator.current()

    @property
    def latent_dim(self) -> int:
        """How many numbers a latent has: the size of the generator's first input."""
        return math.prod(latent_shape(self.generator))

    def __dir__(self) -> list[str]:
        # Keras's files find the optimizers within the networks; it looks through this.
        names = {"g_optimizer", "d_optimizer"}
        return [name for name in super().__dir__() if name not in names]

    def claim(self) -> None:
        """Make the networks' `loss` and `optimizer` this model's own again."""
        for name in ("generator", "discriminator"):
            player = getattr(self, f"_{name}")
            require(
                player.network is getattr(self, name),
                f"The {name} cannot be replaced: make a new model of the other one.",
                name,
            )
            player.claim()

    def players(self) -> tuple[Player, Player]:
        """The generator's and the discriminator's side of the game."""
        return self._generator, self._discriminator

    def finalize_optimizers(self) -> None:
        """Put the averages of optimizers made with `use_ema=True` into the weights."""
        for player in self.players():
            player.optimizer.finalize_variable_values(player.weights)

    def traced_with(self) -> tuple[list[Any], dict[str, Any]]:
        """What a traced graph remembers, as objects and as plain options."""
        self.claim()
        objects = [self._examples, self.augment]
        objects += [self.latent_generator, self.averaged_generator]
        for player in self.players():
            objects += [player.network, player.loss, player.optimizer]
        trained = [len(network.trainable_variables) for network in objects[4::3]]
        return objects, self.options() | self.augmenting() | {"trained": trained}
