"""Reads pictures from any folder or array; files may be untrusted."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections import Counter
from typing import Any

import numpy as np

from gan.data.arrays import (
    expect_size,
    read_class_names,
    read_labels,
    read_picture_array,
)
from gan.data.captions import captions_of, captions_within, read_captions
from gan.data.folders import beginning_as_pictures, files_of, progress, search
from gan.data.kept import KeptFile, Reading, digits_of, picked, reading_of
from gan.data.picture_files import (
    filter_warnings,
    opened,
    picture_of,
    reason_of,
)
from gan.errors import (
    InvalidInput,
    StrPath,
    expect_number,
    expect_path,
    require,
    shown,
)
from gan.support.shipped import DEMO_PICTURES, or_demo

_MOST_NAMED = 10  # largest number of classes to list in a line
_AT_ONCE = 1000  # pictures to process at a time
_LOOKED_AT = 200  # smallest number of files from which the size of all is estimated


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size, with their classes if there are any.

    Attributes:
        pictures: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`.
        labels: `None`, or int32 array `(N,)`, indices into `names`.
        names: list of str, names of the classes.
        left_out: dict from the paths of files that were not read to reasons, both str.
        cropped: int, number of pictures that were cropped to the aspect ratio of this
            size.
        reading: `gan.data.kept.Reading` of the folder, or `None`.
        origin: str, a text about the kept file, "" without one.
        captions: `None`, or list of N str, the caption of each picture.
    """

    pictures: np.ndarray
    labels: np.ndarray | None = None
    names: list[str] = dataclasses.field(default_factory=list)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    cropped: int = 0
    reading: Reading | None = None
    origin: str = ""
    captions: list[str] | None = None

    def floats(self) -> np.ndarray:
        """Float32 array `(N, h, w)` or `(N, h, w, 3)` with values in [0, 1]."""
        grey = self.pictures.shape[3] == 1
        pictures = self.pictures[..., 0] if grey else self.pictures
        return np.divide(pictures, 255, dtype=np.float32)

    def split(self, count: int) -> tuple[Pictures, Pictures]:
        """Holds out some pictures, the same ones each time.

        Args:
            count: int, number of pictures to hold out.

        Returns:
            Tuple of two `Pictures`: the others, and those held out; both shuffled.
        """
        numbers = np.random.default_rng(0).permutation(len(self.pictures))
        others, chosen = (
            dataclasses.replace(
                self,
                pictures=picked(self.pictures, part),
                labels=None if self.labels is None else self.labels[part],
                captions=self.captions and [self.captions[i] for i in part],
            )
            for part in (numbers[count:], numbers[:count])
        )
        return others, chosen

    @property
    def said(self) -> str:
        """A line with the numbers of pictures and classes, and what was left out."""
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
        if self.captions is not None:
            text += f" with captions, the first {shown(self.captions[0])}"
        if self.cropped:
            form = (
                "a square"
                if height == width
                else f"the aspect ratio of {height}x{width}"
            )
            text += f"; {self.cropped} cropped to {form}"
        examples = {reason: path for path, reason in reversed(self.left_out.items())}
        for reason, number in sorted(Counter(self.left_out.values()).items()):
            such = "such as " if number > 1 else ""
            text += f"; left out {number}, {reason} ({such}{examples[reason]!r})"
        return text + (self.origin and f"; {self.origin}")

    def keep(self, kept: KeptFile) -> bool:
        """Writes the pictures of a folder to a kept file, unless they come from it.

        Args:
            kept: `KeptFile`, the argument of `read_pictures`.

        Returns:
            bool, whether the file was written. On a full disk it is not.
        """
        if self.reading is None or self.origin == kept.origin:
            return False
        classes = None if self.labels is None else np.array(self.names)[self.labels]
        classes = classes if self.captions is None else np.array(self.captions)
        about = {"left_out": self.left_out, "cropped": self.cropped}
        about["folder"] = self.reading.folder
        try:
            kept.save(self.pictures, classes, self.reading, about)
        except (OSError, InvalidInput):
            return False
        return True


