"""MNIST and LFW: from the network, or from a file or folder of one's own."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import zipfile

import numpy as np

from gan._npy import expect_unit, opened, read_array
from gan._validation import expect
from gan.picture_files import read_pictures

# How others name the arrays of pictures and labels in a .npz file.
_NAMES = {"x_train": "y_train", "x": "y"}


@dataclasses.dataclass(frozen=True, eq=False)
class Digits:
    """Pictures of digits.

    Attributes:
        pictures: float32 array `(N, 28, 28)` in [0, 1].
        labels: None, or int32 array `(N,)`, the digits 0 to 9.
    """

    pictures: np.ndarray
    labels: np.ndarray | None


def load_mnist(path: str | os.PathLike | None = None) -> Digits:
    """Read handwritten digits.

    Args:
        path: None for the training set of MNIST, which Keras loads from the network
            once; or str or `os.PathLike`: a `.npz` file with arrays x_train and
            y_train, as Keras's own, or x and y (labels may be missing), a `.npy` file
            or a folder of pictures, in ten sub-folders 0 to 9 if they have labels.
            Arrays are uint8, or float in [0, 1]; pictures of any size are brought to
            28×28 in grey.

    Returns:
        `Digits`.

    Raises:
        InvalidInput: if the network does not give them, or `path` is something else.
    """
    if path is None:
        import keras

        (pictures, labels), _ = _fetched("MNIST", keras.datasets.mnist.load_data)
        digits = Digits(np.divide(pictures, 255, dtype=np.float32), np.int32(labels))
    elif (pathlib.Path(path) / "0").is_dir():
        digits = _read_labelled_folder(pathlib.Path(path))
    else:
        digits = Digits(*_read(path, (28, 28), 1))
    return digits


def load_lfw(path: str | os.PathLike | None = None) -> np.ndarray:
    """Read colour faces.

    Args:
        path: None for Labeled Faces in the Wild, which scikit-learn loads from the
            network once (the 90×90 pixels in the middle, shrunk); or str or
            `os.PathLike`: a `.npz` file with an array x_train or x, a `.npy` file or a
            folder of pictures. Arrays are `(N, 36, 36, 3)` or, in grey,
            `(N, 36, 36)`, uint8 or float in [0, 1]; pictures of any size are brought
            to 36×36.

    Returns:
        float32 array `(N, 36, 36, 3)` in [0, 1].

    Raises:
        InvalidInput: if the network does not give them, scikit-learn is missing, or
            `path` is something else.
    """
    if path is not None:
        return _read(path, (36, 36), 3)[0]
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError:
        expect(
            False,
            "scikit-learn, which loads LFW (pip install scikit-learn), or pictures of "
            "your own with --data",
            data=None,
        )
    middle = (slice(80, 170), slice(80, 170))
    return _fetched(
        "LFW", lambda: fetch_lfw_people(slice_=middle, resize=0.4, color=True).images
    )


def _fetched(name, fetch):
    try:
        return fetch()
    except Exception as error:
        # Keras raises a bare Exception, scikit-learn whatever the network gave.
        reason = " ".join(str(error).split()) or type(error).__name__
        expected = f"{name} from the network ({reason}); without one, give --data FILE"
        expect(False, expected, data=None)


def _read(path, size, channels):
    """Pictures `(N, *size)` or `(N, *size, 3)` in [0, 1], and labels or None."""
    labels = None
    if pathlib.Path(path).suffix.lower() == ".npz":
        pictures, labels = _read_npz(path, size, channels)
    else:
        pictures, skipped = read_pictures(path, size, colour=channels == 3)
        for name, reason in skipped.items():
            print(f"Skipped {name}: {reason}")
    scale = 255 if pictures.dtype == np.uint8 else 1
    return np.divide(pictures, scale, dtype=np.float32), labels


def _read_npz(path, size, channels):
    with opened(path, ".npz") as file, zipfile.ZipFile(file) as archive:
        lengths = {member.filename: member.file_size for member in archive.infolist()}
        names = [name for name in _NAMES if f"{name}.npy" in lengths]
        expected = f"an array named {' or '.join(_NAMES)}"
        expect(names, expected, path=str(path), arrays=sorted(lengths))
        labels_name = _NAMES[names[0]]
        with archive.open(f"{names[0]}.npy") as member:
            length = lengths[f"{names[0]}.npy"]
            pictures = read_array(member, length, path, (channels,))
        expected = f"pictures of size {size[0]}x{size[1]}"
        fits = pictures.shape[1:3] == size
        expect(fits, expected, path=str(path), shape=pictures.shape)
        if pictures.dtype != np.uint8:
            expect_unit(pictures, path)
        labels = None
        if f"{labels_name}.npy" in lengths:
            with archive.open(f"{labels_name}.npy") as member:
                labels = np.lib.format.read_array(member, allow_pickle=False)
            _expect_labels(labels, len(pictures), path)
            labels = labels.astype(np.int32)
    if channels == 3 and pictures.ndim == 3:
        pictures = np.repeat(pictures[..., None], 3, axis=3)
    return pictures if channels == 3 else pictures.reshape(-1, *size), labels


def _expect_labels(labels, count, path):
    whole = labels.dtype.kind in "iu" and labels.shape == (count,)
    fits = whole and labels.min() >= 0 and labels.max() <= 9
    expected = f"{count} labels from 0 to 9"
    expect(fits, expected, path=str(path), shape=labels.shape, dtype=str(labels.dtype))


def _read_labelled_folder(path):
    missing = [digit for digit in range(10) if not (path / str(digit)).is_dir()]
    expect(not missing, f"ten sub-folders 0 to 9 in {path}", missing=missing)
    parts = [_read(path / str(digit), (28, 28), 1)[0] for digit in range(10)]
    labels = np.repeat(np.arange(10, dtype=np.int32), [len(part) for part in parts])
    return Digits(np.concatenate(parts), labels)
