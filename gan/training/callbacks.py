"""What happens beside training while `fit` runs: pictures, measures, checkpoints.

No callback here disturbs the run: what it draws comes from a stream of its own. Samples
are those of the averaged generator where the model has one (`ema`). A resumed run goes
on with the files of the run before, whatever the order of the callbacks.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.errors import (
    InvalidInput,
    StrPath,
    expect,
    expect_path,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.evaluation.fakes import Judge, aside, draw_fakes, expect_to_picture
from gan.saving.files import (
    atomic_path,
    clear_leftovers,
    expect_writable,
    made_folder,
)
from gan.training.checkpoint import Checkpoint
from gan.visualization import plots
from gan.visualization.animation import expect_gif, write_gif
from gan.visualization.page import Recording, film_page

__all__ = ["Animation", "Checkpoint", "Losses", "Metrics", "Page", "SampleGrid"]

Logs = dict[str, float] | None
_GIF_SIDE = 350  # pixels; at twice the side a GIF takes 2.5 times the bytes
_LABELS = {"gen_loss": "generator loss", "gp": "gradient penalty"}


class SampleGrid(keras.callbacks.Callback):
    """A picture of what the model draws from the same latents, a PNG each epoch.

    Args:
        directory: str or `os.PathLike`, made if it is not there.
        count: int, samples in the grid.
        columns: int, samples in a row of it. Defaults to `ceil(sqrt(count))`.
        name: str, the file's name with `{epoch}`, the number of epochs done; without
            it the last picture takes the place of the one before.
        every: int, epochs between pictures.
        seed: int, of the latents.
        to_picture: callable, samples (float32 array `(count, …)`) -> pictures for
            `gan.plots.tile`, values in [0, 1]. `None`: the samples are such pictures.
            For a generator that ends in tanh: `lambda samples: samples / 2 + 0.5`.
        draw: callable, model -> what is drawn instead of the grid: a picture, float
            array `(h, w)` or `(h, w, 3)` with values in [0, 1], or a matplotlib
            Figure. `model.get_fake_sample` gives it the same latents each time.
        gif: str or `os.PathLike` that ends in .gif, or `None`: when `fit` ends, the
            pictures become an animation of about 350 pixels.
        frames_per_second: float in [0.01, 50], of the animation.

    Raises:
        InvalidInput: if an argument is not of that form or the folder is not writable.

    Example:

        SampleGrid("pictures", to_picture=lambda samples: samples / 2 + 0.5)
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
        gif: StrPath | None = None,
        frames_per_second: float = 10,
    ) -> None:
        super().__init__()
        expect_positive_int(count=count, every=every)
        expect_positive_int(columns=count if columns is None else columns)
        expect_seed(seed=seed)
        _expect_name(name, several=gif is not None)
        expect_to_picture(to_picture)
        require(
            draw is None or callable(draw),
            f"The argument draw must be a function of a model, but is {shown(draw)}.",
            "draw",
        )
        self._gif = None if gif is None else expect_gif(gif, frames_per_second)
        with made_folder(directory) as self._directory:
            expect_writable(self._directory / name.format(epoch=1))
        self._count, self._columns, self._every = count, columns, every
        self._seed = seed
        self._name, self._to_picture, self._draw = name, to_picture, draw
        self._frames_per_second, self._done = frames_per_second, 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Refuse now what could not be drawn after the first epoch."""
        clear_leftovers(self._directory, self._name.partition("{")[0])
        if self._gif:
            clear_leftovers(self._gif.parent, self._gif.name)
        # Where no epoch begins, all were done before a kill.
        self._done = self.params["epochs"]
        if self._draw is None:
            self._picture()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note which epochs are done: only theirs are pictures of the animation."""
        self._done = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Draw, where a picture is due and the weights are finite."""
        if self.model.diverged is not None:
            return
        self._done = epoch + 1
        if self._done % self._every == 0:
            picture = self._picture()
            if not hasattr(picture, "savefig"):
                picture = plots.mosaic(np.asarray(picture)[None])
            plots.save(picture, self._path(self._done))

    def on_train_end(self, logs: Logs = None) -> None:
        """Make the animation of the pictures that there are."""
        epochs = range(self._every, self._done + 1, self._every)
        paths = [path for path in map(self._path, epochs) if path.is_file()]
        # What an earlier run left may be of another size, or damaged.
        drawn = (shape for shape in map(_shape, reversed(paths)) if shape)
        shape = next(drawn, None)
        paths = [path for path in paths if _shape(path) == shape]
        if self._gif and shape:
            write_gif(map(_shrunk, paths), self._gif, self._frames_per_second)

    def paths(self, epochs: int) -> list[pathlib.Path]:
        """What is written after so many epochs: the picture, and the animation.

        Args:
            epochs: int, from 1.

        Returns:
            List of `pathlib.Path`.
        """
        return [self._path(epochs), *([self._gif] if self._gif else [])]

    def _path(self, epochs):
        return self._directory / self._name.format(epoch=epochs)

    def _picture(self):
        if self._draw is not None:
            with aside(self.model, self._seed):
                return self._draw(self.model)
        pictures = draw_fakes(self.model, self._count, self._seed, self._to_picture)
        return plots.tile(pictures, self._columns)


class Animation(SampleGrid):
    """A GIF of the training: what the model draws from the same latents each epoch.

    It is made when `fit` ends, by Ctrl-C too; its frames are the PNG files in a folder
    beside it, `training-frames` for `training.gif`, which stays, so that a later `fit`
    goes on with them. A `fit` from epoch 0 starts the animation anew.

    Args:
        path: str or `os.PathLike` that ends in .gif.
        Others as `SampleGrid`.

    Raises:
        InvalidInput: if an argument is not of that form or nothing can be written
            there.
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
        gif = expect_path(path=path)
        super().__init__(
            gif.with_name(f"{gif.stem}-frames"),
            count,
            columns,
            "{epoch:06d}.png",
            every,
            seed,
            to_picture,
            draw,
            gif,
            frames_per_second,
        )

    def _repr_html_(self) -> str:
        gif = base64.b64encode(self._gif.read_bytes()) if self._gif.exists() else b""
        return (
            f'<img alt="{self._gif.name}" src="data:image/gif;base64,{gif.decode()}">'
        )


