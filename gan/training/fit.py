"""Keras's `fit` with the loop inside the graph."""

from __future__ import annotations

import contextlib
import dataclasses
import numbers
import signal
import threading
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from gan.data.examples import count_batches, endless_batches
from gan.errors import expect, expect_positive_int
from gan.training import distribute

# A graph call this long shows progress often and costs next to nothing to enter.
_SECONDS_PER_CALL = 0.1


class Diverged(ArithmeticError):
    """Training met a number that is not finite."""


@dataclasses.dataclass(frozen=True)
class Position:
    """Where training stands, between two graph calls.

    Attributes:
        epoch: int, from 0.
        step: int, steps of this epoch that are done.
        totals: dict of floats, the sums of this epoch's logs by name.
    """

    epoch: int
    step: int = 0
    totals: dict[str, float] = dataclasses.field(default_factory=dict)


class GraphLoop(keras.Model):
    """A model whose `train_step` draws its own samples, so that `fit` can loop.

    A subclass has `train_step(batches)`, `log_names`, `real_examples`, `batch_size`
    and `disc_iter`, the batches of a Dataset that a step takes.

    Attributes:
        position: `Position` of the running `fit`; a callback may set it to one that
            it restored.
        diverged: None, or str that says where numbers ceased to be finite; a callback
            that mended it sets it to None.
    """

    position = None
    diverged = None

    def compile(
        self,
        *,
        run_eagerly: bool = False,
        jit_compile: bool = False,
        steps_per_execution: int | str = "auto",
    ) -> None:
        """Say how `fit` runs; the losses and optimizers are the model's own.

        Args:
            run_eagerly: bool, run `train_step` as plain Python, for debugging.
            jit_compile: bool, compile each step with XLA, which takes seconds; with
                convolutions on a CPU it is then several times slower. XLA draws
                other floats of a seed, so that it is another run.
            steps_per_execution: int, steps in one graph call, which is how often
                batch callbacks and the progress bar hear of them; or "auto": as
                many as take about a tenth of a second. The trained weights do not
                depend on it.
        """
        if steps_per_execution != "auto":
            expect_positive_int(steps_per_execution=steps_per_execution)
        alone = self.distribute_strategy.num_replicas_in_sync == 1
        expected = "no jit_compile with several replicas"
        expect(alone or not jit_compile, expected, jit_compile=jit_compile)
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        self._chunk = 1
        self._compile_options = {
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
        }

    def get_compile_config(self) -> dict[str, object]:
        """What `compile` was called with."""
        return dict(self._compile_options) if self.compiled else {}

    def compile_from_config(self, config: dict[str, object]) -> None:
        """Compile a loaded model as the saved one was."""
        self.compile(**config)

    def fit(
        self,
        x: object = None,
        *,
        epochs: int = 1,
        steps_per_epoch: int | None = None,
        verbose: str | int = "auto",
        callbacks: list[keras.callbacks.Callback] | None = None,
        initial_epoch: int = 0,
    ) -> keras.callbacks.History:
        """Train. Ctrl-C ends the running graph call, then callbacks, then `fit`.

        Args:
            x: real rows, which replace `real_examples`; None keeps those.
            epochs: int, the number of the last epoch.
            steps_per_epoch: int, exactly how many steps an epoch has. None: as many
                as batches in the data.
            verbose: "auto", 0, 1 or 2, as in Keras; "auto" is 0 on workers other
                than the chief.
            callbacks: list of `keras.callbacks.Callback`.
            initial_epoch: int, the epoch to start from.

        Returns:
            `keras.callbacks.History`; each value is the mean over its epoch.

        Raises:
            InvalidInput: before any step, if the data do not fit the networks.
            ValueError: if `compile()` was not called.
            Diverged: after the graph call in which a loss or a weight ceased to be
                finite, unless a callback mends it or stops training.
            gan.distribute.WorkerLost: if another worker dies.
        """
        self._assert_compile_called("fit")
        strategy, scope = self.distribute_strategy, tf.distribute.get_strategy()
        expect(
            scope.extended.variable_created_in_scope(self.generator.weights[0].value)
            or not tf.distribute.has_strategy(),
            "a model made within this strategy.scope()",
            strategy=type(scope).__name__,
        )
        expect_positive_int(epochs=epochs)
        whole = isinstance(initial_epoch, numbers.Integral) and initial_epoch >= 0
        expected = "initial_epoch to be an integer of at least 0"
        expect(whole, expected, initial_epoch=initial_epoch)
        if x is not None:
            self.real_examples = x
        real = self.real_examples
        expected = "real examples, in the model or as fit's first argument"
        expect(real is not None, expected, real_examples=real)
        if steps_per_epoch is None:
            steps_per_epoch = count_batches(real, self.batch_size)
        expect_positive_int(steps_per_epoch=steps_per_epoch)
        if verbose == "auto" and not distribute.is_chief(strategy):
            verbose = 0
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
        self.diverged = self.position = self._initial_epoch = None
        self.make_train_function()
        batches = endless_batches(real, self.batch_size, strategy)
        with (
            distribute.worker_lost(strategy),
            _held_interrupt() as interrupt,
            _released(callbacks),
        ):
            callbacks.on_train_begin()
            # BackupAndRestore tells the epoch to go on from through _initial_epoch.
            if self.position is None:
                self.position = Position(self._initial_epoch or initial_epoch)
            self._expect_agreement(epochs, steps_per_epoch)
            logs = self._run_epochs(
                epochs, steps_per_epoch, batches, callbacks, interrupt
            )
            callbacks.on_train_end(logs)
            # What the chief has written is then there for all.
            distribute.gathered(strategy, 0)
        if interrupt:
            raise KeyboardInterrupt
        return self.history

    def _expect_agreement(self, epochs, steps):
        """Expect the same run on all workers, which would otherwise wait for ever."""
        place = (self.position.epoch, self.position.step)
        sizes = (epochs, steps, self.batch_size, self.disc_iter)
        rows = distribute.gathered(self.distribute_strategy, *place, *sizes)
        expect(
            (rows == rows[0]).all(),
            "all workers at the same place of the same run: the same arguments, and a "
            "folder of checkpoints that all of them read",
            epoch_step_epochs_steps_batch_iter=rows.astype(int).tolist(),
        )

    def _go_on(self, interrupt):
        """Whether to run on: no worker was told to stop. The chief's pace is all's."""
        told = [bool(interrupt), self.stop_training]
        rows = distribute.gathered(self.distribute_strategy, self._chunk, *told)
        self._chunk = int(rows[0, 0])
        self.stop_training = bool(rows[:, 2].any())
        if rows[:, 1].any() and not interrupt:
            interrupt.append(True)
        return not (interrupt or self.stop_training)

    def _run_epochs(self, epochs, steps, batches, callbacks, interrupt):
        logs = {}
        while self.position.epoch < epochs and self._go_on(interrupt):
            epoch = self.position.epoch
            callbacks.on_epoch_begin(epoch)
            # What a callback has changed since the last epoch.
            self.make_train_function()
            logs = self._run_epoch(steps, batches, callbacks, interrupt)
            ended = self.position.step >= steps
            if ended or self.stop_training:
                callbacks.on_epoch_end(epoch, logs)
                self.position = Position(epoch + 1)
        return logs

    def _run_epoch(self, steps, batches, callbacks, interrupt):
        """Run to the end of the epoch, or to where a callback or Ctrl-C stops it."""
        setting = self._compile_options["steps_per_execution"]
        if setting != "auto":
            self._chunk = setting
        position, logs = self.position, {}
        while position.step < steps and self._go_on(interrupt):
            count = min(self._chunk, steps - position.step)
            callbacks.on_train_batch_begin(position.step)
            start = time.perf_counter()
            position, finite = self._run_steps(position, count, batches)
            seconds = time.perf_counter() - start
            if setting == "auto" and count == self._chunk:
                self._chunk = _next_chunk(count, seconds)
            done = position.step
            logs = {name: total / done for name, total in position.totals.items()}
            self.position = position
            if not finite:
                # Keras's TerminateOnNaN looks for a log of this name.
                logs["loss"] = float("nan")
            callbacks.on_train_batch_end(done - 1, logs)
            if self.diverged and not self.stop_training:
                raise Diverged(self.diverged)
            if self.position is not position:
                break
        return logs

    def _run_steps(self, position, count, batches):
        totals = {
            name: tf.constant(np.array(position.totals.get(name, 0.0)), tf.float64)
            for name in self.log_names
        }
        # TensorFlow keeps every distinct number for ever, but not NumPy's arrays.
        steps = tf.constant(np.array(count, np.int32))
        try:
            with _unfused():
                totals, good, weights = self.train_function(steps, totals, batches)
        except tf.errors.OutOfRangeError:
            # A repeated Dataset ends only if it holds nothing, such as after a filter.
            expect(False, "a Dataset that is not empty", batches=0)
        totals = {name: float(total) for name, total in totals.items()}
        finite = int(good) == count and bool(weights)
        if not finite:
            step = position.step + int(good) + 1
            what = "weight" if int(good) == count else "loss"
            self.diverged = (
                f"Expected finite losses and weights. Received: a {what} that is not "
                f"at step {min(step, position.step + count)} of epoch "
                f"{position.epoch + 1}. Usual causes: a learning rate too high, "
                "batch_size too small, data not scaled to about [-1, 1] or not finite."
            )
        return Position(position.epoch, position.step + count, totals), finite

    def make_train_function(self, force: bool = False) -> Callable:
        """Make `train_function(steps, totals, batches)`: many steps in one call.

        Args:
            force: bool, trace again even if nothing changed since the last time.

        Returns:
            Callable that runs `steps` (int32 scalar tensor) train steps. It returns
            `totals`, a dict of float64 scalars, with the steps' logs added one by
            one, so that neither weights nor logs depend on how steps are grouped;
            how many steps it were before one that was not finite; and whether all
            weights are finite.
        """
        objects, options = self.traced_with()
        if self.train_function is not None and not force:
            old_objects, old_options = self._traced()
            pairs = zip(objects, old_objects, strict=True)
            if options == old_options and all(new is old for new, old in pairs):
                return self.train_function
        # A function, for Keras would track what a list holds.
        self._traced = lambda: (objects, options)
        strategy = self.distribute_strategy
        step = self.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, autograph=False)

        def one_step(totals, good, batches):
            data = batches and [next(batches) for _ in range(self.disc_iter)]
            logs = strategy.run(step, (data,))
            totals = {
                name: total
                + tf.cast(strategy.reduce("MEAN", logs[name], axis=None), tf.float64)
                for name, total in totals.items()
            }
            finite = tf.math.is_finite(tf.add_n(list(totals.values())))
            return totals, good + tf.cast(finite, tf.int32)

        def finite_weights():
            weights = [*self.generator.weights, *self.discriminator.weights]
            finite = [tf.reduce_all(tf.math.is_finite(weight)) for weight in weights]
            return tf.reduce_all(tf.stack(finite))

        def many_steps(steps, totals, batches):
            _, totals, good = tf.while_loop(
                lambda done, totals, good: done < steps,
                lambda done, totals, good: (done + 1, *one_step(totals, good, batches)),
                (tf.constant(0), totals, tf.constant(0)),
                parallel_iterations=1,
            )
            return totals, good, finite_weights()

        def eager_steps(steps, totals, batches):
            good = tf.constant(0)
            for _ in range(int(steps)):
                totals, good = one_step(totals, good, batches)
            return totals, good, finite_weights()

        graph = tf.function(many_steps, autograph=False, reduce_retracing=True)
        self.train_function = eager_steps if self.run_eagerly else graph
        return self.train_function


