"""Reads the pictures that a trained generator is given, and shows progress."""

from __future__ import annotations

import os
import time
from typing import Any

import keras
import numpy as np

from gan.data.pictures import read_picture, read_pictures
from gan.errors import InvalidInput, expect_array, expect_path, require, warn
from gan.support.screen import shows_bars
from gan.training.networks import is_picture

_ARRAYS = (".npy", ".npz")
# ITU-R 601 luma, with which Pillow converts colours to grey.
_LUMA = np.float32([0.299, 0.587, 0.114])


def given_examples(shape: tuple[int, ...], **named: Any) -> np.ndarray:
    """Converts a user's pictures into the form of a generator's pictures.

    Args:
        shape: tuple, shape of one of the generator's examples.
        **named: one argument by its name: array of pictures `(n, h, w)` or `(n, h, w,
            c)`, uint8 or float in [0, 1]; or str or `os.PathLike` of a picture, a
            folder or a file of an array. If the examples are not pictures, float array
            `(n, *shape)`.

    Returns:
        Float32 array `(n, *shape)`, in [0, 1] for pictures.

    Raises:
        InvalidInput: if the argument is anything else.
    """
    ((name, value),) = named.items()
    if not is_picture(shape):
        return np.float32(expect_array((None, *shape), **named))
    if isinstance(value, (str, os.PathLike)):
        value = _read(expect_path(**named), shape, name)
    array = np.asarray(value)
    if array.ndim == 2 or array.shape == shape:
        said = f"The argument {name} must hold pictures, (n, h, w) or (n, h, w, c), "
        said += f"but its shape is {array.shape}: give one picture as {name}[None]."
        require(False, said, name)
    fits = array.ndim == 3 or array.ndim == 4 and array.shape[3] in (1, 3)
    require(
        fits and array.shape[1:3] == shape[:2] and len(array),
        f"The argument {name} must hold pictures of {shape[0]}x{shape[1]} pixels, "
        f"(n, h, w) or (n, h, w, c), but its shape is {array.shape}: give a path, "
        "which is read and brought to that size.",
        name,
    )
    pixels = expect_array((None, None, None, ...), **{name: array})
    bytes_ = pixels.dtype == np.uint8
    low, high = float(pixels.min()), float(pixels.max())
    require(
        bytes_ or pixels.dtype.kind == "f" and low >= -0.5 and high <= 1.5,
        f"The argument {name} must hold uint8 or floats in [0, 1], but it is "
        f"{pixels.dtype} in [{low:g}, {high:g}].",
        name,
    )
    pixels = np.float32(pixels) / np.float32(255) if bytes_ else np.float32(pixels)
    pixels = pixels.reshape(*pixels.shape[:3], -1).clip(0, 1)
    if pixels.shape[3] == 3 and shape[2] == 1:
        pixels = (pixels @ _LUMA)[..., None]
    return np.broadcast_to(pixels, (len(pixels), *shape)).copy()


def _read(path, shape, name):
    """The pictures at a path: one file, a folder or an array."""
    size, colour = shape[:2], shape[2] == 3
    try:
        if path.is_file() and path.suffix.lower() not in _ARRAYS:
            return read_picture(path, size, colour)[None]
        found = read_pictures(path, size, colour, labelled=False)
    except InvalidInput as error:
        raise InvalidInput(str(error), name) from error
    if found.left_out:
        # Fewer pictures than files must not go unnoticed.
        warn(f"The argument {name} gives {found.said}.")
    return found.pictures


class Bar:
    """A progress bar.

    Args:
        verbose: 0 shows nothing, "auto" shows a bar on a terminal or in a notebook,
            anything else shows a bar, or lines now and then if the output is not a
            terminal.
    """

    def __init__(self, verbose: Any = "auto") -> None:
        self._seen = shows_bars()
        self._shown = self._seen if verbose == "auto" else bool(verbose)
        self._bar = None
        self._told = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` steps are done."""
        if not self._shown or not self._seen and not self._due(done, total):
            return
        if self._bar is None or self._bar.target != total:
            self._bar = keras.utils.Progbar(total, unit_name="step", interval=0.2)
        self._bar.update(done)

    def _due(self, done, total):
        """Whether half a minute has passed since the last line."""
        now = time.monotonic()
        due = now - self._told > 30 and done < total
        self._told = now if due else self._told
        return due
