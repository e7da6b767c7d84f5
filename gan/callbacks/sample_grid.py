"""Pictures of a model's samples after each epoch, and an animation of them."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from gan import plots
from gan.animation import expect_animation, write_animation
from gan.errors import (
    StrPath,
    expect_path,
    expect_positive_int,
    expect_seed,
    require,
    shown,
)
from gan.support.files import clear_leftovers, expect_writable, made_folder
from gan.training.aside import aside, draw_fakes, expect_to_picture

Logs = dict[str, float] | None
_GIF_SIDE = 350  # pixels; with twice the side, a GIF has 2.5 times the bytes


class SampleGrid(keras.callbacks.Callback):
    """Saves a grid of samples as a PNG file after each epoch, from the same latents.

    Args:
        directory: str or `os.PathLike`, the folder, which is made if it does not exist.
        count: int, number of samples in the grid.
        columns: int, number of samples in a row. Defaults to `ceil(sqrt(count))`.
        name: str, the file's name. `{epoch}` in it becomes the number of epochs done;
            without it, each picture replaces the one before.
        every: int, epochs between pictures.
        seed: int, seed of the latents.
        to_picture: callable, samples (float32 array `(count, …)`) -> pictures in [0, 1]
            for `gan.plots.tile`. `None` uses the model's `pixel_range`.
        draw: callable that replaces the grid: model -> a picture, float array `(h, w)`
            or `(h, w, 3)` in [0, 1], or a matplotlib Figure. In it,
            `model.get_fake_sample` draws from the same latents each time.
        gif: str or `os.PathLike` that ends in .gif, .webp or .mp4. When `fit` ends, the
            pictures are written to it as an animation of about 350 pixels by
            `gan.animation.write_animation`. `None` writes no animation.
        frames_per_second: float in [0.01, 50], of the animation.

    Raises:
        InvalidInput: if an argument is invalid, or the folder is not writable.

    Example:

        SampleGrid("pictures", count=25)
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
        self._gif = None if gif is None else expect_animation(gif, frames_per_second)
        with made_folder(directory) as self._directory:
            expect_writable(self._directory / name.format(epoch=1))
        self._count, self._columns, self._every = count, columns, every
        self._seed = seed
        self._name, self._to_picture, self._draw = name, to_picture, draw
        self._frames_per_second, self._done = frames_per_second, 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Draw once, to raise errors now rather than after the first epoch."""
        clear_leftovers(self._directory, self._name.partition("{")[0])
        if self._gif:
            clear_leftovers(self._gif.parent, self._gif.name)
        # If no epoch begins, an earlier run has done them all.
        self._done = self.params["epochs"]
        if self._draw is None:
            self._picture()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Record which epochs are done: only their pictures are animated."""
        self._done = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Draw if a picture is due and the weights are finite."""
        if self.model.diverged is not None:
            return
        self._done = epoch + 1
        if self._done % self._every == 0:
            picture = self._picture()
            if not hasattr(picture, "savefig"):
                picture = plots.mosaic(np.asarray(picture)[None])
            plots.save(picture, self._path(self._done))

    def on_train_end(self, logs: Logs = None) -> None:
        """Make the animation of the existing pictures."""
        if self._gif is None:
            return
        epochs = range(self._every, self._done + 1, self._every)
        shapes = {path: _shape(path) for path in map(self._path, epochs)}
        # Pictures of an earlier run may have another size or be damaged.
        last = next((shape for shape in reversed(shapes.values()) if shape), None)
        frames = (_shrunk(path) for path, shape in shapes.items() if shape == last)
        if last:
            write_animation(frames, self._gif, self._frames_per_second)

    def _repr_html_(self) -> str | None:
        if self._gif is None:
            return None
        data = base64.b64encode(self._gif.read_bytes()) if self._gif.exists() else b""
        kind = self._gif.suffix[1:].lower()
        named = f'"{self._gif.name}" src="data:{{}}/{kind};base64,{data.decode()}"'
        if kind == "mp4":
            return f"<video controls loop title={named.format('video')}></video>"
        return f"<img alt={named.format('image')}>"

    def paths(self, epochs: int) -> list[pathlib.Path]:
        """The files that exist after `epochs` epochs.

        Args:
            epochs: int, at least 1.

        Returns:
            List of `pathlib.Path`: the picture, and the animation if there is one.
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
    """Animates samples from the same latents after each epoch.

    It is a `SampleGrid(gif=path)` whose PNG files are in a folder beside the animation:
    `training-frames` for `training.gif`. The files are kept, so that a later `fit` can
    continue them; `fit` from epoch 0 starts a new animation. The animation is written
    when `fit` ends, also after Ctrl-C.

    Args:
        path: str or `os.PathLike` that ends in .gif, .webp or .mp4.
        **options: options of `SampleGrid`, except `directory`, `name` and `gif`.

    Raises:
        InvalidInput: if an argument is invalid, or a file cannot be written.
    """

    def __init__(self, path: StrPath, **options: Any) -> None:
        gif = expect_path(path=path)
        folder = gif.with_name(f"{gif.stem}-frames")
        super().__init__(folder, name="{epoch:06d}.png", gif=gif, **options)


def _expect_name(name, several):
    """Expect a file name that ends in .png, with no field but `{epoch}`."""
    try:
        names = [name.format(epoch=epoch) for epoch in (1, 2)]
        usable = names[0].endswith(".png")
        usable = usable and len({pathlib.Path(one).parent for one in names}) == 1
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        usable = False
    require(
        usable and not (several and names[0] == names[1]),
        "The argument name must end in .png and have no field but {epoch}, which an "
        f'animation needs, as in "{{epoch:04d}}.png", but it is {shown(name)}.',
        "name",
    )


def _shape(path):
    """The shape of a picture file, or `None` if there is none."""
    try:
        return _shrunk(path).shape[:2]
    except (OSError, SyntaxError, ValueError):
        return None


def _shrunk(path):
    """Read a PNG file at about the size of the animation, grey if it is grey."""
    from PIL import Image, ImageChops

    with Image.open(path) as image:
        image = image.convert("RGB").reduce(max(1, max(image.size) // _GIF_SIDE))
    red, green, blue = image.split()
    grey = not any(ImageChops.difference(red, c).getbbox() for c in (green, blue))
    return np.asarray(red if grey else image)
