"""One reader of pictures: any folder or array, of files that need not be trusted."""

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

_MOST_NAMED = 10  # classes in one line
_AT_ONCE = 1000  # pictures
_LOOKED_AT = 200  # pictures that tell the size of all


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size, with their classes where there are any.

    Attributes:
        pictures: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`.
        labels: `None`, or int32 array `(N,)`, positions in `names`.
        names: list of str, what the folder or the file calls the classes.
        left_out: dict from the paths of what was not read to the reasons, both str.
        cropped: int, how many pictures were cropped to the aspect of this size.
        reading: `gan.data.kept.Reading` of the folder, or `None`.
        origin: str, whether a file that was kept of them was read, "" without one.
        captions: `None`, or list of N str, a caption of each picture.
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
        """Set some pictures apart, the same ones each time.

        Args:
            count: int, how many.

        Returns:
            Tuple of two `Pictures`, all others and those; both in a random order.
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
        if self.captions is not None:
            text += f" with captions, the first {shown(self.captions[0])}"
        if self.cropped:
            form = "a square" if height == width else f"the aspect of {height}x{width}"
            text += f"; {self.cropped} cropped to {form}"
        examples = {reason: path for path, reason in reversed(self.left_out.items())}
        for reason, number in sorted(Counter(self.left_out.values()).items()):
            such = "such as " if number > 1 else ""
            text += f"; left out {number}, {reason} ({such}{examples[reason]!r})"
        return text + (self.origin and f"; {self.origin}")

    def keep(self, kept: KeptFile) -> bool:
        """Write what was read of a folder, unless it comes from there.

        Args:
            kept: `KeptFile`, as `read_pictures` was given it.

        Returns:
            bool, whether the file is new. Where the disk is full there is none.
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
            y, whole numbers or texts, and texts named names, what the numbers mean.
        size: pair of ints, height and width of the result; `None`: (32, 32) for a
            folder, for an array its own, made smaller where a side is no multiple of 4
            or above 64.
        colour: bool, RGB or grey (ITU-R 601 luma); `None`: colour where there is any.
        labelled: bool, `False` leaves the classes out.
        keep: float in (0, 1], which share of the height and width around the centre of
            this crop is kept.
        kept: `gan.data.kept.KeptFile` or `None`. The file is read instead of the
            folder, in no time, if the same arguments gave it and the names, sizes and
            times of the folder's files are what they were. `Pictures.keep` writes it.
            Pictures of a folder are then mapped into memory from a file.
        captions: str or `os.PathLike` of a file of captions, see
            `gan.data.captions.read_captions`, which count instead of classes; pictures
            without one are left out. `None`: those in an `.npz` file without labels.

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
    """The shorter side that four fifths of a folder's pictures have at least.

    Args:
        path: str or `os.PathLike`, a folder; 200 of its pictures are looked at.

    Returns:
        int, pixels; 0 where there is no picture.
    """
    files, _, _ = files_of(expect_path(path=path))
    sides = []
    with warnings.catch_warnings():
        filter_warnings()
        for path in files[:: max(len(files) // _LOOKED_AT, 1)]:
            # What cannot be read is named when all are read.
            with contextlib.suppress(Exception), opened(path) as image:
                sides.append(min(image.size))
    return int(np.quantile(sides, 0.2)) if sides else 0


def _made(pictures, classes, left_out, cropped, colour, kept=None):
    """`Pictures` in grey where that is all that there is."""
    names, labels = _numbered(classes)
    if colour is None:
        # The only colours of many pictures may be those of one small class.
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
    """`Pictures` of a file that was kept."""
    captions = [str(text) for text in classes] if reading.captions else None
    names, labels = _numbered(None if reading.captions else classes)
    # The folder may have been moved, or be named from elsewhere.
    before, now = len(about["folder"]), str(folder)
    left_out = {now + path[before:]: why for path, why in about["left_out"].items()}
    numbers = left_out, about["cropped"], reading, origin, captions
    return Pictures(pictures, labels, names, *numbers)


def _numbered(classes):
    """The names of classes, and the position of each picture's among them."""
    if classes is None:
        return [], None
    names, numbers = np.unique(classes, return_inverse=True)
    return [str(name) for name in names], np.int32(numbers)


def _read_folder(folder, paths, left_out, size, colour, labelled, keep, kept):
    """Pictures, the class of each or `None`, what is left out, how many are cropped,
    and the path of each."""
    paths, classes = search(folder, paths, left_out, labelled)
    pictures, read, cropped = read_each(paths, size, colour, keep, left_out, kept=kept)
    reasons = ", ".join(sorted({*left_out.values()})) or "no files"
    said = f"There is no picture in the folder {shown(str(folder))} ({reasons}): give "
    require(read, f"{said}another path.", "path")
    classes, paths = classes and [classes[i] for i in read], [paths[i] for i in read]
    return pictures, classes, left_out, cropped, paths


def _read_file(path, size, colour, labelled, keep):
    """As `_read_folder`, of an array, with the names of numbered classes or `None`."""
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
    """Read files, or an array, one picture after the other.

    Args:
        sources: list of paths, or array of pictures.
        size: pair of ints, of the result.
        colour: bool, or `None` for colour.
        keep: float, as of `read_pictures`.
        left_out: dict, to which what cannot be read is added.
        part: what is read of each picture: "left" or "right", that half of it; "alpha",
            how opaque it is, 255 where it has no transparency; `None`, all of it.
        kept: as of `read_pictures`.

    Returns:
        The pictures, the positions in `sources` of those that could be read, and the
        number of those that were cropped.
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
                # Decoders raise nearly anything at a damaged file.
                left_out[str(source)] = reason_of(error)
                continue
            pictures[len(read)] = picture.reshape(shape[1:])
            read.append(i)
            cropped += not whole
    return pictures[: len(read)], read, cropped


def _room(shape, kept):
    """Room for pictures on the disk, where some are to be kept there, or in memory."""
    return np.empty(shape, np.uint8) if kept is None else kept.room(shape)


def has_colour(pictures: np.ndarray) -> bool:
    """Whether more than a hundredth of the pixels are not grey."""
    return bool(_coloured(pictures).mean() > 0.01)


def _coloured(pictures):
    """The share of pixels of each picture that are not grey."""
    shares = np.empty(len(pictures))
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures[start : start + _AT_ONCE]
        shares[start : start + _AT_ONCE] = (np.ptp(some, axis=3) > 8).mean(axis=(1, 2))
    return shares
