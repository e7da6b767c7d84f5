"""What happens beside training while `fit` runs: pictures, measures, checkpoints.

No callback here disturbs the run: what it draws comes from a stream of its own. Drawn
rows are those of the averaged generator where the model has one (`ema`). A resumed run
goes on with the files of the run before, whatever the order of the callbacks.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan import losses
from gan.data.examples import count_rows, take
from gan.errors import StrPath, expect, expect_positive_int
from gan.evaluation import metrics
from gan.saving.files import atomic_path, expect_writable, made_folder
from gan.training.checkpoint import Checkpoint
from gan.visualization import plots
from gan.visualization.animation import Gif

__all__ = ["Animation", "Checkpoint", "Losses", "Metrics", "SampleGrid"]

_ROWS = 500  # rows that go through a network at once
_LABELS = {"gen_loss": "generator loss", "gp": "gradient penalty"}


class _Pictures(keras.callbacks.Callback):
    """One picture of the model every so many epochs; arguments as for `Animation`."""

    def __init__(self, count, columns, every, seed, to_picture, draw):
        super().__init__()
        columns_given = count if columns is None else columns
        expect_positive_int(count=count, columns=columns_given, every=every)
        _expect_callables(to_picture=to_picture, draw=draw)
        one = draw is None or (columns is None and to_picture is None)
        expect(one, "draw, or columns and to_picture", columns=columns, draw=draw)
        self.count, self.columns, self.every = count, columns, every
        self.seed, self.to_picture, self.draw = _expect_seed(seed), to_picture, draw

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Refuse now what could not be drawn after the first epoch."""
        if self.draw is None:
            self._picture()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Draw, where a picture is due and the weights are finite."""
        if (epoch + 1) % self.every == 0 and self.model.diverged is None:
            self._keep(self._picture(), epoch + 1)

    def _picture(self):
        with self.model.stream.anew(self.seed):
            if self.draw is not None:
                return self.draw(self.model)
            rows = _fake_rows(self.model, self.count)
        pictures = rows if self.to_picture is None else self.to_picture(rows)
        return plots.tile(pictures, self.columns)

    def _keep(self, picture, epochs):
        raise NotImplementedError


class SampleGrid(_Pictures):
    """A picture of what the model draws from the same latents, a PNG each epoch.

    Args:
        directory: str or `os.PathLike`, made if it is not there.
        name: str, the file's name with `{epoch}`, the number of epochs done; without
            it the last picture takes the place of the one before.
        count, columns, every, seed, to_picture, draw: as for `Animation`.

    Raises:
        InvalidInput: if an argument is not of that form or the folder is not writable.

    Example:

        SampleGrid("pictures", to_picture=lambda rows: rows / 2 + 0.5)
    """

    def __init__(
        self,
        directory: StrPath,
        count: int = 16,
        columns: int | None = None,
        name: str = "image_at_epoch_{epoch:04d}.png",
        every: int = 1,
        seed: int = 0,
        to_picture: Callable[[np.ndarray], npt.ArrayLike] | None = None,
        draw: Callable[[Any], object] | None = None,
    ) -> None:
        super().__init__(count, columns, every, seed, to_picture, draw)
        try:
            file = name.format(epoch=1)
        except (AttributeError, LookupError, ValueError):
            file = ""
        named = file.endswith(".png") and os.path.basename(file) == file
        expect(named, "name to be a file's, with {epoch} and .png", name=name)
        with made_folder(directory) as self.directory:
            expect_writable(self.directory / file)
        self.name = name

    def _keep(self, picture, epochs):
        figure = _as_figure(picture)
        plots.save(figure, self.directory / self.name.format(epoch=epochs))


class Animation(_Pictures):
    """A GIF of the training: what the model draws from the same latents each epoch.

    Pictures are enlarged by whole numbers, up to 8, to about 350 pixels.
    Frames go to disk one by one, each with the number of its epoch as a comment, and
    the file is valid at every moment. A resumed run cuts the frames after its epoch
    and goes on; `fit` from epoch 0 starts the animation anew.

    Args:
        path: str or `os.PathLike` that ends in .gif.
        count: int, pictures in the grid.
        columns: int, pictures in a row of it. Defaults to `ceil(sqrt(count))`.
        every: int, epochs between pictures.
        seed: int, of the latents.
        to_picture: callable, generator's rows (float32 array `(count, …)`) -> pictures
            for `plots.tile`, values in [0, 1]. None: the rows are such pictures. For a
            generator that ends in tanh: `lambda rows: rows / 2 + 0.5`.
        draw: callable, model -> what is drawn instead of the grid: a picture, float
            array `(h, w)` or `(h, w, 3)` with values in [0, 1], or a matplotlib
            Figure. `model.get_fake_sample` gives it the same latents each time.
        frames_per_second: float in [0.01, 50].

    Raises:
        InvalidInput: if an argument is not of that form, or the file cannot be written
            or is not such an animation.
    """

    def __init__(
        self,
        path: StrPath,
        count: int = 16,
        columns: int | None = None,
        every: int = 1,
        seed: int = 0,
        to_picture: Callable[[np.ndarray], npt.ArrayLike] | None = None,
        draw: Callable[[Any], object] | None = None,
        frames_per_second: float = 10,
    ) -> None:
        super().__init__(count, columns, every, seed, to_picture, draw)
        self.gif = Gif(path, frames_per_second)
        numbered = all(note.isdecimal() for note in self.gif.notes)
        expect(numbered, "an animation of a training, or no file", path=str(path))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Cut the frames of epochs that are done again."""
        self.gif.cut(sum(int(note) <= epoch for note in self.gif.notes))

    def _keep(self, picture, epochs):
        if _is_figure(picture):
            frame = plots.pixels(picture)
        else:
            picture = np.asarray(picture)
            # At twice the scale a GIF of digits takes 2.5 times the bytes.
            scale = min(max(350 // max(picture.shape[:2]), 1), 8)
            frame = plots.tile(picture[None], scale=scale)
        self.gif.append(frame, str(epochs))


class Metrics(keras.callbacks.Callback):
    """Measures of `gan.metrics` on held-out reals, as logs of their epochs.

    They are in the history, the progress bar, and what comes later in the list of
    callbacks: TensorBoard, CSVLogger, Checkpoint. As with Keras's `validation_freq`,
    the history holds the judged epochs only: the first, and every `every`-th.

    Args:
        real: array `(n, …)`, at least 8 rows that were not trained on (but for
            "neighbour_ratio" those that were), pictures in [0, 1].
        names: iterable of str, from `gan.metrics.NAMES`.
        every: int, epochs between judgements.
        count: int, at least 8, fakes that are judged.
        seed: int, of their latents, the same each time.
        to_picture: callable, generator's rows (float32 array `(count, …)`) -> rows on
            the scale of `real`. None: they are.

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
        self.names = metrics.expect_names(names)
        expect_positive_int(every=every, count=count)
        expect(count >= 8, "at least 8 fakes", count=count)
        _expect_callables(to_picture=to_picture)
        self.real = _expect_rows(8, real=real)
        self.every, self.count, self.to_picture = every, count, to_picture
        self.seed = _expect_seed(seed)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Refuse now fakes that could not be compared after the first epoch."""
        shapes = {"real": self.real.shape, "fakes": self._fakes(8).shape}
        numbers = {int(np.prod(shape[1:])) for shape in shapes.values()}
        expect(len(numbers) == 1, "fakes like the real rows", **shapes)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge, where it is due and the weights are finite."""
        due = epoch == 0 or (epoch + 1) % self.every == 0
        if due and self.model.diverged is None:
            logs |= metrics.measures(self.real, self._fakes(self.count), self.names)

    def _fakes(self, count):
        with self.model.stream.anew(self.seed):
            rows = _fake_rows(self.model, count)
        return rows if self.to_picture is None else np.asarray(self.to_picture(rows))


class Losses(keras.callbacks.Callback):
    """The curves of the losses, a PNG that is drawn anew while training goes on.

    How to read it: for a Wasserstein model the first panel is the critic's estimate
    of the distance between reals and fakes, minus its loss without the penalty. It
    rises while the critic learns, then falls towards 0 as fakes get better; the
    generator's loss alone says nothing. Where the estimate on training reals stays
    above that on held-out ones, and the gap grows, the critic has learnt the training
    reals by heart: it needs more data or a smaller critic. For other models the panel
    is the discriminator's loss, and that gap opens the other way.

    Without `held_out` the first panel is the mean over each epoch, as all others are.
    With it, both curves are taken at the epoch's end, in inference mode, on the same
    training rows and latents each time, for in the course of an epoch the critic
    changes more than the gap. The numbers stand beside the picture in a .csv, from
    which a resumed run goes on; `fit` from epoch 0 starts anew.

    Args:
        path: str or `os.PathLike` that ends in .png.
        held_out: array of real rows, of the form of the model's own (with labels,
            where those have them), that are not trained on; a thousand are enough.
            The discriminator's losses become the logs "training_loss" and
            "held_out_loss".
        every: int, epochs between pictures; the last epoch has one always.
        seed: int, of the latents and training rows beside the held-out ones.

    Raises:
        InvalidInput: if an argument is not of that form or nothing can be written
            there.

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs, figure 5.
    """

    def __init__(
        self,
        path: StrPath,
        held_out: object = None,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        expect(isinstance(path, (str, os.PathLike)), "a file path", path=path)
        self.path = expect_writable(path)
        png = self.path.suffix.lower() == ".png"
        expect(png, "a path that ends in .png", path=str(path))
        self.table = expect_writable(self.path.with_suffix(".csv"))
        expect_positive_int(every=every)
        arrays = not isinstance(held_out, (str, tf.data.Dataset))
        expect(arrays, "held_out to be an array", held_out=held_out)
        self.held_out, self.every, self.seed = held_out, every, _expect_seed(seed)
        self._rows = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Read what the run before left; check that the held-out rows fit."""
        self._rows = _read_table(self.table) if self.table.exists() else []
        if self.held_out is not None:
            network = self.model.discriminator
            self._held_out = self.model.as_examples(self.held_out, network, 1)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Forget epochs that are done again."""
        self._rows = [row for row in self._rows if row["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note the epoch; draw where a picture is due."""
        if self.model.diverged is not None:
            return
        if self.held_out is not None:
            logs |= self._losses_now()
        names = [*self.model.log_names, "training_loss", "held_out_loss"]
        row = {name: float(logs[name]) for name in names if name in logs}
        self._rows.append({"epoch": float(epoch + 1), **row})
        _write_table(self.table, self._rows)
        if (epoch + 1) % self.every == 0:
            self._draw()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Draw the end."""
        if self._rows:
            self._draw()

    def _losses_now(self):
        model, count = self.model, count_rows(self._held_out)
        real = model.real_examples
        # A Dataset need not say how many rows it has; one batch there is.
        rows = model.batch_size if isinstance(real, tf.data.Dataset) else None
        with model.stream.anew(self.seed):
            fake = model.get_fake_sample(count, averaged=False)
            training = model.get_real_sample(min(count, rows or count_rows(real)))
        held_out = model.as_rows(take(self._held_out, tf.range(count)))
        fake, training, held_out = (
            model.judge(sample, training=False) for sample in (fake, training, held_out)
        )
        return {
            "training_loss": float(model.discriminator.loss(training, fake)),
            "held_out_loss": float(model.discriminator.loss(held_out, fake)),
        }

    def _draw(self):
        curves = {}
        for row in self._rows:
            for name in row.keys() - {"epoch"}:
                epochs, values = curves.setdefault(name, ([], []))
                epochs.append(row["epoch"])
                values.append(row[name])
        ours = self.model.discriminator_loss is losses.wasserstein_discriminator
        names = {"training": "training_loss", "held out": "held_out_loss"}
        if self.held_out is None:
            names = {"training": "discr_loss"}
        first = {
            label: (curves[name][0], (-1 if ours else 1) * np.array(curves[name][1]))
            for label, name in names.items()
        }
        panels = {"Wasserstein estimate" if ours else "discriminator loss": first}
        for name in self.model.log_names:
            if name in curves and name != "discr_loss":
                panels[_LABELS.get(name, name)] = {"training": curves[name]}
        plots.save(plots.curves(panels), self.path)


def _fake_rows(model, count):
    """Rows of the generator, without their labels; few at a time go through it."""
    starts = range(0, count, _ROWS)
    drawn = [model.get_fake_sample(min(_ROWS, count - start)) for start in starts]
    return np.concatenate(
        [some[0] if isinstance(some, tuple) else some for some in drawn]
    )


def _is_figure(picture):
    return hasattr(picture, "savefig")


def _as_figure(picture):
    return picture if _is_figure(picture) else plots.mosaic(np.asarray(picture)[None])


def _write_table(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with atomic_path(path) as temporary:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, names)
            table.writeheader()
            table.writerows(rows)


def _read_table(path):
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = [
                {name: float(value) for name, value in row.items() if value}
                for row in table
            ]
        named = "epoch" in (table.fieldnames or [])
        fits = named and all("epoch" in row for row in rows)
    except (TypeError, ValueError, csv.Error):
        fits = False
    expect(fits, "a table that Losses wrote, or no file", path=str(path))
    return rows


def _expect_rows(least, **named):
    ((name, value),) = named.items()
    array = np.asarray(value)
    rows = array.ndim >= 2 and len(array) >= least and array.dtype.kind in "fiu"
    expected = f"{name} to be at least {least} rows of numbers, shape (n, …)"
    expect(rows, expected, shape=array.shape, dtype=str(array.dtype))
    expect(np.isfinite(array).all(), f"{name} to be finite", **{name: array})
    return array


def _expect_callables(**named):
    for name, value in named.items():
        usable = value is None or callable(value)
        expect(usable, f"{name} to be callable or None", **{name: value})


def _expect_seed(seed):
    expect(type(seed) is int, "seed to be an int", seed=seed)
    return seed
