"""Class labels, of whatever a user has them in."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.errors import require, shown


def as_labels(labels: npt.ArrayLike, classes: int) -> tf.Tensor:
    """Check class labels.

    Args:
        labels: array, tensor, Series or list of whole numbers in [0, classes), of any
            dtype, `(N,)` or `(N, 1)`; those of a graph that is being traced are taken
            as they are.
        classes: int, number of classes.

    Returns:
        Int32 tensor `(N,)`.

    Raises:
        InvalidInput: for another dtype, shape or range.
    """
    if tf.is_tensor(labels) and not hasattr(labels, "numpy"):
        return labels
    array = to_numpy(labels)
    array = array[:, 0] if array.shape[1:] == (1,) else array
    require(
        array.dtype.kind in "fiub",
        f"The labels must be whole numbers from 0 to {classes - 1}, but they are "
        f"{array.dtype}: names, numbers = numpy.unique(labels, return_inverse=True) "
        "makes numbers of names.",
        "labels",
    )
    require(
        array.ndim == 1 and array.size > 0,
        f"The labels must have the shape (N,), but they have {array.shape}: "
        "labels.argmax(axis=1) makes numbers of one-hot rows.",
        "labels",
    )
    inside = np.isfinite(array) if array.dtype.kind == "f" else np.full(1, True)
    inside = inside & (array >= 0) & (array < classes) & (array == np.floor(array))
    require(
        inside.all(),
        f"The labels must be whole numbers from 0 to {classes - 1}, the classes that "
        f"the networks embed, but they lie in [{shown(array.min())}, "
        f"{shown(array.max())}].",
        "labels",
    )
    return tf.constant(array.astype(np.int32))


def to_numpy(value: Any) -> np.ndarray:
    """A NumPy array of what may be a pandas object with columns of several kinds."""
    array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    if array.dtype == object and hasattr(value, "to_numpy"):
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array
