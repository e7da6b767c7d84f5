"""Keras's own `fit`, with many steps in each call of the graph."""

from __future__ import annotations

import contextlib
import copy
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gan import distribute
from gan.data.examples import WRONG_LABEL
from gan.errors import (
    InvalidInput,
    Unsaid,
    expect,
    expect_choice,
    expect_positive_int,
    expect_seed,
    require,
    shown,
    warn,
)
from gan.training.checkpoint import Checkpoint
from gan.training.player import Optimizers, expect_optimizers

# A graph call this long shows progress often and costs next to nothing to enter.
_SECONDS_PER_CALL = 0.1
# What a class cross-entropy and an embedding say of a label out of range.
_WRONG_LABEL = r"Received a label value .*?\)|indices\[.*?\] = .*? is not in \[.*?\)"
_WRONG_LABEL += rf"|{WRONG_LABEL}[^\n]*"
# What XLA says of operations that it cannot compile.
_NOT_FOR_XLA = r"unsupported operations when trying to compile.*?: (\w+)"


class Diverged(ArithmeticError):
    """Training met a number that is not finite."""


class GraphFit(keras.Model):
    """A model whose `train_step` draws its own samples, so that `fit` can loop.

    A subclass has `train_step(batches)`, `log_names`, `real_examples`, `batch_size`,
    `disc_iter`, `generator`, `discriminator` and `traced_with()`.

    Attributes:
        diverged: None, or str that says where numbers ceased to be finite.
        closing: `contextlib.ExitStack` that closes when the running `fit` ends, however
            it does; a callback that holds a file or a lock leaves its release there.
    """

    batch_size: Any
    pixel_range: Any
    diverged: str | None = None
    closing: contextlib.ExitStack
    _traced: Callable | None = None
    _configs: str | None = None

    def compile(
        self,
        optimizer: str | dict[str, Any] | None = None,
        *more: Any,
        d_optimizer: keras.optimizers.Optimizer | str | None = None,
        g_optimizer: keras.optimizers.Optimizer | str | None = None,
        run_eagerly: bool = False,
        jit_compile: bool = False,
        steps_per_execution: int | str = "auto",
        **others: Any,
    ) -> None:
        """Say how `fit` runs; need not be called. Losses are the class's business.

        Args:
            optimizer: a name as Keras knows it, such as "adam", of which each network
                gets one of its own; `None` keeps those there are.
            d_optimizer: `keras.optimizers.Optimizer` or a name, the discriminator's.
            g_optimizer: the same for the generator.
            run_eagerly: bool, run `train_step` as plain Python, for debugging.
            jit_compile: bool, compile each step with XLA, which takes seconds; with
                convolutions on a CPU it is then several times slower. XLA draws
                other floats of a seed, so that it is another run.
            steps_per_execution: int, steps in one graph call, which is how often
                batch callbacks and the progress bar hear of them; or "auto": as
                many as take about a tenth of a second. The trained weights do not
                depend on it.
            *more: refused, as Keras's examples give `compile(d_optimizer, g_optimizer,
                loss)`: which is which must be said.
            **others: what Keras's `compile` takes besides, and a GAN does not.
        """
        single = isinstance(optimizer, keras.optimizers.Optimizer)
        require(
            not (single or more or others),
            "The method compile takes the optimizers by their names, "
            "compile(d_optimizer=…, g_optimizer=…), and no "
            f"{', '.join(others) or 'others'}: the class has the losses, and "
            "callbacks.Metrics the metrics.",
            next(iter(others), "optimizer"),
        )
        if steps_per_execution != "auto":
            expect_positive_int(steps_per_execution=steps_per_execution)
        expect_choice((True, False), run_eagerly=run_eagerly)
        expect_choice((True, False, "auto"), jit_compile=jit_compile)
        strategy, players = self.distribute_strategy, self.players()
        require(
            strategy.num_replicas_in_sync == 1 or not jit_compile,
            "The argument jit_compile must be False with several replicas.",
            "jit_compile",
        )
        with strategy.scope():
            found = {
                "g_optimizer": keras.optimizers.get(g_optimizer or optimizer),
                "d_optimizer": keras.optimizers.get(d_optimizer or optimizer),
            }
        pairs = zip(found.items(), players, strict=True)
        expect_optimizers(**{k: (one, player.network) for (k, one), player in pairs})
        super().compile(
            optimizer=None, run_eagerly=run_eagerly, jit_compile=jit_compile
        )
        for player, one in zip(players, found.values(), strict=True):
            if one is not None:
                player.take(one)
        self._chunk, self._traced = 1, None
        self._compile_options = {
            "run_eagerly": run_eagerly,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
        }

    @property
    def optimizer(self) -> Optimizers:
        """Both networks' optimizers as one, as Keras's callbacks read them."""
        return Optimizers(*(player.current() for player in self.players()))

    @optimizer.setter
    def optimizer(self, value: None) -> None:
        require(
            value is None,
            "The attribute optimizer cannot be set, for each network has one of its "
            "own: compile(d_optimizer=…, g_optimizer=…).",
            "optimizer",
        )

    def get_compile_config(self) -> dict[str, Any]:
        """What `compile` was called with."""
        return dict(self._compile_options)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model as the saved one was."""
        self.compile(**config)

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
        """Train. Ctrl-C ends the running graph call, then callbacks, then `fit`.

        So do SIGTERM and SIGHUP, and then the program, with status 143 or 129.

        Args:
            x: real examples, which replace `real_examples`; `None` keeps those.
            y: the labels of `x`, for a model that takes labels.
            batch_size: int, which replaces that of the model; `None` keeps that.
            epochs: int, the number of the last epoch.
            steps_per_epoch: int, exactly how many steps an epoch has. `None`: as many
                as there are batches in the data.
            verbose: `"auto"`, 0, 1 or 2, as in Keras; `"auto"` is 0 on workers other
                than the chief.
            callbacks: list of `keras.callbacks.Callback`.
            initial_epoch: int, the epoch to start from.
            validation_data: refused: `callbacks.Metrics` and `callbacks.Losses` take
                held-out examples.

        Returns:
            `keras.callbacks.History`; each value is the mean over its epoch.

        Raises:
            InvalidInput: before any step, if an argument is wrong or the data do not
                fit the networks; data and batch size are then what they were.
            Diverged: after the graph call in which a loss or a weight ceased to be
                finite, unless a `gan.callbacks.Checkpoint` goes back or a callback
                stops training.
            gan.distribute.WorkerLost: if another worker dies.
        """
        strategy = self.distribute_strategy
        expect_positive_int(epochs=epochs)
        expect_seed(initial_epoch=initial_epoch)
        expected = "held-out examples in callbacks.Metrics or callbacks.Losses"
        expect(validation_data is None, expected, validation_data=validation_data)
        callbacks = keras.tree.flatten(callbacks or [])
        for one in callbacks:
            known = isinstance(one, keras.callbacks.Callback)
            expect(known, "callbacks to be keras Callback objects", callbacks=one)
            swaps = isinstance(one, keras.callbacks.SwapEMAWeights)
            expect(not swaps, "ema= of the model, not SwapEMAWeights", callbacks=one)
        if batch_size is None:
            batch_size = self.batch_size
        expect_positive_int(batch_size=batch_size)
        if tf.distribute.has_strategy():
            here = tf.distribute.get_strategy()
            distribute.expect_parts(here, generator=self.generator)
        require(
            x is not None or y is None,
            "The argument y holds the labels of x: give both, as in fit(x, y).",
            "y",
        )
        value = self.real_examples if x is None else x if y is None else (x, y)
        said = "There are no real examples: give them to fit or to the constructor."
        require(value is not None, said, "x")
        same = x is None and batch_size == self.batch_size
        name = "real_examples" if x is None else "x"
        examples = self.examples if same else self.as_examples(value, batch_size, name)
        if examples.streams and isinstance(batch_size, Unsaid):
            batch_size = Unsaid(examples.batch_size)
        distribute.expect_shares(strategy, batch_size)
        if steps_per_epoch is None:
            steps_per_epoch = examples.steps(batch_size)
        expect_positive_int(steps_per_epoch=steps_per_epoch)
        require(
            verbose in ("auto", 0, 1, 2),
            f"The argument verbose must be 'auto', 0, 1 or 2, but it is "
            f"{shown(verbose)}.",
            "verbose",
        )
        if verbose == "auto" and not distribute.is_chief(strategy):
            verbose = 0
        checkpoints = [one for one in callbacks if isinstance(one, Checkpoint)]
        self.claim()
        for player in self.players():
            if not player.network.trainable_variables:
                warn(
                    f"The {player.role} has no trainable weight, so that fit "
                    "leaves it as it is. If that is not meant, set its trainable = "
                    "True before the model is made."
                )
        # Keras calls the train function once an epoch, and that the graph at its pace.
        self.steps_per_execution = steps_per_epoch
        with (
            self._on(examples, batch_size),
            distribute.worker_lost(strategy),
            _unfused(),
            _held_interrupt() as self._interrupt,
            contextlib.ExitStack() as self.closing,
        ):
            sizes = (epochs, steps_per_epoch, self.batch_size, self.disc_iter)
            same = distribute.agree(strategy, *sizes)
            expect(same, "all workers to train alike", epochs=epochs, sizes=sizes)
            ended = False
            while not ended:
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
                    ended = True
                except KeyboardInterrupt:
                    self._callbacks.on_train_end()
                    raise
                except Diverged as error:
                    if not any([one.can_go_back() for one in checkpoints]):
                        good = [one.last_good() for one in checkpoints]
                        raise Diverged("".join([str(error), *good])) from None
            self.finalize_optimizers()
            # What the chief has written is then there for all.
            distribute.agree(strategy)
        if self._interrupt.is_set():
            raise KeyboardInterrupt
        return self.history

    @contextlib.contextmanager
    def _on(self, examples, batch_size):
        """Take examples and batch size; if training is refused, those before."""
        before = self.batch_size, self.pixel_range, copy.copy(self._examples)
        self.batch_size = batch_size
        self.take_examples(examples)
        try:
            yield
        except InvalidInput:
            self.batch_size, self.pixel_range, self._examples = before
            raise

    def train_on_batch(self, x: object = None, y: object = None) -> dict[str, float]:
        """Make one step.

        Args:
            x: real examples, which replace `real_examples`; `None` keeps those.
            y: the labels of `x`, for a model that takes labels.

        Returns:
            Dict of floats by `log_names`.
        """
        history = self.fit(x, y, steps_per_epoch=1, verbose=0).history
        return {name: values[0] for name, values in history.items()}

    def make_train_function(self, force: bool = False) -> Callable:
        """Make what Keras's `fit` calls once an epoch.

        Args:
            force: bool, trace the graph again even if nothing changed.
        """
        # Layers' own settings, such as a rate of dropout, are looked at in each fit.
        networks = (self.generator, self.discriminator)
        configs = str([network.get_config() for network in networks])
        if force or configs != self._configs:
            self._traced = None
        self._configs = configs
        self.train_function: Callable[..., Any] = self._train_epoch
        return self.train_function

    def _train_epoch(self, iterator):
        """Run an epoch, a graph call at a time; give the means of its logs."""
        graph, steps, done = self._graph(), self.steps_per_execution, 0
        totals = {name: tf.zeros((), tf.float64) for name in self.log_names}
        setting = self._compile_options["steps_per_execution"]
        if setting == "auto" and distribute.many_workers(self.distribute_strategy):
            setting = 10  # for their paces differ
        self._chunk = self._chunk if setting == "auto" else setting
        while not self._interrupt.is_set():
            count, start = min(self._chunk, steps - done), time.perf_counter()
            # TensorFlow keeps every distinct number for ever, but not NumPy's arrays.
            steps_now, tensors = tf.constant(np.array(count)), self.examples.tensors
            try:
                totals, finite = graph(steps_now, totals, iterator, tensors)
            except tf.errors.OutOfRangeError:
                # A repeated Dataset ends only if it holds nothing, as after a filter.
                expect(False, "a Dataset that is not empty", batches=0)
            except tf.errors.InvalidArgumentError as error:
                said = re.search(_NOT_FOR_XLA, str(error), re.DOTALL)
                require(
                    said is None,
                    "The argument jit_compile must be False here, for XLA cannot "
                    f"compile the operation {said and said[1]}. Memory-mapped arrays "
                    "and latents drawn with NumPy are read by Python (PyFunc).",
                    "jit_compile",
                )
                said = re.search(_WRONG_LABEL, str(error))
                if said is None:
                    raise
                expect(False, "labels from 0 to classes - 1", labels=said[0])
            done += count
            if setting == "auto" and count == self._chunk:
                self._chunk = _next_chunk(count, time.perf_counter() - start)
            logs = {name: float(total) / done for name, total in totals.items()}
            if not (finite and np.isfinite([*logs.values()]).all()):
                self.diverged = (
                    "Expected finite losses and weights. Received: some that are not, "
                    f"after at most {done} steps of the epoch. Usual causes: a "
                    "learning rate too high, batch_size too small, data not scaled to "
                    "about [-1, 1] or not finite."
                )
                # Keras's TerminateOnNaN looks for a log of this name.
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

    def _graph(self):
        """The function `(steps, totals, batches, tensors)`, traced when needed.

        It gives `totals`, a dict of float64 scalars, with the logs of many steps added
        one by one, so that neither weights nor logs depend on how steps are grouped,
        and whether all weights are finite. Data come as arguments, or are read
        as the graph runs, so that others of the same shape need no other graph.
        """
        objects, options = self.traced_with()
        if self._traced is not None:
            old_objects, old_options, graph = self._traced()
            pairs = zip(objects, old_objects, strict=True)
            if options == old_options and all(new is old for new, old in pairs):
                return graph
        strategy, step = self.distribute_strategy, self.train_step
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, autograph=False)
        networks = (self.generator, self.discriminator)
        takes = self.disc_iter * self.examples.streams
        # A subclass's own train_step is given real samples, as Keras gives batches.
        draws = self.disc_iter * (not takes and self.train_step != self.game_step)

        def replica_step(batches):
            batches = batches or [self.get_real_sample() for _ in range(draws)]
            logs = step(batches[0] if len(batches) == 1 else batches)
            known = logs.keys() >= {*self.log_names}
            expect(known, f"logs named {self.log_names}", logs=[*logs])
            # Replicas have batch-normalisation statistics of their own.
            distribute.average(self.non_trainable_variables)
            return logs

        def one_step(totals, batches):
            data = [next(batches) for _ in range(takes)]
            with distribute.own_seeds(strategy):
                logs = strategy.run(replica_step, (data,))
            logs = {k: strategy.reduce("MEAN", logs[k], axis=None) for k in totals}
            return {k: totals[k] + tf.cast(logs[k], tf.float64) for k in totals}

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
            weights = [weight for network in networks for weight in network.weights]
            finite = [tf.reduce_all(tf.math.is_finite(weight)) for weight in weights]
            return totals, tf.reduce_all(tf.stack(finite))

        graph = many_steps
        if not self.run_eagerly:
            graph = tf.function(graph, autograph=False)
        # A function, for Keras would track what a list holds.
        self._traced = lambda: (objects, options, graph)
        return graph


def _next_chunk(count, seconds):
    """Steps of the next graph call: up while it is short, down where it is long."""
    if seconds < _SECONDS_PER_CALL / 2:
        return 2 * count
    return max(1, count // 2) if seconds > 2 * _SECONDS_PER_CALL else count


@contextlib.contextmanager
def _unfused() -> Iterator[None]:
    """Keep TensorFlow from fusing products with their biases and activations.

    oneDNN's fused operation takes longer than its parts: a quarter of a small network's
    step, a tenth of dense MNIST's; no step here is faster with it.
    """
    before = tf.config.optimizer.get_experimental_options().get("remapping", True)
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": before})


@contextlib.contextmanager
def _held_interrupt() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C sets, instead of an exception at any moment.

    So do SIGTERM and SIGHUP, of a cluster and of a terminal that is closed, where the
    user has said nothing else of them: what they would have ended at once ends by
    SystemExit, with the status that a shell reports of them, 143 and 129.
    """
    interrupt, received, usual = threading.Event(), [], {}

    def hold(number, _):
        interrupt.set()
        received.append(number)
        # A second Ctrl-C does what it always does.
        signal.signal(number, usual[number])

    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            # Windows has no SIGHUP.
            number = getattr(signal, name, None)
            handler = number and signal.getsignal(number)
            ours = callable(handler) if name == "SIGINT" else handler == signal.SIG_DFL
            if number and ours:
                usual[number] = signal.signal(number, hold)
    try:
        yield interrupt
    except (KeyboardInterrupt, OSError) as error:
        # Whatever writes to a terminal that was closed fails.
        if isinstance(error, KeyboardInterrupt) or _hung_up(received):
            _exit_for(received)
        raise
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    _exit_for(received)


def _exit_for(received):
    """End the program with the status of the first signal, unless that was Ctrl-C."""
    if _hung_up(received):
        try:
            print(flush=True)
        except OSError:
            # What else is said has nowhere to go.
            sys.stdout = sys.stderr = open(os.devnull, "w")
    if received and received[0] != signal.SIGINT:
        raise SystemExit(128 + received[0])


def _hung_up(received):
    return getattr(signal, "SIGHUP", None) in received
