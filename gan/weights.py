"""Weights files in the legacy Keras 2 layout: read, check, write.

A file that comes from elsewhere is not trusted: everything in it is checked
before the first weight changes, and nothing outside of it is opened.
"""

import contextlib
import hashlib
import math
import pathlib

import h5py
import numpy as np

from gan._files import atomic_path
from gan._validation import InvalidInput, expect

# A larger attribute does not fit into an HDF5 object header: Keras writes none.
_MOST_BYTES = 2**16
_MOST_NAMES = 2**10
_MOST_PIXELS = 2**24
_PICTURE = "gan_picture"
_PICTURE_NAMES = ("mean_face", "multiplier")
_WEIGHTS_SUM = "gan_weights_sha256"
_PICTURE_SUM = "gan_picture_sha256"


def load_weights(*pairs):
    """Load networks' weights from legacy `.h5` files: all of them or none.

    Layers correspond by order and shape, as in Keras. Files of `save_weights`
    carry checksums, which are verified; in other files a changed number that
    is still finite cannot be noticed.

    Args:
        *pairs: tuples `(network, path)` of a built Keras network, and the str or
            `os.PathLike` of the file: weights alone or a whole legacy model,
            float or integer datasets, cast to the dtype of the network's weights.

    Raises:
        InvalidInput: if a file is missing, damaged, not of this layout, refers
            to other files, or holds anything but finite numbers of the shapes
            the network needs. Then all networks are as they were.
    """
    plan = []
    for pair in pairs:
        expect(isinstance(pair, tuple) and len(pair) == 2, "(network, path)", pair=pair)
        network, path = pair
        layers = _layers(network)
        with _opened(path) as file:
            plan += _read_weights(file, network.name, layers)
            _read_picture(file)
    for variable, array in plan:
        variable.assign(array)


def save_weights(network, path, picture=None):
    """Write a network's weights so that Keras's own `load_weights` reads them.

    Equal weights give equal bytes. The file appears whole or not at all.

    Args:
        network: a built Keras network with finite weights.
        path: str or `os.PathLike`, the file; `.h5` lets Keras recognize it.
        picture: None, if the outputs are pictures in [0, 1], or
            `(mean_face, multiplier)`, finite float arrays of equal shape: the
            output x becomes the picture x * multiplier + mean_face.

    Raises:
        InvalidInput: if a weight or the picture is not finite, or the path
            cannot be written to.
    """
    layers = [
        (name, [(f"{w.path}:0", w.numpy()) for w in weights])
        for name, weights in _layers(network)
    ]
    weights = [pair for _, pairs in layers for pair in pairs]
    for name, array in weights:
        finite = array.dtype.kind in "fiu" and np.isfinite(array).all()
        expect(finite, f"finite numbers in {name} of {network.name!r}", weights=array)
    pictures = [] if picture is None else _checked_picture(picture)
    for names in ([name for name, _ in layers], *(dict(p) for _, p in layers)):
        size = len(names) * max((len(name.encode()) for name in names), default=0)
        fits = size < _MOST_BYTES and len(names) <= _MOST_NAMES
        expect(fits, f"at most {_MOST_NAMES} names in 64 KiB", names=len(names))
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        _write_names(file, "layer_names", [name for name, _ in layers])
        # Keras 2 converts the weights of files that do not claim its version.
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.6.0"
        for layer, pairs in layers:
            group = file.create_group(layer)
            _write_names(group, "weight_names", [name for name, _ in pairs])
            for name, array in pairs:
                group.create_dataset(name, data=array)
        for name, array in pictures:
            file.create_dataset(f"{_PICTURE}/{name}", data=array)
        _write_names(file, _WEIGHTS_SUM, [_checksum(weights)])
        _write_names(file, _PICTURE_SUM, [_checksum(pictures)])


def read_picture(path):
    """Read how the outputs of a weights file's network become pictures.

    Args:
        path: str or `os.PathLike`, the weights file.

    Returns:
        `(mean_face, multiplier)`, float64 arrays of equal shape, or None if the
        file has none: then the outputs are pictures in [0, 1].

    Raises:
        InvalidInput: if the file is missing or damaged.
    """
    with _opened(path) as file:
        return _read_picture(file)


def _layers(network):
    """Give `(name, weights)` of each layer, in the order of the legacy layout."""
    built = getattr(network, "built", False) and hasattr(network, "layers")
    expect(built, "a built Keras network", network=network)
    layers = [(x.name, x.trainable_weights + x.non_trainable_weights) for x in network.layers]
    inside = {id(w) for _, weights in layers for w in weights}
    outside = [w.path for w in network.weights if id(w) not in inside]
    expect(not outside, f"all weights of {network.name!r} in layers", outside=outside)
    return layers


@contextlib.contextmanager
def _opened(path):
    """Open an untrusted HDF5 file; whatever its damage raises is `InvalidInput`."""
    # Opening a pipe or a device could wait for ever.
    expect(pathlib.Path(path).is_file(), f"a weights file at {path}", path=str(path))
    try:
        with h5py.File(path, "r") as file:
            yield file
    except InvalidInput:
        raise
    # h5py documents no list: damage has raised a dozen classes, even MemoryError.
    except Exception as error:
        reason = " ".join(str(error).split())
        kind = type(error).__name__
        raise InvalidInput(
            f"Expected a readable weights file at {path}. Received: {kind}={reason!r}"
        ) from error
