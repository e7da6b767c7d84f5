"""Keeps the pictures of a folder in one file, which can be memory-mapped."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os
import pathlib
import shutil
import struct
import tempfile
import zipfile
from typing import Any

import numpy as np

from gan.support.devices import only_cpu
from gan.support.files import atomic_path

_FORM = 1  # version of the file format; files of other versions are not used
_ALIGNED = 64  # bytes; TensorFlow copies memory that is not aligned to this
_MOST_BYTES = 2**28  # largest size of each member of the file except the pictures
_AT_ONCE = 2**24  # bytes to copy at a time
_ROWS = 1000  # pictures to copy at a time
_PICTURES, _ABOUT = "x.npy", "about.json"


class _Map(np.memmap):
    """A memory map of a file of this library, which no one else changes.

    Attributes:
        folder: `pathlib.Path`, in which further files may be made.
    """

    folder: pathlib.Path


def as_tensor(array: np.ndarray) -> Any:
    """Converts an array to a tensor; kept pictures are not copied on a CPU.

    Args:
        array: NumPy array.

    Returns:
        Tensor of its shape and dtype.
    """
    import tensorflow as tf

    base = _map_of(array)
    aligned = array.ctypes.data % _ALIGNED == 0 and array.flags.c_contiguous
    if base is None or not aligned or not only_cpu():
        return tf.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def picked(array: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Selects pictures of an array; kept pictures are copied to an unnamed file.

    Args:
        array: uint8 array `(N, h, w, channels)`.
        numbers: int array `(n,)` of indices in [0, N).

    Returns:
        uint8 array `(n, h, w, channels)`, a copy.
    """
    base = _map_of(array)
    if base is None:
        return array[numbers]
    some = _room((len(numbers), *array.shape[1:]), base.folder)
    for start in range(0, len(numbers), _ROWS):
        rows = slice(start, start + _ROWS)
        some[rows] = array[numbers[rows]]
    return some


def _map_of(array):
    """The `_Map` of which an array is a view, or `None`."""
    while isinstance(array, np.ndarray) and not isinstance(array, _Map):
        array = array.base
    return array if isinstance(array, _Map) else None


def _mapped(file, dtype, mode, offset, shape, folder):
    """Map an array in an open file into memory."""
    mapped = _Map(file, dtype, mode, offset, shape)
    mapped.folder = folder
    return np.asarray(mapped)


def _room(shape, folder):
    """An empty array for pictures, in an unnamed file of a folder or in memory."""
    left = math.prod(shape)
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        # The kept file needs the same space again, and training needs checkpoints.
        if 3 * left < shutil.disk_usage(folder).free:
            # On a full disk, a map of unwritten space would kill the process.
            while left:
                left -= file.write(bytes(min(left, _AT_ONCE)))
            file.flush()
            return _mapped(file, np.uint8, "r+", 0, shape, folder)
    return np.empty(shape, np.uint8)


@dataclasses.dataclass(frozen=True)
class Reading:
    """Everything on which the pictures read from a folder depend.

    Attributes:
        files: str, sixteen hexadecimal digits from the names, sizes and times of the
            files.
        folder: str, path of the folder, which is not compared.
        size: tuple of ints, height and width.
        colour: bool or `None`, as in `gan.data.pictures.read_pictures`.
        labelled: bool, as in `gan.data.pictures.read_pictures`.
        keep: float, as in `gan.data.pictures.read_pictures`.
        captions: str, sixteen hexadecimal digits of the file of captions; "" without
            one.
    """

    files: str
    folder: str = dataclasses.field(compare=False)
    size: tuple[int, int]
    colour: bool | None
    labelled: bool
    keep: float
    captions: str = ""

    @property
    def member(self) -> str:
        """Name of the array of captions or classes in a kept file."""
        return "caption.npy" if self.captions else "y.npy"

    def differs(self, other: Reading) -> str | None:
        """The reason why the result of another reading cannot be used, or `None`."""
        if self.files != other.files:
            return "the folder has changed"
        if self.captions != other.captions:
            return "the captions have changed"
        if self != other:
            return "size, colours or classes have changed"
        return None


def reading_of(
    root: pathlib.Path, files: list[pathlib.Path], beside: list[str], **options: Any
) -> Reading:
    """Makes a `Reading` from the names, sizes and times of a folder's files.

    Args:
        root: `pathlib.Path` of the folder.
        files: list of `pathlib.Path`, its files that are used, in order.
        beside: list of str, paths of other files and folders in the folder.
        **options: other attributes of `Reading`.

    Returns:
        `Reading`.
    """
    start = len(os.path.join(root, ""))
    sums = hashlib.sha256(os.fsencode("\0".join(name[start:] for name in beside)))
    for path in map(os.fspath, files):
        try:
            there = os.stat(path)
            seen = f"{there.st_size} {there.st_mtime_ns} {there.st_mode}"
        except OSError as error:
            seen = str(error.errno)
        sums.update(os.fsencode(f"\0{seen} {path[start:]}"))
    return Reading(_digits(sums), str(root), **options)


