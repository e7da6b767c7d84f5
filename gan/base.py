"""The game: one `train_step` for every adversarial model."""

import functools
import math
import time
import warnings

import keras
import numpy as np
import tensorflow as tf

from gan._validation import expect, expect_number, expect_positive_int
from gan.adam import Adam
from gan.stream import Stream, distinct_rows

# A graph call this long shows progress often and costs next to nothing to enter.
_SECONDS_PER_CALL = 0.1


class AdversarialModel(keras.Model):
    """A generator and a discriminator, trained against each other.

    The base owns the game: draws, alternation, updates, logs, saving. A subclass
    states one idea by overriding some of:

    - `discriminator_loss(real, fake)` and `generator_loss(fake)`, static functions
      of the discriminator's outputs;
    - `discriminator_extra(real, fake)`: a further term of the discriminator's
      objective, with the names of its logs in `log_names`;
    - `after_discriminator_update()`: a constraint on the discriminator.

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
        discriminator: `keras.Model`, rows -> `(batch, 1)`.
        latent_generator: callable, int k -> float tensor `(k, latent_dim)`, drawn
            with TensorFlow.
        real_examples: real rows: array or tensor `(N, …)` of the discriminator's
            input shape (a missing last axis of size 1 is added); float32, float64
            or integers are used as float32, uint8 is read as pictures and divided
            by 255 as it is drawn; or a `tf.data.Dataset` of batches of
            `batch_size` rows; or None, to be given to `fit`.
        batch_size: int, rows in each sample.
        disc_iter: int, discriminator updates in each step.
        learning_rate: float, of both Adam optimizers.
        beta_1: float in [0, 1), Adam's decay of the first moment.
        beta_2: float in [0, 1), Adam's decay of the second moment.
        ema: None, or float in (0, 1): keep `averaged_generator`, an exponential
            moving average of all generator weights, batch-normalisation statistics
            included, of this decay. The decay ramps up as (1 + t)/(10 + t), t the
            generator's updates, so that the first pictures are not the initial ones.
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

    def __init__(
        self,
        generator,
        discriminator,
        latent_generator,
        real_examples=None,
        batch_size=200,
        disc_iter=2,
        learning_rate=0.005,
        *,
        beta_1=0.5,
        beta_2=0.9,
        ema=None,
        generator_optimizer=None,
        discriminator_optimizer=None,
        seed=None,
        **options,
    ):
        _expect_networks(generator, discriminator)
        expect_positive_int(batch_size=batch_size, disc_iter=disc_iter)
        expect_number(0, learning_rate=learning_rate)
        for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            expect_number(0, **{name: beta})
            expect(beta < 1, f"{name} below 1", **{name: beta})
        if ema is not None:
            expect_number(0, ema=ema)
            expect(0 < ema < 1, "ema to be None or between 0 and 1", ema=ema)
        for name, optimizer in (
            ("generator_optimizer", generator_optimizer),
            ("discriminator_optimizer", discriminator_optimizer),
        ):
            expect(
                optimizer is None or isinstance(optimizer, keras.optimizers.Optimizer),
                f"{name} to be a keras Optimizer or None",
                **{name: optimizer},
            )
        if latent_generator is not None:
            _expect_latents(latent_generator, generator)
        row_shape = discriminator.input_shape[1:]
        real_examples = _as_real_examples(real_examples, row_shape, batch_size)
        super().__init__(**options)
        self.batch_size = int(batch_size)
        self.disc_iter = int(disc_iter)
        self.learning_rate = learning_rate
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.ema = ema
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
        self._given_optimizers = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
        }
        adam = functools.partial(Adam, float(learning_rate), beta_1, beta_2)
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
    def discriminator_loss(real, fake):
        """Loss of the discriminator from its outputs `(batch, 1)`; a subclass's."""
        raise NotImplementedError

    @staticmethod
    def generator_loss(fake):
        """Loss of the generator from D(fake) `(batch, 1)`; a subclass's."""
        raise NotImplementedError

    def discriminator_extra(self, real, fake):
        """Further terms of the discriminator's objective.

        Args:
            real: float32 tensor `(batch_size, …)`, the real sample.
            fake: float32 tensor of the same shape, the fake sample.

        Returns:
            Tuple `(term, logs)`: a scalar tensor (or 0.0) that is added to the
            objective but not to the logged `discr_loss`, and a dict of scalars.
        """
        return 0.0, {}

    def after_discriminator_update(self):
        """Constrain the discriminator's weights after each of its updates."""

    @property
    def real_examples(self):
        """What the real samples are drawn from: tensor, memmap, Dataset or None."""
        return self._real_examples

    @real_examples.setter
    def real_examples(self, value):
        row_shape = self.discriminator.input_shape[1:]
        value = _as_real_examples(value, row_shape, self.batch_size)
        # The traced graph holds the tensor: equal data must not cost a new trace.
        if not _equal(value, self._real_examples):
            self._real_examples = value

    def get_fake_sample(self, size=None, training=False, averaged=None):
        """Rows from the generator.

        Args:
            size: int, how many, or None for `batch_size`.
            training: bool, whether the generator runs in training mode.
            averaged: bool, whether the averaged generator draws them. None: it
                does where the model has one (`ema`) and `training` is False.

        Returns:
            Float32 tensor `(size, …)` of the generator's output shape.
        """
        size = self.batch_size if size is None else size
        expect_positive_int(size=size)
        expect(
            self.latent_generator is not None,
            "a latent generator: set model.latent_generator (the saved one could not "
            "be stored)",
            latent_generator=self.latent_generator,
        )
        if averaged is None:
            averaged = self.averaged_generator is not None and not training
        network = self.averaged_generator if averaged else self.generator
        expect(network is not None, "a model with ema=", averaged=averaged)
        with self.stream.feeds():
            return network(self.latent_generator(size), training=training)

    def get_real_sample(self, size=None):
        """Random distinct rows of `real_examples`.

        Args:
            size: int, how many, or None for `batch_size`.

        Returns:
            Float32 tensor `(size, …)` of the discriminator's input shape. From a
            Dataset: its first rows.
        """
        size = self.batch_size if size is None else size
        expect_positive_int(size=size)
        real = self._real_examples
        expect(real is not None, "real_examples: give them to fit", real_examples=real)
        if isinstance(real, tf.data.Dataset):
            rows = next(iter(real.unbatch().batch(size)))
            expect(
                len(rows) == size, f"a Dataset of at least {size} rows", rows=len(rows)
            )
            return self._as_rows(rows)
        expect(size <= len(real), f"size of at most N={len(real)}", size=size)
        numbers = distinct_rows(len(real), size, self.stream.next_seed())
        if isinstance(real, np.memmap):
            rows = tf.numpy_function(lambda i: real[i], [numbers], real.dtype)
            rows.set_shape((size, *real.shape[1:]))
            return self._as_rows(rows)
        return self._as_rows(tf.gather(real, numbers))

    def _as_rows(self, rows):
        pictures = rows.dtype == tf.uint8
        rows = tf.cast(rows, tf.float32)
        rows = rows / 255.0 if pictures else rows
        return tf.reshape(rows, (-1, *self.discriminator.input_shape[1:]))

    # Plain Python throughout: AutoGraph would only rewrite it, and slowly.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, useless_argument=None):
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
                real = self._as_rows(real)
            else:
                real = self.get_real_sample()
            fake = self.get_fake_sample(training=True)
            discriminator_logs = self._update_discriminator(real, fake)
        generator_logs = self._update_generator()
        logs = discriminator_logs | generator_logs
        return {name: logs[name] for name in self.log_names}

    def _update_discriminator(self, real, fake):
        network = self.discriminator
        with tf.GradientTape() as tape:
            loss = network.loss(
                network(real, training=True), network(fake, training=True)
            )
            extra, logs = self.discriminator_extra(real, fake)
            objective = loss + extra
        weights = network.trainable_variables
        network.optimizer.apply(tape.gradient(objective, weights), weights)
        self.after_discriminator_update()
        return {"discr_loss": loss, **logs}

    def _update_generator(self):
        network = self.generator
        with tf.GradientTape() as tape:
            fake = self.get_fake_sample(training=True)
            loss = network.loss(self.discriminator(fake, training=True))
        weights = network.trainable_variables
        network.optimizer.apply(tape.gradient(loss, weights), weights)
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

    def compile(self, run_eagerly=False, jit_compile=False, steps_per_execution="auto"):
        """Say how `fit` runs; the losses and optimizers are the model's own.

        Args:
            run_eagerly: bool, run `train_step` as plain Python, for debugging.
            jit_compile: bool, compile each step with XLA: up to 1.7 times faster
                for small dense networks, several times slower for convolutions on
                a CPU.
            steps_per_execution: int, steps in one graph call, which is how often
                batch callbacks and the progress bar hear of them; or "auto": as
                many as take about a tenth of a second. The trained weights do not
                depend on it.
        """
        if steps_per_execution != "auto":
            expect_positive_int(steps_per_execution=steps_per_execution)
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        self._chunk = 1
        self._compile_options = {
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
        }

    def fit(
        self,
        x=None,
        *,
        epochs=1,
        steps_per_epoch=None,
        verbose="auto",
        callbacks=None,
        initial_epoch=0,
    ):
        """Train; Keras's `fit` with the loop inside the graph.

        Args:
            x: real rows as `real_examples` above, which they replace; None keeps
                those of the model.
            epochs: int, the number of the last epoch.
            steps_per_epoch: int, exactly how many steps an epoch has. None: as many
                as batches in the data.
            verbose: "auto", 0, 1 or 2, as in Keras.
            callbacks: list of `keras.callbacks.Callback`.
            initial_epoch: int, the epoch to start from.

        Returns:
            `keras.callbacks.History`; each value is the mean over its epoch.

        Raises:
            InvalidInput: before any step, if the data do not fit the networks.
            ValueError: if `compile()` was not called.
        """
        self._assert_compile_called("fit")
        expect_positive_int(epochs=epochs)
        if x is not None:
            self.real_examples = x
        expect(
            self._real_examples is not None,
            "real examples, in the model or as fit's first argument",
            real_examples=None,
        )
        if steps_per_epoch is None:
            steps_per_epoch = self._batches_in_data()
        expect_positive_int(steps_per_epoch=steps_per_epoch)
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=epochs,
                steps=steps_per_epoch,
                model=self,
            )
        self.stop_training = False
        self.make_train_function()
        batches = self._real_batches()
        callbacks.on_train_begin()
        logs = {}
        # BackupAndRestore tells the epoch to go on from through _initial_epoch.
        for epoch in range(self._initial_epoch or initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            logs = self._run_epoch(steps_per_epoch, batches, callbacks)
            callbacks.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        callbacks.on_train_end(logs)
        return self.history

    def _run_epoch(self, steps, batches, callbacks):
        setting = self._compile_options["steps_per_execution"]
        if setting != "auto":
            self._chunk = setting
        totals = {name: tf.zeros((), tf.float64) for name in self.log_names}
        logs = {}
        done = 0
        while done < steps and not self.stop_training:
            count = min(self._chunk, steps - done)
            callbacks.on_train_batch_begin(done)
            start = time.perf_counter()
            totals = self.train_function(tf.constant(count), totals, batches)
            done += count
            logs = {name: float(total) / done for name, total in totals.items()}
            seconds = time.perf_counter() - start
            if setting == "auto" and count == self._chunk:
                self._chunk = _next_chunk(count, seconds)
            callbacks.on_train_batch_end(done - 1, logs)
        return logs

    def make_train_function(self, force=False):
        """Make `train_function(steps, totals, batches)`: many steps in one call.

        Args:
            force: bool, trace again even if nothing changed since the last time.

        Returns:
            Callable that runs `steps` (int32 scalar tensor) train steps and returns
            `totals`, a dict of float64 scalars, with the steps' logs added one by
            one, so that neither weights nor logs depend on how steps are grouped.
        """
        traced = self._what_is_traced()
        if self.train_function is not None and not force and traced == self._traced:
            return self.train_function
        self._traced = traced
        strategy = self.distribute_strategy
        step = self.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, autograph=False)

        def one_step(totals, batches):
            data = batches and [next(batches) for _ in range(self.disc_iter)]
            logs = strategy.run(step, (data,))
            return {
                name: totals[name]
                + tf.cast(strategy.reduce("MEAN", logs[name], axis=None), tf.float64)
                for name in totals
            }

        def many_steps(steps, totals, batches):
            return tf.while_loop(
                lambda done, totals: done < steps,
                lambda done, totals: (done + 1, one_step(totals, batches)),
                (tf.constant(0), totals),
                parallel_iterations=1,
            )[1]

        def eager_steps(steps, totals, batches):
            for _ in range(int(steps)):
                totals = one_step(totals, batches)
            return totals

        graph = tf.function(many_steps, autograph=False, reduce_retracing=True)
        self.train_function = eager_steps if self.run_eagerly else graph
        return self.train_function

    def _what_is_traced(self):
        # A graph remembers these; a change of any asks for a new one.
        networks = [self.generator, self.discriminator, self.averaged_generator]
        objects = [self._real_examples, self.latent_generator, *networks]
        objects += [n.loss for n in networks[:2]] + [n.optimizer for n in networks[:2]]
        return [*map(id, objects), self.options()]

    def _batches_in_data(self):
        real = self._real_examples
        if not isinstance(real, tf.data.Dataset):
            return math.ceil(len(real) / self.batch_size)
        count = int(real.cardinality())
        expect(
            count >= 1, "steps_per_epoch for a Dataset of unknown length", steps=None
        )
        return count

    def _real_batches(self):
        """Iterator over the real batches of a Dataset, without end; else None."""
        if not isinstance(self._real_examples, tf.data.Dataset):
            return None
        dataset = self._real_examples.repeat()
        dataset = dataset.rebatch(self.batch_size, drop_remainder=True)
        return iter(dataset.prefetch(2))

    def options(self):
        """The constructor's plain options by name; a subclass adds its own."""
        names = ("batch_size", "disc_iter", "learning_rate", "beta_1", "beta_2", "ema")
        return {name: getattr(self, name) for name in names}

    def get_config(self):
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
    def from_config(cls, config, custom_objects=None):
        """Make a model from `get_config()`."""
        config = dict(config)
        parts = ["generator", "discriminator", "latent_generator"]
        for name in (*parts, "generator_optimizer", "discriminator_optimizer"):
            config[name] = keras.saving.deserialize_keras_object(
                config[name], custom_objects=custom_objects
            )
        return cls(**config)

    def get_compile_config(self):
        """What `compile` was called with."""
        return dict(self._compile_options) if self.compiled else {}

    def compile_from_config(self, config):
        """Compile a loaded model as the saved one was."""
        self.compile(**config)

    def save_own_variables(self, store):
        """Write the random state, which Keras leaves out of its files."""
        for number, state in enumerate(self._random_states()):
            store[f"random_state_{number}"] = state.numpy()

    def load_own_variables(self, store):
        """Read the random state."""
        for number, state in enumerate(self._random_states()):
            state.assign(store[f"random_state_{number}"])

    def _random_states(self):
        """State of the stream and of every random layer (dropout) in order."""
        kept = {id(variable) for variable in self.weights}
        kept |= {id(v) for metric in self.metrics for v in metric.variables}
        return [v for v in self.non_trainable_variables if id(v) not in kept]


