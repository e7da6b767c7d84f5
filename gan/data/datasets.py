"""Pictures with their classes: MNIST and LFW, downloaded, or those of one's own."""

from __future__ import annotations

import dataclasses
import pathlib
import warnings
import zipfile

import numpy as np

from gan.data.pictures import (
    progress,
    read_array,
    read_picture_array,
    read_pictures,
    tell_skipped,
)
from gan.errors import StrPath, expect, expect_path

# How others name the array of labels in a .npz file.
_LABELS = ("y_train", "y")


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
        names = [] if self.labels is None else [str(digit) for digit in range(10)]
        pictures = np.rint(255 * self.pictures[..., None]).astype(np.uint8)
        return Pictures(pictures, self.labels, names)


@dataclasses.dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one's own.

    Attributes:
        pictures: uint8 array `(N, h, w, 1)` or `(N, h, w, 3)`.
        labels: `None`, or int32 array `(N,)`, numbers of `names`.
        names: list of str, what the file or the folder calls the classes.
    """

    pictures: np.ndarray
    labels: np.ndarray | None
    names: list[str]


def load_own(
    path: StrPath,
    size: int | tuple[int, int] | None = None,
    colour: bool | None = None,
    labelled: bool = True,
) -> Pictures:
    """Read pictures of any size and format, with their classes where there are any.

    Args:
        path: str or `os.PathLike`: a folder, whose sub-folders are classes if it holds
            at least two of them and, but for hidden files, nothing else; an `.npy`
            file; or an `.npz` file with pictures x_train or x, and perhaps labels
            y_train or y.
        size: int, a multiple of 4 from 8, of both sides; or a pair of any height and
            width; `None`: 32 for a folder, for an array its own, made smaller where
            that is no such multiple or above 64.
        colour: bool, or `None`: colour where the pictures have any.
        labelled: bool, `False` leaves the classes out.

    Returns:
        `Pictures`.

    Raises:
        InvalidInput: if there is no picture at `path`, or the labels do not fit.
    """
    path = expect_path(pictures=path)
    if size is not None and not isinstance(size, tuple):
        fits = isinstance(size, int) and size >= 8 and size % 4 == 0
        expect(fits, "size to be a multiple of 4, from 8", size=size)
    expect(path.exists(), "an existing folder or file", pictures=str(path))
    sides = size if isinstance(size, tuple) else (size or 32,) * 2
    if path.is_dir():
        # A Mac leaves .DS_Store beside the classes, Jupyter .ipynb_checkpoints.
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        classes = labelled and len(inside) > 1 and all(p.is_dir() for p in inside)
        parts = inside if classes else [path]
        names = [part.name for part in inside] if classes else []
    else:
        parts, names = [path], []
        if size is None:
            shape = read_picture_array(path, (1, 3)).shape
            sides = tuple(max(min(side, 64) // 4 * 4, 8) for side in shape[1:3])
    read = [_read_bytes(part, sides, colour) for part in parts]
    if colour is None and not any(_has_colour(part) for part in read):
        read = [part[..., :1] for part in read]
    pictures, labels = np.concatenate(read), None
    if names:
        labels = np.repeat(np.arange(len(names)), [len(part) for part in read])
    elif labelled and zipfile.is_zipfile(path):
        labels, names = _read_own_labels(path, len(pictures))
    return Pictures(pictures, None if labels is None else np.int32(labels), names)


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
    path = expect_path(data=path)
    folders = [pathlib.Path(path, str(digit)) for digit in range(10)]
    if any(folder.is_dir() for folder in folders):
        return _read_labelled_folders(folders)
    pictures = _read(path, (28, 28))
    return Digits(pictures, _read_labels(path, len(pictures)))


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
        return _read(path, (36, 36), colour=True)
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


def _read(path, size, colour=False):
    """Float32 pictures `(N, *size)` or `(N, *size, 3)` in [0, 1]."""
    pictures, skipped = read_pictures(path, size, colour, watch=progress)
    tell_skipped(skipped)
    return np.divide(pictures, 255, dtype=np.float32)


def _read_bytes(path, size, colour):
    """Uint8 pictures `(N, *size, 1)` or `(N, *size, 3)`."""
    grey = colour is False
    pictures, skipped = read_pictures(path, size, not grey, watch=progress)
    tell_skipped(skipped)
    return pictures[..., None] if grey else pictures


def _has_colour(pictures):
    """Whether more than a hundredth of the pixels are not grey."""
    return np.mean(np.ptp(pictures, axis=3) > 8) > 0.01


def _read_own_labels(path, count):
    """Numbers of the classes of an .npz file, and their names; `None` without."""
    labels = read_array(path, _LABELS)
    if labels is None:
        return None, []
    fits = labels.dtype.kind in "iuU" and labels.shape == (count,)
    form = {"shape": labels.shape, "dtype": str(labels.dtype)}
    expect(fits, f"{count} labels, whole numbers or texts", path=str(path), **form)
    names, numbers = np.unique(labels, return_inverse=True)
    return numbers, [str(name) for name in names]


def _read_labels(path, count):
    """Int32 `(count,)`, or `None` where the file at the path holds no labels."""
    labels = read_array(path, _LABELS) if zipfile.is_zipfile(path) else None
    if labels is None:
        return None
    fits = labels.dtype.kind in "iu" and labels.shape == (count,)
    form = {"shape": labels.shape, "dtype": str(labels.dtype)}
    expect(fits, f"{count} labels from 0 to 9", path=str(path), **form)
    span = {"lowest": int(labels.min()), "highest": int(labels.max())}
    fits = span["lowest"] >= 0 and span["highest"] <= 9
    expect(fits, "labels from 0 to 9", path=str(path), **span)
    return labels.astype(np.int32)


def _read_labelled_folders(folders):
    missing = [folder.name for folder in folders if not folder.is_dir()]
    expected = f"ten sub-folders 0 to 9 in {folders[0].parent}"
    expect(not missing, expected, missing=missing)
    parts = [_read(folder, (28, 28)) for folder in folders]
    labels = np.repeat(np.arange(10, dtype=np.int32), [len(part) for part in parts])
    return Digits(np.concatenate(parts), labels)