class Metrics(keras.callbacks.Callback):
    """Measures of `gan.metrics` on held-out reals, as logs of their epochs.

    They are in the history, the progress bar, and what comes later in the list of
    callbacks: TensorBoard, CSVLogger, ModelCheckpoint. As with Keras's
    `validation_freq`, the history holds the judged epochs only: the first, and every
    `every`-th.

    Args:
        real: array `(n, …)`, at least 8 examples that were not trained on (but for
            "neighbour_ratio" those that were), pictures in [0, 1].
        names: iterable of str, from `gan.metrics.NAMES`.
        every: int, epochs between judgements.
        count: int, at least 8, fakes that are judged.
        seed: int, of their latents, the same each time.
        to_picture: callable, samples (float32 array `(count, …)`) -> samples on the
            scale of `real`. `None`: they are.

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
        self._judge = Judge(real, names, count, seed, to_picture)
        self._every = every

    def on_train_begin(self, logs: Logs = None) -> None:
        """Refuse now fakes that could not be compared after the first epoch."""
        self._judge.expect_fit(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Judge, where it is due and the weights are finite."""
        due = epoch == 0 or (epoch + 1) % self._every == 0
        if due and self.model.diverged is None:
            logs.update(self.judge())

    def judge(self) -> dict[str, float]:
        """Measure now: dict of floats by their names."""
        return self._judge(self.model)


