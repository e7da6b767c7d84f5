"""Arrays of pictures and of labels, from files that need not be trusted."""

from __future__ import annotations

import zipfile
from collections.abc import Collection

import numpy as np

from gan.errors import (
    InvalidInput,
    StrPath,
    expect,
    expect_path,
    expect_positive_int,
)

# How others name the arrays of pictures and of labels in an .npz file.
_NAMES, _LABELS = ("x_train", "x"), ("y_train", "y")
# No pictures compress so well: a small file must not fill the memory.
_MOST_INFLATED, _MOST_BYTES = 200, 2**28


def expect_size(size: object) -> None:
    """Expect a pair of positive ints, height and width."""
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    expect(pair, "size to be (height, width)", size=size)
    expect_positive_int(height=size[0], width=size[1])


def read_labels(path: StrPath, count: int) -> np.ndarray | None:
    """Read the classes of the pictures of an `.npz` file.

    Args:
        path: str or `os.PathLike`, of any file; only an `.npz` file has labels.
        count: int, how many pictures there are.

    Returns:
        Array `(count,)` of whole numbers or texts, or `None`.

    Raises:
        InvalidInput: if there are other labels, or not so many.
    """
    labels = read_array(path, _LABELS) if zipfile.is_zipfile(path) else None
    if labels is not None:
        fits = labels.dtype.kind in "iuU" and labels.shape == (count,)
        form = {"shape": labels.shape, "dtype": str(labels.dtype)}
        expect(fits, f"{count} labels, whole numbers or texts", path=str(path), **form)
    return labels


def read_array(path: StrPath, names: tuple[str, ...] = ()) -> np.ndarray | None:
    """Read an array; nothing in the file is executed.

    Args:
        path: str or `os.PathLike`, an `.npy` file, which is mapped into memory and read
            as it is used, or an `.npz` file.
        names: tuple of str, how the array may be called in an `.npz` file, the best
            first. Without names, or where none of `_NAMES` is there, the only array.

    Returns:
        NumPy array, or `None` where other names than those of pictures are not there.

    Raises:
        InvalidInput: if there is no such file, it is not a regular file, or damaged.
    """
    path = expect_path(path=path)
    expect(path.exists(), "an existing file", path=str(path))
    # A pipe would be waited for, for ever.
    expect(path.is_file(), "a regular file", path=str(path))
    try:
        if not zipfile.is_zipfile(path):
            _expect_short_header(path.open("rb"))
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            length, size = array.offset + array.nbytes, path.stat().st_size
            expect(size == length, f"a file of {length} bytes", bytes=size)
            return array
        with zipfile.ZipFile(path) as archive:
            inside = [name.removesuffix(".npy") for name in archive.namelist()]
            found = [name for name in names if name in inside][:1]
            if not found and names != _NAMES:
                return None
            found = found or inside
            expected = "one array in it, or one named x_train or x"
            expect(len(found) == 1, expected, path=str(path), arrays=inside)
            member = archive.infolist()[inside.index(found[0])]
            most = max(_MOST_BYTES, _MOST_INFLATED * member.compress_size)
            expected = f"an array of at most {most} bytes"
            expect(member.file_size <= most, expected, bytes=member.file_size)
            _expect_short_header(archive.open(member))
            with archive.open(member) as file:
                return np.load(file, allow_pickle=False)
    except InvalidInput:
        raise
    except Exception as error:
        # A damaged header can make NumPy raise nearly anything.
        reason = str(error) or type(error).__name__
        expect(False, f"a readable .npy or .npz file ({reason})", path=str(path))


def _expect_short_header(file):
    """Expect a header of up to 64 KiB: later versions ask for as much as they like."""
    with file:
        version = np.lib.format.read_magic(file)
        size = int.from_bytes(file.read(2 if version[0] == 1 else 4), "little")
    expect(size < 2**16, "a short header", version=version, bytes=size)


def read_picture_array(path: StrPath, channels: Collection[int] = (1,)) -> np.ndarray:
    """Read an array of pictures.

    Args:
        path: str or `os.PathLike`, as of `read_array`.
        channels: ints, what a last axis of channels may measure.

    Returns:
        uint8 array, or float array in [0, 1], `(N, h, w)` or `(N, h, w, channels)`; a
        last axis of 1 is left out.

    Raises:
        InvalidInput: if the file holds something else.
    """
    array = read_array(path, _NAMES)
    kind, shape = array.dtype, array.shape
    known = kind == np.uint8 or kind.kind == "f"
    where = {"path": str(path)}
    expect(known, "pictures of dtype uint8 or float", dtype=str(kind), **where)
    layouts = ["(N, h, w)", *(f"(N, h, w, {channel})" for channel in channels)]
    fits = len(shape) in (3, 4) and min(shape) >= 1
    fits = fits and shape[3:] in [(), *((channel,) for channel in channels)]
    expected = f"at least one picture, shape {' or '.join(layouts)}"
    expect(fits, expected, shape=shape, **where)
    if kind != np.uint8:
        # A NaN fails both comparisons.
        span = {"lowest": float(array.min()), "highest": float(array.max())}
        inside = span["lowest"] >= 0 and span["highest"] <= 1
        expect(inside, "float pictures in [0, 1], without NaN", **where, **span)
    return array[..., 0] if shape[3:] == (1,) else array
