"""One reader of pictures: any folder or array, of files that need not be trusted."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import stat
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gan.data.arrays import expect_size, read_labels, read_picture_array
from gan.errors import StrPath, expect_number, expect_path, require, shown
from gan.support.shipped import DEMO_PICTURES, or_demo

# Ghostscript would run the program that an EPS file is.
_NOT_READ = {"EPS"}
# How the names begin of what systems and programs leave beside a user's pictures.
_HIDDEN = (".", "__MACOSX", "@eaDir", "$RECYCLE.BIN")
# Words in the names of the parts of a set, such as train2017, seg_test or trainA.
_TRAIN = {"train", "training"}
_HELD_OUT = {"test", "testing", "val", "valid", "validation", "dev", "eval"}
_MOST_NAMED = 10  # classes in one line


class _Skip(Exception):
    """Why a file is not read."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size, with their classes where there are any.

    Attributes:
        pictures: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`.
        labels: `None`, or int32 array `(N,)`, positions in `names`.
        names: list of str, what the folder or the file calls the classes.
        left_out: dict from the paths of what was not read to the reasons, both str.
        cropped: int, how many pictures were cropped to the aspect of this size.
    """

    pictures: np.ndarray
    labels: np.ndarray | None = None
    names: list[str] = dataclasses.field(default_factory=list)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    cropped: int = 0

    def floats(self) -> np.ndarray:
        """Float32 array `(N, h, w)` or `(N, h, w, 3)` with values in [0, 1]."""
        grey = self.pictures.shape[3] == 1
        pictures = self.pictures[..., 0] if grey else self.pictures
        return np.divide(pictures, 255, dtype=np.float32)

    @property
    def said(self) -> str:
        """One line: how many pictures and classes, what was cropped and left out."""
        count, height, width, channels = self.pictures.shape
        kind = "colour" if channels == 3 else "grey"
        text = f"{count} picture{'s' * (count != 1)}, {height}x{width} {kind}"
        if self.labels is not None:
            counts = np.bincount(self.labels, minlength=len(self.names))
            named = [
                f"{name if name.isprintable() else repr(name)} {number}"
                for name, number in zip(self.names, counts, strict=True)
            ]
            if len(named) > _MOST_NAMED:
                named[_MOST_NAMED:] = [f"{len(named) - _MOST_NAMED} more"]
            text += f", {len(self.names)} classes ({', '.join(named)})"
        if self.cropped:
            form = "a square" if height == width else f"the aspect of {height}x{width}"
            text += f"; {self.cropped} cropped to {form}"
        examples = {reason: path for path, reason in reversed(self.left_out.items())}
        for reason, number in sorted(Counter(self.left_out.values()).items()):
            such = "such as " if number > 1 else ""
            text += f"; left out {number}, {reason} ({such}{examples[reason]!r})"
        return text


def read_pictures(
    path: StrPath,
    size: tuple[int, int] | None = None,
    colour: bool | None = None,
    labelled: bool = True,
    keep: float = 1.0,
) -> Pictures:
    """Read the pictures of a folder or an array, and bring them to one size.

    Each is turned upright as its EXIF orientation says, laid on white where it is
    transparent, cropped around its centre to the aspect of `size`, and shrunk by the
    mean over areas or enlarged by bicubic interpolation.

    A folder is read with all its sub-folders, in the order of their names:

    - Hidden files and folders (`.ipynb_checkpoints`, `__MACOSX` and the like), and
      files that are no pictures, never count.
    - A folder that holds nothing but one other folder stands for that folder.
    - Sub-folders named train and test, or in that manner (`training_set`, `val2017`,
      `trainA`), are parts of one set, of which train is read and nothing else. Give
      the path of another part to read that.
    - If at least two sub-folders hold pictures, these are classes, and pictures that
      lie loose beside them are left out. Without `labelled` they are read.
    - Links to files are followed, links to folders only if they lie directly in the
      folder.

    Args:
        path: str or `os.PathLike`: a folder; "demo", the drawn faces of
            `gan.data.pixel_faces`; or an `.npy` file, or an `.npz` file with one array
            or one named x_train or x, of shape `(N, h, w)`, `(N, h, w, 1)` or `(N, h,
            w, 3)`, uint8 or float in [0, 1], and perhaps with labels named y_train or
            y, whole numbers or texts.
        size: pair of ints, height and width of the result; `None`: (32, 32) for a
            folder, for an array its own, made smaller where a side is no multiple of 4
            or above 64.
        colour: bool, RGB or grey (ITU-R 601 luma); `None`: colour where there is any.
        labelled: bool, `False` leaves the classes out.
        keep: float in (0, 1], which share of the height and width around the centre of
            this crop is kept.

    Returns:
        `Pictures`.

    Raises:
        InvalidInput: if there is nothing at the path, no picture in it, or no training
            part of a set in parts; if the labels do not fit.
    """
    if size is not None:
        expect_size(size)
    expect_number(0, 1, keep=keep)
    require(keep > 0, "The argument keep must be above 0, but it is 0.", "keep")
    path = or_demo(expect_path(path=path), DEMO_PICTURES)
    said = f"There is no folder or file {shown(str(path))}: give another path."
    require(path.exists(), said, "path")
    read = _read_folder if path.is_dir() else _read_file
    sides = None if size is None else tuple(size)
    pictures, classes, left_out, cropped = read(path, sides, colour, labelled, keep)
    names, labels = [], None
    if classes is not None:
        names, numbers = np.unique(classes, return_inverse=True)
        names, labels = [str(name) for name in names], np.int32(numbers)
    if colour is None:
        # The only colours of many pictures may be those of one small class.
        groups = [labels == label for label in range(len(names))] or [...]
        if not any(_has_colour(pictures[group]) for group in groups):
            pictures = np.ascontiguousarray(pictures[..., :1])
    return Pictures(pictures, labels, names, left_out, cropped)


def read_picture(path: StrPath, size: tuple[int, int], colour: bool) -> np.ndarray:
    """Read the picture of one file, and bring it to a size as `read_pictures` does.

    Args:
        path: str or `os.PathLike`, of a file that Pillow reads.
        size: pair of ints, height and width of the result.
        colour: bool, RGB or grey.

    Returns:
        uint8 array `(h, w, 3)` or `(h, w, 1)`.

    Raises:
        InvalidInput: if there is no such file, or it is no picture.
    """
    expect_size(size)
    path = expect_path(path=path)
    require(path.exists(), f"There is nothing at {shown(str(path))}.", "path")
    left_out: dict[str, str] = {}
    pictures, read, _ = _read_each([path], tuple(size), colour, 1, left_out)
    reason = "".join(left_out.values())
    said = f"The file {shown(str(path))} is no picture that can be read ({reason}): "
    require(read, f"{said}give another path.", "path")
    return pictures[0]


def _read_folder(folder, size, colour, labelled, keep):
    """Pictures, the class of each or `None`, what is left out, how many are cropped."""
    paths, classes, left_out = _search(folder, labelled)
    size = size or (32, 32)
    pictures, read, cropped = _read_each(paths, size, colour, keep, left_out)
    reasons = ", ".join(sorted({*left_out.values()})) or "no files"
    said = f"There is no picture in the folder {shown(str(folder))} ({reasons}): give "
    require(read, f"{said}another path.", "path")
    return pictures, classes and [classes[i] for i in read], left_out, cropped


def _read_file(path, size, colour, labelled, keep):
    """As `_read_folder`, of an array."""
    array = read_picture_array(path, (1, 3))
    if array.dtype != np.uint8:
        array = np.rint(array * np.float32(255)).astype(np.uint8)
    classes = read_labels(path, len(array)) if labelled else None
    size = size or tuple(max(min(s, 64) // 4 * 4, 8) for s in array.shape[1:3])
    grey = array.ndim == 3
    colour = False if grey and colour is None else colour
    if keep == 1 and array.shape[1:3] == size and grey == (colour is False):
        return np.array(array).reshape(*array.shape[:3], -1), classes, {}, 0
    pictures, _, cropped = _read_each(array, size, colour, keep, {})
    return pictures, classes, {}, cropped


def progress(items: list[Any]) -> Iterator[Any]:
    """Give the items one by one; on a terminal, after two seconds, count them."""
    told, following = False, time.monotonic() + 2
    for done, item in enumerate(items):
        if time.monotonic() > following and sys.stderr.isatty():
            told, following = True, time.monotonic() + 0.2
            line = f"{done} of {len(items)}"
            print("\r", line, sep="", end="", file=sys.stderr, flush=True)
        yield item
    if told:
        print("\r", f"{len(items)} of {len(items)}", sep="", file=sys.stderr)


def _read_each(sources, size, colour, keep, left_out):
    """Read files, or an array, one picture after the other.

    Returns:
        The pictures, the positions in `sources` of those that could be read, and the
        number of those that were cropped.
    """
    shape = (len(sources), *size, 1 if colour is False else 3)
    try:
        pictures = np.empty(shape, np.uint8)
    except (MemoryError, ValueError):
        many = f"{len(sources)} pictures of {size[0]}x{size[1]} do not fit into memory"
        require(False, f"The argument size must be smaller: {many}.", "size")
    read, cropped = [], 0
    with warnings.catch_warnings():
        _filter_warnings()
        for i, source in enumerate(progress(sources)):
            try:
                picture, whole = _picture(source, size, colour is not False, keep)
            except Exception as error:
                # Decoders raise nearly anything at a damaged file.
                left_out[str(source)] = _reason(error)
                continue
            pictures[len(read)] = picture.reshape(shape[1:])
            read.append(i)
            cropped += not whole
    return pictures[: len(read)], read, cropped


def _search(folder, labelled):
    """Find a folder's pictures, as `read_pictures` says.

    Returns:
        Their paths, the class of each or `None`, and a dict of what is left out.
    """
    paths, left_out = _walk(folder)
    while True:
        inside = {}  # The paths by sub-folder, those of loose pictures under "".
        for path in paths:
            first, *more = path.relative_to(folder).parts
            inside.setdefault(first if more else "", []).append(path)
        train = _named(inside, _TRAIN)
        held_out = [name for name in _named(inside, _HELD_OUT) if name not in train]
        if train and held_out:
            for name in [name for name in inside if name not in train]:
                reason = f"in {name!r} " if name else "loose "
                reason += f"beside {train[0]!r}"
                left_out |= {str(path): reason for path in inside[name]}
            paths = [path for name in train for path in inside[name]]
        elif len(inside) == 1 and "" not in inside:
            folder = folder.joinpath(*inside)
        else:
            break
    require(
        not held_out or len(held_out) < len(inside),
        f"The folder {shown(str(folder))} holds parts of a set, {', '.join(held_out)}, "
        "but none to train on. Give the path of one of them.",
        "path",
    )
    if not labelled or len({*inside} - {""}) < 2:
        return paths, None, left_out
    loose = inside.pop("", [])
    left_out |= {str(path): "loose beside the classes" for path in loose}
    paths = [path for some in inside.values() for path in some]
    return paths, [name for name, some in inside.items() for _ in some], left_out


def _named(names, words):
    """The names that hold one of the words: seg_train, train2017, trainA, TrainSet."""
    split = re.compile("[A-Z]?[a-z]+|[A-Z]+").findall
    return [name for name in names if words & {word.lower() for word in split(name)}]


def _walk(root):
    """Files of a folder and its sub-folders that begin as pictures do, by name.

    Returns:
        Their paths, and a dict of what is left out.
    """
    files, left_out, seen = [], {}, []

    def leave_out(error):
        left_out[error.filename] = error.strerror

    for parent, folders, names in os.walk(root, onerror=leave_out, followlinks=True):
        files += [pathlib.Path(parent, name) for name in names]
        for path in [pathlib.Path(parent, name) for name in folders]:
            if path.name.startswith(_HIDDEN):
                left_out[str(path)] = "hidden"
            elif path.is_symlink() and not _may_be_class(path, root):
                left_out[str(path)] = "a link to a folder"
            else:
                seen.append(path)
                continue
            folders.remove(path.name)
    paths = []
    with warnings.catch_warnings():
        _filter_warnings()
        for path in progress(sorted(files)):
            try:
                if path.name.startswith(_HIDDEN):
                    raise _Skip("hidden")
                with _opened(path):
                    paths.append(path)
            except Exception as error:
                left_out[str(path)] = _reason(error)
    full = {folder for path in paths for folder in path.parents}
    for path in sorted({*seen} - full):
        left_out.setdefault(str(path), "no pictures in it")
    return paths, left_out


def _may_be_class(link, root):
    """Whether a link lies directly in a folder and does not lead round in a circle."""
    return link.parent == root and not root.resolve().is_relative_to(link.resolve())


def _has_colour(pictures):
    """Whether more than a hundredth of the pixels are not grey."""
    return np.mean(np.ptp(pictures, axis=3) > 8) > 0.01


def _filter_warnings():
    # Of a damaged file that still gives a picture, the picture is enough.
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _opened(path):
    """A file as a `PIL.Image.Image` of which only the header is read so far."""
    # A pipe would be waited for, for ever.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise _Skip("not a regular file")
    Image.init()
    formats = [name for name in Image.ID if name not in _NOT_READ]
    return Image.open(path, formats=formats)


def _picture(source, size, colour, keep):
    """One picture of a file or an array at its size, and whether it is whole."""
    if isinstance(source, np.ndarray):
        return _fit(Image.fromarray(source), size, colour, keep)
    with _opened(source) as image:
        return _fit(ImageOps.exif_transpose(image), size, colour, keep)


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
    # The mean over areas would enlarge pixels to blocks of uneven size.
    method = Image.Resampling.BOX if unit >= 1 else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), method)), whole


def _eight_bits(image):
    """Pillow would clip 16-bit pictures where it should divide."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise _Skip("values without a known range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _reason(error):
    if isinstance(error, _Skip):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "not read by Pillow"
    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    if isinstance(error, bombs):
        return "too many pixels"
    return getattr(error, "strerror", None) or "a damaged picture"
