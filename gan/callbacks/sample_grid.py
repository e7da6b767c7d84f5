"""Pictures of what a model draws after each epoch, and the animation of them."""

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
_GIF_SIDE = 350  # pixels; at twice the side a GIF takes 2.5 times the bytes


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
            `gan.plots.tile`, values in [0, 1]. `None`: by the model's `pixel_range`.
        draw: callable, model -> what is drawn instead of the grid: a picture, float
            array `(h, w)` or `(h, w, 3)` with values in [0, 1], or a matplotlib
            Figure. `model.get_fake_sample` gives it the same latents each time.
        gif: str or `os.PathLike` that ends in .gif, .webp or .mp4, or `None`: when
            `fit` ends, the pictures become an animation of about 350 pixels, as
            `gan.animation.write_animation` writes it.
        frames_per_second: float in [0.01, 50], of the animation.

    Raises:
        InvalidInput: if an argument is not of that form or the folder is not writable.

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
        """Refuse now what could not be drawn after the first epoch."""
        clear_leftovers(self._directory, self._name.partition("{")[0])
        if self._gif:
            clear_leftovers(self._gif.parent, self._gif.name)
        # If no epoch begins, fit has nothing left to do: all were done earlier.
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
        if self._gif is None:
            return
        epochs = range(self._every, self._done + 1, self._every)
        shapes = {path: _shape(path) for path in map(self._path, epochs)}
        # What an earlier run left may be of another size, or damaged.
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
    """An animation of what the model draws, of the same latents after each epoch.

    It is `SampleGrid(gif=path)` whose PNG files are in a folder beside the animation,
    `training-frames` for `training.gif`. They stay there, so that a later `fit` goes on
    with them; a `fit` from epoch 0 starts the animation anew. It is written when `fit`
    ends, by Ctrl-C too.

    Args:
        path: str or `os.PathLike` that ends in .gif, .webp or .mp4.
        **options: those of `SampleGrid`, but for `directory`, `name` and `gif`.

    Raises:
        InvalidInput: if an argument is not of that form or nothing can be written
            there.
    """

    def __init__(self, path: StrPath, **options: Any) -> None:
        gif = expect_path(path=path)
        folder = gif.with_name(f"{gif.stem}-frames")
        super().__init__(folder, name="{epoch:06d}.png", gif=gif, **options)


def _expect_name(name, several):
    """Expect a file's name ending in .png, with no field but `{epoch}`."""
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
    """The shape of a picture as a frame, or `None` where there is none."""
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