def _next_chunk(count, seconds):
    """Steps of the next graph call: up while it is short, down where it is long."""
    if seconds < _SECONDS_PER_CALL / 2:
        return 2 * count
    return max(1, count // 2) if seconds > 2 * _SECONDS_PER_CALL else count


@contextlib.contextmanager
def _unfused():
    """Keep TensorFlow from fusing products with their biases and activations.

    oneDNN's fused operation takes longer than its parts: a quarter of a small network's
    step, a tenth of dense MNIST's; no step here is faster with it.
    """
    # Only this thread's options: tf.config would set those of all, and some keep them.
    here = context.context()
    before = here.function_call_options
    config = tf.compat.v1.ConfigProto.FromString(before.config_proto_serialized)
    rewriting = config.graph_options.rewrite_options
    rewriting.remapping = rewriting.OFF
    here.function_call_options = context.FunctionCallOptions(
        before.executor_type, config
    )
    try:
        yield
    finally:
        here.function_call_options = before


@contextlib.contextmanager
def _released(callbacks):
    """Let callbacks free what they hold when `fit` ends by an exception."""
    try:
        yield
    finally:
        for callback in callbacks.callbacks:
            getattr(callback, "release", lambda: None)()


@contextlib.contextmanager
def _held_interrupt():
    """Give a list that Ctrl-C fills, instead of an exception at any moment."""
    interrupt = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    usual = signal.getsignal(signal.SIGINT)

    def hold(*_):
        interrupt.append(True)
        # A second Ctrl-C does what it always does.
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, hold)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, usual)