def digits_of(path: pathlib.Path) -> str:
    """Sixteen hexadecimal digits of what a file holds; "" if it cannot be read."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return _digits(hashlib.file_digest(file, "sha256"))
    return ""


def _digits(sums):
    return sums.hexdigest()[:16]


@dataclasses.dataclass(frozen=True)
class KeptFile:
    """An `.npz` file of the pictures of a folder, which `gan.train` can also read.

    Attributes:
        path: `pathlib.Path`, which need not exist.
        anew: bool, whether to read the folder even if the file is up to date.
    """

    path: pathlib.Path
    anew: bool = False

    @property
    def origin(self) -> str:
        """The text that tells users that pictures come from this file."""
        return f"as kept in {self.path}"

    def room(self, shape: tuple[int, ...]) -> np.ndarray:
        """Makes an array for pictures, in an unnamed file beside this one or in memory.

        Args:
            shape: tuple `(N, h, w, channels)`.

        Returns:
            uint8 array; the file is deleted when the array is.
        """
        folders = self.path.absolute().parents
        return _room(shape, next(one for one in folders if one.is_dir()))

    def save(
        self,
        pictures: np.ndarray,
        classes: np.ndarray | None,
        reading: Reading,
        about: dict[str, Any],
    ) -> None:
        """Writes pictures to the file.

        Args:
            pictures: uint8 array `(N, h, w, channels)`.
            classes: array of str `(N,)`, the class or the caption of each picture, or
                `None`.
            reading: `Reading` of these pictures.
            about: dict of JSON values, further information about them.

        Raises:
            OSError, InvalidInput: if the file cannot be written.
        """
        form = {"form": _FORM, "reading": dataclasses.asdict(reading), "about": about}
        with (
            atomic_path(self.path) as temporary,
            zipfile.ZipFile(temporary, "w") as archive,
        ):
            for name, array in ((_PICTURES, pictures), (reading.member, classes)):
                if array is None:
                    continue
                info = zipfile.ZipInfo(name)
                # With this padding, the array begins at a multiple of 64 bytes.
                info.extra = struct.pack("<HH5x", 0x6E67, 5)
                with archive.open(info, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
            archive.writestr(_ABOUT, json.dumps(form))

    def load(self, reading: Reading) -> tuple[Any, Any, dict[str, Any]] | str:
        """Maps the pictures of the file into memory, if they match a reading.

        The whole file is read once, so that damage is detected.

        Args:
            reading: `Reading` of the folder.

        Returns:
            Tuple of `pictures`, `classes` and `about` as in `save`; or a str, the
            reason why the folder must be read, "" if `anew` is true or there is no
            file.
        """
        if self.anew or not self.path.exists():
            return ""
        try:
            with open(self.path, "rb") as file, zipfile.ZipFile(file) as archive:
                return _load(file, archive, reading, self.path.absolute().parent)
        except Exception:
            # Reading damaged files can raise many kinds of errors.
            return f"{self.path} is damaged"


def _load(file, archive, reading, folder):
    form = json.loads(_read(archive, _ABOUT))
    found = form["reading"] | {"size": tuple(form["reading"]["size"])}
    reason = reading.differs(Reading(**found))
    if form["form"] != _FORM:
        reason = "another version of this library wrote the kept pictures"
    if reason is not None:
        return reason
    classes = None
    if reading.member in archive.namelist():
        stream = io.BytesIO(_read(archive, reading.member))
        classes = np.load(stream, allow_pickle=False)
    pictures = _mapped_member(file, archive.getinfo(_PICTURES), folder)
    with archive.open(_PICTURES) as stream:
        while stream.read(_AT_ONCE):
            pass
    fits = pictures.ndim == 4 and pictures.shape[1:3] == reading.size
    fits = fits and (classes is None or classes.shape == pictures.shape[:1])
    if not fits or pictures.dtype != np.uint8:
        raise ValueError(pictures.shape)
    return pictures, classes, form["about"]


def _read(archive, name):
    """The bytes of a small file in an archive."""
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(name)
    return archive.read(name)


def _mapped_member(file, info, folder):
    """A stored array in an open archive, mapped into memory."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(info.filename)
    file.seek(info.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(30))
    file.seek(name + extra, os.SEEK_CUR)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    length = file.tell() - info.header_offset - 30 - name - extra
    if length + dtype.itemsize * math.prod(shape) != info.file_size:
        raise ValueError(shape)
    # The map is copy-on-write, but no one writes to it.
    return _mapped(file, dtype, "c", file.tell(), shape, folder)
