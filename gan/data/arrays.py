"""Reads arrays of pictures and labels from files, which may be untrusted."""

from __future__ import annotations

import zipfile
from collections.abc import Collection

import numpy as np

from gan.errors import (
    InvalidInput,
    StrPath,
    expect_path,
    expect_positive_int,
    require,
    shown,
)

# Usual names of the arrays of pictures and labels in an .npz file.
_NAMES, _LABELS = ("x_train", "x"), ("y_train", "y")
_TEXTS = ("caption", "captions", "text")
_CLASSES = ("names", "class_names", "label_names", "classes")
# An array in an .npz file may have 2²⁸ bytes or, if this is more, 200 times its
# compressed size: a small file must not fill the memory.
_MOST_INFLATED, _MOST_BYTES = 200, 2**28


def expect_size(size: object) -> None:
    """Expect a pair of positive ints, height and width."""
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    said = f"The argument size must be (height, width), but it is {shown(size)}."
    require(pair, said, "size")
    expect_positive_int(height=size[0], width=size[1])


def read_labels(path: StrPath, count: int) -> np.ndarray | None:
    """Reads the labels of the pictures in an `.npz` file.

    Args:
        path: str or `os.PathLike` of any file; only an `.npz` file has labels.
        count: int, number of pictures.

    Returns:
        Array `(count,)` of ints or texts, or `None` if the file has no labels.

    Raises:
        InvalidInput: if the file has labels, but not `count` ints or texts.
    """
    labels = _read_array(path, _LABELS) if zipfile.is_zipfile(path) else None
    if labels is not None:
        _require(
            labels.dtype.kind in "iuU" and labels.shape == (count,),
            path,
            f"must hold {count} labels, whole numbers or texts, but its labels are "
            f"{labels.dtype} of shape {labels.shape}",
        )
    return labels


def read_class_names(path: StrPath, labels: np.ndarray) -> list[str] | None:
    """Read the names of the classes in an `.npz` file.

    Args:
        path: str or `os.PathLike`, of an `.npz` file with labels.
        labels: array `(N,)` of whole numbers or texts, its labels.

    Returns:
        List of str, the name of class 0, of class 1 and so on; `None` if there are no
        such names, or they do not fit the labels.

    Raises:
        InvalidInput: if the file is damaged.
    """
    names = _read_array(path, _CLASSES)
    if names is None or names.ndim != 1 or names.dtype.kind != "U":
        return None
    fits = labels.dtype.kind in "iu" and len({*names}) == len(names)
    fits = fits and labels.min() >= 0 and labels.max() < len(names)
    return [str(name) for name in names] if fits else None


def read_texts(path: StrPath) -> np.ndarray | None:
    """Read the captions in an `.npz` file of pictures, or an `.npy` file of texts.

    Args:
        path: str or `os.PathLike`.

    Returns:
        Array of texts `(N,)`, or `None` if an `.npz` file has no captions.

    Raises:
        InvalidInput: if the array of captions does not hold texts.
    """
    texts = _read_array(path, _TEXTS)
    if texts is not None:
        fits = texts.dtype.kind == "U" and texts.ndim == 1
        said = f"must hold texts of shape (N,) as captions, but they are {texts.dtype} "
        said += f"of shape {texts.shape}"
        _require(fits, path, said)
    return texts


def _read_array(path, names):
    """Read an array. No code in the file is executed.

    Args:
        path: str or `os.PathLike`, an `.npy` file, which is memory-mapped, or an `.npz`
            file.
        names: tuple of str, possible names of the array in an `.npz` file, in order of
            preference. For pictures, a single array may have any name.

    Returns:
        NumPy array, or `None` if `names` are not those of pictures and an `.npz` file
        has none of them.

    Raises:
        InvalidInput: if the file is missing, not a regular file, or damaged.
    """
    path = expect_path(path=path)
    # Reading a pipe could wait for ever.
    is_not = "is not a regular file" if path.exists() else "does not exist"
    _require(path.is_file(), path, is_not)
    try:
        if not zipfile.is_zipfile(path):
            _expect_short_header(path.open("rb"), path)
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            length, size = array.offset + array.nbytes, path.stat().st_size
            said = f"must have {length} bytes, as its header says, but it has {size}"
            _require(size == length, path, said)
            return array
        with zipfile.ZipFile(path) as archive:
            inside = [name.removesuffix(".npy") for name in archive.namelist()]
            found = [name for name in names if name in inside][:1]
            if not found and names != _NAMES:
                return None
            found = found or inside
            one = "must hold one array, or one named x_train or x, but it holds"
            _require(len(found) == 1, path, f"{one} {shown(inside)}")
            member = archive.infolist()[inside.index(found[0])]
            most = max(_MOST_BYTES, _MOST_INFLATED * member.compress_size)
            said = f"holds an array of {member.file_size} bytes; the limit is {most}"
            _require(member.file_size <= most, path, said)
            _expect_short_header(archive.open(member), path)
            with archive.open(member) as file:
                return np.load(file, allow_pickle=False)
    except InvalidInput:
        raise
    except Exception as error:
        # NumPy raises many kinds of errors for damaged headers.
        reason = str(error) or type(error).__name__
        _require(False, path, f"cannot be read as an .npy or .npz file ({reason})")


def _require(condition, path, said):
    require(condition, f"The file {shown(str(path))} {said}.", "path")


def _expect_short_header(file, path):
    """Expect a header below 64 KiB; later versions of the format allow 4 GiB."""
    with file:
        version = np.lib.format.read_magic(file)
        size = int.from_bytes(file.read(2 if version[0] == 1 else 4), "little")
    _require(size < 2**16, path, f"has a header of {size} bytes, which is too long")


def read_picture_array(path: StrPath, channels: Collection[int] = (1,)) -> np.ndarray:
    """Reads an array of pictures.

    Args:
        path: str or `os.PathLike`, an `.npy` or `.npz` file.
        channels: ints, allowed sizes of the last axis.

    Returns:
        uint8 array, or float array in [0, 1], `(N, h, w)` or `(N, h, w, channels)`; a
        last axis of size 1 is removed.

    Raises:
        InvalidInput: if the file holds something else.
    """
    array = _read_array(path, _NAMES)
    kind, shape = array.dtype, array.shape
    known = kind == np.uint8 or kind.kind == "f"
    _require(known, path, f"must hold pictures of uint8 or floats, but holds {kind}")
    layouts = ["(N, h, w)", *(f"(N, h, w, {channel})" for channel in channels)]
    fits = len(shape) in (3, 4) and min(shape) >= 1
    fits = fits and shape[3:] in [(), *((channel,) for channel in channels)]
    said = f"must hold one picture or more, of shape {' or '.join(layouts)}, but its "
    _require(fits, path, f"{said}array has the shape {shape}")
    if kind != np.uint8:
        # If there is a NaN, both comparisons are false.
        low, high = float(array.min()), float(array.max())
        said = f"must hold floats in [0, 1], but they lie in [{low:g}, {high:g}]"
        _require(low >= 0 and high <= 1, path, said)
    return array[..., 0] if shape[3:] == (1,) else array
