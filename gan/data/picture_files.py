"""Reads one picture from an untrusted file; turns, crops and scales it."""

from __future__ import annotations

import os
import pathlib
import stat
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# An EPS file is a program, which Ghostscript would run.
_NOT_READ = {"EPS"}


class Skip(Exception):
    """Raised for a file that is not read; says why."""


def filter_warnings() -> None:
    """Turn warnings of too large pictures into errors, and ignore all others.

    Call it in the context `warnings.catch_warnings()`.
    """
    # If a damaged file still gives a picture, it is used.
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def opened(path: pathlib.Path) -> Image.Image:
    """Open a file as a `PIL.Image.Image`; only the header is read."""
    # Reading a pipe could wait for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise Skip("not a regular file")
    Image.init()
    formats = [name for name in Image.ID if name not in _NOT_READ]
    return Image.open(path, formats=formats)


def picture_of(
    source: pathlib.Path | np.ndarray,
    size: tuple[int, int],
    colour: bool,
    keep: float,
    part: str | None,
) -> tuple[np.ndarray, bool]:
    """Reads one picture from a file or an array, and brings it to a size.

    Args:
        source: `pathlib.Path`, or uint8 array `(h, w)` or `(h, w, 3)`.
        size: pair of ints, height and width.
        colour: bool, `True` for RGB and `False` for grey.
        keep: float in (0, 1], as in `gan.data.pictures.read_pictures`.
        part: "left" or "right" for a half, "alpha" for the opacity, or `None` for the
            whole picture.

    Returns:
        Tuple of a uint8 array `(height, width)` or `(height, width, 3)`, and whether
        nothing was cropped.
    """
    if isinstance(source, np.ndarray):
        return _fit(Image.fromarray(source), size, colour, keep)
    with opened(source) as image:
        upright = ImageOps.exif_transpose(image)
        if part == "alpha":
            upright = upright.convert("RGBA").getchannel("A")
        elif part is not None:
            half, height = upright.width // 2, upright.height
            first = 0 if part == "left" else upright.width - half
            upright = upright.crop((first, 0, first + half, height))
        return _fit(upright, size, colour, keep)


def _fit(image, size, colour, keep):
    height, width = size
    unit = min(image.width / width, image.height / height)
    whole = (round(unit * width), round(unit * height)) == image.size
    unit *= keep
    crop = [max(round(unit * side), 1) for side in (width, height)]
    left, top = ((image.width - crop[0]) // 2, (image.height - crop[1]) // 2)
    image = _eight_bits(image.crop((left, top, left + crop[0], top + crop[1])))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("RGB" if colour else "L")
    # In an enlarged picture, the mean over areas would make blocks of uneven size.
    method = Image.Resampling.BOX if unit >= 1 else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), method)), whole


def _eight_bits(image):
    """Convert to 8 bits; Pillow would clip 16-bit pictures instead of dividing."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise Skip("values without a known range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def reason_of(error: Exception) -> str:
    """The reason why a file was not read, in a few words."""
    if isinstance(error, Skip):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "not read by Pillow"
    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    if isinstance(error, bombs):
        return "too many pixels"
    return getattr(error, "strerror", None) or "a damaged picture"
