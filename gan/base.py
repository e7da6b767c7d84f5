"""The game: one `train_step` for every adversarial model."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypedDict

import keras
import tensorflow as tf

from gan.data.examples import (
    as_labelled_examples,
    as_labels,
    as_real_examples,
    count_rows,
    equal,
    take,
    take_first,
)
from gan.errors import (
    Option,
    StrPath,
    expect,
    expect_choice,
    expect_number,
    expect_positive_int,
)
from gan.latent import Stream, distinct_rows
from gan.saving.model_file import WholeModel
from gan.training import distribute
from gan.training.adam import Adam
from gan.training.fit import GraphFit
from gan.training.layers import accelerate
from gan.training.player import (
    Player,
    count_classes,
    expect_augment,
    expect_latents,
    expect_networks,
    expect_optimizers,
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
    generator_optimizer: keras.optimizers.Optimizer | None
    discriminator_optimizer: keras.optimizers.Optimizer | None
    seed: int | None
    name: str


_DECAY = functools.partial(expect_number, 0, math.nextafter(1, 0))


def _expect_average(ema: float | None) -> None:
    if ema is not None:
        expect_number(0, ema=ema)
        expect(0 < ema < 1, "ema to be None or between 0 and 1", ema=ema)


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


class AdversarialModel(GraphFit, WholeModel):
    """A generator and a discriminator, trained against each other.

    The base owns the game: draws, alternation, updates, logs, saving. A subclass
    states one idea by overriding some of:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`, functions of the
      discriminator's outputs, static unless they need an option;
    - `generator_outputs(real, fake)`: the outputs that `generator_loss` is given, where
      it sees those on reals too, as in `gan.R3GAN`;
    - `output_logs(real, fake)`: further logs of these outputs, whose names are in
      `log_names`;
    - `discriminator_extra(real, fake)`: a further term of the discriminator's
      objective, with the names of its logs in `log_names`;
    - `judge_both(real, fake)`: the outputs and that term together, where both come of
      one pass through the discriminator, as in `gan.R3GAN`;
    - `after_discriminator_update()`: a constraint on the discriminator;
    - `outputs`: how many numbers the discriminator gives of an example, `None` for any;
    - `as_examples`, `fakes_for_training` and `judge`, where a sample is something
      else, as in `gan.AC_GAN`.

    Networks that take labels make any model conditional: a generator of `[latents,
    labels]` and a discriminator of `[examples, labels]`, with `real_examples` a pair
    `(examples, labels)`. A sample is then such a pair, and in training the fakes have
    the labels of the reals. How many classes there are is the `input_dim` of the
    networks' first `Embedding`. `gan.residual_GenDiscr(classes=)` makes such networks.

    An option of its own is a `gan.errors.Option`, so that it is checked, saved and
    acts when it is changed.

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
            integers are used as float32, uint8 is read as pictures and divided by 255
            as it is drawn; or a `tf.data.Dataset` of batches of `batch_size` examples;
            or `None`, to be given to `fit`.
        batch_size: int, examples in each sample; under a `tf.distribute` strategy
            those of all replicas together.
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

    batch_size: Option = Option(expect_positive_int)
    disc_iter: Option = Option(expect_positive_int)
    beta_1: Option = Option(_DECAY, fixed=True)
    beta_2: Option = Option(_DECAY, fixed=True)
    ema: Option = Option(_expect_average, fixed=True)
    batch_statistics: Option = Option(functools.partial(expect_choice, (True, False)))

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _show_parameters(cls)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Callable[[int], tf.Tensor] | None,
        real_examples: Any = None,
        batch_size: int = 200,
        disc_iter: int = 2,
        learning_rate: float = 0.005,
        *,
        beta_1: float = 0.5,
        beta_2: float = 0.9,
        ema: float | None = None,
        batch_statistics: bool = True,
        augment: keras.layers.Layer | None = None,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> None:
        expect_networks(generator, discriminator, self.outputs)
        given = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
        }
        expect_optimizers(**given)
        expect_augment(augment, generator)
        super().__init__(name=name)
        self.batch_size, self.disc_iter = batch_size, disc_iter
        self.learning_rate, self.beta_1, self.beta_2 = learning_rate, beta_1, beta_2
        self.ema, self.batch_statistics = ema, batch_statistics
        self.stream: Stream = Stream(seed)
        self.draws_repeat: bool = True
        if latent_generator is not None:
            with self.stream.feeds():
                found = expect_latents(latent_generator, generator)
                latent_generator, self.draws_repeat = found
        parts = [generator, discriminator, *filter(None, given.values())]
        distribute.expect_distributable(batch_size, parts)
        examples = self.as_examples(real_examples, discriminator, batch_size)
        warn_of_range(examples, generator)
        self.generator: keras.Model = generator
        self.discriminator: keras.Model = discriminator
        self.augment: keras.layers.Layer | None = augment
        self.latent_generator: Callable[[int], tf.Tensor] | None = latent_generator
        self._real_examples = examples
        self.averaged_generator: keras.Model | None = None
        if ema is not None:
            self.averaged_generator = keras.models.clone_model(generator)
            self.averaged_generator.set_weights(generator.get_weights())
            self.averaged_generator.trainable = False
            accelerate(self.averaged_generator)
        accelerate(generator)
        accelerate(discriminator)
        adam = functools.partial(Adam, learning_rate, beta_1, beta_2)
        self._generator = Player(
            generator, self.generator_loss, generator_optimizer or adam()
        )
        self._discriminator = Player(
            discriminator, self.discriminator_loss, discriminator_optimizer or adam()
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
                discriminator update.

        Returns:
            Dict of float scalar tensors by `log_names`: this step's values, those
            of the discriminator from its last update.
        """
        logs = {}
        for iteration in range(self.disc_iter):
            if isinstance(self._real_examples, tf.data.Dataset):
                real = self.as_rows(_pick(useless_argument, iteration))
            else:
                real = self.get_real_sample()
            logs |= self.update_discriminator(real, self.fakes_for_training(real))
        logs |= self.update_generator(real)
        return {name: logs[name] for name in self.log_names if name in logs}

    def update_discriminator(self, real: Any, fake: Any) -> dict[str, tf.Tensor]:
        """Update the discriminator once, from a real and a fake sample; its logs."""
        player = self._discriminator
        with tf.GradientTape() as tape:
            outputs, extra, logs = self.judge_both(real, fake)
            loss = player(*outputs)
            objective = player.objective(loss + extra)
        player.descend(tape, objective)
        self.after_discriminator_update()
        return {"discr_loss": loss, **logs, **self.output_logs(*outputs)}

    def update_generator(self, real: Any = None) -> dict[str, tf.Tensor]:
        """Update the generator once, from a fresh fake sample; its logs.

        Args:
            real: the last real sample, whose labels the fakes get.
        """
        player = self._generator
        with tf.GradientTape() as tape:
            fake = self.fakes_for_training(real, self.generator_batches)
            loss = player(*self.generator_outputs(real, fake))
            objective = player.objective(loss)
        player.descend(tape, objective)
        if self.averaged_generator is not None:
            self._update_average()
        return {"gen_loss": loss}

    def _update_average(self):
        updates = tf.cast(self._generator.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + updates) / (10.0 + updates))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, weight in pairs:
            average.assign_add((1.0 - decay) * (weight - average))

    def generator_outputs(self, real: Any, fake: Any) -> tuple[Any, ...]:
        """What `generator_loss` is given: the discriminator's outputs on fakes."""
        return (self.judge(fake),)

    def judge(self, sample: Any, training: bool = True) -> Any:
        """What the losses are given of a sample: the discriminator's outputs on it."""
        examples, *labels = sample if isinstance(sample, tuple) else (sample,)
        if training:
            examples = self.augmented(examples)
        return self.discriminator(
            [examples, *labels] if labels else examples, training=training
        )

    def augmented(self, examples: tf.Tensor) -> tf.Tensor:
        """Examples `(batch, …)` as the discriminator sees them in an update."""
        if self.augment is None:
            return examples
        with self.stream.feeds():
            return self.augment(examples, training=True)

    def judge_of_examples(
        self, sample: Any
    ) -> tuple[Callable[..., tf.Tensor], tf.Tensor]:
        """The discriminator as a function of examples alone, and a sample's examples.

        A penalty differentiates it; the labels of the sample, if it has any, stay.
        """
        if not isinstance(sample, tuple):
            return self.judge, sample
        return lambda points, **mode: self.judge((points, sample[1]), **mode), sample[0]

    def output_logs(self, real: Any, fake: Any) -> dict[str, tf.Tensor]:
        """Further logs of the discriminator's outputs `(batch, 1)`: dict of scalars."""
        return {}

    def judge_both(
        self, real: Any, fake: Any
    ) -> tuple[tuple[Any, Any], tf.Tensor | float, dict[str, tf.Tensor]]:
        """Judge a real and a fake sample for an update of the discriminator.

        Args:
            real: the real sample, as `discriminator_extra` takes it.
            fake: the fake sample.

        Returns:
            Tuple `(outputs, term, logs)`: the pair of the discriminator's outputs on
            both, and what `discriminator_extra` gives.
        """
        outputs = self.judge(real), self.judge(fake)
        return outputs, *self.discriminator_extra(real, fake)

    def discriminator_extra(
        self, real: Any, fake: Any
    ) -> tuple[tf.Tensor | float, dict[str, tf.Tensor]]:
        """Further terms of the discriminator's objective.

        Args:
            real: float32 tensor `(batch_size, …)`, the real sample.
            fake: float32 tensor of the same shape, the fake sample.

        Returns:
            Tuple `(term, logs)`: a scalar tensor (or 0.0) that is added to the
            objective but not to the logged `discr_loss`, and a dict of scalars.
        """
        return 0.0, {}

    def after_discriminator_update(self) -> None:
        """Constrain the discriminator's weights after each of its updates."""

    @staticmethod
    def as_examples(value: Any, discriminator: keras.Model, batch_size: int) -> Any:
        """Check `real_examples` and bring them into the form samples are drawn from."""
        shape, classes = discriminator.input_shape, count_classes(discriminator)
        if classes:
            return as_labelled_examples(value, shape[0][1:], batch_size, classes)
        return as_real_examples(value, shape[1:], batch_size)

    @property
    def classes(self) -> int | None:
        """Number of classes that the networks know, or `None` without labels."""
        return count_classes(self.generator)

    @property
    def real_examples(self) -> Any:
        """What the real samples are drawn from: tensor, memmap, Dataset or `None`."""
        return self._real_examples

    @real_examples.setter
    def real_examples(self, value: Any) -> None:
        value = self.as_examples(value, self.discriminator, self.batch_size)
        warn_of_range(value, self.generator)
        # The traced graph holds the tensor: equal data must not cost a new trace.
        if not equal(value, self._real_examples):
            self._real_examples = value

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
            labels: integers `(size,)` in [0, classes), the classes asked for; `None`
                draws them, each equally likely.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape; with classes a
            pair of it and the labels, int32 tensor `(size,)`.
        """
        network, classes = self._drawing(training, averaged), self.classes
        if labels is not None:
            expect(classes, "labels=None: the networks take none", labels=labels)
            labels = as_labels(labels, classes)
            count = labels.shape[0]
            size = count if size is None else size
            expect(count in (None, size), f"size={count}, as labels has", size=size)
        size = self._count(size)
        latents = self._latents(size)
        if classes and labels is None:
            seed = self.stream.next_seed()
            labels = tf.random.stateless_uniform((size,), seed, 0, classes, tf.int32)
        with self.stream.feeds():
            if not classes:
                return network(latents, training=training)
            return network([latents, labels], training=training), labels

    def get_real_sample(self, size: int | None = None) -> Any:
        """Random distinct examples of `real_examples`.

        Args:
            size: int, how many, or `None` for `batch_size`.

        Returns:
            Float32 tensor `(size, …)` of the discriminator's input shape. From a
            Dataset: its first examples.
        """
        size, real = self._count(size), self._real_examples
        expect(real is not None, "real_examples: give them to fit", real_examples=real)
        if isinstance(real, tf.data.Dataset):
            return self.as_rows(take_first(real, size))
        most = count_rows(real)
        expect(size <= most, f"size of at most N={most}", size=size)
        numbers = distinct_rows(most, size, self.stream.next_seed())
        return self.as_rows(take(real, numbers))

    def as_rows(self, examples: Any) -> Any:
        """Examples in the form of `real_examples`, as the discriminator takes them."""
        if isinstance(examples, tuple):
            labels = tf.reshape(tf.cast(examples[1], tf.int32), (-1,))
            return self.as_rows(examples[0]), labels
        pictures = examples.dtype == tf.uint8
        examples = tf.cast(examples, tf.float32)
        examples = examples / 255.0 if pictures else examples
        return tf.reshape(examples, (-1, *self.generator.output_shape[1:]))

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
        from gan.evaluation.fakes import Judge

        data = self.real_examples
        if x is not None:
            data = self.as_examples(x, self.discriminator, 1)
        array = data is not None and not isinstance(data, tf.data.Dataset)
        expect(array, "an array of real examples", x=data)
        # As the discriminator takes them: bytes, for one, divided by 255.
        real = self.as_rows(take(data, tf.range(count_rows(data))))
        return Judge(real[0] if isinstance(real, tuple) else real, **options)(self)

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

    def fakes_for_training(self, real: Any = None, batches: int = 1) -> Any:
        """Fakes for an update, `batches` samples of them, with the labels of `real`."""
        size, training = batches * self._count(None), self.batch_statistics
        labels = tf.tile(real[1], [batches]) if isinstance(real, tuple) else None
        return self.get_fake_sample(size, training, averaged=False, labels=labels)

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
        self._learning_rate = float(value)
        if hasattr(self, "_discriminator"):
            self._generator.optimizer.learning_rate = value
            self._discriminator.optimizer.learning_rate = value

    def claim(self) -> None:
        """Make the networks' `loss` and `optimizer` this model's own again."""
        for player in (self._generator, self._discriminator):
            player.claim()

    def finalize_optimizers(self) -> None:
        """Put the averages of optimizers made with `use_ema=True` into the weights."""
        for player in (self._generator, self._discriminator):
            player.optimizer.finalize_variable_values(player.weights)

    def traced_with(self) -> tuple[list[Any], dict[str, Any]]:
        """What a traced graph remembers, as objects and as plain options."""
        self.claim()
        objects = [self._real_examples, self.latent_generator, self.averaged_generator]
        for player in (self._generator, self._discriminator):
            objects += [player.network, player.loss, player.optimizer]
        trained = [len(network.trainable_variables) for network in objects[3::3]]
        return [*objects, self.augment], self.options() | self.augmenting() | {
            "trained": trained
        }


def _pick(batches, iteration):
    expect(batches is not None, "a real batch: the data are a Dataset", batch=None)
    return batches[iteration] if isinstance(batches, list) else batches
