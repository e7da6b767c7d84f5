"""Measures of fakes against held-out reals, as logs of the epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import numpy.typing as npt

from gan.errors import expect_positive_int
from gan.training.aside import Evaluator

Logs = dict[str, float] | None


class Metrics(keras.callbacks.Callback):
    """Logs measures of `gan.metrics` against held-out real examples.

    The logs appear in the history, in the progress bar and in callbacks that come later
    in the list, such as TensorBoard, CSVLogger or ModelCheckpoint. As with Keras's
    `validation_freq`, the history holds only the measured epochs: the first, and every
    `every`-th.

    Args:
        real: float or int array `(n, …)`, at least 8 examples that are not in the
            training set (for "neighbour_ratio", the training set). The values of black
            and white are inferred from them. For a conditional model, give a pair
            `(examples, conditions)`: the fakes get these conditions. Without them, the
            classes of the fakes are equally frequent, those of the reals may not be.
        names: iterable of str, from `gan.metrics.NAMES`.
        every: int, epochs between measurements.
        count: int, at least 8, number of fakes.
        seed: int, seed of the latents, which are the same each time.
        to_picture: callable, samples (float32 array `(count, …)`) -> samples in the
            range of `real`. `None` uses the model's `pixel_range`.

    Raises:
        InvalidInput: if an argument is invalid.
    """

    def __init__(
        self,
        real: npt.ArrayLike | tuple[npt.ArrayLike, npt.ArrayLike],
        names: Iterable[str] = ("sw2", "fd"),
        every: int = 1,
        count: int = 1000,
        seed: int = 0,
        to_picture: Callable[[np.ndarray], npt.ArrayLike] | None = None,
    ) -> None:
        super().__init__()
        expect_positive_int(every=every)
        self._evaluator = Evaluator(real, names, count, seed, to_picture)
        self._every = every

    def on_train_begin(self, logs: Logs = None) -> None:
        """Check that fakes and reals can be compared, before the first epoch."""
        self._evaluator.expect_fit(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Measure if it is due and the weights are finite."""
        due = epoch == 0 or (epoch + 1) % self._every == 0
        if due and self.model.diverged is None:
            logs.update(self.measure())

    def measure(self) -> dict[str, float]:
        """Measure now; return a dict from names to floats."""
        return self._evaluator(self.model)
