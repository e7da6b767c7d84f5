"""Checks of class labels and other conditions, from arrays of many kinds."""

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
            dtype, `(N,)` or `(N, 1)`. Symbolic tensors of a graph are not checked.
        classes: int, number of classes.

    Returns:
        Int32 tensor `(N,)`.

    Raises:
        InvalidInput: if the dtype, shape or range is wrong.
    """
    if tf.is_tensor(labels) and not hasattr(labels, "numpy"):
        return labels
    array = to_numpy(labels)
    array = array[:, 0] if array.shape[1:] == (1,) else array
    require(
        array.dtype.kind in "fiub",
        f"The labels must be whole numbers from 0 to {classes - 1}, but they are "
        f"{array.dtype}: names, numbers = numpy.unique(labels, return_inverse=True) "
        "converts names to numbers.",
        "labels",
    )
    require(
        array.ndim == 1 and array.size > 0,
        f"The labels must have the shape (N,), but they have {array.shape}: "
        "labels.argmax(axis=1) converts one-hot rows to numbers.",
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
    """Checks conditions.

    Args:
        condition: labels as in `as_labels`; or an array, tensor or DataFrame of numbers
            or bools `(N, *shape)`.
        classes: int, number of classes, or `None` if conditions are not labels.
        shape: tuple, shape of one condition as the networks take it; `()` for a label.
        name: str, the name of the argument in errors.

    Returns:
        Int32 tensor `(N,)` of labels, or float32 tensor `(N, *shape)`; uint8 arrays,
        which are pictures, stay uint8.

    Raises:
        InvalidInput: if the dtype, shape or range is wrong.
    """
    if shape == ():
        return as_labels(condition, classes or 0)
    if tf.is_tensor(condition) and not hasattr(condition, "numpy"):
        return condition
    array = to_numpy(condition)
    sizes = ", ".join(["N", *map(str, shape)])
    # A last axis of size 1 may be missing.
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
    """Convert to a NumPy array, also pandas objects with columns of several dtypes."""
    array = value.to_numpy() if hasattr(value, "to_numpy") else np.asarray(value)
    if array.dtype == object and hasattr(value, "to_numpy"):
        try:
            return value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return array
    return array
