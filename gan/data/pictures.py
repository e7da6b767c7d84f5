"""Pictures of any size and format, and arrays of them, from files not to be trusted."""

from __future__ import annotations

import os
import pathlib
import stat
import sys
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np

from gan.errors import (
    InvalidInput,
    StrPath,
    expect,
    expect_number,
    expect_path,
    expect_positive_int,
)

# Ghostscript would run the program that an EPS file is.
_NOT_READ = {"EPS"}
# How others name the array of pictures in an .npz file.
_NAMES = ("x_train", "x")
# No pictures compress so well: a small file must not fill the memory.
_MOST_INFLATED, _MOST_BYTES = 200, 2**28


class _Skip(Exception):
    """Why a file is not read."""


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


def read_pictures(
    path: StrPath,
    size: tuple[int, int],
    colour: bool = False,
    keep: float = 1.0,
    watch: Callable[[list], Iterable] = iter,
) -> tuple[np.ndarray, dict[str, str]]:
    """Read pictures and bring them to one size.

    Each is turned upright as its EXIF orientation says, laid on white where it is
    transparent, cropped around its centre to the aspect of `size`, and shrunk by the
    mean over areas or enlarged by bicubic interpolation. What cannot be read in a
    folder is skipped.

    Args:
        path: str or `os.PathLike`: a folder, whose pictures are read in the order
            of their names, subfolders included, links to folders not; or an `.npy`
            file, or an `.npz` file with one array or one named x_train or x, of
            shape `(N, h, w)`, `(N, h, w, 1)` or `(N, h, w, 3)`, uint8 or float in
            [0, 1].
        size: pair of ints, height and width of the result.
        colour: bool, RGB instead of grey (ITU-R 601 luma).
        keep: float in (0, 1], the share of the largest such crop's height and
            width that is kept.
        watch: callable that is given the list of what will be read and iterates
            over it, such as a progress bar.

    Returns:
        uint8 array of shape `(N, h, w)`, or `(N, h, w, 3)` with `colour`, and a
        dict from the paths of what was skipped to the reasons, both str.

    Raises:
        InvalidInput: if there is nothing at the path, or no picture in it.
    """
    pair = isinstance(size, (tuple, list)) and len(size) == 2
    expect(pair, "size to be (height, width)", size=size)
    expect_positive_int(height=size[0], width=size[1])
    expect_number(0, 1, keep=keep)
    expect(keep > 0, "keep above 0", keep=keep)
    path, skipped = expect_path(path=path), {}
    expect(os.path.exists(path), "an existing folder or file", path=str(path))
    if path.is_dir():
        sources = _walk(path, skipped)
    else:
        sources = _array(path)
        if keep == 1 and sources.shape[1:] == (*size, *([3] if colour else [])):
            return sources, skipped
    pictures = np.empty((len(sources), *size, *([3] if colour else [])), np.uint8)
    count = 0
    with warnings.catch_warnings():
        _judge_warnings()
        for source in watch(sources):
            try:
                pictures[count] = _picture(source, size, colour, keep)
                count += 1
            except Exception as error:
                # Decoders raise nearly anything at a damaged file.
                skipped[str(source)] = _reason(error)
    reasons = ", ".join(sorted({*skipped.values()})) or "no files"
    expect(count, "at least one picture", path=str(path), skipped=reasons)
    return pictures[:count], skipped


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


def tell_skipped(skipped: dict[str, str]) -> None:
    """Print a line for each reason in `skipped`, which `read_pictures` gave."""
    examples = {reason: path for path, reason in reversed(skipped.items())}
    for reason, count in sorted(Counter(skipped.values()).items()):
        print(f"skipped {count}, such as {examples[reason]!r}: {reason}")


def _walk(folder, skipped):
    """Files of a folder and its subfolders, by name; what is left out, by path."""

    def refuse(error):
        skipped[error.filename] = error.strerror

    paths = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        for name in folders:
            if os.path.islink(os.path.join(parent, name)):
                skipped[os.path.join(parent, name)] = "a link to a folder"
        paths += [pathlib.Path(parent, name) for name in names]
    return sorted(paths)


def _array(path):
    """The uint8 array `(N, h, w)` or `(N, h, w, 3)` of an `.npy` or `.npz` file."""
    array = read_picture_array(path, (1, 3))
    if array.dtype == np.uint8:
        return array
    return np.rint(array * np.float32(255)).astype(np.uint8)


def _judge_warnings():
    from PIL import Image

    # Of a damaged file that still gives a picture, the picture is enough.
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _picture(source, size, colour, keep):
    """One picture of a file or an array, brought to size."""
    from PIL import Image, ImageOps

    if isinstance(source, np.ndarray):
        return _fit(Image.fromarray(source), size, colour, keep)
    # A pipe would be waited for, for ever.
    if not stat.S_ISREG(os.stat(source).st_mode):
        raise _Skip("not a regular file")
    Image.init()
    formats = [name for name in Image.ID if name not in _NOT_READ]
    with Image.open(source, formats=formats) as image:
        return _fit(ImageOps.exif_transpose(image), size, colour, keep)


def _fit(image, size, colour, keep):
    from PIL import Image

    height, width = size
    unit = keep * min(image.width / width, image.height / height)
    crop = [max(round(unit * side), 1) for side in (width, height)]
    left, top = ((image.width - crop[0]) // 2, (image.height - crop[1]) // 2)
    image = _eight_bits(image.crop((left, top, left + crop[0], top + crop[1])))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("RGB" if colour else "L")
    # The mean over areas would enlarge pixels to blocks of uneven size.
    method = Image.Resampling.BOX if unit >= 1 else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), method))


def _eight_bits(image):
    """Pillow would clip 16-bit pictures where it should divide."""
    from PIL import Image

    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise _Skip("values without a known range")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _reason(error):
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, _Skip):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "not read by Pillow"
    bombs = (Image.DecompressionBombWarning, Image.DecompressionBombError)
    if isinstance(error, bombs):
        return "too many pixels"
    return getattr(error, "strerror", None) or "a damaged picture"
