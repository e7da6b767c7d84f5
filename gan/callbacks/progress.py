"""Progress of the whole training, with the time left."""

from __future__ import annotations

import time

import keras

from gan.errors import expect_number
from gan.support.screen import shows_bars

Logs = dict[str, float] | None

_SETTLED = 3.0  # seconds after which the pace of a run is known


class Progress(keras.callbacks.Callback):
    """Shows the progress of the whole of `fit`, with the time left.

    Keras's own bar shows one epoch; use this one with `verbose=0`. On a terminal it
    shows one bar over all epochs. Elsewhere it prints a line when the pace is known
    ("about 14 minutes on this machine (40 ms a step)"), and then a line with the time
    left and the losses every `every` seconds. The time includes drawing and saving
    between epochs, but not the tracing of the graph at the start.

    Args:
        every: float, at least 0, seconds between two lines if the output is not a
            terminal.

    Raises:
        InvalidInput: if `every` is not a number of at least 0.
    """

    def __init__(self, every: float = 30.0) -> None:
        super().__init__()
        expect_number(0, every=every)
        self._every = every

    def on_train_begin(self, logs: Logs = None) -> None:
        """Reset the state of an earlier training."""
        self._bar = self._first = self._start = None
        self._dynamic = shows_bars()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Record the first epoch, which a checkpoint may have changed."""
        self._epoch = epoch
        if self._first is None:
            self._first = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Update the bar, or print a line if one is due."""
        steps, epochs = self.params["steps"], self.params["epochs"]
        total = (epochs - self._first) * steps
        done = (self._epoch - self._first) * steps + batch + 1
        if self._dynamic:
            self._update_bar(done, total, logs or {})
        else:
            self._print_line(done, total, logs or {})

    def on_train_end(self, logs: Logs = None) -> None:
        """End the line of a bar that is not complete."""
        if self._bar is not None and self._done < self._bar.target:
            print(flush=True)

    def _update_bar(self, done, total, logs):
        if self._bar is None:
            # The logs are already means over their epoch.
            bar = {"unit_name": "step", "interval": 0.2, "stateless_metrics": []}
            self._bar = keras.utils.Progbar(total, **bar)
        self._done = done
        self._bar.update(done, [*logs.items()])

    def _print_line(self, done, total, logs):
        now = time.perf_counter()
        if self._start is None:
            # The time of the first steps includes the tracing of the graph.
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
    """Format a time in words: "40 seconds", "14 minutes", "2.5 hours"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} second{'s' * (round(seconds) > 1)}"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def each(seconds: float) -> str:
    """Format the time of a step: "1.3 s", "42 ms", "0.71 ms"."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1e3 * seconds:.{0 if seconds >= 0.01 else 2}f} ms"
