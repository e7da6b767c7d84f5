"""The quality of the fakes in each epoch, and the best model so far."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt

from gan import plots
from gan.callbacks.table import read_table, write_table
from gan.data.pixels import find_pixel_range
from gan.errors import (
    StrPath,
    expect_array,
    expect_path,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.metrics.distances import kernel_distance
from gan.metrics.report import comparable
from gan.saving import save_model
from gan.support.files import clear_leftovers, expect_writable
from gan.training.aside import draw_fakes, given_reals

Logs = dict[str, float] | None

_LEAST = 8  # smallest number of real examples
_MOST = 1000  # largest number of real examples and of fakes


class Quality(keras.callbacks.Callback):
    """Draws the kernel distance to real examples over time; saves the best model.

    After each epoch, as many fakes as there are reals, always from the same latents,
    are compared with `real`. The kernel distance (KID) is 0 on average if both sets
    have the same distribution. Its curve is drawn as a PNG file. A line shows the
    distance between two sets of real examples; this measure cannot distinguish fakes at
    that line from real examples. An epoch counts as better only if its distance is
    below the best one by more than its own standard error, so that noise does not
    decide. If no epoch has been better for `patience` measurements, a message says so.

    The distance is the log "kid". The numbers are written to a .csv file beside the
    picture, from which a resumed run continues; `fit` from epoch 0 starts again.

    Args:
        path: str or `os.PathLike` that ends in .png.
        real: float or int array `(n, …)`, at least 8 real examples; the first 1,000 are
            used. They should not be in the training set, because a generator may copy
            that. The values of black and white are inferred from them. For a
            conditional model, give a pair `(examples, conditions)`, as in `Metrics`.
        others: array of other real examples in the same form, whose distance to `real`
            is the line; `None` draws no line.
        best: str or `os.PathLike` that ends in .keras, the file of the best model;
            `None` saves no model.
        every: int, epochs between measurements.
        patience: int, number of measurements without a better one before the message.
        seed: int, seed of the latents.

    Raises:
        InvalidInput: if an argument is invalid, or a file cannot be written.

    Reference:
        Bińkowski et al. 2018, Demystifying MMD GANs, section 4.
    """

    def __init__(
        self,
        path: StrPath,
        real: npt.ArrayLike | tuple[npt.ArrayLike, npt.ArrayLike],
        others: npt.ArrayLike | None = None,
        best: StrPath | None = None,
        every: int = 1,
        patience: int = 20,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._path = expect_writable(path)
        said = f"The argument path must end in .png, but it is {shown(str(path))}."
        require(self._path.suffix.lower() == ".png", said, "path")
        self._table = expect_writable(self._path.with_suffix(".csv"))
        self._best = None if best is None else expect_writable(expect_path(best=best))
        said = f"The argument best must end in .keras, but it is {shown(str(best))}."
        require(best is None or self._best.suffix == ".keras", said, "best")
        expect_positive_int(every=every, patience=patience)
        expect_seed(seed=seed)
        self._every, self._patience, self._seed = every, patience, seed
        real, conditions = given_reals(real)
        real = real[:_MOST]
        self._conditions = None if conditions is None else conditions[:_MOST]
        self._scale, self._shape = find_pixel_range(real), real.shape[1:]
        if others is not None:
            others = expect_array((None, *self._shape), least=_LEAST, others=others)
            others = others[: 2 * _MOST]
        # Along its own principal axes, `real` would seem more varied than other sets.
        self._space = comparable(real if others is None else others)
        self._real, self._floor = self._space(real), None
        if others is not None:
            self._floor = kernel_distance(self._real, self._space(others[:_MOST]))[0]
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Read the earlier run's numbers; check that fakes can be compared."""
        for path in (self._path, self._table, self._best):
            if path is not None:
                clear_leftovers(path.parent, path.name)
        self._rows, self._told = read_table(self._table, "Quality"), False
        shape = self._fakes(1).shape[1:]
        said = f"The argument real must hold examples of the shape {shape}, like the "
        said += f"fakes, but their shape is {self._shape}."
        require(np.prod(shape) == np.prod(self._shape), said, "real")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remove the rows of epochs that will be repeated."""
        self._rows = [row for row in self._rows if row["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Measure, draw, and save the model if it is the best so far."""
        due = epoch == 0 or (epoch + 1) % self._every == 0
        if not due or self.model.diverged is not None:
            return
        value, error = self.measure()
        logs["kid"] = value
        best = self._best_row()
        lost = self._best is not None and not self._best.exists()
        better = best is None or lost or value + error < best["kid"]
        row = {
            "epoch": epoch + 1,
            "kid": value,
            "error": error,
            "better": float(better),
        }
        if better and self._best is not None:
            save_model(self.model, self._best, {"epoch": epoch + 1, "kid": value})
        self._rows.append(row | {"better": float(better)})
        write_table(self._table, self._rows)
        self._draw()
        if not better:
            self._tell(best)

    def measure(self) -> tuple[float, float]:
        """Measure now; return the kernel distance and its standard error."""
        count = len(self._real)
        fakes = np.clip(self._fakes(count), *self._scale).reshape(count, *self._shape)
        return kernel_distance(self._real, self._space(fakes))

    def _fakes(self, count):
        options = {"scale": self._scale, "conditions": self._conditions}
        return draw_fakes(self.model, count, self._seed, **options)

    def paths(self, epochs: int) -> list:
        """The files that exist after `epochs` epochs: list of `pathlib.Path`."""
        return [self._path, self._table, *([self._best] if self._best else [])]

    def _best_row(self):
        """The row of the best model so far, or `None` at the start."""
        return next((row for row in self._rows[::-1] if row["better"]), None)

    def _tell(self, best):
        since = [row for row in self._rows if row["epoch"] > best["epoch"]]
        if self._told or len(since) < self._patience:
            return
        self._told = True
        kept = "" if self._best is None else f", whose model is in {self._best.name}"
        print(
            f"\nThe fakes have not improved since epoch {best['epoch']}{kept}: kernel "
            f"distance {1e3 * best['kid']:.2f} · 10⁻³"
            + (
                ""
                if self._floor is None
                else (f", that of other reals {1e3 * self._floor:.2f} · 10⁻³")
            )
            + ". More training may not help.",
            flush=True,
        )

    def _draw(self):
        epochs = [row["epoch"] for row in self._rows]
        curves = {"fakes": (epochs, [1e3 * row["kid"] for row in self._rows])}
        kept = [row for row in self._rows if row["better"]]
        curves["best so far"] = tuple(
            zip(*[(row["epoch"], 1e3 * row["kid"]) for row in kept], strict=True)
        )
        if self._floor is not None:
            ends = [epochs[0], epochs[-1]]
            curves["other reals"] = ends, [1e3 * self._floor] * 2
        panels = {"kernel distance · 10³": curves}
        plots.save(plots.curves(panels), self._path)
