"""Keras's `fit`, with many training steps in each graph call."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.data.examples import Examples
from gan.errors import (
    InvalidInput,
    Unsaid,
    expect_positive_int,
    expect_seed,
    require,
    shown,
    warn,
)
from gan.support.threads import tell_of_threads
from gan.training.checkpoint import Checkpoint
from gan.training.compiled import TwoOptimizers
from gan.training.layers import accelerated
from gan.training.networks import is_picture
from gan.training.runtime import explained, held_interrupt, unfused

# With calls of this length, progress is shown often and the overhead is small.
_SECONDS_PER_CALL = 0.1


class Diverged(ArithmeticError):
    """Raised if a loss or a weight becomes infinite or NaN."""


class GraphFit(TwoOptimizers):
    """The part of a model with `fit`, for a `train_step` that draws its own samples.

    Attributes that are declared without a value are set in other parts of the model,
    see `gan.base.AdversarialModel`.

    Attributes:
        diverged: `None`, or str that says where numbers ceased to be finite.
        closing: `contextlib.ExitStack` that is closed whenever `fit` ends. A callback
            that holds a file or a lock registers its release there.
    """

    batch_size: Any
    disc_iter: Any
    pixel_range: Any
    usual_conditions: Any
    log_names: tuple[str, ...]
    real_examples: Any
    examples: Any
    augment: Any
    latent_generator: Any
    averaged_generator: Any
    as_examples: Callable[..., Examples | None]
    take_examples: Callable[[Examples | None], None]
    get_real_sample: Callable[..., Any]
    game_step: Callable[..., Any]
    options: Callable[[], dict[str, Any]]
    augmenting: Callable[[], dict[str, Any]]

    diverged: str | None = None
    closing: contextlib.ExitStack
    _traced: Callable | None = None
    _configs: str | None = None
    _chunk: int = 1

    def fit(
        self,
        x: object = None,
        y: object = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *,
        steps_per_epoch: int | None = None,
        verbose: str | int = "auto",
        callbacks: list[keras.callbacks.Callback] | None = None,
        initial_epoch: int = 0,
        validation_data: object = None,
    ) -> keras.callbacks.History:
        """Trains the model.

        After Ctrl-C, training stops as soon as the running steps have ended (see
        `steps_per_execution` in `compile`), callbacks finish, and `fit` raises
        `KeyboardInterrupt`. After SIGTERM or SIGHUP, training stops in the same way,
        and the program exits with status 143 or 129.

        Args:
            x: real examples as in `gan.AdversarialModel`, which replace
                `real_examples`; `None` keeps `real_examples`.
            y: int labels `(N,)` of `x`, or another condition, for conditional models.
            batch_size: int, which replaces the model's batch size; `None` keeps it.
            epochs: int, the number of the last epoch.
            steps_per_epoch: int, number of steps in an epoch. `None` takes the number
                of batches in the data.
            verbose: `"auto"`, 0, 1 or 2, as in Keras; `"auto"` is 0 on workers other
                than the chief.
            callbacks: list of `keras.callbacks.Callback`.
            initial_epoch: int, the epoch to start from.
            validation_data: refused; give held-out examples to `callbacks.Metrics` or
                `callbacks.Losses`.

        Returns:
            `keras.callbacks.History`; each value is the mean over its epoch.

        Raises:
            InvalidInput: before any step, if an argument is invalid or the data do not
                match the networks. The model then keeps its data and batch size.
            Diverged: if a loss or a weight becomes infinite or NaN, unless a callback
                stops training.
            gan.distribute.WorkerLost: if another worker dies.
        """
        strategy = self.distribute_strategy
        expect_positive_int(epochs=epochs)
        expect_seed(initial_epoch=initial_epoch)
        callbacks = keras.tree.flatten(callbacks or [])
        _expect_callbacks(callbacks, validation_data, verbose)
        examples, batch_size = self._chosen(x, y, batch_size)
        if steps_per_epoch is None:
            steps_per_epoch = examples.steps(batch_size)
        expect_positive_int(steps_per_epoch=steps_per_epoch)
        if verbose == "auto" and not distribute.is_chief(strategy):
            verbose = 0
        self.reattach()
        self._warn_of_the_frozen()
        if verbose != 0 and is_picture((self.generator.output_shape or ())[1:]):
            tell_of_threads()
        # Keras sees each epoch as one execution and calls `_train_epoch` once for it.
        # The number of steps in a graph call is in `_compile_options`.
        self.steps_per_execution = steps_per_epoch
        with (
            self._on(examples, batch_size),
            distribute.worker_lost(strategy),
            unfused(),
            held_interrupt() as self._interrupt,
            contextlib.ExitStack() as self.closing,
        ):
            sizes = (epochs, steps_per_epoch, self.batch_size, self.disc_iter)
            said = "The workers must be given the same epochs, steps_per_epoch, "
            said += f"batch_size and disc_iter, but this one has {sizes}."
            require(distribute.agree(strategy, *sizes), said, "epochs")
            self.diverged = self._initial_epoch = None
            self._callbacks = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=epochs,
                steps=steps_per_epoch,
                model=self,
            )
            try:
                super().fit(
                    self.examples.batches(self.batch_size, strategy),
                    epochs=epochs,
                    steps_per_epoch=steps_per_epoch,
                    callbacks=self._callbacks,
                    initial_epoch=initial_epoch,
                    shuffle=False,
                )
            except KeyboardInterrupt:
                self._callbacks.on_train_end()
                raise
            except Diverged as error:
                kept = [one for one in callbacks if isinstance(one, Checkpoint)]
                good = [one.last_good() for one in kept]
                raise Diverged("".join([str(error), *good])) from None
            self.finalize_optimizers()
            # Wait, so that all workers see the files of the chief.
            distribute.agree(strategy)
        if self._interrupt.is_set():
            raise KeyboardInterrupt
        return self.history

    def _chosen(self, x, y, batch_size):
        """The examples and the batch size given to `fit`; the model is not changed."""
        if batch_size is None:
            batch_size = self.batch_size
        expect_positive_int(batch_size=batch_size)
        if tf.distribute.has_strategy():
            here = tf.distribute.get_strategy()
            distribute.expect_parts(here, generator=self.generator)
        said = "The argument y holds the labels of x: give both, as in fit(x, y)."
        require(x is not None or y is None, said, "y")
        value = self.real_examples if x is None else x if y is None else (x, y)
        said = "There are no real examples: give them to fit or to the constructor."
        require(value is not None, said, "x")
        same = x is None and batch_size == self.batch_size
        name = "real_examples" if x is None else "x"
        examples = self.examples if same else self.as_examples(value, batch_size, name)
        if examples.streams and isinstance(batch_size, Unsaid):
            batch_size = Unsaid(examples.batch_size)
        distribute.expect_shares(self.distribute_strategy, batch_size)
        return examples, batch_size

    def _warn_of_the_frozen(self):
        for player in self.players():
            if not player.network.trainable_variables:
                warn(
                    f"The {player.role} has no trainable weights, so fit does not "
                    "change it. If you want to train it, set its trainable = True "
                    "before you make the model."
                )

    @contextlib.contextmanager
    def _on(self, examples, batch_size):
        """Train on these examples; restore the former ones if training is refused."""
        before = self.batch_size, self.pixel_range, self.usual_conditions
        examples_before = copy.copy(self._examples)
        self.batch_size = batch_size
        self.take_examples(examples)
        try:
            yield
        except InvalidInput:
            self.batch_size, self.pixel_range, self.usual_conditions = before
            self._examples = examples_before
            raise

    def train_on_batch(self, x: object = None, y: object = None) -> dict[str, float]:
        """Makes one training step.

        Args:
            x: real examples as in `fit`, which replace `real_examples`; `None` keeps
                `real_examples`.
            y: int labels `(N,)` of `x`, or another condition, for conditional models.

        Returns:
            Dict from `log_names` to floats.
        """
        history = self.fit(x, y, steps_per_epoch=1, verbose=0).history
        return {name: values[0] for name, values in history.items()}

    def make_train_function(self, force: bool = False) -> Callable:
        """Makes the function that Keras's `fit` calls once for each epoch.

        Args:
            force: bool, whether to trace the graph again even if nothing changed.
        """
        # Each fit checks whether layer settings, such as a dropout rate, have changed.
        networks = (self.generator, self.discriminator)
        configs = str([network.get_config() for network in networks])
        if force or configs != self._configs:
            self._traced = None
        self._configs = configs
        self.train_function: Callable[..., Any] = self._train_epoch
        return self.train_function

    def _train_epoch(self, iterator):
        """Run an epoch in several graph calls; return the means of its logs."""
        graph, steps, done = self._graph(), self.steps_per_execution, 0
        totals = {name: tf.zeros((), tf.float64) for name in self.log_names}
        per_call = self._compile_options["steps_per_execution"]
        if per_call == "auto" and distribute.many_workers(self.distribute_strategy):
            per_call = 10  # workers must agree on a number
        self._chunk = self._chunk if per_call == "auto" else per_call
        while not self._interrupt.is_set():
            count, start = min(self._chunk, steps - done), time.perf_counter()
            # TensorFlow never frees cached Python integers; NumPy arrays are not
            # cached.
            steps_now, tensors = tf.constant(np.array(count)), self.examples.tensors
            with explained(), accelerated(self.generator, self.discriminator):
                totals, finite = graph(steps_now, totals, iterator, tensors)
            done += count
            if per_call == "auto" and count == self._chunk:
                self._chunk = _next_chunk(count, time.perf_counter() - start)
            logs = {name: float(total) / done for name, total in totals.items()}
            if not (finite and np.isfinite([*logs.values()]).all()):
                self.diverged = (
                    f"A loss or a weight became infinite or NaN after at most {done} "
                    "steps of the epoch. Usual causes: a learning rate too high, "
                    "batch_size too small, data not scaled to about [-1, 1] or not "
                    "finite."
                )
                # Keras's TerminateOnNaN reads the log of this name.
                logs["loss"] = float("nan")
            elif done == steps:
                return logs
            self._callbacks.on_train_batch_end(done - 1, logs)
            if self.stop_training:
                return logs
            if self.diverged:
                raise Diverged(self.diverged)
            self._callbacks.on_train_batch_begin(done)
        raise KeyboardInterrupt

    def _traced_with(self):
        """Everything on which a traced graph depends: objects and option values."""
        self.reattach()
        objects = [self._examples, self.augment, self._compile_options]
        objects += [self.latent_generator, self.averaged_generator]
        players = self.players()
        for player in players:
            objects += [player.network, player.loss, player.optimizer]
        trained = [len(player.network.trainable_variables) for player in players]
        return objects, self.options() | self.augmenting() | {"trained": trained}

    def _graph(self):
        """The function `(steps, totals, batches, tensors)`, traced when needed.

        It adds the logs of each step to `totals`, a dict of float64 scalars, so that
        neither weights nor logs depend on how steps are grouped. It returns `totals`
        and whether all weights are finite. Data are arguments, or read while the graph
        runs, so that other data of the same shape need no new graph.
        """
        objects, options = self._traced_with()
        if self._traced is not None:
            old_objects, old_options, graph = self._traced()
            pairs = zip(objects, old_objects, strict=True)
            if options == old_options and all(new is old for new, old in pairs):
                return graph
        one_step = self._one_step()

        def many_steps(steps, totals, batches, tensors):
            if self.run_eagerly:
                for _ in range(int(steps)):
                    totals = one_step(totals, batches)
            else:
                with self.examples.drawing_from(tensors):
                    _, totals = tf.while_loop(
                        lambda done, _: done < steps,
                        lambda done, totals: (done + 1, one_step(totals, batches)),
                        (tf.constant(0, steps.dtype), totals),
                        parallel_iterations=1,
                    )
            networks = (self.generator, self.discriminator)
            weights = [weight for network in networks for weight in network.weights]
            finite = [tf.reduce_all(tf.math.is_finite(weight)) for weight in weights]
            return totals, tf.reduce_all(tf.stack(finite))

        graph = many_steps
        if not self.run_eagerly:
            graph = tf.function(graph, autograph=False)
        # Stored in a function, because Keras would track layers in a list.
        self._traced, self._chunk = lambda: (objects, options, graph), 1
        return graph

    def _one_step(self):
        """The function `(totals, batches)` that makes one step and adds its logs."""
        strategy, step = self.distribute_strategy, self.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, autograph=False)
        takes = self.disc_iter * self.examples.streams
        # A train_step that a subclass overrides receives real samples, as in Keras.
        draws = self.disc_iter * (not takes and self.train_step != self.game_step)

        def replica_step(batches):
            batches = batches or [self.get_real_sample() for _ in range(draws)]
            logs = step(batches[0] if len(batches) == 1 else batches)
            missing = {*self.log_names} - {*logs}
            said = f"The method train_step must give the logs {self.log_names}, the "
            said += f"log_names of the class, but {', '.join(missing)} are missing."
            require(not missing, said, "log_names")
            # Each replica has its own batch-normalisation statistics.
            distribute.average(self.non_trainable_variables)
            return logs

        def one_step(totals, batches):
            data = [next(batches) for _ in range(takes)]
            with distribute.own_seeds(strategy):
                logs = strategy.run(replica_step, (data,))
            logs = {k: strategy.reduce("MEAN", logs[k], axis=None) for k in totals}
            return {k: totals[k] + tf.cast(logs[k], tf.float64) for k in totals}

        return one_step


def _expect_callbacks(callbacks, validation_data, verbose):
    """Check the arguments of `fit` other than the data."""
    require(
        validation_data is None,
        "The method fit takes no validation_data: give held-out examples to "
        "callbacks.Metrics or callbacks.Losses.",
        "validation_data",
    )
    for one in callbacks:
        require(
            isinstance(one, keras.callbacks.Callback),
            f"The argument callbacks must be a list of keras callbacks, but it holds "
            f"{shown(one)}.",
            "callbacks",
        )
        said = "Give the model ema=0.995 instead of the callback SwapEMAWeights, which "
        said += "would put averages into the networks that are being trained."
        require(not isinstance(one, keras.callbacks.SwapEMAWeights), said, "callbacks")
    said = (
        f"The argument verbose must be 'auto', 0, 1 or 2, but it is {shown(verbose)}."
    )
    require(verbose in ("auto", 0, 1, 2), said, "verbose")


def _next_chunk(count, seconds):
    """Steps of the next graph call: more if the last was short, fewer if long."""
    if seconds < _SECONDS_PER_CALL / 2:
        return 2 * count
    return max(1, count // 2) if seconds > 2 * _SECONDS_PER_CALL else count
