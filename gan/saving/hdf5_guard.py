"""Checks untrusted HDF5 files before their data are read.

Keras writes only contiguous data, which are stored completely in the file and reached
by hard links; everything else is refused. Compressed chunks may unpack to any size,
other links and external data may refer to other files, and damaged strings make HDF5
1.14 allocate GiBs or never return.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import struct
from collections.abc import Iterator
from typing import IO

import h5py
import numpy as np

from gan.errors import StrPath, expect_path, require
from gan.saving.damage import Damaged, refusing, sound

# HDF5 object headers are limited to 64 KiB, and so are Keras's lists of names.
MOST_BYTES = 2**16
MOST_NAMES = 2**10
MOST_FILE = 2**30
_MOST_HEAP = 2**20
_MOST_DEPTH = 30


@contextlib.contextmanager
def opened(path: StrPath) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; damage raises `InvalidInput`."""
    path = expect_path(path=path)
    # Reading a pipe or a device could wait for ever.
    require(os.path.isfile(path), f"There is no file of weights at {path}.", "path")
    with refusing(path):
        size = path.stat().st_size
        sound(
            0 < size <= MOST_FILE,
            f"it has {size:,} bytes, but it must have 1 byte to 1 GiB",
        )
        _check_strings(path)
        with h5py.File(path, "r") as file:
            yield file


def expect_weights(source: StrPath | IO[bytes], size: int) -> None:
    """Expect an HDF5 file of `size` bytes that holds all its numbers in plain form."""
    with h5py.File(source, "r") as file:
        sound(_count(file, 0) <= size, "it names more numbers than it has bytes for")


def _count(group, depth):
    """Check each dataset of a group; return the size of all numbers in bytes."""
    if depth >= _MOST_DEPTH:
        raise Damaged("its groups are nested too deeply")
    total = 0
    for name in group:
        item = child(group, name)
        if isinstance(item, h5py.Group):
            total += _count(item, depth + 1)
        else:
            _expect_plain(item)
            total += item.nbytes
    return total


def child(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """The object behind a hard link; other links could leave the file."""
    for part in name.split("/"):
        if group.id.links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
            raise Damaged(f"{part} in {group.name} is a link, perhaps to another file")
        group = group[part]
    return group


def _expect_plain(dataset):
    """Expect contiguous numbers that are all in the file."""
    name, stored = dataset.name, dataset.id.get_create_plist()
    plain = stored.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    if not plain or stored.get_external_count():
        raise Damaged(f"the numbers of {name} are not contiguous")
    if dataset.dtype.kind not in "fiu":
        raise Damaged(f"{name} holds {dataset.dtype}, not numbers")
    there = dataset.id.get_storage_size() == dataset.nbytes
    if not there or dataset.nbytes > dataset.file.id.get_filesize():
        raise Damaged(f"some of the numbers of {name} are missing")


def read_array(
    dataset: h5py.Dataset, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """Check and read numbers of the given shape, `None` for any shape."""
    if shape not in (None, dataset.shape):
        there = f"the shape {dataset.shape} instead of {shape}"
        raise Damaged(f"{dataset.name} has {there}")
    _expect_plain(dataset)
    return dataset[()]


def read_names(group: h5py.Group, attribute: str) -> list[str]:
    """Read an attribute that is a list of names, after checks of its size."""
    stored = h5py.h5a.open(group.id, attribute.encode())
    count = stored.get_space().get_simple_extent_npoints()
    # Keras writes an empty list as floats.
    if count == 0:
        return []
    small = count <= MOST_NAMES and stored.get_storage_size() <= MOST_BYTES
    strings = len(stored.shape) == 1 and h5py.check_string_dtype(stored.dtype)
    wrong = f"{attribute} is too long, or no list of names"
    sound(small and strings, wrong)
    found = [n.decode() if isinstance(n, bytes) else n for n in group.attrs[attribute]]
    sound(sum(map(len, found)) <= MOST_BYTES, wrong)
    return found


def _check_strings(path: pathlib.Path) -> None:
    """Expect lists of names that HDF5 can read.

    Keras writes version 1 of HDF5's attribute message. If its strings are of variable
    length, its items are (length, heap address, index in the heap).
    """
    variable_length, heaps = 9, {}
    data = path.read_bytes()
    for found in re.finditer(rb"(layer_names|weight_names|gan_\w+_sha256)\0", data):
        sizes = struct.unpack_from("<HHH", data, found.start() - 6)
        name_size, type_size, space_size = (-(-size // 8) * 8 for size in sizes)
        kind = found.start() + name_size
        space = kind + type_size
        form = data[found.start() - 8], data[space], data[space + 1]
        sound(form == (1, 1, 1), "its lists of names are not as Keras writes them")
        if data[kind] % 16 != variable_length:
            continue
        (count,) = struct.unpack_from("<Q", data, space + 8)
        sound(count <= MOST_NAMES, "one of its lists of names is too long")
        for item in range(count):
            at = space + space_size + 16 * item
            length, heap, index = struct.unpack_from("<IQI", data, at)
            if heap not in heaps:
                heaps[heap] = _heap_sizes(data, heap)
            if heaps[heap].get(index) != length:
                raise Damaged("the strings of its lists of names are damaged")


def _heap_sizes(data, start):
    """Dict `{index: size}` of a global heap, empty unless its objects fill it."""
    sizes = {}
    mark, heap_size = struct.unpack_from("<8sQ", data, start)
    at, end = start + 16, start + heap_size
    whole = mark == b"GCOL\1\0\0\0" and heap_size <= _MOST_HEAP
    while whole and at + 16 <= end:
        index, size = struct.unpack_from("<H6xQ", data, at)
        sizes[index] = size
        # Object 0 is the free space, and its size includes this header.
        step = 16 + -(-size // 8) * 8 if index else size
        whole = 16 <= step <= end - at
        at += step
    return sizes if whole else {}