def read_pictures(
    path: StrPath,
    size: tuple[int, int] | None = None,
    colour: bool | None = None,
    labelled: bool = True,
    keep: float = 1.0,
    kept: KeptFile | None = None,
    captions: StrPath | None = None,
) -> Pictures:
    """Reads the pictures of a folder or an array; all pictures get one size.

    Each picture is rotated by its EXIF orientation, laid on white if it is transparent,
    cropped around its centre to the aspect ratio of `size`, and shrunk by the mean over
    areas or enlarged by bicubic interpolation.

    A folder is read with all its sub-folders, in the order of their names:

    - Hidden files and folders (such as `.ipynb_checkpoints` and `__MACOSX`), and files
      that are not pictures, are ignored.
    - If a folder holds nothing but one other folder, that one is read.
    - If sub-folders have names like train and test (`training_set`, `val2017`,
      `trainA`), they are parts of one data set, and only train is read. To read another
      part, give its path.
    - If at least two sub-folders hold pictures, they are classes, and pictures outside
      them are left out (but read if `labelled` is `False`).
    - Links to files are followed; links to folders only if they lie directly in the
      folder.

    Args:
        path: str or `os.PathLike`: a folder; "demo", the drawn faces of
            `gan.data.pixel_faces`; or an `.npy` file, or an `.npz` file with one array
            or one named x_train or x, of shape `(N, h, w)`, `(N, h, w, 1)` or `(N, h,
            w, 3)`, uint8 or float in [0, 1]. An `.npz` file may also hold labels, an
            array of whole numbers or texts named y_train or y; if they are numbers, an
            array of texts named names can name the classes 0, 1 and so on.
        size: pair of ints, height and width of the result. `None` means (32, 32) for a
            folder. For an array, it means the array's own size, with each side rounded
            down to a multiple of 4 and limited to between 8 and 64.
        colour: bool, `True` for RGB and `False` for grey (ITU-R 601 luma); `None` finds
            out whether there are colours.
        labelled: bool, whether to read the classes.
        keep: float in (0, 1]. Of the height and the width of the crop, only this share
            is kept, around the centre.
        kept: `gan.data.kept.KeptFile` or `None`. The file, which `Pictures.keep`
            writes, is read instead of the folder if it was made with the same arguments
            and the names, sizes and times of the folder's files have not changed. The
            pictures are then memory-mapped.
        captions: str or `os.PathLike` of a file of captions, see
            `gan.data.captions.read_captions`. Captions replace classes; pictures
            without a caption are left out. `None` reads the captions in an `.npz` file
            without labels.

    Returns:
        `Pictures`.

    Raises:
        InvalidInput: if there is nothing at the path, it holds no picture or no
            training part, or the labels do not match.
    """
    if size is not None:
        expect_size(size)
    expect_number(0, 1, keep=keep)
    require(keep > 0, "The argument keep must be above 0, but it is 0.", "keep")
    path = or_demo(expect_path(path=path), DEMO_PICTURES)
    said = f"There is no folder or file {shown(str(path))}: give another path."
    require(path.exists(), said, "path")
    sides = None if size is None else (int(size[0]), int(size[1]))
    labelled = labelled and captions is None
    texts = None if captions is None else read_captions(captions)
    if not path.is_dir():
        *read, names = _read_file(path, sides, colour, labelled, keep)
        made = _made(*read, colour)
        if names is not None:
            named = [names[int(number)] for number in made.names]
            made = dataclasses.replace(made, names=named)
        if texts is None and labelled and made.labels is None:
            texts = read_captions(path) if captions_within(path) else None
        return made if texts is None else _with_captions(made, texts, None)
    files, left_out, folders = files_of(path)
    options = {"size": sides or (32, 32), "colour": colour, "labelled": labelled}
    reading, origin = None, ""
    if kept is not None:
        beside = [*left_out, *map(str, folders)]
        more = {"keep": float(keep)}
        if captions is not None:
            more["captions"] = digits_of(expect_path(captions=captions))
        reading = reading_of(path, files, beside, **more, **options)
        found = kept.load(reading)
        if not isinstance(found, str):
            return _as_read(*found, path, reading, kept.origin)
        origin = found and f"read again, because {found}"
    paths = beginning_as_pictures(files, left_out, folders)
    found = _read_folder(path, paths, left_out, kept=kept, keep=keep, **options)
    *read, paths = found
    made = _made(*read, colour, kept)
    if texts is not None:
        made = _with_captions(made, texts, paths)
    return dataclasses.replace(made, reading=reading, origin=origin)


