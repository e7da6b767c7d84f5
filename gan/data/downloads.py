"""MNIST, Fashion-MNIST and Labeled Faces in the Wild, or pictures of one's own."""

from __future__ import annotations

import dataclasses
import os
import warnings

import numpy as np

from gan.data.kept import KeptFile
from gan.data.pictures import Pictures, read_pictures
from gan.errors import StrPath, require, shown

_OWN = "try again, or give pictures of your own by --pictures PATH"
_TEN = [str(number) for number in range(10)]


def load_mnist(
    path: StrPath | None = None, labelled: bool = True, kept: KeptFile | None = None
) -> Pictures:
    """Read handwritten digits.

    Args:
        path: `None` for the training set of MNIST, which Keras downloads once; or str
            or `os.PathLike`, what `gan.data.pictures.read_pictures` reads, with classes
            0 to 9 or without.
        labelled: bool, `False` leaves out the classes of what is read from `path`.
        kept: as of `gan.data.pictures.read_pictures`.

    Returns:
        `gan.data.pictures.Pictures` of 28×28 in grey, whose labels are the digits.

    Raises:
        InvalidInput: if the download fails, or `path` holds something else.
    """
    return _load("MNIST", "mnist", path, labelled, kept)


def load_fashion(
    path: StrPath | None = None, labelled: bool = True, kept: KeptFile | None = None
) -> Pictures:
    """Read clothes of Fashion-MNIST, as `load_mnist` reads digits."""
    return _load("Fashion-MNIST", "fashion_mnist", path, labelled, kept)


def load_lfw(path: StrPath | None = None, kept: KeptFile | None = None) -> Pictures:
    """Read colour faces.

    Args:
        path: `None` for Labeled Faces in the Wild, which scikit-learn downloads once
            (the 90×90 pixels in the middle, shrunk); or str or `os.PathLike`, what
            `gan.data.pictures.read_pictures` reads.
        kept: as of `gan.data.pictures.read_pictures`.

    Returns:
        `gan.data.pictures.Pictures` of 36×36 in colour, without labels.

    Raises:
        InvalidInput: if the download fails, scikit-learn is missing, or `path` holds
            something else.
    """
    if path is not None:
        return read_pictures(path, (36, 36), True, False, kept=kept)
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError:
        said = "LFW needs the package scikit-learn (pip install 'keras-gan[lfw]'); "
        require(False, f"{said}{_OWN}.", "path")
    middle = (slice(80, 170), slice(80, 170))
    faces = _fetched(
        "LFW", lambda: fetch_lfw_people(slice_=middle, resize=0.4, color=True).images
    )
    return Pictures(np.rint(255 * faces).astype(np.uint8))


def _load(title, name, path, labelled, kept):
    """Pictures of ten classes that Keras downloads, or those of a path."""
    if path is None:
        import keras

        data = _fetched(title, getattr(keras.datasets, name).load_data)
        pictures, labels = data[0]
        return Pictures(pictures[..., None], np.int32(labels), _TEN)
    read = read_pictures(path, (28, 28), False, labelled, kept=kept)
    if read.labels is None:
        return read
    others = [name for name in read.names if name not in _TEN]
    said = f"The labels of {shown(str(path))} must lie from 0 to 9, but there are "
    require(not others, f"{said}{shown(others)}.", "path")
    missing = [name for name in _TEN if name not in read.names and os.path.isdir(path)]
    said = f"The folder {shown(str(path))} must have ten sub-folders 0 to 9; add "
    require(not missing, f"{said}{', '.join(missing)}.", "path")
    labels = np.int32([int(name) for name in read.names])[read.labels]
    return dataclasses.replace(read, labels=labels, names=_TEN)


def _fetched(name, fetch):
    try:
        with warnings.catch_warnings():
            # scikit-learn warns before each of its retries.
            warnings.simplefilter("ignore")
            return fetch()
    except Exception as error:
        # Keras raises a bare Exception, scikit-learn whatever the download gave.
        reason = " ".join(str(error).split()) or type(error).__name__
        require(False, f"{name} could not be downloaded ({reason}); {_OWN}.", "path")
