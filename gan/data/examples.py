"""What the real samples may be drawn from, checked and brought into form."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from gan.errors import expect


def as_real_examples(
    value: object, row_shape: tuple[int, ...], batch_size: int
) -> tf.Tensor | np.memmap | tf.data.Dataset | None:
    """Check real examples and bring them into the form a model draws from.

    Args:
        value: NumPy array, tensor, memory-mapped array, `tf.data.Dataset` of
            batches, or None.
        row_shape: tuple, shape of a row as the discriminator takes it; the data may
            lack its last axis if that is 1.
        batch_size: int, rows in a sample.

    Returns:
        None, the Dataset, the memory-mapped array, or a tensor `(N, *row_shape)`,
        uint8 where `value` is and float32 otherwise.

    Raises:
        InvalidInput: for another type, dtype, shape or length, or numbers that are
            not finite (a memory-mapped array is not read through for them).
    """
    if value is None:
        return None
    if isinstance(value, tf.data.Dataset):
        return _as_dataset(value, row_shape, batch_size)
    expect(
        hasattr(value, "shape") and hasattr(value, "dtype"),
        "real_examples to be a NumPy array, a tensor or a tf.data.Dataset",
        real_examples=value,
    )
    dtype = value.dtype.as_numpy_dtype if tf.is_tensor(value) else value.dtype
    dtype = np.dtype(dtype)
    expect(dtype.kind in "fiu", "real_examples of a numeric dtype", dtype=str(dtype))
    _expect_rows(tuple(value.shape), row_shape)
    expect(
        len(value) >= batch_size,
        f"at least batch_size={batch_size} real examples",
        N=len(value),
    )
    if isinstance(value, np.memmap):
        return value
    if dtype != np.uint8:
        value = tf.cast(value, tf.float32)
        finite = bool(tf.reduce_all(tf.math.is_finite(value)))
        expect(finite, "finite real_examples", real_examples="NaN or infinity in them")
    return tf.reshape(tf.convert_to_tensor(value), (-1, *row_shape))


def as_labelled_examples(
    value: object, row_shape: tuple[int, ...], batch_size: int, classes: int
) -> tuple | tf.data.Dataset | None:
    """Check real examples with labels and bring them into the form of the draws.

    Args:
        value: pair `(rows, labels)`, rows as in `as_real_examples` and labels as in
            `as_labels`; a `tf.data.Dataset` of such pairs of batches (whose labels'
            range is not read through); or None.
        row_shape: tuple, shape of a row as the discriminator takes it.
        batch_size: int, rows in a sample.
        classes: int, number of classes.

    Returns:
        None, the Dataset, or a tuple of what `as_real_examples` and `as_labels` give.

    Raises:
        InvalidInput: if either is not of its form, or their lengths differ.
    """
    if value is None:
        return None
    if isinstance(value, tf.data.Dataset):
        spec = value.element_spec
        pair = isinstance(spec, tuple) and len(spec) == 2
        expect(pair, "a Dataset of pairs (rows, labels)", element_spec=spec)
        _as_dataset(value.map(lambda rows, labels: rows), row_shape, batch_size)
        expected = "labels in the Dataset that are integers of shape (batch,)"
        labels = isinstance(spec[1], tf.TensorSpec) and spec[1].dtype.is_integer
        expect(labels and spec[1].shape[1:] in ((), (1,)), expected, labels=spec[1])
        return value
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    expect(
        pair and hasattr(value[0], "shape"),
        "real_examples to be a pair of arrays (rows, labels) or a tf.data.Dataset",
        real_examples=value,
    )
    rows = as_real_examples(value[0], row_shape, batch_size)
    labels = as_labels(value[1], classes)
    expect(
        len(labels) == len(rows),
        f"a label for each of {len(rows)} real examples",
        labels=len(labels),
    )
    return rows, labels


def as_labels(labels: npt.ArrayLike, classes: int) -> tf.Tensor:
    """Check class labels.

    Args:
        labels: array, tensor or list of integers in [0, classes), `(N,)` or `(N, 1)`.
        classes: int, number of classes.

    Returns:
        Int32 tensor `(N,)`.

    Raises:
        InvalidInput: for another dtype, shape or range.
    """
    labels = np.asarray(labels)
    shaped = labels.ndim >= 1 and labels.shape[1:] in ((), (1,)) and labels.size > 0
    expect(shaped, "labels of shape (N,)", shape=labels.shape)
    expect(labels.dtype.kind in "iu", "integer labels", dtype=str(labels.dtype))
    for label in (labels.min(), labels.max()):
        inside = 0 <= label < classes
        expect(inside, f"labels from 0 to {classes - 1}", label=int(label))
    return tf.constant(labels.reshape(-1), tf.int32)


def count_rows(real_examples: object) -> int:
    """Number of rows of `real_examples`, of labelled ones too."""
    return len(real_examples[0] if isinstance(real_examples, tuple) else real_examples)


def take(
    real_examples: object, numbers: tf.Tensor
) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """The rows of these numbers, with their labels if they have any.

    Args:
        real_examples: what `as_real_examples` or `as_labelled_examples` gave, not a
            Dataset.
        numbers: int64 tensor `(size,)`.

    Returns:
        Tensor `(size, …)` of the data's dtype, or a tuple of two.
    """
    if isinstance(real_examples, tuple):
        return tuple(take(part, numbers) for part in real_examples)
    if not isinstance(real_examples, np.memmap):
        return tf.gather(real_examples, numbers)
    dtype = real_examples.dtype
    rows = tf.numpy_function(lambda i: real_examples[i], [numbers], dtype)
    rows.set_shape((*numbers.shape, *real_examples.shape[1:]))
    return rows


def take_first(
    dataset: tf.data.Dataset, size: int
) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """The first `size` rows of the Dataset `dataset`, as `take` gives them.

    Raises:
        InvalidInput: if it has fewer.
    """
    sample = next(iter(dataset.unbatch().batch(size)))
    rows = count_rows(sample)
    expect(rows == size, f"a Dataset of at least {size} rows", rows=rows)
    return sample


def equal(value: object, other: object) -> bool:
    """Whether checked `value` and `other` are the same or hold the same numbers."""
    if value is other:
        return True
    if isinstance(value, tuple) and isinstance(other, tuple):
        return all(equal(a, b) for a, b in zip(value, other, strict=True))
    if not (tf.is_tensor(value) and tf.is_tensor(other)):
        return False
    same = value.shape == other.shape and value.dtype == other.dtype
    return same and bool(tf.reduce_all(value == other))


def count_batches(real_examples: object, batch_size: int) -> int:
    """Batches of `batch_size` in once through `real_examples`, at least one.

    Raises:
        InvalidInput: for a Dataset without a known length.
    """
    if not isinstance(real_examples, tf.data.Dataset):
        return math.ceil(count_rows(real_examples) / batch_size)
    count = int(real_examples.cardinality())
    expected = "steps_per_epoch for a Dataset of unknown length"
    expect(count >= 1, expected, steps_per_epoch=None)
    return count


def endless_batches(
    real_examples: object,
    batch_size: int,
    strategy: tf.distribute.Strategy | None = None,
) -> Iterator | None:
    """Iterator without end over a Dataset's batches of equal size; else None.

    Args:
        real_examples: what `as_real_examples` gave.
        batch_size: int, rows of the joint batch.
        strategy: `tf.distribute.Strategy`, which shares each batch out over its
            replicas and the files or rows over its workers; or None.
    """
    if not isinstance(real_examples, tf.data.Dataset):
        return None
    dataset = real_examples.repeat().rebatch(batch_size, drop_remainder=True)
    dataset = dataset.prefetch(2)
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return iter(dataset)
    return iter(strategy.experimental_distribute_dataset(dataset))


def _expect_rows(shape, row_shape):
    rows = shape[1:]
    fits = rows == row_shape or (row_shape[-1] == 1 and (*rows, 1) == row_shape)
    expect(
        len(shape) >= 1 and fits,
        f"real_examples of shape (N, {', '.join(map(str, row_shape))}), as the "
        "discriminator takes",
        shape=shape,
    )


def _as_dataset(dataset, row_shape, batch_size):
    spec = dataset.element_spec
    expect(
        isinstance(spec, tf.TensorSpec) and spec.shape.rank is not None,
        "a Dataset whose elements are batches of real rows, one tensor each",
        element_spec=spec,
    )
    _expect_rows(tuple(spec.shape), row_shape)
    expect(
        spec.dtype.is_floating or spec.dtype.is_integer,
        "a Dataset of a numeric dtype",
        dtype=spec.dtype.name,
    )
    expect(int(dataset.cardinality()) != 0, "a Dataset that is not empty", batches=0)
    expect(
        spec.shape[0] in (None, batch_size),
        f"a Dataset of batches of batch_size={batch_size} rows",
        rows=spec.shape[0],
    )
    return dataset
