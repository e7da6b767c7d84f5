"""Reads and writes weight files in the legacy Keras 2 layout.

A file may be untrusted: it is checked completely before any weight is changed, sizes
are checked before data are read, and no other file is opened.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import h5py
import numpy as np
import numpy.typing as npt

from gan.errors import StrPath, require, shown
from gan.saving.damage import sound
from gan.saving.hdf5_guard import (
    MOST_BYTES,
    MOST_FILE,
    MOST_NAMES,
    child,
    opened,
    read_array,
    read_names,
)
from gan.support.files import atomic_path, expect_writable

if TYPE_CHECKING:
    import keras

_PICTURE = "gan_picture"
_PARTS = ("mean_face", "multiplier")
_PICTURE_SUM = "gan_picture_sha256"
_WEIGHTS_SUM = "gan_weights_sha256"


def load_weights(*pairs: tuple[keras.Model, StrPath]) -> None:
    """Loads the weights of networks from legacy `.h5` files, all of them or none.

    Layers are matched by order and shape, as in Keras. The checksums in files of
    `save_weights` are verified. In other files, damage that changes a number into
    another finite number cannot be detected.

    Args:
        *pairs: tuples `(network, path)`: a built Keras network and a str or
            `os.PathLike`, a file of weights alone or of a whole legacy model.
            Floats and integers of any width are cast to the network's dtype.

    Raises:
        InvalidInput: if a file is missing, damaged or has another layout, refers to
            other files, or does not hold finite numbers in the shapes of the network.
            No network is then changed.
    """
    plan = []
    for pair in pairs:
        two = isinstance(pair, (tuple, list)) and len(pair) == 2
        said = (
            f"Each argument must be a pair (network, path), but one is {shown(pair)}."
        )
        require(two, said, "pairs")
        network, path = pair
        layers = _layers(network)
        with opened(path) as file:
            plan += _read_weights(file, network.name, layers)
            _read_picture(file)
    for variable, array in plan:
        variable.assign(array)


def save_weights(
    network: keras.Model,
    path: StrPath,
    picture: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> None:
    """Saves a network's weights so that Keras's own `load_weights` can read them.

    Equal weights give equal bytes. The file is written completely or not at all.

    Args:
        network: a built Keras network with finite weights.
        path: str or `os.PathLike`; Keras recognises the layout by the suffix `.h5`.
        picture: `None` if the network's outputs are pictures in [0, 1], otherwise
            `(mean_face, multiplier)`, finite float arrays of the same shape: an output
            x is the picture x * multiplier + mean_face.

    Raises:
        InvalidInput: if a weight or `picture` is not finite, or `path` is not writable.
            An existing file is then not changed.
    """
    path = expect_writable(path)
    named = path.suffix == ".h5" and path.suffixes[-2:] != [".weights", ".h5"]
    said = "The argument path must end in .h5, and not in .weights.h5, the name of "
    require(named, f"{said}another layout, but it is {path}.", "path")
    layers = [
        (name, [(f"{w.path}:0", w.numpy()) for w in weights])
        for name, weights in _layers(network)
    ]
    weights = [pair for _, pairs in layers for pair in pairs]
    total = sum(array.nbytes for _, array in weights)
    said = f"A file in .h5 can hold 1 GiB of weights, but those of {network.name!r} "
    said += f"have {total:,} bytes: save a network of this size in .weights.h5."
    require(total < MOST_FILE - 2**20, said, "network")
    for name, array in weights:
        said = f"The weight {name} of {network.name!r} must be finite to be saved."
        require(_finite(array), said, "network")
    pictures = [] if picture is None else _checked_picture(picture)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        # Keras 2 would convert weights that have another version.
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


def read_picture(path: StrPath) -> tuple[np.ndarray, np.ndarray] | None:
    """Reads how the outputs of a file's network are converted to pictures.

    Args:
        path: str or `os.PathLike`, a weights file.

    Returns:
        `(mean_face, multiplier)`, finite float64 arrays of the same shape, or `None` if
        the file has none and the outputs are pictures in [0, 1].

    Raises:
        InvalidInput: if the file is missing or damaged.
    """
    with opened(path) as file:
        return _read_picture(file)


def _layers(network):
    """List `(name, weights)` of the layers in the order of the legacy layout."""
    built = getattr(network, "built", False) and hasattr(network, "layers")
    said = f"The network must be a built Keras network, but it is {shown(network)}."
    require(built, said, "network")
    layers = [
        (layer.name, layer.trainable_weights + layer.non_trainable_weights)
        for layer in network.layers
    ]
    inside = {id(w) for _, weights in layers for w in weights}
    outside = [w.path for w in network.weights if id(w) not in inside]
    said = f"All weights of {network.name!r} must be those of layers, but these are "
    require(not outside, f"{said}not: {shown(outside)}.", "network")
    return layers


def _read_weights(file, network, layers):
    """Read and check `(variable, array)` for all variables of the layers."""
    needed = [weights for _, weights in layers if weights]
    bare = h5py.h5a.exists(file.id, b"layer_names")
    legacy = bare or file.id.links.exists(b"model_weights")
    sound(legacy, "it is not of Keras 2's layout, that of save_weights in gan.weights")
    group = file if bare else child(file, "model_weights")
    saved = [child(group, name) for name in read_names(group, "layer_names")]
    saved = [(layer, read_names(layer, "weight_names")) for layer in saved]
    saved = [(layer, names) for layer, names in saved if names]
    here, there = len(needed), len(saved)
    sound(here == there, f"it has {there} layers with weights, {network!r} has {here}")
    plan, named = [], []
    for weights, (layer, names) in zip(needed, saved, strict=True):
        here, there = len(weights), len(names)
        sound(
            here == there, f"{layer.name} has {there} weights, {network!r} has {here}"
        )
        for variable, name in zip(weights, names, strict=True):
            array = read_array(child(layer, name), tuple(variable.shape))
            named.append((name, array))
            with np.errstate(over="ignore"):
                array = array.astype(variable.dtype, casting="same_kind")
            sound(_finite(array), f"{name} holds numbers that are not finite")
            plan.append((variable, array))
    _verify(file, _WEIGHTS_SUM, named)
    return plan


def _read_picture(file):
    named = []
    if file.id.links.exists(_PICTURE.encode()):
        group = child(file, _PICTURE)
        arrays = [read_array(child(group, name)) for name in _PARTS]
        sound(_fit(*arrays), f"{_PICTURE} holds no finite numbers of one shape")
        named = _named(arrays)
    _verify(file, _PICTURE_SUM, named)
    return tuple(array for _, array in named) or None


def _checked_picture(picture):
    pair = isinstance(picture, (tuple, list)) and len(picture) == 2
    arrays = [np.asarray(array) for array in picture] if pair else []
    require(
        pair and _fit(*arrays),
        "The argument picture must be None or a pair (mean_face, multiplier) of finite "
        f"arrays of one shape, but it is {shown(picture)}.",
        "picture",
    )
    return _named(arrays)


def _fit(mean, multiplier):
    return mean.shape == multiplier.shape and _finite(mean) and _finite(multiplier)


def _named(arrays):
    return [(name, a.astype("float64")) for name, a in zip(_PARTS, arrays, strict=True)]


def _write_names(group, attribute, names):
    array = np.array([name.encode() for name in names])
    # The description of the attribute takes a part of the 64 KiB.
    short = array.nbytes < MOST_BYTES - 2**10 and len(names) <= MOST_NAMES
    said = f"The names {attribute} of the network must be different, and short enough "
    said += "for a file in .h5: rename layers, or save it in .weights.h5."
    require(short and len(set(names)) == len(names), said, "network")
    group.attrs[attribute] = array


def _verify(file, attribute, named):
    if h5py.h5a.exists(file.id, attribute.encode()):
        same = read_names(file, attribute) == [_checksum(named)]
        sound(same, f"its numbers are damaged, as {attribute} tells")


def _checksum(named):
    digest = hashlib.sha256()
    for name, array in named:
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _finite(array):
    return bool(array.dtype.kind in "fiu" and np.isfinite(array).all())
