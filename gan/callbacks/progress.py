"""How far the whole of a training is, and how long it still takes."""

from __future__ import annotations

import time

import keras

from gan.errors import expect_number
from gan.support.screen import shows_bars

Logs = dict[str, float] | None

_SETTLED = 3.0  # seconds after which the pace of a run can be told


class Progress(keras.callbacks.Callback):
    """Shows how far the whole of `fit` is, and how long it still takes.

    Keras's own bar speaks of an epoch; give `fit` this one with `verbose=0`. On a
    terminal it is one bar over all epochs. Elsewhere it is a line when the pace can be
    told ("about 14 minutes on this machine (40 ms a step)"), and then a line with the
    time left and the losses every `every` seconds. What is drawn and saved between the
    epochs counts, the tracing of the graph at the start does not.

    Args:
        every: float, seconds between two lines where the output is no terminal.

    Raises:
        InvalidInput: if `every` is not a number of at least 0.
    """

    def __init__(self, every: float = 30.0) -> None:
        super().__init__()
        expect_number(0, every=every)
        self._every = every

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget an earlier training."""
        self._bar = self._first = self._start = None
        self._dynamic = shows_bars()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note where the run begins, which a checkpoint may have moved."""
        self._epoch = epoch
        if self._first is None:
            self._first = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Show how far the run is."""
        steps, epochs = self.params["steps"], self.params["epochs"]
        total = (epochs - self._first) * steps
        done = (self._epoch - self._first) * steps + batch + 1
        if self._dynamic:
            self._update_bar(done, total, logs or {})
        else:
            self._print_line(done, total, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:
        """End the line of a bar that was stopped."""
        if self._bar is not None and self._done < self._bar.target:
            print(flush=True)

    def _update_bar(self, done, total, logs):
        if self._bar is None:
            # The logs are means over their epoch already.
            bar = {"unit_name": "step", "interval": 0.2, "stateless_metrics": []}
            self._bar = keras.utils.Progbar(total, **bar)
        self._done = done
        self._bar.update(done, [*logs.items()])

    def _print_line(self, done, total, logs):
        now = time.perf_counter()
        if self._start is None:
            # The first steps waited for their graph.
            self._start = self._told = now
            self._before = done
        first = self._told == self._start
        if done == total or now - self._told < (_SETTLED if first else self._every):
            return
        self._told = now
        pace = (now - self._start) / max(done - self._before, 1)
        if first:
            whole = f"about {duration(total * pace)} on this machine"
            print(f"{total:,} steps, {whole} ({each(pace)} a step)", flush=True)
            return
        values = ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
        place = f"epoch {self._epoch + 1} of {self.params['epochs']}"
        left = f"about {duration((total - done) * pace)} left"
        print(f"{place}, {done / total:.0%}, {left}: {values}", flush=True)


def duration(seconds: float) -> str:
    """A time as people say it: "40 seconds", "14 minutes", "2.5 hours"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} second{'s' * (round(seconds) > 1)}"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def each(seconds: float) -> str:
    """The time of a step: "1.3 s", "42 ms", "0.71 ms"."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.{0 if seconds >= 0.01 else 2}f} ms"