def natural_side(path: StrPath) -> int:
    """The 20% quantile of the shorter sides of a folder's pictures.

    Four fifths of the pictures are at least so wide and so high.

    Args:
        path: str or `os.PathLike`, a folder. If it has 400 files or more, 200 to 300 of
            them are examined.

    Returns:
        int, pixels; 0 if there is no picture.
    """
    files, _, _ = files_of(expect_path(path=path))
    sides = []
    with warnings.catch_warnings():
        filter_warnings()
        for path in files[:: max(len(files) // _LOOKED_AT, 1)]:
            # Files that cannot be read are reported later.
            with contextlib.suppress(Exception), opened(path) as image:
                sides.append(min(image.size))
    return int(np.quantile(sides, 0.2)) if sides else 0


def _made(pictures, classes, left_out, cropped, colour, kept=None):
    """Make `Pictures`, in grey if there are no colours."""
    names, labels = _numbered(classes)
    if colour is None:
        # Check each class alone: it may be that only a small one has colours.
        groups = [labels == label for label in range(len(names))] or [...]
        coloured = _coloured(pictures)
        if not any(coloured[group].mean() > 0.01 for group in groups):
            grey = _room((*pictures.shape[:3], 1), kept)
            for start in range(0, len(grey), _AT_ONCE):
                rows = slice(start, start + _AT_ONCE)
                grey[rows] = pictures[rows, ..., :1]
            pictures = grey
    return Pictures(pictures, labels, names, left_out, cropped)


def read_picture(path: StrPath, size: tuple[int, int], colour: bool) -> np.ndarray:
    """Reads one picture, and brings it to a size as `read_pictures` does.

    Args:
        path: str or `os.PathLike`, a file that Pillow can read.
        size: pair of ints, height and width of the result.
        colour: bool, `True` for RGB and `False` for grey.

    Returns:
        uint8 array `(h, w, 3)` or `(h, w, 1)`.

    Raises:
        InvalidInput: if there is no such file, or it is not a picture.
    """
    expect_size(size)
    path = expect_path(path=path)
    said = f"There is nothing at {shown(str(path))}: give another path."
    require(path.exists(), said, "path")
    left_out: dict[str, str] = {}
    pictures, read, _ = read_each([path], size, colour, 1, left_out)
    reason = "".join(left_out.values())
    said = f"The file {shown(str(path))} cannot be read as a picture ({reason}): "
    require(read, f"{said}give another path.", "path")
    return pictures[0]


def _with_captions(made, captions, paths):
    """`Pictures` with their captions; those without one are left out."""
    texts = captions_of(captions, paths, len(made.pictures))
    left_out = made.left_out | {
        str(path): "without a caption"
        for path, text in zip(paths or [], texts, strict=False)
        if text is None
    }
    having = np.flatnonzero([text is not None for text in texts])
    every = len(having) == len(texts)
    return dataclasses.replace(
        made,
        pictures=made.pictures if every else picked(made.pictures, having),
        left_out=left_out,
        captions=[text for text in texts if text is not None],
    )


def _as_read(pictures, classes, about, folder, reading, origin):
    """Make `Pictures` from a kept file."""
    captions = [str(text) for text in classes] if reading.captions else None
    names, labels = _numbered(None if reading.captions else classes)
    # The folder may have been moved, or its path may be relative to another folder.
    before, now = len(about["folder"]), str(folder)
    left_out = {now + path[before:]: why for path, why in about["left_out"].items()}
    numbers = left_out, about["cropped"], reading, origin, captions
    return Pictures(pictures, labels, names, *numbers)


def _numbered(classes):
    """The names of the classes, and the index of each picture's class."""
    if classes is None:
        return [], None
    names, numbers = np.unique(classes, return_inverse=True)
    return [str(name) for name in names], np.int32(numbers)


def _read_folder(folder, paths, left_out, size, colour, labelled, keep, kept):
    """Read a folder: pictures, classes or `None`, left out, cropped, paths."""
    paths, classes = search(folder, paths, left_out, labelled)
    pictures, read, cropped = read_each(paths, size, colour, keep, left_out, kept=kept)
    reasons = ", ".join(sorted({*left_out.values()})) or "no files"
    said = f"There is no picture in the folder {shown(str(folder))} ({reasons}): give "
    require(read, f"{said}another path.", "path")
    classes, paths = classes and [classes[i] for i in read], [paths[i] for i in read]
    return pictures, classes, left_out, cropped, paths


def _read_file(path, size, colour, labelled, keep):
    """Read an array; returns also the names of numbered classes, or `None`."""
    array = read_picture_array(path, (1, 3))
    if array.dtype != np.uint8:
        array = np.rint(array * np.float32(255)).astype(np.uint8)
    classes = read_labels(path, len(array)) if labelled else None
    names = None if classes is None else read_class_names(path, classes)
    size = size or tuple(max(min(s, 64) // 4 * 4, 8) for s in array.shape[1:3])
    grey = array.ndim == 3
    colour = False if grey and colour is None else colour
    if keep == 1 and array.shape[1:3] == size and grey == (colour is False):
        return np.array(array).reshape(*array.shape[:3], -1), classes, {}, 0, names
    pictures, _, cropped = read_each(array, size, colour, keep, {})
    return pictures, classes, {}, cropped, names


def read_each(
    sources: Any,
    size: tuple[int, int],
    colour: bool | None,
    keep: float,
    left_out: dict[str, str],
    part: str | None = None,
    kept: KeptFile | None = None,
) -> tuple[np.ndarray, list[int], int]:
    """Reads pictures from files or an array, one after the other.

    Args:
        sources: list of paths, or uint8 array `(N, h, w)` or `(N, h, w, 3)`.
        size: pair of ints, height and width of the result.
        colour: bool, `False` for grey, and `True` or `None` for RGB.
        keep: float, as in `read_pictures`.
        left_out: dict, to which files that cannot be read are added.
        part: what to read of each picture: the "left" or "right" half; "alpha", its
            opacity, 255 without transparency; `None`, the whole picture.
        kept: as in `read_pictures`.

    Returns:
        Tuple of the pictures, a uint8 array, the indices in `sources` of those that
        could be read, and the number of those that were cropped.
    """
    shape = (len(sources), *size, 1 if colour is False else 3)
    try:
        pictures = _room(shape, kept)
    except (MemoryError, ValueError):
        many = f"{len(sources)} pictures of {size[0]}x{size[1]} do not fit into memory"
        require(False, f"The argument size must be smaller: {many}.", "size")
    read, cropped = [], 0
    with warnings.catch_warnings():
        filter_warnings()
        for i, source in enumerate(progress(sources)):
            try:
                picture, whole = picture_of(
                    source, size, colour is not False, keep, part
                )
            except Exception as error:
                # Decoders raise many kinds of errors for damaged files.
                left_out[str(source)] = reason_of(error)
                continue
            pictures[len(read)] = picture.reshape(shape[1:])
            read.append(i)
            cropped += not whole
    return pictures[: len(read)], read, cropped


def _room(shape, kept):
    """An empty array for pictures, on disk if they are to be kept, or in memory."""
    return np.empty(shape, np.uint8) if kept is None else kept.room(shape)


def has_colour(pictures: np.ndarray) -> bool:
    """Whether more than a hundredth of the pixels are not grey."""
    return bool(_coloured(pictures).mean() > 0.01)


def _coloured(pictures):
    """For each picture, the share of its pixels that are not grey."""
    shares = np.empty(len(pictures))
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        shares[start : start + _AT_ONCE] = (np.ptp(some, axis=3) > 8).mean(axis=(1, 2))
    return shares
