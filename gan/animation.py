"""Animated GIFs: arrays in, files out."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, expect_number, require, shown
from gan.support.files import atomic_path, expect_writable


def write_gif(
    frames: Iterable[npt.ArrayLike], path: StrPath, frames_per_second: float = 10
) -> pathlib.Path:
    """Write a GIF that loops for ever, whole or not at all.

    One frame at a time is in memory, and the same frames give the same bytes.

    Args:
        frames: iterable, perhaps a generator, of arrays `(h, w)`, grey, or `(h, w, 3)`,
            red, green and blue, all of one size; uint8, or float in [0, 1], which is
            clipped to it. A colour frame keeps 256 colours of its own.
        path: str or `os.PathLike` that ends in .gif.
        frames_per_second: float in [0.01, 50]; GIFs count in hundredths of a second,
            so the time of a frame is rounded to those.

    Returns:
        `pathlib.Path` of the file.

    Raises:
        InvalidInput: if there is no frame or an argument is not of that form.

    Example:

        write_gif((plots.tile(some, scale=8) for some in walk), "walk.gif")
    """
    path = expect_gif(path, frames_per_second)
    images = _images(frames if np.iterable(frames) else ())
    first = next(images, None)
    said = f"The argument frames must hold some arrays, but it is {shown(frames)}."
    require(first is not None, said, "frames")
    with atomic_path(path) as temporary:
        first.save(
            temporary,
            save_all=True,
            append_images=images,
            duration=10 * round(100 / frames_per_second),
            loop=0,
            optimize=False,
        )
    return path


def expect_gif(path: StrPath, frames_per_second: float) -> pathlib.Path:
    """Expect a path that a GIF can be written to, and a speed that it can have."""
    path = expect_writable(path)
    said = f"The argument path must end in .gif, but it is {shown(str(path))}."
    require(path.suffix.lower() == ".gif", said, "path")
    expect_number(0.01, 50, frames_per_second=frames_per_second)
    return path


def _images(frames: Iterable[npt.ArrayLike]) -> Iterator[Any]:
    from PIL import Image

    size = None
    for frame in frames:
        array = np.asarray(frame)
        size = size or array.shape[:2]
        fits = array.size and array.ndim > 1 and array.shape in (size, (*size, 3))
        bytes_ = array.dtype == np.uint8
        require(
            fits and (bytes_ or array.dtype.kind == "f" and np.isfinite(array).all()),
            "The argument frames must hold arrays (h, w) or (h, w, 3) of one size, "
            f"uint8 or finite floats in [0, 1], but one is {array.dtype} of shape "
            f"{array.shape}: {shown(array)}.",
            "frames",
        )
        if not bytes_:
            array = np.uint8(np.rint(255 * array.clip(0, 1)))
        image = Image.fromarray(array)
        yield image if array.ndim == 2 else image.quantize(256)
