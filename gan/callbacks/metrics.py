"""Measures of fakes beside held-out reals, as logs of their epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras
import numpy as np
import numpy.typing as npt

from gan.errors import expect_positive_int
from gan.training.aside import Evaluator

Logs = dict[str, float] | None


class Metrics(keras.callbacks.Callback):
    """Measures of `gan.metrics` on held-out reals, as logs of their epochs.

    They are in the history, the progress bar, and what comes later in the list of
    callbacks: TensorBoard, CSVLogger, ModelCheckpoint. As with Keras's
    `validation_freq`, the history holds the measured epochs only: the first, and every
    `every`-th.

    Args:
        real: array `(n, …)`, at least 8 examples that were not trained on (but for
            "neighbour_ratio" those that were).
        names: iterable of str, from `gan.metrics.NAMES`.
        every: int, epochs between measurements.
        count: int, at least 8, fakes that are compared.
        seed: int, of their latents, the same each time.
        to_picture: callable, samples (float32 array `(count, …)`) -> samples on the
            scale of `real`. `None`: the model's `pixel_range` says it.

    Raises:
        InvalidInput: if an argument is not of that form.
    """

    def __init__(
        self,
        real: npt.ArrayLike,
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
        """Refuse now fakes that could not be compared after the first epoch."""
        self._evaluator.expect_fit(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Measure, where it is due and the weights are finite."""
        due = epoch == 0 or (epoch + 1) % self._every == 0
        if due and self.model.diverged is None:
            logs.update(self.measure())

    def measure(self) -> dict[str, float]:
        """Measure now: dict of floats by their names."""
        return self._evaluator(self.model)
