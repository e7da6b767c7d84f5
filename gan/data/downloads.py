"""Loads MNIST, Fashion-MNIST, Labeled Faces in the Wild or a user's pictures."""

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
    """Reads handwritten digits.

    Args:
        path: `None` for the training set of MNIST, which Keras downloads once; or str
            or `os.PathLike` of pictures for `gan.data.pictures.read_pictures`, with
            classes 0 to 9 or without classes.
        labelled: bool, whether to read the classes at `path`.
        kept: as in `gan.data.pictures.read_pictures`.

    Returns:
        `gan.data.pictures.Pictures` of 28×28 grey pixels, whose labels are the digits.

    Raises:
        InvalidInput: if the download fails, or `path` holds something else.
    """
    return _load("MNIST", "mnist", path, labelled, kept)


def load_fashion(
    path: StrPath | None = None, labelled: bool = True, kept: KeptFile | None = None
) -> Pictures:
    """Reads the clothes of Fashion-MNIST, as `load_mnist` reads digits."""
    return _load("Fashion-MNIST", "fashion_mnist", path, labelled, kept)


def load_lfw(path: StrPath | None = None, kept: KeptFile | None = None) -> Pictures:
    """Reads colour faces.

    Args:
        path: `None` for Labeled Faces in the Wild, which scikit-learn downloads once
            (the middle 90×90 pixels, shrunk); or str or `os.PathLike` of pictures for
            `gan.data.pictures.read_pictures`.
        kept: as in `gan.data.pictures.read_pictures`.

    Returns:
        `gan.data.pictures.Pictures` of 36×36 colour pixels, without labels.

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
    """Pictures of ten classes, downloaded by Keras or read from a path."""
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
        # Keras raises Exception, scikit-learn the error of the download.
        reason = " ".join(str(error).split()) or type(error).__name__
        require(False, f"{name} could not be downloaded ({reason}); {_OWN}.", "path")