class Losses(keras.callbacks.Callback):
    """The curves of the losses, a PNG that is drawn anew while training goes on.

    How to read it: for a Wasserstein model the first panel is the critic's estimate
    of the distance between reals and fakes, minus its loss without the penalty. It
    rises while the critic learns, then falls towards 0 as fakes get better; the
    generator's loss alone says nothing. Where the estimate on training reals stays
    above that on held-out ones, and the gap grows, the critic has learnt the training
    reals by heart: it needs more data or a smaller critic. For other models the panel
    is the discriminator's loss, and that gap opens the other way; a class of your own
    says by `loss_panel` which it is.

    Without `held_out` the first panel is the mean over each epoch, as all others are.
    With it, both curves are taken at the epoch's end, in inference mode, on the same
    training examples and latents each time, for in the course of an epoch the critic
    changes more than the gap. The numbers stand beside the picture in a .csv, from
    which a resumed run goes on; `fit` from epoch 0 starts anew.

    Args:
        path: str or `os.PathLike` that ends in .png.
        held_out: array of real examples, of the form of the model's own (with labels,
            where those have them), that are not trained on; a thousand are enough.
            The discriminator's losses become the logs "training_loss" and
            "held_out_loss".
        every: int, epochs between pictures; the last epoch has one always.
        seed: int, of the latents and training examples beside the held-out ones.

    Raises:
        InvalidInput: if an argument is not of that form or nothing can be written
            there.

    Reference:
        Gulrajani et al. 2017, Improved Training of Wasserstein GANs, figure 5.
    """

    def __init__(
        self, path: StrPath, held_out: Any = None, every: int = 1, seed: int = 0
    ) -> None:
        super().__init__()
        self._path = expect_writable(path)
        png = self._path.suffix.lower() == ".png"
        expect(png, "a path that ends in .png", path=str(path))
        self._table = expect_writable(self._path.with_suffix(".csv"))
        expect_positive_int(every=every)
        expect_seed(seed=seed)
        arrays = not isinstance(held_out, (str, tf.data.Dataset))
        expect(arrays, "held_out to be an array", held_out=held_out)
        self._held_out, self._every, self._seed = held_out, every, seed
        self._rows: list[dict[str, float]] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Read what the run before left; check that the held-out examples fit."""
        for path in (self._path, self._table):
            clear_leftovers(path.parent, path.name)
        self._rows = _read_table(self._table) if self._table.exists() else []
        if self._held_out is not None:
            self._unseen = self.model.as_examples(self._held_out, 1, "held_out")
            require(
                not self._unseen.streams,
                "The argument held_out must be an array, not batches: take the first "
                "thousand examples.",
                "held_out",
            )
            self._unseen.pixel_range = self.model.examples.pixel_range
            # Refuse now what could not be judged after the first epoch.
            self._losses_now()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Forget epochs that are done again."""
        self._rows = [row for row in self._rows if row["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the epoch; draw where a picture is due."""
        if self.model.diverged is not None:
            return
        if self._held_out is not None:
            logs.update(self._losses_now())
        names = [*self.model.log_names, "training_loss", "held_out_loss"]
        values = {name: float(logs[name]) for name in names if name in logs}
        self._rows.append({"epoch": epoch + 1, **values})
        _write_table(self._table, self._rows)
        if (epoch + 1) % self._every == 0:
            self._draw()

    def on_train_end(self, logs: Logs = None) -> None:
        """Draw the end."""
        if self._rows:
            self._draw()

    def _losses_now(self):
        model, count = self.model, len(self._unseen)
        # A Dataset need not say how many examples it has; one batch there is.
        streams = model.examples.streams
        most = min(count, model.batch_size if streams else len(model.examples))
        held_out = self._unseen.first(count).public()
        with aside(model, self._seed):
            fake = model.get_fake_sample(count, averaged=False)
            samples = fake, model.get_real_sample(most), held_out
            fake, training, held_out = (
                model.judge(*(one if model.classes else (one,)), training=False)
                for one in samples
            )
        # Some losses pair reals with fakes.
        fewer = keras.tree.map_structure(lambda outputs: outputs[:most], fake)
        return {
            "training_loss": float(model.discriminator_loss(training, fewer)),
            "held_out_loss": float(model.discriminator_loss(held_out, fake)),
        }

    def _draw(self):
        title, sign = self.model.loss_panel
        panels = {title: {"training": self._curve("discr_loss", sign)}}
        if self._held_out is not None:
            names = {"training": "training_loss", "held out": "held_out_loss"}
            panels[title] = {k: self._curve(name, sign) for k, name in names.items()}
        for name in self.model.log_names[1:]:
            panels[_LABELS.get(name, name)] = {"training": self._curve(name)}
        # A table of an earlier run may lack what this one notes.
        panels = {
            label: {name: curve for name, curve in some.items() if curve}
            for label, some in panels.items()
        }
        panels = {label: some for label, some in panels.items() if some}
        if panels:
            plots.save(plots.curves(panels), self._path)

    def _curve(self, name, sign=1):
        points = [(row["epoch"], sign * row[name]) for row in self._rows if name in row]
        return tuple(zip(*points, strict=True))


def _expect_name(name, several):
    """Expect a file's name ending in .png, with no field but `{epoch}`."""
    png = isinstance(name, str) and name.endswith(".png")
    expect(png, "name to end in .png", name=name)
    try:
        names = [name.format(epoch=epoch) for epoch in (1, 2)]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        names = []
    require(
        names,
        "The argument name may have the field {epoch} and no other, as in "
        f'"{{epoch:04d}}.png", but it is {shown(name)}.',
        "name",
    )
    require(
        not several or names[0] != names[1],
        "The argument name must have the field {epoch}, for the pictures of all epochs "
        f"become the animation, but it is {shown(name)}.",
        "name",
    )


def _shape(path):
    """The shape of a picture's frame, or `None` where it cannot be read."""
    try:
        return _shrunk(path).shape[:2]
    except (OSError, SyntaxError, ValueError):
        return None


def _shrunk(path):
    """The picture of a PNG file, grey where it is, at about the side of our GIFs."""
    from PIL import Image, ImageChops

    with Image.open(path) as image:
        image = image.convert("RGB").reduce(max(1, max(image.size) // _GIF_SIDE))
    red, green, blue = image.split()
    grey = not any(ImageChops.difference(red, c).getbbox() for c in (green, blue))
    return np.asarray(red if grey else image)


def _write_table(path, rows):
    names = dict.fromkeys(name for row in rows for name in row)
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="nan", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _read_table(path):
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = [{name: float(row[name]) for name in row} for row in table]
            rows = [{**row, "epoch": int(row["epoch"])} for row in rows]
            epochs = [0, *(row["epoch"] for row in rows)]
            ours = "epoch" in (table.fieldnames or []) and epochs == sorted({*epochs})
    except (KeyError, OverflowError, TypeError, ValueError, csv.Error):
        ours = False
    expect(ours, "a table that Losses wrote, or no file", path=str(path))
    return rows


class Page(keras.callbacks.Callback):
    """The training of a model of 1-D or 2-D points, as a film in the browser.

    A page is written when `fit` ends: real and fake points, the discriminator's field
    and its slopes, the latents' plane as the generator folds it, the losses, to be
    played and scrubbed. A resumed run begins its film where it goes on.

    Args:
        path: str or `os.PathLike`, the page, which ends in ".html".
        frames: int, at least 2, epochs whose weights are kept in the page; in between
            it goes straight.
        title: str.

    Raises:
        InvalidInput: if an argument is not of that form; when training begins, if the
            examples are no points or a network has layers that pages do not know.
    """

    def __init__(
        self, path: StrPath, frames: int = 30, title: str = "A training"
    ) -> None:
        super().__init__()
        self._path = expect_writable(path)
        html = self._path.suffix == ".html"
        expect(html, "a path that ends in .html", path=str(path))
        expect_positive_int(frames=frames)
        expect(frames >= 2, "at least 2 frames", frames=frames)
        self._frames, self._title = frames, title

    def on_train_begin(self, logs: Logs = None) -> None:
        """Refuse now what could not be shown at the end."""
        model = self.model
        shape = model.generator.output_shape[1:]
        expect(shape in ((1,), (2,)), "examples (1,) or (2,)", shape=shape)
        outputs = keras.tree.flatten(model.discriminator.outputs)[0].shape[1:]
        expected = "a discriminator that gives one number of an example"
        expect(outputs == (1,), expected, output_shape=outputs)
        known = hasattr(model.latent_generator, "latent_type")
        expect(known, "a latent generator of gan.latent", latent_generator=None)
        self._begin(0)
        self._recording: Recording | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Keep the networks as they are before the first step."""
        if self._recording is None:
            self._recording = self._begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep the networks as they are, where half floats hold their weights."""
        if self.model.diverged is None:
            with contextlib.suppress(InvalidInput):
                self._recording.add(self.model, epoch + 1)

    def on_train_end(self, logs: Logs = None) -> None:
        """Write the page, unless all epochs were done before and it is there."""
        if self._recording is None:
            if self._path.exists():
                return
            self._recording = self._begin(self.params["epochs"])
        run = self._recording.data(self.model, self._frames)
        film_page(self._path, [run], self._title)

    def _begin(self, epoch):
        recording = Recording(type(self.model).__name__)
        recording.add(self.model, epoch)
        return recording
