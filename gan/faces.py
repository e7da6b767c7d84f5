"""Reads sets of grey pictures, scales them and undoes the scaling."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gan.data.arrays import expect_size, read_picture_array
from gan.errors import StrPath, expect_array, require


@dataclasses.dataclass(frozen=True, eq=False)
class Faces:
    """A set of pictures, with the mean and the factors that normalize it.

    Attributes:
        pictures: float32 array of shape `(N, h, w)` with values in [0, 1].
        mean_face: float32 array of shape `(h, w)` with values in [0, 1].
        multiplier: float32 array of shape `(h, w)` with values in [0, 1], the
            largest |pictures| of each pixel.
        normalized: float32 array of shape `(N, h, w)` with values in [-1, 1],
            `(pictures - mean_face) / multiplier`.
    """

    pictures: np.ndarray
    mean_face: np.ndarray
    multiplier: np.ndarray
    normalized: np.ndarray

    def recover(self, x: npt.ArrayLike) -> np.ndarray:
        """Convert normalized values back to pictures, see `gan.faces.recover`."""
        return recover(x, self.mean_face, self.multiplier)


def load_faces(path: StrPath, size: tuple[int, int] = (16, 16)) -> Faces:
    """Read a set of faces and normalize it.

    Args:
        path: str or `os.PathLike`, a file that `load_pictures` reads.
        size: pair of ints, the expected height and width.

    Returns:
        `Faces`.

    Raises:
        InvalidInput: if the file does not hold pictures of this size.
    """
    expect_size(size)
    pictures = load_pictures(path)
    require(
        pictures.shape[1:] == tuple(size),
        f"The argument path must name pictures of {size[0]}x{size[1]}, but those of "
        f"{path} have {pictures.shape[1]}x{pictures.shape[2]}.",
        "path",
    )
    mean_face = np.float32(pictures.mean(axis=0, dtype=np.float64))
    multiplier = np.abs(pictures).max(axis=0)
    normalized = normalize(pictures, mean_face, multiplier)
    return Faces(pictures, mean_face, multiplier, normalized)


def load_pictures(path: StrPath) -> np.ndarray:
    """Reads grey pictures from a `.npy` file, which may be untrusted.

    No code in the file is executed, and memory is allocated only if the header agrees
    with the length of the file.

    Args:
        path: str or `os.PathLike`. The file holds an array of shape `(N, h, w)`
            or `(N, h, w, 1)`, either uint8 or float with values in [0, 1].

    Returns:
        float32 array of shape `(N, h, w)` with values in [0, 1]; uint8 values
        are divided by 255.

    Raises:
        InvalidInput: if the file is missing, not a regular file or damaged, or does not
            hold such an array.
    """
    array = read_picture_array(path)
    if array.dtype == np.uint8:
        return np.divide(array, 255, dtype=np.float32)
    return np.array(array, np.float32)


def normalize(
    pictures: npt.ArrayLike, mean_face: npt.ArrayLike, multiplier: npt.ArrayLike
) -> np.ndarray:
    """Centre and scale pictures.

    Args:
        pictures: float array of shape `(…, h, w)` or `(…, h, w, 1)`, in [0, 1].
        mean_face: float array of shape `(h, w)`, in [0, 1].
        multiplier: float array of shape `(h, w)`, in [0, 1]; where it is 0, no scaling
            happens.

    Returns:
        float32 array of shape `(…, h, w)`, about in [-1, 1].

    Formula:

        normalized = (pictures - mean_face) / multiplier
    """
    arrays = _arrays("pictures", pictures, mean_face, multiplier)
    pictures, mean_face, multiplier = arrays
    return (pictures - mean_face) / np.where(multiplier == 0, 1, multiplier)


def recover(
    x: npt.ArrayLike, mean_face: npt.ArrayLike, multiplier: npt.ArrayLike
) -> np.ndarray:
    """Converts normalized values, such as a generator's outputs, to pictures.

    Args:
        x: float array of shape `(…, h, w)` or `(…, h, w, 1)`, about in [-1, 1].
        mean_face: float array of shape `(h, w)`, in [0, 1].
        multiplier: float array of shape `(h, w)`, in [0, 1].

    Returns:
        float32 array of shape `(…, h, w)`, about in [0, 1].

    Formula:

        pictures = x * multiplier + mean_face
    """
    x, mean_face, multiplier = _arrays("x", x, mean_face, multiplier)
    return x * multiplier + mean_face


def _arrays(name, x, mean_face, multiplier):
    mean_face = np.float32(expect_array((None, None), mean_face=mean_face))
    size = mean_face.shape
    multiplier = np.float32(expect_array(size, multiplier=multiplier))
    x = np.float32(x)
    x = x[..., 0] if x.shape[-3:] == (*size, 1) else x
    require(
        x.shape[-2:] == size,
        f"The argument {name} must have the shape (…, {size[0]}, {size[1]}), as "
        f"mean_face has, but it has {x.shape}.",
        name,
    )
    return x, mean_face, multiplier
