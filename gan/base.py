"""The game: one `train_step` for every adversarial model."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Self

import keras
import tensorflow as tf

# Imported for their registration: Keras finds what a model file names only then.
from gan.data.examples import as_real_examples, count_rows, equal, take, take_first
from gan.errors import expect, expect_number, expect_positive_int
from gan.latent import Stream, distinct_rows
from gan.saving.model_file import WholeModel
from gan.training import distribute
from gan.training.adam import Adam
from gan.training.fit import GraphLoop


class AdversarialModel(GraphLoop, WholeModel):
    """A generator and a discriminator, trained against each other.

    The base owns the game: draws, alternation, updates, logs, saving. A subclass
    states one idea by overriding some of:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`, functions of the
      discriminator's outputs, static unless they need an option;
    - `output_logs(real, fake)`: further logs of these outputs, whose names are in
      `log_names`;
    - `discriminator_extra(real, fake)`: a further term of the discriminator's
      objective, with the names of its logs in `log_names`;
    - `after_discriminator_update()`: a constraint on the discriminator;
    - `as_examples`, `get_fake_sample` and `judge`, where a sample is more than
      rows, as in `gan.AC_GAN`.

    Example:

    ```python
    class HingeGAN(AdversarialModel):
        @staticmethod
        def discriminator_loss(real, fake):
            return tf.reduce_mean(tf.nn.relu(1 - real) + tf.nn.relu(1 + fake))

        generator_loss = staticmethod(gan.losses.wasserstein_generator)
    ```

    Args:
        generator: `keras.Model`, latents `(batch, latent_dim)` -> rows.
        discriminator: `keras.Model`, rows -> `(batch, 1)`. The weight regularisers
            of both networks' layers (`kernel_regularizer=`) are added to their
            objectives, not to the logged losses.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`, drawn
            with TensorFlow.
        real_examples: real rows: array or tensor `(N, …)` of the discriminator's
            input shape (a missing last axis of size 1 is added); float32, float64
            or integers are used as float32, uint8 is read as pictures and divided
            by 255 as it is drawn; or a `tf.data.Dataset` of batches of
            `batch_size` rows; or None, to be given to `fit`.
        batch_size: int, rows in each sample; under a `tf.distribute` strategy those
            of all replicas together.
        disc_iter: int, discriminator updates in each step.
        learning_rate: float, of both Adam optimizers; later it is that of
            `generator.optimizer` and `discriminator.optimizer` that counts.
        beta_1: float in [0, 1), Adam's decay of the first moment.
        beta_2: float in [0, 1), Adam's decay of the second moment.
        ema: None, or float in (0, 1): keep `averaged_generator`, an exponential
            moving average of all generator weights, batch-normalisation statistics
            included, of this decay. The decay ramps up as (1 + t)/(10 + t), t the
            generator's updates, so that the first pictures are not the initial ones.
        batch_statistics: bool, whether the generator is trained in training mode, in
            which batch normalisation divides by each batch's statistics. False: in
            inference mode, as it draws pictures later; batch normalisation then only
            scales and shifts each row by its own weights and its moving statistics,
            which stay as they are, and dropout is off.
        generator_optimizer: `keras.optimizers.Optimizer`, or None for Adam.
        discriminator_optimizer: the same, for the discriminator.
        seed: int, or None to take one from Python's `random`.
        **options: `name` and the like, for `keras.Model`.

    Raises:
        InvalidInput: if an argument is not of that form, or shapes do not fit.

    Reference:
        Goodfellow et al. 2014, Generative Adversarial Nets, Algorithm 1.
    """

    log_names = ("discr_loss", "gen_loss")
    # Of latents, in an update of the generator.
    generator_batches = 1

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Callable[[int], tf.Tensor],
        real_examples: object = None,
        batch_size: int = 200,
        disc_iter: int = 2,
        learning_rate: float = 0.005,
        *,
        beta_1: float = 0.5,
        beta_2: float = 0.9,
        ema: float | None = None,
        batch_statistics: bool = True,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        seed: int | None = None,
        **options: object,
    ) -> None:
        _expect_networks(generator, discriminator)
        expect_positive_int(batch_size=batch_size, disc_iter=disc_iter)
        _expect_rates(learning_rate, beta_1, beta_2, ema)
        given = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
        }
        for name, optimizer in given.items():
            known = isinstance(optimizer, (keras.optimizers.Optimizer, type(None)))
            expect(
                known, f"{name} to be a keras Optimizer or None", **{name: optimizer}
            )
        if latent_generator is not None:
            _expect_latents(latent_generator, generator)
        networks = [generator, discriminator]
        distribute.expect_distributable(batch_size, networks, given.values())
        real_examples = self.as_examples(real_examples, discriminator, batch_size)
        super().__init__(**options)
        self.batch_size = int(batch_size)
        self.disc_iter = int(disc_iter)
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.ema = ema
        self.batch_statistics = bool(batch_statistics)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_generator = latent_generator
        self._real_examples = real_examples
        self.stream = Stream(seed)
        self.averaged_generator = None
        if ema is not None:
            self.averaged_generator = keras.models.clone_model(generator)
            self.averaged_generator.set_weights(generator.get_weights())
            self.averaged_generator.trainable = False
        self._given_optimizers = given
        adam = functools.partial(
            Adam, float(learning_rate), float(beta_1), float(beta_2)
        )
        generator.loss = self.generator_loss
        generator.optimizer = generator_optimizer or adam()
        discriminator.loss = self.discriminator_loss
        discriminator.optimizer = discriminator_optimizer or adam()
        for network in (generator, discriminator):
            # Unbuilt optimizers would lose their moments when a file is loaded.
            network.optimizer.build(network.trainable_variables)
        # Keras calls a model built after its first call; this one is never called.
        self.built = True

    @staticmethod
    def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Loss of the discriminator from its outputs `(batch, 1)`; a subclass's."""
        raise NotImplementedError("a model has a discriminator_loss(real, fake)")

    @staticmethod
    def generator_loss(fake: tf.Tensor) -> tf.Tensor:
        """Loss of the generator from D(fake) `(batch, 1)`; a subclass's."""
        raise NotImplementedError("a model has a generator_loss(fake)")

    @staticmethod
    def as_examples(
        value: object, discriminator: keras.Model, batch_size: int
    ) -> object:
        """Check `real_examples` and bring them into the form samples are drawn from."""
        return as_real_examples(value, discriminator.input_shape[1:], batch_size)

    def judge(self, sample: tf.Tensor, training: bool = True) -> tf.Tensor:
        """What the losses are given of a sample: the discriminator's outputs on it."""
        return self.discriminator(sample, training=training)

    def output_logs(self, real: tf.Tensor, fake: tf.Tensor) -> dict[str, tf.Tensor]:
        """Further logs of the discriminator's outputs `(batch, 1)`: dict of scalars."""
        return {}

    def discriminator_extra(
        self, real: tf.Tensor, fake: tf.Tensor
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

    @property
    def real_examples(self) -> object:
        """What the real samples are drawn from: tensor, memmap, Dataset or None."""
        return self._real_examples

    @real_examples.setter
    def real_examples(self, value: object) -> None:
        value = self.as_examples(value, self.discriminator, self.batch_size)
        # The traced graph holds the tensor: equal data must not cost a new trace.
        if not equal(value, self._real_examples):
            self._real_examples = value

    def get_fake_sample(
        self,
        size: int | None = None,
        training: bool = False,
        averaged: bool | None = None,
    ) -> tf.Tensor:
        """Rows from the generator.

        Args:
            size: int, how many, or None for `batch_size`.
            training: bool, whether the generator runs in training mode.
            averaged: bool, whether the averaged generator draws them. None: it
                does where the model has one (`ema`) and `training` is False.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape; in a step of
            several replicas this replica's share of it.
        """
        network = self._drawing(training, averaged)
        with self.stream.feeds():
            return network(self._latents(size), training=training)

    def _drawing(self, training, averaged):
        if averaged is None:
            averaged = self.averaged_generator is not None and not training
        network = self.averaged_generator if averaged else self.generator
        expect(network is not None, "a model with ema=", averaged=averaged)
        return network

    def _latents(self, size):
        size = self.batch_size if size is None else size
        expect_positive_int(size=size)
        expect(
            self.latent_generator is not None,
            "a latent generator: set model.latent_generator (the saved one could not "
            "be stored)",
            latent_generator=self.latent_generator,
        )
        with self.stream.feeds(joint=True):
            return distribute.share(self.latent_generator(size))

    def get_real_sample(self, size: int | None = None) -> tf.Tensor:
        """Random distinct rows of `real_examples`.

        Args:
            size: int, how many, or None for `batch_size`.

        Returns:
            Float32 tensor `(size, …)` of the discriminator's input shape; in a step
            of several replicas this replica's share of it. From a Dataset: its first
            rows.
        """
        size = self.batch_size if size is None else size
        expect_positive_int(size=size)
        real = self._real_examples
        expect(real is not None, "real_examples: give them to fit", real_examples=real)
        if isinstance(real, tf.data.Dataset):
            return self.as_rows(take_first(real, size))
        rows = count_rows(real)
        expect(size <= rows, f"size of at most N={rows}", size=size)
        numbers = distinct_rows(rows, size, self.stream.next_seed(joint=True))
        return self.as_rows(take(real, distribute.share(numbers)))

    def as_rows(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows in the form of `real_examples`, as the discriminator takes them."""
        pictures = rows.dtype == tf.uint8
        rows = tf.cast(rows, tf.float32)
        rows = rows / 255.0 if pictures else rows
        return tf.reshape(rows, (-1, *self.discriminator.input_shape[1:]))

    # Plain Python throughout: AutoGraph would only rewrite it, and slowly.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, useless_argument: object = None) -> dict[str, tf.Tensor]:
        """One step of the game: Algorithm 1 of the papers.

        `disc_iter` times: draw real rows, draw fakes, update the discriminator.
        Then draw fakes and update the generator.

        Args:
            useless_argument: ignored when `real_examples` is an array. When it is a
                Dataset: a real batch `(batch_size, …)`, or a list with one for each
                discriminator update.

        Returns:
            Dict of float scalar tensors by `log_names`: this step's values, those
            of the discriminator from its last update.
        """
        for iteration in range(self.disc_iter):
            if isinstance(self._real_examples, tf.data.Dataset):
                real = _pick(useless_argument, iteration)
                real = self.as_rows(real)
            else:
                real = self.get_real_sample()
            fake = self._fakes_for_training()
            discriminator_logs = self._update_discriminator(real, fake)
        generator_logs = self._update_generator()
        logs = discriminator_logs | generator_logs
        return {name: logs[name] for name in self.log_names}

    def _fakes_for_training(self, batches=1):
        size = batches * self.batch_size
        return self.get_fake_sample(size, self.batch_statistics, averaged=False)

    def _update_discriminator(self, real, fake):
        network = self.discriminator
        with tf.GradientTape() as tape:
            outputs = self.judge(real), self.judge(fake)
            loss = network.loss(*outputs)
            extra, logs = self.discriminator_extra(real, fake)
            objective = distribute.part(_regularised(loss + extra, network))
        weights = network.trainable_variables
        network.optimizer.apply(tape.gradient(objective, weights), weights)
        self.after_discriminator_update()
        return {"discr_loss": loss, **logs, **self.output_logs(*outputs)}

    def _update_generator(self):
        network = self.generator
        with tf.GradientTape() as tape:
            fake = self._fakes_for_training(self.generator_batches)
            loss = network.loss(self.judge(fake))
            objective = distribute.part(_regularised(loss, network))
        weights = network.trainable_variables
        network.optimizer.apply(tape.gradient(objective, weights), weights)
        # Replicas have batch-normalisation statistics of their own.
        for either in (network, self.discriminator):
            distribute.average(either.non_trainable_variables)
        if self.averaged_generator is not None:
            self._update_average()
        return {"gen_loss": loss}

    def _update_average(self):
        updates = tf.cast(self.generator.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema, (1.0 + updates) / (10.0 + updates))
        pairs = zip(
            self.averaged_generator.weights, self.generator.weights, strict=True
        )
        for average, weight in pairs:
            average.assign_add((1.0 - decay) * (weight - average))

    def traced_with(self) -> tuple[list[object], dict[str, object]]:
        """What a traced graph remembers, as objects and as plain options."""
        networks = [self.generator, self.discriminator]
        objects = [self._real_examples, self.latent_generator, self.averaged_generator]
        for network in networks:
            objects += [network, network.loss, network.optimizer]
        return objects, self.options()

    def options(self) -> dict[str, object]:
        """The constructor's plain options by name; a subclass adds its own."""
        names = ("batch_size", "disc_iter", "learning_rate", "beta_1", "beta_2", "ema")
        names += ("batch_statistics",)
        return {name: getattr(self, name) for name in names}

    def get_config(self) -> dict[str, object]:
        """Arguments that make an equal model, without its real examples."""
        serialize = keras.saving.serialize_keras_object
        latent_generator = self.latent_generator
        if not hasattr(latent_generator, "get_config"):
            warnings.warn(
                "The latent generator cannot be stored; set model.latent_generator "
                "after loading. gan.latent.LatentGenerator can be stored.",
                stacklevel=2,
            )
            latent_generator = None
        return {
            **self.options(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "latent_generator": serialize(latent_generator),
            **{k: serialize(v) for k, v in self._given_optimizers.items()},
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, object], custom_objects: dict[str, type] | None = None
    ) -> Self:
        """Make a model from `get_config()`."""
        config = dict(config)
        parts = ["generator", "discriminator", "latent_generator"]
        for name in (*parts, "generator_optimizer", "discriminator_optimizer"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)


def _regularised(objective, network):
    """Add the weight regularisers of a network's layers, each once."""
    kept = sum(w.regularizer is not None for w in network.trainable_variables)
    # Of what layers add of their activities Keras keeps the last call's only.
    expect(
        len(network.losses) == kept,
        f"a {network.name} with regularisers of weights only",
        other_losses=len(network.losses) - kept,
    )
    return sum(network.losses, objective)


def _pick(batches, iteration):
    expect(batches is not None, "a real batch: the data are a Dataset", batch=None)
    return batches[iteration] if isinstance(batches, list) else batches


def _expect_networks(generator, discriminator):
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        expect(
            isinstance(network, keras.Model)
            and network.built
            and hasattr(network, "output_shape"),
            f"{name} to be a built keras.Model, functional or sequential",
            **{name: network},
        )
    expect(
        generator.output_shape == discriminator.input_shape,
        "the generator's output to have the shape of the discriminator's input "
        f"{discriminator.input_shape}",
        output_shape=generator.output_shape,
    )


def _expect_rates(learning_rate, beta_1, beta_2, ema):
    expect_number(0, learning_rate=learning_rate)
    for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
        expect_number(0, **{name: beta})
        expect(beta < 1, f"{name} below 1", **{name: beta})
    if ema is not None:
        expect_number(0, ema=ema)
        expect(0 < ema < 1, "ema to be None or between 0 and 1", ema=ema)


def _expect_latents(latent_generator, generator):
    """Check it symbolically: TensorFlow draws nothing, its random state stays."""
    expect(
        callable(latent_generator),
        "latent_generator to be callable",
        latent_generator=latent_generator,
    )
    drawn = None

    def draw():
        nonlocal drawn
        drawn = latent_generator(2)
        return tf.zeros(())

    graph = tf.function(draw, autograph=False).get_concrete_function().graph
    expect(
        tf.is_tensor(drawn) or isinstance(drawn, keras.KerasTensor),
        "latent_generator to return a tensor drawn with TensorFlow",
        returned=type(drawn).__name__,
    )
    # Neither a state that it reads nor an operation that may differ: NumPy drew once.
    random = graph.captures or any(o.op_def.is_stateful for o in graph.get_operations())
    expect(
        random,
        "latent_generator to draw anew at each call, with TensorFlow",
        returned="a constant",
    )
    shape = generator.input_shape
    # The first input, where there are several.
    shape = shape[0] if isinstance(shape[0], tuple) else shape
    expected = (2, *shape[1:])
    expect(
        tuple(drawn.shape) == expected,
        f"latent_generator(2) of shape {expected}, as the generator takes",
        shape=tuple(drawn.shape),
    )
