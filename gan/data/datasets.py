"""Pictures with their classes: MNIST and LFW, downloaded, or those of one's own."""

from __future__ import annotations

import dataclasses
import os
import warnings

import numpy as np

from gan.data.pictures import Pictures, read_pictures
from gan.errors import StrPath, expect, expect_path

_TEN = [str(number) for number in range(10)]


@dataclasses.dataclass(frozen=True, eq=False)
class Digits:
    """Pictures of digits.

    Attributes:
        pictures: float32 array `(N, 28, 28)` in [0, 1].
        labels: None, or int32 array `(N,)`, the digits 0 to 9.
    """

    pictures: np.ndarray
    labels: np.ndarray | None

    def as_pictures(self) -> Pictures:
        """The same as `Pictures`, bytes with one channel."""
        names = [] if self.labels is None else _TEN
        pictures = np.rint(255 * self.pictures[..., None]).astype(np.uint8)
        return Pictures(pictures, self.labels, names)


def load_own(
    path: StrPath,
    size: int | None = None,
    colour: bool | None = None,
    labelled: bool = True,
) -> Pictures:
    """Read pictures of any size and format, with their classes where there are any.

    Args:
        path: str or `os.PathLike`: a folder, whose sub-folders are classes if it holds
            at least two of them and, but for hidden files, nothing else; an `.npy`
            file; or an `.npz` file with pictures x_train or x, and perhaps labels
            y_train or y.
        size: int, a multiple of 4 from 8, of both sides; `None`: 32 for a folder, for
            an array its own, made smaller where that is no such multiple or above 64.
        colour: bool, or `None`: colour where the pictures have any.
        labelled: bool, `False` leaves the classes out.

    Returns:
        `Pictures`.

    Raises:
        InvalidInput: if there is no picture at `path`, or the labels do not fit.
    """
    path = expect_path(pictures=path)
    if size is not None:
        fits = isinstance(size, int) and size >= 8 and size % 4 == 0
        expect(fits, "size to be a multiple of 4, from 8", size=size)
        size = size, size
    return read_pictures(path, size, colour, labelled)


def load_mnist(path: StrPath | None = None) -> Digits:
    """Read handwritten digits.

    Args:
        path: None for the training set of MNIST, which Keras downloads once; or str or
            `os.PathLike`: a `.npz` file with arrays x_train and
            y_train, as Keras's own, or x and y (labels may be missing), a `.npy` file
            or a folder of pictures, in ten sub-folders 0 to 9 if they have labels.
            Arrays are `(N, h, w)`, `(N, h, w, 1)` or `(N, h, w, 3)`, uint8 or float
            in [0, 1]; all pictures are brought to 28×28 in grey of 8 bits, as by
            `gan.data.pictures.read_pictures`.

    Returns:
        `Digits`.

    Raises:
        InvalidInput: if the download fails, or `path` is something else.
    """
    if path is None:
        import keras

        (pictures, labels), _ = _fetched("MNIST", keras.datasets.mnist.load_data)
        return Digits(np.divide(pictures, 255, dtype=np.float32), np.int32(labels))
    data = read_pictures(expect_path(data=path), (28, 28), colour=False)
    print(data.said, flush=True)
    return Digits(data.floats(), _ten_labels(data, path))


def load_fashion(path: StrPath | None = None) -> Digits:
    """Read clothes, ten classes of them, as `load_mnist` reads digits.

    Args:
        path: None for the training set of Fashion-MNIST, which Keras downloads once;
            or as of `load_mnist`.

    Returns:
        `Digits`, whose classes are those of Fashion-MNIST.

    Raises:
        InvalidInput: if the download fails, or `path` is something else.
    """
    if path is not None:
        return load_mnist(path)
    import keras

    data = _fetched("Fashion-MNIST", keras.datasets.fashion_mnist.load_data)
    pictures, labels = data[0]
    return Digits(np.divide(pictures, 255, dtype=np.float32), np.int32(labels))


def load_lfw(path: StrPath | None = None) -> np.ndarray:
    """Read colour faces.

    Args:
        path: None for Labeled Faces in the Wild, which scikit-learn downloads
            once (the 90×90 pixels in the middle, shrunk); or str or
            `os.PathLike`: a `.npz` file with an array x_train or x, a `.npy` file or a
            folder of pictures. Arrays are `(N, h, w, 3)` or, in grey, `(N, h, w)` or
            `(N, h, w, 1)`, uint8 or float in [0, 1]; all pictures are brought to
            36×36 in colours of 8 bits, as by `gan.data.pictures.read_pictures`.

    Returns:
        float32 array `(N, 36, 36, 3)` in [0, 1].

    Raises:
        InvalidInput: if the download fails, scikit-learn is missing, or
            `path` is something else.
    """
    if path is not None:
        data = read_pictures(path, (36, 36), colour=True, labelled=False)
        print(data.said, flush=True)
        return data.floats()
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError:
        expect(
            False,
            "scikit-learn, which loads LFW (the extra gan[lfw], or pip install "
            "scikit-learn), or pictures of your own with --pictures",
            data=None,
        )
    middle = (slice(80, 170), slice(80, 170))
    return _fetched(
        "LFW", lambda: fetch_lfw_people(slice_=middle, resize=0.4, color=True).images
    )


def _fetched(name, fetch):
    try:
        with warnings.catch_warnings():
            # scikit-learn warns before each of its retries.
            warnings.simplefilter("ignore")
            return fetch()
    except Exception as error:
        # Keras raises a bare Exception, scikit-learn whatever the download gave.
        reason = " ".join(str(error).split()) or type(error).__name__
        expected = f"{name} to download ({reason}); without that, give --pictures PATH"
        expect(False, expected, data=None)


def _ten_labels(data, path):
    """The classes of `Pictures` as numbers from 0 to 9, where there are any."""
    if data.labels is None:
        return None
    others = [name for name in data.names if name not in _TEN]
    expect(not others, "labels from 0 to 9", path=str(path), labels=others)
    missing = [name for name in _TEN if name not in data.names]
    expected = f"ten sub-folders 0 to 9 in {path}"
    expect(not (missing and os.path.isdir(path)), expected, missing=missing)
    return np.array([int(name) for name in data.names], np.int32)[data.labels]