def _next_chunk(count, seconds):
    """Steps of the next graph call: up while it is short, down where it is long."""
    if seconds < _SECONDS_PER_CALL / 2:
        return 2 * count
    return max(1, count // 2) if seconds > 2 * _SECONDS_PER_CALL else count


def _pick(batches, iteration):
    expect(batches is not None, "a real batch: the data are a Dataset", batch=None)
    return batches[iteration] if isinstance(batches, (list, tuple)) else batches


def _expect_networks(generator, discriminator):
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        expect(
            isinstance(network, keras.Model) and network.built,
            f"{name} to be a built keras.Model",
            **{name: network},
        )
    expect(
        generator.output_shape == discriminator.input_shape,
        "the generator's output to have the shape of the discriminator's input "
        f"{discriminator.input_shape}",
        output_shape=generator.output_shape,
    )


def _expect_latents(latent_generator, generator):
    """Check the shape symbolically: nothing is drawn, no random state moves."""
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

    tf.function(draw, autograph=False).get_concrete_function()
    expect(
        tf.is_tensor(drawn) or isinstance(drawn, keras.KerasTensor),
        "latent_generator to return a tensor drawn with TensorFlow",
        returned=type(drawn).__name__,
    )
    expected = (2, *generator.input_shape[1:])
    expect(
        tuple(drawn.shape) == expected,
        f"latent_generator(2) of shape {expected}, as the generator takes",
        shape=tuple(drawn.shape),
    )


def _as_real_examples(value, row_shape, batch_size):
    """Check real examples and bring them into the form the model draws from."""
    if value is None:
        return None
    if isinstance(value, tf.data.Dataset):
        return _as_dataset(value, row_shape, batch_size)
    expect(
        hasattr(value, "shape") and hasattr(value, "dtype"),
        "real_examples to be a NumPy array, a tensor or a tf.data.Dataset",
        real_examples=value,
    )
    dtype = tf.as_dtype(value.dtype) if tf.is_tensor(value) else np.dtype(value.dtype)
    dtype = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    expect(dtype.kind in "fiu", "real_examples of a numeric dtype", dtype=str(dtype))
    _expect_rows(tuple(value.shape), row_shape)
    expect(
        len(value) >= batch_size,
        f"at least batch_size={batch_size} real examples",
        N=len(value),
    )
    if isinstance(value, np.memmap):
        return value
    if dtype != np.uint8:
        value = tf.cast(value, tf.float32)
        finite = bool(tf.reduce_all(tf.math.is_finite(value)))
        expect(finite, "finite real_examples", real_examples="NaN or infinity in them")
    return tf.reshape(tf.convert_to_tensor(value), (-1, *row_shape))


def _equal(value, other):
    if value is other:
        return True
    if not (tf.is_tensor(value) and tf.is_tensor(other)):
        return False
    same = value.shape == other.shape and value.dtype == other.dtype
    return same and bool(tf.reduce_all(value == other))


def _expect_rows(shape, row_shape):
    rows = shape[1:]
    fits = rows == row_shape or (row_shape[-1] == 1 and (*rows, 1) == row_shape)
    expect(
        len(shape) >= 1 and fits,
        f"real_examples of shape (N, {', '.join(map(str, row_shape))}), as the "
        "discriminator takes",
        shape=shape,
    )


def _as_dataset(dataset, row_shape, batch_size):
    spec = dataset.element_spec
    expect(
        isinstance(spec, tf.TensorSpec) and spec.shape.rank is not None,
        "a Dataset whose elements are batches of real rows, one tensor each",
        element_spec=spec,
    )
    _expect_rows(tuple(spec.shape), row_shape)
    expect(
        spec.dtype.is_floating or spec.dtype.is_integer,
        "a Dataset of a numeric dtype",
        dtype=spec.dtype.name,
    )
    expect(
        spec.shape[0] in (None, batch_size),
        f"a Dataset of batches of batch_size={batch_size} rows",
        rows=spec.shape[0],
    )
    return dataset
