"""Conditions, class labels or vectors, of whatever a user has them in."""

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
        f"The labels must be whole numbers from 0 to {classes - 1}, because the "
        f"networks have {classes} classes, but they lie in [{shown(array.min())}, "
        f"{shown(array.max())}].",
        "labels",
    )
    return tf.constant(array.astype(np.int32))


def as_conditions(
    condition: npt.ArrayLike,
    classes: int | None,
    shape: tuple[int, ...],
    name: str = "labels",
) -> tf.Tensor:
    """Check what examples are to be conditioned on.

    Args:
        condition: labels as of `as_labels`; or an array, tensor or DataFrame of
            numbers or truth values `(N, *shape)`.
        classes: int, number of classes, or `None` for numbers.
        shape: tuple, of one condition as the networks take it; `()` for a label.
        name: str, what the argument is called in errors.

    Returns:
        Int32 tensor `(N,)` of labels, or float32 tensor `(N, *shape)`; bytes, which are
        pictures, as they are.

    Raises:
        InvalidInput: for another dtype, shape or range.
    """
    if shape == ():
        return as_labels(condition, classes or 0)
    if tf.is_tensor(condition) and not hasattr(condition, "numpy"):
        return condition
    array = to_numpy(condition)
    sizes = ", ".join(["N", *map(str, shape)])
    # A last axis of one number may be missing.
    array = array[..., None] if (*array.shape[1:], 1) == shape else array
    require(
        array.dtype.kind in "fiub" and array.shape[1:] == shape and len(array) > 0,
        f"The conditions must be numbers of the shape ({sizes}), as the networks take "
        f"them, but they are {array.dtype} of shape {array.shape}.",
        name,
    )
    if array.dtype != np.uint8 or len(shape) < 3:
        array = array.astype(np.float32)
    said = "The conditions hold NaN or infinity: leave out or replace them."
    require(np.isfinite(array).all(), said, name)
    return tf.constant(array)


def to_numpy(value: Any) -> np.ndarray:
    """A NumPy array of what may be a pandas object with columns of several kinds."""
    array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    if array.dtype == object and hasattr(value, "to_numpy"):
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array
