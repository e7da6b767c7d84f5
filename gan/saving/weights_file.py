"""Weights files in the legacy Keras 2 layout: read, check, write.

A file is not trusted: all of it is checked before the first weight changes, its
sizes before they are read, and nothing outside of it is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import re
import struct
from typing import TYPE_CHECKING

import h5py
import numpy as np
import numpy.typing as npt

from gan.errors import InvalidInput, expect
from gan.saving.files import atomic_path, expect_writable

if TYPE_CHECKING:
    import keras

# HDF5 object headers hold 64 KiB, so Keras writes no larger list of names.
_MOST_BYTES = 2**16
_MOST_NAMES = 2**10
_MOST_FILE = 2**30
_MOST_HEAP = 2**20
_PICTURE = "gan_picture"
_PICTURE_SUM = "gan_picture_sha256"
_WEIGHTS_SUM = "gan_weights_sha256"


def load_weights(*pairs: tuple[keras.Model, str | os.PathLike]) -> None:
    """Load networks' weights from legacy `.h5` files: all of them or none.

    Layers correspond by order and shape, as in Keras. The checksums in files of
    `save_weights` are verified; in other files a number that damage has changed
    into another finite number cannot be noticed.

    Args:
        *pairs: tuples `(network, path)`: a built Keras network and a str or
            `os.PathLike`, a file of weights alone or of a whole legacy model.
            Floats and integers of any width are cast to the network's dtype.

    Raises:
        InvalidInput: if a file is missing, damaged or not of this layout, refers
            to other files, or holds anything but finite numbers in the shapes
            the network needs. Then every network is as it was.
    """
    plan = []
    for pair in pairs:
        two = isinstance(pair, (tuple, list)) and len(pair) == 2
        expect(two, "(network, path)", pair=pair)
        network, path = pair
        layers = _layers(network)
        with _opened(path) as file:
            plan += _read_weights(file, network.name, layers)
            _read_picture(file)
    for variable, array in plan:
        variable.assign(array)


def save_weights(
    network: keras.Model,
    path: str | os.PathLike,
    picture: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> None:
    """Write a network's weights so that Keras's own `load_weights` reads them.

    Equal weights of a network give equal bytes, whole or not at all.

    Args:
        network: a built Keras network with finite weights.
        path: str or `os.PathLike`; Keras recognizes the layout by `.h5`.
        picture: None if the network's outputs are pictures in [0, 1], else
            `(mean_face, multiplier)`, finite arrays of one shape: an output x
            is the picture x * multiplier + mean_face.

    Raises:
        InvalidInput: if a weight or the picture is not finite, or `path` cannot
            be written to. Then the file at `path` is as it was.
    """
    path = expect_writable(path)
    named = path.suffix == ".h5" and path.suffixes[-2:] != [".weights", ".h5"]
    expected = "a path in .h5, and not in .weights.h5, which is another layout"
    expect(named, expected, path=str(path))
    layers = [
        (name, [(f"{w.path}:0", w.numpy()) for w in weights])
        for name, weights in _layers(network)
    ]
    weights = [pair for _, pairs in layers for pair in pairs]
    for name, array in weights:
        expect(_finite(array), f"finite numbers of {network.name!r}", weight=name)
    pictures = [] if picture is None else _named_picture(picture)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        # Keras 2 would convert weights that do not claim its version.
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.6.0"
        _write_names(file, "layer_names", [name for name, _ in layers])
        for layer, pairs in layers:
            group = file.create_group(layer)
            _write_names(group, "weight_names", [name for name, _ in pairs])
            for name, array in pairs:
                group.create_dataset(name, data=array)
        for name, array in pictures:
            file.create_dataset(f"{_PICTURE}/{name}", data=array)
        _write_names(file, _WEIGHTS_SUM, [_checksum(weights)])
        _write_names(file, _PICTURE_SUM, [_checksum(pictures)])


def read_picture(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray] | None:
    """Read how the outputs of a file's network become pictures.

    Args:
        path: str or `os.PathLike`, a weights file.

    Returns:
        `(mean_face, multiplier)`, finite float64 arrays of one shape, or None if
        the file has none: then the outputs are pictures in [0, 1].

    Raises:
        InvalidInput: if the file is missing or damaged.
    """
    with _opened(path) as file:
        return _read_picture(file)


def _layers(network):
    """Give `(name, weights)` of each layer in the order of the legacy layout."""
    built = getattr(network, "built", False) and hasattr(network, "layers")
    expect(built, "a built Keras network", network=network)
    layers = [
        (layer.name, layer.trainable_weights + layer.non_trainable_weights)
        for layer in network.layers
    ]
    inside = {id(w) for _, weights in layers for w in weights}
    outside = [w.path for w in network.weights if id(w) not in inside]
    expect(not outside, f"all weights of {network.name!r} in layers", outside=outside)
    return layers


@contextlib.contextmanager
def _opened(path):
    """Open an HDF5 file to read; whatever its damage raises is `InvalidInput`."""
    expect(isinstance(path, (str, os.PathLike)), "a path", path=path)
    # To read a pipe or a device could wait for ever.
    try:
        there = pathlib.Path(path).is_file()
    except OSError:
        # Longer than a name may be.
        there = False
    expect(there, f"a file of weights at {path}", path=path)
    size = pathlib.Path(path).stat().st_size
    expect(0 < size <= _MOST_FILE, f"up to 1 GiB of weights at {path}", size=size)
    try:
        _check_strings(path)
        with h5py.File(path, "r") as file:
            yield file
    except InvalidInput:
        raise
    # Damage surfaces in h5py as a dozen classes, among them MemoryError.
    except Exception as error:
        reason = " ".join(str(error).split())
        kind = type(error).__name__
        expect(False, f"a readable file of weights at {path} ({reason})", error=kind)


def _check_strings(path):
    """Expect lists of names that HDF5 can read: damaged ones take GiBs, or for ever.

    Keras writes version 1 of HDF5's attribute message. If its strings are of
    variable length, its items are (length, heap address, index in the heap).
    """
    variable_length, heaps = 9, {}
    data = pathlib.Path(path).read_bytes()
    for found in re.finditer(rb"(layer_names|weight_names|gan_\w+_sha256)\0", data):
        sizes = struct.unpack_from("<HHH", data, found.start() - 6)
        name_size, type_size, space_size = (-(-size // 8) * 8 for size in sizes)
        kind = found.start() + name_size
        space = kind + type_size
        form = data[found.start() - 8], data[space], data[space + 1]
        expect(form == (1, 1, 1), f"lists of names as of Keras in {path}", form=form)
        if data[kind] % 16 != variable_length:
            continue
        (count,) = struct.unpack_from("<Q", data, space + 8)
        expect(count <= _MOST_NAMES, f"a short list in {path}", count=count)
        for item in range(count):
            at = space + space_size + 16 * item
            length, heap, index = struct.unpack_from("<IQI", data, at)
            if heap not in heaps:
                heaps[heap] = _heap_sizes(data, heap)
            sound = heaps[heap].get(index) == length
            expect(sound, f"undamaged strings in {path}", length=length, index=index)


def _heap_sizes(data, start):
    """Give `{index: size}` of a global heap, empty unless its objects fill it."""
    sizes = {}
    mark, heap_size = struct.unpack_from("<8sQ", data, start)
    at, end = start + 16, start + heap_size
    sound = mark == b"GCOL\1\0\0\0" and heap_size <= _MOST_HEAP
    while sound and at + 16 <= end:
        index, size = struct.unpack_from("<H6xQ", data, at)
        sizes[index] = size
        # Object 0 is the free space, and its size includes this header.
        step = 16 + -(-size // 8) * 8 if index else size
        sound = 16 <= step <= end - at
        at += step
    return sizes if sound else {}


def _read_weights(file, network, layers):
    """Give `(variable, array)` for all variables of the layers, all checked."""
    needed = [weights for _, weights in layers if weights]
    place = f" of {network!r} in {file.filename}"
    bare = h5py.h5a.exists(file.id, b"layer_names")
    legacy = bare or file.id.links.exists(b"model_weights")
    expect(legacy, f"the legacy layout{place}", layer_names=None)
    group = file if bare else _child(file, "model_weights")
    saved = [_child(group, name) for name in _names(group, "layer_names")]
    saved = [
        (layer, names) for layer in saved if (names := _names(layer, "weight_names"))
    ]
    expect(
        len(saved) == len(needed),
        f"the weights{place} ({len(needed)} layers with weights)",
        layers=len(saved),
    )
    variables, named = [], []
    for weights, (layer, names) in zip(needed, saved, strict=True):
        same = len(names) == len(weights)
        expect(same, f"{len(weights)} weights in a layer{place}", weight_names=names)
        for variable, name in zip(weights, names, strict=True):
            array = _read_array(_child(layer, name), place, tuple(variable.shape))
            variables.append(variable)
            named.append((name, array))
    _verify(file, _WEIGHTS_SUM, named)
    plan = []
    for variable, (name, array) in zip(variables, named, strict=True):
        with np.errstate(over="ignore"):
            array = array.astype(variable.dtype, casting="same_kind")
        expect(_finite(array), f"finite numbers{place}", weight=name)
        plan.append((variable, array))
    return plan


def _read_picture(file):
    named = []
    place = f" in {file.filename}"
    if file.id.links.exists(_PICTURE.encode()):
        group = _child(file, _PICTURE)
        names = ("mean_face", "multiplier")
        arrays = [_read_array(_child(group, name), place) for name in names]
        named = _named_picture(arrays, place)
    _verify(file, _PICTURE_SUM, named)
    return tuple(array for _, array in named) or None


def _named_picture(picture, place=""):
    pair = isinstance(picture, (tuple, list)) and len(picture) == 2
    expect(pair, "picture to be (mean_face, multiplier)", picture=picture)
    mean, multiplier = (np.asarray(array) for array in picture)
    good = mean.shape == multiplier.shape and _finite(mean) and _finite(multiplier)
    expected = f"mean_face and multiplier to be finite and of one shape{place}"
    expect(good, expected, mean_face=mean, multiplier=multiplier)
    arrays = mean.astype("float64"), multiplier.astype("float64")
    return list(zip(("mean_face", "multiplier"), arrays, strict=True))


def _child(group, name):
    """Open what hard links of that name lead to: other links may leave the file."""
    for part in name.split("/"):
        link = group.id.links.get_info(part.encode()).type
        hard = link == h5py.h5l.TYPE_HARD
        expect(hard, f"nothing but hard links in {group.file.filename}", name=name)
        group = group[part]
    return group


def _read_array(dataset, place, shape=None):
    """Read numbers of the given shape, None for any, after checks of their size."""
    stored = dataset.id.get_create_plist()
    # Keras writes no others, and chunks may unpack to any size or name other files.
    plain = stored.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
    plain = plain and stored.get_external_count() == 0
    expect(plain, f"contiguous data{place}", dataset=dataset.name)
    numbers = dataset.dtype.kind in "fiu"
    expect(numbers, f"numbers{place}", dataset=dataset.name, dtype=dataset.dtype)
    fits = dataset.nbytes <= _MOST_FILE if shape is None else dataset.shape == shape
    wanted = "up to 1 GiB" if shape is None else f"shape {shape}"
    expect(fits, f"{wanted}{place}", dataset=dataset.name, shape=dataset.shape)
    there = dataset.id.get_storage_size() == dataset.nbytes
    expect(there, f"all numbers{place}", dataset=dataset.name)
    return dataset[()]


def _names(group, attribute):
    """Read an attribute that is a list of names, after checks of its size."""
    stored = h5py.h5a.open(group.id, attribute.encode())
    count = stored.get_space().get_simple_extent_npoints()
    # Keras writes an empty list as floats.
    if count == 0:
        return []
    small = count <= _MOST_NAMES and stored.get_storage_size() <= _MOST_BYTES
    strings = len(stored.shape) == 1 and h5py.check_string_dtype(stored.dtype)
    expected = f"a short list {attribute} in {group.file.filename}"
    expect(small and strings, expected, count=count, dtype=stored.dtype)
    names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs[attribute]]
    expect(sum(map(len, names)) <= _MOST_BYTES, expected, count=count)
    return names


def _write_names(group, attribute, names):
    array = np.array([name.encode() for name in names])
    # The attribute's own description needs a part of the 64 KiB.
    short = array.nbytes < _MOST_BYTES - 2**10 and len(names) <= _MOST_NAMES
    good = short and len(set(names)) == len(names)
    expect(good, f"a short list {attribute} of different names", names=names)
    group.attrs[attribute] = array


def _verify(file, attribute, named):
    if h5py.h5a.exists(file.id, attribute.encode()):
        same = _names(file, attribute) == [_checksum(named)]
        expect(same, f"undamaged numbers in {file.filename}", checksum=attribute)


def _checksum(named):
    digest = hashlib.sha256()
    for name, array in named:
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _finite(array):
    return bool(array.dtype.kind in "fiu" and np.isfinite(array).all())
